//! Where pipes live: one directory per user that nobody else can enter.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::connection_string::PipeName;
use crate::error::{ConnectError, PipeDirectoryFault};
use crate::sys;

/// How names of sockets end.
pub(crate) const PIPE: &str = "pipe";

/// How names of locks end.
pub(crate) const LOCK: &str = "lock";

/// The files of one pipe.
pub(crate) struct PipeFiles {
    pub(crate) socket: PathBuf,
    pub(crate) lock: PathBuf,
}

/// The directory for this process's user; it need not exist.
pub(crate) fn pipe_directory() -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    choose(sys::effective_uid(), runtime, &std::env::temp_dir(), &Path::is_dir)
}

/// The directory of this process's user for sockets that only programs of this user reach, made if need be.
pub fn runtime_directory() -> Result<PathBuf, ConnectError> {
    let directory = pipe_directory();
    prepare(&directory)?;
    Ok(directory)
}

/// Root's place does not depend on the environment, which `su` and `sudo` carry over from another user.
fn choose(uid: u32, runtime: Option<PathBuf>, temporary: &Path, is_directory: &dyn Fn(&Path) -> bool) -> PathBuf {
    if uid == 0 {
        return PathBuf::from("/run/farsight");
    }
    let login = PathBuf::from(format!("/run/user/{uid}"));
    let runtime = runtime.filter(|path| path.is_absolute());
    match [runtime, Some(login)]
        .into_iter()
        .flatten()
        .find(|path| is_directory(path))
    {
        Some(path) => path.join("farsight"),
        None => temporary.join(format!("farsight-{uid}")),
    }
}

/// Makes the directory if need be, and refuses one that another user could have prepared.
pub(crate) fn prepare(path: &Path) -> Result<(), ConnectError> {
    prepare_for(path, sys::effective_uid()).map_err(|why| ConnectError::PipeDirectory {
        path: path.to_owned(),
        why,
    })
}

fn prepare_for(path: &Path, uid: u32) -> Result<(), PipeDirectoryFault> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error.into()),
    }
    verify_for(path, uid)?;
    // A directory of ours may be older, or the umask unusual; the owner is known to be us by now.
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    Ok(())
}

/// Refuses a directory in which another user could have put something; one that does not exist is fine.
pub(crate) fn verify(path: &Path) -> Result<(), ConnectError> {
    match verify_for(path, sys::effective_uid()) {
        Err(PipeDirectoryFault::Os(error)) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(|why| ConnectError::PipeDirectory {
            path: path.to_owned(),
            why,
        }),
    }
}

fn verify_for(path: &Path, uid: u32) -> Result<(), PipeDirectoryFault> {
    // Not `metadata`: a symbolic link is somebody's trick.
    let found = fs::symlink_metadata(path)?;
    if !found.is_dir() {
        return Err(PipeDirectoryFault::NotADirectory);
    }
    if found.uid() != uid {
        return Err(PipeDirectoryFault::Owner {
            owner: found.uid(),
            expected: uid,
        });
    }
    Ok(())
}

/// The files of a pipe, whose names cannot meet those of another pipe.
pub(crate) fn pipe_files(directory: &Path, name: &PipeName) -> Result<PipeFiles, ConnectError> {
    let socket = directory.join(format!("{name}.{PIPE}"));
    let limit = sys::SOCKET_PATH_LIMIT;
    if socket.as_os_str().len() > limit {
        return Err(ConnectError::PipeNameTooLong {
            name: name.clone(),
            path: socket,
            limit,
        });
    }
    Ok(PipeFiles {
        lock: directory.join(format!("{name}.{LOCK}")),
        socket,
    })
}

/// Whether a path names an open file, and not another or none.
pub(crate) fn names(path: &Path, file: &File) -> io::Result<bool> {
    let held = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (held.dev(), held.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen::tests::TestDirectory;

    #[test]
    fn the_rule_is_runtime_directory_then_login_then_temporary() {
        let temporary = Path::new("/tmp");
        let runtime = || Some(PathBuf::from("/run/mine"));
        let all = |_: &Path| true;
        let none = |_: &Path| false;
        let show = |path: PathBuf| path.display().to_string();
        assert_eq!(show(choose(1000, runtime(), temporary, &all)), "/run/mine/farsight");
        assert_eq!(show(choose(1000, None, temporary, &all)), "/run/user/1000/farsight");
        assert_eq!(
            show(choose(1000, Some("relative".into()), temporary, &all)),
            "/run/user/1000/farsight"
        );
        assert_eq!(show(choose(1000, runtime(), temporary, &none)), "/tmp/farsight-1000");
        assert_eq!(show(choose(0, runtime(), temporary, &all)), "/run/farsight");
    }

    #[test]
    fn a_directory_is_made_private_and_used_again() {
        let parent = TestDirectory::new();
        let path = parent.path().join("pipes");
        let uid = sys::effective_uid();
        for _ in 0..2 {
            prepare_for(&path, uid).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    #[test]
    fn what_another_user_could_have_prepared_is_refused() {
        let parent = TestDirectory::new();
        let path = parent.path().join("pipes");
        let uid = sys::effective_uid();
        std::os::unix::fs::symlink(parent.path(), &path).unwrap();
        assert!(matches!(
            prepare_for(&path, uid),
            Err(PipeDirectoryFault::NotADirectory)
        ));
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(matches!(
            prepare_for(&path, uid + 1),
            Err(PipeDirectoryFault::Owner { .. })
        ));
    }
}
