//! Types that no compiler writes: made of themselves.

use farsight_types::Rva;

use super::*;
use crate::bytes::SharedBytes;
use crate::debug::{DebugInfo, UnitId, Watch};
use crate::image::{ImageKind, ImageLayout, ImageParts, Section};

/// Debug information of these sections.
fn info(sections: [(&str, &[u8]); 2]) -> DebugInfo {
    let section = |(name, bytes): &(&str, &[u8])| Section {
        name: (*name).to_owned(),
        address: Rva(0),
        size: bytes.len() as u64,
        kind: 1,
        flags: 0,
        file_offset: 0,
        link: 0,
        info: 0,
    };
    let layout = ImageLayout {
        kind: ImageKind::SharedObject,
        entry: None,
        link_base: Rva(0),
        size: 0,
        segments: Vec::new(),
        sections: sections.iter().map(section).collect(),
        build_id: None,
        debug_link: None,
        debug_alt_link: None,
        soname: None,
    };
    let bytes = |(index, (_, bytes)): (usize, &(&str, &[u8]))| (index, SharedBytes::from(bytes.to_vec()));
    let image = ImageParts::new(layout, sections.iter().enumerate().map(bytes).collect());
    DebugInfo::new(&image, None).expect("there is a unit")
}

#[test]
fn types_made_of_themselves_have_names_and_an_end() {
    #[rustfmt::skip]
    let shapes = [
        1, 0x11, 1, 0, 0,             // unit, with children
        2, 0x04, 0, 0x49, 0x13, 0, 0, // enumeration of a type
        3, 0x1f, 0, 0x49, 0x13, 0, 0, // pointer to a member of a type
        4, 0x15, 1, 0x49, 0x13, 0, 0, // function that returns a type, with children
        5, 0x05, 0, 0x49, 0x13, 0, 0, // parameter of a type
        0,
    ];
    #[rustfmt::skip]
    let unit = [
        35, 0, 0, 0, 4, 0, 0, 0, 0, 0, 8,
        1,
        2, 12, 0, 0, 0, // at 12, of itself
        3, 17, 0, 0, 0, // at 17, to itself
        4, 22, 0, 0, 0, // at 22, returns itself and takes itself twice
        5, 22, 0, 0, 0,
        5, 22, 0, 0, 0,
        0, 0,
    ];
    let info = info([(".debug_abbrev", &shapes), (".debug_info", &unit)]);
    let reader = info.reader();
    let mut seen = Vec::new();
    for offset in [12, 17, 22] {
        let id = TypeId(DieId {
            unit: UnitId(0),
            offset,
        });
        let kind = reader.kind_of(&id.into()).unwrap();
        assert!(reader.type_of(&id.into()).is_ok_and(|found| !found.name.is_empty()));
        let bare = reader.stripped(&id.into());
        assert!(bare.is_ok(), "{bare:?}");
        seen.push((std::mem::discriminant(&kind), reader.size_of(&id.into())));
    }
    seen.dedup_by_key(|(kind, _)| *kind);
    let sizes: Vec<_> = seen.iter().map(|(_, size)| *size).collect();
    assert_eq!(sizes, [None, Some(8), None]);
}

/// Abbreviations of what the tests below are made of.
#[rustfmt::skip]
const NAMED: [u8; 58] = [
    1, 0x11, 1, 0, 0,                         // unit, with children
    2, 0x39, 1, 0x03, 0x08, 0, 0,             // namespace with a name, with children
    3, 0x04, 1, 0x03, 0x08, 0x0b, 0x0b, 0, 0, // enumeration with a name and a size, with children
    4, 0x04, 1, 0x0b, 0x0b, 0, 0,             // the same without a name
    5, 0x28, 0, 0x03, 0x08, 0x1c, 0x0d, 0, 0, // enumerator with a number
    6, 0x13, 0, 0x03, 0x08, 0x0b, 0x0b, 0, 0, // structure with a name and a size
    7, 0x2e, 1, 0, 0,                         // function, with children
    0, 0, 0, 0, 0, 0, 0,
];

/// One unit of these entries, and the length of its header.
fn named(entries: &[u8]) -> (DebugInfo, u64) {
    let mut unit = vec![0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 8];
    let header = unit.len() as u64;
    unit.extend_from_slice(entries);
    let length = u8::try_from(unit.len() - 4).unwrap();
    unit[0] = length;
    (info([(".debug_abbrev", &NAMED), (".debug_info", &unit)]), header)
}

#[test]
fn enumerators_are_found_by_their_own_names() {
    #[rustfmt::skip]
    let (info, _) = named(&[
        1,
        2, b'a', 0, 3, b'E', 0, 4, 5, b'o', b'n', b'e', 0, 7, 0, 0,
        4, 4, 5, b'o', b'n', b'e', 0, 9, 5, b't', b'w', b'o', 0, 0x7f, 0,
        // What is inside of a function is not everywhere.
        7, 4, 4, 5, b'o', b'n', b'e', 0, 10, 0, 0,
        0,
    ]);
    for (name, expected) in [
        ("one", &[(7, "a", "a::E"), (9, "", "")][..]),
        ("two", &[(-1, "", "")]),
        ("on", &[]),
        ("E", &[]),
    ] {
        let found = info.enumerators_named(name, &Watch::default()).unwrap();
        assert_eq!(found, info.enumerators_in(UnitId(0), name), "{name}");
        let shown = found
            .iter()
            .map(|one| (one.value, one.scope.as_str(), one.enumeration.as_str()));
        assert_eq!(shown.collect::<Vec<_>>(), expected, "{name}");
    }
}

#[test]
fn types_of_one_name_are_the_same_only_where_all_are() {
    let entries = |sizes: &[u8]| -> Vec<u8> {
        let each = sizes.iter().flat_map(|size| [6, b'S', 0, *size]);
        std::iter::once(1).chain(each).chain([0]).collect()
    };
    for (count, last, expected) in [(1, 8, true), (2, 4, true), (2, 8, false), (30, 4, true), (30, 8, false)] {
        let mut sizes = vec![4; count];
        sizes[count - 1] = last;
        let (info, header) = named(&entries(&sizes));
        let ids = (0..count as u64).map(|at| {
            TypeId(DieId {
                unit: UnitId(0),
                offset: header + 1 + at * 4,
            })
        });
        let ids: Vec<TypeId> = ids.collect();
        // What is remembered is what was found.
        for _ in 0..2 {
            assert_eq!(
                info.reader().are_same(&ids),
                expected,
                "{count} of 4 bytes but the last of {last}"
            );
        }
    }
}
