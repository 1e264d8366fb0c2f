//! The form of webhooks' messages: JSON, as a template returns it.

use super::kind::{NAME, WebhookKind};
use crate::{
    model::Body,
    render::{Content, Format, Plain, TemplateFile, TemplateTexts, escape, format::pretty},
};

/// The whole body, as JSON text.
const PAYLOAD: &str = "payload";

const JSON: TemplateFile = TemplateFile {
    name: "webhook.json.hbs",
    escape: escape::nothing,
    content: Content::Json,
    built_in: Some(include_str!("../../../templates/alert/webhook.json.hbs")),
};

pub(crate) fn body(payload: impl Into<String>) -> Body {
    Body::new(NAME, [(PAYLOAD, payload.into())])
}

pub(crate) fn payload(body: &Body) -> Option<&str> {
    body.part(NAME, PAYLOAD)
}

impl Format for WebhookKind {
    fn files(&self) -> &'static [TemplateFile] {
        const FILES: [TemplateFile; 1] = [JSON];
        &FILES
    }

    fn body(&self, texts: &dyn TemplateTexts) -> Result<Body, String> {
        Ok(body(texts.json(JSON.name)?.to_string()))
    }

    fn plain(&self, plain: &Plain) -> Body {
        body(plain.json.to_string())
    }

    fn preview(&self, body: &Body) -> String {
        pretty(payload(body).unwrap_or_default())
    }
}
