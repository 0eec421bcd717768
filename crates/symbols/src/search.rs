//! Where an image's separate debug file, or the image itself, may lie at the host: names only, nothing is opened.

use std::path::{Component, Path, PathBuf};

use farsight_types::BuildId;

use crate::image::{DebugAltLink, DebugLink};

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
/// `dir/debuglink`, `dir/.debug/debuglink`, `root/dir/debuglink`, `cache/BUILDID/debuginfo`. An empty `roots` means
/// [`DEFAULT_DEBUG_ROOT`]; `caches` are laid out as debuginfod's clients do it.
///
/// `image_path` is where the image lies at the host, or at the target where the host has no copy; links in it are best
/// resolved before.
pub fn debug_file_candidates(
    build_id: Option<&BuildId>,
    debug_link: Option<&DebugLink>,
    image_path: &Path,
    roots: &[PathBuf],
    caches: &[PathBuf],
) -> Vec<Candidate> {
    let roots = or_default(roots);
    // A target may say anything: the name is joined to directories, and could lead out of them.
    let debug_link = debug_link.filter(|link| is_bare(&link.name));
    let mut found = Candidates::default();
    if let Some(name) = build_id.and_then(build_id_path) {
        for root in &roots {
            let mut path = root.join(&name).into_os_string();
            path.push(".debug");
            found.add(PathBuf::from(path), Why::BuildId);
        }
    }
    if let Some(link) = debug_link {
        let directory = image_path.parent().unwrap_or(Path::new(""));
        found.add(directory.join(&link.name), Why::DebugLink);
        found.add(directory.join(".debug").join(&link.name), Why::DebugLink);
        for root in &roots {
            found.add(below(root, directory).join(&link.name), Why::DebugLink);
            // Packages may name directories as they were before /lib and /bin became links to those in /usr.
            if let Ok(unmerged) = directory.strip_prefix("/usr") {
                found.add(below(root, unmerged).join(&link.name), Why::DebugLink);
            }
        }
    }
    if let Some(build_id) = build_id {
        for cache in caches {
            found.add(cache.join(build_id.to_string()).join("debuginfo"), Why::BuildId);
        }
    }
    // A debug link that names the image itself would find a file without debug information.
    found.0.retain(|candidate| candidate.path != image_path);
    found.0
}

/// Where a copy of a target's image may lie at the host, best first: `root/.build-id/xx/yyyy` for each root,
/// `cache/BUILDID/executable` for each cache of debuginfod's, then each directory of `image_path_dirs` (the engine's
/// `.exepath`) with the image's whole path below it, then with its bare name.
///
/// An empty `roots` means [`DEFAULT_DEBUG_ROOT`].
pub fn image_candidates(
    build_id: Option<&BuildId>,
    image_path: &Path,
    image_path_dirs: &[PathBuf],
    roots: &[PathBuf],
    caches: &[PathBuf],
) -> Vec<Candidate> {
    let mut found = Candidates::default();
    if let Some(name) = build_id.and_then(build_id_path) {
        for root in or_default(roots) {
            found.add(root.join(&name), Why::BuildId);
        }
    }
    if let Some(build_id) = build_id {
        for cache in caches {
            found.add(cache.join(build_id.to_string()).join("executable"), Why::BuildId);
        }
    }
    for directory in image_path_dirs {
        found.add(below(directory, image_path), Why::Name);
        if let Some(name) = image_path.file_name() {
            found.add(directory.join(name), Why::Name);
        }
    }
    found.0
}

/// Where the file may lie that `.gnu_debugaltlink` names (`dwz -m`), best first: the path it gives, which is relative to
/// the directory of `holder`, the file with the link; `root/.build-id/xx/yyyy.debug`; its bare name in `root/.dwz`, in
/// the directory of `holder` and in `.dwz` beside it.
pub fn shared_file_candidates(link: &DebugAltLink, holder: &Path, roots: &[PathBuf]) -> Vec<PathBuf> {
    let directory = holder.parent().unwrap_or(Path::new(""));
    let mut found = Candidates::default();
    found.add(directory.join(&link.path), Why::BuildId);
    if let Some(name) = build_id_path(&link.build_id) {
        for root in or_default(roots) {
            let mut path = root.join(&name).into_os_string();
            path.push(".debug");
            found.add(PathBuf::from(path), Why::BuildId);
        }
    }
    if let Some(name) = Path::new(&link.path).file_name() {
        for root in or_default(roots) {
            found.add(root.join(".dwz").join(name), Why::BuildId);
        }
        found.add(directory.join(name), Why::BuildId);
        found.add(directory.join(".dwz").join(name), Why::BuildId);
    }
    found.0.into_iter().map(|candidate| candidate.path).collect()
}

/// Whether a file is the one that a `.gnu_debuglink` meant.
pub fn crc_matches(link: &DebugLink, file: &[u8]) -> bool {
    crc_of(file, &|| true) == Some(link.crc)
}

/// The checksum that a `.gnu_debuglink` would have for a file; none where whoever asks does not want it any more, which
/// is asked every few milliseconds.
pub fn crc_of(file: &[u8], go_on: &dyn Fn() -> bool) -> Option<u32> {
    const PIECE: usize = 16 << 20;
    let mut sum = crc32fast::Hasher::new();
    for piece in file.chunks(PIECE) {
        if !go_on() {
            return None;
        }
        sum.update(piece);
    }
    Some(sum.finalize())
}

/// Whether a name is that of a file in whatever directory, as short as any system's.
fn is_bare(name: &str) -> bool {
    const LONGEST: usize = 255;
    name.len() <= LONGEST && !name.contains('\0') && Path::new(name).file_name().is_some_and(|file| file == name)
}

/// Paths in order, each once.
#[derive(Default)]
struct Candidates(Vec<Candidate>);

impl Candidates {
    fn add(&mut self, path: PathBuf, why: Why) {
        if !self.0.iter().any(|known| known.path == path) {
            self.0.push(Candidate { path, why });
        }
    }
}

fn or_default(roots: &[PathBuf]) -> Vec<PathBuf> {
    match roots {
        [] => vec![PathBuf::from(DEFAULT_DEBUG_ROOT)],
        roots => roots.to_vec(),
    }
}

/// `.build-id/xx/yyyy`; none for a build-id too short to have both parts.
fn build_id_path(build_id: &BuildId) -> Option<PathBuf> {
    let text = build_id.to_string();
    let (directory, name) = text.split_at_checked(2)?;
    (!name.is_empty()).then(|| Path::new(".build-id").join(directory).join(name))
}

/// `path` below `root`, whatever the path says: a target's `..` must not lead out of it.
fn below(root: &Path, path: &Path) -> PathBuf {
    let names = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name),
        _ => None,
    });
    names.fold(root.to_owned(), |path, name| path.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(candidates: Vec<Candidate>) -> Vec<String> {
        let shown = |candidate: Candidate| candidate.path.display().to_string();
        candidates.into_iter().map(shown).collect()
    }

    #[test]
    fn debug_files_are_looked_for_in_gdbs_order() {
        let link = DebugLink {
            name: "ls.debug".into(),
            crc: 0,
        };
        let build_id = BuildId(vec![0xab, 0xcd, 0xef]);
        let image = Path::new("/usr/bin/ls");
        assert_eq!(
            paths(debug_file_candidates(
                Some(&build_id),
                Some(&link),
                image,
                &[],
                &["/c".into()]
            )),
            [
                "/usr/lib/debug/.build-id/ab/cdef.debug",
                "/usr/bin/ls.debug",
                "/usr/bin/.debug/ls.debug",
                "/usr/lib/debug/usr/bin/ls.debug",
                "/usr/lib/debug/bin/ls.debug",
                "/c/abcdef/debuginfo",
            ]
        );
    }

    #[test]
    fn an_image_is_not_its_own_debug_file() {
        let link = DebugLink {
            name: "ls".into(),
            crc: 0,
        };
        let found = paths(debug_file_candidates(None, Some(&link), Path::new("/bin/ls"), &[], &[]));
        assert_eq!(found, ["/bin/.debug/ls", "/usr/lib/debug/bin/ls"]);
    }

    #[test]
    fn a_debug_link_that_leads_elsewhere_is_none() {
        for name in [
            "../x",
            "/etc/shadow",
            "..",
            ".",
            "",
            "a/b",
            "a/",
            "a\0b",
            &"x".repeat(256),
        ] {
            let link = DebugLink {
                name: name.into(),
                crc: 0,
            };
            let found = debug_file_candidates(None, Some(&link), Path::new("/bin/ls"), &[], &[]);
            assert_eq!(found, [], "{name:?}");
        }
    }

    #[test]
    fn a_targets_path_stays_below_the_directory() {
        let found = image_candidates(
            Some(&BuildId(vec![0xab])),
            Path::new("/../../etc/./x"),
            &[PathBuf::from("/images")],
            &[],
            &[],
        );
        assert_eq!(paths(found), ["/images/etc/x", "/images/x"]);
    }

    #[test]
    fn a_shared_file_is_looked_for_where_dwz_says_and_by_its_build_id() {
        let link = DebugAltLink {
            path: "../.dwz/x86_64/pack".into(),
            build_id: BuildId(vec![0xab, 0xcd]),
        };
        let found = shared_file_candidates(&link, Path::new("/usr/lib/debug/usr/bin/ls.debug"), &[]);
        let shown: Vec<String> = found.iter().map(|path| path.display().to_string()).collect();
        assert_eq!(
            shown,
            [
                "/usr/lib/debug/usr/bin/../.dwz/x86_64/pack",
                "/usr/lib/debug/.build-id/ab/cd.debug",
                "/usr/lib/debug/.dwz/pack",
                "/usr/lib/debug/usr/bin/pack",
                "/usr/lib/debug/usr/bin/.dwz/pack",
            ]
        );
    }

    #[test]
    fn the_checksum_is_that_of_the_whole_file() {
        let link = |crc| DebugLink { name: "x".into(), crc };
        // The check value of CRC-32/ISO-HDLC.
        assert!(crc_matches(&link(0xcbf4_3926), b"123456789"));
        assert!(!crc_matches(&link(0xcbf4_3926), b"12345678"));
    }
}
