//! Addresses: of mail servers, of conversations, and what belongs to a webhook.

use pengwatch::inside::{SmtpAddress, check_header, check_link, fill_link, fits_header, signing_key, suggest};

use super::customers;

pub fn read(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match SmtpAddress::parse(text) {
        Ok(address) => {
            assert!(!address.host.is_empty() && address.port > 0);
            let shown = format!("{address} {address:?}");
            assert!(!shown.contains("hunter2") || address.host.contains("hunter2"), "{shown}");
        }
        Err(right) => assert!(!right.contains("hunter2") && !right.is_empty(), "{right}"),
    }
    if check_link(text, &suggest).is_ok() {
        let start = text.split("{{").next().unwrap_or_default();
        for contact in customers::some() {
            let filled = fill_link(text, &contact.json());
            let plain = filled.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>\"|\\^`".contains(c));
            // A value neither ends the address nor leads to another host.
            assert!(plain && (filled.is_empty() || filled.starts_with(start)), "{filled:?}");
        }
    }
    assert!(signing_key(text).is_ok_and(|key| !key.is_empty()) || signing_key(text).is_err());
    if check_header(text).is_ok() {
        assert!(fits_header(text) && !text.is_empty());
    }
}
