//! What the directives of formatters do.
//!
//! All reads of one level of a container are asked for before any of them is waited for: what is missing is noted and the
//! work goes on beside it, and the whole is done again when it is here. Containers are damaged as often as programs are:
//! every walk ends at the count that the container gives, at the limit of what is shown, or at a depth that no sound
//! container has, whichever comes first.

use farsight_session::record::{Content, Text, ValueNode};
use farsight_symbols::{TypeRef, ValueError};
use farsight_types::Address;

use super::evaluate::{Failure, Found, Names, shape};
use super::{Directive, Expr, Item, Piece};
use crate::values::Value;
use crate::values::scalar::decoded;
use crate::values::tree::{Key, Tree};

mod linked;
mod pick;
mod rows;
mod stands;
mod walks;

use linked::{BtreeWalk, TreeWalk};

/// More bytes than any container has.
const MOST_BYTES: u64 = 1 << 47;

/// An entry of a container: its name's key where it has one, and its value.
struct Entry {
    key: Option<Value>,
    value: Value,
}

impl Tree<'_, '_, '_, '_> {
    /// Shows a value by its formatter; false where it has none, or none that does.
    pub(in crate::values) fn formatted(
        &mut self,
        node: &mut ValueNode,
        value: &Value,
        depth: u32,
    ) -> Result<bool, ValueError> {
        let found = self.ground.stripped(value.module, &value.type_ref)?;
        let formats = self.ground.formats.clone();
        let known = self.ground.known(value.module)?;
        let Some(index) = known.format_of(&found.id, || formats.find(&found.name)) else {
            return Ok(false);
        };
        let Some(formatter) = formats.list.get(index) else {
            return Ok(false);
        };
        if self.within >= MOST_WITHIN {
            return Ok(false);
        }
        let own = value.other(found.id.clone(), value.place.clone());
        let mut names = Names {
            own: &own,
            bound: Vec::new(),
        };
        let before = (node.content.clone(), node.type_name.clone());
        self.within += 1;
        let done = self.directives(node, &formatter.directives, &mut names, depth);
        self.within -= 1;
        match done {
            Ok(()) => {
                node.formatted = true;
                Ok(true)
            }
            Err(failure) if failure.waits() => Err(ValueError::NotYet),
            Err(failure) => {
                (node.content, node.type_name) = before;
                node.children.clear();
                node.more = 0;
                node.note = Some(format!("shown as its fields: {failure}"));
                Ok(false)
            }
        }
    }

    fn directives<'n>(
        &mut self,
        node: &mut ValueNode,
        directives: &'n [Directive],
        names: &mut Names<'n>,
        depth: u32,
    ) -> Result<(), Failure> {
        // What one directive waits for keeps none of the others from asking.
        let mut waits = None;
        for directive in directives {
            match self.directive(node, directive, names, depth) {
                Ok(()) => {}
                Err(failure) if failure.waits() => waits = Some(failure),
                Err(failure) => return Err(failure),
            }
        }
        waits.map_or(Ok(()), Err)
    }

    fn directive<'n>(
        &mut self,
        node: &mut ValueNode,
        directive: &'n Directive,
        names: &mut Names<'n>,
        depth: u32,
    ) -> Result<(), Failure> {
        match directive {
            Directive::Check(condition, text) => {
                if self.ground.integer(condition, names)? == 0 {
                    return Err(Failure::Shape(format!("it is damaged, or not there yet: not {text}")));
                }
            }
            Directive::Let(name, value) => {
                let found = self.ground.evaluate(value, names)?;
                names.bound.push((name, found));
            }
            // Nobody sees it.
            Directive::Summary(_) if self.wanted().is_some() => {}
            Directive::Text { address, .. } if let Some(key) = self.wanted() => {
                if let Found::Value(first) = self.ground.evaluate(address, names)? {
                    self.pick_inside(&first, matches!(key, Key::Number(_)), &key)?;
                }
            }
            Directive::Summary(pieces) => node.content = Content::Summary(self.summary(pieces, names)?),
            Directive::Text { address, count, width } => {
                let address = self.ground.natural(address, names)?;
                let count = self.ground.natural(count, names)?;
                let width = self.ground.natural(width, names)?;
                self.sound(address, count, width)?;
                node.content = Content::Text(self.text(address, count, width)?);
            }
            Directive::Array { .. }
            | Directive::Ring { .. }
            | Directive::Bits { .. }
            | Directive::Chunks { .. }
            | Directive::Heads(_) => self.in_rows(node, directive, names, depth)?,
            Directive::Walk { .. } | Directive::Tree { .. } | Directive::Swiss { .. } | Directive::Btree { .. } => {
                self.linked(node, directive, names, depth)?;
            }
            Directive::At(..)
            | Directive::Object { .. }
            | Directive::Union { .. }
            | Directive::Child(..)
            | Directive::Is(_)
            | Directive::Points(_) => self.stands_for(node, directive, names, depth)?,
            Directive::When(condition, then, otherwise) => {
                let chosen = match self.ground.integer(condition, names)? {
                    0 => otherwise,
                    _ => then,
                };
                return self.directives(node, chosen, names, depth);
            }
        }
        Ok(())
    }

    fn field(&mut self, of: &Value, name: &str) -> Result<Value, Failure> {
        let found = self.ground.field(of, name)?;
        found.ok_or_else(|| Failure::Shape(format!("it has no field '{name}'")))
    }

    fn word(&mut self, address: u64) -> Result<u64, Failure> {
        let bytes = self.ground.memory(Address(address), 8)?;
        Ok(crate::values::ground::integer(&bytes, false) as u64)
    }

    fn summary(&mut self, pieces: &[Piece], names: &Names<'_>) -> Result<String, Failure> {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Value(expr) => match self.ground.evaluate(expr, names)? {
                    Found::Number(number) => text.push_str(&number.to_string()),
                    Found::Value(value) => text.push_str(&self.brief(&value)?),
                },
            }
        }
        Ok(text)
    }

    fn text(&mut self, address: u64, count: u64, width: u64) -> Result<Text, Failure> {
        let shown = count.min(self.limits.text);
        if !matches!(width, 1 | 2 | 4) {
            return Err(shape("characters of no known width"));
        }
        if shown == 0 {
            return Ok(Text::default());
        }
        let bytes = self.ground.memory(Address(address), (shown * width) as usize)?;
        Ok(decoded(&bytes, width, shown < count))
    }
}

/// Formatters within formatters, such as cells in cells.
const MOST_WITHIN: u32 = 8;

/// A type of elements.
#[derive(Clone)]
struct Of {
    module: usize,
    type_ref: TypeRef,
}

impl Of {
    fn there(&self, address: u64) -> Value {
        Value::memory(self.module, self.type_ref.clone(), Address(address))
    }
}
