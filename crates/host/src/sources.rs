//! Source files, where the viewer sits: found by the ends of their paths, told apart by their checksums, read in pieces.
//!
//! The path that the debug information names is that of the machine that built the program. A folder of the search path
//! stands for whatever part of it is another here: the longest end of the path that a folder has is the file, and one
//! whose checksum is that of the build is preferred to all others. Read [`SourceFiles`] first.

use std::cell::RefCell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use farsight_render::{SourceText, Sources};
use farsight_session::record::SourceLines;

mod md5;

/// Most bytes of a source file.
const MOST_BYTES: u64 = 16 << 20;
/// Most lines that are read at once.
const MOST_LINES: usize = 100_000;
/// How much of a file's beginning says whether it is text.
const LOOKED_AT: usize = 8192;
/// Folders of a path that are tried behind each folder of the search path.
const MOST_COMPONENTS: usize = 32;

/// Source files of this machine.
#[derive(Debug, Default)]
pub(crate) struct SourceFiles {
    /// Folders that are searched before those of the session (`.lsrcpath`).
    pub(crate) local: Vec<String>,
    /// What was said of files, so that it is said once.
    said: RefCell<HashSet<String>>,
}

/// A file that is there.
struct Found {
    path: PathBuf,
    bytes: Vec<u8>,
    /// Its checksum is not that of the build.
    differs: bool,
}

impl Sources for SourceFiles {
    fn read(&self, wanted: &SourceLines) -> SourceText {
        let mut wanted = wanted.clone();
        wanted.search.splice(0..0, self.local.iter().cloned());
        let wanted = &wanted;
        let found = match find(wanted) {
            Ok(found) => found,
            Err(why) => {
                return SourceText {
                    trouble: Some(why),
                    ..SourceText::default()
                };
            }
        };
        let mut notes = Vec::new();
        if found.path != Path::new(&wanted.path) {
            notes.push(format!("source: {} is {}", wanted.path, found.path.display()));
        }
        if found.differs {
            notes.push(format!(
                "*** WARNING: {} is not the file that the program was compiled from (its MD5 differs): lines may be off",
                found.path.display()
            ));
        }
        notes.retain(|note| self.said.borrow_mut().insert(note.clone()));
        let skipped = usize::try_from(wanted.first.saturating_sub(1)).unwrap_or(usize::MAX);
        let count = usize::try_from(wanted.count).unwrap_or(MOST_LINES).min(MOST_LINES);
        let text = String::from_utf8_lossy(&found.bytes);
        let lines: Vec<String> = text.lines().skip(skipped).take(count).map(str::to_owned).collect();
        let trouble = lines.is_empty().then(|| {
            let count = text.lines().count();
            format!("{} ends with line {count}", found.path.display())
        });
        SourceText { lines, notes, trouble }
    }
}

/// The file that is meant, of those that are there.
fn find(wanted: &SourceLines) -> Result<Found, String> {
    let mut other = None;
    let mut trouble = None;
    for path in candidates(wanted).into_iter().filter(|path| path.is_file()) {
        let bytes = match crate::files::read(&path, MOST_BYTES) {
            Ok(bytes) => bytes,
            Err(error) => {
                trouble.get_or_insert(error.to_string());
                continue;
            }
        };
        if bytes.iter().take(LOOKED_AT).any(|byte| *byte == 0) {
            trouble.get_or_insert_with(|| format!("{} is no text", path.display()));
            continue;
        }
        let differs = wanted.md5.is_some_and(|md5| md5::sum(&bytes) != md5);
        let found = Found { path, bytes, differs };
        match differs {
            false => return Ok(found),
            true => other = other.or(Some(found)),
        }
    }
    other.ok_or_else(|| {
        let missing = || {
            let searched = match wanted.search.is_empty() {
                true => String::from(".srcpath names folders to look in"),
                false => format!("looked in {}", wanted.search.join(";")),
            };
            format!("there is no source file {} on this machine; {searched}", wanted.path)
        };
        trouble.unwrap_or_else(missing)
    })
}

/// Where a file may be, the most likely first: the search path with ever shorter ends of the file's path, then the path
/// itself.
fn candidates(wanted: &SourceLines) -> Vec<PathBuf> {
    let components: Vec<&str> = wanted
        .path
        .split(['/', '\\'])
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    // Nothing is looked for outside of the folders that the user names.
    let safe = components.iter().rposition(|part| *part == "..").map_or(0, |at| at + 1);
    let first = components.len().saturating_sub(MOST_COMPONENTS).max(safe);
    let ends = (first..components.len()).filter_map(|from| Some(components.get(from..)?.join("/")));
    let inside = ends.flat_map(|end| wanted.search.iter().map(move |folder| Path::new(folder).join(&end)));
    let mut found: Vec<PathBuf> = inside.collect();
    if Path::new(&wanted.path).is_absolute() {
        found.push(PathBuf::from(&wanted.path));
    }
    found
}

#[cfg(test)]
mod tests;
