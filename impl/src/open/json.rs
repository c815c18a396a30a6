//! Trees of options as JSON (L5.5). `serde_json` is the parser; this module turns its events into leaves with full
//! keys.

use super::error::{OpenError, OpenErrorKind};
use super::options::{OptionValue, Options};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The prefix of a file name that is a tree of options.
const PREFIX: &str = "json:";

/// Returns the JSON text of a file name that is a tree of options.
pub(crate) fn strip_prefix(name: &str) -> Option<&str> {
    name.strip_prefix(PREFIX)
}

/// What the parser has collected so far.
#[derive(Default)]
struct Collector {
    options: Options,
    /// The first error in an option. The parser continues, because a syntax error further on has priority.
    error: Option<OpenError>,
    not_object: bool,
}

impl Collector {
    fn insert(&mut self, key: &str, value: OptionValue) {
        if key.is_empty() {
            self.not_object = true;
        } else if self.error.is_none() {
            self.error = self.options.set(key, value).err();
        }
    }
}

/// One value with its key; the key of the whole text is empty.
struct KeyedValue<'f> {
    collector: &'f mut Collector,
    key: String,
}

impl KeyedValue<'_> {
    fn child_key(&self, name: &str) -> String {
        if self.key.is_empty() { name.to_string() } else { format!("{}.{name}", self.key) }
    }
}

impl<'de> DeserializeSeed<'de> for KeyedValue<'_> {
    type Value = ();

    fn deserialize<T: Deserializer<'de>>(self, parser: T) -> Result<(), T::Error> {
        parser.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for KeyedValue<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("options")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.collector.insert(&self.key, OptionValue::Null);
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.collector.insert(&self.key, value.into());
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.collector.insert(&self.key, value.into());
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.collector.insert(&self.key, value.into());
        Ok(())
    }

    /// No option is a fractional number.
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.collector.not_object |= self.key.is_empty();
        let error = OpenErrorKind::OptionType { key: self.key.into(), expected: "integer" };
        self.collector.error.get_or_insert_with(|| error.into());
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.collector.insert(&self.key, value.into());
        Ok(())
    }

    /// A list is a tree whose keys are numbers (QEMU: `qdict_flatten`).
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if self.key.is_empty() {
            self.collector.not_object = true;
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        let mut count = 0_usize;
        loop {
            let key = self.child_key(&count.to_string());
            if list.next_element_seed(KeyedValue { collector: &mut *self.collector, key })?.is_none() {
                break;
            }
            count += 1;
        }
        if count == 0 {
            self.collector.insert(&self.key, OptionValue::Empty);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut empty = true;
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            empty = false;
            if name.is_empty() {
                let key: String = self.child_key("");
                self.collector.error.get_or_insert_with(|| OpenErrorKind::InvalidKey { key: key.into() }.into());
            }
            let key = self.child_key(&name);
            // An empty key must not be confused with the whole text.
            let key = if key.is_empty() { ".".to_string() } else { key };
            map.next_value_seed(KeyedValue { collector: &mut *self.collector, key })?;
        }
        if empty && !self.key.is_empty() {
            self.collector.insert(&self.key, OptionValue::Empty);
        }
        Ok(())
    }
}

impl Options {
    /// Parses options from a JSON object (L5.5; QEMU: `parse_json_filename`). Lists become trees with numbers as keys.
    /// O(text · depth).
    ///
    /// # Errors
    /// `JsonSyntax` with the position; `JsonNotObject`; those of [`set`](Self::set); `OptionType` for a fractional
    /// number.
    pub fn from_json(text: &str) -> Result<Self, OpenError> {
        let mut collector = Collector::default();
        let mut parser = serde_json::Deserializer::from_str(text);
        let whole = KeyedValue { collector: &mut collector, key: String::new() };
        whole.deserialize(&mut parser).and_then(|()| parser.end()).map_err(|error| OpenErrorKind::JsonSyntax {
            message: error.to_string().into(),
            line: error.line(),
            column: error.column(),
        })?;
        if collector.not_object {
            return Err(OpenErrorKind::JsonNotObject.into());
        }
        collector.error.map_or(Ok(collector.options), Err)
    }

    /// Returns the tree as a JSON object without spaces, in the order of the keys. O(text · depth).
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut writer = Writer::default();
        writer.open(None);
        writer.options(self);
        writer.close();
        writer.text
    }
}

/// A writer of nested JSON objects.
#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) text: String,
}

impl Writer {
    /// Begins a new member if a key is given: writes the comma and the key.
    fn key(&mut self, key: Option<&str>) {
        let Some(key) = key else { return };
        if !self.text.ends_with('{') && !self.text.is_empty() {
            self.text.push(',');
        }
        self.string(key);
        self.text.push(':');
    }

    fn string(&mut self, text: &str) {
        // Serialising a string cannot fail.
        self.text += &serde_json::to_string(text).unwrap_or_default();
    }

    /// Writes a member that is a string.
    pub(crate) fn member(&mut self, key: &str, text: &str) {
        self.key(Some(key));
        self.string(text);
    }

    /// Writes a member that is null.
    pub(crate) fn null(&mut self, key: &str) {
        self.key(Some(key));
        self.text += "null";
    }

    /// Opens an object, as a member if a key is given.
    pub(crate) fn open(&mut self, key: Option<&str>) {
        self.key(key);
        self.text.push('{');
    }

    /// Closes the innermost object.
    pub(crate) fn close(&mut self) {
        self.text.push('}');
    }

    /// Writes all options of a tree as members of the open object.
    pub(crate) fn options(&mut self, options: &Options) {
        let mut open: Vec<&str> = Vec::new();
        // In the order of the keys, the options of one subtree are adjacent.
        for (key, value) in options.iter() {
            let (path, name) = key.rsplit_once('.').map_or((None, key), |(path, name)| (Some(path), name));
            let parts: Vec<&str> = path.map(|path| path.split('.').collect()).unwrap_or_default();
            let same = open.iter().zip(&parts).take_while(|(a, b)| a == b).count();
            (same..open.len()).for_each(|_| self.close());
            open.truncate(same);
            for part in parts.into_iter().skip(same) {
                self.open(Some(part));
                open.push(part);
            }
            self.value(name, value);
        }
        open.iter().for_each(|_| self.close());
    }

    fn value(&mut self, key: &str, value: &OptionValue) {
        match value {
            OptionValue::Null => self.null(key),
            OptionValue::Text(text) => self.member(key, text),
            OptionValue::Number(number) => {
                self.key(Some(key));
                self.text += &number.to_string();
            }
            OptionValue::Flag(flag) => {
                self.key(Some(key));
                self.text += if *flag { "true" } else { "false" };
            }
            OptionValue::Empty => {
                self.open(Some(key));
                self.close();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Options;
    use crate::open::{OpenErrorKind, OptionValue};
    use alloc::string::{String, ToString};
    use quickcheck::quickcheck;

    fn error(text: &str) -> String {
        Options::from_json(text).unwrap_err().to_string()
    }

    #[test]
    fn objects_are_trees_and_so_are_lists() {
        let text = r#"{"a":{"b":1,"c":{"d":"x"}},"a.e":true,"l":[{"x":1},null,[]],"n":-5,"o":{}}"#;
        let options = Options::from_json(text).unwrap();
        let json = r#"{"a":{"b":1,"c":{"d":"x"},"e":true},"l":{"0":{"x":1},"1":null,"2":{}},"n":-5,"o":{}}"#;
        assert_eq!(options.to_json(), json);
        assert_eq!(Options::from_json(json).unwrap(), options);
        assert_eq!(options.get("l.0.x"), Some(&OptionValue::Number(1)));
        assert_eq!(Options::from_json(" {} ").unwrap(), Options::new());
        assert_eq!(Options::new().to_json(), "{}");
    }

    #[test]
    fn syntax_errors_have_a_position() {
        let kind = Options::from_json("{\"a\": 1,\n \"b\" 2}").unwrap_err().into_kind();
        let OpenErrorKind::JsonSyntax { message, line, column } = kind else { panic!("{kind:?}") };
        assert_eq!((&*message, line, column), ("expected `:` at line 2 column 6", 2, 6));
        assert_eq!(error(""), "Could not parse the JSON options: EOF while parsing a value at line 1 column 0");
        assert!(error("{} x").starts_with("Could not parse the JSON options: trailing characters at line 1 column 4"));
        // A syntax error has priority over an error in an option.
        assert!(error(r#"{"a":1,"a":2,]"#).starts_with("Could not parse the JSON options: "));
        let deep = "{\"a\":".repeat(200);
        assert!(error(&deep).starts_with("Could not parse the JSON options: recursion limit exceeded"));
    }

    #[test]
    fn invalid_objects_and_trees() {
        for text in ["1", "1.5", "null", "true", "\"x\"", "[]", "[{\"a\":1}]", "[\"a\"]"] {
            assert_eq!(error(text), "Invalid JSON object given", "{text}");
        }
        assert_eq!(error(r#"{"a":1,"a":2}"#), "Parameter 'a' is given twice");
        assert_eq!(error(r#"{"a":{"b":1},"a.b":2}"#), "Parameter 'a.b' is given twice");
        assert_eq!(error(r#"{"a":{"b":1},"a":"x"}"#), "Parameter 'a' is given twice");
        assert_eq!(error(r#"{"a":{"b":1.5}}"#), "Invalid parameter type for 'a.b', expected: integer");
        assert_eq!(error(r#"{"":1}"#), "Invalid parameter ''");
        assert_eq!(error(r#"{"":{}}"#), "Invalid parameter ''");
        assert_eq!(error(r#"{"a":{"":[1]}}"#), "Invalid parameter 'a.'");
        assert!(error(&("{\"a\":".repeat(70) + "1" + &"}".repeat(70))).ends_with("is nested too deeply"));
    }

    quickcheck! {
        fn json_round_trip(pairs: alloc::vec::Vec<(String, String, u8)>) -> bool {
            let mut options = Options::new();
            for (a, b, kind) in pairs {
                let value: OptionValue = match kind % 4 {
                    0 => (&*b).into(),
                    1 => u32::from(kind).into(),
                    2 => OptionValue::Null,
                    _ => (kind > 99).into(),
                };
                // Keys that conflict are skipped.
                let _ = options.set(&a, value.clone());
                let _ = options.set(&alloc::format!("{a}.{b}"), value);
            }
            Options::from_json(&options.to_json()).ok() == Some(options)
        }
    }
}
