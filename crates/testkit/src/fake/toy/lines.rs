//! Debug information of a toy program: one unit with a line table of DWARF 4, two rows for each function.

use std::collections::BTreeMap;

/// Where its sources are said to be.
const FOLDER: &[u8] = b"/src/toy\0";
const FILE: &[u8] = b"lined.c\0";

/// A section's name and its bytes.
pub(super) type Part = (&'static str, Vec<u8>);

/// `.debug_abbrev`, `.debug_info` and `.debug_line`. Function number n begins in line 10 * n, and its body in the next.
pub(super) fn parts(functions: &BTreeMap<&'static str, (u64, u64)>) -> [Part; 3] {
    let mut ordered: Vec<(u64, u64)> = functions.values().copied().collect();
    ordered.sort_unstable();
    let start = ordered.first().map_or(0, |(start, _)| *start);
    let end = ordered.last().map_or(0, |(start, size)| start + size);

    // compile_unit without children: name, comp_dir, stmt_list, low_pc, high_pc.
    let abbreviations = vec![
        1, 0x11, 0, 0x03, 0x08, 0x1b, 0x08, 0x10, 0x17, 0x11, 0x01, 0x12, 0x07, 0, 0, 0,
    ];
    let mut unit = vec![4, 0, 0, 0, 0, 0, 8, 1];
    unit.extend(FILE);
    unit.extend(FOLDER);
    unit.extend([0; 4]);
    unit.extend(start.to_le_bytes());
    unit.extend((end - start).to_le_bytes());

    // Smallest instruction 1, one operation each, rows are statements, special codes from 13 on.
    let mut header = vec![1, 1, 1, 0xfb, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1];
    header.push(0);
    header.extend(FILE);
    header.extend([0, 0, 0, 0]);
    let mut table = vec![4, 0];
    table.extend((header.len() as u32).to_le_bytes());
    table.extend(header);
    for (index, (at, size)) in ordered.iter().enumerate() {
        table.extend([0, 9, 2]);
        table.extend(at.to_le_bytes());
        // Lines are counted from 1 in each sequence.
        table.extend([3, (10 * (index + 1) - 1) as u8, 1]);
        // push rbp; mov rbp, rsp
        table.extend([2, 4, 3, 1, 1]);
        table.extend([2, (size - 4) as u8, 0, 1, 1]);
    }
    [
        (".debug_abbrev", abbreviations),
        (".debug_info", sized(unit)),
        (".debug_line", sized(table)),
    ]
}

/// Behind its length.
fn sized(bytes: Vec<u8>) -> Vec<u8> {
    let mut whole = (bytes.len() as u32).to_le_bytes().to_vec();
    whole.extend(bytes);
    whole
}
