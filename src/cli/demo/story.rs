//! The demo's lines, and its books: what customers did and what was told of it.

use jiff::Timestamp;

use crate::{
    model::{Event, Notification, text::one_line, time::human},
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
        let (who, what) = match happening {
            Happening::Wrote { name, platform, text, .. } => {
                self.wrote += 1;
                ("customer", format!("{} on {}: \"{}\"", short(name), pretty(platform), one_line(text, 60)))
            }
            Happening::AskedForPerson { name, platform, .. } => {
                ("customer", format!("{} on {} asks for a person (live chat)", short(name), pretty(platform)))
            }
            Happening::BotAnswered { name, text, .. } => {
                ("bot", format!("to {}: \"{}\"", short(name), one_line(text, 60)))
            }
            Happening::Answered { name, by_name, after, .. } => {
                self.answered += 1;
                ("agent", format!("{by_name} answers {} after {}", short(name), human(*after)))
            }
            Happening::LiveChatExpired { name, after, .. } => {
                ("inbox", format!("the live chat of {} expires unanswered after {}", short(name), human(*after)))
            }
            Happening::Closed { name, .. } => ("agent", format!("closes the conversation with {}", short(name))),
        };
        line(now, who, &what)
    }

    /// Lines for what Slack and the mail server got since the last call.
    pub fn received(&mut self, now: Timestamp, slack: &[Received], mails: &[Mail]) -> Vec<String> {
        let mut lines = Vec::new();
        for request in slack.iter().skip(self.slack) {
            let payload = request.json();
            let text = payload.as_ref().and_then(|payload| payload.get("text")?.as_str()).unwrap_or("(no text)");
            let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
            lines.push(line(now, "  -> Slack", &one_line(&text, 140)));
        }
        for mail in mails.iter().skip(self.mails) {
            lines.push(line(now, "  -> mail", &format!("to {}: {}", mail.to.join(", "), mail.subject())));
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

fn line(now: Timestamp, who: &str, what: &str) -> String {
    let time = now.to_zoned(jiff::tz::TimeZone::system());
    format!("{}  {who:<10}  {what}", time.strftime("%H:%M:%S"))
}

fn short(name: &str) -> String {
    if name.is_empty() { "a customer without a name".to_owned() } else { one_line(name, 30) }
}

fn pretty(platform: &str) -> String {
    let lower = platform.to_lowercase();
    if lower == "whatsapp" {
        return "WhatsApp".to_owned();
    }
    let mut letters = lower.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
