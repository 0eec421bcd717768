//! Finds the files of split units, on whatever thread reads them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use farsight_symbols::{Image, ImageFile, SplitFiles, SplitUnit};

use super::{Attempt, HostFiles, Outcome, Role};
use crate::outside::OpenFiles;

/// How many places are remembered; of thousands of split units the first tell enough.
const MOST_TOLD: u32 = 1000;

/// What came of the search for split units so far.
pub(crate) enum SplitNews {
    /// A place was tried.
    Tried(Attempt),
    /// A unit is nowhere.
    Missing(String),
}

/// Looks for the package beside the image and its debug file and in the symbol path; for a unit's own file where the
/// compiler put it, then in the same places.
pub(crate) struct SplitFinder {
    files: Arc<dyn OpenFiles>,
    /// The image and its debug file.
    holders: Vec<PathBuf>,
    directories: Vec<PathBuf>,
    told: AtomicU32,
    news: Sender<SplitNews>,
}

impl SplitFinder {
    pub(crate) fn new(
        files: Arc<dyn OpenFiles>,
        found: &HostFiles,
        image: &str,
        symbol_path: &[PathBuf],
    ) -> (SplitFinder, Receiver<SplitNews>) {
        let (news, receiver) = channel();
        let holders = [&found.debug, &found.image].into_iter().flatten();
        let mut holders: Vec<PathBuf> = holders.map(|(path, _)| path.clone()).collect();
        holders.push(PathBuf::from(image));
        holders.dedup();
        let mut directories: Vec<PathBuf> = holders
            .iter()
            .filter_map(|path| path.parent())
            .map(Path::to_owned)
            .collect();
        directories.extend(symbol_path.iter().cloned());
        directories.dedup();
        let finder = SplitFinder {
            files,
            holders,
            directories,
            told: AtomicU32::new(0),
            news,
        };
        (finder, receiver)
    }

    fn tell(&self, news: SplitNews) {
        if self.told.fetch_add(1, Ordering::Relaxed) < MOST_TOLD {
            // Nobody listens when the module is gone.
            let _ = self.news.send(news);
        }
    }

    fn note(&self, role: Role, path: &Path, outcome: Outcome) {
        let path = path.to_owned();
        self.tell(SplitNews::Tried(Attempt { role, path, outcome }));
    }

    fn open(&self, role: Role, path: &Path) -> Option<ImageFile> {
        let Some(bytes) = self.files.open(path) else {
            self.note(role, path, Outcome::Absent);
            return None;
        };
        ImageFile::parse(bytes)
            .inspect_err(|error| self.note(role, path, Outcome::NotElf(error.to_string())))
            .ok()
    }

    fn packages(&self) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = Vec::new();
        let mut add = |path: PathBuf| {
            if !found.contains(&path) {
                found.push(path);
            }
        };
        let packed = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push(".dwp");
            PathBuf::from(name)
        };
        for holder in &self.holders {
            add(packed(holder));
            if holder.extension().is_some_and(|ending| ending == "debug") {
                add(packed(&holder.with_extension("")));
            }
        }
        for directory in &self.directories {
            for name in self.holders.iter().filter_map(|holder| holder.file_name()) {
                add(packed(&directory.join(name)));
            }
        }
        found
    }
}

impl SplitFiles for SplitFinder {
    fn package(&self) -> Option<Arc<dyn Image>> {
        self.packages().iter().find_map(|path| {
            let file = self.open(Role::Package, path)?;
            let is_package = file.layout().section_index(".debug_cu_index").is_some();
            let outcome = match is_package {
                true => Outcome::Taken,
                false => Outcome::Stripped("no .debug_cu_index"),
            };
            self.note(Role::Package, path, outcome);
            is_package.then(|| Arc::new(file) as Arc<dyn Image>)
        })
    }

    fn unit(&self, wanted: &SplitUnit, fits: &mut dyn FnMut(&dyn Image) -> bool) {
        let name = Path::new(&wanted.name);
        let compiled_in = wanted
            .directory
            .as_deref()
            .map(|directory| Path::new(directory).join(name));
        let mut candidates: Vec<PathBuf> = compiled_in.into_iter().filter(|path| path.is_absolute()).collect();
        for directory in &self.directories {
            // `join` would take an absolute name for the whole.
            let whole = (!name.is_absolute()).then(|| directory.join(name));
            let bare = name.file_name().map(|name| directory.join(name));
            for path in whole.into_iter().chain(bare) {
                if !candidates.contains(&path) {
                    candidates.push(path);
                }
            }
        }
        for path in candidates {
            let Some(file) = self.open(Role::SplitUnit, &path) else {
                continue;
            };
            let taken = fits(&file);
            let outcome = if taken {
                Outcome::Taken
            } else {
                Outcome::NoSuchUnit(wanted.id)
            };
            self.note(Role::SplitUnit, &path, outcome);
            if taken {
                return;
            }
        }
        self.tell(SplitNews::Missing(wanted.name.clone()));
    }
}
