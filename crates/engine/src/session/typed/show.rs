//! Values of expressions as they are shown.

use farsight_session::record::{Content, ValueNode};
use farsight_symbols::TypeKind;
use farsight_types::Address;

use super::TypedScope;
use super::places::bit_range;
use crate::expression::ScopeError;
use crate::expression::cpp::{self, CppScope, CppType, Encoding, Held, KnownType, Operand, Shape};
use crate::values::{Ground, Limits, Value, float_text};

impl TypedScope<'_> {
    /// What is shown of a value.
    pub(crate) fn show(&mut self, name: &str, operand: &Operand, limits: Limits) -> Result<ValueNode, ScopeError> {
        self.with_shown(operand, |ground, value| ground.show(name, value, limits))
            .and_then(|shown| match shown {
                Some(node) => Ok(node),
                None => self.plain(name, operand),
            })
    }

    /// Does something with a value as debug information describes it; nothing with one that has no such type.
    pub(crate) fn with_shown<T>(
        &mut self,
        operand: &Operand,
        mut work: impl FnMut(&mut Ground<'_, '_, '_>, &Value) -> T,
    ) -> Result<Option<T>, ScopeError> {
        let completed = self.completed(operand)?;
        let (Some(module), of, place) = self.shown(completed.as_ref().unwrap_or(operand))? else {
            return Ok(None);
        };
        let index = self.module_at(module)?;
        let mut value = Value::new(index, of, place);
        value.bits = bit_range(operand);
        // Lengths of arrays may be in the frame too.
        let scope = match &self.frame {
            Some(frame) => frame.scope.clone(),
            None => self.session.global_scope(),
        };
        let done = self
            .session
            .with_values(&scope, &[index], |ground| work(ground, &value));
        self.answer(done).map(Some)
    }

    /// A value whose type its module only declares, as one of the type of the module that defines it.
    fn completed(&mut self, operand: &Operand) -> Result<Option<Operand>, ScopeError> {
        let CppType::Known(known) = &operand.of else {
            return Ok(None);
        };
        let Some((info, _)) = self.debug_of(known.module) else {
            return Ok(None);
        };
        let declared = match info.reader().stripped(&known.of) {
            Ok(found) if matches!(found.kind, TypeKind::Record { declaration: true, .. }) => KnownType {
                module: known.module,
                of: found.id,
            },
            _ => return Ok(None),
        };
        Ok(match &*self.shape(&declared)? {
            Shape::Alias(CppType::Known(other)) if other.module != declared.module => Some(Operand {
                of: CppType::Known(other.clone()),
                held: operand.held.clone(),
            }),
            _ => None,
        })
    }

    /// A value of a type that no module has.
    fn plain(&mut self, name: &str, operand: &Operand) -> Result<ValueNode, ScopeError> {
        let type_name = cpp::type_name(self, &operand.of);
        let address = operand.address().map(Address);
        let content = match &operand.of {
            CppType::Basic(basic) => {
                let size = u64::from(basic.size);
                let bytes = self.bytes_of(operand, size)?;
                number(basic, &bytes)
            }
            CppType::Pointer(_) | CppType::Reference(_) => {
                let size = self.pointer_size();
                let bytes = self.bytes_of(operand, size)?;
                self.pointer(&operand.of, Address(cpp::integer(&bytes, size, false) as u64))?
            }
            CppType::Array(of, count) => match (&**of, self.bytes_of(operand, *count)) {
                (CppType::Basic(basic), Ok(bytes)) if basic.size == 1 => text(&bytes),
                _ => Content::Composite,
            },
            CppType::Function | CppType::Unknown | CppType::Known(_) => match address {
                Some(address) => self.pointer(&CppType::Function, address)?,
                None => Content::Nothing,
            },
        };
        Ok(ValueNode {
            name: name.to_owned(),
            type_name,
            address,
            formatted: matches!(content, Content::Text(_)),
            content,
            ..ValueNode::default()
        })
    }

    fn bytes_of(&mut self, operand: &Operand, size: u64) -> Result<Vec<u8>, ScopeError> {
        match &operand.held {
            Held::Place(place) => self.read(place.space, place.at, size),
            Held::Integer(value) => Ok(value
                .to_le_bytes()
                .get(..usize::try_from(size).unwrap_or(16).min(16))
                .unwrap_or_default()
                .to_vec()),
            Held::Float(value) => {
                let format = cpp::float_format(&operand.of, self);
                Ok(format
                    .and_then(|format| cpp::float::bytes(*value, format))
                    .unwrap_or_default())
            }
            Held::Bytes(bytes) => Ok(bytes.to_vec()),
        }
    }

    /// A pointer, with the symbol or the text that it leads to.
    fn pointer(&mut self, of: &CppType, address: Address) -> Result<Content, ScopeError> {
        let is_text = match of {
            CppType::Pointer(to) => matches!(
                **to,
                CppType::Basic(cpp::Basic {
                    encoding: Encoding::SignedChar,
                    ..
                })
            ),
            _ => false,
        };
        const MOST: u64 = 256;
        let text = match is_text {
            true => match self
                .session
                .read_memory(farsight_types::AddressRange::new(address, MOST))
            {
                Ok(bytes) if !bytes.is_empty() => match text(&bytes) {
                    Content::Text(text) => Some(text),
                    _ => None,
                },
                _ => None,
            },
            false => None,
        };
        let is_in_module = self
            .session
            .process()
            .is_ok_and(|process| process.module_at(address).is_some());
        let symbol = match is_in_module && text.is_none() {
            true => {
                let place = self.session.place_of(address);
                self.answer(place)?.symbol
            }
            false => None,
        };
        Ok(Content::Pointer { address, symbol, text })
    }
}

/// Characters up to the first that is 0.
fn text(bytes: &[u8]) -> Content {
    let end = bytes.iter().position(|byte| *byte == 0);
    let shown = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
    Content::Text(farsight_session::record::Text {
        text: String::from_utf8_lossy(shown).into_owned(),
        cut: end.is_none(),
    })
}

fn number(basic: &cpp::Basic, bytes: &[u8]) -> Content {
    let size = u64::from(basic.size);
    let signed = basic.encoding.is_signed();
    let value = cpp::integer(bytes, size, signed);
    match basic.encoding {
        Encoding::Void => Content::Nothing,
        Encoding::Bool => Content::Bool(value as u8),
        Encoding::Float | Encoding::Quad => {
            let is_quad = basic.encoding == Encoding::Quad;
            match float_text(bytes, is_quad) {
                Some(text) => Content::Float(text),
                None => Content::Bytes(bytes.to_vec()),
            }
        }
        Encoding::SignedChar | Encoding::UnsignedChar => Content::Char {
            value: value.cast_signed() as i64,
            unicode: false,
        },
        Encoding::Unicode => Content::Char {
            value: value as i64,
            unicode: true,
        },
        Encoding::Signed | Encoding::Unsigned if size > 8 => Content::Wide {
            high: (value >> 64) as u64,
            low: value as u64,
            signed,
        },
        Encoding::Signed => Content::Signed(value.cast_signed() as i64),
        Encoding::Unsigned => Content::Unsigned {
            value: value as u64,
            size: basic.size,
        },
    }
}
