//! Secrets as people paste them: with quotes or words around them, or in place of another value. Where it is certain
//! what is meant, that is used with a warning; else there is a mistake with its remedy. No message repeats a secret.

use url::Url;

/// Beginnings of Slack's tokens.
pub(crate) const SLACK_TOKENS: [&str; 5] = ["xoxb-", "xoxp-", "xoxe.", "xoxa-", "xapp-"];

/// A secret without what was pasted around it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Clean<'a> {
    pub(super) text: &'a str,
    /// What was left out, in words.
    pub(super) left_out: Option<&'static str>,
}

/// Takes away what is never part of a secret. `is_token`: the program itself writes `Bearer` before it.
///
/// # Errors
/// What the value is, if it is not a secret, and what would be right.
pub(super) fn clean(text: &str, is_token: bool) -> Result<Clean<'_>, (&'static str, &'static str)> {
    let (mut text, mut left_out) = (trim(text), None);
    for (open, close) in [('"', '"'), ('\'', '\''), ('`', '`'), ('“', '”'), ('‘', '’'), ('„', '“'), ('«', '»')]
    {
        if let Some(inner) = text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)) {
            (text, left_out) = (trim(inner), Some("the quotation marks around it"));
        }
    }
    if is_token {
        let rest = strip_word(text, "authorization:").unwrap_or(text);
        if let Some(token) = strip_word(rest, "bearer ").or((rest.len() < text.len()).then_some(rest)) {
            (text, left_out) = (token, Some("the `Bearer` before it"));
        }
        if let Some(token) = strip_word(text, "token:") {
            (text, left_out) = (token, Some("the `token` before it"));
        }
    }
    if text.is_empty() {
        return Err(("it is empty", "set it to the secret itself"));
    }
    if is_placeholder(text) {
        return Err(("it is a placeholder of the documentation", "set it to the secret itself"));
    }
    if text.contains(['\n', '\r']) {
        return Err(("it has more than one line", "a secret is one line: a file holds one secret and nothing else"));
    }
    if is_assignment(text) {
        return Err((
            "it begins with a name and `=`",
            "write the value alone, without the name of a variable before it",
        ));
    }
    Ok(Clean { text, left_out })
}

/// The text without blanks at both ends, including invisible ones.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}'))
}

/// The text after a word, in upper or lower case; `None`: it does not begin with the word.
fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (first, rest) = text.split_at_checked(word.len())?;
    first.eq_ignore_ascii_case(word).then(|| trim(rest))
}

fn is_placeholder(text: &str) -> bool {
    let lower = text.to_lowercase();
    (text == "…" || text.chars().count() >= 3 && text.chars().all(|c| matches!(c, '…' | '.' | '*' | 'x' | 'X' | '•')))
        || (text.starts_with('<') && text.ends_with('>'))
        || ["changeme", "change-me", "your-token", "your_token", "yourtoken"].contains(&lower.as_str())
        || (lower.starts_with("your") && lower.ends_with("here"))
}

/// Whether the text is `NAME=value`, as in files of environment variables.
fn is_assignment(text: &str) -> bool {
    let text = strip_word(text, "export ").unwrap_or(text);
    text.split_once('=').is_some_and(|(name, value)| {
        name.len() >= 3
            && name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
            && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
            && name.contains(|c: char| c.is_ascii_uppercase())
            && value.trim_start_matches('=').len() >= 4
    })
}

/// Whether a value in place of the name of a variable or file may be the secret itself, which must not be shown.
pub(super) fn may_be_a_secret(name: &str) -> bool {
    let name = name.trim();
    if name.contains("://") || name.contains('@') || SLACK_TOKENS.iter().any(|token| name.starts_with(token)) {
        return true;
    }
    if name.contains(['/', '\\', '.']) && !name.starts_with("eyJ") {
        return false;
    }
    let has = |kind: fn(&char) -> bool| name.chars().any(|c| kind(&c));
    let (upper, lower, digit) =
        (has(char::is_ascii_uppercase), has(char::is_ascii_lowercase), has(char::is_ascii_digit));
    name.len() > 64 || (name.len() >= 16 && digit && lower && (upper || !name.contains(['_', '-'])))
}

/// What is wrong with the name of an environment variable, and what would be right.
pub(super) fn variable(name: &str) -> Option<(&'static str, String)> {
    let is_name = |text: &str| {
        text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !text.starts_with(|c: char| c.is_ascii_digit())
    };
    let bare = name.trim().trim_start_matches('$').trim_matches(['{', '}', '%']);
    if name.trim().is_empty() {
        return Some(("`env` does not name a variable", "write { env = \"NAME\" }".to_owned()));
    }
    if may_be_a_secret(bare) {
        let help = "write the name of the variable that holds it, like { env = \"TOKEN\" }, and give the secret a new value: it stood \
                    in a file";
        return Some(("`env` takes the name of a variable; this looks like the secret itself", help.to_owned()));
    }
    if bare != name && !bare.is_empty() && is_name(bare) {
        return Some((
            "the name of a variable stands without `$`, `%`, braces and blanks",
            format!("write {{ env = \"{bare}\" }}"),
        ));
    }
    if name.contains('=') || name.contains(char::is_whitespace) {
        return Some((
            "this is not the name of a variable",
            "write the name alone, like { env = \"TOKEN\" }".to_owned(),
        ));
    }
    None
}

/// The base address of an API, if the address of an endpoint was pasted.
pub(super) fn base_of(url: &Url) -> Option<Url> {
    let path = url.path().trim_end_matches('/');
    let base = ["/inbox/users", "/inbox/segments", "/inbox"].into_iter().find_map(|end| path.strip_suffix(end))?;
    let mut url = url.clone();
    url.set_path(base);
    Some(url)
}

/// What is wrong with the address of an inbox that does not lead to the API.
pub(super) fn not_an_api(url: &Url) -> Option<&'static str> {
    let host = url.host_str().unwrap_or_default();
    let is_page = ["app.botpenguin.com", "botpenguin.com", "www.botpenguin.com", "help.botpenguin.com"].contains(&host);
    is_page.then_some("this is an address of BotPenguin's pages for people, not of its API")
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{Clean, base_of, clean, may_be_a_secret, not_an_api, variable};

    #[test]
    fn what_is_pasted_around_a_secret_is_left_out() {
        let quotes = Some("the quotation marks around it");
        let bearer = Some("the `Bearer` before it");
        for (pasted, text, left_out) in [
            ("abc123", "abc123", None),
            (" abc123\r\n", "abc123", None),
            ("\u{feff}abc123\u{200b}", "abc123", None),
            ("\"abc123\"", "abc123", quotes),
            ("'abc123'\n", "abc123", quotes),
            ("“abc123”", "abc123", quotes),
            ("Bearer abc123", "abc123", bearer),
            ("bearer  abc123", "abc123", bearer),
            ("Authorization: Bearer abc123", "abc123", bearer),
            ("\"Bearer abc123\"", "abc123", bearer),
            ("token: abc123", "abc123", Some("the `token` before it")),
            ("abc=", "abc=", None),
            ("QUJDREVG==", "QUJDREVG==", None),
        ] {
            assert_eq!(clean(pasted, true), Ok(Clean { text, left_out }), "{pasted}");
        }
        // A secret that is not a token may begin with `Bearer`.
        assert_eq!(clean("Bearer abc", false), Ok(Clean { text: "Bearer abc", left_out: None }));
    }

    #[test]
    fn what_is_no_secret_is_named() {
        for (pasted, said) in [
            ("\"\"", "it is empty"),
            ("…", "it is a placeholder of the documentation"),
            ("<token>", "it is a placeholder of the documentation"),
            ("xxxx", "it is a placeholder of the documentation"),
            ("YOUR_TOKEN_HERE", "it is a placeholder of the documentation"),
            ("one\ntwo", "it has more than one line"),
            ("TOKEN=abc123", "it begins with a name and `=`"),
            ("export BOTPENGUIN_TOKEN=abc123", "it begins with a name and `=`"),
        ] {
            assert_eq!(clean(pasted, true).unwrap_err().0, said, "{pasted}");
        }
    }

    #[test]
    fn names_of_variables() {
        let said = |name: &str| variable(name).map(|(what, help)| format!("{what}: {help}"));
        for name in ["TOKEN", "slack_webhook_url", "Token2", "BOTPENGUIN_TOKEN_2026_PRODUCTION"] {
            assert_eq!(said(name), None);
        }
        let bare = "the name of a variable stands without `$`, `%`, braces and blanks: write { env = \"TOKEN\" }";
        for name in ["$TOKEN", "${TOKEN}", "%TOKEN%", " TOKEN"] {
            assert_eq!(said(name).as_deref(), Some(bare), "{name}");
        }
        for name in [
            "xoxb-1-2-hunter2",
            "https://hooks.slack.com/services/T/B/x",
            "eyJhbGciOiJIUzI1NiJ9.eyJ1IjoxfQ",
            "0123456789abcdef0123",
            "smtps://me:pw@host",
        ] {
            assert!(may_be_a_secret(name), "{name}");
            let said = said(name).unwrap();
            assert!(said.contains("looks like the secret itself") && !said.contains(name), "{said}");
        }
        for name in ["/run/secrets/token", "secrets/ops", "ops.secret", "TOKEN"] {
            assert!(!may_be_a_secret(name), "{name}");
        }
        assert!(said("MY TOKEN").unwrap().starts_with("this is not the name"));
    }

    #[test]
    fn addresses_of_another_kind() {
        let base = |url: &str| base_of(&Url::parse(url).unwrap()).map(|url| url.to_string());
        assert_eq!(
            base("https://api.v7.botpenguin.com/inbox/users").as_deref(),
            Some("https://api.v7.botpenguin.com/")
        );
        assert_eq!(base("https://proxy.example.com/bp/inbox/users/").as_deref(), Some("https://proxy.example.com/bp"));
        assert_eq!(base("https://api.v7.botpenguin.com/v7"), None);
        assert!(not_an_api(&Url::parse("https://app.botpenguin.com/inbox").unwrap()).is_some());
    }
}
