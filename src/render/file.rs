//! A file of a template folder, as a kind of receiver describes it.

use serde_json::Value;

use super::escape;

/// A file that `templates/NAME/` may hold.
#[derive(Clone, Copy, Debug)]
pub struct TemplateFile {
    /// The file's name; it is unique among all kinds.
    pub name: &'static str,
    /// The escape for values of `{{…}}`; in JSON it applies to the text between the quotes, before JSON's own escape.
    pub escape: fn(&str) -> String,
    pub content: Content,
    /// The built-in text; `None` if another file of the kind is used instead.
    pub built_in: Option<&'static str>,
}

/// What a template file must return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    Text,
    Json,
    JsonObject,
}

impl TemplateFile {
    /// The text as `{{…}}` writes it.
    pub(super) fn escaped(&self, text: &str) -> String {
        let escaped = (self.escape)(text);
        if self.content == Content::Text { escaped } else { escape::json(&escaped) }
    }

    /// The value as `{{json …}}` writes it: whole JSON, with the texts in it escaped.
    pub(super) fn json(&self, value: Value) -> String {
        if self.content == Content::Text {
            return (self.escape)(&value.to_string());
        }
        self.inside(value).to_string()
    }

    fn inside(&self, value: Value) -> Value {
        match value {
            Value::String(text) => (self.escape)(&text).into(),
            Value::Array(entries) => entries.into_iter().map(|entry| self.inside(entry)).collect(),
            Value::Object(fields) => Value::Object(
                fields.into_iter().map(|(name, value)| ((self.escape)(&name), self.inside(value))).collect(),
            ),
            other => other,
        }
    }

    /// Parses the output of a template as JSON.
    ///
    /// # Errors
    /// What is wrong with it, without a customer's text.
    pub(super) fn parse(&self, given: &str) -> Result<Value, String> {
        match serde_json::from_str(given) {
            Ok(value @ Value::Object(_)) => Ok(value),
            Ok(_) if self.content == Content::JsonObject => Err("the payload is not a JSON object".to_owned()),
            Ok(value) => Ok(value),
            Err(error) => Err(format!("the output is not valid JSON: {error}")),
        }
    }
}

/// A path below `contact.extra` that a template uses.
pub(super) type ExtraPath = Vec<String>;
