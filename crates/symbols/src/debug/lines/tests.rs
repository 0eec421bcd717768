//! Lines and places, on this test program itself; hostile line programs are in the tests of the crate.

use std::sync::Arc;

use super::*;
use crate::debug::DebugInfo;
use crate::image::ImageFile;

/// The generic function below; a comment at each line of it is a breakpoint's line.
#[inline(never)]
fn twice<T: Copy + std::ops::Add<Output = T>>(value: T) -> T {
    let sum = value + value; // in twice
    std::hint::black_box(sum)
}

fn own() -> DebugInfo {
    let path = std::env::current_exe().unwrap();
    let image = ImageFile::parse(Arc::new(std::fs::read(path).unwrap())).unwrap();
    DebugInfo::new(&image, None).expect("test programs are built with line tables")
}

fn line_of(text: &str) -> u32 {
    let at = include_str!("tests.rs").lines().position(|line| line.ends_with(text));
    u32::try_from(at.unwrap() + 1).unwrap()
}

#[test]
fn a_generic_line_has_a_place_for_every_instance() {
    assert_eq!((twice(2), twice(1.5)), (4, 3.0));
    let info = own();
    let reader = info.reader();
    let pattern = FilePattern::new("debug/lines/tests.rs").unwrap();
    let line = line_of("// in twice");
    let found = reader.places_of(&pattern, line, &|| true).unwrap().unwrap();
    assert_eq!(
        (found.line, found.places.len(), found.files.len()),
        (line, 2, 1),
        "{found:?}"
    );
    for place in &found.places {
        let row = reader.line_at(place.rva).unwrap();
        assert_eq!((row.line, row.is_stmt, row.range.start), (line, true, place.rva));
        assert!(
            row.file.path.ends_with("crates/symbols/src/debug/lines/tests.rs"),
            "{row:?}"
        );
    }
    // A comment has no code: the next line with some, which opens the function, so behind its prologue.
    let comment = line_of("is a breakpoint's line.");
    let found = reader.places_of(&pattern, comment, &|| true).unwrap().unwrap();
    assert_eq!((found.line, found.places.len()), (comment + 2, 2), "{found:?}");
    let none = FilePattern::new("other/tests.rs").unwrap();
    assert_eq!(reader.places_of(&none, 1, &|| true).unwrap(), None);
    assert!(reader.places_of(&pattern, 1, &|| false).is_err(), "it can be cancelled");
    let files = reader.source_files(&|| true).unwrap();
    assert_eq!(files.iter().filter(|file| pattern.matches(&file.path)).count(), 1);
}

#[test]
fn paths_are_meant_by_their_last_components() {
    let meant = |pattern: &str, path: &str| FilePattern::new(pattern).unwrap().matches(path);
    for (pattern, path, expected) in [
        ("main.c", "/home/me/src/main.c", true),
        ("src/main.c", "/home/me/src/main.c", true),
        ("rc/main.c", "/home/me/src/main.c", false),
        ("Main.c", "/home/me/src/main.c", false),
        ("/home/me/src/main.c", "/home/me/src/main.c", true),
        ("/src/main.c", "/home/me/src/main.c", false),
        ("src/main.c", "/home/me/src/../src/./main.c", true),
        ("other/main.c", "/home/me/other/../src/main.c", false),
        ("./main.c", "main.c", true),
        ("a/b/main.c", "b/main.c", false),
        ("src\\main.c", "C:\\work\\src\\main.c", true),
    ] {
        assert_eq!(meant(pattern, path), expected, "{pattern} {path}");
    }
    for nothing in ["", "/", ".", "./", "a/.."] {
        assert_eq!(FilePattern::new(nothing), None, "{nothing}");
    }
}
