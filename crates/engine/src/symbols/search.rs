//! Finds images and debug files at the engine's machine, refuses those that do not fit, and keeps what it tried.
//!
//! [`find_at_host`] does the search of one module. Files are judged by build-id; where either side has none, by the
//! checksum of the debug link or, for images, by their length. One of another build is only taken when the user asks
//! for that, and never for code or frames.

mod split;
mod trail;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use farsight_symbols::{
    Candidate, DEFAULT_DEBUG_ROOT, DebugLink, Image, ImageFile, Why, crc_of, debug_file_candidates, embedded_symbols,
    image_candidates, shared_file_candidates,
};

pub(crate) use split::{SplitFinder, SplitNews};
pub(crate) use trail::{Attempt, Outcome, Role};

use crate::Outside;

/// Longest file that is read from end to end for its checksum. One of holes takes no room, and could be of any length.
const MOST_SUMMED: usize = 8 << 30;

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

/// Where debuginfod's clients keep what they have fetched: it is looked for there, and fetched by nobody.
pub(crate) fn debuginfod_cache(outside: &dyn Outside) -> Option<PathBuf> {
    let set = |name: &str| outside.variable(name).filter(|value| !value.is_empty());
    set("DEBUGINFOD_CACHE_PATH").map(PathBuf::from).or_else(|| {
        let home = set("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| set("HOME").map(|home| Path::new(&home).join(".cache")));
        home.map(|home| home.join("debuginfod_client"))
    })
}

/// A file and its path.
pub(crate) type Found = (PathBuf, Arc<ImageFile>);

/// What was found for one image.
#[derive(Default)]
pub(crate) struct HostFiles {
    /// The image itself.
    pub(crate) image: Option<Found>,
    /// Its debug file.
    pub(crate) debug: Option<Found>,
    /// The debug file is of another build: its places are guesses, and it says nothing of frames.
    pub(crate) mismatched: bool,
    /// What the debug file shares with others.
    pub(crate) shared: Option<Found>,
    /// The symbol table that was packed into the image.
    pub(crate) embedded: Option<Arc<ImageFile>>,
    /// Every place tried, in order.
    pub(crate) trail: Vec<Attempt>,
    /// What the user should know at once: files of other builds where the right one was to be expected.
    pub(crate) warnings: Vec<String>,
}

impl HostFiles {
    /// The files that are used: the image, its debug file, what that shares with others.
    pub(crate) fn paths(&self) -> Vec<&Path> {
        let found = [&self.image, &self.debug, &self.shared];
        found.into_iter().flatten().map(|(path, _)| path.as_path()).collect()
    }
}

/// How files are looked for.
pub(crate) struct Search<'a> {
    pub(crate) paths: &'a SymbolPaths,
    pub(crate) outside: &'a mut dyn Outside,
    /// Debug files of other builds are better than none.
    pub(crate) ignores_mismatch: bool,
    /// The only debug file that is tried.
    pub(crate) only: Option<&'a Path>,
    /// Hears of each place as it is tried.
    pub(crate) tell: &'a mut dyn FnMut(&Attempt),
    /// Whether the user still wants to know, for files whose checksum takes long.
    pub(crate) go_on: &'a dyn Fn() -> bool,
}

/// Looks for an image's own file and its debug files.
pub(crate) fn find_at_host<'a>(image: &'a farsight_target::Image, search: Search<'a>) -> HostFiles {
    let path = Path::new(&image.path);
    if !path.is_absolute() {
        return HostFiles::default();
    }
    let mut roots = search.paths.symbols.clone();
    let mut caches = roots.clone();
    roots.push(PathBuf::from(DEFAULT_DEBUG_ROOT));
    caches.extend(debuginfod_cache(search.outside));
    let link = image.debug_link.clone().zip(image.debug_link_crc);
    let mut hunt = Hunt {
        image,
        path,
        roots,
        caches,
        link: link.map(|(name, crc)| DebugLink { name, crc }),
        search,
        found: HostFiles::default(),
        unfit: None,
    };
    hunt.find_image();
    hunt.find_debug_file();
    hunt.find_shared();
    hunt.find_embedded();
    hunt.found
}

/// The search of one module.
struct Hunt<'a> {
    image: &'a farsight_target::Image,
    path: &'a Path,
    /// The symbol path, then where distributions keep debug files.
    roots: Vec<PathBuf>,
    /// The symbol path, then debuginfod's own cache.
    caches: Vec<PathBuf>,
    link: Option<DebugLink>,
    search: Search<'a>,
    found: HostFiles,
    /// The first file of another build that has something to say.
    unfit: Option<(Found, Outcome)>,
}

impl Hunt<'_> {
    fn note(&mut self, role: Role, path: &Path, outcome: Outcome) {
        let attempt = Attempt {
            role,
            path: path.to_owned(),
            outcome,
        };
        (self.search.tell)(&attempt);
        self.found.trail.push(attempt);
    }

    /// The image at a path; where there is none that can be read, that is noted.
    fn open(&mut self, role: Role, path: &Path) -> Option<Arc<ImageFile>> {
        let Some(bytes) = self.search.outside.open_file(path) else {
            // It may be there all the same: a directory, a pipe, a device, or not for this user to read.
            let outcome = match self.search.outside.file_mode(path) {
                Ok(_) => Outcome::Unreadable,
                Err(_) => Outcome::Absent,
            };
            self.note(role, path, outcome);
            return None;
        };
        match ImageFile::parse(bytes) {
            Ok(file) => Some(Arc::new(file)),
            Err(error) => {
                self.note(role, path, Outcome::NotElf(error.to_string()));
                None
            }
        }
    }

    fn find_image(&mut self) {
        let build_id = self.image.build_id.as_ref();
        let mut candidates = image_candidates(
            build_id,
            self.path,
            &self.search.paths.images,
            &self.roots,
            &self.caches,
        );
        candidates.push(Candidate {
            path: self.path.to_owned(),
            why: Why::Name,
        });
        for candidate in candidates {
            let path = candidate.path;
            let Some(file) = self.open(Role::Image, &path) else {
                continue;
            };
            let mismatch = match (&self.image.build_id, &file.layout().build_id) {
                (Some(wanted), Some(has)) if wanted == has => None,
                // Without identities the length is all there is to compare.
                (None, None) => {
                    let has = file.bytes().len() as u64;
                    let wanted = self.image.file_size;
                    (wanted != Some(has)).then_some(Outcome::WrongLength { has, wanted })
                }
                (wanted, has) => Some(Outcome::WrongBuildId {
                    has: has.clone(),
                    wanted: wanted.clone(),
                }),
            };
            let Some(mismatch) = mismatch else {
                self.note(Role::Image, &path, Outcome::Taken);
                self.found.image = Some((path, file));
                return;
            };
            // One that merely lies where the target has another is no surprise.
            if path != self.path {
                self.warn(&path, &mismatch);
            }
            self.note(Role::Image, &path, mismatch.clone());
            self.keep_unfit(path, file, mismatch);
        }
    }

    fn find_debug_file(&mut self) {
        let own = self.found.image.as_ref().map(|(_, file)| Arc::clone(file));
        if self.link.is_none() {
            self.link = own.as_ref().and_then(|file| file.layout().debug_link.clone());
        }
        // What the image has itself is not looked for, unless it says that it is elsewhere.
        if self.link.is_none() && self.search.only.is_none() && own.is_some_and(|file| has_dwarf(&*file)) {
            return;
        }
        let build_id = self.image.build_id.as_ref();
        let mut candidates = debug_file_candidates(build_id, self.link.as_ref(), self.path, &self.roots, &self.caches);
        candidates.extend(plain_candidates(
            self.path,
            self.link.as_ref(),
            &self.search.paths.symbols,
        ));
        if let Some(only) = self.search.only {
            candidates = vec![Candidate {
                path: only.to_owned(),
                why: Why::Name,
            }];
        }
        candidates.retain(|candidate| {
            let image = self.found.image.as_ref();
            image.is_none_or(|(path, _)| *path != candidate.path) && candidate.path != self.path
        });
        let mut names_only: Option<(usize, Found)> = None;
        for Candidate { path, .. } in candidates {
            let Some(file) = self.open(Role::DebugFile, &path) else {
                continue;
            };
            if let Some(mismatch) = self.debug_mismatch(&file) {
                self.warn(&path, &mismatch);
                self.note(Role::DebugFile, &path, mismatch.clone());
                self.keep_unfit(path, file, mismatch);
                continue;
            }
            if has_dwarf(&*file) {
                self.note(Role::DebugFile, &path, Outcome::Taken);
                self.found.debug = Some((path, file));
                return;
            }
            let has_names = file.layout().section_index(".symtab").is_some();
            if has_names && names_only.is_none() {
                names_only = Some((self.found.trail.len(), (path.clone(), file)));
            }
            let lacks = if has_names {
                "no .debug_info"
            } else {
                "no .debug_info and no .symtab"
            };
            self.note(Role::DebugFile, &path, Outcome::Stripped(lacks));
        }
        if let Some((at, found)) = names_only {
            if let Some(attempt) = self.found.trail.get_mut(at) {
                attempt.outcome = Outcome::TakenForNames;
                (self.search.tell)(attempt);
            }
            self.found.debug = Some(found);
        } else if self.search.ignores_mismatch
            && let Some(((path, file), why)) = self.unfit.take()
        {
            let outcome = Outcome::TakenAnyway(Box::new(why));
            self.found.warnings.push(format!(
                "{} is {outcome}; its names and places may be wrong for {}",
                path.display(),
                self.image.path
            ));
            self.note(Role::DebugFile, &path, outcome);
            self.found.mismatched = true;
            self.found.debug = Some((path, file));
        }
    }

    /// Why a debug file is not of this build; none where it is.
    fn debug_mismatch(&self, file: &ImageFile) -> Option<Outcome> {
        match (&self.image.build_id, &file.layout().build_id) {
            (Some(wanted), Some(has)) if wanted == has => None,
            (Some(wanted), Some(has)) => Some(Outcome::WrongBuildId {
                has: Some(has.clone()),
                wanted: Some(wanted.clone()),
            }),
            // Without identities the checksum of the debug link decides, wherever the file lies.
            (wanted, has) => match &self.link {
                Some(_) if file.bytes().len() > MOST_SUMMED => Some(Outcome::TooLarge(file.bytes().len() as u64)),
                Some(link) => match (crc_of(file.bytes(), self.search.go_on), link.crc) {
                    (Some(has), wanted) => (has != wanted).then_some(Outcome::WrongCrc { has, wanted }),
                    (None, _) => Some(Outcome::Interrupted),
                },
                None if wanted.is_some() || has.is_some() => Some(Outcome::WrongBuildId {
                    has: has.clone(),
                    wanted: wanted.clone(),
                }),
                None => Some(Outcome::NoIdentity),
            },
        }
    }

    /// The file that the one with the debug information shares entries with.
    fn find_shared(&mut self) {
        let holders = [&self.found.debug, &self.found.image];
        let linked = holders.into_iter().flatten().find_map(|(path, file)| {
            let link = file.layout().debug_alt_link.clone()?;
            Some((path.clone(), link))
        });
        let Some((holder, link)) = linked else {
            return;
        };
        for path in shared_file_candidates(&link, &holder, &self.roots) {
            let Some(file) = self.open(Role::Shared, &path) else {
                continue;
            };
            let has = file.layout().build_id.clone();
            let outcome = match has.as_ref() == Some(&link.build_id) {
                true if has_dwarf(&*file) => Outcome::Taken,
                true => Outcome::Stripped("no .debug_info"),
                false => Outcome::WrongBuildId {
                    has,
                    wanted: Some(link.build_id.clone()),
                },
            };
            if outcome.is_mismatch() {
                self.warn(&path, &outcome);
            }
            let taken = outcome.is_taken();
            self.note(Role::Shared, &path, outcome);
            if taken {
                self.found.shared = Some((path, file));
                return;
            }
        }
        self.found.warnings.push(format!(
            "{} shares debug information with {}, which was not found: names and types in it are missing",
            holder.display(),
            link.path
        ));
    }

    /// The symbol table inside a stripped image, where no other was found.
    fn find_embedded(&mut self) {
        let has_names = |found: &Option<Found>| {
            let file = found.as_ref().map(|(_, file)| file);
            file.is_some_and(|file| file.layout().section_index(".symtab").is_some())
        };
        if has_names(&self.found.image) || has_names(&self.found.debug) {
            return;
        }
        let Some((path, file)) = self.found.image.clone() else {
            return;
        };
        let path = path.join(".gnu_debugdata");
        match embedded_symbols(&*file) {
            None => {}
            Some(Ok(embedded)) => {
                self.note(Role::Embedded, &path, Outcome::Taken);
                self.found.embedded = Some(Arc::new(embedded));
            }
            Some(Err(error)) => {
                self.found.warnings.push(format!("{}: {error}", path.display()));
                self.note(Role::Embedded, &path, Outcome::Damaged(error.to_string()));
            }
        }
    }

    fn keep_unfit(&mut self, path: PathBuf, file: Arc<ImageFile>, why: Outcome) {
        let says_something = has_dwarf(&*file) || file.layout().section_index(".symtab").is_some();
        if self.unfit.is_none() && says_something {
            self.unfit = Some(((path, file), why));
        }
    }

    fn warn(&mut self, path: &Path, why: &Outcome) {
        self.found
            .warnings
            .push(format!("{} is refused for {}: {why}", path.display(), self.image.path,));
    }
}

fn has_dwarf(file: &dyn Image) -> bool {
    const NOBITS: u32 = 8;
    let sections = &file.layout().sections;
    // What was taken out of a file may have left its header there, without bytes.
    sections.iter().any(|section| {
        matches!(section.name.as_str(), ".debug_info" | ".zdebug_info") && section.size > 0 && section.kind != NOBITS
    })
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
