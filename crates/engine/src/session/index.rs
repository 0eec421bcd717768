//! Names that debug information has and symbol tables lack: places of functions and variables by the modules' indexes.
//!
//! An index is built on threads of its own; whoever needs it waits here, where an interrupt ends the wait and not the
//! work, so that the next one who asks finds it further on. Naming an address never needs one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use farsight_symbols::{Binding, DebugInfo, NameIndex, NameKind, Named, Pattern, Role, SymbolKind, Watch};
use farsight_types::{Address, Rva};

use super::Session;
use crate::EngineMessage;
use crate::error::CommandError;
use crate::model::Module;
use crate::symbols::preferred;

/// How often it is said how far an index is, from the first second on.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// How long a name that is not the program's is looked for in modules that nobody has asked before.
const PATIENCE: Duration = Duration::from_secs(3);

/// Functions of one name, as a pattern finds them.
pub(crate) struct NamedPlaces {
    /// Without its module.
    pub(crate) name: String,
    /// Its code or storage, and copies that were inlined; in ascending order.
    pub(crate) places: Vec<Address>,
    /// Those of them that are no copies.
    pub(crate) own: Vec<Address>,
    pub(crate) kind: NameKind,
}

/// What knows the types of a name.
pub(crate) enum TypeNames {
    /// By the module's index.
    All(Arc<DebugInfo>),
    /// Those of this name alone.
    Part(Box<NameIndex>),
}

impl TypeNames {
    pub(crate) fn index(&self) -> Option<&NameIndex> {
        match self {
            TypeNames::All(info) => info.ready_index(),
            TypeNames::Part(index) => Some(index),
        }
    }
}

/// An index that is being built.
struct Building {
    info: Arc<DebugInfo>,
    watch: Arc<Watch>,
    done: Arc<AtomicBool>,
}

/// The indexes that are being built.
#[derive(Default)]
pub(crate) struct Builders(Vec<Building>);

impl Drop for Builders {
    fn drop(&mut self) {
        for one in &self.0 {
            one.watch.cancel();
        }
    }
}

/// Says that the work is over, however it ended.
struct Bell {
    done: Arc<AtomicBool>,
    inbox: Sender<EngineMessage>,
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Release);
        // An engine that has ended does not want to know.
        let _ = self.inbox.send(EngineMessage::Worked);
    }
}

impl Builders {
    /// Joins the work on an index, or begins it.
    fn work_on(&mut self, info: &Arc<DebugInfo>, inbox: &Sender<EngineMessage>) -> (Arc<Watch>, Arc<AtomicBool>) {
        self.0.retain(|one| !one.done.load(Ordering::Acquire));
        if let Some(one) = self.0.iter().find(|one| Arc::ptr_eq(&one.info, info)) {
            return (Arc::clone(&one.watch), Arc::clone(&one.done));
        }
        let (watch, done) = (Arc::new(Watch::default()), Arc::new(AtomicBool::new(false)));
        let bell = Bell {
            done: Arc::clone(&done),
            inbox: inbox.clone(),
        };
        let (of, seen) = (Arc::clone(info), Arc::clone(&watch));
        let build = move || {
            let _bell = bell;
            let span = tracing::debug_span!("index names", info = ?of);
            // Who cancelled it knows.
            let _cancelled = span.in_scope(|| of.index(&seen).map(drop));
        };
        // Without a thread the bell rings at once, and whoever waits finds no index.
        if thread::Builder::new().name("index".into()).spawn(build).is_ok() {
            self.0.push(Building {
                info: Arc::clone(info),
                watch: Arc::clone(&watch),
                done: Arc::clone(&done),
            });
        }
        (watch, done)
    }
}

impl Session {
    /// Waits until the names of a module's debug information are indexed; none where it has no debug information.
    pub(crate) fn indexed(&mut self, module: usize) -> Result<Option<Arc<DebugInfo>>, CommandError> {
        self.indexed_until(module, None)
    }

    /// How long names of modules that are not the program's are waited for.
    pub(crate) fn patience(&self) -> u64 {
        self.outside.now().saturating_add(PATIENCE.as_micros() as u64)
    }

    /// As [`Session::indexed`], at most until a moment; the work goes on behind it.
    pub(crate) fn indexed_until(
        &mut self,
        module: usize,
        until: Option<u64>,
    ) -> Result<Option<Arc<DebugInfo>>, CommandError> {
        self.check_interrupt()?;
        let process = self.process()?;
        let Some(module) = process.modules.get(module) else {
            return Ok(None);
        };
        let Some(info) = module.loaded().and_then(|symbols| symbols.debug()).cloned() else {
            return Ok(None);
        };
        if info.ready_index().is_some() {
            return Ok(Some(info));
        }
        let name = module.name.clone();
        let span = tracing::debug_span!("wait for index", module = %name);
        let _inside = span.enter();
        let (watch, done) = self.builders.work_on(&info, &self.inbox);
        self.await_work(&format!("indexing {name}"), &watch, &done, until)?;
        Ok(info.ready_index().is_some().then_some(info))
    }

    /// Waits for work on other threads, and says from time to time how far it is. An interrupt ends the wait.
    fn await_work(
        &mut self,
        what: &str,
        watch: &Watch,
        done: &AtomicBool,
        until: Option<u64>,
    ) -> Result<(), CommandError> {
        let mut told = self.outside.now();
        while !done.load(Ordering::Acquire) {
            let left = until.map(|until| Duration::from_micros(until.saturating_sub(self.outside.now())));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(());
            }
            let wait = left.map_or(TELL_EVERY, |left| left.min(TELL_EVERY));
            if self.mailbox.is_interrupted_within(wait) {
                return Err(CommandError::Interrupted);
            }
            let now = self.outside.now();
            let (finished, total) = watch.progress();
            if now.saturating_sub(told) >= TELL_EVERY.as_micros() as u64 && finished < total {
                told = now;
                let percent = u64::from(finished) * 100 / u64::from(total);
                self.output.status(format!("{what}: {percent} %"));
            }
        }
        Ok(())
    }

    /// Runs a question to an index on a thread of its own, so that an interrupt ends it.
    pub(crate) fn ask<T: Send + 'static>(
        &mut self,
        what: &str,
        info: &Arc<DebugInfo>,
        question: impl FnOnce(&DebugInfo, &NameIndex, &Watch) -> Option<T> + Send + 'static,
    ) -> Result<Option<T>, CommandError> {
        self.look(what, info, |info, watch| question(info, info.ready_index()?, watch))
    }

    /// What knows the types of one name of a module; the module's index where that is here or will be as quick, none
    /// where it has no debug information.
    pub(crate) fn indexed_for_type(&mut self, module: usize, name: &str) -> Result<Option<TypeNames>, CommandError> {
        let process = self.process()?;
        let known = process.modules.get(module);
        let info = known.and_then(|module| module.loaded()?.debug()).cloned();
        if let Some(info) = info.filter(|info| info.ready_index().is_none()) {
            let wanted = name.to_owned();
            let what = format!("looking for {name}");
            let found = self.look(&what, &info, move |info, watch| {
                info.index_for_type(&wanted, watch).ok()?
            })?;
            if let Some(part) = found.filter(|part| !part.types(&info.reader(), name).is_empty()) {
                return Ok(Some(TypeNames::Part(Box::new(part))));
            }
        }
        Ok(self.indexed(module)?.map(TypeNames::All))
    }

    /// Runs a question to debug information on a thread of its own, so that an interrupt ends it.
    pub(crate) fn look<T: Send + 'static>(
        &mut self,
        what: &str,
        info: &Arc<DebugInfo>,
        question: impl FnOnce(&DebugInfo, &Watch) -> Option<T> + Send + 'static,
    ) -> Result<Option<T>, CommandError> {
        let (watch, done) = (Arc::new(Watch::default()), Arc::new(AtomicBool::new(false)));
        let bell = Bell {
            done: Arc::clone(&done),
            inbox: self.inbox.clone(),
        };
        let (of, seen) = (Arc::clone(info), Arc::clone(&watch));
        let (answer, answered) = std::sync::mpsc::channel();
        let run = move || {
            let _bell = bell;
            // Nobody waits any more where this fails.
            let _ = answer.send(question(&of, &seen));
        };
        let spawned = thread::Builder::new().name("names".into()).spawn(run);
        if spawned.is_err() {
            return Ok(None);
        }
        let waited = self.await_work(what, &watch, &done, None);
        if waited.is_err() {
            watch.cancel();
        }
        waited?;
        Ok(answered.try_recv().ok().flatten())
    }

    /// Every place of a function, for a breakpoint: `f`, `ns::f`, `Class::method`, with or without its module, whatever
    /// its template or generic arguments, copies that were inlined among them. The program before all other modules;
    /// of one module, names that are spelled in full before those that leave scopes out.
    pub(crate) fn function_places(&mut self, name: &str) -> Result<Vec<Address>, CommandError> {
        if self.current.is_none() {
            return Ok(Vec::new());
        }
        let (modules, name) = self.modules_meant(name)?;
        let (program, others) = modules.split_at(modules.len().min(1));
        for modules in [program, others] {
            self.load_symbols(modules)?;
            for module in modules {
                let places = self.function_places_in(*module, name)?;
                if !places.is_empty() {
                    return Ok(places);
                }
            }
        }
        Ok(Vec::new())
    }

    /// Where functions and variables that only debug information knows are; one place each.
    pub(crate) fn places_by_index(&mut self, modules: &[usize], name: &str) -> Result<Vec<Address>, CommandError> {
        let patience = self.patience();
        for (order, index) in modules.iter().enumerate() {
            // Of the first all is known; a name that is nowhere is not to cost the indexes of all others.
            let Some(info) = self.indexed_until(*index, (order > 0).then_some(patience))? else {
                continue;
            };
            let mut places = self.indexed_places(&info, name.to_owned())?;
            if places.is_empty() {
                let reader = info.reader();
                let variables = info.ready_index().map(|known| known.variables(&reader, name));
                let found = variables.into_iter().flatten();
                places.extend(found.filter_map(|variable| reader.static_place(variable.id)));
                places.sort_unstable();
                places.dedup();
            }
            if let (false, Some(module)) = (places.is_empty(), self.process()?.modules.get(*index)) {
                return Ok(places.into_iter().map(|place| module.address(place)).collect());
            }
        }
        Ok(Vec::new())
    }

    /// The modules that a name can be in, the program first, and the name without its module.
    pub(crate) fn modules_meant<'n>(&self, name: &'n str) -> Result<(Vec<usize>, &'n str), CommandError> {
        let mut modules = self.modules_in_order()?;
        let Some((module, name)) = name.split_once('!') else {
            return Ok((modules, name));
        };
        let known = &self.process()?.modules;
        modules.retain(|index| {
            let known = known.get(*index);
            known.is_some_and(|known| known.name.eq_ignore_ascii_case(module))
        });
        Ok((modules, name))
    }

    fn function_places_in(&mut self, index: usize, name: &str) -> Result<Vec<Address>, CommandError> {
        let Some((symbols, module)) = self
            .process()?
            .modules
            .get(index)
            .and_then(|module| Some((module.loaded()?, module)))
        else {
            return Ok(Vec::new());
        };
        let in_table = symbols.table().by_name(name);
        let mut places = preferred(&in_table);
        let is_data = in_table.iter().any(|symbol| symbol.kind() == SymbolKind::Data);
        // A function that other units can call by this name alone, in C, has no copies elsewhere.
        let global = in_table.iter().all(|symbol| symbol.binding() == Binding::Global);
        let alone = match (places.as_slice(), global, symbols.debug()) {
            ([only], true, Some(debug)) => debug.places_in_unit(*only, name),
            _ => None,
        };
        let addresses = |module: &Module, places: &[Rva]| -> Vec<Address> {
            places.iter().map(|place| module.address(*place)).collect()
        };
        if let Some(alone) = alone {
            return Ok(addresses(module, &alone));
        }
        if is_data {
            return Ok(addresses(module, &places));
        }
        let has_symbol = !places.is_empty();
        if let Some(info) = self.indexed(index)? {
            let full = format!("::{name}");
            places.extend(self.indexed_places(&info, full)?);
            if places.is_empty() && !has_symbol {
                places = self.indexed_places(&info, name.to_owned())?;
            }
        }
        places.sort_unstable();
        places.dedup();
        Ok(match self.process()?.modules.get(index) {
            Some(module) => addresses(module, &places),
            None => Vec::new(),
        })
    }

    fn indexed_places(&mut self, info: &Arc<DebugInfo>, name: String) -> Result<Vec<Rva>, CommandError> {
        let Some(index) = info.ready_index() else {
            return Ok(Vec::new());
        };
        let named = index.functions(&info.reader(), &name);
        if named.is_empty() {
            return Ok(Vec::new());
        }
        let what = format!("looking for copies of {name}");
        let found = self.ask(&what, info, move |info, index, watch| {
            index.places(info, &named, watch).ok()
        })?;
        let mut places: Vec<_> = found.into_iter().flatten().flatten().collect();
        places.sort_unstable();
        places.dedup();
        Ok(places)
    }

    /// The functions, and where they are wanted the variables, whose names match, of modules whose symbols are loaded.
    pub(crate) fn names_matching(
        &mut self,
        module: usize,
        pattern: &Pattern,
        kinds: &'static [NameKind],
    ) -> Result<Vec<NamedPlaces>, CommandError> {
        let Some(info) = self.indexed(module)? else {
            return Ok(Vec::new());
        };
        let pattern = pattern.clone();
        let found = self.ask("looking for names", &info, move |info, index, watch| {
            let mut all = Vec::new();
            for kind in kinds {
                all.extend(matching(info, index, *kind, &pattern, watch)?);
            }
            Some(all)
        })?;
        let process = self.process()?;
        let Some(module) = process.modules.get(module) else {
            return Ok(Vec::new());
        };
        let addresses = |places: Vec<Rva>| places.into_iter().map(|place| module.address(place)).collect();
        let named = found.into_iter().flatten().map(|one| NamedPlaces {
            name: one.name,
            places: addresses(one.places),
            own: addresses(one.own),
            kind: one.kind,
        });
        Ok(named.collect())
    }
}

/// As [`NamedPlaces`], before the module's place is known.
struct Matched {
    name: String,
    places: Vec<Rva>,
    own: Vec<Rva>,
    kind: NameKind,
}

/// The places of each name that matches; those without places are left out.
fn matching(
    info: &DebugInfo,
    index: &NameIndex,
    kind: NameKind,
    pattern: &Pattern,
    watch: &Watch,
) -> Option<Vec<Matched>> {
    let reader = info.reader();
    let mut found: Vec<(String, Named)> = Vec::new();
    let note = |name: &str, named: Named| {
        found.push((name.to_owned(), named));
        true
    };
    index.matching(&reader, kind, pattern, watch, note).ok()?;
    found.sort_by(|one, other| one.0.cmp(&other.0));
    let all: Vec<Named> = found.iter().map(|(_, named)| *named).collect();
    let places: Vec<Vec<Rva>> = match kind {
        NameKind::Function => index.places(info, &all, watch).ok()?,
        _ => all
            .iter()
            .map(|named| reader.static_place(named.id).into_iter().collect())
            .collect(),
    };
    let mut merged: Vec<Matched> = Vec::new();
    for ((name, named), places) in found.into_iter().zip(places) {
        if merged.last().is_none_or(|last| last.name != name) {
            merged.push(Matched {
                name,
                places: Vec::new(),
                own: Vec::new(),
                kind,
            });
        }
        if let Some(last) = merged.last_mut() {
            if named.role == Role::Definition {
                last.own.extend(&places);
            }
            last.places.extend(places);
        }
    }
    for one in &mut merged {
        for places in [&mut one.places, &mut one.own] {
            places.sort_unstable();
            places.dedup();
        }
    }
    merged.retain(|one| !one.places.is_empty());
    Some(merged)
}

#[cfg(test)]
mod tests;
