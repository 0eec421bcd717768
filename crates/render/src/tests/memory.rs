//! `d*`, `s`.

use super::*;

/// Bytes 0x20 up, with a hole in the middle of the second line.
fn dump(format: DumpFormat, length: u64) -> MemoryDump {
    let start = Address(0x7fff_1234_5000);
    let part = |offset: u64, length: u64| MemoryPart {
        address: start.wrapping_add(offset),
        bytes: (offset..offset + length).map(|byte| 0x1a + byte as u8).collect(),
    };
    MemoryDump::new(
        format,
        AddressRange::new(start, length),
        vec![part(0, 0x13), part(0x18, 0x40)],
    )
}

#[test]
fn words_of_every_size_show_holes() {
    check(
        Record::Memory(dump(DumpFormat::Bytes, 0x26)),
        expect![[r##"
00007fff`12345000  1a 1b 1c 1d 1e 1f 20 21-22 23 24 25 26 27 28 29  ...... !"#$%&'()
00007fff`12345010  2a 2b 2c ?? ?? ?? ?? ??-32 33 34 35 36 37 38 39  *+,?????23456789
00007fff`12345020  3a 3b 3c 3d 3e 3f                                :;<=>?
"##]],
    );
    check(
        Record::Memory(dump(DumpFormat::Words, 0x20)),
        expect![[r#"
00007fff`12345000  1b1a 1d1c 1f1e 2120 2322 2524 2726 2928
00007fff`12345010  2b2a ???? ???? ???? 3332 3534 3736 3938
"#]],
    );
    check(
        Record::Memory(dump(DumpFormat::WordsAndText, 0x18)),
        expect![[r##"
00007fff`12345000  1b1a 1d1c 1f1e 2120 2322 2524 2726 2928  ...... !"#$%&'()
00007fff`12345010  2b2a ???? ???? ????                      *+,?????
"##]],
    );
    check(
        Record::Memory(dump(DumpFormat::DoubleWords, 0x24)),
        expect![[r#"
00007fff`12345000  1d1c1b1a 21201f1e 25242322 29282726
00007fff`12345010  ???????? ???????? 35343332 39383736
00007fff`12345020  3d3c3b3a
"#]],
    );
    check(
        Record::Memory(dump(DumpFormat::DoubleWordsAndText, 0x20)),
        expect![[r##"
00007fff`12345000  1d1c1b1a 21201f1e 25242322 29282726  ...... !"#$%&'()
00007fff`12345010  ???????? ???????? 35343332 39383736  *+,?????23456789
"##]],
    );
    check(
        Record::Memory(dump(DumpFormat::QuadWords, 0x20)),
        expect![[r#"
00007fff`12345000  21201f1e`1d1c1b1a 29282726`25242322
00007fff`12345010  ????????`???????? 39383736`35343332
"#]],
    );
    let mut narrow = dump(DumpFormat::Bytes, 10);
    narrow.columns = Some(4);
    check(
        Record::Memory(narrow),
        expect![[r##"
00007fff`12345000  1a 1b 1c 1d  ....
00007fff`12345004  1e 1f 20 21  .. !
00007fff`12345008  22 23        "#
"##]],
    );
}

#[test]
fn symbols_stand_behind_their_words() {
    let mut dump = dump(DumpFormat::Symbols, 0x18);
    let symbol = SymbolName::new("libc_so_6", "puts", 0x12);
    dump.symbols.push(PointedSymbol {
        at: dump.range.start,
        symbol,
    });
    check(
        Record::Memory(dump),
        expect![[r#"
00007fff`12345000  21201f1e`1d1c1b1a libc_so_6!puts+0x12
00007fff`12345008  29282726`25242322
00007fff`12345010  ????????`????????
"#]],
    );
}

fn of_bytes(format: DumpFormat, bytes: &[u8], length: u64) -> Record {
    let start = Address(0x1000);
    let part = MemoryPart {
        address: start,
        bytes: bytes.to_vec(),
    };
    Record::Memory(MemoryDump::new(format, AddressRange::new(start, length), vec![part]))
}

#[test]
fn strings_end_at_their_nul_or_where_memory_does() {
    check(
        of_bytes(DumpFormat::Ascii, b"Hello, \x1b[1mWorld\0more", 256),
        expect![[r#"
00000000`00001000  "Hello, .[1mWorld"
"#]],
    );
    check(
        of_bytes(DumpFormat::Ascii, b"abcdefghijklmnopqrstuvwxyz0123456789", 256),
        expect![[r#"
00000000`00001000  "abcdefghijklmnopqrstuvwxyz012345"
00000000`00001020  "6789????"
"#]],
    );
    check(
        of_bytes(DumpFormat::Ascii, b"abcdefghijklmnopqrstuvwxyz012345\0", 256),
        expect![[r#"
00000000`00001000  "abcdefghijklmnopqrstuvwxyz012345"
"#]],
    );
    check(
        of_bytes(DumpFormat::Ascii, b"\0", 256),
        expect![[r#"
00000000`00001000  ""
"#]],
    );
    check(
        of_bytes(DumpFormat::Ascii, b"", 256),
        expect![[r#"
00000000`00001000  "????"
"#]],
    );
    check(
        of_bytes(DumpFormat::Ascii, b"abcdef", 4),
        expect![[r#"
00000000`00001000  "abcd"
"#]],
    );
    let wide: Vec<u8> = "h\u{e9}\u{1f600}\u{202e}x\0"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    check(
        of_bytes(DumpFormat::Unicode, &wide, 256),
        expect![[r#"
00000000`00001000  "hé😀.x"
"#]],
    );
}

#[test]
fn floating_point_is_short() {
    let floats: Vec<u8> = [1.0_f32, -2.5, 1e30, f32::NAN, 0.1]
        .into_iter()
        .flat_map(f32::to_le_bytes)
        .collect();
    check(
        of_bytes(DumpFormat::Floats, &floats, 24),
        expect![[r#"
00000000`00001000                 1             -2.5             1e30              NaN
00000000`00001010               0.1         ????????
"#]],
    );
    let doubles: Vec<u8> = [1.0_f64, 1.0 / 3.0, -1e-300, f64::INFINITY]
        .into_iter()
        .flat_map(f64::to_le_bytes)
        .collect();
    check(
        of_bytes(DumpFormat::Doubles, &doubles, 32),
        expect![[r#"
00000000`00001000                         1       0.3333333333333333                  -1e-300
00000000`00001018                       inf
"#]],
    );
}

#[test]
fn hits_are_lines_of_their_format() {
    let hit = |address, bytes: &[u8]| MemoryPart {
        address: Address(address),
        bytes: bytes.to_vec(),
    };
    let hits = SearchHits {
        format: DumpFormat::Bytes,
        hits: vec![hit(0x1000, b"Hello World....."), hit(0x2ffa, b"Hello!")],
        addresses_only: false,
        more: true,
    };
    check(
        Record::SearchHits(hits.clone()),
        expect![[r#"
00000000`00001000  48 65 6c 6c 6f 20 57 6f-72 6c 64 2e 2e 2e 2e 2e  Hello World.....
00000000`00002ffa  48 65 6c 6c 6f 21                                Hello!
There are more; only the first ones are shown.
"#]],
    );
    check(
        Record::SearchHits(SearchHits {
            addresses_only: true,
            more: false,
            ..hits
        }),
        expect![[r#"
00000000`00001000
00000000`00002ffa
"#]],
    );
}

#[test]
fn the_end_of_the_address_space_is_no_danger() {
    for format in [
        DumpFormat::Bytes,
        DumpFormat::QuadWords,
        DumpFormat::Symbols,
        DumpFormat::Ascii,
        DumpFormat::Unicode,
    ] {
        let range = AddressRange::new(Address(u64::MAX - 3), 32);
        let part = MemoryPart {
            address: range.start,
            bytes: vec![0x41; 4],
        };
        let text = render(
            &Record::Memory(MemoryDump::new(format, range, vec![part])),
            &View::default(),
        );
        assert!(text.contains('?'), "{text}");
    }
}
