//! QEMU's programs: a storage daemon with a line-based QMP connection, and `qemu-img`.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The longest time without an answer from a daemon; only a hanging daemon reaches it.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Returns whether QEMU's programs are installed. If not, prints that the test was skipped.
pub fn is_installed(test: &str) -> bool {
    let runs = |program: &str| {
        let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    };
    let here = ["qemu-storage-daemon", "qemu-img"].into_iter().all(runs);
    if !here {
        println!("SKIPPED: {test}: qemu-storage-daemon and qemu-img (Debian: qemu-utils) are not installed");
    }
    here
}

pub fn img(args: &[&str]) -> Output {
    Command::new("qemu-img").args(args).stdin(Stdio::null()).output().unwrap()
}

/// A `qemu-storage-daemon`; killed on drop.
pub struct Daemon {
    child: Child,
    replies: BufReader<UnixStream>,
    commands: u64,
}

impl Daemon {
    /// The daemon connects to the test: with `server=on` it sometimes sends two greetings.
    pub fn start(dir: &Path) -> Self {
        let socket = tempfile::Builder::new().prefix("qmp").tempdir_in(dir).unwrap().keep().join("s");
        let listener = UnixListener::bind(&socket).unwrap();
        listener.set_nonblocking(true).unwrap();
        let chardev = format!("socket,id=m,path={},server=off", socket.display());
        let mut child = Command::new("qemu-storage-daemon")
            .args(["--chardev", &chardev, "--monitor", "chardev=m"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        let stream = loop {
            match listener.accept() {
                Ok((stream, _)) => break stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
            let gone = child.try_wait().unwrap();
            assert!(gone.is_none(), "the daemon ended before it printed anything: {gone:?}");
            assert!(start.elapsed() < TIMEOUT, "the daemon does not connect");
            std::thread::sleep(Duration::from_millis(1));
        };
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let mut daemon = Self { child, replies: BufReader::new(stream), commands: 0 };
        assert!(daemon.line().get("QMP").is_some());
        daemon.done("qmp_capabilities", json!({}));
        daemon
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.replies.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Sends a command and returns the answer; `Err` is the `desc` of an error.
    pub fn ask(&mut self, command: &str, arguments: Value) -> Result<Value, String> {
        self.commands += 1;
        let id = json!(self.commands);
        let request = json!({ "execute": command, "arguments": arguments, "id": id });
        writeln!(self.replies.get_mut(), "{request}").unwrap();
        loop {
            let mut reply = self.line();
            if reply.get("id") != Some(&id) {
                assert!(reply.get("event").is_some(), "{reply}");
                continue;
            }
            let desc = reply.pointer("/error/desc").and_then(Value::as_str).map(String::from);
            return desc.map_or_else(|| Ok(reply["return"].take()), Err);
        }
    }

    pub fn done(&mut self, command: &str, arguments: Value) {
        if let Err(desc) = self.ask(command, arguments.clone()) {
            panic!("{command} {arguments}: {desc}");
        }
    }

    /// Adds a file node, which locks nothing yet.
    pub fn add_file(&mut self, node: &str, path: &Path, read_only: bool) {
        let arguments = json!({ "driver": "file", "node-name": node, "filename": path, "read-only": read_only });
        self.done("blockdev-add", arguments);
    }

    /// Adds a blkdebug node that takes and unshares the given permissions. QEMU rejects empty lists.
    pub fn add_debug(&mut self, node: &str, file: &str, take: &[&str], unshare: &[&str]) -> Result<Value, String> {
        let read_only = take == ["consistent-read"];
        let mut arguments = json!({ "driver": "blkdebug", "node-name": node, "image": file, "read-only": read_only });
        for (name, list) in [("take-child-perms", take), ("unshare-child-perms", unshare)] {
            if !list.is_empty() {
                arguments[name] = json!(list);
            }
        }
        self.ask("blockdev-add", arguments)
    }

    /// Adds a writable qcow2 node.
    pub fn add_qcow2(&mut self, node: &str, path: &Path) -> Result<Value, String> {
        let file = json!({ "driver": "file", "filename": path });
        self.ask("blockdev-add", json!({ "driver": "qcow2", "node-name": node, "file": file }))
    }

    pub fn delete(&mut self, node: &str) {
        self.done("blockdev-del", json!({ "node-name": node }));
    }

    /// Ends the daemon like a crash. Its locks are gone when this returns.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // Kills by handle: after `wait` no process is killed.
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.end();
    }
}
