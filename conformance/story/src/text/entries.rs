//! The entries of a reopen: a list whose members are records.

use crate::text::columns::{self as codec, LineField, get};
use crate::text::recorded::{recorded, word};
use crate::text::schema::{Column, ListSchema, Recorded, Schema};
use crate::text::value::{Fields, Record, Type, Value};
use blockgraph_model::{Entry, NodeId, Opt, Queue};
use std::sync::LazyLock;

/// The members of lists that have fields of their own.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the fields are those of the model's Entry")]
pub enum ReopenEntry {
    /// The properties that a reopen gives for one node.
    Entry {
        node: NodeId,
        keep: bool,
        read_only: Option<bool>,
        opt: Option<Opt>,
        backing: Option<Option<NodeId>>,
        file: Option<NodeId>,
    },
}

recorded! { ReopenEntry:
    Entry "entry" {
        node: Node, keep: DefaultOff, read_only "read-only": OptionalSwitch, opt: OptionalOptions,
        backing: OptionalMaybeNode, file: OptionalNode,
    }
}

impl From<Entry> for ReopenEntry {
    fn from(Entry { node, keep, read_only, opt, backing, file }: Entry) -> ReopenEntry {
        ReopenEntry::Entry { node, keep, read_only, opt, backing, file }
    }
}

impl From<ReopenEntry> for Entry {
    fn from(ReopenEntry::Entry { node, keep, read_only, opt, backing, file }: ReopenEntry) -> Entry {
        Entry { node, keep, read_only, opt, backing, file }
    }
}

/// The entries of a reopen.
pub static ENTRIES: LazyLock<ListSchema> = LazyLock::new(|| ListSchema {
    schema: ReopenEntry::schemas().swap_remove(0),
    most: Queue::MOST,
    fault: |record| ReopenEntry::from_record(record).err(),
});

/// The entries of a reopen: a list whose members have fields of their own.
#[derive(Debug)]
pub struct Entries;

impl LineField for Entries {
    type Content = Queue;

    fn columns(key: &'static str, into: &mut Vec<Column>) {
        into.push(Column { key, ty: Type::Entries, required: true, list: Some(&ENTRIES) });
    }

    fn put(content: &Queue, key: &'static str, into: &mut Fields) {
        let records = content.entries().iter().map(|&entry| ReopenEntry::from(entry).to_record()).collect();
        into.push((key, Value::Records(records)));
    }

    fn take(key: &'static str, from: &Fields) -> Result<Queue, String> {
        let Some(Value::Records(records)) = get(from, key) else {
            return Err(format!("missing key `{key}`"));
        };
        let entries = records.iter().map(|record| ReopenEntry::from_record(record).map(Entry::from));
        let entries: Vec<Entry> = entries.collect::<Result<_, _>>()?;
        Queue::new(&entries).ok_or_else(|| format!("expected 1 to {} entries", Queue::MOST))
    }
}
