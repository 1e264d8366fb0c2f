//! The command line: one file for each command. Data goes to standard output, logs and progress to standard
//! error. The exit status is 0 for success, 1 if the answer is "no" or part of the work failed, and 2 for
//! wrong usage or an unreadable configuration.

mod ack;
mod alerts;
mod check;
mod demo;
mod demo_lines;
mod dry_run;
mod files;
mod history;
mod init;
mod outbox;
mod outlet;
mod rules;
mod run;
mod sandbox;
mod shipped;
mod signals;
mod silence;
mod state;
mod status;
pub mod terminal;

use std::{
    ffi::OsString,
    io,
    panic::{self, AssertUnwindSafe},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, builder::TypedValueParser};

/// The configuration file, unless `--config` names another one.
const DEFAULT_CONFIG: &str = "pengwatch.toml";

/// Watches the inbox of a customer-chat account and tells the right people who is waiting, where and
/// how long.
#[derive(Debug, Parser)]
#[command(name = "pengwatch", version, arg_required_else_help = true, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// The configuration file
    #[arg(long, global = true, value_name = "FILE", env = "PENGWATCH_CONFIG", default_value = DEFAULT_CONFIG)]
    #[arg(value_parser = clap::builder::OsStringValueParser::new().map(config_path))]
    pub config: PathBuf,
    /// How logs are written to standard error
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// When to use colours
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub color: Color,
    /// Say more; twice: everything (the variable `RUST_LOG` is honoured, too)
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Say errors only
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Where logs, notes and mistakes are written
    #[arg(skip)]
    pub talk: terminal::Talk,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// For programs, one object a line
    Json,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch: poll the inboxes, tell the receivers
    Run {
        /// One poll of every inbox, deliver what is owed, exit
        #[arg(long)]
        once: bool,
        /// One poll; say what would be sent, send and store nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Read configuration, rules and templates, and report every mistake
    Check,
    /// Whether the inboxes are read, how many wait, what is owed
    Status(status::StatusArguments),
    /// Who waits now: pending and firing alerts, the longest waiting first
    Alerts(state::ListArguments),
    /// What happened to alerts, and who was told
    History(history::HistoryArguments),
    /// Take an alert on: nobody is reminded of it any more until it is over
    Ack(ack::AckArguments),
    /// Hold back notifications for a while
    #[command(subcommand)]
    Silence(silence::SilenceCommand),
    /// Messages that no receiver has taken: list them, try them again, drop them
    #[command(subcommand)]
    Outbox(outbox::OutboxCommand),
    /// Each rule in one sentence, and how often it fired; or accept that rules are gone
    Rules(rules::RulesArguments),
    /// Write a commented configuration, rules and templates to start from
    Init {
        /// The folder; it is made if there is none, and nothing in it is written over
        #[arg(value_name = "DIR", default_value = ".")]
        folder: PathBuf,
    },
    /// See it at work on this machine: a made-up inbox, Slack and mail sinks, and the watcher
    Demo {
        /// Three times as fast
        #[arg(long)]
        fast: bool,
        /// End by itself after this time, like 60s
        #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
        how_long: Option<jiff::SignedDuration>,
    },
    /// Only the inbox API with made-up customers; prints its address and token
    Sandbox(sandbox::SandboxArguments),
}

/// The path of the configuration. An empty environment variable counts as not set.
fn config_path(text: OsString) -> PathBuf {
    if text.is_empty() { DEFAULT_CONFIG.into() } else { text.into() }
}

fn duration(text: &str) -> Result<jiff::SignedDuration, String> {
    crate::model::time::parse_duration(text)
}

/// The exit status of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Fine,
    /// The answer is "no", or part of the work failed.
    No,
    /// Wrong usage, or a configuration that cannot be read.
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Fine => 0,
            Exit::No => 1,
            Exit::Usage => 2,
        })
    }
}

/// Logs only the place of a panic: its message may hold a customer's text.
pub fn report_internal_errors() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "internal error: please report it");
    }));
}

/// How long the end of the program waits for blocking work, for example a DNS look-up that never returns.
const LEFT_BEHIND: Duration = Duration::from_millis(500);

/// Runs the command that the arguments of this process ask for.
pub fn main() -> ExitCode {
    match Arguments::try_parse() {
        Ok(arguments) => obey(arguments).into(),
        // Help is data on standard output, so failing to print it is an error. Wrong usage goes to standard error,
        // and keeps its status even if that cannot be written.
        Err(answer) => match answer.print() {
            Err(error) if answer.exit_code() == 0 && error.kind() != io::ErrorKind::BrokenPipe => Exit::No.into(),
            _ => ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(2)),
        },
    }
}

fn obey(arguments: Arguments) -> Exit {
    let Arguments { command, mut global } = arguments;
    let usual = match command {
        Command::Run { once: false, dry_run: false } => "info",
        // The demo makes faults on purpose and shows them itself.
        Command::Demo { .. } => "error",
        _ => "warn",
    };
    // A command may wait for the reader of its answer; a watcher must not wait for the reader of its log.
    if matches!(command, Command::Run { .. } | Command::Demo { .. } | Command::Sandbox(_)) {
        global.talk = terminal::Talk::past_the_reader(global.log_format);
    }
    terminal::start_logs(&global, usual);
    // The hook has logged a panic; the log still has to be written before the exit.
    let exit = match panic::catch_unwind(AssertUnwindSafe(|| start(command, &global))) {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) => {
            let prefix = if global.log_format == LogFormat::Text { "error: " } else { "" };
            terminal::note(&global, tracing::Level::ERROR, &format!("{prefix}{}", message_of(&error)));
            Exit::No
        }
        Err(_) => Exit::No,
    };
    global.talk.finish();
    exit
}

fn start(command: Command, global: &Global) -> anyhow::Result<Exit> {
    // One thread is enough: most of the work is waiting for other machines, and no request changes threads.
    // The store has its own thread.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        match command {
            Command::Run { dry_run: true, .. } => dry_run::dry_run(global).await,
            Command::Run { once, .. } => run::run(global, once).await,
            Command::Check => check::check(global),
            Command::Status(arguments) => status::status(global, arguments).await,
            Command::Alerts(arguments) => alerts::alerts(global, arguments).await,
            Command::History(arguments) => history::history(global, arguments).await,
            Command::Ack(arguments) => ack::ack(global, arguments).await,
            Command::Silence(command) => silence::silence(global, command).await,
            Command::Outbox(command) => outbox::outbox(global, command).await,
            Command::Rules(arguments) => rules::rules(global, arguments).await,
            Command::Init { folder } => init::init(global, &folder),
            Command::Demo { fast, how_long } => demo::demo(global, fast, how_long).await,
            Command::Sandbox(arguments) => sandbox::sandbox(global, arguments).await,
        }
    });
    // Dropping the runtime would wait for blocking work without a limit.
    runtime.shutdown_timeout(LEFT_BEHIND);
    ended
}

/// The error and its causes, each once: some errors already include their cause.
fn message_of(error: &anyhow::Error) -> String {
    let mut words = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !words.contains(&cause) {
            words = format!("{words}: {cause}");
        }
    }
    words
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_cause_is_said_once() {
        let says_it_itself = anyhow::anyhow!("disk full").context("writing failed: disk full").context("no state");
        assert_eq!(super::message_of(&says_it_itself), "no state: writing failed: disk full");
    }
}
