//! Values and what can be done with them: members, elements, what pointers lead to.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use farsight_symbols::{
    DebugError, DebugReader, Definition, DieId, Encoding, Enumerator, Member, MemberKind, MemberPlace, Members,
    NameKind, Named, Pattern, Place, Role, Type, TypeId, TypeKind, TypeRef, ValueContext, ValueError, ValueFrame,
    Variant, Watch, element_count, locate, locate_member,
};
use farsight_types::Address;

use super::{Formatters, Source, Value};

/// Base classes and anonymous members within each other that a member is looked for in.
const MOST_NESTED: u32 = 32;
/// How Rust's compiler calls the variables that hold a trait's functions for one type.
const TABLES_OF_FUNCTIONS: &str = "*{vtable}";
/// Tables of functions that are looked at.
const MOST_TABLES: usize = 1 << 17;

/// One module's types, with what was read of them; kept while one command works.
pub(crate) struct Known<'a> {
    /// Its place in the process's list of modules.
    pub(crate) module: usize,
    pub(crate) bias: u64,
    pub(crate) reader: DebugReader<'a>,
    types: RefCell<HashMap<TypeRef, Result<Rc<Type>, DebugError>>>,
    members: RefCell<HashMap<TypeId, Rc<Members>>>,
    enumerators: RefCell<HashMap<TypeId, Rc<Vec<Enumerator>>>>,
    formats: RefCell<HashMap<TypeRef, Option<usize>>>,
    alignments: RefCell<HashMap<TypeRef, Option<u64>>>,
    /// Parameters by their names.
    parameters: RefCell<HashMap<TypeId, Parameters>>,
    /// What implements a trait, by the place of its table of functions; none before it is asked for.
    implementers: RefCell<Option<HashMap<Address, TypeRef>>>,
    /// Lists that are gone through, by the expression of the next node and the first node.
    pub(super) walked: RefCell<HashMap<(usize, i128), Walked>>,
}

/// What of a type's parameters was asked for: each with its name; none of those that it has not.
type Parameters = Vec<(String, Option<TypeRef>)>;

/// How far a list was gone through.
#[derive(Default)]
pub(super) struct Walked {
    /// The node to go on at.
    pub(super) at: i128,
    /// Those before it.
    pub(super) nodes: Vec<i128>,
    /// The same: a list has each once.
    pub(super) seen: HashSet<i128>,
}

impl<'a> Known<'a> {
    pub(crate) fn new(module: usize, bias: u64, reader: DebugReader<'a>) -> Known<'a> {
        Known {
            module,
            bias,
            reader,
            types: RefCell::default(),
            members: RefCell::default(),
            enumerators: RefCell::default(),
            formats: RefCell::default(),
            alignments: RefCell::default(),
            parameters: RefCell::default(),
            implementers: RefCell::default(),
            walked: RefCell::default(),
        }
    }

    fn type_of(&self, id: &TypeRef) -> Result<Rc<Type>, DebugError> {
        if let Some(known) = self.types.borrow().get(id) {
            return known.clone();
        }
        let found = self.reader.type_of(id).map(Rc::new);
        self.types.borrow_mut().insert(id.clone(), found.clone());
        found
    }

    /// What a type was made for by this name: a parameter, or a name that the class gives a type. Compilers leave out
    /// parameters of some classes, and names that nothing in the class uses.
    pub(super) fn parameter(&self, id: TypeId, name: &str) -> Result<Option<TypeRef>, ValueError> {
        let mut parameters = self.parameters.borrow_mut();
        let of_type = parameters.entry(id).or_default();
        if let Some((_, known)) = of_type.iter().find(|(known, _)| known == name) {
            return Ok(known.clone());
        }
        let generics = self.reader.generics(id.0).map_err(damaged)?;
        let mut generics = generics.into_iter();
        let generic = generics.find(|generic| generic.name.as_deref() == Some(name));
        let found = match generic {
            Some(generic) => Some(generic.type_ref),
            None => self.reader.inner_type(id, name).map(TypeRef::Entry),
        };
        of_type.push((name.to_owned(), found.clone()));
        Ok(found)
    }

    /// What the addresses of a type's values are multiples of.
    pub(super) fn alignment_of(&self, id: &TypeRef) -> Option<u64> {
        if let Some(known) = self.alignments.borrow().get(id) {
            return *known;
        }
        let found = self.reader.alignment_of(id);
        self.alignments.borrow_mut().insert(id.clone(), found);
        found
    }

    /// What is remembered of a type's formatter, or what `find` finds.
    pub(super) fn format_of(&self, id: &TypeRef, find: impl FnOnce() -> Option<usize>) -> Option<usize> {
        if let Some(known) = self.formats.borrow().get(id) {
            return *known;
        }
        let found = find();
        self.formats.borrow_mut().insert(id.clone(), found);
        found
    }
}

/// What work on values stands on.
pub(crate) struct Ground<'g, 'r, 'a> {
    pub(crate) modules: &'r [Known<'a>],
    /// The thread's frames, from the innermost on.
    pub(crate) frames: &'g [ValueFrame<'r, 'a>],
    /// The frame that variables are looked at in.
    pub(crate) level: usize,
    pub(crate) source: Source<'g>,
    pub(crate) formats: Formatters,
}

impl<'r, 'a> Ground<'_, 'r, 'a> {
    pub(crate) fn known(&self, module: usize) -> Result<&'r Known<'a>, ValueError> {
        let found = self.modules.iter().find(|known| known.module == module);
        found.ok_or(ValueError::Damaged("a module without debug information"))
    }

    /// A variable of a module.
    pub(crate) fn variable(&mut self, module: usize, id: DieId) -> Value {
        let located = self.known(module).map(|known| {
            let type_ref = known.reader.type_of_entry(id);
            let place = locate(&known.reader, known.bias, id, self.frames, self.level, &mut self.source);
            (type_ref, place)
        });
        let (type_ref, place) = located.unwrap_or_else(|error| (TypeRef::Void, Err(error)));
        Value {
            module,
            type_ref,
            place,
            bits: None,
        }
    }

    /// A type with its name.
    pub(crate) fn type_of(&self, module: usize, id: &TypeRef) -> Result<Rc<Type>, ValueError> {
        self.known(module)?.type_of(id).map_err(damaged)
    }

    /// A type, through typedefs and qualifiers.
    pub(crate) fn stripped(&self, module: usize, id: &TypeRef) -> Result<Rc<Type>, ValueError> {
        let known = self.known(module)?;
        let mut id = id.clone();
        for _ in 0..64 {
            let found = known.type_of(&id).map_err(damaged)?;
            match &found.kind {
                TypeKind::Typedef(target) | TypeKind::Qualified(_, target) => id = target.clone(),
                TypeKind::Record { declaration: true, .. } | TypeKind::Enum { declaration: true, .. } => {
                    let own = id.id().ok_or(ValueError::Damaged("a type without an entry"))?;
                    let definition = known.reader.definition(own);
                    return match definition == own {
                        true => Ok(found),
                        false => known.type_of(&definition.into()).map_err(damaged),
                    };
                }
                _ => return Ok(found),
            }
        }
        Err(ValueError::Damaged("types that name each other"))
    }

    /// What to say of a type that is only declared, once all is known of it.
    pub(crate) fn why_incomplete(&mut self, module: usize, id: &TypeRef) -> Result<&'static str, ValueError> {
        let reader = &self.known(module)?.reader;
        match id.id().map(|id| reader.definition_of(id)) {
            Some(Definition::Unindexed) if self.source.wants_index(module) => Err(ValueError::NotYet),
            Some(Definition::Ambiguous) => {
                Ok("incomplete type: it is defined differently in several units, not in this one")
            }
            _ => Ok("incomplete type"),
        }
    }

    /// Whether a value is a structure.
    pub(crate) fn is_record(&self, value: &Value) -> bool {
        let found = self.stripped(value.module, &value.type_ref);
        found.is_ok_and(|found| matches!(found.kind, TypeKind::Record { .. }))
    }

    /// How many bytes a value has.
    pub(crate) fn size_of(&self, value: &Value) -> Option<u64> {
        let found = self.stripped(value.module, &value.type_ref).ok()?;
        found.size
    }

    /// The first bytes of a value.
    pub(crate) fn bytes_of(&mut self, value: &Value, size: u64) -> Result<Vec<u8>, ValueError> {
        let place = value.place.as_ref().map_err(Clone::clone)?;
        match value.bits {
            None => place.read(size, &mut self.source),
            Some(bits) => {
                let number = place.read_bits(bits, &mut self.source)?;
                let signed = self.known(value.module)?.reader.is_signed(&value.type_ref);
                let negative = signed && bits.size > 0 && number >> (bits.size - 1) & 1 == 1;
                let number = if negative {
                    number | u128::MAX << bits.size
                } else {
                    number
                };
                let size = usize::try_from(size).unwrap_or(16).min(16);
                Ok(number.to_le_bytes().get(..size).unwrap_or_default().to_vec())
            }
        }
    }

    /// A number, an address, or what an enumerator stands for.
    pub(crate) fn number(&mut self, value: &Value) -> Result<i128, ValueError> {
        let size = self.size_of(value).unwrap_or(8);
        if size > 16 {
            return Err(ValueError::Unsupported("numbers of this size"));
        }
        let found = self.stripped(value.module, &value.type_ref)?;
        if let TypeKind::Base(Encoding::Reversed(_)) = found.kind {
            return Err(ValueError::Unsupported(
                "computing with numbers in the other byte order",
            ));
        }
        let bytes = self.bytes_of(value, size)?;
        let signed = self.known(value.module)?.reader.is_signed(&value.type_ref);
        Ok(integer(&bytes, signed))
    }

    /// What a pointer or reference leads to.
    pub(crate) fn target(&mut self, value: &Value) -> Result<Value, ValueError> {
        let found = self.stripped(value.module, &value.type_ref)?;
        let target = found
            .target()
            .ok_or(ValueError::Unsupported("following what is no pointer"))?
            .clone();
        if let Some((to, offset)) = value.place.as_ref().ok().and_then(Place::led_to) {
            let there = self.variable(value.module, to);
            let place = there
                .place?
                .at(u64::try_from(offset).map_err(|_| ValueError::SyntheticPointer)?);
            return Ok(value.other(target, Ok(place)));
        }
        let address = self.number(value)? as u64;
        Ok(Value::memory(value.module, target, Address(address)))
    }

    /// The members of a value's type.
    pub(crate) fn members(&self, value: &Value) -> Result<Rc<Members>, ValueError> {
        let known = self.known(value.module)?;
        let found = self.stripped(value.module, &value.type_ref)?;
        let id = found
            .id
            .id()
            .ok_or(ValueError::Unsupported("members of what has none"))?;
        if let Some(members) = known.members.borrow().get(&id) {
            return Ok(Rc::clone(members));
        }
        let members = Rc::new(known.reader.members(id).map_err(damaged)?);
        known.members.borrow_mut().insert(id, Rc::clone(&members));
        Ok(members)
    }

    pub(crate) fn enumerators(&self, module: usize, id: TypeId) -> Result<Rc<Vec<Enumerator>>, ValueError> {
        let known = self.known(module)?;
        if let Some(found) = known.enumerators.borrow().get(&id) {
            return Ok(Rc::clone(found));
        }
        let found = Rc::new(known.reader.enumerators(id).map_err(damaged)?);
        known.enumerators.borrow_mut().insert(id, Rc::clone(&found));
        Ok(found)
    }

    /// One member of a value.
    pub(crate) fn member(&mut self, value: &Value, member: &Member) -> Value {
        let place = match (&value.place, member.place) {
            (_, MemberPlace::Static) => return self.static_member(value.module, member.id),
            (Err(error), _) => Err(error.clone()),
            (Ok(place), MemberPlace::At(offset)) => Ok(place.at(offset)),
            (Ok(place), MemberPlace::Computed) => match (place.address(), self.known(value.module)) {
                (Some(object), Ok(known)) => {
                    locate_member(&known.reader, known.bias, member.id, object, &mut self.source).map(Place::Memory)
                }
                _ => Err(ValueError::Unsupported("virtual base classes outside of memory")),
            },
        };
        Value {
            module: value.module,
            type_ref: member.type_ref.clone(),
            place,
            bits: member.bits,
        }
    }

    /// What implements a trait of Rust's with the table of functions at this address; none where nothing says. The
    /// tables are variables of the program, which an index finds.
    pub(super) fn implementer(&mut self, module: usize, table: Address) -> Result<Option<TypeRef>, ValueError> {
        let known = self.known(module)?;
        if known.implementers.borrow().is_none() {
            let Some(index) = known.reader.info().ready_index() else {
                return match self.source.wants_index(module) {
                    true => Err(ValueError::NotYet),
                    false => Ok(None),
                };
            };
            let mut tables = Vec::new();
            let pattern = Pattern::new(TABLES_OF_FUNCTIONS);
            let each = |_: &str, named: Named| {
                tables.push(named.id);
                tables.len() < MOST_TABLES
            };
            let watch = Watch::default();
            let _never_cancelled = index.matching(&known.reader, NameKind::Variable, &pattern, &watch, each);
            let mut found = HashMap::new();
            for id in tables {
                let Value { type_ref, place, .. } = self.variable(module, id);
                let of = type_ref.id().and_then(|id| known.reader.containing_type(id));
                if let (Ok(Some(address)), Some(of)) = (place.map(|place| place.address()), of) {
                    found.insert(address, of.into());
                }
            }
            *known.implementers.borrow_mut() = Some(found);
        }
        let implementers = known.implementers.borrow();
        Ok(implementers.as_ref().and_then(|found| found.get(&table)).cloned())
    }

    /// A static member: where its declaration says, or at its definition, which is an entry of its own and often in
    /// another unit or module. The symbol table finds it by its name there; an index, where one is ready, by its name.
    pub(crate) fn static_member(&mut self, module: usize, id: DieId) -> Value {
        let mut found = self.variable(module, id);
        if found.place != Err(ValueError::OptimizedOut) {
            return found;
        }
        let Ok(known) = self.known(module) else {
            return found;
        };
        let raw_name = known.reader.linkage_name(id);
        // In C it is the name itself, as nothing is around it.
        let raw_name = raw_name.or_else(|| known.reader.qualified_name(id).filter(|name| !name.contains("::")));
        if let Some(name) = raw_name
            && let Some(address) = self.source.data_symbol(module, &name)
        {
            found.place = Ok(Place::Memory(address));
            return found;
        }
        let definition = known.reader.qualified_name(id).and_then(|name| {
            let index = known.reader.info().ready_index()?;
            let mut named = index.variables(&known.reader, &name).into_iter();
            named.find(|named| named.role == Role::Definition)
        });
        if let Some(definition) = definition {
            found.place = self.variable(module, definition.id).place;
        }
        found
    }

    /// A member by its name, those of base classes and anonymous members included.
    pub(crate) fn field(&mut self, value: &Value, name: &str) -> Result<Option<Value>, ValueError> {
        self.field_within(value, name, &mut HashSet::new(), MOST_NESTED)
    }

    /// `without` are types that are known not to have it: damaged ones are their own base classes, several times each.
    fn field_within(
        &mut self,
        value: &Value,
        name: &str,
        without: &mut HashSet<TypeRef>,
        depth: u32,
    ) -> Result<Option<Value>, ValueError> {
        let Some(depth) = depth.checked_sub(1) else {
            return Ok(None);
        };
        let members = self.members(value)?;
        if let Some(member) = members.list.iter().find(|member| member.name.as_deref() == Some(name)) {
            return Ok(Some(self.member(value, member)));
        }
        without.insert(value.type_ref.clone());
        for member in &members.list {
            let within = matches!(member.kind, MemberKind::Base | MemberKind::VirtualBase) || member.name.is_none();
            if within && !without.contains(&member.type_ref) {
                let inner = self.member(value, member);
                if let Some(found) = self.field_within(&inner, name, without, depth)? {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    /// The variant that a value is, with its own members.
    pub(crate) fn variant<'m>(
        &mut self,
        value: &Value,
        members: &'m Members,
    ) -> Result<Option<&'m Variant>, ValueError> {
        let Some(part) = &members.variants else {
            return Ok(None);
        };
        let Some(discriminant) = &part.discriminant else {
            return Ok(part.variants.first());
        };
        let found = self.member(value, discriminant);
        let number = self.number(&found)?;
        Ok(part.variant(number))
    }

    /// What an array's elements are, and how many; none where nobody says.
    pub(crate) fn elements(&mut self, value: &Value) -> Result<Elements, ValueError> {
        let found = self.stripped(value.module, &value.type_ref)?;
        let TypeKind::Array {
            element,
            count,
            stride,
            bound,
        } = &found.kind
        else {
            return Err(ValueError::Unsupported("elements of what has none"));
        };
        let known = self.known(value.module)?;
        let count = match (count, bound) {
            (Some(count), _) => Some(*count),
            (None, Some(bound)) => Some(element_count(
                &known.reader,
                known.bias,
                *bound,
                self.frames,
                self.level,
                &mut self.source,
            )?),
            (None, None) => None,
        };
        let stride = match stride {
            Some(stride) => *stride,
            None => self.span(value.module, element)?,
        };
        Ok(Elements {
            element: element.clone(),
            count,
            stride,
        })
    }

    /// Bytes from one element of this type to the next; those of an array whose length is computed included.
    fn span(&mut self, module: usize, type_ref: &TypeRef) -> Result<u64, ValueError> {
        let found = self.stripped(module, type_ref)?;
        if let Some(size) = found.size {
            return Ok(size);
        }
        if !matches!(found.kind, TypeKind::Array { bound: Some(_), .. }) {
            return Err(ValueError::Unsupported("elements without a size"));
        }
        let nowhere = Value::memory(module, found.id.clone(), Address(0));
        let inner = self.elements(&nowhere)?;
        inner
            .count
            .and_then(|count| count.checked_mul(inner.stride))
            .ok_or(ValueError::Damaged("an array of arrays without end"))
    }

    /// Reads memory that no value describes.
    pub(crate) fn memory(&mut self, address: Address, size: usize) -> Result<Vec<u8>, ValueError> {
        use farsight_symbols::ReadOutcome;
        let mut bytes = vec![0; size];
        match self.source.read(address, &mut bytes) {
            ReadOutcome::Read => Ok(bytes),
            ReadOutcome::NotYet => Err(ValueError::NotYet),
            ReadOutcome::Unreadable => Err(ValueError::Unreadable { at: address }),
        }
    }
}

/// What an array is made of.
#[derive(Clone, Debug)]
pub(crate) struct Elements {
    pub(crate) element: TypeRef,
    pub(crate) count: Option<u64>,
    /// Bytes from one to the next.
    pub(crate) stride: u64,
}

/// A little-endian number of at most 16 bytes.
pub(super) fn integer(bytes: &[u8], signed: bool) -> i128 {
    let fill = match bytes.last() {
        Some(last) if signed && last & 0x80 != 0 => 0xff,
        _ => 0,
    };
    let mut whole = [fill; 16];
    for (into, byte) in whole.iter_mut().zip(bytes) {
        *into = *byte;
    }
    i128::from_le_bytes(whole)
}

pub(super) fn damaged(error: DebugError) -> ValueError {
    match error {
        DebugError::Damaged(_) => ValueError::Damaged("a type that cannot be read"),
        DebugError::Reference => ValueError::Damaged("a reference to a type leads nowhere"),
        DebugError::Elsewhere => ValueError::Damaged("its type is in a file that is not here"),
        DebugError::Section(name) => ValueError::Damaged(name),
    }
}
