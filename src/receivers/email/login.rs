//! Logins by PLAIN and LOGIN. lettre insists on certain prompts, but servers use any wording.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::response::Response;
use secrecy::ExposeSecret;
use tokio::time::Instant;

use super::connection::{Connection, unfit};
use super::failure::{SmtpFailure, SmtpStage, SmtpTrouble};
use crate::receivers::email::address::Login;

/// Logs in with what the server offers.
pub(super) async fn log_in(connection: &mut Connection, login: &Login, by: Instant) -> Result<(), SmtpFailure> {
    let (plain, by_prompts) = (connection.offers(Mechanism::Plain), connection.offers(Mechanism::Login));
    if !plain && !by_prompts {
        return unfit(SmtpStage::Login, "the server offers no login by PLAIN or LOGIN");
    }
    if plain {
        let mut result = plain_at_once(connection, login, by).await;
        // A few servers accept the secret only after a prompt.
        if matches!(result, Err(SmtpFailure { trouble: SmtpTrouble::Code { code: 501, .. }, .. })) {
            result = plain_when_asked(connection, login, by).await;
        }
        if !(by_prompts && result.as_ref().is_err_and(is_not_understood)) {
            return result;
        }
    }
    prompts(connection, login, by).await
}

/// Whether the server does not know the command in this form, which does not concern user and password.
fn is_not_understood(failure: &SmtpFailure) -> bool {
    matches!(failure.trouble, SmtpTrouble::Code { code: 500..=504, .. })
}

/// PLAIN with the secret on the same line, and again on the next line if the server asks for it.
async fn plain_at_once(connection: &mut Connection, login: &Login, by: Instant) -> Result<(), SmtpFailure> {
    let secret = plain(login);
    let mut answer = connection.say(by, &format!("AUTH PLAIN {secret}")).await?;
    if asks(&answer) {
        answer = connection.say(by, &secret).await?;
    }
    accepted(&answer)
}

async fn plain_when_asked(connection: &mut Connection, login: &Login, by: Instant) -> Result<(), SmtpFailure> {
    let mut answer = connection.say(by, "AUTH PLAIN").await?;
    if asks(&answer) {
        answer = connection.say(by, &plain(login)).await?;
    }
    accepted(&answer)
}

/// LOGIN: first the user, then the password, whatever the prompts say; if the first prompt asks for the password, that
/// is sent first.
async fn prompts(connection: &mut Connection, login: &Login, by: Instant) -> Result<(), SmtpFailure> {
    let (user, password) = (STANDARD.encode(&login.user), STANDARD.encode(login.password.expose_secret()));
    let mut answer = connection.say(by, "AUTH LOGIN").await?;
    let mut words = [user, password];
    if asks_for_a_password(&answer) {
        words.reverse();
    }
    for word in words {
        if !asks(&answer) {
            break;
        }
        answer = connection.say(by, &word).await?;
    }
    accepted(&answer)
}

fn plain(login: &Login) -> String {
    STANDARD.encode(format!("\0{}\0{}", login.user, login.password.expose_secret()))
}

fn asks(answer: &Response) -> bool {
    answer.has_code(334)
}

fn asks_for_a_password(answer: &Response) -> bool {
    let prompt = answer.first_line().unwrap_or_default().trim();
    let decoded = STANDARD.decode(prompt).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.as_deref().unwrap_or(prompt).to_lowercase().trim_start().starts_with("pass")
}

fn accepted(answer: &Response) -> Result<(), SmtpFailure> {
    let said_yes = answer.has_code(235);
    if said_yes { Ok(()) } else { Err(SmtpFailure { stage: SmtpStage::Login, trouble: SmtpTrouble::no_smtp() }) }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};
    use tokio::time::Instant;

    use super::{Connection, log_in};
    use crate::receivers::{
        email::{address::Login, wire::Wire},
        testing::TIMEOUT,
    };

    #[tokio::test]
    async fn logins_by_table() {
        let (plain, secret, user, password) = ("AUTH PLAIN AHUAcHc=", "AHUAcHc=", "dQ==", "cHc=");
        let (ask_user, ask_password) = ("334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6");
        let by_prompts = || vec!["AUTH LOGIN", user, password];
        for (offer, answers, asked, right) in [
            ("AUTH PLAIN LOGIN", vec!["235 in"], vec![plain], true),
            ("auth plain login", vec!["235 in"], vec![plain], true),
            ("AUTH=PLAIN", vec!["235 in"], vec![plain], true),
            ("AUTH XOAUTH2 LOGIN", vec![ask_user, ask_password, "235 in"], by_prompts(), true),
            ("Auth Login", vec![ask_user, ask_password, "235 in"], by_prompts(), true),
            ("AUTH LOGIN", vec![ask_user, "535 5.7.8 no"], vec!["AUTH LOGIN", user], false),
            // Any prompt: in words, in another language, in base64 of that, empty, without a space.
            ("AUTH LOGIN", vec!["334 gibberish", "334 -", "235 in"], by_prompts(), true),
            ("AUTH LOGIN", vec!["334 Benutzername", "334 Kennwort", "235 in"], by_prompts(), true),
            ("AUTH LOGIN", vec!["334 VXNlciBOYW1lAA==", "334 UGFzc3dvcmQA", "235 in"], by_prompts(), true),
            ("AUTH LOGIN", vec!["334 ", "334 ", "235 in"], by_prompts(), true),
            ("AUTH LOGIN", vec!["334", "334", "235"], by_prompts(), true),
            ("AUTH LOGIN", vec!["334-one\r\n334 two", "334 x", "235 in"], by_prompts(), true),
            ("AUTH LOGIN", vec![ask_password, ask_user, "235 in"], vec!["AUTH LOGIN", password, user], true),
            // The server did not read the secret with the command.
            ("AUTH PLAIN", vec!["334 ", "235 in"], vec![plain, secret], true),
            ("AUTH PLAIN", vec!["334", "235 in"], vec![plain, secret], true),
            ("AUTH PLAIN", vec!["501 no initial response", "334 ", "235 in"], vec![plain, "AUTH PLAIN", secret], true),
            (
                "AUTH PLAIN LOGIN",
                vec!["504 5.5.4 not that one", ask_user, ask_password, "235 in"],
                vec![plain, "AUTH LOGIN", user, password],
                true,
            ),
            // Wrong credentials are not tried in another way, since servers count attempts.
            ("AUTH PLAIN LOGIN", vec!["535 5.7.8 no"], vec![plain], false),
            // "Go on" is not a yes.
            ("AUTH PLAIN", vec!["354 more"], vec![plain], false),
            ("AUTH PLAIN", vec!["250 fine"], vec![plain], false),
            ("AUTH XOAUTH2", vec![], vec![], false),
            ("SIZE 5", vec![], vec![], false),
        ] {
            let (client, server) = duplex(1_024);
            let script = [vec!["250-hi"], vec![offer], answers.clone()].concat();
            let heard = tokio::spawn(answer(server, script.iter().map(ToString::to_string).collect()));
            let by = Instant::now() + TIMEOUT;
            let mut connection = Connection::greet(Wire::over(client).greeted(), "me.example.com", by).await.unwrap();
            let login = Login { user: "u".to_owned(), password: "pw".into() };
            assert_eq!(log_in(&mut connection, &login, by).await.is_ok(), right, "{offer} {answers:?}");
            drop(connection);
            let heard: Vec<String> = heard.await.unwrap().into_iter().filter(|line| line != "QUIT").collect();
            assert_eq!(heard, [vec!["EHLO me.example.com"], asked].concat(), "{offer} {answers:?}");
        }
    }

    /// Answers a client: the first two lines to its `EHLO`, then one line each; returns what the client sent.
    async fn answer(stream: DuplexStream, script: Vec<String>) -> Vec<String> {
        let mut stream = BufReader::new(stream);
        let mut heard = Vec::new();
        let hello = format!("{}\r\n250 {}\r\n", script[0], script[1]);
        let mut answers = std::iter::once(hello).chain(script[2..].iter().map(|line| format!("{line}\r\n")));
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return heard;
            }
            heard.push(line.trim_end().to_owned());
            let answer = answers.next().unwrap_or_else(|| "221 bye\r\n".to_owned());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }
}
