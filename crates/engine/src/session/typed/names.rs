//! Variables and types by their names.

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use farsight_symbols::{
    DebugInfo, DebugReader, DieId, NameKind, Role, TypeId, TypeKind, UnitId, ValueError, VariableKind,
};
use farsight_types::Address;

use super::TypedScope;
use super::places::unavailable;
use super::shapes::known;
use crate::expression::ScopeError;
use crate::expression::cpp::{CppType, KnownType, Operand, basic_named};
use crate::session::FrameLocals;
use crate::session::names::SymbolFault;

/// Candidates of an ambiguous name that are shown.
const SHOWN_CANDIDATES: usize = 8;

/// One module in which names are looked for.
pub(crate) struct Searched {
    pub(crate) name: String,
    pub(crate) base: Address,
    /// Its place in the process's list.
    pub(crate) index: usize,
    pub(crate) info: Arc<DebugInfo>,
}

impl TypedScope<'_> {
    pub(super) fn find_variable(&mut self, name: &str) -> Result<Option<Operand>, ScopeError> {
        if self.session.current.is_none() {
            return Ok(None);
        }
        let (module, plain) = split(name);
        if module.is_none()
            && let Some(local) = self.find_local(plain)?
        {
            return Ok(Some(local));
        }
        let home = self.home_unit();
        let order = self.search_order(module)?;
        // What is here already comes first: other modules may have to be fetched.
        for index in order {
            let Some(searched) = self.searched(index)? else {
                continue;
            };
            if let Some(found) = self.global_in(&searched, plain, home)? {
                return Ok(Some(found));
            }
            if let Some(found) = self.enumerator(&searched, plain, home)? {
                return Ok(Some(found));
            }
        }
        self.symbol(name)
    }

    /// What only the symbol table knows: code by its address, data without a type.
    fn symbol(&mut self, name: &str) -> Result<Option<Operand>, ScopeError> {
        let address = match self.session.find_symbol(name) {
            Ok(Some(address)) => address,
            Ok(None) => return Ok(None),
            Err(SymbolFault::Ambiguous(candidates)) => return Err(ScopeError::Ambiguous { candidates }),
            Err(SymbolFault::Command(error)) => return self.answer(Err(error)),
        };
        let process = self.session.process();
        let is_code =
            process.is_ok_and(|process| process.module_at(address).is_some_and(|module| module.is_code(address)));
        let of = if is_code { CppType::Function } else { CppType::Unknown };
        Ok(Some(Operand::memory(of, address.0)))
    }

    pub(super) fn find_type(&mut self, name: &str) -> Result<Option<CppType>, ScopeError> {
        let (module, plain) = split(name);
        if module.is_none() && basic_named(plain).is_some() || self.session.current.is_none() {
            return Ok(None);
        }
        let home = self.home_unit();
        for index in self.search_order(module)? {
            let Some(searched) = self.searched(index)? else {
                continue;
            };
            if let Some(id) = self.type_in(&searched, plain, home)? {
                let of = TypeId(id).into();
                return Ok(Some(CppType::Known(KnownType {
                    module: searched.base,
                    of,
                })));
            }
        }
        Ok(None)
    }

    /// Modules by their places, in the order of search: the one that the frame is in, the program, the others.
    pub(crate) fn search_order(&mut self, only: Option<&str>) -> Result<Vec<usize>, ScopeError> {
        let order = self.session.modules_in_order();
        let mut order = self.answer(order)?;
        let home = self.home();
        order.sort_by_key(|index| Some(*index) != home);
        if let Some(only) = only {
            let process = self.session.process();
            let process = process.map_err(|error| ScopeError::Unavailable { why: error.to_string() })?;
            let is_meant = |index: &usize| {
                let module = process.modules.get(*index);
                module.is_some_and(|module| module.name.eq_ignore_ascii_case(only))
            };
            order.retain(is_meant);
        }
        Ok(order)
    }

    /// The module that the chosen frame is in.
    fn home(&mut self) -> Option<usize> {
        let pc = self.frame_pc()?;
        self.session.process().ok()?.module_index_at(pc)
    }

    /// The unit that the chosen frame is in, with its module's base: its static variables and types come before others'.
    fn home_unit(&mut self) -> Option<(Address, UnitId)> {
        let pc = self.frame_pc()?;
        let process = self.session.process().ok()?;
        let module = process.module_at(pc)?;
        let unit = module.loaded()?.debug()?.unit_at(module.rva(pc))?;
        Some((module.image.base, unit))
    }

    fn frame_pc(&mut self) -> Option<Address> {
        if self.session.is_running() {
            return None;
        }
        if let Some(frame) = self.session.chosen_frame() {
            return Some(frame.lookup);
        }
        let registers = self.session.scope_registers().ok()?;
        Some(registers.pc())
    }

    /// A module with debug information; it is loaded where it was not.
    pub(crate) fn searched(&mut self, index: usize) -> Result<Option<Searched>, ScopeError> {
        let loaded = self.session.load_symbols(&[index]);
        self.answer(loaded)?;
        let process = self.session.process();
        let process = process.map_err(|error| ScopeError::Unavailable { why: error.to_string() })?;
        let Some(module) = process.modules.get(index) else {
            return Ok(None);
        };
        let Some(info) = module.loaded().and_then(|symbols| symbols.debug()) else {
            return Ok(None);
        };
        Ok(Some(Searched {
            name: module.name.clone(),
            base: module.image.base,
            index,
            info: Arc::clone(info),
        }))
    }

    /// The entries of a name, those of the unit at hand and those with exactly this name before others.
    pub(crate) fn entries(
        &mut self,
        searched: &Searched,
        reader: &DebugReader<'_>,
        kind: NameKind,
        name: &str,
        home: Option<(Address, UnitId)>,
    ) -> Result<Vec<DieId>, ScopeError> {
        let indexed = self.session.indexed(searched.index);
        let indexed = self.answer(indexed)?;
        let Some(index) = indexed.as_ref().and_then(|info| info.ready_index()) else {
            return Ok(Vec::new());
        };
        let found = index.find(reader, kind, name);
        let mut found: Vec<DieId> = found
            .into_iter()
            .filter(|named| named.role == Role::Definition)
            .map(|named| named.id)
            .collect();
        if found.len() > 1 {
            let is_home = |id: &DieId| home == Some((searched.base, id.unit));
            // By the index: to name each entry, its whole unit would have to be read.
            let exact = index.find(reader, kind, &format!("::{}", name.trim_start_matches("::")));
            let exact: HashSet<DieId> = exact.into_iter().map(|named| named.id).collect();
            let is_exact = |id: &DieId| exact.contains(id);
            found.sort_by_cached_key(|id| (!is_exact(id), !is_home(id)));
        }
        Ok(found)
    }

    fn global_in(
        &mut self,
        searched: &Searched,
        name: &str,
        home: Option<(Address, UnitId)>,
    ) -> Result<Option<Operand>, ScopeError> {
        let reader = searched.info.reader();
        let found = self.entries(searched, &reader, NameKind::Variable, name, home)?;
        let Some(first) = found.first().copied() else {
            return Ok(None);
        };
        let scope = self.session.global_scope();
        let mut places = Vec::new();
        for id in found.into_iter().take(2 * SHOWN_CANDIDATES) {
            // Declarations and what was optimized out have no place.
            if let Ok(operand) = self.located(&scope, searched.index, id) {
                places.push((id, operand));
            }
        }
        let Some((best, operand)) = places.first() else {
            // Said where it is asked for, rather than that there is no such name.
            return self.located(&scope, searched.index, first).map(Some);
        };
        // The best is the one of this unit, or the one that is named exactly so.
        let rank = |id: &DieId| {
            let is_exact = reader.qualified_name(*id).as_deref() == Some(name);
            (is_exact, home == Some((searched.base, id.unit)))
        };
        let equals: Vec<&(DieId, Operand)> = places.iter().filter(|(id, _)| rank(id) == rank(best)).collect();
        let differs = equals.iter().any(|(_, other)| other.address() != operand.address());
        if differs && !rank(best).1 {
            let shown = equals.iter().take(SHOWN_CANDIDATES).filter_map(|(id, operand)| {
                let address = Address(operand.address()?);
                let full = reader.qualified_name(*id)?;
                Some(format!("{address} {}!{full}", searched.name))
            });
            return Err(ScopeError::Ambiguous {
                candidates: shown.collect(),
            });
        }
        Ok(Some(operand.clone()))
    }

    fn type_in(
        &mut self,
        searched: &Searched,
        name: &str,
        home: Option<(Address, UnitId)>,
    ) -> Result<Option<DieId>, ScopeError> {
        let reader = searched.info.reader();
        let found = self.entries(searched, &reader, NameKind::Type, name, home)?;
        Ok(found.into_iter().next())
    }

    /// `Color::Red`, by the type before the name.
    fn enumerator(
        &mut self,
        searched: &Searched,
        name: &str,
        home: Option<(Address, UnitId)>,
    ) -> Result<Option<Operand>, ScopeError> {
        let Some((scope, own)) = name.rsplit_once("::").filter(|(scope, _)| !scope.is_empty()) else {
            return Ok(None);
        };
        let Some(id) = self.type_in(searched, scope, home)? else {
            return Ok(None);
        };
        let reader = searched.info.reader();
        if !matches!(reader.kind_of(&TypeId(id).into()), Ok(TypeKind::Enum { .. })) {
            return Ok(None);
        }
        let found = reader.enumerators(TypeId(id)).unwrap_or_default();
        let found = found.into_iter().find(|one| one.name == own);
        let of = known(searched.base, TypeId(id).into());
        Ok(found.map(|one| Operand::integer(of, one.value.cast_unsigned())))
    }

    /// A variable of the chosen frame, which may be one of a call that was inlined.
    pub(super) fn find_local(&mut self, name: &str) -> Result<Option<Operand>, ScopeError> {
        if self.session.is_running() {
            return Ok(None);
        }
        let frame = self.frame()?;
        let locals = frame.found.as_ref().ok().into_iter().flatten();
        let mut named = locals.filter(|local| local.variable.name == name && !local.variable.is_shadowed);
        let Some(local) = named.next() else {
            return Ok(None);
        };
        if local.level.is_none() && local.variable.kind != VariableKind::Static {
            return Err(unavailable(&ValueError::NoFrame));
        }
        let scope = match local.level {
            Some(_) => frame.scope.clone(),
            None => self.session.global_scope(),
        };
        self.located(&scope, local.module, local.variable.id).map(Some)
    }

    /// The chosen frame's variables; found once for an expression.
    fn frame(&mut self) -> Result<Rc<FrameLocals>, ScopeError> {
        if let Some(known) = &self.frame {
            return Ok(Rc::clone(known));
        }
        let number = self.session.chosen_frame().map_or(0, |frame| frame.number);
        let found = self.session.locals_of_frame(number);
        let found = Rc::new(self.answer(found)?);
        self.frame = Some(Rc::clone(&found));
        Ok(found)
    }
}

/// `module!name` in its parts.
pub(crate) fn split(name: &str) -> (Option<&str>, &str) {
    match name.split_once('!') {
        Some((module, name)) => (Some(module), name),
        None => (None, name),
    }
}
