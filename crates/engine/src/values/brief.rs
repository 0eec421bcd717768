//! A value in a few words, within the line of another.

use farsight_session::record::{Content, Text, ValueNode};
use farsight_symbols::ValueError;

use super::Value;
use super::format::Failure;
use super::tree::Tree;

impl Tree<'_, '_, '_, '_> {
    /// A value in a few words, as in `Some(5)`.
    pub(super) fn brief(&mut self, value: &Value) -> Result<String, Failure> {
        let node = self.node("", value, 0);
        if node.content == Content::Missing(ValueError::NotYet.to_string()) {
            return Err(Failure::Value(ValueError::NotYet));
        }
        Ok(words(&node))
    }
}

/// What a node is, without its children and its type.
pub(super) fn words(node: &ValueNode) -> String {
    match &node.content {
        Content::Composite => String::from("{...}"),
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
        Content::Pointer { address, .. } => format!("0x{:x}", address.0),
        Content::Enumerator { name: Some(name), .. } => name.clone(),
        Content::Enumerator { name: None, value } => value.to_string(),
        Content::Text(text) => quoted(text),
        Content::Bytes(_) => String::from("{...}"),
        Content::Nothing => String::from("()"),
    }
}

fn quoted(text: &Text) -> String {
    let dots = if text.cut { "..." } else { "" };
    format!("\"{}{dots}\"", text.text)
}
