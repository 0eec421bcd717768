//! Loads symbols of modules: from files at the engine's machine, the rest in one batch from the target.

use std::rc::Rc;
use std::sync::Arc;

use farsight_symbols::Image;

use super::Session;
use crate::error::CommandError;
use crate::model::SymbolState;
use crate::symbols::search::{HostFiles, find_at_host};
use crate::symbols::{ImageKey, ModuleSymbols, fetch};

impl Session {
    /// Makes symbols and unwind tables of these modules of the current process known. One round trip at most, none
    /// where the files are at the engine's machine.
    pub(crate) fn load_symbols(&mut self, modules: &[usize]) -> Result<(), CommandError> {
        let elsewhere = self.load_from_host(modules)?;
        self.fetch_symbols(elsewhere)
    }

    /// Loads the symbols of every module of the current process.
    pub(crate) fn load_all_symbols(&mut self) -> Result<(), CommandError> {
        let all: Vec<usize> = (0..self.process()?.modules.len()).collect();
        self.load_symbols(&all)
    }

    /// Loads a module's symbols where its file is at the engine's machine; asks nobody.
    pub(crate) fn load_at_host(&mut self, module: usize) -> Result<(), CommandError> {
        self.load_from_host(&[module]).map(drop)
    }

    /// Loads what files at the engine's machine have; the modules that have none are given back.
    fn load_from_host(&mut self, modules: &[usize]) -> Result<Vec<(usize, HostFiles)>, CommandError> {
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
            let found = span.in_scope(|| find_at_host(&image, &self.symbols.paths, self.outside.as_mut()));
            for refused in &found.refused {
                self.output.warning(format!("*** WARNING: {refused}"));
            }
            match &found.image {
                Some(_) => {
                    let symbols = from_host(found, None);
                    self.keep_symbols(*index, symbols)?;
                }
                None => elsewhere.push((*index, found)),
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
                    symbols: found.debug.is_none(),
                })
            })
            .collect();
        let images = fetch::fetch(&link, process.os, &wanted)?;
        for ((index, found), image) in elsewhere.into_iter().zip(images) {
            self.keep_symbols(index, from_host(found, Some(image)))?;
        }
        Ok(())
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

fn from_host(found: HostFiles, fetched: Option<Arc<dyn Image>>) -> ModuleSymbols {
    let mut images: Vec<Arc<dyn Image>> = Vec::new();
    let mut files = Vec::new();
    images.extend(fetched);
    for (path, image) in [found.image, found.debug].into_iter().flatten() {
        images.push(image);
        files.push(path);
    }
    let trouble = (!found.refused.is_empty()).then(|| found.refused.join("; "));
    ModuleSymbols::new(images, files, trouble)
}

/// What `!sym noisy` says of a module.
fn noise(name: &str, symbols: &ModuleSymbols) -> String {
    use farsight_session::record::SymbolState as Shown;
    let from = |file: Option<String>| file.unwrap_or_else(|| "the target".to_owned());
    match symbols.state() {
        Shown::Full { file } => format!("SYM: {name} - symbols from {}", from(file)),
        Shown::Exports { file } => format!("SYM: {name} - exports from {}", from(file)),
        Shown::Missing { why } => format!("SYM: {name} - no symbols: {why}"),
        Shown::Deferred => format!("SYM: {name} - deferred"),
    }
}
