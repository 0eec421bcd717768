//! Pseudo-registers that are about events, instructions and time (specification 5.5).

use farsight_session::record::{EventKind, SignalChance};
use farsight_types::registers::amd64;
use farsight_types::{Address, AddressRange};

use super::Session;
use crate::error::CommandError;

/// 1 January 1970 in DbgEng's clock, which counts tenths of microseconds from 1601 on.
const UNIX_EPOCH: u64 = 116_444_736_000_000_000;

/// Most bytes that `$vvalid` reads to find out.
const MOST_READ: u64 = 1 << 20;

impl Session {
    /// The value of `$name`; none where there is none now.
    pub(super) fn event_pseudo(&mut self, name: &str) -> Result<Option<u64>, CommandError> {
        if let Some(field) = name.strip_prefix("exr_") {
            return Ok(self.exception_field(field));
        }
        match name {
            "dbgtime" => {
                let since_epoch = self.outside.now().saturating_mul(10);
                Ok(Some(since_epoch.saturating_add(UNIX_EPOCH)))
            }
            "eventip" => Ok(self.memos.event_ip),
            "previp" => Ok(self.memos.previous_event_ip),
            "frame" if self.current.is_some() => Ok(Some(self.frame_number())),
            // What a thread's own block is on this system: its thread control block, which begins with its own address.
            "teb" | "thread" if self.current.is_some() => Ok(Some(self.registers()?.value(amd64::FS_BASE))),
            "ea" => self.effective_address(0),
            "ea2" => self.effective_address(1),
            _ => Ok(None),
        }
    }

    /// The number of the frame that was chosen, as long as it is the current thread's of this rest.
    fn frame_number(&self) -> u64 {
        let chosen = self.memos.looks.frame.as_ref();
        let stop_number = self.system().map(|system| system.stop_number).ok();
        let chosen = chosen.filter(|frame| Some(frame.place) == self.current && Some(frame.stop_number) == stop_number);
        chosen.map_or(0, |frame| frame.number as u64)
    }

    /// What the last event says as an exception.
    fn exception_field(&self, field: &str) -> Option<u64> {
        let EventKind::Signal {
            number,
            address,
            chance,
            ..
        } = &self.last_event.as_ref()?.kind
        else {
            return None;
        };
        match field {
            "chance" => Some(u64::from(*chance == SignalChance::First)),
            "code" => u64::try_from(*number).ok(),
            "numparams" => Some(u64::from(address.is_some())),
            "param0" => address.map(|address| address.0),
            _ => None,
        }
    }

    /// Where the instruction at the program counter reads or writes memory.
    fn effective_address(&mut self, number: usize) -> Result<Option<u64>, CommandError> {
        if self.current.is_none() {
            return Ok(None);
        }
        let registers = self.registers()?;
        let pc = registers.pc();
        let disassembler = self.disassembler()?;
        let bytes = self.read_memory(AddressRange::new(pc, disassembler.longest() as u64))?;
        let accesses = disassembler.memory(pc, &bytes, &mut |name| registers.by_name(name));
        Ok(accesses.get(number).map(|access| access.address.0))
    }

    /// Whether all of a range can be read.
    pub(super) fn is_readable(&mut self, start: Address, length: u64) -> Result<bool, CommandError> {
        let Some(last) = length.checked_sub(1).and_then(|distance| start.checked_add(distance)) else {
            return Ok(false);
        };
        if length <= MOST_READ {
            return Ok(self.read_memory(AddressRange::new(start, length))?.len() as u64 == length);
        }
        let mut at = start;
        for range in self.readable()? {
            if range.contains(at) {
                if range.contains(last) {
                    return Ok(true);
                }
                at = range.end();
            }
        }
        Ok(false)
    }

    /// Remembers where the last event found its thread.
    pub(crate) fn note_event_place(&mut self) {
        let here = self.registers().ok().map(|registers| registers.pc().0);
        self.memos.previous_event_ip = std::mem::replace(&mut self.memos.event_ip, here);
    }
}
