//! The list of units and what refers to what, on this test program itself.

use std::sync::Arc;

use super::*;
use crate::image::ImageFile;

fn own() -> DebugInfo {
    let path = std::env::current_exe().unwrap();
    let image = ImageFile::parse(Arc::new(std::fs::read(path).unwrap())).unwrap();
    DebugInfo::new(&image, None).expect("test programs are built with line tables")
}

#[test]
fn a_place_is_in_the_unit_whose_root_says_so() {
    let info = own();
    assert!(info.unit_count() > 1, "{info:?}");
    assert_eq!(info.trouble(), None);
    let reader = info.reader();
    let mut looked_at = 0;
    for id in (0..info.unit_count()).map(UnitId).take(200) {
        for range in reader.unit_ranges(id, &std::cell::Cell::new(1 << 20)).unwrap() {
            assert_eq!(info.unit_at(range.start), Some(id), "{range:?}");
            looked_at += 1;
        }
    }
    assert!(looked_at > 100);
    assert_eq!(info.unit_at(Rva(0)), None);
    assert_eq!(info.unit_at(Rva(u64::MAX)), None);
}

#[test]
fn a_reference_out_of_the_unit_is_an_error() {
    let info = own();
    let reader = info.reader();
    let nowhere = |unit, offset| {
        reader.name(DieId {
            unit: UnitId(unit),
            offset,
        })
    };
    for (unit, offset) in [(0, u64::MAX), (u32::MAX, 0), (0, 0), (0, 1 << 40)] {
        assert_eq!(nowhere(unit, offset), None);
    }
}
