//! A mail as it came, read by a parser that the program itself does not use.

use mail_parser::{Message, MessageParser, MimeHeaders, PartType};

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
        let parser = MessageParser::default();
        let message = parser.parse_headers(self.data.as_bytes())?;
        // Every header is read as text, like a subject.
        let line = format!("Subject:{}\r\n", message.header_raw(name)?.trim_end());
        parser.parse_headers(line.as_bytes())?.subject().map(str::to_owned)
    }

    /// The subject; empty without one.
    pub fn subject(&self) -> String {
        self.header("Subject").unwrap_or_default()
    }

    /// The plain text, decoded, with simple line ends; empty without one.
    pub fn text(&self) -> String {
        self.part("plain")
    }

    /// The HTML, decoded, with simple line ends; empty without one.
    pub fn html(&self) -> String {
        self.part("html")
    }

    fn part(&self, kind: &str) -> String {
        let message = MessageParser::new().with_mime_headers().parse(self.data.as_bytes());
        let text = message.as_ref().and_then(|message: &Message<'_>| {
            message.parts.iter().filter(|part| part.is_content_type("text", kind)).find_map(|part| match &part.body {
                PartType::Text(text) | PartType::Html(text) => Some(text.replace("\r\n", "\n").trim_end().to_owned()),
                _ => None,
            })
        });
        text.unwrap_or_default()
    }
}
