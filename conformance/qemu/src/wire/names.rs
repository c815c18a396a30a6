//! How QEMU spells what the model counts: nodes, users, drivers, children, permissions.

use blockgraph_model::{ChildName, Context, Kind, NodeId, Perms, UserId};
use serde_json::{Value, json};

/// The permissions in QEMU's words, in the order of the bits; graph-mod is gone since 7.0.
pub const PERMISSIONS: [&str; 5] = ["consistent-read", "write", "write-unchanged", "resize", "graph-mod"];

/// The bits that QEMU still has.
pub const QEMU_BITS: Perms = Perms(0b1111);

/// The name of a child of a quorum whose number is 0: the model's names `file`, `backing`, `target` come before.
const FIRST_QUORUM_CHILD: u8 = 3;

/// A node's name.
pub fn node(id: NodeId) -> String {
    format!("n{}", id.0)
}

/// The node of that name.
pub fn parse_node(word: &str) -> Option<NodeId> {
    word.strip_prefix('n')?.parse().ok().map(NodeId)
}

/// The name of an export or job.
pub fn user(id: UserId) -> String {
    format!("u{}", id.main().0)
}

/// The export or job of that name.
pub fn parse_user(word: &str) -> Option<UserId> {
    word.strip_prefix('u')?.parse::<u8>().ok().map(|id| UserId(id.into()))
}

/// The iothread of a context; none for the main one.
pub fn context(context: Context) -> Value {
    if context == Context::MAIN { Value::Null } else { json!(thread(context)) }
}

/// The name of the iothread that stands for a context other than main.
pub fn thread(context: Context) -> String {
    format!("t{}", context.0)
}

/// To each kind its driver in QEMU; those that are not here QEMU has not, or offers to nobody.
const DRIVERS: [(Kind, &str); 14] = [
    (Kind::Protocol, "null-co"),
    (Kind::File, "file"),
    (Kind::Filter, "throttle"),
    (Kind::Format, "qcow2"),
    (Kind::Blkdebug, "blkdebug"),
    (Kind::Quorum, "quorum"),
    (Kind::Raw, "raw"),
    (Kind::CopyOnRead, "copy-on-read"),
    (Kind::CopyBeforeWrite, "copy-before-write"),
    (Kind::SnapshotAccess, "snapshot-access"),
    (Kind::Preallocate, "preallocate"),
    (Kind::Blkverify, "blkverify"),
    (Kind::CommitTop, "commit_top"),
    (Kind::MirrorTop, "mirror_top"),
];

/// The driver of a kind; `None`: QEMU has it not, or offers it to nobody.
pub fn driver(kind: Kind) -> Option<&'static str> {
    DRIVERS.iter().find(|(known, _)| *known == kind).map(|(_, driver)| *driver)
}

/// The kind whose driver that is. Other drivers are of these kinds as well: [`crate::wire::drivers::kind`].
pub fn kind(driver: &str) -> Option<Kind> {
    DRIVERS.iter().find(|(_, known)| *known == driver).map(|(kind, _)| *kind)
}

/// What QEMU calls a child of such a node.
pub fn child(kind: Kind, name: ChildName) -> String {
    match (kind, name) {
        (Kind::Blkdebug, ChildName::FILE) => "image".to_owned(),
        (Kind::Blkverify, ChildName::FILE) => "raw".to_owned(),
        (Kind::Blkverify, ChildName::TARGET) => "test".to_owned(),
        (_, ChildName::FILE) => "file".to_owned(),
        (_, ChildName::BACKING) => "backing".to_owned(),
        (_, ChildName::TARGET) => "target".to_owned(),
        (_, ChildName(other)) => format!("children.{}", other - FIRST_QUORUM_CHILD),
    }
}

/// The child of a quorum with that number.
pub const fn quorum_child(number: u8) -> ChildName {
    ChildName(FIRST_QUORUM_CHILD + number)
}

/// The number of a child of a quorum.
pub const fn quorum_number(name: ChildName) -> Option<u8> {
    name.0.checked_sub(FIRST_QUORUM_CHILD)
}

/// A set as a list of words.
pub fn permissions(set: Perms) -> Vec<&'static str> {
    (0..4).filter(|bit| set.0 >> bit & 1 == 1).map(|bit| PERMISSIONS[bit]).collect()
}

/// The set of these words, without graph-mod; `None` for a word that is none of them.
pub fn parse_permissions(words: &Value) -> Option<Perms> {
    let bit = |word: &Value| PERMISSIONS.iter().position(|known| word == known).map(|bit| 1 << bit);
    words.as_array()?.iter().map(bit).try_fold(0, |set, bit| Some(set | bit?)).map(|set| Perms(set) & QEMU_BITS)
}
