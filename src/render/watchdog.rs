//! Messages about pengwatch itself. They are built in, so that a template cannot prevent them.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::plain::Plain;
use crate::model::{
    Alert, Problem, Trouble, text,
    time::{elapsed, human, iso},
};

/// The shortest time that is mentioned.
const WORTH_SAYING: SignedDuration = SignedDuration::from_mins(1);

/// The most troubles that one message lists.
const LISTED: usize = 10;

/// The message about these troubles; either all of them have begun, or all are over.
pub(crate) fn tell(alerts: &[&Alert], receiver: &str, now: Timestamp) -> Plain {
    let lines: Vec<String> = alerts.iter().take(LISTED).map(|alert| line(alert, now)).collect();
    let more = alerts.len().saturating_sub(lines.len());
    let lines: Vec<String> = lines.into_iter().chain((more > 0).then(|| format!("and {more} more troubles"))).collect();
    Plain {
        subject: lines.first().cloned().unwrap_or_default(),
        json: webhook(alerts, receiver),
        lines,
        of_customers: false,
    }
}

/// One trouble: what failed, what happens now, what to do; or that it is over.
fn line(alert: &Alert, now: Timestamp) -> String {
    let Some(trouble) = Trouble::of(alert) else { return "⚠️ pengwatch has trouble".to_owned() };
    let subject = text::one_line(&trouble.subject, 80);
    let detail = text::one_line(&trouble.detail, 300);
    if let Some(end) = &alert.resolution {
        let after = human(elapsed(alert.since, end.ended_at));
        return format!("✅ pengwatch: {}, after {after}", mended(trouble.problem, &subject));
    }
    let since = human(elapsed(trouble.since, now));
    match trouble.problem {
        Problem::InboxUnreadable => format!(
            "⚠️ pengwatch cannot read the inbox {subject} for {since}: {detail}. No alert is ended by this; it is tried \
             again at least once a minute"
        ),
        Problem::TokenRefused => format!(
            "⚠️ pengwatch sees nothing of the inbox {subject}: {detail}. It is tried once a minute; no alert is ended by \
             this"
        ),
        Problem::RuleRejected => format!(
            "⚠️ pengwatch: the rule {subject} has a mistake: {detail}. Its last good version goes on, if there was one; \
             `pengwatch check` says more"
        ),
        Problem::ReceiverBroken => {
            // A receiver that refuses for good counts as broken at once, so no time is mentioned yet.
            let lasts = elapsed(trouble.since, now) >= WORTH_SAYING;
            let since = if lasts { format!(" for {since}") } else { String::new() };
            format!(
                "⚠️ pengwatch: the receiver {subject} accepts no messages{since}: {detail}. `pengwatch outbox \
                 list` shows what waits or was given up"
            )
        }
        Problem::OutboxStuck => {
            format!("⚠️ pengwatch: messages to {subject} wait for {since}, and none was tried")
        }
        Problem::RecordsNotUnderstood => format!(
            "⚠️ pengwatch does not understand records of the inbox {subject} for {since}: {detail}. They end no \
             alert"
        ),
        Problem::BudgetShort => format!(
            "⚠️ pengwatch may make too few requests for the rules of the inbox {subject}: {detail}. New customers are \
             looked for first, but ends come late; fewer different filters, or a higher `requests_per_minute`, help"
        ),
        Problem::RunsMissed => format!(
            "⚠️ pengwatch did not run for a while: {detail}. Customers who waited and were answered meanwhile were not \
             seen; look at what starts `pengwatch run --once`"
        ),
        Problem::RulesMissing => format!(
            "⚠️ pengwatch: {detail}. A daemon goes on with their last good versions, a run on a schedule leaves their \
             alerts alone. Put the files back, or say with `pengwatch rules --accept` that it is meant"
        ),
        Problem::TemplateFailed => format!(
            "⚠️ pengwatch: the template {subject} fails: {detail}. The built-in text goes out in its place; \
             `pengwatch check` may say more"
        ),
        Problem::InboxEmptied => format!(
            "⚠️ pengwatch doubts what the inbox {subject} says: {detail}. If they were really closed or removed, nothing \
             needs to be done"
        ),
        Problem::FilterDiffers => format!(
            "⚠️ pengwatch may be blind in the inbox {subject}: {detail}. Such a rule notifies nobody; ask \
             for it in the rule's `when`, as the records have it (`raw(\"USER\")`), in place of `[filter]`"
        ),
        Problem::StateLost => format!("⚠️ pengwatch lost its state {subject}: {detail}"),
        Problem::StateUnwritable => {
            format!(
                "⚠️ pengwatch cannot write its state and notifies nobody of waiting customers until it can: {detail}"
            )
        }
        Problem::ConditionFailed => format!(
            "⚠️ pengwatch cannot judge the rule {subject} for everybody: {detail}. For them the rule begins and ends \
             no alert; write its `when` so that it can be judged for every customer"
        ),
        Problem::ClockDiffers => format!(
            "⚠️ pengwatch: the clock of this machine is {detail}, by the answers of the inbox {subject}. Waits are \
              counted by the API's clock, so that nobody is notified too early or too late; pauses, silences and sending \
              go by this machine's: set it right"
        ),
    }
}

fn mended(problem: Problem, subject: &str) -> String {
    match problem {
        Problem::InboxUnreadable => format!("the inbox {subject} is read again"),
        Problem::TokenRefused => format!("the token of the inbox {subject} is accepted again"),
        Problem::RuleRejected => format!("the rule {subject} has no mistake any more"),
        Problem::ReceiverBroken => format!("the receiver {subject} accepts messages again"),
        Problem::OutboxStuck => format!("messages to {subject} are sent again"),
        Problem::RecordsNotUnderstood => format!("all records of the inbox {subject} are understood again"),
        Problem::BudgetShort => format!("the requests are enough for the rules of the inbox {subject} again"),
        Problem::TemplateFailed => format!("the template {subject} works again"),
        Problem::InboxEmptied => {
            format!("the customers of the inbox {subject} are back, or their absence has lasted and is believed")
        }
        Problem::FilterDiffers => format!("what the filters of the inbox {subject} return passes them again"),
        Problem::ConditionFailed => format!("the rule {subject} can be judged for everybody again"),
        Problem::ClockDiffers => format!("the clock of this machine and the API's of the inbox {subject} agree again"),
        Problem::RulesMissing => "the rules that were missing are back, or are taken as removed".to_owned(),
        Problem::RunsMissed => "it runs regularly again".to_owned(),
        Problem::StateLost => format!("the state {subject} is in its place"),
        Problem::StateUnwritable => "the state can be written again, and waiting customers are reported".to_owned(),
    }
}

/// The first trouble's keys are repeated at the top, since there is usually only one.
fn webhook(alerts: &[&Alert], receiver: &str) -> Value {
    let problems: Vec<Value> = alerts
        .iter()
        .filter_map(|alert| Trouble::of(alert).map(|trouble| (alert, trouble)))
        .map(|(alert, trouble)| {
            json!({
                "id": alert.id.0,
                "problem": trouble.problem.name(),
                "state": if alert.is_open() { "started" } else { "ended" },
                "subject": trouble.subject,
                "detail": trouble.detail,
                "since": iso(trouble.since),
                "ended_at": alert.resolution.as_ref().map(|end| iso(end.ended_at)).unwrap_or_default(),
            })
        })
        .collect();
    let first = problems.first().cloned().unwrap_or_default();
    json!({
        "event": "watchdog",
        "receiver": receiver,
        "problem": first["problem"],
        "state": first["state"],
        "detail": first["detail"],
        "since": first["since"],
        "problems": problems,
    })
}
