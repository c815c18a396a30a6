//! QEMU's names for the nodes, users, drivers, children and permissions that the model numbers.

use blockgraph_model::{ChildName, Context, Kind, NodeId, Perms, UserId};
use serde_json::{Value, json};

/// QEMU's names of the permissions, in the order of the bits. QEMU has no graph-mod since 7.0.
pub const PERMISSIONS: [&str; 5] = ["consistent-read", "write", "write-unchanged", "resize", "graph-mod"];

/// The permissions that QEMU still has.
pub const QEMU_BITS: Perms = Perms(0b1111);

/// The model's name of a quorum's child number 0. The names `file`, `backing` and `target` come before it.
const FIRST_QUORUM_CHILD: u8 = 3;

/// Returns the name of a node.
pub fn node(id: NodeId) -> String {
    format!("n{}", id.0)
}

/// Returns the node with that name.
pub fn parse_node(word: &str) -> Option<NodeId> {
    word.strip_prefix('n')?.parse().ok().map(NodeId)
}

/// Returns the name of an export or job.
pub fn user(id: UserId) -> String {
    format!("u{}", id.main().0)
}

/// Returns the export or job with that name.
pub fn parse_user(word: &str) -> Option<UserId> {
    word.strip_prefix('u')?.parse::<u8>().ok().map(|id| UserId(id.into()))
}

/// Returns the iothread of a context; null for the main context.
pub fn context(context: Context) -> Value {
    if context == Context::MAIN { Value::Null } else { json!(thread(context)) }
}

/// Returns the name of the iothread for a context other than main.
pub fn thread(context: Context) -> String {
    format!("t{}", context.0)
}

/// QEMU's driver for each kind. Kinds that are missing here have no driver in QEMU, or none that QMP offers.
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

/// Returns the driver of a kind; `None` if QEMU has none, or none that QMP offers.
pub fn driver(kind: Kind) -> Option<&'static str> {
    DRIVERS.iter().find(|(known, _)| *known == kind).map(|(_, driver)| *driver)
}

/// Returns the kind of a driver in this table. More drivers have these kinds: [`crate::wire::drivers::kind`].
pub fn kind(driver: &str) -> Option<Kind> {
    DRIVERS.iter().find(|(_, known)| *known == driver).map(|(kind, _)| *kind)
}

/// Returns QEMU's name of a child below a node of that kind.
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

/// Returns the model's name of the quorum child with that number.
pub const fn quorum_child(number: u8) -> ChildName {
    ChildName(FIRST_QUORUM_CHILD + number)
}

/// Returns the number of a quorum child.
pub const fn quorum_number(name: ChildName) -> Option<u8> {
    name.0.checked_sub(FIRST_QUORUM_CHILD)
}

/// Returns the permissions as a list of words.
pub fn permissions(set: Perms) -> Vec<&'static str> {
    (0..4).filter(|bit| set.0 >> bit & 1 == 1).map(|bit| PERMISSIONS[bit]).collect()
}

/// Returns the permissions of a list of words, without graph-mod; `None` if a word is unknown.
pub fn parse_permissions(words: &Value) -> Option<Perms> {
    let bit = |word: &Value| PERMISSIONS.iter().position(|known| word == known).map(|bit| 1 << bit);
    words.as_array()?.iter().map(bit).try_fold(0, |set, bit| Some(set | bit?)).map(|set| Perms(set) & QEMU_BITS)
}
