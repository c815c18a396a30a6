//! A chain of two hundred nodes: read, checked, explained, tried.

use super::live::{PATIENCE, look, must, shape};
use blockgraph_conformance::audit::show::show;
use blockgraph_conformance::qemu::{Daemon, Reply, find};
use serde_json::json;

const NODES: usize = 200;

#[test]
fn two_hundred_nodes() {
    let Some(program) = find() else {
        println!("qemu-storage-daemon is not installed: nothing was tested");
        return;
    };
    let mut daemon = Daemon::start(&program, PATIENCE).unwrap();
    let server = json!({"addr": {"type": "unix", "data": {"path": daemon.folder().join("nbd")}}});
    let client = &mut daemon.client;
    must(client, "nbd-server-start", server);
    must(client, "object-add", json!({"qom-type": "throttle-group", "id": "group"}));
    must(client, "blockdev-add", json!({"node-name": "n0", "driver": "null-co"}));
    for number in 1..NODES {
        let (name, file) = (format!("n{number}"), format!("n{}", number - 1));
        let layer = json!({"node-name": name, "driver": "throttle", "throttle-group": "group", "file": file});
        must(client, "blockdev-add", layer);
    }
    let top = format!("n{}", NODES - 1);
    must(client, "block-export-add", json!({"id": "exp", "type": "nbd", "node-name": top, "writable": true}));
    let mut audit = look(client);
    assert_eq!((audit.web.nodes.len(), audit.findings.as_slice()), (NODES, &[][..]));
    // What is needed of the lowest comes from the very top.
    let shown = show(&audit, audit.web.node("n0"));
    assert!(shown.contains("export exp needs write, through exp → ") && shown.contains(" → n0"), "{shown}");
    audit.try_out("transaction { add node=d kind=blkdebug unshare=w; attach parent=d child=n0 name=image role=fp }").unwrap();
    audit.try_out(&format!("inactivate node={top}")).unwrap();
    let [refused, done] = audit.tried.as_slice() else { panic!("{:?}", audit.tried) };
    assert!(refused.after.is_none() && refused.steps[0].lines.iter().any(|line| line.contains("n0")), "{refused:?}");
    let debug = json!({"node-name": "d", "driver": "blkdebug", "image": "n0", "unshare-child-perms": ["write"]});
    assert!(matches!(client.execute("blockdev-add", &debug), Ok(Reply::Error { .. })));
    let inactivate = json!({"node-name": top, "active": false});
    let really = client.execute("blockdev-set-active", &inactivate).unwrap();
    assert_eq!(done.after.is_some(), matches!(really, Reply::Done(_)), "{done:?} against {really:?}");
    if let Some(after) = &done.after {
        assert_eq!(shape(after), shape(&look(client).web));
    }
}
