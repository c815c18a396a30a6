//! The tables of verbs and their fields. A new operation or error needs one line here and nothing else in this folder.

use crate::text::columns::{Declared, LineField};

/// The field types that the tables name.
mod codec {
    pub use crate::text::columns::*;
    pub use crate::text::entries::Entries;
    pub use crate::text::job_columns::*;
}

use crate::text::recorded::{recorded, word};
use crate::text::schema::{Recorded, Schema};
use crate::text::value::Record;
use blockgraph_model::op::Flags;
use blockgraph_model::{
    ChildName, Context, EdgeId, Hook, Kind, NodeId, Op, OpKinds, Opt, Pair, Perms, Role, StepError, UserId, Violation,
};
use std::sync::LazyLock;

recorded! { Op:
    Add "add" { node: NewNode, spec: NodeSpec }
    Release "release" { node: Node }
    AttachUser "attach-user" { user: NewUser, node: Node, pair: Pair, user_flags: UserFlags, context: OptionalContext }
    DetachUser "detach-user" { user: User }
    SetUser "set-user" { user: User, pair: Pair }
    Attach "attach" { parent: Node, child: Node, name: Child, role: Role }
    Detach "detach" { parent: Node, name: Child }
    SetBacking "set-backing" { node: Node, to: MaybeNode }
    SetFile "set-file" { node: Node, to: Node }
    ReplaceNode "replace-node" { from: Node, to: Node }
    ReplaceChild "replace-child" { parent: Node, name: Child, to: Node }
    ReplaceUserChild "replace-user-child" { user: User, to: Node }
    Append "append" { new: Node, top: Node, store: DefaultOff }
    Insert "insert" { new: NewNode, spec: NodeSpec, top: Node }
    DropFilter "drop-filter" { filter: Node }
    Freeze "freeze" { top: Node, base: MaybeNode }
    Thaw "thaw" { top: Node, base: MaybeNode }
    SetOption "set-option" { node: Node, opt: Options }
    SetReadOnly "set-read-only" { node: Node, on "value": Switch }
    Hold "hold" { node: Node }
    Delete "delete" { node: Node }
    Eject "eject" { node: Node }
    OpenChild "open-child" { parent: Node, node: NewNode, spec: NodeSpec, name: Child, role: Role }
    DropIntermediate "drop-intermediate" { top: Node, base: Node, name: OptionalNode }
    Reopen "reopen" { queue: Entries }
    Snapshot "snapshot" { node: Node, overlay: Node }
    Block "block" { user: User, kinds: OpKinds }
    Unblock "unblock" { user: User, kinds: OpKinds }
    CheckOp "check-op" { node: Node, kind: OpKind }
    CheckReplace "check-replace" { parent: Node, node: Node }
    DrainBegin "drain-begin" { node: Node }
    DrainEnd "drain-end" { node: Node }
    DrainAllBegin "drain-all-begin" {}
    DrainAllEnd "drain-all-end" {}
    MoveContext "move-context" { node: Node, to: Context }
    Inactivate "inactivate" { node: Node }
    Activate "activate" { node: Node }
    Truncate "truncate" { user: User, unaligned: Switch }
    AddChild "add-child" { parent: Node, child: Node, name: Child }
    RemoveChild "remove-child" { parent: Node, name: Child }
    Open "open" {
        node: NewNode, layer: KindAndFlags, file: Below, backing: OptionalNode, overlay: OptionalNewNode,
        probe: DefaultOff,
    }
    Stream "stream" { act: Act, job: NewUser, node: Node, bottom: Node, filter: NewNode }
    Commit "commit" { act: Act, job: NewUser, top: Node, base: Node, filter: NewNode, name: OptionalNode }
    CommitActive "commit-active" { act: Act, job: NewUser, top: Node, base: Node, filter: NewNode }
    Mirror "mirror" { act: Act, job: NewUser, source: Node, target: Node, filter: NewNode }
    Backup "backup" { act: Act, job: NewUser, source: Node, target: Node, filter: NewNode }
}

recorded! { StepError:
    NodeNotFound { node: Node }
    UserNotFound { user: User }
    ChildNotFound { parent: Node, name: Child }
    DuplicateNode { node: Node }
    DuplicateUser { user: User }
    DuplicateChild { parent: Node, name: Child }
    ForceShareWritable { node: Node }
    OptionUnsupported { node: Node }
    NoHolder { node: Node }
    NoChildren { parent: Node }
    BadRole { parent: Node, role: Role }
    RoleUnsupported { parent: Node, role: Role }
    SlotTaken { parent: Node, slot: Slot }
    FilterNeedsChild { filter: Node }
    Frozen { edge: Edge }
    NotFrozen { edge: Edge }
    NeverFreeze { edge: Edge }
    BackingUnsupported { node: Node }
    FileUnsupported { node: Node }
    NoFileChild { node: Node }
    SameNode { node: Node }
    NotInChain { top: Node, base: MaybeNode }
    NotAFilter { node: Node }
    NoFilteredChild { filter: Node }
    NodeCorrupted { node: Node }
    HasUser { node: Node, user: User }
    Blocked { node: Node, kind: OpKind, by: Edge }
    NotBlocked { user: User }
    NotMonitorOwned { node: Node }
    InUse { node: Node }
    ShouldNotChange { edge: Edge }
    BackingMissing { node: Node }
    ImplicitChild { edge: Edge }
    CannotReplace { parent: Node, node: Node }
    NotDrained { node: Node }
    NotDrainedAll {}
    ActiveParent { edge: Edge }
    UserActive { user: User }
    NoResize { user: User }
    ChildrenFixed { parent: Node }
    HasParent { node: Node, edge: Edge }
    LastChild { parent: Node }
    ProbeDenied { node: Node, denies: Edge }
}

recorded! { Violation:
    Cycle { edge: Edge }
    Conflict { node: Node, needs: Edge, denies: Edge }
    ReadOnly { node: Node }
    InactiveChild { edge: Edge }
    InactiveNode { node: Node }
    ContextClash { user: User, other: User }
    ContextFixed { node: Node, user: User }
}

/// The answers that are neither the error of a step nor a violation.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the fields are those of subject::Effects")]
#[allow(clippy::large_enum_variant, reason = "one is created for each answer, and none are stored in bulk")]
pub enum AnswerRecord {
    /// The operation took effect.
    Ok {
        prepare: Vec<NodeId>,
        rename: Vec<NodeId>,
        inactivate: Vec<NodeId>,
        context: Vec<(NodeId, Context)>,
        check: Vec<NodeId>,
        activate: Vec<NodeId>,
        quiesce: Vec<NodeId>,
        resume: Vec<NodeId>,
        closed: Vec<NodeId>,
    },
    /// A driver refused.
    Refused { node: NodeId, hook: Hook },
}

recorded! { AnswerRecord:
    Ok "ok" {
        prepare: Nodes, rename: Nodes, inactivate: NodeSet, context: Moves, check: NodeSet, activate: NodeSet,
        quiesce: NodeSet, resume: NodeSet, closed: Nodes,
    }
    Refused { node: Node, hook: Hook }
}

/// The lines that prepare an operation.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the fields are those of the line")]
pub enum Directive {
    /// T13: an injected refusal.
    Refuse { node: NodeId, hook: Hook },
    /// T4: a name that is known from here on.
    Name { declared: Declared },
}

recorded! { Directive:
    Refuse "refuse" { node: Node, hook: Hook }
    Name "name" { declared: OneName }
}

/// What can be observed of a graph (T15). A line of an `expect graph` block is part of one of these.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the fields are those of subject::Observation")]
pub enum GraphLine {
    /// The nodes and users of the graph.
    Graph { nodes: Vec<NodeId>, users: Vec<UserId>, drain_alls: u32 },
    /// A node.
    Node {
        node: NodeId,
        kind: Kind,
        flags: Flags,
        opt: Opt,
        monitor: bool,
        holders: u32,
        context: Context,
        sections: u32,
        quiesce: u32,
        driver: bool,
        inherits: Option<NodeId>,
        own_read_only: bool,
        stored: Option<NodeId>,
        pair: Pair,
        stale: bool,
        granted_need: Perms,
        granted_share: Perms,
        granted_writable: bool,
        parents: Vec<EdgeId>,
        children: Vec<ChildName>,
    },
    /// An edge from a node.
    Edge { edge: EdgeId, to: NodeId, role: Role, pair: Pair, frozen: bool },
    /// A root user.
    User {
        user: UserId,
        node: NodeId,
        pair: Pair,
        wanted_need: Perms,
        wanted_share: Perms,
        stay: bool,
        may_inactivate: bool,
        fixed: bool,
        context: Context,
        quiesced: bool,
        blocks: OpKinds,
    },
    /// A node that does not exist.
    Absent { node: NodeId },
}

recorded! { GraphLine:
    Graph "graph" { nodes: NodeSet, users: UserSet, drain_alls "drain-alls": Number }
    Node "node" {
        node: Node, kind: Kind, flags: Flags, opt: Options, monitor: Switch, holders: Number, context: Context,
        sections: Number, quiesce: Number, driver: Switch, inherits: MaybeNode, own_read_only "own-read-only": Switch,
        stored: MaybeNode, pair: Pair, stale: Switch,
        granted_need "granted-need": Perms, granted_share "granted-share": Perms,
        granted_writable "granted-writable": Switch, parents: Edges, children: Children,
    }
    Edge "edge" { edge: Edge, to: Node, role: Role, pair: Pair, frozen: Switch }
    User "user" {
        user: User, node: Node, pair: Pair, wanted_need "wanted-need": Perms, wanted_share "wanted-share": Perms,
        stay: Switch, may_inactivate "may-inactivate": Switch, fixed: Switch, context: Context, quiesced: Switch,
        blocks: OpKinds,
    }
    Absent "absent" { node: Node }
}

/// The operations' fields.
pub static OPS: LazyLock<Vec<Schema>> = LazyLock::new(Op::schemas);

/// The fields of `refuse` and `name`.
pub static DIRECTIVES: LazyLock<Vec<Schema>> = LazyLock::new(Directive::schemas);

/// The fields of the answers; none is required. A step's error also has `at`.
pub static ANSWERS: LazyLock<Vec<Schema>> = LazyLock::new(|| {
    let mut steps = StepError::schemas();
    steps.iter_mut().for_each(|schema| codec::Number::columns("at", &mut schema.columns));
    let all = AnswerRecord::schemas().into_iter().chain(steps).chain(Violation::schemas());
    all.map(|schema| schema.partial(0)).collect()
});

/// The fields of the lines of an `expect graph` block. A line about a node, an edge or a user must name it. All
/// other fields are optional.
pub static GRAPH_LINES: LazyLock<Vec<Schema>> = LazyLock::new(|| {
    let required = |schema: &Schema| usize::from(schema.verb != "graph");
    GraphLine::schemas()
        .into_iter()
        .map(|schema| {
            let kept = required(&schema);
            schema.partial(kept)
        })
        .collect()
});
