//! Tests with the real QEMU. Where it is not installed each test prints that and ends.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod falsified;
mod findings;
mod replay;
mod schema;
mod sensitivity;
mod traces;

use blockgraph_qemu::{ConnectionLost, Daemon, Reply, find_daemon};
use serde_json::json;
use std::time::Duration;

fn daemon() -> Option<Daemon> {
    let Some(program) = find_daemon() else {
        println!("qemu-storage-daemon is not installed: nothing was tested");
        return None;
    };
    Some(Daemon::start(&program, Duration::from_secs(5)).unwrap())
}

#[test]
fn commands_are_answered_and_events_are_kept() {
    let Some(mut daemon) = daemon() else { return };
    assert!(daemon.client.version().split('.').count() == 3);
    let node = json!({"node-name": "a", "driver": "null-co"});
    assert_eq!(daemon.client.execute("blockdev-add", &node), Ok(Reply::Done(json!({}))));
    let turn = daemon.client.execute("blockdev-add", &node);
    assert!(
        matches!(turn, Ok(Reply::Error { ref class, ref text }) if class == "GenericError" && text.contains("'a'"))
    );
    let server = json!({"addr": {"type": "unix", "data": {"path": daemon.folder().join("nbd")}}});
    daemon.client.execute("nbd-server-start", &server).unwrap();
    let export = json!({"id": "e", "type": "nbd", "node-name": "a"});
    assert_eq!(daemon.client.execute("block-export-add", &export), Ok(Reply::Done(json!({}))));
    daemon.client.execute("block-export-del", &json!({"id": "e"})).unwrap();
    let deleted = daemon.client.wait_for(&["BLOCK_EXPORT_DELETED"], |event| event.data["id"] == "e").unwrap();
    assert_eq!(deleted.name, "BLOCK_EXPORT_DELETED");
}

#[test]
fn a_daemon_that_has_ended_is_reported() {
    let Some(mut daemon) = daemon() else { return };
    daemon.client.execute("quit", &json!({})).unwrap();
    let mut reply = daemon.client.execute("query-version", &json!({}));
    if reply.is_ok() {
        reply = daemon.client.execute("query-version", &json!({}));
    }
    assert_eq!(reply, Err(ConnectionLost::Closed));
    assert!(daemon.exit_status(&ConnectionLost::Closed).is_some_and(|status| status.success()));
}

#[test]
fn the_folder_is_removed_with_the_daemon() {
    let Some(daemon) = daemon() else { return };
    let folder = daemon.folder().to_owned();
    assert!(folder.is_dir());
    drop(daemon);
    assert!(!folder.exists());
}
