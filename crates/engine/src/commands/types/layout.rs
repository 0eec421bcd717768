//! Fields of a type, and what is in them, within limits.

use farsight_session::record::{Bits, FieldRow, TypeLayout};
use farsight_symbols::{Member, MemberKind, MemberPlace, Place, TypeKind, TypeRef};
use farsight_types::Address;

use super::alone;
use super::arguments::{FieldName, FieldPath};
use super::describe::{counted, described};
use crate::values::{Ground, Value};

/// Rows of one command.
const MOST_ROWS: usize = 20_000;
/// Anonymous structures and bases within each other.
const MOST_NESTED: u32 = 32;
/// How many of them one structure has; only hostile ones, which hold themselves, have more.
const MOST_LOOKED_INTO: u32 = 1024;
/// What is said of fields whose offsets no type has: classes that share a base have it at different places.
const IN_VIRTUAL: &str = " (virtual base)";

/// How much is shown.
#[derive(Clone, Copy)]
pub(super) struct LayoutLimits {
    /// Levels of fields below the first.
    pub(super) levels: u32,
    /// What pointers lead to is gone into.
    pub(super) pointers: bool,
    /// Elements of arrays stand in lines of their own.
    pub(super) elements: Option<u64>,
    pub(super) verbose: bool,
}

/// A layout that grows.
pub(super) struct Layout<'l, 'g, 'r, 'a> {
    ground: &'l mut Ground<'g, 'r, 'a>,
    limits: LayoutLimits,
    rows: Vec<FieldRow>,
    more: u64,
    /// Types that are being shown, outermost first: a type in itself is not gone into again.
    within: Vec<TypeRef>,
}

/// One field of a value, through anonymous structures and bases.
struct Flat {
    name: String,
    offset: Option<u64>,
    value: Value,
    is_static: bool,
    note: &'static str,
}

impl<'l, 'g, 'r, 'a> Layout<'l, 'g, 'r, 'a> {
    pub(super) fn new(ground: &'l mut Ground<'g, 'r, 'a>, limits: LayoutLimits) -> Layout<'l, 'g, 'r, 'a> {
        Layout {
            ground,
            limits,
            rows: Vec::new(),
            more: 0,
            within: Vec::new(),
        }
    }

    /// A type or, where `exists`, an object.
    pub(super) fn whole(&mut self, value: &Value, exists: bool, paths: &[FieldPath]) -> TypeLayout {
        let mut value = value.clone();
        let mut shown = None;
        let mut exists = exists;
        if exists
            && let Ok(found) = self.ground.stripped(value.module, &value.type_ref)
            && found.target().is_some()
        {
            // A pointer is shown with what is in what it leads to.
            shown = Some(alone(self.ground, &value));
            if let Ok(target) = self.ground.target(&value)
                && self.ground.is_record(&target)
            {
                value = target;
            }
        }
        let heading = match self.limits.verbose {
            true => Some(format!(
                "struct {}{}",
                described(self.ground, value.module, &value.type_ref, false),
                counted(self.ground, value.module, &value.type_ref)
            )),
            false => None,
        };
        // What a pointer does not lead to is only a type; at an address that somebody gave, there is nothing.
        let is_null = exists && value.address().is_some_and(|address| address.0 == 0);
        if is_null && shown.is_some() {
            exists = false;
        }
        let is_array = matches!(
            self.ground
                .stripped(value.module, &value.type_ref)
                .map(|found| found.kind.clone()),
            Ok(TypeKind::Array { .. })
        );
        if self.ground.is_record(&value) {
            if paths.is_empty() {
                self.fields(&value, exists, 0, self.limits.levels);
            } else {
                for path in paths {
                    self.path(&value, exists, &path.names, path.levels, 0);
                }
            }
        } else if is_array && exists {
            let levels = self.limits.levels;
            shown = Some(alone(self.ground, &value));
            self.elements(&value, 0, levels);
        } else if let Some(rows) = self.enumerators(&value).filter(|_| !exists) {
            self.rows = rows;
        } else if exists {
            shown = Some(alone(self.ground, &value));
        } else {
            let what = described(self.ground, value.module, &value.type_ref, self.limits.verbose);
            shown = Some(farsight_session::record::ValueNode {
                type_name: what,
                content: farsight_session::record::Content::Nothing,
                ..Default::default()
            });
        }
        TypeLayout {
            heading,
            value: shown,
            fields: std::mem::take(&mut self.rows),
            more: self.more,
            ..TypeLayout::default()
        }
    }

    /// The names of an enumeration.
    fn enumerators(&mut self, value: &Value) -> Option<Vec<FieldRow>> {
        let found = self.ground.stripped(value.module, &value.type_ref).ok()?;
        if !matches!(found.kind, TypeKind::Enum { .. }) {
            return None;
        }
        let names = self.ground.enumerators(value.module, found.id.id()?).ok()?;
        let rows = names.iter().take(MOST_ROWS).map(|one| FieldRow {
            name: one.name.clone(),
            what: format!("0n{}", one.value),
            ..FieldRow::default()
        });
        Some(rows.collect())
    }

    fn fields(&mut self, value: &Value, exists: bool, depth: u32, levels: u32) {
        if self.within.contains(&value.type_ref) && !exists || self.within.len() > MOST_NESTED as usize {
            return;
        }
        self.within.push(value.type_ref.clone());
        for flat in flat(self.ground, value, exists) {
            self.field(&flat, exists, depth, levels);
        }
        self.within.pop();
    }

    /// Fields of a path, and theirs.
    fn path(&mut self, value: &Value, exists: bool, names: &[FieldName], levels: u32, depth: u32) {
        let Some((first, behind)) = names.split_first() else {
            return;
        };
        for flat in flat(self.ground, value, exists) {
            if !first.matches(&flat.name) {
                continue;
            }
            if behind.is_empty() {
                let levels = levels.max(self.limits.levels);
                self.field(&flat, exists, depth, levels);
                continue;
            }
            self.row(&flat, exists, depth);
            let (inner, exists) = self.inside(&flat.value, exists);
            self.path(&inner, exists, behind, levels, depth + 1);
        }
    }

    /// What a pointer leads to, or the value itself.
    fn inside(&mut self, value: &Value, exists: bool) -> (Value, bool) {
        let Ok(found) = self.ground.stripped(value.module, &value.type_ref) else {
            return (value.clone(), exists);
        };
        let Some(target) = found.target() else {
            return (value.clone(), exists);
        };
        if exists && let Ok(there) = self.ground.target(value) {
            let is_null = there.address().is_some_and(|address| address.0 == 0);
            return (there, !is_null);
        }
        (Value::memory(value.module, target.clone(), Address(0)), false)
    }

    fn field(&mut self, flat: &Flat, exists: bool, depth: u32, levels: u32) {
        if !self.row(flat, exists, depth) {
            return;
        }
        let Ok(found) = self.ground.stripped(flat.value.module, &flat.value.type_ref) else {
            return;
        };
        if let (Some(_), TypeKind::Array { .. }, true) = (self.limits.elements, &found.kind, exists) {
            self.elements(&flat.value, depth + 1, levels);
            return;
        }
        let Some(levels) = levels.checked_sub(1) else {
            return;
        };
        let is_pointer = found.target().is_some();
        if is_pointer && !self.limits.pointers {
            return;
        }
        let (inner, there) = self.inside(&flat.value, exists);
        if self.ground.is_record(&inner) && (there || !exists) {
            self.fields(&inner, there, depth + 1, levels);
        }
    }

    fn elements(&mut self, value: &Value, depth: u32, levels: u32) {
        let Ok(elements) = self.ground.elements(value) else {
            return;
        };
        let Ok(place) = value.place.clone() else {
            return;
        };
        let count = elements.count.unwrap_or(0);
        let shown = count.min(self.limits.elements.unwrap_or(16));
        for index in 0..shown {
            let offset = index.saturating_mul(elements.stride);
            let flat = Flat {
                name: format!("[{index:02}]"),
                offset: None,
                value: value.other(elements.element.clone(), Ok(place.at(offset))),
                is_static: false,
                note: "",
            };
            self.field(&flat, true, depth, levels);
        }
        self.more += if self.limits.elements.is_some() {
            count - shown
        } else {
            0
        };
    }

    /// Adds a row; false where there is no room.
    fn row(&mut self, flat: &Flat, exists: bool, depth: u32) -> bool {
        if self.rows.len() >= MOST_ROWS {
            self.more += 1;
            return false;
        }
        let what = described(
            self.ground,
            flat.value.module,
            &flat.value.type_ref,
            self.limits.verbose,
        );
        let value =
            (exists || flat.is_static && flat.value.address().is_some()).then(|| alone(self.ground, &flat.value));
        self.rows.push(FieldRow {
            depth,
            offset: flat.offset,
            address: flat.value.address().filter(|_| flat.is_static),
            name: flat.name.clone(),
            what: format!("{what}{}", flat.note),
            bits: flat.value.bits.map(|bits| Bits {
                offset: bits.offset,
                size: bits.size,
            }),
            value,
        });
        true
    }
}

/// Whether a value has a field of this name.
pub(super) fn has_field(ground: &mut Ground<'_, '_, '_>, value: &Value, name: &FieldName) -> bool {
    ground.is_record(value) && flat(ground, value, false).iter().any(|field| name.matches(&field.name))
}

/// The fields of a value; those of bases and anonymous structures count as its own.
fn flat(ground: &mut Ground<'_, '_, '_>, value: &Value, exists: bool) -> Vec<Flat> {
    let mut flattened = Flattened {
        ground,
        exists,
        object: value.place.as_ref().ok().and_then(Place::address).filter(|_| exists),
        budget: MOST_LOOKED_INTO,
        shared: Vec::new(),
        found: Vec::new(),
    };
    flattened.add(value, Some(0), "", MOST_NESTED);
    flattened.found
}

/// Fields that are collected.
struct Flattened<'f, 'g, 'r, 'a> {
    ground: &'f mut Ground<'g, 'r, 'a>,
    exists: bool,
    /// Where the object is, if there is one.
    object: Option<Address>,
    budget: u32,
    /// Virtual bases that have been gone into: an object has one of each, whichever of its bases have it.
    shared: Vec<(TypeRef, String)>,
    found: Vec<Flat>,
}

impl Flattened<'_, '_, '_, '_> {
    /// Adds the fields of what begins `start` bytes behind the object's own, where a type alone says that.
    fn add(&mut self, value: &Value, start: Option<u64>, within: &'static str, left: u32) {
        let (Ok(members), Some(left), Some(less)) = (
            self.ground.members(value),
            left.checked_sub(1),
            self.budget.checked_sub(1),
        ) else {
            return;
        };
        self.budget = less;
        let active = match self.exists {
            true => self.ground.variant(value, &members).ok().flatten(),
            false => None,
        };
        let variants = members.variants.iter().flat_map(|part| &part.variants);
        let chosen: Vec<(&Member, &'static str)> = match (self.exists, active) {
            (true, Some(active)) => active.members.iter().map(|member| (member, within)).collect(),
            (true, None) => Vec::new(),
            (false, _) => variants
                .flat_map(|variant| variant.members.iter().map(|member| (member, " (variant)")))
                .collect(),
        };
        let own = members.list.iter().map(|member| (member, within));
        for (member, note) in own.chain(chosen) {
            let inner = match (member.kind, self.exists) {
                (MemberKind::Static, _) | (_, true) => self.ground.member(value, member),
                _ => {
                    let mut inner = Value::memory(value.module, member.type_ref.clone(), Address(0));
                    inner.bits = member.bits;
                    inner
                }
            };
            let is_virtual = matches!(member.place, MemberPlace::Computed);
            let offset = match member.place {
                MemberPlace::At(offset) => start.map(|start| start.saturating_add(offset)),
                MemberPlace::Computed => self.offset_of(&inner),
                MemberPlace::Static => None,
            };
            let is_base = matches!(member.kind, MemberKind::Base | MemberKind::VirtualBase);
            if (is_base || member.name.is_none()) && self.ground.is_record(&inner) {
                if is_virtual && self.is_known(&inner) {
                    continue;
                }
                let note = if is_virtual && offset.is_none() {
                    IN_VIRTUAL
                } else {
                    note
                };
                self.add(&inner, offset, note, left);
                continue;
            }
            self.found.push(Flat {
                name: member.name.clone().unwrap_or_default(),
                offset,
                value: inner,
                is_static: member.kind == MemberKind::Static,
                note,
            });
        }
    }

    /// How far into the object a base lies that only the object's own table says the place of.
    fn offset_of(&self, inner: &Value) -> Option<u64> {
        inner.address()?.0.checked_sub(self.object?.0)
    }

    /// Notes a virtual base; true where it has been gone into before. Units that name it each have its type for themselves.
    fn is_known(&mut self, inner: &Value) -> bool {
        let Ok(found) = self.ground.stripped(inner.module, &inner.type_ref) else {
            return false;
        };
        let (id, name) = (found.id.clone(), found.name.clone());
        let is_known = self
            .shared
            .iter()
            .any(|(known, called)| *known == id || !name.is_empty() && *called == name);
        self.shared.push((id, name));
        is_known
    }
}
