//! What no linker has seen, or one only in part, as kernel modules: given addresses, and filled in.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;

use farsight_symbols::{DebugInfo, Image as _, ImageFile, ImageKind, SymbolTable, TypeId, Watch};
use farsight_types::Rva;

use crate::support::{Scratch, image, run};

const SOURCE: &str = r#"
extern int elsewhere(int);
struct Pair { int first; long second; };
template <typename T> T twice(T value) { return value + value; }
Pair pair = { 1, 2 };
Pair *where = &pair;
int zeros[300];
int caller(int value) { zeros[1] = value; return elsewhere(twice(value)) + twice(pair.first) + (int)where->second; }
"#;
const OTHER: &str = "int elsewhere(int value) { return value - 1; }";

#[test]
fn what_is_not_linked_has_addresses_names_lines_and_types() {
    for (flags, is_joined) in [
        ("-O0", false),
        ("-O0 -ffunction-sections -fdata-sections", false),
        ("-O1 -gdwarf-4", false),
        ("-O0 -fdebug-types-section", false),
        ("-O0 -gz=zlib -ffunction-sections", false),
        // As modules of a kernel are made.
        ("-O0 -ffunction-sections", true),
    ] {
        let scratch = Scratch::new();
        let flags: Vec<&str> = ["-g", "-c"].into_iter().chain(flags.split(' ')).collect();
        let Some(object) = scratch.compile("g++", SOURCE, &flags) else {
            return;
        };
        let mut path = object;
        if is_joined {
            let kept = scratch.path("first.o");
            std::fs::rename(&path, &kept).unwrap();
            let other = scratch.compile("g++", OTHER, &flags).unwrap();
            path = scratch.path("module.ko");
            let done = run(Command::new("ld").args(["-r", "-o"]).args([&path, &kept, &other])).unwrap();
            assert!(done.status.success(), "{done:?}");
        }
        let file = image(&path).unwrap();
        let layout = file.layout();
        assert_eq!(
            (layout.kind, layout.link_base),
            (ImageKind::Relocatable, Rva(0x1000)),
            "{flags:?}"
        );
        let mut ends = 0;
        for segment in &layout.segments {
            assert!(segment.address.0 >= ends.max(0x1000), "{flags:?}: {segment:x?}");
            ends = segment.address.0 + segment.memory_size;
        }

        let table = SymbolTable::build(&[&*file]);
        let at: BTreeMap<String, u64> = table.iter().map(|symbol| (symbol.name(), symbol.rva().0)).collect();
        let find = |name: &str| at.iter().find(|(known, _)| known.starts_with(name)).map(|(_, at)| *at);
        let place = |name: &str| find(name).unwrap_or_else(|| panic!("{flags:?}: no {name} in {at:x?}"));
        assert!(place("caller") >= 0x1000 && place("zeros") < ends, "{at:x?}");
        let pointer: [u8; 8] = file.bytes_at(Rva(place("where")), 8)[..].try_into().unwrap();
        assert_eq!(u64::from_le_bytes(pointer), place("pair"), "{flags:?}: {at:x?}");

        // Calls lead to what is called, where that is in the file.
        let code = file.bytes_at(Rva(place("caller")), 256);
        let calls = code.windows(5).enumerate().filter(|(_, bytes)| bytes[0] == 0xe8);
        let targets: Vec<u64> = calls
            .map(|(offset, bytes)| {
                let distance = i32::from_le_bytes(bytes[1..].try_into().unwrap());
                (place("caller") + offset as u64 + 5).wrapping_add_signed(distance.into())
            })
            .collect();
        let inlines = flags.contains(&"-O1");
        assert!(
            inlines || targets.contains(&place("twice")),
            "{flags:?}: {targets:x?} {at:x?}"
        );
        assert_eq!(
            find("elsewhere").is_some_and(|at| targets.contains(&at)),
            is_joined,
            "{flags:?}: {targets:x?} {at:x?}"
        );

        let info = DebugInfo::new(&*file, None).unwrap();
        assert_eq!(info.trouble(), None, "{flags:?}");
        let reader = info.reader();
        let index = info.index(&Watch::default()).unwrap();
        for (name, line) in [("caller", 8), ("twice", 4)] {
            let Some(found) = index.functions(&reader, name).into_iter().next() else {
                assert!(inlines, "{flags:?}: no {name}");
                continue;
            };
            if inlines && name == "twice" {
                continue;
            }
            let row = reader
                .line_at(Rva(place(name)))
                .unwrap_or_else(|| panic!("{flags:?}: {name}"));
            assert_eq!(row.line, line, "{flags:?}: {name}");
            assert_eq!(
                reader.function_at(Rva(place(name))),
                Some(found.id),
                "{flags:?}: {name}"
            );
        }
        let types = index.types(&reader, "Pair");
        assert_eq!(reader.size_of(&TypeId(types[0].id).into()), Some(16), "{flags:?}");
        assert_eq!(
            info.unit_at(Rva(place("caller"))),
            info.unit_at(Rva(place("caller") + 1))
        );
    }
}

#[test]
fn damage_anywhere_in_an_object_is_survived() {
    let scratch = Scratch::new();
    let flags = ["-g", "-c", "-O0", "-ffunction-sections", "-fdebug-types-section"];
    let Some(object) = scratch.compile("g++", SOURCE, &flags) else {
        return;
    };
    let whole = std::fs::read(object).unwrap();
    let mut read = 0;
    for at in (0..whole.len()).step_by(11) {
        let mut hurt = whole.clone();
        hurt[at] ^= 0x81;
        let Ok(file) = ImageFile::parse(Arc::new(hurt)) else {
            continue;
        };
        for symbol in SymbolTable::build(&[&file]).iter() {
            read += file.bytes_at(symbol.rva(), 16).len();
        }
        let Some(info) = DebugInfo::new(&file, None) else {
            continue;
        };
        let (reader, index) = (info.reader(), info.index(&Watch::default()).unwrap());
        for found in index.types(&reader, "Pair") {
            let _ = (
                reader.members(TypeId(found.id)),
                reader.size_of(&TypeId(found.id).into()),
            );
        }
        for segment in &file.layout().segments {
            let _ = (reader.line_at(segment.address), reader.function_at(segment.address));
        }
    }
    assert!(read > 1000, "{read}");
}

/// Sections that claim any size and alignment are laid out as far as there is room.
#[test]
fn sections_that_lie_about_their_sizes_are_left_out() {
    let scratch = Scratch::new();
    let Some(object) = scratch.compile("g++", SOURCE, &["-g", "-c"]) else {
        return;
    };
    let whole = std::fs::read(object).unwrap();
    let table = u64::from_le_bytes(whole[40..48].try_into().unwrap()) as usize;
    let count = usize::from(u16::from_le_bytes(whole[60..62].try_into().unwrap()));
    // sh_size and sh_addralign.
    for (field, value) in [
        (32, u64::MAX),
        (32, 1 << 45),
        (48, u64::MAX),
        (48, 1 << 63),
        (48, 3),
        (48, 0),
    ] {
        let mut hurt = whole.clone();
        for section in 0..count {
            let at = table + section * 64;
            let is_loaded = hurt[at + 8] & 2 != 0;
            if is_loaded {
                hurt[at + field..at + field + 8].copy_from_slice(&value.to_le_bytes());
            }
        }
        let file = ImageFile::parse(Arc::new(hurt)).unwrap();
        let layout = file.layout();
        assert!(layout.size <= 1 << 46, "{value:x}: {layout:x?}");
        assert_eq!(
            layout.segments.is_empty(),
            field == 32 && value == u64::MAX,
            "{value:x}"
        );
        let _ = (SymbolTable::build(&[&file]), DebugInfo::new(&file, None));
    }
}
