//! The files that line tables name, and patterns for them.

use gimli::{LineProgramHeader, UnitRef};

use crate::debug::reader::{Slice, Unit};

/// A source file as the debug information names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SourceFile {
    /// Its path on the machine that built it, joined with the directory that the compiler ran in.
    pub path: String,
    /// Of its contents when it was compiled, where the compiler noted it.
    pub md5: Option<[u8; 16]>,
}

/// Which files are meant: the last components of their paths, as many as were given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePattern {
    /// Last first.
    components: Vec<String>,
    /// The whole path is given.
    absolute: bool,
}

impl FilePattern {
    /// The pattern that a text is; none where it names nothing.
    pub fn new(text: &str) -> Option<FilePattern> {
        let components: Vec<String> = backwards(text).into_iter().map(str::to_owned).collect();
        (!components.is_empty()).then(|| FilePattern {
            components,
            absolute: is_absolute(text),
        })
    }

    /// Whether a path is meant. Case matters, as it does to the compiler.
    pub fn matches(&self, path: &str) -> bool {
        let path = backwards(path);
        let enough = match self.absolute {
            true => path.len() == self.components.len(),
            false => path.len() >= self.components.len(),
        };
        enough && path.iter().zip(&self.components).all(|(have, want)| have == want)
    }

    /// The last component, which every file that is meant ends with.
    pub fn name(&self) -> &str {
        self.components.first().map_or("", String::as_str)
    }
}

/// Longest part of a path that is read; the longest path of any system is not longer.
const LONGEST: usize = 4096;

/// A path's components from the last to the first, without those that mean nothing.
fn backwards(path: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut skip = 0_usize;
    for part in path.rsplit(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => skip += 1,
            _ if skip > 0 => skip -= 1,
            _ => found.push(part),
        }
    }
    found
}

fn is_absolute(path: &str) -> bool {
    path.starts_with(['/', '\\']) || path.as_bytes().get(1) == Some(&b':')
}

/// Puts a path behind the directory that it is relative to.
fn join(directory: &str, path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    if directory.is_empty() || is_absolute(path) {
        return path.to_owned();
    }
    match path {
        "" | "." => directory.to_owned(),
        _ if directory.ends_with('/') => format!("{directory}{path}"),
        _ => format!("{directory}/{path}"),
    }
}

/// The files of one unit's line program.
pub(super) struct FileTable<'u, 'a> {
    unit: UnitRef<'u, Slice<'a>>,
    header: &'u LineProgramHeader<Slice<'a>>,
}

impl<'u, 'a> FileTable<'u, 'a> {
    pub(super) fn of(unit: &'u Unit<'a>, header: &'u LineProgramHeader<Slice<'a>>) -> FileTable<'u, 'a> {
        FileTable {
            unit: unit.of(),
            header,
        }
    }

    /// The numbers that rows may use, with each file's own name.
    pub(super) fn names(&self) -> impl Iterator<Item = (u64, &'a [u8])> {
        let first = u64::from(self.header.version() <= 4);
        let entries = self.header.file_names().iter();
        entries.enumerate().filter_map(move |(index, entry)| {
            let name = self.unit.attr_string(entry.path_name()).ok()?;
            Some((index as u64 + first, name.slice()))
        })
    }

    /// A file with its whole path.
    pub(super) fn file(&self, number: u64) -> Option<SourceFile> {
        let entry = self.header.file(number)?;
        let text = |value| {
            let bytes = self.unit.attr_string(value).ok()?;
            Some(String::from_utf8_lossy(short(bytes.slice())).into_owned())
        };
        let compiled_in = self.unit.comp_dir;
        let compiled_in = compiled_in.map(|bytes| String::from_utf8_lossy(short(bytes.slice())).into_owned());
        let directory = entry.directory(self.header).and_then(text).unwrap_or_default();
        let directory = join(&compiled_in.unwrap_or_default(), &directory);
        let md5 = self.header.file_has_md5().then(|| *entry.md5());
        Some(SourceFile {
            path: join(&directory, &text(entry.path_name())?),
            // Some assemblers write zeros for what they do not know.
            md5: md5.filter(|md5| md5.iter().any(|byte| *byte != 0)),
        })
    }
}

/// What is used of a path, which any number of files may share the end of.
fn short(path: &[u8]) -> &[u8] {
    path.get(..LONGEST).unwrap_or(path)
}

/// Whether the last component of a file's name is this one; the rest of the path is looked at only where it is.
pub(super) fn ends_with_name(path: &[u8], name: &str) -> bool {
    let after = path
        .iter()
        .rposition(|byte| matches!(byte, b'/' | b'\\'))
        .map_or(0, |at| at + 1);
    path.get(after..).is_some_and(|last| last == name.as_bytes())
}
