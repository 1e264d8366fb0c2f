//! The loaded templates, and how one of them becomes a body.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, io,
    sync::OnceLock,
};

use handlebars::{Context, Handlebars, RenderError, RenderErrorReason, Template};
use serde_json::Value;

use crate::model::{ALERT, Body, text};

use super::{
    Format, MessageView, Rendered,
    context::context,
    entry::{ListedAlert, entries},
    escape::{self, Escape},
    file::{ExtraPath, File, SUBJECT},
    headline::headline,
    helpers, plain, slack,
};

/// Where the built-in files are registered: no folder can have this name.
const BUILT_IN: &str = "/built-in";
/// Bytes that a template gives: lists in each other make much of little.
const LARGEST: usize = 16 << 20;

type Registries = BTreeMap<Escape, Handlebars<'static>>;

/// All templates, ready to use.
#[derive(Clone)]
pub struct Renderer {
    registries: Registries,
    /// The built-in texts, compiled when the first message needs one: most runs tell nobody anything.
    built_in: OnceLock<Registries>,
    /// Which files each folder holds.
    files: BTreeMap<String, BTreeSet<File>>,
    /// Undocumented fields in use: absent ones are given their empty value, since no two contacts
    /// have the same ones and the templates are strict.
    extras: BTreeSet<ExtraPath>,
}

impl fmt::Debug for Renderer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renderer").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Renderer {
    /// Only the built-in `alert`.
    pub fn built_in() -> Self {
        Self { registries: registries(), built_in: OnceLock::new(), files: BTreeMap::new(), extras: BTreeSet::new() }
    }

    /// The names of all templates.
    pub fn names(&self) -> Vec<&str> {
        let own = self.files.keys().map(String::as_str).filter(|name| *name != ALERT);
        std::iter::once(ALERT).chain(own).collect()
    }

    /// Whether there is a template of this name.
    pub fn has(&self, name: &str) -> bool {
        name == ALERT || self.files.contains_key(name)
    }

    /// The message from a template; the plain built-in text and a fault where it fails.
    pub fn render(&self, template: &str, format: Format, telling: &MessageView<'_>) -> Rendered {
        match self.body(template, format, telling) {
            Ok(body) if self.has(template) => Rendered { body, fault: None },
            Ok(body) => Rendered { body, fault: Some(format!("there is no template `{template}`")) },
            Err(fault) => Rendered { body: plain::body(format, telling), fault: Some(fault) },
        }
    }

    /// The message as minimal built-in text, for a receiver that refuses what a template made.
    pub fn plain(&self, format: Format, telling: &MessageView<'_>) -> Body {
        plain::body(format, telling)
    }

    /// Notes a folder, even when none of its files is usable.
    pub(super) fn add_folder(&mut self, folder: &str) {
        self.files.entry(folder.to_owned()).or_default();
    }

    /// Takes in a file that was checked.
    pub(super) fn add(&mut self, folder: &str, file: File, mut template: Template, extras: BTreeSet<ExtraPath>) {
        let name = key(folder, file);
        template.name = Some(name.clone());
        if let Some(registry) = self.registries.get_mut(&file.escape()) {
            registry.register_template(&name, template);
            self.files.entry(folder.to_owned()).or_default().insert(file);
            self.extras.extend(extras);
        }
    }

    /// Takes a file out again: it failed its trial.
    pub(super) fn remove(&mut self, folder: &str, file: File) {
        if let Some(files) = self.files.get_mut(folder) {
            files.remove(&file);
        }
    }

    /// Renders one file of a folder, for the trial of a template.
    pub(super) fn try_file(&self, folder: &str, file: File, telling: &MessageView<'_>) -> Result<(), TrialFailure> {
        let data = self.data(telling, &entries(telling)).map_err(TrialFailure::of)?;
        let registry = self.registries.get(&file.escape()).ok_or_else(|| TrialFailure::of("no registry".to_owned()))?;
        let given = run(registry, &key(folder, file), &data).map_err(|error| TrialFailure {
            place: error.line_no.zip(error.column_no),
            ..TrialFailure::of(explain(&error))
        })?;
        let wrong = match (file, serde_json::from_str::<Value>(&given)) {
            (File::SlackJson, Ok(Value::Object(_))) | (File::Webhook, Ok(_)) => return Ok(()),
            (File::SlackJson, Ok(_)) => "the payload is no JSON object".to_owned(),
            (File::SlackJson | File::Webhook, Err(error)) => format!("what it gave is not valid JSON: {error}"),
            _ => return Ok(()),
        };
        Err(TrialFailure { given: Some(given), ..TrialFailure::of(wrong) })
    }

    fn data(&self, telling: &MessageView<'_>, listed: &[ListedAlert<'_>]) -> Result<Context, String> {
        let mut value = context(telling, listed);
        self.fill_extras(&mut value);
        Context::wraps(value).map_err(|_| "the message has no context".to_owned())
    }

    fn body(&self, template: &str, format: Format, telling: &MessageView<'_>) -> Result<Body, String> {
        let listed = entries(telling);
        let data = self.data(telling, &listed)?;
        let fallback = || escape::slack(&headline(telling, &listed));
        match format {
            Format::Slack => {
                let folder = self.folder(template, &[File::SlackJson, File::SlackText]);
                let json =
                    folder == BUILT_IN || self.files.get(folder).is_some_and(|files| files.contains(&File::SlackJson));
                let payload = if json {
                    let given = self.run(folder, File::SlackJson, &data)?;
                    match parse(folder, File::SlackJson, &given)? {
                        Value::Object(given) => slack::payload(given, &fallback()),
                        _ => return Err(format!("{}: the payload is no JSON object", shown(folder, File::SlackJson))),
                    }
                } else {
                    slack::text_payload(&self.run(folder, File::SlackText, &data)?, &fallback())
                };
                Ok(Body::Slack { payload: payload.to_string() })
            }
            Format::Email => {
                let part = |file: File| self.run(self.folder(template, &[file]), file, &data);
                Ok(Body::Email {
                    subject: text::line_of_ours(&part(File::EmailSubject)?, SUBJECT),
                    text: part(File::EmailText)?.trim().to_owned(),
                    html: part(File::EmailHtml)?,
                })
            }
            Format::Webhook => {
                let folder = self.folder(template, &[File::Webhook]);
                let given = self.run(folder, File::Webhook, &data)?;
                Ok(Body::Webhook { payload: parse(folder, File::Webhook, &given)?.to_string() })
            }
            Format::Console => {
                let folder = self.folder(template, &[File::Console]);
                Ok(Body::Console { text: self.run(folder, File::Console, &data)?.trim_end().to_owned() })
            }
        }
    }

    /// Where one of `files` is taken from: the template's folder, else the admin's `alert`, else the
    /// built-in one.
    fn folder<'a>(&self, template: &'a str, files: &[File]) -> &'a str {
        [template, ALERT]
            .into_iter()
            .find(|folder| self.files.get(*folder).is_some_and(|held| files.iter().any(|file| held.contains(file))))
            .unwrap_or(BUILT_IN)
    }

    fn run(&self, folder: &str, file: File, data: &Context) -> Result<String, String> {
        let registries = if folder == BUILT_IN { self.built_in.get_or_init(built_in) } else { &self.registries };
        let registry = registries.get(&file.escape()).ok_or("no registry")?;
        run(registry, &key(folder, file), data).map_err(|error| fault(folder, file, &error))
    }

    fn fill_extras(&self, value: &mut Value) {
        let Some(alerts) = value["alerts"].as_array_mut() else { return };
        for alert in alerts {
            for path in &self.extras {
                let mut at = &mut alert["contact"]["extra"];
                for name in path {
                    if at.is_null() {
                        *at = Value::Object(serde_json::Map::new());
                    }
                    let Some(fields) = at.as_object_mut() else { break };
                    at = fields.entry(name.clone()).or_insert(Value::Null);
                }
            }
        }
    }
}

/// Why a file failed its trial.
pub(super) struct TrialFailure {
    /// Line and column in the template, where known.
    pub(super) place: Option<(usize, usize)>,
    /// What went wrong.
    pub(super) what: String,
    /// What the template gave.
    pub(super) given: Option<String>,
}

impl TrialFailure {
    fn of(what: String) -> Self {
        Self { place: None, what, given: None }
    }
}

/// What a template gives, within bounds.
fn run(registry: &Handlebars<'_>, name: &str, data: &Context) -> Result<String, RenderError> {
    let mut given = Bounded(Vec::new());
    registry.render_with_context_to_write(name, data, &mut given)?;
    Ok(String::from_utf8(given.0)?)
}

/// What was given so far.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, given: &[u8]) -> io::Result<usize> {
        if self.0.len() + given.len() > LARGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(given);
        Ok(given.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn registries() -> Registries {
    Escape::ALL.into_iter().map(|escape| (escape, registry(escape))).collect()
}

/// The built-in texts.
fn built_in() -> Registries {
    let mut registries = registries();
    for file in File::ALL {
        // One that does not compile is found by the tests; `plain` would serve.
        if let Some(Ok(mut template)) = file.built_in().map(Template::compile)
            && let Some(registry) = registries.get_mut(&file.escape())
        {
            let name = key(BUILT_IN, file);
            template.name = Some(name.clone());
            registry.register_template(&name, template);
        }
    }
    registries
}

/// One registry: strict, with one escape and our helpers.
fn registry(escape: Escape) -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(move |text| escape.apply(text));
    helpers::register(&mut registry, escape);
    registry
}

fn key(folder: &str, file: File) -> String {
    format!("{folder}/{}", file.name())
}

/// A file's name for people.
fn shown(folder: &str, file: File) -> String {
    if folder == BUILT_IN { format!("the built-in {}", file.name()) } else { key(folder, file) }
}

/// Handlebars' error in an admin's words. It names paths of the template, never values.
fn explain(error: &RenderError) -> String {
    match error.reason() {
        RenderErrorReason::MissingVariable(Some(path)) => {
            format!("`{path}` is empty or not there, and there is no {{{{else}}}} for that")
        }
        RenderErrorReason::IOError(_) => format!("it gives more than {} MiB", LARGEST >> 20),
        RenderErrorReason::MissingVariable(None) => "what is looked up is not there".to_owned(),
        other => other.to_string(),
    }
}

/// `alert/slack.json.hbs:3:7: …`.
fn fault(folder: &str, file: File, error: &RenderError) -> String {
    let place = match (error.line_no, error.column_no) {
        (Some(line), Some(column)) => format!(":{line}:{column}"),
        _ => String::new(),
    };
    format!("{}{place}: {}", shown(folder, file), explain(error))
}

fn parse(folder: &str, file: File, given: &str) -> Result<Value, String> {
    serde_json::from_str(given)
        .map_err(|error| format!("{}: what it gave is not valid JSON: {error}", shown(folder, file)))
}
