//! Enumerators by their names: those that the chosen frame's function can use by the name alone come first.

use std::rc::Rc;

use farsight_symbols::{
    DebugInfo, Member, MemberKind, NameKind as Named, NamedEnumerator, TypeId, TypeKind, UnitId, Watch,
};
use farsight_types::Address;

use super::TypedScope;
use super::names::{SHOWN_CANDIDATES, Searched};
use super::shapes::known;
use crate::expression::ScopeError;
use crate::expression::cpp::{KnownMember, Operand};

/// Enumerators of a function's own types that are looked at; only hostile functions have more.
const MOST_LOOKED_AT: usize = 1 << 18;

/// An enumerator, with how far its name is and whether it is in the frame's own unit: as variables are ranked.
struct Ranked {
    distance: usize,
    /// The same of its enumeration, where no scope has the name itself.
    by_type: usize,
    is_home: bool,
    one: NamedEnumerator,
}

impl Ranked {
    fn rank(&self) -> (usize, usize, bool) {
        (self.distance, self.by_type, !self.is_home)
    }
}

/// Types inside of a function, each with how deep it lies.
pub(super) type LocalTypes = Rc<[(usize, TypeId)]>;

impl TypedScope<'_> {
    /// An enumerator of a type that the chosen frame's function declares itself.
    pub(super) fn local_enumerator(&mut self, name: &str) -> Result<Option<Operand>, ScopeError> {
        let Some((base, types)) = self.local_types()? else {
            return Ok(None);
        };
        let Some((info, _)) = self.debug_of(base) else {
            return Ok(None);
        };
        let reader = info.reader();
        let mut found: Vec<(usize, TypeId, i128)> = Vec::new();
        let mut looked_at = 0;
        for (level, of) in types.iter().copied() {
            if looked_at > MOST_LOOKED_AT {
                break;
            }
            // Those of an `enum class` are used with its name.
            if !matches!(reader.kind_of(&of.into()), Ok(TypeKind::Enum { scoped: false, .. })) {
                continue;
            }
            let all = reader.enumerators(of).unwrap_or_default();
            looked_at += all.len();
            let one = all.into_iter().find(|one| one.name == name);
            found.extend(one.map(|one| (level, of, one.value)));
        }
        let Some((level, of, value)) = found.first().copied() else {
            return Ok(None);
        };
        let as_near = || found.iter().filter(|(other, ..)| *other == level);
        if as_near().any(|(_, _, other)| *other != value) {
            let shown = as_near().take(SHOWN_CANDIDATES).map(|(_, of, value)| {
                let own = reader.name(of.0).map(|own| format!("{own}::")).unwrap_or_default();
                format!("{own}{name} (0n{value})")
            });
            return Err(ScopeError::Ambiguous {
                candidates: shown.collect(),
            });
        }
        Ok(Some(Operand::integer(known(base, of.into()), value.cast_unsigned())))
    }

    /// The types that the chosen frame's function declares, where it is now, the innermost first, with their module.
    pub(super) fn local_types(&mut self) -> Result<Option<(Address, LocalTypes)>, ScopeError> {
        if self.session.current.is_none() || self.session.is_running() {
            return Ok(None);
        }
        if let Some(known) = &self.local_types {
            return Ok(known.clone());
        }
        let (Some((module, function)), Some(pc)) = (self.frame()?.function, self.frame_pc()) else {
            return Ok(None);
        };
        let process = self.session.process();
        let Some(module) = process.ok().and_then(|process| process.modules.get(module)) else {
            return Ok(None);
        };
        let info = module.loaded().and_then(|symbols| symbols.debug());
        let types = info.map(|info| info.reader().types_inside(function, module.rva(pc)));
        let found = types.map(|types| (module.image.base, types.into()));
        self.local_types = Some(found.clone());
        Ok(found)
    }

    /// An enumerator of the frame's own unit that its function can use by this name, unless a variable is nearer.
    pub(super) fn visible_enumerator(
        &mut self,
        modules: &[usize],
        name: &str,
        home: Option<(Address, UnitId)>,
    ) -> Result<Option<Operand>, ScopeError> {
        let Some((base, unit)) = home else {
            return Ok(None);
        };
        let index = self.module_at(base)?;
        if !modules.contains(&index) {
            return Ok(None);
        }
        let Some(searched) = self.searched(index)? else {
            return Ok(None);
        };
        let found = searched.info.enumerators_in(unit, own_name(name));
        let ranked = self.ranked(found, base, name, home);
        let Some(best) = ranked.first().map(|best| best.distance) else {
            return Ok(None);
        };
        if best > self.around().len() {
            return Ok(None);
        }
        if best > 0 {
            let reader = searched.info.reader();
            let variables = self.entries(&searched, &reader, Named::Variable, name, home)?;
            if variables.first().is_some_and(|(_, distance)| *distance < best) {
                return Ok(None);
            }
        }
        meant(&searched, name, &ranked)
    }

    /// An enumerator by its own name, or by that and the scope that it is in, of whatever unit.
    pub(super) fn bare_enumerator(
        &mut self,
        modules: &[usize],
        name: &str,
        home: Option<(Address, UnitId)>,
    ) -> Result<Option<Operand>, ScopeError> {
        for index in modules {
            let Some(searched) = self.searched(*index)? else {
                continue;
            };
            let own = own_name(name).to_owned();
            let look = move |info: &DebugInfo, watch: &Watch| info.enumerators_named(&own, watch).ok();
            let found = self.session.look("looking for enumerators", &searched.info, look);
            let found = self.answer(found)?.unwrap_or_default();
            let ranked = self.ranked(found, searched.base, name, home);
            if let Some(found) = meant(&searched, name, &ranked)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Those that a name may mean, the nearest first.
    fn ranked(
        &mut self,
        found: Vec<NamedEnumerator>,
        base: Address,
        name: &str,
        home: Option<(Address, UnitId)>,
    ) -> Vec<Ranked> {
        if found.is_empty() {
            return Vec::new();
        }
        let around = self.around();
        let found = found.into_iter().filter_map(|one| {
            Some(Ranked {
                distance: distance(&around, name, &one)?,
                by_type: distance_of_type(&around, name, &one),
                is_home: home == Some((base, one.of.0.unit)),
                one,
            })
        });
        let mut ranked: Vec<Ranked> = found.collect();
        ranked.sort_by_key(Ranked::rank);
        ranked
    }

    /// `Color::Red`, or a variable of a class that is nowhere defined, by the type before the name.
    pub(super) fn enumerator(
        &mut self,
        searched: &Searched,
        name: &str,
        home: Option<(Address, UnitId)>,
    ) -> Result<Option<Operand>, ScopeError> {
        let Some((scope, own)) = name.rsplit_once("::").filter(|(scope, _)| !scope.is_empty()) else {
            return Ok(None);
        };
        let Some(id) = self.type_in(searched, scope, home)? else {
            return Ok(None);
        };
        let reader = searched.info.reader();
        match reader.kind_of(&TypeId(id).into()) {
            Ok(TypeKind::Enum { .. }) => {}
            Ok(TypeKind::Record { .. }) => {
                let members = reader.members(TypeId(id)).unwrap_or_default().list;
                let is_meant = |one: &Member| one.kind == MemberKind::Static && one.name.as_deref() == Some(own);
                let Some(member) = members.into_iter().find(is_meant) else {
                    return Ok(None);
                };
                let (module, id) = (searched.base, member.id);
                return self.variable_of_class(&KnownMember { module, id }).map(Some);
            }
            _ => return Ok(None),
        }
        let found = reader.enumerators(TypeId(id)).unwrap_or_default();
        let found = found.into_iter().find(|one| one.name == own);
        let of = known(searched.base, TypeId(id).into());
        Ok(found.map(|one| Operand::integer(of, one.value.cast_unsigned())))
    }
}

/// What of those that are ranked is meant: the first, unless there are others that are as near and stand for another number.
fn meant(searched: &Searched, name: &str, ranked: &[Ranked]) -> Result<Option<Operand>, ScopeError> {
    let Some(best) = ranked.first() else {
        return Ok(None);
    };
    let equals = || ranked.iter().filter(|other| other.rank() == best.rank());
    if equals().any(|other| other.one.value != best.one.value) {
        let own = own_name(name);
        let shown = equals().take(SHOWN_CANDIDATES).map(|ranked| {
            let (module, value) = (&searched.name, ranked.one.value);
            match ranked.one.scope.as_str() {
                "" => format!("{module}!{own} (0n{value})"),
                scope => format!("{module}!{scope}::{own} (0n{value})"),
            }
        });
        return Err(ScopeError::Ambiguous {
            candidates: shown.collect(),
        });
    }
    let of = known(searched.base, best.one.of.into());
    Ok(Some(Operand::integer(of, best.one.value.cast_unsigned())))
}

/// How far the enumeration is of an enumerator that is used with its name, and here is not.
fn distance_of_type(around: &[String], name: &str, one: &NamedEnumerator) -> usize {
    let asked = name.rsplit_once("::").map_or("", |(scope, _)| scope);
    let parent = one.enumeration.rsplit_once("::").map_or("", |(parent, _)| parent);
    let of_type = NamedEnumerator {
        scope: parent.to_owned(),
        enumeration: String::new(),
        ..one.clone()
    };
    match asked.is_empty() && one.scope == one.enumeration {
        true => distance(around, name, &of_type).unwrap_or(usize::MAX),
        false => usize::MAX,
    }
}

fn own_name(name: &str) -> &str {
    name.rsplit_once("::").map_or(name, |(_, own)| own)
}

/// How far an enumerator is from a function in these scopes, as [`TypedScope::entries`] counts; none where the name does not
/// mean it.
fn distance(around: &[String], name: &str, one: &NamedEnumerator) -> Option<usize> {
    let is_absolute = name.starts_with("::");
    let asked = name.rsplit_once("::").map_or("", |(scope, _)| scope);
    let asked = asked.trim_start_matches("::");
    let one_of = |scope: &str| {
        let scope = without_anonymous(scope);
        let inside = |outer: &String| match (without_anonymous(outer), asked) {
            (outer, "") => outer == scope,
            (outer, asked) => scope == format!("{outer}::{asked}"),
        };
        let near = around.iter().position(inside).filter(|_| !is_absolute);
        let whole = || (scope == asked).then_some(around.len());
        let ends = || asked.is_empty() || scope.ends_with(&format!("::{asked}"));
        let farther = || (!is_absolute && ends()).then_some(around.len() + 1);
        near.or_else(whole).or_else(farther)
    };
    let by_type = || one_of(&one.enumeration).filter(|_| !asked.is_empty());
    one_of(&one.scope).into_iter().chain(by_type()).min()
}

/// What is in a namespace without a name is everywhere in its file.
fn without_anonymous(scope: &str) -> String {
    let named = scope.split("::").filter(|part| *part != "(anonymous namespace)");
    named.collect::<Vec<_>>().join("::")
}

#[cfg(test)]
mod tests {
    use farsight_symbols::{DieId, NamedEnumerator, TypeId, UnitId};

    use super::distance;

    #[test]
    fn enumerators_are_as_far_as_their_scopes() {
        let around = ["a::B".to_owned(), "a".to_owned()];
        for (name, scope, enumeration, expected) in [
            ("one", "a::B", "a::B::Kind", Some(0)),
            ("one", "a", "", Some(1)),
            ("one", "", "Kind", Some(2)),
            ("one", "(anonymous namespace)", "(anonymous namespace)::Kind", Some(2)),
            ("one", "b", "b::Kind", Some(3)),
            // Of an `enum class`.
            ("one", "a::B::Kind", "a::B::Kind", Some(3)),
            ("Kind::one", "a::B", "a::B::Kind", Some(0)),
            ("Kind::one", "a", "a::Kind", Some(1)),
            ("B::one", "a::B", "a::B::Kind", Some(1)),
            ("::one", "", "Kind", Some(2)),
            ("::one", "a", "a::Kind", None),
            ("::a::one", "a", "a::Kind", Some(2)),
            ("b::one", "a", "a::Kind", None),
            ("b::one", "c::b", "c::b::Kind", Some(3)),
        ] {
            let one = NamedEnumerator {
                of: TypeId(DieId {
                    unit: UnitId(0),
                    offset: 0,
                }),
                value: 1,
                scope: scope.to_owned(),
                enumeration: enumeration.to_owned(),
            };
            assert_eq!(distance(&around, name, &one), expected, "{name} in {scope}");
        }
    }
}
