//! Binding a pipe: a Unix socket whose name is guarded by a lock file, so that a dead server's leftover gives way.
//!
//! Invariant: who holds the lock owns the socket's name; the lock is the file that the path names while it is held.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;

use crate::connection_string::PipeName;
use crate::error::ConnectError;
use crate::pipe_directory::{PipeFiles, pipe_files, prepare};

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
    loop {
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
            Err(TryLockError::WouldBlock) => {
                return Err(ConnectError::PipeInUse {
                    name: name.clone(),
                    lock: path.to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(fault(source)),
        }
        let held = lock.metadata().map_err(fault)?;
        match fs::symlink_metadata(path) {
            Ok(named) if (named.dev(), named.ino()) == (held.dev(), held.ino()) => return Ok(lock),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(fault(error)),
        }
    }
}
