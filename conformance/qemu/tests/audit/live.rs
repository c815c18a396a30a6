//! A real daemon with a stream job running: audited, and each operation tried on a copy first and then really.

use super::sentences;
use blockgraph_qemu::audit::Audit;
use blockgraph_qemu::audit::dump::Dump;
use blockgraph_qemu::audit::graph::{AuditGraph, Upper};
use blockgraph_qemu::audit::text_report::show;
use blockgraph_qemu::daemon::graph_query;
use blockgraph_qemu::{Client, Daemon, Reply, find};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// The command is done, whatever it returns.
pub(super) fn must(client: &mut Client, command: &str, arguments: Value) -> Value {
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

/// `top → mid → base`, an export on it, and an image that is not used. Is what is below the top read-only?
pub(super) fn chain(client: &mut Client, folder: &Path, sealed: bool) {
    for (name, below, read_only) in
        [("base", None, sealed), ("mid", Some("base"), sealed), ("top", Some("mid"), false), ("ov", None, false)]
    {
        let file = json!({"driver": "file", "node-name": format!("{name}-file"), "filename": image(folder, name),
            "read-only": read_only});
        must(client, "blockdev-add", file);
        let node = json!({"driver": "qcow2", "node-name": name, "file": format!("{name}-file"), "backing": below,
            "read-only": read_only});
        must(client, "blockdev-add", node);
    }
    let server = json!({"addr": {"type": "unix", "data": {"path": folder.join("nbd")}}});
    must(client, "nbd-server-start", server);
    must(client, "block-export-add", json!({"id": "exp", "type": "nbd", "node-name": "top", "writable": true}));
}

/// Waits until the one job has that status.
pub(super) fn job_is(client: &mut Client, status: &str) {
    loop {
        let jobs = must(client, "query-jobs", json!({}));
        match jobs[0]["status"].as_str() {
            Some(now) if now == status => return,
            Some("aborting" | "concluded" | "null") | None => panic!("not {status}, but {jobs}"),
            Some(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// Waits until the job is gone.
pub(super) fn job_ends(client: &mut Client) {
    client.wait_for(&["JOB_STATUS_CHANGE"], |event| event.data["status"] == "null").unwrap();
}

pub(super) fn look(client: &mut Client) -> Audit {
    Audit::of(&Dump::of(graph_query::replies(client).unwrap())).unwrap()
}

/// Everything of a graph that the model and QEMU both show.
pub(super) fn shape(web: &AuditGraph) -> Vec<String> {
    let line = |place: usize| {
        let edge = &web.edges[place];
        let end = &web.nodes[edge.child].name;
        match edge.upper {
            Upper::Node(node) => format!("{}/{} → {end} {:?}", web.nodes[node].name, edge.name, edge.pair()),
            // QEMU does not number the users of a job.
            Upper::User(user) => {
                let name = &web.users[user].name;
                format!("@{} → {end} {:?}", name.split('#').next().unwrap_or(name), edge.pair())
            }
        }
    };
    let nodes = web.nodes.iter().map(|node| format!("{} {:?}", node.name, node.flags.read_only));
    let mut lines: Vec<String> = nodes.chain((0..web.edges.len()).map(line)).collect();
    lines.sort();
    lines
}

/// What is tried, and the command that does it.
fn attempts() -> Vec<(&'static str, &'static str, Value)> {
    let export = |id: &str, node: &str, writable: bool| json!({"id": id, "type": "nbd", "node-name": node, "writable": writable});
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
fn what_is_tried_on_a_copy_comes_true() {
    let Some(program) = find() else {
        println!("qemu-storage-daemon is not installed: nothing was tested");
        return;
    };
    let mut daemon = Daemon::start(&program, PATIENCE).unwrap();
    let folder = daemon.folder().to_owned();
    chain(&mut daemon.client, &folder, true);
    let stream = json!({"job-id": "job", "device": "top", "base-node": "base", "filter-node-name": "cor",
        "auto-finalize": false});
    must(&mut daemon.client, "block-stream", stream);
    let audit = look(&mut daemon.client);
    assert_eq!(sentences(&audit), [""; 0], "{:?}", audit.findings);
    let shown = show(&audit, None);
    assert!(shown.contains("└─ cor  copy-on-read"), "{shown}");
    assert!(shown.contains("export exp does not share resize, through exp → cor → top"), "{shown}");
    let (mut done, mut refused) = (0, 0);
    for (operation, command, arguments) in attempts() {
        let mut audit = look(&mut daemon.client);
        audit.try_out(operation).unwrap();
        let tried = &audit.tried[0];
        let really = daemon.client.execute(command, &arguments).unwrap();
        let is_done = matches!(really, Reply::Done(_));
        assert_eq!(tried.steps.iter().all(|step| step.done), is_done, "{operation}: {tried:?} against {really:?}");
        if let Some(after) = &tried.after {
            assert_eq!(shape(after), shape(&look(&mut daemon.client).web), "{operation}");
        }
        if is_done { done += 1 } else { refused += 1 }
    }
    assert_eq!((done, refused), (2, 5));
    finish(&mut daemon.client);
}

/// The end of the job, tried and done.
fn finish(client: &mut Client) {
    job_is(client, "pending");
    let mut audit = look(client);
    audit.try_out("stream act=finish job=job node=top bottom=mid filter=cor").unwrap();
    must(client, "job-finalize", json!({"id": "job"}));
    job_ends(client);
    let after = look(client);
    assert_eq!(after.findings, []);
    assert_eq!(shape(audit.tried[0].after.as_ref().unwrap()), shape(&after.web));
}
