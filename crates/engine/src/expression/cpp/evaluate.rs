//! The evaluator: a tree and a scope in, a typed value or place out.
//!
//! Arithmetic is C's: small numbers become `int`, mixed ones the larger, and what does not fit wraps. Numbers of Rust
//! keep their types. Only assignments and steps change anything, at the moment they are evaluated.

mod arithmetic;
mod cast;
mod field;

use super::ast::{Binary, Built, CastKind, Node, NodeKind, TypeName, Unary};
use super::number;
use super::scope::CppScope;
use super::value::{CppType, Encoding, Held, Operand, Place, Shape, Space, basic_named};
use crate::expression::error::near;
use crate::expression::{ExprError, ExprErrorKind, ScopeError};

/// How many names of names of a type are followed.
const MOST_ALIASES: usize = 64;
/// Bytes of a value that an assignment copies.
const MOST_COPIED: u64 = 1 << 20;

const REGISTERS: &str = "Registers are set with r, typed ones with r?";

/// Walks one tree.
pub(super) struct Walk<'t, 's> {
    pub(super) text: &'t str,
    pub(super) scope: &'s mut dyn CppScope,
}

/// A value ready for arithmetic.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    pub(super) of: CppType,
    pub(super) shape: Shape,
    pub(super) value: Scalar,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar {
    /// Sign-extended, or zero-extended, to 128 bits.
    Integer(u128),
    Float(f64),
}

type Outcome<T> = Result<T, ExprError>;

impl Walk<'_, '_> {
    /// A node, in functions apart: what is nested keeps only the frames of its operators on the stack.
    pub(super) fn node(&mut self, node: &Node) -> Outcome<Operand> {
        match &node.kind {
            NodeKind::Integer { .. }
            | NodeKind::Float { .. }
            | NodeKind::Text(_)
            | NodeKind::Name(_)
            | NodeKind::Register(_)
            | NodeKind::Pseudo(_)
            | NodeKind::Masm(_) => self.leaf(node),
            NodeKind::Unary(sign, of) => self.unary(*sign, of, node.at),
            NodeKind::Step { up, behind, of } => self.step(*up, *behind, of, node.at),
            NodeKind::Binary(operator, left, right) => self.both(*operator, left, right, node.at),
            NodeKind::AndThen(left, right) => self.logical(left, right, false),
            NodeKind::OrElse(left, right) => self.logical(left, right, true),
            NodeKind::Comma(left, right) => {
                self.node(left)?;
                self.node(right)
            }
            NodeKind::Choice(condition, first, second) => match self.truth(condition)? {
                true => self.node(first),
                false => self.node(second),
            },
            NodeKind::Assign(operator, left, right) => self.assignment(*operator, left, right, node.at),
            NodeKind::Member { of, name, arrow } => {
                let of = self.node(of)?;
                self.member(of, name, *arrow, node.at)
            }
            NodeKind::Index(of, index) => self.indexed(of, index, node.at),
            NodeKind::Cast(kind, to, of) => self.cast_to(*kind, to, of, node.at),
            NodeKind::SizeOfType(_)
            | NodeKind::SizeOf(_)
            | NodeKind::FieldOffset(..)
            | NodeKind::FieldSize(..)
            | NodeKind::SizeThroughField(..)
            | NodeKind::ContainsField(..)
            | NodeKind::ContainingRecord(..)
            | NodeKind::NumberOf(_) => self.about_types(node),
        }
    }

    fn leaf(&mut self, node: &Node) -> Outcome<Operand> {
        let at = node.at;
        match &node.kind {
            NodeKind::Integer { value, type_name } => Ok(Operand::integer(CppType::c(type_name), *value)),
            NodeKind::Float { value, type_name } => Ok(Operand {
                of: CppType::c(type_name),
                held: Held::Float(*value),
            }),
            NodeKind::Text(bytes) => {
                let with_end: Vec<u8> = bytes.iter().copied().chain([0]).collect();
                Ok(Operand {
                    of: CppType::Array(CppType::c("char").into(), with_end.len() as u64),
                    held: Held::Bytes(with_end.into()),
                })
            }
            NodeKind::Name(name) => self.name(name, at),
            NodeKind::Register(name) => {
                let found = self.scope.register(name);
                self.found(found, at)
            }
            NodeKind::Pseudo(name) => {
                let found = self.scope.pseudo(name);
                let found = self.found(found, at)?;
                self.through_reference(found, at)
            }
            NodeKind::Masm(text) => {
                let value = self.scope.masm(text);
                let value = value.map_err(|error| self.failed(error, at))?;
                Ok(Operand::integer(CppType::c("unsigned long"), value.into()))
            }
            _ => Err(self.unresolved(at)),
        }
    }

    fn step(&mut self, up: bool, behind: bool, of: &Node, at: usize) -> Outcome<Operand> {
        if matches!(of.kind, NodeKind::Register(_) | NodeKind::Pseudo(_)) {
            return Err(self.wrong(of.at, REGISTERS));
        }
        let place = self.node(of)?;
        let before = self.load(&place, at)?;
        let one = self.loaded(CppType::c("int"), Scalar::Integer(1), at)?;
        let operator = if up { Binary::Add } else { Binary::Subtract };
        let after = self.binary(operator, before.clone(), one, at)?;
        let changed = self.assign(&place, &after, at)?;
        Ok(match behind {
            true => self.unloaded(before),
            false => changed,
        })
    }

    fn both(&mut self, operator: Binary, left: &Node, right: &Node, at: usize) -> Outcome<Operand> {
        let left = self.value(left)?;
        let right = self.value(right)?;
        let value = self.binary(operator, left, right, at)?;
        Ok(self.unloaded(value))
    }

    /// `&&` and `||`: the right side is evaluated where the left does not decide.
    fn logical(&mut self, left: &Node, right: &Node, decides: bool) -> Outcome<Operand> {
        let value = match self.truth(left)? == decides {
            true => decides,
            false => self.truth(right)?,
        };
        Ok(Operand::integer(CppType::c("bool"), value.into()))
    }

    fn indexed(&mut self, of: &Node, index: &Node, at: usize) -> Outcome<Operand> {
        let of = self.node(of)?;
        let operand = self.node(index)?;
        if let Some(element) = self.by_text(&of, &operand, at)? {
            return self.through_reference(element, at);
        }
        let index = self.load(&operand, index.at)?;
        self.index(of, index, at)
    }

    fn cast_to(&mut self, kind: CastKind, to: &TypeName, of: &Node, at: usize) -> Outcome<Operand> {
        let of = self.node(of)?;
        let to = self.type_of(to)?;
        self.cast(kind, of, to, at)
    }

    fn about_types(&mut self, node: &Node) -> Outcome<Operand> {
        let at = node.at;
        match &node.kind {
            NodeKind::SizeOfType(of) => {
                let of = self.type_of(of)?;
                self.size_value(&of, at)
            }
            NodeKind::SizeOf(of) => {
                let of = self.node(of)?;
                self.size_value(&of.of, at)
            }
            NodeKind::FieldOffset(of, fields) => {
                let (offset, _) = self.field_at(of, fields, at)?;
                Ok(Operand::integer(CppType::c("unsigned long"), offset.into()))
            }
            NodeKind::FieldSize(of, fields) => {
                let (_, field) = self.field_at(of, fields, at)?;
                self.size_value(&field, at)
            }
            NodeKind::SizeThroughField(of, fields) => {
                let (offset, field) = self.field_at(of, fields, at)?;
                let size = self.size_of(&field, at)?;
                let end = u128::from(offset) + u128::from(size);
                Ok(Operand::integer(CppType::c("unsigned long"), end))
            }
            NodeKind::ContainsField(of, size, fields) => self.contains_field(of, size, fields, at),
            NodeKind::ContainingRecord(address, of, fields) => {
                let address = self.value(address)?;
                let (offset, _) = self.field_at(of, fields, at)?;
                let start = (self.integer(&address, at)? as u64).wrapping_sub(offset);
                let of = self.type_of(of)?;
                Ok(Operand::integer(of.pointer(), start.into()))
            }
            NodeKind::NumberOf(of) => {
                let of = self.node(of)?;
                match self.shape(&of.of, at)? {
                    Shape::Array(_, Some(count)) => Ok(Operand::integer(CppType::c("unsigned long"), count.into())),
                    _ => Err(self.wrong(at, "This is no array whose length is known")),
                }
            }
            _ => Err(self.unresolved(at)),
        }
    }

    /// As C++ looks for names: in the function, then in its class, then everywhere.
    fn name(&mut self, name: &str, at: usize) -> Outcome<Operand> {
        let found = self.scope.local(name);
        if let Some(found) = found.map_err(|error| self.failed(error, at))? {
            return self.through_reference(found, at);
        }
        // A member function's own fields need no `this->`.
        if name != "this" && !name.contains('!') {
            let this = self.scope.local("this");
            if let Some(this) = this.map_err(|error| self.failed(error, at))?
                && let Some(field) = self.member_if_any(this, name, at)?
            {
                return Ok(field);
            }
        }
        let found = self.scope.variable(name);
        match found.map_err(|error| self.failed(error, at))? {
            Some(found) => self.through_reference(found, at),
            None => Err(self.unresolved(at)),
        }
    }

    fn unary(&mut self, sign: Unary, of: &Node, at: usize) -> Outcome<Operand> {
        let operand = self.node(of)?;
        match sign {
            Unary::AddressOf => match (operand.address(), &operand.held) {
                (Some(address), _) => {
                    let of = match operand.of {
                        CppType::Unknown => CppType::c("void"),
                        of => of,
                    };
                    Ok(Operand::integer(of.pointer(), address.into()))
                }
                (None, Held::Place(place)) if place.bits.is_some() => Err(self.wrong(at, "A bit-field has no address")),
                (None, Held::Place(_)) => Err(self.wrong(at, "This is in a register and has no address")),
                (None, _) => Err(self.wrong(at, "A computed value has no address")),
            },
            Unary::Follow => self.follow(operand, at),
            Unary::Not => {
                let value = self.load(&operand, at)?;
                let not = !is_true(value.value);
                let of = CppType::c("bool");
                Ok(Operand::integer(of, not.into()))
            }
            Unary::Plus | Unary::Minus | Unary::Complement => {
                let value = self.load(&operand, at)?;
                let value = self.signed(sign, value, at)?;
                Ok(self.unloaded(value))
            }
        }
    }

    /// `*x`.
    pub(super) fn follow(&mut self, operand: Operand, at: usize) -> Outcome<Operand> {
        match self.shape(&operand.of, at)? {
            Shape::Pointer(to) => {
                if matches!(
                    self.shape(&to, at)?,
                    Shape::Number {
                        encoding: Encoding::Void,
                        ..
                    }
                ) {
                    return Err(self.wrong(at, "A void pointer does not say what it points to; cast it first"));
                }
                let pointer = self.load(&operand, at)?;
                let address = self.integer(&pointer, at)? as u64;
                self.through_reference(Operand::memory(to, address), at)
            }
            Shape::Array(of, _) => match operand.held {
                Held::Place(place) => Ok(Operand {
                    of,
                    held: Held::Place(place),
                }),
                _ => self.part(&operand, of, 0, at),
            },
            Shape::Function => Ok(operand),
            _ => {
                let followed = self.scope.follow(&operand);
                match followed.map_err(|error| self.failed(error, at))? {
                    Some(followed) => Ok(followed),
                    None => Err(self.wrong(at, "This is no pointer, or an empty one")),
                }
            }
        }
    }

    fn assignment(&mut self, operator: Option<Binary>, left: &Node, right: &Node, at: usize) -> Outcome<Operand> {
        if matches!(left.kind, NodeKind::Register(_) | NodeKind::Pseudo(_)) {
            return Err(self.wrong(left.at, REGISTERS));
        }
        let place = self.node(left)?;
        let right = self.node(right)?;
        if let (None, Shape::Record(_) | Shape::Array(..)) = (operator, self.shape(&place.of, at)?) {
            return self.copy(place, &right, at);
        }
        let right = self.load(&right, at)?;
        let value = match operator {
            None => right,
            Some(operator) => {
                let before = self.load(&place, at)?;
                self.binary(operator, before, right, at)?
            }
        };
        self.assign(&place, &value, at)
    }

    /// Copies a structure.
    fn copy(&mut self, to: Operand, from: &Operand, at: usize) -> Outcome<Operand> {
        let size = self.size_of(&to.of, at)?;
        if size != self.size_of(&from.of, at)? || self.name_of(&to.of) != self.name_of(&from.of) {
            return Err(self.wrong(at, "Structures are copied where their types are the same"));
        }
        if size > MOST_COPIED {
            return Err(self.wrong(at, "This is too large to be copied"));
        }
        let bytes = self.bytes(from, size, at)?;
        let Held::Place(place) = to.held else {
            return Err(self.wrong(at, "A computed value cannot be assigned to"));
        };
        let written = self.scope.write(place.space, place.at, &bytes);
        written.map_err(|error| self.failed(error, at))?;
        Ok(to)
    }

    /// Writes a number into a place, as the place's type has it.
    fn assign(&mut self, to: &Operand, value: &Loaded, at: usize) -> Outcome<Operand> {
        let Held::Place(place) = to.held else {
            return Err(self.wrong(at, "A computed value cannot be assigned to"));
        };
        let value = self.converted(value, &to.of, at)?;
        let size = self.size_of(&to.of, at)?;
        let bytes = match (value.value, place.bits) {
            (Scalar::Integer(value), Some(bits)) => {
                let before = self.read(place.space, place.at, bits_bytes(bits), at)?;
                number::put_bits(before, bits, value)
            }
            (Scalar::Float(value), _) => match number::float_bytes(value, size) {
                Some(bytes) => bytes,
                None => return Err(self.wrong(at, "Floating point of this size cannot be written")),
            },
            (Scalar::Integer(value), None) => number::integer_bytes(value, size),
        };
        let written = self.scope.write(place.space, place.at, &bytes);
        written.map_err(|error| self.failed(error, at))?;
        Ok(to.clone())
    }

    /// A value as arguments of commands take it.
    pub(super) fn number(&mut self, operand: &Operand) -> Outcome<u64> {
        if let (CppType::Unknown, Some(address)) = (&operand.of, operand.address()) {
            return Ok(address);
        }
        let value = self.load(operand, 0)?;
        let value = self.converted(&value, &CppType::c("long"), 0)?;
        Ok(self.integer(&value, 0)? as u64)
    }

    /// A value as it is kept for later.
    pub(super) fn kept(&mut self, operand: Operand) -> Outcome<Operand> {
        if let Shape::Record(_) | Shape::Array(..) | Shape::Function | Shape::Opaque = self.shape(&operand.of, 0)? {
            return match operand.held {
                Held::Place(Place {
                    space: Space::Variable(_),
                    ..
                }) => Err(self.wrong(
                    0,
                    "This is in registers, which change; only what is in memory can be kept",
                )),
                _ => Ok(operand),
            };
        }
        let value = self.load(&operand, 0)?;
        Ok(self.unloaded(value))
    }

    fn truth(&mut self, node: &Node) -> Outcome<bool> {
        Ok(is_true(self.value(node)?.value))
    }

    pub(super) fn value(&mut self, node: &Node) -> Outcome<Loaded> {
        let operand = self.node(node)?;
        self.load(&operand, node.at)
    }

    /// Reads what an operand holds. Arrays and functions become pointers.
    pub(super) fn load(&mut self, operand: &Operand, at: usize) -> Outcome<Loaded> {
        let shape = self.shape(&operand.of, at)?;
        let (of, size, encoding) = match &shape {
            Shape::Number {
                encoding: Encoding::Void,
                ..
            } => return Err(self.wrong(at, "void has no value")),
            Shape::Number { encoding, size } => (operand.of.clone(), *size, *encoding),
            Shape::Enum { size, signed } => {
                let encoding = if *signed { Encoding::Signed } else { Encoding::Unsigned };
                (operand.of.clone(), *size, encoding)
            }
            Shape::Pointer(_) => (operand.of.clone(), self.scope.pointer_size(), Encoding::Unsigned),
            Shape::Array(of, _) => return self.decayed(operand, of.clone(), at),
            Shape::Function => return self.decayed(operand, CppType::Function, at),
            Shape::Record(_) => return Err(self.wrong(at, "A structure is no number; name one of its fields")),
            Shape::Opaque => {
                return Err(self.wrong(
                    at,
                    "Nothing is known of this one's type; cast it, as in (int)x, or take its address",
                ));
            }
            Shape::Reference(_) | Shape::Alias(_) => return Err(self.wrong(at, "The type leads in circles")),
        };
        let value = match &operand.held {
            Held::Integer(value) => Scalar::Integer(number::extended(*value, size, encoding.is_signed())),
            Held::Float(value) => Scalar::Float(*value),
            Held::Bytes(bytes) => self.scalar(bytes, size, encoding, at)?,
            Held::Place(Place {
                space,
                at: start,
                bits: Some(bits),
            }) => {
                let bytes = self.read(*space, *start, bits_bytes(*bits), at)?;
                Scalar::Integer(number::take_bits(&bytes, *bits, encoding.is_signed()))
            }
            Held::Place(place) => {
                let bytes = self.read(place.space, place.at, size, at)?;
                self.scalar(&bytes, size, encoding, at)?
            }
        };
        Ok(Loaded { of, shape, value })
    }

    /// An array or function as a pointer.
    fn decayed(&mut self, operand: &Operand, to: CppType, at: usize) -> Outcome<Loaded> {
        let address = match (operand.address(), &operand.held) {
            (Some(address), _) => address,
            (None, Held::Integer(address)) => *address as u64,
            _ => return Err(self.wrong(at, "This is not in memory and has no address")),
        };
        Ok(Loaded {
            of: to.clone().pointer(),
            shape: Shape::Pointer(to),
            value: Scalar::Integer(address.into()),
        })
    }

    fn scalar(&mut self, bytes: &[u8], size: u64, encoding: Encoding, at: usize) -> Outcome<Scalar> {
        if encoding == Encoding::Float {
            let value = number::float(bytes, size);
            return value
                .map(Scalar::Float)
                .ok_or_else(|| self.wrong(at, "Floating point of this size cannot be read"));
        }
        if size > 16 {
            return Err(self.wrong(at, "A number of more than 128 bits cannot be computed with"));
        }
        Ok(Scalar::Integer(number::integer(bytes, size, encoding.is_signed())))
    }

    pub(super) fn unloaded(&self, value: Loaded) -> Operand {
        Operand {
            of: value.of,
            held: match value.value {
                Scalar::Integer(value) => Held::Integer(value),
                Scalar::Float(value) => Held::Float(value),
            },
        }
    }

    pub(super) fn loaded(&mut self, of: CppType, value: Scalar, at: usize) -> Outcome<Loaded> {
        let shape = self.shape(&of, at)?;
        Ok(Loaded { of, shape, value })
    }

    /// The bits of an integer or pointer.
    pub(super) fn integer(&self, value: &Loaded, at: usize) -> Outcome<u128> {
        match value.value {
            Scalar::Integer(value) => Ok(value),
            Scalar::Float(_) => Err(self.wrong(at, "Floating point cannot be used here")),
        }
    }

    pub(super) fn bytes(&mut self, of: &Operand, size: u64, at: usize) -> Outcome<Vec<u8>> {
        match &of.held {
            Held::Place(place) => self.read(place.space, place.at, size, at),
            Held::Bytes(bytes) => Ok(bytes.to_vec()),
            Held::Integer(value) => Ok(number::integer_bytes(*value, size)),
            Held::Float(value) => {
                number::float_bytes(*value, size).ok_or_else(|| self.wrong(at, "Floating point of this size"))
            }
        }
    }

    pub(super) fn read(&mut self, space: Space, start: u64, size: u64, at: usize) -> Outcome<Vec<u8>> {
        let bytes = self.scope.read(space, start, size);
        bytes.map_err(|error| self.failed(error, at))
    }

    /// A part of a value.
    pub(super) fn part(&mut self, of: &Operand, part: CppType, offset: u64, at: usize) -> Outcome<Operand> {
        let held = match &of.held {
            Held::Place(place) => Held::Place(Place {
                at: place.at.wrapping_add(offset),
                ..*place
            }),
            Held::Bytes(bytes) => {
                let size = self.size_of(&part, at)?;
                let end = offset.checked_add(size).and_then(|end| usize::try_from(end).ok());
                let start = usize::try_from(offset).ok();
                let range = start.zip(end).and_then(|(start, end)| bytes.get(start..end));
                match range {
                    Some(bytes) => Held::Bytes(bytes.into()),
                    None => return Err(self.wrong(at, "This lies outside of the value")),
                }
            }
            Held::Integer(_) | Held::Float(_) => return Err(self.wrong(at, "A number has no parts")),
        };
        Ok(Operand { of: part, held })
    }

    /// What a C++ reference refers to; anything else as it is.
    pub(super) fn through_reference(&mut self, operand: Operand, at: usize) -> Outcome<Operand> {
        let Shape::Reference(to) = self.shape(&operand.of, at)? else {
            return Ok(operand);
        };
        let size = self.scope.pointer_size();
        let bytes = self.bytes(&operand, size, at)?;
        let address = number::integer(&bytes, size, false) as u64;
        Ok(Operand::memory(to, address))
    }

    /// What a type is, through its names.
    pub(super) fn shape(&mut self, of: &CppType, at: usize) -> Outcome<Shape> {
        let mut of = of.clone();
        for _ in 0..MOST_ALIASES {
            let known = match of {
                CppType::Basic(basic) => {
                    return Ok(Shape::Number {
                        encoding: basic.encoding,
                        size: basic.size.into(),
                    });
                }
                CppType::Pointer(to) => return Ok(Shape::Pointer((*to).clone())),
                CppType::Reference(to) => return Ok(Shape::Reference((*to).clone())),
                CppType::Array(of, count) => return Ok(Shape::Array((*of).clone(), Some(count))),
                CppType::Function => return Ok(Shape::Function),
                CppType::Unknown => return Ok(Shape::Opaque),
                CppType::Known(known) => known,
            };
            let shape = self.scope.shape(&known);
            let shape = shape.map_err(|error| self.failed(error, at))?;
            match &*shape {
                Shape::Alias(to) => of = to.clone(),
                shape => return Ok(shape.clone()),
            }
        }
        Err(self.wrong(at, "The type leads in circles"))
    }

    /// The bytes that a type takes.
    pub(super) fn size_of(&mut self, of: &CppType, at: usize) -> Outcome<u64> {
        Ok(match self.shape(of, at)? {
            Shape::Number { size, .. } | Shape::Enum { size, .. } => size,
            Shape::Pointer(_) | Shape::Reference(_) => self.scope.pointer_size(),
            Shape::Array(of, count) => {
                let one = self.size_of(&of, at)?;
                one.checked_mul(count.unwrap_or(0))
                    .ok_or_else(|| self.wrong(at, "The array is larger than memory"))?
            }
            Shape::Record(fields) => fields.size,
            Shape::Function => 1,
            Shape::Alias(_) | Shape::Opaque => {
                return Err(self.wrong(at, "The size of this is not known: its type is only declared"));
            }
        })
    }

    fn size_value(&mut self, of: &CppType, at: usize) -> Outcome<Operand> {
        let size = self.size_of(of, at)?;
        Ok(Operand::integer(CppType::c("unsigned long"), size.into()))
    }

    /// A type as it was written.
    pub(super) fn type_of(&mut self, name: &TypeName) -> Outcome<CppType> {
        let known = self.scope.type_named(&name.name);
        // Debug information knows best; the names of C's own types that it does not have are known anyway.
        let known = known.map_err(|error| self.failed(error, name.at))?;
        let Some(mut of) = known.or_else(|| basic_named(&name.name)) else {
            return Err(self.unresolved(name.at));
        };
        for built in &name.built {
            of = match built {
                Built::Pointer => of.pointer(),
                Built::Reference => CppType::Reference(of.into()),
                Built::Array(count) => CppType::Array(of.into(), *count),
            };
        }
        Ok(of)
    }

    /// The name of a type, as it is shown.
    pub(super) fn name_of(&mut self, of: &CppType) -> String {
        super::type_name(self.scope, of)
    }

    fn found(&self, found: Result<Option<Operand>, ScopeError>, at: usize) -> Outcome<Operand> {
        let found = found.map_err(|error| self.failed(error, at))?;
        found.ok_or_else(|| self.unresolved(at))
    }

    pub(super) fn unresolved(&self, at: usize) -> ExprError {
        let near = near(self.text, at);
        ExprError::new(at, ExprErrorKind::Unresolved { near })
    }

    pub(super) fn failed(&self, error: ScopeError, at: usize) -> ExprError {
        let near = near(self.text, at);
        ExprError::new(at, ExprErrorKind::Scope { error, near })
    }

    pub(super) fn wrong(&self, at: usize, what: &str) -> ExprError {
        let near = near(self.text, at);
        let what = what.to_owned();
        ExprError::new(at, ExprErrorKind::Refused { what, near })
    }
}

/// The bytes that hold a bit-field, from its offset.
fn bits_bytes(bits: super::value::Bits) -> u64 {
    u64::from(bits.at.saturating_add(bits.count).div_ceil(8)).min(16)
}

fn is_true(value: Scalar) -> bool {
    match value {
        Scalar::Integer(value) => value != 0,
        Scalar::Float(value) => value != 0.0,
    }
}
