//! The language that a type was written in, which decides how it is named.
//!
//! What several units share lies in partial units (`dwz`), which say no language: theirs is that of the units that import
//! them.

use std::collections::HashMap;

use gimli::AttributeValue;

use crate::debug::{DebugReader, DieId, Unit, UnitId};

/// The language that a unit was written in, as far as it makes a difference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Language {
    /// C, and whatever is written like it.
    C,
    /// C++.
    Cpp,
    /// Rust.
    Rust,
}

/// The languages of the units that do not say it themselves, as far as those that import them do.
pub(in crate::debug) type Languages = HashMap<UnitId, Language>;

impl<'a> DebugReader<'a> {
    /// The language of the unit that a thing is in.
    pub fn language(&self, id: DieId) -> Language {
        let Ok(unit) = self.unit(id.unit) else {
            return Language::C;
        };
        let imported = || {
            let all = self.info().languages.get_or_init(|| self.imported_languages());
            all.get(&id.unit).copied()
        };
        own_language(&unit).or_else(imported).unwrap_or(Language::C)
    }

    /// Goes through the units once for what they import.
    fn imported_languages(&self) -> Languages {
        let mut found = Languages::new();
        let mut ready: Vec<(UnitId, Language)> = Vec::new();
        let mut passed_on: HashMap<UnitId, Vec<UnitId>> = HashMap::new();
        for id in (0..self.info().unit_count()).map(UnitId) {
            let Ok(unit) = self.parse_root(id) else {
                continue;
            };
            let imports = self.imports(&unit);
            match own_language(&unit) {
                Some(language) => ready.extend(imports.into_iter().map(|unit| (unit, language))),
                None if imports.is_empty() => {}
                None => {
                    passed_on.insert(id, imports);
                }
            }
        }
        while let Some((id, language)) = ready.pop() {
            if found.contains_key(&id) {
                continue;
            }
            found.insert(id, language);
            let further = passed_on.remove(&id).unwrap_or_default();
            ready.extend(further.into_iter().map(|unit| (unit, language)));
        }
        found
    }

    /// The units that a unit imports as a whole, which it says before anything else.
    fn imports(&self, unit: &Unit<'a>) -> Vec<UnitId> {
        let mut found = Vec::new();
        let mut entries = unit.unit.entries();
        let _root = entries.next_dfs();
        while let Ok(Some(entry)) = entries.next_dfs() {
            if entry.tag() != gimli::DW_TAG_imported_unit {
                break;
            }
            let target = entry.attr_value(gimli::DW_AT_import);
            let target = target.and_then(|target| self.follow(unit, target));
            found.extend(target.map(|target| target.unit));
        }
        found
    }
}

fn own_language(unit: &Unit<'_>) -> Option<Language> {
    let mut entries = unit.unit.entries();
    let language = match entries.next_dfs().ok()??.attr_value(gimli::DW_AT_language)? {
        AttributeValue::Language(language) => language,
        _ => return None,
    };
    Some(match language {
        gimli::DW_LANG_Rust => Language::Rust,
        gimli::DW_LANG_C_plus_plus
        | gimli::DW_LANG_C_plus_plus_03
        | gimli::DW_LANG_C_plus_plus_11
        | gimli::DW_LANG_C_plus_plus_14
        | gimli::DW_LANG_C_plus_plus_17
        | gimli::DW_LANG_C_plus_plus_20 => Language::Cpp,
        _ => Language::C,
    })
}
