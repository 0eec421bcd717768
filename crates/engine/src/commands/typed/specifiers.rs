//! How `dx` is told to show a value: `,x`, `,5`, `,[count]`, `,su`.

use farsight_session::record::{Content, Text, ValueNode};
use farsight_types::{Address, AddressRange};

use crate::expression::cpp::{self, CppType, Operand, basic_named};
use crate::expression::{ExprError, ExprErrorKind};
use crate::session::TypedScope;

/// Elements that one may ask for.
const MOST_ELEMENTS: u64 = 100_000;
/// Bytes of a text that are read.
const MOST_TEXT: u64 = 4096;

/// How numbers are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Hexadecimal,
    Decimal,
    Octal,
    Binary,
    Character,
    Enumerator,
}

/// What characters a pointer leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Characters {
    wide: bool,
    quotes: bool,
}

/// Everything behind the commas.
#[derive(Default)]
pub(super) struct Specifiers {
    form: Option<Form>,
    text: Option<Characters>,
    elements: Option<u64>,
    /// Fields as they are.
    pub(super) raw: bool,
}

impl Specifiers {
    /// Reads what stands behind the expression that ends at `from`.
    pub(super) fn parse(text: &str, from: usize, scope: &mut TypedScope<'_>) -> Result<Specifiers, ExprError> {
        let mut specifiers = Specifiers::default();
        let mut at = from;
        loop {
            let rest = text.get(at..).unwrap_or_default();
            let spaces = rest.len() - rest.trim_start().len();
            let rest = rest.trim_start();
            at += spaces;
            if rest.is_empty() {
                return Ok(specifiers);
            }
            let wrong = |what: &str| {
                let near = rest.chars().take(40).collect();
                let what = what.to_owned();
                ExprError::new(at, ExprErrorKind::Refused { what, near })
            };
            let Some(word) = rest.strip_prefix(',') else {
                return Err(wrong("A comma and a format may follow"));
            };
            if let Some(inside) = word.trim_start().strip_prefix('[') {
                let start = at + (rest.len() - inside.len());
                let (node, length) = cpp::parse_prefix(inside, scope).map_err(|error| error.shifted(start))?;
                let count = cpp::evaluate(inside, &node, scope)
                    .and_then(|count| cpp::as_number(inside, &count, scope))
                    .map_err(|error| error.shifted(start))?;
                if !inside
                    .get(length..)
                    .is_some_and(|behind| behind.trim_start().starts_with(']'))
                {
                    return Err(wrong("A ']' is missing"));
                }
                specifiers.elements = Some(count);
                let close = inside.get(length..).and_then(|behind| behind.find(']')).unwrap_or(0);
                at = start + length + close + 1;
                continue;
            }
            let end = word.find(',').unwrap_or(word.len());
            let format = word.get(..end).unwrap_or(word).trim();
            specifiers.set(format).ok_or_else(|| {
                wrong("There is no such format; x d o b en c s s8 sb su sub ! n nd, numbers and [Expression] are")
            })?;
            at += 1 + end;
        }
    }

    fn set(&mut self, format: &str) -> Option<()> {
        let form = match format {
            "x" | "h" => Form::Hexadecimal,
            "d" => Form::Decimal,
            "o" => Form::Octal,
            "b" => Form::Binary,
            "c" => Form::Character,
            "en" => Form::Enumerator,
            "s" | "s8" | "sb" | "s8b" | "su" | "sub" => {
                self.text = Some(Characters {
                    wide: format.starts_with("su"),
                    quotes: !format.ends_with('b'),
                });
                return Some(());
            }
            "!" | "n" => {
                self.raw = true;
                return Some(());
            }
            "nd" | "na" => return Some(()),
            count => {
                self.elements = Some(count.parse().ok()?);
                return Some(());
            }
        };
        self.form = Some(form);
        Some(())
    }

    /// Whether numbers are asked for in a form that texts have not.
    pub(super) fn wants_numbers(&self) -> bool {
        !matches!(self.form, None | Some(Form::Enumerator))
    }

    /// A pointer as so many elements.
    pub(super) fn of_elements(
        &self,
        text: &str,
        operand: Operand,
        scope: &mut TypedScope<'_>,
    ) -> Result<Operand, ExprError> {
        let Some(count) = self.elements else {
            return Ok(operand);
        };
        let count = count.min(MOST_ELEMENTS);
        let first = cpp::follow(text, operand, scope)?;
        let of = CppType::Array(first.of.into(), count);
        Ok(Operand { of, held: first.held })
    }

    /// Changes how a value and what is in it are shown.
    pub(super) fn apply(&self, node: &mut ValueNode, scope: &mut TypedScope<'_>) {
        if let Some(form) = self.form {
            in_form(node, form);
        }
        if let (Some(characters), Content::Pointer { address, .. }) = (self.text, &node.content) {
            match read_text(scope, *address, characters.wide) {
                Some(text) if characters.quotes => node.content = Content::Text(text),
                Some(text) => node.content = Content::Summary(text.text),
                None => node.note = Some(format!("memory access error at {address}")),
            }
            node.formatted = true;
            node.children.clear();
        }
    }
}

fn in_form(node: &mut ValueNode, form: Form) {
    let bits = match (node.bits, node.size, basic_named(&node.type_name)) {
        (Some(bits), ..) => bits.size.clamp(1, 64) as u32,
        (_, Some(size @ 1..8), _) => 8 * size as u32,
        (_, None, Some(CppType::Basic(basic))) if basic.size > 0 && basic.size < 8 => 8 * u32::from(basic.size),
        _ => 64,
    };
    let value = match &node.content {
        Content::Signed(value) | Content::Char { value, .. } => Some(*value),
        Content::Unsigned { value, .. } => Some(value.cast_signed()),
        Content::Enumerator { value, .. } => Some(*value),
        Content::Bool(value) => Some((*value).into()),
        Content::Pointer { address, .. } => Some(address.0.cast_signed()),
        _ => None,
    };
    if let Some(value) = value {
        let unsigned = value.cast_unsigned() & (u64::MAX >> (64 - bits.min(64)));
        let is_signed = !matches!(
            node.content,
            Content::Unsigned { .. } | Content::Pointer { .. } | Content::Enumerator { unsigned: true, .. }
        );
        let shown = match form {
            Form::Hexadecimal => Some(Content::Unsigned {
                value: unsigned,
                size: (bits / 8) as u8,
            }),
            Form::Decimal if is_signed => Some(Content::Summary(value.to_string())),
            Form::Decimal => Some(Content::Summary(unsigned.to_string())),
            Form::Octal => Some(Content::Summary(format!("0t{unsigned:o}"))),
            Form::Binary => Some(Content::Summary(format!("0y{unsigned:b}"))),
            Form::Character => Some(Content::Char {
                value: value & 0xff,
                unicode: false,
            }),
            Form::Enumerator => match &node.content {
                Content::Enumerator { name: Some(name), .. } => Some(Content::Summary(name.clone())),
                _ => None,
            },
        };
        node.content = shown.unwrap_or_else(|| node.content.clone());
    }
    for child in &mut node.children {
        in_form(child, form);
    }
}

/// The text at an address, up to its 0.
fn read_text(scope: &mut TypedScope<'_>, address: Address, wide: bool) -> Option<Text> {
    let bytes = scope.session.read_memory(AddressRange::new(address, MOST_TEXT)).ok()?;
    if bytes.is_empty() {
        return None;
    }
    if wide {
        let units: Vec<u16> = bytes
            .as_chunks::<2>()
            .0
            .iter()
            .map(|unit| u16::from_le_bytes(*unit))
            .collect();
        let end = units.iter().position(|unit| *unit == 0);
        return Some(Text {
            text: String::from_utf16_lossy(units.get(..end.unwrap_or(units.len())).unwrap_or_default()),
            cut: end.is_none(),
        });
    }
    let end = bytes.iter().position(|byte| *byte == 0);
    Some(Text {
        text: String::from_utf8_lossy(bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default()).into_owned(),
        cut: end.is_none(),
    })
}
