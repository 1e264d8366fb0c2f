//! Hides secrets that stand in the file as plain text, before a mistake is drawn with its line.

/// Keys whose value is a secret, or an address that holds one.
const SECRET_KEYS: [&str; 7] = ["token", "webhook_url", "bot_token", "smtp_url", "secret", "heartbeat_url", "state"];

/// The text with every quoted value of a secret key replaced by as many `*`, so that places stay
/// the same. Works on lines, since the file may be no valid TOML.
pub fn mask(text: &str) -> String {
    let mut section = String::new();
    text.split_inclusive('\n')
        .map(|line| {
            let trimmed = line.trim_start();
            if trimmed.starts_with('[') {
                trimmed.trim_matches(['[', ']', ' ', '\n', '\r']).clone_into(&mut section);
            }
            let in_headers = section.contains(".headers");
            let Some((key, value)) = line.split_once('=') else { return line.to_owned() };
            let key_name = key.trim().rsplit('.').next().unwrap_or_default().trim_matches(['"', '\'']);
            let secret = in_headers
                || key_name == "headers"
                || SECRET_KEYS.contains(&key_name)
                || (key_name == "url" && !section.starts_with("inbox"));
            // `{ env = "NAME" }` and `{ file = "path" }` name a secret, they are none.
            let reference = value.trim_start().starts_with('{') && key_name != "headers";
            let sqlite = key_name == "state" && value.contains("sqlite:");
            if secret && !reference && !sqlite {
                return format!("{key}={}", stars(value));
            }
            // An inline table may hold a secret of its own.
            if SECRET_KEYS
                .iter()
                .any(|secret| value.contains(&format!("{secret} =")) || value.contains(&format!("{secret}=")))
            {
                return format!("{key}={}", stars(value));
            }
            line.to_owned()
        })
        .collect()
}

/// Replaces what stands in quotes, to the end of the line where they are not closed.
fn stars(value: &str) -> String {
    let mut quote = None;
    value
        .chars()
        .flat_map(|c| {
            let hidden = match quote {
                None if c == '"' || c == '\'' => {
                    quote = Some(c);
                    false
                }
                Some(open) if c == open => {
                    quote = None;
                    false
                }
                Some(_) => c != '\n' && c != '\r',
                None => false,
            };
            if hidden { vec!['*'; c.len_utf8()] } else { vec![c] }
        })
        .collect()
}
