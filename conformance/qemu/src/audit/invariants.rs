//! What is wrong with a graph: all invariants that can be seen (D9–D17).

use crate::audit::graph::{AuditGraph, Upper, bits, said};
use crate::wire::drivers;
use blockgraph_model::perm::{R, U, W};
use blockgraph_model::{Pair, Slot, State, rules};

/// Something that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The sentence of the specification that is broken.
    pub sentence: &'static str,
    /// Where: a node.
    pub node: usize,
    /// What, in one sentence.
    pub what: String,
    /// The edges concerned.
    pub edges: Vec<usize>,
}

/// Everything that is wrong, node by node. Costs O(parents²) for each node and O(edges) for each edge on a cycle.
pub fn check(web: &AuditGraph) -> Vec<Finding> {
    let mut found = Vec::new();
    for edge in web.cycles() {
        let node = web.edges[edge].child;
        let what =
            format!("{} is on a cycle: it can be reached from its own child {}", web.party(edge), web.nodes[node].name);
        found.push(Finding { sentence: "V3.1", node, what, edges: vec![edge] });
    }
    for node in 0..web.nodes.len() {
        conflicts(web, node, &mut found);
        flags(web, node, &mut found);
        shape(web, node, &mut found);
        fresh(web, node, &mut found);
        life(web, node, &mut found);
    }
    contexts(web, &mut found);
    found
}

/// P3, with graph-mod where QEMU still has it: where it has not, nobody needs it (D5).
fn conflicts(web: &AuditGraph, node: usize, found: &mut Vec<Finding>) {
    let parents = web.above(node);
    let whole = parents.iter().fold(Pair::FREE, |sum, edge| sum.with(web.edges[*edge].seen));
    if whole.need.within(whole.share) {
        return;
    }
    for &a in parents {
        for &b in parents.iter().filter(|b| **b != a) {
            if rules::conflict(web.edges[a].seen, web.edges[b].seen) {
                let denied = said(web.edges[a].seen.need - web.edges[b].seen.share);
                let what = format!(
                    "conflict on {}: {} needs {denied}, which {} does not share",
                    web.titled(node),
                    web.party(a),
                    web.party(b)
                );
                found.push(Finding { sentence: "P3", node, what, edges: vec![a, b] });
            }
        }
    }
}

/// V3.3, V3.5, V3.6.
fn flags(web: &AuditGraph, node: usize, found: &mut Vec<Finding>) {
    let (flags, need) = (web.nodes[node].flags, web.cumulative(node).need);
    let needers = |wanted| -> Vec<usize> {
        web.above(node).iter().copied().filter(|edge| web.edges[*edge].pair().need.meets(wanted)).collect()
    };
    let parties = |edges: &[usize]| {
        let names: Vec<_> = edges.iter().map(|edge| web.party(*edge)).collect();
        format!("{} {}", names.join(", "), if names.len() == 1 { "needs" } else { "need" })
    };
    if rules::writes_read_only(need, flags.read_only) {
        let edges = needers(W | U);
        let needed = said(need & (W | U));
        let what = format!("{} is read-only, but {} {needed} of it", web.titled(node), parties(&edges));
        found.push(Finding { sentence: "V3.3", node, what, edges });
    }
    if rules::disturbs_inactive(need, flags.inactive) {
        let edges = needers(need - R);
        let needed = said(need - R);
        let what = format!("{} is inactive, but {} {needed} of it", web.titled(node), parties(&edges));
        found.push(Finding { sentence: "V3.6", node, what, edges });
    }
    for &edge in web.above(node) {
        if let Upper::Node(parent) = web.edges[edge].upper
            && flags.inactive
            && !web.nodes[parent].flags.inactive
        {
            let what = format!("{} is inactive, but its parent {} is active", web.titled(node), web.titled(parent));
            found.push(Finding { sentence: "V3.5", node, what, edges: vec![edge] });
        }
    }
}

/// S0, S2, S3.3: names and slots are taken once, a filter has its child.
fn shape(web: &AuditGraph, node: usize, found: &mut Vec<Finding>) {
    let below = web.below(node);
    for (place, &edge) in below.iter().enumerate() {
        let twin = below[..place].iter().copied().find(|other| web.edges[*other].name == web.edges[edge].name);
        if let Some(twin) = twin {
            let what = format!("{} has two children named {}", web.titled(node), web.edges[edge].name);
            found.push(Finding { sentence: "S0", node, what, edges: vec![twin, edge] });
        }
    }
    let Some(kind) = web.nodes[node].kind else { return };
    for (slot, word) in [(Slot::File, "file"), (Slot::Backing, "backing")] {
        let fills =
            |edge: &usize| web.edges[*edge].role.and_then(|role| State::<1, 1>::slot_of(kind, role)) == Some(slot);
        let filled: Vec<usize> = below.iter().copied().filter(fills).collect();
        if filled.len() > 1 {
            let names: Vec<_> = filled.iter().map(|edge| web.edges[*edge].name.as_str()).collect();
            let what = format!("{} has several children in its slot {word}: {}", web.titled(node), names.join(", "));
            found.push(Finding { sentence: "S3.3", node, what, edges: filled });
        } else if filled.is_empty() && kind.filter_slot() == Some(slot) {
            let what = format!("{} is a filter without the child that it filters", web.titled(node));
            found.push(Finding { sentence: "S2", node, what, edges: Vec::new() });
        }
    }
}

/// P4: the edges below a node have the pairs that its rule gives.
fn fresh(web: &AuditGraph, node: usize, found: &mut Vec<Finding>) {
    for &edge in web.below(node) {
        let (Some(ruled), seen) = (web.ruled(edge), web.edges[edge].pair()) else { continue };
        if ruled == seen {
            continue;
        }
        let child = &web.nodes[web.edges[edge].child].name;
        let lists = [
            ("needs", seen.need - ruled.need),
            ("does not need", ruled.need - seen.need),
            ("shares", seen.share - ruled.share),
            ("does not share", ruled.share - seen.share),
        ];
        let words: Vec<String> = lists
            .into_iter()
            .filter(|(_, set)| bits(*set).next().is_some())
            .map(|(verb, set)| format!("{verb} {}", said(set)))
            .collect();
        let what = format!(
            "{} on {child} {}, unlike its rule: it has {}, and should have {}",
            web.party(edge),
            words.join(" and "),
            super::explain::pair(seen),
            super::explain::pair(ruled)
        );
        found.push(Finding { sentence: "P4", node, what, edges: vec![edge] });
    }
}

/// L2.1: who has no parent is held by the monitor, and the monitor holds only what has a name of its own.
fn life(web: &AuditGraph, node: usize, found: &mut Vec<Finding>) {
    let at = &web.nodes[node];
    let hidden = at.listed == Some(false) || at.name.starts_with('#');
    if web.above(node).is_empty() && hidden {
        let what =
            format!("{} has no parents and no name in the monitor: nobody can use or delete it", web.titled(node));
        found.push(Finding { sentence: "L2.1", node, what, edges: Vec::new() });
    }
}

/// C1, where contexts are told.
fn contexts(web: &AuditGraph, found: &mut Vec<Finding>) {
    for (place, edge) in web.edges.iter().enumerate() {
        let Upper::Node(parent) = edge.upper else { continue };
        if let (Some(above), Some(below)) = (&web.nodes[parent].context, &web.nodes[edge.child].context)
            && above != below
        {
            let what = format!(
                "{} is in context {above}, its child {} in context {below}",
                web.titled(parent),
                web.nodes[edge.child].name
            );
            found.push(Finding { sentence: "C1", node: edge.child, what, edges: vec![place] });
        }
    }
}

/// D22: formats that the model lets have a backing image although QEMU does not, one sentence each.
pub fn unsure(web: &AuditGraph) -> Vec<String> {
    let odd =
        |driver: &str| drivers::kind(driver) == Some(blockgraph_model::Kind::Format) && !drivers::has_backing(driver);
    let mut names: Vec<&str> = web.nodes.iter().map(|node| node.driver.as_str()).filter(|driver| odd(driver)).collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .map(|driver| format!("{driver} cannot have a backing image, but what-if would let it have one"))
        .collect()
}
