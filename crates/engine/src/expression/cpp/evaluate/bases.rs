//! Base classes: where they are in an object, and what becomes of pointers between related classes.

use super::super::value::{CppType, Encoding, Field, FieldPlace, Operand, Shape};
use super::{Outcome, Walk};

/// How deep bases of bases are looked for.
const MOST_BASES: u32 = 16;
/// How many are looked at; only hostile classes, which are bases of themselves, have more.
const MOST_LOOKED_AT: u32 = 1024;
/// Ways to one base class that are told apart.
const MOST_WAYS: usize = 64;

/// How a pointer becomes one of another type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conversion {
    /// Without being told to: to base classes and `void` only.
    Implicit,
    /// As `static_cast` does: between related classes.
    Static,
    /// As a cast in brackets does: the same bits where the classes are strangers.
    Plain,
    /// As `dynamic_cast` does: as the object itself says.
    Dynamic,
    /// The same bits.
    Reinterpret,
}

impl Walk<'_, '_> {
    /// The address that a pointer of one type to `from` has as one to `to`. A null pointer stays one.
    pub(super) fn pointed(
        &mut self,
        address: u64,
        (from, to): (&CppType, &CppType),
        how: Conversion,
        at: usize,
    ) -> Outcome<u64> {
        if how == Conversion::Reinterpret {
            return Ok(address);
        }
        let (Shape::Record(_), Shape::Record(_)) = (self.shape(from, at)?, self.shape(to, at)?) else {
            return match how {
                Conversion::Implicit if !self.is_like(from, to, at)? => Err(self.strangers(from, to, at)),
                Conversion::Dynamic => self.dynamic_to_void(address, to, at),
                _ => Ok(address),
            };
        };
        if !self.ways_to_base(from, to, at)?.is_empty() {
            if address == 0 {
                return Ok(0);
            }
            let object = Operand::memory(from.clone(), address);
            let part = self.base_of(&object, to, at)?;
            return Ok(part.and_then(|part| part.address()).unwrap_or(address));
        }
        if how == Conversion::Dynamic {
            return match address {
                0 => Ok(0),
                address => self.dynamic(address, (from, to), at),
            };
        }
        let down = self.ways_to_base(to, from, at)?;
        match (how, down.is_empty()) {
            (Conversion::Plain, true) => Ok(address),
            (_, true) => Err(self.strangers(from, to, at)),
            (Conversion::Implicit, false) => {
                let (from, to) = (self.name_of(from), self.name_of(to));
                Err(self.wrong(
                    at,
                    &format!("Not every {from} is a {to}; say so with dynamic_cast<{to} *>(...), or with a cast"),
                ))
            }
            (_, false) => match self.fixed_offset(&down) {
                Some(_) if address == 0 => Ok(0),
                Some(offset) => Ok(address.wrapping_sub(offset)),
                None => {
                    let (from, to) = (self.name_of(from), self.name_of(to));
                    Err(self.wrong(
                        at,
                        &format!("{from} is a virtual base class of {to}, or one that it has twice; only dynamic_cast<{to} *>(...) finds the whole object"),
                    ))
                }
            },
        }
    }

    fn strangers(&mut self, from: &CppType, to: &CppType, at: usize) -> crate::expression::ExprError {
        let (from, to) = (self.name_of(from), self.name_of(to));
        self.wrong(
            at,
            &format!("A pointer to {from} is none to {to}; cast it if that is meant"),
        )
    }

    /// Whether pointers to two types may be taken for each other: the types differ by their signs at most, or one of
    /// them is unknown.
    pub(super) fn is_like(&mut self, one: &CppType, other: &CppType, at: usize) -> Outcome<bool> {
        let nothing = |shape: &Shape| {
            matches!(
                shape,
                Shape::Number {
                    encoding: Encoding::Void,
                    ..
                }
            )
        };
        let mut pair = (one.clone(), other.clone());
        for _ in 0..MOST_BASES {
            if self.is_same(&pair.0, &pair.1, at)? {
                return Ok(true);
            }
            let (one, other) = (self.shape(&pair.0, at)?, self.shape(&pair.1, at)?);
            pair = match (one, other) {
                (one, other) if nothing(&one) || nothing(&other) => return Ok(true),
                (Shape::Function, Shape::Function) => return Ok(true),
                (Shape::Pointer(one), Shape::Pointer(other)) => (one, other),
                (Shape::Array(one, some), Shape::Array(other, others)) if some == others || others.is_none() => {
                    (one, other)
                }
                (one, other) => {
                    let size = |shape: &Shape| match shape {
                        Shape::Number { encoding, size } if !encoding.is_float() => Some(*size),
                        Shape::Enum { size, .. } => Some(*size),
                        _ => None,
                    };
                    return Ok(size(&one).is_some() && size(&one) == size(&other));
                }
            };
        }
        Ok(false)
    }

    /// Whether two types are one, whatever they are called and whether they are `const`.
    pub(super) fn is_same(&mut self, one: &CppType, other: &CppType, at: usize) -> Outcome<bool> {
        let (one, other) = (self.bare(one, at)?.0, self.bare(other, at)?.0);
        Ok(one == other || self.name_of(&one) == self.name_of(&other))
    }

    /// The part of an object that is a base class; none where its class has no such base.
    pub(super) fn base_of(&mut self, object: &Operand, base: &CppType, at: usize) -> Outcome<Option<Operand>> {
        let mut parts = self.bases_of(object, base, at)?;
        match parts.len() {
            2.. => {
                let (of, base) = (self.name_of(&object.of), self.name_of(base));
                Err(self.wrong(
                    at,
                    &format!("{of} has {base} more than once; cast to the class between them first"),
                ))
            }
            _ => Ok(parts.pop()),
        }
    }

    /// The parts of an object that are a base class.
    fn bases_of(&mut self, object: &Operand, base: &CppType, at: usize) -> Outcome<Vec<Operand>> {
        let mut parts: Vec<Operand> = Vec::new();
        for way in self.ways_to_base(&object.of, base, at)? {
            let mut part = object.clone();
            for field in &way {
                part = self.field_part(&part, field, at)?;
            }
            if !parts.iter().any(|known| known.held == part.held) {
                parts.push(part);
            }
        }
        Ok(parts)
    }

    /// Where a base class is in all objects, if it is at one place.
    fn fixed_offset(&self, ways: &[Vec<Field>]) -> Option<u64> {
        let offset = |way: &Vec<Field>| {
            way.iter().try_fold(0_u64, |sum, field| match field.place {
                FieldPlace::At(offset) => Some(sum.wrapping_add(offset)),
                _ => None,
            })
        };
        let first = offset(ways.first()?)?;
        ways.iter().all(|way| offset(way) == Some(first)).then_some(first)
    }

    /// The bases that lead from a class to one of its base classes, in all ways; one empty way from a class to itself.
    pub(super) fn ways_to_base(&mut self, of: &CppType, base: &CppType, at: usize) -> Outcome<Vec<Vec<Field>>> {
        let wanted = self.bare(base, at)?.0;
        let wanted = self.name_of(&wanted);
        let mut found = Vec::new();
        let mut budget = MOST_LOOKED_AT;
        // From the nearest on: ways that are still to be followed.
        let mut open = std::collections::VecDeque::from([(of.clone(), Vec::<Field>::new())]);
        while let Some((of, way)) = open.pop_front() {
            let (bare, shape) = self.bare(&of, at)?;
            let Shape::Record(fields) = shape else {
                continue;
            };
            if self.name_of(&bare) == wanted {
                found.push(way);
                if found.len() >= MOST_WAYS {
                    break;
                }
                continue;
            }
            budget = match budget.checked_sub(1) {
                Some(left) => left,
                None => break,
            };
            if way.len() < MOST_BASES as usize {
                for field in fields.fields.iter().filter(|field| field.is_base) {
                    let longer = way.iter().chain([field]).cloned().collect();
                    open.push_back((field.of.clone(), longer));
                }
            }
        }
        Ok(found)
    }

    /// `dynamic_cast` to a class that is no base of the pointer's: 0 where the object is none of these.
    fn dynamic(&mut self, address: u64, (from, to): (&CppType, &CppType), at: usize) -> Outcome<u64> {
        let whole = self.whole_object(address, at)?;
        let is_part = |part: &Operand| part.address() == Some(address);
        if !self.bases_of(&whole, from, at)?.iter().any(is_part) {
            let (whole, from) = (self.name_of(&whole.of), self.name_of(from));
            return Err(self.wrong(
                at,
                &format!("The object says that it is a {whole}, which has no {from} here; the pointer may be stale"),
            ));
        }
        let mut parts = self.bases_of(&whole, to, at)?;
        if parts.len() > 1 {
            // Of several the one that this one is a part of.
            let mut around = Vec::new();
            for part in parts {
                if self.bases_of(&part, from, at)?.iter().any(is_part) {
                    around.push(part);
                }
            }
            parts = around;
        }
        let only = parts.pop().filter(|_| parts.is_empty());
        Ok(only.and_then(|part| part.address()).unwrap_or(0))
    }

    fn dynamic_to_void(&mut self, address: u64, to: &CppType, at: usize) -> Outcome<u64> {
        let is_void = matches!(
            self.shape(to, at)?,
            Shape::Number {
                encoding: Encoding::Void,
                ..
            }
        );
        match (is_void, address) {
            (false, _) => Err(self.wrong(at, "dynamic_cast is for pointers and references to classes")),
            (true, 0) => Ok(0),
            (true, address) => Ok(self.whole_object(address, at)?.address().unwrap_or(0)),
        }
    }

    /// The whole of the object that has a part at an address.
    fn whole_object(&mut self, address: u64, at: usize) -> Outcome<Operand> {
        let whole = self.scope.whole_object(address);
        match whole.map_err(|error| self.failed(error, at))? {
            Some((of, start)) => Ok(Operand::memory(of, start)),
            None => Err(self.wrong(
                at,
                "Nothing says what the object is: it begins with no table of virtual functions whose class is known",
            )),
        }
    }
}
