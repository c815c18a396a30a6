//! Audits a chain of two hundred nodes. QEMU takes seconds to describe such a chain, so the dump is generated.

use super::edited;
use blockgraph_qemu::audit::text_report::text_report;
use serde_json::{Value, json};

const NODES: u64 = 200;

/// Returns the dump of an export on a chain of throttle nodes, in QEMU's order: from the top, each edge before those
/// above it.
fn chain() -> Value {
    let (need, share) = (json!(["write", "consistent-read"]), json!(["write-unchanged", "write", "consistent-read"]));
    let edge = |parent: u64, child: u64, name: &str| {
        json!({"parent": parent, "child": child, "name": name,
        "perm": need, "shared-perm": share})
    };
    let name = |node: u64| format!("n{node}");
    let mut nodes = vec![json!({"id": NODES, "name": "", "type": "block-backend"})];
    let mut edges = vec![edge(NODES, NODES - 1, "root")];
    nodes.extend((0..NODES).rev().map(|node| json!({"id": node, "name": name(node), "type": "block-driver"})));
    edges.extend((1..NODES).rev().map(|node| edge(node, node - 1, "file")));
    let driver = |node: u64| if node == 0 { "null-co" } else { "throttle" };
    let infos: Vec<_> = (0..NODES)
        .map(|node| json!({"node-name": name(node), "drv": driver(node), "ro": false, "active": true}))
        .collect();
    json!({"version": "10.0.2", "x-debug-query-block-graph": {"nodes": nodes, "edges": edges},
           "query-named-block-nodes": infos,
           "query-block-exports": [{"id": "exp", "node-name": name(NODES - 1), "type": "nbd"}]})
}

#[test]
fn two_hundred_nodes_are_audited() {
    let mut audit = edited(&chain().to_string(), |_| {});
    assert_eq!((audit.graph.nodes.len() as u64, audit.findings.as_slice()), (NODES, &[][..]));
    // The needs on the lowest node originate at the export on top.
    let text = text_report(&audit, audit.graph.node("n0"));
    let words: Vec<&str> = text.split_whitespace().collect();
    let why = format!("export exp needs consistent-read and write, through exp → n{} → ", NODES - 1);
    assert!(words.join(" ").contains(&why), "{text}");
    audit
        .try_operations(
            "transaction { add node=d kind=blkdebug unshare=w; attach parent=d child=n0 name=image role=fp }",
        )
        .unwrap();
    audit.try_operations("attach-user user=r node=n0 need=r share=all-z").unwrap();
    let [refused, done] = audit.forecasts.as_slice() else { panic!("{:?}", audit.forecasts) };
    assert!(refused.after.is_none() && !refused.steps[0].done, "{refused:?}");
    assert!(refused.steps[0].lines.iter().any(|line| line.contains("export exp needs write")), "{refused:?}");
    assert_eq!(done.after.as_ref().unwrap().users.len(), 2, "{done:?}");
}

/// One wrong bit of one edge in the middle is found, and so is the edge below, which does not follow it.
#[test]
fn one_wrong_edge_of_two_hundred_is_found() {
    let audit = edited(&chain().to_string(), |dump| {
        let edges = dump["x-debug-query-block-graph"]["edges"].as_array_mut().unwrap();
        let edge = edges.iter_mut().find(|edge| edge["parent"] == 100).unwrap();
        edge["shared-perm"] = json!(["write-unchanged", "write", "consistent-read", "resize"]);
    });
    let found: Vec<(&str, &str)> = audit
        .findings
        .iter()
        .map(|finding| (finding.sentence, audit.graph.nodes[finding.node].name.as_str()))
        .collect();
    assert_eq!(found, [("P4", "n99"), ("P4", "n100")], "{:?}", audit.findings);
}
