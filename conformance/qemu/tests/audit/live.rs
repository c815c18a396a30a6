//! A real daemon with a running stream job: it is audited, and each operation is forecast first and then executed.

use super::sentences;
use blockgraph_qemu::audit::Audit;
use blockgraph_qemu::audit::dump::Dump;
use blockgraph_qemu::audit::graph::{AuditGraph, EdgeParent};
use blockgraph_qemu::audit::text_report::text_report;
use blockgraph_qemu::daemon::graph_query;
use blockgraph_qemu::{Client, Daemon, Reply, find_daemon};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Executes a command that must succeed, and returns its result.
pub(super) fn execute_ok(client: &mut Client, command: &str, arguments: Value) -> Value {
    match client.execute(command, &arguments).unwrap() {
        Reply::Done(value) => value,
        Reply::Error { text, .. } => panic!("{command} {arguments}: {text}"),
    }
}

fn image(folder: &Path, name: &str) -> String {
    let path = folder.join(format!("{name}.qcow2"));
    let status = Command::new("qemu-img").args(["create", "-q", "-f", "qcow2"]).arg(&path).arg("1M").status().unwrap();
    assert!(status.success());
    path.to_str().unwrap().to_owned()
}

/// Opens `top → mid → base` with an export on `top`, and an unused image. `read_only_below` is whether the images below
/// `top` are read-only.
pub(super) fn chain(client: &mut Client, folder: &Path, read_only_below: bool) {
    for (name, below, read_only) in [
        ("base", None, read_only_below),
        ("mid", Some("base"), read_only_below),
        ("top", Some("mid"), false),
        ("ov", None, false),
    ] {
        let file = json!({"driver": "file", "node-name": format!("{name}-file"), "filename": image(folder, name),
            "read-only": read_only});
        execute_ok(client, "blockdev-add", file);
        let node = json!({"driver": "qcow2", "node-name": name, "file": format!("{name}-file"), "backing": below,
            "read-only": read_only});
        execute_ok(client, "blockdev-add", node);
    }
    let server = json!({"addr": {"type": "unix", "data": {"path": folder.join("nbd")}}});
    execute_ok(client, "nbd-server-start", server);
    execute_ok(client, "block-export-add", json!({"id": "exp", "type": "nbd", "node-name": "top", "writable": true}));
}

/// Waits until the only job has that status.
pub(super) fn wait_for_job_status(client: &mut Client, status: &str) {
    loop {
        let jobs = execute_ok(client, "query-jobs", json!({}));
        match jobs[0]["status"].as_str() {
            Some(now) if now == status => return,
            Some("aborting" | "concluded" | "null") | None => panic!("not {status}, but {jobs}"),
            Some(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// Waits until the job has ended.
pub(super) fn wait_for_job_end(client: &mut Client) {
    client.wait_for(&["JOB_STATUS_CHANGE"], |event| event.data["status"] == "null").unwrap();
}

pub(super) fn audit_daemon(client: &mut Client) -> Audit {
    Audit::from_dump(&Dump::from_replies(graph_query::query_all(client).unwrap())).unwrap()
}

/// Returns everything in a graph that both the model and QEMU show.
pub(super) fn comparable_lines(graph: &AuditGraph) -> Vec<String> {
    let line = |place: usize| {
        let edge = &graph.edges[place];
        let end = &graph.nodes[edge.child].name;
        match edge.parent {
            EdgeParent::Node(node) => format!("{}/{} → {end} {:?}", graph.nodes[node].name, edge.name, edge.pair()),
            // QEMU does not number the users of a job.
            EdgeParent::User(user) => {
                let name = &graph.users[user].name;
                format!("@{} → {end} {:?}", name.split('#').next().unwrap_or(name), edge.pair())
            }
        }
    };
    let nodes = graph.nodes.iter().map(|node| format!("{} {:?}", node.name, node.flags.read_only));
    let mut lines: Vec<String> = nodes.chain((0..graph.edges.len()).map(line)).collect();
    lines.sort();
    lines
}

/// Returns the operations to try, each with the command that executes it.
fn attempts() -> Vec<(&'static str, &'static str, Value)> {
    let export = |id: &str, node: &str, writable: bool| {
        json!({"id": id, "type": "nbd", "node-name": node,
        "writable": writable})
    };
    vec![
        ("snapshot node=top overlay=ov", "blockdev-snapshot", json!({"node": "top", "overlay": "ov"})),
        ("delete node=mid", "blockdev-del", json!({"node-name": "mid"})),
        ("delete node=top", "blockdev-del", json!({"node-name": "top"})),
        ("attach-user user=w node=mid need=rw share=all-z", "block-export-add", export("w", "mid", true)),
        ("attach-user user=r node=base need=r share=all-z", "block-export-add", export("r", "base", false)),
        (
            "transaction { add node=d kind=blkdebug unshare=w; attach parent=d child=top name=image role=fp }",
            "blockdev-add",
            json!({"driver": "blkdebug", "node-name": "d", "image": "top", "unshare-child-perms": ["write"]}),
        ),
        (
            "transaction { add node=d kind=blkdebug take=r; attach parent=d child=mid name=image role=fp }",
            "blockdev-add",
            json!({"driver": "blkdebug", "node-name": "d", "image": "mid", "take-child-perms": ["consistent-read"]}),
        ),
    ]
}

#[test]
fn forecasts_are_correct() {
    let Some(program) = find_daemon() else {
        println!("qemu-storage-daemon is not installed: nothing was tested");
        return;
    };
    let mut daemon = Daemon::start(&program, PATIENCE).unwrap();
    let folder = daemon.folder().to_owned();
    chain(&mut daemon.client, &folder, true);
    let stream = json!({"job-id": "job", "device": "top", "base-node": "base", "filter-node-name": "cor",
        "auto-finalize": false});
    execute_ok(&mut daemon.client, "block-stream", stream);
    let audit = audit_daemon(&mut daemon.client);
    assert_eq!(sentences(&audit), [""; 0], "{:?}", audit.findings);
    let text = text_report(&audit, None);
    assert!(text.contains("└─ cor  copy-on-read"), "{text}");
    assert!(text.contains("export exp does not share resize, through exp → cor → top"), "{text}");
    let (mut done, mut refused) = (0, 0);
    for (operation, command, arguments) in attempts() {
        let mut audit = audit_daemon(&mut daemon.client);
        audit.try_operations(operation).unwrap();
        let forecast = &audit.forecasts[0];
        let actual = daemon.client.execute(command, &arguments).unwrap();
        let is_done = matches!(actual, Reply::Done(_));
        assert_eq!(
            forecast.steps.iter().all(|step| step.done),
            is_done,
            "{operation}: {forecast:?} against {actual:?}"
        );
        if let Some(after) = &forecast.after {
            assert_eq!(
                comparable_lines(after),
                comparable_lines(&audit_daemon(&mut daemon.client).graph),
                "{operation}"
            );
        }
        if is_done { done += 1 } else { refused += 1 }
    }
    assert_eq!((done, refused), (2, 5));
    finish(&mut daemon.client);
}

/// Forecasts the end of the job, and executes it.
fn finish(client: &mut Client) {
    wait_for_job_status(client, "pending");
    let mut audit = audit_daemon(client);
    audit.try_operations("stream act=finish job=job node=top bottom=mid filter=cor").unwrap();
    execute_ok(client, "job-finalize", json!({"id": "job"}));
    wait_for_job_end(client);
    let after = audit_daemon(client);
    assert_eq!(after.findings, []);
    assert_eq!(comparable_lines(audit.forecasts[0].after.as_ref().unwrap()), comparable_lines(&after.graph));
}
