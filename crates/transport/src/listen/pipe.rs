//! Binding a pipe: a Unix socket whose name is guarded by a lock file, so that a dead server's leftover gives way.
//! Whoever binds one also removes what dead servers of other names left, for those names may never come again.
//!
//! Invariant: who holds the lock owns the socket's name; the lock is the file that the path names while it is held.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread;

use crate::connection_string::PipeName;
use crate::error::ConnectError;
use crate::pipe_directory::{LOCK, PIPE, PipeFiles, names, pipe_files, prepare};

/// Locks of others that are looked at for dead ones when a pipe is bound. A look should end, and the next goes on.
const MOST_SWEPT: usize = 256;

/// How often a lock is asked for again that only a sweep holds, which is a matter of a few system calls.
const ATTEMPTS: usize = 10_000;

/// A bound pipe; dropping it removes the socket and its lock.
pub(super) struct PipeListener {
    socket: UnixListener,
    files: PipeFiles,
    /// Held, never read: closing it frees the name.
    _lock: File,
    /// A forked copy of this process does not own the files.
    owner: u32,
}

impl PipeListener {
    /// Takes the name if no live server has it.
    pub(super) fn bind(directory: &Path, name: &PipeName) -> Result<PipeListener, ConnectError> {
        let files = pipe_files(directory, name)?;
        prepare(directory)?;
        let lock = take_lock(&files.lock, name)?;
        let fault = |source| ConnectError::Pipe {
            name: name.clone(),
            path: files.socket.clone(),
            source,
        };
        match fs::remove_file(&files.socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fault(error)),
            _ => {}
        }
        let socket = UnixListener::bind(&files.socket).map_err(fault)?;
        socket.set_nonblocking(true).map_err(fault)?;
        sweep(directory);
        Ok(PipeListener {
            socket,
            files,
            _lock: lock,
            owner: std::process::id(),
        })
    }

    pub(super) fn socket(&self) -> &UnixListener {
        &self.socket
    }
}

impl AsFd for PipeListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl std::fmt::Debug for PipeListener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PipeListener")
            .field("socket", &self.files.socket)
            .finish_non_exhaustive()
    }
}

impl Drop for PipeListener {
    fn drop(&mut self) {
        if self.owner == std::process::id() {
            // Socket first: who finds no lock must find no socket either. A failure leaves files that the next server
            // of this name replaces.
            let _ = fs::remove_file(&self.files.socket);
            let _ = fs::remove_file(&self.files.lock);
        }
    }
}

/// Locks the file at `path`, making sure that the locked file is still the one that the path names: its former owner
/// may have removed it between our opening and our locking.
fn take_lock(path: &Path, name: &PipeName) -> Result<File, ConnectError> {
    let fault = |source| ConnectError::Pipe {
        name: name.clone(),
        path: path.to_owned(),
        source,
    };
    let in_use = || ConnectError::PipeInUse {
        name: name.clone(),
        lock: path.to_owned(),
    };
    for _ in 0..ATTEMPTS {
        let lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(path)
            .map_err(fault)?;
        match lock.try_lock() {
            Ok(()) => {}
            // A server shares its lock with nobody; a sweep does, and is over at once.
            Err(TryLockError::WouldBlock) if lock.try_lock_shared().is_ok() => {
                drop(lock);
                thread::yield_now();
                continue;
            }
            Err(TryLockError::WouldBlock) => return Err(in_use()),
            Err(TryLockError::Error(source)) => return Err(fault(source)),
        }
        if names(path, &lock).map_err(fault)? {
            return Ok(lock);
        }
    }
    Err(in_use())
}

/// Removes sockets and locks of this directory whose servers are dead: their locks are free.
fn sweep(directory: &Path) {
    let found = fs::read_dir(directory).into_iter().flatten().flatten();
    let locks = found
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == LOCK));
    for lock in locks.take(MOST_SWEPT) {
        // What cannot be removed is left to the next.
        let _ = sweep_one(&lock);
    }
}

fn sweep_one(path: &Path) -> io::Result<()> {
    let lock = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)?;
    if !lock.metadata()?.is_file() || lock.try_lock_shared().is_err() || !names(path, &lock)? {
        return Ok(());
    }
    let socket = path.with_extension(PIPE);
    if let Ok(found) = fs::symlink_metadata(&socket) {
        if !found.file_type().is_socket() {
            return Ok(());
        }
        fs::remove_file(&socket)?;
    }
    fs::remove_file(path)
}
