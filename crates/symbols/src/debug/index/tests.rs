//! The index against a walk over everything, on this test program itself, and on damaged units.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::*;
use crate::debug::UnitId;
use crate::image::ImageFile;

fn own_image() -> Vec<u8> {
    std::fs::read(std::env::current_exe().unwrap()).unwrap()
}

fn info(bytes: Vec<u8>) -> Option<DebugInfo> {
    DebugInfo::new(&ImageFile::parse(Arc::new(bytes)).ok()?, None)
}

/// Every function outside of functions that has a name of its own, or is named by another entry, with its code.
fn functions_by_walking(reader: &DebugReader<'_>, units: u32) -> BTreeSet<(DieId, String)> {
    let mut found = BTreeSet::new();
    for unit in (0..units).map(UnitId) {
        let unit = reader.unit(unit).unwrap();
        let mut entries = unit.unit.entries();
        let mut functions: Vec<isize> = Vec::new();
        while let Some(entry) = entries.next_dfs().unwrap() {
            let depth = entry.depth();
            functions.retain(|open| *open < depth);
            let is_inlined = matches!(
                entry.attr_value(gimli::DW_AT_inline),
                Some(gimli::AttributeValue::Inline(
                    gimli::DW_INL_inlined | gimli::DW_INL_declared_inlined
                ))
            );
            let has_code = entry.has_attr(gimli::DW_AT_low_pc) || entry.has_attr(gimli::DW_AT_ranges);
            if entry.tag() == gimli::DW_TAG_subprogram {
                let wanted = functions.is_empty() && (has_code || is_inlined);
                if wanted && !entry.has_attr(gimli::DW_AT_declaration) {
                    let id = unit.die(entry);
                    found.extend(reader.name(id).map(|name| (id, name)));
                }
                functions.push(depth);
            }
        }
    }
    found
}

#[test]
fn every_function_is_found_by_its_name() {
    let info = info(own_image()).unwrap();
    let reader = info.reader();
    let index = info.index(&Watch::default()).unwrap();
    let walked = functions_by_walking(&reader, info.unit_count().min(100));
    assert!(walked.len() > 100, "{}", walked.len());
    let mut names: BTreeMap<&str, BTreeSet<DieId>> = BTreeMap::new();
    for (id, name) in &walked {
        for name in [name.as_str(), plain(name)] {
            names.entry(name).or_default().insert(*id);
        }
    }
    for (name, ids) in names.iter().step_by(7) {
        let found: BTreeSet<DieId> = index.functions(&reader, name).iter().map(|named| named.id).collect();
        assert!(ids.is_subset(&found), "{name}: {ids:x?} are not all in {found:x?}");
    }
    let mut all = BTreeSet::new();
    let every = Pattern::new("*");
    let note = |_: &str, named: Named| all.insert(named.id);
    index
        .matching(&reader, NameKind::Function, &every, &Watch::default(), note)
        .unwrap();
    assert_eq!(all.len(), index.count(NameKind::Function).1);
    let walked: BTreeSet<DieId> = walked.into_iter().map(|(id, _)| id).collect();
    assert!(walked.is_subset(&all));
    let first: BTreeSet<DieId> = all.into_iter().filter(|id| id.unit.0 < 100).collect();
    assert_eq!(first, walked, "nothing but functions");
}

#[test]
fn names_are_completed() {
    let info = info(own_image()).unwrap();
    let reader = info.reader();
    let index = info.index(&Watch::default()).unwrap();
    let mut all = BTreeSet::new();
    let note = |name: &str, _: Named| {
        all.insert(without_arguments(name));
        true
    };
    let every = Pattern::new("*");
    index
        .matching(&reader, NameKind::Function, &every, &Watch::default(), note)
        .unwrap();
    for beginning in ["names_are_", "fmt", "dr", "no such name"] {
        let found = index.beginning(&reader, NameKind::Function, beginning);
        let found: BTreeSet<String> = found.into_iter().collect();
        let wanted = all.iter().filter(|name| name.starts_with(beginning)).cloned();
        assert_eq!(found, wanted.collect(), "{beginning}");
    }
    let own = index.beginning(&reader, NameKind::Function, "");
    assert!(own.iter().any(|name| name.ends_with("names_are_completed")));
}

#[test]
fn who_waits_can_end_the_work() {
    let info = info(own_image()).unwrap();
    let watch = Watch::default();
    watch.cancel();
    assert_eq!(info.index(&watch).unwrap_err(), Cancelled);
    assert!(info.ready_index().is_none(), "half an index is none");
    let watch = Watch::default();
    let index = info.index(&watch).unwrap();
    assert_eq!(watch.progress(), (info.unit_count(), info.unit_count()));
    watch.cancel();
    let matching = index.matching(
        &info.reader(),
        NameKind::Function,
        &Pattern::new("*"),
        &watch,
        |_, _| true,
    );
    assert_eq!(matching, Err(Cancelled));
}

#[test]
fn damage_takes_away_no_more_than_is_damaged() {
    let whole = own_image();
    let sane = info(whole.clone()).unwrap();
    let all = sane.index(&Watch::default()).unwrap().count(NameKind::Function).1;
    let image = ImageFile::parse(Arc::new(whole.clone())).unwrap();
    let layout = crate::image::Image::layout(&image);
    let debug = layout.section_index(".debug_info").unwrap();
    let section = &layout.sections[debug];
    let (start, length) = (section.file_offset as usize, section.size as usize);
    // A deterministic scatter of damage over the whole section.
    for (seed, step) in [(1u64, 10_007usize), (2, 997), (3, 101)] {
        let mut bytes = whole.clone();
        let mut state = seed;
        for at in (start..start + length).step_by(step) {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            bytes[at] = (state >> 33) as u8;
        }
        let Some(info) = info(bytes) else { continue };
        let index = info.index(&Watch::default()).unwrap();
        assert!(index.count(NameKind::Function).1 <= all * 4);
        let every = Pattern::new("*");
        index
            .matching(&info.reader(), NameKind::Function, &every, &Watch::default(), |_, _| {
                true
            })
            .unwrap();
    }
}
