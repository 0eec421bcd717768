//! What the directives of formatters do.
//!
//! All reads of one level of a container are asked for before any of them is waited for: what is missing is noted and the
//! work goes on beside it, and the whole is done again when it is here. Containers are damaged as often as programs are:
//! every walk ends at the count that the container gives, at the limit of what is shown, or at a depth that no sound
//! container has, whichever comes first.

use std::collections::HashSet;

use farsight_session::record::{Content, Text, ValueNode};
use farsight_symbols::{TypeRef, ValueError};
use farsight_types::Address;

use super::evaluate::{Failure, Found, Names, shape};
use super::{Directive, Expr, Item, Piece};
use crate::values::Value;
use crate::values::scalar::decoded;
use crate::values::tree::{Key, Tree};

mod walks;

/// Levels of a binary tree: balanced ones of all memory have fewer.
const MOST_TREE_DEPTH: u32 = 128;
/// Levels of Rust's B-tree.
const MOST_BTREE_DEPTH: i128 = 24;
/// Children of smart pointers and cells that are what these stand for.
const LEADING: [&str; 4] = ["value", "data", "ptr", "pointer"];
/// More bytes than any container has.
const MOST_BYTES: u64 = 1 << 47;
/// More elements than any container has whose elements are on their own.
const MOST_NODES: u64 = MOST_BYTES / 16;
/// The count of a list that does not say how many elements it has.
const UNCOUNTED: u64 = u32::MAX as u64;

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
                    let place = farsight_symbols::Place::value(vec![u8::from(bit)]);
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
            Directive::Walk {
                first,
                next,
                end,
                count,
                item,
            } => {
                let count = self.nodes(count, names)?;
                if depth == 0 {
                    node.more = if count == UNCOUNTED { 0 } else { count };
                    return Ok(());
                }
                let end = self.ground.integer(end, names)?;
                let mut at = self.ground.integer(first, names)?;
                let mut entries = Vec::new();
                let mut waits = None;
                let mut seen = HashSet::new();
                while at != end && (entries.len() as u64) < count.min(self.limits.elements) {
                    if !seen.insert(at) {
                        return Err(shape("its list goes in a circle"));
                    }
                    let here = names.with("$node", Found::Number(at));
                    match self.entry(item, &here) {
                        Ok(entry) => entries.push(entry),
                        Err(failure) if failure.waits() => waits = Some(failure),
                        Err(failure) => return Err(failure),
                    }
                    at = match self.ground.integer(next, &here) {
                        Ok(next) => next,
                        Err(failure) if failure.waits() => {
                            waits = Some(failure);
                            break;
                        }
                        Err(failure) => return Err(failure),
                    };
                    if at == 0 && end != 0 {
                        return Err(shape("its list ends in nothing"));
                    }
                }
                let whole = at == end;
                if waits.is_none() && whole && (entries.len() as u64) < count && count != UNCOUNTED {
                    return Err(Failure::Shape(format!(
                        "its list has {} elements and says that it has {count}",
                        entries.len()
                    )));
                }
                let got = entries.len() as u64;
                self.entries(node, entries, depth, waits)?;
                match count {
                    _ if whole => {}
                    UNCOUNTED => node.note = Some(String::from("there are more")),
                    count => node.more = count.saturating_sub(got),
                }
            }
            Directive::Tree {
                root,
                left,
                right,
                count,
                item,
            } => {
                let count = self.nodes(count, names)?;
                if depth == 0 {
                    node.more = count;
                    return Ok(());
                }
                let root = self.ground.integer(root, names)?;
                let mut walk = TreeWalk {
                    left,
                    right,
                    item,
                    most: count.min(self.limits.elements),
                    entries: Vec::new(),
                    seen: HashSet::new(),
                    waits: None,
                };
                self.binary_tree(&mut walk, root, names, MOST_TREE_DEPTH)?;
                let got = walk.entries.len() as u64;
                if walk.waits.is_none() && got < walk.most {
                    return Err(Failure::Shape(format!(
                        "its tree has {got} elements and says that it has {count}"
                    )));
                }
                self.entries(node, walk.entries, depth, walk.waits)?;
                node.more = count.saturating_sub(got);
            }
            Directive::Swiss {
                control,
                mask,
                count,
                of,
                key,
                value,
            } => {
                let count = self.nodes(count, names)?;
                if depth == 0 || count == 0 {
                    node.more = count;
                    return Ok(());
                }
                let control = self.ground.natural(control, names)?;
                let mask = self.ground.natural(mask, names)?;
                let (of, size) = self.element(of, names)?;
                let room = mask.checked_add(1);
                let before = room.and_then(|room| control.checked_sub(room.checked_mul(size)?));
                let before = before.ok_or_else(|| shape("its table is larger than memory"))?;
                self.sound(before, mask + 1, size)?;
                self.sound(control, mask + 1, 1)?;
                let (entries, waits) = self.swiss(control, mask, count.min(self.limits.elements), &of, size);
                let mut shown = Vec::new();
                for entry in entries {
                    let here = names.with("$item", Found::Value(entry.clone()));
                    shown.push(Entry {
                        key: key.as_ref().map(|key| self.ground.value(key, &here)).transpose()?,
                        value: match value {
                            Some(value) => self.ground.value(value, &here)?,
                            None => entry,
                        },
                    });
                }
                let got = shown.len() as u64;
                if waits.is_none() && got < count.min(self.limits.elements) {
                    return Err(Failure::Shape(format!(
                        "its table has {got} elements and says that it has {count}"
                    )));
                }
                self.entries(node, shown, depth, waits)?;
                node.more = count.saturating_sub(got);
            }
            Directive::Btree {
                root,
                height,
                count,
                key,
                value,
            } => {
                let count = self.nodes(count, names)?;
                if depth == 0 {
                    node.more = count;
                    return Ok(());
                }
                let height = self.ground.integer(height, names)?;
                if height > MOST_BTREE_DEPTH {
                    return Err(shape("its tree is higher than any"));
                }
                let root = self.ground.value(root, names)?;
                let (key, _) = self.element(key, names)?;
                let value = value.as_ref().map(|value| self.element(value, names)).transpose()?;
                let mut walk = BtreeWalk {
                    key,
                    value: value.map(|(of, _)| of),
                    most: count.min(self.limits.elements),
                    entries: Vec::new(),
                    seen: HashSet::new(),
                    waits: None,
                };
                self.b_tree(&mut walk, &root, height)?;
                let got = walk.entries.len() as u64;
                if walk.waits.is_none() && got < walk.most {
                    return Err(Failure::Shape(format!(
                        "its tree has {got} elements and says that it has {count}"
                    )));
                }
                self.entries(node, walk.entries, depth, walk.waits)?;
                node.more = count.saturating_sub(got);
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
            Directive::At(address, of) => {
                let address = self.ground.natural(address, names)?;
                let (of, _) = self.element(of, names)?;
                self.stand_in(node, &of.there(address), depth)?;
            }
            Directive::Object { address, table } => {
                let address = self.ground.natural(address, names)?;
                let table = self.ground.natural(table, names)?;
                let module = names.own.module;
                let Some(of) = self.ground.implementer(module, Address(table))? else {
                    return Err(shape("what implements the trait is not known"));
                };
                let object = Value::memory(module, of, Address(address));
                let name = self.ground.type_of(module, &object.type_ref)?.name.clone();
                let inner = self.node(&node.name, &object, depth);
                let told = match &inner.content {
                    Content::Composite => name,
                    _ => format!("{name} {}", crate::values::brief::words(&inner)),
                };
                node.content = Content::Summary(told);
                node.children = inner.children;
                node.more = inner.more;
                node.note = inner.note;
            }
            Directive::Union { storage, index } => {
                let index = self.ground.integer(index, names)?;
                let mut storage = self.ground.value(storage, names)?;
                // As wide as the number of alternatives needs, all bits mean none.
                if index < 0 || index == 0xff || index == 0xffff || index > 0xff {
                    node.content = Content::Summary(String::from("valueless"));
                    return Ok(());
                }
                for _ in 0..index {
                    storage = self.field(&storage, "_M_rest")?;
                }
                let first = self.field(&storage, "_M_first")?;
                let mut inner = self.field(&first, "_M_storage")?;
                // What has a destructor lies in plain bytes.
                if let Some(bytes) = self.ground.field(&inner, "_M_storage").ok().flatten() {
                    let first = Names {
                        own: &first,
                        bound: Vec::new(),
                    };
                    let spec = super::TypeSpec::Generic(None, String::from("_Type"));
                    let (_, of) = self.ground.type_spec(&spec, &first)?;
                    inner = bytes.other(of, bytes.place.clone());
                }
                self.stand_in(node, &inner, depth)?;
            }
            Directive::Child(name, value) => {
                if depth == 0 {
                    node.more += 1;
                    return Ok(());
                }
                if let Some(key) = self.wanted() {
                    if let (true, Found::Value(value)) =
                        (LEADING.contains(&name.as_str()), self.ground.evaluate(value, names)?)
                    {
                        let leads = matches!(name.as_str(), "ptr" | "pointer");
                        self.pick_inside(&value, leads, &key)?;
                    }
                    return Ok(());
                }
                let child = match self.ground.evaluate(value, names)? {
                    Found::Value(value) => self.node(name, &value, depth - 1),
                    Found::Number(number) => ValueNode {
                        name: name.clone(),
                        content: Content::Signed(number as i64),
                        ..ValueNode::default()
                    },
                };
                node.children.push(child);
            }
            Directive::Is(value) => {
                let leads = matches!(value, Expr::Head(_));
                let value = self.ground.value(value, names)?;
                match self.wanted() {
                    Some(key) => self.pick_inside(&value, leads, &key)?,
                    None => self.stand_in(node, &value, depth)?,
                }
            }
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

    /// The key of what is looked for in the container at hand, if anything is.
    fn wanted(&self) -> Option<Key> {
        let pick = self.pick.as_ref().filter(|_| self.within == 1)?;
        Some(pick.key.clone())
    }

    fn found(&mut self, found: Option<Value>, count: Option<u64>) {
        if let Some(pick) = &mut self.pick {
            pick.found = found;
            pick.count = count;
        }
    }

    /// Takes what is wanted of a value that stands for another: that one, or an element of it. One that leads there is a
    /// pointer to what it stands for.
    fn pick_inside(&mut self, value: &Value, leads: bool, key: &Key) -> Result<(), Failure> {
        let stripped = self.ground.stripped(value.module, &value.type_ref)?;
        let leads = leads && stripped.target().is_some();
        let target = match leads {
            true => self.ground.target(value)?,
            false => value.clone(),
        };
        let index = match key {
            Key::Target => {
                self.found(Some(target), None);
                return Ok(());
            }
            Key::Number(index) => u64::try_from(*index).unwrap_or(u64::MAX),
            Key::Text(_) => return Ok(()),
        };
        if leads && !self.ground.is_record(&target) {
            // An array by its first element.
            let size = self.ground.size_of(&target).unwrap_or(0);
            let place = target.place.clone()?.at(index.wrapping_mul(size));
            self.found(Some(target.other(target.type_ref.clone(), Ok(place))), None);
        } else if let Ok(elements) = self.ground.elements(&target) {
            let place = target.place.clone()?.at(index.wrapping_mul(elements.stride));
            let one = target.other(elements.element, Ok(place));
            let is_there = elements.count.is_none_or(|count| index < count);
            self.found(is_there.then_some(one), elements.count);
        }
        Ok(())
    }

    /// Takes one of a container's entries: by its key where they have keys, else by its number.
    fn pick_entry(&mut self, entries: Vec<Entry>, key: &Key) -> Result<(), Failure> {
        let count = entries.len() as u64;
        let mut numbered = false;
        for (index, entry) in entries.into_iter().enumerate() {
            let is_wanted = match (&entry.key, key) {
                (None, Key::Number(number)) => {
                    numbered = true;
                    i128::try_from(index).is_ok_and(|index| index == *number)
                }
                (Some(own), Key::Number(number)) => match self.ground.number(own) {
                    Err(ValueError::NotYet) => return Err(Failure::Value(ValueError::NotYet)),
                    own => own.is_ok_and(|own| own == *number),
                },
                (Some(own), Key::Text(text)) => self.brief(own)? == format!("\"{text}\""),
                _ => false,
            };
            if is_wanted {
                self.found(Some(entry.value), None);
                return Ok(());
            }
        }
        self.found(None, numbered.then_some(count));
        if let Some(pick) = &mut self.pick {
            pick.asked = true;
        }
        Ok(())
    }

    /// Shows another value in a node's place.
    fn stand_in(&mut self, node: &mut ValueNode, value: &Value, depth: u32) -> Result<(), Failure> {
        let inner = self.node(&node.name, value, depth);
        node.content = match inner.content {
            Content::Composite => Content::Summary(inner.words.unwrap_or(inner.type_name)),
            content => content,
        };
        node.children = inner.children;
        node.more = inner.more;
        node.note = inner.note;
        Ok(())
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

    fn element(&mut self, of: &super::TypeSpec, names: &Names<'_>) -> Result<(Of, u64), Failure> {
        let (module, type_ref) = self.ground.type_spec(of, names)?;
        let size = self.ground.stripped(module, &type_ref)?.size;
        let size = size.ok_or_else(|| shape("elements without a size"))?;
        Ok((Of { module, type_ref }, size))
    }

    /// Holds a container's extent against what can be.
    fn sound(&mut self, address: u64, count: u64, size: u64) -> Result<(), Failure> {
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

    /// How many elements a container has that are each on their own.
    fn nodes(&mut self, count: &Expr, names: &Names<'_>) -> Result<u64, Failure> {
        match self.ground.natural(count, names)? {
            count if count <= MOST_NODES => Ok(count),
            count => Err(Failure::Shape(format!("it cannot have {count:#x} elements"))),
        }
    }

    /// Children with numbers as names.
    fn list(
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
        for index in 0..count {
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

    fn entries(
        &mut self,
        node: &mut ValueNode,
        entries: Vec<Entry>,
        depth: u32,
        waits: Option<Failure>,
    ) -> Result<(), Failure> {
        let mut waits = waits;
        if let Some(key) = self.wanted() {
            return match waits {
                Some(failure) => Err(failure),
                None => self.pick_entry(entries, &key),
            };
        }
        for (index, entry) in entries.into_iter().enumerate() {
            if self.left == 0 {
                break;
            }
            let name = match &entry.key {
                None => format!("[{index}]"),
                Some(key) => match self.brief(key) {
                    Ok(key) => format!("[{key}]"),
                    Err(failure) if failure.waits() => {
                        waits = Some(failure);
                        String::new()
                    }
                    Err(_) => format!("[{index}]"),
                },
            };
            node.children
                .push(self.node(&name, &entry.value, depth.saturating_sub(1)));
        }
        waits.map_or(Ok(()), Err)
    }

    fn entry(&mut self, item: &Item, names: &Names<'_>) -> Result<Entry, Failure> {
        let address = self.ground.natural(&item.address, names)?;
        let (of, _) = self.element(&item.of, names)?;
        let whole = of.there(address);
        let here = names.with("$item", Found::Value(whole.clone()));
        let mut part = |part: &Option<Expr>| part.as_ref().map(|part| self.ground.value(part, &here)).transpose();
        Ok(Entry {
            key: part(&item.key)?,
            value: part(&item.value)?.unwrap_or(whole),
        })
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

struct TreeWalk<'w> {
    left: &'w Expr,
    right: &'w Expr,
    item: &'w Item,
    most: u64,
    entries: Vec<Entry>,
    /// The nodes that were met: a tree has each once.
    seen: HashSet<u64>,
    waits: Option<Failure>,
}

struct BtreeWalk {
    key: Of,
    value: Option<Of>,
    most: u64,
    entries: Vec<Entry>,
    /// The nodes that were met: a tree has each once.
    seen: HashSet<u64>,
    waits: Option<Failure>,
}
