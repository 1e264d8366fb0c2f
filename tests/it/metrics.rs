//! The metrics: their formats and values, the token if there is one, and no customer's text.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    process::{Command, Stdio},
};

use pengwatch::sandbox::{
    By, CustomerAction,
    fault::{Fault, FaultKind},
};

use crate::{
    harness::{Home, eventually, now},
    health::{get_with, port, with},
};

/// A page of the text format, checked line by line as
/// <https://prometheus.io/docs/instrumenting/exposition_formats/> has it: the samples by name and labels.
#[track_caller]
fn samples(page: &str) -> BTreeMap<String, f64> {
    let name = |text: &str| {
        let letter = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
        text.starts_with(letter) && text.chars().all(|c| letter(c) || c.is_ascii_digit())
    };
    let (mut samples, mut types, mut helped) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
    let mut group = String::new();
    let mut closed: BTreeSet<String> = BTreeSet::new();
    assert!(page.ends_with('\n') && !page.contains('\r'));
    for line in page.lines().filter(|line| !line.is_empty() && *line != "# EOF") {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (metric, words) = help.split_once(' ').expect(line);
            assert!(name(metric) && !words.is_empty() && helped.insert(metric.to_owned()), "{line}");
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (metric, kind) = kind.split_once(' ').expect(line);
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(types.insert(metric.to_owned(), kind.to_owned()).is_none(), "twice: {line}");
        } else if line.starts_with("# UNIT ") {
        } else {
            let (series, value) = line.rsplit_once(' ').expect(line);
            let (metric, labels) = series.split_once('{').map_or((series, ""), |(metric, rest)| {
                (metric, rest.strip_suffix('}').expect("a closed list of labels"))
            });
            assert!(name(metric), "{line}");
            for label in labels.split("\",").filter(|label| !label.is_empty()) {
                let (key, value) = label.split_once("=\"").expect(line);
                assert!(name(key) && !value.trim_end_matches('"').contains(['"', '\\']), "{line}");
            }
            let ends = ["_total", "_bucket", "_sum", "_count"];
            let family = ends.iter().find_map(|end| metric.strip_suffix(end)).unwrap_or(metric);
            let kind = types.get(family).or_else(|| types.get(metric)).unwrap_or_else(|| panic!("no type: {line}"));
            assert!(kind != "counter" || metric.ends_with("_total"), "{line}");
            // All lines of a metric stand together.
            if group != family {
                assert!(closed.insert(std::mem::replace(&mut group, family.to_owned())), "scattered: {line}");
            }
            let value: f64 = value.parse().expect(line);
            assert!(samples.insert(series.to_owned(), value).is_none(), "twice: {line}");
        }
    }
    for (series, value) in &samples {
        // Buckets count upwards to the whole.
        if let Some((metric, labels)) = series.split_once("_bucket{").filter(|(_, rest)| rest.contains("le=\"+Inf\"")) {
            let rest = labels.replace(",le=\"+Inf\"", "").replace("le=\"+Inf\",", "");
            assert_eq!(samples.get(&format!("{metric}_count{{{rest}")), Some(value), "{series}");
        }
    }
    samples
}

fn watched(more: &str) -> (Home, u16) {
    let port = port();
    let home = with(Home::watching(), &format!("[server]\nlisten = \"127.0.0.1:{port}\"\n{more}"));
    home.edit("rules/waiting.toml", "\"support\", \"leads\", \"ops\", \"screen\"", "\"support\", \"leads\"");
    (home, port)
}

fn page(port: u16, headers: &str) -> String {
    get_with(port, "/metrics", headers).map(|(_, body)| body).unwrap_or_default()
}

#[test]
fn what_happened_is_counted_in_both_formats() {
    let (home, port) = watched("[watchdog]\nnotify = [\"leads\"]\n");
    home.waits("c1", "Zebedee", "Where is my xylophone?");
    home.waits("c2", "Dougal", "And mine?");
    home.inbox().fault(Fault::inbox(FaultKind::status(500)));
    home.inbox().fault(Fault::slack(FaultKind::status(503)));
    let daemon = home.start(&["run"]);
    let value = |name: &str| samples(&page(port, "")).get(name).copied();
    eventually("an answer", || !page(port, "").is_empty());
    eventually("that Slack has it", || {
        value("pengwatch_messages_total{receiver=\"support\",outcome=\"delivered\"}") == Some(1.0)
    });
    let got = samples(&page(port, ""));
    for (name, expected) in [
        ("pengwatch_inbox_requests_total{inbox=\"main\",outcome=\"server\"}", 1.0),
        ("pengwatch_inbox_requests_allowed{inbox=\"main\"}", 80.0),
        ("pengwatch_inbox_contacts{inbox=\"main\"}", 2.0),
        ("pengwatch_alerts_fired_total{inbox=\"main\",rule=\"waiting\"}", 2.0),
        ("pengwatch_alerts{inbox=\"main\",rule=\"waiting\",state=\"firing\"}", 2.0),
        ("pengwatch_alerts{inbox=\"main\",rule=\"waiting\",state=\"pending\"}", 0.0),
        ("pengwatch_messages_total{receiver=\"support\",outcome=\"retry\"}", 1.0),
        ("pengwatch_messages_total{receiver=\"ops\",outcome=\"delivered\"}", 0.0),
        ("pengwatch_receiver_broken{receiver=\"support\"}", 0.0),
        ("pengwatch_inbox_budget_short{inbox=\"main\"}", 0.0),
        ("pengwatch_outbox_messages{receiver=\"support\"}", 0.0),
        ("pengwatch_outbox_age_seconds{receiver=\"leads\"}", 0.0),
        ("pengwatch_rules{state=\"in_use\"}", 1.0),
        ("pengwatch_troubles{problem=\"token-refused\"}", 0.0),
    ] {
        assert_eq!(got.get(name).copied(), Some(expected), "{name}\n{got:#?}");
    }
    assert!(got[&format!("pengwatch_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))] > 0.0);
    assert!(got["pengwatch_polls_total{inbox=\"main\",outcome=\"complete\"}"] >= 1.0);
    assert!(got["pengwatch_walks_total{inbox=\"main\",kind=\"full\",outcome=\"complete\"}"] >= 1.0);
    assert!(got["pengwatch_longest_wait_seconds{inbox=\"main\"}"] >= 120.0);

    home.inbox().act("c1", &CustomerAction::Answer(By::Agent, "Here.".to_owned()), now()).expect("a contact");
    let answered = "pengwatch_time_to_answer_seconds_count{inbox=\"main\",rule=\"waiting\"}";
    eventually("the answer", || value(answered) == Some(1.0));
    let got = samples(&page(port, "accept: application/openmetrics-text; version=1.0.0\r\n"));
    for (name, expected) in [
        ("pengwatch_alerts_resolved_total{inbox=\"main\",rule=\"waiting\",reason=\"answered-by-agent\"}", 1.0),
        ("pengwatch_waiting_time_seconds_count{inbox=\"main\",rule=\"waiting\"}", 1.0),
        ("pengwatch_alerts{inbox=\"main\",rule=\"waiting\",state=\"firing\"}", 1.0),
    ] {
        assert_eq!(got.get(name).copied(), Some(expected), "{name}\n{got:#?}");
    }
    let whole = page(port, "accept: application/openmetrics-text\r\n");
    assert!(whole.ends_with("# EOF\n"));
    for secret in ["Zebedee", "Dougal", "xylophone", "c1", "hunter2"] {
        assert!(!whole.contains(secret), "{secret} is in the metrics");
    }
    daemon.signal("TERM");
    daemon.end().ends(0);
}

#[test]
fn the_token_opens_them_and_health_needs_none() {
    let (home, port) = watched("token = { env = \"WEB_TOKEN\" }\n");
    let home = home.env("WEB_TOKEN", "hunter2web");
    let daemon = home.start(&["run"]);
    eventually("an answer", || get_with(port, "/healthz", "").is_some_and(|(status, _)| status == 200));
    for headers in
        ["", "authorization: Bearer wrong\r\n", "authorization: Bearer \r\n", "authorization: Basic hunter2web\r\n"]
    {
        let (status, body) = get_with(port, "/metrics", headers).expect("an answer");
        assert_eq!((status, body.contains("hunter2")), (401, false), "{headers}");
        assert!(body.contains("Authorization: Bearer"), "{body}");
    }
    assert_eq!(get_with(port, "/metrics", "authorization: Bearer hunter2web\r\n").map(|(status, _)| status), Some(200));
    daemon.signal("TERM");
    let ran = daemon.end();
    assert!(!ran.ends(0).all().contains("hunter2web"));
}

fn promtool(arguments: &[&str], input: &str) {
    let mut child = Command::new("promtool")
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/prometheus"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool");
    child.stdin.take().expect("its input").write_all(input.as_bytes()).expect("to write");
    let said = child.wait_with_output().expect("its end");
    let words = String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).into_owned();
    assert!(said.status.success(), "promtool {arguments:?}: {words}");
}

#[test]
#[ignore = "needs promtool: run tests/run"]
fn prometheus_itself_takes_the_metrics_and_the_shipped_rules() {
    let (home, port) = watched("");
    home.waits("c1", "Asha", "Hello?");
    let daemon = home.start(&["run"]);
    eventually("a message", || page(port, "").contains("outcome=\"delivered\"} 1"));
    promtool(&["check", "metrics"], &page(port, ""));
    daemon.signal("TERM");
    daemon.end().ends(0);
    promtool(&["check", "rules", "pengwatch.rules.yaml"], "");
    promtool(&["test", "rules", "pengwatch.rules.test.yaml"], "");
}

#[test]
fn the_shipped_rules_ask_for_series_that_there_are() {
    let (home, port) = watched("[watchdog]\nheartbeat_url = \"http://127.0.0.1:9/\"\nafter = \"1h\"\n");
    home.waits("c1", "Asha", "Hello?");
    let daemon = home.start(&["run"]);
    eventually("a message", || page(port, "").contains("outcome=\"delivered\"} 1"));
    eventually("a heartbeat", || page(port, "").contains("pengwatch_heartbeats_total"));
    let page = page(port, "");
    daemon.signal("TERM");
    daemon.end().ends(0);
    let rules = include_str!("../../deploy/prometheus/pengwatch.rules.yaml");
    let mut asked: Vec<&str> = rules
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("pengwatch_"))
        .collect();
    asked.sort_unstable();
    asked.dedup();
    assert!(asked.len() > 8, "{asked:?}");
    for series in asked {
        let family = series.trim_end_matches("_total");
        assert!(page.contains(&format!("# TYPE {family} ")) || page.contains(&format!("# TYPE {series} ")), "{series}");
    }
}
