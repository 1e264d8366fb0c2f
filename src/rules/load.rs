//! Reads the folder of rules.

use std::{fs, io, path::Path, sync::Arc};

use jiff::tz::TimeZone;

use super::{
    Rule,
    compile::{Compiled, compile},
};
use crate::{
    diagnose::{Diagnostic, Source, read_text},
    model::text::form,
};

/// The names that rules may refer to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The zone of hours that name none; `None`: UTC.
    pub timezone: Option<&'a TimeZone>,
    /// Inboxes of the configuration.
    pub inboxes: &'a [String],
    /// Receivers of the configuration.
    pub receivers: &'a [String],
    /// Folders of templates, the built-in ones included.
    pub templates: &'a [String],
}

/// All rules of a folder.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    /// Those in use, by name.
    pub rules: Vec<Arc<Rule>>,
    /// Names of files with mistakes: their running alerts are left alone.
    pub rejected: Vec<String>,
    /// Names of disabled rules.
    pub disabled: Vec<String>,
}

impl RuleSet {
    /// The rule of this name, if it is in use.
    pub fn get(&self, name: &str) -> Option<&Arc<Rule>> {
        self.rules.iter().find(|rule| rule.name == name)
    }

    /// The rule of a file that was renamed: the same text under another name.
    pub fn with_text(&self, file: &str) -> Option<&Arc<Rule>> {
        self.rules.iter().find(|rule| rule.edition.file == file)
    }

    /// The rules that look at this inbox.
    pub fn of_inbox(&self, inbox: &str) -> Vec<Arc<Rule>> {
        self.rules.iter().filter(|rule| rule.watches(inbox)).cloned().collect()
    }
}

/// Reads every `*.toml` of `folder`; mistakes are added to `found`.
pub fn load(folder: &Path, known: &Known<'_>, found: &mut Vec<Diagnostic>) -> RuleSet {
    let mut set = RuleSet::default();
    let mut names = match names(folder) {
        Ok(names) => names,
        Err(error) => {
            let reason = if error.kind() == io::ErrorKind::NotFound {
                "it does not exist".to_owned()
            } else {
                error.to_string()
            };
            found.push(
                Diagnostic::bare(format!("the folder of rules `{}` cannot be read: {reason}", folder.display()))
                    .help("the key `rules` of the configuration names it, relative to that file"),
            );
            return set;
        }
    };
    names.sort();
    for name in names {
        let path = folder.join(format!("{name}.toml"));
        // Some file systems keep names in another form than people type them.
        let name = form(&name).into_owned();
        let compiled = match read_text(&path) {
            Ok(text) => compile(&name, &Source::new(path, text), known, found),
            Err(reason) => {
                found.push(Diagnostic::bare(format!("the rule `{}` cannot be read: {reason}", path.display())));
                Compiled::Rejected
            }
        };
        match compiled {
            Compiled::Rule(rule) => set.rules.push(Arc::from(rule)),
            Compiled::Disabled => set.disabled.push(name),
            Compiled::Rejected => set.rejected.push(name),
        }
    }
    set
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        // Editors and config maps keep hidden files and folders beside the real ones.
        if let Some(name) = entry?.file_name().to_str().and_then(|name| name.strip_suffix(".toml"))
            && !name.starts_with('.')
            && !name.is_empty()
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}
