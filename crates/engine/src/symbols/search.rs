//! Finds images and debug files at the engine's machine, and refuses those that do not fit.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use farsight_symbols::{
    Candidate, DEFAULT_DEBUG_ROOT, DebugLink, Image, ImageFile, Why, crc_matches, debug_file_candidates,
    image_candidates,
};

use crate::Outside;

/// Where files are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SymbolPaths {
    /// `.sympath`: debug roots and plain directories.
    pub(crate) symbols: Vec<PathBuf>,
    /// `.exepath`: copies of the target's files.
    pub(crate) images: Vec<PathBuf>,
    /// `.srcpath`: where a viewer looks for source.
    pub(crate) sources: Vec<PathBuf>,
}

/// Splits a path list at `;`.
pub(crate) fn split_paths(text: &str) -> Vec<PathBuf> {
    text.split(';')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(PathBuf::from)
        .collect()
}

/// Joins a path list with `;`.
pub(crate) fn join_paths(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    shown.join(";")
}

/// What was found for one image.
#[derive(Default)]
pub(crate) struct HostFiles {
    /// The image itself.
    pub(crate) image: Option<(PathBuf, Arc<ImageFile>)>,
    /// Its debug file.
    pub(crate) debug: Option<(PathBuf, Arc<ImageFile>)>,
    /// Files that the user's paths name and that belong to another build, each with the reason.
    pub(crate) refused: Vec<String>,
}

/// Looks for an image's own file and its debug file.
pub(crate) fn find_at_host(
    image: &farsight_target::Image,
    paths: &SymbolPaths,
    outside: &mut dyn Outside,
) -> HostFiles {
    let mut found = HostFiles::default();
    let path = Path::new(&image.path);
    if !path.is_absolute() {
        return found;
    }
    let mut roots = paths.symbols.clone();
    roots.push(PathBuf::from(DEFAULT_DEBUG_ROOT));
    let same_path = Candidate {
        path: path.to_owned(),
        why: Why::Name,
    };
    let mut own = image_candidates(image.build_id.as_ref(), path, &paths.images, &roots);
    own.push(same_path);
    found.image = own
        .iter()
        .find_map(|candidate| open(image, candidate, paths, outside, &mut found.refused));
    let link = image.debug_link.clone().zip(image.debug_link_crc);
    let link = link.map(|(name, crc)| DebugLink { name, crc });
    let mut debug = debug_file_candidates(image.build_id.as_ref(), link.as_ref(), path, &roots);
    debug.extend(plain_candidates(path, link.as_ref(), &paths.symbols));
    found.debug = debug.iter().find_map(|candidate| {
        let same = found.image.as_ref().is_some_and(|(path, _)| *path == candidate.path);
        if same {
            return None;
        }
        let (path, file) = open_debug(image, link.as_ref(), candidate, paths, outside, &mut found.refused)?;
        file.layout().section_index(".symtab").is_some().then_some((path, file))
    });
    found
}

/// The debug link, `name.debug`, `name` and `symbols/name` in each directory of the symbol path.
fn plain_candidates(image: &Path, link: Option<&DebugLink>, directories: &[PathBuf]) -> Vec<Candidate> {
    let Some(name) = image.file_name() else {
        return Vec::new();
    };
    let linked = link.map(|link| Path::new(&link.name)).and_then(Path::file_name);
    let mut with_ending = name.to_owned();
    with_ending.push(".debug");
    let mut found: Vec<PathBuf> = Vec::new();
    for directory in directories {
        let below = linked.into_iter().chain([with_ending.as_os_str(), name]);
        let here = below.map(|name| directory.join(name));
        for path in here.chain([directory.join("symbols").join(name)]) {
            if !found.contains(&path) {
                found.push(path);
            }
        }
    }
    let by_name = |path| Candidate { path, why: Why::Name };
    found.into_iter().map(by_name).collect()
}

fn open_file(path: &Path, outside: &mut dyn Outside) -> Option<Arc<ImageFile>> {
    let bytes = outside.open_file(path)?;
    ImageFile::parse(bytes).ok().map(Arc::new)
}

fn open(
    image: &farsight_target::Image,
    candidate: &Candidate,
    paths: &SymbolPaths,
    outside: &mut dyn Outside,
    refused: &mut Vec<String>,
) -> Option<(PathBuf, Arc<ImageFile>)> {
    let file = open_file(&candidate.path, outside)?;
    let fits = match (&image.build_id, &file.layout().build_id) {
        (Some(wanted), Some(has)) => wanted == has,
        // Without identities the length is all there is to compare.
        (None, None) => image.file_size == Some(file.bytes().len() as u64),
        _ => false,
    };
    if fits {
        return Some((candidate.path.clone(), file));
    }
    refuse(image, candidate, &file, paths, refused);
    None
}

fn open_debug(
    image: &farsight_target::Image,
    link: Option<&DebugLink>,
    candidate: &Candidate,
    paths: &SymbolPaths,
    outside: &mut dyn Outside,
    refused: &mut Vec<String>,
) -> Option<(PathBuf, Arc<ImageFile>)> {
    let file = open_file(&candidate.path, outside)?;
    let fits = match (&image.build_id, &file.layout().build_id) {
        (Some(wanted), Some(has)) => wanted == has,
        // Without identities the checksum of the debug link decides, wherever the file lies.
        _ => link.is_some_and(|link| crc_matches(link, file.bytes())),
    };
    if fits {
        return Some((candidate.path.clone(), file));
    }
    refuse(image, candidate, &file, paths, refused);
    None
}

/// A file that the user pointed at and that does not fit is worth a loud word; one that merely lies where the target
/// has another is not.
fn refuse(
    image: &farsight_target::Image,
    candidate: &Candidate,
    file: &ImageFile,
    paths: &SymbolPaths,
    refused: &mut Vec<String>,
) {
    let named = paths
        .symbols
        .iter()
        .chain(&paths.images)
        .any(|directory| candidate.path.starts_with(directory));
    if !named && candidate.why != Why::BuildId {
        return;
    }
    let shown = |id: Option<&farsight_types::BuildId>| id.map_or("none".to_owned(), ToString::to_string);
    refused.push(format!(
        "{} is refused for {}: its build-id is {}, the target's is {}",
        candidate.path.display(),
        image.path,
        shown(file.layout().build_id.as_ref()),
        shown(image.build_id.as_ref()),
    ));
}
