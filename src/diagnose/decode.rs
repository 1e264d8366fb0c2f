//! Decodes the text of a file as an editor saved it: byte order marks, and line ends and encodings of other systems.

/// The text, without a byte order mark and with `\n` as line end.
///
/// # Errors
/// What is wrong with the encoding, and what to do.
pub(crate) fn decode(bytes: &[u8]) -> Result<String, String> {
    let right = "save it as UTF-8";
    if let Some(kind) = wide(bytes) {
        return Err(format!("it is not UTF-8 text but {kind}: {right}"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        let (line, column) =
            (before.matches('\n').count() + 1, before.rsplit('\n').next().unwrap_or("").chars().count() + 1);
        let byte = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
        let shown = in_windows_1252(byte).map_or_else(String::new, |c| format!(", `{c}` in the encoding of Windows"));
        format!("it is not UTF-8 text: the byte 0x{byte:02X} at line {line}, column {column}{shown}: {right}")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(at) = text.find('\0') {
        let line = text[..at].matches('\n').count() + 1;
        return Err(format!("it is not a text: a NUL character stands in line {line}; write it anew, and {right}"));
    }
    Ok(if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() })
}

/// The text of a file that holds one line, like a token; UTF-16, which Windows programs write, is read as well.
///
/// # Errors
/// The reason why it is not a text.
pub(crate) fn decode_line(bytes: &[u8]) -> Result<String, String> {
    match (wide(bytes), bytes.strip_prefix(b"\xff\xfe"), bytes.strip_prefix(b"\xfe\xff")) {
        (Some("UTF-16"), Some(rest), _) => units(rest, u16::from_le_bytes),
        (Some("UTF-16"), _, Some(rest)) => units(rest, u16::from_be_bytes),
        _ => decode(bytes),
    }
}

fn units(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, String> {
    let units: Vec<u16> =
        bytes.chunks(2).map(|pair| unit([pair[0], pair.get(1).copied().unwrap_or_default()])).collect();
    String::from_utf16(&units).map_err(|_| "it is not a text".to_owned())
}

/// The name of the encoding, if its units have two or four bytes.
fn wide(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\xff\xfe\0\0") || bytes.starts_with(b"\0\0\xfe\xff") {
        return Some("UTF-32");
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Some("UTF-16");
    }
    // Without a byte order mark: in such a text, every other byte is mostly zero.
    let (even, odd) = bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == 0)
        .fold((0, 0), |(even, odd), (at, _)| if at % 2 == 0 { (even + 1, odd) } else { (even, odd + 1) });
    let half = bytes.len() / 2;
    let mostly = |count: usize| half >= 2 && count * 10 >= half * 8;
    (mostly(even) || mostly(odd)).then_some("UTF-16")
}

/// The character of a byte in Windows-1252, the older encoding of Windows.
fn in_windows_1252(byte: u8) -> Option<char> {
    match byte {
        0x80 => Some('€'),
        0x91 => Some('‘'),
        0x92 => Some('’'),
        0x93 => Some('“'),
        0x94 => Some('”'),
        0x96 => Some('–'),
        0x97 => Some('—'),
        0xa0..=0xff => Some(char::from(byte)),
        _ => None,
    }
}

/// The name of an invisible character, or of one that looks like a blank and is not.
pub(crate) fn unseen(c: char) -> Option<&'static str> {
    Some(match c {
        '\u{a0}' => "no-break space",
        '\u{ad}' => "soft hyphen",
        '\u{200b}' => "zero-width space",
        '\u{200c}' => "zero-width non-joiner",
        '\u{200d}' => "zero-width joiner",
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => "mark of the writing direction",
        '\u{2028}' | '\u{2029}' => "line separator",
        '\u{2002}'..='\u{200a}' | '\u{202f}' | '\u{205f}' => "special space",
        '\u{2060}' => "word joiner",
        '\u{3000}' => "wide space",
        '\u{feff}' => "byte order mark",
        _ => return None,
    })
}

/// The first invisible character of a text: its byte and its name.
pub(crate) fn first_unseen(text: &str) -> Option<(usize, String)> {
    text.char_indices().find_map(|(at, c)| Some((at, format!("{} (U+{:04X})", unseen(c)?, u32::from(c)))))
}

/// The first invisible character outside of quotation marks, where it is not part of a quoted text.
pub(crate) fn unseen_in_code(code: &str) -> Option<(usize, String)> {
    code.char_indices().find_map(|(at, c)| {
        let name = unseen(c).filter(|_| !within_quotes(code, at))?;
        Some((at, format!("{name} (U+{:04X})", u32::from(c))))
    })
}

/// Whether a byte of a line stands between straight quotation marks.
pub(crate) fn within_quotes(line: &str, byte: usize) -> bool {
    let mut open = None;
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        if at >= byte {
            break;
        }
        match open {
            _ if escaped => escaped = false,
            Some('"') if c == '\\' => escaped = true,
            Some(quote) if quote == c => open = None,
            None if c == '"' || c == '\'' => open = Some(c),
            _ => {}
        }
    }
    // A quotation mark that is never closed does not quote anything.
    open.is_some_and(|quote| line[byte..].contains(quote))
}

#[cfg(test)]
mod tests {
    use super::{decode, decode_line};

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn what_editors_save_is_read() {
        for (bytes, text) in [
            ("a = 1\n", "a = 1\n"),
            ("\u{feff}a = 1\r\nb = 2\r\n", "a = 1\nb = 2\n"),
            ("a = 1\rb = 2\r", "a = 1\nb = 2\n"),
            ("a = 1\r\n\rb = 2\n", "a = 1\n\nb = 2\n"),
            ("", ""),
            ("\u{feff}", ""),
            ("é 你好 🎉", "é 你好 🎉"),
        ] {
            assert_eq!(decode(bytes.as_bytes()).as_deref(), Ok(text), "{bytes:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_with_the_remedy() {
        let wide = "it is not UTF-8 text but UTF-16: save it as UTF-8";
        for (bytes, said) in [
            (utf16("\u{feff}a = 1\n", u16::to_le_bytes), wide),
            (utf16("\u{feff}a = 1\n", u16::to_be_bytes), wide),
            (utf16("a = 1\n", u16::to_le_bytes), wide),
            (utf16("severity = \"é\"\n", u16::to_be_bytes), wide),
            (b"\xff\xfe\0\0a\0\0\0".to_vec(), "it is not UTF-8 text but UTF-32: save it as UTF-8"),
            (
                b"a = 1\nb = \"caf\xe9\"\n".to_vec(),
                "it is not UTF-8 text: the byte 0xE9 at line 2, column 9, `é` in the encoding of Windows: save it as UTF-8",
            ),
            (b"\x81".to_vec(), "it is not UTF-8 text: the byte 0x81 at line 1, column 1: save it as UTF-8"),
            (
                b"a = 1\nb\0 = 2\n".to_vec(),
                "it is not a text: a NUL character stands in line 2; write it anew, and save it as UTF-8",
            ),
        ] {
            assert_eq!(decode(&bytes).unwrap_err(), said);
        }
    }

    #[test]
    fn a_secret_may_come_from_windows() {
        for bytes in [
            utf16("\u{feff}hunter2\r\n", u16::to_le_bytes),
            utf16("\u{feff}hunter2\r\n", u16::to_be_bytes),
            b"\xef\xbb\xbfhunter2\r\n".to_vec(),
            b"hunter2".to_vec(),
        ] {
            assert_eq!(decode_line(&bytes).unwrap().trim_matches(['\u{feff}', '\r', '\n']), "hunter2");
        }
        assert!(decode_line(b"\x81\x82").is_err() && decode_line(b"a\0b").is_err());
    }
}
