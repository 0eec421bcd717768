//! Debug information that is small and would take for ever, or all memory: each question comes to an end within bounds of
//! processor time and memory, and what is said beside it is still found.

use farsight_symbols::{DebugInfo, DebugReader, FilePattern, NameKind, Pattern, TypeId, TypeRef, UnitId, Watch};
use farsight_types::Rva;

use crate::forge::{Forged, Lines, UNIT_HEADER, dw, lns, shape, uleb, unit, used};

/// Bounds of one bomb of a megabyte or two, for a build without optimisation.
const MOST_SECONDS: f64 = 25.0;
const MOST_MEMORY: u64 = 768 << 20;

/// Where the one good function of each bomb lies.
const GOOD: u64 = 0x7000_0000;

/// The shapes that [`good_unit`] needs.
fn good_shapes() -> Vec<u8> {
    let function = [(dw::NAME, dw::STRING), (dw::LOW_PC, dw::ADDR), (dw::HIGH_PC, dw::DATA4)];
    [
        shape(1, dw::CU, true, &function[1..]),
        shape(2, dw::SUBPROGRAM, false, &function),
        vec![0],
    ]
    .concat()
}

/// A unit with the one function `good`, whose shapes begin at an offset.
fn good_unit(shapes: usize) -> Vec<u8> {
    let place = [&GOOD.to_le_bytes()[..], &16u32.to_le_bytes()].concat();
    unit(shapes, &[&[1], &place[..], &[2], b"good\0", &place[..], &[0]].concat())
}

/// Everything that sessions ask, of this debug information and of a good unit behind it.
fn explode(what: &str, mut info: Vec<u8>, mut shapes: Vec<u8>, rest: Vec<(&str, Vec<u8>)>) {
    let (seconds, _) = used();
    info.extend(good_unit(shapes.len()));
    shapes.extend(good_shapes());
    let mut sections = vec![(".debug_info", info), (".debug_abbrev", shapes)];
    sections.extend(rest);
    let info = DebugInfo::new(&Forged::new(sections), None).unwrap();
    let reader = info.reader();
    ask_everything(&info, &reader);

    let good = reader.function_at(Rva(GOOD + 3)).unwrap_or_else(|| panic!("{what}"));
    assert_eq!(reader.name(good).as_deref(), Some("good"), "{what}");
    let index = info.index(&Watch::default()).unwrap();
    assert_eq!(index.functions(&reader, "good").len(), 1, "{what}");

    let (after, peak) = used();
    let took = after - seconds;
    eprintln!("{what}: {took:.1} s, {} MiB", peak >> 20);
    assert!(took < MOST_SECONDS, "{what}: {took} s");
    assert!(peak < MOST_MEMORY, "{what}: {peak} bytes");
}

fn ask_everything(info: &DebugInfo, reader: &DebugReader<'_>) {
    let _ = (info.trouble(), info.code(16), info.unit_at(Rva(0x1000)));
    let index = info.index(&Watch::default()).unwrap();
    let _ = index.damaged();
    for kind in [NameKind::Function, NameKind::Variable, NameKind::Type] {
        let mut names = Vec::new();
        let _ = index.matching(
            reader,
            kind,
            &Pattern::for_symbols("*"),
            &Watch::default(),
            |_, named| {
                names.push(named);
                names.len() < 1000
            },
        );
        for named in names.iter().take(50) {
            let id = named.id;
            let of = TypeRef::from(TypeId(id));
            let _ = (reader.name(id), reader.qualified_name(id), reader.scope_of(id));
            let name = reader.type_name(&of);
            assert!(name.len() < 1 << 20, "a name of {} bytes", name.len());
            let _ = (
                reader.size_of(&of),
                reader.members(TypeId(id)),
                reader.type_of_entry(id),
                reader.kind_of(&of),
            );
        }
    }
    for place in (0..8).map(|step| Rva(0x1000 + step * 4)) {
        let _ = (reader.line_at(place), reader.call_returning_to(place));
        if let Some(scopes) = reader.scopes_at(place) {
            let _ = (
                reader.variables(scopes.function.id, place),
                reader.call_sites(scopes.function.id),
            );
            let _ = reader.inlined_calls(scopes.function.id);
        }
    }
    let _ = reader.functions_of(UnitId(0));
    let _ = (
        info.enumerators_in(UnitId(0), "z"),
        info.enumerators_named("z", &Watch::default()),
    );
    let same: Vec<TypeId> = index.types(reader, "T").iter().map(|named| TypeId(named.id)).collect();
    let _ = (reader.are_same(&same), reader.one_of_each_kind(&same, 8));
    for row in reader.rows_in(Rva(0)..Rva(u64::MAX)) {
        assert!(row.range.start <= row.range.end, "{row:?}");
    }
    let _ = reader.source_files(&|| true);
    let _ = reader.places_of(&FilePattern::new("a.c").unwrap(), 1, &|| true);
}

/// A list of DWARF 5 of so many ranges, as `.debug_rnglists` with its header; the list begins behind the header.
fn range_list(count: usize, range: [u64; 2]) -> Vec<u8> {
    let one = [vec![4], uleb(range[0]), uleb(range[1])].concat();
    let list = [one.repeat(count), vec![0]].concat();
    let mut bytes = ((list.len() + 8) as u32).to_le_bytes().to_vec();
    bytes.extend([5, 0, 8, 0, 0, 0, 0, 0]);
    bytes.extend(list);
    bytes
}

#[test]
fn range_lists_that_many_share_are_read_as_often_as_honest_ones() {
    let list = UNIT_HEADER.to_le_bytes();
    let root = shape(1, dw::CU, false, &[(dw::RANGES, dw::SEC_OFFSET)]);
    let units = unit(0, &[&[1], &list[..]].concat()).repeat(30_000);
    explode(
        "units with one list",
        units,
        [root, vec![0]].concat(),
        vec![(".debug_rnglists", range_list(60_000, [0x1000, 0x1010]))],
    );
    // Empty ranges make no code, so that nothing but the reading of them counts.
    for range in [[0x1000, 0x1000], [0x1000, 0x1010]] {
        let shapes = [
            shape(1, dw::CU, true, &[(dw::LOW_PC, dw::ADDR), (dw::HIGH_PC, dw::DATA4)]),
            shape(
                2,
                dw::SUBPROGRAM,
                true,
                &[(dw::LOW_PC, dw::ADDR), (dw::HIGH_PC, dw::DATA4)],
            ),
            shape(3, dw::BLOCK, true, &[(dw::RANGES, dw::SEC_OFFSET)]),
            shape(4, dw::SUBPROGRAM, false, &[(dw::RANGES, dw::SEC_OFFSET)]),
            vec![0],
        ]
        .concat();
        let code = [&0x1000u64.to_le_bytes()[..], &0x100u32.to_le_bytes()].concat();
        let block = [&[3], &list[..]].concat();
        let function = [&[4], &list[..]].concat();
        let entries = [
            &[1],
            &code[..],
            &function.repeat(30_000),
            &[2],
            &code[..],
            &block.repeat(5_000),
            &[0; 5_002],
        ]
        .concat();
        explode(
            "functions and nested blocks with one list",
            unit(0, &entries),
            shapes,
            vec![(".debug_rnglists", range_list(60_000, range))],
        );
    }
}

#[test]
fn enumerators_in_scopes_of_long_names_are_read_as_far_as_honest_ones() {
    let shapes = [
        shape(1, dw::CU, true, &[]),
        shape(2, dw::NAMESPACE, true, &[(dw::NAME, dw::STRP)]),
        shape(3, dw::ENUM, true, &[(dw::NAME, dw::STRING)]),
        shape(4, dw::ENUMERATOR, false, &[(dw::NAME, dw::STRING)]),
        vec![0],
    ]
    .concat();
    let mut name = vec![b'n'; 1 << 20];
    name.push(0);
    // One enumeration with many of them, and many with one each.
    let one = [&b"\x03E\0"[..], &b"\x04z\0".repeat(20_000), &[0]].concat();
    let many: Vec<u8> = (0..20_000)
        .flat_map(|at| [format!("\u{3}E{at}\0\u{4}z\0\0").into_bytes()].concat())
        .collect();
    for enumerations in [one, many] {
        let entries = [&[1, 2, 0, 0, 0, 0][..], &enumerations, &[0, 0]].concat();
        explode(
            "enumerators",
            unit(0, &entries),
            shapes.clone(),
            vec![(".debug_str", name.clone())],
        );
    }
}

#[test]
fn types_of_one_name_are_compared_in_a_moment() {
    let shapes = [
        shape(1, dw::CU, true, &[]),
        shape(2, dw::TYPEDEF, false, &[(dw::NAME, dw::STRING), (dw::TYPE, dw::REF4)]),
        shape(3, dw::STRUCT, true, &[(dw::NAME, dw::STRING)]),
        shape(4, dw::MEMBER, false, &[(dw::NAME, dw::STRING), (dw::TYPE, dw::REF4)]),
        vec![0],
    ]
    .concat();
    let mut entries = vec![1];
    let mut last = 0u32;
    for _ in 0..60 {
        let here = u32::try_from(UNIT_HEADER as usize + entries.len()).unwrap();
        entries.extend([&b"\x02t\0"[..], &last.to_le_bytes()].concat());
        last = here;
    }
    let member = [&b"\x04m\0"[..], &last.to_le_bytes()].concat();
    for at in 0..500u16 {
        let own = [&b"\x04"[..], format!("own{at}\0").as_bytes(), &last.to_le_bytes()].concat();
        entries.extend([&b"\x03T\0"[..], &own, &member.repeat(500), &[0]].concat());
    }
    entries.push(0);
    explode("types of one name", unit(0, &entries), shapes, Vec::new());
}

#[test]
fn blocks_in_blocks_end_somewhere() {
    let code = [&0x1000u64.to_le_bytes()[..], &0x100u32.to_le_bytes()].concat();
    let ends = [(dw::LOW_PC, dw::ADDR), (dw::HIGH_PC, dw::DATA4)];
    let shapes = [
        shape(1, dw::CU, true, &ends),
        shape(2, dw::SUBPROGRAM, true, &ends),
        shape(3, dw::BLOCK, true, &ends),
        shape(4, dw::NAMESPACE, true, &[]),
        shape(5, dw::STRUCT, true, &[(dw::NAME, dw::STRING)]),
        vec![0],
    ]
    .concat();
    let blocks = [
        &[2],
        &code[..],
        &[&[3], &code[..]].concat().repeat(10_000),
        &[0; 10_001],
    ]
    .concat();
    for (what, inside) in [
        ("blocks", blocks),
        ("namespaces", [vec![4; 200_000], vec![0; 200_000]].concat()),
        ("types", [b"\x05s\0".repeat(20_000), vec![0; 20_000]].concat()),
        ("types without end", b"\x05s\0".repeat(20_000)),
    ] {
        explode(
            what,
            unit(0, &[&[1], &code[..], &inside, &[0]].concat()),
            shapes.clone(),
            vec![],
        );
    }
}

#[test]
fn tables_of_shapes_are_read_once() {
    // Every unit begins at another place of one table.
    let one = shape(1, dw::CU, false, &[]);
    let many: Vec<Vec<u8>> = (1..100_000).map(|code| shape(code, dw::CU, false, &[])).collect();
    let table = many.concat();
    assert!(many.len() > 60_000 && one.len() == 5);
    let mut at = 0;
    let mut units = Vec::new();
    for (number, shape) in many.iter().enumerate().take(60_000) {
        let code = uleb(number as u64 + 1);
        // Twice, so that what is parsed would be kept.
        units.extend(unit(at, &code).repeat(2));
        at += shape.len();
    }
    explode("tables in tables", units, [table, vec![0]].concat(), vec![]);

    // A shape of very many attributes, of which none takes a byte.
    let wide = vec![(dw::NAME, dw::FLAG_PRESENT); 400_000];
    let shapes = [
        shape(1, dw::CU, true, &[]),
        shape(2, dw::SUBPROGRAM, false, &wide),
        vec![0],
    ]
    .concat();
    explode(
        "wide shapes",
        unit(0, &[vec![1], vec![2; 1_000_000]].concat()),
        shapes,
        vec![],
    );
}

#[test]
fn names_are_no_longer_than_entries_pay_for() {
    let shapes = [
        shape(1, dw::CU, true, &[]),
        shape(2, dw::STRUCT, false, &[(dw::NAME, dw::STRP)]),
        vec![0],
    ]
    .concat();
    let mut entries = vec![1];
    for number in 0..150_000u32 {
        entries.push(2);
        entries.extend(number.to_le_bytes());
    }
    let texts = vec![(".debug_str", [vec![b'x'; 2 << 20], vec![0]].concat())];
    explode("long names", unit(0, &entries), shapes, texts);
}

#[test]
fn one_entry_that_takes_long_is_not_read_for_all_that_name_it() {
    // DW_FORM_indirect names the next form, which is DW_FORM_indirect.
    let shapes = [
        shape(1, dw::CU, true, &[]),
        shape(
            2,
            dw::SUBPROGRAM,
            false,
            &[(dw::SPECIFICATION, dw::REF4), (dw::LOW_PC, dw::ADDR)],
        ),
        shape(3, dw::TYPEDEF, false, &[(dw::TYPE, dw::INDIRECT)]),
        vec![0],
    ]
    .concat();
    let mut entries = vec![1];
    let named = UNIT_HEADER + 1 + 13 * 60_000;
    for number in 0..60_000u64 {
        entries.push(2);
        entries.extend(named.to_le_bytes());
        entries.extend((0x1000 + number).to_le_bytes());
    }
    entries.push(3);
    entries.extend([dw::INDIRECT as u8].repeat(50_000));
    entries.extend([dw::REF4 as u8, 0, 0, 0, 0, 0]);
    explode("a chain of forms", unit(0, &entries), shapes, vec![]);
}

#[test]
fn circles_and_lies_about_lengths_end() {
    let shapes = [
        shape(1, dw::CU, true, &[]),
        shape(2, dw::TYPEDEF, false, &[(dw::NAME, dw::STRING), (dw::TYPE, dw::REF4)]),
        shape(3, dw::STRUCT, true, &[(dw::NAME, dw::STRING)]),
        shape(4, dw::MEMBER, false, &[(dw::NAME, dw::STRING), (dw::TYPE, dw::REF4)]),
        shape(
            5,
            dw::SUBPROGRAM,
            false,
            &[(dw::ORIGIN, dw::REF4), (dw::LOW_PC, dw::ADDR)],
        ),
        shape(
            6,
            dw::VARIABLE,
            false,
            &[(dw::NAME, dw::STRP), (dw::LOCATION, dw::BLOCK4)],
        ),
        vec![0],
    ]
    .concat();
    let here = |entries: &[u8]| (UNIT_HEADER + entries.len() as u32).to_le_bytes();
    let mut entries = vec![1];
    let own = here(&entries);
    entries.extend([&[2], &b"itself\0"[..], &own].concat());
    let own = here(&entries);
    entries.extend([&[3], &b"inside\0"[..], &[4], b"again\0", &own, &[0]].concat());
    let own = here(&entries);
    entries.extend([&[5], &own[..], &0x1000u64.to_le_bytes()].concat());
    // A text beyond its section, and a block longer than everything.
    entries.extend([&[6], &[0xff; 4][..], &[0xff; 4], &[0x90]].concat());
    explode(
        "circles",
        unit(0, &entries),
        shapes,
        vec![(".debug_str", b"x\0".to_vec())],
    );
}

/// What the root of a unit with a line program says.
const WITH_LINES: &[(u64, u64)] = &[
    (dw::LOW_PC, dw::ADDR),
    (dw::HIGH_PC, dw::DATA4),
    (dw::STMT_LIST, dw::SEC_OFFSET),
    (dw::COMP_DIR, dw::STRP),
];

/// A unit whose line program lies at the start of `.debug_line`, with code at 0x1000.
fn unit_with_lines() -> (Vec<u8>, Vec<u8>) {
    let shapes = [shape(1, dw::CU, false, WITH_LINES), vec![0]].concat();
    let mut entries = vec![1];
    entries.extend(0x1000u64.to_le_bytes());
    entries.extend([0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    (unit(0, &entries), shapes)
}

#[test]
fn line_programs_of_any_kind_end() {
    let rows = |parts: &[&[u8]]| Lines {
        program: parts.concat(),
        ..Lines::default()
    };
    let start = lns::set_address(0x1000);
    let good = [&start[..], lns::ROW, &lns::advance(16), lns::END].concat();
    let backwards = [&start[..], lns::ROW, &lns::set_address(0x800), lns::ROW, lns::END].concat();
    let giant = [
        &start[..],
        lns::ROW,
        &lns::advance(u64::MAX),
        lns::ROW,
        &lns::advance(u64::MAX),
        lns::END,
    ]
    .concat();
    let files = [
        &start[..],
        &lns::file(u64::MAX),
        lns::ROW,
        &lns::advance(8),
        lns::ROW,
        lns::END,
    ]
    .concat();
    let sequence = [&lns::set_address(0x1000)[..], lns::ROW, &lns::advance(255), lns::END].concat();
    let line_back = [
        &start[..],
        &[3, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f],
        lns::ROW,
    ]
    .concat();
    let long_extended = [&start[..], &[0, 0xff, 0xff, 0xff, 0xff, 0x0f, 2]].concat();
    let programs: Vec<(&str, Lines)> = vec![
        ("good", rows(&[&good])),
        ("backwards", rows(&[&backwards, &good])),
        ("giant advances", rows(&[&giant, &good])),
        ("files that are not there", rows(&[&files, &good])),
        ("a million rows", rows(&[&start, &[1; 1_000_000], lns::END])),
        ("thousands of sequences in one place", rows(&[&sequence.repeat(50_000)])),
        ("lines before the first", rows(&[&line_back, lns::END])),
        ("an instruction longer than all", rows(&[&good, &long_extended])),
        (
            "no least instruction",
            Lines {
                least_instruction: 0,
                ..rows(&[&good])
            },
        ),
        (
            "no range of lines",
            Lines {
                line_range: 0,
                ..rows(&[&[0xff; 1000], &good])
            },
        ),
        (
            "no instructions",
            Lines {
                opcode_base: 0,
                ..rows(&[&good])
            },
        ),
        (
            "nothing but instructions",
            Lines {
                opcode_base: 255,
                ..rows(&[&good])
            },
        ),
        (
            "version 9",
            Lines {
                version: 9,
                ..rows(&[&good])
            },
        ),
        (
            "version 5 that is none",
            Lines {
                version: 5,
                ..rows(&[&good])
            },
        ),
        (
            "directories in themselves",
            Lines {
                directories: b"a/../a\0./.\0..\0".repeat(1000),
                files: b"a.c\0\x01\0\0".repeat(10_000),
                ..rows(&[&good])
            },
        ),
        (
            "a directory that is not there",
            Lines {
                files: b"a.c\0\xff\xff\xff\xff\x0f\0\0".to_vec(),
                ..rows(&[&good])
            },
        ),
    ];
    for (what, lines) in programs {
        let (info, shapes) = unit_with_lines();
        explode(
            what,
            info,
            shapes,
            vec![(".debug_line", lines.bytes()), (".debug_str", b"/here\0".to_vec())],
        );
    }
}

#[test]
fn a_line_in_thousands_of_places_and_functions_is_looked_up_once_each() {
    let shapes = [
        shape(1, dw::CU, true, WITH_LINES),
        shape(
            2,
            dw::SUBPROGRAM,
            false,
            &[(dw::LOW_PC, dw::ADDR), (dw::HIGH_PC, dw::ADDR)],
        ),
        vec![0],
    ]
    .concat();
    let count = 30_000u64;
    let code = 0x1000..0x1000 + 2 * count;
    let mut root = vec![1];
    root.extend(code.start.to_le_bytes());
    root.extend((2 * count as u32).to_le_bytes());
    root.extend([0; 8]);
    let function = |start: u64| [&[2], &start.to_le_bytes()[..], &code.end.to_le_bytes()].concat();
    let mut program = lns::set_address(code.start);
    // A place of line 1, then one of another line, which is no statement.
    for _ in 0..count {
        program.extend(
            [
                lns::ROW,
                &lns::advance(1),
                &[3, 1, 6],
                lns::ROW,
                &lns::advance(1),
                &[3, 0x7f, 6],
            ]
            .concat(),
        );
    }
    program.extend(lns::END);
    let lines = Lines {
        program,
        ..Lines::default()
    };
    type Start = fn(u64) -> u64;
    let starts: [(&str, Start); 2] = [
        ("functions of the same places", |_| 0x1000),
        ("functions from each place to the end", |number| 0x1000 + 2 * number),
    ];
    for (what, start) in starts {
        let functions: Vec<u8> = (0..count).flat_map(|number| function(start(number))).collect();
        let info = unit(0, &[&root, &functions, &[0][..]].concat());
        let rest = vec![(".debug_line", lines.bytes()), (".debug_str", b"/here\0".to_vec())];
        explode(what, info.clone(), shapes.clone(), rest.clone());

        let sections = [vec![(".debug_info", info), (".debug_abbrev", shapes.clone())], rest].concat();
        let info = DebugInfo::new(&Forged::new(sections), None).unwrap();
        let reader = info.reader();
        let file = FilePattern::new("a.c").unwrap();
        let places = reader.places_of(&file, 1, &|| true).unwrap().unwrap().places;
        // The last function has no second line, and begins where the one before it has its own.
        let expected = if what.contains("each") { count as usize - 1 } else { 1 };
        assert!(places.iter().all(|place| place.scope.is_some()), "{what}");
        assert_eq!(places.len(), expected, "{what}");
        // An interrupt ends it, though it is all one unit.
        let asked = std::cell::Cell::new(0);
        let thrice = || {
            asked.set(asked.get() + 1);
            asked.get() < 5
        };
        assert!(reader.places_of(&file, 1, &thrice).is_err(), "{what}");
    }
}

#[test]
fn paths_and_headers_are_no_more_than_their_section_pays_for() {
    // Units that all name one long header.
    let (info, shapes) = unit_with_lines();
    let lines = Lines {
        files: b"a\0\0\0\0".repeat(100_000),
        program: [&lns::set_address(0x1000)[..], lns::ROW, &lns::advance(16), lns::END].concat(),
        ..Lines::default()
    };
    let here = (".debug_str", b"/here\0".to_vec());
    explode(
        "one header for all",
        info.repeat(20_000),
        shapes,
        vec![(".debug_line", lines.bytes()), here],
    );

    // Each file's directory is one long text.
    let (info, shapes) = unit_with_lines();
    let names: Vec<u8> = (0..60_000u32)
        .flat_map(|number| format!("{number}\0\0\0\0").into_bytes())
        .collect();
    let mut program = lns::set_address(0x1000);
    for number in 0..60_000 {
        program.extend([&lns::file(number)[..], lns::ROW, &lns::advance(1)].concat());
    }
    program.extend(lns::END);
    let lines = Lines {
        files: names,
        program,
        ..Lines::default()
    };
    let long = (".debug_str", [vec![b'/'], vec![b'x'; 1 << 20], vec![0]].concat());
    explode("long paths", info, shapes, vec![(".debug_line", lines.bytes()), long]);
}
