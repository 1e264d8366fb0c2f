//! A mail as it came, and so much of reading it as the demo and tests need.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The envelope's sender.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// Headers, an empty line, the body; lines end with CR and LF.
    pub data: String,
}

impl Mail {
    /// The first header of this name, in one line, encoded words decoded.
    pub fn header(&self, name: &str) -> Option<String> {
        header(&self.data, name).map(|value| words(&value))
    }

    /// The subject; empty without one.
    pub fn subject(&self) -> String {
        self.header("Subject").unwrap_or_default()
    }

    /// The plain text, decoded, with simple line ends; empty without one.
    pub fn text(&self) -> String {
        self.part("text/plain").unwrap_or_default()
    }

    /// The HTML, decoded, with simple line ends; empty without one.
    pub fn html(&self) -> String {
        self.part("text/html").unwrap_or_default()
    }

    fn part(&self, kind: &str) -> Option<String> {
        let of_kind = |part: &&str| header(part, "Content-Type").is_some_and(|value| value.starts_with(kind));
        let whole = self.data.as_str();
        let content_type = header(whole, "Content-Type")?;
        let part = match content_type.split_once("boundary=\"").and_then(|(_, rest)| rest.split_once('"')) {
            Some((boundary, _)) => body(whole).split(&format!("--{boundary}")).map(str::trim_start).find(of_kind)?,
            None => Some(whole).filter(of_kind)?,
        };
        let encoding = header(part, "Content-Transfer-Encoding").unwrap_or_default().to_ascii_lowercase();
        let bytes = match encoding.as_str() {
            "base64" => STANDARD.decode(body(part).split_whitespace().collect::<String>()).unwrap_or_default(),
            // A soft line break is an `=` at the end of a line.
            "quoted-printable" => quoted(&body(part).replace("=\r\n", ""), false),
            _ => body(part).as_bytes().to_vec(),
        };
        Some(String::from_utf8_lossy(&bytes).replace("\r\n", "\n").trim_end().to_owned())
    }
}

fn body(part: &str) -> &str {
    part.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// The value of the first header of this name, unfolded.
fn header(part: &str, name: &str) -> Option<String> {
    let head = part.split_once("\r\n\r\n").map_or(part, |(head, _)| head);
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let mut headers = unfolded.split("\r\n").filter_map(|line| line.split_once(':'));
    headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
}

/// Decodes `=?utf-8?b?…?=`; the spaces between two such words are not part of the text.
fn words(value: &str) -> String {
    let mut text = String::new();
    let mut encoded_before = false;
    for (index, word) in value.split(' ').enumerate() {
        let decoded = encoded(word);
        if index > 0 && !(encoded_before && decoded.is_some()) {
            text.push(' ');
        }
        encoded_before = decoded.is_some();
        text.push_str(decoded.as_deref().unwrap_or(word));
    }
    text
}

fn encoded(word: &str) -> Option<String> {
    let mut fields = word.strip_prefix("=?")?.strip_suffix("?=")?.splitn(3, '?');
    let (_charset, kind, text) = (fields.next()?, fields.next()?, fields.next()?);
    let bytes = if kind.eq_ignore_ascii_case("b") { STANDARD.decode(text).ok()? } else { quoted(text, true) };
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Decodes `=XX`, and in headers `_`; what is no such thing stands for itself.
fn quoted(text: &str, in_header: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = tail.get(..2).filter(|pair| pair.iter().all(u8::is_ascii_hexdigit));
        let hex = hex.and_then(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        if let (b'=', Some(byte)) = (first, hex) {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(if in_header && first == b'_' { b' ' } else { first });
            rest = tail;
        }
    }
    bytes
}
