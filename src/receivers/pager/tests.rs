//! What a kind gets when it is in the list.

use std::{
    io::{self, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::SignedDuration;
use parking_lot::Mutex;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::PagerKind;
use crate::{
    clock::{Clock, ManualClock},
    config::load::Secrets,
    diagnose::{Diagnostic, draw::draw},
    engine::reach::Mode,
    inbox::Patience,
    model::{StateLocation, time::iso},
    net::install_crypto,
    receivers::{Config, KINDS, Kind, Way, judge_with},
    render::{Format, Renderer},
    sandbox::{Sandbox, Settings},
    service::{
        app::{App, Dependencies},
        deliverer::Limits,
        reload::Sources,
        shared::Live,
    },
    store::Store,
};

fn kinds() -> Vec<&'static dyn Kind> {
    KINDS.into_iter().chain([&PagerKind as &dyn Kind]).collect()
}

const INBOX: &str = "[inbox.main]\ntoken = { env = \"TOKEN\" }\n";

/// The receiver that a configuration describes, and the diagnostics about it.
fn judged(receiver: &str) -> (Option<Arc<dyn Way>>, Vec<String>) {
    let mut found = Vec::new();
    let text = format!("{INBOX}[receiver.duty]\n{receiver}\n");
    let env = |name: &str| Some(format!("hunter2{name}"));
    let config = judge_with(&kinds(), Path::new("pengwatch.toml"), text, Secrets::Needed, &env, &mut found);
    let drawn: Vec<String> =
        found.iter().filter(|one| one.is_error()).map(|one: &Diagnostic| draw(one, false)).collect();
    assert!(drawn.iter().all(|one| !one.contains("hunter2")), "{drawn:?}");
    (config.and_then(|config| config.receivers.into_iter().next()).map(|receiver| receiver.way), drawn)
}

#[test]
fn it_is_configured_by_keys_of_its_own() {
    let (way, mistakes) = judged("type = \"pager\"\npager_key = { env = \"PAGER\" }\nroom = \"night\"");
    assert_eq!(mistakes, Vec::<String>::new());
    let way = way.unwrap();
    assert_eq!((way.secrets(), way.persons()), (vec!["hunter2PAGER"], vec!["pager".to_owned()]));
    assert!(format!("{way:?}").contains("night") && !format!("{way:?}").contains("hunter2"));
    assert_eq!(way.kind().delivery().in_flight, 2);
}

#[test]
fn its_mistakes_are_an_admins() {
    for (receiver, parts) in [
        ("type = \"pager\"", vec!["this pager has no pager_key", "add pager_key ="]),
        ("type = \"pagr\"", vec!["there is no receiver type `pagr`", "did you mean `pager`?"]),
        ("room = \"a\"", vec!["has no type", "\"console\" or \"pager\""]),
        (
            "type = \"pager\"\npager_key = { env = \"P\" }\nrom = \"a\"",
            vec!["unknown key `rom`", "did you mean `room`?"],
        ),
        (
            "type = \"pager\"\npager_key = { env = \"P\" }\nroom = 5",
            vec!["this is a number, expected a text in quotes"],
        ),
        (
            "type = \"pager\"\npager_key = { env = \"P\" }\nwebhook_url = \"hunter2\"",
            vec!["`webhook_url` belongs to type = \"slack\", not \"pager\"", "webhook_url = \"*******\""],
        ),
        (
            "type = \"console\"\nroom = \"a\"",
            vec!["`room` belongs to type = \"pager\", not \"console\"", "room = \"a\""],
        ),
        // A secret on the line of a mistake is hidden, and what is not secret is shown.
        ("type = \"console\"\npager_key = \"hunter2\"", vec!["`pager_key` belongs to", "pager_key = \"*******\""]),
    ] {
        let (_, mistakes) = judged(receiver);
        let said = mistakes.join("\n");
        for part in parts {
            assert!(said.contains(part), "{part} is not in:\n{said}");
        }
    }
}

/// What the pager and the console print. While it is busy, it refuses pages.
#[derive(Clone, Default)]
struct Line {
    written: Arc<Mutex<Vec<u8>>>,
    busy: Arc<AtomicBool>,
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.busy.load(Ordering::Relaxed) && bytes.starts_with(b"PAGE") {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.written.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A whole pengwatch, with an inbox in which Ravi waits.
struct Watcher {
    app: App,
    clock: Arc<ManualClock>,
    line: Line,
    _folder: tempfile::TempDir,
}

impl Watcher {
    async fn start() -> Self {
        install_crypto();
        let clock = Arc::new(ManualClock::at("2026-06-12T08:00:00Z".parse().unwrap()));
        let inbox = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let settings = Settings { token: "hunter2".to_owned(), ..Settings::default() };
        let running = Sandbox::start(settings, clock.clone(), inbox, CancellationToken::new()).unwrap();
        let contact = json!({
            "_id": "c1", "platform": ["WHATSAPP"], "status": "OPEN", "userInteracted": true, "unreadMessages": 1,
            "lastMessage": { "at": iso(clock.now() - SignedDuration::from_mins(7)), "text": "Hello?", "by": "user" },
            "profile": { "userDetails": { "name": "#Ravi" } },
        });
        running.sandbox().put(contact).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("rules/waiting.toml", "[filter]\nlastMessageBy = [\"user\"]\n[[notify]]\nto = [\"duty\"]");
        write("templates/alert/pager.txt.hbs", "{{alerts.0.name}} waits #{{count}}");
        let text = format!(
            "[inbox.main]\nurl = \"{}\"\ntoken = \"hunter2\"\n[receiver.duty]\ntype = \"pager\"\npager_key = \
             \"hunter2\"\n[receiver.office]\ntype = \"console\"\n[watchdog]\nnotify = [\"office\", \"duty\"]\n",
            running.url()
        );
        let mut found = Vec::new();
        let path = folder.path().join("pengwatch.toml");
        let config = judge_with(&kinds(), &path, text, Secrets::Needed, &|_| None, &mut found).unwrap();
        let line = Line::default();
        let app = Self::build(&config, &folder, clock.clone(), line.clone()).await;
        Self { app, clock, line, _folder: folder }
    }

    async fn build(config: &Config, folder: &tempfile::TempDir, clock: Arc<ManualClock>, line: Line) -> App {
        let mut found = Vec::new();
        let formats: Vec<&'static dyn Format> = kinds().into_iter().map(|kind| kind as &dyn Format).collect();
        let renderer = Renderer::load(&folder.path().join("templates"), &formats, &mut found);
        assert!(found.is_empty(), "{found:?}");
        let read = Live { renderer, ..Sources::of(config).read(&mut found) };
        let dependencies = Dependencies {
            clock,
            output: Arc::new(Mutex::new(line)),
            store: Store::open(&StateLocation::sqlite(folder.path().join("state.db"))).await.unwrap(),
            deadline: None,
            patience: Patience { tries: 1, first: Duration::ZERO },
            points: None,
        };
        App::build(config, read, dependencies).await.unwrap()
    }

    /// What is printed within so many more minutes.
    async fn after(&self, minutes: i64) -> Vec<String> {
        self.clock.advance(SignedDuration::from_mins(minutes));
        for poller in &self.app.pollers {
            poller.run_once(Mode::Daemon, &|_| {}).await.unwrap();
        }
        self.app.watchdog.as_ref().unwrap().run_once().await.unwrap();
        for deliverer in &self.app.deliverers {
            deliverer.run_once(&Limits::default()).await.unwrap();
        }
        let written = std::mem::take(&mut *self.line.written.lock());
        String::from_utf8(written).unwrap().lines().map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn it_is_rendered_sent_retried_and_watched() {
    let watcher = Watcher::start().await;
    watcher.line.busy.store(true, Ordering::Relaxed);
    assert_eq!(watcher.after(0).await, Vec::<String>::new());
    let office = [watcher.after(6).await, watcher.after(1).await].concat();
    let told = "⚠️ pengwatch: the receiver duty accepts no messages for 7 min: the line is busy.";
    assert!(office.len() == 1 && office[0].starts_with(told), "{office:?}");
    // The kind's own escape, in its own file.
    let duty = watcher.app.deliverers.iter().find(|one| one.settings.receiver == "duty").unwrap();
    let next = duty.preview().await.unwrap();
    assert_eq!(duty.layout.format.preview(&next[0].body), "on the pager: Ravi waits #1");
    watcher.line.busy.store(false, Ordering::Relaxed);
    let pages = watcher.after(30).await;
    assert!(pages.contains(&"PAGE Ravi waits #1".to_owned()), "{pages:?}");
    // The watchdog's messages are plain text.
    assert!(pages.iter().any(|page| page.starts_with("PAGE ⚠️ pengwatch: the receiver duty accepts no")), "{pages:?}");
    let over = watcher.after(1).await;
    for line in ["✅ pengwatch: the receiver duty accepts messages again", "PAGE ✅ pengwatch: the receiver duty"] {
        assert!(over.iter().any(|one| one.starts_with(line)), "{over:?}");
    }
}
