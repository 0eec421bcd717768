//! The folder of one user's servers: taking a file in it, and looking at all of them.
//!
//! A server makes its file under a name that nobody else ever takes, locks it, and then writes. Between making and
//! locking, a look at the folder may take the file for that of a dead server and remove it; the server notices and
//! begins again. Whoever finds a free lock holds a shared one while it compares and removes, so that two lookers do not
//! hinder each other, and names are never used twice, so that none removes what came after.

use std::collections::hash_map::RandomState;
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use farsight_types::OsPid;

use super::RegisteredServer;
use super::entry::{LONGEST_ENTRY, read_entry};
use crate::pipe_directory::names;

/// Within the directory of pipes.
pub(super) const SUBDIRECTORY: &str = "servers";
/// How names of files end.
const ENDING: &str = ".server";
/// Names that are looked at in one folder. Nobody has as many servers, and a look should end.
const MOST_NAMES: usize = 10_000;
/// Users whose folders root looks at.
const MOST_USERS: usize = 1_000;
/// How often a file is made anew that somebody took for a dead one before it was locked.
const ATTEMPTS: usize = 100;

/// Makes a file with these bytes and locks it; what failed, and why.
pub(super) fn take_file(folder: &Path, bytes: &[u8]) -> Result<(PathBuf, File), (PathBuf, io::Error)> {
    for _ in 0..ATTEMPTS {
        let path = folder.join(new_name());
        match try_take(&path, bytes) {
            Ok(Some(file)) => return Ok((path, file)),
            Ok(None) => {}
            Err(error) => return Err((path, error)),
        }
    }
    let why = io::Error::new(io::ErrorKind::WouldBlock, "somebody removes what is put there");
    Err((folder.to_owned(), why))
}

/// One attempt; none where somebody took the file for a dead server's.
fn try_take(path: &Path, bytes: &[u8]) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(path)?;
    let written = lock_and_write(&mut file, path, bytes);
    if !matches!(written, Ok(true)) {
        // Nothing half-made is left: it has not been anybody's, and the name never comes again.
        let _ = fs::remove_file(path);
    }
    Ok(written?.then_some(file))
}

fn lock_and_write(file: &mut File, path: &Path, bytes: &[u8]) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(false),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    if !names(path, file)? {
        return Ok(false);
    }
    // An unusual umask takes permissions that even the owner needs.
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(bytes)?;
    Ok(true)
}

/// A name that nobody else has or will have: the process id is for people, the rest is drawn.
fn new_name() -> String {
    let drawn = RandomState::new().build_hasher().finish();
    format!("{}-{drawn:016x}{ENDING}", std::process::id())
}

/// An open folder. Its files are reached through its descriptor, so that nobody can put another in its place.
pub(super) struct Folder {
    folder: File,
    uid: u32,
}

impl Folder {
    /// Opens the folder of servers in a user's directory, neither of them reached through a link.
    pub(super) fn open(directory: &Path, uid: u32) -> io::Result<Folder> {
        let directory = open_directory(directory, uid)?;
        let folder = open_directory(&through(&directory, SUBDIRECTORY), uid)?;
        Ok(Folder { folder, uid })
    }

    /// Those that run, in no order. The files of others are removed where `mend` says that they are ours to remove.
    pub(super) fn servers(&self, mend: bool) -> Vec<RegisteredServer> {
        let names = fs::read_dir(through(&self.folder, "")).into_iter().flatten();
        let names = names.take(MOST_NAMES).flatten().map(|entry| entry.file_name());
        let ours = names.filter_map(|name| name.into_string().ok().filter(|name| name.ends_with(ENDING)));
        // What cannot be read is no server of this user's.
        ours.filter_map(|name| self.look(&through(&self.folder, &name), mend).ok().flatten())
            .collect()
    }

    fn look(&self, path: &Path, mend: bool) -> io::Result<Option<RegisteredServer>> {
        let mut options = OpenOptions::new();
        // A pipe would wait for its other end, and a terminal would become this process's own.
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
        let mut file = options.read(true).custom_flags(flags).open(path)?;
        let found = file.metadata()?;
        let odd = !found.is_file() || found.uid() != self.uid || found.mode() & 0o7777 != 0o600;
        if odd {
            return Ok(None);
        }
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
            // The lock is held until the file is closed behind this.
            Ok(()) => {
                if mend && names(path, &file)? {
                    fs::remove_file(path)?;
                }
                return Ok(None);
            }
        }
        let mut bytes = Vec::new();
        // One byte more than allowed shows that it is too long.
        (&mut file).take(LONGEST_ENTRY as u64 + 1).read_to_end(&mut bytes)?;
        Ok(read_entry(&bytes).map(|entry| RegisteredServer {
            role: entry.role,
            transport: entry.transport,
            hidden: entry.hidden,
            process: OsPid(entry.process),
            since: entry.since,
            uid: self.uid,
            product: entry.product,
        }))
    }
}

fn open_directory(path: &Path, uid: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let directory = options.read(true).custom_flags(flags).open(path)?;
    match directory.metadata()?.uid() == uid {
        true => Ok(directory),
        false => Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "it belongs to another user",
        )),
    }
}

/// The path of something in an open directory.
fn through(directory: &File, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{name}", directory.as_raw_fd()))
}

/// Where the directories of other users than root usually are, and whose they should be.
pub(super) fn of_other_users(runtime: &Path, temporary: &Path) -> Vec<(PathBuf, u32)> {
    let numbered = |directory: &Path, before: &str| {
        let names = fs::read_dir(directory).into_iter().flatten().flatten();
        let names = names.filter_map(|entry| entry.file_name().into_string().ok());
        let users = names.filter_map(|name| name.strip_prefix(before)?.parse::<u32>().ok());
        let mut users: Vec<u32> = users.filter(|uid| *uid != 0).take(MOST_USERS).collect();
        users.sort_unstable();
        users
    };
    let logged_in = numbered(runtime, "").into_iter();
    let logged_in = logged_in.map(|uid| (runtime.join(uid.to_string()).join("farsight"), uid));
    let others = numbered(temporary, "farsight-").into_iter();
    let others = others.map(|uid| (temporary.join(format!("farsight-{uid}")), uid));
    logged_in.chain(others).collect()
}
