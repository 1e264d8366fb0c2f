//! A temporary folder with everything a user would have, a made-up inbox and sinks on loopback, and
//! the real binary. It is long because it holds what the other tests share.

use std::{
    fs,
    io::{PipeReader, PipeWriter, Read},
    net::SocketAddr,
    path::{Path, PathBuf},
    pin::Pin,
    process::{Child, Command, Stdio},
    sync::{Arc, LazyLock},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use pengwatch::{
    clock::{Clock, SystemClock},
    sandbox::{
        Running, Sandbox, Settings,
        smtp::{self, SmtpSink},
    },
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Longer than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// The token of the made-up inbox.
pub(crate) const TOKEN: &str = "tok-hunter2-inbox";
/// The path of the Slack webhook.
pub(crate) const SLACK_PATH: &str = "/services/T0SECRET/B0SECRET/hunter2slack";
/// The path of the webhook.
pub(crate) const WEBHOOK_PATH: &str = "/webhook/hunter2hook";
/// The key that webhooks are signed with.
pub(crate) const WEBHOOK_SECRET: &str = "whsec_aHVudGVyMndlYmhvb2tzaWduaW5nc2VjcmV0MTI=";

/// The rule of most tests.
pub(crate) const RULE: &str = r#"description = "A customer wrote and nobody has answered"
severity = "warning"
when = 'unreadMessages > 0'

[filter]
lastMessageBy = ["user"]
status = ["OPEN", "INPROGRESS"]

[[notify]]
to = ["support", "leads", "ops", "screen"]
"#;

/// Servers live here; the tests themselves are plain functions.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});

/// The machine's clock.
pub(crate) fn now() -> Timestamp {
    SystemClock::default().now()
}

/// The clock of another machine.
struct Elsewhere {
    here: SystemClock,
    ahead: SignedDuration,
}

impl Clock for Elsewhere {
    fn now(&self) -> Timestamp {
        self.here.now() + self.ahead
    }

    fn steady(&self) -> Duration {
        self.here.steady()
    }

    fn sleep(&self, pause: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.here.sleep(pause)
    }
}

/// A folder, and servers where asked for.
pub(crate) struct Home {
    folder: TempDir,
    environment: Vec<(String, String)>,
    inbox: Option<Running>,
    mail: Option<(SmtpSink, SocketAddr)>,
    _stop: DropGuard,
    stop: CancellationToken,
}

impl Home {
    /// An empty folder.
    pub(crate) fn empty() -> Self {
        let stop = CancellationToken::new();
        Self {
            folder: tempfile::Builder::new().prefix("pengwatch-it").tempdir().expect("a folder"),
            environment: Vec::new(),
            inbox: None,
            mail: None,
            _stop: stop.clone().drop_guard(),
            stop,
        }
    }

    /// A watcher of a made-up inbox that notifies Slack, a mail relay, a webhook and the console.
    pub(crate) fn watching() -> Self {
        Self::watching_pages_of(Settings::default().page_size)
    }

    /// The same, with this number of records on a page.
    pub(crate) fn watching_pages_of(page_size: usize) -> Self {
        Self::watching_by(page_size, SignedDuration::ZERO)
    }

    /// The same, of an inbox whose clock is ahead of this machine's by this time.
    pub(crate) fn watching_by(page_size: usize, ahead: SignedDuration) -> Self {
        let settings = Settings { token: TOKEN.to_owned(), page_size, ..Settings::default() };
        let clock = Arc::new(Elsewhere { here: SystemClock::default(), ahead });
        let home = Self::empty().with_inbox_by(settings, clock).with_mail();
        let (config, url) = (home.config(), home.url().to_owned());
        let relay = format!("smtp://{}", home.mail.as_ref().expect("a relay").1);
        home.file("pengwatch.toml", &config)
            .file("rules/waiting.toml", RULE)
            .folder("templates")
            .env("TOKEN", TOKEN)
            .env("SLACK_WEBHOOK_URL", &format!("{url}{SLACK_PATH}"))
            .env("SMTP_URL", &relay)
            .env("OPS_WEBHOOK_URL", &format!("{url}{WEBHOOK_PATH}"))
            .env("WEBHOOK_SECRET", WEBHOOK_SECRET)
    }

    /// Starts the made-up inbox, with its sinks for Slack and webhooks.
    fn with_inbox_by(mut self, settings: Settings, clock: Arc<dyn Clock>) -> Self {
        let stop = self.stop.clone();
        let running = RUNTIME.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            Sandbox::start(settings, clock, listener, stop).expect("a sandbox")
        });
        self.inbox = Some(running);
        self
    }

    /// Starts the mail relay.
    pub(crate) fn with_mail(self) -> Self {
        self.with_mail_that(smtp::SinkSettings::default())
    }

    /// Starts a mail relay with this login and TLS.
    pub(crate) fn with_mail_that(mut self, settings: smtp::SinkSettings) -> Self {
        let stop = self.stop.clone();
        self.mail = Some(RUNTIME.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            (SmtpSink::start_with(settings, listener, stop), address)
        }));
        self
    }

    /// Writes a file, with the folders above it.
    pub(crate) fn file(self, path: &str, text: &str) -> Self {
        self.write(path, text);
        self
    }

    /// Makes a folder.
    pub(crate) fn folder(self, path: &str) -> Self {
        fs::create_dir_all(self.path(path)).expect("a folder");
        self
    }

    /// Sets a variable for the binary.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes a file later.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, text).expect("a file");
    }

    /// Changes a file.
    pub(crate) fn edit(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(path)).expect("a file");
        assert!(text.contains(from), "{from} is not in {path}");
        self.write(path, &text.replace(from, to));
    }

    /// A path in the folder.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn config(&self) -> String {
        format!(
            r#"state = "sqlite:pengwatch.db"
deadline = "20s"

[inbox.main]
url = "{url}"
token = {{ env = "TOKEN" }}
poll_every = "1s"
timeout = "5s"
contact_link = "https://app.example.com/inbox/{{{{contact._id}}}}"

[receiver.support]
type = "slack"
webhook_url = {{ env = "SLACK_WEBHOOK_URL" }}

[receiver.leads]
type = "email"
smtp_url = {{ env = "SMTP_URL" }}
from = "Pengwatch <alerts@example.com>"
to = ["leads@example.com"]

[receiver.ops]
type = "webhook"
url = {{ env = "OPS_WEBHOOK_URL" }}
secret = {{ env = "WEBHOOK_SECRET" }}
headers = {{ X-Team = "support" }}

[receiver.screen]
type = "console"
"#,
            url = self.url(),
        )
    }

    /// Where the made-up inbox listens.
    pub(crate) fn url(&self) -> &str {
        self.inbox.as_ref().expect("an inbox").url()
    }

    /// The made-up inbox.
    pub(crate) fn inbox(&self) -> Sandbox {
        self.inbox.as_ref().expect("an inbox").sandbox()
    }

    /// Where the mail relay listens.
    pub(crate) fn relay(&self) -> SocketAddr {
        self.mail.as_ref().expect("a relay").1
    }

    /// The mail relay.
    pub(crate) fn mail(&self) -> &SmtpSink {
        &self.mail.as_ref().expect("a relay").0
    }

    /// Somebody who wrote two minutes and a half ago and has no answer.
    pub(crate) fn waits(&self, id: &str, name: &str, text: &str) {
        let wrote = now().checked_sub(SignedDuration::from_secs(150)).expect("a time");
        let contact = json!({
            "_id": id,
            "platform": ["WHATSAPP"],
            "profile": { "userDetails": { "name": name } },
            "status": "OPEN",
            "unreadMessages": 1,
            "isImported": false,
            "lastMessage": { "at": pengwatch::inside::iso(wrote), "by": "user", "text": text },
        });
        self.inbox().make(contact).expect("a contact");
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.start(arguments).end()
    }

    /// Starts the binary in the folder; it is killed when it takes too long.
    pub(crate) fn start(&self, arguments: &[&str]) -> Started {
        self.start_in(self.folder.path(), arguments)
    }

    /// Starts the binary with more variables.
    pub(crate) fn start_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Started {
        let mut binary = Command::new(assert_cmd::cargo::cargo_bin!("pengwatch"));
        binary.args(arguments).env_clear().envs(environment.iter().copied());
        self.begin(binary, self.folder.path(), Stdio::piped(), Stdio::piped())
    }

    /// Starts the binary in the folder with further variables.
    pub(crate) fn start_also(&self, arguments: &[&str], environment: &[(&str, String)]) -> Started {
        let mut binary = Command::new(assert_cmd::cargo::cargo_bin!("pengwatch"));
        binary.args(arguments).env_clear().envs(environment.iter().map(|(name, value)| (*name, value)));
        self.begin(binary, self.folder.path(), Stdio::piped(), Stdio::piped())
    }

    /// Starts the binary in another folder.
    pub(crate) fn start_in(&self, folder: &Path, arguments: &[&str]) -> Started {
        self.spawn(folder, arguments, Stdio::piped(), Stdio::piped())
    }

    /// Starts the binary with other outputs.
    pub(crate) fn start_into(&self, arguments: &[&str], stdout: impl Into<Stdio>, stderr: impl Into<Stdio>) -> Started {
        self.spawn(self.folder.path(), arguments, stdout.into(), stderr.into())
    }

    /// Starts a script of the shell in the folder, with the machine's commands at hand.
    pub(crate) fn shell(&self, script: &str) -> Started {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", script]).env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        self.begin(shell, self.folder.path(), Stdio::piped(), Stdio::piped())
    }

    fn spawn(&self, folder: &Path, arguments: &[&str], stdout: Stdio, stderr: Stdio) -> Started {
        let mut binary = Command::new(assert_cmd::cargo::cargo_bin!("pengwatch"));
        binary.args(arguments).env_clear();
        self.begin(binary, folder, stdout, stderr)
    }

    fn begin(&self, mut command: Command, folder: &Path, stdout: Stdio, stderr: Stdio) -> Started {
        let mut child = command
            .current_dir(folder)
            .env("TZ", "UTC")
            .env("COLUMNS", "100")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .expect("a program that starts");
        let stdout = child.stdout.take().map(collect);
        let stderr = child.stderr.take().map(collect);
        Started { child, stdout, stderr, words: self.words() }
    }

    /// Runs the binary with an output that nobody reads.
    pub(crate) fn run_through_a_closed_pipe(&self, arguments: &[&str]) -> Ran {
        self.start_into(arguments, closed_pipe(), Stdio::piped()).end()
    }

    /// Runs it with a full pipe as standard output, which nobody reads.
    pub(crate) fn run_through_a_full_pipe(&self, arguments: &[&str]) -> Ran {
        let (_reader, writer) = full_pipe();
        self.start_into(arguments, writer, Stdio::piped()).end()
    }

    /// The texts that differ from run to run, each with its replacement.
    fn words(&self) -> Vec<(String, &'static str)> {
        let mut words = Vec::new();
        if let Some(inbox) = &self.inbox {
            words.push((inbox.url().to_owned(), "INBOX"));
        }
        if let Some((_, address)) = &self.mail {
            words.push((address.to_string(), "RELAY"));
        }
        words.push((self.folder.path().display().to_string(), "HOME"));
        words
    }

    /// A text without what differs from run to run.
    pub(crate) fn steady(&self, text: &str) -> String {
        steady(text, &self.words())
    }
}

/// The end of a pipe whose other end has gone.
pub(crate) fn closed_pipe() -> PipeWriter {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer
}

/// A pipe that holds all that it can, on Linux.
pub(crate) fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    std::io::Write::write_all(&mut writer, &vec![b'\n'; 64 * 1024]).expect("room");
    (reader, writer)
}

/// A disk without room for a byte.
pub(crate) fn full_disk() -> fs::File {
    fs::File::options().write(true).open("/dev/full").expect("a full disk")
}

fn steady(text: &str, words: &[(String, &'static str)]) -> String {
    words.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8(bytes).expect("UTF-8")
    })
}

/// The binary while it runs; killed when dropped.
pub(crate) struct Started {
    child: Child,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<String>>,
    words: Vec<(String, &'static str)>,
}

impl Started {
    /// Sends a signal, by its name: `TERM`, `INT`, `KILL`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("/bin/sh").args(["-c", &format!("kill -{name} {pid}")]).status().expect("a shell");
        assert!(sent.success());
    }

    /// The most memory that it has taken so far, in KiB, if the system states it.
    pub(crate) fn peak(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ran {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            if began.elapsed() > PATIENCE {
                let _ = self.child.kill();
                let stderr = self.stderr.take().map(|reader| reader.join().expect("a reader"));
                panic!("it did not end within {PATIENCE:?}; stderr: {}", stderr.unwrap_or_default());
            }
            thread::sleep(Duration::from_millis(10));
        };
        let text = |reader: Option<JoinHandle<String>>| {
            let text = reader.map_or_else(String::new, |reader| reader.join().expect("a reader"));
            (steady(&text, &self.words), text)
        };
        let (stdout, raw_stdout) = text(self.stdout.take());
        let (stderr, raw_stderr) = text(self.stderr.take());
        Ran { status: status.code(), stdout, stderr, raw_stdout, raw_stderr, took: began.elapsed() }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The output of the binary.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Its exit status; `None` after a signal.
    pub status: Option<i32>,
    /// Without ports and paths.
    pub stdout: String,
    /// Without ports and paths.
    pub stderr: String,
    /// As it came.
    pub raw_stdout: String,
    /// As it came.
    pub raw_stderr: String,
    /// From the first look at it to its end.
    pub took: Duration,
}

impl Ran {
    /// Checks both outputs and the status.
    #[track_caller]
    pub(crate) fn says(&self, status: i32, stdout: &str, stderr: &str) -> &Self {
        assert_eq!(self.stdout, stdout, "stdout; stderr was: {}", self.stderr);
        assert_eq!(self.stderr, stderr, "stderr");
        assert_eq!(self.status, Some(status), "status");
        self
    }

    /// Checks the status.
    #[track_caller]
    pub(crate) fn ends(&self, status: i32) -> &Self {
        assert_eq!(self.status, Some(status), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Both outputs, as they came.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.raw_stdout, self.raw_stderr)
    }
}

/// Waits until something holds.
#[track_caller]
pub(crate) fn eventually(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "it never came: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The text of a Slack message.
pub(crate) fn slack_text(body: &str) -> String {
    let payload: Value = serde_json::from_str(body).expect("JSON");
    payload["text"].as_str().expect("a text").to_owned()
}
