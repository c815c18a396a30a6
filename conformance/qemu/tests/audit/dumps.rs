//! Dumps of several versions are parsed, have no findings, and are explained.

use super::{BARE, COPIES, GRAPH_MOD, STREAM, UNKNOWN_DRIVER, audit, edited};
use blockgraph_qemu::audit::json_report::json_report;
use blockgraph_qemu::audit::text_report::{node_lines, short_lines, text_report};
use serde_json::json;

#[test]
fn all_dumps_parse_without_findings() {
    for (text, version) in [
        (STREAM, Some("10.0.2")),
        (COPIES, Some("10.0.2")),
        (GRAPH_MOD, Some("6.1.0")),
        (UNKNOWN_DRIVER, Some("7.2.0")),
        (BARE, None),
    ] {
        let audit = audit(text);
        assert_eq!(audit.version.as_deref(), version);
        assert_eq!(audit.findings, []);
        let json = json_report(&audit, None);
        assert_eq!(json["sound"], true);
        assert_eq!(json["nodes"].as_array().unwrap().len(), audit.graph.nodes.len());
    }
}

#[test]
fn lines_fit_into_120_columns() {
    for text in [STREAM, COPIES, GRAPH_MOD, UNKNOWN_DRIVER, BARE] {
        for line in text_report(&audit(text), None).lines() {
            assert!(line.chars().count() <= 120, "{line}");
        }
    }
}

#[test]
fn the_stream_job_is_drawn_and_explained() {
    let audit = audit(STREAM);
    let text = text_report(&audit, None);
    let drawing = "  @exp rw/all-z\n  └─ cor  copy-on-read  rw/all-z of @exp, @stream0\n     \
        └─ file fp rwu/all-z → top  qcow2  rwu/all-z of @stream0#1, cor/file\n";
    assert!(text.contains(drawing), "{text}");
    let graph = &audit.graph;
    let lines = |name: &str| short_lines(graph, graph.node(name).unwrap()).join("\n");
    assert!(
        lines("top")
            .contains("top cannot be resized, because export exp does not share resize, through exp → cor → top")
    );
    // The job does not share one bit; below, the missing share has become another bit.
    let below = "base cannot be resized, because stream job stream0 does not share write, through stream0 → mid → base";
    assert!(lines("base").contains(below));
    assert!(lines("mid").contains("mid cannot be written or rewritten unchanged: it is read-only"));
    let full = node_lines(graph, graph.node("top").unwrap()).join("\n");
    let rule = "needed of it: write-unchanged, because copy-on-read node cor needs write-unchanged of its file by \
        its own rule, even without parents, through cor → top";
    assert!(full.contains(rule), "{full}");
}

/// The driver's own rule is the reason where no user is, also in a graph without users.
#[test]
fn a_drivers_own_rule_is_a_reason_without_users() {
    let without_users = edited(STREAM, |dump| {
        let graph = &mut dump["x-debug-query-block-graph"];
        *graph = json!({
            "nodes": [{"id": 1, "type": "block-driver", "name": "top"},
                {"id": 2, "type": "block-driver", "name": "top-file"}],
            "edges": [{"parent": 1, "child": 2, "name": "file", "perm": ["consistent-read", "write", "resize"],
                "shared-perm": ["consistent-read", "write-unchanged"]}]
        });
    });
    assert_eq!(without_users.findings, []);
    let lines = node_lines(&without_users.graph, without_users.graph.node("top-file").unwrap()).join("\n");
    assert!(
        lines.contains("qcow2 node top needs consistent-read, write and resize of its file by its own rule"),
        "{lines}"
    );
}

#[test]
fn users_get_the_names_of_their_owners() {
    let labels = |text: &str| audit(text).graph.users.into_iter().map(|user| user.label).collect::<Vec<_>>();
    assert_eq!(labels(STREAM), ["export exp", "stream job stream0"]);
    assert_eq!(labels(UNKNOWN_DRIVER), ["device cd1", "device vd0"]);
    assert_eq!(labels(GRAPH_MOD), ["device virtio0"]);
    assert_eq!(labels(BARE), ["block backend 1"]);
}

#[test]
fn unknown_and_assumed_facts_are_noted() {
    let luks = audit(UNKNOWN_DRIVER);
    assert!(luks.notes.iter().any(|note| note.contains("driver luks is not known")), "{:?}", luks.notes);
    let what_if_state = luks.what_if_state.unwrap();
    assert!(what_if_state.assumed.iter().any(|note| note.contains("luks node disk: its driver is not known")));
    let copies = audit(COPIES);
    for part in ["r2 is taken to have an offset", "qq is taken to rewrite", "what blkdebug node bd takes"] {
        assert!(copies.notes.iter().any(|note| note.contains(part)), "{part}: {:?}", copies.notes);
    }
}

/// An operation on a node with an unknown driver is refused with that reason. An operation beside it is judged.
#[test]
fn nothing_can_be_tried_on_an_unknown_driver() {
    let mut audit = audit(UNKNOWN_DRIVER);
    audit.try_operations("add node=o kind=format\nset-backing node=disk to=o").unwrap();
    let last = audit.forecasts[0].steps.last().unwrap();
    assert!(!last.done && last.lines[0].contains("the driver of disk is not known"), "{last:?}");
    audit.try_operations("attach-user user=x node=disk-file need=w share=all").unwrap();
    let lines = &audit.forecasts[1].steps[0].lines;
    assert!(lines.iter().any(|line| line.contains("luks node disk does not share write")), "{lines:?}");
    assert!(audit.try_operations("append new=o top=nobody").unwrap_err().starts_with("1:12: unknown node `o`"));
}

/// The example of `specs/audit.md` is the actual output.
#[test]
fn the_example_of_the_specification_is_the_output() {
    let section = include_str!("../../../../specs/audit.md").split("## An example").nth(1).unwrap();
    let mut audit = audit(STREAM);
    for tried in
        ["attach-user user=x node=top need=rw share=ru", "stream act=finish job=stream0 node=top bottom=mid filter=cor"]
    {
        assert!(section.contains(&format!("--what-if '{tried}'")));
        audit.try_operations(tried).unwrap();
    }
    let text = text_report(&audit, None);
    let example = section.split("```").nth(1).unwrap().strip_prefix("text\n").unwrap();
    // The lines of the example appear in the output in this order.
    let mut left = text.lines();
    for line in example.lines().filter(|line| *line != "…") {
        assert!(left.any(|other| other == line), "{line}");
    }
}

/// A graph with more nodes than the model allows is checked and explained, but it is not drawn and nothing can be
/// tried.
#[test]
fn large_graphs_are_checked() {
    let count = 300;
    let nodes: Vec<_> =
        (0..count).map(|id| json!({"id": id, "type": "block-driver", "name": format!("n{id}")})).collect();
    let infos: Vec<_> = (0..count)
        .map(|id| {
            let driver = if id + 1 < count { "throttle" } else { "null-co" };
            json!({"node-name": format!("n{id}"), "drv": driver, "ro": false})
        })
        .collect();
    let all = ["consistent-read", "write", "write-unchanged", "resize"];
    let mut edges: Vec<_> = (1..count)
        .map(|id| json!({"parent": id - 1, "child": id, "name": "file", "perm": ["write"], "shared-perm": &all[..3]}))
        .collect();
    edges.push(json!({"parent": count, "child": 0, "name": "root", "perm": ["write"], "shared-perm": &all[..3]}));
    let mut dump =
        json!({"x-debug-query-block-graph": {"nodes": nodes, "edges": edges}, "query-named-block-nodes": infos});
    let vertices = dump["x-debug-query-block-graph"]["nodes"].as_array_mut().unwrap();
    vertices.push(json!({"id": count, "type": "block-backend", "name": "guest"}));
    let mut audit = audit(&dump.to_string());
    assert_eq!(audit.findings, []);
    assert!(text_report(&audit, None).contains("  not drawn: more than 256 nodes\n"));
    let last = short_lines(&audit.graph, audit.graph.node("n299").unwrap()).join("\n");
    assert!(last.contains("because device guest does not share resize, through guest → n0 → n1 → n2"), "{last}");
    assert!(last.ends_with("n6 → … 285 more … → n292 → n293 → n294 → n295 → n296 → n297 → n298 → n299"), "{last}");
    assert!(
        audit.try_operations("delete node=n0").unwrap_err().starts_with("nothing can be tried: more than 256 nodes")
    );
}
