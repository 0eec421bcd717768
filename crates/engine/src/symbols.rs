//! Symbols and unwind tables of modules: where they come from and what they answer.
//!
//! Files are looked for at the engine's own machine first ([`search`]); what is not there is fetched in pieces from
//! the target ([`fetch`]). Read [`ModuleSymbols`] first.

pub(crate) mod fetch;
mod jumps;
mod lookup;
pub(crate) mod search;
mod source;

pub(crate) use lookup::{NameError, describe, find_name, name_of, only_place, preferred};
pub(crate) use source::{line_of, source_position};

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use farsight_session::record::SymbolState as ShownState;
use farsight_symbols::{DebugInfo, Image, ModuleUnwind, SymbolTable, ThreadStorage};
use farsight_types::{BuildId, Rva};

pub(crate) use search::Outcome;
use search::{Attempt, HostFiles, SplitFinder, SplitNews};

/// What is known of one image's symbols and frames.
pub(crate) struct ModuleSymbols {
    images: Vec<Arc<dyn Image>>,
    table: OnceCell<SymbolTable>,
    debug: OnceCell<Option<Arc<DebugInfo>>>,
    pub(crate) unwind: Arc<ModuleUnwind>,
    /// What was found at the engine's machine, and what was tried.
    pub(crate) files: HostFiles,
    /// Finds split units; given to the debug information when that is first asked for.
    finder: Cell<Option<SplitFinder>>,
    split_news: Receiver<SplitNews>,
    /// What was tried for split units, and those that are nowhere.
    split: RefCell<SplitTrail>,
    /// Where `setjmp` is entered.
    jumps: OnceCell<Vec<Rva>>,
}

/// What came of the search for split units so far.
#[derive(Clone, Default)]
pub(crate) struct SplitTrail {
    pub(crate) tried: Vec<Attempt>,
    pub(crate) missing: Vec<String>,
}

impl std::fmt::Debug for ModuleSymbols {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModuleSymbols")
            .field("files", &self.files.paths())
            .finish()
    }
}

impl ModuleSymbols {
    /// From files at the engine's machine and what was fetched from the target.
    pub(crate) fn new(
        files: HostFiles,
        fetched: Option<Arc<dyn Image>>,
        (finder, split_news): (SplitFinder, Receiver<SplitNews>),
    ) -> ModuleSymbols {
        let mut images: Vec<Arc<dyn Image>> = fetched.into_iter().collect();
        let file = |found: &Option<search::Found>| found.as_ref().map(|(_, file)| Arc::clone(file) as Arc<dyn Image>);
        images.extend(file(&files.image));
        let debug = file(&files.debug);
        if !files.mismatched {
            images.extend(debug.clone());
        }
        images.extend(files.embedded.clone().map(|embedded| embedded as Arc<dyn Image>));
        let borrowed: Vec<&dyn Image> = images.iter().map(AsRef::as_ref).collect();
        let unwind = Arc::new(ModuleUnwind::new(&borrowed));
        if files.mismatched {
            images.extend(debug);
        }
        ModuleSymbols {
            images,
            table: OnceCell::new(),
            debug: OnceCell::new(),
            unwind,
            files,
            finder: Cell::new(Some(finder)),
            split_news,
            split: RefCell::default(),
            jumps: OnceCell::new(),
        }
    }

    /// The symbols, indexed when first asked for.
    pub(crate) fn table(&self) -> &SymbolTable {
        self.table.get_or_init(|| {
            let span = tracing::debug_span!("index symbols", files = ?self.files.paths());
            let _inside = span.enter();
            let borrowed: Vec<&dyn Image> = self.images.iter().map(AsRef::as_ref).collect();
            SymbolTable::build(&borrowed)
        })
    }

    /// The debug information, where a file has some; units are listed when it is first asked for.
    pub(crate) fn debug(&self) -> Option<&Arc<DebugInfo>> {
        let found = self.debug.get_or_init(|| {
            let shared = self.files.shared.as_ref().map(|(_, file)| &**file as &dyn Image);
            let mut images = self.images.iter().rev();
            let info = images.find_map(|image| DebugInfo::new(image.as_ref(), shared))?;
            Some(Arc::new(match self.finder.take() {
                Some(finder) => info.with_split_files(Box::new(finder)),
                None => info,
            }))
        });
        found.as_ref()
    }

    /// What each thread has of storage for the image.
    pub(crate) fn thread_storage(&self) -> Option<ThreadStorage> {
        self.images.iter().find_map(|image| ThreadStorage::of(image.as_ref()))
    }

    /// What `lm` says.
    pub(crate) fn state(&self) -> ShownState {
        let has = |name: &str| {
            // Unpacking the bytes to see whether they are here would be dear.
            let has = |image: &Arc<dyn Image>| {
                let index = image.layout().section_index(name);
                index.is_some_and(|index| image.has_section_bytes(index))
            };
            self.images.iter().any(has)
        };
        let found = self.files.debug.as_ref().or(self.files.image.as_ref());
        let file = found.map(|(path, _)| path.display().to_string());
        if has(".debug_info") || has(".zdebug_info") {
            ShownState::Dwarf { file }
        } else if has(".symtab") {
            ShownState::Full { file }
        } else if has(".dynsym") {
            ShownState::Exports { file }
        } else {
            let warnings = &self.files.warnings;
            let why = match warnings.is_empty() {
                true => "the image has none".to_owned(),
                false => warnings.join("; "),
            };
            ShownState::Missing { why }
        }
    }

    /// What came of the search for split units so far; they are looked for when something in them is asked for.
    pub(crate) fn split(&self) -> SplitTrail {
        let mut split = self.split.borrow_mut();
        for news in self.split_news.try_iter() {
            match news {
                SplitNews::Tried(attempt) => split.tried.push(attempt),
                SplitNews::Missing(name) => split.missing.push(name),
            }
        }
        split.clone()
    }

    /// What could not be read of the debug information so far.
    pub(crate) fn damage(&self) -> Vec<String> {
        let Some(debug) = self.debug() else {
            return Vec::new();
        };
        let damage = Some(debug.damage()).filter(|damage| !damage.is_none());
        let trouble = debug.trouble().map(|error| error.to_string());
        trouble
            .into_iter()
            .chain(damage.map(|damage| damage.to_string()))
            .collect()
    }

    /// Why there is less than there could be.
    pub(crate) fn troubles(&self) -> Vec<String> {
        let missing = self.split().missing;
        let missing = missing.first().map(|first| {
            let count = missing.len();
            format!("{count} split units were not found, such as {first}: what is in them is unknown; .sympath names where they are")
        });
        let index = self.debug().and_then(|debug| debug.ready_index());
        let units = index.map(|index| index.damaged()).filter(|count| *count > 0);
        let units = units.map(|count| format!("damaged debug information: of {count} units only a part is known"));
        let known = self.files.warnings.iter().cloned();
        known.chain(self.damage()).chain(missing).chain(units).collect()
    }

    /// Where the function that holds a place goes on when something that it called throws, or jumps back to it.
    pub(crate) fn landings(&self, rva: Rva) -> Vec<Rva> {
        let image = self.images.first();
        let mut landings = image.map_or_else(Vec::new, |image| self.unwind.landings_at(image.as_ref(), rva));
        let entries = self.jumps.get_or_init(|| {
            let images: Vec<&dyn Image> = self.images.iter().map(AsRef::as_ref).collect();
            jumps::entries(&images, || self.table())
        });
        if !entries.is_empty()
            && let Some((start, length)) = jumps::function_at(self.table(), rva)
            && let Some(code) = self.code(start, length)
        {
            landings.extend(jumps::behind_calls(&code, start, entries));
        }
        landings
    }

    /// Code of the image as its file has it.
    pub(crate) fn code(&self, rva: Rva, length: usize) -> Option<Vec<u8>> {
        let bytes = self.images.first()?.bytes_at(rva, length);
        (!bytes.is_empty()).then(|| bytes.to_vec())
    }
}

/// Identifies an image across processes and attaches.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ImageKey {
    /// By its build-id.
    BuildId(BuildId),
    /// By path, file size and size in memory, where it has no build-id.
    File(String, Option<u64>, u64),
}

impl ImageKey {
    pub(crate) fn of(image: &farsight_target::Image) -> ImageKey {
        match &image.build_id {
            Some(build_id) => ImageKey::BuildId(build_id.clone()),
            None => ImageKey::File(image.path.clone(), image.file_size, image.size),
        }
    }
}

/// Symbols that were loaded in this session, and where they are looked for.
pub(crate) struct SymbolStore {
    pub(crate) paths: search::SymbolPaths,
    /// `.symopt`.
    pub(crate) options: u32,
    known: HashMap<ImageKey, Rc<ModuleSymbols>>,
    /// Images with debug information that came from the target; they outlive what is forgotten.
    fetched: HashMap<ImageKey, Arc<dyn Image>>,
}

/// Case does not matter, names are readable, symbols are loaded when needed, and nothing is asked of the user.
const DEFAULT_OPTIONS: u32 = 0xb_0227;
const NOISY: u32 = 0x8000_0000;
const DEFERRED: u32 = 0x4;
const LOAD_ANYTHING: u32 = 0x40;

impl Default for SymbolStore {
    fn default() -> SymbolStore {
        SymbolStore {
            paths: search::SymbolPaths::default(),
            options: DEFAULT_OPTIONS,
            known: HashMap::new(),
            fetched: HashMap::new(),
        }
    }
}

impl SymbolStore {
    /// Whether it is told where symbols are found.
    pub(crate) fn is_noisy(&self) -> bool {
        self.options & NOISY != 0
    }

    /// Whether symbols are loaded when they are needed, and not with their module.
    pub(crate) fn is_lazy(&self) -> bool {
        self.options & DEFERRED != 0
    }

    /// Whether debug files of other builds are better than none (`SYMOPT_LOAD_ANYTHING`).
    pub(crate) fn ignores_mismatch(&self) -> bool {
        self.options & LOAD_ANYTHING != 0
    }

    /// As the command line wants it: telling where symbols are found (`-n`), loading them with their module (`-s`).
    pub(crate) fn begin_with(&mut self, noisy: bool, eager: bool) {
        self.options |= if noisy { NOISY } else { 0 };
        self.options &= if eager { !DEFERRED } else { u32::MAX };
    }

    pub(crate) fn get(&self, key: &ImageKey) -> Option<Rc<ModuleSymbols>> {
        self.known.get(key).cloned()
    }

    pub(crate) fn put(&mut self, key: ImageKey, symbols: Rc<ModuleSymbols>) {
        self.known.insert(key, symbols);
    }

    /// An image with its debug information that came from the target before.
    pub(crate) fn fetched(&self, key: &ImageKey) -> Option<Arc<dyn Image>> {
        self.fetched.get(key).cloned()
    }

    pub(crate) fn keep_fetched(&mut self, key: ImageKey, image: Arc<dyn Image>) {
        self.fetched.insert(key, image);
    }

    /// The paths changed, or files did: everything is looked for again.
    pub(crate) fn forget(&mut self) {
        self.known.clear();
    }
}
