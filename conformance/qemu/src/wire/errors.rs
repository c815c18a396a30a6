//! Classifies QEMU's refusals by their texts, and reads the nodes and users that they name.
//!
//! The texts differ by version. They are recognised by their fixed words; the names stand in quotes.

use crate::wire::names;
use blockgraph_model::{EdgeId, NodeId, StepError, UserId, Violation};

/// A class of refusals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs, reason = "the names are those of the model's errors, several in one where QEMU has one sentence")]
pub enum ErrorClass {
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

/// The owner of an edge in a conflict.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Party {
    /// A node, with QEMU's name of its child.
    Child(NodeId, String),
    /// A job.
    Job(UserId),
    /// An export, or another user for which QEMU has no name.
    Unnamed,
}

/// A parsed refusal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QemuError {
    /// The class of the refusal.
    pub class: ErrorClass,
    /// The nodes that the text names.
    pub nodes: Vec<NodeId>,
    /// The exports and jobs that the text names.
    pub users: Vec<UserId>,
    /// The parties of a conflict: first the one that needs, then the one that does not share.
    pub parties: Option<(Party, Party)>,
}

/// The texts of each class. The first text that a refusal contains decides.
const PATTERNS: [(&str, ErrorClass); 65] = [
    ("overlay already has a backing image", ErrorClass::SlotTaken),
    ("overlay is already in use", ErrorClass::HasUser),
    ("cannot be reset to its default", ErrorClass::OptionStuck),
    ("Cannot change the option", ErrorClass::OptionStuck),
    ("top and base are the same", ErrorClass::SameNode),
    ("Node has active parent", ErrorClass::Inactive),
    ("Failed to inactivate", ErrorClass::Inactive),
    ("unavailable on inactive node", ErrorClass::Inactive),
    ("Filters cannot be used as overlays", ErrorClass::Backing),
    ("overlay does not support backing", ErrorClass::Backing),
    ("is not owned by the monitor", ErrorClass::InUse),
    ("cannot commit an image into itself", ErrorClass::SameNode),
    ("mirror node into itself", ErrorClass::SameNode),
    ("cannot be the same", ErrorClass::SameNode),
    ("Need a root block node", ErrorClass::NotRoot),
    ("is not in a chain starting from", ErrorClass::NotInChain),
    ("is not in this backing file chain", ErrorClass::NotInChain),
    ("Cannot change iothread of active block backend", ErrorClass::Context),
    ("Permission conflict on node", ErrorClass::Conflict),
    ("Conflicts with use by", ErrorClass::Conflict),
    ("create a cycle", ErrorClass::Cycle),
    ("Cannot find device", ErrorClass::NotFound),
    ("Cannot find node", ErrorClass::NotFound),
    ("Failed to find node with", ErrorClass::NotFound),
    ("Cannot find referenced node", ErrorClass::NotFound),
    ("Duplicate nodes with", ErrorClass::Duplicate),
    ("already in use", ErrorClass::DuplicateUser),
    ("Export '", ErrorClass::NoUser),
    ("Block export '", ErrorClass::NoUser),
    ("is not found", ErrorClass::NoUser),
    ("Job not found", ErrorClass::NoUser),
    ("force-share=on can only be used with read-only", ErrorClass::ForceShare),
    ("Cannot change frozen", ErrorClass::Frozen),
    ("frozen", ErrorClass::Frozen),
    ("is busy", ErrorClass::Busy),
    ("is in use", ErrorClass::InUse),
    ("backing is missing for", ErrorClass::BackingMissing),
    ("backing' is missing for", ErrorClass::BackingMissing),
    ("implicit", ErrorClass::ImplicitChild),
    ("does not support reopening", ErrorClass::NoReopen),
    ("does not support adding a child", ErrorClass::ChildrenFixed),
    ("does not support removing a child", ErrorClass::ChildrenFixed),
    ("already has a parent", ErrorClass::HasParent),
    ("cannot be lower than the vote threshold", ErrorClass::LastChild),
    ("number of children cannot be lower", ErrorClass::LastChild),
    ("does not have a child named", ErrorClass::NoChild),
    ("does not have child", ErrorClass::NoChild),
    ("Block node is read-only", ErrorClass::ReadOnly),
    ("Read-only block node", ErrorClass::ReadOnly),
    ("is read-only", ErrorClass::ReadOnly),
    ("Cannot export read-only node as writable", ErrorClass::ReadOnly),
    ("nactive", ErrorClass::Inactive),
    ("Failed to activate", ErrorClass::Inactive),
    ("Cannot change iothread", ErrorClass::Context),
    ("Cannot change AioContext", ErrorClass::Context),
    ("Cannot set iothread", ErrorClass::Context),
    ("using another AioContext", ErrorClass::Context),
    ("does not support backing", ErrorClass::Backing),
    ("does not support external snapshots", ErrorClass::Backing),
    ("The overlay", ErrorClass::Backing),
    ("not found in the backing chain", ErrorClass::NotInChain),
    ("not in backing chain", ErrorClass::NotInChain),
    ("Transaction aborted", ErrorClass::Aborted),
    ("Cannot mirror to a filter on top", ErrorClass::MirrorBelow),
    ("' not found", ErrorClass::NotFound),
];

/// Classifies a refusal by QEMU's class and text.
pub fn classify(class: &str, text: &str) -> QemuError {
    let by_text = PATTERNS.iter().find(|(pattern, _)| text.contains(pattern)).map(|(_, class)| *class);
    let by_class = if class == "DeviceNotFound" { ErrorClass::NotFound } else { ErrorClass::Other };
    let mut error =
        QemuError { class: by_text.unwrap_or(by_class), nodes: Vec::new(), users: Vec::new(), parties: None };
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()) {
        error.nodes.extend(names::parse_node(word));
        error.users.extend(names::parse_user(word));
    }
    if error.class == ErrorClass::Conflict {
        error.parties = parse_parties(text);
    }
    error
}

/// Parses both parties of "… both required by A (uses node 'x' as 'file' child) and unshared by B (uses …)".
fn parse_parties(text: &str) -> Option<(Party, Party)> {
    let (_, rest) = text.split_once("required by ")?;
    let (needs, denies) = rest.split_once(" and unshared by ")?;
    Some((parse_party(needs)?, parse_party(denies)?))
}

fn parse_party(text: &str) -> Option<Party> {
    let (party, uses) = text.split_once(" (uses node ")?;
    let quoted = |text: &str, number: usize| text.split('\'').nth(2 * number + 1).map(str::to_owned);
    let name = quoted(party, 0);
    Some(match name {
        Some(name) if party.starts_with("node") => Party::Child(names::parse_node(&name)?, quoted(uses, 1)?),
        Some(name) if party.contains("job") => Party::Job(names::parse_user(&name)?),
        _ => Party::Unnamed,
    })
}

/// Returns the class of a step's error, and the node or user that the error is about.
pub fn class_of_error(error: &StepError) -> (ErrorClass, Option<NodeId>, Option<UserId>) {
    use StepError as E;
    match *error {
        E::NodeNotFound { node } => (ErrorClass::NotFound, Some(node), None),
        E::UserNotFound { user } => (ErrorClass::NoUser, None, Some(user)),
        E::ChildNotFound { parent, .. } => (ErrorClass::NoChild, Some(parent), None),
        E::DuplicateNode { node } => (ErrorClass::Duplicate, Some(node), None),
        E::DuplicateUser { user } => (ErrorClass::DuplicateUser, None, Some(user)),
        E::ForceShareWritable { .. } => (ErrorClass::ForceShare, None, None),
        E::FilterNeedsChild { .. } => (ErrorClass::FilterNeedsChild, None, None),
        E::Frozen { .. } => (ErrorClass::Frozen, None, None),
        E::BackingUnsupported { .. } => (ErrorClass::Backing, None, None),
        E::SlotTaken { .. } => (ErrorClass::SlotTaken, None, None),
        E::SameNode { .. } => (ErrorClass::SameNode, None, None),
        E::NotInChain { .. } => (ErrorClass::NotInChain, None, None),
        // QEMU's text names the node if the node is to be deleted, and no node if it is an overlay.
        E::HasUser { .. } => (ErrorClass::HasUser, None, None),
        E::Blocked { node, .. } => (ErrorClass::Busy, Some(node), None),
        E::InUse { node } | E::NotMonitorOwned { node } => (ErrorClass::InUse, Some(node), None),
        E::BackingMissing { node } => (ErrorClass::BackingMissing, Some(node), None),
        E::ImplicitChild { .. } => (ErrorClass::ImplicitChild, None, None),
        E::ActiveParent { .. } | E::UserActive { .. } => (ErrorClass::Inactive, None, None),
        E::ChildrenFixed { parent } => (ErrorClass::ChildrenFixed, Some(parent), None),
        E::HasParent { node, .. } => (ErrorClass::HasParent, Some(node), None),
        E::LastChild { .. } => (ErrorClass::LastChild, None, None),
        _ => (ErrorClass::Other, None, None),
    }
}

/// Returns the class of a violation.
pub fn class_of_violation(violation: &Violation) -> ErrorClass {
    match violation {
        Violation::Cycle { .. } => ErrorClass::Cycle,
        Violation::Conflict { .. } => ErrorClass::Conflict,
        Violation::ReadOnly { .. } => ErrorClass::ReadOnly,
        Violation::InactiveChild { .. } | Violation::InactiveNode { .. } => ErrorClass::Inactive,
        Violation::ContextClash { .. } | Violation::ContextFixed { .. } => ErrorClass::Context,
    }
}

/// Returns whether QEMU's party is this edge. `child` returns QEMU's name of the edge's child.
pub fn matches_party(edge: EdgeId, party: &Party, child: impl Fn(NodeId) -> Option<String>) -> bool {
    match (edge, party) {
        (EdgeId::Child(parent, _), Party::Child(node, name)) => parent == *node && child(parent).as_ref() == Some(name),
        (EdgeId::User(user), Party::Job(job)) => user.main() == *job,
        // A job has unnamed block backends as well.
        (EdgeId::User(_), Party::Unnamed) => true,
        _ => false,
    }
}
