//! The sender's and the recipients' mail addresses.

use lettre::{Address, message::Mailbox};
use url::Host;

/// Parses `Name <name@example.com>` or `name@example.com`.
///
/// # Errors
/// What is wrong, and what would be right.
pub(super) fn read(text: &str) -> Result<Mailbox, (&'static str, &'static str)> {
    let wrong = ("this is not a mail address", "write it like \"Asha <asha@example.com>\" or \"asha@example.com\"");
    if text.contains(char::is_control) {
        return Err(wrong);
    }
    let text = text.trim();
    let text = text.strip_prefix("mailto:").unwrap_or(text);
    if text.matches('@').count() > 1 && !text.contains('"') && text.contains([',', ';', ' ']) && !text.contains('<') {
        return Err((
            "this is more than one mail address",
            "write each of them as a text of its own: [\"a@example.com\", \"b@example.com\"]",
        ));
    }
    let mailbox: Mailbox = text.parse().or_else(|_| with_quotes(text).ok_or(wrong)?.parse().map_err(|_| wrong))?;
    if !mailbox.email.user().is_ascii() {
        let help = "few servers take such mail: use an address whose first part is spelt in ASCII";
        return Err(("the part of a mail address before the `@` is not ASCII", help));
    }
    // An international domain is sent in its ASCII form.
    let domain = Host::parse(mailbox.email.domain()).map_err(|_| wrong)?.to_string();
    let email = Address::new(mailbox.email.user(), domain).map_err(|_| wrong)?;
    Ok(Mailbox::new(mailbox.name, email))
}

/// Puts a name that has a comma or another special character of mail headers in quotes.
fn with_quotes(text: &str) -> Option<String> {
    let (name, address) = text.strip_suffix('>')?.rsplit_once('<')?;
    let name = name.trim();
    let is_name = !name.is_empty() && !name.contains(['@', '"', '<', '>']);
    is_name.then(|| format!("\"{}\" <{address}>", name.replace('\\', "\\\\")))
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn mailboxes() {
        for (text, right) in [
            ("a@example.com", "a@example.com"),
            (" Asha <a@example.com> ", "Asha <a@example.com>"),
            ("Jörg, Leitung <a@Bücher.example>", "\"Jörg, Leitung\" <a@xn--bcher-kva.example>"),
            ("Shop; Support: night (2) <a@example.com>", "\"Shop; Support: night (2)\" <a@example.com>"),
            ("mailto:a@example.com", "a@example.com"),
            ("a@example.com, Jörg <b@example.com>", ""),
            ("a@example.com; b@example.com", ""),
            ("\"Jörg, Leitung\" <a@Bücher.example>", "\"Jörg, Leitung\" <a@xn--bcher-kva.example>"),
            ("a@[127.0.0.1]", ""),
            ("ä@example.com", ""),
            ("a@example.com, b@example.com", ""),
            ("a@example.com\r\nBcc: b@example.com", ""),
            ("\"A\nB\" <a@example.com>", ""),
            ("example.com", ""),
            ("", ""),
        ] {
            let got = read(text).map(|mailbox| mailbox.to_string());
            assert_eq!(got.clone().unwrap_or_default(), right, "{text}: {got:?}");
        }
    }
}
