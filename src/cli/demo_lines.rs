//! The terminal's line for each event in the made-up inbox.

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    model::{text::one_line, time::human},
    sandbox::Happening,
};

/// The line for one event.
pub(super) fn line(now: Timestamp, happening: &Happening) -> String {
    let (who, what) = match happening {
        Happening::Wrote { name, platform, text, .. } => {
            ("customer", format!("{} on {}: \"{}\"", short(name), pretty(platform), one_line(text, 60)))
        }
        Happening::AskedForPerson { name, platform, .. } => {
            ("customer", format!("{} on {} asks for a person (live chat)", short(name), pretty(platform)))
        }
        Happening::BotAnswered { name, text, .. } => ("bot", format!("to {}: \"{}\"", short(name), one_line(text, 60))),
        Happening::HandedOver { name, to_name, text, .. } => {
            ("bot", format!("gives {} to {to_name}: \"{}\"", short(name), one_line(text, 60)))
        }
        Happening::Taken { name, by_name, .. } => {
            ("agent", format!("{by_name} takes the conversation with {}", short(name)))
        }
        Happening::Answered { name, by_name, after, .. } => {
            ("agent", format!("{by_name} answers {} after {}", short(name), human(*after)))
        }
        Happening::LiveChatExpired { name, after, .. } => {
            ("inbox", format!("the live chat of {} expires unanswered after {}", short(name), human(*after)))
        }
        Happening::Closed { name, .. } => ("agent", format!("closes the conversation with {}", short(name))),
    };
    stamped(now, who, &what)
}

/// A line that begins with the time and with who acted.
pub(super) fn stamped(now: Timestamp, who: &str, what: &str) -> String {
    format!("{}  {who:<10}  {what}", now.to_zoned(TimeZone::system()).strftime("%H:%M:%S"))
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
