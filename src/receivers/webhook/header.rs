//! Checks a webhook's secret and headers, when the configuration is read and when a sender is made.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, general_purpose::NO_PAD},
};

/// Headers that we set ourselves, or that belong to the connection.
const RESERVED: [&str; 7] = [
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
];

/// The key for signatures: base64 after `whsec_`, as in the specification. Without the prefix it is read as base64 too,
/// as the specification's libraries do; if it is not base64, its bytes are the key.
///
/// # Errors
/// What is wrong with the secret, without showing it.
pub fn key(secret: &str) -> Result<Vec<u8>, &'static str> {
    let secret = secret.trim();
    let key = match (secret.strip_prefix("whsec_"), decode(secret)) {
        (Some(rest), _) => decode(rest).ok_or("after `whsec_` a webhook's secret is base64")?,
        (None, Some(key)) => key,
        (None, None) => secret.as_bytes().to_vec(),
    };
    if key.is_empty() { Err("a webhook's secret must not be empty") } else { Ok(key) }
}

/// Decodes base64 with or without the `=` at its end.
fn decode(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose =
        GeneralPurpose::new(&STANDARD, NO_PAD.with_decode_padding_mode(DecodePaddingMode::Indifferent));
    LENIENT.decode(text).ok()
}

/// Checks whether an admin may set this header.
///
/// # Errors
/// What is wrong with its name.
pub fn check_header(name: &str) -> Result<(), String> {
    let sign = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(sign) {
        return Err(format!("`{name}` is not the name of a header"));
    }
    if RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(format!("the header `{name}` is set by the program"));
    }
    Ok(())
}
