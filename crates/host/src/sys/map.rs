//! A file looked at through memory.

use std::fs::File;
use std::io;

use farsight_symbols::ImageBytes;
use memmap2::{Mmap, MmapOptions};

/// A private, read-only map of a whole file.
///
/// The file may be changed by others. Bytes that change under the symbol code give wrong symbols, never a bad access,
/// because every access is checked against the map's length, which stays. A file that is cut short in place ends this
/// process with SIGBUS when the missing pages are touched; linkers, package managers and `install` replace files
/// instead, which a map does not notice.
#[derive(Debug)]
pub(crate) struct FileMap(Mmap);

impl FileMap {
    /// Maps the file as long as it is now.
    pub(crate) fn new(file: &File) -> io::Result<FileMap> {
        // SAFETY: the map is private and read-only, and lives as long as the value that lends its bytes. That the file
        // can change underneath is accepted: readers take bytes as untrusted input and never keep a decision about
        // them across reads; a file cut short kills the process, as said above, and cannot corrupt it.
        let map = unsafe { MmapOptions::new().map_copy_read_only(file) }?;
        Ok(FileMap(map))
    }
}

impl ImageBytes for FileMap {
    fn bytes(&self) -> &[u8] {
        &self.0
    }
}
