//! Reads `templates/NAME/…`, and tries every template before a message needs it.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use handlebars::{Template, TemplateError, TemplateErrorReason};

use crate::{
    diagnose::{Diagnostic, Source, harmless::is_harmless, nearest::did_you_mean, read_text_of},
    model::text::form,
};

use super::{
    check,
    file::{ExtraPath, TemplateFile},
    foreign,
    format::Format,
    guard, mistakes,
    places::Places,
    renderer::Renderer,
    samples,
};

impl Renderer {
    /// Loads the built-in `alert` and the folders in `folder`, for these kinds of receivers. All mistakes of all files
    /// are reported; a file with mistakes is replaced by the built-in one. A missing folder means that there are no
    /// templates.
    pub fn load(folder: &Path, formats: &[&'static dyn Format], found: &mut Vec<Diagnostic>) -> Self {
        let mut renderer = Self::built_in(formats);
        folders(folder, &mut renderer, found);
        renderer
    }

    /// Adds the file `name` of the template `folder` by its text, as [`Renderer::load`] does: only if it has no
    /// mistakes.
    pub fn take_in(&mut self, folder: &str, name: &str, text: &str, found: &mut Vec<Diagnostic>) {
        let path = Path::new(folder).join(name);
        self.add_folder(folder);
        let Some(file) = self.file(name) else {
            found.push(Diagnostic::bare(mistakes::no_such_file(&path, None)));
            return;
        };
        take_in(folder, file, &Source::new(path, text), self, found);
    }
}

/// Adds every folder below `folder`.
fn folders(folder: &Path, renderer: &mut Renderer, found: &mut Vec<Diagnostic>) {
    if !folder.exists() {
        return;
    }
    for (name, path) in entries(folder, found) {
        if path.is_dir() {
            one(&form(&name), &path, renderer, found);
        } else if path.extension().is_some_and(|extension| extension == "hbs") {
            let right = folder.join("NAME").join(&name);
            found.push(Diagnostic::bare(mistakes::without_folder(&path, &right)));
        }
    }
}

fn one(folder: &str, path: &Path, renderer: &mut Renderer, found: &mut Vec<Diagnostic>) {
    renderer.add_folder(folder);
    for (name, path) in entries(path, found) {
        let Some(file) = renderer.file(&name) else {
            let near = did_you_mean(&name, renderer.file_names().collect::<Vec<_>>());
            found.push(Diagnostic::bare(mistakes::no_such_file(&path, near)));
            continue;
        };
        if let Some(source) = read(&path, found) {
            take_in(folder, file, &source, renderer, found);
        }
    }
}

/// Adds one file, if it has no mistakes and works with every sample.
fn take_in(
    folder: &str,
    file: TemplateFile,
    source: &Arc<Source>,
    renderer: &mut Renderer,
    found: &mut Vec<Diagnostic>,
) {
    let before = found.len();
    let Some((template, extras)) = parse(source, found) else { return };
    if found.len() > before {
        return;
    }
    renderer.add(folder, file, template, extras);
    if !samples::try_out(renderer, folder, file, source, found) {
        renderer.remove(folder, file);
    }
}

/// The entries of a folder that are not ignored, sorted by name.
fn entries(folder: &Path, found: &mut Vec<Diagnostic>) -> Vec<(String, std::path::PathBuf)> {
    let listed = match fs::read_dir(folder) {
        Ok(listed) => listed,
        Err(error) => {
            found.push(Diagnostic::bare(mistakes::unreadable_folder(folder, &error)));
            return Vec::new();
        }
    };
    let mut entries: Vec<_> = listed
        .filter_map(Result::ok)
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        // Mounted Kubernetes volumes contain hidden entries, too.
        .filter(|(name, _)| !is_harmless(name))
        .collect();
    entries.sort();
    entries
}

fn read(path: &Path, found: &mut Vec<Diagnostic>) -> Option<Arc<Source>> {
    match read_text_of(path, guard::SIZE) {
        Ok(text) => Some(Source::new(path, text)),
        Err(why) => {
            found.push(Diagnostic::bare(mistakes::unreadable_file(path, &why)));
            None
        }
    }
}

/// Parses and checks one file.
pub(super) fn parse(source: &Arc<Source>, found: &mut Vec<Diagnostic>) -> Option<(Template, BTreeSet<ExtraPath>)> {
    if let Some((place, what)) = guard::too_deep(&source.text) {
        found.push(Diagnostic::error(source, place, mistakes::too_deep(&what)));
        return None;
    }
    if !foreign::check(source, found) {
        return None;
    }
    match Template::compile(&source.text) {
        Ok(template) => {
            let extras = check::check(source, &template, found);
            Some((template, extras))
        }
        Err(error) => {
            found.push(syntax(source, &error));
            None
        }
    }
}

fn syntax(source: &Arc<Source>, error: &TemplateError) -> Diagnostic {
    let places = Places::new(&source.text);
    let start = error.pos().map_or(0, |(line, column)| places.byte(line, column));
    let end = source.text[start..].chars().next().map_or(start, |c| start + c.len_utf8());
    match error.reason() {
        TemplateErrorReason::MismatchingClosedHelper(open, close) => {
            let (open, close) = (open.trim_matches('"'), close.trim_matches('"'));
            Diagnostic::error(source, places.tag(start), mistakes::closes_another(close, open))
        }
        TemplateErrorReason::InvalidSyntax(what) => {
            Diagnostic::error(source, start..end, mistakes::not_valid()).label(what.clone())
        }
        other => Diagnostic::error(source, start..end, mistakes::not_valid_because(&other.to_string())),
    }
}
