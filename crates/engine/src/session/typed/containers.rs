//! Elements of containers and what smart pointers lead to, by the fields that the libraries have: Rust's slices, `Vec`,
//! `Rc` and `Arc`, and libstdc++'s `vector`, `array` and `shared_ptr`.

use farsight_symbols::TypeKind;

use super::TypedScope;
use super::shapes::known;
use crate::expression::ScopeError;
use crate::expression::cpp::{self, CppType, Held, Operand};

/// Where a container's first element is, with how many there are.
const FIRST_AND_COUNT: &[(&[&str], &[&str])] = &[
    (&["data_ptr"], &["length"]),
    (&["buf", "inner", "ptr", "pointer", "pointer"], &["len"]),
    (&["buf", "ptr", "pointer", "pointer"], &["len"]),
];
/// Where its first element is, with where its last one ends.
const FIRST_AND_END: &[(&[&str], &[&str])] = &[(&["_M_impl", "_M_start"], &["_M_impl", "_M_finish"])];
/// Pointers in smart pointers, with what in their target is meant.
const LEADING: &[(&[&str], &[&str])] = &[
    (&["ptr", "pointer"], &["value"]),
    (&["ptr", "pointer"], &["data"]),
    (&["_M_ptr"], &[]),
];

impl TypedScope<'_> {
    pub(super) fn element_of(&mut self, of: &Operand, index: u64) -> Result<Option<Operand>, ScopeError> {
        if let Some(array) = self.path(of, &["_M_elems"]) {
            return self.array_element(array, index);
        }
        let mut found = None;
        for (first, count) in FIRST_AND_COUNT {
            if let (Some(first), Some(count)) = (self.path(of, first), self.path(of, count)) {
                let count = cpp::as_number("", &count, self).map_err(failed)?;
                found = Some((first, count));
                break;
            }
        }
        let of_type = self.generic(of);
        if found.is_none() {
            for (first, end) in FIRST_AND_END {
                if let (Some(first), Some(end)) = (self.path(of, first), self.path(of, end)) {
                    let start = cpp::as_number("", &first, self).map_err(failed)?;
                    let end = cpp::as_number("", &end, self).map_err(failed)?;
                    let target = cpp::follow("", first.clone(), self).map_err(failed)?;
                    let size = self.size_in_bytes(&target.of)?.max(1);
                    found = Some((first, end.wrapping_sub(start) / size));
                    break;
                }
            }
        }
        let Some((first, count)) = found else {
            return Ok(None);
        };
        if index >= count {
            return Err(ScopeError::Unavailable {
                why: format!("There is no element {index}, there are {count}"),
            });
        }
        let start = cpp::as_number("", &first, self).map_err(failed)?;
        // A `Vec` has bytes for what its parameter says.
        let target = cpp::follow("", first, self).map_err(failed)?.of;
        let is_bytes = self.size_in_bytes(&target)? <= 1;
        let element = of_type.filter(|_| is_bytes).unwrap_or(target);
        let size = self.size_in_bytes(&element)?;
        let address = start.wrapping_add(index.wrapping_mul(size));
        Ok(Some(Operand::memory(element, address)))
    }

    pub(super) fn led_to(&mut self, of: &Operand) -> Result<Option<Operand>, ScopeError> {
        for (pointer, inside) in LEADING {
            let Some(pointer) = self.path(of, pointer) else {
                continue;
            };
            let Ok(target) = cpp::follow("", pointer, self) else {
                continue;
            };
            if let Some(found) = self.path(&target, inside) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn array_element(&mut self, array: Operand, index: u64) -> Result<Option<Operand>, ScopeError> {
        let Some(address) = array.address() else {
            return Ok(None);
        };
        let first = cpp::follow("", array, self).map_err(failed)?;
        let size = self.size_in_bytes(&first.of)?;
        Ok(Some(Operand::memory(
            first.of,
            address.wrapping_add(index.wrapping_mul(size)),
        )))
    }

    /// A field of a field; none where there is no such.
    fn path(&mut self, of: &Operand, names: &[&str]) -> Option<Operand> {
        let mut part = of.clone();
        for name in names {
            part = cpp::own_member(part, name, self)?;
        }
        matches!(part.held, Held::Place(_) | Held::Bytes(_)).then_some(part)
    }

    /// What a container is a container of: its first parameter.
    fn generic(&mut self, of: &Operand) -> Option<CppType> {
        let CppType::Known(of) = &of.of else {
            return None;
        };
        let (info, _) = self.debug_of(of.module)?;
        let reader = info.reader();
        let mut stripped = reader.stripped(&of.of).ok()?;
        if let TypeKind::Pointer(to) = &stripped.kind {
            stripped = reader.stripped(to).ok()?;
        }
        let generics = reader.generics(stripped.id.id()?.0).ok()?;
        let first = generics.into_iter().find(|generic| generic.value.is_none())?;
        Some(known(of.module, first.type_ref))
    }
}

fn failed(error: crate::expression::ExprError) -> ScopeError {
    match error.kind {
        crate::expression::ExprErrorKind::Scope { error, .. } => error,
        kind => ScopeError::Unavailable { why: kind.to_string() },
    }
}
