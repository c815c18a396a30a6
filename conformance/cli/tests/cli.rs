//! The command line as a person or a script meets it: exit codes, and one clear line for bad input.
#![allow(clippy::unwrap_used, reason = "what a test's helpers cannot do fails the test")]

mod common;

use common::{bad, blockgraph, file, text};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

#[test]
fn bad_files() {
    let folder = TempDir::new().unwrap();
    let cases: [(&[u8], &str); 8] = [
        (b"", ":1:1: no operation in the whole file"),
        (b"add node=a kind=filter\nad\xff", ":2:3: the file is not UTF-8"),
        (
            b"release node=a",
            ":1:14: unknown node `a`: no line before this one adds it, or declares it by `name node=\u{2026}`",
        ),
        (b"name", ":1:1: expected one of `node=\u{2026}`, `user=\u{2026}`, `child=\u{2026}`"),
        (
            b"add node=a kind=filter\nadd node=a kind=filter",
            ":2:10: duplicate name: node `a` is in use already (if that is meant, expect an error)",
        ),
        (b"\x00", ":1:1: unknown operation `\\0`: expected one of VERBS, transaction, refuse, name, expect"),
        (b"{\"scenario\": 1}", ": expected an object with the one key `scenario`, a list"),
        (b" { nonsense", ":1:4: key must be a string"),
    ];
    let verbs = blockgraph_model::Op::VERBS.join(", ");
    for (index, (content, line)) in cases.iter().enumerate() {
        let path = file(&folder, &format!("{index}.scenario"), content);
        // The file is read before QEMU is looked for.
        for on in ["model", "impl", "both", "qemu"] {
            let output = blockgraph(&["replay", &path, "--on", on], b"");
            bad(&output, &format!("{path}{}", line.replace("VERBS", &verbs)));
            assert_eq!(text(&output.stdout), "");
        }
    }
}

#[test]
fn no_files() {
    let folder = TempDir::new().unwrap();
    for path in [folder.path(), Path::new("no such file")] {
        let path = path.to_str().unwrap();
        let output = blockgraph(&["replay", path], b"");
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.starts_with(&format!("blockgraph: {path}: ")), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
fn standard_input_has_a_name() {
    bad(&blockgraph(&["replay", "-"], b"\n release"), "<stdin>:2:2: missing key `node` of `release`");
}

#[test]
fn bad_flags() {
    for arguments in [&["replay"][..], &["replay", "x", "--on", "xen"], &["nothing"], &["run", "--on", "qemu"], &[]] {
        let output = blockgraph(arguments, b"");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!text(&output.stderr).contains("panicked"));
    }
}

#[test]
fn what_does_not_go_with_qemu() {
    let story = b"add node=a kind=protocol";
    let output = blockgraph(&["replay", "-", "--on", "qemu", "--with", "H61"], story);
    bad(&output, "--with lets machines of the museum play beside model and crate, not beside QEMU");
    bad(&blockgraph(&["replay", "-", "--print-qmp"], story), "--print-qmp goes with --on qemu");
    for other in [&["--json"][..], &["--quiet"], &["--with", "H61"]] {
        let output = blockgraph(&[&["replay", "-", "--on", "qemu", "--print-qmp"], other].concat(), story);
        assert_eq!(output.status.code(), Some(2), "{other:?}");
        assert!(text(&output.stderr).starts_with("error: "), "{other:?}");
    }
}

/// Runs it where there is no QEMU.
fn without_qemu(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_blockgraph")).args(arguments).env("PATH", "").output().unwrap()
}

#[test]
fn no_qemu_is_one_line() {
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "a.scenario", b"add node=a kind=protocol");
    let output = without_qemu(&["replay", &path, "--on", "qemu"]);
    bad(&output, "qemu-storage-daemon or qemu-img is not installed (in Debian: apt-get install qemu-utils)");
    assert_eq!(text(&output.stdout), "");
}

/// The script needs none; names that QEMU does not take are numbers with a legend.
#[test]
fn a_script_needs_no_qemu() {
    let folder = TempDir::new().unwrap();
    let story =
        b"add node=#1 kind=protocol\nadd node=f kind=filter\nattach parent=f child=#1 name=file role=fp => ok\n\
                  check-op node=f kind=resize => ok\nattach-user user=u node=f need=r share=all => ok\n";
    let path = file(&folder, "a.scenario", story);
    let output = without_qemu(&["replay", &path, "--on", "qemu", "--print-qmp"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let expected = r##"{"execute": "object-add", "arguments": {"id":"group","qom-type":"throttle-group"}}
# n0 is node #1
# n1 is node f
# step 1: add node=#1 kind=protocol
{"execute": "blockdev-add", "arguments": {"driver":"null-co","node-name":"n0","size":1048576}}
# step 2: add node=f kind=filter
# step 3: attach parent=f child=#1 name=file role=fp
{"execute": "blockdev-add", "arguments": {"driver":"throttle","file":"n0","node-name":"n1","throttle-group":"group"}}
# step 4: check-op node=f kind=resize
#   no QMP command does just this: commands do this check only for themselves; without it the graphs are the same
# step 5: attach-user user=u node=f need=r share=all
{"execute": "block-export-add", "arguments": {"addr":{"path":"DIR/u.sock","type":"unix"},"fixed-iothread":false,"id":"u","node-name":"n1","type":"vhost-user-blk","writable":false}}
# => edge n1 n0 need=r share=rwuz
"##;
    assert_eq!(text(&output.stdout), expected);
    let skipped =
        "no QMP command does just this: commands do this check only for themselves; without it the graphs are the same";
    assert_eq!(text(&output.stderr), format!("blockgraph: {path}:4: {skipped}\n"));
}

/// What cannot be said ends the script, and the exit code says so; so does an expectation that does not hold.
#[test]
fn a_script_that_is_not_whole() {
    let cases: [(&str, &str); 3] = [
        (
            "add node=a kind=protocol\nhold node=a\ndelete node=a",
            ":2: no QMP command does just this: blockdev-del releases a node, but only one without users; the script ends here",
        ),
        (
            "add node=a kind=protocol\nadd node=b kind=format",
            ": not said: step 2, since no QMP command does just this, and no later one did it",
        ),
        ("add node=a kind=protocol => error DuplicateNode", ":1: model: expected error DuplicateNode, found ok"),
    ];
    for (story, line) in cases {
        let output = blockgraph(&["replay", "-", "--on", "qemu", "--print-qmp"], story.as_bytes());
        assert_eq!(output.status.code(), Some(1), "{story}");
        let stderr = text(&output.stderr);
        assert!(stderr.lines().count() == 1 && stderr.ends_with(&format!("<stdin>{line}\n")), "{stderr}");
        assert!(text(&output.stdout).contains("blockdev-add"), "{story}");
    }
}

/// More edges than the model has room for: bad input, not an outcome.
#[test]
fn too_many_edges() {
    let mut lines = "name user=u\nadd node=a kind=no-permission\nadd node=b kind=no-permission\n".to_owned();
    // Three lists of children, since a name of a child is one of 256 too.
    for parent in ["a", "c", "d"] {
        if parent != "a" {
            lines += &format!("add node={parent} kind=no-permission\n");
        }
        for i in 0..200 {
            lines += &format!("attach parent={parent} child=b name=c{i} role=data => ok\n");
        }
    }
    for on in ["model", "impl", "both"] {
        let output = blockgraph(&["replay", "-", "--quiet", "--on", on], lines.as_bytes());
        bad(&output, "<stdin>:518:1: more than 512 edges");
    }
}

#[test]
fn expectations_decide_the_exit_code() {
    let good = b"add node=a kind=filter => ok\nexpect graph { node a holders=0 }\n";
    for on in ["model", "impl", "both"] {
        let output = blockgraph(&["replay", "-", "--on", on], good);
        assert_eq!(output.status.code(), Some(0));
        let expected = "  1 add node=a kind=filter\n    => ok\n    a  filter\n1 step, all as expected\n";
        assert_eq!(text(&output.stdout), expected);
    }
    let wrong = b"add node=a kind=filter => error DuplicateNode\nexpect graph { node a holders=2 need=- }\n";
    let output = blockgraph(&["replay", "-", "--on", "model", "--quiet"], wrong);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stdout),
        "FAILED <stdin>:1: model: expected error DuplicateNode, found ok\n\
         FAILED <stdin>:1: model: expected node a holders=2 need=-, found holders=0\n"
    );
}

#[test]
fn json_of_a_replay() {
    let output = blockgraph(&["replay", "-", "--json"], b"add node=a kind=filter => ok\nrelease node=a\n");
    assert_eq!(output.status.code(), Some(0));
    let lines: Vec<serde_json::Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1]["line"], 2);
    assert_eq!(lines[1]["outcome"][0]["closed"][0], "a");
}

/// `replay … | head -1`: a reader may close the pipe early.
#[test]
fn a_closed_pipe_is_no_panic() {
    let lines: String = (0..200).map(|i| format!("add node=n{i} kind=protocol\n")).collect();
    let folder = TempDir::new().unwrap();
    let path = file(&folder, "long.scenario", lines.as_bytes());
    let mut child = Command::new(env!("CARGO_BIN_EXE_blockgraph"))
        .args(["replay", &path])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 10]).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn run_answers_line_by_line() {
    let input = br#"{"op":"add","node":"a","kind":"protocol"}
{"op":"name","node":"ghost"}

{"op":"attach-user","user":"u","node":"a","need":"r","share":"all-w","refuse":[{"node":"a","hook":"check"}]}
{"op":"transaction","ops":[{"op":"release","node":"a"},{"op":"release","node":"ghost"}]}
{"op":"add","node":"a","kind":"protocol"}
"#;
    for on in ["model", "impl"] {
        let output = blockgraph(&["run", "--on", on], input);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let lines: Vec<serde_json::Value> =
            text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let answers: Vec<_> = lines.iter().map(|line| line["outcome"][0]["answer"].as_str().unwrap()).collect();
        assert_eq!(answers, ["ok", "Refused", "NodeNotFound", "DuplicateNode"]);
        assert_eq!(lines[2]["outcome"][0]["at"], 1);
        assert_eq!(lines[2]["observation"], lines[0]["observation"]);
    }
}

#[test]
fn run_names_the_bad_line() {
    let cases: [(&[u8], &str); 6] = [
        (b"{\"op\":\"release\"}", "<stdin>:1: missing key `node` of `release`"),
        (b"\n{\"op\":1}", "<stdin>:2: expected an object with a word under `op`"),
        (b"\n\n{\"op\"}", "<stdin>:3:6: expected `:`"),
        (b"[]", "<stdin>:1: the document: expected an object"),
        (b"\n\xff", "<stdin>:2: the line is not UTF-8"),
        (
            br#"{"op":"transaction","ops":[],"expect":{"answer":"ok"}}"#,
            "<stdin>:1: expectations belong in a scenario, not in `run`",
        ),
    ];
    for (input, line) in cases {
        bad(&blockgraph(&["run"], input), line);
    }
}

/// The same seed gives the same object, but for the time it took.
#[test]
fn fuzz_is_repeatable() {
    let run = |threads: &str| {
        let output = blockgraph(&["fuzz", "--seed", "9", "--ops", "1500", "--json", "--threads", threads], b"");
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
        let mut object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        for generator in object["generators"].as_array_mut().unwrap() {
            assert!(generator["ops"].as_u64().unwrap() >= 1500 && generator["difference"].is_null());
            generator["seconds"].take();
        }
        object
    };
    let one = run("1");
    assert_eq!(one, run("2"));
    assert_eq!(one["generators"].as_array().unwrap().len(), 2);
    assert!(one["holds"].as_bool().unwrap() && one["cells"].as_array().unwrap().len() > 300);
}

/// A story alone, a report, and a budget too small to fill the table.
#[test]
fn fuzz_reports() {
    let story = blockgraph(&["fuzz", "--seed", "9", "--generator", "hostile", "--story", "3"], b"");
    let out = text(&story.stdout);
    assert_eq!(story.status.code(), Some(0), "{out}{}", text(&story.stderr));
    assert!(out.starts_with("seed 9, ") && out.ends_with("no difference\n"), "{out}");
    assert!(out.lines().any(|line| line.starts_with("hostile           1 ")), "{out}");
    let few = blockgraph(&["fuzz", "--seed", "9", "--ops", "50", "--complete", "--table"], b"");
    let (out, err) = (text(&few.stdout), text(&few.stderr));
    assert_eq!(few.status.code(), Some(1));
    assert!(out.contains("\nset-backing\n") && out.ends_with("the table does not hold\n"), "{out}");
    assert!(err.lines().count() > 100 && err.lines().all(|line| line.ends_with(": not met")), "{err}");
}

#[test]
fn fuzz_is_told_nonsense() {
    for arguments in [
        &["fuzz", "--ops", "0"][..],
        &["fuzz", "--story", "1"],
        &["fuzz", "--generator", "wild"],
        &["fuzz", "--seed", "-1"],
    ] {
        let output = blockgraph(arguments, b"");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).starts_with("error: "), "{arguments:?}");
    }
}
