//! The demo's lines for what the watcher does, and the summary at the end.

use jiff::{SignedDuration, Timestamp};

use crate::{
    cli::demo_lines::{line, stamped},
    model::{
        Entry, Event, Happened,
        history::detail::of_step,
        text::one_line,
        time::{elapsed, human},
    },
    sandbox::{Happening, Received, Request, Sandbox, smtp::Mail},
};

use super::ledger::{Balance, DemoLedger, RULE};

/// How many lines of the first mail are shown; of later ones only the first line.
const WHOLE_MAIL: usize = 8;
/// Maximum width of a message's text, in characters.
const WIDTH: usize = 140;

/// What was printed so far, and the counts for the summary.
pub(super) struct Books {
    /// The real waits of the customers.
    pub ledger: DemoLedger,
    began: Timestamp,
    wrote: usize,
    answered: usize,
    requests: usize,
    decisions: usize,
    /// The first failed request since the last successful one.
    failed: Option<Request>,
    slack: Vec<Received>,
    mails: usize,
    refused_mails: usize,
    inbox_faults: usize,
}

impl Books {
    pub(super) fn new(began: Timestamp, patience: SignedDuration) -> Self {
        Self {
            ledger: DemoLedger::new(patience),
            began,
            wrote: 0,
            answered: 0,
            requests: 0,
            decisions: 0,
            failed: None,
            slack: Vec::new(),
            mails: 0,
            refused_mails: 0,
            inbox_faults: 0,
        }
    }

    /// Records an event of the inbox and returns its line.
    pub(super) fn happened(&mut self, now: Timestamp, happening: &Happening) -> String {
        match happening {
            Happening::Wrote { .. } => self.wrote += 1,
            Happening::Answered { .. } => self.answered += 1,
            _ => {}
        }
        self.ledger.enter(now, happening);
        line(now, happening)
    }

    /// Lines for what the watcher decided since the last call; `history` is all of its history.
    pub(super) fn decided(&mut self, history: &[Entry]) -> Vec<String> {
        let new = history.get(self.decisions..).unwrap_or_default();
        self.decisions = history.len();
        new.iter()
            .filter_map(|entry| {
                let name = one_line(&entry.name, 30);
                let what = match entry.happened {
                    Happened::Pending if entry.rule == RULE => {
                        format!("pending: {name}; told of in a moment, unless somebody answers")
                    }
                    Happened::Vanished if entry.rule == RULE => {
                        format!("gone: {name} had an answer before anybody was told")
                    }
                    Happened::Acknowledged => {
                        format!("acknowledged: {} has {name}; nobody is reminded any more", entry.who)
                    }
                    Happened::Owed if entry.rule == RULE && entry.detail == of_step(1, Event::Fired, "") => {
                        format!("escalation: {name} still waits; the leads are told, too")
                    }
                    _ => return None,
                };
                Some(stamped(entry.at, "pengwatch", &what))
            })
            .collect()
    }

    /// Lines for what the inbox, Slack and the mail server received since the last call.
    pub(super) fn met(&mut self, now: Timestamp, sandbox: &Sandbox, refused_mails: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for request in sandbox.log().into_iter().skip(self.requests) {
            self.requests += 1;
            lines.extend(self.asked(now, request));
        }
        for received in sandbox.slack().into_iter().skip(self.slack.len()) {
            lines.extend(self.slack_got(now, received));
        }
        if refused_mails > self.refused_mails {
            self.refused_mails = refused_mails;
            let what = "the mail server refuses a mail for now (451): it stays in the outbox and is tried again";
            lines.push(stamped(now, "trouble", what));
        }
        for mail in sandbox.mails().iter().skip(self.mails) {
            self.mails += 1;
            lines.extend(mail_got(now, mail, if self.mails == 1 { WHOLE_MAIL } else { 1 }));
        }
        lines
    }

    fn asked(&mut self, now: Timestamp, request: Request) -> Option<String> {
        if request.status != 200 {
            self.inbox_faults += 1;
            self.failed.get_or_insert(request);
            return None;
        }
        let failed = self.failed.take()?;
        let how = match failed.status {
            0 => "hangs up without an answer".to_owned(),
            status => format!("answers with the error {status}"),
        };
        let after = elapsed(failed.at, request.at).as_millis();
        let what = format!("the inbox {how}: nothing is concluded from it, asked again after {after} ms");
        Some(stamped(now, "trouble", &what))
    }

    fn slack_got(&mut self, now: Timestamp, received: Received) -> Vec<String> {
        if received.status != 200 {
            let what = format!(
                "Slack refuses a message for now ({}): it stays in the outbox and is tried again",
                received.status
            );
            self.slack.push(received);
            return vec![stamped(now, "trouble", &what)];
        }
        let payload = received.json();
        let text = payload.as_ref().and_then(|payload| payload.get("text")?.as_str()).unwrap_or("(no text)");
        let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        let again = self.slack.iter().any(|before| before.status != 200 && before.body == received.body);
        self.slack.push(received);
        let mut lines = text.lines();
        let first = one_line(lines.next().unwrap_or_default(), WIDTH);
        let first = if again { format!("{first}   (second attempt)") } else { first };
        let mut told = vec![stamped(now, "  -> Slack", &first)];
        let rest = one_line(&lines.collect::<Vec<_>>().join(" "), WIDTH);
        if !rest.is_empty() {
            told.push(below(&rest));
        }
        told
    }

    /// The lines at the end of the demo.
    pub(super) fn summary(&self, now: Timestamp, balance: &Balance, still_owed: usize) -> Vec<String> {
        let accepted = self.slack.iter().filter(|received| received.status == 200).count();
        let refused = self.slack.len() - accepted;
        let patience = human(self.ledger.patience());
        let mut lines = vec![
            String::new(),
            format!(
                "in {}: customers wrote {} times, agents answered {} times; Slack got {accepted} messages, the mail server {}",
                human(elapsed(self.began, now)),
                self.wrote,
                self.answered,
                self.mails,
            ),
            format!(
                "trouble: {} failed requests to the inbox, {refused} messages that Slack refused, {} that the mail server did; {still_owed} still owed at the end",
                self.inbox_faults, self.refused_mails,
            ),
        ];
        if !balance.wrong.is_empty() {
            lines.push("books: they do not balance".to_owned());
            lines.extend(balance.wrong.iter().map(|wrong| below(wrong)));
        } else if balance.due == 0 {
            lines.push(format!("books: nobody has waited for {patience} or more without a word so far"));
        } else {
            lines.push(format!(
                "books: {} waited for {patience} or more without a word: each was told of once; of the {} who got their answer, each end was told",
                customers(balance.due),
                balance.over,
            ));
        }
        lines.push("next: `pengwatch init` writes what a watcher of your own starts from".to_owned());
        lines
    }
}

/// A mail's subject and at most `most` lines of its text.
fn mail_got(now: Timestamp, mail: &Mail, most: usize) -> Vec<String> {
    let to = mail.to.join(", ");
    let mut lines = vec![stamped(now, "  -> mail", &format!("{} (to {to})", one_line(&mail.subject(), WIDTH)))];
    let text = mail.text();
    // The first line repeats the subject.
    let said = text.lines().skip(1).take_while(|line| *line != "-- ").filter(|line| !line.trim().is_empty());
    lines.extend(said.take(most).map(|line| below(&one_line(line, WIDTH))));
    lines
}

/// An indented line that continues the one above.
fn below(text: &str) -> String {
    format!("{:>22}{text}", "")
}

fn customers(count: usize) -> String {
    if count == 1 { "1 customer".to_owned() } else { format!("{count} customers") }
}
