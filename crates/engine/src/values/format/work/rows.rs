//! Elements that lie in rows: the place of each is computed from its number, none has to be read to find the next.

use farsight_session::record::{Content, ValueNode};
use farsight_symbols::{Place, TypeRef};
use farsight_types::Address;

use super::{Directive, Failure, MOST_BYTES, Names, Of, shape};
use crate::values::Value;
use crate::values::format::TypeSpec;
use crate::values::tree::{Key, Tree};

impl Tree<'_, '_, '_, '_> {
    /// Shows what lies in rows.
    pub(super) fn in_rows<'n>(
        &mut self,
        node: &mut ValueNode,
        directive: &'n Directive,
        names: &mut Names<'n>,
        depth: u32,
    ) -> Result<(), Failure> {
        match directive {
            Directive::Array { address, count, of } => {
                let address = self.ground.natural(address, names)?;
                let count = self.ground.natural(count, names)?;
                let (of, size) = self.element(of, names)?;
                self.sound(address, count, size)?;
                self.list(node, count, depth, |_, index| {
                    Ok(of.there(address.wrapping_add(index.wrapping_mul(size))))
                })?;
            }
            Directive::Ring {
                address,
                head,
                count,
                room,
                of,
            } => {
                let address = self.ground.natural(address, names)?;
                let head = self.ground.natural(head, names)?;
                let count = self.ground.natural(count, names)?;
                let room = self.ground.natural(room, names)?.max(1);
                let (of, size) = self.element(of, names)?;
                self.sound(address, if count == 0 { 0 } else { room }, size)?;
                self.list(node, count, depth, |_, index| {
                    let index = head.wrapping_add(index) % room;
                    Ok(of.there(address.wrapping_add(index.wrapping_mul(size))))
                })?;
            }
            Directive::Bits { address, count } => {
                let address = self.ground.natural(address, names)?;
                let count = self.ground.natural(count, names)?;
                self.sound(address, count / 8, 1)?;
                let module = names.own.module;
                self.list(node, count, depth, |tree, index| {
                    let byte = tree.ground.memory(Address(address.wrapping_add(index / 8)), 1)?;
                    let bit = byte.first().is_some_and(|byte| byte >> (index % 8) & 1 == 1);
                    let of = TypeRef::Base(farsight_symbols::Encoding::Bool, 1, "bool");
                    let place = Place::value(vec![u8::from(bit)]);
                    Ok(Value::new(module, of, place))
                })?;
            }
            Directive::Chunks {
                map,
                first,
                count,
                room,
                of,
            } => {
                let map = self.ground.natural(map, names)?;
                let first = self.ground.natural(first, names)?;
                let count = self.ground.natural(count, names)?;
                let room = self.ground.natural(room, names)?.max(1);
                let (of, size) = self.element(of, names)?;
                self.sound(map, count / room, 8)?;
                self.list(node, count, depth, |tree, index| {
                    let at = first.wrapping_add(index);
                    let chunk = tree.word(map.wrapping_add(at / room * 8))?;
                    Ok(of.there(chunk.wrapping_add((at % room).wrapping_mul(size))))
                })?;
            }
            Directive::Heads(of) => {
                let of = self.ground.value(of, names)?;
                let heads = self.ground.heads(&of)?;
                let mut shown = Vec::new();
                for head in &heads {
                    shown.push(self.brief(head)?);
                }
                node.content = Content::Summary(format!("({})", shown.join(", ")));
                self.list(node, heads.len() as u64, depth, |_, index| {
                    let head = usize::try_from(index).ok().and_then(|index| heads.get(index));
                    head.cloned().ok_or_else(|| shape("a tuple that changes"))
                })?;
            }
            // The others are not handed here.
            _ => {}
        }
        Ok(())
    }

    pub(super) fn element(&mut self, of: &TypeSpec, names: &Names<'_>) -> Result<(Of, u64), Failure> {
        let (module, type_ref) = self.ground.type_spec(of, names)?;
        let size = self.ground.stripped(module, &type_ref)?.size;
        let size = size.ok_or_else(|| shape("elements without a size"))?;
        Ok((Of { module, type_ref }, size))
    }

    /// Holds a container's extent against what can be.
    pub(super) fn sound(&mut self, address: u64, count: u64, size: u64) -> Result<(), Failure> {
        let bytes = count.checked_mul(size).filter(|bytes| *bytes <= MOST_BYTES);
        if bytes.and_then(|bytes| address.checked_add(bytes)).is_none() {
            return Err(Failure::Shape(format!("it cannot have {count:#x} elements")));
        }
        let Some(last) = bytes.and_then(|bytes| bytes.checked_sub(1)) else {
            return Ok(());
        };
        // All of it is there where both ends are; both are asked for at once.
        let first = self.ground.memory(Address(address), 1);
        let last = self.ground.memory(Address(address.wrapping_add(last)), 1);
        first?;
        last?;
        Ok(())
    }

    /// Children with numbers as names.
    pub(super) fn list(
        &mut self,
        node: &mut ValueNode,
        count: u64,
        depth: u32,
        mut at: impl FnMut(&mut Self, u64) -> Result<Value, Failure>,
    ) -> Result<(), Failure> {
        if depth == 0 {
            node.more = count;
            return Ok(());
        }
        if let Some(key) = self.wanted() {
            let index = match key {
                Key::Number(index) => u64::try_from(index).unwrap_or(u64::MAX),
                Key::Text(_) | Key::Target => return Ok(()),
            };
            let found = if index < count { Some(at(self, index)?) } else { None };
            self.found(found, Some(count));
            return Ok(());
        }
        let mut waits = None;
        for index in self.skipped(depth).min(count)..count {
            if index >= self.limits.elements || self.left == 0 {
                node.more = count - index;
                break;
            }
            match at(self, index) {
                Ok(value) => node.children.push(self.node(&format!("[{index}]"), &value, depth - 1)),
                Err(failure) if failure.waits() => waits = Some(failure),
                Err(failure) => return Err(failure),
            }
        }
        waits.map_or(Ok(()), Err)
    }
}
