//! Secrets that are rotated while pengwatch runs.

use std::io::sink;

use parking_lot::Mutex;

use super::*;
use crate::net;

const CONFIG: &str = "[inbox.main]\ntoken = { file = 'token' }\n\
    [receiver.support]\ntype = 'slack'\nwebhook_url = { file = 'slack' }\n\
    [receiver.leads]\ntype = 'email'\nsmtp_url = { file = 'smtp' }\nfrom = 'a@example.com'\nto = ['b@example.com']\n\
    [receiver.ops]\ntype = 'webhook'\nurl = { file = 'hook' }\nsecret = { file = 'key' }\n\
    headers = { X-Key = { file = 'header' } }\n\
    [watchdog]\nheartbeat_url = { file = 'heart' }\n\
    [server]\nlisten = '127.0.0.1:1'\ntoken = { file = 'web' }\n";

const FILES: [(&str, &str); 8] = [
    ("token", "t1"),
    ("slack", "https://hooks.slack.com/services/T0/B0/1"),
    ("smtp", "smtps://u:one@mail.example.com:465"),
    ("hook", "https://example.com/1"),
    ("key", "whsec_aHVudGVyMndlYmhvb2tzaWduaW5nc2VjcmV0MTI="),
    ("header", "h1"),
    ("heart", "https://hc.example.com/1"),
    ("web", "w1"),
];

struct Bench {
    folder: tempfile::TempDir,
    renewal: Renewal,
}

impl Bench {
    fn new() -> Self {
        net::install_crypto();
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in FILES {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let path = folder.path().join("pengwatch.toml");
        fs::write(&path, CONFIG).unwrap();
        let mut found = Vec::new();
        let config = judge_config(&path, CONFIG.to_owned(), Secrets::Needed, &|_| None, &mut found).unwrap();
        assert!(found.iter().all(|one| !one.is_error()), "{found:?}");
        assert_eq!(config.secret_files.len(), FILES.len());
        let client = net::client(Duration::from_secs(1), &net::Proxies::default()).unwrap();
        let output: Output = Arc::new(Mutex::new(sink()));
        let holders = Holders {
            tokens: BTreeMap::from([("main".to_owned(), config.inboxes[0].token.clone().into())]),
            senders: config
                .receivers
                .iter()
                .map(|one| {
                    (
                        one.name.clone(),
                        one.way
                            .sender(&SenderTools { receiver: &one.name, client: &client, output: &output })
                            .unwrap()
                            .into(),
                    )
                })
                .collect(),
            heartbeat: config.watchdog.heartbeat_url.clone().map(Renewable::from),
            web: config.server.as_ref().and_then(|server| server.token.clone()).map(Renewable::from),
        };
        Self { renewal: Renewal::new(&config, holders, client, output), folder }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn token(&self) -> String {
        self.renewal.holders.tokens["main"].get().expose_secret().to_owned()
    }

    /// The receivers whose sender was replaced.
    fn renewed(&mut self) -> Vec<String> {
        let senders = self.renewal.holders.senders.clone();
        let before: Vec<_> = senders.iter().map(|(name, sender)| (name.clone(), sender.get())).collect();
        self.renewal.apply_edits();
        let is_new = |(name, sender): &(String, Arc<Box<dyn Sender>>)| !Arc::ptr_eq(&senders[name].get(), sender);
        before.iter().filter(|known| is_new(known)).map(|(name, _)| name.clone()).collect()
    }
}

#[test]
fn what_is_new_is_used_and_nothing_else_is_touched() {
    let mut bench = Bench::new();
    assert!(!bench.renewal.apply_edits(), "nothing has changed");
    for (file, text, receiver) in [
        ("slack", "https://hooks.slack.com/services/T0/B0/2", "support"),
        ("smtp", "smtps://u:two@mail.example.com:465", "leads"),
        ("hook", "https://example.com/2", "ops"),
        ("key", "whsec_aHVudGVyM2h1bnRlcjNodW50ZXIzaHVudGVyMzM=", "ops"),
        ("header", "h2", "ops"),
    ] {
        bench.write(file, text);
        assert_eq!(bench.renewed(), [receiver], "{file}");
        assert_eq!(bench.renewed(), Vec::<String>::new(), "{file}");
    }
    for (file, text) in [("token", "t2\n"), ("heart", "https://hc.example.com/2"), ("web", "w2")] {
        bench.write(file, text);
        assert!(bench.renewal.apply_edits(), "{file}");
    }
    let held = |held: &Option<Renewable<SecretString>>| held.as_ref().unwrap().get().expose_secret().to_owned();
    assert_eq!(bench.token(), "t2");
    assert_eq!(held(&bench.renewal.holders.heartbeat), "https://hc.example.com/2");
    assert_eq!(held(&bench.renewal.holders.web), "w2");
}

#[test]
fn what_is_empty_missing_or_wrong_goes_on_as_it_was_and_holds_up_nothing() {
    let mut bench = Bench::new();
    let path = |name: &str| bench.folder.path().join(name);
    fs::remove_file(path("token")).unwrap();
    fs::write(path("slack"), " \n").unwrap();
    fs::write(path("hook"), "no address").unwrap();
    fs::write(path("heart"), "ftp://example.com").unwrap();
    fs::write(path("web"), [0xff, 0xfe]).unwrap();
    fs::write(path("smtp"), "smtps://u:two@mail.example.com:465").unwrap();
    assert_eq!(bench.renewed(), ["leads"]);
    assert_eq!(bench.token(), "t1");
    // An empty file does not mean the relay on this machine.
    bench.write("smtp", "");
    assert_eq!(bench.renewed(), Vec::<String>::new());
    bench.write("token", "t2");
    assert!(bench.renewal.apply_edits());
    assert_eq!(bench.token(), "t2");
}

#[cfg(unix)]
#[test]
fn a_folder_of_secrets_that_is_swapped_by_its_link_is_seen() {
    let mut bench = Bench::new();
    let path = |name: &str| bench.folder.path().join(name);
    for (folder, token) in [("..1", "t1"), ("..2", "t2")] {
        fs::create_dir(path(folder)).unwrap();
        fs::write(path(folder).join("token"), token).unwrap();
    }
    std::os::unix::fs::symlink("..1", path("..data")).unwrap();
    fs::remove_file(path("token")).unwrap();
    std::os::unix::fs::symlink("..data/token", path("token")).unwrap();
    let before = bench.renewal.look();
    std::os::unix::fs::symlink("..2", path("..new")).unwrap();
    fs::rename(path("..new"), path("..data")).unwrap();
    assert_ne!(bench.renewal.look(), before);
    assert!(bench.renewal.apply_edits());
    assert_eq!(bench.token(), "t2");
}

#[test]
fn what_else_was_changed_is_named_by_its_key_alone() {
    let now = CONFIG
        .replace("file = 'token'", "env = 'TOKEN'")
        .replace("[watchdog]", "[watchdog]\nafter = '1m'")
        .replace("to = ['b@example.com']\n", "to = ['c@example.com']\n");
    let keys = changed_keys(CONFIG, &now).unwrap();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    assert_eq!(keys, ["inbox.main.token", "receiver.leads.to", "watchdog.after"]);
    assert_eq!(changed_keys(CONFIG, &format!("# a comment\n{CONFIG}")), Some(BTreeSet::new()));
    assert_eq!(changed_keys(CONFIG, "[inbox"), None);
}
