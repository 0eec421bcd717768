//! Casts. All are performed; between related classes the address moves.

use super::super::ast::CastKind;
use super::super::value::{CppType, Encoding, Held, Operand, Shape};
use super::{Outcome, Walk};

/// How deep bases of bases are looked for.
const MOST_BASES: u32 = 16;
/// How many are looked at; only hostile classes, which are bases of themselves, have more.
const MOST_LOOKED_AT: u32 = 1024;

impl Walk<'_, '_> {
    pub(super) fn cast(&mut self, kind: CastKind, of: Operand, to: CppType, at: usize) -> Outcome<Operand> {
        match self.shape(&to, at)? {
            Shape::Number {
                encoding: Encoding::Void,
                ..
            } => Err(self.wrong(at, "A value of type void is nothing to show")),
            Shape::Number { .. } | Shape::Enum { .. } => {
                // What nobody describes is taken for what the user says.
                if let (CppType::Unknown, Held::Place(_)) = (&of.of, &of.held) {
                    return Ok(Operand { of: to, held: of.held });
                }
                let value = self.load(&of, at)?;
                let value = self.converted(&value, &to, at)?;
                Ok(self.unloaded(value))
            }
            Shape::Pointer(target) => {
                let value = match (&of.of, of.address()) {
                    (CppType::Unknown, Some(_)) => return Ok(Operand { of: to, held: of.held }),
                    _ => self.load(&of, at)?,
                };
                let moved = match (&value.shape, kind) {
                    (Shape::Pointer(from), CastKind::Static | CastKind::Plain) => {
                        self.distance(&from.clone(), &target, at)?
                    }
                    _ => 0,
                };
                let value = self.converted(&value, &to, at)?;
                let address = self.integer(&value, at)? as u64;
                // A null pointer stays one.
                let address = if address == 0 { 0 } else { address.wrapping_add(moved) };
                Ok(Operand::integer(to, address.into()))
            }
            Shape::Reference(target) => match of.address() {
                Some(address) => {
                    let moved = match kind {
                        CastKind::Reinterpret => 0,
                        _ => self.distance(&of.of, &target, at)?,
                    };
                    Ok(Operand::memory(target, address.wrapping_add(moved)))
                }
                None => Err(self.wrong(at, "Only what is in memory can be referred to")),
            },
            Shape::Record(_) | Shape::Array(..) => match (of.held, self.name_of(&of.of) == self.name_of(&to)) {
                (held @ Held::Place(_), _) | (held, true) => Ok(Operand { of: to, held }),
                _ => Err(self.wrong(at, "A computed value does not become a structure; cast its address")),
            },
            Shape::Function | Shape::Alias(_) | Shape::Opaque => {
                Err(self.wrong(at, "This type is only declared; nothing can be cast to it"))
            }
        }
    }

    /// How far the part of one class that is another lies from its start, either way; 0 where they are strangers.
    fn distance(&mut self, from: &CppType, to: &CppType, at: usize) -> Outcome<u64> {
        if let Some(offset) = self.base_offset(from, to, (MOST_BASES, &mut MOST_LOOKED_AT.clone()), at)? {
            return Ok(offset);
        }
        let back = self.base_offset(to, from, (MOST_BASES, &mut MOST_LOOKED_AT.clone()), at)?;
        Ok(back.unwrap_or(0).wrapping_neg())
    }

    /// Where a class has another as base.
    fn base_offset(
        &mut self,
        of: &CppType,
        base: &CppType,
        (left, budget): (u32, &mut u32),
        at: usize,
    ) -> Outcome<Option<u64>> {
        let (Shape::Record(fields), Some(left)) = (self.shape(of, at)?, left.checked_sub(1)) else {
            return Ok(None);
        };
        if !matches!(self.shape(base, at)?, Shape::Record(_)) {
            return Ok(None);
        }
        match budget.checked_sub(1) {
            Some(less) => *budget = less,
            None => return Ok(None),
        }
        let wanted = self.name_of(base);
        for field in fields.fields.iter().filter(|field| field.is_base) {
            if self.name_of(&field.of) == wanted {
                return Ok(Some(field.offset));
            }
            if let Some(offset) = self.base_offset(&field.of, base, (left, budget), at)? {
                return Ok(Some(field.offset.wrapping_add(offset)));
            }
        }
        Ok(None)
    }
}
