//! Loads symbols of modules: from files at the engine's machine, the rest in one batch from the target.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use super::Session;
use crate::error::CommandError;
use crate::model::SymbolState;
use crate::symbols::search::{HostFiles, Search, SplitFinder, SplitNews, find_at_host};
use crate::symbols::{ImageKey, ModuleSymbols, Outcome, fetch};

/// How symbols are looked for this time.
#[derive(Default)]
pub(crate) struct Manner {
    /// Debug files of other builds are better than none (`.reload /i`).
    pub(crate) ignores_mismatch: bool,
    /// The only debug file that is tried (`ld /f`).
    pub(crate) only: Option<PathBuf>,
    /// Debug information that is not here is fetched from the target (`ld /t`).
    pub(crate) fetches: bool,
}

impl Session {
    /// Makes symbols and unwind tables of these modules of the current process known. One round trip at most, none
    /// where the files are at the engine's machine.
    pub(crate) fn load_symbols(&mut self, modules: &[usize]) -> Result<(), CommandError> {
        self.load_symbols_by(modules, &Manner::default())
    }

    /// [`Session::load_symbols`] in another manner.
    pub(crate) fn load_symbols_by(&mut self, modules: &[usize], manner: &Manner) -> Result<(), CommandError> {
        let elsewhere = self.load_from_host(modules, manner)?;
        if !manner.fetches {
            return self.fetch_symbols(elsewhere);
        }
        for (index, found) in elsewhere {
            let Some(module) = self.process()?.modules.get(index) else {
                continue;
            };
            let image = module.image.clone();
            if found.debug.is_some() || image.file_size.is_none() {
                self.fetch_symbols(vec![(index, found)])?;
                continue;
            }
            let fetched = self.fetch_debug(&image)?;
            self.symbols.keep_fetched(ImageKey::of(&image), Arc::clone(&fetched));
            let finder = self.split_finder(&found, &image.path);
            self.keep_symbols(index, ModuleSymbols::new(found, Some(fetched), finder))?;
        }
        Ok(())
    }

    /// Loads the symbols of every module of the current process.
    pub(crate) fn load_all_symbols(&mut self) -> Result<(), CommandError> {
        let all: Vec<usize> = (0..self.process()?.modules.len()).collect();
        self.load_symbols(&all)
    }

    /// Loads a module's symbols where its file is at the engine's machine; asks nobody.
    pub(crate) fn load_at_host(&mut self, module: usize) -> Result<(), CommandError> {
        self.load_from_host(&[module], &Manner::default()).map(drop)
    }

    /// Loads what files at the engine's machine have; the modules that have none are given back.
    fn load_from_host(&mut self, modules: &[usize], manner: &Manner) -> Result<Vec<(usize, HostFiles)>, CommandError> {
        let mut elsewhere: Vec<(usize, HostFiles)> = Vec::new();
        for index in modules {
            let place = self.place()?;
            let Some(image) = self
                .process_of(place.system, place.process)?
                .modules
                .get(*index)
                .filter(|module| module.loaded().is_none())
                .map(|module| module.image.clone())
            else {
                continue;
            };
            if let Some(symbols) = self.symbols.get(&ImageKey::of(&image)) {
                self.put_symbols(*index, symbols)?;
                continue;
            }
            let span = tracing::debug_span!("find symbols", image = %image.path);
            let (noisy, output, mailbox) = (self.symbols.is_noisy(), &mut self.output, &self.mailbox);
            let search = Search {
                ignores_mismatch: manner.ignores_mismatch || self.symbols.ignores_mismatch(),
                only: manner.only.as_deref(),
                paths: &self.symbols.paths,
                outside: &mut *self.outside,
                tell: &mut |attempt| {
                    if noisy {
                        output.line(format!("SYM: {attempt}"));
                    }
                },
                go_on: &|| !mailbox.is_interrupted(),
            };
            let found = span.in_scope(|| find_at_host(&image, search));
            // What was not looked at to its end is looked for again.
            if found
                .trail
                .iter()
                .any(|attempt| attempt.outcome == Outcome::Interrupted)
            {
                return Err(CommandError::Interrupted);
            }
            if manner.only.is_some()
                && found.debug.is_none()
                && let Some(attempt) = found.trail.last()
            {
                self.output.warning(format!("*** WARNING: {attempt}"));
            }
            for warning in &found.warnings {
                self.output.warning(format!("*** WARNING: {warning}"));
            }
            match &found.image {
                Some(_) => {
                    let finder = self.split_finder(&found, &image.path);
                    let symbols = ModuleSymbols::new(found, None, finder);
                    self.keep_symbols(*index, symbols)?;
                }
                None => match self.symbols.fetched(&ImageKey::of(&image)) {
                    // Fetched once in this session; files at the engine's machine would still go before.
                    Some(fetched) => {
                        let finder = self.split_finder(&found, &image.path);
                        self.keep_symbols(*index, ModuleSymbols::new(found, Some(fetched), finder))?;
                    }
                    None => elsewhere.push((*index, found)),
                },
            }
        }
        Ok(elsewhere)
    }

    fn fetch_symbols(&mut self, elsewhere: Vec<(usize, HostFiles)>) -> Result<(), CommandError> {
        if elsewhere.is_empty() {
            return Ok(());
        }
        let (link, process) = self.link_and_process()?;
        let wanted: Vec<fetch::Wanted<'_>> = elsewhere
            .iter()
            .filter_map(|(index, found)| {
                let module = process.modules.get(*index)?;
                Some(fetch::Wanted {
                    image: &module.image,
                    symbols: found.debug.is_none() || found.mismatched,
                })
            })
            .collect();
        let images = fetch::fetch(&link, process.os, &wanted)?;
        for ((index, found), image) in elsewhere.into_iter().zip(images) {
            let path = match self.process()?.modules.get(index) {
                Some(module) => module.image.path.clone(),
                None => continue,
            };
            let finder = self.split_finder(&found, &path);
            self.keep_symbols(index, ModuleSymbols::new(found, Some(image), finder))?;
        }
        Ok(())
    }

    fn split_finder(&self, found: &HostFiles, image: &str) -> (SplitFinder, Receiver<SplitNews>) {
        SplitFinder::new(self.outside.files(), found, image, &self.symbols.paths.symbols)
    }

    fn keep_symbols(&mut self, index: usize, symbols: ModuleSymbols) -> Result<(), CommandError> {
        let symbols = Rc::new(symbols);
        if let Some(module) = self.process()?.modules.get(index) {
            let key = ImageKey::of(&module.image);
            let found = self.symbols.is_noisy().then(|| noise(&module.name, &symbols));
            self.symbols.put(key, Rc::clone(&symbols));
            if let Some(found) = found {
                self.output.line(found);
            }
        }
        self.put_symbols(index, symbols)
    }

    fn put_symbols(&mut self, index: usize, symbols: Rc<ModuleSymbols>) -> Result<(), CommandError> {
        if let Some(module) = self.process_mut()?.modules.get_mut(index) {
            module.symbols = SymbolState::Loaded(symbols);
        }
        Ok(())
    }

    /// Forgets the symbols of the current process's modules that `which` names, and what files were found for them.
    pub(crate) fn forget_symbols(&mut self, which: impl Fn(&str) -> bool) -> Result<usize, CommandError> {
        self.symbols.forget();
        let mut count = 0;
        for module in &mut self.process_mut()?.modules {
            if which(&module.name) {
                module.symbols = SymbolState::Deferred;
                count += 1;
            }
        }
        Ok(count)
    }
}

/// What `!sym noisy` says of a module.
fn noise(name: &str, symbols: &ModuleSymbols) -> String {
    use farsight_session::record::SymbolState as Shown;
    let from = |file: Option<String>| file.unwrap_or_else(|| "the target".to_owned());
    match symbols.state() {
        Shown::Dwarf { file } => format!("SYM: {name} - debug information from {}", from(file)),
        Shown::Full { file } => format!("SYM: {name} - symbols from {}", from(file)),
        Shown::Exports { file } => format!("SYM: {name} - exports from {}", from(file)),
        Shown::Missing { why } => format!("SYM: {name} - no symbols: {why}"),
        Shown::Deferred => format!("SYM: {name} - deferred"),
    }
}
