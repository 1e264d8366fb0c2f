//! Logs, colours, progress and signals.

use std::{
    io::{self, IsTerminal, Write},
    sync::Arc,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;
use tracing::Level;
use tracing_subscriber::EnvFilter;

use super::{Color, Global, LogFormat};
use crate::{
    diagnose::{Diagnostic, draw::draw},
    service::{
        clock::{Clock, SystemClock},
        run::Progress,
    },
};

/// Starts logging to standard error, from the level that is usual for the command unless another one is
/// asked for.
pub fn start_logs(global: &Global, usual: &'static str) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (false, 0) => usual,
        (false, 1) => "pengwatch=debug,info",
        (false, _) => "pengwatch=trace,debug",
    };
    // A variable that is set to nothing counts as not set: it would silence all but errors.
    let wanted = std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|wanted| !wanted.trim().is_empty());
    let filter = wanted.and_then(|wanted| EnvFilter::try_new(wanted).ok()).unwrap_or_else(|| EnvFilter::new(level));
    let colored = colored(global, &io::stderr());
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    // A second start, in tests, keeps the first.
    let _ = match global.log_format {
        LogFormat::Text => builder.with_ansi(colored).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}

/// Whether to colour what goes to `stream`.
pub fn colored(global: &Global, stream: &impl IsTerminal) -> bool {
    match global.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

/// Prints a line of data; a reader that has gone is no error.
pub fn say(line: &str) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// Prints a line for people beside the data; where logs are JSON, as one of them.
pub fn note(global: &Global, level: Level, line: &str) {
    let _ = match global.log_format {
        LogFormat::Text => writeln!(io::stderr().lock(), "{line}"),
        LogFormat::Json => writeln!(io::stderr().lock(), "{}", event(level, line, None)),
    };
}

/// Draws mistakes to standard error.
pub fn complain(global: &Global, found: &[Diagnostic]) {
    let color = colored(global, &io::stderr());
    for diagnostic in found {
        let _ = match global.log_format {
            LogFormat::Text => writeln!(io::stderr().lock(), "{}\n", draw(diagnostic, color)),
            LogFormat::Json => {
                let level = if diagnostic.is_error() { Level::ERROR } else { Level::WARN };
                let event = event(level, &diagnostic.line(), diagnostic.help.as_deref());
                writeln!(io::stderr().lock(), "{event}")
            }
        };
    }
}

/// A line like those of the log.
fn event(level: Level, message: &str, help: Option<&str>) -> serde_json::Value {
    let mut event = serde_json::json!({
        "timestamp": SystemClock::default().now().to_string(),
        "level": level.as_str(),
        "message": message,
    });
    if let Some(help) = help {
        event["help"] = help.into();
    }
    event
}

/// Stopped by Ctrl-C or SIGTERM; a second one ends the program at once.
pub fn stop_signal() -> CancellationToken {
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        signal().await;
        stop.cancel();
        signal().await;
        std::process::exit(130);
    });
    token
}

#[cfg(unix)]
async fn signal() {
    let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}

/// Shows pages as they are read, on a terminal; elsewhere nothing.
pub struct Pages(Option<ProgressBar>);

impl Pages {
    /// Begins to show them.
    pub fn show(global: &Global) -> Self {
        if global.quiet || !io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(Some(bar))
    }

    /// What hears of the pages.
    pub fn progress(&self) -> Progress {
        let bar = self.0.clone();
        Arc::new(move |inbox: &str, page: u32| {
            if let Some(bar) = &bar {
                bar.set_message(format!("reading inbox {inbox}, page {page}"));
            }
        })
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
