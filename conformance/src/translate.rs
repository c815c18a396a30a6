//! Between the model's names and the crate's: the only place that knows both vocabularies.

use blockgraph::drivers::{
    BackingFilter, Blkdebug, Blkverify, CommitTop, CopyBeforeWrite, CopyOnRead, ExclusiveWriter, File, Filter, Format,
    MirrorTop, NoPermission, Preallocate, Protocol, Quorum, Raw, Replication, SnapshotAccess, Vvfat, WriteToSelected,
};
use blockgraph::{
    ContextId, DriverOption, EdgeRef, ErrorKind, MirrorPhase, NodeKey, NodeSpec, Permissions, Policy, Preset, Reopen,
    Shape, UserKey, UserSpec,
};
use blockgraph_model::op::Flags;
use blockgraph_model::{
    ChildName, Context, EdgeId, Entry, Grant, Hook, Kind, NodeId, OpKind, OpKinds, Opt, Pair, Perms, Phase, Refusal,
    Role, Slot, Spec, StepError, UserId, Violation, Ways,
};
use slotmap::{Key, KeyData};
use std::sync::{Arc, LazyLock};

/// The names of nodes, users and children in the crate, by index, and why users block something.
struct Texts {
    nodes: Vec<Arc<str>>,
    users: Vec<Arc<str>>,
    children: Vec<Arc<str>>,
    reasons: Vec<Arc<str>>,
}

static TEXTS: LazyLock<Texts> = LazyLock::new(|| {
    let all = |prefix: char| (0..256).map(|i| format!("{prefix}{i}").into()).collect::<Vec<Arc<str>>>();
    let mut children = all('c');
    (children[0], children[1], children[2]) = ("file".into(), "backing".into(), "target".into());
    let reasons = (0..256).map(|i| format!("u{i} says so").into()).collect();
    Texts { nodes: all('n'), users: all('u'), children, reasons }
});

/// A node's name in the crate.
pub fn node_name(id: NodeId) -> Arc<str> {
    TEXTS.nodes[id.0 as usize].clone()
}

/// A user's name in the crate.
pub fn user_name(id: UserId) -> Arc<str> {
    let name = &TEXTS.users[usize::from(id.main().0)];
    if id.part() == 0 { name.clone() } else { format!("{name}#{}", id.part()).into() }
}

/// A child's name in the crate.
pub fn child_name(name: ChildName) -> &'static Arc<str> {
    &TEXTS.children[name.0 as usize]
}

/// The reason that a user gives when it blocks something.
pub fn reason(id: UserId) -> &'static Arc<str> {
    &TEXTS.reasons[usize::from(id.main().0)]
}

/// May the user say this when it blocks something? What it says of itself, or what a job says (J3).
pub fn may_say(id: UserId, said: &str) -> bool {
    const KINDS: [&str; 4] = ["stream", "commit", "mirror", "backup"];
    let job = said.strip_prefix("block device is in use by block job: ");
    *said == **reason(id) || job.is_some_and(|kind| KINDS.contains(&kind))
}

fn number(name: &str) -> Option<u8> {
    name.get(1..)?.parse().ok()
}

/// The node of that name.
pub fn node_id(name: &str) -> Option<NodeId> {
    number(name).map(NodeId)
}

/// The user of that name.
pub fn user_id(name: &str) -> Option<UserId> {
    let (name, part) = match name.split_once('#') {
        Some((name, part)) => (name, part.parse().ok().filter(|part| *part > 0)?),
        None => (name, 0),
    };
    number(name).map(|number| UserId(number.into()).further(part))
}

/// The child of that name.
pub fn child_id(name: &str) -> Option<ChildName> {
    match name {
        "file" => Some(ChildName::FILE),
        "backing" => Some(ChildName::BACKING),
        "target" => Some(ChildName::TARGET),
        other => number(other).map(ChildName),
    }
}

/// Which key stands for which name. Names that were never given one have a key that is valid nowhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keys {
    nodes: Vec<NodeKey>,
    users: Vec<UserKey>,
    /// Of jobs' further users, of which there are few.
    further: Vec<(UserId, UserKey)>,
}

impl Keys {
    /// Keys for that many names, none of them valid.
    pub fn dangling(nodes: usize, users: usize) -> Keys {
        // Version 1, far beyond any slot there will be.
        let key = |i: usize| KeyData::from_ffi(1 << 32 | (0x00F0_0000 + i as u64));
        Keys {
            nodes: (0..nodes).map(|i| NodeKey::from(key(i))).collect(),
            users: (0..users).map(|i| UserKey::from(key(i))).collect(),
            further: Vec::new(),
        }
    }

    /// Every name gets a key that is valid nowhere.
    pub fn forget(&mut self) {
        *self = Keys::dangling(self.nodes.len(), self.users.len());
    }

    /// The key of a node.
    pub fn node(&self, id: NodeId) -> NodeKey {
        self.nodes[id.0 as usize]
    }

    /// The key of a user.
    pub fn user(&self, id: UserId) -> UserKey {
        if id.part() > 0 {
            let known = self.further.iter().find(|(known, _)| *known == id);
            return known.map_or_else(|| nobody(id), |(_, key)| *key);
        }
        self.users[usize::from(id.0)]
    }

    /// From now on this is the node's key.
    pub fn set_node(&mut self, id: NodeId, key: NodeKey) {
        self.nodes[id.0 as usize] = key;
    }

    /// From now on this is the user's key.
    pub fn set_user(&mut self, id: UserId, key: UserKey) {
        if id.part() == 0 {
            self.users[usize::from(id.0)] = key;
            return;
        }
        self.further.retain(|(known, _)| *known != id);
        self.further.push((id, key));
    }

    /// The node that has this key.
    pub fn node_of(&self, key: NodeKey) -> Option<NodeId> {
        self.nodes.iter().position(|k| *k == key).map(|i| NodeId(i as u8))
    }

    /// The user that has this key.
    pub fn user_of(&self, key: UserKey) -> Option<UserId> {
        let further = || self.further.iter().find(|(_, known)| *known == key).map(|(id, _)| *id);
        self.users.iter().position(|k| *k == key).map(|i| UserId(i as u16)).or_else(further).or_else(|| nobodys(key))
    }

    /// Copies without allocating.
    pub fn copy_from(&mut self, other: &Keys) {
        self.nodes.copy_from_slice(&other.nodes);
        self.users.copy_from_slice(&other.users);
        self.further.clone_from(&other.further);
    }
}

/// Where the keys begin that stand for a job's further users that never were, below those of names.
const NOBODY: u64 = 1 << 32 | 0x00E0_0000;

/// The key of a job's further user that never was.
fn nobody(id: UserId) -> UserKey {
    UserKey::from(KeyData::from_ffi(NOBODY + u64::from(id.0)))
}

/// Whose key that is.
fn nobodys(key: UserKey) -> Option<UserId> {
    let place = key.data().as_ffi().checked_sub(NOBODY)?;
    u16::try_from(place).ok().map(UserId)
}

/// To the crate's set.
pub fn permissions(perms: Perms) -> Permissions {
    Permissions::from_bits_truncate(perms.0)
}

/// To the crate's pair.
pub fn pair(pair: Pair) -> blockgraph::Pair {
    blockgraph::Pair { need: permissions(pair.need), share: permissions(pair.share) }
}

/// From the crate's pair.
pub fn pair_back(pair: blockgraph::Pair) -> Pair {
    Pair::new(Perms(pair.need.bits()), Perms(pair.share.bits()))
}

/// From the crate's grant.
pub fn grant_back(grant: blockgraph::Grant) -> Grant {
    Grant { pair: pair_back(grant.pair), writable: grant.writable }
}

/// To the crate's role.
pub fn role(role: Role) -> blockgraph::Role {
    blockgraph::Role::from_bits_truncate(role.0)
}

/// From the crate's role.
pub fn role_back(role: blockgraph::Role) -> Role {
    Role(role.bits())
}

/// The driver of that kind with its own options.
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

/// The options, to be set on the driver; `Opt::None` is an option of nobody in the crate.
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

/// The phases of a mirror, in both vocabularies.
const PHASES: [(Phase, MirrorPhase); 3] = [
    (Phase::Mirror, MirrorPhase::Mirror),
    (Phase::Commit, MirrorPhase::Commit),
    (Phase::Stopped, MirrorPhase::Stopped),
];

fn mirror_phase(phase: Phase) -> MirrorPhase {
    PHASES.iter().find(|(ours, _)| *ours == phase).map_or(MirrorPhase::Mirror, |(_, its)| *its)
}

/// What kind of driver it is, and with which options.
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

/// What the crate keeps of a driver that is gone.
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

/// The crate's description of a new node.
pub fn node_spec(id: NodeId, spec: Spec) -> NodeSpec {
    let Flags { read_only, force_share, no_io, never_freeze, implicit, inactive } = spec.flags;
    let spec = NodeSpec::new(node_name(id)).read_only(read_only).force_share(force_share);
    spec.no_io(no_io).never_freeze(never_freeze).implicit(implicit).inactive(inactive)
}

/// The crate's description of a new user.
pub fn user_spec(id: UserId, wanted: Pair, ways: Ways, said: Option<Context>) -> UserSpec {
    let Ways { stay, may_inactivate, fixed } = ways;
    let spec = UserSpec::new(user_name(id), pair(wanted)).stays(stay).may_inactivate(may_inactivate).fixed(fixed);
    match said {
        Some(said) => spec.context(context(said)),
        None => spec,
    }
}

/// To the crate's context.
pub fn context(context: Context) -> ContextId {
    ContextId(context.0.into())
}

/// From the crate's context; one that the tests never named is no context.
pub fn context_back(context: ContextId) -> Option<Context> {
    u8::try_from(context.0).ok().map(Context)
}

/// An entry of the crate's reopen.
pub fn entry(keys: &Keys, Entry { node, keep, read_only, opt, backing, file }: Entry) -> Reopen {
    let mut entry = Reopen::new(keys.node(node)).keep(keep);
    entry.read_only = read_only;
    entry.option = opt.map(option);
    entry.backing = backing.map(|to| to.map(|to| keys.node(to)));
    entry.file = file.map(|to| keys.node(to));
    entry
}

/// To the crate's kind of operation.
pub fn op_kind(kind: OpKind) -> blockgraph::OpKind {
    blockgraph::OpKind::ALL[usize::from(kind.0)]
}

/// From the crate's kind of operation.
pub fn op_kind_back(kind: blockgraph::OpKind) -> Option<OpKind> {
    OpKind::NAMES.iter().position(|name| *name == kind.as_str()).and_then(|i| u8::try_from(i).ok()).map(OpKind)
}

/// To the crate's set of kinds.
pub fn op_kinds(kinds: OpKinds) -> blockgraph::OpKinds {
    kinds.iter().map(op_kind).collect()
}

/// From the crate's set of kinds.
pub fn op_kinds_back(kinds: blockgraph::OpKinds) -> OpKinds {
    let bits = kinds.kinds().filter_map(op_kind_back).fold(0, |bits, kind| bits | OpKinds::of(kind).0);
    // Bits that mean nothing must not get lost.
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

/// A refusal by the crate's judgement or its drivers, or else by a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// A step failed.
    Step(StepError),
    /// One violation of the final graph.
    Violation(Violation),
    /// A driver's hook.
    Driver(Refusal),
}

/// The crate's error in the model's vocabulary. `keys` resolves the parties that have no name.
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
            // It names them in the order of their names, which is not that of their numbers.
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

/// What a conflict says is needed and not shared.
pub fn missing(kind: &ErrorKind) -> Option<Perms> {
    if let ErrorKind::Conflict { missing, .. } = kind { Some(Perms(missing.bits())) } else { None }
}

fn step_error(kind: &ErrorKind, keys: &Keys) -> Option<StepError> {
    use StepError as E;
    let id = |node: &blockgraph::NodeRef| node_id(&node.name);
    Some(match kind {
        // A job looks for its filter and its users by name.
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

/// Life, chains, blockers, reopen.
fn later_step_error(kind: &ErrorKind, keys: &Keys) -> Option<StepError> {
    use StepError as E;
    let id = |node: &blockgraph::NodeRef| node_id(&node.name);
    Some(match kind {
        ErrorKind::NodeCorrupted { node } => E::NodeCorrupted { node: id(node)? },
        ErrorKind::HasUser { node, user } => E::HasUser { node: id(node)?, user: user_back(user)? },
        ErrorKind::Blocked { node, kind, by, reason: said } => {
            let by = edge_back(by)?;
            let right = match (by, said) {
                (EdgeId::User(user), Some(said)) => may_say(user, said),
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
        _ => return quiet_error(kind, keys),
    })
}

/// Sections, activity, sizes, the children of a quorum.
fn quiet_error(kind: &ErrorKind, keys: &Keys) -> Option<StepError> {
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

/// The user whose edge it is.
fn user_back(edge: &EdgeRef) -> Option<UserId> {
    match edge_back(edge)? {
        EdgeId::User(user) => Some(user),
        EdgeId::Child(..) => None,
    }
}
