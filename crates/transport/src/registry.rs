//! The servers of this machine: who listens, so that people can find what to connect to.
//!
//! Each running server keeps one small file in its user's directory and holds a lock on it. The kernel frees the lock
//! at any end of the server, SIGKILL included, so that a free lock means dead: such a file is never listed, and whoever
//! meets it removes it. The files are bytes from outside: they are bounded and checked, and what is odd about one makes
//! it invisible, never an error. Read [`Registration`] and [`servers`] first.
//!
//! Invariant: `dead_servers_are_never_listed`.

mod entry;
mod folder;
mod machine;

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use farsight_types::OsPid;

use crate::connection_string::{ServerEndpoint, ServerRole, ServerTransport};
use crate::listen::Listener;
use crate::{ConnectError, pipe_directory, sys};

pub use entry::{Entry, LONGEST_ENTRY, read_entry};
pub use machine::is_this_machine;

use folder::{Folder, SUBDIRECTORY};

/// Why a server could not be written into the list; it can serve all the same.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Mend the directory.
    #[error(transparent)]
    Directory(#[from] ConnectError),
    /// Make room, or mend the directory.
    #[error("the list of servers {} cannot be used: {source}", .path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// The operating system's word.
        source: io::Error,
    },
}

/// A server that runs on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredServer {
    /// What it is.
    pub role: ServerRole,
    /// How it is reached, in the canonical form, secrets as stars. A port that was taken from a range stands before the
    /// range's end (`tcp:Port=53:60`).
    pub transport: String,
    /// Shown to nobody but its user.
    pub hidden: bool,
    /// Its process.
    pub process: OsPid,
    /// When it began to serve, in microseconds of Unix time.
    pub since: u64,
    /// The user that it runs as: its file's owner, whatever the file says.
    pub uid: u32,
    /// Name and release, as it told them.
    pub product: String,
}

/// Keeps a server in the list of its machine as long as it lives. Dropping it takes the server out.
#[derive(Debug)]
pub struct Registration(Option<Held>);

/// A file of ours with its lock.
#[derive(Debug)]
struct Held {
    path: PathBuf,
    /// Held, never read: closing it says that the server is gone. It is closed on exec, so no program that the server
    /// starts keeps the lock.
    _lock: File,
    /// A forked copy of this process does not own the file.
    owner: u32,
}

impl Registration {
    /// Lists a server that listens. Nothing is listed for repeaters, for reversed connections, and for a server on its
    /// own standard streams, to which nobody could connect; the registration is then an empty one.
    pub fn publish(role: ServerRole, listener: &Listener, product: &str) -> Result<Registration, RegistryError> {
        let transport = listener.listed_transport();
        Registration::publish_in(&pipe_directory::pipe_directory(), role, &transport, product)
    }

    /// Whether it has a place in the list.
    pub fn is_listed(&self) -> bool {
        self.0.is_some()
    }

    fn publish_in(
        directory: &Path,
        role: ServerRole,
        transport: &ServerTransport,
        product: &str,
    ) -> Result<Registration, RegistryError> {
        let calls = matches!(
            transport.endpoint,
            ServerEndpoint::TcpReverse { .. } | ServerEndpoint::SslReverse { .. } | ServerEndpoint::Stdio
        );
        if calls || role == ServerRole::Repeater {
            return Ok(Registration(None));
        }
        pipe_directory::prepare(directory)?;
        let folder = directory.join(SUBDIRECTORY);
        pipe_directory::prepare(&folder)?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let entry = Entry {
            role,
            transport: transport.to_string(),
            hidden: transport.options.hidden,
            process: std::process::id(),
            since: now.map_or(0, |time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX)),
            product: product.to_owned(),
        };
        let bytes = entry.encode();
        let taken = folder::take_file(&folder, &bytes);
        let (path, lock) = taken.map_err(|(path, source)| RegistryError::File { path, source })?;
        Ok(Registration(Some(Held {
            path,
            _lock: lock,
            owner: std::process::id(),
        })))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.owner == std::process::id() {
            // Removed before the lock is freed. A failure leaves a file that the next look removes.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The servers of this machine that this user may see, in an order that does not depend on who asks when: debugging
/// servers first, then process servers and kernel connection servers, by their users, transports and process ids.
///
/// A user sees the user's own; root sees those of others too, where they are in the usual places, hidden ones apart.
pub fn servers() -> Result<Vec<RegisteredServer>, RegistryError> {
    let uid = sys::effective_uid();
    let mut found = servers_of(&pipe_directory::pipe_directory(), uid)?;
    if uid == 0 {
        for (directory, owner) in folder::of_other_users(Path::new("/run/user"), &std::env::temp_dir()) {
            found.extend(visible_to_root(&directory, owner));
        }
    }
    sort(&mut found);
    Ok(found)
}

/// The servers of this process's user.
fn servers_of(directory: &Path, uid: u32) -> Result<Vec<RegisteredServer>, RegistryError> {
    pipe_directory::verify(directory)?;
    let path = directory.join(SUBDIRECTORY);
    match Folder::open(directory, uid) {
        Ok(folder) => Ok(folder.servers(true)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(RegistryError::File { path, source }),
    }
}

/// The servers of somebody else, as far as root may show them. Nothing there is trusted, removed or complained about.
fn visible_to_root(directory: &Path, owner: u32) -> Vec<RegisteredServer> {
    let servers = Folder::open(directory, owner).map(|folder| folder.servers(false));
    let mut servers = servers.unwrap_or_default();
    servers.retain(|server| !server.hidden);
    servers
}

fn sort(servers: &mut [RegisteredServer]) {
    let rank = |role: ServerRole| match role {
        ServerRole::DebuggingServer => 0,
        ServerRole::ProcessServer => 1,
        ServerRole::KernelConnectionServer => 2,
        ServerRole::Repeater => 3,
    };
    servers.sort_by(|one, other| {
        let key = |server: &RegisteredServer| (rank(server.role), server.uid);
        let by_place =
            || (&one.transport, one.process.0, one.since).cmp(&(&other.transport, other.process.0, other.since));
        key(one).cmp(&key(other)).then_with(by_place)
    });
}
