//! The address of a mail server, as written in `smtp_url`.
//!
//! The URL holds a password, so error texts and `Debug` do not show any of it.

use std::fmt;
use std::net::IpAddr;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::{Host, Url};

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// TLS from the first byte: `smtps://`.
    Tls,
    /// TLS after `STARTTLS`; without it no mail is sent: `smtp://…?tls=required`.
    StartTls,
    /// No TLS, for a relay on loopback, or one inside a network: `smtp://…?tls=none`.
    None,
}

/// The login that the server asks for.
#[derive(Clone)]
pub struct Login {
    pub user: String,
    pub password: SecretString,
}

/// The mail server to which mails are handed in.
#[derive(Clone)]
pub struct SmtpAddress {
    /// A host name or an IP address; an IPv6 address without brackets.
    pub host: String,
    pub port: u16,
    pub protection: Protection,
    /// `None`: the server accepts mail without a login.
    pub login: Option<Login>,
}

const FORM: &str = "write `smtps://user:password@host:465` or `smtp://user:password@host:587?tls=required`, special characters in user and password as `%XX`";

impl SmtpAddress {
    /// Parses `smtps://user:password@host:465`, `smtp://user:password@host:587?tls=required`, `smtp://127.0.0.1:1025`
    /// or `smtp://relay.internal:25?tls=none`.
    ///
    /// # Errors
    /// What would be right, for the admin; it does not contain any part of the URL.
    pub fn parse(url: &str) -> Result<Self, String> {
        let url = Url::parse(url.trim()).map_err(|_| format!("this is not an address of a mail server: {FORM}"))?;
        let implicit = match url.scheme() {
            "smtps" => true,
            "smtp" => false,
            _ => return Err(format!("a mail server's address begins with `smtps://` or `smtp://`: {FORM}")),
        };
        // An unescaped `/`, `?` or `#` in a password ends the host part early, which is noticed here.
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(format!("nothing but `?tls=required` or `?tls=none` may follow host and port: {FORM}"));
        }
        let asked = tls_asked(&url)?;
        let host = Host::parse(url.host_str().unwrap_or_default())
            .map_err(|_| format!("the mail server's host is missing or misspelt: {FORM}"))?;
        let login = login(&url)?;
        let protection = match (implicit, asked) {
            (true, Some(Asked::None)) => {
                return Err("`smtps://` is TLS from the first byte: write `smtp://` with `?tls=none`".to_owned());
            }
            (true, _) => Protection::Tls,
            (false, Some(Asked::Required)) => Protection::StartTls,
            (false, None) => unprotected(&host, login.is_some())?,
            (false, Some(Asked::None)) if login.is_some() => {
                return Err(format!("a login goes over TLS only, and `tls=none` has none: {FORM}"));
            }
            (false, Some(Asked::None)) => Protection::None,
        };
        let standard = match protection {
            Protection::Tls => 465,
            Protection::StartTls => 587,
            Protection::None => 25,
        };
        let port = url.port().unwrap_or(standard);
        if port == 0 {
            return Err("port 0 is not the port of a mail server".to_owned());
        }
        let host = match host {
            Host::Domain(name) => name,
            Host::Ipv4(ip) => ip.to_string(),
            Host::Ipv6(ip) => ip.to_string(),
        };
        Ok(Self { host, port, protection, login })
    }

    /// Whether mails cross a network without TLS.
    pub fn is_open_to_others(&self) -> bool {
        self.protection == Protection::None && !is_loopback(&self.host)
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The value of the query key `tls`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Required,
    None,
}

fn tls_asked(url: &Url) -> Result<Option<Asked>, String> {
    let mut asked = None;
    for (key, value) in url.query_pairs() {
        if key != "tls" {
            return Err("the only key after `?` is `tls`: write `?tls=required`".to_owned());
        }
        let value = match &*value {
            "required" => Asked::Required,
            "none" => Asked::None,
            _ => {
                return Err(
                    "`tls` is `required`, or `none` for a relay inside a network: write `?tls=required`".to_owned()
                );
            }
        };
        if asked.is_some_and(|before| before != value) {
            return Err("`tls` stands twice: write `?tls=required`".to_owned());
        }
        asked = Some(value);
    }
    Ok(asked)
}

/// Mail holds what customers wrote. Without TLS it stays on this machine, unless `tls=none` allows more.
fn unprotected(host: &Host, login: bool) -> Result<Protection, String> {
    let loopback = match host {
        Host::Domain(name) => is_loopback(name),
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    };
    match (loopback, login) {
        (true, false) => Ok(Protection::None),
        (true, true) => Err(format!("a login goes over TLS only: {FORM}")),
        (false, true) => {
            Err(format!("only a relay on loopback, like `smtp://127.0.0.1:25`, works without TLS: {FORM}"))
        }
        (false, false) => Err(format!(
            "only a relay on loopback, like `smtp://127.0.0.1:25`, works without TLS; for one inside a network, without login, add `?tls=none`: {FORM}"
        )),
    }
}

/// Checks the name that a client gives in `EHLO`: a host name, or an address in brackets.
///
/// # Errors
/// What would be right.
pub(crate) fn check_ehlo(name: &str) -> Result<(), &'static str> {
    let literal = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let fits = match literal {
        Some(literal) => {
            let (v6, address) = literal.strip_prefix("IPv6:").map_or((false, literal), |address| (true, address));
            address.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6() == v6)
        }
        None => is_host_name(name),
    };
    if fits {
        Ok(())
    } else {
        Err("write a full host name like \"pengwatch.example.com\", or an address like \"[192.0.2.7]\"")
    }
}

/// Whether this is a host name that servers accept.
fn is_host_name(name: &str) -> bool {
    let label = |label: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(fits) && !label.starts_with('-') && !label.ends_with('-')
    };
    // Four numbers are an address, which is written in brackets.
    name.len() <= 253 && name.split('.').all(label) && name.parse::<IpAddr>().is_err()
}

/// The name for `EHLO` if the configuration has none: the machine's name if it has a domain, else the sender's domain;
/// `None`: servers accept neither.
pub(crate) fn own_name(machine: Option<&str>, domain: &str) -> Option<String> {
    let full = |name: &&str| name.contains('.') && is_host_name(name) && !name.ends_with(".localdomain");
    machine.filter(full).or(Some(domain).filter(full)).map(str::to_owned)
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

/// Decodes `%XX`; any other `%` stays. `None`: not UTF-8, or control characters.
fn decode(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    (!text.contains(char::is_control)).then(|| text.into_owned())
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

    use super::{Protection, SmtpAddress, check_ehlo, own_name};

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
            ("smtp://127.0.0.1?tls=none", "127.0.0.1", 25, Protection::None, false),
            ("smtp://relay.internal:25?tls=none", "relay.internal", 25, Protection::None, false),
            ("smtp://10.0.0.5?tls=none", "10.0.0.5", 25, Protection::None, false),
            ("smtp://[fd00::5]:2525/?tls=none", "fd00::5", 2525, Protection::None, false),
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
    fn without_tls_it_is_open_to_others_but_on_this_machine() {
        for (url, open) in [
            ("smtp://relay.internal?tls=none", true),
            ("smtp://10.0.0.5?tls=none", true),
            ("smtp://127.0.0.1?tls=none", false),
            ("smtp://localhost", false),
            ("smtp://[::1]?tls=none", false),
            ("smtp://mail.example.com?tls=required", false),
            ("smtps://mail.example.com", false),
        ] {
            assert_eq!(parsed(url).is_open_to_others(), open, "{url}");
        }
    }

    #[test]
    fn what_it_calls_itself() {
        for right in ["pengwatch.example.com", "mail", "[192.0.2.7]", "[IPv6:2001:db8::7]", "a-b.c1"] {
            assert!(check_ehlo(right).is_ok(), "{right}");
        }
        let long = format!("{}.com", "a".repeat(64));
        for wrong in [
            "",
            "a b",
            "a..b",
            ".a",
            "a.",
            "-a.b",
            "a_b.c",
            "192.0.2.7",
            "[192.0.2]",
            "[2001:db8::7]",
            "[a.b]",
            "ä.example.com",
            "a\r\nMAIL",
            &long,
        ] {
            assert!(check_ehlo(wrong).is_err(), "{wrong}");
        }
        for (machine, domain, right) in [
            (Some("box.example.org"), "example.com", Some("box.example.org")),
            (Some("5f3a2c1b9d0e"), "example.com", Some("example.com")),
            (Some("localhost.localdomain"), "example.com", Some("example.com")),
            (Some("my_box.lan"), "example.com", Some("example.com")),
            (Some("10.0.0.5"), "example.com", Some("example.com")),
            (None, "example.com", Some("example.com")),
            (Some("box"), "localhost", None),
        ] {
            assert_eq!(own_name(machine, domain).as_deref(), right, "{machine:?} {domain}");
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
            ("smtp://hunter2:hunter2@h?tls=hunter2", "`tls` is `required`, or `none`"),
            ("smtp://hunter2:hunter2@h?tls=required&tls=none", "stands twice"),
            ("smtp://hunter2:hunter2@relay.internal?tls=none", "a login goes over TLS only"),
            ("smtp://hunter2:hunter2@127.0.0.1?tls=none", "a login goes over TLS only"),
            ("smtps://hunter2:hunter2@h?tls=none", "from the first byte"),
            ("smtp://relay.internal:25", "add `?tls=none`"),
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
