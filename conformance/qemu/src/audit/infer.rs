//! Infers options and flags that QEMU does not show, from the pairs of a node's children (D7).

use crate::audit::graph::{AuditGraph, EdgeParent};
use crate::wire::drivers::alternative_role;
use blockgraph_model::perm::{ALL, G};
use blockgraph_model::{Kind, Opt, Phase};

/// Sets, for each node with children, the first of its possible options that explains all their pairs. If none does,
/// the node keeps the default options of its kind, and the checks report which edge is wrong.
pub(super) fn infer_options(graph: &mut AuditGraph, notes: &mut Vec<String>) {
    for node in 0..graph.nodes.len() {
        let Some(kind) = graph.nodes[node].kind.filter(|_| !graph.child_edges(node).is_empty()) else { continue };
        if kind == Kind::Blkdebug {
            infer_blkdebug(graph, node, notes);
        } else if !rules_match(graph, node) {
            try_options(graph, node, kind, notes);
        }
    }
}

/// Returns whether all edges below the node have the pairs that the rule gives (P4).
fn rules_match(graph: &AuditGraph, node: usize) -> bool {
    graph.child_edges(node).iter().all(|edge| graph.rule_pair(*edge) == Some(graph.edges[*edge].pair()))
}

/// Tries the other options and flags that a node of this kind may have.
fn try_options(graph: &mut AuditGraph, node: usize, kind: Kind, notes: &mut Vec<String>) {
    let name = graph.nodes[node].name.clone();
    let before = graph.nodes[node].clone();
    let options: &[(Opt, &str)] = match kind {
        Kind::Quorum => &[(Opt::Rewrite(true), "rewrite corrupted blocks")],
        Kind::MirrorTop => {
            &[(Opt::Phase(Phase::Commit), "belong to an active commit"), (Opt::Phase(Phase::Stopped), "have stopped")]
        }
        _ => &[],
    };
    for (opt, what) in options {
        graph.nodes[node].opt = *opt;
        if rules_match(graph, node) {
            notes.push(format!("{name} is taken to {what}: that makes the pairs of its children"));
            return;
        }
    }
    graph.nodes[node] = before;
    if kind == Kind::Format {
        graph.nodes[node].flags.no_io = true;
        if rules_match(graph, node) {
            notes.push(format!("{name} is taken to be opened without I/O: that makes the pairs of its children"));
            return;
        }
        graph.nodes[node].flags.no_io = false;
    }
    infer_raw_offset(graph, node, kind, notes);
    infer_force_share(graph, node, notes);
}

/// Tries `raw` with an offset or a size, which has data of its own instead of a filtered child.
fn infer_raw_offset(graph: &mut AuditGraph, node: usize, kind: Kind, notes: &mut Vec<String>) {
    let [edge] = *graph.child_edges(node) else { return };
    let Some(role) = graph.edges[edge].role else { return };
    let Some(other) = alternative_role(kind, role) else { return };
    graph.edges[edge].role = Some(other);
    if rules_match(graph, node) {
        notes.push(format!(
            "{} is taken to have an offset or a size: that makes the pair of its child",
            graph.nodes[node].name
        ));
    } else {
        graph.edges[edge].role = Some(role);
    }
}

/// Takes a read-only child as force-share if all its parent nodes share everything with it although their rules would
/// not.
fn infer_force_share(graph: &mut AuditGraph, node: usize, notes: &mut Vec<String>) {
    for edge in graph.child_edges(node).to_vec() {
        let child = graph.edges[edge].child;
        let from_nodes: Vec<usize> = graph
            .parent_edges(child)
            .iter()
            .copied()
            .filter(|e| matches!(graph.edges[*e].parent, EdgeParent::Node(_)))
            .collect();
        let all_shared = from_nodes.iter().all(|e| graph.edges[*e].pair().share == ALL | G);
        if graph.nodes[child].flags.force_share || !graph.nodes[child].flags.read_only || !all_shared {
            continue;
        }
        graph.nodes[child].flags.force_share = true;
        if from_nodes.iter().all(|e| graph.rule_pair(*e).is_none_or(|pair| pair == graph.edges[*e].pair())) {
            notes.push(format!(
                "{} is taken to be force-share: all nodes above share everything",
                graph.nodes[child].name
            ));
        } else {
            graph.nodes[child].flags.force_share = false;
        }
    }
}

/// Reads the options of blkdebug off its pair, because they set the pair directly.
fn infer_blkdebug(graph: &mut AuditGraph, node: usize, notes: &mut Vec<String>) {
    let [edge] = *graph.child_edges(node) else { return };
    let (Some(default), observed) = (graph.rule_pair(edge), graph.edges[edge].pair()) else { return };
    // Blkdebug's options can only add a need and take away a share. Any other difference stays, and is reported.
    let opt = Opt::Debug { take: observed.need - default.need, unshare: default.share - observed.share };
    if opt != Kind::Blkdebug.default_opt() {
        graph.nodes[node].opt = opt;
        let name = &graph.nodes[node].name;
        notes.push(format!(
            "not checked: what blkdebug node {name} takes or refuses more than a filter: read off its pair"
        ));
    }
}
