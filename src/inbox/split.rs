//! Splits an answer's JSON into its values without parsing them.
//!
//! A parser refuses the whole answer for one value that is not JSON. After splitting, each record is parsed alone, so a
//! fault costs its own record only, and only one record is in memory as a tree at a time.

/// The answer is not a JSON object, or is incomplete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The fields of the object in `text`, in order: names without their quotes, and values as text.
///
/// # Errors
/// It is not an object, or there is something before or after it.
pub(crate) fn fields(text: &str) -> Result<Vec<(&str, &str)>, Malformed> {
    let mut cut = Cut { text, at: 0 };
    let mut found = Vec::new();
    cut.skip_blanks();
    cut.expect(b'{')?;
    cut.skip_blanks();
    if cut.peek() != Some(b'}') {
        let name = cut.name()?;
        found.push((name, cut.field_value()?));
    }
    found.extend(cut.rest()?);
    Ok(found)
}

/// The fields before the one with this name, and the text from its value on; `None`: no field has the name, or there is
/// something between the fields.
pub(crate) fn fields_before<'a>(text: &'a str, wanted: &str) -> Option<(Vec<(&'a str, &'a str)>, &'a str)> {
    let mut cut = Cut { text, at: 0 };
    let mut found = Vec::new();
    cut.skip_blanks();
    cut.expect(b'{').ok()?;
    loop {
        let name = cut.name().ok()?;
        if name == wanted {
            return Some((found, &text[cut.at..]));
        }
        found.push((name, cut.field_value().ok()?));
        cut.expect(b',').ok()?;
    }
}

/// The fields of the rest of an object, from the comma or the bracket after a value.
///
/// # Errors
/// As for [`fields`].
pub(crate) fn fields_after(text: &str) -> Result<Vec<(&str, &str)>, Malformed> {
    Cut { text, at: 0 }.rest()
}

/// The entries of the list in `text`, as text; `None`: it is not a list.
pub(crate) fn entries(text: &str) -> Option<Entries<'_>> {
    let inside = text.strip_prefix('[')?.strip_suffix(']')?;
    Some(Entries { cut: Cut { text: inside, at: 0 }, first: true })
}

/// Splits off one entry after the other.
pub(crate) struct Entries<'a> {
    cut: Cut<'a>,
    first: bool,
}

impl<'a> Iterator for Entries<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.cut.skip_blanks();
        let is_over = self.cut.at >= self.cut.text.len();
        if is_over && self.first {
            return None;
        }
        if !self.first {
            if is_over {
                return None;
            }
            self.cut.at += 1;
            self.cut.skip_blanks();
        }
        self.first = false;
        let from = self.cut.at;
        // Characters between an entry and the next comma are part of the entry, and a fault of it.
        while !matches!(self.cut.peek(), None | Some(b',')) {
            let before = self.cut.at;
            let _ = self.cut.value();
            self.cut.skip_blanks();
            if self.cut.at == before {
                self.cut.at += 1;
            }
            self.cut.at = self.cut.at.min(self.cut.text.len());
        }
        Some(self.cut.text[from..self.cut.at].trim_end_matches(is_blank))
    }
}

/// The value at the beginning of `text`; `None`: it has no end.
pub(crate) fn value(text: &str) -> Option<&str> {
    Cut { text, at: 0 }.value().ok()
}

/// Whitespace, and characters that valid JSON never has outside of a text.
pub(crate) fn is_blank(character: char) -> bool {
    character.is_ascii_control() || character == ' '
}

struct Cut<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cut<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.peek() != Some(byte) {
            return Err(Malformed);
        }
        self.at += 1;
        Ok(())
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(|byte| is_blank(char::from(byte))) {
            self.at += 1;
        }
    }

    /// Reads a field's name, up to the beginning of its value.
    fn name(&mut self) -> Result<&'a str, Malformed> {
        self.skip_blanks();
        if self.peek() != Some(b'"') {
            return Err(Malformed);
        }
        let name = self.value()?;
        self.skip_blanks();
        self.expect(b':')?;
        self.skip_blanks();
        Ok(name.trim_matches('"'))
    }

    /// Reads a field's value, up to what follows it.
    fn field_value(&mut self) -> Result<&'a str, Malformed> {
        let value = self.value()?;
        self.skip_blanks();
        if value.is_empty() { Err(Malformed) } else { Ok(value) }
    }

    /// Reads what follows a value in an object, including the end of the object and of the text.
    fn rest(&mut self) -> Result<Vec<(&'a str, &'a str)>, Malformed> {
        let mut found = Vec::new();
        self.skip_blanks();
        while self.peek() == Some(b',') {
            self.at += 1;
            let name = self.name()?;
            found.push((name, self.field_value()?));
        }
        self.expect(b'}')?;
        self.skip_blanks();
        if self.at == self.text.len() { Ok(found) } else { Err(Malformed) }
    }

    /// Reads one value, whatever it contains. It is not recursive, so nesting takes no stack.
    fn value(&mut self) -> Result<&'a str, Malformed> {
        let from = self.at;
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                None if depth > 0 => return Err(Malformed),
                None => break,
                Some(b'"') => {
                    self.skip_text()?;
                    if depth == 0 {
                        break;
                    }
                }
                Some(b'{' | b'[') => {
                    depth += 1;
                    self.at += 1;
                }
                Some(b'}' | b']' | b',') if depth == 0 => break,
                Some(b'}' | b']') => {
                    depth -= 1;
                    self.at += 1;
                    if depth == 0 {
                        break;
                    }
                }
                Some(byte) if depth == 0 && is_blank(char::from(byte)) => break,
                Some(_) => self.at += 1,
            }
        }
        Ok(&self.text[from..self.at])
    }

    fn skip_text(&mut self) -> Result<(), Malformed> {
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err(Malformed),
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::{Malformed, entries, fields};

    fn cut(text: &str) -> Vec<&str> {
        entries(text).unwrap().collect()
    }

    #[test]
    fn values_are_cut_by_table() {
        for (text, found) in [
            ("[]", vec![]),
            ("[ ]", vec![]),
            (r#"[{"a":[1,{"b":"]}"}]} , "x,\"y" ,3]"#, vec![r#"{"a":[1,{"b":"]}"}]}"#, r#""x,\"y""#, "3"]),
            // An entry that is not JSON is an entry, and so are the others.
            ("[nonsense, {},, x y]", vec!["nonsense", "{}", "", "x y"]),
            ("[{\"a\":\"\u{1}\n\"},1]", vec!["{\"a\":\"\u{1}\n\"}", "1"]),
            ("[1,]", vec!["1", ""]),
        ] {
            assert_eq!(cut(text), found, "{text}");
        }
        assert!(entries("{}").is_none() && entries("[1").is_none());
        let both = fields(" {\"a\" : 1, \"b\":[\"}\"]}\r\n").unwrap();
        assert_eq!(both, [("a", "1"), ("b", "[\"}\"]")]);
        assert_eq!(fields("{}"), Ok(vec![]));
        for text in
            ["", "[]", "{", "{\"a\":1", "{\"a\"}", "{\"a\":}", "{\"a\":1} x", "{\"a\":1,}", "{a:1}", "{\"a\":\"\\"]
        {
            assert_eq!(fields(text), Err(Malformed), "{text}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = format!("[{}1{}, 2]", "[".repeat(1 << 20), "]".repeat(1 << 20));
        assert_eq!(cut(&deep).len(), 2);
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(".{0,3}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_json_is_cut_as_a_parser_cuts_it(list in proptest::collection::vec(json(), 0..5)) {
            let text = Value::from(list.clone()).to_string();
            let read: Vec<Value> = cut(&text).iter().map(|entry| serde_json::from_str(entry).unwrap()).collect();
            prop_assert_eq!(read, list);
        }

        #[test]
        fn no_text_panics(text in r#"[\[\]{}",:\\ aé0]*"#) {
            let _ = fields(&text);
            let _ = entries(&text).map(Iterator::count);
        }
    }
}
