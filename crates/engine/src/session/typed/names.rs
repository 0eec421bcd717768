//! Variables and types by their names.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use farsight_symbols::{DebugInfo, DebugReader, DieId, NameKind, Pattern, Role, UnitId, ValueError, VariableKind};
use farsight_types::Address;

use super::TypedScope;
use super::places::unavailable;
use super::shapes::known;
use crate::expression::ScopeError;
use crate::expression::cpp::{CppType, Operand};
use crate::session::names::SymbolFault;
use crate::session::{FrameLocals, TypeNames, ValueScope};

/// Candidates of an ambiguous name that are shown.
pub(super) const SHOWN_CANDIDATES: usize = 8;
/// Names of a module that are looked through one by one.
const MOST_LOOKED_AT: usize = 50_000;
/// Similar names that are shown.
const MOST_SIMILAR: usize = 3;
/// Longest name that similar ones are looked for of.
const LONGEST: usize = 64;

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
        self.find_outside(name)
    }

    /// A variable or enumerator that is not one of the chosen frame's function itself.
    fn find_outside(&mut self, name: &str) -> Result<Option<Operand>, ScopeError> {
        let (module, plain) = split(name);
        let home = self.home_unit();
        let (near, others) = self.near_and_others(module)?;
        if let Some(found) = self.visible_enumerator(&near, plain, home)? {
            return Ok(Some(found));
        }
        if let Some(found) = self.variable_in(&near, plain, home, None)? {
            return Ok(Some(found));
        }
        // Symbol tables tell which of the others have to be asked.
        let loaded = self.session.load_symbols(&others);
        self.answer(loaded)?;
        let with_symbol: Vec<usize> = others
            .iter()
            .copied()
            .filter(|index| self.has_symbol(*index, plain))
            .collect();
        if let Some(found) = self.variable_in(&with_symbol, plain, home, None)? {
            self.say_module(name, &found);
            return Ok(Some(found));
        }
        if !with_symbol.is_empty()
            && let Some(found) = self.symbol(name)?
        {
            return Ok(Some(found));
        }
        if let Some(found) = self.bare_enumerator(&near, plain, home)? {
            return Ok(Some(found));
        }
        let patience = self.session.patience();
        if let Some(found) = self.variable_in(&others, plain, home, Some(patience))? {
            self.say_module(name, &found);
            return Ok(Some(found));
        }
        self.symbol(name)
    }

    /// Notes that a name without a module means a variable of one that is neither the frame's nor the program.
    fn say_module(&mut self, name: &str, found: &Operand) {
        let Some(address) = found.address().filter(|_| !name.contains('!')) else {
            return;
        };
        let process = self.session.process().ok();
        let Some(module) = process.and_then(|process| process.module_at(Address(address))) else {
            return;
        };
        let known = self.elsewhere.iter().position(|(noted, _)| noted == name);
        let full = known.map(|at| self.elsewhere.swap_remove(at).1);
        let full = format!("{}!{}", module.name, full.as_deref().unwrap_or(name));
        self.elsewhere.push((name.to_owned(), full));
    }

    /// A variable or enumerator of some modules' debug information.
    fn variable_in(
        &mut self,
        modules: &[usize],
        name: &str,
        home: Option<(Address, UnitId)>,
        until: Option<u64>,
    ) -> Result<Option<Operand>, ScopeError> {
        for index in modules {
            let Some(searched) = self.searched_until(*index, until)? else {
                continue;
            };
            if let Some(found) = self.global_in(&searched, name, home)? {
                return Ok(Some(found));
            }
            if let Some(found) = self.enumerator(&searched, name, home)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The modules that names are meant of first, the frame's and the program, and the others.
    pub(super) fn near_and_others(&mut self, only: Option<&str>) -> Result<(Vec<usize>, Vec<usize>), ScopeError> {
        let mut near = self.search_order(only)?;
        if only.is_some() {
            return Ok((near, Vec::new()));
        }
        let home = self.home();
        let process = self.session.process();
        let is_near = |index: &usize| {
            let module = process.as_ref().ok().and_then(|process| process.modules.get(*index));
            Some(*index) == home || module.is_some_and(|module| module.image.is_program)
        };
        let others = near.extract_if(.., |index| !is_near(index)).collect();
        Ok((near, others))
    }

    fn has_symbol(&self, index: usize, name: &str) -> bool {
        let module = self
            .session
            .process()
            .ok()
            .and_then(|process| process.modules.get(index));
        let symbols = module.and_then(|module| module.loaded());
        symbols.is_some_and(|symbols| !symbols.table().by_name(name).is_empty())
    }

    /// A module whose names are known, or will be before a moment.
    pub(super) fn searched_until(&mut self, index: usize, until: Option<u64>) -> Result<Option<Searched>, ScopeError> {
        let searched = self.searched(index)?;
        if searched.is_none() || until.is_none() {
            return Ok(searched);
        }
        let indexed = self.session.indexed_until(index, until);
        Ok(self.answer(indexed)?.and(searched))
    }

    /// Names that a wrong one may be meant to be, of the frame and of what is indexed already.
    pub(super) fn near_misses(&mut self, name: &str) -> Vec<String> {
        let (module, plain) = split(name);
        let plain = plain.to_owned();
        let mut found: Vec<(usize, String)> = Vec::new();
        if let Some(frame) = &self.frame {
            let locals = frame.found.as_ref().ok().into_iter().flatten();
            let names = locals.map(|local| local.variable.name.clone());
            found.extend(names.filter_map(|known| Some((distance(&plain, &known)?, known))));
        }
        let modules = self.near_and_others(module).map(|(near, _)| near).unwrap_or_default();
        for index in modules {
            let module = self
                .session
                .process()
                .ok()
                .and_then(|process| process.modules.get(index));
            let info = module.and_then(|module| module.loaded()?.debug());
            let Some(info) = info.filter(|info| info.ready_index().is_some()).cloned() else {
                continue;
            };
            let wanted = plain.clone();
            let more = self
                .session
                .ask("looking for similar names", &info, move |info, index, watch| {
                    let reader = info.reader();
                    let mut found = Vec::new();
                    for kind in [NameKind::Variable, NameKind::Type] {
                        let mut looked_at = 0;
                        let note = |full: &str, _| {
                            looked_at += 1;
                            // Nobody means one of many instances by a slip.
                            if full.contains('<') {
                                return looked_at < MOST_LOOKED_AT;
                            }
                            let own = full.rsplit("::").next().unwrap_or(full);
                            let known = if wanted.contains("::") { full } else { own };
                            found.extend(distance(&wanted, known).map(|distance| (distance, full.to_owned())));
                            looked_at < MOST_LOOKED_AT
                        };
                        index.matching(&reader, kind, &Pattern::new("*"), watch, note).ok()?;
                    }
                    Some(found)
                });
            found.extend(more.ok().flatten().into_iter().flatten());
        }
        found.sort();
        found.dedup();
        found.into_iter().map(|(_, name)| name).take(MOST_SIMILAR).collect()
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
    pub(super) fn home_unit(&mut self) -> Option<(Address, UnitId)> {
        let pc = self.frame_pc()?;
        let process = self.session.process().ok()?;
        let module = process.module_at(pc)?;
        let unit = module.loaded()?.debug()?.unit_at(module.rva(pc))?;
        Some((module.image.base, unit))
    }

    pub(super) fn frame_pc(&mut self) -> Option<Address> {
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

    /// The entries of a name, the nearest first, each with how far it is: in one of the scopes around the chosen
    /// frame's function, the innermost of which is 0, in none, or, one farther, in others.
    pub(crate) fn entries(
        &mut self,
        searched: &Searched,
        reader: &DebugReader<'_>,
        kind: NameKind,
        name: &str,
        home: Option<(Address, UnitId)>,
    ) -> Result<Vec<(DieId, usize)>, ScopeError> {
        let indexed = match kind {
            NameKind::Type => self.session.indexed_for_type(searched.index, name),
            _ => self
                .session
                .indexed(searched.index)
                .map(|info| info.map(TypeNames::All)),
        };
        let indexed = self.answer(indexed)?;
        let Some(index) = indexed.as_ref().and_then(TypeNames::index) else {
            return Ok(Vec::new());
        };
        let found = index.find(reader, kind, name);
        let found = found.into_iter().filter(|named| named.role == Role::Definition);
        let found: Vec<DieId> = found.map(|named| named.id).collect();
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let around = match name.starts_with("::") {
            true => Rc::from([]),
            false => self.around(),
        };
        // By the index: to name each entry, its whole unit would have to be read.
        let mut near: HashMap<DieId, usize> = HashMap::new();
        let plain = name.trim_start_matches("::");
        for (distance, scope) in around.iter().enumerate() {
            let inside = index.find(reader, kind, &format!("::{scope}::{plain}"));
            for named in inside {
                near.entry(named.id).or_insert(distance);
            }
        }
        for named in index.find(reader, kind, &format!("::{plain}")) {
            near.entry(named.id).or_insert(around.len());
        }
        let is_home = |id: &DieId| home == Some((searched.base, id.unit));
        let distance = |id: DieId| near.get(&id).copied().unwrap_or(around.len() + 1);
        let mut found: Vec<(DieId, usize)> = found.into_iter().map(|id| (id, distance(id))).collect();
        found.sort_by_key(|(id, distance)| (*distance, !is_home(id)));
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
        let Some((first, _)) = found.first().copied() else {
            return Ok(None);
        };
        let scope = self.session.global_scope();
        let mut places = Vec::new();
        for (id, distance) in found.into_iter().take(2 * SHOWN_CANDIDATES) {
            // Declarations and what was optimized out have no place.
            if let Ok(operand) = self.located(&scope, searched.index, id) {
                let is_home = home == Some((searched.base, id.unit));
                places.push((id, (distance, is_home), operand));
            }
        }
        let Some((best, rank, operand)) = places.first() else {
            // Said where it is asked for, rather than that there is no such name.
            return self.located(&scope, searched.index, first).map(Some);
        };
        // The best is the nearest one, and of these the one of this unit.
        let equals = places.iter().filter(|(_, other, _)| other == rank);
        let differs = equals.clone().any(|(_, _, other)| other.address() != operand.address());
        if differs {
            let shown = equals.take(SHOWN_CANDIDATES).filter_map(|(id, _, operand)| {
                let address = Address(operand.address()?);
                let full = reader.qualified_name(*id)?;
                Some(format!("{address} {}!{full}", searched.name))
            });
            return Err(ScopeError::Ambiguous {
                candidates: shown.collect(),
            });
        }
        if rank.0 > self.around().len()
            && !name.contains("::")
            && let Some(full) = reader.qualified_name(*best)
        {
            // What has no name around it is everywhere in its file.
            let written = full.replace("(anonymous namespace)::", "");
            let is_around = self.around().iter().any(|scope| written == format!("{scope}::{name}"));
            if written != name && !is_around {
                self.elsewhere.push((name.to_owned(), full));
            }
        }
        Ok(Some(operand.clone()))
    }

    /// The scopes around the chosen frame's function, the innermost first.
    pub(super) fn around(&mut self) -> Rc<[String]> {
        if let Some(known) = &self.around {
            return Rc::clone(known);
        }
        let is_stopped = self.session.current.is_some() && !self.session.is_running();
        let frame = is_stopped.then(|| self.frame().ok()).flatten();
        let function = frame.and_then(|frame| frame.function).and_then(|(module, id)| {
            let (info, _) = self.debug_of(self.base_of(module))?;
            info.reader().qualified_name(id)
        });
        let found: Rc<[String]> = scopes_of(function.as_deref().unwrap_or_default()).into();
        self.around = Some(Rc::clone(&found));
        found
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
            return self.local_enumerator(name);
        };
        if local.variable.is_declaration {
            return self.find_outside(name);
        }
        if local.level.is_none() && local.variable.kind != VariableKind::Static {
            return Err(unavailable(&ValueError::NoFrame));
        }
        let scope = match local.level {
            Some(_) => frame.scope.clone(),
            None => self.session.global_scope(),
        };
        self.located(&scope, local.module, local.variable.id).map(Some)
    }

    pub(super) fn find_type_of_this(&mut self) -> Option<CppType> {
        let frame = self.frame().ok()?;
        let mut locals = frame.found.as_ref().ok()?.iter();
        let this = locals.find(|local| local.variable.name == "this" && !local.variable.is_shadowed)?;
        let base = self.base_of(this.module);
        let (info, _) = self.debug_of(base)?;
        Some(known(base, info.reader().type_of_entry(this.variable.id)))
    }

    /// Where values of the chosen frame are, which may be lengths of arrays; from now on values are shown there.
    pub(crate) fn enter_frame(&mut self) -> ValueScope {
        let is_stopped = self.session.current.is_some() && !self.session.is_running();
        let frame = is_stopped.then(|| self.frame().ok()).flatten();
        frame.map_or_else(|| self.session.global_scope(), |frame| frame.scope.clone())
    }

    /// The chosen frame's variables; found once for an expression.
    pub(super) fn frame(&mut self) -> Result<Rc<FrameLocals>, ScopeError> {
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

/// How many letters have to be added, taken or changed to make one name of another; none where they are not similar.
fn distance(wanted: &str, known: &str) -> Option<usize> {
    let most = if wanted.len() < 5 { 1 } else { 2 };
    if wanted.len().abs_diff(known.len()) > most || wanted.len() < 2 || wanted.len() > LONGEST {
        return None;
    }
    let known: Vec<u8> = known.to_ascii_lowercase().into_bytes();
    let mut row: Vec<usize> = (0..=known.len()).collect();
    for (line, letter) in wanted.bytes().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, other) in row.iter_mut().skip(1).zip(&known) {
            let changed = diagonal + usize::from(letter.to_ascii_lowercase() != *other);
            diagonal = *cell;
            left = changed.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
    }
    row.last().copied().filter(|distance| *distance <= most)
}

/// The scopes that a thing of this name lies in, the innermost first: `a::b<c::d>` and `a` for `a::b<c::d>::e`.
fn scopes_of(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = 0_usize;
    let mut letters = name.bytes().enumerate().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            b'<' | b'(' | b'{' => open += 1,
            b'>' | b')' | b'}' => open = open.saturating_sub(1),
            b':' if open == 0 && letters.next_if(|(_, next)| *next == b':').is_some() => {
                found.extend(name.get(..at).map(str::to_owned));
            }
            _ => {}
        }
    }
    found.reverse();
    found
}

/// `module!name` in its parts.
pub(crate) fn split(name: &str) -> (Option<&str>, &str) {
    match name.split_once('!') {
        Some((module, name)) => (Some(module), name),
        None => (None, name),
    }
}

#[cfg(test)]
mod tests {
    use super::{distance, scopes_of};

    #[test]
    fn scopes_are_around_a_name() {
        for (name, scopes) in [
            ("f", &[][..]),
            ("a::f", &["a"]),
            ("a::b<c::d>::f", &["a::b<c::d>", "a"]),
            ("a::{closure#0}::f", &["a::{closure#0}", "a"]),
            (
                "(anonymous namespace)::C::f<a::b>",
                &["(anonymous namespace)::C", "(anonymous namespace)"],
            ),
            ("a::C::operator<", &["a::C", "a"]),
        ] {
            assert_eq!(scopes_of(name), scopes, "{name}");
        }
    }

    #[test]
    fn similar_names_differ_by_a_letter_or_two() {
        for (wanted, known, expected) in [
            ("counter", "counter", Some(0)),
            ("coutner", "counter", Some(2)),
            ("Counter", "counter", Some(0)),
            ("count", "counter", Some(2)),
            ("cnt", "count", None),
            ("xy", "xz", Some(1)),
            ("x", "y", None),
            ("counter", "container", None),
            ("", "a", None),
        ] {
            assert_eq!(distance(wanted, known), expected, "{wanted} {known}");
        }
    }
}
