//! Each check can fail: for each checked sentence there is a dump that violates it.

use super::{GRAPH_MOD, STREAM, edited, sentences};
use serde_json::{Value, json};

const GRAPH: &str = "x-debug-query-block-graph";

fn id(dump: &Value, name: &str) -> u64 {
    let nodes = dump[GRAPH]["nodes"].as_array().unwrap();
    nodes.iter().find(|node| node["name"] == name).unwrap()["id"].as_u64().unwrap()
}

/// Returns the edge with that name below that node.
fn edge<'a>(dump: &'a mut Value, parent: &str, name: &str) -> &'a mut Value {
    let parent = id(dump, parent);
    let edges = dump[GRAPH]["edges"].as_array_mut().unwrap();
    edges.iter_mut().find(|edge| edge["parent"] == parent && edge["name"] == name).unwrap()
}

fn info<'a>(dump: &'a mut Value, name: &str) -> &'a mut Value {
    let infos = dump["query-named-block-nodes"].as_array_mut().unwrap();
    infos.iter_mut().find(|info| info["node-name"] == name).unwrap()
}

fn push_edge(dump: &mut Value, parent: &str, child: &str, name: &str) {
    let new = json!({"parent": id(dump, parent), "child": id(dump, child), "name": name,
        "perm": [], "shared-perm": ["consistent-read", "write", "write-unchanged", "resize"]});
    dump[GRAPH]["edges"].as_array_mut().unwrap().push(new);
}

/// An edit of a dump, and the sentences that are violated afterwards.
type BrokenDump = (fn(&mut Value), &'static [&'static str]);

const BROKEN_DUMPS: [BrokenDump; 12] = [
    (|dump| edge(dump, "stream0", "active node")["perm"] = json!(["resize"]), &["P3"]),
    (|dump| info(dump, "top")["ro"] = json!(true), &["V3.3"]),
    (|dump| info(dump, "top-file")["active"] = json!(false), &["V3.5", "V3.6"]),
    (|dump| info(dump, "base-file")["active"] = json!(false), &["V3.5"]),
    (|dump| push_edge(dump, "base", "mid", "backing"), &["P4", "V3.1"]),
    (|dump| edge(dump, "mid", "file")["perm"] = json!([]), &["P4"]),
    (|dump| edge(dump, "mid", "file")["shared-perm"] = json!(["consistent-read"]), &["P4"]),
    (
        |dump| {
            let nodes = dump[GRAPH]["nodes"].as_array_mut().unwrap();
            nodes.push(json!({"id": 99, "type": "block-driver", "name": "#block9"}));
        },
        &["L2.1"],
    ),
    (|dump| push_edge(dump, "top", "base-file", "file"), &["P4", "S0", "S3.3"]),
    (
        |dump| {
            let cor = id(dump, "cor");
            dump[GRAPH]["edges"].as_array_mut().unwrap().retain(|edge| edge["parent"] != cor);
        },
        &["P4", "S2"],
    ),
    (|dump| dump["contexts"] = json!({"top": "iothread0", "mid": "iothread0"}), &[]),
    (|dump| dump["contexts"] = json!({"top": "iothread0", "top-file": "main"}), &["C1"]),
];

#[test]
fn each_invariant_can_be_broken() {
    for (index, (edit, broken)) in BROKEN_DUMPS.iter().enumerate() {
        let audit = edited(STREAM, edit);
        let found = sentences(&audit);
        assert_eq!(found, *broken, "case {index}: {:?}", audit.findings);
    }
}

/// A finding names both parties, or the pair that the edge should have.
#[test]
fn findings_name_the_parties() {
    let conflict = edited(STREAM, BROKEN_DUMPS[0].0);
    let expected = "conflict on qcow2 node top: stream job stream0 needs resize, which copy-on-read node cor (file) \
        does not share";
    assert!(conflict.findings.iter().any(|finding| finding.message == expected), "{:?}", conflict.findings);
    let stale = edited(STREAM, BROKEN_DUMPS[5].0);
    let expected = "qcow2 node mid (file) on mid-file does not need consistent-read, unlike its rule: it has -/ru, and \
        should have r/ru";
    assert_eq!(stale.findings[0].message, expected);
}

/// The graph-mod permission of old versions is checked where it is needed.
#[test]
fn graph_mod_conflicts() {
    let audit = edited(GRAPH_MOD, |dump| {
        let edges = &mut dump[GRAPH]["return"]["edges"];
        let root = edges.as_array_mut().unwrap().iter_mut().find(|edge| edge["name"] == "root").unwrap();
        root["shared-perm"] = json!(["consistent-read", "write-unchanged"]);
        let mut other = root.clone();
        other["parent"] = json!(50);
        other["perm"] = json!(["graph-mod"]);
        other["shared-perm"] = json!(["consistent-read", "write", "write-unchanged", "resize", "graph-mod"]);
        edges.as_array_mut().unwrap().push(other);
        let nodes = dump[GRAPH]["return"]["nodes"].as_array_mut().unwrap();
        nodes.push(json!({"id": 50, "type": "block-job", "name": "job0"}));
    });
    assert_eq!(sentences(&audit), ["P3"]);
    assert!(audit.findings[0].message.contains("job job0 needs graph-mod, which device virtio0 does not share"));
}
