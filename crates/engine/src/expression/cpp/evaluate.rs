//! The evaluator: a tree and a scope in, a typed value or place out.
//!
//! Arithmetic is C's: small numbers become `int`, mixed ones the larger, and what does not fit wraps. Numbers of Rust
//! keep their types. Only assignments and steps change anything, at the moment they are evaluated, and nothing where only a
//! size is asked for.

mod arithmetic;
mod assign;
mod bases;
mod cast;
mod field;
mod load;
mod names;
mod types;

use super::ast::{Binary, CastKind, Node, NodeKind, TypeName, Unary};
use super::float::{Format, Wide, is_exact};
use super::scope::CppScope;
use super::value::{CppType, Encoding, Held, Operand, Shape};
use crate::expression::ExprError;

/// Walks one tree.
pub(super) struct Walk<'t, 's> {
    pub(super) text: &'t str,
    pub(super) scope: &'s mut dyn CppScope,
    /// Only the type is asked for: nothing is changed.
    is_unevaluated: bool,
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
    /// What a double does not hold.
    Wide(Wide),
}

/// See [`Shape::Foreign`](super::value::Shape::Foreign).
const FOREIGN: &str =
    "Numbers of this kind (complex, decimal, or in the other byte order) are shown and not computed with";

/// What is said of numbers that the evaluator cannot compute with.
const WIDE: &str = "The evaluator computes with 53 bits of mantissa, which do not hold this long double; round it, as in \
                    (double)x";

type Outcome<T> = Result<T, ExprError>;

impl<'t, 's> Walk<'t, 's> {
    pub(super) fn new(text: &'t str, scope: &'s mut dyn CppScope) -> Walk<'t, 's> {
        Walk {
            text,
            scope,
            is_unevaluated: false,
        }
    }
}

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
            NodeKind::Choice(condition, first, second) => self.choice(condition, first, second, node.at),
            NodeKind::Assign(operator, left, right) => self.assignment(*operator, left, right, node.at),
            NodeKind::Member { of, name, arrow } => {
                let of = self.node(of)?;
                self.member(of, name, *arrow, node.at)
            }
            NodeKind::PointedMember { of, by, arrow } => {
                let of = self.node(of)?;
                let by = self.node(by)?;
                self.pointed_member(of, &by, *arrow, node.at)
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
            NodeKind::Float { value, type_name } => {
                let digits = |letter: char| letter.is_ascii_alphanumeric() || ".+-".contains(letter);
                let text = self.text.get(at..).unwrap_or_default();
                let text = text.split(|letter| !digits(letter)).next().unwrap_or_default();
                let written = text.split(['l', 'L']).next().unwrap_or_default();
                if *type_name == "long double" && !is_exact(written, *value) {
                    return Err(self.wrong(at, WIDE));
                }
                Ok(Operand {
                    of: CppType::c(type_name),
                    held: Held::Float(*value),
                })
            }
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
}

/// The bytes that hold a bit-field, from its offset.
fn bits_bytes(bits: super::value::Bits) -> u64 {
    u64::from(bits.at.saturating_add(bits.count).div_ceil(8)).min(16)
}

/// The format of a type of floating point.
pub(super) fn float_format(shape: &Shape) -> Option<Format> {
    match shape {
        Shape::Number { encoding, size } if encoding.is_float() => Some(Format {
            size: *size,
            is_quad: *encoding == Encoding::Quad,
        }),
        _ => None,
    }
}

fn is_true(value: Scalar) -> bool {
    match value {
        Scalar::Integer(value) => value != 0,
        Scalar::Float(value) => value != 0.0,
        Scalar::Wide(_) => true,
    }
}
