//! Images, graphs on them, an observer of locks, and a process with this crate that holds an image.

use blockgraph::drivers::Format;
use blockgraph::posix::{FileError, PosixFile};
use blockgraph::{Driver, Error, Graph, NodeKey, NodeSpec, Pair, Permissions, Role, SavedGraph};
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc::{F_RDLCK, F_UNLCK, F_WRLCK, flock};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

pub const READ: Permissions = Permissions::READ;
pub const WRITE: Permissions = Permissions::WRITE;
pub const READER: Pair = Pair::new(READ, Permissions::ALL);
pub const WRITER: Pair = Pair::new(READ.union(WRITE), Permissions::ALL);
/// Reads and does not share writing.
pub const READER_WITHOUT_WRITERS: Pair = Pair::new(READ, Permissions::ALL.difference(WRITE));

/// A directory with a qcow2 image.
pub struct Image {
    pub dir: tempfile::TempDir,
    pub path: PathBuf,
}

impl Image {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk.qcow2");
        let created = super::qemu::img(&["create", "-q", "-f", "qcow2", path.to_str().unwrap(), "1M"]);
        assert!(created.status.success(), "{created:?}");
        Self { dir, path }
    }

    /// A plain file, for tests without QEMU.
    pub fn plain() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk.raw");
        std::fs::write(&path, [0; 512]).unwrap();
        Self { dir, path }
    }

    pub fn text(&self) -> &str {
        self.path.to_str().unwrap()
    }

    pub fn hint(&self) -> String {
        format!("Is another process using the image [{}]?", self.path.display())
    }

    /// Returns the bytes that any opener holds, as seen through a file description that holds none.
    pub fn held(&self) -> Vec<i64> {
        let file = File::open(&self.path).unwrap();
        let is_held = |byte: &i64| {
            let mut lock = range(F_WRLCK, *byte);
            fcntl(&file, FcntlArg::F_OFD_GETLK(&mut lock)).unwrap();
            i32::from(lock.l_type) != F_UNLCK
        };
        (0..400).filter(is_held).collect()
    }

    /// Locks a byte exclusively, without following the protocol.
    pub fn lock_byte(&self, byte: i64) -> ForeignLock {
        let file = File::open(&self.path).unwrap();
        fcntl(&file, FcntlArg::F_OFD_SETLK(&range(F_RDLCK, byte))).unwrap();
        ForeignLock { file, byte }
    }

    /// A graph with a writable file node on the image, without parents.
    pub fn graph(&self) -> (Graph<PosixFile>, NodeKey) {
        self.graph_as(NodeSpec::new("file"))
    }

    pub fn graph_as(&self, spec: NodeSpec) -> (Graph<PosixFile>, NodeKey) {
        let mut graph = Graph::new();
        let driver = PosixFile::open(&self.path, spec.read_only).unwrap();
        let node = graph.add(spec, driver).unwrap();
        (graph, node)
    }
}

/// A lock on a byte by a program that does not follow the protocol.
pub struct ForeignLock {
    file: File,
    byte: i64,
}

impl Drop for ForeignLock {
    /// Closing is not enough: another test may be starting a process, which shares this file description for a moment.
    fn drop(&mut self) {
        fcntl(&self.file, FcntlArg::F_OFD_SETLK(&range(F_UNLCK, self.byte))).unwrap();
    }
}

#[allow(clippy::cast_possible_truncation, reason = "constants of the system")]
fn range(kind: i32, byte: i64) -> flock {
    flock { l_type: kind as i16, l_whence: 0, l_start: byte, l_len: 1, l_pid: 0 }
}

/// Returns the saved graph, with the observable state of its drivers.
pub fn saved(graph: &Graph<PosixFile>) -> SavedGraph<String> {
    graph.save_with(|_, file| format!("{} {:?}", file.file().as_raw_fd(), file.held()))
}

/// Opens the image as a format over a file, in one transaction.
pub fn open_format(graph: &mut Graph, path: &Path) -> Result<NodeKey, Error> {
    let mut t = graph.transaction();
    let file: Box<dyn Driver> = Box::new(PosixFile::open(path, false).unwrap());
    let file = t.add(NodeSpec::new("file"), file)?;
    let disk = t.add(NodeSpec::new("disk"), Box::new(Format))?;
    t.attach(disk, file, "file", Role::DATA | Role::METADATA | Role::PRIMARY)?;
    t.commit()?;
    Ok(disk)
}

/// Returns the offset of the byte that the driver could not lock.
pub fn byte_in_use(error: &Error) -> u64 {
    match error.cause() {
        Some(FileError::InUse { byte, .. }) => byte.offset(),
        other => panic!("{error}: {other:?}"),
    }
}

/// Another process with this crate that holds the image as a guest does; killed on drop.
pub struct Holder {
    child: Child,
}

/// The test that runs as this process, and the environment variable with the image's path.
pub const HOLDER: (&str, &str) = ("hold_an_image", "BLOCKGRAPH_TEST_HOLDS");

impl Holder {
    pub fn start(path: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", HOLDER.0, "--nocapture"])
            .env(HOLDER.1, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let output: Vec<String> = lines.map(Result::unwrap).take_while(|line| !line.contains("held")).collect();
        assert!(child.try_wait().unwrap().is_none(), "the holder ended: {output:?}");
        Self { child }
    }

    /// Holds the image until it is killed or its parent is gone.
    pub fn run(path: &Path) {
        let image = PosixFile::open(path, false).unwrap();
        let mut graph = Graph::new();
        let node = graph.add(NodeSpec::new("file"), image).unwrap();
        graph.attach_user("guest", node, blockgraph::common_users::GUEST, false).unwrap();
        println!("held");
        std::io::stdout().flush().unwrap();
        std::io::stdin().lines().for_each(drop);
    }

    /// Ends the process like a crash. Its locks are gone when this returns.
    pub fn kill(self) {}
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
