//! The address of a mail server, as `smtp_url` writes it.
//!
//! Pure, and careful: the URL holds a password, so no error text and no `Debug` shows any of it.

use std::fmt;
use std::net::IpAddr;

use secrecy::SecretString;
use url::{Host, Url};

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// TLS from the first byte: `smtps://`.
    Tls,
    /// TLS after `STARTTLS`, and no mail without it: `smtp://…?tls=required`.
    StartTls,
    /// None: a relay on loopback.
    None,
}

/// What the server asks for before it takes mail.
#[derive(Clone)]
pub struct Login {
    /// The name.
    pub user: String,
    /// The password.
    pub password: SecretString,
}

/// Where mails are handed in.
#[derive(Clone)]
pub struct SmtpAddress {
    /// A name or an IP address, an IPv6 one without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How the connection is protected.
    pub protection: Protection,
    /// `None`: the server takes mail from anybody who may connect.
    pub login: Option<Login>,
}

const FORM: &str = "write `smtps://user:password@host:465` or `smtp://user:password@host:587?tls=required`, special characters in user and password as `%XX`";

impl SmtpAddress {
    /// Reads `smtps://user:password@host:465`, `smtp://user:password@host:587?tls=required` or
    /// `smtp://127.0.0.1:1025`.
    ///
    /// # Errors
    /// What would be right, for the admin; nothing of the URL is in it.
    pub fn parse(url: &str) -> Result<Self, String> {
        let url = Url::parse(url.trim()).map_err(|_| format!("this is not an address of a mail server: {FORM}"))?;
        let implicit = match url.scheme() {
            "smtps" => true,
            "smtp" => false,
            _ => return Err(format!("a mail server's address begins with `smtps://` or `smtp://`: {FORM}")),
        };
        // A bare `/`, `?` or `#` in a password ends the host part early; this is where it shows.
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(format!("nothing but `?tls=required` may follow host and port: {FORM}"));
        }
        let required = tls_required(&url)?;
        let host = Host::parse(url.host_str().unwrap_or_default())
            .map_err(|_| format!("the mail server's host is missing or misspelt: {FORM}"))?;
        let login = login(&url)?;
        let protection = match (implicit, required) {
            (true, _) => Protection::Tls,
            (false, true) => Protection::StartTls,
            (false, false) => unprotected(&host, login.is_some())?,
        };
        let standard = match protection {
            Protection::Tls => 465,
            Protection::StartTls => 587,
            Protection::None => 25,
        };
        let port = url.port().unwrap_or(standard);
        if port == 0 {
            return Err("port 0 is no port of a mail server".to_owned());
        }
        let host = match host {
            Host::Domain(name) => name,
            Host::Ipv4(ip) => ip.to_string(),
            Host::Ipv6(ip) => ip.to_string(),
        };
        Ok(Self { host, port, protection, login })
    }
}

fn tls_required(url: &Url) -> Result<bool, String> {
    let mut required = false;
    for (key, value) in url.query_pairs() {
        if key != "tls" {
            return Err("the only key after `?` is `tls`: write `?tls=required`".to_owned());
        }
        if value != "required" {
            return Err("the only value of `tls` is `required`: write `?tls=required`".to_owned());
        }
        required = true;
    }
    Ok(required)
}

/// Mail holds what customers wrote: without TLS it stays on this machine.
fn unprotected(host: &Host, login: bool) -> Result<Protection, String> {
    let loopback = match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    };
    match (loopback, login) {
        (true, false) => Ok(Protection::None),
        (true, true) => Err(format!("a login goes over TLS only: {FORM}")),
        (false, _) => Err(format!("only a relay on loopback, like `smtp://127.0.0.1:25`, works without TLS: {FORM}")),
    }
}

fn login(url: &Url) -> Result<Option<Login>, String> {
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) => Err(format!("there is a password but no user: {FORM}")),
        (_, None | Some("")) => Err(format!("there is a user but no password: {FORM}")),
        (user, Some(password)) => {
            let decoded = |text| decode(text).ok_or_else(|| format!("user or password is not readable text: {FORM}"));
            Ok(Some(Login { user: decoded(user)?, password: decoded(password)?.into() }))
        }
    }
}

/// Undoes `%XX`; a `%` that begins no such thing is itself. `None`: not UTF-8, or control characters.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let pair = tail.first().and_then(hex).zip(tail.get(1).and_then(hex));
        if let (b'%', Some((high, low))) = (first, pair) {
            bytes.push(high * 16 + low);
            rest = &tail[2..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains(char::is_control))
}

impl fmt::Display for SmtpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.parse::<IpAddr>() {
            Ok(IpAddr::V6(ip)) => write!(f, "[{ip}]:{}", self.port),
            _ => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Debug for SmtpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let login = if self.login.is_some() { ", with login" } else { "" };
        write!(f, "SmtpAddress({self}, {:?}{login})", self.protection)
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(..)")
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::{Protection, SmtpAddress};

    fn parsed(url: &str) -> SmtpAddress {
        SmtpAddress::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn the_three_forms() {
        for (url, host, port, protection, login) in [
            ("smtps://u:p@mail.example.com", "mail.example.com", 465, Protection::Tls, true),
            ("SMTPS://u:p@Mail.Example.com:2465/", "mail.example.com", 2465, Protection::Tls, true),
            ("smtps://mail.example.com?tls=required", "mail.example.com", 465, Protection::Tls, false),
            ("smtp://u:p@mail.example.com?tls=required", "mail.example.com", 587, Protection::StartTls, true),
            ("smtp://mail.example.com:25/?tls=required", "mail.example.com", 25, Protection::StartTls, false),
            ("smtp://u:p@127.0.0.1:587?tls=required", "127.0.0.1", 587, Protection::StartTls, true),
            ("smtp://127.0.0.1:1025", "127.0.0.1", 1025, Protection::None, false),
            ("smtp://127.8.8.8", "127.8.8.8", 25, Protection::None, false),
            ("smtp://localhost:25", "localhost", 25, Protection::None, false),
            ("smtp://[::1]:25", "::1", 25, Protection::None, false),
            (" smtp://localhost:25\n", "localhost", 25, Protection::None, false),
        ] {
            let address = parsed(url);
            let got = (address.host.as_str(), address.port, address.protection, address.login.is_some());
            assert_eq!(got, (host, port, protection, login), "{url}");
        }
    }

    #[test]
    fn user_and_password_are_decoded() {
        for (url, user, password) in [
            ("smtps://a%40b.c:p%3A%2F%23w@h", "a@b.c", "p:/#w"),
            ("smtps://me@example.com:pa+ss@h", "me@example.com", "pa+ss"),
            ("smtps://u:100%@h", "u", "100%"),
            ("smtps://u:%C3%A4%zz%4@h", "u", "ä%zz%4"),
        ] {
            let login = parsed(url).login.unwrap();
            assert_eq!((login.user.as_str(), login.password.expose_secret()), (user, password), "{url}");
        }
    }

    #[test]
    fn mistakes_say_what_to_write_and_nothing_of_the_secret() {
        for (url, word) in [
            ("", "not an address"),
            ("hunter2", "not an address"),
            ("https://hunter2:hunter2@hunter2host", "begins with"),
            ("smtps://", "host"),
            ("smtps://hunter2:hunter2@", "not an address"),
            ("smtps://hunter2:hunter2@ho st", "not an address"),
            ("smtps://hunter2:hunter2@h:99999", "not an address"),
            ("smtps://hunter2:hunter2@h:0", "port 0"),
            ("smtps://hunter2:12/hunter2@h", "nothing but"),
            ("smtps://hunter2:12?hunter2@h", "only key"),
            ("smtps://hunter2:12#hunter2@h", "nothing but"),
            ("smtps://hunter2@h", "no password"),
            ("smtps://hunter2:@h", "no password"),
            ("smtps://:hunter2@h", "no user"),
            ("smtps://hunter2:%FFhunter2@h", "not readable"),
            ("smtps://hunter2:%00hunter2@h", "not readable"),
            ("smtp://hunter2:hunter2@127.0.0.1:1025", "over TLS only"),
            ("smtp://hunter2.example.com:25", "loopback"),
            ("smtp://128.0.0.1:25", "loopback"),
            ("smtp://localhost.hunter2.com", "loopback"),
            ("smtp://hunter2:hunter2@h?tls=hunter2", "only value"),
            ("smtp://hunter2:hunter2@h?tls=required&tls=none", "only value"),
            ("smtp://hunter2:hunter2@h?hunter2=1", "only key"),
        ] {
            let error = SmtpAddress::parse(url).map(|_| url).unwrap_err();
            assert!(error.contains(word), "{url}: {error}");
            assert!(!error.contains("hunter2"), "{url}: {error}");
        }
    }

    #[test]
    fn shown_without_the_login() {
        let address = parsed("smtps://hunter1:hunter2@mail.example.com");
        assert_eq!(address.to_string(), "mail.example.com:465");
        assert_eq!(format!("{address:?}"), "SmtpAddress(mail.example.com:465, Tls, with login)");
        assert_eq!(format!("{:?}", address.login), "Some(Login(..))");
        assert_eq!(parsed("smtp://[::1]").to_string(), "[::1]:25");
    }
}
