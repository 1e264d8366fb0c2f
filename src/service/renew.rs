//! Reads rotated secrets again while pengwatch runs, and reports edits of `pengwatch.toml` that need a restart.
//!
//! The configuration that was read at the start is judged again with the files' present contents; a value that is wrong
//! or missing for a moment stays as it was. As with rules, the contents are compared every second, and judged once two
//! looks have seen the same: a mounted secret is swapped by its link, and an editor empties a file before it writes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    config::load::Secrets,
    diagnose::{Diagnostic, read_text},
    model::{Renewable, alert::short_hash},
    receivers::{Config, Output, Receiver, Sender, SenderTools, judge_config},
};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Requests to look at once.
pub(crate) type RenewalRequests = watch::Receiver<()>;

/// Returns when somebody asks, and never where nobody can.
pub(crate) async fn asked(asked: &mut RenewalRequests) {
    if asked.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The parts of the running program that were made from secrets.
#[derive(Default)]
pub struct Holders {
    /// Tokens, by inbox.
    pub tokens: BTreeMap<String, Renewable<SecretString>>,
    /// The senders of receivers, by name.
    pub senders: BTreeMap<String, Renewable<Box<dyn Sender>>>,
    /// The heartbeat's address.
    pub heartbeat: Option<Renewable<SecretString>>,
    /// The token that the server asks for.
    pub web: Option<Renewable<SecretString>>,
}

/// Reads secrets again.
pub struct Renewal {
    holders: Holders,
    /// Fingerprints of the receivers' secrets in use.
    used: BTreeMap<String, String>,
    path: PathBuf,
    /// The text of the configuration in use.
    text: SecretString,
    files: Vec<PathBuf>,
    client: reqwest::Client,
    output: Output,
}

impl Renewal {
    /// Remembers the fingerprints of the secrets in this configuration.
    pub fn new(config: &Config, holders: Holders, client: reqwest::Client, output: Output) -> Self {
        let used = config.receivers.iter().map(|receiver| (receiver.name.clone(), receiver.way.fingerprint()));
        Self {
            holders,
            used: used.collect(),
            path: config.path.clone(),
            text: config.text.clone(),
            files: config.secret_files.clone(),
            client,
            output,
        }
    }

    /// Reads the secrets' files again and uses what is valid and new; returns whether anything was.
    pub fn apply_edits(&mut self) -> bool {
        let (config, found) = again(&self.path, self.text.expose_secret().to_owned());
        for mistake in found.iter().filter(|mistake| mistake.is_error()) {
            tracing::warn!(mistake = mistake.line(), "secret.kept: the last good value is used");
        }
        let Some(config) = config else { return false };
        let mut renewed = Vec::new();
        for inbox in &config.inboxes {
            if let Some(token) = self.holders.tokens.get(&inbox.name)
                && replace(token, &inbox.token)
            {
                renewed.push(format!("the token of inbox {}", inbox.name));
            }
        }
        for receiver in &config.receivers {
            if self.renew(receiver) {
                renewed.push(format!("the secrets of receiver {}", receiver.name));
            }
        }
        let web = config.server.as_ref().and_then(|server| server.token.as_ref());
        for (held, now, what) in [
            (&self.holders.heartbeat, config.watchdog.heartbeat_url.as_ref(), "the heartbeat's address"),
            (&self.holders.web, web, "the token of [server]"),
        ] {
            if let (Some(held), Some(now)) = (held, now)
                && replace(held, now)
            {
                renewed.push(what.to_owned());
            }
        }
        for what in &renewed {
            tracing::info!("secret.renewed: {what}: read again, and used from now on");
        }
        !renewed.is_empty()
    }

    fn renew(&mut self, receiver: &Receiver) -> bool {
        let (Some(held), Some(used)) = (self.holders.senders.get(&receiver.name), self.used.get_mut(&receiver.name))
        else {
            return false;
        };
        let now = receiver.way.fingerprint();
        if now == *used {
            return false;
        }
        let tools = SenderTools { receiver: &receiver.name, client: &self.client, output: &self.output };
        match receiver.way.sender(&tools) {
            Ok(sender) => {
                held.replace(sender);
                *used = now;
                true
            }
            Err(reason) => {
                tracing::warn!(receiver = receiver.name, reason, "secret.kept: the last good value is used");
                false
            }
        }
    }

    /// Reports what of the configuration's file differs from what runs.
    fn compare(&self) {
        let text = match read_text(&self.path) {
            Ok(text) => text,
            Err(reason) => {
                return tracing::error!(
                    reason,
                    "config.unreadable: the configuration that was read at the start is kept"
                );
            }
        };
        if text == self.text.expose_secret() {
            return;
        }
        let keys = changed_keys(self.text.expose_secret(), &text);
        let (_, found) = again(&self.path, text);
        for mistake in found.iter().filter(|mistake| mistake.is_error()) {
            tracing::error!(
                mistake = mistake.line(),
                "config.mistake: a restart would fail; the running configuration is kept"
            );
        }
        if let Some(keys) = keys.filter(|keys| !keys.is_empty()) {
            let keys = keys.into_iter().collect::<Vec<_>>().join(", ");
            tracing::warn!(keys, "config.not_taken_in: these keys were changed; a restart takes them in");
        }
    }

    fn look(&self) -> (String, String) {
        let files: Vec<_> = self.files.iter().map(|path| content(path)).collect();
        (short_hash(&format!("{files:?}")), content(&self.path))
    }
}

/// The fingerprint of a file's contents, or the reason why it cannot be read.
fn content(path: &Path) -> String {
    match fs::metadata(path) {
        // Reading a pipe would empty it, or wait for it.
        Ok(about) if !about.is_file() => "no file".to_owned(),
        Ok(_) => match fs::read(path) {
            Ok(bytes) => short_hash(&String::from_utf8_lossy(&bytes)),
            Err(error) => error.kind().to_string(),
        },
        Err(error) => error.kind().to_string(),
    }
}

fn again(path: &Path, text: String) -> (Option<Config>, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let config = judge_config(path, text, Secrets::Again, &|name: &str| std::env::var(name).ok(), &mut found);
    (config, found)
}

/// Replaces the value if it differs; returns whether it did.
fn replace(held: &Renewable<SecretString>, now: &SecretString) -> bool {
    let differs = held.get().expose_secret() != now.expose_secret();
    if differs {
        held.replace(now.clone());
    }
    differs
}

/// The keys whose values differ, by their dotted path; `None` where one of the texts is not TOML.
fn changed_keys(before: &str, now: &str) -> Option<BTreeSet<String>> {
    let (before, now) = (flat(&before.parse().ok()?), flat(&now.parse().ok()?));
    let differs = |key: &&String| before.get(*key) != now.get(*key);
    Some(before.keys().chain(now.keys()).filter(differs).cloned().collect())
}

fn flat(table: &toml::Table) -> BTreeMap<String, toml::Value> {
    let mut keys = BTreeMap::new();
    for (name, value) in table {
        match value {
            // `{ env = … }` counts as one value.
            toml::Value::Table(inner) if !inner.contains_key("env") && !inner.contains_key("file") => {
                keys.extend(flat(inner).into_iter().map(|(key, value)| (format!("{name}.{key}"), value)));
            }
            value => {
                keys.insert(name.clone(), value.clone());
            }
        }
    }
    keys
}

/// Reads secrets again when their files have changed or somebody asks, until `stop`; notifies `owed` when something is
/// to be tried again.
pub(crate) async fn watch(
    renewal: Arc<parking_lot::Mutex<Renewal>>,
    owed: Arc<Notify>,
    mut ask: RenewalRequests,
    stop: CancellationToken,
) {
    let lock = || renewal.lock();
    let mut used = lock().look();
    let mut before = used.clone();
    loop {
        let is_asked = tokio::select! {
            () = tokio::time::sleep(LOOK) => false,
            () = asked(&mut ask) => true,
            () = stop.cancelled() => return,
        };
        // These are a few small files; reading them costs less than a hand-over to another thread.
        let now = lock().look();
        let settled = now == before;
        before.clone_from(&now);
        if !is_asked && !settled {
            continue;
        }
        if is_asked || now.1 != used.1 {
            lock().compare();
        }
        if (is_asked || now.0 != used.0) && lock().apply_edits() {
            owed.notify_one();
        }
        used = now;
    }
}

#[cfg(test)]
mod tests;
