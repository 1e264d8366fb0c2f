//! `pengwatch run`: as a daemon, or one poll with `--once`.

use std::{io, sync::Arc, time::Duration};

use anyhow::Context;
use parking_lot::Mutex;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tracing::Level;

use super::{
    Exit, Global,
    files::{self, Files},
    signals, terminal,
};
use crate::{
    clock::{Clock, SystemClock},
    config::{Server, load::Secrets},
    diagnose::Diagnostic,
    inbox::Patience,
    model::time,
    receivers::Output,
    rules::RuleSet,
    service::{
        app::{self, App, Dependencies, StartError},
        run::{Report, daemon, once},
    },
    store::{FaultPoints, Store, StoreError},
    web,
};

/// Runs until the stop signal, or once.
pub(super) async fn run(global: &Global, one_shot: bool) -> anyhow::Result<Exit> {
    let (ask, asked) = watch::channel(());
    let stop = signals::listen(&global.talk, (!one_shot).then_some(ask));
    let files = match load_files(global) {
        Ok(files) => files,
        Err(exit) => return Ok(exit),
    };
    let state = files.config.state.clone();
    if files.live.rules.unreadable().is_some() && !Store::exists(&state) {
        return Ok(without_rules(global));
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let output: Output = Arc::new(Mutex::new(io::stdout()));
    let outcry = app::outcry(&files.config, &clock, &output)?;
    let ran = run_on(global, files, (clock, output), (one_shot, asked), &stop).await;
    let failed = ran.as_ref().err().and_then(|error| {
        error.downcast_ref::<StoreError>().or_else(|| match error.downcast_ref::<StartError>() {
            Some(StartError::Store(error)) => Some(error),
            _ => None,
        })
    });
    match failed {
        // Another pengwatch works on this state.
        Some(StoreError::Locked { .. }) => {}
        Some(error) => outcry.of_a_run(&state, error).await,
        None => outcry.of_a_good_run(&state).await,
    }
    ran
}

async fn run_on(
    global: &Global,
    files: Files,
    (clock, output): (Arc<dyn Clock>, Output),
    (one_shot, asked): (bool, watch::Receiver<()>),
    stop: &CancellationToken,
) -> anyhow::Result<Exit> {
    let store = Store::hold(&files.config.state).await?;
    if files.live.rules.unreadable().is_some() && !remembers_rules(&store).await? {
        return Ok(without_rules(global));
    }
    name_new_rules(global, &files, &store).await?;
    let deadline = one_shot.then(|| clock.now().checked_add(files.config.deadline).ok()).flatten();
    let surroundings =
        Dependencies { clock, output, store, deadline, patience: Patience::default(), points: fault_points() };
    let mut app = App::build(&files.config, files.live, surroundings).await?;
    app.asked = asked;
    for line in &app.proxied {
        terminal::note(global, Level::INFO, line);
    }
    let lost = tell_of_rules(global, &app.edits.1.live().rules, one_shot);
    if !one_shot {
        if app.store.probe().await.is_ok() {
            let (outcry, state) = (Arc::clone(&app.outcry), files.config.state.clone());
            tokio::spawn(async move { outcry.of_a_good_run(&state).await });
        }
        let serving = serve(files.config.server.as_ref(), &app, stop).await?;
        tracing::info!(version = env!("CARGO_PKG_VERSION"), inboxes = app.pollers.len(), "run: watching");
        daemon(app, stop, Arc::new(|_, _| {})).await?;
        if let Some(serving) = serving {
            // An open connection must not keep the program from ending.
            let _ = tokio::time::timeout(Duration::from_secs(1), serving).await;
        }
        tracing::info!("run: stopped");
        return Ok(Exit::Fine);
    }
    let pages = terminal::Pages::show(global);
    let (heartbeat, clock) = (app.heartbeat.take(), Arc::clone(&app.clock));
    let report = once(app, stop, pages.progress()).await?;
    drop(pages);
    tell(global, &report);
    if let Some(heartbeat) = heartbeat
        && report.is_good()
        && !lost
    {
        if report.complete {
            heartbeat.beat(clock.now()).await?;
        } else {
            heartbeat.withhold("a complete walk of an inbox is overdue, or there was none yet");
        }
    }
    let files_are_good = !files.mistakes.iter().any(Diagnostic::is_error);
    Ok(if report.is_good() && files_are_good && !lost { Exit::Fine } else { Exit::No })
}

/// Where a test wants this program to stop, so that it can be killed there. `PENGWATCH_FAULT_POINT` is `NAME:N`:
/// the Nth time that the point of this name is reached, the file `PENGWATCH_FAULT_MARK` is written and the program
/// waits; without that variable it panics. Release builds ignore both variables.
#[cfg(debug_assertions)]
#[allow(clippy::panic)]
fn fault_points() -> FaultPoints {
    use std::sync::atomic::{AtomicU32, Ordering};
    let wanted = std::env::var("PENGWATCH_FAULT_POINT").ok()?;
    let mark = std::env::var("PENGWATCH_FAULT_MARK").ok();
    let (name, turn) = wanted.split_once(':')?;
    let (name, turn, reached) = (name.to_owned(), turn.parse::<u32>().ok()?, AtomicU32::new(0));
    Some(Arc::new(move |point: &'static str| {
        if point != name || reached.fetch_add(1, Ordering::SeqCst) + 1 != turn {
            return;
        }
        let Some(mark) = &mark else { panic!("as a test wants it") };
        while std::fs::write(mark, point).is_ok() {
            std::thread::park();
        }
    }))
}

#[cfg(not(debug_assertions))]
fn fault_points() -> FaultPoints {
    None
}

/// Starts the web server if the configuration has `[server]`.
async fn serve(server: Option<&Server>, app: &App, stop: &CancellationToken) -> anyhow::Result<Option<JoinHandle<()>>> {
    let Some(Server { listen, .. }) = server else { return Ok(None) };
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}; another `listen` of [server] may help"))?;
    let asked = web::WebContext {
        health: Arc::clone(&app.health),
        lookout: Arc::clone(&app.lookout),
        metrics: Arc::clone(&app.edits.1.metrics),
        store: app.store.clone(),
        token: app.web_token.clone(),
        clock: Arc::clone(&app.clock),
    };
    Ok(Some(tokio::spawn(web::serve(listener, asked, stop.clone()))))
}

/// Reads the files for a run, and shows their mistakes.
///
/// # Errors
/// The exit status if the configuration has errors.
pub(super) fn load_files(global: &Global) -> Result<Files, Exit> {
    let files = files::read(global, Secrets::Needed).map_err(|mistakes| {
        terminal::complain(global, &mistakes);
        Exit::Usage
    })?;
    if global.quiet {
        let errors = |found: &[Diagnostic]| found.iter().filter(|one| one.is_error()).cloned().collect::<Vec<_>>();
        terminal::complain(global, &errors(&files.config_mistakes));
        terminal::complain(global, &errors(&files.mistakes));
    } else {
        terminal::complain(global, &files.config_mistakes);
        terminal::complain(global, &files.mistakes);
    }
    if files.config_mistakes.iter().any(Diagnostic::is_error) {
        terminal::note(global, Level::ERROR, "nothing was read or sent: correct the configuration first");
        return Err(Exit::Usage);
    }
    Ok(files)
}

/// Reports that the folder of rules cannot be read and that the state remembers no rules.
pub(super) fn without_rules(global: &Global) -> Exit {
    let line = "the folder of rules cannot be read: nothing was polled or sent";
    terminal::note(global, Level::ERROR, line);
    Exit::Usage
}

/// Whether rules were in use before, so that missing ones can be named.
pub(super) async fn remembers_rules(store: &Store) -> anyhow::Result<bool> {
    Ok(store.rule_memory().await?.is_some_and(|memory| !memory.files.is_empty()))
}

/// Names the rules in subfolders, at this version's first start on a state of a version that did not read them.
async fn name_new_rules(global: &Global, files: &Files, store: &Store) -> anyhow::Result<()> {
    if store.rule_memory().await?.is_some() || store.memories().await?.is_empty() {
        return Ok(());
    }
    for rule in files.live.rules.rules.iter().filter(|rule| rule.name.contains('/')) {
        let name = &rule.name;
        let line =
            format!("the rule `{name}` is in use from now on: the version before did not read rules in subfolders");
        terminal::note(global, Level::WARN, &line);
    }
    Ok(())
}

/// Reports rejected and missing rules; returns whether all or most rules are missing.
pub(super) fn tell_of_rules(global: &Global, rules: &RuleSet, one_shot: bool) -> bool {
    for name in &rules.rejected {
        terminal::note(
            global,
            Level::WARN,
            &format!("the rule `{name}` is left out until it is corrected; its running alerts are kept"),
        );
    }
    if let Some(lost) = &rules.lost {
        let what = if one_shot { "their alerts are left alone" } else { "their last good versions go on" };
        let line = format!("{}; {what}. If it is meant, `pengwatch rules --accept` says so", lost.message());
        terminal::note(global, Level::ERROR, &line);
    }
    rules.lost.is_some()
}

fn tell(global: &Global, report: &Report) {
    for (inbox, reason) in &report.unread {
        terminal::note(
            global,
            Level::WARN,
            &format!(
                "inbox {inbox} was not read completely: {reason}. No alert was ended by this; the next run goes on"
            ),
        );
    }
    for why in &report.blind {
        terminal::note(global, Level::WARN, why);
    }
    for (inbox, pages) in report.goes_on.iter().filter(|_| !global.quiet) {
        let pages = if *pages == 1 { "1 page is read".to_owned() } else { format!("{pages} pages are read") };
        let line = format!(
            "inbox {inbox}: its full walk does not fit into this run: {pages}, and the next run goes on. Who is new was \
             looked for first"
        );
        terminal::note(global, Level::INFO, &line);
    }
    for waiting in &report.waiting {
        let why =
            if waiting.last_error.is_empty() { "no time was left".to_owned() } else { waiting.last_error.clone() };
        let count = waiting.notifications;
        let what = if count == 1 { "1 notification waits" } else { "notifications wait" };
        let what = if count == 1 { what.to_owned() } else { format!("{count} {what}") };
        let next = waiting.next_at.map(|at| format!(", not before {}", time::iso(at))).unwrap_or_default();
        terminal::note(
            global,
            Level::WARN,
            &format!("receiver {}: {what} in the outbox: {why}. The next run tries again{next}", waiting.receiver),
        );
    }
    if report.dead > 0 {
        terminal::note(
            global,
            Level::WARN,
            &format!("messages that no receiver took, and that are not tried again: {}", report.dead),
        );
    }
    if !global.quiet {
        terminal::note(
            global,
            Level::INFO,
            &format!(
                "contacts read {}, alerts begun {}, ended {}, messages sent {}",
                report.contacts, report.fired, report.resolved, report.sent
            ),
        );
    }
}
