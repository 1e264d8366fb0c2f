//! `pengwatch demo`: the whole thing on this machine, over real HTTP and SMTP on loopback, with the
//! shipped rules. It writes nothing outside a temporary folder.

mod story;

use std::{fs, path::Path, sync::Arc, time::Duration};

use jiff::SignedDuration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Exit, Global, files, terminal};
use crate::{
    config::load::Secrets,
    inbox::Patience,
    sandbox::{
        Running, Sandbox, Settings,
        customers::{AGENTS, BOTS},
        smtp::SmtpSink,
        story::{Pace, Story},
    },
    service::{
        app::{App, Surroundings},
        clock::{Clock, SystemClock},
        run::daemon,
    },
    store::Store,
};

/// The shipped rules.
const RULES: [(&str, &str); 5] = [
    ("bot-left-waiting", include_str!("../../rules/bot-left-waiting.toml")),
    ("customer-waiting", include_str!("../../rules/customer-waiting.toml")),
    ("live-chat-waiting", include_str!("../../rules/live-chat-waiting.toml")),
    ("unassigned-waiting", include_str!("../../rules/unassigned-waiting.toml")),
    ("vip-waiting", include_str!("../../rules/vip-waiting.toml")),
];

/// Who watches a demo does not want to wait for as long as a customer does: minutes become seconds.
const HURRY: [(&str, &str); 3] =
    [("seconds(90)", "seconds(2)"), ("seconds(30)", "seconds(1)"), ("minutes(", "seconds(")];

/// Where everything listens, on ports that the system picked.
struct Stage {
    inbox: Running,
    mail: SmtpSink,
    mail_address: std::net::SocketAddr,
}

/// Runs until Ctrl-C, or for `how_long`.
///
/// # Errors
/// What could not be started.
pub async fn demo(global: &Global, fast: bool, how_long: Option<SignedDuration>) -> anyhow::Result<Exit> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let stop = terminal::stop_signal();
    let folder = tempfile::Builder::new().prefix("pengwatch-demo").tempdir()?;
    // The stage stands until the watcher has ended, or its last messages would find nobody.
    let curtain = CancellationToken::new();
    let _falls = curtain.clone().drop_guard();
    let stage = Stage::set(Arc::clone(&clock), &curtain).await?;
    write_files(folder.path(), &stage)?;

    let global = Global { config: folder.path().join("pengwatch.toml"), ..global.clone() };
    let files = files::read(&global, Secrets::Needed)
        .map_err(|mistakes| anyhow::anyhow!("the demo's own files have {} mistakes", mistakes.len()))?;
    let surroundings = Surroundings {
        clock: Arc::clone(&clock),
        output: Arc::new(std::sync::Mutex::new(std::io::stdout())),
        store: Store::open(&folder.path().join("pengwatch.db")).await?,
        deadline: None,
        patience: Patience::default(),
    };
    let store = surroundings.store.clone();
    let app = App::build(&files.config, files.rules, files.renderer, surroundings).await?;
    introduce(&stage, how_long);

    let watching = daemon(app, &stop, Arc::new(|_, _| {}));
    let telling = tell(&stage, clock.as_ref(), fast, how_long, &stop);
    let (watched, mut books) = tokio::join!(watching, telling);
    watched?;
    for line in books.received(clock.now(), &stage.inbox.sandbox().slack(), &stage.mail.mails()) {
        terminal::say(&line);
    }
    let owed = store.notifications().await?;
    for line in books.summary(&owed) {
        terminal::say(&line);
    }
    Ok(Exit::Fine)
}

impl Stage {
    async fn set(clock: Arc<dyn Clock>, curtain: &CancellationToken) -> anyhow::Result<Self> {
        let settings = Settings { contacts: 40, ..Settings::default() };
        let inbox = Sandbox::start(settings, clock, TcpListener::bind("127.0.0.1:0").await?, curtain.clone())?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mail_address = listener.local_addr()?;
        Ok(Self { inbox, mail: SmtpSink::start(listener, curtain.clone()), mail_address })
    }
}

/// The configuration that a user would write, with the demo's addresses.
fn write_files(folder: &Path, stage: &Stage) -> anyhow::Result<()> {
    let table = |entries: &[(&str, &str)], value: fn(&str) -> String| {
        entries.iter().map(|(id, name)| format!("\"{id}\" = {}", value(name))).collect::<Vec<_>>().join(", ")
    };
    let config = format!(
        r#"state = "sqlite:pengwatch.db"

[inbox.demo]
url = "{url}"
token = "sandbox"
poll_every = "4s"
sweep_every = "1m"
contact_link = "https://app.example.com/inbox/{{{{contact._id}}}}"

[receiver.support]
type = "slack"
webhook_url = "{url}/services/T000/B000/demo"

[receiver.leads]
type = "email"
smtp_url = "smtp://{mail}"
from = "Pengwatch <alerts@example.com>"
to = ["leads@example.com"]

[names]
agents = {{ {agents} }}
bots = {{ {bots} }}
"#,
        url = stage.inbox.url(),
        mail = stage.mail_address,
        agents = table(&AGENTS, |name| format!("{{ name = \"{name}\" }}")),
        bots = table(&BOTS, |name| format!("\"{name}\"")),
    );
    fs::write(folder.join("pengwatch.toml"), config)?;
    fs::create_dir(folder.join("rules"))?;
    for (name, text) in RULES {
        let text = HURRY.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        fs::write(folder.join("rules").join(format!("{name}.toml")), text)?;
    }
    fs::create_dir(folder.join("templates"))?;
    Ok(())
}

fn introduce(stage: &Stage, how_long: Option<SignedDuration>) {
    let end = how_long.map_or("Ctrl-C ends it".to_owned(), |how_long| {
        format!("it ends by itself after {}; Ctrl-C ends it sooner", crate::model::time::human(how_long))
    });
    terminal::say("pengwatch demo: made-up customers write to a made-up inbox on this machine, and pengwatch");
    terminal::say("watches it with the shipped rules. Every line below came over real HTTP and SMTP on loopback.");
    terminal::say(&format!("inbox {}   Slack and mail are sinks here   {end}", stage.inbox.url()));
    terminal::say("");
}

/// Moves the story on, and tells what customers, agents, Slack and mail do.
async fn tell(
    stage: &Stage,
    clock: &dyn Clock,
    fast: bool,
    how_long: Option<SignedDuration>,
    stop: &CancellationToken,
) -> story::Books {
    let sandbox = stage.inbox.sandbox();
    let pace = Pace { speed: if fast { 60 } else { 20 }, ..Pace::default() };
    let mut script = Story::new(7, pace);
    let mut books = story::Books::default();
    let began = clock.now();
    loop {
        let now = clock.now();
        if how_long.is_some_and(|how_long| now.duration_since(began) >= how_long) {
            stop.cancel();
        }
        if stop.is_cancelled() {
            return books;
        }
        for happening in script.step(&sandbox, now) {
            terminal::say(&books.happened(now, &happening));
        }
        for line in books.received(now, &sandbox.slack(), &stage.mail.mails()) {
            terminal::say(&line);
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(500)) => {}
            () = stop.cancelled() => {}
        }
    }
}
