//! Elements that are each on their own, in lists, trees and tables: one has to be read to find the next.

use std::collections::HashSet;

use farsight_session::record::ValueNode;

use super::{Directive, Entry, Expr, Failure, Found, Item, MOST_BYTES, Names, Of, shape};
use crate::values::tree::Tree;

/// Levels of a binary tree: balanced ones of all memory have fewer.
const MOST_TREE_DEPTH: u32 = 128;
/// Levels of Rust's B-tree.
const MOST_BTREE_DEPTH: i128 = 24;
/// More elements than any container has whose elements are on their own.
const MOST_NODES: u64 = MOST_BYTES / 16;
/// The count of a list that does not say how many elements it has.
const UNCOUNTED: u64 = u32::MAX as u64;

impl Tree<'_, '_, '_, '_> {
    /// Shows what is linked.
    pub(super) fn linked<'n>(
        &mut self,
        node: &mut ValueNode,
        directive: &'n Directive,
        names: &mut Names<'n>,
        depth: u32,
    ) -> Result<(), Failure> {
        match directive {
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
            // The others are not handed here.
            _ => {}
        }
        Ok(())
    }

    /// How many elements a container has that are each on their own.
    pub(super) fn nodes(&mut self, count: &Expr, names: &Names<'_>) -> Result<u64, Failure> {
        match self.ground.natural(count, names)? {
            count if count <= MOST_NODES => Ok(count),
            count => Err(Failure::Shape(format!("it cannot have {count:#x} elements"))),
        }
    }

    pub(super) fn entries(
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

    pub(super) fn entry(&mut self, item: &Item, names: &Names<'_>) -> Result<Entry, Failure> {
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

pub(super) struct TreeWalk<'w> {
    pub(super) left: &'w Expr,
    pub(super) right: &'w Expr,
    pub(super) item: &'w Item,
    pub(super) most: u64,
    pub(super) entries: Vec<Entry>,
    /// The nodes that were met: a tree has each once.
    pub(super) seen: HashSet<u64>,
    pub(super) waits: Option<Failure>,
}

pub(super) struct BtreeWalk {
    pub(super) key: Of,
    pub(super) value: Option<Of>,
    pub(super) most: u64,
    pub(super) entries: Vec<Entry>,
    /// The nodes that were met: a tree has each once.
    pub(super) seen: HashSet<u64>,
    pub(super) waits: Option<Failure>,
}
