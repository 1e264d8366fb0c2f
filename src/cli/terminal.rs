//! Data, logs, colours and progress.

use std::{
    io::{self, ErrorKind, IsTerminal, Write},
    sync::Arc,
    time::Duration,
};

use tracing::Level;
use tracing_subscriber::EnvFilter;

use super::{
    Color, Global, LogFormat,
    outlet::{Outlet, write_patiently},
};
use crate::{
    clock::{Clock, SystemClock},
    diagnose::{Diagnostic, draw::draw},
    service::loops::PageProgress,
};

/// At the end, the wait for a reader of the log that reads nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// The wait for a reader that reads slowly: a container is killed ten seconds after its stop signal.
const LONGEST: Duration = Duration::from_secs(3);

/// Output for people beside the data: logs, notes, mistakes, progress.
#[derive(Clone, Debug, Default)]
pub enum Talk {
    /// Directly to standard error, at the pace of its reader.
    #[default]
    Straight,
    /// Without waiting for the reader, because the watcher must not stop for its own log.
    Past(Outlet),
}

impl Talk {
    /// To standard error, without waiting for its reader.
    pub fn past_the_reader(format: LogFormat) -> Self {
        let gap = move |count| {
            let what =
                if count == 1 { "1 line of this log is".to_owned() } else { format!("{count} lines of this log are") };
            let message = format!("log.gap: {what} missing: nobody read it, or it could not be written");
            match format {
                LogFormat::Text => format!("{}  WARN {message}\n", SystemClock::default().now()),
                LogFormat::Json => format!("{}\n", event(Level::WARN, &message, None)),
            }
        };
        Outlet::new(io::stderr(), Box::new(gap)).map_or(Self::Straight, Self::Past)
    }

    fn say(&self, text: &str) {
        match self {
            Self::Straight => drop(write_patiently(&mut io::stderr().lock(), text.as_bytes())),
            Self::Past(outlet) => outlet.put(text.as_bytes()),
        }
    }

    /// Waits for the reader, for a limited time.
    pub fn finish(&self) {
        if let Self::Past(outlet) = self {
            finish(outlet);
        }
    }
}

impl Write for Talk {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        match self {
            Self::Straight => io::stderr().write(text),
            Self::Past(outlet) => outlet.write(text),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Waits for the reader, for a limited time.
pub fn finish(outlet: &Outlet) {
    outlet.flush(PATIENCE, LONGEST);
}

/// Standard output of a command that continues whether its output is read or not.
pub fn screen() -> io::Result<Outlet> {
    let gap = |count| format!("({count} lines are missing: nobody read them, or they could not be written)\n");
    Outlet::new(io::stdout(), Box::new(gap))
}

/// Starts logging to standard error, from the command's usual level unless another one is requested.
pub fn start_logs(global: &Global, usual: &'static str) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (false, 0) => usual,
        (false, 1) => "pengwatch=debug,info",
        (false, _) => "pengwatch=trace,debug",
    };
    // An empty variable counts as not set; otherwise it would hide everything but errors.
    let wanted = std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|wanted| !wanted.trim().is_empty());
    let filter = wanted.and_then(|wanted| EnvFilter::try_new(wanted).ok()).unwrap_or_else(|| EnvFilter::new(level));
    let colored = colored(global, &io::stderr());
    let talk = global.talk.clone();
    // Its own message about a log that cannot be written would panic if standard error accepts nothing.
    let builder = tracing_subscriber::fmt()
        .log_internal_errors(false)
        .with_env_filter(filter)
        .with_writer(move || talk.clone())
        .with_target(false);
    // In tests, a second start has no effect.
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

/// Prints a line of data. A closed output is not an error.
///
/// # Errors
/// Standard output cannot be written.
pub fn say(line: &str) -> io::Result<()> {
    match write_patiently(&mut io::stdout().lock(), format!("{line}\n").as_bytes()) {
        Err((error, _)) if error.kind() != ErrorKind::BrokenPipe => {
            Err(io::Error::new(error.kind(), format!("standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints a line for people beside the data; with JSON logs, as a log event.
pub fn note(global: &Global, level: Level, line: &str) {
    global.talk.say(&match global.log_format {
        LogFormat::Text => format!("{line}\n"),
        LogFormat::Json => format!("{}\n", event(level, line, None)),
    });
}

/// Draws mistakes to standard error.
pub fn complain(global: &Global, found: &[Diagnostic]) {
    let color = colored(global, &io::stderr());
    for diagnostic in found {
        global.talk.say(&match global.log_format {
            LogFormat::Text => format!("{}\n\n", draw(diagnostic, color)),
            LogFormat::Json => {
                let level = if diagnostic.is_error() { Level::ERROR } else { Level::WARN };
                format!("{}\n", event(level, &diagnostic.line(), diagnostic.help.as_deref()))
            }
        });
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

/// Shows on a terminal the pages as they are read; elsewhere nothing.
///
/// One line that is overwritten, without waiting for the reader: an ordinary progress bar blocks on a stopped terminal,
/// and then reading the inbox would stop, too.
pub struct Pages(Option<Talk>);

/// Returns to the beginning of the line and clears it.
const OVER: &str = "\r\x1b[2K";

impl Pages {
    /// Begins to show pages.
    pub fn show(global: &Global) -> Self {
        Self((!global.quiet && io::stderr().is_terminal()).then(|| global.talk.clone()))
    }

    /// The function to call for every page.
    pub fn progress(&self) -> PageProgress {
        let talk = self.0.clone();
        Arc::new(move |inbox: &str, page: u32| {
            if let Some(talk) = &talk {
                talk.say(&format!("{OVER}reading inbox {inbox}, page {page}"));
            }
        })
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        if let Some(talk) = &self.0 {
            talk.say(OVER);
        }
    }
}
