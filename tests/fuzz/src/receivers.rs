//! Answers of Slack and of webhooks. The first line has the status and `Retry-After`, the rest is the
//! body.

use jiff::SignedDuration;
use pengwatch::inside::{Answer, Blame, Decision, Message, MessageId, Outcome, decide, slack_outcome, webhook_outcome};

use super::{first_line, now, status_line};

pub fn read(data: &[u8]) {
    let (line, body) = first_line(data);
    let (status, retry_after) = status_line(line);
    let answer = Answer::new(status, retry_after, body, now());
    let said = String::from_utf8_lossy(body);
    for outcome in [slack_outcome(&answer), webhook_outcome(&answer)] {
        check(status, &said, &outcome);
    }
    // A yes in another spelling is a yes, too; a web page never is.
    let yes = slack_outcome(&answer) == Outcome::Delivered;
    let is_its_own = status == 200 && said.trim() == "ok";
    let can_be = (200..300).contains(&status) && !said.trim_start().starts_with('<');
    assert!(yes || !is_its_own, "Slack says {status} {said:?}");
    assert!(!yes || can_be, "Slack says {status} {said:?}");
}

fn check(status: u16, said: &str, outcome: &Outcome) {
    let (Outcome::Retry { reason, .. } | Outcome::Rejected { reason, .. }) = outcome else {
        assert!((200..300).contains(&status), "HTTP {status} counts as delivered");
        return;
    };
    let plain = reason.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    assert!(reason.starts_with(&format!("HTTP {status}")) && plain && reason.len() < 120, "{reason:?}");
    assert!(!said.contains("zq") || !reason.contains("zq"), "{reason:?} repeats the answer");
    for attempts in [1, 9] {
        let message = Message {
            id: MessageId("m1".to_owned()),
            receiver: "support".to_owned(),
            created_at: now(),
            attempts,
            next_at: now(),
            ambiguous: false,
            plain: false,
            last_error: String::new(),
        };
        let decision = decide(&message, outcome, now(), SignedDuration::from_hours(24), 0.0);
        if let Outcome::Retry { after, .. } = outcome {
            let Decision::Again { at } = decision else { panic!("{decision:?} after {outcome:?}") };
            let wait = at.duration_since(now());
            let asked = after.unwrap_or_default();
            assert!(wait >= asked && wait <= SignedDuration::from_hours(1) && asked >= SignedDuration::ZERO);
        } else if matches!(outcome, Outcome::Rejected { fault: Blame::Receiver, .. }) {
            // It is tried now and then, until it is mended.
            let Decision::Again { at } = decision else { panic!("{decision:?} after {outcome:?}") };
            assert!(at.duration_since(now()) <= SignedDuration::from_mins(3));
        } else {
            assert!(matches!(decision, Decision::AgainPlain { .. }), "{decision:?}");
        }
    }
}
