//! Translates the names of a quorum's children: a scenario chooses them freely, QEMU numbers them.

use crate::state::memory::Memory;
use crate::wire::names;
use blockgraph_model::{ChildName, Kind, NodeId, Op, State};
use std::collections::BTreeMap;

/// QEMU's name of each quorum child, by the quorum and the child's name in the scenario.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct QuorumChildNames(BTreeMap<(NodeId, ChildName), ChildName>);

/// A name that no child has, because a quorum has fewer children.
const NO_CHILD: ChildName = ChildName(u8::MAX);

impl QuorumChildNames {
    /// Returns the operations with QEMU's names for the children of quorums; a new child gets the quorum's next number.
    /// `state` and `memory` are those before the operations. A name that a child already has keeps its meaning.
    pub fn with_qemu_names<const N: usize, const E: usize>(
        &mut self,
        state: &State<N, E>,
        memory: &Memory,
        ops: &[Op],
    ) -> Vec<Op> {
        let mut memory = memory.clone();
        let mut new: Vec<(NodeId, ChildName)> = Vec::new();
        let mut quorums: Vec<NodeId> =
            state.names().filter(|id| state.node(*id).is_some_and(|n| n.kind == Some(Kind::Quorum))).collect();
        let mut all = Vec::new();
        for op in ops {
            let mut op = *op;
            if let Op::Add { node, spec } = op
                && spec.kind == Kind::Quorum
            {
                quorums.push(node);
            }
            if let Some((parent, name, is_new)) = child_of(&mut op)
                && quorums.contains(&parent)
            {
                let key = (parent, *name);
                let exists = |id: &ChildName| new.contains(&key) || state.children(parent).any(|e| e.name == *id);
                *name = match self.0.get(&key).copied().filter(exists) {
                    Some(known) => known,
                    None if is_new => {
                        let next = next_name(&memory, parent);
                        self.0.insert(key, next);
                        new.push(key);
                        next
                    }
                    None => NO_CHILD,
                };
            }
            memory.after(state, &[op], &crate::compare::answer::TurnAnswer::Done);
            all.push(op);
        }
        all
    }
}

/// Returns the name of a quorum's next child; [`NO_CHILD`] if the numbers exceed what a byte can hold.
fn next_name(memory: &Memory, quorum: NodeId) -> ChildName {
    let next = memory.next_child(quorum);
    if next < NO_CHILD.0 - names::quorum_child(0).0 { names::quorum_child(next) } else { NO_CHILD }
}

/// Returns the child that an operation names: its parent, its name, and whether the operation creates it.
fn child_of(op: &mut Op) -> Option<(NodeId, &mut ChildName, bool)> {
    match op {
        Op::Attach { parent, name, .. } | Op::AddChild { parent, name, .. } | Op::OpenChild { parent, name, .. } => {
            Some((*parent, name, true))
        }
        Op::Detach { parent, name } | Op::RemoveChild { parent, name } | Op::ReplaceChild { parent, name, .. } => {
            Some((*parent, name, false))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Memory, NO_CHILD, QuorumChildNames};
    use crate::compare::answer::TurnAnswer;
    use crate::wire::names::quorum_child;
    use blockgraph_model::{ChildName, Kind, NodeId, Op, Outcome, Spec, State, execute};

    const QUORUM: NodeId = NodeId(0);

    /// Executes the operation, and returns it with QEMU's name of the child.
    fn play(state: &mut State<8, 8>, memory: &mut Memory, children: &mut QuorumChildNames, op: Op) -> Op {
        let renamed = children.with_qemu_names(state, memory, &[op])[0];
        if let Outcome::Done { next, .. } = execute(state, &[renamed], &[]) {
            *state = next;
            memory.after(state, &[renamed], &TurnAnswer::Done);
        }
        renamed
    }

    fn add_child(child: u8, name: u8) -> Op {
        Op::AddChild { parent: QUORUM, child: NodeId(child), name: ChildName(name) }
    }

    /// Names in any order are numbered as QEMU numbers children; QEMU reuses the last number only.
    #[test]
    fn children_are_numbered_as_qemu_numbers_them() {
        let (mut state, mut memory, mut children) = (State::default(), Memory::default(), QuorumChildNames::default());
        let mut play = |op| play(&mut state, &mut memory, &mut children, op);
        play(Op::Add { node: QUORUM, spec: Spec::plain(Kind::Quorum) });
        for id in 1..5 {
            play(Op::Add { node: NodeId(id), spec: Spec::plain(Kind::Protocol) });
        }
        let added = |child, number| Op::AddChild { parent: QUORUM, child: NodeId(child), name: quorum_child(number) };
        let removed = |number| Op::RemoveChild { parent: QUORUM, name: quorum_child(number) };
        let remove = |name| Op::RemoveChild { parent: QUORUM, name: ChildName(name) };
        assert_eq!(play(add_child(1, 9)), added(1, 0));
        assert_eq!(play(add_child(2, 0)), added(2, 1));
        assert_eq!(play(add_child(3, 7)), added(3, 2));
        // A name that a child has refers to that child; a name that no child has refers to no child.
        assert_eq!(play(add_child(4, 0)), added(4, 1));
        assert_eq!(play(remove(8)), Op::RemoveChild { parent: QUORUM, name: NO_CHILD });
        // The last number is reused, one in the middle is not.
        assert_eq!(play(remove(7)), removed(2));
        assert_eq!(play(add_child(3, 8)), added(3, 2));
        assert_eq!(play(remove(0)), removed(1));
        assert_eq!(play(add_child(2, 0)), added(2, 3));
    }
}
