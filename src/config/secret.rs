//! The only place where tokens, passwords and secret addresses are read.

use std::{fs::File, io::Read, path::Path};

use secrecy::{ExposeSecret, SecretString};
use toml::Value;

use super::pasted::trim;
use crate::diagnose::decode::decode_line;

const RIGHT: &str = "write { env = \"NAME\" } or { file = \"path\" }";

/// The largest file with a secret, in bytes. The limit exists because some files never end.
const LONGEST: u64 = 64 * 1024;

/// Where a secret is kept, as the configuration says.
pub(crate) enum Secret {
    /// In an environment variable.
    Env(String),
    /// In a file; blanks and line breaks at both ends do not count.
    File(String),
    /// In the configuration itself.
    Plain(SecretString),
}

/// The environment, as an argument so that tests need not change the real one.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Secret {
    /// Reads `{ env = "NAME" }`, `{ file = "path" }` or a text.
    ///
    /// # Errors
    /// What would be right.
    pub(crate) fn parse(value: &Value) -> Result<Self, &'static str> {
        match value {
            Value::String(text) => Ok(Self::Plain(SecretString::from(text.as_str()))),
            Value::Table(table) if table.len() == 1 => match table.iter().next() {
                Some((key, Value::String(name))) if key == "env" => Ok(Self::Env(name.clone())),
                Some((key, Value::String(path))) if key == "file" => Ok(Self::File(path.clone())),
                _ => Err(RIGHT),
            },
            _ => Err(RIGHT),
        }
    }

    /// The secret itself; relative paths begin at `folder`.
    ///
    /// # Errors
    /// The reason why it cannot be read, without any content of it.
    pub(crate) fn read(&self, folder: &Path, env: Environment<'_>) -> Result<SecretString, String> {
        let text = match self {
            Self::Plain(secret) if secret.expose_secret().trim().is_empty() => return Err(RIGHT.to_owned()),
            Self::Plain(secret) => return Ok(secret.clone()),
            Self::Env(name) => env(name).ok_or_else(|| format!("the environment variable `{name}` is not set"))?,
            Self::File(path) => {
                let mut bytes = Vec::new();
                File::open(folder.join(path))
                    .and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes))
                    .map_err(|error| format!("the file `{path}` cannot be read: {error}"))?;
                if bytes.len() as u64 > LONGEST {
                    return Err(format!("the file `{path}` is longer than any secret"));
                }
                decode_line(&bytes).map_err(|why| format!("the file `{path}` cannot be read: {why}"))?
            }
        };
        let text = trim(&text);
        if text.is_empty() {
            return Err(match self {
                Self::File(path) => format!("the file `{path}` is empty"),
                Self::Env(name) => format!("the environment variable `{name}` is empty"),
                Self::Plain(_) => RIGHT.to_owned(),
            });
        }
        Ok(SecretString::from(text))
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_file_is_read_as_editors_save_it() {
        let folder = tempfile::tempdir().unwrap();
        let wide: Vec<u8> = "\u{feff}hunter2\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in
            [b"hunter2".to_vec(), b"\xef\xbb\xbfhunter2\r\n".to_vec(), wide, b"hunter2\xe2\x80\x8b\n\n".to_vec()]
        {
            std::fs::write(folder.path().join("secret"), bytes).unwrap();
            let read = Secret::File("secret".to_owned()).read(folder.path(), &|_| None).unwrap();
            assert_eq!(secrecy::ExposeSecret::expose_secret(&read), "hunter2");
        }
        std::fs::write(folder.path().join("secret"), b"caf\xe9").unwrap();
        let said = Secret::File("secret".to_owned()).read(folder.path(), &|_| None).unwrap_err();
        assert!(said.starts_with("the file `secret` cannot be read: it is not UTF-8 text"), "{said}");
    }

    #[test]
    fn a_file_of_another_kind_is_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        for (text, read) in [(" hunter2\n".to_owned(), true), ("a".repeat(70_000), false), (String::new(), false)] {
            std::fs::write(folder.path().join("secret"), text).unwrap();
            assert_eq!(Secret::File("secret".to_owned()).read(folder.path(), &|_| None).is_ok(), read);
        }
    }
}
