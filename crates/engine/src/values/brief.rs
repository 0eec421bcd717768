//! A value in a few words, within the line of another.

use farsight_session::record::{Content, NodeKind, Text, ValueNode};
use farsight_symbols::ValueError;

use super::Value;
use super::format::Failure;
use super::tree::Tree;

/// Fields of a structure that is shown within the line of another.
const FEW: u64 = 4;

impl Tree<'_, '_, '_, '_> {
    /// A value in a few words, as in `Some(5)`.
    pub(super) fn brief(&mut self, value: &Value) -> Result<String, Failure> {
        let mut node = self.node("", value, 0);
        if node.content == Content::Composite && !node.formatted && (1..=FEW).contains(&node.more) {
            // A small structure is told by its fields.
            node = self.node("", value, 1);
        }
        let waits = |node: &ValueNode| node.content == Content::Missing(ValueError::NotYet.to_string());
        if waits(&node) || node.children.iter().any(waits) {
            return Err(Failure::Value(ValueError::NotYet));
        }
        Ok(words(&node))
    }
}

/// What a node is, without its children and its type.
pub(super) fn words(node: &ValueNode) -> String {
    match &node.content {
        Content::Composite => fields(&node.children),
        Content::Missing(why) => format!("<{why}>"),
        Content::Signed(value) => value.to_string(),
        Content::Unsigned { value, .. } => value.to_string(),
        Content::Wide { high, low, signed } => {
            let value = u128::from(*high) << 64 | u128::from(*low);
            match signed {
                true => value.cast_signed().to_string(),
                false => value.to_string(),
            }
        }
        Content::Bool(value) => match value {
            0 => String::from("false"),
            1 => String::from("true"),
            other => format!("{other:#x}"),
        },
        Content::Char { value, unicode } => match u32::try_from(*value).ok().and_then(char::from_u32) {
            Some(letter) if *unicode || letter.is_ascii_graphic() || letter == ' ' => format!("'{letter}'"),
            _ => value.to_string(),
        },
        Content::Float(text) | Content::Summary(text) => text.clone(),
        Content::Pointer { text: Some(text), .. } => quoted(text),
        Content::Pointer {
            address,
            symbol: Some(symbol),
            ..
        } if symbol.displacement == 0 => match &symbol.name {
            Some(name) => format!("{}!{name}", symbol.module),
            None => format!("0x{address}"),
        },
        Content::Pointer { address, .. } => format!("0x{address}"),
        Content::Enumerator { name: Some(name), .. } => name.clone(),
        Content::Enumerator { name: None, value } => value.to_string(),
        Content::Text(text) => quoted(text),
        Content::Bytes(_) => String::from("{...}"),
        Content::Nothing => String::from("()"),
    }
}

/// `{x=3, y=4}` of plain fields, `{...}` of anything else.
fn fields(children: &[ValueNode]) -> String {
    let is_plain = |child: &ValueNode| {
        child.kind == NodeKind::Member && !matches!(child.content, Content::Composite | Content::Summary(_))
    };
    if children.is_empty() || !children.iter().all(is_plain) {
        return String::from("{...}");
    }
    let shown: Vec<String> = children
        .iter()
        .map(|child| format!("{}={}", child.name, words(child)))
        .collect();
    format!("{{{}}}", shown.join(", "))
}

fn quoted(text: &Text) -> String {
    let dots = if text.cut { "..." } else { "" };
    format!("\"{}{dots}\"", text.text)
}
