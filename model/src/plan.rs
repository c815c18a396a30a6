//! The plan and the drivers' answers (V5 to V7), and the nodes that become quiet (Q4).

use crate::contexts::Settled;
use crate::derived::Derived;
use crate::op::{Context, Hook, NodeId, Refusal};
use crate::rules;
use crate::state::{Grant, State};
use crate::step::{Names, Work};
use arrayvec::ArrayVec;

/// What the drivers are asked (V5.3).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan<const N: usize> {
    /// The nodes to be flushed and prepared, in order.
    pub prepare: Names<N>,
    /// The nodes whose stored backing name changes, in order (S6).
    pub rename: Names<N>,
    /// The nodes that become inactive; sorted by name.
    pub inactivate: Names<N>,
    /// The nodes that change their context, with the new context; sorted by name.
    pub context: ArrayVec<(NodeId, Context), N>,
    /// The nodes to be checked, with the grant that each is asked for; sorted by name, because only "parents before
    /// children" is specified.
    pub check: ArrayVec<(NodeId, Grant), N>,
    /// The nodes that become active; sorted by name.
    pub activate: Names<N>,
}

/// The nodes that become quiet and that go on (Q4); sorted by name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DrainNotices<const N: usize> {
    /// Notified before anything takes effect.
    pub quiesce: Names<N>,
    /// Notified after everything has taken effect.
    pub resume: Names<N>,
}

impl<const N: usize> Plan<N> {
    /// Returns every step at which a driver can refuse.
    pub fn hooks(&self) -> impl Iterator<Item = Refusal> + '_ {
        let all = |nodes: &'_ Names<N>, hook| nodes.clone().into_iter().map(move |node| Refusal { node, hook });
        let prepares = all(&self.prepare, Hook::Flush).chain(all(&self.prepare, Hook::Prepare));
        let checks = self.check.iter().map(|&(node, _)| Refusal { node, hook: Hook::Check });
        let moves = self.context.iter().map(|&(node, _)| Refusal { node, hook: Hook::Context });
        prepares
            .chain(all(&self.rename, Hook::Rename))
            .chain(all(&self.inactivate, Hook::Inactivate))
            .chain(moves)
            .chain(checks)
            .chain(all(&self.activate, Hook::Activate))
    }
}

/// V5.1, V5.2.
pub(crate) fn plan<const N: usize, const M: usize>(
    work: &Work<'_, N, M>,
    derived: &Derived<N, M>,
    settled: &Settled<N>,
) -> Plan<N> {
    let mut plan = Plan::default();
    let asked = |n: &NodeId| work.graph.nodes[n.0 as usize].has_driver();
    plan.prepare.extend(work.reopened.iter().copied().filter(asked));
    plan.rename.extend(work.renamed.iter().copied().filter(asked));
    for id in work.graph.names().filter(asked) {
        let node = &work.graph.nodes[id.0 as usize];
        if work.was_inactive[id.0 as usize] != node.flags.inactive {
            if node.flags.inactive { plan.inactivate.push(id) } else { plan.activate.push(id) }
        }
        if settled.to[id.0 as usize] != node.context {
            plan.context.push((id, settled.to[id.0 as usize]));
        }
        let now = Grant { pair: derived.nodes[id.0 as usize], writable: node.writable() };
        if now != node.granted || plan.prepare.contains(&id) {
            plan.check.push((id, now));
        }
    }
    plan
}

/// V7: lets the drivers answer, and returns the first refusal that is not tolerated.
pub(crate) fn run<const N: usize, const M: usize>(
    graph: &mut State<N, M>,
    plan: &Plan<N>,
    derived: &Derived<N, M>,
    settled: &Settled<N>,
    refusals: &[Refusal],
) -> Option<Refusal> {
    let refuses = |node, hook| refusals.contains(&Refusal { node, hook });
    let first = |nodes: &Names<N>, hook| nodes.iter().find(|&&n| refuses(n, hook)).map(|&node| Refusal { node, hook });
    let before_contexts = [
        (&plan.prepare, Hook::Flush),
        (&plan.prepare, Hook::Prepare),
        (&plan.rename, Hook::Rename),
        (&plan.inactivate, Hook::Inactivate),
    ];
    if let Some(by) = before_contexts.into_iter().find_map(|(nodes, hook)| first(nodes, hook)) {
        return Some(by);
    }
    if let Some(by) = move_all(graph, plan, settled, refusals) {
        return Some(by);
    }
    // In the order of the hooks, so that the first refusal found is one that can come first.
    for &node in &derived.order {
        let Some(&(_, grant)) = plan.check.iter().find(|(n, _)| *n == node) else {
            continue;
        };
        let of = &mut graph.nodes[node.0 as usize];
        // P9
        if !refuses(node, Hook::Check) && !rules::misaligned(of.opt, grant.pair.need) {
            of.granted = grant;
        } else if !grant.pair.loosens(of.granted.pair) {
            return Some(Refusal { node, hook: Hook::Check });
        }
    }
    first(&plan.activate, Hook::Activate)
}

/// C4, C3: moves the nodes, except those of components in which a driver refuses an optional move.
fn move_all<const N: usize, const M: usize>(
    graph: &mut State<N, M>,
    plan: &Plan<N>,
    settled: &Settled<N>,
    refusals: &[Refusal],
) -> Option<Refusal> {
    let refused = |&(node, _): &(NodeId, Context)| refusals.contains(&Refusal { node, hook: Hook::Context });
    let stays =
        |wish: u8| plan.context.iter().any(|move_| settled.wish[move_.0.0 as usize] == Some(wish) && refused(move_));
    for (i, node) in graph.nodes.iter_mut().enumerate().filter(|(_, node)| node.kind.is_some()) {
        if !settled.wish[i].is_some_and(stays) {
            node.context = settled.to[i];
        }
    }
    let forced = plan.context.iter().filter(|(node, _)| settled.wish[node.0 as usize].is_none());
    forced.copied().find(refused).map(|(node, _)| Refusal { node, hook: Hook::Context })
}

/// Q4
pub(crate) fn drain_notices<const N: usize, const M: usize>(
    before: &State<N, M>,
    next: &State<N, M>,
) -> DrainNotices<N> {
    let mut quiet = DrainNotices::default();
    let (was, is) = (before.quiesced(), next.quiesced());
    for id in next.names().filter(|n| next.nodes[n.0 as usize].has_driver()) {
        let i = id.0 as usize;
        let moves = before.nodes[i].kind.is_some() && before.nodes[i].context != next.nodes[i].context
            || before.nodes[i].kind.is_none() && next.nodes[i].context != Context::MAIN;
        if (is[i] || moves) && !was[i] {
            quiet.quiesce.push(id);
        }
        if (was[i] || moves) && !is[i] {
            quiet.resume.push(id);
        }
    }
    quiet
}
