//! Sections: H40, H42, H44, H61, N52. The counters of Q1 are kept as QEMU keeps them: each begin and end is passed up,
//! edge by edge, as it happens. They start each step with the right values, and must be right after it.

use super::case::{Case, NAMES, Observed, StoredState};
use crate::judge::{Outcome, execute};
use crate::machines::Defect;
use crate::menu::{Action, Facet, Small};
use crate::op::{EdgeId, NodeId, Op};
use crate::state::{Edge, Parent};
use crate::step::Work;

/// An edge as the counters see it.
#[derive(Clone, Copy, Debug)]
struct Link {
    id: EdgeId,
    child: NodeId,
    /// The parent, if it is a node. A user has no count of its own.
    parent: Option<NodeId>,
    /// Whether the parent was told to be quiet because of this edge (804db8ea00).
    notified: bool,
}

impl Link {
    fn of(edge: &Edge, notified: bool) -> Link {
        let parent = match edge.parent {
            Parent::Node(parent) => Some(parent),
            Parent::User(_) => None,
        };
        Link { id: edge.id(), child: edge.child, parent, notified }
    }
}

/// The counters in the middle of a step.
#[derive(Clone, Debug)]
struct Counters {
    count: [i16; NAMES],
    stopped: i16,
    /// The nodes that were told to go on.
    resumed: [bool; NAMES],
    links: Vec<Link>,
    flaw: Option<Defect>,
}

impl Counters {
    /// Returns the right counters.
    fn of(state: &Small, flaw: Option<Defect>) -> Counters {
        let StoredState { counts: count, stopped, .. } = StoredState::of(state);
        let links = state.edges().iter().map(|e| Link::of(e, count[e.child.0 as usize] > 0)).collect();
        Counters { count, stopped, resumed: [false; NAMES], links, flaw }
    }

    fn count_of(&mut self, node: NodeId) -> &mut i16 {
        &mut self.count[node.0 as usize]
    }

    /// Begins a section on a node. The first one goes up all edges.
    fn begin(&mut self, node: NodeId) {
        let mut left = vec![node];
        while let Some(node) = left.pop() {
            *self.count_of(node) += 1;
            if *self.count_of(node) == 1 {
                self.stopped += 1;
                for link in self.links.iter_mut().filter(|link| link.child == node && !link.notified) {
                    link.notified = true;
                    left.extend(link.parent);
                }
            }
        }
    }

    /// Ends a section on a node. The last one goes up all edges.
    fn end(&mut self, node: NodeId) {
        let mut left = vec![node];
        while let Some(node) = left.pop() {
            if self.lower(node) {
                for link in self.links.iter_mut().filter(|link| link.child == node && link.notified) {
                    link.notified = false;
                    left.extend(link.parent);
                }
            }
        }
    }

    /// Counts one end, and returns whether it was the last.
    fn lower(&mut self, node: NodeId) -> bool {
        *self.count_of(node) -= 1;
        let last = *self.count_of(node) == 0;
        self.stopped -= i16::from(last);
        self.resumed[node.0 as usize] |= last;
        last
    }

    /// Enters a new edge, or an edge with another child.
    fn link(&mut self, edge: &Edge) {
        let notified = *self.count_of(edge.child) > 0 && self.flaw != Some(Defect::H42);
        let link = Link::of(edge, notified);
        self.links.push(link);
        link.parent.filter(|_| notified).into_iter().for_each(|parent| self.begin(parent));
    }

    /// Enters that an edge goes, or leads to another child from now on.
    fn unlink(&mut self, id: EdgeId) {
        let Some(place) = self.links.iter().position(|link| link.id == id) else {
            return;
        };
        let link = self.links.remove(place);
        // Before 804db8ea00 the state of the child decided.
        let notified = match self.flaw {
            Some(Defect::H40 | Defect::H40b) => *self.count_of(link.child) > 0,
            _ => link.notified,
        };
        link.parent.filter(|_| notified).into_iter().for_each(|parent| self.end(parent));
    }

    /// Follows everything that happened to nodes, edges and sections between two states.
    fn follow(&mut self, before: &Small, next: &Small) {
        let joined = |from: &Small, to: &Small| -> Vec<NodeId> {
            to.names().filter(|n| from.nodes[n.0 as usize].kind.is_none()).collect()
        };
        for node in joined(before, next) {
            // 0f12264e7a
            let open = if self.flaw == Some(Defect::H44) { 0 } else { before.drain_alls };
            (0..open).for_each(|_| self.begin(node));
        }
        let lacks = |state: &Small, e: &Edge| state.edges().iter().all(|f| (f.id(), f.child) != (e.id(), e.child));
        // An edge that moves reaches its new node before it leaves the old one.
        let gone = before.edges().iter().filter(|e| lacks(next, e)).map(Edge::id);
        if self.flaw == Some(Defect::N52) {
            gone.clone().for_each(|id| self.unlink(id));
        }
        next.edges().iter().filter(|e| lacks(before, e)).for_each(|e| self.link(e));
        if self.flaw != Some(Defect::N52) {
            gone.for_each(|id| self.unlink(id));
        }
        for node in next.names() {
            let open = |state: &Small| state.nodes[node.0 as usize].sections + state.drain_alls;
            let was = if before.nodes[node.0 as usize].kind.is_some() { open(before) } else { before.drain_alls };
            (was..open(next)).for_each(|_| self.begin(node));
            (open(next)..was).for_each(|_| self.end(node));
        }
        for node in joined(next, before) {
            // 1a6d3bd229: the sections that it had begun are never ended.
            while *self.count_of(node) > 0 && self.flaw != Some(Defect::H44b) {
                self.end(node);
            }
            *self.count_of(node) = 0;
        }
    }

    /// Ends the section of a node, while another operation runs in the resume hook of one of its parents.
    fn interrupted(&mut self, node: NodeId, case: &Case<'_>) {
        let late = self.flaw == Some(Defect::H40);
        if !late {
            self.lower(node);
        }
        let edges: Vec<EdgeId> = case.before.parents(node).map(|i| case.before.edges()[i].id()).collect();
        for (place, id) in edges.into_iter().enumerate() {
            let Some(link) = self.links.iter_mut().find(|link| link.id == id && link.child == node) else {
                continue;
            };
            let (parent, notified) = (link.parent, std::mem::replace(&mut link.notified, false));
            parent.filter(|_| notified).into_iter().for_each(|parent| self.end(parent));
            if Some(place) == case.hook {
                self.follow(case.before, case.between);
            }
        }
        if late {
            self.lower(node);
        }
        // A node that only the section kept alive is closed now.
        let mut ended = *case.between;
        ended.nodes[node.0 as usize].sections -= 1;
        self.follow(&ended, &case.correct.state);
    }
}

/// Executes the step with the counters.
pub(super) fn counted(case: &Case<'_>, flaw: Option<Defect>) -> Observed {
    let mut notified = case.correct.clone();
    if !notified.accepted {
        return notified;
    }
    let mut counters = Counters::of(case.before, flaw);
    match case.op {
        Op::DrainEnd { node } if case.hook.is_some() => counters.interrupted(node, case),
        Op::Reopen { queue } => {
            // A section for each node that is queued; it ends when the queue is done.
            let mut begun: Vec<NodeId> = Vec::new();
            for entry in queue.entries() {
                for (node, _) in Work::new(case.before).queue(&[*entry]) {
                    let known = begun.contains(&node);
                    if !known || flaw == Some(Defect::H61) {
                        counters.begin(node);
                    }
                    begun.extend((!known).then_some(node));
                }
            }
            counters.follow(case.before, &notified.state);
            begun.into_iter().for_each(|node| counters.end(node));
        }
        _ => counters.follow(case.before, &notified.state),
    }
    let was = StoredState::of(case.before).counts;
    // Between two operations a node may go on for a while.
    let disturbed = |i: usize| case.hook.is_none() && counters.resumed[i] && was[i] > 0 && counters.count[i] > 0;
    notified.kept.disturbed = std::array::from_fn(disturbed);
    (notified.kept.counts, notified.kept.stopped) = (counters.count, counters.stopped);
    notified
}

/// Returns what may run while the last section of the node ends, and in which hook: operations on an edge of another
/// parent.
pub(super) fn interruptions(facet: &Facet, state: &Small, node: NodeId) -> Vec<(usize, Action)> {
    let kept = StoredState::of(state);
    if state.nodes[node.0 as usize].sections != 1 || kept.counts[node.0 as usize] != 1 {
        return Vec::new();
    }
    let ends = |action: &Action| match execute(state, &action.ops, &[]) {
        Outcome::Done { next, .. } => matches!(execute(&next, &[Op::DrainEnd { node }], &[]), Outcome::Done { .. }),
        _ => false,
    };
    let edges: Vec<EdgeId> = state.parents(node).map(|i| state.edges()[i].id()).collect();
    let mut all = Vec::new();
    for (_, action) in facet.menu(state).iter() {
        let touched = match action.ops[0] {
            Op::Detach { parent, name } | Op::ReplaceChild { parent, name, .. } => EdgeId::Child(parent, name),
            Op::DetachUser { user } | Op::ReplaceUserChild { user, .. } => EdgeId::User(user),
            _ => continue,
        };
        if edges.contains(&touched) && ends(&action) {
            let others = (0..edges.len()).filter(|hook| edges[*hook] != touched);
            all.extend(others.map(|hook| (hook, action.clone())));
        }
    }
    all
}
