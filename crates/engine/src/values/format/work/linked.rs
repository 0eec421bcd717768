//! Elements that are each on their own, in lists, trees and tables: one has to be read to find the next.

use std::collections::HashSet;

use farsight_session::record::ValueNode;
use farsight_symbols::ValueError;

use super::{Directive, Entry, Expr, Failure, Found, Item, MOST_BYTES, Names, Of, shape};
use crate::values::ground::Walked;
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
                let first = self.ground.integer(first, names)?;
                let most = self.most(count, item.key.is_some());
                let (nodes, whole, waiting) = self.walk(next, first, end, most, names)?;
                if waiting && self.wanted().is_some() {
                    return Err(Failure::Value(ValueError::NotYet));
                }
                let (entries, waits) = self.entries_at(nodes, item, names, waiting)?;
                if waits.is_none() && whole && (entries.len() as u64) < count && count != UNCOUNTED {
                    return Err(Failure::Shape(format!(
                        "its list has {} elements and says that it has {count}",
                        entries.len()
                    )));
                }
                let got = entries.len() as u64;
                let known = if whole { got } else { count };
                self.entries(node, entries, Some(known), depth, waits)?;
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
                    most: self.most(count, item.key.is_some()),
                    nodes: Vec::new(),
                    seen: HashSet::new(),
                    waits: None,
                };
                self.binary_tree(&mut walk, root, names, MOST_TREE_DEPTH)?;
                let got = walk.nodes.len() as u64;
                if walk.waits.is_some() && self.wanted().is_some() {
                    return Err(Failure::Value(ValueError::NotYet));
                }
                if walk.waits.is_none() && got < walk.most {
                    return Err(Failure::Shape(format!(
                        "its tree has {got} elements and says that it has {count}"
                    )));
                }
                let (entries, waits) = self.entries_at(walk.nodes, item, names, walk.waits.is_some())?;
                self.entries(node, entries, Some(count), depth, waits)?;
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
                let most = self.most(count, key.is_some());
                let (entries, waits) = self.swiss(control, mask, most, &of, size);
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
                if waits.is_none() && got < most {
                    return Err(Failure::Shape(format!(
                        "its table has {got} elements and says that it has {count}"
                    )));
                }
                self.entries(node, shown, Some(count), depth, waits)?;
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
                let has_keys = value.is_some();
                let mut walk = BtreeWalk {
                    key,
                    value: value.map(|(of, _)| of),
                    most: self.most(count, has_keys),
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
                self.entries(node, walk.entries, Some(count), depth, walk.waits)?;
                node.more = count.saturating_sub(got);
            }
            // The others are not handed here.
            _ => {}
        }
        Ok(())
    }

    /// The nodes of a list, at most so many; whether these are all; and whether more are waited for. What was gone through
    /// before the last wait is not gone through again: each node may cost one.
    fn walk(
        &mut self,
        next: &Expr,
        first: i128,
        end: i128,
        most: u64,
        names: &Names<'_>,
    ) -> Result<(Vec<i128>, bool, bool), Failure> {
        let known = self.ground.known(names.own.module)?;
        let begin = (std::ptr::from_ref(next).addr(), first);
        let mut walked = known.walked.borrow_mut().remove(&begin).unwrap_or_else(|| Walked {
            at: first,
            ..Walked::default()
        });
        let mut waiting = false;
        while walked.at != end && (walked.nodes.len() as u64) < most {
            self.still_wanted()?;
            let at = walked.at;
            if walked.seen.contains(&at) {
                return Err(shape("its list goes in a circle"));
            }
            walked.at = match self.ground.integer(next, &names.with("$node", Found::Number(at))) {
                Ok(0) if end != 0 => return Err(shape("its list ends in nothing")),
                Ok(next) => next,
                Err(failure) if failure.waits() => {
                    waiting = true;
                    break;
                }
                Err(failure) => return Err(failure),
            };
            walked.seen.insert(at);
            walked.nodes.push(at);
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let mut nodes: Vec<i128> = walked.nodes.iter().take(most).copied().collect();
        // What the node holds is asked for together with where the next one is.
        nodes.extend(waiting.then_some(walked.at));
        let whole = walked.at == end && walked.nodes.len() <= most;
        known.walked.borrow_mut().insert(begin, walked);
        Ok((nodes, whole, waiting))
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
        count: Option<u64>,
        depth: u32,
        waits: Option<Failure>,
    ) -> Result<(), Failure> {
        let mut waits = waits;
        if let Some(key) = self.wanted() {
            return match waits {
                Some(failure) => Err(failure),
                None => self.pick_entry(entries, count, &key),
            };
        }
        let skipped = usize::try_from(self.skipped(depth)).unwrap_or(usize::MAX);
        for (index, entry) in entries.into_iter().enumerate().skip(skipped) {
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

    /// Ends a walk that the user does not wait for any more.
    pub(super) fn still_wanted(&mut self) -> Result<(), Failure> {
        match self.ground.source.is_interrupted() {
            // What comes of it is not looked at.
            true => Err(Failure::Value(ValueError::NotYet)),
            false => Ok(()),
        }
    }

    /// The entries of some nodes, and what is waited for: anything of theirs, or more nodes.
    fn entries_at(
        &mut self,
        nodes: Vec<i128>,
        item: &Item,
        names: &Names<'_>,
        waiting: bool,
    ) -> Result<(Vec<Entry>, Option<Failure>), Failure> {
        let mut entries = Vec::with_capacity(nodes.len());
        let mut waits = waiting.then_some(Failure::Value(ValueError::NotYet));
        for at in nodes {
            self.still_wanted()?;
            match self.entry(item, &names.with("$node", Found::Number(at))) {
                Ok(entry) => entries.push(entry),
                Err(failure) if failure.waits() => waits = Some(failure),
                Err(failure) => return Err(failure),
            }
        }
        Ok((entries, waits))
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

pub(super) struct TreeWalk<'w> {
    pub(super) left: &'w Expr,
    pub(super) right: &'w Expr,
    pub(super) most: u64,
    pub(super) nodes: Vec<i128>,
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
