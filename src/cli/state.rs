//! Shared by the commands beside a running watcher: the configuration, its state, tables.

use std::io;

use clap::Args;
use comfy_table::{Table, presets::NOTHING};
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use tracing::Level;

use super::{Exit, Global, files, files::Files, terminal};
use crate::{
    clock::{Clock, SystemClock},
    config::load::Secrets,
    diagnose::Diagnostic,
    model::{Alert, text},
    store::Store,
};

/// The arguments of lists of alerts and of the history.
#[derive(Debug, Args)]
pub struct ListArguments {
    /// Only of this rule
    #[arg(long, value_name = "RULE")]
    pub rule: Option<String>,
    /// Only of this contact, by its User ID
    #[arg(long, value_name = "ID")]
    pub contact: Option<String>,
    /// For programs: a JSON array
    #[arg(long)]
    pub json: bool,
}

/// The most characters of a cell, so that one customer's text leaves room for the others.
const CELL: usize = 60;

/// A watcher's files and state, and the time.
pub(super) struct CommandContext {
    /// Configuration, rules, templates.
    pub files: Files,
    /// The state, if there is one.
    pub store: Option<Store>,
    /// The time of the command.
    pub now: Timestamp,
}

impl CommandContext {
    /// Opens the state of the configuration; an absent one is made only if `make`.
    ///
    /// # Errors
    /// The reason for the exit status; [`Exit::Usage`] if the configuration cannot be used; its mistakes are then
    /// shown.
    pub(super) async fn open(global: &Global, make: bool) -> anyhow::Result<Result<Self, Exit>> {
        let files = match files::read(global, Secrets::Wanted) {
            Ok(files) => files,
            Err(mistakes) => {
                terminal::complain(global, &mistakes);
                return Ok(Err(Exit::Usage));
            }
        };
        let errors: Vec<Diagnostic> = files.config_mistakes.iter().filter(|one| one.is_error()).cloned().collect();
        terminal::complain(global, &errors);
        let state = &files.config.state;
        let store = if make || Store::exists(state) {
            Some(Store::open(state).await?)
        } else {
            let line = match Store::missing(state) {
                Some(at) => format!(
                    "the state `{state}` is gone (last change {}). A pengwatch that runs writes it back within seconds; \
                     without one, restore a backup before the next start, or who waits is told again",
                    moment(at, &files.config.timezone)
                ),
                None => format!("nothing has run yet: there is no state `{state}`"),
            };
            terminal::note(global, Level::WARN, &line);
            None
        };
        Ok(Ok(Self { files, store, now: SystemClock::default().now() }))
    }

    /// The severity of an alert's rule; empty if the rule is gone.
    pub(super) fn severity(&self, alert: &Alert) -> &'static str {
        self.files.live.rules.get(&alert.rule).map_or("", |rule| rule.severity.name())
    }

    /// A time for people, in the configuration's zone.
    pub(super) fn moment(&self, at: Timestamp) -> String {
        moment(at, &self.files.config.timezone)
    }
}

/// A time for people.
pub(super) fn moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Prints a list: for programs as one JSON array, for people as a table, or the text for an empty list.
///
/// # Errors
/// Standard output cannot be written.
pub(super) fn list<Row: Serialize>(
    json: bool,
    rows: &[Row],
    heads: &[&str],
    cells: impl Fn(&Row) -> Vec<String>,
    none: &str,
) -> io::Result<()> {
    if json {
        return terminal::say(&pretty(&rows));
    }
    if rows.is_empty() {
        return terminal::say(none);
    }
    terminal::say(&table(heads, rows.iter().map(cells).collect()))
}

/// A table without lines. Its cells are cut, and have no control characters.
pub(super) fn table(heads: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(heads.iter().copied());
    for row in rows {
        table.add_row(row.iter().map(|cell| text::one_line(cell, CELL)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// JSON as it is printed.
pub(super) fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
