//! The vocabulary: names, driver kinds, roles, operations, errors. These are data only; `specs/operations.md` says what
//! they mean.

mod blocked;
mod error;
mod kind;
mod names;
mod open;
mod queue;
mod room;

pub use blocked::{OpKind, OpKinds};
pub use error::{Hook, Refusal, StepError, Violation};
pub use kind::{Kind, Opt, Phase, Slot};
pub use open::{Below, Layer, Opening};
pub use queue::{Entry, Queue};

use crate::perm::Pair;
use arrayvec::ArrayVec;
use std::fmt;
use std::ops::BitOr;

/// A node's name, as an index into a table of strings that only the text form knows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u8);

/// A root user's name. The lower byte is a name in the table of strings; the upper byte numbers the further users of
/// the job with that name (J3), and is 0 for all other users.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub u16);

impl UserId {
    /// Returns the user with the table's name: a job's main user, or the user itself.
    pub const fn main(self) -> UserId {
        UserId(self.0 & 0xFF)
    }

    /// Returns the number of a job's further user; 0 for all other users.
    pub const fn further_number(self) -> u8 {
        (self.0 >> 8) as u8
    }

    /// Returns the further user with this number (J3).
    pub const fn further(self, number: u8) -> UserId {
        UserId(self.0 & 0xFF | (number as u16) << 8)
    }
}

/// The name of a child edge.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChildName(pub u8);

impl ChildName {
    /// The name that QEMU gives the child in slot *file*.
    pub const FILE: ChildName = ChildName(0);
    /// The name that QEMU gives the child in slot *backing*.
    pub const BACKING: ChildName = ChildName(1);
    /// The name of the target of a backup (O46).
    pub const TARGET: ChildName = ChildName(2);
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.further_number() {
            0 => write!(f, "u{}", self.main().0),
            part => write!(f, "u{}#{part}", self.main().0),
        }
    }
}

impl fmt::Debug for ChildName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            ChildName::FILE => f.write_str("file"),
            ChildName::BACKING => f.write_str("backing"),
            ChildName::TARGET => f.write_str("target"),
            ChildName(other) => write!(f, "c{other}"),
        }
    }
}

/// The role of an edge: a set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Role(pub u8);

impl Role {
    /// Guest data.
    pub const DATA: Role = Role(1);
    /// Metadata of the format.
    pub const METADATA: Role = Role(2);
    /// The child that a filter filters.
    pub const FILTERED: Role = Role(4);
    /// A backing image, from which data are copied on write.
    pub const COW: Role = Role(8);
    /// The main child.
    pub const PRIMARY: Role = Role(16);
    /// Letters in the order of the bits.
    pub const LETTERS: [char; 5] = ['d', 'm', 'f', 'c', 'p'];

    /// Returns whether the set contains all of `other`.
    pub const fn has(self, other: Role) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Role {
    type Output = Role;
    fn bitor(self, other: Role) -> Role {
        Role(self.0 | other.0)
    }
}

impl fmt::Debug for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..5).filter(|bit| self.0 >> bit & 1 == 1).try_for_each(|bit| write!(f, "{}", Self::LETTERS[bit]))
    }
}

/// The flags of a node (S0).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Flags {
    /// No parent may write to it.
    pub read_only: bool,
    /// Edges from nodes to it share everything.
    pub force_share: bool,
    /// Opened without I/O.
    pub no_io: bool,
    /// No edge to it may be frozen.
    pub never_freeze: bool,
    /// A filter that was inserted without a request (S0).
    pub implicit: bool,
    /// The image belongs to another process at present (A1).
    pub inactive: bool,
}

impl Flags {
    /// No flags.
    pub const NONE: Flags = Flags {
        read_only: false,
        force_share: false,
        no_io: false,
        never_freeze: false,
        implicit: false,
        inactive: false,
    };
}

/// The description of a new node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Spec {
    /// Its driver.
    pub kind: Kind,
    /// Its driver's options.
    pub opt: Opt,
    /// Its flags.
    pub flags: Flags,
}

impl Spec {
    /// Describes a writable node of this kind with the kind's default options.
    pub const fn plain(kind: Kind) -> Spec {
        Spec { kind, opt: kind.default_opt(), flags: Flags::NONE }
    }

    /// Makes it read-only.
    pub const fn read_only(mut self) -> Spec {
        self.flags.read_only = true;
        self
    }
}

/// A context (C1): a thread that does I/O.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Context(pub u8);

impl Context {
    /// The context in which every node begins.
    pub const MAIN: Context = Context(0);
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ctx{}", self.0)
    }
}

/// The flags of a root user (S0).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct UserFlags {
    /// Replace-node leaves the user at its node (S5).
    pub stay: bool,
    /// Its node may be inactivated although the user wants more than R (O36).
    pub may_inactivate: bool,
    /// Its context never changes (C1).
    pub fixed: bool,
}

impl UserFlags {
    /// No flags.
    pub const NONE: UserFlags = UserFlags { stay: false, may_inactivate: false, fixed: false };
    /// Only `stay`.
    pub const STAY: UserFlags = UserFlags { stay: true, ..UserFlags::NONE };
}

/// What an operation does to a job (J1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Act {
    /// The job starts, and is held.
    #[default]
    Start,
    /// The job has done its work.
    Finish,
    /// The job is given up.
    Cancel,
}

impl Act {
    /// All three.
    pub const EVERY: [Act; 3] = [Act::Start, Act::Finish, Act::Cancel];
}

/// One operation: O1 to O18 and O20 to O46. A transaction (O19) is a slice of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs, reason = "each variant is a heading of specs/operations.md, its fields are that heading's words")]
pub enum Op {
    Add {
        node: NodeId,
        spec: Spec,
    },
    Release {
        node: NodeId,
    },
    AttachUser {
        user: UserId,
        node: NodeId,
        pair: Pair,
        user_flags: UserFlags,
        context: Option<Context>,
    },
    DetachUser {
        user: UserId,
    },
    SetUser {
        user: UserId,
        pair: Pair,
    },
    Attach {
        parent: NodeId,
        child: NodeId,
        name: ChildName,
        role: Role,
    },
    Detach {
        parent: NodeId,
        name: ChildName,
    },
    SetBacking {
        node: NodeId,
        to: Option<NodeId>,
    },
    SetFile {
        node: NodeId,
        to: NodeId,
    },
    ReplaceNode {
        from: NodeId,
        to: NodeId,
    },
    ReplaceChild {
        parent: NodeId,
        name: ChildName,
        to: NodeId,
    },
    ReplaceUserChild {
        user: UserId,
        to: NodeId,
    },
    Append {
        new: NodeId,
        top: NodeId,
        store: bool,
    },
    Insert {
        new: NodeId,
        spec: Spec,
        top: NodeId,
    },
    DropFilter {
        filter: NodeId,
    },
    Freeze {
        top: NodeId,
        base: Option<NodeId>,
    },
    Thaw {
        top: NodeId,
        base: Option<NodeId>,
    },
    SetOption {
        node: NodeId,
        opt: Opt,
    },
    SetReadOnly {
        node: NodeId,
        on: bool,
    },
    Hold {
        node: NodeId,
    },
    Delete {
        node: NodeId,
    },
    Eject {
        node: NodeId,
    },
    OpenChild {
        parent: NodeId,
        node: NodeId,
        spec: Spec,
        name: ChildName,
        role: Role,
    },
    DropIntermediate {
        top: NodeId,
        base: NodeId,
        name: Option<NodeId>,
    },
    Reopen {
        queue: Queue,
    },
    Snapshot {
        node: NodeId,
        overlay: NodeId,
    },
    Block {
        user: UserId,
        kinds: OpKinds,
    },
    Unblock {
        user: UserId,
        kinds: OpKinds,
    },
    CheckOp {
        node: NodeId,
        kind: OpKind,
    },
    CheckReplace {
        parent: NodeId,
        node: NodeId,
    },
    DrainBegin {
        node: NodeId,
    },
    DrainEnd {
        node: NodeId,
    },
    DrainAllBegin {},
    DrainAllEnd {},
    MoveContext {
        node: NodeId,
        to: Context,
    },
    Inactivate {
        node: NodeId,
    },
    Activate {
        node: NodeId,
    },
    Truncate {
        user: UserId,
        unaligned: bool,
    },
    AddChild {
        parent: NodeId,
        child: NodeId,
        name: ChildName,
    },
    RemoveChild {
        parent: NodeId,
        name: ChildName,
    },
    Open {
        node: NodeId,
        layer: Layer,
        file: Option<Below>,
        backing: Option<NodeId>,
        overlay: Option<NodeId>,
        probe: bool,
    },
    Stream {
        act: Act,
        job: UserId,
        node: NodeId,
        bottom: NodeId,
        filter: NodeId,
    },
    Commit {
        act: Act,
        job: UserId,
        top: NodeId,
        base: NodeId,
        filter: NodeId,
        name: Option<NodeId>,
    },
    CommitActive {
        act: Act,
        job: UserId,
        top: NodeId,
        base: NodeId,
        filter: NodeId,
    },
    Mirror {
        act: Act,
        job: UserId,
        source: NodeId,
        target: NodeId,
        filter: NodeId,
    },
    Backup {
        act: Act,
        job: UserId,
        source: NodeId,
        target: NodeId,
        filter: NodeId,
    },
}

impl Op {
    /// The verbs of the text form, in the order of the variants.
    pub const VERBS: [&'static str; 46] = [
        "add",
        "release",
        "attach-user",
        "detach-user",
        "set-user",
        "attach",
        "detach",
        "set-backing",
        "set-file",
        "replace-node",
        "replace-child",
        "replace-user-child",
        "append",
        "insert",
        "drop-filter",
        "freeze",
        "thaw",
        "set-option",
        "set-read-only",
        "hold",
        "delete",
        "eject",
        "open-child",
        "drop-intermediate",
        "reopen",
        "snapshot",
        "block",
        "unblock",
        "check-op",
        "check-replace",
        "drain-begin",
        "drain-end",
        "drain-all-begin",
        "drain-all-end",
        "move-context",
        "inactivate",
        "activate",
        "truncate",
        "add-child",
        "remove-child",
        "open",
        "stream",
        "commit",
        "commit-active",
        "mirror",
        "backup",
    ];

    /// Returns the index of the variant.
    pub const fn index(&self) -> usize {
        match self {
            Op::Add { .. } => 0,
            Op::Release { .. } => 1,
            Op::AttachUser { .. } => 2,
            Op::DetachUser { .. } => 3,
            Op::SetUser { .. } => 4,
            Op::Attach { .. } => 5,
            Op::Detach { .. } => 6,
            Op::SetBacking { .. } => 7,
            Op::SetFile { .. } => 8,
            Op::ReplaceNode { .. } => 9,
            Op::ReplaceChild { .. } => 10,
            Op::ReplaceUserChild { .. } => 11,
            Op::Append { .. } => 12,
            Op::Insert { .. } => 13,
            Op::DropFilter { .. } => 14,
            Op::Freeze { .. } => 15,
            Op::Thaw { .. } => 16,
            Op::SetOption { .. } => 17,
            Op::SetReadOnly { .. } => 18,
            Op::Hold { .. } => 19,
            Op::Delete { .. } => 20,
            Op::Eject { .. } => 21,
            Op::OpenChild { .. } => 22,
            Op::DropIntermediate { .. } => 23,
            Op::Reopen { .. } => 24,
            Op::Snapshot { .. } => 25,
            Op::Block { .. } => 26,
            Op::Unblock { .. } => 27,
            Op::CheckOp { .. } => 28,
            Op::CheckReplace { .. } => 29,
            Op::DrainBegin { .. } => 30,
            Op::DrainEnd { .. } => 31,
            Op::DrainAllBegin {} => 32,
            Op::DrainAllEnd {} => 33,
            Op::MoveContext { .. } => 34,
            Op::Inactivate { .. } => 35,
            Op::Activate { .. } => 36,
            Op::Truncate { .. } => 37,
            Op::AddChild { .. } => 38,
            Op::RemoveChild { .. } => 39,
            Op::Open { .. } => 40,
            Op::Stream { .. } => 41,
            Op::Commit { .. } => 42,
            Op::CommitActive { .. } => 43,
            Op::Mirror { .. } => 44,
            Op::Backup { .. } => 45,
        }
    }

    /// Returns the names of the nodes that the operation makes.
    pub fn makes(&self) -> ArrayVec<NodeId, 3> {
        match *self {
            Op::Add { node, .. } | Op::OpenChild { node, .. } | Op::Insert { new: node, .. } => {
                [node].into_iter().collect()
            }
            Op::Open { node, file, overlay, .. } => {
                let below = file.and_then(|file| file.opened).map(|_| file.map_or(node, |file| file.node));
                [Some(node), below, overlay].into_iter().flatten().collect()
            }
            Op::Stream { act: Act::Start, filter, .. }
            | Op::Commit { act: Act::Start, filter, .. }
            | Op::CommitActive { act: Act::Start, filter, .. }
            | Op::Mirror { act: Act::Start, filter, .. }
            | Op::Backup { act: Act::Start, filter, .. } => [filter].into_iter().collect(),
            _ => ArrayVec::new(),
        }
    }
}

/// An edge, named by its parent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum EdgeId {
    /// A node's child.
    Child(NodeId, ChildName),
    /// A root user's edge.
    User(UserId),
}
