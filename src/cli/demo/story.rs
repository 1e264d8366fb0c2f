//! The demo's lines, and its books: what customers did and what was told of it.

use jiff::Timestamp;

use crate::{
    cli::scene,
    model::{Event, Notification, text::one_line},
    sandbox::{Received, smtp::Mail, story::Happening},
};

/// What was told so far.
#[derive(Default)]
pub struct Books {
    wrote: usize,
    answered: usize,
    slack: usize,
    mails: usize,
}

impl Books {
    /// A line for something that happened in the inbox.
    pub fn happened(&mut self, now: Timestamp, happening: &Happening) -> String {
        match happening {
            Happening::Wrote { .. } => self.wrote += 1,
            Happening::Answered { .. } => self.answered += 1,
            _ => {}
        }
        scene::line(now, happening)
    }

    /// Lines for what Slack and the mail server got since the last call.
    pub fn received(&mut self, now: Timestamp, slack: &[Received], mails: &[Mail]) -> Vec<String> {
        let mut lines = Vec::new();
        for request in slack.iter().skip(self.slack) {
            let payload = request.json();
            let text = payload.as_ref().and_then(|payload| payload.get("text")?.as_str()).unwrap_or("(no text)");
            let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
            lines.push(scene::stamped(now, "  -> Slack", &one_line(&text, 140)));
        }
        for mail in mails.iter().skip(self.mails) {
            lines.push(scene::stamped(now, "  -> mail", &format!("to {}: {}", mail.to.join(", "), mail.subject())));
        }
        self.slack = slack.len();
        self.mails = mails.len();
        lines
    }

    /// What it came to, from the watcher's own records.
    pub fn summary(&self, owed: &[(Notification, String)]) -> Vec<String> {
        let count = |event: Event, state: &str| {
            owed.iter().filter(|(notification, own)| notification.event == event && own == state).count()
        };
        vec![
            String::new(),
            format!("customers wrote {} times, agents answered {} times", self.wrote, self.answered),
            format!(
                "told: {} times that somebody waits, {} times that it is over; {} withdrawn before they were sent, {} still owed",
                count(Event::Fired, "delivered"),
                count(Event::Resolved, "delivered"),
                count(Event::Fired, "superseded"),
                owed.iter().filter(|(_, state)| state == "owed").count(),
            ),
            format!("Slack got {} messages, the mail server {}", self.slack, self.mails),
            "next: README.md, \"The first own alert\"".to_owned(),
        ]
    }
}
