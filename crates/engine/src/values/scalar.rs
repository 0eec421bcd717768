//! What a value is in one line, from its bytes and its type.

use farsight_session::record::{Content, Text};
use farsight_symbols::{Encoding, Type, TypeId, TypeKind, TypeRef, ValueError};
use farsight_types::Address;

use super::ground::integer;
use super::{Ground, Value, float};

/// Bytes of text that are asked for at once, where it is not known how long it is.
const PIECE: u64 = 64;
/// Names of names of a type.
const MOST_NAMES: usize = 16;

impl Ground<'_, '_, '_> {
    /// A number, a pointer, an enumerator. None for what is only its parts.
    pub(super) fn scalar(&mut self, value: &Value, found: &Type, longest: u64) -> Result<Option<Content>, ValueError> {
        Ok(Some(match &found.kind {
            TypeKind::Base(encoding) => {
                let size = found.size.unwrap_or(0);
                if size == 0 {
                    // Rust's `()`.
                    return Ok(Some(Content::Nothing));
                }
                if let (Encoding::Reversed(_), Some(_)) = (encoding, value.bits) {
                    return Err(ValueError::Unsupported("bit-fields in the other byte order"));
                }
                let bytes = self.bytes_of(value, size)?;
                base(*encoding, &bytes, &found.name)
            }
            TypeKind::Pointer(target) | TypeKind::Reference(target) | TypeKind::RvalueReference(target) => {
                let address = Address(integer(&self.bytes_of(value, found.size.unwrap_or(8).min(8))?, false) as u64);
                self.pointer(value.module, address, target, longest)?
            }
            TypeKind::MemberPointer { .. } => {
                let bytes = self.bytes_of(value, found.size.unwrap_or(8).min(16))?;
                match bytes.len() {
                    8 => Content::Signed(integer(&bytes, true) as i64),
                    _ => {
                        let address = Address(integer(bytes.get(..8).unwrap_or_default(), false) as u64);
                        let symbol = self.source.symbol(address);
                        let text = None;
                        Content::Pointer { address, symbol, text }
                    }
                }
            }
            TypeKind::Enum { signed, .. } => {
                let bytes = self.bytes_of(value, found.size.unwrap_or(4).min(16))?;
                let number = integer(&bytes, *signed);
                let name = match &found.id {
                    TypeRef::Entry(id) => self.enumerator(value.module, *id, number)?,
                    _ => None,
                };
                let value = number as i64;
                let unsigned = !*signed;
                Content::Enumerator { name, value, unsigned }
            }
            TypeKind::Function { .. } => match value.address() {
                Some(address) => Content::Pointer {
                    address,
                    symbol: self.source.symbol(address),
                    text: None,
                },
                None => Content::Nothing,
            },
            // `decltype(nullptr)` has bytes and no meaning.
            TypeKind::Unspecified => Content::Pointer {
                address: Address(integer(&self.bytes_of(value, 8)?, false) as u64),
                symbol: None,
                text: None,
            },
            TypeKind::Void => Content::Nothing,
            TypeKind::Array { .. } => return self.text_array(value, longest),
            TypeKind::Record { .. } | TypeKind::Typedef(_) | TypeKind::Qualified(..) => return Ok(None),
        }))
    }

    fn pointer(
        &mut self,
        module: usize,
        address: Address,
        target: &TypeRef,
        longest: u64,
    ) -> Result<Content, ValueError> {
        let to = self.stripped(module, target)?;
        let mut text = None;
        let mut symbol = None;
        match &to.kind {
            TypeKind::Base(_) if address.0 != 0 => {
                if let Some(width) = self.width_of_characters(module, target)? {
                    text = match self.text_at(address, width, longest) {
                        Ok(text) => Some(text),
                        Err(ValueError::NotYet) => return Err(ValueError::NotYet),
                        // The pointer itself is right whatever it points to.
                        Err(_) => None,
                    };
                }
            }
            TypeKind::Function { .. } => symbol = self.source.symbol(address),
            _ => {}
        }
        // Objects point behind the start of their class's table, which tells what they are.
        let tells = |found: &farsight_session::record::SymbolName| {
            let name = found.name.as_deref().unwrap_or_default();
            found.displacement == 0 || name.starts_with("{vtable(")
        };
        if symbol.is_none() && text.is_none() && address.0 != 0 {
            symbol = self.source.symbol(address).filter(tells);
        }
        Ok(Content::Pointer { address, symbol, text })
    }

    /// The text at an address, up to its end or to `longest` characters.
    pub(super) fn text_at(&mut self, address: Address, width: u8, longest: u64) -> Result<Text, ValueError> {
        let width = u64::from(width);
        let mut bytes: Vec<u8> = Vec::new();
        let most = longest.saturating_mul(width);
        loop {
            let at = address.wrapping_add(bytes.len() as u64);
            // Never over the end of a page for more than the characters before it.
            let room = 4096 - at.0 % 4096;
            let wanted = PIECE.min(room.max(width)).min(most - bytes.len() as u64) / width * width;
            if wanted == 0 {
                return Ok(decoded(&bytes, width, true));
            }
            let piece = match self.memory(at, usize::try_from(wanted).unwrap_or(0)) {
                Ok(piece) => piece,
                Err(ValueError::Unreadable { .. }) if !bytes.is_empty() => return Ok(decoded(&bytes, width, true)),
                Err(error) => return Err(error),
            };
            let mut units = piece.chunks_exact(usize::try_from(width).unwrap_or(1));
            if let Some(end) = units.position(|unit| unit.iter().all(|byte| *byte == 0)) {
                bytes.extend_from_slice(
                    piece
                        .get(..end * usize::try_from(width).unwrap_or(1))
                        .unwrap_or_default(),
                );
                return Ok(decoded(&bytes, width, false));
            }
            bytes.extend_from_slice(&piece);
        }
    }

    /// An array of characters as text.
    fn text_array(&mut self, value: &Value, longest: u64) -> Result<Option<Content>, ValueError> {
        let Ok(elements) = self.elements(value) else {
            return Ok(None);
        };
        let Some(width) = self.width_of_characters(value.module, &elements.element)? else {
            return Ok(None);
        };
        let count = elements.count.unwrap_or(0);
        let shown = count.min(longest);
        let bytes = self.bytes_of(value, shown.saturating_mul(u64::from(width)))?;
        let mut units = bytes.chunks_exact(usize::from(width));
        let end = units.position(|unit| unit.iter().all(|byte| *byte == 0));
        let kept = end.map_or(bytes.len(), |end| end * usize::from(width));
        if self.holds(value).is_some_and(|small| !small.is_text(&bytes, kept)) {
            return Ok(None);
        }
        let cut = end.is_none() && shown < count;
        Ok(Some(Content::Text(decoded(
            bytes.get(..kept).unwrap_or_default(),
            u64::from(width),
            cut,
        ))))
    }

    /// Bytes of one character of this type; none where it is no character. In C, wide ones are numbers by other names.
    fn width_of_characters(&self, module: usize, of: &TypeRef) -> Result<Option<u8>, ValueError> {
        let found = self.stripped(module, of)?;
        let TypeKind::Base(encoding) = found.kind else {
            return Ok(None);
        };
        if let Some(width) = character_width(encoding, found.size, &found.name) {
            return Ok(Some(width));
        }
        let mut of = of.clone();
        for _ in 0..MOST_NAMES {
            let named = self.type_of(module, &of)?;
            let is_wide = ["wchar_t", "char16_t", "char32_t"].contains(&named.name.as_str());
            match (&named.kind, found.size) {
                (TypeKind::Typedef(_), Some(width @ (2 | 4))) if is_wide => return Ok(u8::try_from(width).ok()),
                (TypeKind::Typedef(next) | TypeKind::Qualified(_, next), _) => of = next.clone(),
                _ => break,
            }
        }
        Ok(None)
    }

    /// What an array of the smallest numbers is of; none of others.
    pub(super) fn holds(&self, value: &Value) -> Option<Small> {
        let found = self.stripped(value.module, &value.type_ref).ok()?;
        let TypeKind::Array { element, .. } = &found.kind else {
            return None;
        };
        let element = self.stripped(value.module, element).ok()?;
        match element.kind {
            _ if element.size != Some(1) => None,
            TypeKind::Base(Encoding::SignedChar | Encoding::UnsignedChar) if element.name == "char" => {
                Some(Small::Characters)
            }
            TypeKind::Base(Encoding::UnsignedChar) => Some(Small::Unsigned),
            TypeKind::Base(Encoding::SignedChar) => Some(Small::Signed),
            _ => None,
        }
    }

    fn enumerator(&mut self, module: usize, id: TypeId, number: i128) -> Result<Option<String>, ValueError> {
        let list = self.enumerators(module, id)?;
        if let Some(found) = list.iter().find(|one| one.value == number) {
            return Ok(Some(found.name.clone()));
        }
        // Names of single bits are meant to be put together.
        if number <= 0
            || !list
                .iter()
                .all(|one| one.value >= 0 && one.value & (one.value - 1) == 0)
        {
            return Ok(None);
        }
        let parts: Vec<&str> = list
            .iter()
            .filter(|one| one.value != 0 && number & one.value != 0)
            .map(|one| one.name.as_str())
            .collect();
        let whole = list.iter().fold(0, |bits, one| bits | one.value);
        Ok((number & !whole == 0 && !parts.is_empty()).then(|| parts.join(" | ")))
    }
}

/// What an array of numbers of one byte is of. C has one family of types for texts and for small numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Small {
    /// `char`: a text, if it can be read up to its end. What is behind that is left of earlier ones.
    Characters,
    /// `unsigned char`, which is a text as rarely as it is bytes.
    Unsigned,
    /// `signed char`, as `int8_t` is one.
    Signed,
}

impl Small {
    /// Whether bytes are a text of so many.
    fn is_text(self, bytes: &[u8], length: usize) -> bool {
        let (text, behind) = bytes.split_at_checked(length).unwrap_or((bytes, &[]));
        let text = match std::str::from_utf8(text) {
            Ok(text) => text,
            // Nobody reads texts to the middle of a letter but who reads no further.
            Err(error) if error.error_len().is_none() && behind.is_empty() => {
                let (whole, _) = text.split_at_checked(error.valid_up_to()).unwrap_or((text, &[]));
                std::str::from_utf8(whole).unwrap_or_default()
            }
            Err(_) => return false,
        };
        let usual = if self == Small::Characters {
            "\t\n\r\x07\x08\x0b\x0c\x1b"
        } else {
            "\t\n\r"
        };
        let is_readable = text
            .chars()
            .all(|letter| !letter.is_control() || usual.contains(letter));
        match self {
            Small::Characters => is_readable,
            Small::Unsigned | Small::Signed => is_readable && !text.is_empty() && behind.iter().all(|byte| *byte == 0),
        }
    }

    /// Numbers in a few words.
    pub(super) fn told(self, bytes: &[u8], dots: &str) -> String {
        match self {
            Small::Characters | Small::Unsigned => {
                let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                format!(
                    "{{{}{}{dots}}}",
                    bytes.join(" "),
                    if dots.is_empty() { "" } else { " " }
                )
            }
            Small::Signed => {
                let numbers: Vec<String> = bytes.iter().map(|byte| byte.cast_signed().to_string()).collect();
                format!(
                    "{{{}{}{dots}}}",
                    numbers.join(", "),
                    if dots.is_empty() { "" } else { ", " }
                )
            }
        }
    }
}

/// Bytes of a character; none for numbers that are no characters.
fn character_width(encoding: Encoding, size: Option<u64>, name: &str) -> Option<u8> {
    let width = match (encoding, size) {
        (Encoding::SignedChar | Encoding::UnsignedChar, Some(1)) => 1,
        (Encoding::Utf, Some(width @ (1 | 2 | 4))) if name != "char" || width == 1 => width,
        // C says of wide characters only how they are called.
        (Encoding::Signed, Some(4)) if name == "wchar_t" => 4,
        _ => return None,
    };
    u8::try_from(width).ok()
}

pub(super) fn decoded(bytes: &[u8], width: u64, cut: bool) -> Text {
    let text = match width {
        1 => String::from_utf8_lossy(bytes).into_owned(),
        2 => {
            let units = bytes.chunks_exact(2).map(|unit| integer(unit, false) as u16);
            char::decode_utf16(units)
                .map(|one| one.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        _ => {
            let units = bytes.chunks_exact(4).map(|unit| integer(unit, false) as u32);
            units
                .map(|unit| char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
    };
    Text { text, cut }
}

fn base(encoding: Encoding, bytes: &[u8], name: &str) -> Content {
    let number = |signed| match bytes.len() {
        0..=8 if signed => Content::Signed(integer(bytes, true) as i64),
        size @ 0..=8 => Content::Unsigned {
            value: integer(bytes, false) as u64,
            size: size as u8,
        },
        _ => {
            let whole = integer(bytes, signed).cast_unsigned();
            Content::Wide {
                high: (whole >> 64) as u64,
                low: whole as u64,
                signed,
            }
        }
    };
    match encoding {
        Encoding::Signed => number(true),
        Encoding::Unsigned | Encoding::Address => number(false),
        Encoding::Bool => Content::Bool(bytes.iter().fold(0, |all, byte| all | byte)),
        Encoding::SignedChar | Encoding::UnsignedChar if bytes.len() == 1 => Content::Char {
            value: integer(bytes, encoding == Encoding::SignedChar) as i64,
            unicode: false,
        },
        Encoding::Utf => Content::Char {
            value: integer(bytes, false) as i64,
            unicode: true,
        },
        Encoding::Float => match float::text(bytes, name.contains("128")) {
            Some(text) => Content::Float(text),
            None => Content::Bytes(bytes.to_vec()),
        },
        Encoding::Complex => {
            let (real, imaginary) = bytes.split_at(bytes.len() / 2);
            let quad = name.contains("128");
            match (float::text(real, quad), float::text(imaginary, quad)) {
                (Some(real), Some(imaginary)) => {
                    let sign = if imaginary.starts_with('-') { "" } else { "+" };
                    Content::Float(format!("{real}{sign}{imaginary}i"))
                }
                _ => Content::Bytes(bytes.to_vec()),
            }
        }
        Encoding::Reversed(of) => {
            let turned: Vec<u8> = bytes.iter().rev().copied().collect();
            base(*of, &turned, name)
        }
        Encoding::SignedChar | Encoding::UnsignedChar | Encoding::Decimal | Encoding::Other(_) => {
            Content::Bytes(bytes.to_vec())
        }
    }
}
