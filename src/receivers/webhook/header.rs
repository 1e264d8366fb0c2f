//! What a webhook's secret and headers may be: judged where the configuration is read, used where
//! messages are sent.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, general_purpose::NO_PAD},
};

/// Headers that are ours, or that belong to the connection.
const RESERVED: [&str; 7] = [
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
];

/// The key that signs: behind `whsec_` base64, as the specification has it. Without the prefix it is
/// read as base64 too, as the specification's libraries do, and where it is none, its bytes are the
/// key as they are.
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

/// Base64 with or without the `=` at its end.
fn decode(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose =
        GeneralPurpose::new(&STANDARD, NO_PAD.with_decode_padding_mode(DecodePaddingMode::Indifferent));
    LENIENT.decode(text).ok()
}

/// Whether an admin may set this header.
///
/// # Errors
/// What is wrong with its name.
pub fn check_header(name: &str) -> Result<(), String> {
    let sign = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(sign) {
        return Err(format!("`{name}` is no name of a header"));
    }
    if RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(format!("the header `{name}` is set by the program"));
    }
    Ok(())
}
