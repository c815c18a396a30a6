//! Schemas of records: the fields of a verb, and how the fields of a line are read.

use crate::text::names::Names;
use crate::text::spelling::quote;
use crate::text::value::{Fields, Record, Type, Value};
use std::sync::LazyLock;

/// One field that a verb can have.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// The text left of the `=`.
    pub key: &'static str,
    /// The type of the text right of it.
    pub ty: Type,
    /// Whether the field is required.
    pub required: bool,
    /// The members of the value if it is a list of records. Other values are words.
    pub list: Option<&'static LazyLock<ListSchema>>,
}

impl Column {
    /// Makes a field whose value is a word.
    pub const fn word(key: &'static str, ty: Type, required: bool) -> Column {
        Column { key, ty, required, list: None }
    }
}

/// The fields of one verb.
#[derive(Clone, Debug)]
pub struct Schema {
    /// The verb.
    pub verb: &'static str,
    /// Its fields in canonical order.
    pub columns: Vec<Column>,
}

/// A place in a text. Both numbers start at 1. JSON has no places, so both are 0 there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// A mistake and its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The place, or 0:0 if it is unknown.
    pub place: Place,
    /// The message, in one line.
    pub message: String,
}

impl Problem {
    /// Makes a problem at a place.
    pub fn new(place: Place, message: impl Into<String>) -> Problem {
        Problem { place, message: message.into() }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.place.line > 0 {
            write!(f, "{}:{}: ", self.place.line, self.place.column)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

/// An unread field: key and value, each with its place.
#[derive(Clone, Debug)]
pub struct RawField {
    /// The key and its place.
    pub key: (Place, String),
    /// The value and its place.
    pub value: (Place, RawValue),
}

/// An unread value.
#[derive(Clone, Debug)]
pub enum RawValue {
    /// A word.
    Word(String),
    /// A list whose members have fields of their own: between braces in the text form, a list of objects in JSON.
    List(Vec<RawEntry>),
}

/// A member of such a list: its place and its fields.
#[derive(Clone, Debug)]
pub struct RawEntry {
    /// The place where it starts.
    pub at: Place,
    /// Its fields.
    pub fields: Vec<RawField>,
}

/// The schema of such a list.
#[derive(Debug)]
pub struct ListSchema {
    /// The fields of each member.
    pub schema: Schema,
    /// The highest number of members. At least one is required.
    pub most: usize,
    /// Returns the fault of a member whose fields are valid one by one.
    pub fault: fn(&Record) -> Option<String>,
}

impl ListSchema {
    /// Reads all members. The list itself is at `at`.
    fn read(&self, at: Place, members: &[RawEntry], names: &mut Names) -> Result<Value, Problem> {
        let verb = self.schema.verb;
        if members.is_empty() {
            return Err(Problem::new(at, format!("expected at least one {verb}")));
        }
        let mut records = Vec::new();
        for (index, RawEntry { at, fields }) in members.iter().enumerate() {
            if index == self.most {
                return Err(Problem::new(*at, format!("more than {index} entries in a list")));
            }
            let read = self.schema.read(*at, fields, names);
            let read = read.and_then(|record| match (self.fault)(&record) {
                Some(message) => Err(Problem::new(*at, message)),
                None => Ok(record),
            });
            // Without a place, the message names the number of the member.
            let number = |Problem { place, message }: Problem| match place.line {
                0 => Problem::new(place, format!("{verb} {}: {message}", index + 1)),
                _ => Problem::new(place, message),
            };
            records.push(read.map_err(number)?);
        }
        Ok(Value::Records(records))
    }
}

/// Returns the schema of a verb.
pub fn find<'a>(schemas: &'a [Schema], verb: &str) -> Option<&'a Schema> {
    schemas.iter().find(|schema| schema.verb == verb)
}

impl Schema {
    /// Reads the fields of a line whose verb is at `at`.
    ///
    /// # Errors
    /// An unknown, repeated or missing key, or a value of the wrong form.
    pub fn read(&self, at: Place, raw: &[RawField], names: &mut Names) -> Result<Record, Problem> {
        let mut found: Vec<(usize, &RawField)> = Vec::new();
        for field in raw {
            let (place, key) = &field.key;
            let Some(column) = self.columns.iter().position(|column| column.key == key) else {
                return Err(Problem::new(*place, self.unknown(key)));
            };
            if found.iter().any(|(earlier, _)| *earlier == column) {
                return Err(Problem::new(*place, format!("duplicate key `{key}`")));
            }
            found.push((column, field));
        }
        let missing = |&(i, c): &(usize, &Column)| c.required && found.iter().all(|(column, _)| *column != i);
        if let Some((_, column)) = self.columns.iter().enumerate().find(missing) {
            return Err(Problem::new(at, format!("missing key `{}` of `{}`", column.key, self.verb)));
        }
        // In canonical order, so that new names get the same numbers when the line is printed and read again.
        found.sort_by_key(|(column, _)| *column);
        let mut fields = Fields::new();
        for (column, RawField { value: (place, written), .. }) in found {
            let Column { key, ty, list, .. } = self.columns[column];
            // Without a place, the message names the key.
            let prefix = if place.line > 0 { String::new() } else { format!("`{key}`: ") };
            let wrong = |message| Problem::new(*place, format!("{prefix}{message}"));
            let value = match (list, written) {
                (None, RawValue::Word(word)) => ty.read(word, names).map_err(wrong)?,
                (Some(schema), RawValue::List(entries)) => schema.read(*place, entries, names)?,
                (None, RawValue::List(_)) => return Err(wrong("expected a word, found a list".to_owned())),
                (Some(_), RawValue::Word(word)) => {
                    return Err(wrong(format!("expected a list of entries, found {}", quote(word))));
                }
            };
            fields.push((key, value));
        }
        Ok(Record { verb: self.verb, fields })
    }

    /// Returns the field that is a list of records, if there is one.
    pub fn list(&self) -> Option<(&'static str, &'static ListSchema)> {
        self.columns.iter().find_map(|column| Some((column.key, &**column.list?)))
    }

    /// Returns the key of the thing that a line about a graph describes: its first field, if that is required.
    pub fn subject(&self) -> Option<&'static str> {
        self.columns.first().filter(|column| column.required).map(|column| column.key)
    }

    fn unknown(&self, key: &str) -> String {
        let keys: Vec<_> = self.columns.iter().map(|column| format!("`{}`", column.key)).collect();
        let keys = if keys.is_empty() { "no key".to_owned() } else { keys.join(", ") };
        format!("unknown key {} of `{}`: expected {keys}", quote(key), self.verb)
    }

    /// Returns the schema in which only the first `kept` fields are required.
    pub fn partial(mut self, kept: usize) -> Schema {
        self.columns.iter_mut().skip(kept).for_each(|column| column.required = false);
        self
    }
}

/// A type that is written as one line, by tables (the macro `recorded!`).
pub trait Recorded: Sized {
    /// Returns one schema for each variant.
    fn schemas() -> Vec<Schema>;

    /// Returns a record with all fields.
    fn to_record(&self) -> Record;

    /// Makes a value from a record that its schema has read.
    ///
    /// # Errors
    /// Fields that contradict each other.
    fn from_record(record: &Record) -> Result<Self, String>;
}
