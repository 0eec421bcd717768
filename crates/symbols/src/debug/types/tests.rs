//! Types that no compiler writes: made of themselves.

use farsight_types::Rva;

use super::*;
use crate::bytes::SharedBytes;
use crate::debug::{DebugInfo, UnitId};
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
