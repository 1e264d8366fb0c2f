//! The form of mails: subject, plain text and HTML.

use super::kind::{EmailKind, NAME};
use crate::{
    model::{Body, text},
    render::{Content, Format, Plain, TemplateFile, TemplateTexts, escape},
};

/// The subject, on one line.
const SUBJECT: &str = "subject";
const TEXT: &str = "text";
const HTML: &str = "html";

const SUBJECT_FILE: TemplateFile = TemplateFile {
    name: "email.subject.hbs",
    escape: escape::plain,
    content: Content::Text,
    built_in: Some(include_str!("../../../templates/alert/email.subject.hbs")),
};
const HTML_FILE: TemplateFile = TemplateFile {
    name: "email.html.hbs",
    escape: escape::html,
    content: Content::Text,
    built_in: Some(include_str!("../../../templates/alert/email.html.hbs")),
};
const TEXT_FILE: TemplateFile = TemplateFile {
    name: "email.txt.hbs",
    escape: escape::plain,
    content: Content::Text,
    built_in: Some(include_str!("../../../templates/alert/email.txt.hbs")),
};

/// Characters of a subject.
const LONGEST_SUBJECT: usize = 200;

pub fn body(subject: impl Into<String>, text: impl Into<String>, html: impl Into<String>) -> Body {
    Body::new(NAME, [(SUBJECT, subject.into()), (TEXT, text.into()), (HTML, html.into())])
}

/// Returns subject, plain text and HTML.
pub(crate) fn parts(body: &Body) -> Option<[&str; 3]> {
    let part = |name| body.part(NAME, name);
    Some([part(SUBJECT)?, part(TEXT)?, part(HTML)?])
}

impl Format for EmailKind {
    fn files(&self) -> &'static [TemplateFile] {
        const FILES: [TemplateFile; 3] = [SUBJECT_FILE, HTML_FILE, TEXT_FILE];
        &FILES
    }

    fn body(&self, texts: &dyn TemplateTexts) -> Result<Body, String> {
        let subject = text::line_of_ours(&texts.text(SUBJECT_FILE.name)?, LONGEST_SUBJECT);
        Ok(body(subject, texts.text(TEXT_FILE.name)?.trim(), texts.text(HTML_FILE.name)?))
    }

    fn plain(&self, plain: &Plain) -> Body {
        let text = plain.lines.join("\n");
        let html = escape::html(&text).replace('\n', "<br>\n");
        let html = format!("<!DOCTYPE html><html><body><p>{html}</p></body></html>");
        body(text::line_of_ours(&plain.subject, LONGEST_SUBJECT), text, html)
    }

    fn preview(&self, body: &Body) -> String {
        let [subject, text, _] = parts(body).unwrap_or_default();
        format!("Subject: {subject}\n\n{text}")
    }
}
