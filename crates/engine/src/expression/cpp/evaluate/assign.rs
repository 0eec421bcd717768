//! Assignments and steps: what changes the debuggee.

use super::super::ast::{Binary, Node, NodeKind};
use super::super::value::{CppType, Held, Operand, Place, Shape};
use super::super::{float, number};
use super::{Loaded, Outcome, Scalar, Walk, bits_bytes, float_format};

/// Bytes of a value that an assignment copies.
const MOST_COPIED: u64 = 1 << 20;

const REGISTERS: &str = "Registers are set with r, typed ones with r?";

impl Walk<'_, '_> {
    pub(super) fn step(&mut self, up: bool, behind: bool, of: &Node, at: usize) -> Outcome<Operand> {
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

    pub(super) fn assignment(
        &mut self,
        operator: Option<Binary>,
        left: &Node,
        right: &Node,
        at: usize,
    ) -> Outcome<Operand> {
        if matches!(left.kind, NodeKind::Register(_) | NodeKind::Pseudo(_)) {
            return Err(self.wrong(left.at, REGISTERS));
        }
        let place = self.node(left)?;
        let right = self.node(right)?;
        if let (None, Shape::Record(_) | Shape::Array(..)) = (operator, self.shape(&place.of, at)?) {
            return self.copy(place, &right, at);
        }
        let shape = self.shape(&place.of, at)?;
        if matches!((&right.held, &right.of), (Held::Bytes(_), CppType::Array(..)))
            && !matches!(shape, Shape::Pointer(_))
        {
            return Err(self.no_conversion(&right.of, &place.of, at));
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
    pub(super) fn copy(&mut self, to: Operand, from: &Operand, at: usize) -> Outcome<Operand> {
        let size = self.size_of(&to.of, at)?;
        if !self.is_same(&to.of, &from.of, at)? || size != self.size_of(&from.of, at)? {
            return Err(self.no_conversion(&from.of, &to.of, at));
        }
        let mut inside = &to.of;
        while let CppType::Array(of, _) = inside {
            inside = of;
        }
        if let CppType::Known(known) = inside
            && !self.scope.copies_as_bytes(known)
        {
            let of = self.name_of(&to.of);
            return Err(self.wrong(
                at,
                &format!("{of} is not copied by its bytes, and the evaluator runs no code; assign its fields"),
            ));
        }
        if size > MOST_COPIED {
            return Err(self.wrong(at, "This is too large to be copied"));
        }
        let bytes = self.bytes(from, size, at)?;
        let Held::Place(place) = to.held else {
            return Err(self.wrong(at, "A computed value cannot be assigned to"));
        };
        self.write(place, &bytes, at)?;
        Ok(to)
    }

    fn write(&mut self, place: Place, bytes: &[u8], at: usize) -> Outcome<()> {
        // In C++, `sizeof(count++)` leaves the count alone.
        if self.is_unevaluated {
            return Ok(());
        }
        let written = self.scope.write(place.space, place.at, bytes);
        written.map_err(|error| self.failed(error, at))
    }

    /// Writes a number into a place, as the place's type has it.
    pub(super) fn assign(&mut self, to: &Operand, value: &Loaded, at: usize) -> Outcome<Operand> {
        let Held::Place(place) = to.held else {
            return Err(self.wrong(at, "A computed value cannot be assigned to"));
        };
        let value = self.assigned(value, &to.of, at)?;
        let size = self.size_of(&to.of, at)?;
        let bytes = match (value.value, place.bits) {
            (Scalar::Integer(value), Some(bits)) => {
                let before = self.read(place.space, place.at, bits_bytes(bits), at)?;
                number::put_bits(before, bits, value)
            }
            (Scalar::Float(value), _) => {
                let format = float_format(&self.shape(&to.of, at)?);
                match format.and_then(|format| float::bytes(value, format)) {
                    Some(bytes) => bytes,
                    None => return Err(self.wrong(at, "Floating point of this size cannot be written")),
                }
            }
            (Scalar::Wide(wide), _) => number::integer_bytes(wide.bits, size),
            (Scalar::Integer(value), None) => number::integer_bytes(value, size),
        };
        self.write(place, &bytes, at)?;
        Ok(to.clone())
    }
}
