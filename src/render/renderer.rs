//! The loaded templates, and how a template becomes a body.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, io,
    sync::OnceLock,
};

use handlebars::{Context, Handlebars, RenderError, RenderErrorReason, Template};
use serde_json::Value;

use crate::model::{ALERT, Body};

use super::{
    MessageView, Rendered,
    context::context,
    entry::{ListedAlert, entries},
    file::{Content, ExtraPath, TemplateFile},
    format::{Format, TemplateTexts},
    headline::headline,
    helpers,
    plain::plain,
};

/// The folder name of the built-in files; no real folder can have it.
const BUILT_IN: &str = "/built-in";
/// The largest output of a template, in bytes: nested lists can make a long text from a short template.
const LARGEST: usize = 16 << 20;

/// Registries by file name, since each file has its own escape.
type Registries = BTreeMap<&'static str, Handlebars<'static>>;

/// All templates, ready to use.
#[derive(Clone)]
pub struct Renderer {
    /// All files that a folder may hold.
    known: Vec<TemplateFile>,
    registries: Registries,
    /// The built-in texts, compiled when the first message needs one: most runs do not send any message.
    built_in: OnceLock<Registries>,
    /// The files that each folder holds, by the folder's name.
    files: BTreeMap<String, BTreeSet<&'static str>>,
    /// Undocumented fields that templates use. Absent ones get an empty value, since contacts have different ones and
    /// the templates are strict.
    extras: BTreeSet<ExtraPath>,
}

impl fmt::Debug for Renderer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renderer").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Renderer {
    /// A renderer with only the built-in `alert`, for these kinds of receivers.
    pub fn built_in(formats: &[&'static dyn Format]) -> Self {
        let known: Vec<TemplateFile> = formats.iter().flat_map(|format| format.files()).copied().collect();
        let registries = registries(&known);
        Self { known, registries, built_in: OnceLock::new(), files: BTreeMap::new(), extras: BTreeSet::new() }
    }

    /// The names of all templates.
    pub fn names(&self) -> Vec<&str> {
        let own = self.files.keys().map(String::as_str).filter(|name| *name != ALERT);
        std::iter::once(ALERT).chain(own).collect()
    }

    /// Whether a template of this name exists.
    pub fn has(&self, name: &str) -> bool {
        name == ALERT || self.files.contains_key(name)
    }

    /// Renders a template; if it fails, returns the built-in plain text and the fault.
    pub fn render(&self, template: &str, format: &dyn Format, telling: &MessageView<'_>) -> Rendered {
        match self.body(template, format, telling) {
            Ok(body) if self.has(template) => Rendered { body, fault: None },
            Ok(body) => Rendered { body, fault: Some(format!("there is no template `{template}`")) },
            Err(fault) => Rendered { body: format.plain(&plain(telling)), fault: Some(fault) },
        }
    }

    /// The built-in plain text, for a receiver that refuses a template's message.
    pub fn plain(&self, format: &dyn Format, telling: &MessageView<'_>) -> Body {
        format.plain(&plain(telling))
    }

    /// The file of this name that a folder may hold.
    pub(super) fn file(&self, name: &str) -> Option<TemplateFile> {
        self.known.iter().find(|file| file.name == name).copied()
    }

    /// The names of all files that a folder may hold.
    pub(super) fn file_names(&self) -> impl Iterator<Item = &'static str> {
        self.known.iter().map(|file| file.name)
    }

    /// Adds a folder, even if none of its files can be used.
    pub(super) fn add_folder(&mut self, folder: &str) {
        self.files.entry(folder.to_owned()).or_default();
    }

    /// Adds a file that was checked.
    pub(super) fn add(
        &mut self,
        folder: &str,
        file: TemplateFile,
        mut template: Template,
        extras: BTreeSet<ExtraPath>,
    ) {
        let name = key(folder, file.name);
        template.name = Some(name.clone());
        if let Some(registry) = self.registries.get_mut(file.name) {
            registry.register_template(&name, template);
            self.files.entry(folder.to_owned()).or_default().insert(file.name);
            self.extras.extend(extras);
        }
    }

    /// Removes a file that failed its trial.
    pub(super) fn remove(&mut self, folder: &str, file: TemplateFile) {
        if let Some(files) = self.files.get_mut(folder) {
            files.remove(file.name);
        }
    }

    /// Renders one file of a folder, for the trial of a template.
    pub(super) fn try_file(
        &self,
        folder: &str,
        file: TemplateFile,
        telling: &MessageView<'_>,
    ) -> Result<(), TrialFailure> {
        let data = self.data(telling, &entries(telling)).map_err(TrialFailure::of)?;
        let registry = self.registries.get(file.name).ok_or_else(|| TrialFailure::of("no registry".to_owned()))?;
        let given = run(registry, &key(folder, file.name), &data).map_err(|error| TrialFailure {
            place: error.line_no.zip(error.column_no),
            ..TrialFailure::of(explain(&error))
        })?;
        if file.content == Content::Text {
            return Ok(());
        }
        let wrong = file.parse(&given).err();
        wrong.map_or(Ok(()), |wrong| Err(TrialFailure { given: Some(given), ..TrialFailure::of(wrong) }))
    }

    fn data(&self, telling: &MessageView<'_>, listed: &[ListedAlert<'_>]) -> Result<Context, String> {
        let mut value = context(telling, listed);
        self.fill_extras(&mut value);
        Context::wraps(value).map_err(|_| "the message has no context".to_owned())
    }

    fn body(&self, template: &str, format: &dyn Format, telling: &MessageView<'_>) -> Result<Body, String> {
        let listed = entries(telling);
        let data = self.data(telling, &listed)?;
        format.body(&Given { renderer: self, template, data, headline: headline(telling, &listed) })
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

/// The outputs of one template's files for one message.
struct Given<'a> {
    renderer: &'a Renderer,
    template: &'a str,
    data: Context,
    headline: String,
}

impl Given<'_> {
    /// The folder from which one of `files` is taken: the template's, else the admin's `alert`, else the built-in one.
    fn folder(&self, files: &[&str]) -> &str {
        let holds = |folder: &&str| {
            self.renderer.files.get(*folder).is_some_and(|held| files.iter().any(|file| held.contains(file)))
        };
        [self.template, ALERT].into_iter().find(holds).unwrap_or(BUILT_IN)
    }
}

impl TemplateTexts for Given<'_> {
    fn nearest(&self, files: &[&'static str]) -> &'static str {
        let held = self.renderer.files.get(self.folder(files));
        let found = files.iter().find(|file| held.is_some_and(|held| held.contains(*file)));
        found.or(files.first()).copied().unwrap_or_default()
    }

    fn text(&self, file: &str) -> Result<String, String> {
        let folder = self.folder(&[file]);
        let renderer = self.renderer;
        let registries = if folder == BUILT_IN {
            renderer.built_in.get_or_init(|| built_in(&renderer.known))
        } else {
            &renderer.registries
        };
        let registry = registries.get(file).ok_or("no registry")?;
        run(registry, &key(folder, file), &self.data).map_err(|error| fault(folder, file, &error))
    }

    fn json(&self, file: &str) -> Result<Value, String> {
        let known = self.renderer.file(file).ok_or("no such file")?;
        known.parse(&self.text(file)?).map_err(|wrong| format!("{}: {wrong}", shown(self.folder(&[file]), file)))
    }

    fn headline(&self) -> &str {
        &self.headline
    }
}

/// The reason why a file failed its trial.
pub(super) struct TrialFailure {
    /// Line and column in the template, if known.
    pub(super) place: Option<(usize, usize)>,
    /// What went wrong.
    pub(super) what: String,
    /// The template's output, if it is wrong.
    pub(super) given: Option<String>,
}

impl TrialFailure {
    fn of(what: String) -> Self {
        Self { place: None, what, given: None }
    }
}

/// Renders a template, with a limit for its output.
fn run(registry: &Handlebars<'_>, name: &str, data: &Context) -> Result<String, RenderError> {
    let mut given = Bounded(Vec::new());
    registry.render_with_context_to_write(name, data, &mut given)?;
    Ok(String::from_utf8(given.0)?)
}

/// The output so far.
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

fn registries(files: &[TemplateFile]) -> Registries {
    files.iter().map(|file| (file.name, registry(*file))).collect()
}

/// Compiles the built-in texts.
fn built_in(files: &[TemplateFile]) -> Registries {
    let mut registries = registries(files);
    for file in files {
        // A text that does not compile is found by the tests; in use, `plain` would replace it.
        if let Some(Ok(mut template)) = file.built_in.map(Template::compile)
            && let Some(registry) = registries.get_mut(file.name)
        {
            let name = key(BUILT_IN, file.name);
            template.name = Some(name.clone());
            registry.register_template(&name, template);
        }
    }
    registries
}

/// Makes a strict registry with the file's escape and our helpers.
fn registry(file: TemplateFile) -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(move |text| file.escaped(text));
    helpers::register(&mut registry, file);
    registry
}

fn key(folder: &str, file: &str) -> String {
    format!("{folder}/{file}")
}

/// A file's name for people.
fn shown(folder: &str, file: &str) -> String {
    if folder == BUILT_IN { format!("the built-in {file}") } else { key(folder, file) }
}

/// Handlebars' error in an admin's words. It contains paths of the template, never values.
fn explain(error: &RenderError) -> String {
    match error.reason() {
        RenderErrorReason::MissingVariable(Some(path)) => {
            format!("`{path}` is empty or does not exist, and there is no {{{{else}}}} for that")
        }
        RenderErrorReason::IOError(_) => format!("its output is more than {} MiB", LARGEST >> 20),
        RenderErrorReason::MissingVariable(None) => "the value that is looked up does not exist".to_owned(),
        other => other.to_string(),
    }
}

/// `alert/slack.json.hbs:3:7: …`.
fn fault(folder: &str, file: &str, error: &RenderError) -> String {
    let place = match (error.line_no, error.column_no) {
        (Some(line), Some(column)) => format!(":{line}:{column}"),
        _ => String::new(),
    };
    format!("{}{place}: {}", shown(folder, file), explain(error))
}
