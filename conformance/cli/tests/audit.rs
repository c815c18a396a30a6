//! `blockgraph audit` as a process: exit codes, one clear line for bad input, a daemon that listens on a socket.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test's helpers cannot do fails the test")]

mod common;

use blockgraph_qemu::find_daemon;
use common::{bad, blockgraph, file, text};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// Real: a stream job and an export on `cor → top → mid → base`.
const STREAM: &str = include_str!("../../qemu/tests/audit/stream-10.0.2.json");
/// By hand: an unknown driver, no list of exports.
const LUKS: &str = include_str!("../../qemu/tests/audit/by-hand-7.2.json");

#[test]
fn exit_codes() {
    let folder = TempDir::new().unwrap();
    let good = file(&folder, "good", STREAM.as_bytes());
    let output = blockgraph(&["audit", &good], b"");
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
    assert!(text(&output.stdout).ends_with("\nnothing wrong\n"));
    let mut wrong: serde_json::Value = serde_json::from_str(STREAM).unwrap();
    let infos = wrong["query-named-block-nodes"].as_array_mut().unwrap();
    infos.iter_mut().find(|info| info["node-name"] == "top").unwrap()["ro"] = true.into();
    let wrong = wrong.to_string();
    let output = blockgraph(&["audit", "-"], wrong.as_bytes());
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("V3.3  qcow2 node top is read-only, but"), "{}", text(&output.stdout));
}

#[test]
fn bad_input_is_one_line() {
    let folder = TempDir::new().unwrap();
    let cases: [(&str, &str); 6] = [
        ("{\n  nonsense", ":2:3: key must be a string"),
        ("[]", ": expected an object with the replies under the names of their commands"),
        ("{}", ": expected an object with the reply of `x-debug-query-block-graph` under that name"),
        (r#"{"nodes": [], "edges": 1}"#, ": x-debug-query-block-graph.edges: expected a list"),
        (
            r#"{"nodes": [], "edges": [{"parent": 1, "child": 2, "name": "a"}]}"#,
            ": x-debug-query-block-graph.edges[0].parent: no entry has the id 1",
        ),
        (
            r#"{"nodes": [{"id": 1, "type": "block-driver", "name": 5}], "edges": []}"#,
            ": x-debug-query-block-graph.nodes[0].name: expected a text",
        ),
    ];
    for (index, (content, line)) in cases.into_iter().enumerate() {
        let path = file(&folder, &index.to_string(), content.as_bytes());
        bad(&blockgraph(&["audit", &path], b""), &format!("{path}{line}"));
    }
    let path = file(&folder, "good", LUKS.as_bytes());
    bad(&blockgraph(&["audit", &path, "--explain", "x"], b""), &format!("{path}: there is no node \"x\""));
    let output = blockgraph(&["audit", &path, "--what-if", "release node=x"], b"");
    assert!(text(&output.stderr).starts_with("blockgraph: --what-if \"release node=x\": 1:14: unknown node `x`"));
    for arguments in [&["audit"][..], &["audit", "a", "--qmp", "b"], &["audit", "a", "--save", "b"]] {
        assert_eq!(blockgraph(arguments, b"").status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn no_socket_and_no_qmp() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("none");
    let name = path.to_str().unwrap();
    let output = blockgraph(&["audit", "--qmp", name], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).starts_with(&format!("blockgraph: {name}: ")));
    assert_eq!(text(&output.stderr).lines().count(), 1);
    let listener = UnixListener::bind(&path).unwrap();
    let other = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        std::io::Write::write_all(&mut stream, b"220 not a monitor\n").unwrap();
        // Until the command gives up.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    bad(&blockgraph(&["audit", "--qmp", name], b""), &format!("{name}: this is not QMP: \"220 not a monitor\""));
    other.join().unwrap();
}

#[test]
fn json_is_one_object() {
    let output =
        blockgraph(&["audit", "-", "--json", "--what-if", "delete node=mid", "--explain", "top"], STREAM.as_bytes());
    assert_eq!(output.status.code(), Some(0));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["nodes"].as_array().unwrap().len(), 1);
    assert_eq!(json["nodes"][0]["name"], "top");
    assert_eq!(json["what-if"][0][0]["done"], false);
    assert_eq!(json["what-if"][0][0]["step"], "delete node=mid");
}

/// A daemon that listens, ended when it goes.
struct Listening(Child);

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_command_asks_a_daemon_that_listens() {
    let Some(program) = find_daemon() else {
        println!("qemu-storage-daemon is not installed: nothing was tested");
        return;
    };
    let folder = TempDir::new().unwrap();
    let (socket, save) = (folder.path().join("qmp"), folder.path().join("dump.json"));
    let (socket, save) = (socket.to_str().unwrap(), save.to_str().unwrap());
    let child = Command::new(program)
        .args(["--chardev", &format!("socket,id=m,path={socket},server=on,wait=off"), "--monitor", "chardev=m"])
        .args(["--blockdev", "driver=null-co,node-name=below", "--blockdev", "driver=raw,node-name=above,file=below"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut daemon = Listening(child.unwrap());
    while !Path::new(socket).exists() {
        assert!(daemon.0.try_wait().unwrap().is_none(), "the daemon has ended");
        thread::sleep(Duration::from_millis(2));
    }
    // The socket file exists a moment before a process listens on it.
    let mut output = blockgraph(&["audit", "--qmp", socket, "--save", save], b"");
    while text(&output.stderr).contains("refused") && daemon.0.try_wait().unwrap().is_none() {
        output = blockgraph(&["audit", "--qmp", socket, "--save", save], b"");
    }
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(
        text(&output.stdout).contains("above  raw\n  └─ file fp -/all → below  null-co\n"),
        "{}",
        text(&output.stdout)
    );
    // What was saved says the same, and is not written over.
    let again = blockgraph(&["audit", save], b"");
    assert_eq!(text(&again.stdout), text(&output.stdout));
    let output = blockgraph(&["audit", "--qmp", socket, "--save", save], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).starts_with(&format!("blockgraph: {save}: ")));
}
