//! Values: `dv`, `??`, `dx` (specification, section 5.17): signed numbers `0n31`, others `0x1f`, characters `0n97 'a'`,
//! pointers by all their digits with the text or symbol that they lead to.

use std::fmt::Write as _;

use farsight_session::record::{Content, LocalColumns, Locals, NodeKind, ShownValue, Text, ValueNode};
use farsight_types::Address;

use crate::place::symbol;
use crate::type_names::short;
use crate::{visible, write_line};

/// Levels of a tree that are indented; deeper ones stand below each other.
const MOST_INDENT: usize = 64;

/// `dv`.
pub(crate) fn locals(out: &mut String, locals: &Locals) {
    for row in &locals.rows {
        write_line!(out, "{}", local(row, locals.columns));
        children(out, row, 1);
    }
}

fn local(row: &ValueNode, columns: LocalColumns) -> String {
    let mut line = String::new();
    if columns.kind {
        line.push_str(match row.kind {
            NodeKind::Parameter => "prv param  ",
            NodeKind::Static => "pub static ",
            _ => "prv local  ",
        });
    }
    if columns.address || columns.place {
        let address = row.address.map(|address| address.to_string());
        let place = row
            .place
            .as_deref()
            .map(visible)
            .filter(|_| columns.place || address.is_none());
        let text = [address.unwrap_or_default(), place.unwrap_or_default().into_owned()].join(" ");
        let width = if columns.place { 32 } else { 17 };
        let _ = write!(line, "{:width$} ", text.trim());
    }
    let name = visible(&row.name);
    let _ = match columns.type_name {
        true => write!(line, "{:>15} = ", format!("{} {name}", visible(&row.type_name))),
        false => write!(line, "{name:>15} = "),
    };
    line.push_str(&described(row));
    line
}

/// `??`, `dx`.
pub(crate) fn shown(out: &mut String, shown: &ShownValue) {
    let value = &shown.value;
    if shown.tree {
        write_line!(out, "{}", branch(value, 15));
        tree(out, value, 1);
        return;
    }
    let head = ValueNode {
        name: String::new(),
        type_name: short(&value.type_name).into_owned(),
        content: value.content.clone(),
        words: value.words.clone(),
        formatted: value.formatted,
        ..ValueNode::default()
    };
    let text = content(&head);
    let named = format!("{} ", visible(&head.type_name));
    // Some values are told with their types.
    let parts = match text.starts_with(&named) || text == named.trim_end() {
        true => [String::new(), text],
        false => [named, text],
    };
    write_line!(out, "{}{}", parts.concat().trim_end(), note(value));
    children(out, value, 1);
}

/// One line of a tree: `name : 7 [Type: int]`, and without a value where there is only what is in it.
fn branch(node: &ValueNode, width: usize) -> String {
    let name = visible(&node.name);
    let text = match &node.content {
        Content::Composite => match &node.words {
            Some(words) => format!(" : {}", visible(words)),
            None => String::new(),
        },
        Content::Signed(value) => format!(" : {value}"),
        _ => format!(" : {}", content(node)),
    };
    format!("{name:width$}{text}{}{}", bracketed(&node.type_name), note(node))
}

fn bracketed(type_name: &str) -> String {
    match type_name.is_empty() {
        true => String::new(),
        false => format!(" [Type: {}]", visible(type_name)),
    }
}

/// Children as `dx` shows them.
fn tree(out: &mut String, node: &ValueNode, depth: usize) {
    let indent = 4 * depth.min(MOST_INDENT);
    for child in &node.children {
        write_line!(out, "{:indent$}{}", "", branch(child, 16));
        tree(out, child, depth + 1);
    }
    more(out, node, indent);
}

/// Children as `dt` shows them: `+0x008 name : value`.
fn children(out: &mut String, node: &ValueNode, depth: usize) {
    let indent = 3 * depth.min(MOST_INDENT);
    for child in &node.children {
        let offset = child
            .offset
            .map(|offset| format!("+0x{offset:03x} "))
            .unwrap_or_default();
        write_line!(
            out,
            "{:indent$}{offset}{:17}: {}",
            "",
            visible(&child.name),
            described(child)
        );
        children(out, child, depth + 1);
    }
    more(out, node, indent);
}

fn more(out: &mut String, node: &ValueNode, indent: usize) {
    // What was not gone into at all says nothing, as in DbgEng.
    if node.more > 0 && !node.children.is_empty() {
        write_line!(out, "{:indent$}[...] ({} more)", "", node.more);
    }
}

/// A value in one line, with what is to be said of it.
fn described(node: &ValueNode) -> String {
    let text = content(node);
    let bits = node.bits.map(|bits| match bits.size {
        1 => format!("Pos {}, 1 Bit = ", bits.offset),
        size => format!("Pos {}, {size} Bits = ", bits.offset),
    });
    format!("{}{text}{}", bits.unwrap_or_default(), note(node))
}

fn note(node: &ValueNode) -> String {
    node.note
        .as_deref()
        .map(|note| format!(" <{}>", visible(note)))
        .unwrap_or_default()
}

/// A value in one line, fit for a terminal, without what is in it.
pub fn content(node: &ValueNode) -> String {
    match &node.content {
        Content::Composite => match &node.words {
            Some(words) => format!("{} {}", visible(&node.type_name), visible(words)),
            None => visible(&node.type_name).into_owned(),
        },
        Content::Missing(why) => format!("<{}>", visible(why)),
        Content::Signed(value) => format!("0n{value}"),
        Content::Unsigned { value, .. } => format!("{value:#x}"),
        Content::Wide { high, low, signed } => {
            let value = u128::from(*high) << 64 | u128::from(*low);
            match signed {
                true => format!("0n{}", value.cast_signed()),
                false => format!("{value:#x}"),
            }
        }
        Content::Bool(0) => String::from("false"),
        Content::Bool(1) => String::from("true"),
        Content::Bool(other) => format!("{other:#x}"),
        Content::Char { value, unicode } => character(*value, *unicode),
        Content::Float(text) => visible(text).into_owned(),
        Content::Pointer {
            address,
            symbol: name,
            text: there,
        } => {
            let mut shown = pointer(*address);
            if let Some(name) = name {
                let _ = write!(shown, " {}", symbol(name));
            }
            if let Some(there) = there {
                let _ = write!(shown, " {}", text(there));
            }
            if let Some(words) = &node.words {
                let _ = write!(shown, " {}", visible(words));
            }
            shown
        }
        Content::Enumerator { name, value, unsigned } => {
            let number = enumerated(*value, *unsigned);
            match name {
                Some(name) => format!("{} (0n{number})", visible(name)),
                None => format!("0n{number} (No matching name)"),
            }
        }
        Content::Text(there) => match node.formatted || node.type_name.is_empty() {
            true => text(there),
            false => format!("{} {}", visible(&node.type_name), text(there)),
        },
        Content::Summary(summary) => visible(summary).into_owned(),
        Content::Bytes(bytes) => {
            let shown: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            shown.join(" ")
        }
        Content::Nothing => visible(&node.type_name).into_owned(),
    }
}

/// What an enumerator stands for.
pub(crate) fn enumerated(value: i64, unsigned: bool) -> String {
    match unsigned {
        true => value.cast_unsigned().to_string(),
        false => value.to_string(),
    }
}

/// An address with all its digits.
fn pointer(address: Address) -> String {
    format!("0x{address}")
}

/// `0n97 'a'`; without the character where it is none that shows itself.
fn character(value: i64, unicode: bool) -> String {
    let shown = match u32::try_from(value).ok().and_then(char::from_u32) {
        Some(shown) if unicode || matches!(shown, ' '..='~') => Some(shown),
        Some('\0') => return String::from("0n0 ''"),
        _ => None,
    };
    match shown {
        Some(shown) => format!("0n{value} '{}'", visible(&shown.to_string())),
        None => format!("0n{value} ''"),
    }
}

/// A string of the target in quotes.
fn text(text: &Text) -> String {
    let dots = if text.cut { "..." } else { "" };
    let shown = text.text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}{dots}\"", visible(&shown))
}

#[cfg(test)]
mod tests {
    use farsight_session::record::SymbolName;

    use super::*;

    fn node(content: Content) -> ValueNode {
        ValueNode {
            name: String::from("x"),
            type_name: String::from("T"),
            content,
            ..ValueNode::default()
        }
    }

    #[test]
    fn values_have_dbgengs_forms() {
        let hostile = Text {
            text: String::from("a\x1b[2J\"\\"),
            cut: true,
        };
        let pointer = |symbol, text| Content::Pointer {
            address: Address(0x7fff_1234_5678),
            symbol,
            text,
        };
        for (content, expected) in [
            (Content::Signed(-5), "0n-5"),
            (Content::Unsigned { value: 31, size: 4 }, "0x1f"),
            (
                Content::Wide {
                    high: u64::MAX,
                    low: u64::MAX,
                    signed: true,
                },
                "0n-1",
            ),
            (Content::Bool(1), "true"),
            (Content::Bool(7), "0x7"),
            (
                Content::Char {
                    value: 97,
                    unicode: false,
                },
                "0n97 'a'",
            ),
            (
                Content::Char {
                    value: -23,
                    unicode: false,
                },
                "0n-23 ''",
            ),
            (
                Content::Char {
                    value: 0x202e,
                    unicode: true,
                },
                "0n8238 '\\u{202e}'",
            ),
            (Content::Float(String::from("1.5")), "1.5"),
            (pointer(None, None), "0x00007fff`12345678"),
            (
                pointer(Some(SymbolName::new("prog", "main", 4)), None),
                "0x00007fff`12345678 prog!main+0x4",
            ),
            (
                pointer(None, Some(hostile.clone())),
                "0x00007fff`12345678 \"a\\e[2J\\\"\\\\...\"",
            ),
            (
                Content::Enumerator {
                    name: Some(String::from("red")),
                    value: 2,
                    unsigned: false,
                },
                "red (0n2)",
            ),
            (
                Content::Enumerator {
                    name: None,
                    value: -1,
                    unsigned: true,
                },
                "0n18446744073709551615 (No matching name)",
            ),
            (Content::Missing(String::from("optimized out")), "<optimized out>"),
            (Content::Composite, "T"),
            (Content::Text(hostile), "T \"a\\e[2J\\\"\\\\...\""),
        ] {
            assert_eq!(super::content(&node(content)), expected);
        }
    }

    #[test]
    fn locals_are_listed_as_dv_does() {
        let row = ValueNode {
            name: String::from("argc"),
            type_name: String::from("int"),
            address: Some(Address(0x7ffe_0000_1234)),
            place: Some(String::from("@rsp+0x20")),
            kind: NodeKind::Parameter,
            ..node(Content::Signed(1))
        };
        let columns = |kind, type_name, address, place| LocalColumns {
            kind,
            type_name,
            address,
            place,
        };
        for (columns, expected) in [
            (columns(false, false, false, false), "           argc = 0n1\n"),
            (columns(true, true, false, false), "prv param         int argc = 0n1\n"),
            (
                columns(false, true, true, false),
                "00007ffe`00001234        int argc = 0n1\n",
            ),
            (
                columns(false, false, false, true),
                "00007ffe`00001234 @rsp+0x20                 argc = 0n1\n",
            ),
        ] {
            let mut out = String::new();
            let rows = vec![row.clone()];
            locals(&mut out, &Locals { rows, columns });
            assert_eq!(out, expected);
        }
    }
}
