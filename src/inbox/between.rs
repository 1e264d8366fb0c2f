//! Whether an answer came from the API, or from something on the way to it.
//!
//! Proxies, firewalls, content networks and the login pages of guest networks answer in the API's place. Their
//! answers are about themselves: they never checked the token, so they cannot refuse it.

use serde_json::Value;
use url::Url;

/// What is known of an answer before its body is parsed.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub status: u16,
    /// A header's value, by its name in lower case.
    pub header: &'a dyn Fn(&str) -> Option<String>,
    /// The beginning of the body.
    pub body: &'a [u8],
    pub asked: &'a Url,
}

/// What answered in the API's place; `None`: the answer may be the API's.
pub(crate) fn between(seen: Seen<'_>) -> Option<&'static str> {
    let Seen { status, header, body, asked } = seen;
    let has = |name: &str| header(name).is_some();
    let is_page = first(body) == Some(b'<') || header("content-type").is_some_and(|kind| kind.contains("text/html"));
    match status {
        407 => Some("a proxy that wants a login"),
        511 => Some("a network that wants a login"),
        _ if has("cf-mitigated") || has("x-amzn-waf-action") => Some("a check for bots"),
        300..=399 => redirect(header("location").as_deref(), asked),
        // The API's page documents 401 for a wrong token.
        400 | 403 | 405 | 406 | 451 if is_page => Some("a web page"),
        403 if !is_envelope(body) => Some("not an error of the API"),
        _ => None,
    }
}

fn first(body: &[u8]) -> Option<u8> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    body.iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

/// Whether this is the structure of the API's errors.
fn is_envelope(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(fields)) => {
            fields.contains_key("success") || fields.get("error").is_some_and(Value::is_object)
        }
        // A body that was cut still begins like one.
        Err(error) if error.is_eof() => String::from_utf8_lossy(body).contains("\"success\""),
        _ => false,
    }
}

/// Words in the paths of login pages.
const LOGIN: [&str; 7] = ["login", "signin", "sign-in", "sso", "saml", "oauth", "portal"];

/// A redirect within the API's own host means that `url` is wrong; another one leads away from the API.
fn redirect(location: Option<&str>, asked: &Url) -> Option<&'static str> {
    let to = asked.join(location?).ok()?;
    let path = to.path().to_ascii_lowercase();
    if path.split(['/', '.', '_']).any(|word| LOGIN.contains(&word)) {
        return Some("a redirect to a login page");
    }
    (to.host() != asked.host()).then_some("a redirect to another host")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENVELOPE: &str = r#"{"success":false,"error":{"code":"FORBIDDEN","message":"No.","statusCode":403}}"#;
    const PAGE: &str = "\n<!DOCTYPE html><html><head><title>403 Forbidden</title></head></html>";

    fn who(status: u16, headers: &[(&str, &str)], body: &str) -> Option<&'static str> {
        let header =
            |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let asked = "https://api.example.com/inbox/users".parse().unwrap();
        between(Seen { status, header: &header, body: body.as_bytes(), asked: &asked })
    }

    #[test]
    fn whose_answer_it_is_by_table() {
        let page = Some("a web page");
        let nobody: &[(&str, &str)] = &[];
        let to = |location: &'static str| vec![("location", location)];
        for (status, headers, body, expected) in [
            // The API's own words.
            (200, nobody.to_vec(), r#"{"success":true,"data":[]}"#, None),
            (401, nobody.to_vec(), ENVELOPE, None),
            (401, nobody.to_vec(), "", None),
            (401, nobody.to_vec(), PAGE, None),
            (403, nobody.to_vec(), ENVELOPE, None),
            (403, nobody.to_vec(), r#"{"success":false}"#, None),
            (403, nobody.to_vec(), r#"{"success":false,"err"#, None),
            (400, nobody.to_vec(), ENVELOPE, None),
            (404, nobody.to_vec(), PAGE, None),
            (429, nobody.to_vec(), PAGE, None),
            (502, nobody.to_vec(), PAGE, None),
            (503, nobody.to_vec(), "", None),
            // What stands between.
            (403, nobody.to_vec(), PAGE, page),
            (403, nobody.to_vec(), "\u{feff}<html>", page),
            (403, vec![("content-type", "text/html; charset=utf-8")], "", page),
            (403, nobody.to_vec(), "", Some("not an error of the API")),
            (403, nobody.to_vec(), "Access denied by policy", Some("not an error of the API")),
            (403, nobody.to_vec(), r#"{"message":"Forbidden"}"#, Some("not an error of the API")),
            (400, nobody.to_vec(), PAGE, page),
            (451, nobody.to_vec(), PAGE, page),
            (407, nobody.to_vec(), "", Some("a proxy that wants a login")),
            (407, nobody.to_vec(), ENVELOPE, Some("a proxy that wants a login")),
            (511, nobody.to_vec(), PAGE, Some("a network that wants a login")),
            (403, vec![("cf-mitigated", "challenge")], PAGE, Some("a check for bots")),
            (503, vec![("cf-mitigated", "challenge")], PAGE, Some("a check for bots")),
            (202, vec![("x-amzn-waf-action", "challenge")], "", Some("a check for bots")),
            // Redirects.
            (302, to("https://portal.guest.example/?x"), "", Some("a redirect to another host")),
            (302, to("http://10.0.0.1/login.html"), "", Some("a redirect to a login page")),
            (303, to("/users/sign-in?next=inbox"), "", Some("a redirect to a login page")),
            (307, to("https://api.example.com/v8/inbox/users"), "", None),
            (301, to("http://api.example.com/inbox/users"), "", None),
            (302, to("/catalogin/"), "", None),
            (302, nobody.to_vec(), "", None),
        ] {
            assert_eq!(who(status, &headers, body), expected, "{status} {headers:?} {body}");
        }
    }
}
