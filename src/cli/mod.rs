//! The command line: one file a command. Data goes to standard output, logs and progress to standard
//! error; exit status 0 fine, 1 the answer is "no" or part of the work failed, 2 wrong usage or
//! unreadable configuration.

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

/// The configuration, unless another one is named.
const DEFAULT_CONFIG: &str = "pengwatch.toml";

/// Watches the inbox of a customer-chat account and tells the right people who is waiting, where and
/// how long.
#[derive(Debug, Parser)]
#[command(name = "pengwatch", version, arg_required_else_help = true, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
}

/// What every command takes.
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
    /// Where what is said to people goes
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

/// Where the configuration is; a variable that is set to nothing counts as not set.
fn config_path(text: OsString) -> PathBuf {
    if text.is_empty() { DEFAULT_CONFIG.into() } else { text.into() }
}

fn duration(text: &str) -> Result<jiff::SignedDuration, String> {
    crate::model::time::parse_duration(text)
}

/// What a command ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All good.
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

/// A mistake of ours is told by its place alone: its message may hold a customer's text.
pub fn report_internal_errors() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "internal error: please report it");
    }));
}

/// What the program may leave behind at its end: a look-up of a name that never comes back, for example.
const LEFT_BEHIND: Duration = Duration::from_millis(500);

/// Runs the command that the arguments of this process ask for.
pub fn main() -> ExitCode {
    match Arguments::try_parse() {
        Ok(arguments) => obey(arguments).into(),
        // Help is an answer like others; wrong usage is said on standard error, which may take nothing.
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
        // It tells of the trouble that it makes by itself.
        Command::Demo { .. } => "error",
        _ => "warn",
    };
    // Whoever reads what a command answers sets its pace; whoever reads the log of a watcher does not.
    if matches!(command, Command::Run { .. } | Command::Demo { .. } | Command::Sandbox(_)) {
        global.talk = terminal::Talk::past_the_reader(global.log_format);
    }
    terminal::start_logs(&global, usual);
    // A mistake of ours was told by the hook, and what was told is to be written.
    let exit = match panic::catch_unwind(AssertUnwindSafe(|| start(command, &global))) {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) => {
            let prefix = if global.log_format == LogFormat::Text { "error: " } else { "" };
            terminal::note(&global, tracing::Level::ERROR, &format!("{prefix}{}", words(&error)));
            Exit::No
        }
        Err(_) => Exit::No,
    };
    global.talk.finish();
    exit
}

fn start(command: Command, global: &Global) -> anyhow::Result<Exit> {
    // One thread: the work is waiting for others, and a request then crosses no thread. The store has
    // a thread of its own.
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
    // Dropped, it would wait for them without end.
    runtime.shutdown_timeout(LEFT_BEHIND);
    ended
}

/// What failed, with its causes, each said once: some errors say their cause themselves.
fn words(error: &anyhow::Error) -> String {
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
        assert_eq!(super::words(&says_it_itself), "no state: writing failed: disk full");
    }
}
