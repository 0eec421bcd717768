//! Places of variables: memory, or pieces of registers.

use farsight_symbols::{BitRange, DieId, Place as Stored, ValueError, locate_member};
use farsight_types::Address;
use farsight_types::registers::amd64;

use super::TypedScope;
use super::shapes::known;
use crate::error::CommandError;
use crate::expression::ScopeError;
use crate::expression::cpp::{self, CppScope, CppType, Held, KnownMember, Operand, Place, Space};
use crate::session::ValueScope;

impl TypedScope<'_> {
    /// A variable of a module, in the chosen frame or in none.
    pub(super) fn located(&mut self, scope: &ValueScope, module: usize, id: DieId) -> Result<Operand, ScopeError> {
        let value = self
            .session
            .with_values(scope, &[module], |ground| ground.variable(module, id));
        let value = self.answer(value)?;
        let base = self.base_of(module);
        let of = known(base, value.type_ref);
        self.placed(of, value.place.map_err(|error| unavailable(&error))?)
    }

    /// The place in the process's list of the module that begins at an address.
    pub(super) fn module_at(&self, base: Address) -> Result<usize, ScopeError> {
        let mut modules = self
            .session
            .process()
            .ok()
            .into_iter()
            .flat_map(|process| &process.modules);
        let index = modules.position(|module| module.image.base == base);
        index.ok_or_else(|| ScopeError::Unavailable {
            why: "The module of this type is not loaded any more".into(),
        })
    }

    pub(super) fn place_of_base(&mut self, member: &KnownMember, object: u64) -> Result<u64, ScopeError> {
        let index = self.module_at(member.module)?;
        let scope = self.session.global_scope();
        let place = self.session.with_values(&scope, &[index], |ground| {
            let known = ground.known(index)?;
            locate_member(
                &known.reader,
                known.bias,
                member.id,
                Address(object),
                &mut ground.source,
            )
        });
        let address = self.answer(place)?.map_err(|error| unavailable(&error))?;
        Ok(address.0)
    }

    pub(super) fn variable_of_class(&mut self, member: &KnownMember) -> Result<Operand, ScopeError> {
        let index = self.module_at(member.module)?;
        let scope = self.session.global_scope();
        let look = |scope_of: &mut TypedScope<'_>| {
            let value = scope_of
                .session
                .with_values(&scope, &[index], |ground| ground.static_member(index, member.id));
            scope_of.answer(value)
        };
        let mut value = look(self)?;
        if value.place == Err(ValueError::OptimizedOut) {
            // Its definition may be in a unit that only an index finds.
            let indexed = self.session.indexed(index);
            self.answer(indexed)?;
            value = look(self)?;
        }
        let of = known(member.module, value.type_ref);
        self.placed(of, value.place.map_err(|error| unavailable(&error))?)
    }

    /// The class of an object by the symbol of its table of virtual functions, and where it begins.
    ///
    /// | before where objects point | |
    /// |---|---|
    /// | 16 | how far the whole object begins from this part, mostly negative |
    /// | 8 | the type's description |
    ///
    /// As the C++ ABI of Itanium has it (2.5.2).
    pub(super) fn whole_of(&mut self, part: u64) -> Result<Option<(CppType, u64)>, ScopeError> {
        let word = |bytes: Vec<u8>| cpp::integer(&bytes, 8, false) as u64;
        let table = word(self.read(Space::Memory, part, 8)?);
        let process = self.session.process();
        let Some(index) = process.ok().and_then(|process| process.module_index_at(Address(table))) else {
            return Ok(None);
        };
        let loaded = self.session.load_symbols(&[index]);
        self.answer(loaded)?;
        let process = self.session.process();
        let Some(module) = process.ok().and_then(|process| process.modules.get(index)) else {
            return Ok(None);
        };
        let (base, symbols) = (module.image.base, module.loaded());
        let nearest = symbols.and_then(|symbols| symbols.table().at(module.rva(Address(table))));
        let class = nearest.filter(|(_, behind)| *behind >= 16).and_then(|(symbol, _)| {
            let readable = symbol.full_name();
            Some(readable.strip_prefix("{vtable(")?.strip_suffix(")}")?.to_owned())
        });
        let Some(class) = class else {
            return Ok(None);
        };
        let found = match self.type_in_module(base, &class) {
            Ok(None) => self.find_type(&class, false),
            found => found,
        };
        let found = match found {
            // Which of several it is, the table does not tell.
            Err(ScopeError::Ambiguous { .. }) => None,
            found => found?,
        };
        let to_top = word(self.read(Space::Memory, table.wrapping_sub(16), 8)?);
        Ok(found.map(|class| (class, part.wrapping_add(to_top))))
    }

    pub(super) fn base_of(&self, module: usize) -> Address {
        let modules = self.session.process().map(|process| &process.modules);
        let module = modules.ok().and_then(|modules| modules.get(module));
        module.map_or(Address(0), |module| module.image.base)
    }

    /// A value at a place.
    pub(super) fn placed(&mut self, of: CppType, place: Stored) -> Result<Operand, ScopeError> {
        if let Stored::Memory(address) = place {
            return Ok(Operand::memory(of, address.0));
        }
        let number = u32::try_from(self.parts.len()).unwrap_or(u32::MAX);
        self.parts.push(place);
        let place = Place {
            space: Space::Variable(number),
            at: 0,
            bits: None,
        };
        let held = Held::Place(place);
        Ok(Operand { of, held })
    }

    pub(super) fn read_parts(&mut self, number: u32, at: u64, size: u64) -> Result<Vec<u8>, ScopeError> {
        let Some(place) = self.parts.get(number as usize) else {
            return Err(gone());
        };
        let place = place.at(at);
        let scope = self.session.global_scope();
        let bytes = self
            .session
            .with_values(&scope, &[], |ground| place.read(size, &mut ground.source));
        self.answer(bytes)?.map_err(|error| unavailable(&error))
    }

    /// Changes a variable that is in one register of the innermost frame.
    pub(super) fn write_parts(&mut self, number: u32, at: u64, bytes: &[u8]) -> Result<(), ScopeError> {
        let refused = |why: &str| {
            Err(ScopeError::Unavailable {
                why: format!("The variable is {why} and cannot be changed"),
            })
        };
        let Some(place) = self.parts.get(number as usize) else {
            return Err(gone());
        };
        let Some((dwarf, level)) = place.register() else {
            return refused("not in memory, nor in one register");
        };
        let Some(index) = amd64::DWARF.get(usize::from(dwarf)).copied() else {
            return refused("in a vector register; set it with r");
        };
        if level > 0 {
            let name = amd64::GENERAL.get(index).copied().unwrap_or_default();
            return refused(&format!(
                "in {name} of an outer frame, whose callees may have saved it anywhere,"
            ));
        }
        let registers = self.session.registers();
        let mut registers = self.answer(registers)?;
        let mut whole = registers.value(index).to_le_bytes();
        let start = usize::try_from(at).unwrap_or(usize::MAX);
        let Some(part) = start.checked_add(bytes.len()).and_then(|end| whole.get_mut(start..end)) else {
            return refused("larger than its register");
        };
        part.copy_from_slice(bytes);
        let name = amd64::GENERAL.get(index).copied().unwrap_or_default();
        registers.set_by_name(name, u64::from_le_bytes(whole));
        let sent: Result<(), CommandError> = self.session.set_registers(registers);
        self.answer(sent)?;
        // What was in the register is noted with the place.
        if let Some(Stored::Parts { parts, .. }) = self.parts.get_mut(number as usize) {
            let changed = parts.iter().map(|part| {
                let mut part = part.clone();
                if let farsight_symbols::Stored::Register { bytes, .. } = &mut part.stored
                    && let Some(low) = bytes.get_mut(..8)
                {
                    low.copy_from_slice(&whole);
                }
                part
            });
            *parts = changed.collect::<Vec<_>>().into();
        }
        Ok(())
    }
}

fn gone() -> ScopeError {
    ScopeError::Unavailable {
        why: "The variable is gone".into(),
    }
}

pub(super) fn unavailable(error: &ValueError) -> ScopeError {
    match error {
        ValueError::Unreadable { at } => ScopeError::Unreadable { at: *at },
        error => ScopeError::Unavailable {
            why: format!("The value is {error}"),
        },
    }
}

/// The evaluator's bits as those of debug information.
pub(crate) fn bit_range(operand: &Operand) -> Option<BitRange> {
    match operand.held {
        Held::Place(Place { bits: Some(bits), .. }) => Some(BitRange {
            offset: bits.at.into(),
            size: bits.count.into(),
        }),
        _ => None,
    }
}
