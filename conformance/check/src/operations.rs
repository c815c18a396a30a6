//! Executes the model's operations as steps of the crate's transaction.

use crate::job_operations;
use crate::test_driver::TestDriver;
use crate::translate::{self, Keys};
use blockgraph::{ErrorKind, NodeKey, NodeSpec, Transaction};
use blockgraph_model::{NodeId, Op, Refusal, Spec};

/// Executes one operation inside a transaction, with the keys of the names in `keys`, and enters the keys of new nodes
/// and users.
pub(crate) fn step(
    t: &mut Transaction<'_, TestDriver>,
    keys: &mut Keys,
    op: Op,
    refusals: &[Refusal],
) -> Result<(), blockgraph::Error> {
    let optional = |keys: &Keys, id: Option<NodeId>| id.map(|id| keys.node(id));
    match op {
        Op::Add { node, spec } => {
            add(t, keys, node, spec, refusals)?;
        }
        Op::Insert { new, spec, top } => {
            // Only the two single steps can name the new node as its own top, because it has no key before.
            if new == top || !spec.opt.suits(spec.kind) {
                add(t, keys, new, spec, refusals)?;
                return t.append(keys.node(new), keys.node(top));
            }
            let driver = TestDriver::of_spec(new, spec, refusals);
            keys.set_node(new, t.insert(translate::node_spec(new, spec), driver, keys.node(top))?);
        }
        Op::Release { node } => t.release(keys.node(node))?,
        Op::AttachUser { user, node, pair, user_flags, context } => {
            keys.set_user(
                user,
                t.attach_user_as(translate::user_spec(user, pair, user_flags, context), keys.node(node))?,
            );
        }
        Op::DetachUser { user } => t.detach_user(keys.user(user))?,
        Op::SetUser { user, pair } => t.set_user(keys.user(user), translate::pair(pair))?,
        Op::Attach { parent, child, name, role } => {
            let name = translate::child_name(name).clone();
            t.attach(keys.node(parent), keys.node(child), name, translate::role(role))?;
        }
        Op::Detach { parent, name } => {
            let edge = t.find_child(keys.node(parent), translate::child_name(name))?;
            t.detach(edge)?;
        }
        Op::SetBacking { node, to } => t.set_backing(keys.node(node), optional(keys, to))?,
        Op::SetFile { node, to } => t.set_file(keys.node(node), keys.node(to))?,
        Op::ReplaceNode { from, to } => t.replace_node(keys.node(from), keys.node(to))?,
        Op::ReplaceChild { parent, name, to } => {
            let edge = t.find_child(keys.node(parent), translate::child_name(name))?;
            t.replace_edge(edge, keys.node(to))?;
        }
        Op::ReplaceUserChild { user, to } => {
            let edge = t.find_user_edge(keys.user(user))?;
            t.replace_edge(edge, keys.node(to))?;
        }
        Op::Append { new, top, store: false } => t.append(keys.node(new), keys.node(top))?,
        Op::Append { new, top, store: true } => t.append_and_store(keys.node(new), keys.node(top))?,
        Op::DropFilter { filter } => t.drop_filter(keys.node(filter))?,
        Op::Freeze { top, base } => t.freeze(keys.node(top), optional(keys, base))?,
        Op::Thaw { top, base } => t.thaw(keys.node(top), optional(keys, base))?,
        Op::SetOption { node, opt } => t.set_option(keys.node(node), translate::option(opt))?,
        Op::SetReadOnly { node, on } => t.set_read_only(keys.node(node), on)?,
        // All variants are named, so that the compiler reports a new operation that is missing here.
        Op::Hold { .. } | Op::Delete { .. } | Op::Eject { .. } | Op::OpenChild { .. } | Op::DropIntermediate { .. } => {
            later_step(t, keys, op, refusals)?;
        }
        Op::Reopen { .. } | Op::Snapshot { .. } | Op::Block { .. } | Op::Unblock { .. } | Op::CheckOp { .. } => {
            later_step(t, keys, op, refusals)?;
        }
        Op::CheckReplace { .. } => later_step(t, keys, op, refusals)?,
        Op::DrainBegin { .. } | Op::DrainEnd { .. } | Op::DrainAllBegin {} | Op::DrainAllEnd {} => {
            section_step(t, keys, op)?
        }
        Op::MoveContext { .. } | Op::Inactivate { .. } | Op::Activate { .. } => section_step(t, keys, op)?,
        Op::Truncate { .. } | Op::AddChild { .. } | Op::RemoveChild { .. } => section_step(t, keys, op)?,
        Op::Open { .. } | Op::Stream { .. } | Op::Commit { .. } => job_operations::step(t, keys, op, refusals)?,
        Op::CommitActive { .. } | Op::Mirror { .. } | Op::Backup { .. } => job_operations::step(t, keys, op, refusals)?,
    }
    Ok(())
}

/// Executes O20 to O30: holding, chains, blockers, reopen.
fn later_step(
    t: &mut Transaction<'_, TestDriver>,
    keys: &mut Keys,
    op: Op,
    refusals: &[Refusal],
) -> Result<(), blockgraph::Error> {
    match op {
        Op::Hold { node } => t.hold(keys.node(node)),
        Op::Delete { node } => t.delete(keys.node(node)),
        Op::Eject { node } => t.eject_driver(keys.node(node)),
        Op::OpenChild { parent, node, spec, name, role } => {
            let described = translate::node_spec(node, spec);
            let driver = TestDriver::of_spec(node, spec, refusals);
            let name = translate::child_name(name).clone();
            let opened = t.open_child(keys.node(parent), described, driver, name, translate::role(role));
            if !spec.opt.suits(spec.kind) {
                return refuse_option(t, opened, node, spec);
            }
            keys.set_node(node, opened?);
            Ok(())
        }
        Op::DropIntermediate { top, base, name: None } => t.drop_intermediate(keys.node(top), keys.node(base)),
        Op::DropIntermediate { top, base, name: Some(name) } => {
            t.drop_intermediate_as(keys.node(top), keys.node(base), translate::node_name(name))
        }
        Op::Reopen { queue } => {
            let entries: Vec<_> = queue.entries().iter().map(|&entry| translate::entry(keys, entry)).collect();
            t.reopen(&entries)
        }
        Op::Snapshot { node, overlay } => t.snapshot_node(keys.node(node), keys.node(overlay)),
        Op::Block { user, kinds } => {
            t.block(keys.user(user), translate::op_kinds(kinds), translate::reason(user).clone())
        }
        Op::Unblock { user, kinds } => t.unblock(keys.user(user), translate::op_kinds(kinds)),
        Op::CheckOp { node, kind } => t.ensure_not_blocked(keys.node(node), translate::op_kind(kind)),
        Op::CheckReplace { parent, node } => t.check_replace(keys.node(parent), keys.node(node)),
        // `step` executes the other operations.
        _ => Ok(()),
    }
}

/// Executes O31 to O40: sections, contexts, activity, sizes, the children of a quorum.
fn section_step(t: &mut Transaction<'_, TestDriver>, keys: &Keys, op: Op) -> Result<(), blockgraph::Error> {
    match op {
        Op::DrainBegin { node } => t.drain_begin(keys.node(node)),
        Op::DrainEnd { node } => t.drain_end(keys.node(node)),
        Op::DrainAllBegin {} => t.drain_all_begin(),
        Op::DrainAllEnd {} => t.drain_all_end(),
        Op::Inactivate { node } => t.inactivate(keys.node(node)),
        Op::Activate { node } => t.activate(keys.node(node)),
        Op::MoveContext { node, to } => t.move_context(keys.node(node), translate::context(to)),
        Op::Truncate { user, unaligned } => t.truncate(keys.user(user), unaligned),
        Op::AddChild { parent, child, name } => {
            t.add_child(keys.node(parent), keys.node(child), translate::child_name(name).clone()).map(|_| ())
        }
        Op::RemoveChild { parent, name } => {
            let edge = t.find_child(keys.node(parent), translate::child_name(name))?;
            t.remove_child(edge)
        }
        // `step` executes the other operations.
        _ => Ok(()),
    }
}

/// O23.3, for options of another kind. The crate's driver comes with its options, so options that do not suit are
/// offered to it afterwards. A failure of an earlier precondition of O23 is reported by the step itself; later ones no
/// longer matter.
fn refuse_option(
    t: &mut Transaction<'_, TestDriver>,
    opened: Result<NodeKey, blockgraph::Error>,
    node: NodeId,
    spec: Spec,
) -> Result<(), blockgraph::Error> {
    let key = match opened {
        Ok(key) => key,
        Err(error) if comes_first(error.kind()) => return Err(error),
        Err(_) => t.add(NodeSpec::new(translate::node_name(node)), TestDriver::of_spec(node, spec, &[]))?,
    };
    t.set_option(key, translate::option(spec.opt))
}

/// Returns whether the error belongs to a precondition before O23.3: O23.1, O23.2, O1.1, O1.2.
fn comes_first(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NodeNotFound { .. }
            | ErrorKind::NodeCorrupted { .. }
            | ErrorKind::DuplicateNode { .. }
            | ErrorKind::ForceShareWritable { .. }
    )
}

/// Executes O1. The crate's driver comes with its options, so options of another kind are offered to it after the step.
fn add(
    t: &mut Transaction<'_, TestDriver>,
    keys: &mut Keys,
    node: NodeId,
    spec: Spec,
    refusals: &[Refusal],
) -> Result<(), blockgraph::Error> {
    let suits = spec.opt.suits(spec.kind);
    let described = translate::node_spec(node, spec);
    // O1.3 comes before O1.4.
    let described = if suits { described } else { described.implicit(false) };
    let key = t.add(described, TestDriver::of_spec(node, spec, refusals))?;
    keys.set_node(node, key);
    if suits { Ok(()) } else { t.set_option(key, translate::option(spec.opt)) }
}
