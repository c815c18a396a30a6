//! The audit as one JSON object.

use crate::audit::Audit;
use crate::audit::explain::{Reason, format_pair, need_reasons, path_text, reason_text, refusal_reasons};
use crate::audit::graph::{AuditGraph, EdgeParent, bits};
use crate::audit::what_if::StepForecast;
use crate::wire::names::PERMISSIONS;
use blockgraph_model::Perms;
use blockgraph_model::perm::ALL;
use serde_json::{Value, json};

/// Returns the whole audit, with the explanations of all nodes or of one.
pub fn json_report(audit: &Audit, only: Option<usize>) -> Value {
    let Audit { graph, findings, .. } = audit;
    let selected = |node: &usize| only.is_none_or(|only| only == *node);
    let nodes: Vec<Value> = (0..graph.nodes.len()).filter(selected).map(|node| node_value(graph, node)).collect();
    let findings: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let edges: Vec<Value> = finding.edges.iter().map(|edge| edge_value(graph, *edge)).collect();
            let node = &graph.nodes[finding.node].name;
            json!({"sentence": finding.sentence, "node": node, "what": finding.message, "edges": edges})
        })
        .collect();
    let tried: Vec<Value> =
        audit.forecasts.iter().map(|tried| tried.steps.iter().map(step_value).collect::<Vec<_>>().into()).collect();
    let assumed = audit.what_if_state.as_ref().map_or(&[][..], |state| &state.assumed);
    json!({
        "version": audit.version,
        "sound": audit.findings.is_empty(),
        "findings": findings,
        "nodes": nodes,
        "what-if": tried,
        "assumed": assumed,
        "notes": audit.notes,
    })
}

fn node_value(graph: &AuditGraph, node: usize) -> Value {
    let at = &graph.nodes[node];
    let of = |edges: &[usize]| edges.iter().map(|edge| edge_value(graph, *edge)).collect::<Vec<_>>();
    let reasons = |all: Vec<Reason>| all.iter().map(|reason| reason_value(graph, reason)).collect::<Vec<_>>();
    json!({
        "name": at.name,
        "driver": at.driver,
        "known": at.kind.is_some(),
        "read-only": at.flags_shown.then_some(at.flags.read_only),
        "inactive": at.flags.inactive,
        "pair": format_pair(graph.cumulative(node)),
        "parents": of(graph.parent_edges(node)),
        "children": of(graph.child_edges(node)),
        "needed": reasons(need_reasons(graph, node)),
        "refused": reasons(refusal_reasons(graph, node, ALL)),
    })
}

fn edge_value(graph: &AuditGraph, edge: usize) -> Value {
    let of = &graph.edges[edge];
    let (parent, is) = match of.parent {
        EdgeParent::Node(node) => (&graph.nodes[node].name, "node"),
        EdgeParent::User(user) => (&graph.users[user].name, "user"),
    };
    let words = |perms: Perms| bits(perms).map(word).collect::<Vec<_>>();
    let rule = graph.rule_pair(edge).map(format_pair);
    json!({
        "parent": parent,
        "parent-is": is,
        "name": of.name,
        "child": graph.nodes[of.child].name,
        "need": words(of.pair().need),
        "share": words(of.pair().share),
        "rule": rule,
    })
}

fn reason_value(graph: &AuditGraph, reason: &Reason) -> Value {
    json!({
        "what": bits(reason.bits).map(word).collect::<Vec<_>>(),
        "because": reason_text(graph, reason),
        "route": path_text(graph, reason),
    })
}

fn step_value(step: &StepForecast) -> Value {
    json!({"step": step.step, "done": step.done, "answer": step.answer, "lines": step.lines})
}

fn word(bit: Perms) -> &'static str {
    PERMISSIONS.get(bit.0.trailing_zeros() as usize).copied().unwrap_or("?")
}
