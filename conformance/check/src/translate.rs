//! Translates between the model's names and the crate's keys and types. No other file knows both.

use blockgraph::drivers::{
    BackingFilter, Blkdebug, Blkverify, CommitTop, CopyBeforeWrite, CopyOnRead, ExclusiveWriter, File, Filter, Format,
    MirrorTop, NoPermission, Preallocate, Protocol, Quorum, Raw, Replication, SnapshotAccess, Vvfat, WriteToSelected,
};
use blockgraph::{
    ContextId, DriverOption, EdgeRef, ErrorKind, MirrorPhase, NodeKey, NodeSpec, NodeView, Permissions, Policy, Preset,
    Reopen, Shape, UserKey, UserSpec,
};
use blockgraph_model::op::Flags;
use blockgraph_model::{
    ChildName, Context, EdgeId, Entry, Grant, Hook, Kind, NodeId, OpKind, OpKinds, Opt, Pair, Perms, Phase, Refusal,
    Role, Slot, Spec, StepError, UserFlags, UserId, Violation,
};
use slotmap::{Key, KeyData};
use std::sync::{Arc, LazyLock};

/// The names of nodes, users and children in the crate by index, and the reasons with which users block operations.
struct NameTables {
    nodes: Vec<Arc<str>>,
    users: Vec<Arc<str>>,
    children: Vec<Arc<str>>,
    reasons: Vec<Arc<str>>,
}

static NAME_TABLES: LazyLock<NameTables> = LazyLock::new(|| {
    let all = |prefix: char| (0..256).map(|i| format!("{prefix}{i}").into()).collect::<Vec<Arc<str>>>();
    let mut children = all('c');
    (children[0], children[1], children[2]) = ("file".into(), "backing".into(), "target".into());
    let reasons = (0..256).map(|i| format!("u{i} says so").into()).collect();
    NameTables { nodes: all('n'), users: all('u'), children, reasons }
});

/// Returns a node's name in the crate.
pub fn node_name(id: NodeId) -> Arc<str> {
    NAME_TABLES.nodes[id.0 as usize].clone()
}

/// Returns a user's name in the crate.
pub fn user_name(id: UserId) -> Arc<str> {
    let name = &NAME_TABLES.users[usize::from(id.main().0)];
    if id.further_number() == 0 { name.clone() } else { format!("{name}#{}", id.further_number()).into() }
}

/// Returns a child's name in the crate.
pub fn child_name(name: ChildName) -> &'static Arc<str> {
    &NAME_TABLES.children[name.0 as usize]
}

/// Returns the reason that a user gives when it blocks an operation.
pub fn reason(id: UserId) -> &'static Arc<str> {
    &NAME_TABLES.reasons[usize::from(id.main().0)]
}

/// Returns whether a user may give this reason: its own, or that of a job (J3).
pub fn is_known_reason(id: UserId, said: &str) -> bool {
    const KINDS: [&str; 4] = ["stream", "commit", "mirror", "backup"];
    let job = said.strip_prefix("block device is in use by block job: ");
    *said == **reason(id) || job.is_some_and(|kind| KINDS.contains(&kind))
}

fn number(name: &str) -> Option<u8> {
    name.get(1..)?.parse().ok()
}

/// Returns the node with this name.
pub fn node_id(name: &str) -> Option<NodeId> {
    number(name).map(NodeId)
}

/// Returns the user with this name.
pub fn user_id(name: &str) -> Option<UserId> {
    let (name, part) = match name.split_once('#') {
        Some((name, part)) => (name, part.parse().ok().filter(|part| *part > 0)?),
        None => (name, 0),
    };
    number(name).map(|number| UserId(number.into()).further(part))
}

/// Returns the child with this name.
pub fn child_id(name: &str) -> Option<ChildName> {
    match name {
        "file" => Some(ChildName::FILE),
        "backing" => Some(ChildName::BACKING),
        "target" => Some(ChildName::TARGET),
        other => number(other).map(ChildName),
    }
}

/// Returns the stored backing name of a node. The tests store only names of nodes.
pub fn stored_backing(view: &NodeView<'_>) -> Option<NodeId> {
    view.stored_backing().and_then(|name| node_id(name))
}

/// The keys of the model's names. A name that was never given a key has one that is not valid.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keys {
    nodes: Vec<NodeKey>,
    users: Vec<UserKey>,
    /// The keys of further users of jobs, which are few.
    further: Vec<(UserId, UserKey)>,
}

impl Keys {
    /// Returns keys for that many names, none of them valid.
    pub fn dangling(nodes: usize, users: usize) -> Keys {
        // The slot has version 1 and an index far beyond any slot in use.
        let key = |i: usize| KeyData::from_ffi(1 << 32 | (0x00F0_0000 + i as u64));
        Keys {
            nodes: (0..nodes).map(|i| NodeKey::from(key(i))).collect(),
            users: (0..users).map(|i| UserKey::from(key(i))).collect(),
            further: Vec::new(),
        }
    }

    /// Gives every name a key that is not valid.
    pub fn forget(&mut self) {
        *self = Keys::dangling(self.nodes.len(), self.users.len());
    }

    /// Returns the key of a node.
    pub fn node(&self, id: NodeId) -> NodeKey {
        self.nodes[id.0 as usize]
    }

    /// Returns the key of a user.
    pub fn user(&self, id: UserId) -> UserKey {
        if id.further_number() > 0 {
            let known = self.further.iter().find(|(known, _)| *known == id);
            return known.map_or_else(|| unknown_user_key(id), |(_, key)| *key);
        }
        self.users[usize::from(id.0)]
    }

    /// Sets the key of a node.
    pub fn set_node(&mut self, id: NodeId, key: NodeKey) {
        self.nodes[id.0 as usize] = key;
    }

    /// Sets the key of a user.
    pub fn set_user(&mut self, id: UserId, key: UserKey) {
        if id.further_number() == 0 {
            self.users[usize::from(id.0)] = key;
            return;
        }
        self.further.retain(|(known, _)| *known != id);
        self.further.push((id, key));
    }

    /// Returns the node that has this key.
    pub fn node_of(&self, key: NodeKey) -> Option<NodeId> {
        self.nodes.iter().position(|k| *k == key).map(|i| NodeId(i as u8))
    }

    /// Returns the user that has this key.
    pub fn user_of(&self, key: UserKey) -> Option<UserId> {
        let further = || self.further.iter().find(|(_, known)| *known == key).map(|(id, _)| *id);
        self.users
            .iter()
            .position(|k| *k == key)
            .map(|i| UserId(i as u16))
            .or_else(further)
            .or_else(|| unknown_user(key))
    }

    /// Becomes a copy of `other` without allocating.
    pub fn copy_from(&mut self, other: &Keys) {
        self.nodes.copy_from_slice(&other.nodes);
        self.users.copy_from_slice(&other.users);
        self.further.clone_from(&other.further);
    }
}

/// The first key for further users of jobs that never existed, below the keys of names.
const FIRST_UNKNOWN_USER: u64 = 1 << 32 | 0x00E0_0000;

/// Returns the key that stands for a further user of a job that never existed.
fn unknown_user_key(id: UserId) -> UserKey {
    UserKey::from(KeyData::from_ffi(FIRST_UNKNOWN_USER + u64::from(id.0)))
}

/// Returns the user for which such a key stands.
fn unknown_user(key: UserKey) -> Option<UserId> {
    let place = key.data().as_ffi().checked_sub(FIRST_UNKNOWN_USER)?;
    u16::try_from(place).ok().map(UserId)
}

/// Translates a set of permissions to the crate.
pub fn permissions(perms: Perms) -> Permissions {
    Permissions::from_bits_truncate(perms.0)
}

/// Translates a pair to the crate.
pub fn pair(pair: Pair) -> blockgraph::Pair {
    blockgraph::Pair { need: permissions(pair.need), share: permissions(pair.share) }
}

/// Translates a pair from the crate.
pub fn pair_back(pair: blockgraph::Pair) -> Pair {
    Pair::new(Perms(pair.need.bits()), Perms(pair.share.bits()))
}

/// Translates a grant from the crate.
pub fn grant_back(grant: blockgraph::Grant) -> Grant {
    Grant { pair: pair_back(grant.pair), writable: grant.writable }
}

/// Translates a role to the crate.
pub fn role(role: Role) -> blockgraph::Role {
    blockgraph::Role::from_bits_truncate(role.0)
}

/// Translates a role from the crate.
pub fn role_back(role: blockgraph::Role) -> Role {
    Role(role.bits())
}

/// Returns the driver of this kind with its default options.
pub fn preset(kind: Kind) -> Preset {
    match kind {
        Kind::Protocol => Protocol.into(),
        Kind::Filter => Filter.into(),
        Kind::BackingFilter => BackingFilter.into(),
        Kind::Format => Format.into(),
        Kind::ExclusiveWriter => ExclusiveWriter.into(),
        Kind::NoPermission => NoPermission.into(),
        Kind::WriteToSelected => WriteToSelected { selected: None }.into(),
        Kind::Blkdebug => Blkdebug { take: Permissions::NONE, unshare: Permissions::NONE }.into(),
        Kind::Quorum => Quorum { rewrite: false }.into(),
        Kind::Raw => Raw.into(),
        Kind::CopyOnRead => CopyOnRead.into(),
        Kind::CopyBeforeWrite => CopyBeforeWrite.into(),
        Kind::SnapshotAccess => SnapshotAccess.into(),
        Kind::Preallocate => Preallocate.into(),
        Kind::CommitTop => CommitTop.into(),
        Kind::MirrorTop => MirrorTop { phase: MirrorPhase::Mirror }.into(),
        Kind::Blkverify => Blkverify.into(),
        Kind::Replication => Replication.into(),
        Kind::Vvfat => Vvfat.into(),
        Kind::File => File { unaligned: false }.into(),
    }
}

/// Translates options to the crate. No driver of the crate has `Opt::None` as an option.
pub fn option(opt: Opt) -> DriverOption {
    match opt {
        Opt::None => DriverOption::Other { key: "none".into(), value: "".into() },
        Opt::Debug { take, unshare } => DriverOption::Debug { take: permissions(take), unshare: permissions(unshare) },
        Opt::Rewrite(on) => DriverOption::Rewrite(on),
        Opt::Select(name) => DriverOption::Select(name.map(|n| child_name(n).clone())),
        Opt::Phase(phase) => DriverOption::Phase(mirror_phase(phase)),
        Opt::Unaligned(on) => DriverOption::Unaligned(on),
    }
}

/// The phases of a mirror on both sides.
const PHASES: [(Phase, MirrorPhase); 3] = [
    (Phase::Mirror, MirrorPhase::Mirror),
    (Phase::Commit, MirrorPhase::Commit),
    (Phase::Stopped, MirrorPhase::Stopped),
];

fn mirror_phase(phase: Phase) -> MirrorPhase {
    PHASES.iter().find(|(ours, _)| *ours == phase).map_or(MirrorPhase::Mirror, |(_, its)| *its)
}

/// Returns the kind and the options of a driver.
pub fn preset_back(preset: &Preset) -> Option<(Kind, Opt)> {
    Some(match preset {
        Preset::Protocol(_) => (Kind::Protocol, Opt::None),
        Preset::Filter(_) => (Kind::Filter, Opt::None),
        Preset::BackingFilter(_) => (Kind::BackingFilter, Opt::None),
        Preset::Format(_) => (Kind::Format, Opt::None),
        Preset::ExclusiveWriter(_) => (Kind::ExclusiveWriter, Opt::None),
        Preset::NoPermission(_) => (Kind::NoPermission, Opt::None),
        Preset::WriteToSelected(driver) => match &driver.selected {
            None => (Kind::WriteToSelected, Opt::Select(None)),
            Some(name) => (Kind::WriteToSelected, Opt::Select(Some(child_id(name)?))),
        },
        Preset::Blkdebug(driver) => {
            let (take, unshare) = (Perms(driver.take.bits()), Perms(driver.unshare.bits()));
            (Kind::Blkdebug, Opt::Debug { take, unshare })
        }
        Preset::Quorum(driver) => (Kind::Quorum, Opt::Rewrite(driver.rewrite)),
        Preset::Raw(_) => (Kind::Raw, Opt::None),
        Preset::CopyOnRead(_) => (Kind::CopyOnRead, Opt::None),
        Preset::CopyBeforeWrite(_) => (Kind::CopyBeforeWrite, Opt::None),
        Preset::SnapshotAccess(_) => (Kind::SnapshotAccess, Opt::None),
        Preset::Preallocate(_) => (Kind::Preallocate, Opt::None),
        Preset::CommitTop(_) => (Kind::CommitTop, Opt::None),
        Preset::MirrorTop(driver) => {
            let phase = PHASES.iter().find(|(_, its)| *its == driver.phase)?.0;
            (Kind::MirrorTop, Opt::Phase(phase))
        }
        Preset::Blkverify(_) => (Kind::Blkverify, Opt::None),
        Preset::Replication(_) => (Kind::Replication, Opt::None),
        Preset::Vvfat(_) => (Kind::Vvfat, Opt::None),
        Preset::File(driver) => (Kind::File, Opt::Unaligned(driver.unaligned)),
        _ => return None,
    })
}

/// Returns what the crate keeps of a driver that is lost.
pub fn shape(kind: Kind) -> Shape {
    let preset = preset(kind);
    let filter = preset.filter_slot();
    Shape {
        filter,
        supports_backing: filter.is_none() && preset.supports_backing(),
        takes_children: filter.is_some() || preset.supports_backing() || preset.takes_children(),
        children_replaceable: preset.children_replaceable(),
        takes_filtered: filter.is_none() && preset.takes_filtered(),
        live_children: preset.live_children(),
    }
}

/// Translates the description of a new node.
pub fn node_spec(id: NodeId, spec: Spec) -> NodeSpec {
    let Flags { read_only, force_share, no_io, never_freeze, implicit, inactive } = spec.flags;
    let spec = NodeSpec::new(node_name(id)).read_only(read_only).force_share(force_share);
    spec.no_io(no_io).never_freeze(never_freeze).implicit(implicit).inactive(inactive)
}

/// Translates the description of a new user.
pub fn user_spec(id: UserId, wanted: Pair, user_flags: UserFlags, said: Option<Context>) -> UserSpec {
    let UserFlags { stay, may_inactivate, fixed } = user_flags;
    let spec = UserSpec::new(user_name(id), pair(wanted)).stays(stay).may_inactivate(may_inactivate).fixed(fixed);
    match said {
        Some(said) => spec.context(context(said)),
        None => spec,
    }
}

/// Translates a context to the crate.
pub fn context(context: Context) -> ContextId {
    ContextId(context.0.into())
}

/// Translates a context from the crate. Returns `None` for a context that the tests never named.
pub fn context_back(context: ContextId) -> Option<Context> {
    u8::try_from(context.0).ok().map(Context)
}

/// Translates an entry of a reopen.
pub fn entry(keys: &Keys, Entry { node, keep, read_only, opt, backing, file }: Entry) -> Reopen {
    let mut entry = Reopen::new(keys.node(node)).keep(keep);
    entry.read_only = read_only;
    entry.option = opt.map(option);
    entry.backing = backing.map(|to| to.map(|to| keys.node(to)));
    entry.file = file.map(|to| keys.node(to));
    entry
}

/// Translates a kind of operation to the crate.
pub fn op_kind(kind: OpKind) -> blockgraph::OpKind {
    blockgraph::OpKind::ALL[usize::from(kind.0)]
}

/// Translates a kind of operation from the crate.
pub fn op_kind_back(kind: blockgraph::OpKind) -> Option<OpKind> {
    OpKind::NAMES.iter().position(|name| *name == kind.as_str()).and_then(|i| u8::try_from(i).ok()).map(OpKind)
}

/// Translates a set of kinds to the crate.
pub fn op_kinds(kinds: OpKinds) -> blockgraph::OpKinds {
    kinds.iter().map(op_kind).collect()
}

/// Translates a set of kinds from the crate.
pub fn op_kinds_back(kinds: blockgraph::OpKinds) -> OpKinds {
    let bits = kinds.kinds().filter_map(op_kind_back).fold(0, |bits, kind| bits | OpKinds::of(kind).0);
    // Bits without meaning are kept, so that the comparison sees them.
    OpKinds(if bits == kinds.bits() { bits } else { kinds.bits() })
}

fn slot_back(slot: blockgraph::Slot) -> Slot {
    match slot {
        blockgraph::Slot::File => Slot::File,
        blockgraph::Slot::Backing => Slot::Backing,
    }
}

fn edge_back(edge: &EdgeRef) -> Option<EdgeId> {
    match edge.parent {
        blockgraph::Parent::Node(_) => Some(EdgeId::Child(node_id(&edge.parent_name)?, child_id(&edge.name)?)),
        blockgraph::Parent::User(_) => Some(EdgeId::User(user_id(&edge.parent_name)?)),
    }
}

/// A refusal by a step, by the judgement, or by a driver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// A step failed.
    Step(StepError),
    /// The final graph violates a rule.
    Violation(Violation),
    /// A driver refused in a hook.
    Driver(Refusal),
}

/// Translates an error of the crate. `keys` resolves the parties that have no name. Returns `None` if there is no
/// translation.
pub fn error(kind: &ErrorKind, keys: &Keys) -> Option<Refused> {
    step_error(kind, keys).map(Refused::Step).or_else(|| judgement(kind))
}

fn judgement(kind: &ErrorKind) -> Option<Refused> {
    Some(match kind {
        ErrorKind::Cycle { edge } => Refused::Violation(Violation::Cycle { edge: edge_back(edge)? }),
        ErrorKind::Conflict { node, needs, denies, .. } => Refused::Violation(Violation::Conflict {
            node: node_id(&node.name)?,
            needs: edge_back(needs)?,
            denies: edge_back(denies)?,
        }),
        ErrorKind::InactiveChild { edge } => Refused::Violation(Violation::InactiveChild { edge: edge_back(edge)? }),
        ErrorKind::InactiveNode { node } => Refused::Violation(Violation::InactiveNode { node: node_id(&node.name)? }),
        ErrorKind::ContextClash { user, context, other, other_context } => {
            // The crate names the two users in the order of their names, which is not the order of their numbers.
            if user.parent_name >= other.parent_name || context == other_context {
                return None;
            }
            let (one, two) = (user_back(user)?, user_back(other)?);
            Refused::Violation(Violation::ContextClash { user: one.min(two), other: one.max(two) })
        }
        ErrorKind::ContextFixed { node, to, user, context } => {
            let violation = Violation::ContextFixed { node: node_id(&node.name)?, user: user_back(user)? };
            (to != context).then_some(Refused::Violation(violation))?
        }
        ErrorKind::ReadOnly { node, .. } => Refused::Violation(Violation::ReadOnly { node: node_id(&node.name)? }),
        ErrorKind::Refused { node, hook, .. } => {
            let hook = match hook {
                blockgraph::Hook::Flush => Hook::Flush,
                blockgraph::Hook::Prepare => Hook::Prepare,
                blockgraph::Hook::Rename => Hook::Rename,
                blockgraph::Hook::Inactivate => Hook::Inactivate,
                blockgraph::Hook::Context => Hook::Context,
                blockgraph::Hook::Check => Hook::Check,
                blockgraph::Hook::Activate => Hook::Activate,
            };
            Refused::Driver(Refusal { node: node_id(&node.name)?, hook })
        }
        _ => return None,
    })
}

/// Returns the permissions that a conflict reports as needed and not shared.
pub fn missing(kind: &ErrorKind) -> Option<Perms> {
    if let ErrorKind::Conflict { missing, .. } = kind { Some(Perms(missing.bits())) } else { None }
}

fn step_error(kind: &ErrorKind, keys: &Keys) -> Option<StepError> {
    use StepError as E;
    let id = |node: &blockgraph::NodeRef| node_id(&node.name);
    Some(match kind {
        // A job finds its filter and its users by name.
        ErrorKind::NodeNotFound { node, name } => {
            let named = || name.as_deref().and_then(node_id);
            E::NodeNotFound { node: keys.node_of(*node).or_else(named)? }
        }
        ErrorKind::UserNotFound { user, name } => {
            let named = || name.as_deref().and_then(user_id);
            E::UserNotFound { user: keys.user_of(*user).or_else(named)? }
        }
        ErrorKind::ChildNotFound { parent, name } => E::ChildNotFound { parent: id(parent)?, name: child_id(name)? },
        ErrorKind::DuplicateNode { name } => E::DuplicateNode { node: node_id(name)? },
        ErrorKind::DuplicateUser { name } => E::DuplicateUser { user: user_id(name)? },
        ErrorKind::DuplicateChild { parent, name } => E::DuplicateChild { parent: id(parent)?, name: child_id(name)? },
        ErrorKind::ForceShareWritable { node } => E::ForceShareWritable { node: node_id(node)? },
        ErrorKind::OptionUnsupported { node } => E::OptionUnsupported { node: id(node)? },
        ErrorKind::NoHolder { node } => E::NoHolder { node: id(node)? },
        ErrorKind::NoChildren { node } => E::NoChildren { parent: id(node)? },
        ErrorKind::BadRole { node, role } => E::BadRole { parent: id(node)?, role: role_back(*role) },
        ErrorKind::RoleUnsupported { node, role } => E::RoleUnsupported { parent: id(node)?, role: role_back(*role) },
        ErrorKind::SlotTaken { node, slot, .. } => E::SlotTaken { parent: id(node)?, slot: slot_back(*slot) },
        ErrorKind::FilterNeedsChild { node } => E::FilterNeedsChild { filter: id(node)? },
        ErrorKind::Frozen { edge } => E::Frozen { edge: edge_back(edge)? },
        ErrorKind::NotFrozen { edge } => E::NotFrozen { edge: edge_back(edge)? },
        ErrorKind::NeverFreeze { edge } => E::NeverFreeze { edge: edge_back(edge)? },
        ErrorKind::BackingUnsupported { node, .. } => E::BackingUnsupported { node: id(node)? },
        ErrorKind::FileUnsupported { node, .. } => E::FileUnsupported { node: id(node)? },
        ErrorKind::NoFileChild { node } => E::NoFileChild { node: id(node)? },
        ErrorKind::SameNode { node } => E::SameNode { node: id(node)? },
        ErrorKind::NotInChain { top, base } => {
            let base = match base {
                None => None,
                Some(base) => Some(id(base)?),
            };
            E::NotInChain { top: id(top)?, base }
        }
        ErrorKind::NotAFilter { node } => E::NotAFilter { node: id(node)? },
        ErrorKind::NoFilteredChild { node } => E::NoFilteredChild { filter: id(node)? },
        _ => return later_step_error(kind, keys),
    })
}

/// Translates the errors of holding, chains, blockers and reopen.
fn later_step_error(kind: &ErrorKind, keys: &Keys) -> Option<StepError> {
    use StepError as E;
    let id = |node: &blockgraph::NodeRef| node_id(&node.name);
    Some(match kind {
        ErrorKind::NodeCorrupted { node } => E::NodeCorrupted { node: id(node)? },
        ErrorKind::HasUser { node, user } => E::HasUser { node: id(node)?, user: user_back(user)? },
        ErrorKind::Blocked { node, kind, by, reason: said } => {
            let by = edge_back(by)?;
            let right = match (by, said) {
                (EdgeId::User(user), Some(said)) => is_known_reason(user, said),
                (EdgeId::Child(..), None) => true,
                _ => false,
            };
            if !right {
                return None;
            }
            E::Blocked { node: id(node)?, kind: op_kind_back(*kind)?, by }
        }
        ErrorKind::NotBlocked { user, name, .. } => {
            let id = user_id(name)?;
            (keys.user(id) == *user).then_some(E::NotBlocked { user: id })?
        }
        ErrorKind::NotMonitorOwned { node } => E::NotMonitorOwned { node: id(node)? },
        ErrorKind::InUse { node } => E::InUse { node: id(node)? },
        ErrorKind::ShouldNotChange { edge, .. } => E::ShouldNotChange { edge: edge_back(edge)? },
        ErrorKind::BackingMissing { node } => E::BackingMissing { node: id(node)? },
        ErrorKind::ImplicitChild { edge } => E::ImplicitChild { edge: edge_back(edge)? },
        ErrorKind::CannotReplace { parent, node } => E::CannotReplace { parent: id(parent)?, node: id(node)? },
        _ => return section_error(kind, keys),
    })
}

/// Translates the errors of sections, activity, sizes and the children of a quorum.
fn section_error(kind: &ErrorKind, keys: &Keys) -> Option<StepError> {
    use StepError as E;
    let id = |node: &blockgraph::NodeRef| node_id(&node.name);
    Some(match kind {
        ErrorKind::NotDrained { node } => E::NotDrained { node: id(node)? },
        ErrorKind::NotDrainedAll => E::NotDrainedAll {},
        ErrorKind::ActiveParent { parent, .. } => E::ActiveParent { edge: edge_back(parent)? },
        ErrorKind::UserActive { user, .. } => E::UserActive { user: user_back(user)? },
        ErrorKind::NoResize { user, name } => {
            let id = user_id(name)?;
            (keys.user(id) == *user).then_some(E::NoResize { user: id })?
        }
        ErrorKind::ChildrenFixed { node, .. } => E::ChildrenFixed { parent: id(node)? },
        ErrorKind::HasParent { node, edge } => E::HasParent { node: id(node)?, edge: edge_back(edge)? },
        ErrorKind::LastChild { node } => E::LastChild { parent: id(node)? },
        ErrorKind::ProbeDenied { node, denies } => E::ProbeDenied { node: id(node)?, denies: edge_back(denies)? },
        _ => return None,
    })
}

/// Returns the user whose edge this is.
fn user_back(edge: &EdgeRef) -> Option<UserId> {
    match edge_back(edge)? {
        EdgeId::User(user) => Some(user),
        EdgeId::Child(..) => None,
    }
}
