//! `pengwatch run --dry-run`: one poll, and what would be sent; nothing is sent or stored.

use std::{io, sync::Arc};

use parking_lot::Mutex;
use tracing::Level;

use super::{
    Exit, Global,
    run::{load_files, remembers_rules, tell_of_rules, without_rules},
    signals, terminal,
};
use crate::{
    clock::{Clock, SystemClock},
    diagnose::Diagnostic,
    engine::reach::Mode,
    inbox::Patience,
    service::{
        app::{App, Dependencies},
        run::begin,
    },
    store::Store,
};

/// One poll on a copy of the state.
///
/// # Errors
/// The reason for the exit status.
pub(super) async fn dry_run(global: &Global) -> anyhow::Result<Exit> {
    let stop = signals::listen(&global.talk, None);
    let files = match load_files(global) {
        Ok(files) => files,
        Err(exit) => return Ok(exit),
    };
    let store = Store::copy(&files.config.state).await?;
    if files.live.rules.unreadable().is_some() && !remembers_rules(&store).await? {
        return Ok(without_rules(global));
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let deadline = clock.now().checked_add(files.config.deadline).ok();
    let output = Arc::new(Mutex::new(io::stdout()));
    let surroundings = Dependencies { clock, output, store, deadline, patience: Patience::default(), points: None };
    let app = App::build(&files.config, files.live, surroundings).await?;
    begin(&app).await?;
    let lost = tell_of_rules(global, &app.edits.1.live().rules, true);

    let pages = terminal::Pages::show(global);
    let progress = pages.progress();
    let mut good = !lost && !files.mistakes.iter().any(Diagnostic::is_error);
    for poller in &app.pollers {
        let page = |number| progress(&poller.inbox, number);
        let polled = tokio::select! {
            polled = poller.run_once(Mode::Once, &page) => polled?,
            () = stop.cancelled() => return Ok(Exit::No),
        };
        for fault in &polled.faults {
            let inbox = &poller.inbox;
            terminal::say(&format!(
                "--- the rule {} cannot be judged in the inbox {inbox}: {}",
                fault.rule,
                fault.message()
            ))?;
        }
        if let Some(why) = polled.unread() {
            good = false;
            terminal::note(global, Level::WARN, &format!("inbox {} was not read completely: {why}", poller.inbox));
        }
    }
    drop(pages);
    for why in app.lookout.blind().await? {
        good = false;
        terminal::note(global, Level::WARN, &why);
    }
    let mut lines = Vec::new();
    for deliverer in &app.deliverers {
        for parcel in deliverer.preview().await? {
            lines.push(format!("--- would be sent to {}", deliverer.settings.receiver));
            lines.push(deliverer.layout.format.preview(&parcel.body));
        }
    }
    if lines.is_empty() {
        lines.push("nothing would be sent".to_owned());
    }
    // Whoever does not read it does not keep it from hearing that it is to end.
    let printed = tokio::task::spawn_blocking(move || terminal::say(&lines.join("\n")));
    tokio::select! {
        printed = printed => printed??,
        () = stop.cancelled() => return Ok(Exit::No),
    }
    Ok(if good { Exit::Fine } else { Exit::No })
}
