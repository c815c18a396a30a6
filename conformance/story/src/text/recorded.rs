//! The macro that implements [`Recorded`](crate::text::schema::Recorded) for an enum, from a table of its variants and
//! fields.
//!
//! A table is a list of `Variant "verb" { field "key": Codec, … }`. Each codec is a
//! [`LineField`](crate::text::columns::LineField) in a module `codec` where the macro is used. Without a literal, the
//! verb and the keys are the Rust names.

/// Returns the literal of the table, or else the Rust name.
macro_rules! word {
    ($ident:ident) => {
        stringify!($ident)
    };
    ($ident:ident $literal:literal) => {
        $literal
    };
}

/// Implements [`Recorded`] for an enum, from a table of `Variant "verb" { field "key": Codec, … }`.
macro_rules! recorded {
    ($type:ident: $($variant:ident $($verb:literal)? { $($field:ident $($key:literal)?: $codec:ident),* $(,)? })*) => {
        impl Recorded for $type {
            fn schemas() -> Vec<Schema> {
                vec![$({
                    #[allow(unused_mut, reason = "where there are no fields")]
                    let mut columns = Vec::new();
                    $(codec::$codec::columns(word!($field $($key)?), &mut columns);)*
                    Schema { verb: word!($variant $($verb)?), columns }
                }),*]
            }

            fn to_record(&self) -> Record {
                let mut fields = Vec::new();
                let verb = match self {
                    $($type::$variant { $($field),* } => {
                        $(codec::$codec::put($field, word!($field $($key)?), &mut fields);)*
                        word!($variant $($verb)?)
                    })*
                };
                Record { verb, fields }
            }

            fn from_record(record: &Record) -> Result<Self, String> {
                $(if record.verb == word!($variant $($verb)?) {
                    return Ok($type::$variant {
                        $($field: codec::$codec::take(word!($field $($key)?), &record.fields)?),*
                    });
                })*
                Err(format!("unknown word `{}`", record.verb))
            }
        }
    };
}

pub(super) use recorded;
pub(super) use word;
