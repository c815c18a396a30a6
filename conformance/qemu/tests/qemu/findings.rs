//! The findings: the script of each page, run on the real daemon, ends as the page states.
//!
//! A page has one block of JSON commands, one a line, such as `blockgraph replay --on qemu --print-qmp` prints. `DIR`
//! stands for the daemon's folder, in which `1.qcow2` to `3.qcow2` are empty images of 64 KiB. The other lines are
//! these:
//!
//! * `# =>` followed by how the preceding command must end: `ok` (which may be left out), `error TEXT` with a part of
//!   the text, `died TEXT` with a part of the last line that the daemon wrote, or `hung`;
//! * `# =>` followed by what the graph must contain then: `edge PARENT CHILD need=… share=…`, `no edge PARENT CHILD`,
//!   with the letters of the text form, or `node NAME active` or `inactive`;
//! * `# $` followed by a shell command;
//! * `# wait` followed by the condition to wait for before the next command: `export ID gone`, `job ID ready` (or
//!   another status), `job ID gone`. How the job ended, or that the condition never held, counts as the answer to the
//!   preceding command.

use blockgraph_qemu::wire::names::parse_permissions;
use blockgraph_qemu::{ConnectionLost, Daemon, REFERENCE_VERSION, Reply, find_daemon};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The time after which a daemon that does not answer counts as hanging.
const PATIENCE: Duration = Duration::from_secs(3);

fn pages() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/findings");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> =
        files.filter(|path| path.file_name().is_some_and(|name| name != "README.md")).collect();
    pages.sort();
    pages
}

/// Returns the lines of the page's script.
fn script(page: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(page).unwrap();
    let blocks: Vec<&str> = text.split("```").skip(1).step_by(2).filter(|block| block.starts_with("qmp\n")).collect();
    let [block] = blocks[..] else { panic!("{}: one script is expected", page.display()) };
    block.lines().skip(1).map(str::to_owned).collect()
}

fn create_images(folder: &Path) {
    for number in 1..4 {
        let image = folder.join(format!("{number}.qcow2"));
        let status = Command::new("qemu-img").args(["create", "-q", "-f", "qcow2"]).arg(image).arg("64k").status();
        assert!(status.unwrap().success());
    }
}

fn letters(words: &Value) -> String {
    format!("{:?}", parse_permissions(words).unwrap())
}

/// Returns the edges of the graph in the form of the pages.
pub fn edges(daemon: &mut Daemon) -> Vec<String> {
    let Ok(Reply::Done(graph)) = daemon.client.execute("x-debug-query-block-graph", &json!({})) else {
        panic!("no graph");
    };
    let name = |id: &Value| {
        let node = graph["nodes"].as_array().unwrap().iter().find(|node| node["id"] == *id).unwrap();
        node["name"].as_str().unwrap().to_owned()
    };
    let format_line = |edge: &Value| {
        let (need, share) = (letters(&edge["perm"]), letters(&edge["shared-perm"]));
        format!("edge {} {} need={need} share={share}", name(&edge["parent"]), name(&edge["child"]))
    };
    graph["edges"].as_array().unwrap().iter().map(format_line).collect()
}

/// Returns the nodes in the form of the pages, with whether they are active.
pub fn nodes(daemon: &mut Daemon) -> Vec<String> {
    let Ok(Reply::Done(nodes)) = daemon.client.execute("query-named-block-nodes", &json!({"flat": true})) else {
        panic!("no nodes");
    };
    let format_line = |node: &Value| {
        let state = if node["active"] == true { "active" } else { "inactive" };
        format!("node {} {state}", node["node-name"].as_str().unwrap())
    };
    nodes.as_array().unwrap().iter().map(format_line).collect()
}

/// Returns how a command ended, in the form of the pages.
fn outcome_text(daemon: &mut Daemon, reply: Result<Reply, ConnectionLost>) -> String {
    match reply {
        Ok(Reply::Done(_)) => "ok".into(),
        Ok(Reply::Error { text, .. }) => format!("error {text}"),
        Err(ConnectionLost::TimedOut) => "hung".into(),
        Err(error) => format!("died {}", daemon.last_stderr_line(&error)),
    }
}

/// Waits for the condition of a script's line, and returns how the wait ended.
fn wait(daemon: &mut Daemon, what: &str) -> String {
    let [kind, id, status] = what.split(' ').collect::<Vec<_>>()[..] else { panic!("wait for {what}?") };
    if (kind, status) == ("job", "gone") {
        let ends = ["BLOCK_JOB_COMPLETED", "BLOCK_JOB_CANCELLED"];
        match daemon.client.wait_for(&ends, |event| event.data["device"] == id) {
            Ok(event) if event.data["error"].is_string() => return format!("error {}", event.data["error"]),
            Ok(_) => {}
            Err(error) => return outcome_text(daemon, Err(error)),
        }
    }
    let query = if kind == "job" { "query-jobs" } else { "query-block-exports" };
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let entries = match daemon.client.execute(query, &json!({})) {
            Ok(Reply::Done(entries)) => entries,
            reply => return outcome_text(daemon, reply),
        };
        let entry = entries.as_array().unwrap().iter().find(|entry| entry["id"] == id).cloned();
        match entry.map(|entry| entry["status"].as_str().unwrap_or("there").to_owned()) {
            None if status == "gone" => return "ok".into(),
            None => return "error it is gone".into(),
            Some(now) if now == status => return "ok".into(),
            Some(now) if now == "aborting" || now == "concluded" => return format!("error it is {now}"),
            Some(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    "hung".into()
}

/// Runs a script, and returns the daemon afterwards. `place` is put in front of messages.
pub fn run_script(script: &[String], place: &str) -> Daemon {
    let mut daemon = Daemon::start(&find_daemon().unwrap(), PATIENCE).unwrap();
    create_images(daemon.folder());
    let folder = daemon.folder().to_string_lossy().into_owned();
    let mut outcome = String::from("ok");
    let mut expected = true;
    for line in script {
        let place = format!("{place}: {line}");
        if let Some(expectation) = line.strip_prefix("# => ") {
            let holds = match expectation.split_once(' ') {
                Some(("edge", _)) => edges(&mut daemon).iter().any(|edge| edge == expectation),
                Some(("node", _)) => nodes(&mut daemon).iter().any(|node| node == expectation),
                Some(("no", edge)) => !edges(&mut daemon).iter().any(|entry| entry.starts_with(&format!("{edge} "))),
                Some((how, part)) => outcome.starts_with(how) && outcome.contains(part),
                None => outcome.split(' ').next() == Some(expectation),
            };
            assert!(holds, "{place}: it ended with {outcome}");
            expected = true;
        } else if let Some(command) = line.strip_prefix("# $ ") {
            let status = Command::new("sh").arg("-c").arg(command.replace("DIR", &folder)).status();
            assert!(status.unwrap().success(), "{place}");
        } else if let Some(what) = line.strip_prefix("# wait ") {
            // If the command was refused there is nothing to wait for.
            if outcome == "ok" {
                outcome = wait(&mut daemon, what);
                expected = outcome == "ok";
            }
        } else if line.starts_with('{') {
            assert!(expected, "{place}: the command before ended with {outcome}");
            let command: Value = serde_json::from_str(&line.replace("DIR", &folder)).unwrap();
            let arguments = command.get("arguments").cloned().unwrap_or_else(|| json!({}));
            let reply = daemon.client.execute(command["execute"].as_str().unwrap(), &arguments);
            outcome = outcome_text(&mut daemon, reply);
            expected = outcome == "ok";
        }
    }
    assert!(expected, "{place}: ended with {outcome}");
    daemon
}

#[test]
fn each_page_holds() {
    let Some(daemon) = crate::daemon() else { return };
    let version = daemon.client.version().to_owned();
    drop(daemon);
    if version != REFERENCE_VERSION {
        println!("the pages speak of QEMU {REFERENCE_VERSION}, this is {version}: nothing was tested");
        return;
    }
    let pages = pages();
    assert!(pages.len() >= 6, "{pages:?}");
    pages.iter().for_each(|page| drop(run_script(&script(page), &page.display().to_string())));
}
