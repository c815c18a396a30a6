//! A line as a record: a verb and fields. Text and JSON are two spellings of records, and the tables in [`super::table`]
//! are the only place that knows which fields a verb has.

use super::names::Names;
use super::value::{Type, Value, quote};

/// The fields of a line, in the order of its schema.
pub type Fields = Vec<(&'static str, Value)>;

/// A line: a verb (or the name of an error, or what an expectation speaks of) and its fields.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// The first word.
    pub verb: &'static str,
    /// The rest.
    pub fields: Fields,
}

impl Record {
    /// The value under that key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.fields.iter().find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// Are all fields of `partial` the same here?
    pub fn includes(&self, partial: &Record) -> bool {
        self.verb == partial.verb && partial.fields.iter().all(|(key, value)| self.get(key) == Some(value))
    }
}

/// One field that a verb can have.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Left of the `=`.
    pub key: &'static str,
    /// Right of it.
    pub ty: Type,
    /// Must it be there?
    pub required: bool,
}

/// The fields of one verb.
#[derive(Clone, Debug)]
pub struct Schema {
    /// The verb.
    pub verb: &'static str,
    /// Its fields in canonical order.
    pub columns: Vec<Column>,
}

/// A place in a text, both from 1; 0 in JSON, which has none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// What is wrong, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Where; 0:0 if unknown.
    pub place: Place,
    /// One line.
    pub message: String,
}

impl Problem {
    /// A problem at a place.
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

/// A field before anybody looked at it: key and value, each with its place.
#[derive(Clone, Debug)]
pub struct Raw {
    /// Left of the `=`.
    pub key: (Place, String),
    /// Right of it.
    pub word: (Place, String),
}

/// The schema of a verb.
pub fn find<'a>(schemas: &'a [Schema], verb: &str) -> Option<&'a Schema> {
    schemas.iter().find(|schema| schema.verb == verb)
}

impl Schema {
    /// Reads the fields of a line whose verb stands at `at`.
    ///
    /// # Errors
    /// An unknown, repeated or missing key, or a value of the wrong form.
    pub fn read(&self, at: Place, raw: &[Raw], names: &mut Names) -> Result<Record, Problem> {
        let mut found: Vec<(usize, &Raw)> = Vec::new();
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
        // In canonical order, so that new names get the numbers that they get when the line is printed and read again.
        found.sort_by_key(|(column, _)| *column);
        let mut fields = Fields::new();
        for (column, Raw { word: (place, word), .. }) in found {
            let Column { key, ty, .. } = self.columns[column];
            // Where there is no place the key has to do.
            let prefix = if place.line > 0 { String::new() } else { format!("`{key}`: ") };
            let wrong = |message| Problem::new(*place, format!("{prefix}{message}"));
            fields.push((key, ty.read(word, names).map_err(wrong)?));
        }
        Ok(Record { verb: self.verb, fields })
    }

    /// The key of what a line about a graph speaks of: its first field, if that must be there.
    pub fn subject(&self) -> Option<&'static str> {
        self.columns.first().filter(|column| column.required).map(|column| column.key)
    }

    fn unknown(&self, key: &str) -> String {
        let keys: Vec<_> = self.columns.iter().map(|column| format!("`{}`", column.key)).collect();
        let keys = if keys.is_empty() { "no key".to_owned() } else { keys.join(", ") };
        format!("unknown key {} of `{}`: expected {keys}", quote(key), self.verb)
    }

    /// The same, with no field required but the first `kept`.
    pub fn partial(mut self, kept: usize) -> Schema {
        self.columns.iter_mut().skip(kept).for_each(|column| column.required = false);
        self
    }
}

/// Something that is spelled as one line, by tables (the macro `recorded!`).
pub trait Recorded: Sized {
    /// One schema for each variant.
    fn schemas() -> Vec<Schema>;

    /// As a record with all its fields.
    fn to_record(&self) -> Record;

    /// Back from a record that its schema read.
    ///
    /// # Errors
    /// Fields that do not go together.
    fn from_record(record: &Record) -> Result<Self, String>;
}
