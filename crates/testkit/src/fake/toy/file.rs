//! Writes the toy program's ELF file: headers, note, code, unwind tables, data, symbols.

use std::collections::BTreeMap;

use farsight_target::Section;
use farsight_types::BuildId;

use super::lines::Part;
use super::{BASE, COUNTER, DATA, END, GREETING, GREETING_AT, LEFT, ROUNDS, TEXT, UNWIND, section};

const HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;
const NOTE: usize = HEADER + 6 * PROGRAM_HEADER;

type Functions = BTreeMap<&'static str, (u64, u64)>;

pub(super) fn write(text: &[u8], functions: &Functions, build_id: &BuildId, debug: &[Part]) -> (Vec<u8>, Vec<Section>) {
    let mut file = vec![0; (END - BASE) as usize];
    let mut put = |address: u64, bytes: &[u8]| {
        let at = (address - BASE) as usize;
        file[at..at + bytes.len()].copy_from_slice(bytes);
    };
    let note = note(build_id);
    let (unwind_header, unwind) = unwind(functions);
    let unwind_at = UNWIND + unwind_header.len() as u64;
    put(BASE + NOTE as u64, &note);
    put(TEXT, text);
    put(UNWIND, &unwind_header);
    put(unwind_at, &unwind);
    put(GREETING_AT, GREETING);
    let (symbols, names) = symbols(functions);
    let symbols_at = file.len() as u64;
    file.extend(&symbols);
    let names_at = file.len() as u64;
    file.extend(&names);

    let note_at = BASE + NOTE as u64;
    let (unwind_header_size, unwind_size) = (unwind_header.len() as u64, unwind.len() as u64);
    let loaded = |name, address, size, flags, kind| section(name, address, address - BASE, size, flags, kind);
    let mut sections = vec![
        loaded(".note.gnu.build-id", note_at, note.len() as u64, 2, 7),
        loaded(".text", TEXT, text.len() as u64, 6, 1),
        loaded(".eh_frame_hdr", UNWIND, unwind_header_size, 2, 1),
        loaded(".eh_frame", unwind_at, unwind_size, 2, 1),
        loaded(".data", DATA, END - DATA, 3, 1),
        section(".symtab", 0, symbols_at, symbols.len() as u64, 0, 2),
        section(".strtab", 0, names_at, names.len() as u64, 0, 3),
    ];
    for (name, bytes) in debug {
        sections.push(section(name, 0, file.len() as u64, bytes.len() as u64, 0, 1));
        file.extend(bytes);
    }
    finish(&mut file, &sections, note.len() as u64);
    (file, sections)
}

/// ELF header and program headers in front, section headers behind.
fn finish(file: &mut Vec<u8>, sections: &[Section], note_size: u64) {
    let mut names = vec![0];
    let mut headers = vec![0; 64];
    let mut entries: Vec<(u32, &Section)> = Vec::new();
    for section in sections {
        entries.push((names.len() as u32, section));
        names.extend(section.name.bytes().chain([0]));
    }
    let own_name = names.len() as u32;
    names.extend(b".shstrtab\0");
    let names_at = file.len() as u64;
    file.extend(&names);
    let own = section(".shstrtab", 0, names_at, names.len() as u64, 0, 3);
    entries.push((own_name, &own));
    for (name, section) in entries {
        // A symbol table links to the string table behind it; all its symbols but the first are global.
        let (link, info, entry) = if section.kind == 2 { (7, 1, 24) } else { (0, 0, 0) };
        headers.extend(name.to_le_bytes());
        headers.extend(section.kind.to_le_bytes());
        for number in [section.flags, section.address, section.offset.0, section.size] {
            headers.extend(number.to_le_bytes());
        }
        headers.extend(u32::to_le_bytes(link));
        headers.extend(u32::to_le_bytes(info));
        headers.extend(u64::to_le_bytes(1));
        headers.extend(u64::to_le_bytes(entry));
    }
    while !file.len().is_multiple_of(8) {
        file.push(0);
    }
    let headers_at = file.len() as u64;
    file.extend(&headers);

    let mut front = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    front.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    for number in [TEXT, HEADER as u64, headers_at] {
        front.extend(number.to_le_bytes());
    }
    front.extend([0; 4]);
    let counts = [
        HEADER,
        PROGRAM_HEADER,
        6,
        64,
        headers.len() / 64,
        headers.len() / 64 - 1,
    ];
    front.extend(counts.iter().flat_map(|count| (*count as u16).to_le_bytes()));
    let unwind_header_size = sections[2].size;
    for (kind, flags, start, size) in [
        (1_u32, 4_u32, BASE, TEXT - BASE),
        (1, 5, TEXT, UNWIND - TEXT),
        (1, 4, UNWIND, DATA - UNWIND),
        (1, 6, DATA, END - DATA),
        (4, 4, BASE + NOTE as u64, note_size),
        (0x6474_e550, 4, UNWIND, unwind_header_size),
    ] {
        front.extend(kind.to_le_bytes());
        front.extend(flags.to_le_bytes());
        for number in [start - BASE, start, start, size, size, if kind == 1 { 4096 } else { 4 }] {
            front.extend(number.to_le_bytes());
        }
    }
    file[..front.len()].copy_from_slice(&front);
}

fn note(build_id: &BuildId) -> Vec<u8> {
    let mut note = Vec::new();
    for number in [4, build_id.0.len() as u32, 3] {
        note.extend(number.to_le_bytes());
    }
    note.extend(b"GNU\0");
    note.extend(&build_id.0);
    note
}

fn symbols(functions: &Functions) -> (Vec<u8>, Vec<u8>) {
    const FUNCTION: u8 = 0x12;
    const OBJECT: u8 = 0x11;
    let data = [("counter", COUNTER, 8), ("rounds", ROUNDS, 8), ("left", LEFT, 8)];
    let greeting = [("greeting", GREETING_AT, GREETING.len() as u64)];
    let functions = functions
        .iter()
        .map(|(name, (start, size))| (*name, *start, *size, FUNCTION, 2_u16));
    let data = data
        .into_iter()
        .chain(greeting)
        .map(|(name, start, size)| (name, start, size, OBJECT, 5));
    let (mut symbols, mut names) = (vec![0; 24], vec![0]);
    for (name, start, size, information, section) in functions.chain(data) {
        symbols.extend((names.len() as u32).to_le_bytes());
        symbols.extend([information, 0]);
        symbols.extend(section.to_le_bytes());
        symbols.extend(start.to_le_bytes());
        symbols.extend(size.to_le_bytes());
        names.extend(name.bytes().chain([0]));
    }
    (symbols, names)
}

/// `.eh_frame_hdr` and `.eh_frame`, which lies right behind it.
fn unwind(functions: &Functions) -> (Vec<u8>, Vec<u8>) {
    let mut ordered: Vec<(&str, u64, u64)> = functions.iter().map(|(name, (at, size))| (*name, *at, *size)).collect();
    ordered.sort_by_key(|(_, start, _)| *start);
    let header_size = 12 + 8 * ordered.len() as u64;
    let at = UNWIND + header_size;
    let relative = |to: u64, from: u64| (to.wrapping_sub(from) as u32).to_le_bytes();

    let mut header = vec![1, 0x1b, 0x03, 0x3b];
    header.extend(relative(at, UNWIND + 4));
    header.extend((ordered.len() as u32).to_le_bytes());

    // CIE: version 1, "zR", factors 1 and -8, return address in 16, pointers relative to themselves;
    // CFA = rsp + 8, return address at CFA - 8.
    let cie = [1, b'z', b'R', 0, 1, 0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x90, 1, 0, 0];
    let mut table = Vec::new();
    table.extend((4 + cie.len() as u32).to_le_bytes());
    table.extend([0; 4]);
    table.extend(cie);
    for (name, start, size) in ordered {
        let entry = at + table.len() as u64;
        header.extend(relative(start, UNWIND));
        header.extend(relative(entry, UNWIND));
        let mut rules = if name == "_start" {
            vec![0x07, 16] // the return address is undefined: the outermost frame
        } else {
            let to_return = (size - 5) as u8;
            let mut rules = vec![0x41, 0x0e, 16, 0x86, 2]; // push rbp: CFA = rsp + 16, rbp at CFA - 16
            rules.extend([0x43, 0x0d, 6]); // mov rbp, rsp: CFA = rbp + 16
            rules.extend([0x02, to_return, 0x0c, 7, 8, 0xc6]); // pop rbp: CFA = rsp + 8, rbp as it was
            rules
        };
        while !(17 + rules.len()).is_multiple_of(8) {
            rules.push(0);
        }
        table.extend((13 + rules.len() as u32).to_le_bytes());
        table.extend((table.len() as u32).to_le_bytes());
        table.extend(relative(start, at + table.len() as u64));
        table.extend((size as u32).to_le_bytes());
        table.push(0);
        table.extend(&rules);
    }
    table.extend([0; 4]);
    (header, table)
}
