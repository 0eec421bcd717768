//! `dt`: fields by their offsets, in DbgEng's columns.

use farsight_session::record::{Content, FieldRow, TypeLayout, TypeList, ValueNode};

use crate::type_names::short;
use crate::value::{content, enumerated};
use crate::{visible, write_line};

/// Levels that are indented; deeper ones stand below each other.
const MOST_INDENT: u32 = 64;

/// `dt Type`.
pub(crate) fn layout(out: &mut String, layout: &TypeLayout) {
    if let Some(heading) = &layout.heading {
        write_line!(out, "{}", visible(&shortened(heading)));
    }
    if let Some(value) = &layout.value {
        write_line!(out, "{}", plain(value));
    }
    if layout.options.compact {
        let parts: Vec<String> = layout.fields.iter().map(|row| field(row, layout)).collect();
        if !parts.is_empty() {
            write_line!(out, "   {}", parts.join("  "));
        }
    } else {
        for row in &layout.fields {
            let depth = if layout.options.no_indent { 0 } else { row.depth };
            let indent = 3 * (depth.min(MOST_INDENT) as usize + 1);
            write_line!(out, "{:indent$}{}", "", field(row, layout));
        }
    }
    if layout.more > 0 {
        write_line!(out, "   [...] ({} more)", layout.more);
    }
}

/// A heading with a shorter name of the type that it ends with.
fn shortened(heading: &str) -> String {
    match heading.split_once(" Type ") {
        Some((before, name)) => format!("{before} Type {}", short(name)),
        None => heading.to_owned(),
    }
}

fn field(row: &FieldRow, layout: &TypeLayout) -> String {
    let place = match (row.offset, row.address) {
        _ if layout.options.no_offsets => String::new(),
        (Some(offset), _) => format!("+0x{offset:03x} "),
        (None, Some(address)) => format!("={address} "),
        (None, None) => String::new(),
    };
    let name = visible(&row.name);
    let width = if row.name.starts_with('[') { 0 } else { 16 };
    let separator = if row.name.starts_with('[') { " " } else { " : " };
    format!("{place}{name:width$}{separator}{}", described(row))
        .trim_end()
        .to_owned()
}

fn described(row: &FieldRow) -> String {
    let bits = row.bits.map(|bits| match bits.size {
        1 => format!("Pos {}, 1 Bit", bits.offset),
        size => format!("Pos {}, {size} Bits", bits.offset),
    });
    let note = row
        .value
        .as_ref()
        .and_then(|value| value.note.as_deref())
        .map(|note| format!(" <{}>", visible(note)))
        .unwrap_or_default();
    match (&row.value, bits) {
        (None, Some(bits)) => bits,
        (None, None) => visible(&row.what).into_owned(),
        (Some(value), Some(bits)) => match &value.content {
            Content::Unsigned { value: number, .. } => format!("0y{}{note}", binary(*number, &bits)),
            _ => format!("{}{note}", plain(value)),
        },
        (Some(value), None) => format!("{}{note}", beside(value, &row.what)),
    }
}

fn binary(number: u64, _bits: &str) -> String {
    format!("{number:b}")
}

/// A value beside its field: pointers and arrays say what they are of.
fn beside(value: &ValueNode, what: &str) -> String {
    let what = visible(what);
    match &value.content {
        Content::Pointer { address, .. } if address.0 == 0 => {
            format!("(null) {}", what.strip_prefix("Ptr64 ").unwrap_or(&what))
        }
        Content::Pointer { text: Some(_), .. } | Content::Pointer { symbol: Some(_), .. } => plain(value),
        Content::Pointer { .. } => format!("{} {}", plain(value), what.strip_prefix("Ptr64 ").unwrap_or(&what)),
        // Bytes, which are told as such.
        Content::Composite if what.starts_with('[') && value.words.is_some() => {
            let count = what.split_inclusive(']').next().unwrap_or_default();
            let words = value.words.as_deref().map(visible).unwrap_or_default();
            format!("{count} {words}")
        }
        Content::Composite => what.into_owned(),
        Content::Text(_) if what.starts_with('[') => {
            let count = what.split_inclusive(']').next().unwrap_or_default().to_owned();
            let bare = ValueNode {
                type_name: String::new(),
                ..value.clone()
            };
            format!("{count} {}", content(&bare))
        }
        Content::Text(_) | Content::Summary(_) if value.formatted => format!("{what} {}", content(value)),
        _ => plain(value),
    }
}

/// A value as `dt` writes it: enumerators behind their numbers.
fn plain(value: &ValueNode) -> String {
    match &value.content {
        Content::Enumerator { name, value, unsigned } => {
            let value = enumerated(*value, *unsigned);
            let name = name.as_deref().unwrap_or("No matching name");
            format!("{value} ( {} )", visible(name))
        }
        _ => content(value),
    }
}

/// `dt module!Pattern*`.
pub(crate) fn list(out: &mut String, list: &TypeList) {
    for row in &list.rows {
        let size = row.size.map_or_else(|| "-".to_owned(), |size| format!("0x{size:x}"));
        write_line!(out, "{size:>12}  {}!{}", visible(&row.module), visible(&row.name));
    }
    if list.cut {
        write_line!(out, "There are more; give a longer pattern.");
    }
}

#[cfg(test)]
mod tests {
    use farsight_session::record::{Bits, LayoutOptions};
    use farsight_types::Address;

    use super::*;

    fn row(name: &str, offset: u64, what: &str, content: Option<Content>) -> FieldRow {
        FieldRow {
            name: name.to_owned(),
            offset: Some(offset),
            what: what.to_owned(),
            value: content.map(|content| ValueNode {
                content,
                ..ValueNode::default()
            }),
            ..FieldRow::default()
        }
    }

    #[test]
    fn fields_stand_in_dbgengs_columns() {
        let pointer = |address| {
            Some(Content::Pointer {
                address: Address(address),
                symbol: None,
                text: None,
            })
        };
        let bits = |content| FieldRow {
            bits: Some(Bits { offset: 3, size: 2 }),
            ..row("flags", 0x30, "Uint4B", content)
        };
        let enumerator = Content::Enumerator {
            name: Some("Red".to_owned()),
            value: 2,
            unsigned: false,
        };
        for (row, expected) in [
            (row("a", 0, "Int4B", None), "   +0x000 a                : Int4B\n"),
            (
                row("a", 8, "Int4B", Some(Content::Signed(-5))),
                "   +0x008 a                : 0n-5\n",
            ),
            (
                row("next", 0x10, "Ptr64 Node", pointer(0x1000)),
                "   +0x010 next             : 0x00000000`00001000 Node\n",
            ),
            (
                row("next", 0x10, "Ptr64 Node", pointer(0)),
                "   +0x010 next             : (null) Node\n",
            ),
            (
                row("color", 4, "Color", Some(enumerator)),
                "   +0x004 color            : 2 ( Red )\n",
            ),
            (bits(None), "   +0x030 flags            : Pos 3, 2 Bits\n"),
            (
                bits(Some(Content::Unsigned { value: 2, size: 4 })),
                "   +0x030 flags            : 0y10\n",
            ),
            (
                row("[01]", 4, "Int4B", Some(Content::Signed(7))),
                "   +0x004 [01] 0n7\n",
            ),
        ] {
            let mut out = String::new();
            let fields = vec![row];
            layout(
                &mut out,
                &TypeLayout {
                    fields,
                    ..TypeLayout::default()
                },
            );
            assert_eq!(out, expected);
        }
        let mut out = String::new();
        layout(
            &mut out,
            &TypeLayout {
                heading: Some("struct S".to_owned()),
                fields: vec![row("a", 0, "Int4B", None), row("b", 4, "Char", None)],
                options: LayoutOptions {
                    compact: true,
                    no_offsets: true,
                    ..LayoutOptions::default()
                },
                ..TypeLayout::default()
            },
        );
        assert_eq!(out, "struct S\n   a                : Int4B  b                : Char\n");
    }
}
