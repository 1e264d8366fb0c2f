//! Reads rules and templates, and applies edits while pengwatch runs.
//!
//! The contents of the files are compared every second, which works wherever they are: on a disk, in a mounted volume,
//! behind links that are swapped as a whole. An edit is applied once two looks in a row have seen the same contents, so
//! that a half-written file is not judged.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    renew::{RenewalRequests, asked},
    shared::{Fingerprint, Live, Shared},
    succession,
};
use crate::{
    clock::Clock,
    diagnose::{Diagnostic, Level, Source, harmless::is_harmless},
    engine::reach::Mode,
    model::{RuleMemory, alert::short_hash},
    receivers::{Config, formats},
    render::Renderer,
    rules::{
        Known, Rule, RuleSet,
        compile::{Compiled, compile},
        folder::list,
        load,
        vanish::{self, Vanished},
    },
    store::{Store, StoreError},
};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Where rules and templates are, and the names that they may refer to.
#[derive(Clone, Debug)]
pub struct Sources {
    pub rules: PathBuf,
    pub templates: PathBuf,
    inboxes: Vec<String>,
    receivers: Vec<String>,
    timezone: TimeZone,
}

impl Sources {
    pub fn of(config: &Config) -> Self {
        Self {
            rules: config.rules.clone(),
            templates: config.templates.clone(),
            inboxes: config.inbox_names(),
            receivers: config.receiver_names.clone(),
            timezone: config.timezone.clone(),
        }
    }

    /// Reads rules and templates; mistakes are added to `found`.
    pub fn read(&self, found: &mut Vec<Diagnostic>) -> Live {
        // Taken before reading, so that an edit in between is seen as another edit.
        let files = self.fingerprint();
        let renderer = Renderer::load(&self.templates, &formats(), found);
        let mut rules = self.with_known(&renderer, |known| load::load(&self.rules, known, found));
        let mut warn = |title: String, help: &str| {
            found.push(Diagnostic { level: Level::Warning, ..Diagnostic::bare(title).help(help) });
        };
        if rules.rules.is_empty() && rules.rejected.is_empty() && rules.unreadable().is_none() {
            let title = format!("no rule of `{}` is in use: nobody is notified of anything", self.rules.display());
            warn(title, "a rule is a file like `customer-waiting.toml`");
        } else if rules.rejected.is_empty() && rules.unreadable().is_none() {
            for inbox in self.inboxes.iter().filter(|inbox| rules.of_inbox(inbox).is_empty()) {
                let title = format!(
                    "no rule in use looks at the inbox `{inbox}`: nobody is notified of customers who wait there"
                );
                warn(title, "add a rule, or name the inbox in the `inboxes` of one");
            }
        }
        let mistakes = std::mem::take(&mut rules.mistakes);
        Live { rules, renderer, mistakes, files }
    }

    fn with_known<T>(&self, renderer: &Renderer, make: impl FnOnce(&Known<'_>) -> T) -> T {
        let templates: Vec<String> = renderer.names().into_iter().map(str::to_owned).collect();
        make(&Known {
            timezone: Some(&self.timezone),
            inboxes: &self.inboxes,
            receivers: &self.receivers,
            templates: &templates,
        })
    }

    /// Compiles a rule of which only the remembered text is left.
    fn rule_of(&self, name: &str, text: &str, renderer: &Renderer) -> Option<Arc<Rule>> {
        let source = Source::new(self.rules.join(format!("{name}.toml")), text);
        match self.with_known(renderer, |known| compile(name, &source, known, &mut Vec::new())) {
            Compiled::Rule(rule) => Some(Arc::from(rule)),
            Compiled::Disabled | Compiled::Rejected => None,
        }
    }

    /// The fingerprint of the files' contents.
    fn fingerprint(&self) -> Fingerprint {
        let rules = match list(&self.rules) {
            Ok(listing) => {
                let mut text = format!("{:?} {:?}", listing.unread, listing.closed);
                listing.rules.values().for_each(|path| add(&mut text, path));
                short_hash(&text)
            }
            Err(why) => why,
        };
        Fingerprint { rules, templates: self.of_templates() }
    }

    /// The fingerprint of the templates; `None` if they cannot all be read now.
    fn of_templates(&self) -> Option<String> {
        let mut text = String::new();
        let mut folders = vec![self.templates.clone()];
        while let Some(folder) = folders.pop() {
            if !folder.exists() {
                continue;
            }
            let entries = fs::read_dir(&folder).ok()?.map(|entry| entry.map(|entry| entry.path()));
            let mut paths: Vec<PathBuf> = entries.collect::<Result<_, _>>().ok()?;
            paths.sort();
            for path in paths {
                if path.file_name().is_some_and(|name| is_harmless(&name.to_string_lossy())) {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                } else {
                    add(&mut text, &path);
                }
            }
        }
        Some(short_hash(&text))
    }
}

/// Adds a file to the text of a fingerprint. Reading a pipe without a writer would never end, so only regular files are
/// read.
fn add(text: &mut String, path: &Path) {
    text.push_str(&path.display().to_string());
    text.push('\0');
    match fs::metadata(path).and_then(|about| if about.is_file() { fs::read(path) } else { Ok(Vec::new()) }) {
        Ok(bytes) => text.push_str(&short_hash(&String::from_utf8_lossy(&bytes))),
        Err(error) => text.push_str(&error.to_string()),
    }
    text.push('\0');
}

/// What is remembered of the rules, and where it is stored.
#[derive(Clone, Debug)]
pub struct Memory {
    pub store: Store,
    /// The last known memory, for when the state fails.
    pub known: RuleMemory,
    /// A daemon keeps rules in use whose files are missing or have mistakes, and waits before it believes a removal; a
    /// one-shot run does not.
    pub mode: Mode,
}

impl Memory {
    /// Reads what a store remembers.
    ///
    /// # Errors
    /// The store failed.
    pub async fn of(store: &Store, mode: Mode) -> Result<Self, StoreError> {
        let known = store.rule_memory().await?.unwrap_or_default();
        Ok(Self { store: store.clone(), known, mode })
    }

    /// Whether a file is missing that may come back.
    fn waits(&self) -> bool {
        self.known.files.values().any(|file| file.gone_since.is_some())
    }

    /// Compares rules as they were read with what is remembered. A vanished rule stays in use, is left alone, or its
    /// removal is believed; a rule with mistakes stays in use as it last was without. `old`: the rules that were in use
    /// until now.
    pub async fn settle(&mut self, sources: &Sources, live: &mut Live, old: &RuleSet, now: Timestamp) -> Vanished {
        let patience = if self.mode == Mode::Daemon { vanish::TOGETHER } else { SignedDuration::ZERO };
        let read = live.rules.clone();
        let judged = self.store.remember_rules(move |memory| {
            let vanished = vanish::judge(&read, memory, patience, now);
            (vanished, memory.clone())
        });
        let vanished = match judged.await {
            Ok((vanished, known)) => {
                self.known = known;
                vanished
            }
            Err(error) => {
                tracing::error!(%error, "store.failed: it is not remembered which rules are in use");
                vanish::judge(&live.rules, &mut self.known, patience, now)
            }
        };
        live.rules.lost.clone_from(&self.known.missing);
        live.rules.missing.clone_from(&vanished.left_alone);
        let unsure: Vec<String> = vanished.go_on.iter().chain(&live.rules.rejected).cloned().collect();
        for name in unsure {
            let text = || self.known.files.get(&name).map(|file| file.text.as_str());
            let rule = match self.mode {
                Mode::Once => None,
                Mode::Daemon => old.get(&name).cloned().or_else(|| sources.rule_of(&name, text()?, &live.renderer)),
            };
            match rule {
                Some(rule) => {
                    live.rules.rejected.retain(|rejected| *rejected != name);
                    live.rules.rules.push(rule);
                }
                None if live.rules.rejected.contains(&name) => {}
                None => live.rules.missing.push(name),
            }
        }
        live.rules.rules.sort_by(|one, other| one.name.cmp(&other.name));
        vanished
    }
}

/// What is needed after an edit to pass on what is owed to a receiver that no rule names any more.
#[derive(Clone)]
pub(crate) struct Edited {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    /// Wakes the deliverers.
    pub owed: Arc<Notify>,
}

/// Applies edits until `stop`, and at once when somebody asks.
pub(crate) async fn watch(
    sources: Sources,
    shared: Arc<Shared>,
    mut memory: Memory,
    edited: Edited,
    mut ask: RenewalRequests,
    stop: CancellationToken,
) {
    let mut used = shared.live().files.clone();
    let mut before = sources.fingerprint();
    loop {
        let is_asked = tokio::select! {
            () = tokio::time::sleep(LOOK) => false,
            () = asked(&mut ask) => true,
            () = stop.cancelled() => return,
        };
        // These are a few small files; reading them costs less than a hand-over to another thread.
        let now = sources.fingerprint();
        let settled = now == before;
        before.clone_from(&now);
        if is_asked && now.templates.is_none() {
            tracing::error!("edit.unreadable: not all templates can be read now; those in use are kept");
        }
        if now.templates.is_none() || !is_asked && !settled {
            continue;
        }
        if is_asked || now != used {
            used = now;
            apply_edits(&sources, &shared, &mut memory, edited.clock.now()).await;
        } else if memory.waits() {
            wait_for(&sources, &shared, &mut memory, edited.clock.now()).await;
        } else {
            continue;
        }
        if let Err(error) = succession::pass_on_of_gone(&edited.store, &shared, edited.clock.now()).await {
            tracing::error!(%error, "store.failed: notifications to receivers that are gone are not passed on");
        }
        edited.owed.notify_one();
    }
}

/// Reads the files again and uses those without mistakes.
pub(crate) async fn apply_edits(sources: &Sources, shared: &Shared, memory: &mut Memory, now: Timestamp) {
    let mut found = Vec::new();
    let mut live = sources.read(&mut found);
    for mistake in &found {
        let mistake_line = mistake.line();
        match mistake.level {
            Level::Error => tracing::error!(mistake = mistake_line, "edit.mistake: `pengwatch check` says more"),
            Level::Warning => tracing::warn!(warning = mistake_line, "edit.warning"),
        }
    }
    let rejected = live.rules.rejected.clone();
    let vanished = memory.settle(sources, &mut live, &shared.live().rules, now).await;
    for rule in rejected.iter().filter(|name| live.rules.get(name).is_some()) {
        tracing::error!(rule, "rule.rejected: its last good version goes on");
    }
    tracing::info!(rules = live.rules.rules.len(), "edit.taken_in: rules and templates were edited");
    tell(&vanished, &shared.live(), &live);
    shared.replace(live);
}

/// Checks whether the removal of missing rules is believed by now, or was accepted by a command beside this process.
async fn wait_for(sources: &Sources, shared: &Shared, memory: &mut Memory, now: Timestamp) {
    let old = shared.live();
    let renderer = old.renderer.clone();
    let mut rules = sources.with_known(&renderer, |known| load::load(&sources.rules, known, &mut Vec::new()));
    let mistakes = std::mem::take(&mut rules.mistakes);
    let files = shared.live().files.clone();
    let mut live = Live { rules, renderer, mistakes, files };
    let vanished = memory.settle(sources, &mut live, &old.rules, now).await;
    let names = |live: &Live| live.rules.rules.iter().map(|rule| rule.name.clone()).collect::<Vec<_>>();
    let (new, former) = (&live.rules, &old.rules);
    if names(&live) != names(&old) || new.missing != former.missing || new.lost != former.lost {
        tell(&vanished, &old, &live);
        shared.replace(live);
    }
}

/// Logs what became of missing rules.
fn tell(vanished: &Vanished, old: &Live, new: &Live) {
    for rule in &vanished.believed {
        tracing::info!(rule, "rule.removed: its alerts end without a message");
    }
    match (&old.rules.lost, &new.rules.lost) {
        (None, Some(lost)) => tracing::error!(
            missing = lost.message(),
            "rules.missing: their last good versions go on; `pengwatch rules --accept` says that it is meant"
        ),
        (Some(_), None) => tracing::info!("rules.missing: they are back, or count as removed"),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
