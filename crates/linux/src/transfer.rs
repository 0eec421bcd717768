//! Files sent to the server's machine and fetched from it.
//!
//! A file that is sent is made under another name beside its destination, and takes its own name only when its size and
//! checksum are right. What is not finished is removed when the session ends.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use farsight_target::{FileFetch, FilePart, FilePiece, FileSeal, MOST_BYTES, TargetError};
use sha2::{Digest, Sha256};

use crate::sys::files;

/// Longest file that is read through for its checksum. The session answers nothing meanwhile.
const MOST_SEALED: u64 = 16 << 30;

/// Files that may be under way at once.
const MOST_AT_ONCE: usize = 16;

/// The files of one session that are under way.
#[derive(Default)]
pub(crate) struct Transfers {
    partial: BTreeMap<String, Partial>,
    begun: u64,
}

/// A file that is not all there yet.
struct Partial {
    file: File,
    /// Where it is until it is; removed with this value.
    name: PathBuf,
    size: u64,
    checksum: Sha256,
}

impl Drop for Partial {
    fn drop(&mut self) {
        // It has its own name by now, or is not wanted any more.
        let _ = fs::remove_file(&self.name);
    }
}

impl Transfers {
    /// Takes a part. After a failure nothing is left, and the parts that were sent behind it fail too.
    pub(crate) fn take(&mut self, part: FilePart, machine: &str) -> Result<(), TargetError> {
        let path = part.path.clone();
        self.try_take(part).map_err(|why| {
            self.partial.remove(&path);
            refused("writing", &path, machine, why)
        })
    }

    /// Forgets and removes what is not finished.
    pub(crate) fn clear(&mut self) {
        self.partial.clear();
    }

    fn try_take(&mut self, part: FilePart) -> Result<(), String> {
        if part.offset == 0 {
            self.partial.remove(&part.path);
            let partial = self.begin(&part.path)?;
            self.partial.insert(part.path.clone(), partial);
        }
        let words = |error: io::Error| error.to_string();
        let partial = self.partial.get_mut(&part.path);
        let partial = partial.ok_or("its beginning has not come or has failed")?;
        if partial.size != part.offset {
            return Err("its parts did not come in order".into());
        }
        partial.file.write_all(&part.bytes).map_err(words)?;
        partial.checksum.update(&part.bytes);
        partial.size += part.bytes.len() as u64;
        let Some(seal) = part.end else { return Ok(()) };
        let Some(partial) = self.partial.remove(&part.path) else {
            return Ok(());
        };
        if partial.size != seal.size {
            return Err("its size is not what it should be".into());
        }
        if partial.checksum.clone().finalize()[..] != seal.checksum[..] {
            return Err("its checksum is not what it should be".into());
        }
        let mode = Permissions::from_mode(seal.mode & 0o777);
        partial.file.set_permissions(mode).map_err(words)?;
        if seal.replace {
            return fs::rename(&partial.name, &part.path).map_err(words);
        }
        match files::rename_new(&partial.name, Path::new(&part.path)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err("there is such a file already; -f replaces it".into())
            }
            moved => moved.map_err(words),
        }
    }

    fn begin(&mut self, path: &str) -> Result<Partial, String> {
        let destination = Path::new(path);
        let folder = destination
            .parent()
            .filter(|_| destination.is_absolute() && !path.contains('\0'));
        let folder = folder.ok_or("not an absolute path of a file")?;
        if path.ends_with('/') || fs::metadata(destination).is_ok_and(|there| there.is_dir()) {
            return Err("it is a directory; name the file in it".into());
        }
        if self.partial.len() >= MOST_AT_ONCE {
            return Err("too many files are being sent at once".into());
        }
        self.begun += 1;
        let name = folder.join(format!(".farsight-{}-{}.part", std::process::id(), self.begun));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(&name)
            .map_err(|error| error.to_string())?;
        Ok(Partial {
            file,
            name,
            size: 0,
            checksum: Sha256::new(),
        })
    }
}

/// Gives a piece of a file.
pub(crate) fn fetch(order: &FileFetch, machine: &str) -> Result<FilePiece, TargetError> {
    try_fetch(order).map_err(|why| refused("reading", &order.path, machine, why))
}

fn try_fetch(order: &FileFetch) -> Result<FilePiece, String> {
    let words = |error: io::Error| error.to_string();
    if !Path::new(&order.path).is_absolute() {
        return Err("not an absolute path".into());
    }
    // A pipe that nobody writes to must not be waited for.
    let mut options = OpenOptions::new();
    let file = options.read(true).custom_flags(libc::O_NONBLOCK).open(&order.path);
    let file = file.map_err(words)?;
    let there = file.metadata().map_err(words)?;
    if !there.is_file() {
        return Err("it is no regular file".into());
    }
    let seal = if order.seal { Some(seal(&file, &there)?) } else { None };
    let left = match there.len() {
        // The system tells no length of files that it makes up.
        0 => MOST_BYTES,
        length => length.saturating_sub(order.offset),
    };
    let mut bytes = vec![0; order.length.min(MOST_BYTES).min(left) as usize];
    let read = read_at(&file, &mut bytes, order.offset).map_err(words)?;
    bytes.truncate(read);
    Ok(FilePiece { seal, bytes })
}

fn seal(file: &File, there: &fs::Metadata) -> Result<FileSeal, String> {
    let mut checksum = Sha256::new();
    let mut block = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        // A file that the system makes up may have no end, and tells no length.
        if size.max(there.len()) > MOST_SEALED {
            return Err(format!("it is longer than {} GiB", MOST_SEALED >> 30));
        }
        let read = read_at(file, &mut block, size).map_err(|error| error.to_string())?;
        checksum.update(&block[..read]);
        size += read as u64;
        if read < block.len() {
            break;
        }
    }
    Ok(FileSeal {
        size,
        checksum: checksum.finalize().to_vec(),
        replace: false,
        mode: there.mode() & 0o777,
    })
}

/// Reads until the buffer is full or the file ends.
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < bytes.len() {
        match file.read_at(&mut bytes[done..], offset.saturating_add(done as u64)) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

fn refused(doing: &str, path: &str, machine: &str, why: String) -> TargetError {
    TargetError::System {
        operation: format!("{doing} '{path}'"),
        machine: machine.into(),
        why,
    }
}
