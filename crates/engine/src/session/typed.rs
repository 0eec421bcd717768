//! The session as C++ expressions see it: variables with types, types by name, memory, registers.
//!
//! Names are looked for from the inside out: variables of the chosen frame, then those of the module that it is in, of
//! the program, of all others. What is not here is fetched on the way. Read [`TypedScope`] first.

mod containers;
mod enumerators;
mod names;
mod places;
mod shapes;
mod show;
mod types_named;

pub(crate) use names::split as split_name;
pub(crate) use shapes::in_module as cpp_type_in_module;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use farsight_symbols::{DebugInfo, Place as Stored, TypeKind};
use farsight_types::registers::amd64;
use farsight_types::{Address, AddressRange};

use super::Session;
use super::locals::FrameLocals;
use crate::error::CommandError;
use crate::expression::cpp::{
    self, CppScope, CppType, Held, Index, KnownMember, KnownType, NameKind, Names, Operand, Shape, Space, basic_named,
};
use crate::expression::{ExprError, ExprErrorKind, Scope, ScopeError, part_value, register_part};
use crate::values::Key;

/// Languages inside of languages; each level takes stack.
const MOST_NESTED: u32 = 4;
/// Bytes that one value has at most.
const MOST_BYTES: u64 = 16 << 20;

/// See the module.
pub(crate) struct TypedScope<'a> {
    pub(crate) session: &'a mut Session,
    /// What went wrong below the expression.
    pub(super) fault: Option<CommandError>,
    /// How deep languages are nested in each other.
    depth: u32,
    shapes: HashMap<KnownType, Rc<Shape>>,
    names: HashMap<String, Option<Operand>>,
    /// The chosen frame, once it was asked about.
    frame: Option<Rc<FrameLocals>>,
    /// The scopes around the chosen frame's function, the innermost first.
    around: Option<Rc<[String]>>,
    /// The types that its function declares, with their module.
    local_types: Option<Option<(Address, enumerators::LocalTypes)>>,
    /// Names that were not found in these, with what was taken for them.
    pub(crate) elsewhere: Vec<(String, String)>,
    /// Variables that are not in memory.
    pub(super) parts: Vec<Stored>,
}

impl Session {
    /// Parses and evaluates a whole text, which stands at `at` of the line, and does something with the value.
    pub(crate) fn with_typed<T>(
        &mut self,
        text: &str,
        at: usize,
        run: impl FnOnce(&mut TypedScope<'_>, Operand) -> Result<T, ExprError>,
    ) -> Result<T, CommandError> {
        self.in_typed_scope(at, |scope| {
            let node = cpp::parse(text, scope)?;
            let operand = cpp::evaluate(text, &node, scope)?;
            run(scope, operand)
        })
    }

    /// Does something with the session as C++ sees it.
    pub(crate) fn in_typed_scope<T>(
        &mut self,
        at: usize,
        run: impl FnOnce(&mut TypedScope<'_>) -> Result<T, ExprError>,
    ) -> Result<T, CommandError> {
        let mut scope = TypedScope::new(self, 0);
        let result = run(&mut scope);
        match (result, scope.fault.take()) {
            (Ok(value), _) => Ok(value),
            (Err(_), Some(fault)) => Err(fault),
            (Err(error), None) => Err(CommandError::Expression(scope.with_similar(error).shifted(at))),
        }
    }
}

impl<'a> TypedScope<'a> {
    pub(super) fn new(session: &'a mut Session, depth: u32) -> TypedScope<'a> {
        TypedScope {
            session,
            fault: None,
            depth,
            shapes: HashMap::new(),
            names: HashMap::new(),
            frame: None,
            around: None,
            local_types: None,
            elsewhere: Vec::new(),
            parts: Vec::new(),
        }
    }

    /// An error about a name that names nothing, with names that are written nearly so.
    fn with_similar(&mut self, error: ExprError) -> ExprError {
        let ExprErrorKind::Unresolved { near } = &error.kind else {
            return error;
        };
        let is_part = |letter: char| letter.is_alphanumeric() || "_:!".contains(letter);
        let end = near.find(|letter| !is_part(letter)).unwrap_or(near.len());
        let similar = self.near_misses(near.get(..end).unwrap_or_default());
        if similar.is_empty() {
            return error;
        }
        let (near, similar) = (near.clone(), similar.join(", "));
        ExprError::new(error.position, ExprErrorKind::Similar { near, similar })
    }

    /// The value of a text as arguments of commands take it, and the length of what was read.
    pub(super) fn number(&mut self, text: &str, whole: bool) -> Result<(u64, usize), ExprError> {
        if self.depth > MOST_NESTED {
            let near = text.chars().take(40).collect();
            return Err(ExprError::new(0, ExprErrorKind::TooDeep { near }));
        }
        let (node, length) = match whole {
            true => (cpp::parse(text, self)?, text.len()),
            false => cpp::parse_prefix(text, self)?,
        };
        let operand = cpp::evaluate(text, &node, self)?;
        Ok((cpp::as_number(text, &operand, self)?, length))
    }

    /// Turns failures into a scope's: memory that is not there is the expression's affair, the rest is not.
    pub(super) fn answer<T>(&mut self, result: Result<T, CommandError>) -> Result<T, ScopeError> {
        result.map_err(|error| match error {
            CommandError::Unreadable { at } => ScopeError::Unreadable { at },
            CommandError::NoDebuggee => ScopeError::Unavailable {
                why: "No runnable debuggees error".into(),
            },
            error => {
                let why = error.to_string();
                self.fault.get_or_insert(error);
                ScopeError::Unavailable { why }
            }
        })
    }

    /// The debug information of the module that begins at an address, and what is added to its places.
    pub(crate) fn debug_of(&mut self, base: Address) -> Option<(Arc<DebugInfo>, u64)> {
        let modules = &self.session.process().ok()?.modules;
        let module = modules.iter().find(|module| module.image.base == base)?;
        let info = module.loaded()?.debug()?;
        Some((Arc::clone(info), module.image.bias))
    }

    fn register_value(&mut self, name: &str) -> Result<Option<u64>, ScopeError> {
        if self.session.current.is_none() {
            return Ok(None);
        }
        let registers = self.session.scope_registers();
        let registers = self.answer(registers)?;
        if let Some(value) = registers.by_name(name) {
            return Ok(Some(value));
        }
        if let Some(part) = register_part(name).filter(|part| part.whole != name) {
            return Ok(registers.by_name(&part.whole).map(|whole| part_value(&part, whole)));
        }
        if !amd64::DEBUG.contains(&name) {
            return Ok(None);
        }
        let all = self.session.all_registers();
        Ok(self.answer(all)?.by_name(name))
    }
}

/// The type of integer registers, and of what has none of its own.
fn word() -> CppType {
    basic_named("unsigned long").unwrap_or(CppType::Unknown)
}

/// The type of addresses.
fn bytes() -> CppType {
    basic_named("unsigned char").unwrap_or(CppType::Unknown).pointer()
}

impl Names for TypedScope<'_> {
    fn kind_of(&mut self, name: &str) -> Result<NameKind, ScopeError> {
        // Types before global variables: they are near, and looking for what is not there goes through all modules.
        if self.local(name)?.is_some() {
            return Ok(NameKind::Value);
        }
        if basic_named(name).is_some() || self.find_type(name, true)?.is_some() {
            return Ok(NameKind::Type);
        }
        if self.variable(name)?.is_some() {
            return Ok(NameKind::Value);
        }
        Ok(match self.type_named(name)? {
            Some(_) => NameKind::Type,
            None => NameKind::Nothing,
        })
    }
}

impl CppScope for TypedScope<'_> {
    fn variable(&mut self, name: &str) -> Result<Option<Operand>, ScopeError> {
        if let Some(known) = self.names.get(name) {
            return Ok(known.clone());
        }
        let found = self.find_variable(name)?;
        self.names.insert(name.to_owned(), found.clone());
        Ok(found)
    }

    fn local(&mut self, name: &str) -> Result<Option<Operand>, ScopeError> {
        match self.session.current.is_some() && !name.contains(['!', ':']) {
            true => self.find_local(name),
            false => Ok(None),
        }
    }

    fn type_of_this(&mut self) -> Option<CppType> {
        self.find_type_of_this()
    }

    fn type_named(&mut self, name: &str) -> Result<Option<CppType>, ScopeError> {
        self.find_type(name, false)
    }

    fn shape(&mut self, of: &KnownType) -> Result<Rc<Shape>, ScopeError> {
        if let Some(known) = self.shapes.get(of) {
            return Ok(Rc::clone(known));
        }
        let shape = Rc::new(self.shape_of(of)?);
        self.shapes.insert(of.clone(), Rc::clone(&shape));
        Ok(shape)
    }

    fn type_name(&mut self, of: &KnownType) -> String {
        match self.debug_of(of.module) {
            Some((info, _)) => info.reader().type_name(&of.of),
            None => "<unloaded type>".to_owned(),
        }
    }

    fn read(&mut self, space: Space, at: u64, size: u64) -> Result<Vec<u8>, ScopeError> {
        if size > MOST_BYTES {
            return Err(ScopeError::Unavailable {
                why: format!("A value of {size:#x} bytes is too large"),
            });
        }
        if let Space::Variable(number) = space {
            return self.read_parts(number, at, size);
        }
        let bytes = self.session.read_memory(AddressRange::new(Address(at), size));
        let bytes = self.answer(bytes)?;
        match (bytes.len() as u64) < size {
            true => Err(ScopeError::Unreadable {
                at: Address(at.wrapping_add(bytes.len() as u64)),
            }),
            false => Ok(bytes),
        }
    }

    fn write(&mut self, space: Space, at: u64, bytes: &[u8]) -> Result<(), ScopeError> {
        if let Space::Variable(number) = space {
            return self.write_parts(number, at, bytes);
        }
        let written = self.session.write_memory(Address(at), bytes.to_vec());
        self.answer(written)
    }

    fn register(&mut self, name: &str) -> Result<Option<Operand>, ScopeError> {
        let value = self.register_value(name)?;
        let of = if name == "rip" { bytes() } else { word() };
        Ok(value.map(|value| Operand::integer(of, value.into())))
    }

    fn pseudo(&mut self, name: &str) -> Result<Option<Operand>, ScopeError> {
        let number = name.strip_prefix('t').and_then(|number| number.parse::<usize>().ok());
        if let Some(typed) = number.and_then(|number| self.session.memos.typed_variables.get(&number)) {
            return Ok(Some(typed.clone()));
        }
        const ADDRESSES: [&str; 8] = ["ip", "ra", "csp", "eventip", "previp", "scopeip", "exentry", "relip"];
        let is_address = ADDRESSES.contains(&name) || name.starts_with("bp") && number.is_none();
        let value = self.masm_scope(|scope| scope.pseudo(name))?;
        let of = if is_address { bytes() } else { word() };
        Ok(value.map(|value| Operand::integer(of, value.into())))
    }

    fn masm(&mut self, text: &str) -> Result<u64, ScopeError> {
        if self.depth > MOST_NESTED {
            return Err(ScopeError::Unavailable {
                why: "Languages are nested too deeply".into(),
            });
        }
        let evaluator = crate::expression::Evaluator::new(self.session.memos.radix);
        let value = self.masm_scope(|scope| Ok(evaluator.evaluate(text, scope)))?;
        value.map_err(|error| ScopeError::Unavailable { why: error.to_string() })
    }

    fn element(&mut self, of: &Operand, index: &Index) -> Result<Option<Operand>, ScopeError> {
        let key = match index {
            Index::Number(number) => Key::Number(*number),
            Index::Text(text) => Key::Text(String::from_utf8_lossy(text).into_owned()),
        };
        self.element_of(of, &key)
    }

    fn follow(&mut self, of: &Operand) -> Result<Option<Operand>, ScopeError> {
        self.led_to(of)
    }

    fn member_pointer(&mut self, of: &KnownType) -> Option<(CppType, CppType)> {
        let (info, _) = self.debug_of(of.module)?;
        match info.reader().kind_of(&of.of).ok()? {
            TypeKind::MemberPointer { target, class } => {
                Some((shapes::known(of.module, target), shapes::known(of.module, class)))
            }
            _ => None,
        }
    }

    fn copies_as_bytes(&mut self, of: &KnownType) -> bool {
        let info = self.debug_of(of.module);
        info.is_some_and(|(info, _)| info.reader().copies_as_bytes(&of.of).unwrap_or(false))
    }

    fn computed_member(&mut self, member: &KnownMember, object: u64) -> Result<u64, ScopeError> {
        self.place_of_base(member, object)
    }

    fn static_member(&mut self, member: &KnownMember) -> Result<Operand, ScopeError> {
        self.variable_of_class(member)
    }

    fn whole_object(&mut self, part: u64) -> Result<Option<(CppType, u64)>, ScopeError> {
        self.whole_of(part)
    }

    fn variant(&mut self, of: &Operand) -> Result<Option<u32>, ScopeError> {
        self.active_variant(of)
    }
}

impl TypedScope<'_> {
    /// Asks the session as MASM sees it.
    fn masm_scope<T>(
        &mut self,
        run: impl FnOnce(&mut super::names::SessionScope<'_>) -> Result<T, ScopeError>,
    ) -> Result<T, ScopeError> {
        let mut scope = super::names::SessionScope {
            session: self.session,
            fault: None,
            depth: self.depth + 1,
        };
        let result = run(&mut scope);
        if let Some(fault) = scope.fault {
            self.fault.get_or_insert(fault);
        }
        result
    }

    /// A type as it is written, such as `Node *` or `unsigned int`.
    pub(crate) fn written_type(&mut self, name: &str) -> Option<CppType> {
        let written = cpp::parse_type(name, self).ok()?;
        cpp::resolve_type(name, &written, self).ok()
    }

    /// A value as what shows values takes it: the module, the type in it, and where it is.
    pub(crate) fn shown(
        &mut self,
        operand: &Operand,
    ) -> Result<(Option<Address>, farsight_symbols::TypeRef, Stored), ScopeError> {
        let (module, of) = shapes::in_module(&operand.of);
        let place =
            match &operand.held {
                Held::Place(place) => match place.space {
                    Space::Memory => Stored::Memory(Address(place.at)),
                    Space::Variable(number) => self.parts.get(number as usize).map(|parts| parts.at(place.at)).ok_or(
                        ScopeError::Unavailable {
                            why: "The variable is gone".into(),
                        },
                    )?,
                },
                Held::Integer(value) => Stored::value(value.to_le_bytes().to_vec()),
                Held::Float(value) => {
                    let format = cpp::float_format(&operand.of, self);
                    let bytes = format.and_then(|format| cpp::float::bytes(*value, format));
                    Stored::value(bytes.unwrap_or_default())
                }
                Held::Bytes(bytes) => Stored::value(bytes.to_vec()),
            };
        Ok((module, of, place))
    }
}
