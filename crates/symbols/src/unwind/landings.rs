//! Where a function goes on when something that it called throws: the landing pads of its table of exception handling
//! (the LSDA that C++ and Rust share).

use farsight_types::Rva;
use gimli::{EndianSlice, LittleEndian, Reader};

use super::ModuleUnwind;
use crate::image::Image;

/// Bytes of a table that are looked at, and landing pads of a function.
const LONGEST: usize = 1 << 18;
const MOST: usize = 1024;

impl ModuleUnwind {
    /// The landing pads of the function that holds a place, by place; `image` is the module's own.
    pub fn landings_at(&self, image: &dyn Image, rva: Rva) -> Vec<Rva> {
        let found = self.handlers_at(rva.0);
        let landings = found.and_then(|found| {
            let bytes = image.bytes_at(Rva(found.table), LONGEST);
            landings(&bytes, found.function)
        });
        landings.unwrap_or_default()
    }
}

/// | what | encoding |
/// |---|---|
/// | start of landing pads | one byte of encoding, 0xff where it is the function's start |
/// | types | one byte of encoding; unless 0xff, the distance of their table as ULEB128 |
/// | call sites | one byte of encoding, length in bytes as ULEB128 |
/// | each | start, length and landing pad in that encoding, action as ULEB128 |
fn landings(bytes: &[u8], function: u64) -> Option<Vec<Rva>> {
    const OMITTED: u8 = 0xff;
    let mut reader = EndianSlice::new(bytes, LittleEndian);
    // No compiler moves the start of landing pads.
    if reader.read_u8().ok()? != OMITTED {
        return None;
    }
    if reader.read_u8().ok()? != OMITTED {
        reader.read_uleb128().ok()?;
    }
    let encoding = reader.read_u8().ok()?;
    let length = usize::try_from(reader.read_uleb128().ok()?).ok()?;
    let mut sites = EndianSlice::new(reader.slice().get(..length)?, LittleEndian);
    let mut found = Vec::new();
    while !sites.is_empty() && found.len() < MOST {
        let mut number = || match encoding {
            0x01 => sites.read_uleb128().ok(),
            0x02 => sites.read_u16().ok().map(u64::from),
            0x03 | 0x0b => sites.read_u32().ok().map(u64::from),
            0x04 | 0x0c => sites.read_u64().ok(),
            _ => None,
        };
        let (_, _, landing) = (number()?, number()?, number()?);
        sites.read_uleb128().ok()?;
        if landing != 0 {
            found.push(Rva(function.checked_add(landing)?));
        }
    }
    found.sort_unstable();
    found.dedup();
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn landing_pads_are_read_from_tables() {
        let sites = [0x10, 4, 0, 0, 0x14, 5, 0x40, 1, 0x20, 5, 0x30, 0, 0x28, 1, 0x40, 0];
        let table = |head: &[u8]| [head, &[sites.len() as u8], &sites, &[0x7f; 8]].concat();
        let both = Some(vec![Rva(0x1030), Rva(0x1040)]);
        for (bytes, expected) in [
            (table(&[0xff, 0xff, 0x01]), both.clone()),
            (table(&[0xff, 0x9b, 0x20, 0x01]), both),
            (
                vec![0xff, 0xff, 0x03, 13, 1, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 0],
                Some(vec![Rva(0x1009)]),
            ),
            (vec![0xff, 0xff, 0x01, 0], Some(Vec::new())),
            // Other starts, encodings that nobody uses, cut tables.
            (table(&[0x00, 0xff, 0x01]), None),
            (table(&[0xff, 0xff, 0x50]), None),
            (vec![0xff, 0xff, 0x01, 9, 1], None),
            (vec![0xff, 0xff, 0x01, 2, 1, 0x80], None),
            (Vec::new(), None),
        ] {
            assert_eq!(landings(&bytes, 0x1000), expected, "{bytes:x?}");
        }
    }
}
