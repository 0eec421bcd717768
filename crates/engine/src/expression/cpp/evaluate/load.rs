//! Values of operands, and parts of them.

use super::super::ast::Node;
use super::super::float::{self, Format, Read};
use super::super::number;
use super::super::value::{CppType, Encoding, Held, Operand, Place, Shape, Space};
use super::{FOREIGN, Loaded, Outcome, Scalar, Walk, bits_bytes, float_format, is_true};

impl Walk<'_, '_> {
    /// A value as arguments of commands take it.
    pub(in super::super) fn number(&mut self, operand: &Operand) -> Outcome<u64> {
        if let (CppType::Unknown, Some(address)) = (&operand.of, operand.address()) {
            return Ok(address);
        }
        let value = self.load(operand, 0)?;
        let value = self.converted(&value, &CppType::c("long"), 0)?;
        Ok(self.integer(&value, 0)? as u64)
    }

    /// A value as it is kept for later.
    pub(in super::super) fn kept(&mut self, operand: Operand) -> Outcome<Operand> {
        if let Shape::Record(_) | Shape::Array(..) | Shape::Function | Shape::Foreign { .. } | Shape::Opaque =
            self.shape(&operand.of, 0)?
        {
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

    pub(super) fn truth(&mut self, node: &Node) -> Outcome<bool> {
        Ok(is_true(self.value(node)?.value))
    }

    pub(super) fn value(&mut self, node: &Node) -> Outcome<Loaded> {
        let operand = self.node(node)?;
        self.load(&operand, node.at)
    }

    /// Reads what an operand holds. Arrays and functions become pointers.
    pub(in super::super) fn load(&mut self, operand: &Operand, at: usize) -> Outcome<Loaded> {
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
            Shape::Foreign { .. } => return Err(self.wrong(at, FOREIGN)),
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
    pub(super) fn decayed(&mut self, operand: &Operand, to: CppType, at: usize) -> Outcome<Loaded> {
        let address = match (operand.address(), &operand.held) {
            (Some(address), _) => address,
            (None, Held::Integer(address)) => *address as u64,
            (None, Held::Bytes(_)) if matches!(&operand.of, CppType::Array(..)) => {
                return Err(self.wrong(
                    at,
                    "The text is only here, not in the debuggee, where nothing can point to it; eza writes one there",
                ));
            }
            _ => return Err(self.wrong(at, "This is not in memory and has no address")),
        };
        Ok(Loaded {
            of: to.clone().pointer(),
            shape: Shape::Pointer(to),
            value: Scalar::Integer(address.into()),
        })
    }

    pub(super) fn scalar(&mut self, bytes: &[u8], size: u64, encoding: Encoding, at: usize) -> Outcome<Scalar> {
        if encoding.is_float() {
            let is_quad = encoding == Encoding::Quad;
            return match float::read(bytes, Format { size, is_quad }) {
                Some(Read::Exact(value)) => Ok(Scalar::Float(value)),
                Some(Read::Wide(wide)) => Ok(Scalar::Wide(wide)),
                None => Err(self.wrong(at, "Floating point of this size cannot be read")),
            };
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
                Scalar::Wide(wide) => Held::Bytes(wide.bits.to_le_bytes().into()),
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
            Scalar::Float(_) | Scalar::Wide(_) => Err(self.wrong(at, "Floating point cannot be used here")),
        }
    }

    pub(super) fn bytes(&mut self, of: &Operand, size: u64, at: usize) -> Outcome<Vec<u8>> {
        match &of.held {
            Held::Place(place) => self.read(place.space, place.at, size, at),
            Held::Bytes(bytes) => Ok(bytes.to_vec()),
            Held::Integer(value) => Ok(number::integer_bytes(*value, size)),
            Held::Float(value) => {
                let format = float_format(&self.shape(&of.of, at)?);
                format
                    .and_then(|format| float::bytes(*value, format))
                    .ok_or_else(|| self.wrong(at, "Floating point of this size has no bytes"))
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
}
