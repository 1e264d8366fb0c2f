//! Rules and templates: how they are read, and that edits are taken in while it runs.
//!
//! The files are looked at every second by what they hold, which works wherever they lie: on a disk, in
//! a mounted volume, behind links that are swapped as a whole. An edit is taken in once the files have
//! been the same for two looks, so that a half-written one is not judged.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use jiff::tz::TimeZone;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    clock::Clock,
    renew::{Asked, asked},
    shared::{Live, Shared},
    succession,
};
use crate::{
    config::Config,
    diagnose::{Diagnostic, Level},
    model::alert::short_hash,
    render::Renderer,
    rules::{Known, RuleSet, load},
    store::Store,
};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Where rules and templates lie, and what they may refer to.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The folder of rules.
    pub rules: PathBuf,
    /// The folder of templates.
    pub templates: PathBuf,
    inboxes: Vec<String>,
    receivers: Vec<String>,
    timezone: TimeZone,
}

impl Sources {
    /// As the configuration says.
    pub fn of(config: &Config) -> Self {
        Self {
            rules: config.rules.clone(),
            templates: config.templates.clone(),
            inboxes: config.inbox_names(),
            receivers: config.receiver_names.clone(),
            timezone: config.timezone.clone(),
        }
    }

    /// Reads them; mistakes are added to `found`.
    pub fn read(&self, found: &mut Vec<Diagnostic>) -> Live {
        let renderer = Renderer::load(&self.templates, found);
        let templates: Vec<String> = renderer.names().into_iter().map(str::to_owned).collect();
        let known = Known {
            timezone: Some(&self.timezone),
            inboxes: &self.inboxes,
            receivers: &self.receivers,
            templates: &templates,
        };
        let rules = load::load(&self.rules, &known, found);
        let mut warn = |title: String, help: &str| {
            found.push(Diagnostic { level: Level::Warning, ..Diagnostic::bare(title).help(help) });
        };
        if rules.rules.is_empty() && rules.rejected.is_empty() && self.rules.is_dir() {
            let title = format!("no rule of `{}` is in use: nobody is told of anything", self.rules.display());
            warn(title, "a rule is a file like `customer-waiting.toml`");
        } else if rules.rejected.is_empty() && self.rules.is_dir() {
            for inbox in self.inboxes.iter().filter(|inbox| rules.of_inbox(inbox).is_empty()) {
                let title = format!("no rule in use looks at the inbox `{inbox}`: nobody who waits there is told of");
                warn(title, "add a rule, or name the inbox in the `inboxes` of one");
            }
        }
        let first = |name: &String| {
            let file = self.rules.join(format!("{name}.toml")).display().to_string();
            let line =
                found.iter().filter(|one| one.is_error()).map(Diagnostic::line).find(|line| line.contains(&file));
            (name.clone(), line.unwrap_or_else(|| "it cannot be read".to_owned()))
        };
        let mistakes = rules.rejected.iter().map(first).collect();
        Live { rules, renderer, mistakes }
    }

    /// Fingerprint of what the files hold; `None` where they cannot all be read now.
    fn fingerprint(&self) -> Option<String> {
        let mut text = String::new();
        let mut folders = vec![(self.rules.clone(), false), (self.templates.clone(), true)];
        while let Some((folder, deep)) = folders.pop() {
            if deep && !folder.exists() {
                continue;
            }
            let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
                .ok()?
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<_, _>>()
                .ok()?;
            paths.sort();
            for path in paths {
                let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
                if hidden {
                    continue;
                }
                if path.is_dir() {
                    if deep {
                        folders.push((path, true));
                    }
                    continue;
                }
                text.push_str(&path.display().to_string());
                text.push('\0');
                text.push_str(&String::from_utf8_lossy(&fs::read(&path).ok()?));
                text.push('\0');
            }
        }
        Some(short_hash(&text))
    }
}

/// A rule whose file has mistakes now goes on as it was, if it was good before.
fn keep_last_good(new: &mut RuleSet, old: &RuleSet) {
    new.rejected.retain(|name| {
        let Some(good) = old.get(name) else { return true };
        tracing::error!(rule = name, "rule.rejected: its last good version goes on");
        new.rules.push(Arc::clone(good));
        false
    });
    new.rules.sort_by(|one, other| one.name.cmp(&other.name));
}

/// What an edit of the rules is good for besides them: others may be told what a receiver was to hear.
#[derive(Clone)]
pub struct Edited {
    /// Where the outbox is.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Wakes the deliverers.
    pub owed: Arc<Notify>,
}

/// Takes edits in until `stop`, and at once when somebody asks.
pub async fn watch(sources: Sources, shared: Arc<Shared>, edited: Edited, mut ask: Asked, stop: CancellationToken) {
    let mut used = sources.fingerprint();
    let mut before = used.clone();
    loop {
        let is_asked = tokio::select! {
            () = tokio::time::sleep(LOOK) => false,
            () = asked(&mut ask) => true,
            () = stop.cancelled() => return,
        };
        // A few small files: reading them takes less than handing it to another thread.
        let now = sources.fingerprint();
        let settled = now == before;
        before.clone_from(&now);
        if is_asked && now.is_none() {
            tracing::error!("edit.unreadable: rules and templates cannot all be read now; what is in use goes on");
        }
        if now.is_none() || !is_asked && (now == used || !settled) {
            continue;
        }
        used = now;
        take_in(&sources, &shared);
        if let Err(error) = succession::pass_on_of_gone(&edited.store, &shared, edited.clock.now()).await {
            tracing::error!(%error, "store.failed: what is owed to receivers that are gone stays");
        }
        edited.owed.notify_one();
    }
}

/// Reads the files again and uses what is right of them.
pub fn take_in(sources: &Sources, shared: &Shared) {
    let mut found = Vec::new();
    let mut live = sources.read(&mut found);
    for mistake in &found {
        let mistake_line = mistake.line();
        match mistake.level {
            Level::Error => tracing::error!(mistake = mistake_line, "edit.mistake: `pengwatch check` says more"),
            Level::Warning => tracing::warn!(warning = mistake_line, "edit.warning"),
        }
    }
    keep_last_good(&mut live.rules, &shared.live().rules);
    tracing::info!(rules = live.rules.rules.len(), "edit.taken_in: rules and templates were edited");
    shared.replace(live);
}

#[cfg(test)]
mod tests;
