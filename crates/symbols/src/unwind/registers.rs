//! The registers of one frame, each known or not.

use std::fmt;

use farsight_types::{Address, Registers, registers::amd64};

/// How many registers a frame has: the sixteen general ones and the program counter.
const COUNT: usize = amd64::RIP + 1;

/// The sixteen general registers and the program counter of a frame, in the order of the first seventeen places of
/// [`amd64::GENERAL`]; none where the value is lost, as a caller's `rax` is.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct FrameRegisters {
    /// Zero where not known, so that equal frames compare equal.
    values: [u64; COUNT],
    /// A bit for each known value.
    known: u32,
}

impl FrameRegisters {
    /// The value at a place of [`amd64::GENERAL`], such as [`amd64::RBX`].
    pub fn get(&self, index: usize) -> Option<u64> {
        let value = *self.values.get(index)?;
        (self.known & (1 << index) != 0).then_some(value)
    }

    /// Sets the value at a place of [`amd64::GENERAL`]; ignored beyond the program counter.
    pub fn set(&mut self, index: usize, value: Option<u64>) {
        if let Some(slot) = self.values.get_mut(index) {
            *slot = value.unwrap_or(0);
            let bit = 1 << index;
            self.known = match value {
                Some(_) => self.known | bit,
                None => self.known & !bit,
            };
        }
    }

    /// The value of a register by its exact lower-case name.
    pub fn by_name(&self, name: &str) -> Option<u64> {
        let index = amd64::GENERAL.iter().position(|known| *known == name)?;
        self.get(index)
    }

    /// Where the frame executes.
    pub fn pc(&self) -> Option<Address> {
        self.get(amd64::RIP).map(Address)
    }

    /// The stack pointer.
    pub fn sp(&self) -> Option<Address> {
        self.get(amd64::RSP).map(Address)
    }

    /// The frame pointer, or whatever `rbp` holds.
    pub fn bp(&self) -> Option<Address> {
        self.get(amd64::RBP).map(Address)
    }
}

impl From<&Registers> for FrameRegisters {
    fn from(registers: &Registers) -> FrameRegisters {
        let mut frame = FrameRegisters::default();
        for (index, value) in registers.general.iter().enumerate().take(COUNT) {
            frame.set(index, Some(*value));
        }
        frame
    }
}

impl fmt::Debug for FrameRegisters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = amd64::GENERAL
            .iter()
            .enumerate()
            .filter_map(|(index, name)| Some((name, self.get(index)?)));
        let mut map = f.debug_map();
        for (name, value) in known {
            map.entry(&format_args!("{name}"), &format_args!("{value:#x}"));
        }
        map.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_register_is_known_only_after_it_is_set() {
        let mut frame = FrameRegisters::default();
        assert_eq!(frame.by_name("rbx"), None);
        frame.set(amd64::RBX, Some(0));
        assert_eq!(frame.by_name("rbx"), Some(0));
        frame.set(amd64::RBX, None);
        assert_eq!(frame, FrameRegisters::default());
        frame.set(amd64::EFL, Some(1));
        assert_eq!(frame.by_name("efl"), None);
    }
}
