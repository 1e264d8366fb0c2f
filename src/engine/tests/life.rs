//! The contract, line by line: what state an alert is in, and who is owed what, when. It is long because the
//! contract is.

use super::play::{Deed::*, Line, Play};

/// A rule for customers who wrote and have not been answered for two minutes.
const TWO_MINUTES: &str = "for = '2m'\n[filter]\nlastMessageBy = ['user']\nstatus = ['OPEN', 'INPROGRESS']";
const NARROWER: &str = "for = '2m'\nwhen = 'unreadMessages > 0'\n[filter]\nlastMessageBy = ['user']\n\
    [[notify]]\nto = ['support']\n[[notify]]\nafter = '15m'\nto = ['leads']";
const AT_ONCE: &str = "[filter]\nlastMessageBy = ['user']\nstatus = ['OPEN', 'INPROGRESS']";
const ESCALATES: &str = "for = '2m'\nack_on = ['assigned', 'INPROGRESS']\n[filter]\nlastMessageBy = ['user']\n\
    [[notify]]\nto = ['support']\n[[notify]]\nafter = '15m'\nto = ['leads']\nrepeat = '30m'";

#[track_caller]
fn play(what: &str, text: &str, lines: &[Line]) {
    Play::new(text).performs(what, lines);
}

#[test]
fn pending_firing_resolved() {
    play(
        "two minutes, then the answer",
        TWO_MINUTES,
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:01:59", Tick, "pending", ""),
            ("10:02:00", Tick, "firing", "support"),
            ("10:09:00", Poll, "firing", ""),
            ("10:09:15", Agent, "answered by an agent", "support:resolved"),
            ("10:09:30", Poll, "", ""),
        ],
    );
    play(
        "answered in time: nobody hears of it",
        TWO_MINUTES,
        &[("10:00:00", Writes, "pending", ""), ("10:01:30", Agent, "", ""), ("10:09:30", Tick, "", "")],
    );
    play(
        "a further message does not begin the two minutes anew",
        TWO_MINUTES,
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:01:30", Writes, "pending", ""),
            ("10:02:00", Tick, "firing", "support"),
        ],
    );
    play(
        "one who has waited that long fires at first sight",
        TWO_MINUTES,
        &[("10:00:00", Fails, "", ""), ("10:05:00", Writes, "pending", ""), ("10:09:00", Poll, "firing", "support")],
    );
    play(
        "a second episode is told of again",
        AT_ONCE,
        &[
            ("10:00:00", Writes, "firing", "support"),
            ("10:01:00", Agent, "answered by an agent", "support:resolved"),
            ("10:02:00", Writes, "firing", "support"),
            ("10:03:00", Bot, "answered by the bot", "support:resolved"),
        ],
    );
    play(
        "a failed poll ends and begins nothing",
        TWO_MINUTES,
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:02:30", Fails, "pending", ""),
            ("10:03:00", Poll, "firing", "support"),
            ("10:03:30", Fails, "firing", ""),
        ],
    );
    play(
        "missing once is no evidence, and nobody is told of one who is missing",
        TWO_MINUTES,
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:02:30", Missing, "pending", ""),
            ("10:02:45", Poll, "firing", "support"),
            ("10:03:00", Missing, "firing", ""),
            ("10:03:15", Missing, "gone from the results", "support:resolved"),
        ],
    );
    play(
        "a pending one that is missing twice disappears",
        TWO_MINUTES,
        &[("10:00:00", Writes, "pending", ""), ("10:00:15", Missing, "pending", ""), ("10:00:30", Missing, "", "")],
    );
    play(
        "since = match: the first sight counts",
        "since = 'match'\nfor = '2m'\n[filter]\nlastMessageBy = ['user']",
        &[("10:00:00", Writes, "pending", ""), ("10:02:00", Tick, "firing", "support")],
    );
    play(
        "nobody is told of the end where the rule says so",
        "resolved = false\n[filter]\nlastMessageBy = ['user']",
        &[("10:00:00", Writes, "firing", "support"), ("10:01:00", Agent, "answered by an agent", "")],
    );
}

#[test]
fn keep_firing_for() {
    let text =
        "keep_firing_for = '5m'\n[filter]\nlastMessageBy = ['user']\n[[notify]]\nto = ['support']\nrepeat = '2m'";
    play(
        "the end waits, and nobody is reminded meanwhile",
        text,
        &[
            ("10:00:00", Writes, "firing", "support"),
            ("10:01:00", Agent, "lapsed", ""),
            ("10:03:00", Tick, "lapsed", ""),
            ("10:05:59", Tick, "lapsed", ""),
            ("10:06:00", Tick, "answered by an agent", "support:resolved"),
        ],
    );
    play(
        "a match in between continues the episode",
        text,
        &[
            ("10:00:00", Writes, "firing", "support"),
            ("10:01:00", Bot, "lapsed", ""),
            ("10:02:30", Writes, "firing", "support:repeated"),
            ("10:06:00", Tick, "firing", "support:repeated"),
            ("10:07:00", Agent, "lapsed", ""),
            ("10:12:00", Fails, "answered by an agent", "support:resolved"),
        ],
    );
    play(
        "a rule that is removed does not wait",
        text,
        &[
            ("10:00:00", Writes, "firing", "support"),
            ("10:01:00", Agent, "lapsed", ""),
            ("10:01:30", Remove, "rule removed", ""),
        ],
    );
}

#[test]
fn steps() {
    play(
        "each at its time, then on its grid",
        ESCALATES,
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:02:00", Tick, "firing", "support"),
            ("10:14:59", Tick, "firing", ""),
            ("10:15:00", Tick, "firing", "leads"),
            ("10:44:59", Tick, "firing", ""),
            ("10:45:00", Tick, "firing", "leads:repeated"),
            ("11:15:00", Tick, "firing", "leads:repeated"),
            ("11:16:00", Agent, "answered by an agent", "leads:resolved support:resolved"),
        ],
    );
    play(
        "what fell due while nobody ran is due once, and the next on the old grid",
        ESCALATES,
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:02:00", Tick, "firing", "support"),
            ("10:20:00", Poll, "firing", "leads"),
            ("10:45:00", Tick, "firing", "leads:repeated"),
            ("12:31:00", Poll, "firing", "leads:repeated"),
            ("12:44:59", Tick, "firing", ""),
            ("12:45:00", Tick, "firing", "leads:repeated"),
        ],
    );
    play(
        "who is told of the end was told of the beginning",
        ESCALATES,
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:03:00", Poll, "firing", "support"),
            ("10:04:00", Agent, "answered by an agent", "support:resolved"),
        ],
    );
    let same = "[filter]\nlastMessageBy = ['user']\n[[notify]]\nto = ['support', 'leads']\n[[notify]]\nafter = '5m'\nto = ['support']";
    play(
        "several steps at once are one message of the latest",
        same,
        &[
            ("10:00:00", Fails, "", ""),
            ("10:00:00", Writes, "firing", "leads support"),
            ("10:05:00", Tick, "firing", "support"),
        ],
    );
    let mut late = Play::new(same);
    late.happens(super::play::when("10:00:00"), Edit("[filter]\nlastMessageBy = ['agent']"));
    late.happens(super::play::when("10:00:00"), Writes);
    let outcome = late.happens(super::play::when("10:06:00"), Edit(same));
    assert!(outcome.changes.owed.is_empty());
    let outcome = late.happens(super::play::when("10:06:00"), Poll);
    let owed: Vec<_> = outcome.changes.owed.iter().map(|owed| (owed.receiver.as_str(), owed.step)).collect();
    assert_eq!(owed, [("leads", 0), ("support", 1)]);
    let growing = "[filter]\nlastMessageBy = ['user']\n[[notify]]\nto = ['support']\nrepeat = '10m'\nrepeat_factor = 2.0\nrepeat_limit = 2";
    play(
        "pauses that grow, and an end of them",
        growing,
        &[
            ("10:00:00", Writes, "firing", "support"),
            ("10:10:00", Tick, "firing", "support:repeated"),
            ("10:29:59", Tick, "firing", ""),
            ("10:30:00", Tick, "firing", "support:repeated"),
            ("11:10:00", Tick, "firing", ""),
            ("+1 10:00:00", Poll, "firing", ""),
        ],
    );
}

#[test]
fn acknowledgement() {
    play(
        "an agent is assigned: no reminders, and the end is told",
        ESCALATES,
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:02:00", Tick, "firing", "support"),
            ("10:03:00", Taken, "firing", ""),
            ("10:15:00", Tick, "firing", ""),
            ("10:45:00", Poll, "firing", ""),
            ("10:46:00", Agent, "answered by an agent", "support:resolved"),
        ],
    );
    play(
        "a status that the rule names",
        ESCALATES,
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:02:00", Status("INPROGRESS"), "firing", ""),
            ("10:15:00", Tick, "firing", ""),
            ("10:16:00", Agent, "answered by an agent", ""),
        ],
    );
    play(
        "without ack_on it is none",
        AT_ONCE,
        &[("10:00:00", Writes, "firing", "support"), ("10:03:00", Taken, "firing", "")],
    );
    play(
        "by a person, and it ends with the episode",
        ESCALATES,
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:02:00", Tick, "firing", "support"),
            ("10:03:00", Ack, "firing", ""),
            ("10:15:00", Tick, "firing", ""),
            ("10:16:00", Agent, "answered by an agent", "support:resolved"),
            ("10:17:00", Writes, "pending", ""),
            ("10:19:00", Tick, "firing", "support"),
            ("10:32:00", Tick, "firing", "leads"),
        ],
    );
    play(
        "who was in charge before the customer wrote has not reacted",
        ESCALATES,
        &[
            ("10:00:00", Taken, "", ""),
            ("10:01:00", Writes, "pending", ""),
            ("10:03:00", Tick, "firing", "support"),
            ("10:16:00", Tick, "firing", "leads"),
        ],
    );
}

#[test]
fn a_silence_fits_in_whatever_unicode_form_it_is_written() {
    use crate::{
        engine::tests::fixtures::{customer, noon},
        model::{Alert, Matchers, Names},
    };
    use serde_json::json;
    let (one, two) = ("V\u{e9}lo".to_owned(), "Ve\u{301}lo".to_owned());
    for (written, stored) in [(&one, &two), (&two, &one)] {
        let contact = customer("c", &[("profile.userDetails.tags", json!([stored])), ("_botWebsite", json!("b"))]);
        let alert = Alert::begin(stored, stored, contact, noon(), noon());
        let mut names = Names::default();
        names.bots.insert("b".to_owned(), stored.clone());
        let some = || Some(written.clone());
        for matchers in [
            Matchers { tag: some(), ..Matchers::default() },
            Matchers { rule: some(), inbox: some(), bot: some(), ..Matchers::default() },
        ] {
            assert!(matchers.fit(&alert, "info", &names), "{matchers:?}");
        }
        assert!(!Matchers { tag: Some("Velo".to_owned()), ..Matchers::default() }.fit(&alert, "info", &names));
    }
}

#[test]
fn silences() {
    play(
        "what still fires when it ends is told then",
        ESCALATES,
        &[
            ("10:00:00", Silence(10), "", ""),
            ("10:00:30", Writes, "pending", ""),
            ("10:02:30", Tick, "firing", ""),
            ("10:09:59", Tick, "firing", ""),
            ("10:10:00", Tick, "firing", "support"),
            ("10:15:30", Tick, "firing", "leads"),
        ],
    );
    play(
        "what is over by then was never told, and its end is not",
        ESCALATES,
        &[
            ("10:00:00", Silence(10), "", ""),
            ("10:00:30", Writes, "pending", ""),
            ("10:05:00", Poll, "firing", ""),
            ("10:06:00", Agent, "answered by an agent", ""),
            ("10:11:00", Poll, "", ""),
        ],
    );
    play(
        "of missed steps each once",
        ESCALATES,
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:02:00", Tick, "firing", "support"),
            ("10:03:00", Silence(120), "firing", ""),
            ("11:00:00", Poll, "firing", ""),
            ("12:03:00", Tick, "firing", "leads"),
            ("12:15:00", Tick, "firing", "leads:repeated"),
        ],
    );
    play(
        "ended by hand",
        ESCALATES,
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:01:00", Silence(600), "pending", ""),
            ("10:05:00", Poll, "firing", ""),
            ("10:06:00", Expire, "firing", "support"),
        ],
    );
}

const SHOP: &str = "[filter]\nlastMessageBy = ['user']\n[hours]\nopen = ['mon-fri 09:00-18:00']";

#[test]
fn hours() {
    let hold = format!("{SHOP}\n[[notify]]\nto = ['support']\nrepeat = '4h'").leak();
    play(
        "held, and told at opening if it still fires",
        hold,
        &[
            ("17:59:59", Poll, "", ""),
            ("18:00:00", Writes, "firing", ""),
            ("+2 12:00:00", Poll, "firing", ""),
            ("+3 08:59:59", Tick, "firing", ""),
            ("+3 09:00:00", Tick, "firing", "support"),
        ],
    );
    play(
        "held, and over by then",
        hold,
        &[
            ("18:00:00", Writes, "firing", ""),
            ("20:00:00", Agent, "answered by an agent", ""),
            ("+3 09:00:00", Tick, "", ""),
        ],
    );
    play(
        "reminders, too: nobody is woken",
        hold,
        &[
            ("13:00:00", Writes, "firing", "support"),
            ("17:00:00", Tick, "firing", "support:repeated"),
            ("21:00:00", Tick, "firing", ""),
            ("+3 09:00:00", Tick, "firing", "support:repeated"),
        ],
    );
    let drop = format!("{SHOP}\noutside = 'drop'\n[[notify]]\nto = ['support']\nrepeat = '16h'").leak();
    play(
        "dropped, until a reminder falls into open hours, which is the first message",
        drop,
        &[
            ("18:00:00", Writes, "firing", ""),
            ("+3 09:59:59", Tick, "firing", ""),
            ("+3 10:00:00", Tick, "firing", "support"),
            ("+4 02:00:00", Tick, "firing", ""),
            ("+4 18:00:00", Tick, "firing", ""),
            ("+5 10:00:00", Tick, "firing", "support:repeated"),
        ],
    );
    play(
        "dropped only what fell due outside",
        drop,
        &[("17:59:00", Writes, "firing", "support"), ("+3 09:59:00", Tick, "firing", "support:repeated")],
    );
    let night =
        format!("{SHOP}\noutside = 'night'\n[[notify]]\nto = ['support']\n[[notify]]\nafter = '2h'\nto = ['leads']")
            .leak();
    play(
        "another receiver outside",
        night,
        &[
            ("17:00:00", Writes, "firing", "support"),
            ("19:00:00", Tick, "firing", "night"),
            ("19:30:00", Agent, "answered by an agent", "night:resolved support:resolved"),
        ],
    );
}

#[test]
fn open_hours_as_the_clock() {
    let business = "for = '10m'\n[filter]\nlastMessageBy = ['user']\n[hours]\nopen = ['mon-fri 09:00-18:00']\nclock = 'business'\n\
        [[notify]]\nto = ['support']\n[[notify]]\nafter = '1h'\nto = ['leads']\nrepeat = '2h'";
    play(
        "for, after and repeat count open hours only",
        business,
        &[
            ("17:55:00", Writes, "pending", ""),
            ("18:30:00", Poll, "pending", ""),
            ("+1 12:00:00", Poll, "pending", ""),
            ("+3 09:04:59", Tick, "pending", ""),
            ("+3 09:05:00", Tick, "firing", "support"),
            ("+3 09:54:59", Tick, "firing", ""),
            ("+3 09:55:00", Tick, "firing", "leads"),
            ("+3 11:55:00", Tick, "firing", "leads:repeated"),
            ("+3 17:55:00", Poll, "firing", "leads:repeated"),
            ("+4 10:54:59", Tick, "firing", ""),
            ("+4 10:55:00", Tick, "firing", "leads:repeated"),
        ],
    );
}

#[test]
#[allow(clippy::too_many_lines)] // a table
fn edits() {
    let reworded = "description = 'new'\nseverity = 'critical'\nfor = '2m'\nack_on = ['assigned', 'INPROGRESS']\n[filter]\nlastMessageBy = ['user']\n\
        [[notify]]\nto = ['support', 'night']\ntemplate = 'short'\n[[notify]]\nafter = '15m'\nto = ['leads']\nrepeat = '30m'";
    play(
        "text, template and receivers: nothing is told again",
        ESCALATES,
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:02:00", Tick, "firing", "support"),
            ("10:03:00", Edit(reworded), "firing", ""),
            ("10:04:00", Poll, "firing", ""),
            ("10:15:00", Tick, "firing", "leads"),
            ("10:16:00", Agent, "answered by an agent", "leads:resolved support:resolved"),
        ],
    );
    let sooner = "for = '2m'\n[filter]\nlastMessageBy = ['user']\n[[notify]]\nto = ['support']\n[[notify]]\nafter = '5m'\nto = ['leads']\nrepeat = '10m'";
    play(
        "a shorter `after` and `repeat` hold from now on",
        ESCALATES,
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:02:00", Tick, "firing", "support"),
            ("10:07:00", Edit(sooner), "firing", "leads"),
            ("10:15:00", Tick, "firing", "leads:repeated"),
        ],
    );
    play(
        "an old `repeat` is forgotten, and nobody is reminded by the edit itself",
        ESCALATES,
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:15:00", Poll, "firing", "leads support"),
            ("10:30:00", Edit(sooner), "firing", ""),
            ("10:35:00", Tick, "firing", "leads:repeated"),
            ("10:40:00", Edit(ESCALATES), "firing", ""),
            ("10:44:59", Tick, "firing", ""),
            ("10:45:00", Tick, "firing", "leads:repeated"),
        ],
    );
    let longer = "for = '30m'\n[filter]\nlastMessageBy = ['user']";
    play(
        "a longer `for` takes no alert back, and holds for the next one",
        ESCALATES,
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:02:00", Tick, "firing", "support"),
            ("10:03:00", Edit(longer), "firing", ""),
            ("10:04:00", Agent, "answered by an agent", "support:resolved"),
            ("10:05:00", Writes, "pending", ""),
            ("10:34:59", Tick, "pending", ""),
            ("10:35:00", Tick, "firing", "support"),
        ],
    );
    let step_before = "for = '2m'\n[filter]\nlastMessageBy = ['user']\n[[notify]]\nto = ['night']\n[[notify]]\nto = ['support']\n\
        [[notify]]\nafter = '15m'\nto = ['leads']\nrepeat = '30m'";
    play(
        "a step that is put before others tells whom it names, and nobody else",
        ESCALATES,
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:15:00", Poll, "firing", "leads support"),
            ("10:16:00", Edit(step_before), "firing", "night"),
            ("10:45:00", Tick, "firing", "leads:repeated"),
        ],
    );
    let split = "for = '2m'\n[filter]\nlastMessageBy = ['user']\n[[notify]]\nto = ['support']\n[[notify]]\nafter = '15m'\nto = ['leads']\nrepeat = '30m'\n\
        [[notify]]\nafter = '1m'\nto = ['support']\n[[notify]]\nafter = '1h'\nto = ['support']";
    play(
        "a new step does not tell those again who know, but in its time",
        ESCALATES,
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:02:00", Tick, "firing", "support"),
            ("10:03:00", Edit(split), "firing", ""),
            ("11:00:00", Tick, "firing", "leads support"),
        ],
    );
    play(
        "another filter: who does not match ends without a message",
        TWO_MINUTES,
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:02:00", Tick, "firing", "support"),
            ("10:03:00", Edit("for = '2m'\n[filter]\nlastMessageBy = ['user']\nstatus = ['CLOSED']"), "firing", ""),
            ("10:03:15", Poll, "rule changed", ""),
        ],
    );
    play(
        "another condition: nobody is told until it is known to hold",
        ESCALATES,
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:02:00", Tick, "firing", "support"),
            ("10:14:00", Edit(NARROWER), "firing", ""),
            ("10:15:00", Tick, "firing", ""),
            ("10:15:10", Poll, "firing", "leads"),
        ],
    );
    play(
        "removed",
        TWO_MINUTES,
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:02:00", Tick, "firing", "support"),
            ("10:03:00", Remove, "rule removed", ""),
        ],
    );
    play("removed while pending", TWO_MINUTES, &[("10:00:00", Writes, "pending", ""), ("10:01:00", Remove, "", "")]);
    play(
        "a file with mistakes ends nothing",
        ESCALATES,
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:02:00", Tick, "firing", "support"),
            ("10:03:00", Break, "firing", ""),
            ("10:20:00", Agent, "firing", ""),
            ("10:21:00", Edit(ESCALATES), "firing", "leads"),
            ("10:22:00", Poll, "answered by an agent", "leads:resolved support:resolved"),
        ],
    );
    play(
        "renamed with the same text: the alert lives on",
        ESCALATES,
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:02:00", Tick, "firing", "support"),
            ("10:03:00", Rename("other"), "firing", ""),
            ("10:04:00", Poll, "firing", ""),
            ("10:15:00", Tick, "firing", "leads"),
            ("10:16:00", Agent, "answered by an agent", "leads:resolved support:resolved"),
        ],
    );
    play(
        "renamed while pending: the wait goes on",
        TWO_MINUTES,
        &[
            ("10:00:00", Writes, "pending", ""),
            ("10:01:00", Rename("other"), "pending", ""),
            ("10:01:30", Poll, "pending", ""),
            ("10:02:00", Tick, "firing", "support"),
        ],
    );
}
