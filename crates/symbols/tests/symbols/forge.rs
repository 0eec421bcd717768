//! Debug information written by hand, byte by byte, as no compiler would write it.

use std::fs;

use farsight_symbols::{Image, ImageKind, ImageLayout, Section, SharedBytes};
use farsight_types::Rva;

/// Forms and tags by DWARF's numbers, as far as they are used.
pub(crate) mod dw {
    pub(crate) const CU: u64 = 0x11;
    pub(crate) const STRUCT: u64 = 0x13;
    pub(crate) const TYPEDEF: u64 = 0x16;
    pub(crate) const BLOCK: u64 = 0x0b;
    pub(crate) const SUBPROGRAM: u64 = 0x2e;
    pub(crate) const VARIABLE: u64 = 0x34;
    pub(crate) const NAMESPACE: u64 = 0x39;
    pub(crate) const MEMBER: u64 = 0x0d;
    pub(crate) const ENUM: u64 = 0x04;
    pub(crate) const ENUMERATOR: u64 = 0x28;

    pub(crate) const LOCATION: u64 = 0x02;
    pub(crate) const NAME: u64 = 0x03;
    pub(crate) const STMT_LIST: u64 = 0x10;
    pub(crate) const LOW_PC: u64 = 0x11;
    pub(crate) const HIGH_PC: u64 = 0x12;
    pub(crate) const COMP_DIR: u64 = 0x1b;
    pub(crate) const ORIGIN: u64 = 0x31;
    pub(crate) const SPECIFICATION: u64 = 0x47;
    pub(crate) const TYPE: u64 = 0x49;
    pub(crate) const RANGES: u64 = 0x55;

    pub(crate) const ADDR: u64 = 0x01;
    pub(crate) const BLOCK4: u64 = 0x04;
    pub(crate) const DATA4: u64 = 0x06;
    pub(crate) const STRING: u64 = 0x08;
    pub(crate) const STRP: u64 = 0x0e;
    pub(crate) const REF4: u64 = 0x13;
    pub(crate) const INDIRECT: u64 = 0x16;
    pub(crate) const SEC_OFFSET: u64 = 0x17;
    pub(crate) const FLAG_PRESENT: u64 = 0x19;
}

/// A number as LEB128.
pub(crate) fn uleb(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        bytes.push(low | if number == 0 { 0 } else { 0x80 });
        if number == 0 {
            return bytes;
        }
    }
}

/// The declaration of a shape.
pub(crate) fn shape(code: u64, tag: u64, children: bool, attributes: &[(u64, u64)]) -> Vec<u8> {
    let mut bytes = [uleb(code), uleb(tag), vec![u8::from(children)]].concat();
    for (name, form) in attributes.iter().chain([&(0, 0)]) {
        bytes.extend([uleb(*name), uleb(*form)].concat());
    }
    bytes
}

/// A unit of DWARF 5 with these entries, whose shapes begin at an offset.
pub(crate) fn unit(shapes: usize, entries: &[u8]) -> Vec<u8> {
    let mut bytes = ((entries.len() + 8) as u32).to_le_bytes().to_vec();
    bytes.extend([5, 0, 1, 8]);
    bytes.extend((shapes as u32).to_le_bytes());
    bytes.extend(entries);
    bytes
}

/// How long the header of such a unit is.
pub(crate) const UNIT_HEADER: u32 = 12;

/// A line program of DWARF 4 with a header of our own making.
pub(crate) struct Lines {
    pub(crate) version: u16,
    pub(crate) least_instruction: u8,
    pub(crate) line_range: u8,
    pub(crate) opcode_base: u8,
    pub(crate) directories: Vec<u8>,
    pub(crate) files: Vec<u8>,
    pub(crate) program: Vec<u8>,
}

impl Default for Lines {
    fn default() -> Lines {
        Lines {
            version: 4,
            least_instruction: 1,
            line_range: 14,
            opcode_base: 13,
            directories: Vec::new(),
            files: b"a.c\0\0\0\0".to_vec(),
            program: Vec::new(),
        }
    }
}

impl Lines {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let lengths = [0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1]
            .into_iter()
            .chain(std::iter::repeat(0));
        let mut header = vec![self.least_instruction, 1, 1, 0xfb, self.line_range, self.opcode_base];
        header.extend(lengths.take(usize::from(self.opcode_base.saturating_sub(1))));
        header.extend(self.directories.iter().chain(&[0]).chain(&self.files).chain(&[0]));
        let mut rest = self.version.to_le_bytes().to_vec();
        rest.extend((header.len() as u32).to_le_bytes());
        rest.extend(header);
        rest.extend(&self.program);
        [&(rest.len() as u32).to_le_bytes()[..], &rest].concat()
    }
}

/// Instructions of line programs.
pub(crate) mod lns {
    use super::uleb;

    pub(crate) fn set_address(address: u64) -> Vec<u8> {
        [&[0, 9, 2], &address.to_le_bytes()[..]].concat()
    }

    pub(crate) fn advance(by: u64) -> Vec<u8> {
        [vec![2], uleb(by)].concat()
    }

    pub(crate) fn file(number: u64) -> Vec<u8> {
        [vec![4], uleb(number)].concat()
    }

    pub(crate) const ROW: &[u8] = &[1];
    pub(crate) const END: &[u8] = &[0, 1, 1];
}

/// Sections that are an image.
pub(crate) struct Forged {
    layout: ImageLayout,
    bytes: Vec<SharedBytes>,
}

impl Forged {
    pub(crate) fn new(sections: Vec<(&str, Vec<u8>)>) -> Forged {
        let described = sections.iter().map(|(name, bytes)| Section {
            name: (*name).to_owned(),
            address: Rva(0),
            size: bytes.len() as u64,
            kind: 1,
            flags: 0,
            file_offset: 0,
            link: 0,
            info: 0,
        });
        Forged {
            layout: ImageLayout {
                kind: ImageKind::SharedObject,
                entry: None,
                link_base: Rva(0),
                size: 1 << 32,
                segments: Vec::new(),
                sections: described.collect(),
                build_id: None,
                debug_link: None,
                debug_alt_link: None,
                soname: None,
            },
            bytes: sections
                .into_iter()
                .map(|(_, bytes)| SharedBytes::from(bytes))
                .collect(),
        }
    }
}

impl Image for Forged {
    fn layout(&self) -> &ImageLayout {
        &self.layout
    }

    fn section_bytes(&self, index: usize) -> Option<SharedBytes> {
        self.bytes.get(index).cloned()
    }

    fn bytes_at(&self, _rva: Rva, _length: usize) -> SharedBytes {
        SharedBytes::default()
    }
}

/// What this process has used so far: processor time in seconds, and the most memory at once in bytes. Unlike a
/// clock's, these do not depend on what else the machine does.
pub(crate) fn used() -> (f64, u64) {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // utime and stime, in hundredths of a second; the third field of all stands first here.
    let ticks: f64 = [fields[11], fields[12]]
        .iter()
        .map(|ticks| ticks.parse::<f64>().unwrap())
        .sum();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    (ticks / 100.0, peak << 10)
}
