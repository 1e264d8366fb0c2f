//! `check`: every mistake with its place and its help, and no secret in what is shown.

use std::fs;

use crate::harness::{Home, RULE, Ran, TOKEN};

const GOOD: &str = r#"[inbox.main]
token = { env = "TOKEN" }

[receiver.support]
type = "slack"
webhook_url = { env = "SLACK_WEBHOOK_URL" }

[receiver.leads]
type = "email"
smtp_url = { env = "SMTP_URL" }
from = "Pengwatch <alerts@example.com>"
to = ["leads@example.com"]

[receiver.ops]
type = "webhook"
url = { env = "OPS_WEBHOOK_URL" }
secret = { file = "ops.secret" }

[receiver.screen]
type = "console"
"#;

const SUMMARY: &str = "pengwatch.toml: 1 inbox, 4 receivers
rules: 1 rule in use, 0 disabled, 0 with mistakes
templates: alert
requests of inbox main: 1 query for 1 rule, every 15s: 8 a minute while few customers wait, of 80 allowed
";

/// A folder without a mistake.
fn good() -> Home {
    Home::empty()
        .file("pengwatch.toml", GOOD)
        .file("rules/waiting.toml", RULE)
        .file("ops.secret", "whsec_c2VjcmV0c2VjcmV0c2VjcmV0\n")
        .folder("templates")
        .env("TOKEN", "hunter2")
        .env("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T0/B0/hunter2")
        .env("SMTP_URL", "smtps://me:hunter2@mail.example.com:465")
        .env("OPS_WEBHOOK_URL", "https://ops.example.com/hunter2")
}

/// As a snapshot, with the exit status; and no secret is in it.
#[track_caller]
fn snapshot(name: &str, status: i32, ran: &Ran) {
    ran.ends(status);
    assert_eq!(ran.stderr, "");
    assert!(!ran.all().contains("hunter2"), "a secret: {}", ran.stdout);
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, ran.stdout);
    });
}

/// The `FILE:LINE:COLUMN` of what was found, in order.
fn places(ran: &Ran) -> Vec<&str> {
    ran.stdout.lines().filter_map(|line| line.trim_start().strip_prefix("--> ")).collect()
}

#[test]
fn a_good_setup() {
    good().run(&["check"]).says(0, &format!("{SUMMARY}ok\n"), "");
    good().run(&["check", "-q"]).says(0, "", "");
    // A variable that is set to nothing counts as not set.
    good().env("PENGWATCH_CONFIG", "").run(&["check"]).says(0, &format!("{SUMMARY}ok\n"), "");
}

#[test]
fn more_requests_than_are_allowed_are_told() {
    let often = GOOD.replacen("[inbox.main]\n", "[inbox.main]\npoll_every = \"1s\"\n", 1);
    let summary = SUMMARY.replace(
        "every 15s: 8 a minute while few customers wait, of 80 allowed",
        "every 1s: 120 a minute while few customers wait, of 80 allowed: polls will wait for each other",
    );
    good().file("pengwatch.toml", &often).run(&["check"]).says(0, &format!("{summary}ok\n"), "");
}

#[test]
fn paths_are_relative_to_the_file_and_the_file_may_be_anywhere() {
    let home = good().folder("elsewhere");
    let elsewhere = home.path("elsewhere");
    let config = home.path("pengwatch.toml").display().to_string();
    let summary = SUMMARY
        .replace("pengwatch.toml:", "HOME/pengwatch.toml:")
        .replace("rules:", "HOME/rules:")
        .replace("templates:", "HOME/templates:");
    home.start_in(&elsewhere, &["check", "--config", &config]).end().says(0, &format!("{summary}ok\n"), "");
    home.start_in(&elsewhere, &["--config", "../pengwatch.toml", "check"]).end().ends(0);

    let home = home.env("PENGWATCH_CONFIG", &config);
    home.start_in(&elsewhere, &["check"]).end().says(0, &format!("{summary}ok\n"), "");
    // The argument wins.
    home.start_in(&elsewhere, &["check", "--config", "nothing.toml"]).end().ends(2);
}

#[test]
fn a_run_keeps_its_state_beside_the_file() {
    let home = Home::watching().folder("elsewhere");
    let elsewhere = home.path("elsewhere");
    home.start_in(&elsewhere, &["run", "--once", "--config", "../pengwatch.toml"]).end().ends(0);
    assert!(home.path("pengwatch.db").exists());
    assert_eq!(fs::read_dir(elsewhere).expect("a folder").count(), 0);
}

#[test]
fn every_mistake_of_a_configuration_at_once() {
    let home = good().file("pengwatch.toml", include_str!("check/mistakes.toml"));
    let ran = home.run(&["check"]);
    snapshot("check_mistakes", 1, &ran);
    let lines: Vec<usize> = places(&ran)
        .iter()
        .filter_map(|place| place.strip_prefix("pengwatch.toml:")?.split(':').next()?.parse().ok())
        .collect();
    assert!(lines.is_sorted(), "in the order of the file: {lines:?}");
    // The same for a run, on the other stream, and nothing runs.
    let run = home.run(&["run", "--once"]);
    run.ends(2);
    assert!(run.stderr.contains("nothing was read or sent: correct the configuration first"), "{}", run.stderr);
    assert!(!run.all().contains("hunter2"), "{}", run.stderr);
    assert!(!home.path("pengwatch.db").exists());
}

#[test]
fn every_mistake_of_a_rule_at_once() {
    let ran = good().file("rules/waiting.toml", include_str!("check/mistakes-rule.toml")).run(&["check"]);
    snapshot("check_rule", 1, &ran);
}

#[test]
fn every_mistake_of_templates_at_once() {
    let ran = good()
        .file("templates/alert/slack.json.hbs", "{\"text\": \"{{nme}} {{#each alerts}}{{{text}}}{{/each}}\"}\n")
        .file("templates/alert/console.txt.hbs", "{{#each alerts}}{{name}}\n")
        .file("templates/vip/email.subject.hbs", "{{#each alerts}}{{upper nam}}{{shout name}}{{/each}}\n")
        .file("templates/vip/email.txt.hsb", "misspelt\n")
        .run(&["check"]);
    snapshot("check_templates", 1, &ran);
}

#[test]
fn keys_without_effect_yet_are_warnings() {
    let more = "\n[watchdog]\nnotify = [\"leads\"]\n\n[server]\nlisten = \"127.0.0.1:9464\"\n";
    let config = GOOD.replace(
        "webhook_url = { env = \"SLACK_WEBHOOK_URL\" }",
        "webhook_url = { env = \"SLACK_WEBHOOK_URL\" }\nbot_token = { env = \"TOKEN\" }\nfallback = \"leads\"",
    );
    let home = good().file("pengwatch.toml", &(config + more));
    snapshot("check_no_effect", 0, &home.run(&["check"]));
    home.run(&["check", "-q"]).says(0, "", "");
}

#[test]
fn what_is_missing() {
    let config = |name: &str, home: Home, status| snapshot(name, status, &home.run(&["check"]));
    config("check_no_configuration", Home::empty(), 2);
    config("check_empty_configuration", Home::empty().file("pengwatch.toml", "").folder("rules"), 1);
    config("check_no_folders", Home::empty().file("pengwatch.toml", GOOD).file("ops.secret", "s").env("TOKEN", "t"), 1);
    let text = format!("rules = \"rulez\"\ntemplates = \"templatez\"\n{GOOD}");
    config("check_misspelt_folders", good().file("pengwatch.toml", &text), 1);
}

#[test]
fn a_missing_secret_is_a_warning_here_and_an_error_in_a_run() {
    let home = Home::empty()
        .file("pengwatch.toml", "[inbox.main]\ntoken = { env = \"TOKEN\" }\n[receiver.support]\ntype = \"console\"\n")
        .file("rules/waiting.toml", &RULE.replace(", \"leads\", \"ops\", \"screen\"", ""))
        .folder("templates");
    let drawn = |level: &str| {
        format!(
            "{level}: the environment variable `TOKEN` is not set
 --> pengwatch.toml:2:9
  |
2 | token = {{ env = \"TOKEN\" }}
  |         ^^^^^^^^^^^^^^^^^
  |
  = help: set it where pengwatch runs

"
        )
    };
    let summary = SUMMARY.replace("4 receivers", "1 receiver");
    home.run(&["check"]).says(0, &format!("{}{summary}ok, 1 warning\n", drawn("warning")), "");
    let error = format!("{}nothing was read or sent: correct the configuration first\n", drawn("error"));
    home.run(&["run", "--once"]).says(2, "", &error);
    home.run(&["run"]).says(2, "", &error);
    home.run(&["run", "--dry-run"]).says(2, "", &error);
    assert!(!home.path("pengwatch.db").exists());
}

#[test]
fn an_empty_secret_is_a_mistake() {
    for (from, to, place) in [
        ("token = { env = \"TOKEN\" }", "token = \"\"", "pengwatch.toml:2:9"),
        ("secret = { file = \"ops.secret\" }", "secret = \" \"", "pengwatch.toml:17:10"),
    ] {
        let home = good().file("pengwatch.toml", &GOOD.replace(from, to));
        for (arguments, status) in [(&["check"][..], 1), (&["run", "--once"], 2)] {
            let ran = home.run(arguments);
            ran.ends(status);
            assert!(ran.all().contains(place), "{}", ran.all());
        }
    }
}

#[test]
fn what_a_run_could_not_use_is_a_mistake() {
    for (from, to, said) in [
        ("{ file = \"ops.secret\" }", "\"whsec_hunter2!\"", "after `whsec_` a webhook's secret is base64"),
        ("{ file = \"ops.secret\" }", "\"k\"\nheaders = { \"X Y\" = \"hunter2\" }", "`X Y` is no name of a header"),
        (
            "{ file = \"ops.secret\" }",
            "\"k\"\nheaders = { Host = \"hunter2\" }",
            "the header `Host` is set by the program",
        ),
        ("{ file = \"ops.secret\" }", "\"k\"\nheaders = { X = \"hunter2\\n\" }", "characters that a header can't hold"),
        ("{ env = \"TOKEN\" }", "\"hunter2\\n\"", "characters that no request can carry"),
        ("{ env = \"TOKEN\" }", "\"hunter2 ü\"", "characters that no request can carry"),
    ] {
        let home = good().file("pengwatch.toml", &GOOD.replace(from, to));
        let ran = home.run(&["check"]);
        ran.ends(1);
        assert!(ran.stdout.contains(said), "{to}: {}", ran.stdout);
        assert!(!ran.all().contains("hunter2"), "{}", ran.stdout);
    }
}

#[test]
fn a_relay_without_tls_is_warned_of_and_its_name_is_checked() {
    let mail = "\n[receiver.relay]\ntype = \"email\"\nfrom = \"p@example.com\"\nto = [\"a@example.com\"]\nsmtp_url = { env = \"RELAY\" }\n";
    let check = |more: &str, url: &str| {
        let home = good().env("RELAY", url);
        let text = fs::read_to_string(home.path("pengwatch.toml")).expect("a file");
        home.write("pengwatch.toml", &format!("{text}{mail}{more}"));
        home.run(&["check"])
    };
    let ran = check("", "smtp://relay.internal:25?tls=none");
    ran.ends(0);
    assert!(ran.stdout.contains("warning: `tls=none`: mails go over the network in the clear"), "{}", ran.stdout);
    for (more, url, said) in [
        ("", "smtp://127.0.0.1:25", "ok"),
        ("ehlo = \"pengwatch.example.com\"\n", "smtp://127.0.0.1:25", "ok"),
        ("ehlo = \"[192.0.2.7]\"\n", "smtp://127.0.0.1:25", "ok"),
        ("", "smtp://me:hunter2@relay.internal:25?tls=none", "a login goes over TLS only"),
        ("", "smtp://relay.internal:25", "add `?tls=none`"),
        ("ehlo = \"my host\"\n", "smtp://127.0.0.1:25", "this is no name that a mail server takes"),
        ("ehlo = \"192.0.2.7\"\n", "smtp://127.0.0.1:25", "[192.0.2.7]"),
        ("helo = \"a.b\"\n", "smtp://127.0.0.1:25", "ehlo"),
    ] {
        let ran = check(more, url);
        assert!(ran.stdout.contains(said), "{more} {url}: {}", ran.stdout);
        assert_eq!(ran.status == Some(0), said == "ok", "{more} {url}: {}", ran.stdout);
        assert!(!ran.all().contains("hunter2"), "{}", ran.stdout);
    }
}

#[test]
fn a_plain_secret_is_never_shown() {
    for text in [
        "[inbox.main]\ntoken = \"hunter2\n",
        "[inbox.main]\ntoken = hunter2\n",
        "[inbox.main]\ntoken \"hunter2\"\n",
        "[inbox.main]\ntoken: \"hunter2\"\n",
        "[inbox.main]\ntokn = \"hunter2\"\n",
        "[inbox.main]\ntoken = [\"hunter2\"]\n",
        "[inbox.main]\ntoken = { plain = \"hunter2\" }\n",
        "[inbox.main]\ntoken = \"\"\"\nhunter2\n\"\"\" x\n",
        "[inbox.main]\ntoken = \"a\\qhunter2\"\n",
        "[inbox.main]\ntoken = \"x\" # hunter2\ntoken = \"y\"\n",
        "[inbox.main]\ntoken.token = \"hunter2\"\n",
        "[inbox.main]\nurl = \"https://me:hunter2@api.example.com\"\n",
        "[inbox.main]\nurl = \"https://api.example.com?key=hunter2\"\n",
        "inbox.main = { url = 5, token = \"hunter2\" }\n",
        "inbox.main = \"hunter2\"\n",
        "inbox = { main = { tokn = \"hunter2\" } }\n",
        "[receiver.ops]\ntype = \"webhok\"\nurl = \"https://ops.example.com/hunter2\"\n",
        "[receiver.ops]\ntype = \"webhook\"\nurl = \"htps://ops.example.com/hunter2\"\n",
        "[receiver]\nops = { type = \"webhok\", url = \"https://ops.example.com/hunter2\" }\n",
        "[receiver.ops]\ntype = \"webhook\"\nheaders = { Authorization = \"hunter2\", X = 5 }\n",
        "[receiver.ops]\ntype = \"webhook\"\nheaders = \"hunter2\"\n",
        "[receiver.ops.headers]\nAuthorization = \"hunter2\n",
        "[receiver.ops]\nheaders.Authorization = \"hunter2\n",
        "[receiver.support]\ntype = \"slack\"\nwebhook_url = \"hooks.slack.com/hunter2\"\n",
        "[receiver.support]\ntype = \"slack\"\nbot_token = \"hunter2\"\nchannel = 5\n",
        "[receiver.leads]\ntype = \"email\"\nsmtp_url = \"smtp://me:hunter2@mail.example.com\"\n",
        "[receiver.leads]\ntype = \"email\"\nsmtp_url = \"smtps://me:hunter2%zz@mail.example.com\"\n",
        "[watchdog]\nheartbeat_url = \"hunter2\"\n",
        "[server]\ntoken = 5 \"hunter2\"\n",
        "state = \"postgres://me:hunter2@db/pengwatch\"\n",
        "state = \"hunter2\"\n",
        "state = [\"postgres://me:hunter2@db\"]\n",
        "hunter2\n",
        "token = \"hunter2\"\n",
    ] {
        let home = good().file("pengwatch.toml", text);
        for arguments in [&["check"][..], &["run", "--once"], &["run", "--once", "--log-format", "json"]] {
            let ran = home.run(arguments);
            assert!(!ran.all().contains("hunter2"), "{text}\n{}", ran.all());
            assert!(matches!(ran.status, Some(1 | 2)), "{text}\n{}", ran.all());
            assert!(ran.all().contains("pengwatch.toml:"), "{text}\n{}", ran.all());
        }
    }
}

#[test]
fn colours_where_they_are_wanted() {
    let home = good().file("pengwatch.toml", "colour = 1\n");
    let plain = home.run(&["check"]);
    assert!(!plain.raw_stdout.contains('\u{1b}'), "a pipe is no terminal");
    assert_eq!(home.run(&["check", "--color", "never"]).raw_stdout, plain.raw_stdout);
    let colored = home.run(&["check", "--color", "always"]);
    assert!(colored.raw_stdout.contains("\u{1b}["), "{}", colored.raw_stdout);
    assert!(home.run(&["run", "--color=always"]).raw_stderr.contains("\u{1b}["));
}

#[test]
fn odd_files_are_mistakes_and_no_more() {
    let config = |bytes: &[u8]| {
        let home = good();
        fs::write(home.path("pengwatch.toml"), bytes).expect("a file");
        home.run(&["check"])
    };
    let large = "#".repeat(300_000);
    for (bytes, said) in [
        (&b"\xff\xfe"[..], "it is not UTF-8 text"),
        (large.as_bytes(), "it is larger than 256 KiB"),
        (b"\xef\xbb\xbf[inbox.main]\n", "no token"),
        (b"[inbox.main]\r\ntoken = { env = \"TOKEN\" }\r\nx = 1\r\n", "pengwatch.toml:3:1"),
        (b"[inbox.main]\n\x1b]0;title\x07 = 1\n", "not valid TOML"),
    ] {
        let ran = config(bytes);
        assert!(matches!(ran.status, Some(1 | 2)), "{ran:?}");
        assert!(ran.stdout.contains(said), "{said}: {}", ran.stdout);
        assert!(!ran.stdout.contains('\u{1b}'), "a file speaks to the terminal: {:?}", ran.stdout);
    }
    let folder = Home::empty().folder("pengwatch.toml");
    folder.run(&["check"]).ends(2);
}

/// Two inboxes, each with these lines.
fn two_inboxes(first: &str, second: &str) -> Home {
    let config = std::fs::read_to_string(Home::watching().path("pengwatch.toml")).expect("a file");
    let rest = &config[config.find("[receiver.support]").expect("receivers")..];
    let text = format!("state = \"sqlite:pengwatch.db\"\n\n[inbox.main]\n{first}\n[inbox.shop]\n{second}\n{rest}");
    Home::watching().file("pengwatch.toml", &text).env("OTHER", &format!("{TOKEN}\n")).file("token", TOKEN)
}

#[test]
fn two_inboxes_with_one_token_share_its_requests() {
    const SAME: &str = "the inboxes `main` and `shop` have the same token: the provider counts their requests together";
    const SUM: &str = "together they may make 160 a minute (80 and 80), and 100 are allowed: lower `requests_per_minute` of each, or watch the account by one inbox";
    let here = "token = { env = \"TOKEN\" }";
    for second in [
        "token = { env = \"TOKEN\" }",
        "token = { env = \"OTHER\" }",
        "token = { file = \"token\" }",
        "token = \"tok-hunter2-inbox\"",
        "url = \"https://api.v7.botpenguin.com/\"\ntoken = { env = \"OTHER\" }",
    ] {
        let out = two_inboxes(here, second).run(&["check"]).ends(0).stdout.clone();
        assert!(out.contains(&format!("warning: {SAME}")) && out.contains(SUM), "{second}\n{out}");
        assert!(
            out.contains(if second.starts_with("url") { "pengwatch.toml:7:" } else { "pengwatch.toml:6:" }),
            "{out}"
        );
        assert!(!out.replace("token = \"tok-hunter2-inbox\"", "").contains("hunter2"), "{out}");
    }
    // It may be the same account under another name.
    let elsewhere = "url = \"https://api.example.com\"\ntoken = { env = \"OTHER\" }";
    let out = two_inboxes(here, elsewhere).run(&["check"]).ends(0).stdout.clone();
    assert!(
        out.contains("the inboxes `main` and `shop` have the same token, at api.v7.botpenguin.com and api.example.com"),
        "{out}"
    );
    assert!(out.contains("if both addresses lead to one account, their requests count together"), "{out}");
    // Who says how to share is not warned, nor who has another token; one that is not at hand is the same by its name.
    for (first, second, warned) in [
        (
            "token = { env = \"TOKEN\" }\nrequests_per_minute = 50",
            "token = { env = \"OTHER\" }\nrequests_per_minute = 50",
            false,
        ),
        (here, "token = { env = \"SLACK_WEBHOOK_URL\" }", false),
        ("token = { env = \"NOT_SET\" }", "token = { env = \"NOT_SET\" }", true),
        ("token = { env = \"NOT_SET\" }", "token = { env = \"NEITHER\" }", false),
    ] {
        let out = two_inboxes(first, second).run(&["check"]).stdout;
        assert_eq!(out.contains("have the same token"), warned, "{first} {second}\n{out}");
    }
}
