//! Messages about pengwatch itself.

use jiff::{SignedDuration, Timestamp};

use super::fixtures::{CONSOLE, FORMATS, mail, shown, slack};
use crate::{
    model::{Alert, Body, Problem, Reason, Resolution, Trouble},
    render::{Format, watchdog},
};

fn now() -> Timestamp {
    "2026-06-12T12:00:00Z".parse().unwrap()
}

fn alert(problem: Problem, subject: &str, detail: &str) -> Alert {
    let since = now() - SignedDuration::from_mins(12);
    Trouble { problem, subject: subject.to_owned(), detail: detail.to_owned(), since }.alert(now()).unwrap()
}

fn over(alert: Alert) -> Alert {
    let end = Resolution { at: now(), ended_at: now(), reason: Reason::Mended };
    Alert { resolution: Some(end), ..alert }
}

fn tell(format: &dyn Format, alerts: &[&Alert]) -> Body {
    format.plain(&watchdog::tell(alerts, "leads", now()))
}

fn said(alert: &Alert) -> String {
    shown(&tell(CONSOLE, &[alert]))
}

#[test]
#[allow(clippy::too_many_lines)] // a table
fn every_problem_says_what_failed_what_happens_and_that_it_is_over() {
    for (problem, subject, detail, words, end) in [
        (
            Problem::InboxUnreadable,
            "main",
            "the API failed (HTTP 500)",
            "⚠️ pengwatch cannot read the inbox main for 12 min: the API failed (HTTP 500). No alert is ended by this; it is tried again at least once a minute",
            "✅ pengwatch: the inbox main is read again, after 12 min",
        ),
        (
            Problem::TokenRefused,
            "main",
            "the API refused the token (HTTP 401)",
            "⚠️ pengwatch sees nothing of the inbox main: the API refused the token (HTTP 401). It is tried once a minute; no alert is ended by this",
            "✅ pengwatch: the token of the inbox main is accepted again, after 12 min",
        ),
        (
            Problem::RuleRejected,
            "vip",
            "rules/vip.toml:3:9: a contact has no field `unread`",
            "⚠️ pengwatch: the rule vip has a mistake: rules/vip.toml:3:9: a contact has no field `unread`. Its last good version goes on, if there was one; `pengwatch check` says more",
            "✅ pengwatch: the rule vip has no mistake any more, after 12 min",
        ),
        (
            Problem::ReceiverBroken,
            "support",
            "HTTP 404: no_service",
            "⚠️ pengwatch: the receiver support accepts no messages for 12 min: HTTP 404: no_service. `pengwatch outbox list` shows what waits or was given up",
            "✅ pengwatch: the receiver support accepts messages again, after 12 min",
        ),
        (
            Problem::ClockDiffers,
            "main",
            "3 min ahead of the API's",
            "⚠️ pengwatch: the clock of this machine is 3 min ahead of the API's, by the answers of the inbox main. Waits are counted by the API's clock, so that nobody is notified too early or too late; pauses, silences and sending go by this machine's: set it right",
            "✅ pengwatch: the clock of this machine and the API's of the inbox main agree again, after 12 min",
        ),
        (
            Problem::OutboxStuck,
            "support",
            "",
            "⚠️ pengwatch: messages to support wait for 12 min, and none was tried",
            "✅ pengwatch: messages to support are sent again, after 12 min",
        ),
        (
            Problem::RecordsNotUnderstood,
            "main",
            "3 records",
            "⚠️ pengwatch does not understand records of the inbox main for 12 min: 3 records. They end no alert",
            "✅ pengwatch: all records of the inbox main are understood again, after 12 min",
        ),
        (
            Problem::BudgetShort,
            "main",
            "a full walk of 412 pages or more does not end in time",
            "⚠️ pengwatch may make too few requests for the rules of the inbox main: a full walk of 412 pages or more does not end in time. New customers are looked for first, but ends come late; fewer different filters, or a higher `requests_per_minute`, help",
            "✅ pengwatch: the requests are enough for the rules of the inbox main again, after 12 min",
        ),
        (
            Problem::RunsMissed,
            "run --once",
            "no run for 43 min, while usually there is one every 1 min",
            "⚠️ pengwatch did not run for a while: no run for 43 min, while usually there is one every 1 min. Customers who waited and were answered meanwhile were not seen; look at what starts `pengwatch run --once`",
            "✅ pengwatch: it runs regularly again, after 12 min",
        ),
        (
            Problem::TemplateFailed,
            "own",
            "templates/own/slack.json.hbs:3:9: unknown helper `lst`",
            "⚠️ pengwatch: the template own fails: templates/own/slack.json.hbs:3:9: unknown helper `lst`. The built-in text goes out in its place; `pengwatch check` may say more",
            "✅ pengwatch: the template own works again, after 12 min",
        ),
        (
            Problem::FilterDiffers,
            "main",
            "`lastMessageBy` asks for `user`, and the API returned `USER`",
            "⚠️ pengwatch may be blind in the inbox main: `lastMessageBy` asks for `user`, and the API returned `USER`. Such a rule notifies nobody; ask for it in the rule's `when`, as the records have it (`raw(\"USER\")`), in place of `[filter]`",
            "✅ pengwatch: what the filters of the inbox main return passes them again, after 12 min",
        ),
        (
            Problem::InboxEmptied,
            "main",
            "5 of 6 customers are gone",
            "⚠️ pengwatch doubts what the inbox main says: 5 of 6 customers are gone. If they were really closed or removed, nothing needs to be done",
            "✅ pengwatch: the customers of the inbox main are back, or their absence has lasted and is believed, after 12 min",
        ),
        (
            Problem::StateLost,
            "pengwatch.db",
            "it is a copy that is 2 h older than the newest one here",
            "⚠️ pengwatch lost its state pengwatch.db: it is a copy that is 2 h older than the newest one here",
            "✅ pengwatch: the state pengwatch.db is in its place, after 12 min",
        ),
        (
            Problem::StateUnwritable,
            "state",
            "there is no room left for the state `pengwatch.db`",
            "⚠️ pengwatch cannot write its state and notifies nobody of waiting customers until it can: there is no room left for the state `pengwatch.db`",
            "✅ pengwatch: the state can be written again, and waiting customers are reported, after 12 min",
        ),
        (
            Problem::ConditionFailed,
            "vip",
            "`int(attributes[\"age\"])` failed for 3 contacts: this is not a whole number",
            "⚠️ pengwatch cannot judge the rule vip for everybody: `int(attributes[\"age\"])` failed for 3 contacts: this is not a whole number. For them the rule begins and ends no alert; write its `when` so that it can be judged for every customer",
            "✅ pengwatch: the rule vip can be judged for everybody again, after 12 min",
        ),
    ] {
        let firing = alert(problem, subject, detail);
        assert_eq!((said(&firing).as_str(), said(&over(firing)).as_str()), (words, end));
    }
}

#[test]
fn every_format_holds_what_is_hostile() {
    let hostile = alert(Problem::InboxUnreadable, "main", "<!channel> & \"quote\"\r\nBcc: x");
    for (kind, format) in FORMATS {
        let body = tell(format, &[&hostile]);
        match kind {
            "slack" => {
                let payload = slack(&body);
                let text = payload["text"].as_str().unwrap();
                assert!(text.contains("&lt;!channel&gt; &amp; \"quote\"") && !text.contains("<!"), "{text}");
            }
            "email" => {
                let [subject, text, html] = mail(&body);
                assert!(!subject.contains(['\r', '\n']) && text.contains("Bcc: x") && html.contains("&lt;!channel"));
            }
            "webhook" => {
                let payload: serde_json::Value = serde_json::from_str(&shown(&body)).unwrap();
                assert_eq!((&payload["event"], &payload["state"]), (&"watchdog".into(), &"started".into()));
                assert_eq!(
                    (&payload["problem"], &payload["since"]),
                    (&"inbox-unreadable".into(), &"2026-06-12T11:48:00.000Z".into())
                );
            }
            _ => assert_eq!(shown(&body).lines().count(), 1, "{}", shown(&body)),
        }
    }
}

#[test]
fn many_troubles_are_one_message() {
    let many: Vec<Alert> = (0..14).map(|rule| alert(Problem::RuleRejected, &format!("r{rule}"), "why")).collect();
    let text = shown(&tell(CONSOLE, &many.iter().collect::<Vec<_>>()));
    assert_eq!((text.lines().count(), text.lines().last()), (11, Some("and 4 more troubles")));
}
