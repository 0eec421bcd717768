//! Walks through the trees and tables that containers keep their entries in.

use farsight_symbols::ValueError;
use farsight_types::Address;

use super::{BtreeWalk, Entry, Failure, Found, Names, Of, TreeWalk, shape};
use crate::values::Value;
use crate::values::tree::Tree;

/// Elements of a node of Rust's B-tree.
const BTREE_ROOM: u64 = 11;
/// Control bytes of a hash table that are read at once.
const CONTROL_AT_ONCE: u64 = 1 << 16;
/// Control bytes that elements are looked for in.
const MOST_CONTROL: u64 = 1 << 24;

impl Tree<'_, '_, '_, '_> {
    /// The entries of a binary tree, in order. Both sides of a node are gone into even where one of them waits.
    pub(super) fn binary_tree(
        &mut self,
        walk: &mut TreeWalk<'_>,
        at: i128,
        names: &Names<'_>,
        depth: u32,
    ) -> Result<(), Failure> {
        if at == 0 || walk.nodes.len() as u64 >= walk.most {
            return Ok(());
        }
        self.still_wanted()?;
        if !walk.seen.insert(at as u64) {
            return Err(shape("its tree goes in a circle"));
        }
        let depth = depth
            .checked_sub(1)
            .ok_or_else(|| shape("its tree is deeper than any"))?;
        let here = names.with("$node", Found::Number(at));
        let (left, right) = (walk.left, walk.right);
        for side in [Some(left), None, Some(right)] {
            match side {
                Some(side) => match self.ground.integer(side, &here) {
                    Ok(next) => self.binary_tree(walk, next, names, depth)?,
                    Err(failure) if failure.waits() => walk.waits = Some(failure),
                    Err(failure) => return Err(failure),
                },
                None if walk.nodes.len() as u64 >= walk.most => return Ok(()),
                None => walk.nodes.push(at),
            }
        }
        Ok(())
    }

    /// The entries of a hash table of Rust's: a control byte without its highest bit is in use; entries lie before the
    /// control bytes, the first next to them.
    pub(super) fn swiss(
        &mut self,
        control: u64,
        mask: u64,
        most: u64,
        of: &Of,
        size: u64,
    ) -> (Vec<Value>, Option<Failure>) {
        let mut found = Vec::new();
        let mut waits = None;
        let mut start = 0;
        let mut at_once = CONTROL_AT_ONCE;
        // Elements lie anywhere in a table: all that could hold one more is asked for at once.
        while start <= mask.min(MOST_CONTROL) && (found.len() as u64) < most {
            let length = (mask - start).saturating_add(1).min(at_once);
            match self
                .ground
                .memory(Address(control.wrapping_add(start)), length as usize)
            {
                Ok(bytes) => {
                    for (index, _) in (start..).zip(&bytes).filter(|(_, byte)| **byte & 0x80 == 0) {
                        if (found.len() as u64) < most {
                            found.push(of.there(control.wrapping_sub((index + 1).wrapping_mul(size))));
                        }
                    }
                }
                Err(error) => {
                    waits = Some(Failure::Value(error));
                    break;
                }
            }
            start += length;
            // Of a table that is nearly empty, or says so, ever more.
            at_once = at_once.saturating_mul(4).min(MOST_CONTROL / 4);
        }
        (found, waits)
    }

    /// The entries of Rust's B-tree, in order.
    pub(super) fn b_tree(&mut self, walk: &mut BtreeWalk, at: &Value, height: i128) -> Result<(), Failure> {
        if walk.entries.len() as u64 >= walk.most {
            return Ok(());
        }
        self.still_wanted()?;
        let leaf = self.ground.target(at)?;
        if leaf.address().is_some_and(|address| !walk.seen.insert(address.0)) {
            return Err(shape("its tree goes in a circle"));
        }
        let count = self.field(&leaf, "len")?;
        let count = match self.ground.number(&count) {
            Ok(count) => u64::try_from(count).unwrap_or(u64::MAX),
            Err(ValueError::NotYet) => {
                walk.waits = Some(Failure::Value(ValueError::NotYet));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        if count > BTREE_ROOM {
            return Err(shape("a node of its tree has more elements than fit"));
        }
        let keys = self.field(&leaf, "keys")?;
        let values = self.ground.field(&leaf, "vals")?;
        // An inner node begins as a leaf; behind that are the addresses of the nodes below it.
        let edges = match self.ground.size_of(&leaf) {
            Some(size) if height > 0 => leaf.address().map(|start| start.0.wrapping_add(size)),
            _ => None,
        };
        for index in 0..=count {
            if let Some(edges) = edges {
                match self.word(edges.wrapping_add(index * 8)) {
                    Ok(below) => {
                        let below = farsight_symbols::Place::value(below.to_le_bytes().to_vec());
                        let below = at.other(at.type_ref.clone(), Ok(below));
                        self.b_tree(walk, &below, height - 1)?;
                    }
                    Err(failure) if failure.waits() => walk.waits = Some(failure),
                    Err(failure) => return Err(failure),
                }
            }
            if index == count || walk.entries.len() as u64 >= walk.most {
                break;
            }
            let of_key = walk.key.clone();
            let key = self.slot(&keys, index, &of_key)?;
            walk.entries.push(match (&walk.value.clone(), &values) {
                (Some(of), Some(values)) => Entry {
                    value: self.slot(values, index, of)?,
                    key: Some(key),
                },
                _ => Entry { key: None, value: key },
            });
        }
        Ok(())
    }

    /// An element of an array, as the type that it is known to hold.
    fn slot(&mut self, array: &Value, index: u64, of: &Of) -> Result<Value, Failure> {
        let stride = self.ground.elements(array)?.stride;
        let place = array.place.clone()?.at(index.wrapping_mul(stride));
        Ok(Value::new(of.module, of.type_ref.clone(), place))
    }
}
