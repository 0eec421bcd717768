//! Where an image's separate debug file, or the image itself, may lie at the host: names only, nothing is opened.

use std::path::{Path, PathBuf};

use farsight_types::BuildId;

use crate::image::DebugLink;

/// Where distributions keep debug files.
pub const DEFAULT_DEBUG_ROOT: &str = "/usr/lib/debug";

/// Why a path is worth trying, which is also what must be checked once it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Named by the build-id: the file's own build-id must be equal.
    BuildId,
    /// Named by `.gnu_debuglink`: its CRC must match ([`crc_matches`]).
    DebugLink,
    /// Named like the image: its build-id must be equal, where both have one.
    Name,
}

/// A path to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub why: Why,
}

/// Where the debug file of an image may lie, best first (gdb's order): `root/.build-id/xx/yyyy.debug`,
/// `dir/debuglink`, `dir/.debug/debuglink`, `root/dir/debuglink`. An empty `roots` means [`DEFAULT_DEBUG_ROOT`].
pub fn debug_file_candidates(
    build_id: Option<&BuildId>,
    debug_link: Option<&DebugLink>,
    image_path: &Path,
    roots: &[PathBuf],
) -> Vec<Candidate> {
    let _ = (build_id, debug_link, image_path, roots);
    Vec::new()
}

/// Where a copy of a target's image may lie at the host, best first: `root/.build-id/xx/yyyy` for each root, then each
/// directory of `image_path_dirs` (the engine's `.exepath`) with the image's whole path below it, then with its bare
/// name.
pub fn image_candidates(
    build_id: Option<&BuildId>,
    image_path: &Path,
    image_path_dirs: &[PathBuf],
    roots: &[PathBuf],
) -> Vec<Candidate> {
    let _ = (build_id, image_path, image_path_dirs, roots);
    Vec::new()
}

/// Whether a file is the one that a `.gnu_debuglink` meant.
pub fn crc_matches(link: &DebugLink, file: &[u8]) -> bool {
    crc32fast::hash(file) == link.crc
}
