//! The form of the console's messages: lines that no customer can begin or overwrite.

use super::kind::{ConsoleKind, NAME};
use crate::{
    model::Body,
    render::{Content, Format, Plain, TemplateFile, TemplateTexts, escape},
};

/// The printed text, without a line break at the end.
const TEXT: &str = "text";

const LINES: TemplateFile = TemplateFile {
    name: "console.txt.hbs",
    escape: escape::console,
    content: Content::Text,
    built_in: Some(include_str!("../../../templates/alert/console.txt.hbs")),
};

pub(crate) fn body(text: impl Into<String>) -> Body {
    Body::new(NAME, [(TEXT, text.into())])
}

pub(crate) fn text(body: &Body) -> Option<&str> {
    body.part(NAME, TEXT)
}

impl Format for ConsoleKind {
    fn files(&self) -> &'static [TemplateFile] {
        const FILES: [TemplateFile; 1] = [LINES];
        &FILES
    }

    fn body(&self, texts: &dyn TemplateTexts) -> Result<Body, String> {
        Ok(body(texts.text(LINES.name)?.trim_end()))
    }

    fn plain(&self, plain: &Plain) -> Body {
        body(plain.lines.iter().map(|line| escape::console(line)).collect::<Vec<_>>().join("\n"))
    }

    fn preview(&self, body: &Body) -> String {
        text(body).unwrap_or_default().to_owned()
    }
}
