//! What a kind of receiver says about the form of its messages. The kinds are handed in: this room knows none.

use serde_json::Value;

use super::{file::TemplateFile, plain::Plain};
use crate::model::Body;

/// The form of one kind's messages.
pub trait Format: Sync {
    /// The files that a template folder may hold for it, in the order in which `init` writes them.
    fn files(&self) -> &'static [TemplateFile];

    /// The body from what a template's files give, within the kind's limits.
    ///
    /// # Errors
    /// What failed, for admins: never a text of a customer.
    fn body(&self, texts: &dyn TemplateTexts) -> Result<Body, String>;

    /// The body in its plainest form: where a template fails or is refused, and for the watchdog. It cannot fail.
    fn plain(&self, plain: &Plain) -> Body;

    /// A body as people read it at a terminal.
    fn preview(&self, body: &Body) -> String;
}

/// What the files of a template give for one message. A file that the folder lacks is taken from the admin's `alert`,
/// else from the built-in one.
pub trait TemplateTexts {
    /// Which of `files` the first folder that has any of them holds; the first one where it holds several.
    fn nearest(&self, files: &[&'static str]) -> &'static str;

    /// # Errors
    /// What of the file failed.
    fn text(&self, file: &str) -> Result<String, String>;

    /// # Errors
    /// What of the file failed, and what it gave that is not the JSON that was declared.
    fn json(&self, file: &str) -> Result<Value, String>;

    /// The first line of the message, not escaped.
    fn headline(&self) -> &str;
}

/// JSON text with line breaks; what is not JSON stays as it is.
pub(crate) fn pretty(payload: &str) -> String {
    serde_json::from_str::<Value>(payload)
        .ok()
        .and_then(|value| serde_json::to_string_pretty(&value).ok())
        .unwrap_or_else(|| payload.to_owned())
}
