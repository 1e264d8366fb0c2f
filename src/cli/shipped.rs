//! The rules that come with the program, the files in `rules/`.

/// Name and text of every shipped rule.
pub(super) const RULES: [(&str, &str); 7] = [
    ("bot-left-waiting", include_str!("../../rules/bot-left-waiting.toml")),
    ("customer-waiting", include_str!("../../rules/customer-waiting.toml")),
    ("live-chat-waiting", include_str!("../../rules/live-chat-waiting.toml")),
    ("missed-live-chat", include_str!("../../rules/missed-live-chat.toml")),
    ("unassigned-waiting", include_str!("../../rules/unassigned-waiting.toml")),
    ("vip-waiting", include_str!("../../rules/vip-waiting.toml")),
    ("whatsapp-window-closing", include_str!("../../rules/whatsapp-window-closing.toml")),
];

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::RULES;

    #[test]
    fn every_rule_of_the_folder_is_shipped() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
        let mut there: Vec<_> =
            fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        there.sort();
        assert_eq!(RULES.map(|(name, _)| format!("{name}.toml")).to_vec(), there);
    }
}
