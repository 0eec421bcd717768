//! A debuggee's memory through `/proc/PID/mem`: any thread may use it, the tracer is not needed, and read-only text can
//! be written. Traps live here, because whoever reads must not see them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use farsight_target::TargetError;
use farsight_types::{Address, AddressRange, OsPid};

use crate::procfs::Mapping;

/// The breakpoint instruction, `int3`.
pub(crate) const TRAP_BYTE: u8 = 0xcc;

/// One process's memory, with the traps planted in it.
#[derive(Debug)]
pub(crate) struct ProcessMemory {
    file: File,
    /// Whether it may be written at all.
    pub(crate) changes: bool,
    planted: Mutex<BTreeMap<u64, Planted>>,
    /// What traps that were taken away had displaced: a hit of one, or a copy of it in a child, may still be on its way.
    removed: Mutex<BTreeMap<u64, u8>>,
}

/// Removed traps that are remembered. More are forgotten, all at once: only the latest are ever asked for.
const MOST_REMOVED: usize = 1024;

#[derive(Clone, Copy, Debug)]
struct Planted {
    original: u8,
    users: u32,
    /// Taken out for the length of one step.
    lifted: bool,
}

impl ProcessMemory {
    pub(crate) fn open(pid: OsPid) -> io::Result<ProcessMemory> {
        Self::open_to(pid, true)
    }

    /// Memory that is only looked at.
    pub(crate) fn open_to_read(pid: OsPid) -> io::Result<ProcessMemory> {
        Self::open_to(pid, false)
    }

    fn open_to(pid: OsPid, changes: bool) -> io::Result<ProcessMemory> {
        let file = File::options()
            .read(true)
            .write(changes)
            .open(format!("/proc/{pid}/mem"))?;
        Ok(ProcessMemory {
            file,
            changes,
            planted: Mutex::default(),
            removed: Mutex::default(),
        })
    }

    /// Reads up to the first byte that is not there; trap bytes are replaced by what they displaced.
    pub(crate) fn read(&self, address: Address, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        let read = self.read_into(address, &mut bytes);
        bytes.truncate(read);
        bytes
    }

    /// As [`ProcessMemory::read`], into a buffer; returns how much was read.
    pub(crate) fn read_into(&self, address: Address, bytes: &mut [u8]) -> usize {
        let planted = self.planted();
        let read = self.read_raw(address, bytes);
        let end = address.0.saturating_add(read as u64);
        for (at, trap) in planted.range(address.0..end) {
            let byte = &mut bytes[(at - address.0) as usize];
            // What else stands there was mapped or written over the trap.
            if *byte == TRAP_BYTE {
                *byte = trap.original;
            }
        }
        read
    }

    /// Eight bytes as a number; none where they are not all there.
    pub(crate) fn read_word(&self, address: Address) -> Option<u64> {
        let mut bytes = [0; 8];
        (self.read_into(address, &mut bytes) == 8).then(|| u64::from_le_bytes(bytes))
    }

    /// What really stands there, traps included.
    fn read_raw(&self, address: Address, bytes: &mut [u8]) -> usize {
        let mut done = 0;
        while done < bytes.len() {
            // Offsets are signed in the kernel: addresses of the upper half are not readable this way anyway.
            let at = address.0.wrapping_add(done as u64);
            match self.file.read_at(&mut bytes[done..], at) {
                Ok(read) if read > 0 => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => break,
            }
        }
        done
    }

    /// Writes up to the first byte that cannot be; bytes under traps are kept for when the trap goes.
    pub(crate) fn write(&self, address: Address, bytes: &[u8]) -> usize {
        let mut planted = self.planted();
        let end = address.0.saturating_add(bytes.len() as u64);
        let mut shadowed = bytes.to_vec();
        for (at, _) in planted.range(address.0..end).filter(|(_, trap)| !trap.lifted) {
            shadowed[(at - address.0) as usize] = TRAP_BYTE;
        }
        let written = self.write_raw(address, &shadowed);
        for (at, trap) in planted.range_mut(address.0..address.0.saturating_add(written as u64)) {
            trap.original = bytes[(at - address.0) as usize];
        }
        written
    }

    /// Fills with a pattern again and again up to the first byte that cannot be written; returns how much was.
    pub(crate) fn fill(&self, range: AddressRange, pattern: &[u8]) -> Result<u64, TargetError> {
        const BLOCK: usize = 1 << 16;
        const MOST: u64 = 1 << 30;
        let invalid = |why: &str| Err(TargetError::Invalid { why: why.into() });
        if pattern.is_empty() || pattern.len() > BLOCK {
            return invalid("a pattern has 1 to 65536 bytes");
        }
        if range.length > MOST {
            return invalid("at most 1 GiB is filled at once");
        }
        let block = pattern.repeat(BLOCK / pattern.len());
        let mut done = 0;
        while done < range.length {
            let left = range.length - done;
            let part = &block[..block.len().min(left as usize)];
            let Some(at) = range.start.0.checked_add(done) else {
                break;
            };
            let written = self.write(Address(at), part);
            done += written as u64;
            if written < part.len() {
                break;
            }
        }
        if done == 0 && range.length != 0 {
            return Err(TargetError::Unwritable { at: range.start });
        }
        Ok(done)
    }

    fn write_raw(&self, address: Address, bytes: &[u8]) -> usize {
        let mut done = 0;
        while done < bytes.len() {
            match self.file.write_at(&bytes[done..], address.0.wrapping_add(done as u64)) {
                Ok(written) if written > 0 => done += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => break,
            }
        }
        done
    }

    /// Plants a trap, or adds a user to one that is there.
    pub(crate) fn plant(&self, address: Address) -> Result<(), String> {
        let mut planted = self.planted();
        if let Some(trap) = planted.get_mut(&address.0) {
            trap.users += 1;
            let mut now = [0];
            // Other code may have been mapped over it.
            if !trap.lifted
                && self.read_raw(address, &mut now) == 1
                && now[0] != TRAP_BYTE
                && self.write_raw(address, &[TRAP_BYTE]) == 1
            {
                trap.original = now[0];
            }
            return Ok(());
        }
        let mut original = [0];
        if self.read_raw(address, &mut original) != 1 {
            return Err("no memory is mapped there".into());
        }
        if self.write_raw(address, &[TRAP_BYTE]) != 1 {
            return Err("the memory there cannot be written".into());
        }
        planted.insert(
            address.0,
            Planted {
                original: original[0],
                users: 1,
                lifted: false,
            },
        );
        Ok(())
    }

    /// Takes a user of a trap away, and the trap with its last user. Memory that is gone by now is no matter.
    pub(crate) fn unplant(&self, address: Address) {
        let mut planted = self.planted();
        let Some(trap) = planted.get_mut(&address.0) else {
            return;
        };
        trap.users -= 1;
        if trap.users == 0 {
            let original = trap.original;
            planted.remove(&address.0);
            self.restore(address, original);
            self.remember(address, original);
        }
    }

    /// Writes the displaced byte back for the length of one step; [`ProcessMemory::replant`] ends that.
    pub(crate) fn lift(&self, address: Address) {
        let mut planted = self.planted();
        if let Some(trap) = planted.get_mut(&address.0) {
            trap.lifted = true;
            self.restore(address, trap.original);
        }
    }

    /// Puts a lifted trap back.
    pub(crate) fn replant(&self, address: Address) {
        let mut planted = self.planted();
        if let Some(trap) = planted.get_mut(&address.0) {
            trap.lifted = false;
            let mut now = [0];
            if self.read_raw(address, &mut now) == 1 && now[0] == trap.original {
                self.write_raw(address, &[TRAP_BYTE]);
            }
        }
    }

    fn remember(&self, address: Address, original: u8) {
        let mut removed = self.removed.lock().unwrap_or_else(PoisonError::into_inner);
        if removed.len() >= MOST_REMOVED {
            removed.clear();
        }
        removed.insert(address.0, original);
    }

    /// Whether a trap of ours was there, and is no longer.
    pub(crate) fn was_planted(&self, address: Address) -> bool {
        let removed = self.removed.lock().unwrap_or_else(PoisonError::into_inner);
        removed.contains_key(&address.0)
    }

    /// Makes this memory, a copy that a child was born with, hold those of the parent's traps that are `wanted`, with
    /// that many users each, and no other.
    pub(crate) fn inherit(&self, parent: &ProcessMemory, wanted: &BTreeMap<u64, u32>) {
        let originals = parent.planted_bytes();
        let mut planted = self.planted();
        for (address, original) in originals {
            match wanted.get(&address.0) {
                Some(users) => {
                    let mut now = [0];
                    // It may have been planted after the copy was made.
                    if self.read_raw(address, &mut now) == 1 && now[0] == original {
                        self.write_raw(address, &[TRAP_BYTE]);
                    }
                    let trap = Planted {
                        original,
                        users: *users,
                        lifted: false,
                    };
                    planted.insert(address.0, trap);
                }
                None => self.restore(address, original),
            }
        }
    }

    /// Writes a displaced byte back, but only over a trap byte: what else stands there is not ours.
    fn restore(&self, address: Address, original: u8) {
        let mut now = [0];
        if self.read_raw(address, &mut now) == 1 && now[0] == TRAP_BYTE {
            self.write_raw(address, &[original]);
        }
    }

    /// Whether a trap of ours is planted there.
    pub(crate) fn is_planted(&self, address: Address) -> bool {
        self.planted().contains_key(&address.0)
    }

    /// Whether a breakpoint instruction really stands there, ours or not.
    pub(crate) fn holds_trap_byte(&self, address: Address) -> bool {
        let mut byte = [0];
        self.read_raw(address, &mut byte) == 1 && byte[0] == TRAP_BYTE
    }

    /// Restores every displaced byte and forgets the traps.
    pub(crate) fn unplant_all(&self) {
        let mut planted = self.planted();
        for (address, trap) in std::mem::take(&mut *planted) {
            self.restore(Address(address), trap.original);
            self.remember(Address(address), trap.original);
        }
    }

    /// What traps have displaced: those that are planted, and those that were taken away, which a copy that was made
    /// before may still hold.
    pub(crate) fn planted_bytes(&self) -> Vec<(Address, u8)> {
        let planted = self.planted();
        let removed = self.removed.lock().unwrap_or_else(PoisonError::into_inner);
        let old = removed.iter().filter(|(at, _)| {
            let gone = !planted.contains_key(at);
            // Where the program has a breakpoint instruction of its own by now, so has the copy.
            gone && !self.holds_trap_byte(Address(**at))
        });
        let old = old.map(|(at, original)| (Address(*at), *original));
        let now = planted.iter().map(|(at, trap)| (Address(*at), trap.original));
        now.chain(old).collect()
    }

    /// Restores the bytes that traps had displaced in the memory that this one is a copy of.
    pub(crate) fn clean_of(&self, traps: &[(Address, u8)]) {
        for (address, original) in traps {
            self.restore(*address, *original);
        }
    }

    /// Forgets traps in memory that is no longer mapped; they went with it.
    pub(crate) fn forget_unmapped(&self, mappings: &[Mapping]) {
        self.planted()
            .retain(|at, _| mappings.iter().any(|mapping| mapping.range.contains(Address(*at))));
    }

    fn planted(&self) -> MutexGuard<'_, BTreeMap<u64, Planted>> {
        self.planted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// This process's own memory will do: /proc/self/mem behaves alike.
    fn own() -> ProcessMemory {
        ProcessMemory::open(OsPid(std::process::id())).unwrap()
    }

    #[test]
    fn traps_are_never_seen_and_writes_go_under_them() {
        let place: Box<[u8; 4]> = Box::new([1, 2, 3, 4]);
        let address = Address(place.as_ptr() as u64);
        let memory = own();
        memory.plant(Address(address.0 + 1)).unwrap();
        assert!(memory.holds_trap_byte(Address(address.0 + 1)));
        assert_eq!(memory.read(address, 4), [1, 2, 3, 4]);
        assert_eq!(memory.write(address, &[5, 6, 7, 8]), 4);
        assert!(memory.holds_trap_byte(Address(address.0 + 1)));
        assert_eq!(memory.read(address, 4), [5, 6, 7, 8]);
        memory.unplant(Address(address.0 + 1));
        assert_eq!(std::hint::black_box(&place)[..], [5, 6, 7, 8]);
    }

    #[test]
    fn a_trap_goes_with_its_last_user() {
        let place: Box<[u8; 1]> = Box::new([9]);
        let address = Address(place.as_ptr() as u64);
        let memory = own();
        memory.plant(address).unwrap();
        memory.plant(address).unwrap();
        memory.unplant(address);
        assert!(memory.holds_trap_byte(address));
        memory.unplant(address);
        assert!(!memory.holds_trap_byte(address));
        assert_eq!(std::hint::black_box(&place)[0], 9);
    }

    #[test]
    fn unmapped_memory_reads_short_and_takes_no_trap() {
        let memory = own();
        assert_eq!(memory.read(Address(8), 16), []);
        assert!(memory.plant(Address(8)).is_err());
    }
}
