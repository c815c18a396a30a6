//! QEMU's refusals: which kind of refusal a sentence is, and whom it names.
//!
//! The sentences differ by version; they are recognised by their fixed words, and names are what stands in quotes.

use crate::words;
use blockgraph_model::{EdgeId, NodeId, StepError, UserId, Violation};

/// A kind of refusal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs, reason = "the names are those of the model's errors, several in one where QEMU has one sentence")]
pub enum Class {
    NotFound,
    NoUser,
    NoChild,
    Duplicate,
    DuplicateUser,
    ForceShare,
    FilterNeedsChild,
    Frozen,
    Backing,
    SlotTaken,
    SameNode,
    NotInChain,
    NotRoot,
    Busy,
    InUse,
    HasUser,
    BackingMissing,
    ImplicitChild,
    ChildrenFixed,
    HasParent,
    LastChild,
    NoReopen,
    OptionStuck,
    Conflict,
    ReadOnly,
    Inactive,
    Cycle,
    Context,
    Aborted,
    MirrorBelow,
    Other,
}

/// Who has an edge, in a conflict.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Party {
    /// A node, by its child of that name (QEMU's).
    Child(NodeId, String),
    /// A job.
    Job(UserId),
    /// An export, or another user that QEMU has no name for.
    Unnamed,
}

/// A refusal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    /// Its kind.
    pub class: Class,
    /// The nodes that it names.
    pub nodes: Vec<NodeId>,
    /// The exports and jobs that it names.
    pub users: Vec<UserId>,
    /// Of a conflict: who needs, who does not share.
    pub parties: Option<(Party, Party)>,
}

/// Which words make which kind; the first that fits.
const WORDS: [(&str, Class); 65] = [
    ("overlay already has a backing image", Class::SlotTaken),
    ("overlay is already in use", Class::HasUser),
    ("cannot be reset to its default", Class::OptionStuck),
    ("Cannot change the option", Class::OptionStuck),
    ("top and base are the same", Class::SameNode),
    ("Node has active parent", Class::Inactive),
    ("Failed to inactivate", Class::Inactive),
    ("unavailable on inactive node", Class::Inactive),
    ("Filters cannot be used as overlays", Class::Backing),
    ("overlay does not support backing", Class::Backing),
    ("is not owned by the monitor", Class::InUse),
    ("cannot commit an image into itself", Class::SameNode),
    ("mirror node into itself", Class::SameNode),
    ("cannot be the same", Class::SameNode),
    ("Need a root block node", Class::NotRoot),
    ("is not in a chain starting from", Class::NotInChain),
    ("is not in this backing file chain", Class::NotInChain),
    ("Cannot change iothread of active block backend", Class::Context),
    ("Permission conflict on node", Class::Conflict),
    ("Conflicts with use by", Class::Conflict),
    ("create a cycle", Class::Cycle),
    ("Cannot find device", Class::NotFound),
    ("Cannot find node", Class::NotFound),
    ("Failed to find node with", Class::NotFound),
    ("Cannot find referenced node", Class::NotFound),
    ("Duplicate nodes with", Class::Duplicate),
    ("already in use", Class::DuplicateUser),
    ("Export '", Class::NoUser),
    ("Block export '", Class::NoUser),
    ("is not found", Class::NoUser),
    ("Job not found", Class::NoUser),
    ("force-share=on can only be used with read-only", Class::ForceShare),
    ("Cannot change frozen", Class::Frozen),
    ("frozen", Class::Frozen),
    ("is busy", Class::Busy),
    ("is in use", Class::InUse),
    ("backing is missing for", Class::BackingMissing),
    ("backing' is missing for", Class::BackingMissing),
    ("implicit", Class::ImplicitChild),
    ("does not support reopening", Class::NoReopen),
    ("does not support adding a child", Class::ChildrenFixed),
    ("does not support removing a child", Class::ChildrenFixed),
    ("already has a parent", Class::HasParent),
    ("cannot be lower than the vote threshold", Class::LastChild),
    ("number of children cannot be lower", Class::LastChild),
    ("does not have a child named", Class::NoChild),
    ("does not have child", Class::NoChild),
    ("Block node is read-only", Class::ReadOnly),
    ("Read-only block node", Class::ReadOnly),
    ("is read-only", Class::ReadOnly),
    ("Cannot export read-only node as writable", Class::ReadOnly),
    ("nactive", Class::Inactive),
    ("Failed to activate", Class::Inactive),
    ("Cannot change iothread", Class::Context),
    ("Cannot change AioContext", Class::Context),
    ("Cannot set iothread", Class::Context),
    ("using another AioContext", Class::Context),
    ("does not support backing", Class::Backing),
    ("does not support external snapshots", Class::Backing),
    ("The overlay", Class::Backing),
    ("not found in the backing chain", Class::NotInChain),
    ("not in backing chain", Class::NotInChain),
    ("Transaction aborted", Class::Aborted),
    ("Cannot mirror to a filter on top", Class::MirrorBelow),
    ("' not found", Class::NotFound),
];

/// Reads QEMU's sentence.
pub fn read(class: &str, text: &str) -> Said {
    let by_text = WORDS.iter().find(|(words, _)| text.contains(words)).map(|(_, class)| *class);
    let by_class = if class == "DeviceNotFound" { Class::NotFound } else { Class::Other };
    let mut said = Said { class: by_text.unwrap_or(by_class), nodes: Vec::new(), users: Vec::new(), parties: None };
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()) {
        said.nodes.extend(words::node_of(word));
        said.users.extend(words::user_of(word));
    }
    if said.class == Class::Conflict {
        said.parties = parties(text);
    }
    said
}

/// Both parties of "… both required by A (uses node 'x' as 'file' child) and unshared by B (uses …)".
fn parties(text: &str) -> Option<(Party, Party)> {
    let (_, rest) = text.split_once("required by ")?;
    let (needs, denies) = rest.split_once(" and unshared by ")?;
    Some((party(needs)?, party(denies)?))
}

fn party(text: &str) -> Option<Party> {
    let (who, uses) = text.split_once(" (uses node ")?;
    let quoted = |text: &str, number: usize| text.split('\'').nth(2 * number + 1).map(str::to_owned);
    let name = quoted(who, 0);
    Some(match name {
        Some(name) if who.starts_with("node") => Party::Child(words::node_of(&name)?, quoted(uses, 1)?),
        Some(name) if who.contains("job") => Party::Job(words::user_of(&name)?),
        _ => Party::Unnamed,
    })
}

/// The kind of a step's error, and the node or user that it is about.
pub fn of_error(error: &StepError) -> (Class, Option<NodeId>, Option<UserId>) {
    use StepError as E;
    match *error {
        E::NodeNotFound { node } => (Class::NotFound, Some(node), None),
        E::UserNotFound { user } => (Class::NoUser, None, Some(user)),
        E::ChildNotFound { parent, .. } => (Class::NoChild, Some(parent), None),
        E::DuplicateNode { node } => (Class::Duplicate, Some(node), None),
        E::DuplicateUser { user } => (Class::DuplicateUser, None, Some(user)),
        E::ForceShareWritable { .. } => (Class::ForceShare, None, None),
        E::FilterNeedsChild { .. } => (Class::FilterNeedsChild, None, None),
        E::Frozen { .. } => (Class::Frozen, None, None),
        E::BackingUnsupported { .. } => (Class::Backing, None, None),
        E::SlotTaken { .. } => (Class::SlotTaken, None, None),
        E::SameNode { .. } => (Class::SameNode, None, None),
        E::NotInChain { .. } => (Class::NotInChain, None, None),
        // Of a node that is to be deleted; of an overlay the sentence names nobody.
        E::HasUser { .. } => (Class::HasUser, None, None),
        E::Blocked { node, .. } => (Class::Busy, Some(node), None),
        E::InUse { node } | E::NotMonitorOwned { node } => (Class::InUse, Some(node), None),
        E::BackingMissing { node } => (Class::BackingMissing, Some(node), None),
        E::ImplicitChild { .. } => (Class::ImplicitChild, None, None),
        E::ActiveParent { .. } | E::UserActive { .. } => (Class::Inactive, None, None),
        E::ChildrenFixed { parent } => (Class::ChildrenFixed, Some(parent), None),
        E::HasParent { node, .. } => (Class::HasParent, Some(node), None),
        E::LastChild { .. } => (Class::LastChild, None, None),
        _ => (Class::Other, None, None),
    }
}

/// The kind of a violation.
pub fn of_violation(violation: &Violation) -> Class {
    match violation {
        Violation::Cycle { .. } => Class::Cycle,
        Violation::Conflict { .. } => Class::Conflict,
        Violation::ReadOnly { .. } => Class::ReadOnly,
        Violation::InactiveChild { .. } | Violation::InactiveNode { .. } => Class::Inactive,
        Violation::ContextClash { .. } | Violation::ContextFixed { .. } => Class::Context,
    }
}

/// Is this edge what QEMU calls so? `child`: QEMU's name of a child of a node.
pub fn is_party(edge: EdgeId, party: &Party, child: impl Fn(NodeId) -> Option<String>) -> bool {
    match (edge, party) {
        (EdgeId::Child(parent, _), Party::Child(node, name)) => parent == *node && child(parent).as_ref() == Some(name),
        (EdgeId::User(user), Party::Job(job)) => user.main() == *job,
        // A job has users without a name too.
        (EdgeId::User(_), Party::Unnamed) => true,
        _ => false,
    }
}
