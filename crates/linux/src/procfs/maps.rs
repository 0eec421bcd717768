//! Lines of `/proc/PID/maps`.

use farsight_types::{Address, AddressRange};

/// One mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Where it is.
    pub range: AddressRange,
    /// Can be read.
    pub read: bool,
    /// Can be written.
    pub write: bool,
    /// Can be executed.
    pub execute: bool,
    /// Shared with other processes.
    pub shared: bool,
    /// Place in the file.
    pub offset: u64,
    /// Device and inode of the file; zero for none.
    pub file: (u64, u64),
    /// The file's path or a name such as `[heap]`; empty for none. ` (deleted)` is cut off.
    pub path: String,
}

/// Reads all lines; those that cannot be read are left out.
pub fn parse_maps(text: &[u8]) -> Vec<Mapping> {
    text.split(|byte| *byte == b'\n').filter_map(parse_line).collect()
}

fn parse_line(line: &[u8]) -> Option<Mapping> {
    let line = String::from_utf8_lossy(line);
    let mut rest = line.as_ref();
    let mut field = || {
        rest = rest.trim_start_matches(' ');
        let (word, behind) = rest.split_once(' ').unwrap_or((rest, ""));
        rest = behind;
        word
    };
    let (start, end) = field().split_once('-')?;
    let start = u64::from_str_radix(start, 16).ok()?;
    let end = u64::from_str_radix(end, 16).ok()?;
    let permissions = field().as_bytes();
    let offset = u64::from_str_radix(field(), 16).ok()?;
    let (major, minor) = field().split_once(':')?;
    let device = u64::from_str_radix(major, 16).ok()? << 32 | u64::from_str_radix(minor, 16).ok()? & 0xffff_ffff;
    let inode = field().parse().ok()?;
    let has = |at: usize, letter: u8| permissions.get(at) == Some(&letter);
    Some(Mapping {
        range: AddressRange::new(Address(start), end.checked_sub(start)?),
        read: has(0, b'r'),
        write: has(1, b'w'),
        execute: has(2, b'x'),
        shared: has(3, b's'),
        offset,
        file: (device, inode),
        path: rest.trim_start_matches(' ').trim_end_matches(" (deleted)").to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_files_names_and_spaces() {
        let text = b"55d0c0a00000-55d0c0a01000 r-xp 00001000 fe:00 1234    /tmp/my program (deleted)\n\
                     7ffc0000-7ffd0000 rw-p 00000000 00:00 0 [stack]\nrubbish\n10-8 r--p 0 0:0 0\n";
        let maps = parse_maps(text);
        assert_eq!(maps.len(), 2);
        assert_eq!(maps[0].path, "/tmp/my program");
        assert_eq!(maps[0].offset, 0x1000);
        assert!(maps[0].execute && !maps[0].write);
        assert_eq!(maps[0].file, (0xfe << 32, 1234));
        assert_eq!(maps[1].path, "[stack]");
        assert_eq!(maps[1].range.length, 0x10000);
    }
}
