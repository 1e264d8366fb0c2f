//! Recognizes texts that were pasted in place of a mail server's address.

use url::Host;

/// What is wrong with a mail server's address that parsing does not report well, and what would be right.
pub(super) fn misplaced(text: &str) -> Option<(String, String)> {
    let Some((scheme, rest)) = text.split_once("://") else {
        let what = "the address of the mail server has no scheme";
        return Some((
            what.to_owned(),
            "write smtps:// (port 465) or smtp:// (port 587, with ?tls=required) before it".to_owned(),
        ));
    };
    if !matches!(scheme.to_ascii_lowercase().as_str(), "smtp" | "smtps") {
        return None;
    }
    let (login, host) = rest.rsplit_once('@')?;
    // The text after the last `@` is the host, unless the `@` belongs to a later part.
    if Host::parse(host.split([':', '/', '?']).next().unwrap_or_default()).is_err() && !host.starts_with('[') {
        return None;
    }
    let reserved: Vec<String> = ['/', '?', '#', '[', ']', ' ', '\\']
        .into_iter()
        .filter(|c| login.contains(*c))
        .map(|c| format!("`{c}` as %{:02X}", u32::from(c)))
        .collect();
    (!reserved.is_empty()).then(|| {
        let what = "user or password have characters that mean something else in an address".to_owned();
        (what, format!("write {}", reserved.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::misplaced;

    #[test]
    fn mail_servers() {
        let said = |text: &str| misplaced(text).map(|(what, help)| format!("{what}: {help}"));
        for right in
            ["smtps://me:p%2Fw@host:465", "smtp://127.0.0.1:1025", "smtps://me@x.de:p@ss@host", "smtp://[::1]:25"]
        {
            assert_eq!(said(right), None, "{right}");
        }
        assert!(said("mail.example.com:587").unwrap().starts_with("the address of the mail server has no scheme"));
        assert!(said("me:pw@mail.example.com").unwrap().contains("has no scheme"));
        let reserved =
            "user or password have characters that mean something else in an address: write `/` as %2F, `#` as %23";
        assert_eq!(said("smtps://me:p/w#x@mail.example.com:465").as_deref(), Some(reserved));
    }
}
