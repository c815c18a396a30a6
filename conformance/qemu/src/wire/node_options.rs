//! The options of a node, as `blockdev-add` and `blockdev-reopen` take them.

use crate::wire::drivers::{self, PRIMARY_DATA};
use crate::wire::names;
use blockgraph_model::op::{Flags, Opt};
use blockgraph_model::{ChildName, Kind, NodeId, Perms, Role, Spec};
use serde_json::{Map, Value, json};

/// The size of every image: a quorum wants children of one size, a job a target of its source's.
pub const IMAGE_SIZE: u64 = 1 << 20;
/// The throttle group of all throttle nodes.
pub const THROTTLE_GROUP: &str = "group";

/// A child that is said: by reference, or by its own options.
#[derive(Clone, PartialEq, Debug)]
pub struct ChildOption {
    /// Its name in the model.
    pub name: ChildName,
    /// What is written there.
    pub value: Value,
    /// Its role.
    pub role: Role,
}

impl ChildOption {
    /// A reference.
    pub fn reference(name: ChildName, to: NodeId, role: Role) -> ChildOption {
        ChildOption { name, value: json!(names::node(to)), role }
    }
}

/// Has this edge a role that QEMU gives it?
pub fn has_qemu_role(kind: Kind, name: ChildName, role: Role) -> bool {
    let known = drivers::role(kind, &names::child(kind, name), false);
    known.is_some_and(|known| known == role || drivers::alternative_role(kind, known) == Some(role))
}

/// Are these all children that such a node must have, and no others?
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

/// The options of a new node with these children; `None` if QEMU cannot be asked for such a node.
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

/// What a driver of that kind is told besides.
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
            // An empty list is refused as an option that nobody knows.
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

/// The file of a node of kind `file`, in the folder in which the daemon was started.
pub fn image_file(id: NodeId) -> String {
    format!("{}.img", names::node(id))
}
