//! Names and expressions: what a command line says, as numbers.

use std::cmp::Reverse;

use farsight_session::record::{Place, SymbolName};
use farsight_types::Address;
use farsight_types::registers::amd64;

use super::Session;
use super::source::{Reach, SourceFault, SourcePlaces};
use super::typed::TypedScope;
use crate::error::CommandError;
use crate::expression::{Evaluator, ExprError, RangeArgument, Scope, ScopeError};
use crate::model::Process;
use crate::symbols::{NameError, describe, find_name, name_of};

/// Candidates of an ambiguous name that are shown.
const SHOWN_CANDIDATES: usize = 8;

impl Session {
    /// Evaluates the whole of `text`, which stands at `at` of the line.
    pub(crate) fn evaluate(&mut self, text: &str, at: usize) -> Result<u64, CommandError> {
        self.with_scope(at, |evaluator, scope| evaluator.evaluate(text, scope))
    }

    /// Evaluates the expression that `text` begins with, and returns what follows it.
    pub(crate) fn evaluate_prefix<'t>(&mut self, text: &'t str, at: usize) -> Result<(u64, &'t str), CommandError> {
        self.with_scope(at, |evaluator, scope| evaluator.evaluate_prefix(text, scope))
    }

    /// Reads the range that `text` begins with, and returns what follows it.
    pub(crate) fn range_prefix<'t>(
        &mut self,
        text: &'t str,
        at: usize,
    ) -> Result<(RangeArgument, &'t str), CommandError> {
        self.with_scope(at, |evaluator, scope| evaluator.range_prefix(text, scope))
    }

    fn with_scope<T>(
        &mut self,
        at: usize,
        run: impl FnOnce(&Evaluator, &mut dyn Scope) -> Result<T, ExprError>,
    ) -> Result<T, CommandError> {
        let evaluator = Evaluator {
            language: self.memos.language,
            ..Evaluator::new(self.memos.radix)
        };
        let mut scope = SessionScope {
            session: self,
            fault: None,
            depth: 0,
        };
        let result = run(&evaluator, &mut scope);
        match (result, scope.fault) {
            (Ok(value), _) => Ok(value),
            // What went wrong below is told as it was, not as a fault of the expression.
            (Err(_), Some(fault)) => Err(fault),
            (Err(error), None) => Err(CommandError::Expression(error.shifted(at))),
        }
    }

    /// Where a symbol is: `mod!sym`, or `sym` in any module, those loaded first winning. A module's name is its base.
    pub(crate) fn find_symbol(&mut self, name: &str) -> Result<Option<Address>, SymbolFault> {
        if self.current.is_none() {
            return Ok(None);
        }
        if let Some((module, symbol)) = name.split_once('!') {
            return self.find_in_module(module, symbol);
        }
        // The program's own names win, then what needs no further file; only then everything else is loaded.
        let order = self.modules_in_order()?;
        let Some((program, others)) = order.split_first() else {
            return Ok(None);
        };
        self.load_symbols(&[*program])?;
        if let Some(address) = self.find_among(&[*program], name)? {
            return Ok(Some(address));
        }
        if let Some(module) = self.module_named(name)? {
            return Ok(Some(module));
        }
        self.load_symbols(others)?;
        if let Some(address) = self.find_among(others, name)? {
            return Ok(Some(address));
        }
        self.find_by_index(&order, name)
    }

    /// What only debug information knows, in the first module that does.
    fn find_by_index(&mut self, modules: &[usize], name: &str) -> Result<Option<Address>, SymbolFault> {
        let places = self.places_by_index(modules, name)?;
        match places.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(*only)),
            several => {
                let shown = several.iter().take(SHOWN_CANDIDATES).copied().collect::<Vec<_>>();
                let candidates = shown.into_iter().map(|address| match self.place_of(address) {
                    Ok(place) => format!("{address} {place}"),
                    Err(_) => address.to_string(),
                });
                Err(SymbolFault::Ambiguous(candidates.collect()))
            }
        }
    }

    fn find_in_module(&mut self, module: &str, symbol: &str) -> Result<Option<Address>, SymbolFault> {
        let process = self.process()?;
        let found = process
            .modules
            .iter()
            .position(|known| known.name.eq_ignore_ascii_case(module));
        let Some(index) = found else {
            return Ok(None);
        };
        self.load_symbols(&[index])?;
        match self.find_among(&[index], symbol)? {
            Some(address) => Ok(Some(address)),
            None => self.find_by_index(&[index], symbol),
        }
    }

    fn find_among(&mut self, modules: &[usize], name: &str) -> Result<Option<Address>, SymbolFault> {
        let process = self.process()?;
        for module in modules.iter().filter_map(|index| process.modules.get(*index)) {
            match find_name(module, name) {
                Ok(address) => return Ok(Some(address)),
                Err(NameError::Unknown) => {}
                Err(NameError::Ambiguous(candidates)) => {
                    let shown = candidates.into_iter().take(SHOWN_CANDIDATES);
                    let shown = shown.map(|(address, name)| format!("{address} {}!{name}", module.name));
                    return Err(SymbolFault::Ambiguous(shown.collect()));
                }
            }
        }
        Ok(None)
    }

    /// Symbols whose names begin with `mod!name` or `name`, as far as symbols are here: those of the program first.
    pub(crate) fn names_beginning_with(&self, name: &str, most: usize) -> Vec<String> {
        let (only, prefix) = match name.split_once('!') {
            Some((module, prefix)) => (Some(module), prefix),
            None => (None, name),
        };
        let (Ok(process), Ok(order)) = (self.process(), self.modules_in_order()) else {
            return Vec::new();
        };
        let mut found: Vec<String> = Vec::new();
        if prefix.is_empty() {
            return found;
        }
        let modules = order.iter().filter_map(|index| process.modules.get(*index));
        for module in modules.filter(|module| only.is_none_or(|only| module.name.eq_ignore_ascii_case(only))) {
            let symbols = module.loaded().into_iter().flat_map(|symbols| symbols.table().iter());
            // Readable names are made up at each asking, and there are many.
            let names = symbols.filter(|symbol| symbol.raw_name().starts_with(prefix));
            for symbol in names {
                let full = format!("{}!{}", module.name, symbol.raw_name());
                if !found.contains(&full) {
                    found.push(full);
                }
                if found.len() == most {
                    return found;
                }
            }
        }
        found
    }

    fn module_named(&self, name: &str) -> Result<Option<Address>, CommandError> {
        let mut modules = self.process()?.modules.iter();
        let found = modules.find(|module| module.name.eq_ignore_ascii_case(name));
        Ok(found.map(|module| module.image.base))
    }

    /// Indices of the current process's modules: the program, then the others as they were loaded.
    pub(crate) fn modules_in_order(&self) -> Result<Vec<usize>, CommandError> {
        let modules = &self.process()?.modules;
        let mut order: Vec<usize> = (0..modules.len()).collect();
        order.sort_by_key(|index| {
            modules
                .get(*index)
                .map(|module| (Reverse(module.image.is_program), module.order))
        });
        Ok(order)
    }

    /// Why names of the current place's module may be unknown; none where nothing lacks.
    pub(crate) fn why_names_are_missing(&mut self) -> Option<String> {
        let pc = self.registers().ok()?.pc();
        if let Some(trouble) = self.trouble_at(pc).ok()? {
            return Some(trouble);
        }
        let module = self.process().ok()?.module_at(pc)?;
        let bare = module.loaded()?.debug().is_none();
        bare.then(|| {
            format!(
                "{0} has no debug information: its variables and types are unknown; !chksym {0} shows where it was looked for",
                module.name
            )
        })
    }

    /// What is wrong with the debug information of the module that holds an address.
    pub(crate) fn trouble_at(&self, address: Address) -> Result<Option<String>, CommandError> {
        let Some(module) = self.process()?.module_at(address) else {
            return Ok(None);
        };
        let troubles = module.loaded().map(|symbols| symbols.troubles()).unwrap_or_default();
        Ok(troubles.first().map(|trouble| format!("{}: {trouble}", module.name)))
    }

    /// An address with its name; loads the symbols of the module that holds it.
    pub(crate) fn place_of(&mut self, address: Address) -> Result<Place, CommandError> {
        if let Some(index) = self.process()?.module_index_at(address) {
            self.load_symbols(&[index])?;
        }
        Ok(describe(self.process()?, address))
    }

    /// Loads what is needed to name these addresses, in one batch.
    pub(crate) fn load_for(&mut self, addresses: impl IntoIterator<Item = Address>) -> Result<(), CommandError> {
        let process = self.process()?;
        let mut modules: Vec<usize> = addresses
            .into_iter()
            .filter_map(|address| process.module_index_at(address))
            .collect();
        modules.sort_unstable();
        modules.dedup();
        self.load_symbols(&modules)
    }
}

/// Names an address by what is loaded.
pub(crate) fn naming(process: &Process) -> impl FnMut(Address) -> Option<SymbolName> + '_ {
    |address| name_of(process, address)
}

/// Why a symbol has no address.
pub(crate) enum SymbolFault {
    Ambiguous(Vec<String>),
    Command(CommandError),
}

impl From<CommandError> for SymbolFault {
    fn from(error: CommandError) -> SymbolFault {
        SymbolFault::Command(error)
    }
}

/// The session as expressions see it. Asks the target where it must.
pub(super) struct SessionScope<'a> {
    pub(super) session: &'a mut Session,
    /// What went wrong below the expression.
    pub(super) fault: Option<CommandError>,
    /// How deep languages are nested in each other.
    pub(super) depth: u32,
}

impl SessionScope<'_> {
    /// Turns failures into a scope's: memory that is not there is the expression's affair, the rest is not.
    fn answer<T>(&mut self, result: Result<T, CommandError>) -> Result<T, ScopeError> {
        result.map_err(|error| match error {
            CommandError::Unreadable { at } => ScopeError::Unreadable { at },
            CommandError::NoDebuggee => ScopeError::Unavailable {
                why: "No runnable debuggees error".into(),
            },
            error => {
                let why = error.to_string();
                self.fault = Some(error);
                ScopeError::Unavailable { why }
            }
        })
    }

    fn typed(&mut self, text: &str, whole: bool) -> Result<(u64, usize), ExprError> {
        let mut scope = TypedScope::new(self.session, self.depth + 1);
        let result = scope.number(text, whole);
        if let (Err(_), Some(fault)) = (&result, scope.fault) {
            self.fault.get_or_insert(fault);
        }
        result
    }

    fn register_value(&mut self, index: usize) -> Result<Option<u64>, ScopeError> {
        let registers = self.session.scope_registers();
        Ok(Some(self.answer(registers)?.value(index)))
    }

    fn return_address(&mut self) -> Result<Option<u64>, ScopeError> {
        let walked = self
            .session
            .place()
            .and_then(|place| self.session.walk(place.thread, 2));
        let walked = self.answer(walked)?;
        Ok(walked.frames.get(1).map(|frame| frame.pc.0))
    }
}

impl Scope for SessionScope<'_> {
    fn symbol(&mut self, name: &str) -> Result<Option<u64>, ScopeError> {
        // What is local hides what is not; `module!name` is never local.
        if !name.contains('!')
            && let Some(address) = self.local_symbol(name)?
        {
            return Ok(Some(address));
        }
        match self.session.find_symbol(name) {
            Ok(address) => Ok(address.map(|address| address.0)),
            Err(SymbolFault::Ambiguous(candidates)) => Err(ScopeError::Ambiguous { candidates }),
            Err(SymbolFault::Command(error)) => self.answer(Err(error)),
        }
    }

    fn local_symbol(&mut self, name: &str) -> Result<Option<u64>, ScopeError> {
        let found = self.session.local_address(name);
        Ok(self.answer(found)?.map(|address| address.0))
    }

    fn source_line(&mut self, text: &str) -> Result<Option<u64>, ScopeError> {
        let found = self.session.source_places(text, Reach::First);
        let SourcePlaces { addresses, .. } = match found {
            Ok(found) => found,
            Err(SourceFault::Unknown { why }) => return Err(ScopeError::NoSuchLine { why }),
            Err(SourceFault::Command(error)) => return self.answer(Err(error)),
        };
        match addresses.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(only.0)),
            several => {
                let shown = several.iter().take(SHOWN_CANDIDATES);
                let candidates = shown.map(|address| match self.session.place_of(*address) {
                    Ok(place) => format!("{address} {place}"),
                    Err(_) => address.to_string(),
                });
                Err(ScopeError::Ambiguous {
                    candidates: candidates.collect(),
                })
            }
        }
    }

    fn register(&mut self, name: &str) -> Result<Option<u64>, ScopeError> {
        if self.session.current.is_none() {
            return Ok(None);
        }
        let registers = self.session.scope_registers();
        let registers = self.answer(registers)?;
        if let Some(value) = registers.by_name(name) {
            return Ok(Some(value));
        }
        let is_debug = amd64::DEBUG.contains(&name);
        if !is_debug {
            return Ok(None);
        }
        let all = self.session.all_registers();
        Ok(self.answer(all)?.by_name(name))
    }

    fn pseudo(&mut self, name: &str) -> Result<Option<u64>, ScopeError> {
        if let Some(number) = name.strip_prefix('t').and_then(|number| number.parse::<usize>().ok()) {
            return Ok(self.session.memos.user_variables.get(number).copied());
        }
        if let Some(number) = name.strip_prefix("bp").and_then(|number| number.parse::<u32>().ok()) {
            let address = self.session.breakpoints.get(number).and_then(|one| one.address());
            return Ok(address.map(|address| address.0));
        }
        let place = self.session.current;
        let process = || self.session.process().ok();
        let value = match name {
            "exp" => Some(self.session.memos.last_value),
            "p" => self.session.memos.looks.last_shown,
            "frame" => place.map(|_| self.session.chosen_frame().map_or(0, |frame| frame.number as u64)),
            "ptrsize" => Some(8),
            "pagesize" => Some(4096),
            "dsid" => place.map(|place| u64::from(place.system.0)),
            "dpid" => place.map(|place| u64::from(place.process.0)),
            "dtid" => place.map(|place| u64::from(place.thread.0)),
            "tpid" => process().map(|process| u64::from(process.os.0)),
            "tid" => self.session.os_tid().ok().map(|tid| u64::from(tid.0)),
            "exentry" => process().and_then(|process| {
                let program = process.modules.get(process.program_index()?)?;
                Some(program.image.entry?.0)
            }),
            _ if place.is_none() => None,
            "ip" | "scopeip" => return self.register_value(amd64::RIP),
            "csp" => return self.register_value(amd64::RSP),
            "retreg" | "retreg64" => return self.register_value(amd64::RAX),
            "ra" => return self.return_address(),
            _ => None,
        };
        match value {
            Some(value) => Ok(Some(value)),
            None => {
                let value = self.session.event_pseudo(name);
                self.answer(value)
            }
        }
    }

    fn read(&mut self, address: Address, size: u8) -> Result<u64, ScopeError> {
        let value = self.session.read_number(address, size);
        self.answer(value)
    }

    fn is_valid(&mut self, start: Address, length: u64) -> Result<bool, ScopeError> {
        let valid = self.session.is_readable(start, length);
        self.answer(valid)
    }

    fn cpp(&mut self, text: &str) -> Result<u64, ExprError> {
        Ok(self.typed(text, true)?.0)
    }

    fn cpp_prefix(&mut self, text: &str) -> Result<(u64, usize), ExprError> {
        self.typed(text, false)
    }

    fn module_entry(&mut self, base: Address) -> Result<Option<u64>, ScopeError> {
        let Ok(process) = self.session.process() else {
            return Ok(None);
        };
        let module = process.modules.iter().find(|module| module.image.base == base);
        Ok(module.and_then(|module| module.image.entry).map(|entry| entry.0))
    }
}
