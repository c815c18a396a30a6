//! The locks of one open file description, changed in two phases (K4 to K6).

use super::FileError;
use crate::qemu::locks::{LockByte, LockSet};
use alloc::sync::Arc;
use core::ffi::c_int;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc::{F_RDLCK, F_UNLCK, F_WRLCK, SEEK_SET, flock, off_t};
use std::fs::File;
use std::io;
use std::path::Path;

/// A file open for reading, and the bytes of it that are locked through it.
#[derive(Debug)]
pub(super) struct Locks {
    path: Arc<Path>,
    file: File,
    /// What is locked in fact: all of the two below, and what could not be given up.
    held: LockSet,
    /// What stays, or comes back when a change is called off.
    committed: LockSet,
    /// What is locked for a change that has not been decided.
    prepared: Option<LockSet>,
}

impl Locks {
    /// No byte is locked yet.
    pub(super) const fn new(path: Arc<Path>, file: File) -> Self {
        Self { path, file, held: LockSet::NONE, committed: LockSet::NONE, prepared: None }
    }

    pub(super) const fn file(&self) -> &File {
        &self.file
    }

    pub(super) const fn held(&self) -> LockSet {
        self.held
    }

    /// Makes sure that the change to `to` is possible, and that it stays so until it is decided. On an error all is as
    /// before.
    pub(super) fn prepare(&mut self, to: LockSet) -> Result<(), FileError> {
        if self.prepared == Some(to) {
            return Ok(());
        }
        if !self.committed.contains(to) {
            // First take, then look: of two who do so at the same time at least one sees the other.
            if let Err(error) = self.take(to).and_then(|()| self.test(to)) {
                self.abort();
                return Err(error);
            }
        }
        self.prepared = Some(to);
        Ok(())
    }

    /// The prepared change happens. What is given up may fail to be; then it is tried again the next time.
    pub(super) fn commit(&mut self) {
        if let Some(to) = self.prepared.take() {
            self.committed = to;
            self.release_except(to);
        }
    }

    /// The prepared change, if any, does not happen.
    pub(super) fn abort(&mut self) {
        self.prepared = None;
        self.release_except(self.committed);
    }

    /// Gives up all.
    pub(super) fn release(&mut self) {
        (self.committed, self.prepared) = (LockSet::NONE, None);
        self.release_except(LockSet::NONE);
    }

    fn take(&mut self, set: LockSet) -> Result<(), FileError> {
        for byte in set.difference(self.held).bytes() {
            let lock = |error| FileError::Lock { path: self.path.clone(), byte, error: io::Error::from(error) };
            retry(|| fcntl(&self.file, FcntlArg::F_OFD_SETLK(&range(F_RDLCK, byte)))).map_err(lock)?;
            self.held = self.held.with(byte);
        }
        Ok(())
    }

    /// Whether nobody else holds the opposite of one of the bytes. Asked as for an exclusive lock, which the shared
    /// locks of all other descriptions are in the way of, and those of this one are not.
    fn test(&self, set: LockSet) -> Result<(), FileError> {
        for byte in set.bytes() {
            let mut asked = range(F_WRLCK, byte.opposite());
            let answer = retry(|| fcntl(&self.file, FcntlArg::F_OFD_GETLK(&mut asked)));
            let lock = |error| FileError::Lock { path: self.path.clone(), byte, error: io::Error::from(error) };
            answer.map_err(lock)?;
            if c_int::from(asked.l_type) != F_UNLCK {
                return Err(FileError::InUse { path: self.path.clone(), byte });
            }
        }
        Ok(())
    }

    fn release_except(&mut self, keep: LockSet) {
        for byte in self.held.difference(keep).bytes() {
            if retry(|| fcntl(&self.file, FcntlArg::F_OFD_SETLK(&range(F_UNLCK, byte)))).is_ok() {
                self.held = self.held.without(byte);
            }
        }
    }
}

impl Drop for Locks {
    /// Closing would do, were it not for a child of this process that was forked a moment ago and has the same
    /// description until it executes something.
    fn drop(&mut self) {
        self.release();
    }
}

/// Network file systems let signals interrupt even what does not wait.
fn retry(mut call: impl FnMut() -> Result<c_int, Errno>) -> Result<(), Errno> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            result => return result.map(|_| ()),
        }
    }
}

/// A lock of one byte. The kernel wants zero as the process.
#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "constants and offsets up to 203")]
const fn range(kind: c_int, byte: LockByte) -> flock {
    flock { l_type: kind as i16, l_whence: SEEK_SET as i16, l_start: byte.offset() as off_t, l_len: 1, l_pid: 0 }
}
