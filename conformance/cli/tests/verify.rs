//! `blockgraph verify` and `blockgraph explore` as a person or a script meets them, and the verification as a library.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test's helpers cannot do fails the test")]

use blockgraph_check::verify::{self, Options};
use blockgraph_model::scopes::scope;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use tempfile::TempDir;

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_blockgraph"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// `verify --scope smoke --facet flags --no-stateright`, and more.
fn flags(more: &[&str]) -> Output {
    command(&["verify", "--scope", "smoke", "--facet", "flags", "--no-stateright"]).args(more).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Exit code 0 and nothing to complain about.
fn good(output: &Output) -> String {
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    text(&output.stdout)
}

#[test]
fn the_scoreboard_goes_into_a_pipe() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("counterexamples");
    let stdout = good(&flags(&["--threads", "2", "--out", out.to_str().unwrap()]));
    assert!(!stdout.contains('\u{1b}') && !stdout.contains('\r'), "drawn on, as if on a terminal: {stdout:?}");
    let row = stdout.lines().find(|line| line.starts_with("flags ")).unwrap();
    assert!(row.contains("100 %") && row.contains("yes"), "{row}");
    assert_eq!(stdout.lines().last(), Some("all holds"));
    assert!(!out.exists(), "nothing was found, so there is nothing to write");
}

/// A folder that cannot be written to is no problem while there are no counterexamples.
#[test]
fn a_bad_folder_is_no_matter_without_findings() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "as it was").unwrap();
    good(&flags(&["--no-walk", "--out", file.join("below").to_str().unwrap()]));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "as it was");
}

#[test]
fn json_for_machines() {
    let stdout = good(&flags(&["--json"]));
    let whole: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&whole["scope"], &whole["holds"]), (&Value::from("smoke"), &Value::from(true)));
    assert!(whole["seconds"].as_f64().unwrap() > 0.0);
    // One facet says nothing about the table of the whole scope.
    assert_eq!(whole["cells"], Value::Array(Vec::new()));
    let [facet] = whole["facets"].as_array().unwrap().as_slice() else { panic!("{stdout}") };
    assert_eq!((&facet["facet"], &facet["holds"]), (&Value::from("flags"), &Value::from(true)));
    assert_eq!(facet["states"], facet["pinned"]);
    assert_eq!((&facet["stateright"], &facet["mismatch"]), (&Value::Null, &Value::Null));
    assert_eq!(facet["broken"], Value::Array(Vec::new()));
    let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("no number: {value}"));
    assert!(number(&facet["depth"]) > 3);
    for way in [&facet["star"], &facet["walk"]] {
        assert_eq!(number(&way["accepted"]) + number(&way["refused"]), number(&facet["transitions"]));
        assert!(number(&way["restored"]) > 0 && way["seconds"].as_f64().unwrap() > 0.0);
    }
    assert_eq!(facet["star"]["injected"], facet["injections"]);
}

#[test]
fn the_json_without_the_walk() {
    let whole: Value = serde_json::from_str(&good(&flags(&["--json", "--no-walk"]))).unwrap();
    assert_eq!(whole["facets"][0]["walk"], Value::Null);
    assert_eq!(whole["holds"], Value::from(true));
}

/// Where no program can be found there is no QEMU. (What `verify` does then is tested beside it: a whole scope takes too long.)
#[test]
fn without_a_path_there_is_no_qemu() {
    let stderr = bad(&command(&["fuzz", "--against", "qemu", "--ops", "1"]).env("PATH", "").output().unwrap());
    assert!(stderr.starts_with("blockgraph: qemu-storage-daemon or qemu-img is not installed"), "{stderr}");
}

/// With one facet, QEMU is not compared.
#[test]
fn one_facet_has_no_third_witness() {
    let stdout = good(&flags(&["--no-walk"]));
    assert!(!stdout.contains("witness") && !stdout.contains("QEMU"), "{stdout}");
    let whole: Value = serde_json::from_str(&good(&flags(&["--no-walk", "--json"]))).unwrap();
    assert_eq!(whole["qemu"], Value::Null);
}

#[test]
fn bad_arguments() {
    let facets = scope("smoke").unwrap().facets.iter().map(|(facet, _)| facet.name).collect::<Vec<_>>().join(", ");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let one_line: [(&[&str], String); 5] = [
        (&["verify", "--scope", "smoke", "--facet", "x"], format!("no facet \"x\" in scope smoke: there are {facets}")),
        (&["explore", "--facet", "x"], format!("no facet \"x\" in scope smoke: there are {facets}")),
        (&["explore", "--address", "here"], "bad address \"here\": expected an IP address and a port".into()),
        (&["explore", "--address", "127.0.0.1:99999"], "bad address \"127.0.0.1:99999\"".into()),
        (&["explore", "--address", "192.0.2.1:0"], "cannot listen on 192.0.2.1:0: ".into()),
    ];
    for (arguments, line) in one_line {
        let stderr = bad(&command(arguments).output().unwrap());
        assert!(stderr.starts_with(&format!("blockgraph: {line}")), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
    let stderr = bad(&command(&["verify", "--scope", "huge"]).output().unwrap());
    assert!(stderr.starts_with("error: invalid value 'huge' for '--scope <SCOPE>'"), "{stderr}");
    let stderr = bad(&flags(&["--no-qemu", "--qemu-seed", "3"]));
    assert!(stderr.starts_with("error: ") && stderr.contains("--no-qemu"), "{stderr}");
    for threads in ["0", "257", "-1", "many"] {
        let stderr = bad(&flags(&["--threads", threads]));
        assert!(stderr.starts_with("error: ") && stderr.contains(threads), "{stderr}");
    }
    let stderr = bad(&command(&["explore", "--address", &taken]).output().unwrap());
    assert!(stderr.starts_with(&format!("blockgraph: cannot listen on {taken}: ")), "{stderr}");
}

/// Exit code 2, nothing on standard output; what is on standard error.
fn bad(output: &Output) -> String {
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert_eq!(text(&output.stdout), "");
    assert!(!stderr.contains("panicked"), "{stderr}");
    stderr
}

// ---- as a library

fn holds(name: &str) {
    let (facet, pinned) = scope("smoke").unwrap().facets.into_iter().find(|(facet, _)| facet.name == name).unwrap();
    let options = Options { threads: 2, walk: true, stateright: true };
    let report = verify::facet(&facet, pinned, options, &|_, _, _, _| {});
    assert!(report.holds(), "{report:#?}");
    assert_eq!(report.stateright.unwrap().0, report.unique);
    assert_eq!(report.walk.unwrap().0.refused, report.star.0.refused);
}

#[test]
fn flags_hold() {
    holds("flags");
}

#[test]
fn refusals_hold() {
    holds("refusals");
}

#[test]
fn compounds_hold() {
    holds("compounds");
}

#[test]
fn heritage_holds() {
    holds("heritage");
}

#[test]
fn frozen_reopens_hold() {
    holds("reopen-frozen");
}

// ---- the page

/// A process that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself, which the test will say.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn get(address: &str, path: &str) -> String {
    let limit = Some(Duration::from_secs(20));
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(limit).unwrap();
    stream.set_write_timeout(limit).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn the_page_is_served() {
    let mut running = Running(command(&["explore", "--facet", "flags", "--address", "127.0.0.1:0"]).spawn().unwrap());
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let (sender, receiver) = mpsc::channel();
    // Reading the pipe cannot time out; waiting for the thread that reads it can.
    std::thread::spawn(move || sender.send((lines.next(), lines.next())));
    let (first, second) = receiver.recv_timeout(Duration::from_secs(20)).unwrap();
    let (url, about) = (first.unwrap().unwrap(), second.unwrap().unwrap());
    assert!(about.starts_with("flags: "), "{about}");
    let address = url.strip_prefix("http://").and_then(|rest| rest.strip_suffix('/')).unwrap();
    // The address is printed a moment before it is served.
    let served = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        TcpStream::connect(address).is_ok()
    });
    assert!(served, "nobody listens on {address}");
    let status = get(address, "/.status");
    assert!(status.starts_with("HTTP/1.1 200") && status.contains("checker::Checked"), "{status}");
    let state = get(address, "/.states/");
    assert!(state.contains("<svg"), "the graph is not drawn: {state}");
    assert!(get(address, "/").contains("<html"), "no page");
    assert_eq!(running.0.try_wait().unwrap(), None, "it ended by itself");
}
