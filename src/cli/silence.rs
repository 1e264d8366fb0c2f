//! `pengwatch silence`: holds notifications of matching alerts for a time; those that still fire then are sent.

use clap::{Args, Subcommand};
use jiff::SignedDuration;
use strum::VariantArray;
use tracing::Level;

use super::{
    Exit, Global, duration,
    state::{CommandContext, list},
    terminal,
};
use crate::{
    diagnose::nearest::did_you_mean,
    model::{
        Matchers, Silence,
        text::{form, same},
        time::{elapsed, human},
    },
    rules::Severity,
    store::Store,
    views::SilenceRow,
};

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum SilenceCommand {
    /// Hold back notifications of what matches all of these
    Add(Box<AddArguments>),
    /// List the silences that hold back now
    List {
        /// Those that have ended, too
        #[arg(long)]
        all: bool,
        /// For programs: a JSON array
        #[arg(long)]
        json: bool,
    },
    /// End a silence now
    Expire {
        /// Its number, as `silence list` shows it
        #[arg(value_name = "ID")]
        id: i64,
    },
}

/// The arguments of `silence add`.
#[derive(Debug, Args)]
pub struct AddArguments {
    #[command(flatten)]
    matchers: MatcherArguments,
    /// For how long, like 2h
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    how_long: SignedDuration,
    /// Why
    #[arg(long, value_name = "TEXT")]
    comment: String,
    /// Who you are
    #[arg(long, value_name = "NAME", env = "USER", hide_env_values = true, default_value = "somebody")]
    by: String,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct MatcherArguments {
    /// Alerts of this rule
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    /// Alerts of this inbox
    #[arg(long, value_name = "INBOX")]
    inbox: Option<String>,
    /// Alerts of this contact, by its User ID
    #[arg(long, value_name = "ID")]
    contact: Option<String>,
    /// Alerts of contacts of this bot: its id, or its name in `[names]`
    #[arg(long, value_name = "BOT")]
    bot: Option<String>,
    /// Alerts of contacts with this tag
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// Alerts of contacts on this platform, like WHATSAPP
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
    /// Alerts of rules of this severity: info, warning or critical
    #[arg(long, value_name = "SEVERITY")]
    severity: Option<String>,
}

/// Adds, lists or ends silences.
///
/// # Errors
/// The reason for the exit status.
pub(super) async fn silence(global: &Global, command: SilenceCommand) -> anyhow::Result<Exit> {
    let desk = match CommandContext::open(global, matches!(command, SilenceCommand::Add(_))).await? {
        Ok(desk) => desk,
        Err(exit) => return Ok(exit),
    };
    match (command, &desk.store) {
        (SilenceCommand::Add(arguments), Some(store)) => add(global, arguments, &desk, store).await,
        (SilenceCommand::Expire { id }, Some(store)) => expire(global, id, &desk, store).await,
        (SilenceCommand::List { all, json }, store) => {
            let silences = match store {
                Some(store) => store.silences().await?,
                None => Vec::new(),
            };
            show(&silences, all, json, &desk)?;
            Ok(Exit::Fine)
        }
        (_, None) => Ok(Exit::No),
    }
}

async fn add(
    global: &Global,
    arguments: Box<AddArguments>,
    desk: &CommandContext,
    store: &Store,
) -> anyhow::Result<Exit> {
    let AddArguments { matchers, how_long, comment, by } = *arguments;
    let MatcherArguments { rule, inbox, contact, bot, tag, platform, severity } = matchers;
    let name = |name: Option<String>| name.map(|name| form(&name).into_owned());
    let matchers =
        Matchers { rule: name(rule), inbox: name(inbox), contact, bot: name(bot), tag: name(tag), platform, severity };
    let mistakes = mistakes(&matchers, how_long, desk);
    if !mistakes.is_empty() {
        for mistake in mistakes {
            terminal::note(global, Level::ERROR, &mistake);
        }
        return Ok(Exit::Usage);
    }
    let Ok(ends_at) = desk.now.checked_add(how_long) else {
        terminal::note(global, Level::ERROR, "--for: this is too long");
        return Ok(Exit::Usage);
    };
    let silence = Silence { id: 0, matchers, created_at: desk.now, ends_at, comment, created_by: by };
    let mut held = 0;
    for (alert, _) in store.open_alerts().await? {
        held += usize::from(silence.matchers.fit(&alert, desk.severity(&alert), &desk.files.config.names));
    }
    let what = described(&silence.matchers);
    let id = store.silence(silence).await?;
    let now = match held {
        0 => "no open alert matches now".to_owned(),
        1 => "1 open alert matches now".to_owned(),
        held => format!("{held} open alerts match now"),
    };
    terminal::say(&format!("silence {id} holds back {what} until {}; {now}", desk.moment(ends_at)))?;
    Ok(Exit::Fine)
}

/// Reports values that make no sense.
fn mistakes(matchers: &Matchers, how_long: SignedDuration, desk: &CommandContext) -> Vec<String> {
    let live = &desk.files.live;
    let rules: Vec<&str> = live
        .rules
        .rules
        .iter()
        .map(|rule| rule.name.as_str())
        .chain(live.rules.rejected.iter().map(String::as_str))
        .collect();
    let inboxes = desk.files.config.inbox_names();
    let inboxes: Vec<&str> = inboxes.iter().map(String::as_str).collect();
    let severities = Severity::VARIANTS.iter().map(|severity| severity.name()).collect();
    let mut mistakes = Vec::new();
    if how_long <= SignedDuration::ZERO {
        mistakes.push("--for: a silence must be longer than zero".to_owned());
    }
    for (what, value, known) in [
        ("rule", &matchers.rule, rules),
        ("inbox", &matchers.inbox, inboxes),
        ("severity", &matchers.severity, severities),
    ] {
        if let Some(value) = value
            && !known.iter().any(|known| same(known, value))
        {
            let help = did_you_mean(value, known).unwrap_or_default();
            mistakes.push(format!("there is no {what} `{value}`: {help}"));
        }
    }
    for (what, value) in matchers.set() {
        if value.trim().is_empty() {
            mistakes.push(format!("--{what} is empty"));
        }
    }
    mistakes
}

async fn expire(global: &Global, id: i64, desk: &CommandContext, store: &Store) -> anyhow::Result<Exit> {
    match store.expire(id, desk.now).await? {
        None => {
            terminal::note(
                global,
                Level::ERROR,
                &format!("there is no silence {id}; `pengwatch silence list` lists them"),
            );
            return Ok(Exit::No);
        }
        Some(silence) if silence.ends_at <= desk.now => {
            terminal::say(&format!("silence {id} had ended at {}", desk.moment(silence.ends_at)))?;
        }
        Some(silence) => {
            let what = described(&silence.matchers);
            terminal::say(&format!("silence {id} has ended: what still fires of {what} is told now"))?;
        }
    }
    Ok(Exit::Fine)
}

fn show(silences: &[Silence], all: bool, json: bool, desk: &CommandContext) -> std::io::Result<()> {
    let shown = silences.iter().filter(|silence| all || silence.is_active(desk.now));
    let rows: Vec<SilenceRow> = shown.map(|silence| SilenceRow::of(silence, desk.now)).collect();
    let cells = |row: &SilenceRow| {
        let left = if row.active { human(elapsed(desk.now, row.ends_at.0)) } else { "ended".to_owned() };
        vec![
            row.id.clone(),
            described(&row.matchers),
            desk.moment(row.ends_at.0),
            left,
            row.created_by.clone().unwrap_or_default(),
            row.comment.clone().unwrap_or_default(),
        ]
    };
    let heads = ["ID", "MATCHERS", "ENDS", "LEFT", "BY", "COMMENT"];
    list(json, &rows, &heads, cells, "nothing is silenced")
}

fn described(matchers: &Matchers) -> String {
    matchers.set().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}
