//! A garbled dump is an error, or is parsed as another graph; it never makes the audit panic.

use super::{COPIES, GRAPH_MOD, STREAM, UNKNOWN_DRIVER};
use blockgraph_qemu::audit::Audit;
use blockgraph_qemu::audit::dump::Dump;
use blockgraph_qemu::audit::json_report::json_report;
use blockgraph_qemu::audit::text_report::text_report;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Does everything that the command does with a dump, and returns the number of nodes.
fn run_audit(text: &str) -> Option<usize> {
    let dump = Dump::parse(text).ok()?;
    let mut audit = Audit::from_dump(&dump).ok()?;
    // The edit may have removed the names; the result of the operation does not matter.
    let _ = audit.try_operations("attach-user user=x.y node=top need=rwz share=r");
    let _ = audit.try_operations("add node=new.node kind=filter");
    let _ = text_report(&audit, None);
    (0..audit.graph.nodes.len()).for_each(|node| drop(text_report(&audit, Some(node))));
    let _ = json_report(&audit, None);
    Some(audit.graph.nodes.len())
}

fn short_texts() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![STREAM, COPIES, GRAPH_MOD, UNKNOWN_DRIVER])
}

/// Replaces the value with that index, counted in the order of a depth-first walk.
fn replace_value(value: &mut Value, index: &mut usize, with: &Value) {
    let this = *index == 0;
    *index = index.wrapping_sub(1);
    if this {
        *value = with.clone();
        return;
    }
    match value {
        Value::Array(list) => list.iter_mut().for_each(|member| replace_value(member, index, with)),
        Value::Object(map) => map.values_mut().for_each(|member| replace_value(member, index, with)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes_never_panic(text in short_texts(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = text.as_bytes().to_vec();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        run_audit(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn replaced_values_never_panic(text in short_texts(),
        replacements in prop::collection::vec((0..600usize, 0..9usize), 1..6)) {
        let mut dump: Value = serde_json::from_str(text).unwrap();
        let bad = [json!(null), json!(1), json!(2), json!(3), json!(-1), json!("file"), json!([]), json!({}),
            json!("top")];
        for (index, which) in replacements {
            let mut index = index;
            replace_value(&mut dump, &mut index, &bad[which]);
        }
        run_audit(&dump.to_string());
    }

    /// Graphs that no QEMU ever had: any edge between any two nodes or users.
    #[test]
    fn arbitrary_graphs_never_panic(
        edges in prop::collection::vec((0..8usize, 0..6usize, 0..5usize, 0..32u8, 0..32u8), 0..20),
        drivers in prop::collection::vec(0..8usize, 6)) {
        const DRIVERS: [&str; 8] = ["qcow2", "raw", "throttle", "mirror_top", "quorum", "blkdebug", "luks", "file"];
        const NAMES: [&str; 5] = ["file", "backing", "children.0", "image", "target"];
        const WORDS: [&str; 5] = ["consistent-read", "write", "write-unchanged", "resize", "graph-mod"];
        let words = |bits: u8| -> Vec<&str> {
            (0..5).filter(|bit| bits >> bit & 1 == 1).map(|bit| WORDS[bit]).collect()
        };
        let mut nodes: Vec<Value> =
            (0..6).map(|id| json!({"id": id, "type": "block-driver", "name": format!("n{id}")})).collect();
        nodes.push(json!({"id": 6, "type": "block-backend", "name": ""}));
        nodes.push(json!({"id": 7, "type": "block-job", "name": "j"}));
        let infos: Vec<Value> = drivers.iter().enumerate()
            .map(|(id, driver)| json!({"node-name": format!("n{id}"), "drv": DRIVERS[*driver], "ro": id % 2 == 0}))
            .collect();
        let edges: Vec<Value> = edges.iter().map(|&(parent, child, name, need, share)| {
            json!({"parent": parent, "child": child, "name": NAMES[name], "perm": words(need),
                "shared-perm": words(share)})
        }).collect();
        let dump = json!({"x-debug-query-block-graph": {"nodes": nodes, "edges": edges},
            "query-named-block-nodes": infos,
            "query-block-jobs": [{"device": "j", "type": "commit"}]});
        prop_assert_eq!(run_audit(&dump.to_string()), Some(6));
    }
}
