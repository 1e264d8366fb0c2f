//! `pengwatch.toml`: it makes a configuration or mistakes are shown, and no secret ever is.

use std::path::Path;

use pengwatch::inside::{Config, Diagnostic, Secrets, judge_config};

use super::mistakes;

/// A text in every secret of the environment.
const SECRET: &str = "hunter2";

pub fn read(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // Files of this machine are not input.
    if text.contains("file") && text.contains(['/', '\\']) {
        return;
    }
    let env = |name: &str| match name {
        "" => None,
        name if name.contains("SMTP") => Some(format!("smtps://me:{SECRET}@mail.example.com")),
        name if name.contains("URL") => Some(format!("https://hooks.example.com/{SECRET}")),
        name => Some(format!("{SECRET}{name}")),
    };
    for secrets in [Secrets::Needed, Secrets::Wanted] {
        let mut found = Vec::new();
        let config = judge_config(Path::new("fuzzed/pengwatch.toml"), text.to_owned(), secrets, &env, &mut found);
        let drawn = mistakes::check(&found);
        let Some(config) = config else {
            assert!(found.iter().any(Diagnostic::is_error), "too broken, and no mistake");
            continue;
        };
        let shown = format!("{drawn}\n{config:?}");
        assert!(text.contains(SECRET) || !shown.contains(SECRET), "a secret is shown:\n{shown}");
        for secret in plain(&config) {
            let once = secret.len() >= 8 && !secret.contains(['\n', '\r']) && text.matches(secret).count() == 1;
            assert!(!once || !shown.contains(secret), "{secret:?} is shown:\n{shown}");
        }
        if !found.iter().any(Diagnostic::is_error) {
            assert!(!config.inboxes.is_empty() && config.receivers.len() == config.receiver_names.len());
            assert!(config.inboxes.iter().all(|inbox| inbox.requests_per_minute > 0 && inbox.url.has_host()));
        }
    }
}

/// Every secret of a configuration except headers, which are mostly not secret.
fn plain(config: &Config) -> Vec<&str> {
    use secrecy::ExposeSecret;
    let inboxes = config.inboxes.iter().map(|inbox| inbox.token.expose_secret());
    let receivers = config.receivers.iter().flat_map(|receiver| receiver.way.secrets());
    let heartbeat = config.watchdog.heartbeat_url.iter().map(ExposeSecret::expose_secret);
    inboxes.chain(receivers).chain(heartbeat).collect()
}
