//! Symbols and unwind tables of modules: where they come from and what they answer.
//!
//! Files are looked for at the engine's own machine first ([`search`]); what is not there is fetched in pieces from
//! the target ([`fetch`]). Read [`ModuleSymbols`] first.

pub(crate) mod fetch;
mod lookup;
pub(crate) mod search;

pub(crate) use lookup::{NameError, describe, find_name, name_of};

use std::cell::OnceCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use farsight_session::record::SymbolState as ShownState;
use farsight_symbols::{DebugInfo, Image, ModuleUnwind, SymbolTable};
use farsight_types::BuildId;

/// What is known of one image's symbols and frames.
pub(crate) struct ModuleSymbols {
    images: Vec<Arc<dyn Image>>,
    table: OnceCell<SymbolTable>,
    debug: OnceCell<Option<Arc<DebugInfo>>>,
    pub(crate) unwind: Arc<ModuleUnwind>,
    /// Files at the engine's machine: the image, its debug file.
    pub(crate) files: Vec<PathBuf>,
    /// Why there is less than there could be.
    pub(crate) trouble: Option<String>,
}

impl std::fmt::Debug for ModuleSymbols {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModuleSymbols").field("files", &self.files).finish()
    }
}

impl ModuleSymbols {
    pub(crate) fn new(images: Vec<Arc<dyn Image>>, files: Vec<PathBuf>, trouble: Option<String>) -> ModuleSymbols {
        let borrowed: Vec<&dyn Image> = images.iter().map(AsRef::as_ref).collect();
        let unwind = Arc::new(ModuleUnwind::new(&borrowed));
        ModuleSymbols {
            images,
            table: OnceCell::new(),
            debug: OnceCell::new(),
            unwind,
            files,
            trouble,
        }
    }

    /// The symbols, indexed when first asked for.
    pub(crate) fn table(&self) -> &SymbolTable {
        self.table.get_or_init(|| {
            let span = tracing::debug_span!("index symbols", files = ?self.files);
            let _inside = span.enter();
            let borrowed: Vec<&dyn Image> = self.images.iter().map(AsRef::as_ref).collect();
            SymbolTable::build(&borrowed)
        })
    }

    /// The debug information, where a file has some; units are listed when it is first asked for.
    pub(crate) fn debug(&self) -> Option<&Arc<DebugInfo>> {
        let found = self.debug.get_or_init(|| {
            let mut images = self.images.iter().rev();
            images
                .find_map(|image| DebugInfo::new(image.as_ref(), None))
                .map(Arc::new)
        });
        found.as_ref()
    }

    /// What `lm` says.
    pub(crate) fn state(&self) -> ShownState {
        let has = |name: &str| self.images.iter().any(|image| image.section_named(name).is_some());
        let file = self.files.last().map(|path| path.display().to_string());
        if has(".symtab") {
            ShownState::Full { file }
        } else if has(".dynsym") {
            ShownState::Exports { file }
        } else {
            ShownState::Missing {
                why: self.trouble.clone().unwrap_or_else(|| "the image has none".into()),
            }
        }
    }

    /// Code of the image as its file has it.
    pub(crate) fn code(&self, rva: farsight_types::Rva, length: usize) -> Option<Vec<u8>> {
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
}

/// Case does not matter, names are readable, symbols are loaded when needed, and nothing is asked of the user.
const DEFAULT_OPTIONS: u32 = 0xb_0227;
const NOISY: u32 = 0x8000_0000;
const DEFERRED: u32 = 0x4;

impl Default for SymbolStore {
    fn default() -> SymbolStore {
        SymbolStore {
            paths: search::SymbolPaths::default(),
            options: DEFAULT_OPTIONS,
            known: HashMap::new(),
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

    /// The paths changed, or files did: everything is looked for again.
    pub(crate) fn forget(&mut self) {
        self.known.clear();
    }
}
