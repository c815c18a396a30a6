//! Starts a storage daemon, connects to it and ends it.

use crate::daemon::process::Process;
use crate::daemon::{Client, ConnectionLost};
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The name of the daemon's program.
const PROGRAM: &str = "qemu-storage-daemon";
/// The name of the program that creates images.
pub const IMAGE_TOOL: &str = "qemu-img";
/// The extension of the file that receives the daemon's standard error.
const STDERR_EXTENSION: &str = "err";
/// The time limit for the daemon's start.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// Returns the path of `qemu-storage-daemon`, if it and `qemu-img` are on this machine.
pub fn find_daemon() -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    let in_path =
        |name: &str| std::env::split_paths(&paths).map(|folder| folder.join(name)).find(|path| path.is_file());
    // The path is made absolute because the daemon is started in another folder.
    in_path(PROGRAM).filter(|_| in_path(IMAGE_TOOL).is_some()).and_then(|path| std::path::absolute(path).ok())
}

/// A running daemon in a folder of its own. Dropping it kills the daemon and removes the folder.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    folder: PathBuf,
    /// The connection to the daemon.
    pub client: Client,
}

impl Daemon {
    /// Starts a daemon in a new folder and connects to it. `timeout` is the time limit for an answer. Costs about 10
    /// ms.
    ///
    /// # Errors
    /// Fails if the daemon cannot be started, or if the handshake fails.
    pub fn start(program: &Path, timeout: Duration) -> io::Result<Daemon> {
        let folder = create_folder()?;
        let started = listen_and_start(program, &folder);
        let (mut child, stream) = started.inspect_err(|_| remove_folder(&folder))?;
        match Client::handshake(stream, timeout) {
            Ok(mut client) => {
                client.watch(Process(child.id()));
                Ok(Daemon { child, folder, client })
            }
            Err(error) => {
                kill(&mut child);
                remove_folder(&folder);
                Err(io::Error::other(error))
            }
        }
    }

    /// Returns the folder in which the daemon runs. File names without a path refer to this folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the exit status after the connection was lost, or `None` if the daemon still runs.
    pub fn exit_status(&mut self, lost: &ConnectionLost) -> Option<std::process::ExitStatus> {
        // A daemon that has closed the connection is about to end.
        let deadline =
            Instant::now() + if *lost == ConnectionLost::Closed { Duration::from_secs(2) } else { Duration::ZERO };
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(2)),
                _ => return None,
            }
        }
    }

    /// Returns the last line that the daemon wrote to its standard error before the connection was lost, and how it
    /// ended.
    pub fn last_stderr_line(&mut self, lost: &ConnectionLost) -> String {
        let ended = self.exit_status(lost).map_or_else(|| "still running".to_owned(), |status| status.to_string());
        let stderr =
            std::fs::read_to_string(self.folder.join("qmp").with_extension(STDERR_EXTENSION)).unwrap_or_default();
        let last = stderr.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        format!("{last} ({ended})")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        kill(&mut self.child);
        remove_folder(&self.folder);
    }
}

/// Starts the daemon so that it connects to our socket, because a daemon that listens now and then greets twice.
fn listen_and_start(program: &Path, folder: &Path) -> io::Result<(Child, UnixStream)> {
    let socket = folder.join("qmp");
    let listener = UnixListener::bind(&socket)?;
    listener.set_nonblocking(true)?;
    let mut child = Command::new(program)
        .arg("--chardev")
        .arg(format!("socket,id=m,path={},server=off", socket.display()))
        .args(["--monitor", "chardev=m"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(socket.with_extension(STDERR_EXTENSION))?)
        .spawn()?;
    let deadline = Instant::now() + START_TIMEOUT;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                return Ok((child, stream));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && Instant::now() < deadline => {
                if let Ok(Some(status)) = child.try_wait() {
                    return Err(io::Error::other(format!("{PROGRAM} ended during its start: {status}")));
                }
                std::thread::sleep(Duration::from_micros(500));
            }
            Err(error) => {
                kill(&mut child);
                return Err(error);
            }
        }
    }
}

fn kill(child: &mut Child) {
    // The daemon may have ended already.
    let _ = child.kill();
    let _ = child.wait();
}

fn remove_folder(folder: &Path) {
    // Errors are ignored, because nothing in the folder is needed any more.
    let _ = std::fs::remove_dir_all(folder);
}

/// Creates a new folder, named after this process.
fn create_folder() -> io::Result<PathBuf> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("blockgraph-{}-{number}", std::process::id()));
    std::fs::create_dir(&folder)?;
    Ok(folder)
}
