//! `pengwatch check`: every mistake of configuration, rules and templates, then a summary of what would run.

use std::io;

use super::{Exit, Global, files, terminal};
use crate::{
    config::load::Secrets,
    diagnose::{Diagnostic, draw::draw},
    engine::plan,
    model::time,
    net::proxies::Proxies,
    receivers::Config,
    rules::RuleSet,
    service::proxied::proxied,
};

/// Checks all files.
///
/// # Errors
/// Standard output cannot be written.
pub(super) fn check(global: &Global) -> anyhow::Result<Exit> {
    let color = terminal::colored(global, &io::stdout());
    let show = |found: &[Diagnostic]| {
        for diagnostic in found.iter().filter(|one| one.is_error() || !global.quiet) {
            terminal::say(&draw(diagnostic, color))?;
            terminal::say("")?;
        }
        Ok::<(), io::Error>(())
    };
    let files = match files::read(global, Secrets::Wanted) {
        Ok(files) => files,
        Err(mistakes) => {
            show(&mistakes)?;
            terminal::say(&verdict(&mistakes))?;
            return Ok(Exit::Usage);
        }
    };
    let all: Vec<Diagnostic> = files.config_mistakes.into_iter().chain(files.mistakes).collect();
    show(&all)?;
    let good = !all.iter().any(Diagnostic::is_error);
    if !global.quiet {
        let proxies = proxied(&files.config, &Proxies::of_environment());
        for line in summary(&files.config, &files.live.rules, &files.live.renderer.names()).into_iter().chain(proxies) {
            terminal::say(&line)?;
        }
    }
    if !(global.quiet && good) {
        terminal::say(&verdict(&all))?;
    }
    Ok(if good { Exit::Fine } else { Exit::No })
}

fn verdict(found: &[Diagnostic]) -> String {
    let errors = found.iter().filter(|diagnostic| diagnostic.is_error()).count();
    let warnings = found.len() - errors;
    let warned = if warnings == 0 { String::new() } else { format!(", {}", count(warnings, "warning")) };
    if errors == 0 { format!("ok{warned}") } else { format!("{}{warned}", count(errors, "mistake")) }
}

pub(super) fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

fn summary(config: &Config, rules: &RuleSet, templates: &[&str]) -> Vec<String> {
    let mut lines = vec![
        format!(
            "{}: {}, {}",
            config.path.display(),
            if config.inboxes.len() == 1 { "1 inbox".to_owned() } else { format!("{} inboxes", config.inboxes.len()) },
            count(config.receivers.len(), "receiver")
        ),
        format!(
            "{}: {} in use, {} disabled, {} with mistakes",
            config.rules.display(),
            count(rules.rules.len(), "rule"),
            rules.disabled.len(),
            rules.rejected.len()
        ),
        format!("{}: {}", config.templates.display(), templates.join(", ")),
    ];
    for inbox in &config.inboxes {
        let watching = rules.of_inbox(&inbox.name);
        let queries = plan::queries(&watching).len();
        // Two requests for each query: one page, and the empty page that proves it was the last. The number of
        // pages is not known before the first poll.
        let polls = 60_000 / inbox.poll_every.as_millis().max(1);
        let planned = 2 * i128::try_from(queries).unwrap_or(0) * polls.max(1);
        let waits =
            if planned > i128::from(inbox.requests_per_minute) { ": polls will wait for each other" } else { "" };
        let queries = if queries == 1 { "1 query".to_owned() } else { format!("{queries} queries") };
        lines.push(format!(
            "requests of inbox {}: {queries} for {}, every {}: {planned} a minute while few customers wait, of {} allowed{waits}",
            inbox.name,
            count(watching.len(), "rule"),
            time::compact(inbox.poll_every),
            inbox.requests_per_minute,
        ));
    }
    lines
}
