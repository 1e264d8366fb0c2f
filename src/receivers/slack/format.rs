//! The form of Slack's messages: a payload within Slack's limits.

use serde_json::{Map, Value, json};

use super::{
    kind::{NAME, SlackKind},
    limits, markup,
};
use crate::{
    model::{Body, text},
    render::{Content, Format, Plain, TemplateFile, TemplateTexts, format::pretty},
};

/// The whole payload, as JSON text.
const PAYLOAD: &str = "payload";

const JSON: TemplateFile = TemplateFile {
    name: "slack.json.hbs",
    escape: markup::escape,
    content: Content::JsonObject,
    built_in: Some(include_str!("../../../templates/alert/slack.json.hbs")),
};
/// The template for the message's text alone, in mrkdwn.
const TEXT: TemplateFile =
    TemplateFile { name: "slack.txt.hbs", escape: markup::escape, content: Content::Text, built_in: None };

/// Characters of a plain message.
const LONGEST: usize = 12_000;

pub(crate) fn body(payload: impl Into<String>) -> Body {
    Body::new(NAME, [(PAYLOAD, payload.into())])
}

pub(crate) fn payload(body: &Body) -> Option<&str> {
    body.part(NAME, PAYLOAD)
}

impl Format for SlackKind {
    fn files(&self) -> &'static [TemplateFile] {
        const FILES: [TemplateFile; 2] = [JSON, TEXT];
        &FILES
    }

    fn body(&self, texts: &dyn TemplateTexts) -> Result<Body, String> {
        let fallback = markup::escape(texts.headline());
        let file = texts.nearest(&[JSON.name, TEXT.name]);
        let whole = if file == TEXT.name {
            limits::text_payload(&texts.text(file)?, &fallback)
        } else {
            let Value::Object(given) = texts.json(file)? else { return Err(format!("{file} is not a JSON object")) };
            limits::payload(given, &fallback)
        };
        Ok(body(whole.to_string()))
    }

    fn plain(&self, plain: &Plain) -> Body {
        let text = limits::whole(text::cut(&markup::escape(&plain.lines.join("\n")), LONGEST));
        let mut whole = Map::new();
        whole.insert("text".to_owned(), text.into());
        if plain.of_customers {
            // What a customer wrote is not formatting, and a link in it must not be previewed.
            for key in ["mrkdwn", "unfurl_links", "unfurl_media"] {
                whole.insert(key.to_owned(), json!(false));
            }
        }
        body(Value::Object(whole).to_string())
    }

    fn preview(&self, body: &Body) -> String {
        pretty(payload(body).unwrap_or_default())
    }
}
