//! Files of this machine as the symbol code wants them: all their bytes, without reading what nobody looks at.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use farsight_engine::{FileFailure, OutputFile, OutputMode};
use farsight_symbols::ImageBytes;

use crate::sys::FileMap;

/// Up to this length a file is read. That takes a few milliseconds, and spares the common case, a program that its
/// author rebuilds while it is being debugged, from the danger that [`FileMap`] describes.
const READ_UP_TO: u64 = 8 << 20;

/// All bytes of a regular file; none where there is no such file or it cannot be read.
pub(crate) fn open(path: &Path) -> Option<Arc<dyn ImageBytes>> {
    // Asked before opening: to open a FIFO would wait for a writer, to open a device may do anything.
    if !std::fs::metadata(path).ok()?.is_file() {
        return None;
    }
    match read_or_map(path) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "a file is there and cannot be read");
            None
        }
    }
}

fn read_or_map(path: &Path) -> std::io::Result<Arc<dyn ImageBytes>> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() > READ_UP_TO {
        return Ok(Arc::new(FileMap::new(&file)?));
    }
    let mut bytes = Vec::new();
    // A file that grows meanwhile is not read for ever.
    Read::by_ref(&mut file).take(READ_UP_TO).read_to_end(&mut bytes)?;
    Ok(Arc::new(bytes))
}

fn failure(what: &str, path: &Path, why: &dyn std::fmt::Display) -> FileFailure {
    FileFailure(format!("cannot {what} '{}': {why}", path.display()))
}

/// All bytes of a regular file of at most `most` bytes.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>, FileFailure> {
    let fail = |why: &dyn std::fmt::Display| failure("read", path, why);
    let about = std::fs::metadata(path).map_err(|error| fail(&error))?;
    if !about.is_file() {
        return Err(fail(&"it is not a regular file"));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| fail(&error))?;
    let read = file.take(most.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| fail(&error))?;
    match bytes.len() as u64 > most {
        true => Err(fail(&format_args!("it has more than {most} bytes"))),
        false => Ok(bytes),
    }
}

/// Permission bits of a file.
pub(crate) fn mode(path: &Path) -> Result<u32, FileFailure> {
    let about = std::fs::metadata(path).map_err(|error| failure("look at", path, &error))?;
    Ok(about.permissions().mode() & 0o7777)
}

struct Output {
    path: PathBuf,
    file: File,
}

impl OutputFile for Output {
    fn write(&mut self, bytes: &[u8]) -> Result<(), FileFailure> {
        let written = self.file.write_all(bytes);
        written.map_err(|error| failure("write", &self.path, &error))
    }
}

/// Opens a file for writing.
pub(crate) fn open_output(path: &Path, mode: OutputMode) -> Result<Box<dyn OutputFile>, FileFailure> {
    let mut options = File::options();
    match mode {
        OutputMode::Replace => options.write(true).create(true).truncate(true),
        OutputMode::New => options.write(true).create_new(true),
        OutputMode::Append => options.append(true).create(true),
    };
    let file = options.open(path).map_err(|error| failure("write", path, &error))?;
    let path = path.to_owned();
    Ok(Box::new(Output { path, file }))
}

/// Paths that begin so; directories have a slash behind them.
pub(crate) fn complete(beginning: &str, most: usize) -> Vec<String> {
    let (directory, tail) = match beginning.rfind('/') {
        Some(at) => beginning.split_at(at + 1),
        None => ("", beginning),
    };
    let place = match directory {
        "" => Path::new("."),
        directory => Path::new(directory),
    };
    let Ok(entries) = std::fs::read_dir(place) else {
        return Vec::new();
    };
    let found = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let name = entry.file_name().into_string().ok()?;
        let hidden = name.starts_with('.') && !tail.starts_with('.');
        let wanted = name.starts_with(tail) && !hidden;
        let slash = match entry.path().is_dir() {
            true => "/",
            false => "",
        };
        wanted.then(|| format!("{directory}{name}{slash}"))
    });
    let mut found: Vec<String> = found.collect();
    found.sort_unstable();
    found.truncate(most);
    found
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn scratch(name: &str, length: usize) -> PathBuf {
        let path = std::env::temp_dir().join(format!("farsight-files-{}-{name}", std::process::id()));
        let bytes: Vec<u8> = (0..length).map(|at| at as u8).collect();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn a_file_is_the_same_read_or_mapped() {
        for length in [0, 5000, READ_UP_TO as usize + 4097] {
            let path = scratch(&length.to_string(), length);
            let bytes = open(&path).unwrap();
            assert_eq!(bytes.bytes().len(), length);
            assert!(bytes.bytes().iter().enumerate().all(|(at, byte)| at as u8 == *byte));
            std::fs::remove_file(&path).unwrap();
            assert_eq!(bytes.bytes().len(), length, "bytes outlive the name");
        }
    }

    #[test]
    fn what_is_no_regular_file_is_not_opened() {
        assert!(open(Path::new("/dev/zero")).is_none());
        assert!(open(&std::env::temp_dir()).is_none());
        assert!(open(Path::new("/nonexistent/farsight")).is_none());
    }
}
