//! Which values may be copied by copying their bytes.

use std::collections::HashSet;

use super::{Language, MemberKind, TypeId, TypeKind, TypeRef, flag, number};
use crate::debug::{DebugError, DebugReader, Entry, Unit};

/// Types within a type that are looked at.
const MOST: usize = 4096;
/// `DW_DEFAULTED_in_class`: the compiler's own, which copies or ends what is inside.
const DEFAULTED_IN_CLASS: u64 = 1;

impl<'a> DebugReader<'a> {
    /// Whether a copy of a value's bytes is a copy of the value: nothing in it says how it is copied or ended (C++), and
    /// nothing may own what it points to (Rust, which has no word for it in debug information: raw pointers are taken for
    /// owners).
    pub fn copies_as_bytes(&self, id: &TypeRef) -> Result<bool, DebugError> {
        let mut open = vec![id.clone()];
        let mut seen = HashSet::new();
        while let Some(id) = open.pop() {
            if !seen.insert(id.clone()) {
                continue;
            }
            if seen.len() > MOST {
                return Ok(false);
            }
            match self.kind_of(&id)? {
                TypeKind::Typedef(target) | TypeKind::Qualified(_, target) => open.push(target),
                TypeKind::Array { element, .. } => open.push(element),
                TypeKind::Pointer(_) => {
                    let of_rust = id.id().is_some_and(|id| self.language(id.0) == Language::Rust);
                    let name = if of_rust { self.type_name(&id) } else { String::new() };
                    if of_rust && (!name.starts_with('&') || name.starts_with("&mut ")) {
                        return Ok(false);
                    }
                }
                TypeKind::Record { .. } => {
                    let Some(id) = id.id().map(|id| self.definition(id)) else {
                        return Ok(false);
                    };
                    let language = self.language(id.0);
                    if language == Language::C {
                        continue;
                    }
                    if language == Language::Cpp && self.says_how_it_is_copied(id)? {
                        return Ok(false);
                    }
                    let members = self.members(id)?;
                    let variants = members.variants.iter().flat_map(|part| &part.variants);
                    let inside = members.list.iter().chain(variants.flat_map(|variant| &variant.members));
                    for member in inside {
                        match member.kind {
                            MemberKind::Static => {}
                            MemberKind::VirtualBase => return Ok(false),
                            // The pointer to virtual functions says what the object is.
                            MemberKind::Field if member.artificial && language == Language::Cpp => return Ok(false),
                            MemberKind::Field | MemberKind::Base => open.push(member.type_ref.clone()),
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(true)
    }

    /// Whether a class has a destructor, a copy constructor or an assignment of its own.
    fn says_how_it_is_copied(&self, id: TypeId) -> Result<bool, DebugError> {
        let (unit, entry) = self.entry(id.0)?;
        if flag(&entry, gimli::DW_AT_declaration) {
            return Ok(true);
        }
        let own = unit.name_of(&entry).unwrap_or_default();
        let own = own.split('<').next().unwrap_or_default();
        let mut says = false;
        self.children(&unit, &entry, |child| {
            let is_own = child.tag() == gimli::DW_TAG_subprogram
                && !flag(child, gimli::DW_AT_artificial)
                && number(child, gimli::DW_AT_defaulted) != Some(DEFAULTED_IN_CLASS);
            if let Some(name) = unit.name_of(child).filter(|_| is_own) {
                let constructs = name.split('<').next() == Some(own) && !own.is_empty();
                says = name.starts_with('~')
                    || name == "operator="
                    || constructs && self.takes_its_class(&unit, child, id);
            }
            !says
        })?;
        Ok(says)
    }

    /// Whether a constructor takes a reference to its own class, and nothing else.
    fn takes_its_class(&self, unit: &Unit<'a>, function: &Entry<'a>, class: TypeId) -> bool {
        let mut taken = Vec::new();
        let looked = self.children(unit, function, |child| {
            if child.tag() == gimli::DW_TAG_formal_parameter && !flag(child, gimli::DW_AT_artificial) {
                taken.push(self.type_attribute(unit, child));
            }
            taken.len() < 2
        });
        let [only] = taken.as_slice() else {
            return looked.is_err();
        };
        let target = match self.kind_of(only) {
            Ok(TypeKind::Reference(target) | TypeKind::RvalueReference(target)) => target,
            _ => return false,
        };
        self.stripped(&target)
            .is_ok_and(|found| found.id.id().map(|id| self.definition(id)) == Some(class))
    }
}
