//! The parameters and variables of a function or an inlined call that are in scope at a place.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use farsight_types::Rva;

use super::{DEEPEST_ENTRY, DebugReader, DieId, MAX_REFERENCES, SourcePlace, Visit, holds};
use crate::debug::{DebugError, Entry, TypeId, Unit};

/// Most variables of one scope; only hostile entries have more.
const MOST_VARIABLES: usize = 1 << 14;
/// How many entries are looked at for what was moved into blocks: all that is inside of a block, for each block.
const MOST_LOOKS: usize = 1 << 20;

/// What a variable is to its function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VariableKind {
    /// An argument.
    Parameter,
    /// Lives as long as the call or the block.
    Local,
    /// Lives as long as the program.
    Static,
}

/// A variable that is in scope.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Variable {
    /// Its entry: where its location is said. Of a variable that was optimized out, what it would be an instance of.
    pub id: DieId,
    /// Its name.
    pub name: String,
    /// What it is to the function.
    pub kind: VariableKind,
    /// Where it is declared.
    pub declared: Option<SourcePlace>,
    /// Its type.
    pub type_id: Option<TypeId>,
    /// How many blocks it lies in, 0 for the function's own.
    pub depth: usize,
    /// Whether a variable of a block further in has the same name: the name means that one.
    pub is_shadowed: bool,
    /// Whether the compiler made it, such as `this`.
    pub is_artificial: bool,
    /// Whether it is defined outside of the function, and only declared here (`extern`).
    pub is_declaration: bool,
}

/// The variables of a scope.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Variables {
    /// As declared, parameters first, those of outer blocks before those of inner ones.
    pub list: Vec<Variable>,
    /// Whether there may be more than were looked for.
    pub cut: bool,
}

/// A block that holds the place, with what stands in it.
struct Block {
    id: DieId,
    /// How deep its entry lies below the scope's.
    level: usize,
    /// How many blocks it lies in.
    depth: usize,
    own: Vec<DieId>,
}

impl<'a> DebugReader<'a> {
    /// The parameters of a function or an inlined call and its variables whose blocks hold a place.
    pub fn variables(&self, scope: DieId, rva: Rva) -> Result<Variables, DebugError> {
        let unit = self.unit(scope.unit)?;
        unit.begin_question();
        let mut cut = false;
        let blocks = self.blocks(&unit, scope, rva, &mut cut)?;
        let mut found = Vec::new();
        let mut left = MOST_LOOKS;
        for block in blocks {
            for (origin, id) in self.with_origins(block.id, block.own, &mut left) {
                match found.len() < MOST_VARIABLES {
                    true => found.extend(self.variable(id.or(origin), block.depth)),
                    false => cut = true,
                }
            }
        }
        // Statics of C stand among the variables; the order within a block is the source's.
        found.sort_by_key(|variable| variable.kind != VariableKind::Parameter);
        let mut deepest: HashMap<String, usize> = HashMap::new();
        for (index, variable) in found.iter().enumerate() {
            let best = deepest.entry(variable.name.clone()).or_insert(index);
            if found.get(*best).is_none_or(|known| known.depth <= variable.depth) {
                *best = index;
            }
        }
        for (index, variable) in found.iter_mut().enumerate() {
            variable.is_shadowed = deepest.get(&variable.name) != Some(&index);
        }
        cut |= left == 0;
        Ok(Variables { list: found, cut })
    }

    /// The blocks that hold a place, outer before inner, by one walk over what is in the scope: in Rust each `let` is a
    /// block in the one before it.
    fn blocks(&self, unit: &Rc<Unit<'a>>, scope: DieId, rva: Rva, cut: &mut bool) -> Result<Vec<Block>, DebugError> {
        let block = |id, level, depth| Block {
            id,
            level,
            depth,
            own: Vec::new(),
        };
        let mut blocks = vec![block(scope, 0, 0)];
        // Those that the walk is in, the innermost last: places among the blocks.
        let mut open = vec![0];
        // What was read before damage counts; only nothing at all is an error.
        let read = self.visit_children(unit, scope.offset, |entry, level| {
            let is_left = |at: &usize| blocks.get(*at).is_some_and(|block| block.level >= level);
            while open.last().is_some_and(is_left) {
                open.pop();
            }
            let Some(current) = open.last().and_then(|at| blocks.get_mut(*at)) else {
                return Visit::Over;
            };
            match entry.tag() {
                tag if kind_of(tag).is_some() => current.own.push(unit.die(entry)),
                gimli::DW_TAG_lexical_block | gimli::DW_TAG_try_block | gimli::DW_TAG_catch_block => {
                    // A block without code of its own is no block: what is in it is around it.
                    let holds = holds(unit, entry, rva);
                    if holds == Some(false) {
                        return Visit::Over;
                    }
                    if holds.is_some() {
                        let inner = block(unit.die(entry), level, current.depth + 1);
                        open.push(blocks.len());
                        blocks.push(inner);
                    }
                    *cut |= level >= DEEPEST_ENTRY;
                    return Visit::Into;
                }
                gimli::DW_TAG_GNU_formal_parameter_pack => return Visit::Into,
                _ => {}
            }
            Visit::Over
        });
        if blocks.len() == 1 && blocks.iter().all(|block| block.own.is_empty()) {
            read?;
        }
        Ok(blocks)
    }

    /// The variables of an instance in the order of the function that it is an instance of, with those that the
    /// compiler left out of the instance: they are optimized out, not unknown.
    fn with_origins(&self, block: DieId, own: Vec<DieId>, left: &mut usize) -> Vec<(Option<DieId>, Option<DieId>)> {
        let Some(origin) = self.origin_of(block) else {
            return own.into_iter().map(|id| (None, Some(id))).collect();
        };
        let mut declared = Vec::new();
        if let Ok(unit) = self.unit(origin.unit) {
            let _ = self.visit_children(&unit, origin.offset, |entry, _| {
                if kind_of(entry.tag()).is_some() && declared.len() < MOST_VARIABLES {
                    declared.push(unit.die(entry));
                }
                match entry.tag() {
                    gimli::DW_TAG_GNU_formal_parameter_pack => Visit::Into,
                    _ => Visit::Over,
                }
            });
        }
        let known: HashSet<DieId> = declared.iter().copied().collect();
        let elsewhere = self.instances_in_blocks(block, left);
        let mut instances: HashMap<DieId, DieId> = HashMap::new();
        let mut others = Vec::new();
        for id in own {
            match self.origins(id).find(|origin| known.contains(origin)) {
                Some(origin) => drop(instances.entry(origin).or_insert(id)),
                None => others.push((None, Some(id))),
            }
        }
        let declared = declared.into_iter();
        // A variable that the compiler moved into a block is not missing: it is in scope where that block is.
        let mut all: Vec<_> = declared
            .filter(|origin| instances.contains_key(origin) || !elsewhere.contains(origin))
            .map(|origin| (Some(origin), instances.get(&origin).copied()))
            .collect();
        all.append(&mut others);
        all
    }

    /// What the variables in blocks of a scope are instances of.
    fn instances_in_blocks(&self, scope: DieId, left: &mut usize) -> HashSet<DieId> {
        let mut origins = HashSet::new();
        let Ok(unit) = self.unit(scope.unit) else {
            return origins;
        };
        let _ = self.visit_children(&unit, scope.offset, |entry, depth| {
            *left = left.saturating_sub(1);
            match entry.tag() {
                _ if *left == 0 => Visit::Over,
                tag if kind_of(tag).is_some() && depth > 1 && origins.len() < MOST_VARIABLES => {
                    origins.extend(self.origins(unit.die(entry)));
                    Visit::Over
                }
                gimli::DW_TAG_lexical_block | gimli::DW_TAG_try_block | gimli::DW_TAG_catch_block => Visit::Into,
                _ => Visit::Over,
            }
        });
        origins
    }

    fn origin_of(&self, id: DieId) -> Option<DieId> {
        let (unit, entry) = self.entry(id).ok()?;
        self.referred(&unit, &entry, gimli::DW_AT_abstract_origin)
    }

    pub(super) fn origins(&self, id: DieId) -> impl Iterator<Item = DieId> {
        std::iter::successors(self.origin_of(id), |id| self.origin_of(*id)).take(MAX_REFERENCES)
    }

    fn variable(&self, id: Option<DieId>, depth: usize) -> Option<Variable> {
        let id = id?;
        let (unit, entry) = self.entry(id).ok()?;
        let name = self.name(id)?;
        let kind = match kind_of(entry.tag())? {
            VariableKind::Local if is_static(&unit, &entry) => VariableKind::Static,
            kind => kind,
        };
        let referred = self.inherited(id, gimli::DW_AT_type);
        let is_artificial = self.inherited(id, gimli::DW_AT_artificial);
        Some(Variable {
            id,
            name,
            kind,
            declared: self.declared_at(id),
            type_id: referred.and_then(|(unit, value)| self.follow(&unit, value)).map(TypeId),
            depth,
            is_shadowed: false,
            is_artificial: is_artificial.is_some(),
            is_declaration: entry.has_attr(gimli::DW_AT_declaration) && entry.has_attr(gimli::DW_AT_external),
        })
    }
}

fn kind_of(tag: gimli::DwTag) -> Option<VariableKind> {
    match tag {
        gimli::DW_TAG_formal_parameter => Some(VariableKind::Parameter),
        gimli::DW_TAG_variable | gimli::DW_TAG_constant => Some(VariableKind::Local),
        _ => None,
    }
}

/// Whether a variable has an address of its own, whatever is executed.
fn is_static<'a>(unit: &Unit<'a>, entry: &Entry<'a>) -> bool {
    if entry.has_attr(gimli::DW_AT_external) {
        return true;
    }
    let location = entry.attr_value(gimli::DW_AT_location);
    let Some(expression) = location.and_then(|value| value.exprloc_value()) else {
        return false;
    };
    let first = expression.operations(unit.unit.encoding()).next();
    matches!(
        first,
        Ok(Some(
            gimli::Operation::Address { .. } | gimli::Operation::AddressIndex { .. }
        ))
    )
}
