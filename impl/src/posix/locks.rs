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

/// A file open for reading, and the bytes that are locked through it.
#[derive(Debug)]
pub(super) struct Locks {
    path: Arc<Path>,
    file: File,
    /// The bytes that are locked: those of the two fields below, and bytes that could not be unlocked.
    held: LockSet,
    /// The committed locks, which remain if a change is aborted.
    committed: LockSet,
    /// The locks of a prepared change.
    prepared: Option<LockSet>,
}

impl Locks {
    /// Creates the state in which no byte is locked.
    pub(super) const fn new(path: Arc<Path>, file: File) -> Self {
        Self { path, file, held: LockSet::NONE, committed: LockSet::NONE, prepared: None }
    }

    pub(super) const fn file(&self) -> &File {
        &self.file
    }

    pub(super) const fn held(&self) -> LockSet {
        self.held
    }

    /// Ensures that the change to `to` is possible and stays possible until it is committed or aborted. On an error the
    /// locks are as before.
    pub(super) fn prepare(&mut self, to: LockSet) -> Result<(), FileError> {
        if self.prepared == Some(to) {
            return Ok(());
        }
        if !self.committed.contains(to) {
            // Lock first, then test: of two processes that do so at the same time, at least one sees the other.
            if let Err(error) = self.take(to).and_then(|()| self.test(to)) {
                self.abort();
                return Err(error);
            }
        }
        self.prepared = Some(to);
        Ok(())
    }

    /// Commits the prepared change. Unlocking may fail; it is then tried again at the next change.
    pub(super) fn commit(&mut self) {
        if let Some(to) = self.prepared.take() {
            self.committed = to;
            self.release_except(to);
        }
    }

    /// Aborts the prepared change, if any.
    pub(super) fn abort(&mut self) {
        self.prepared = None;
        self.release_except(self.committed);
    }

    /// Unlocks everything.
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

    /// Checks that no other opener holds the opposite of one of the bytes. The test asks for an exclusive lock: the
    /// shared locks of other open file descriptions prevent it, those of this one do not.
    fn test(&self, set: LockSet) -> Result<(), FileError> {
        for byte in set.bytes() {
            let mut tested = range(F_WRLCK, byte.opposite());
            let answer = retry(|| fcntl(&self.file, FcntlArg::F_OFD_GETLK(&mut tested)));
            let lock = |error| FileError::Lock { path: self.path.clone(), byte, error: io::Error::from(error) };
            answer.map_err(lock)?;
            if c_int::from(tested.l_type) != F_UNLCK {
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
    /// Unlocks explicitly. Closing is not enough, because a child process that was forked a moment ago shares the open
    /// file description until it calls `exec`.
    fn drop(&mut self) {
        self.release();
    }
}

/// Retries interrupted calls. On network file systems signals interrupt even calls that do not wait.
fn retry(mut call: impl FnMut() -> Result<c_int, Errno>) -> Result<(), Errno> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            result => return result.map(|_| ()),
        }
    }
}

/// Returns the lock of one byte. The kernel requires the process id to be zero.
#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "constants and offsets up to 203")]
const fn range(kind: c_int, byte: LockByte) -> flock {
    flock { l_type: kind as i16, l_whence: SEEK_SET as i16, l_start: byte.offset() as off_t, l_len: 1, l_pid: 0 }
}
