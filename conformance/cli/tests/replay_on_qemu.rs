//! `blockgraph replay --on qemu` as a process.
#![allow(clippy::unwrap_used, reason = "what a test's helpers cannot do fails the test")]

mod common;

use blockgraph_qemu::find_daemon;
use common::{bad, blockgraph, file, text};
use tempfile::TempDir;

/// The file is read before QEMU is started.
#[test]
fn a_file_that_cannot_be_read() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "a.scenario", b"add node=a\n");
    for print in [&["--on", "qemu"][..], &["--on", "qemu", "--print-qmp"]] {
        let output = blockgraph(&[&["replay", "no-such-file"], print].concat(), b"");
        bad(&output, "no-such-file: No such file or directory (os error 2)");
        let output = blockgraph(&[&["replay", &path], print].concat(), b"");
        bad(&output, &format!("{path}:1:1: missing key `kind` of `add`"));
    }
}

/// As a person, a program and a shell see it.
#[test]
fn the_command_tells() {
    if find_daemon().is_none() {
        println!("qemu-storage-daemon is not installed: nothing was tested");
        return;
    }
    let story = b"add node=a kind=protocol => ok\nadd node=w kind=blkdebug take=w\nattach parent=w child=a name=file role=fp => ok\n\
                  add node=r kind=blkdebug unshare=w\nattach parent=r child=a name=file role=fp => error Conflict\nhold node=a => error NodeNotFound\n";
    let output = blockgraph(&["replay", "-", "--on", "qemu"], story);
    let out = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{out}");
    let lines: Vec<&str> = out.lines().filter(|line| line.contains("QEMU") || line.starts_with(['F', 'N'])).collect();
    assert!(lines.len() == 10, "{out}");
    assert_eq!(lines[0], "    QEMU: blockdev-add => ok");
    assert_eq!(lines[1], "    QEMU: together with step 3");
    assert_eq!(lines[2], "    QEMU: blockdev-add (with step 2) => ok");
    assert!(
        lines[4].starts_with("    QEMU: blockdev-add (with step 4) => error GenericError: ")
            && lines[4].contains("'a'"),
        "{out}"
    );
    assert!(lines[5].starts_with("    QEMU: no QMP command does just this: "), "{out}");
    assert_eq!(lines[6], "    QEMU: the play on it ends here");
    assert_eq!(lines[7], "FAILED <stdin>:6: model: expected error NodeNotFound, found ok");
    assert_eq!(lines[8], "NOT SHOWN <stdin>: the last 1 step of 6 were judged by the model alone");
    let quiet = blockgraph(&["replay", "-", "--on", "qemu", "--quiet"], story);
    assert_eq!(text(&quiet.stdout), format!("{}\n{}\n", lines[7], lines[8]));
    let output = blockgraph(&["replay", "-", "--on", "qemu", "--json"], story);
    let json: Vec<serde_json::Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let fates: Vec<_> = json.iter().map(|line| line["qemu"]["fate"].as_str().unwrap()).collect();
    assert_eq!(fates, ["taken", "with", "taken", "with", "taken", "ended"]);
    assert_eq!((&json[4]["qemu"]["verdict"], &json[4]["qemu"]["steps"][0]), (&"same".into(), &4.into()));
    assert_eq!(json[4]["qemu"]["answer"]["error"], "GenericError");
}
