//! Types by their names: where several have one, the nearest is meant, and none where those that are as near differ.

use farsight_symbols::{DebugReader, DieId, NameKind, TypeId, TypeKind, UnitId};
use farsight_types::Address;

use super::TypedScope;
use super::names::{SHOWN_CANDIDATES, Searched, split};
use super::shapes::known;
use crate::expression::ScopeError;
use crate::expression::cpp::{CppType, KnownType, basic_named};

impl TypedScope<'_> {
    /// A type; `is_near` where only the frame's module and the program are to be asked.
    pub(super) fn find_type(&mut self, name: &str, is_near: bool) -> Result<Option<CppType>, ScopeError> {
        let (module, plain) = split(name);
        if module.is_none() && basic_named(plain).is_some() || self.session.current.is_none() {
            return Ok(None);
        }
        if module.is_none()
            && let Some(found) = self.local_type(plain)?
        {
            return Ok(Some(found));
        }
        let (near, others) = self.near_and_others(module)?;
        match self.type_among(&near, plain, None)? {
            Some(found) => Ok(Some(found)),
            None if is_near => Ok(None),
            None => {
                let patience = self.session.patience();
                self.type_among(&others, plain, Some(patience))
            }
        }
    }

    /// A type of one module.
    pub(super) fn type_in_module(&mut self, base: Address, name: &str) -> Result<Option<CppType>, ScopeError> {
        match self.module_at(base) {
            Ok(index) => self.type_among(&[index], name, None),
            Err(_) => Ok(None),
        }
    }

    fn type_among(
        &mut self,
        modules: &[usize],
        plain: &str,
        until: Option<u64>,
    ) -> Result<Option<CppType>, ScopeError> {
        let home = self.home_unit();
        for index in modules {
            let Some(searched) = self.searched_until(*index, until)? else {
                continue;
            };
            if let Some(id) = self.type_in(&searched, plain, home)? {
                let of = TypeId(id).into();
                return Ok(Some(CppType::Known(KnownType {
                    module: searched.base,
                    of,
                })));
            }
        }
        Ok(None)
    }

    /// A type that the chosen frame's function declares itself.
    fn local_type(&mut self, name: &str) -> Result<Option<CppType>, ScopeError> {
        if name.contains("::") {
            return Ok(None);
        }
        let Some((base, types)) = self.local_types()? else {
            return Ok(None);
        };
        let Some((info, _)) = self.debug_of(base) else {
            return Ok(None);
        };
        let reader = info.reader();
        let named = types
            .iter()
            .filter(|(_, of)| reader.name(of.0).as_deref() == Some(name));
        let named: Vec<(usize, TypeId)> = named.copied().collect();
        let Some((level, best)) = named.first().copied() else {
            return Ok(None);
        };
        let as_near = named.iter().filter(|(other, _)| *other == level);
        let as_near: Vec<TypeId> = as_near.map(|(_, of)| *of).collect();
        if !reader.are_same(&as_near) {
            let shown = as_near.iter().take(SHOWN_CANDIDATES);
            return Err(ScopeError::Ambiguous {
                candidates: shown.map(|of| described(&reader, None, of.0)).collect(),
            });
        }
        Ok(Some(known(base, best.into())))
    }

    /// The type that a name means in a module. Of several that are as near, all have to be the same.
    pub(super) fn type_in(
        &mut self,
        searched: &Searched,
        name: &str,
        home: Option<(Address, UnitId)>,
    ) -> Result<Option<DieId>, ScopeError> {
        let reader = searched.info.reader();
        let found = self.entries(searched, &reader, NameKind::Type, name, home)?;
        let Some((best, distance)) = found.first().copied() else {
            return Ok(None);
        };
        let is_home = |id: DieId| home == Some((searched.base, id.unit));
        let types = |list: &[(DieId, usize)]| list.iter().map(|(id, _)| TypeId(*id)).collect::<Vec<_>>();
        let count = found.partition_point(|(_, other)| *other == distance);
        let alike = found.get(..count).unwrap_or_default();
        let count = alike.partition_point(|(id, _)| is_home(*id) == is_home(best));
        let equals = alike.get(..count).unwrap_or_default();
        let is_one = reader.are_same(&types(equals)) || is_home(best) && is_tag_and_name(&reader, equals);
        if !is_one {
            // One of each kind: most units may have the same.
            let kinds = reader.one_of_each_kind(&types(equals), SHOWN_CANDIDATES);
            let shown = kinds.iter().map(|of| described(&reader, Some(&searched.name), of.0));
            let candidates = shown.collect();
            return Err(ScopeError::Ambiguous { candidates });
        }
        // The frame's file has one of its own, but its function would have to say in which scope.
        let is_elsewhere = distance > self.around().len() && !name.contains("::");
        if is_elsewhere
            && !reader.are_same(&types(alike))
            && let Some(full) = reader.qualified_name(best)
            && full != name
        {
            self.elsewhere.push((name.to_owned(), full));
        }
        Ok(Some(best))
    }
}

/// Whether these are a type and another one's second name, which C tells apart by the word before them: the first is
/// as good as any.
fn is_tag_and_name(reader: &DebugReader<'_>, equals: &[(DieId, usize)]) -> bool {
    let is_name = |id: &TypeId| matches!(reader.kind_of(&(*id).into()), Ok(TypeKind::Typedef(_)));
    let all = equals.iter().map(|(id, _)| TypeId(*id));
    let (names, tags): (Vec<TypeId>, Vec<TypeId>) = all.partition(is_name);
    !names.is_empty() && !tags.is_empty() && reader.are_same(&names) && reader.are_same(&tags)
}

/// A type by its full name, its size and the file that defines it.
fn described(reader: &DebugReader<'_>, module: Option<&str>, id: DieId) -> String {
    let module = module.map(|module| format!("{module}!")).unwrap_or_default();
    let name = reader.qualified_name(id).unwrap_or_default();
    let size = reader.size_of(&TypeId(id).into());
    let size = size.map(|size| format!("0x{size:x} bytes"));
    let place = reader.declared_at(id).and_then(|place| {
        let path = reader.file(place.file)?.path;
        Some(format!("{}:{}", path.rsplit('/').next()?, place.line))
    });
    let what: Vec<String> = size.into_iter().chain(place).collect();
    match what.is_empty() {
        true => format!("{module}{name}"),
        false => format!("{module}{name} ({})", what.join(", ")),
    }
}
