//! A value in a few words, within the line of another.

use farsight_session::record::{Content, NodeKind, Text, ValueNode};
use farsight_symbols::{TypeKind, ValueError};
use farsight_types::Address;

use super::Value;
use super::format::Failure;
use super::tree::Tree;

/// Fields of a structure that is shown within the line of another.
const FEW: usize = 4;
/// Characters that are a few words.
const MOST_TOLD: usize = 100;

impl Tree<'_, '_, '_, '_> {
    /// A value in a few words, as in `Some(5)`.
    pub(super) fn brief(&mut self, value: &Value) -> Result<String, Failure> {
        self.telling += 1;
        let words = self.in_words(value);
        self.telling -= 1;
        words
    }

    /// As [`Tree::brief`], as a part of what is told, and not within it.
    pub(super) fn in_words(&mut self, value: &Value) -> Result<String, Failure> {
        let mut node = self.node("", value, 0);
        if node.content == Content::Composite && !node.formatted && node.words.is_none() && node.more > 0 {
            // A structure is told by its first fields.
            self.telling += 1;
            node = self.node("", value, 1);
            self.telling -= 1;
        }
        let waits = |node: &ValueNode| node.content == Content::Missing(ValueError::NotYet.to_string());
        if waits(&node) || node.children.iter().any(waits) {
            return Err(Failure::Value(ValueError::NotYet));
        }
        Ok(words(&node))
    }

    /// Tells what a reference leads to.
    pub(super) fn tell_target(&mut self, node: &mut ValueNode, value: &Value) -> Result<(), ValueError> {
        let Content::Pointer {
            address, text: None, ..
        } = &node.content
        else {
            return Ok(());
        };
        if !self.tells() || address.0 == 0 {
            return Ok(());
        }
        let target = self.ground.target(value)?;
        let of = self.ground.stripped(target.module, &target.type_ref)?;
        match of.kind {
            TypeKind::Void | TypeKind::Function { .. } => Ok(()),
            _ => self.tell(node, &target),
        }
    }

    /// Tells the fields of what is not gone into.
    pub(super) fn tell_fields(&mut self, node: &mut ValueNode, value: &Value) -> Result<(), ValueError> {
        let is_told = node.note.is_none() && node.more > 0;
        match self.tells() && node.content == Content::Composite && is_told {
            true => self.tell(node, value),
            false => Ok(()),
        }
    }

    /// Whether words are wanted: not of what is itself told in a few.
    fn tells(&self) -> bool {
        self.limits.words && !self.limits.raw && self.telling == 0 && self.pick.is_none()
    }

    fn tell(&mut self, node: &mut ValueNode, value: &Value) -> Result<(), ValueError> {
        match self.brief(value) {
            Ok(words) if words != NOTHING_TOLD && words.len() <= MOST_TOLD => node.words = Some(words),
            Err(failure) if failure.waits() => return Err(ValueError::NotYet),
            _ => {}
        }
        Ok(())
    }
}

/// What is not told.
pub(super) const NOTHING_TOLD: &str = "{...}";

/// What a node is, without its children and its type.
pub(super) fn words(node: &ValueNode) -> String {
    match &node.content {
        Content::Composite => node.words.clone().unwrap_or_else(|| fields(&node.children)),
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
        Content::Pointer { .. } if let Some(words) = &node.words => words.clone(),
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
        Content::Enumerator {
            value, unsigned: true, ..
        } => value.cast_unsigned().to_string(),
        Content::Enumerator { value, .. } => value.to_string(),
        Content::Text(text) => quoted(text),
        Content::Bytes(_) => NOTHING_TOLD.to_owned(),
        Content::Nothing => String::from("()"),
    }
}

/// `{x=3, y=4}` of the first fields, those of base classes among them; `{...}` of anything else.
fn fields(children: &[ValueNode]) -> String {
    let mut told = Vec::new();
    collect(children, &mut told, &mut Vec::new());
    if told.iter().all(|field| field.ends_with(NOTHING_TOLD)) {
        return NOTHING_TOLD.to_owned();
    }
    if told.len() > FEW {
        told.truncate(FEW);
        told.push(String::from("..."));
    }
    format!("{{{}}}", told.join(", "))
}

/// Virtual base classes are in each class that has them, and once in the object.
fn collect<'n>(children: &'n [ValueNode], told: &mut Vec<String>, bases: &mut Vec<(&'n str, Option<Address>)>) {
    for child in children {
        match child.kind {
            _ if told.len() > FEW => return,
            NodeKind::Base => {
                let base = (child.type_name.as_str(), child.address);
                if base.1.is_none() || !bases.contains(&base) {
                    bases.push(base);
                    collect(&child.children, told, bases);
                }
            }
            // The class's and not the object's.
            NodeKind::Static => {}
            _ if child.name.starts_with("_vptr") => {}
            _ => told.push(format!("{}={}", child.name, words(child))),
        }
    }
}

/// A text of the target in quotes: what is in it ends no quotes, and is no escape of another letter.
pub(super) fn quoted(text: &Text) -> String {
    let dots = if text.cut { "..." } else { "" };
    let shown = text.text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{shown}{dots}\"")
}
