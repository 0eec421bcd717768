//! What is here of a debuggee at rest, and what was asked for that is not.

use farsight_session::record::SymbolName;
use farsight_symbols::{ReadOutcome, RegisterOutcome, SymbolKind, ValueContext, ValueError, register_name};
use farsight_types::registers::{amd64, xsave};
use farsight_types::{Address, AddressRange, Registers, Rva};

use crate::mailbox::Mailbox;
use crate::memory::Cached;
use crate::model::Process;
use crate::symbols::{name_of, only_place};

/// What work on values lacked.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    pub(crate) memory: Vec<AddressRange>,
    /// The thread's vector registers.
    pub(crate) vector: bool,
    /// Modules whose names are not indexed.
    pub(crate) indexes: Vec<usize>,
}

impl Needs {
    pub(crate) fn is_empty(&self) -> bool {
        self.memory.is_empty() && !self.vector && self.indexes.is_empty()
    }
}

/// See the module.
pub(crate) struct Source<'p> {
    pub(crate) process: &'p Process,
    /// The thread's registers, those of the vector unit as far as they were fetched.
    pub(crate) registers: Option<&'p Registers>,
    pub(crate) needs: Needs,
    /// Modules whose indexes were waited for.
    pub(crate) indexed: &'p [usize],
    pub(crate) interrupts: Interrupts<'p>,
}

/// Tells whether the user still waits for the command; what is asked often looks seldom.
#[derive(Default)]
pub(crate) struct Interrupts<'p> {
    /// None where nobody waits.
    mailbox: Option<&'p Mailbox>,
    asked: u32,
    came: bool,
}

impl<'p> Interrupts<'p> {
    pub(crate) fn new(mailbox: &'p Mailbox) -> Interrupts<'p> {
        Interrupts {
            mailbox: Some(mailbox),
            ..Interrupts::default()
        }
    }

    /// Asks, and looks at what has arrived now and then.
    pub(crate) fn ask(&mut self) -> bool {
        self.asked = self.asked.wrapping_add(1);
        if !self.came && self.asked.is_multiple_of(QUESTIONS) {
            self.came = self.mailbox.is_some_and(Mailbox::is_interrupted);
        }
        self.came
    }

    /// Whether one came.
    pub(crate) fn came(&self) -> bool {
        self.came
    }
}

/// Questions between two looks at what has arrived.
const QUESTIONS: u32 = 64;

impl Source<'_> {
    /// Whether the user has ended the command: what is done from now on is not looked at.
    pub(super) fn is_interrupted(&mut self) -> bool {
        self.interrupts.ask()
    }

    /// The symbol at or before an address, as far as symbols are here.
    pub(super) fn symbol(&self, address: Address) -> Option<SymbolName> {
        let module = self.process.module_at(address)?;
        module.loaded()?;
        name_of(self.process, address).filter(|name| name.name.is_some())
    }

    /// Notes that a module's index is wanted; false where it was waited for and there is none.
    pub(super) fn wants_index(&mut self, module: usize) -> bool {
        let wants = !self.indexed.contains(&module);
        if wants {
            self.needs.indexes.push(module);
        }
        wants
    }

    /// Where a symbol of data lies, by its name in the image: in this module, else in one of the others that are here.
    pub(super) fn data_symbol(&self, module: usize, raw: &str) -> Option<Address> {
        let own = self.process.modules.get(module);
        let modules = own.into_iter().chain(self.process.modules.iter());
        modules.into_iter().find_map(|module| {
            let found = module.loaded()?.table().by_name(raw);
            let mut found = found.iter().filter(|symbol| symbol.raw_name() == raw);
            let symbol = found.find(|symbol| symbol.kind() == SymbolKind::Data)?;
            Some(module.address(symbol.rva()))
        })
    }

    fn word(&mut self, address: Address) -> Result<u64, ValueError> {
        let mut bytes = [0; 8];
        match self.read(address, &mut bytes) {
            ReadOutcome::Read => Ok(u64::from_le_bytes(bytes)),
            ReadOutcome::NotYet => Err(ValueError::NotYet),
            ReadOutcome::Unreadable => Err(ValueError::Unreadable { at: address }),
        }
    }
}

impl ValueContext for Source<'_> {
    fn read(&mut self, address: Address, into: &mut [u8]) -> ReadOutcome {
        match self.process.memory.read(address, into) {
            Cached::All => ReadOutcome::Read,
            Cached::Until(_) => ReadOutcome::Unreadable,
            Cached::Missing => {
                self.needs.memory.push(AddressRange::new(address, into.len() as u64));
                ReadOutcome::NotYet
            }
        }
    }

    fn vector(&mut self, dwarf: u16) -> RegisterOutcome {
        let Some(registers) = self.registers else {
            return RegisterOutcome::Lost;
        };
        if registers.vector.is_empty() {
            self.needs.vector = true;
            return RegisterOutcome::NotYet;
        }
        let Some(found) = xsave::read(&registers.vector, register_name(dwarf)) else {
            return RegisterOutcome::Lost;
        };
        let mut bytes = [0; 16];
        for (into, byte) in bytes.iter_mut().zip(found) {
            *into = byte;
        }
        RegisterOutcome::Known(bytes)
    }

    fn function_named(&self, bias: u64, name: &str) -> Option<Rva> {
        let mut modules = self.process.modules.iter();
        only_place(modules.find(|module| module.image.bias == bias)?, name)
    }

    fn thread_local(&mut self, bias: u64, offset: u64) -> Result<Address, ValueError> {
        let registers = self.registers.ok_or(ValueError::ThreadLocal)?;
        let thread = Address(registers.value(amd64::FS_BASE));
        let mut modules = self.process.modules.iter();
        let module = modules.find(|module| module.image.bias == bias);
        let storage = module
            .and_then(|module| module.loaded())
            .and_then(|symbols| symbols.thread_storage())
            .ok_or(ValueError::ThreadLocal)?;
        if module.is_some_and(|module| module.image.is_program) {
            // Variant II of the ABI: the program's storage ends where the thread's own block begins.
            let size = storage.size.next_multiple_of(storage.align.max(1));
            return Ok(Address(thread.0.wrapping_sub(size).wrapping_add(offset)));
        }
        // The loader's number of the module is in a slot that it filled in; the thread's table has the rest.
        let slot = storage.module_slot.ok_or(ValueError::ThreadLocal)?;
        let number = self.word(Address(slot.0.wrapping_add(bias)))?;
        let table = self.word(thread.wrapping_add(8))?;
        if number == 0 || number > MOST_MODULES {
            return Err(ValueError::ThreadLocal);
        }
        let block = self.word(Address(table.wrapping_add(number * 16)))?;
        match block {
            // Not allocated before its first use.
            0 | u64::MAX => Err(ValueError::ThreadLocal),
            block => Ok(Address(block.wrapping_add(offset))),
        }
    }
}

/// More modules with storage of threads than any process has.
const MOST_MODULES: u64 = 1 << 16;
