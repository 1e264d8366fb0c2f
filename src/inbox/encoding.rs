//! Decodes an answer's bytes to UTF-8 from any encoding.
//!
//! JSON must be UTF-8. A byte order mark, UTF-16 and encodings that `Content-Type` announces come nevertheless, from
//! whatever is between us and the API.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// The bytes in UTF-8, without a byte order mark. UTF-8 stays UTF-8, whatever was announced. Bytes of an unknown
/// encoding stay as they are; only those characters are lost.
pub(crate) fn utf8(content_type: Option<&str>, mut bytes: Vec<u8>) -> Vec<u8> {
    let encoding = match Encoding::for_bom(&bytes) {
        Some((encoding, length)) if encoding == UTF_8 => {
            bytes.drain(..length);
            return bytes;
        }
        Some((encoding, _)) => encoding,
        // JSON begins with an ASCII character, one byte of which is zero in UTF-16.
        None => match bytes.first_chunk() {
            Some([0, other]) if *other != 0 => UTF_16BE,
            Some([other, 0]) if *other != 0 => UTF_16LE,
            _ if std::str::from_utf8(&bytes).is_ok() => return bytes,
            _ => match content_type.and_then(charset) {
                Some(announced) if announced != UTF_8 => announced,
                _ => return bytes,
            },
        },
    };
    encoding.decode(&bytes).0.into_owned().into_bytes()
}

fn charset(content_type: &str) -> Option<&'static Encoding> {
    let mut parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, label) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    Encoding::for_label(label.trim().trim_matches(['"', '\'']).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::utf8;

    const MEANT: &str = r#"{"name":"José €"}"#;

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn whatever_it_was_written_in_by_table() {
        let marked = |mark: &[u8], bytes: Vec<u8>| [mark.to_vec(), bytes].concat();
        let windows: Vec<u8> = MEANT
            .chars()
            .map(|c| match c {
                '€' => 0x80,
                c => u8::try_from(c).unwrap(),
            })
            .collect();
        for (content_type, bytes) in [
            (None, MEANT.as_bytes().to_vec()),
            (None, marked(&[0xef, 0xbb, 0xbf], MEANT.as_bytes().to_vec())),
            (None, marked(&[0xff, 0xfe], utf16(MEANT, u16::to_le_bytes))),
            (None, marked(&[0xfe, 0xff], utf16(MEANT, u16::to_be_bytes))),
            (Some("application/json; charset=utf-16"), utf16(MEANT, u16::to_le_bytes)),
            (Some("application/json"), utf16(MEANT, u16::to_be_bytes)),
            (Some("application/json;charset=ISO-8859-1"), windows.clone()),
            (Some("application/json; Charset=\"windows-1252\""), windows.clone()),
            // The announced encoding is wrong.
            (Some("application/json; charset=iso-8859-1"), MEANT.as_bytes().to_vec()),
        ] {
            assert_eq!(String::from_utf8(utf8(content_type, bytes)).as_deref(), Ok(MEANT), "{content_type:?}");
        }
        for content_type in [None, Some("application/json"), Some("x; charset=x-nobody"), Some("x; charset=utf-8")] {
            assert_eq!(utf8(content_type, windows.clone()), windows, "{content_type:?}");
        }
        assert_eq!([utf8(None, vec![]), utf8(None, vec![0])], [vec![], vec![0]]);
    }
}
