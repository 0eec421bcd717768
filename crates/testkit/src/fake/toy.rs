//! The program that the fake target runs: real x86-64 code in a real ELF file, made here byte by byte.
//!
//! | address | what |
//! |---|---|
//! | 0x400000 | ELF header, program headers, build-id note |
//! | 0x401000 | `.text`: `_start`, `main`, `work`, `leaf`, `worker` |
//! | 0x402000 | `.eh_frame_hdr`, `.eh_frame` |
//! | 0x403000 | `.data`: `counter`, `rounds`, `left`, `greeting` |
//!
//! A place in the file is its address less 0x400000; symbol tables follow, unmapped.

mod assembler;
mod file;
mod lines;

use std::collections::BTreeMap;

use farsight_target::{Image, Section};
use farsight_types::{Address, BuildId, FileOffset};

use assembler::Assembler;

/// Where the program is mapped.
pub const BASE: u64 = 0x40_0000;
/// Its code.
pub const TEXT: u64 = 0x40_1000;
pub(super) const UNWIND: u64 = 0x40_2000;
/// Its data.
pub const DATA: u64 = 0x40_3000;
/// End of what is mapped.
pub const END: u64 = 0x40_4000;
/// The path that the fake machine gives it.
pub const PATH: &str = "/opt/toy/toy";
/// What it writes to its terminal when it is launched.
pub const GREETING: &[u8] = b"hello from toy\n";

/// Counts calls of `leaf`.
pub const COUNTER: u64 = DATA;
/// Counts calls of `work`.
pub const ROUNDS: u64 = DATA + 8;
/// Rounds that `main` still has to do.
pub const LEFT: u64 = DATA + 16;
/// Where [`GREETING`] is.
pub const GREETING_AT: u64 = DATA + 32;

/// A library without symbols that `loader` maps and unmaps.
pub const PLUGIN_PATH: &str = "/opt/toy/plugin.so";
pub(super) const PLUGIN: u64 = 0x50_0000;

/// System calls of the fake machine.
pub(super) const SYS_WRITE: u64 = 1;
pub(super) const SYS_LOAD: u64 = 9;
pub(super) const SYS_UNLOAD: u64 = 11;
pub(super) const SYS_CLONE: u64 = 56;
pub(super) const SYS_FORK: u64 = 57;
pub(super) const SYS_EXEC: u64 = 59;
pub(super) const SYS_EXIT: u64 = 60;
pub(super) const SYS_EXIT_THREAD: u64 = 61;
/// Sends the calling thread SIGUSR1.
pub(super) const SYS_RAISE: u64 = 62;

/// Code, with the start and length of each function.
type Code = (Vec<u8>, BTreeMap<&'static str, (u64, u64)>);

/// The program: its file and the addresses of its functions.
#[derive(Clone, Debug)]
pub struct Toy {
    /// The bytes of its ELF file.
    pub file: Vec<u8>,
    /// How the target services describe it.
    pub image: Image,
    functions: BTreeMap<&'static str, (u64, u64)>,
}

impl Toy {
    /// Makes the program; the same bytes every time.
    pub fn build() -> Toy {
        Toy::of(PATH, *b"\xfa\x51\x67\x47toy-program-v1..", code())
    }

    /// Starts a thread and a process. The first does some work and ends; the other runs `toy`, and `main` goes on.
    pub fn forker() -> Toy {
        Toy::of("/opt/toy/forker", *b"\xfa\x51\x67\x47toy-forker-v1...", forker())
    }

    /// Maps a library, works, and unmaps it.
    pub fn loader() -> Toy {
        Toy::of("/opt/toy/loader", *b"\xfa\x51\x67\x47toy-loader-v1...", loader())
    }

    /// Sends itself SIGUSR1, which it handles (`left` is its errno); executes a breakpoint of its own, and then what is no instruction.
    pub fn faults() -> Toy {
        Toy::of("/opt/toy/faults", *b"\xfa\x51\x67\x47toy-faults-v1...", faults())
    }

    /// As the first, with the places of source lines.
    pub fn lined() -> Toy {
        let (text, functions) = code();
        let debug = lines::parts(&functions);
        let build_id = *b"\xfa\x51\x67\x47toy-lined-v1....";
        Toy::with("/opt/toy/lined", build_id, (text, functions), &debug)
    }

    /// The tail of its path.
    pub fn name(&self) -> &str {
        self.image.path.rsplit('/').next().unwrap_or_default()
    }

    fn of(path: &str, build_id: [u8; 20], code: Code) -> Toy {
        Toy::with(path, build_id, code, &[])
    }

    fn with(path: &str, build_id: [u8; 20], (text, functions): Code, debug: &[lines::Part]) -> Toy {
        let build_id = BuildId(build_id.to_vec());
        let (file, sections) = file::write(&text, &functions, &build_id, debug);
        let image = Image {
            base: Address(BASE),
            size: END - BASE,
            bias: 0,
            path: path.into(),
            build_id: Some(build_id),
            debug_link: None,
            debug_link_crc: None,
            sections,
            is_program: true,
            entry: Some(Address(functions["_start"].0)),
            file_size: Some(file.len() as u64),
        };
        Toy { file, image, functions }
    }

    /// The address of a function.
    ///
    /// # Panics
    /// When there is none of that name.
    #[track_caller]
    pub fn function(&self, name: &str) -> Address {
        let (start, _) = self
            .functions
            .get(name)
            .unwrap_or_else(|| panic!("toy has no '{name}'"));
        Address(*start)
    }
}

/// The code with the start and length of each function.
fn code() -> (Vec<u8>, BTreeMap<&'static str, (u64, u64)>) {
    let mut asm = beginning();
    asm.system_call(SYS_WRITE);
    asm.system_call(SYS_CLONE);
    asm.system_call(SYS_CLONE);
    asm.label("main.loop");
    asm.call("work");
    asm.on_number(0x0d, LEFT); // dec qword [left]
    asm.jump_short(0x75, "main.loop"); // jnz
    asm.bytes(&[0xb8, 0, 0, 0, 0]); // mov eax, 0
    asm.leave();

    shared(&mut asm);

    asm.function("worker");
    asm.enter();
    asm.label("worker.loop");
    asm.call("work");
    asm.jump_short(0xeb, "worker.loop"); // jmp
    asm.leave();
    asm.finish()
}

/// `work` and `leaf`, as the toy has them.
fn shared(asm: &mut Assembler) {
    asm.function("work");
    asm.enter();
    asm.call("leaf");
    asm.on_number(0x05, ROUNDS); // inc qword [rounds]
    asm.leave();

    asm.function("leaf");
    asm.enter();
    asm.on_number(0x05, COUNTER);
    asm.bytes(&[0x90]);
    asm.leave();
}

/// `_start`, which calls `main` and exits.
fn beginning() -> Assembler {
    let mut asm = Assembler::new(TEXT);
    asm.function("_start");
    asm.call("main");
    asm.bytes(&[0x89, 0xc7]); // mov edi, eax
    asm.system_call(SYS_EXIT);
    asm.function("main");
    asm.enter();
    asm
}

fn forker() -> (Vec<u8>, BTreeMap<&'static str, (u64, u64)>) {
    let mut asm = beginning();
    asm.system_call(SYS_CLONE);
    asm.system_call(SYS_FORK);
    asm.bytes(&[0x85, 0xc0]); // test eax, eax
    asm.jump_short(0x74, "main.child"); // jz
    asm.label("main.loop");
    asm.call("work");
    asm.on_number(0x0d, LEFT); // dec qword [left]
    asm.jump_short(0x75, "main.loop"); // jnz
    asm.bytes(&[0xb8, 0, 0, 0, 0]); // mov eax, 0
    asm.leave();
    asm.label("main.child");
    asm.call("child");
    asm.leave();
    shared(&mut asm);
    asm.function("child");
    asm.enter();
    asm.call("leaf");
    asm.system_call(SYS_EXEC);
    asm.leave();
    asm.function("worker");
    asm.enter();
    asm.call("work");
    asm.system_call(SYS_EXIT_THREAD);
    asm.leave();
    asm.finish()
}

fn loader() -> (Vec<u8>, BTreeMap<&'static str, (u64, u64)>) {
    let mut asm = beginning();
    asm.system_call(SYS_LOAD);
    asm.call("work");
    asm.system_call(SYS_UNLOAD);
    asm.bytes(&[0xb8, 0, 0, 0, 0]); // mov eax, 0
    asm.leave();
    shared(&mut asm);
    asm.finish()
}

fn faults() -> (Vec<u8>, BTreeMap<&'static str, (u64, u64)>) {
    let mut asm = beginning();
    asm.system_call(SYS_RAISE);
    asm.bytes(&[0xcc]); // int 3
    asm.call("work");
    asm.bytes(&[0x0f, 0x0b]); // ud2
    asm.leave();
    shared(&mut asm);
    // As in a C library that is linked in: mov rax, left; add rax, fs:[0]; ret. The control block is at 0.
    asm.function("__errno_location");
    asm.bytes(&[0x48, 0xc7, 0xc0]);
    asm.bytes(&(LEFT as u32).to_le_bytes());
    asm.bytes(&[0x64, 0x48, 0x03, 0x04, 0x25, 0, 0, 0, 0, 0xc3]);
    asm.finish()
}

pub(super) fn section(name: &str, address: u64, offset: u64, size: u64, flags: u64, kind: u32) -> Section {
    Section {
        name: name.into(),
        address,
        offset: FileOffset(offset),
        size,
        loaded: address != 0,
        flags,
        kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_says_of_itself_what_the_services_say() {
        let toy = Toy::build();
        let folder = crate::Scratch::new();
        let path = folder.path().join("toy");
        std::fs::write(&path, &toy.file).unwrap();
        for name in ["_start", "main", "work", "leaf", "worker"] {
            assert_eq!(crate::elf::symbol(&path, name), toy.function(name).0, "{name}");
        }
        assert_eq!(crate::elf::symbol(&path, "counter"), COUNTER);
        for (name, other) in [
            ("forker", Toy::forker()),
            ("loader", Toy::loader()),
            ("faults", Toy::faults()),
            ("lined", Toy::lined()),
        ] {
            std::fs::write(&path, &other.file).unwrap();
            assert_eq!(other.name(), name);
            assert_eq!(crate::elf::symbol(&path, "work"), other.function("work").0);
        }
    }
}
