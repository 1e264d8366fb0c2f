//! The interface by which a kind of receiver describes the form of its messages. The kinds are passed in; this room
//! must not know any of them.

use serde_json::Value;

use super::{file::TemplateFile, plain::Plain};
use crate::model::Body;

/// The form of one kind's messages.
pub trait Format: Sync {
    /// The files that a template folder may hold for this kind, in the order in which `init` writes them.
    fn files(&self) -> &'static [TemplateFile];

    /// Makes the body from the outputs of a template's files, within the kind's limits.
    ///
    /// # Errors
    /// What failed, for admins, without a customer's text.
    fn body(&self, texts: &dyn TemplateTexts) -> Result<Body, String>;

    /// Makes the plainest body, for the watchdog, and for templates that fail or are refused. It cannot fail.
    fn plain(&self, plain: &Plain) -> Body;

    /// Shows a body as people read it at a terminal.
    fn preview(&self, body: &Body) -> String;
}

/// The outputs of a template's files for one message. A file that the folder lacks is taken from the admin's `alert`,
/// else from the built-in one.
pub trait TemplateTexts {
    /// Which of `files` is in the first folder that has any of them; if there are several, the first one.
    fn nearest(&self, files: &[&'static str]) -> &'static str;

    /// # Errors
    /// The reason why the file failed.
    fn text(&self, file: &str) -> Result<String, String>;

    /// # Errors
    /// The reason why the file failed, or why its output is not the declared JSON.
    fn json(&self, file: &str) -> Result<Value, String>;

    /// The first line of the message, not escaped.
    fn headline(&self) -> &str;
}

/// Adds line breaks to JSON; other text stays as it is.
pub(crate) fn pretty(payload: &str) -> String {
    serde_json::from_str::<Value>(payload)
        .ok()
        .and_then(|value| serde_json::to_string_pretty(&value).ok())
        .unwrap_or_else(|| payload.to_owned())
}
