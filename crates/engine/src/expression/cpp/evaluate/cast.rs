//! Casts. All are performed; between related classes the address moves.

use super::super::ast::CastKind;
use super::super::value::{CppType, Encoding, Held, Operand, Shape};
use super::bases::Conversion;
use super::{FOREIGN, Outcome, Walk};

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
                let from = match &value.shape {
                    Shape::Pointer(from) => Some(from.clone()),
                    _ if kind == CastKind::Dynamic => {
                        return Err(self.wrong(at, "dynamic_cast is for pointers and references to classes"));
                    }
                    _ => None,
                };
                let value = self.converted(&value, &to, at)?;
                let mut address = self.integer(&value, at)? as u64;
                if let Some(from) = from {
                    address = self.pointed(address, (&from, &target), conversion(kind), at)?;
                }
                Ok(Operand::integer(to, address.into()))
            }
            Shape::Reference(target) => match of.address() {
                Some(address) => {
                    let moved = self.pointed(address, (&of.of, &target), conversion(kind), at)?;
                    match moved {
                        // C++ throws `std::bad_cast`.
                        0 if kind == CastKind::Dynamic => {
                            let to = self.name_of(&target);
                            Err(self.wrong(at, &format!("The object is no {to}")))
                        }
                        moved => Ok(Operand::memory(target, moved)),
                    }
                }
                None => Err(self.wrong(at, "Only what is in memory can be referred to")),
            },
            Shape::Record(_) if matches!(self.shape(&of.of, at)?, Shape::Record(_)) => {
                match self.base_of(&of, &to, at)? {
                    Some(part) => Ok(Operand { of: to, ..part }),
                    None => {
                        let (of, to) = (self.name_of(&of.of), self.name_of(&to));
                        Err(self.wrong(at, &format!("{of} has no {to} in it; cast its address")))
                    }
                }
            }
            Shape::Record(_) | Shape::Array(..) => match (of.held, self.name_of(&of.of) == self.name_of(&to)) {
                (held @ Held::Place(_), _) | (held, true) => Ok(Operand { of: to, held }),
                _ => Err(self.wrong(at, "A computed value does not become a structure; cast its address")),
            },
            Shape::Foreign { .. } => Err(self.wrong(at, FOREIGN)),
            Shape::Function | Shape::Alias(_) | Shape::Opaque => {
                Err(self.wrong(at, "This type is only declared; nothing can be cast to it"))
            }
        }
    }
}

fn conversion(kind: CastKind) -> Conversion {
    match kind {
        CastKind::Plain => Conversion::Plain,
        CastKind::Static => Conversion::Static,
        CastKind::Dynamic => Conversion::Dynamic,
        CastKind::Reinterpret => Conversion::Reinterpret,
    }
}
