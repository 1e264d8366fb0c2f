//! `check`: every mistake with its place and its help, and no secret in what is shown. It is long because the
//! mistakes are many.

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

/// Compares the output and the exit status with a snapshot, and finds no secret in it.
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
    // An empty variable counts as not set.
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
        (
            "{ file = \"ops.secret\" }",
            "\"k\"\nheaders = { \"X Y\" = \"hunter2\" }",
            "`X Y` is not the name of a header",
        ),
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
        ("ehlo = \"my host\"\n", "smtp://127.0.0.1:25", "mail servers do not accept this name"),
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
        (&b"\xff\xfe"[..], "it is not UTF-8 text but UTF-16: save it as UTF-8"),
        (b"# caf\xe9\n", "the byte 0xE9 at line 1, column 6, `é` in the encoding of Windows: save it as UTF-8"),
        (b"[inbox.main]\0\n", "a NUL character stands in line 1"),
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
    // There is no warning for a limit that is shared, or for another token. Absent tokens are compared by their names.
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

#[test]
fn a_secret_as_it_is_pasted_is_right_or_named() {
    let right = |name: &str, value: &str, warned: &str| {
        let ran = good().env(name, value).run(&["check"]);
        ran.ends(0);
        assert!(ran.stdout.contains(warned), "{value}: {}", ran.stdout);
        assert!(!ran.all().contains("hunter2"), "{}", ran.stdout);
    };
    right("TOKEN", "Bearer hunter2", "left out of `token`: the `Bearer` before it");
    right("TOKEN", "'hunter2'", "left out of `token`: the quotation marks around it");
    right("TOKEN", "\u{feff}hunter2\r\n", "\nok\n");
    let quoted = "\"https://hooks.slack.com/services/T0/B0/hunter2\"";
    right("SLACK_WEBHOOK_URL", quoted, "left out of `webhook_url`: the quotation marks around it");
    let wrong = |name: &str, value: &str, said: &str| {
        let ran = good().env(name, value).run(&["check"]);
        ran.ends(1);
        assert!(ran.stdout.contains(said), "{value}: {}", ran.stdout);
        assert!(!ran.all().contains("hunter2"), "{}", ran.stdout);
    };
    wrong("TOKEN", "…", "`token` cannot be used: it is a placeholder of the documentation");
    wrong("TOKEN", "hunter2\nhunter2", "`token` cannot be used: it has more than one line");
    wrong("TOKEN", "BOTPENGUIN_TOKEN=hunter2", "`token` cannot be used: it begins with a name and `=`");
    wrong("TOKEN", "hunter2 hunter2", "this `token` has a blank in it");
    wrong("SLACK_WEBHOOK_URL", "xoxb-1-2-hunter2", "`webhook_url` cannot be used: this is a token of Slack");
    wrong("SLACK_WEBHOOK_URL", "https://app.slack.com/client/hunter2", "an address of Slack's pages for people");
    wrong(
        "SLACK_WEBHOOK_URL",
        "https://discord.com/api/webhooks/1/hunter2",
        "this is a webhook of Discord, not of Slack",
    );
    wrong("SMTP_URL", "mail.example.com:587", "the address of the mail server has no scheme");
    wrong("SMTP_URL", "smtps://me:hunter2/x@mail.example.com:465", "write `/` as %2F");
    for (from, to, said, status) in [
        ("{ env = \"TOKEN\" }", "{ env = \"$TOKEN\" }", "write { env = \"TOKEN\" }", 1),
        ("{ env = \"TOKEN\" }", "{ env = \"xoxb-1-hunter2\" }", "this looks like the secret itself", 1),
        (
            "{ file = \"ops.secret\" }",
            "{ file = \"https://ops.example.com/hunter2\" }",
            "this looks like the secret itself",
            1,
        ),
        (
            "[inbox.main]",
            "[inbox.main]\nurl = \"https://api.v7.botpenguin.com/inbox/users\"",
            "the path of the endpoint is left out of `url`",
            0,
        ),
        ("[inbox.main]", "[inbox.main]\nurl = \"https://app.botpenguin.com\"", "BotPenguin's pages for people", 1),
        ("Pengwatch <alerts@example.com>", "Shop, Support <alerts@example.com>", "\nok\n", 0),
        ("[\"leads@example.com\"]", "[\"a@example.com, b@example.com\"]", "this is more than one mail address", 1),
    ] {
        let ran = good().file("pengwatch.toml", &GOOD.replace(from, to)).run(&["check"]);
        ran.ends(status);
        assert!(ran.stdout.contains(said), "{to}: {}", ran.stdout);
        assert!(!ran.all().contains("hunter2"), "{}", ran.stdout);
    }
}

#[test]
fn what_is_meant_by_a_time_zone() {
    for (zone, said, status) in [
        ("IST", "help: did you mean `Asia/Kolkata`?", 1),
        ("UTC+5:30", "help: a zone is a place: did you mean `Asia/Kolkata`?", 1),
        ("India Standard Time", "help: did you mean `Asia/Kolkata`?", 1),
        ("EST", "warning: `EST` is five hours behind UTC all year", 0),
    ] {
        let ran = good().file("pengwatch.toml", &format!("timezone = \"{zone}\"\n{GOOD}")).run(&["check"]);
        ran.ends(status);
        assert!(ran.stdout.contains(said), "{zone}: {}", ran.stdout);
        let hours = format!("{RULE}\n[hours]\ntimezone = \"{zone}\"\nopen = [\"09:00-18:00\"]\n");
        let ran = good().file("rules/waiting.toml", &hours).run(&["check"]);
        ran.ends(status);
        assert!(ran.stdout.contains(said), "{zone}: {}", ran.stdout);
    }
}

#[test]
fn a_rule_as_another_system_saves_it() {
    let home = |text: &[u8]| {
        let home = good();
        fs::write(home.path("rules/waiting.toml"), text).expect("a file");
        home.run(&["check"])
    };
    home(format!("\u{feff}{}", RULE.replace('\n', "\r\n")).as_bytes()).says(0, &format!("{SUMMARY}ok\n"), "");
    home(RULE.replace('\n', "\r").as_bytes()).says(0, &format!("{SUMMARY}ok\n"), "");
    let wide: Vec<u8> = format!("\u{feff}{RULE}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (text, said) in [
        (
            wide.as_slice(),
            "the rule `rules/waiting.toml` cannot be read: it is not UTF-8 text but UTF-16: save it as UTF-8",
        ),
        (
            RULE.replace("[\"support\"", "[\"support\u{200b}\"").as_bytes(),
            "help: a character in it cannot be seen: zero-width space (U+200B); type it anew",
        ),
        (
            RULE.replace("unreadMessages >", "unreadMessages\u{a0}>").as_bytes(),
            "a character that cannot be seen stands in this condition: no-break space (U+00A0)",
        ),
        (
            RULE.replace("severity =", "severity\u{a0}=").as_bytes(),
            "a character that cannot be seen stands here: no-break space (U+00A0)",
        ),
        (
            RULE.replace("to = [\"support\", \"leads\", \"ops\", \"screen\"]", "to = \"support\"").as_bytes(),
            "help: a list stands in brackets: write [\"support\"]",
        ),
        (
            RULE.replace("status = [\"OPEN\", \"INPROGRESS\"]", "status = \"OPEN\"").as_bytes(),
            "help: write status = [\"OPEN\"]",
        ),
        (
            RULE.replace("severity = \"warning\"", "severity = [\"warning\"]").as_bytes(),
            "help: one value, without brackets",
        ),
        (
            RULE.replace("severity = ", "enabled = \"true\"\nseverity = ").as_bytes(),
            "help: write it without quotes: true",
        ),
        (RULE.replace("[[notify]]", "[notify]").as_bytes(), "for [notify] write [[notify]], with two brackets"),
    ] {
        let ran = home(text);
        ran.ends(1);
        assert!(ran.stdout.contains(said), "{said}\n{}", ran.stdout);
        assert!(ran.stdout.ends_with("1 mistake\n"), "one mistake: {}", ran.stdout);
    }
}

#[test]
fn names_in_two_unicode_forms_are_one() {
    let config = GOOD.replace("[receiver.screen]", "[receiver.\"e\u{301}quipe\"]");
    let rule = RULE.replace("\"screen\"", "\"\u{e9}quipe\"");
    let home = good().file("pengwatch.toml", &config).file("rules/cafe\u{301}.toml", &rule.replace("> 0", "> 1"));
    home.write("rules/waiting.toml", &rule);
    let summary =
        SUMMARY.replace("1 rule in use", "2 rules in use").replace("1 query for 1 rule", "1 query for 2 rules");
    home.run(&["check"]).says(0, &format!("{summary}ok\n"), "");
    for name in ["caf\u{e9}", "cafe\u{301}"] {
        let ran = home.run(&["silence", "add", "--rule", name, "--for", "1h", "--comment", "x"]);
        ran.ends(0);
        assert!(ran.stdout.contains("holds back rule=caf\u{e9} until"), "{}", ran.stdout);
    }
}
