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

/// At the end, a reader of the log that takes nothing is waited for as long as this.
const PATIENCE: Duration = Duration::from_secs(1);

/// And one that takes little as long as this: whoever stops a container kills it after ten seconds.
const LONGEST: Duration = Duration::from_secs(3);

/// What is said to people beside the data: logs, notes, mistakes, progress.
#[derive(Clone, Debug, Default)]
pub enum Talk {
    /// Straight to standard error, at the pace of whoever reads it.
    #[default]
    Straight,
    /// Past whoever does not read it: a watcher must not stand still for what it says.
    Past(Outlet),
}

impl Talk {
    /// To standard error, past whoever does not read it.
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

    /// Waits for whoever reads it, but not for ever.
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

/// Waits for whoever reads it, but not for ever.
pub fn finish(outlet: &Outlet) {
    outlet.flush(PATIENCE, LONGEST);
}

/// Standard output of a command that goes on whoever reads what it tells.
pub fn screen() -> io::Result<Outlet> {
    let gap = |count| format!("({count} lines are missing: nobody read them, or they could not be written)\n");
    Outlet::new(io::stdout(), Box::new(gap))
}

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
    let talk = global.talk.clone();
    // Its own complaint of a log that cannot be written would panic where standard error takes nothing.
    let builder = tracing_subscriber::fmt()
        .log_internal_errors(false)
        .with_env_filter(filter)
        .with_writer(move || talk.clone())
        .with_target(false);
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
///
/// # Errors
/// Standard output takes no more.
pub fn say(line: &str) -> io::Result<()> {
    match write_patiently(&mut io::stdout().lock(), format!("{line}\n").as_bytes()) {
        Err((error, _)) if error.kind() != ErrorKind::BrokenPipe => {
            Err(io::Error::new(error.kind(), format!("standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints a line for people beside the data; where logs are JSON, as one of them.
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

/// Shows pages as they are read, on a terminal; elsewhere nothing.
///
/// One line that is written over, past whoever does not read it: a bar that draws itself stands still with a
/// terminal that is stopped, and whoever reports a page to it does, too.
pub struct Pages(Option<Talk>);

/// Back to the beginning of the line, and nothing left on it.
const OVER: &str = "\r\x1b[2K";

impl Pages {
    /// Begins to show them.
    pub fn show(global: &Global) -> Self {
        Self((!global.quiet && io::stderr().is_terminal()).then(|| global.talk.clone()))
    }

    /// What hears of the pages.
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
