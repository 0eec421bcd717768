//! Types, their sizes, and the operators that ask for nothing else.

use super::super::ast::{Built, Node, NodeKind, TypeName};
use super::super::value::{CppType, Operand, Shape, basic_named};
use super::{Outcome, Walk};

/// How many names of names of a type are followed.
const MOST_ALIASES: usize = 64;

impl Walk<'_, '_> {
    pub(super) fn about_types(&mut self, node: &Node) -> Outcome<Operand> {
        let at = node.at;
        match &node.kind {
            NodeKind::SizeOfType(of) => {
                let of = self.type_of(of)?;
                self.size_value(&of, at)
            }
            NodeKind::SizeOf(of) => {
                let of = self.unevaluated(of)?;
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
                let of = self.unevaluated(of)?;
                match self.shape(&of.of, at)? {
                    Shape::Array(_, Some(count)) => Ok(Operand::integer(CppType::c("unsigned long"), count.into())),
                    _ => Err(self.wrong(at, "This is no array whose length is known")),
                }
            }
            _ => Err(self.unresolved(at)),
        }
    }

    /// What would come of an expression, for its type.
    pub(super) fn unevaluated(&mut self, of: &Node) -> Outcome<Operand> {
        let outer = std::mem::replace(&mut self.is_unevaluated, true);
        let found = self.node(of);
        self.is_unevaluated = outer;
        found
    }

    /// What a type is, through its names.
    pub(in super::super) fn shape(&mut self, of: &CppType, at: usize) -> Outcome<Shape> {
        Ok(self.bare(of, at)?.1)
    }

    /// A type without names in between and without `const`, and what it is.
    pub(super) fn bare(&mut self, of: &CppType, at: usize) -> Outcome<(CppType, Shape)> {
        let mut of = of.clone();
        for _ in 0..MOST_ALIASES {
            let shape = match &of {
                CppType::Basic(basic) => Shape::Number {
                    encoding: basic.encoding,
                    size: basic.size.into(),
                },
                CppType::Pointer(to) => Shape::Pointer((**to).clone()),
                CppType::Reference(to) => Shape::Reference((**to).clone()),
                CppType::Array(of, count) => Shape::Array((**of).clone(), Some(*count)),
                CppType::Function => Shape::Function,
                CppType::Unknown => Shape::Opaque,
                CppType::Known(known) => {
                    let shape = self.scope.shape(known);
                    let shape = shape.map_err(|error| self.failed(error, at))?;
                    match &*shape {
                        Shape::Alias(to) => {
                            of = to.clone();
                            continue;
                        }
                        shape => shape.clone(),
                    }
                }
            };
            return Ok((of, shape));
        }
        Err(self.wrong(at, "The type leads in circles"))
    }

    /// The bytes that a type takes.
    pub(in super::super) fn size_of(&mut self, of: &CppType, at: usize) -> Outcome<u64> {
        Ok(match self.shape(of, at)? {
            Shape::Number { size, .. } | Shape::Enum { size, .. } => size,
            Shape::Pointer(_) | Shape::Reference(_) => self.scope.pointer_size(),
            Shape::Array(of, Some(count)) => {
                let one = self.size_of(&of, at)?;
                one.checked_mul(count)
                    .ok_or_else(|| self.wrong(at, "The array is larger than memory"))?
            }
            Shape::Array(_, None) => return Err(self.wrong(at, "Nobody knows here how many elements this array has")),
            Shape::Record(fields) => fields.size,
            Shape::Foreign { size } => size,
            Shape::Function => 1,
            Shape::Alias(_) | Shape::Opaque => {
                return Err(self.wrong(at, "The size of this is not known: its type is only declared"));
            }
        })
    }

    pub(super) fn size_value(&mut self, of: &CppType, at: usize) -> Outcome<Operand> {
        let size = self.size_of(of, at)?;
        Ok(Operand::integer(CppType::c("unsigned long"), size.into()))
    }

    /// A type as it was written.
    pub(in super::super) fn type_of(&mut self, name: &TypeName) -> Outcome<CppType> {
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
        super::super::type_name(self.scope, of)
    }
}
