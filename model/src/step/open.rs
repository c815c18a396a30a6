//! Opening, as far as it changes the graph (O41).

use super::{Done, Work};
use crate::derived;
use crate::op::{Below, ChildName, Kind, NodeId, Opening, Role, Spec, StepError as E};
use crate::perm::R;
use crate::state::{Inherits, Node};

impl<const N: usize, const M: usize> Work<'_, N, M> {
    /// O41
    pub(super) fn open(&mut self, opening: Opening) -> Done {
        let Opening { node, layer, file, backing, overlay, probe } = opening;
        let spec = layer.spec();
        if let Some(Below { node: there, opened: None }) = file {
            self.exists(there)?;
        }
        backing.map_or(Ok(()), |to| self.exists(to))?;
        match file {
            Some(Below { node: below, opened: Some(own) }) => self.add(below, Self::below(spec, own.spec()))?,
            Some(Below { node: below, opened: None }) if probe => self.may_probe(below)?,
            _ => {}
        }
        self.add(node, spec)?;
        if let Some(file) = file {
            self.open_file(node, spec, file)?;
        }
        if let Some(to) = backing {
            let change = self.backing_change(node, Some(to))?;
            let found = self.graph;
            self.change(change, &found);
        }
        if let Some(overlay) = overlay {
            let mut above = Spec::plain(Kind::Format);
            above.flags.inactive = spec.flags.inactive;
            self.add(overlay, above)?;
            self.append(overlay, node, false)?;
            self.graph.nodes[node.0 as usize].monitor = false;
        }
        Ok(())
    }

    /// O41.2: adds what is handed down to the layer below.
    fn below(above: Spec, mut own: Spec) -> Spec {
        own.flags.read_only |= above.flags.read_only;
        own.flags.inactive |= above.flags.inactive;
        own
    }

    /// O41.5
    fn open_file(&mut self, node: NodeId, spec: Spec, file: Below) -> Done {
        let role = if spec.kind.takes_filtered() {
            Role::FILTERED | Role::PRIMARY
        } else {
            Role::DATA | Role::METADATA | Role::PRIMARY
        };
        self.may_attach(node, ChildName::FILE, role)?;
        if let Some(own) = file.opened {
            let inherits = Some(Inherits { from: node, read_only: !own.flags.read_only });
            let opened = Node::open(Self::below(spec, own.spec()));
            self.graph.nodes[file.node.0 as usize] = Node { monitor: false, holders: 0, inherits, ..opened };
        }
        self.put(node, file.node, ChildName::FILE, role);
        Ok(())
    }

    /// L5.11: whether a user may read the layer below. Edges that this operation made have not been judged and do not
    /// count.
    fn may_probe(&self, node: NodeId) -> Done {
        let Some(before) = derived::derive(self.before) else { return Ok(()) };
        let denies = |id: &_| {
            let there = self.before.edge_index(*id).filter(|_| !self.made.contains(id));
            there.is_some_and(|i| !before.edges[i].share.meets(R))
        };
        match self.graph.parents(node).map(|i| self.graph.edges()[i].id()).find(denies) {
            Some(denies) => Err(E::ProbeDenied { node, denies }),
            None => Ok(()),
        }
    }
}
