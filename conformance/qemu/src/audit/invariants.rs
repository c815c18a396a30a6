//! Checks all invariants that QEMU's replies make visible (D9–D17).

use crate::audit::graph::{AuditGraph, EdgeParent, bits, permission_list};
use crate::wire::drivers;
use blockgraph_model::perm::{R, U, W};
use blockgraph_model::{Pair, Slot, State, rules};

/// A violation of the specification.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The sentence of the specification that is violated.
    pub sentence: &'static str,
    /// The index of the node at which it is violated.
    pub node: usize,
    /// The description, in one sentence.
    pub message: String,
    /// The indices of the edges concerned.
    pub edges: Vec<usize>,
}

/// Returns all violations, node by node. Costs O(parents²) for each node and O(edges) for each edge on a cycle.
pub fn check(graph: &AuditGraph) -> Vec<Finding> {
    let mut findings = Vec::new();
    for edge in graph.cycles() {
        let node = graph.edges[edge].child;
        let what = format!(
            "{} is on a cycle: it can be reached from its own child {}",
            graph.party(edge),
            graph.nodes[node].name
        );
        findings.push(Finding { sentence: "V3.1", node, message: what, edges: vec![edge] });
    }
    for node in 0..graph.nodes.len() {
        check_conflicts(graph, node, &mut findings);
        check_flags(graph, node, &mut findings);
        check_shape(graph, node, &mut findings);
        check_pairs(graph, node, &mut findings);
        check_leaks(graph, node, &mut findings);
    }
    check_contexts(graph, &mut findings);
    findings
}

/// Checks P3 with graph-mod where QEMU has it. Where it does not, no edge needs graph-mod (D5).
fn check_conflicts(graph: &AuditGraph, node: usize, findings: &mut Vec<Finding>) {
    let parents = graph.parent_edges(node);
    let whole = parents.iter().fold(Pair::FREE, |sum, edge| sum.with(graph.edges[*edge].observed));
    if whole.need.within(whole.share) {
        return;
    }
    for &a in parents {
        for &b in parents.iter().filter(|b| **b != a) {
            if rules::conflict(graph.edges[a].observed, graph.edges[b].observed) {
                let denied = permission_list(graph.edges[a].observed.need - graph.edges[b].observed.share);
                let what = format!(
                    "conflict on {}: {} needs {denied}, which {} does not share",
                    graph.node_title(node),
                    graph.party(a),
                    graph.party(b)
                );
                findings.push(Finding { sentence: "P3", node, message: what, edges: vec![a, b] });
            }
        }
    }
}

/// Checks V3.3, V3.5 and V3.6: flags against needs, and active parents of inactive nodes.
fn check_flags(graph: &AuditGraph, node: usize, findings: &mut Vec<Finding>) {
    let (flags, need) = (graph.nodes[node].flags, graph.cumulative(node).need);
    let needers = |wanted| -> Vec<usize> {
        graph.parent_edges(node).iter().copied().filter(|edge| graph.edges[*edge].pair().need.meets(wanted)).collect()
    };
    let parties = |edges: &[usize]| {
        let names: Vec<_> = edges.iter().map(|edge| graph.party(*edge)).collect();
        format!("{} {}", names.join(", "), if names.len() == 1 { "needs" } else { "need" })
    };
    if rules::writes_read_only(need, flags.read_only) {
        let edges = needers(W | U);
        let needed = permission_list(need & (W | U));
        let what = format!("{} is read-only, but {} {needed} of it", graph.node_title(node), parties(&edges));
        findings.push(Finding { sentence: "V3.3", node, message: what, edges });
    }
    if rules::disturbs_inactive(need, flags.inactive) {
        let edges = needers(need - R);
        let needed = permission_list(need - R);
        let what = format!("{} is inactive, but {} {needed} of it", graph.node_title(node), parties(&edges));
        findings.push(Finding { sentence: "V3.6", node, message: what, edges });
    }
    for &edge in graph.parent_edges(node) {
        if let EdgeParent::Node(parent) = graph.edges[edge].parent
            && flags.inactive
            && !graph.nodes[parent].flags.inactive
        {
            let what = format!(
                "{} is inactive, but its parent {} is active",
                graph.node_title(node),
                graph.node_title(parent)
            );
            findings.push(Finding { sentence: "V3.5", node, message: what, edges: vec![edge] });
        }
    }
}

/// Checks S0, S2 and S3.3: each name and slot is taken once, and a filter has its filtered child.
fn check_shape(graph: &AuditGraph, node: usize, findings: &mut Vec<Finding>) {
    let below = graph.child_edges(node);
    for (place, &edge) in below.iter().enumerate() {
        let duplicate = below[..place].iter().copied().find(|other| graph.edges[*other].name == graph.edges[edge].name);
        if let Some(duplicate) = duplicate {
            let what = format!("{} has two children named {}", graph.node_title(node), graph.edges[edge].name);
            findings.push(Finding { sentence: "S0", node, message: what, edges: vec![duplicate, edge] });
        }
    }
    let Some(kind) = graph.nodes[node].kind else { return };
    for (slot, word) in [(Slot::File, "file"), (Slot::Backing, "backing")] {
        let fills =
            |edge: &usize| graph.edges[*edge].role.and_then(|role| State::<1, 1>::slot_of(kind, role)) == Some(slot);
        let filled: Vec<usize> = below.iter().copied().filter(fills).collect();
        if filled.len() > 1 {
            let names: Vec<_> = filled.iter().map(|edge| graph.edges[*edge].name.as_str()).collect();
            let what =
                format!("{} has several children in its slot {word}: {}", graph.node_title(node), names.join(", "));
            findings.push(Finding { sentence: "S3.3", node, message: what, edges: filled });
        } else if filled.is_empty() && kind.filter_slot() == Some(slot) {
            let what = format!("{} is a filter without the child that it filters", graph.node_title(node));
            findings.push(Finding { sentence: "S2", node, message: what, edges: Vec::new() });
        }
    }
}

/// Checks P4: the edges below a node have the pairs that its rule gives.
fn check_pairs(graph: &AuditGraph, node: usize, findings: &mut Vec<Finding>) {
    for &edge in graph.child_edges(node) {
        let (Some(by_rule), observed) = (graph.rule_pair(edge), graph.edges[edge].pair()) else { continue };
        if by_rule == observed {
            continue;
        }
        let child = &graph.nodes[graph.edges[edge].child].name;
        let lists = [
            ("needs", observed.need - by_rule.need),
            ("does not need", by_rule.need - observed.need),
            ("shares", observed.share - by_rule.share),
            ("does not share", by_rule.share - observed.share),
        ];
        let words: Vec<String> = lists
            .into_iter()
            .filter(|(_, set)| bits(*set).next().is_some())
            .map(|(verb, set)| format!("{verb} {}", permission_list(set)))
            .collect();
        let what = format!(
            "{} on {child} {}, unlike its rule: it has {}, and should have {}",
            graph.party(edge),
            words.join(" and "),
            super::explain::format_pair(observed),
            super::explain::format_pair(by_rule)
        );
        findings.push(Finding { sentence: "P4", node, message: what, edges: vec![edge] });
    }
}

/// Checks L2.1: a node without parents is held by the monitor, and the monitor holds only nodes with a name of the
/// user's.
fn check_leaks(graph: &AuditGraph, node: usize, findings: &mut Vec<Finding>) {
    let info = &graph.nodes[node];
    let hidden = info.listed == Some(false) || info.name.starts_with('#');
    if graph.parent_edges(node).is_empty() && hidden {
        let what = format!(
            "{} has no parents and no name in the monitor: no command can use or delete it",
            graph.node_title(node)
        );
        findings.push(Finding { sentence: "L2.1", node, message: what, edges: Vec::new() });
    }
}

/// Checks C1 where the dump contains contexts.
fn check_contexts(graph: &AuditGraph, findings: &mut Vec<Finding>) {
    for (place, edge) in graph.edges.iter().enumerate() {
        let EdgeParent::Node(parent) = edge.parent else { continue };
        if let (Some(above), Some(below)) = (&graph.nodes[parent].context, &graph.nodes[edge.child].context)
            && above != below
        {
            let what = format!(
                "{} is in context {above}, its child {} in context {below}",
                graph.node_title(parent),
                graph.nodes[edge.child].name
            );
            findings.push(Finding { sentence: "C1", node: edge.child, message: what, edges: vec![place] });
        }
    }
}

/// Returns one sentence for each format that cannot have a backing image in QEMU but can in the model (D22).
pub fn backing_notes(graph: &AuditGraph) -> Vec<String> {
    let without_backing = |driver: &str| {
        drivers::kind(driver) == Some(blockgraph_model::Kind::Format) && !drivers::supports_backing(driver)
    };
    let mut names: Vec<&str> =
        graph.nodes.iter().map(|node| node.driver.as_str()).filter(|driver| without_backing(driver)).collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .map(|driver| format!("{driver} cannot have a backing image, but what-if would let it have one"))
        .collect()
}
