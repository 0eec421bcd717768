//! Strings in a target's memory, as commands take them (`%ma`, `as /mu`).

use farsight_types::{Address, AddressRange};

use crate::error::CommandError;
use crate::memory::PAGE;
use crate::session::Session;

/// Most bytes of a string.
const MOST_STRING: u64 = 64 << 10;

/// How a string lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// 16 bits a character, instead of bytes.
    pub(super) wide: bool,
    /// `ANSI_STRING` and `UNICODE_STRING`: a length of 16 bits, and at 8 a pointer. Else a zero ends it.
    pub(super) counted: bool,
}

/// The string at an address. One that is cut off by the end of memory is what there is of it.
pub(super) fn read(session: &mut Session, address: Address, kind: Kind) -> Result<String, CommandError> {
    let bytes = match kind.counted {
        true => {
            let length = session.read_number(address, 2)?;
            let buffer = session.read_number(address.wrapping_add(8), 8)?;
            session.read_memory(AddressRange::new(Address(buffer), length))?
        }
        false => up_to_zero(session, address, kind.wide)?,
    };
    Ok(match kind.wide {
        false => String::from_utf8_lossy(&bytes).into_owned(),
        true => {
            let units: Vec<u16> = bytes
                .chunks_exact(2)
                .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
                .collect();
            String::from_utf16_lossy(&units)
        }
    })
}

fn up_to_zero(session: &mut Session, start: Address, wide: bool) -> Result<Vec<u8>, CommandError> {
    let unit = if wide { 2 } else { 1 };
    let mut found: Vec<u8> = Vec::new();
    while (found.len() as u64) < MOST_STRING {
        session.check_interrupt()?;
        let at = start.wrapping_add(found.len() as u64);
        // Up to the end of the page: what lies behind it may not be there, and is rarely wanted.
        let length = (PAGE - at.0 % PAGE).max(unit).min(u64::MAX - at.0);
        let bytes = session.read_memory(AddressRange::new(at, length))?;
        let end = bytes
            .chunks_exact(unit as usize)
            .position(|character| character.iter().all(|byte| *byte == 0));
        if let Some(end) = end {
            found.extend_from_slice(&bytes[..end * unit as usize]);
            return Ok(found);
        }
        if found.is_empty() && bytes.is_empty() {
            return Err(CommandError::Unreadable { at });
        }
        let whole = bytes.len() - bytes.len() % unit as usize;
        found.extend_from_slice(&bytes[..whole]);
        if bytes.len() < length as usize || whole == 0 {
            break;
        }
    }
    Ok(found)
}
