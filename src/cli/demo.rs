//! `pengwatch demo`: inbox, watcher, Slack and mail server on this machine, over real HTTP and SMTP on
//! loopback, with the shipped rules. It writes nothing outside a temporary folder.

mod books;
mod ledger;
mod trouble;

use std::{fs, path::Path, sync::Arc, time::Duration};

use jiff::SignedDuration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::{books::Books, ledger::Records, trouble::DemoTrouble};
use super::{Exit, Global, files, outlet::Outlet, shipped, signals, terminal};
use crate::{
    clock::{Clock, SystemClock},
    config::load::Secrets,
    inbox::Patience,
    model::{StateLocation, history::HistoryQuery},
    sandbox::{
        Running, Sandbox, Settings,
        customers::{AGENTS, BOTS},
        smtp::SmtpSink,
        story::{Pace, Story},
    },
    service::{
        app::{App, Dependencies},
        run::daemon,
    },
    store::Store,
};

/// Changes to the shipped rules that make the demo short enough to watch: minutes become seconds, and the
/// shop is always open.
const HURRY: [(&str, &str); 7] = [
    ("for = \"2m\"", "for = \"2s\""),
    ("for = \"90s\"", "for = \"2s\""),
    ("for = \"30s\"", "for = \"1s\""),
    ("for = \"5m\"", "for = \"5s\""),
    ("for = \"1h\"", "for = \"20s\""),
    ("after = \"30m\"", "after = \"15s\""),
    ("mon-fri 09:00-18:00", "00:00-24:00"),
];

/// The seed of the story. With this one, five of the seven shipped rules fire within a minute.
const SEED: u64 = 582;

/// How many customers have written before the first poll: they become one message.
const WHO_WROTE_BEFORE: usize = 4;

/// The made-up inbox and mail server, on ports that the system picked.
struct DemoServers {
    inbox: Running,
    mail: SmtpSink,
    mail_address: std::net::SocketAddr,
}

/// Runs until Ctrl-C, or for `how_long`.
///
/// # Errors
/// A server or the watcher could not be started, or the store failed.
pub(super) async fn demo(global: &Global, fast: bool, how_long: Option<SignedDuration>) -> anyhow::Result<Exit> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let stop = signals::listen(&global.talk, None);
    let screen = terminal::screen()?;
    let folder = tempfile::Builder::new().prefix("pengwatch-demo").tempdir()?;
    // The servers stop after the watcher has ended, so that its last messages can be delivered.
    let servers_stop = CancellationToken::new();
    let _stop_at_the_end = servers_stop.clone().drop_guard();
    let tempo = if fast { Tempo::FAST } else { Tempo::CALM };
    let stage = DemoServers::set(Arc::clone(&clock), tempo, &servers_stop).await?;
    write_files(folder.path(), &stage, tempo)?;

    let global = Global { config: folder.path().join("pengwatch.toml"), ..global.clone() };
    let files = files::read(&global, Secrets::Needed)
        .map_err(|mistakes| anyhow::anyhow!("the demo's own files have {} mistakes", mistakes.len()))?;
    let surroundings = Dependencies {
        clock: Arc::clone(&clock),
        output: Arc::new(parking_lot::Mutex::new(std::io::stdout())),
        store: Store::open(&StateLocation::sqlite(folder.path().join("pengwatch.db"))).await?,
        deadline: None,
        patience: Patience::default(),
        points: None,
    };
    let store = surroundings.store.clone();
    let app = App::build(&files.config, files.live, surroundings).await?;
    introduce(&screen, &stage, how_long);

    let watching = daemon(app, &stop, Arc::new(|_, _| {}));
    let telling = tell(&screen, (&stage, &store), clock.as_ref(), (tempo, how_long), &stop);
    let (watched, mut books) = tokio::join!(watching, telling);
    watched?;
    let now = clock.now();
    let sandbox = stage.inbox.sandbox();
    for line in books.met(now, &sandbox, stage.mail.refused()) {
        screen.line(&line);
    }
    let (episodes, owed) = (store.episodes().await?, store.notifications().await?);
    let records = Records { episodes: &episodes, owed: &owed, slack: &sandbox.slack() };
    let balance = books.ledger.balance(now, &records);
    let still_owed = owed.iter().filter(|(_, state)| state == "owed").count();
    for line in books.summary(now, &balance, still_owed) {
        screen.line(&line);
    }
    terminal::finish(&screen);
    Ok(if balance.wrong.is_empty() { Exit::Fine } else { Exit::No })
}

/// The speed of everything in the demo.
#[derive(Clone, Copy)]
struct Tempo {
    /// Speed of the story: 1 as in a real shop, 20 is good to watch.
    speed: u32,
    /// The inbox's `poll_every`, as the configuration writes it.
    poll_every: &'static str,
    /// Requests a minute: the limit of the inbox, and how many the watcher may use.
    requests: (u32, u32),
    /// Seconds without an answer after which Slack must have been notified. They leave time for a poll, a
    /// fault of the inbox and one of Slack.
    patience: i64,
    /// When the second step of `customer-waiting` is due, as a rule writes it.
    escalate: &'static str,
    /// Seconds between two faults.
    trouble: i64,
    /// Pause between two updates of the screen.
    look: Duration,
}

impl Tempo {
    const CALM: Self = Self {
        speed: 20,
        poll_every: "4s",
        requests: (100, 80),
        patience: 12,
        escalate: "after = \"15s\"",
        trouble: 9,
        look: Duration::from_millis(400),
    };
    /// A minute passes in twenty seconds, so there are three times as many requests.
    const FAST: Self = Self {
        speed: 60,
        poll_every: "1500ms",
        requests: (300, 240),
        patience: 6,
        escalate: "after = \"6s\"",
        trouble: 4,
        look: Duration::from_millis(150),
    };
}

impl DemoServers {
    async fn set(clock: Arc<dyn Clock>, tempo: Tempo, servers_stop: &CancellationToken) -> anyhow::Result<Self> {
        let settings = Settings { contacts: 40, rate_limit: tempo.requests.0, ..Settings::default() };
        let inbox = Sandbox::start(settings, clock, TcpListener::bind("127.0.0.1:0").await?, servers_stop.clone())?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mail_address = listener.local_addr()?;
        let mail = SmtpSink::start(listener, servers_stop.clone());
        inbox.sandbox().with_mail(mail.clone());
        Ok(Self { inbox, mail, mail_address })
    }
}

/// The configuration that a user would write, with the demo's addresses.
fn write_files(folder: &Path, stage: &DemoServers, tempo: Tempo) -> anyhow::Result<()> {
    let table = |entries: &[(&str, &str)], value: fn(&str) -> String| {
        entries.iter().map(|(id, name)| format!("\"{id}\" = {}", value(name))).collect::<Vec<_>>().join(", ")
    };
    let config = format!(
        r#"state = "sqlite:pengwatch.db"

[inbox.demo]
url = "{url}"
token = "sandbox"
poll_every = "{poll_every}"
sweep_every = "1m"
requests_per_minute = {requests}
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
        poll_every = tempo.poll_every,
        requests = tempo.requests.1,
        agents = table(&AGENTS, |name| format!("{{ name = \"{name}\" }}")),
        bots = table(&BOTS, |name| format!("\"{name}\"")),
    );
    fs::write(folder.join("pengwatch.toml"), config)?;
    fs::create_dir(folder.join("rules"))?;
    for (name, text) in shipped::RULES {
        let escalate = [("after = \"15m\"", tempo.escalate)];
        let hurry = HURRY.iter().chain(&escalate);
        let text = hurry.fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        fs::write(folder.join("rules").join(format!("{name}.toml")), text)?;
    }
    fs::create_dir(folder.join("templates"))?;
    Ok(())
}

fn introduce(screen: &Outlet, stage: &DemoServers, how_long: Option<SignedDuration>) {
    let end = how_long.map_or("Ctrl-C ends it.".to_owned(), |how_long| {
        format!("It ends by itself after {}; Ctrl-C ends it sooner.", crate::model::time::human(how_long))
    });
    for line in [
        "pengwatch demo: made-up customers write to the made-up inbox of a shop, all on this machine.",
        "pengwatch watches that inbox with the shipped rules (with seconds in place of minutes) and tells Slack",
        "and the leads by mail who waits, and when it is over. Every line came over real HTTP and SMTP.",
        "",
        "  customer, bot, agent   what happens in the inbox",
        "  pengwatch              what it decides: who is pending, who was acknowledged, what is escalated",
        "  -> Slack, -> mail      what pengwatch tells, and where",
        "  trouble                what goes wrong on purpose: the inbox, Slack and the mail server fail now and then",
        "",
    ] {
        screen.line(line);
    }
    screen.line(&format!("The inbox is at {} (token: sandbox). {end}", stage.inbox.url()));
    screen.line("");
}

/// Advances the story, makes faults, and prints what happens.
async fn tell(
    screen: &Outlet,
    (stage, store): (&DemoServers, &Store),
    clock: &dyn Clock,
    (tempo, how_long): (Tempo, Option<SignedDuration>),
    stop: &CancellationToken,
) -> Books {
    let sandbox = stage.inbox.sandbox();
    let began = clock.now();
    let mut script = Story::new(SEED, Pace { speed: tempo.speed, ..Pace::default() });
    let mut trouble = DemoTrouble::new(began, SignedDuration::from_secs(tempo.trouble));
    let mut books = Books::new(began, SignedDuration::from_secs(tempo.patience));
    for happening in script.open_with(&sandbox, WHO_WROTE_BEFORE, began) {
        screen.line(&books.happened(began, &happening));
    }
    loop {
        let now = clock.now();
        // The demo also ends when the reader of its output has gone.
        if how_long.is_some_and(|how_long| now.duration_since(began) >= how_long) || screen.is_gone() {
            stop.cancel();
        }
        if stop.is_cancelled() {
            return books;
        }
        trouble.step(&sandbox, now);
        for happening in script.step(&sandbox, now) {
            screen.line(&books.happened(now, &happening));
        }
        // A failed read only leaves out lines of the screen.
        for line in books.decided(&store.history(HistoryQuery::default()).await.unwrap_or_default()) {
            screen.line(&line);
        }
        for line in books.met(now, &sandbox, stage.mail.refused()) {
            screen.line(&line);
        }
        tokio::select! {
            () = tokio::time::sleep(tempo.look) => {}
            () = stop.cancelled() => {}
        }
    }
}
