//! The options of a node, as `blockdev-add` and `blockdev-reopen` take them.

use crate::wire::drivers::{self, PRIMARY_DATA};
use crate::wire::names;
use blockgraph_model::op::{Flags, Opt};
use blockgraph_model::{ChildName, Kind, NodeId, Perms, Role, Spec};
use serde_json::{Map, Value, json};

/// The size of every image. A quorum needs children of one size, and a job a target of the size of its source.
pub const IMAGE_SIZE: u64 = 1 << 20;
/// The throttle group of all throttle nodes.
pub const THROTTLE_GROUP: &str = "group";

/// A child in the options of its parent: a reference, or options of its own.
#[derive(Clone, PartialEq, Debug)]
pub struct ChildOption {
    /// The child's name in the model.
    pub name: ChildName,
    /// The value in the options.
    pub value: Value,
    /// The child's role.
    pub role: Role,
}

impl ChildOption {
    /// Makes a child option that refers to an existing node.
    pub fn reference(name: ChildName, to: NodeId, role: Role) -> ChildOption {
        ChildOption { name, value: json!(names::node(to)), role }
    }
}

/// Returns whether the role is one that QEMU gives such a child.
pub fn has_qemu_role(kind: Kind, name: ChildName, role: Role) -> bool {
    let known = drivers::role(kind, &names::child(kind, name), false);
    known.is_some_and(|known| known == role || drivers::alternative_role(kind, known) == Some(role))
}

/// Returns whether these are all the children that a node of that kind must have, and no others.
fn has_required_children(kind: Kind, children: &[ChildOption]) -> bool {
    let has = |name| children.iter().any(|child| child.name == name);
    match kind {
        Kind::Protocol | Kind::File => children.is_empty(),
        Kind::Format => has(ChildName::FILE) && children.iter().all(|c| c.name.0 < 2),
        Kind::CopyBeforeWrite | Kind::Blkverify => {
            children.len() == 2 && has(ChildName::FILE) && has(ChildName::TARGET)
        }
        Kind::Quorum => {
            !children.is_empty()
                && children.iter().enumerate().all(|(i, c)| names::quorum_number(c.name) == Some(i as u8))
        }
        _ => children.len() == 1 && has(ChildName::FILE),
    }
}

/// Returns the options of a new node with these children; `None` if QMP cannot express such a node.
pub fn options(id: NodeId, spec: Spec, children: &[ChildOption]) -> Option<Value> {
    let Flags { no_io, never_freeze, implicit, .. } = spec.flags;
    let roles = children.iter().all(|c| has_qemu_role(spec.kind, c.name, c.role));
    let by_jobs_only = matches!(spec.kind, Kind::CommitTop | Kind::MirrorTop);
    let known = spec.opt.suits(spec.kind);
    if no_io
        || never_freeze
        || implicit
        || by_jobs_only
        || !known
        || !roles
        || !has_required_children(spec.kind, children)
    {
        return None;
    }
    let mut all = Map::new();
    all.insert("node-name".into(), json!(names::node(id)));
    all.insert("driver".into(), json!(names::driver(spec.kind)?));
    for (key, on) in [("read-only", spec.flags.read_only), ("force-share", spec.flags.force_share)] {
        if on {
            all.insert(key.into(), json!(true));
        }
    }
    if spec.flags.inactive {
        all.insert("active".into(), json!(false));
    }
    driver_options(id, spec, &mut all)?;
    insert_children(spec.kind, children, &mut all);
    Some(Value::Object(all))
}

/// Adds the options that are specific to the driver.
fn driver_options(id: NodeId, spec: Spec, all: &mut Map<String, Value>) -> Option<()> {
    match (spec.kind, spec.opt) {
        (Kind::Protocol, _) => {
            all.insert("size".into(), json!(IMAGE_SIZE));
        }
        (Kind::File, Opt::Unaligned(false)) => {
            all.insert("filename".into(), json!(image_file(id)));
            all.insert("locking".into(), json!("off"));
        }
        (Kind::File, _) => return None,
        (Kind::Filter, _) => {
            all.insert("throttle-group".into(), json!(THROTTLE_GROUP));
        }
        (Kind::Blkdebug, Opt::Debug { take, unshare }) => {
            if !take.within(names::QEMU_BITS) || !unshare.within(names::QEMU_BITS) {
                return None;
            }
            // QEMU refuses an empty list as an unknown option.
            for (key, set) in [("take-child-perms", take), ("unshare-child-perms", unshare)] {
                if set != Perms(0) {
                    all.insert(key.into(), json!(names::permissions(set)));
                }
            }
        }
        (Kind::Quorum, Opt::Rewrite(on)) => {
            all.insert("vote-threshold".into(), json!(1));
            all.insert("rewrite-corrupted".into(), json!(on));
        }
        _ => {}
    }
    Some(())
}

fn insert_children(kind: Kind, children: &[ChildOption], all: &mut Map<String, Value>) {
    if kind == Kind::Quorum {
        all.insert("children".into(), children.iter().map(|child| child.value.clone()).collect());
        return;
    }
    for child in children {
        if kind == Kind::Raw && child.role == PRIMARY_DATA {
            all.insert("size".into(), json!(IMAGE_SIZE));
        }
        all.insert(names::child(kind, child.name), child.value.clone());
    }
}

/// Returns the file name of a node of kind `file`, relative to the daemon's folder.
pub fn image_file(id: NodeId) -> String {
    format!("{}.img", names::node(id))
}
