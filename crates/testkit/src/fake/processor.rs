//! The fake machine's memory and processor: as much of x86-64 as the toy program uses.

use farsight_target::ThreadRecord;
use farsight_types::registers::amd64;
use farsight_types::{Address, AddressRange, Architecture, OsTid, Registers};

use super::toy::{self, Toy};

/// Bytes of a thread's stack.
pub(super) const STACK: u64 = 0x1_0000;
/// One past the first thread's stack; each further one lies 1 MiB below.
const TOP_OF_STACKS: u64 = 0x7fff_ff00_0000;
const CODE_SEGMENT: u64 = 0x33;
const STACK_SEGMENT: u64 = 0x2b;
const ZERO_FLAG: u64 = 1 << 6;

/// A run of memory with the same rights.
#[derive(Clone, Debug)]
pub(super) struct Region {
    pub(super) start: u64,
    pub(super) bytes: Vec<u8>,
    pub(super) write: bool,
    pub(super) execute: bool,
    pub(super) path: String,
}

impl Region {
    pub(super) fn range(&self) -> AddressRange {
        AddressRange::new(Address(self.start), self.bytes.len() as u64)
    }
}

/// All memory of the process, ascending.
#[derive(Clone, Debug)]
pub(super) struct Memory(pub(super) Vec<Region>);

impl Memory {
    pub(super) fn of(toy: &Toy) -> Memory {
        let part = |start: u64, end: u64, write, execute| Region {
            start,
            bytes: toy.file[(start - toy::BASE) as usize..(end - toy::BASE) as usize].to_vec(),
            write,
            execute,
            path: toy.image.path.clone(),
        };
        Memory(vec![
            part(toy::BASE, toy::TEXT, false, false),
            part(toy::TEXT, toy::UNWIND, false, true),
            part(toy::UNWIND, toy::DATA, false, false),
            part(toy::DATA, toy::END, true, false),
        ])
    }

    fn add_stack(&mut self, index: u64) -> u64 {
        let top = TOP_OF_STACKS - index * 0x10_0000;
        self.0.push(Region {
            start: top - STACK,
            bytes: vec![0; STACK as usize],
            write: true,
            execute: false,
            path: if index == 0 { "[stack]".into() } else { String::new() },
        });
        self.0.sort_by_key(|region| region.start);
        top
    }

    /// The bytes of a range, as many from its start as there are.
    pub(super) fn read(&self, range: AddressRange) -> Vec<u8> {
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < range.length {
            let Some(at) = range.start.checked_add(bytes.len() as u64) else {
                break;
            };
            let Some(region) = self.0.iter().find(|region| region.range().contains(at)) else {
                break;
            };
            let from = (at.0 - region.start) as usize;
            let wanted = (range.length - bytes.len() as u64) as usize;
            bytes.extend(region.bytes[from..].iter().take(wanted));
        }
        bytes
    }

    /// Writes as many bytes from the start as there is memory for.
    pub(super) fn write(&mut self, address: Address, bytes: &[u8]) -> u64 {
        for (done, byte) in bytes.iter().enumerate() {
            let at = address.wrapping_add(done as u64);
            let Some(region) = self.0.iter_mut().find(|region| region.range().contains(at)) else {
                return done as u64;
            };
            region.bytes[(at.0 - region.start) as usize] = *byte;
        }
        bytes.len() as u64
    }

    pub(super) fn number(&self, address: u64) -> Option<u64> {
        let bytes = self.read(AddressRange::new(Address(address), 8));
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    }

    fn set_number(&mut self, address: u64, number: u64) {
        self.write(Address(address), &number.to_le_bytes());
    }
}

/// One thread.
#[derive(Clone, Debug)]
pub(super) struct Thread {
    pub(super) record: ThreadRecord,
    pub(super) registers: Registers,
    /// It stays where it is while this is above 0.
    pub(super) suspended: u32,
    /// It has ended and is only still shown.
    pub(super) ending: bool,
    /// Where it began.
    pub(super) start: Address,
    /// The 8-byte data that its last instruction read or wrote, and whether it wrote.
    pub(super) accesses: Vec<(u64, bool)>,
}

impl Thread {
    /// A thread that begins at `start`. Its stack ends in a zero return address.
    pub(super) fn new(tid: OsTid, name: &str, index: u64, start: Address, memory: &mut Memory) -> Thread {
        let top = memory.add_stack(index);
        let mut registers = Registers::zeroed(Architecture::Amd64);
        registers.set_pc(start);
        for (name, value) in [
            ("rsp", top - 72),
            ("cs", CODE_SEGMENT),
            ("ss", STACK_SEGMENT),
            ("efl", 0x202),
        ] {
            registers.set_by_name(name, value);
        }
        registers.set_value(amd64::ORIG_RAX, u64::MAX);
        Thread {
            record: ThreadRecord { tid, name: name.into() },
            registers,
            suspended: 0,
            ending: false,
            start,
            accesses: Vec::new(),
        }
    }

    pub(super) fn tid(&self) -> OsTid {
        self.record.tid
    }

    fn get(&self, index: usize) -> u64 {
        self.registers.value(index)
    }

    fn set(&mut self, index: usize, value: u64) {
        self.registers.set_value(index, value);
    }

    fn push(&mut self, memory: &mut Memory, value: u64) {
        let sp = self.get(amd64::RSP).wrapping_sub(8);
        memory.set_number(sp, value);
        self.accesses.push((sp, true));
        self.set(amd64::RSP, sp);
    }

    fn pop(&mut self, memory: &Memory) -> u64 {
        let sp = self.get(amd64::RSP);
        self.accesses.push((sp, false));
        self.set(amd64::RSP, sp.wrapping_add(8));
        memory.number(sp).unwrap_or(0)
    }
}

/// What an instruction asks of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    Call(u64),
    /// A breakpoint instruction of the program's own.
    Breakpoint,
    /// Not an instruction of the toy program: it was written over, or the program counter set astray.
    Illegal,
}

/// Runs one instruction.
pub(super) fn step(thread: &mut Thread, memory: &mut Memory) -> Outcome {
    let pc = thread.registers.pc().0;
    thread.accesses.clear();
    let code = memory.read(AddressRange::new(Address(pc), 8));
    let byte_at = |at: usize| code.get(at).copied().unwrap_or(0);
    let displacement = |at: usize| {
        let bytes = [0, 1, 2, 3].map(|index| byte_at(at + index));
        i64::from(i32::from_le_bytes(bytes))
    };
    let (mut next, mut outcome) = (pc, Outcome::Done);
    match code.as_slice() {
        [0x90, ..] => next += 1,
        [0x55, ..] => {
            thread.push(memory, thread.get(amd64::RBP));
            next += 1;
        }
        [0x5d, ..] => {
            let value = thread.pop(memory);
            thread.set(amd64::RBP, value);
            next += 1;
        }
        [0xc3, ..] => next = thread.pop(memory),
        [0xe8, ..] => {
            thread.push(memory, pc + 5);
            next = (pc + 5).wrapping_add_signed(displacement(1));
        }
        [0xb8, ..] => {
            thread.set(amd64::RAX, displacement(1) as u64);
            next += 5;
        }
        [0xeb, ..] => next = (pc + 2).wrapping_add_signed(i64::from(byte_at(1) as i8)),
        [0xcc, ..] => {
            outcome = Outcome::Breakpoint;
            next += 1;
        }
        [0x85, 0xc0, ..] => {
            let flags = thread.get(amd64::EFL) & !ZERO_FLAG;
            let zero = thread.get(amd64::RAX) as u32 == 0;
            thread.set(amd64::EFL, if zero { flags | ZERO_FLAG } else { flags });
            next += 2;
        }
        [0x74, ..] => {
            next += 2;
            if thread.get(amd64::EFL) & ZERO_FLAG != 0 {
                next = next.wrapping_add_signed(i64::from(byte_at(1) as i8));
            }
        }
        [0x75, ..] => {
            next += 2;
            if thread.get(amd64::EFL) & ZERO_FLAG == 0 {
                next = next.wrapping_add_signed(i64::from(byte_at(1) as i8));
            }
        }
        [0x89, 0xc7, ..] => {
            thread.set(amd64::RDI, thread.get(amd64::RAX));
            next += 2;
        }
        [0x48, 0x89, 0xe5, ..] => {
            thread.set(amd64::RBP, thread.get(amd64::RSP));
            next += 3;
        }
        [0x48, 0xff, modrm @ (0x05 | 0x0d), ..] => {
            let address = (pc + 7).wrapping_add_signed(displacement(3));
            let change = if *modrm == 0x05 { 1 } else { -1 };
            let number = memory.number(address).unwrap_or(0).wrapping_add_signed(change);
            memory.set_number(address, number);
            thread.accesses.push((address, true));
            let flags = thread.get(amd64::EFL) & !ZERO_FLAG;
            thread.set(amd64::EFL, if number == 0 { flags | ZERO_FLAG } else { flags });
            next += 7;
        }
        [0x0f, 0x05, ..] => {
            outcome = Outcome::Call(thread.get(amd64::RAX));
            next += 2;
        }
        _ => outcome = Outcome::Illegal,
    }
    thread.registers.set_pc(Address(next));
    outcome
}
