//! Template arguments that a compiler left out of the names of types (`-gsimple-template-names`), from the parameters
//! that their entries list.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use super::definition::Definition;
use super::members::with_sign;
use super::{Encoding, Language, Type, TypeId, TypeKind};
use crate::debug::{DebugReader, DieId, Entry, Unit};

/// How deep arguments lie in each other in names; only hostile ones go further.
const MOST_DEPTH: u32 = 16;
/// Longest name with arguments; longer ones end early.
const MOST_LENGTH: usize = 16 << 10;
/// Bytes of names that are kept for one reader. Behind that, names are without arguments.
const MOST_KEPT: usize = 32 << 20;

/// What a reader remembers of types.
#[derive(Default)]
pub(in crate::debug) struct Kept {
    pub(super) definitions: RefCell<HashMap<TypeId, Definition>>,
    /// Names with the arguments that were left out; none where there are none, and while they are put together.
    full_names: RefCell<HashMap<DieId, Option<String>>>,
    bytes: Cell<usize>,
    depth: Cell<u32>,
}

impl<'a> DebugReader<'a> {
    /// An entry's name as [`DebugReader::name`] has it; that of a type with its template arguments.
    pub(crate) fn full_name(&self, id: DieId) -> Option<String> {
        let name = self.name(id)?;
        let Some((unit, entry)) = self
            .entry(id)
            .ok()
            .filter(|(_, entry)| may_lack_arguments(entry, &name))
        else {
            return Some(name);
        };
        if let Some(known) = self.types.full_names.borrow().get(&id) {
            return Some(known.clone().unwrap_or(name));
        }
        let depth = self.types.depth.get();
        let is_cpp = self.language(id) == Language::Cpp;
        if !is_cpp || depth >= MOST_DEPTH || self.types.bytes.get() > MOST_KEPT {
            return Some(name);
        }
        // One that is made of itself meets its plain name.
        self.types.full_names.borrow_mut().insert(id, None);
        self.types.depth.set(depth + 1);
        let mut arguments = Vec::new();
        let has_parameters = self.add_arguments(&unit, &entry, &mut arguments, 0);
        self.types.depth.set(depth);
        if !has_parameters {
            return Some(name);
        }
        let mut full = format!("{name}<{}", arguments.join(", "));
        if full.len() > MOST_LENGTH {
            let cut = (0..MOST_LENGTH).rev().find(|at| full.is_char_boundary(*at));
            full.truncate(cut.unwrap_or(0));
            full.push_str("...");
        }
        // As compilers write it, so that one name is the same in all units.
        full.push_str(if full.ends_with('>') { " >" } else { ">" });
        self.types.bytes.set(self.types.bytes.get() + full.len());
        self.types.full_names.borrow_mut().insert(id, Some(full.clone()));
        Some(full)
    }

    fn add_arguments(&self, unit: &Unit<'a>, entry: &Entry<'a>, into: &mut Vec<String>, packs: u32) -> bool {
        let mut length = 0;
        let mut has_parameters = false;
        // What stands before damage is as good as ever.
        let _damage = self.children(unit, entry, |child| {
            let before = into.len();
            match child.tag() {
                gimli::DW_TAG_template_type_parameter => {
                    into.push(self.type_name(&self.type_attribute(unit, child)));
                }
                gimli::DW_TAG_template_value_parameter => into.push(self.value_argument(unit, child)),
                gimli::DW_TAG_GNU_template_template_param => {
                    let name = child.attr_value(gimli::DW_AT_GNU_template_name);
                    into.extend(name.and_then(|name| unit.text(name)));
                }
                gimli::DW_TAG_GNU_template_parameter_pack if packs < 2 => {
                    self.add_arguments(unit, child, into, packs + 1);
                }
                _ => return true,
            }
            // A pack of nothing is one too.
            has_parameters = true;
            length += into.iter().skip(before).map(String::len).sum::<usize>();
            length < MOST_LENGTH
        });
        has_parameters
    }

    fn value_argument(&self, unit: &Unit<'a>, entry: &Entry<'a>) -> String {
        let of = self.type_attribute(unit, entry);
        let value = entry.attr_value(gimli::DW_AT_const_value);
        let Some(value) = value.and_then(|value| with_sign(&value, self.is_signed(&of))) else {
            return String::from("...");
        };
        let found = self.stripped(&of);
        let name = found.as_ref().map_or("", |found| found.name.as_str());
        match found.as_ref().map(|found| &found.kind) {
            Ok(TypeKind::Base(Encoding::Bool)) => (value != 0).to_string(),
            Ok(TypeKind::Base(encoding)) => match u8::try_from(value).map(char::from) {
                Ok(letter) if encoding.is_char() && (letter.is_ascii_graphic() || letter == ' ') => {
                    format!("'{letter}'")
                }
                _ => format!("{value}{}", suffix(name)),
            },
            Ok(TypeKind::Enum { scoped, .. }) => {
                let enumerators = of_entry(found.as_ref().ok()).and_then(|id| self.enumerators(id).ok());
                let known = enumerators.into_iter().flatten().find(|one| one.value == value);
                // The names of the old ones stand beside them.
                let scope = if *scoped {
                    name
                } else {
                    name.rsplit_once("::").map_or("", |(scope, _)| scope)
                };
                match known {
                    Some(known) if scope.is_empty() => known.name,
                    Some(known) => format!("{scope}::{}", known.name),
                    None => format!("({name}){value}"),
                }
            }
            _ => format!("({}){value}", self.type_name(&of)),
        }
    }
}

fn of_entry(of: Option<&Type>) -> Option<TypeId> {
    of.and_then(|of| of.id.id())
}

/// What a number of this type has behind it, as the compiler that leaves arguments out writes it where it does not.
fn suffix(name: &str) -> &'static str {
    match name {
        "unsigned int" => "U",
        "long" => "L",
        "unsigned long" => "UL",
        "long long" => "LL",
        "unsigned long long" => "ULL",
        _ => "",
    }
}

fn may_lack_arguments(entry: &Entry<'_>, name: &str) -> bool {
    let is_type = matches!(
        entry.tag(),
        gimli::DW_TAG_structure_type | gimli::DW_TAG_class_type | gimli::DW_TAG_union_type
    );
    is_type && entry.has_children() && !name.is_empty() && !name.ends_with('>')
}
