//! Fields and elements.

use super::super::ast::{Node, TypeName};
use super::super::scope::Index;
use super::super::value::{CppType, Field, FieldPlace, Fields, Held, Operand, Place, Shape};
use super::{Loaded, Outcome, Walk};

/// How deep anonymous structures and bases are looked through.
const MOST_NESTED: u32 = 16;
/// How many of them are looked into for one name; only hostile types, which hold themselves, have more.
const MOST_LOOKED_INTO: u32 = 4096;
/// How many pointers `.` follows by itself.
const MOST_FOLLOWED: usize = 8;

impl Walk<'_, '_> {
    /// `a.b`, `a->b`. As in Rust, `.` follows pointers by itself.
    pub(in super::super) fn member(&mut self, of: Operand, name: &str, arrow: bool, at: usize) -> Outcome<Operand> {
        let mut of = of;
        if arrow {
            of = self.follow(of, at)?;
        }
        let shown = self.name_of(&of.of);
        let is_known = !matches!(self.behind_pointers(&of.of, at)?, Shape::Opaque);
        match self.member_if_any(of, name, at)? {
            Some(field) => Ok(field),
            None if !is_known => Err(self.wrong(
                at,
                &format!("Whether {shown} has a field '{name}' is not known: its type is only declared"),
            )),
            None => Err(self.wrong(at, &format!("{shown} has no field '{name}'"))),
        }
    }

    /// What pointers and references lead to, as far as `.` follows them by itself.
    fn behind_pointers(&mut self, of: &CppType, at: usize) -> Outcome<Shape> {
        let mut shape = self.shape(of, at)?;
        for _ in 0..MOST_FOLLOWED {
            shape = match &shape {
                Shape::Pointer(to) | Shape::Reference(to) => self.shape(to, at)?,
                _ => break,
            };
        }
        Ok(shape)
    }

    /// `a.*b`, `a->*b`.
    pub(super) fn pointed_member(&mut self, of: Operand, by: &Operand, arrow: bool, at: usize) -> Outcome<Operand> {
        let of = match arrow {
            true => self.follow(of, at)?,
            false => of,
        };
        let known = match self.bare(&by.of, at)?.0 {
            CppType::Known(known) => self.scope.member_pointer(&known),
            _ => None,
        };
        let Some((target, class)) = known else {
            return Err(self.wrong(at, "The right side is no pointer to a member"));
        };
        if matches!(self.shape(&target, at)?, Shape::Function) {
            return Err(self.wrong(
                at,
                "This points to a member function; the evaluator does not call functions",
            ));
        }
        let offset = self.load(by, at)?;
        let offset = self.integer(&offset, at)? as u64;
        // As the C++ ABI has it, since 0 is a member's offset.
        if offset == u64::MAX {
            return Err(self.wrong(at, "The pointer to a member is null"));
        }
        let Some(part) = self.base_of(&of, &class, at)? else {
            let (of, class) = (self.name_of(&of.of), self.name_of(&class));
            return Err(self.wrong(at, &format!("This points to a member of {class}, which {of} is not")));
        };
        let part = self.part(&part, target, offset, at)?;
        self.through_reference(part, at)
    }

    pub(super) fn member_if_any(&mut self, of: Operand, name: &str, at: usize) -> Outcome<Option<Operand>> {
        let mut of = of;
        for _ in 0..MOST_FOLLOWED {
            of = self.through_reference(of, at)?;
            match self.shape(&of.of, at)? {
                Shape::Pointer(_) => of = self.follow(of, at)?,
                Shape::Record(fields) => {
                    if let Some(field) = self.field_of(&of, &fields, name, at)? {
                        return Ok(Some(field));
                    }
                    // Boxes of all kinds.
                    let followed = self.scope.follow(&of);
                    match followed.map_err(|error| self.failed(error, at))? {
                        Some(followed) => of = followed,
                        None => return Ok(None),
                    }
                }
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// A field that a structure has itself, or what a pointer to it leads to.
    pub(in super::super) fn own_member(&mut self, of: Operand, name: &str) -> Option<Operand> {
        self.own_field(of, name, 0).ok()?
    }

    pub(super) fn own_field(&mut self, of: Operand, name: &str, at: usize) -> Outcome<Option<Operand>> {
        let mut of = of;
        if let Shape::Pointer(_) = self.shape(&of.of, at)? {
            of = self.follow(of, at)?;
        }
        match self.shape(&of.of, at)? {
            Shape::Record(fields) => self.field_of(&of, &fields, name, at),
            _ => Ok(None),
        }
    }

    /// The fields that lead to one of a name in objects of a type.
    pub(super) fn way_in(&mut self, of: &CppType, name: &str, at: usize) -> Outcome<Option<Vec<Field>>> {
        match self.shape(of, at)? {
            Shape::Record(fields) => self.way_to(&fields, name, (MOST_NESTED, &mut MOST_LOOKED_INTO.clone()), at),
            _ => Ok(None),
        }
    }

    fn field_of(&mut self, of: &Operand, fields: &Fields, name: &str, at: usize) -> Outcome<Option<Operand>> {
        let way = self.way_to(fields, name, (MOST_NESTED, &mut MOST_LOOKED_INTO.clone()), at)?;
        if let Some(way) = way {
            let mut part = of.clone();
            for field in way {
                part = self.field_part(&part, &field, at)?;
            }
            return self.through_reference(part, at).map(Some);
        }
        // The payload that is there: `x.0` of `Some(7)`.
        if fields.fields.iter().any(|field| field.variant.is_some()) {
            let variant = self.scope.variant(of);
            let variant = variant.map_err(|error| self.failed(error, at))?;
            let active = fields
                .fields
                .iter()
                .find(|field| field.variant.is_some() && field.variant == variant);
            if let Some(active) = active {
                let part = self.field_part(of, active, at)?;
                if let Shape::Record(inside) = self.shape(&part.of, at)?
                    && !inside.fields.iter().any(|field| field.variant.is_some())
                {
                    return self.field_of(&part, &inside, name, at);
                }
            }
        }
        Ok(None)
    }

    pub(super) fn field_part(&mut self, of: &Operand, field: &Field, at: usize) -> Outcome<Operand> {
        let offset = match (&field.place, of.address()) {
            (FieldPlace::At(offset), _) => *offset,
            (FieldPlace::Static(member), _) => {
                let found = self.scope.static_member(member);
                return found.map_err(|error| self.failed(error, at));
            }
            (FieldPlace::Computed(member), Some(object)) => {
                let address = self.scope.computed_member(member, object);
                let address = address.map_err(|error| self.failed(error, at))?;
                return Ok(Operand::memory(field.of.clone(), address));
            }
            (FieldPlace::Computed(_), None) => {
                return Err(self.wrong(at, "Only an object in memory says where its virtual base classes are"));
            }
        };
        match (&of.held, field.bits) {
            (Held::Place(place), Some(bits)) => Ok(Operand {
                of: field.of.clone(),
                held: Held::Place(Place {
                    at: place.at.wrapping_add(offset),
                    bits: Some(bits),
                    ..*place
                }),
            }),
            (_, Some(_)) => Err(self.wrong(at, "A bit-field of a computed value cannot be taken")),
            (_, None) => self.part(of, field.of.clone(), offset, at),
        }
    }

    /// Where a field is in all objects.
    fn fixed(&self, field: &Field, at: usize) -> Outcome<u64> {
        match field.place {
            FieldPlace::At(offset) => Ok(offset),
            FieldPlace::Computed(_) => {
                Err(self.wrong(at, "A virtual base class is not at the same place in all objects"))
            }
            FieldPlace::Static(_) => Err(self.wrong(at, "A static member is in no object")),
        }
    }

    /// The fields that lead to one of a name, through what is anonymous and through bases.
    fn way_to(
        &mut self,
        fields: &Fields,
        name: &str,
        (left, budget): (u32, &mut u32),
        at: usize,
    ) -> Outcome<Option<Vec<Field>>> {
        // Fields of Rust's tuples have names that nobody writes.
        let is_named = |field: &Field| {
            let known = field.name.as_deref().unwrap_or_default();
            known == name
                || known
                    .strip_prefix("__")
                    .is_some_and(|number| number == name && !number.is_empty())
        };
        if let Some(field) = fields.fields.iter().find(|field| is_named(field)) {
            return Ok(Some(vec![field.clone()]));
        }
        if let Some((base, name)) = name.rsplit_once("::") {
            for field in fields.fields.iter().filter(|field| field.is_base) {
                let full = self.name_of(&field.of);
                if (full == base || full.ends_with(&format!("::{base}")))
                    && let Shape::Record(inside) = self.shape(&field.of, at)?
                    && let Some(mut way) = self.way_to(&inside, name, (left.saturating_sub(1), budget), at)?
                {
                    way.insert(0, field.clone());
                    return Ok(Some(way));
                }
            }
        }
        let Some(left) = left.checked_sub(1) else {
            return Ok(None);
        };
        match budget.checked_sub(1) {
            Some(less) => *budget = less,
            None => return Ok(None),
        }
        let anonymous = |field: &&Field| field.is_base || field.name.is_none() && field.variant.is_none();
        for field in fields.fields.iter().filter(anonymous) {
            if let Shape::Record(inside) = self.shape(&field.of, at)?
                && let Some(mut way) = self.way_to(&inside, name, (left, budget), at)?
            {
                way.insert(0, field.clone());
                return Ok(Some(way));
            }
        }
        Ok(None)
    }

    /// `a[i]`.
    pub(super) fn index(&mut self, of: Operand, index: Loaded, at: usize) -> Outcome<Operand> {
        self.index_within(of, index, MOST_FOLLOWED, at)
    }

    fn index_within(&mut self, of: Operand, index: Loaded, left: usize, at: usize) -> Outcome<Operand> {
        match self.shape(&of.of, at)? {
            Shape::Array(one, count) => {
                let number = self.integer(&index, at)? as u64;
                let size = self.size_of(&one, at)?;
                if !matches!(of.held, Held::Place(_)) && count.is_some_and(|count| number >= count) {
                    return Err(self.wrong(at, "There is no such element"));
                }
                let part = self.part(&of, one, number.wrapping_mul(size), at)?;
                self.through_reference(part, at)
            }
            Shape::Pointer(to) => {
                // `&[T]`, `&Vec<T>` and their like are indexed as what they refer to.
                if let Shape::Record(_) = self.shape(&to, at)?
                    && let Some(element) = self.container(&of, &index, at)?
                {
                    return Ok(element);
                }
                let pointer = self.load(&of, at)?;
                let moved = self.binary(super::Binary::Add, pointer, index, at)?;
                let moved = self.unloaded(moved);
                self.follow(moved, at)
            }
            Shape::Record(_) => match self.container(&of, &index, at)? {
                Some(element) => Ok(element),
                None => {
                    // A cell, or a pointer of a library's, is indexed as what it leads to.
                    let followed = self.scope.follow(&of);
                    if let Some(inner) = followed.map_err(|error| self.failed(error, at))?
                        && inner != of
                        && let Some(left) = left.checked_sub(1)
                    {
                        return self.index_within(inner, index, left, at);
                    }
                    let shown = self.name_of(&of.of);
                    Err(self.wrong(at, &format!("{shown} has no elements that are known")))
                }
            },
            _ => {
                // `2[a]` is C's.
                if matches!(index.shape, Shape::Pointer(_)) {
                    let number = self.load(&of, at)?;
                    let moved = self.binary(super::Binary::Add, index, number, at)?;
                    let moved = self.unloaded(moved);
                    return self.follow(moved, at);
                }
                Err(self.wrong(at, "This is no array, pointer or container"))
            }
        }
    }

    /// `map["key"]`; nothing where the index is no text, or what is indexed no container.
    pub(super) fn by_text(&mut self, of: &Operand, index: &Operand, at: usize) -> Outcome<Option<Operand>> {
        let Held::Bytes(bytes) = &index.held else {
            return Ok(None);
        };
        let is_text = matches!(&index.of, CppType::Array(of, _) if **of == CppType::c("char"));
        let mut whole = of.of.clone();
        if let Shape::Pointer(to) = self.shape(&whole, at)? {
            whole = to;
        }
        if !is_text || !matches!(self.shape(&whole, at)?, Shape::Record(_)) {
            return Ok(None);
        }
        let text = bytes.strip_suffix(&[0]).unwrap_or(bytes).to_vec();
        let element = self.scope.element(of, &Index::Text(text));
        element.map_err(|error| self.failed(error, at))
    }

    fn container(&mut self, of: &Operand, index: &Loaded, at: usize) -> Outcome<Option<Operand>> {
        let number = self.integer(index, at)?.cast_signed();
        let element = self.scope.element(of, &Index::Number(number));
        element.map_err(|error| self.failed(error, at))
    }

    /// Where a field of a type is, and its type.
    pub(super) fn field_at(&mut self, of: &TypeName, fields: &[String], at: usize) -> Outcome<(u64, CppType)> {
        let mut of = self.type_of(of)?;
        let mut offset = 0_u64;
        for name in fields {
            let shape = self.shape(&of, at)?;
            let Shape::Record(record) = shape else {
                let shown = self.name_of(&of);
                if matches!(shape, Shape::Opaque) {
                    return Err(self.wrong(at, &format!("The fields of {shown} are not known: it is only declared")));
                }
                return Err(self.wrong(at, &format!("{shown} has no fields")));
            };
            let Some(way) = self.way_to(&record, name, (MOST_NESTED, &mut MOST_LOOKED_INTO.clone()), at)? else {
                let shown = self.name_of(&of);
                return Err(self.wrong(at, &format!("{shown} has no field '{name}'")));
            };
            for field in way {
                offset = offset.wrapping_add(self.fixed(&field, at)?);
                of = field.of;
            }
        }
        Ok((offset, of))
    }

    /// `#RTL_CONTAINS_FIELD(structure, size, field)`.
    pub(super) fn contains_field(&mut self, of: &Node, size: &Node, fields: &[String], at: usize) -> Outcome<Operand> {
        let of = self.node(of)?;
        let size = self.value(size)?;
        let size = self.integer(&size, at)?;
        let mut inside = of.of;
        if let Shape::Pointer(to) = self.shape(&inside, at)? {
            inside = to;
        }
        let mut end = 0_u128;
        for name in fields {
            let Shape::Record(record) = self.shape(&inside, at)? else {
                return Err(self.wrong(at, "This has no fields"));
            };
            let Some(way) = self.way_to(&record, name, (MOST_NESTED, &mut MOST_LOOKED_INTO.clone()), at)? else {
                return Err(self.wrong(at, &format!("There is no field '{name}'")));
            };
            for field in way {
                end += u128::from(self.fixed(&field, at)?);
                inside = field.of;
            }
        }
        let end = end + u128::from(self.size_of(&inside, at)?);
        Ok(Operand::integer(CppType::c("bool"), (end <= size).into()))
    }
}
