//! Hides secrets that the file holds as plain text, before a mistake is drawn with its line.
//!
//! The list names the keys that may be shown, not those that must be hidden. So the value is hidden even in a line
//! with a misspelt `webhok_url`, without its `=`, or with a quote that is never closed.

use super::{keys::Key, pasted::may_be_a_secret};

/// Keys whose value is not a secret, besides those of the kinds of receivers.
const SHOWN: [&str; 25] = [
    "after",
    "contact_link",
    "deadline",
    "env",
    "fallback",
    "file",
    "give_up_after",
    "group",
    "listen",
    "max_listed",
    "name",
    "notify",
    "poll_every",
    "privacy",
    "public_url",
    "requests_per_minute",
    "retention",
    "rules",
    "slack",
    "sweep_every",
    "template",
    "templates",
    "timeout",
    "timezone",
    "type",
];

/// The text with everything that may be a secret, and every comment, replaced by as many `*`, so
/// that places stay the same. It works on lines, since the file may not be valid TOML.
pub(super) fn mask(text: &str, keys: &[Key]) -> String {
    let mut reader = Reader { keys, ..Reader::default() };
    text.split_inclusive('\n').map(|line| reader.line(line)).collect()
}

/// The state of the reader between two lines.
#[derive(Default)]
struct Reader<'k> {
    /// The keys of the kinds of receivers.
    keys: &'k [Key],
    /// The last header.
    section: String,
    /// Whether the last key's value may be shown.
    shown: bool,
    /// The number of brackets of the last key that are still open.
    open: usize,
    /// The closing quotes, inside a text over several lines.
    ends_with: Option<&'static str>,
}

impl Reader<'_> {
    fn line(&mut self, line: &str) -> String {
        if let Some(end) = self.ends_with {
            if line.contains(end) {
                self.ends_with = None;
            }
            return stars(line);
        }
        let trimmed = line.trim();
        if trimmed.starts_with('#') {
            return stars(line);
        }
        if let Some((key, value)) = line.split_once('=') {
            return self.entry(key, value);
        }
        if self.open > 0 {
            self.count(line);
            return if self.shown { without_comment(line) } else { stars(line) };
        }
        if trimmed.starts_with('[') {
            let header = trimmed.split('#').next().unwrap_or_default();
            header.trim_matches(['[', ']', ' ']).clone_into(&mut self.section);
            return without_comment(line);
        }
        stars(line)
    }

    fn entry(&mut self, key: &str, value: &str) -> String {
        self.shown = self.may_show(key.trim(), value.trim());
        self.open = 0;
        self.count(value);
        self.ends_with = ["\"\"\"", "'''"].into_iter().find(|end| value.matches(end).count() % 2 == 1);
        // Several words are not a key: perhaps they hold a value whose `=` is missing.
        let key = if key.split_whitespace().count() > 1 { stars(key) } else { key.to_owned() };
        let value = if self.shown && self.ends_with.is_none() { without_comment(value) } else { stars(value) };
        format!("{key}={value}")
    }

    fn may_show(&self, key: &str, value: &str) -> bool {
        let path = if self.section.is_empty() { key.to_owned() } else { format!("{}.{key}", self.section) };
        let names = path.split('.').map(|name| name.trim().trim_matches(['"', '\'']));
        let first = names.clone().next().unwrap_or_default();
        let last = names.clone().next_back().unwrap_or_default();
        if is_reference(value) || first == "names" {
            return true;
        }
        // Nothing is shown below a key that is hidden.
        let of_kind = |name: &str, shown: bool| self.keys.iter().any(|key| key.name == name && key.shown == shown);
        let is_hidden = first == "receiver" && names.skip(2).any(|name| of_kind(name, false));
        if quoted(value).any(|(c, in_quotes)| c == '{' && !in_quotes) || is_hidden {
            return false;
        }
        match last {
            "state" => value.trim_start_matches(['"', '\'']).starts_with("sqlite:"),
            // A login or a query in the address of an inbox is a mistake, and may be a secret.
            "url" => first == "inbox" && !value.contains(['@', '?']),
            last => SHOWN.contains(&last) || of_kind(last, true),
        }
    }

    fn count(&mut self, text: &str) {
        for (c, in_quotes) in quoted(text) {
            match c {
                '[' | '{' if !in_quotes => self.open += 1,
                ']' | '}' if !in_quotes => self.open = self.open.saturating_sub(1),
                '#' if !in_quotes => return,
                _ => {}
            }
        }
    }
}

/// Whether a value is `{ env = "NAME" }` or `{ file = "path" }`, which refers to a secret and is not one itself.
fn is_reference(value: &str) -> bool {
    let inner = value.strip_prefix('{').and_then(|rest| rest.split_once('}')).map(|(inner, _)| inner.split_once('='));
    let Some(Some((key, name))) = inner else { return false };
    let name = name.trim();
    let quoted = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    matches!(key.trim(), "env" | "file")
        && quoted.is_some_and(|name| !name.contains(['"', ',']) && !may_be_a_secret(name))
}

/// The line with its comment replaced.
fn without_comment(text: &str) -> String {
    let comment = quoted(text).zip(text.char_indices()).find(|((c, in_quotes), _)| *c == '#' && !in_quotes);
    match comment {
        Some((_, (at, _))) => format!("{}{}", &text[..at], stars(&text[at..])),
        None => text.to_owned(),
    }
}

/// Every character, and whether it stands in quotes.
fn quoted(text: &str) -> impl Iterator<Item = (char, bool)> + '_ {
    let mut quote = None;
    let mut escaped = false;
    text.chars().map(move |c| {
        let inside = quote.is_some();
        match quote {
            _ if escaped => escaped = false,
            Some('"') if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            _ => {}
        }
        (c, inside)
    })
}

/// As many `*` as there are bytes; quotes, spaces and `#` stay, so that the line is still readable.
fn stars(value: &str) -> String {
    value
        .chars()
        .flat_map(|c| {
            let stays = c.is_ascii_whitespace() || matches!(c, '"' | '\'' | '#');
            let (shown, times) = if stays { (c, 1) } else { ('*', c.len_utf8()) };
            std::iter::repeat_n(shown, times)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::mask;
    use crate::config::keys::Key;

    const KEYS: [Key; 4] = [Key::shown("to"), Key::secret("url"), Key::secret("headers"), Key::secret("smtp_url")];

    #[test]
    fn nothing_that_may_be_a_secret_is_shown() {
        for line in [
            "token = \"hunter2\"",
            "token = hunter2",
            "token = \"hunter2",
            "token = \"a\\\"hunter2\"",
            "token \"hunter2\"",
            "token: hunter2",
            "token hunter2 = 1",
            "tokn = \"hunter2\"",
            "# token = \"hunter2\"",
            "timeout = \"5s\" # hunter2",
            "timeout = \"5s\n# hunter2\"",
            "token = \"\"\"\nhunter2\n\"\"\"",
            "token = { evn = \"hunter2\" }",
            "token = { env = \"xoxb-1-hunter2\" }",
            "webhook_url = { env = \"https://hooks.slack.com/services/hunter2\" }",
            "smtp_url = { file = \"smtps://me:hunter2@host\" }",
            "token = { env = \"A\", x = \"hunter2\" }",
            "token = [\n  \"hunter2\",\n]",
            "to = [\n  token = \"hunter2\"",
            "inbox.main.token = 'hunter2'",
            "inbox.main = { url = \"https://a\", token = \"hunter2\" }",
            "[inbox.main]\nurl = \"https://me:hunter2@host\"",
            "[receiver.ops]\nurl = \"https://host/hunter2\"",
            "[receiver.ops]\nheaders.X = \"hunter2\"",
            "[receiver.ops]\nheaders = { type = \"hunter2\" }",
            "[receiver.ops.headers]\nname = \"hunter2\"",
            "[receiver]\nops = { type = \"webhook\", url = \"https://host/hunter2\" }",
            "state = \"postgres://me:hunter2@host/db\"",
            "[inbox.main] # hunter2",
            "hunter2",
        ] {
            let masked = mask(line, &KEYS);
            assert!(!masked.contains("hunter2"), "{line}: {masked}");
            assert_eq!(masked.len(), line.len(), "{line}: {masked}");
        }
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        for line in [
            "state = \"sqlite:pengwatch.db\"",
            "[inbox.main]\nurl = \"https://api.example.com\"\npoll_every = \"5 parsecs\"",
            "[inbox.main]\ncontact_link = \"https://app.example.com/{{contact._id}}\"",
            "token = { env = \"TOKEN\" }",
            "secret = {file=\"/run/secrets/ops\"}",
            "to = [\n  \"no address\",\n  \"#1 <a@example.com>\",\n]",
            "[names]\nagents = { \"5fed\" = { name = \"Asha\", slack = 1 } }",
            "[receiver.leads",
            "[receiver.leads]\ntype = 'emial'",
        ] {
            assert_eq!(mask(line, &KEYS), line);
        }
    }
}
