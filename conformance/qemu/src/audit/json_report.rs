//! The audit as one JSON object.

use crate::audit::Audit;
use crate::audit::explain::{Why, needed, pair, refused, route, sentence};
use crate::audit::graph::{AuditGraph, Upper, bits};
use crate::audit::what_if::TurnAnswer;
use crate::wire::names::PERMISSIONS;
use blockgraph_model::Perms;
use blockgraph_model::perm::ALL;
use serde_json::{Value, json};

/// The whole audit, with the explanations of all nodes or of one.
pub fn told(audit: &Audit, only: Option<usize>) -> Value {
    let Audit { web, findings, .. } = audit;
    let shown = |node: &usize| only.is_none_or(|only| only == *node);
    let nodes: Vec<Value> = (0..web.nodes.len()).filter(shown).map(|node| node_value(web, node)).collect();
    let findings: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let edges: Vec<Value> = finding.edges.iter().map(|edge| edge_value(web, *edge)).collect();
            let node = &web.nodes[finding.node].name;
            json!({"sentence": finding.sentence, "node": node, "what": finding.what, "edges": edges})
        })
        .collect();
    let tried: Vec<Value> =
        audit.tried.iter().map(|tried| tried.steps.iter().map(step_value).collect::<Vec<_>>().into()).collect();
    let assumed = audit.staged.as_ref().map_or(&[][..], |staged| &staged.assumed);
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

fn node_value(web: &AuditGraph, node: usize) -> Value {
    let at = &web.nodes[node];
    let of = |edges: &[usize]| edges.iter().map(|edge| edge_value(web, *edge)).collect::<Vec<_>>();
    let whys = |all: Vec<Why>| all.iter().map(|why| why_value(web, why)).collect::<Vec<_>>();
    json!({
        "name": at.name,
        "driver": at.driver,
        "known": at.kind.is_some(),
        "read-only": at.flags_seen.then_some(at.flags.read_only),
        "inactive": at.flags.inactive,
        "pair": pair(web.cumulative(node)),
        "parents": of(web.above(node)),
        "children": of(web.below(node)),
        "needed": whys(needed(web, node)),
        "refused": whys(refused(web, node, ALL)),
    })
}

fn edge_value(web: &AuditGraph, edge: usize) -> Value {
    let of = &web.edges[edge];
    let (parent, is) = match of.upper {
        Upper::Node(node) => (&web.nodes[node].name, "node"),
        Upper::User(user) => (&web.users[user].name, "user"),
    };
    let words = |perms: Perms| bits(perms).map(word).collect::<Vec<_>>();
    let rule = web.ruled(edge).map(pair);
    json!({
        "parent": parent,
        "parent-is": is,
        "name": of.name,
        "child": web.nodes[of.child].name,
        "need": words(of.pair().need),
        "share": words(of.pair().share),
        "rule": rule,
    })
}

fn why_value(web: &AuditGraph, why: &Why) -> Value {
    json!({
        "what": bits(why.what).map(word).collect::<Vec<_>>(),
        "because": sentence(web, why),
        "route": route(web, why),
    })
}

fn step_value(step: &TurnAnswer) -> Value {
    json!({"step": step.step, "done": step.done, "answer": step.answer, "lines": step.lines})
}

fn word(bit: Perms) -> &'static str {
    PERMISSIONS.get(bit.0.trailing_zeros() as usize).copied().unwrap_or("?")
}
