//! Files of this machine as the symbol code wants them: all their bytes, without reading what nobody looks at.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

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
