//! How values of a type are aligned, which debug information says only of those that the program aligned itself.

use super::{DebugReader, Encoding, MemberKind, MemberPlace, Members, TypeId, TypeKind, TypeRef};
use crate::debug::DieId;

/// Types within types.
const DEEPEST: u32 = 64;
/// Types that are looked at for one answer.
const MOST_TYPES: u32 = 1 << 16;
/// More than any compiler takes.
const MOST_ALIGNED: u64 = 1 << 28;
/// Members whose type the compiler left out, as Clang does with those whose code a library has: what is aligned to more than a
/// pointer is rare, and rarely in a library.
const OF_UNKNOWN: u64 = 8;
/// Numbers are not aligned to more by themselves.
const MOST_OF_NUMBERS: u64 = 16;

impl DebugReader<'_> {
    /// What the addresses of a type's values are multiples of: as the program says, else as the ABI has it for what it is
    /// made of. None of types that are damaged, or deeper than any.
    pub fn alignment_of(&self, id: &TypeRef) -> Option<u64> {
        let mut left = MOST_TYPES;
        self.alignment(id, DEEPEST, &mut left)
    }

    fn alignment(&self, id: &TypeRef, depth: u32, left: &mut u32) -> Option<u64> {
        let depth = depth.checked_sub(1)?;
        *left = left.checked_sub(1)?;
        if let Some(said) = id.id().and_then(|id| self.said_alignment(self.definition(id).0)) {
            return Some(said);
        }
        let found = self.type_of(id).ok()?;
        Some(match &found.kind {
            TypeKind::Typedef(of) | TypeKind::Qualified(_, of) => self.alignment(of, depth, left)?,
            TypeKind::Array { element, .. } => self.alignment(element, depth, left)?,
            TypeKind::Base(Encoding::Complex) => of_number(found.size? / 2),
            TypeKind::Base(_) | TypeKind::Enum { .. } => of_number(found.size?),
            TypeKind::Record { declaration: true, .. } => {
                let own = id.id()?;
                let definition = self.definition(own);
                match definition == own {
                    true => return None,
                    false => self.alignment(&definition.into(), depth, left)?,
                }
            }
            TypeKind::Record { .. } => self.of_members(found.id.id()?, found.size?, depth, left)?,
            TypeKind::Void | TypeKind::Function { .. } => 1,
            TypeKind::Pointer(_)
            | TypeKind::Reference(_)
            | TypeKind::RvalueReference(_)
            | TypeKind::MemberPointer { .. }
            | TypeKind::Unspecified => 8,
        })
    }

    fn of_members(&self, id: TypeId, size: u64, depth: u32, left: &mut u32) -> Option<u64> {
        let Members { list, variants, .. } = self.members(id).ok()?;
        let parts = variants.into_iter().flat_map(|part| {
            let of_variants = part.variants.into_iter().flat_map(|variant| variant.members);
            part.discriminant.into_iter().chain(of_variants)
        });
        let mut whole = 1;
        for member in list.into_iter().chain(parts) {
            let of_member = match (member.kind, self.said_alignment(member.id)) {
                (MemberKind::Static, _) => continue,
                (_, Some(said)) => said,
                (_, None) => match self.alignment(&member.type_ref, depth, left) {
                    Some(of_member) => of_member,
                    None => OF_UNKNOWN,
                },
            };
            // One that lies elsewhere is packed.
            let is_packed = matches!(member.place, MemberPlace::At(at) if !at.is_multiple_of(of_member));
            if !is_packed || member.bits.is_some() {
                whole = whole.max(of_member);
            }
        }
        // The size of what is not packed is a multiple of its alignment.
        Some(if size.is_multiple_of(whole) { whole } else { 1 })
    }

    fn said_alignment(&self, id: DieId) -> Option<u64> {
        let (_, entry) = self.entry(id).ok()?;
        let said = entry.attr_value(gimli::DW_AT_alignment)?.udata_value()?;
        (said.is_power_of_two() && said <= MOST_ALIGNED).then_some(said)
    }
}

fn of_number(size: u64) -> u64 {
    match size.is_power_of_two() {
        true => size.min(MOST_OF_NUMBERS),
        false => 1,
    }
}
