//! A stopped process as gdb sees it: registers, mappings, memory, and gdb's own idea of its frames.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use farsight_symbols::{
    Frame, FrameRegisters, Image, ImageFile, LoadedUnwind, ModuleLookup, ModuleUnwind, ReadOutcome, Step, SymbolTable,
    UnwindContext, Unwinder,
};
use farsight_types::registers::amd64;
use farsight_types::{Address, Rva};

use crate::support;

/// Stops a program as told and writes what there is to know.
const SCRIPT: &str = r#"
import gdb, os, signal, threading
gdb.execute("set pagination off"); gdb.execute("set confirm off")
gdb.execute("set backtrace past-main on"); gdb.execute("set backtrace past-entry on")
gdb.execute("set disable-randomization on"); gdb.execute("set startup-with-shell off")
gdb.execute("set inferior-tty /dev/null")
for command in os.environ["COMMANDS"].split(";"):
    if command.startswith("wait "):
        pid = gdb.selected_inferior().pid
        threading.Timer(int(command.split()[1]) / 1000, lambda: os.kill(pid, signal.SIGINT)).start()
        command = "continue"
    gdb.execute(command)
out = open(os.environ["OUT"], "w")
value = lambda frame, name: int(frame.read_register(name)) & (2**64 - 1)
names = "rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip".split()
frame = gdb.newest_frame()
print("registers", *["%x" % value(frame, n) for n in names], file=out)
inferior = gdb.selected_inferior()
for line in open("/proc/%d/maps" % inferior.pid):
    part = line.split(None, 5)
    start, end = [int(x, 16) for x in part[0].split("-")]
    path = part[5].strip() if len(part) > 5 else ""
    print("map %x %x %s %s" % (start, end, part[1], path), file=out)
    if ("w" in part[1] or path == "[vdso]") and end - start <= 16 << 20:
        name = "%s.%x" % (os.environ["OUT"], start)
        with open(name, "wb") as f: f.write(bytes(inferior.read_memory(start, end - start)))
count = 0
while frame is not None and count < 200:
    if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
        frame.select()
        info = gdb.execute("info frame", to_string=True)
        cfa = int(info.split("frame at ")[1].split(":")[0], 16)
        saved = ["%x" % value(frame, n) for n in "rbx rbp r12 r13 r14 r15".split()]
        kind = "signal" if frame.type() == gdb.SIGTRAMP_FRAME else "call"
        print("frame %x %x %s %s" % (frame.pc(), cfa, kind, " ".join(saved)), file=out)
        count += 1
    frame = frame.older()
out.close()
gdb.execute("kill")
"#;

/// A frame as gdb has it.
#[derive(Debug)]
pub(crate) struct GdbFrame {
    pub(crate) pc: u64,
    pub(crate) cfa: u64,
    pub(crate) is_signal_frame: bool,
    /// rbx, rbp, r12 to r15.
    pub(crate) saved: Vec<u64>,
}

struct Module {
    path: PathBuf,
    base: u64,
    end: u64,
    file: Arc<ImageFile>,
    image: Arc<dyn Image>,
    symbols: SymbolTable,
    unwind: Arc<ModuleUnwind>,
}

pub(crate) struct Snapshot {
    pub(crate) registers: FrameRegisters,
    pub(crate) gdb_frames: Vec<GdbFrame>,
    memory: Vec<(u64, Vec<u8>)>,
    code: Vec<(u64, u64)>,
    modules: Vec<Module>,
    /// Where given, nothing is there before it was asked for: pages and modules.
    fetched: Option<HashSet<u64>>,
}

impl Snapshot {
    /// Runs a program under gdb with commands that stop it somewhere; none where gdb is missing.
    pub(crate) fn take(program: &[&str], commands: &str) -> Option<Snapshot> {
        let scratch = support::Scratch::new();
        let (script, out) = (scratch.path("script.py"), scratch.path("out"));
        std::fs::write(&script, SCRIPT).unwrap();
        let output = support::run(
            Command::new("gdb")
                .args(["-nx", "-batch", "-x"])
                .arg(&script)
                .arg("--args")
                .args(program)
                .env("COMMANDS", commands)
                .env("OUT", &out)
                .env_remove("DEBUGINFOD_URLS"),
        )?;
        let Ok(text) = std::fs::read_to_string(&out) else {
            panic!("gdb: {}", String::from_utf8_lossy(&output.stderr));
        };
        Some(Snapshot::parse(&text, &out))
    }

    fn parse(text: &str, out: &Path) -> Snapshot {
        let hex = |word: &str| u64::from_str_radix(word, 16).unwrap();
        let mut snapshot = Snapshot {
            registers: FrameRegisters::default(),
            gdb_frames: Vec::new(),
            memory: Vec::new(),
            code: Vec::new(),
            modules: Vec::new(),
            fetched: None,
        };
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["registers", values @ ..] => {
                    for (place, value) in values.iter().enumerate() {
                        snapshot.registers.set(place, Some(hex(value)));
                    }
                }
                ["map", start, end, access, path @ ..] => {
                    let path = PathBuf::from(path.join(" "));
                    snapshot.add_map(hex(start), hex(end), access.contains('x'), &path, out);
                }
                ["frame", pc, cfa, kind, saved @ ..] => snapshot.gdb_frames.push(GdbFrame {
                    pc: hex(pc),
                    cfa: hex(cfa),
                    is_signal_frame: *kind == "signal",
                    saved: saved.iter().map(|word| hex(word)).collect(),
                }),
                other => panic!("{other:?}"),
            }
        }
        snapshot
    }

    fn add_map(&mut self, start: u64, end: u64, is_code: bool, path: &Path, out: &Path) {
        let dumped = PathBuf::from(format!("{}.{start:x}", out.display()));
        let bytes = std::fs::read(dumped).ok();
        if is_code {
            self.code.push((start, end));
        }
        if path.is_absolute() {
            let known = self.modules.iter_mut().find(|module| module.path == path);
            if let Some(known) = known {
                known.end = end;
            } else if let Some(image) = support::image(path) {
                self.add_module(path, start, end, image);
            }
        } else if path == Path::new("[vdso]") {
            let image = ImageFile::parse(Arc::new(bytes.clone().unwrap())).unwrap();
            self.add_module(path, start, end, Arc::new(image));
        }
        self.memory.extend(bytes.map(|bytes| (start, bytes)));
    }

    fn add_module(&mut self, path: &Path, base: u64, end: u64, image: Arc<ImageFile>) {
        let unwind = Arc::new(ModuleUnwind::new(&[&*image]));
        self.modules.push(Module {
            path: path.to_owned(),
            base,
            end,
            symbols: SymbolTable::build(&[&*image]),
            file: Arc::clone(&image),
            image,
            unwind,
        });
    }

    /// Lets each module be known by another image, made from its file.
    pub(crate) fn know_modules_by(&mut self, make: impl Fn(&ImageFile) -> Arc<dyn Image>) {
        for module in &mut self.modules {
            module.image = make(&module.file);
            module.unwind = Arc::new(ModuleUnwind::new(&[&*module.image]));
            module.symbols = SymbolTable::build(&[&*module.image]);
        }
    }

    /// The name of the function at each frame.
    pub(crate) fn names(&self, frames: &[Frame]) -> Vec<String> {
        let name = |frame: &Frame| {
            let address = frame.lookup_address().0;
            let holds = |module: &&Module| (module.base..module.end).contains(&address);
            let module = self.modules.iter().find(holds)?;
            let bias = module.image.layout().bias_at(Address(module.base));
            let (symbol, _) = module.symbols.at(Rva(address.wrapping_sub(bias)))?;
            Some(symbol.name())
        };
        frames.iter().map(|frame| name(frame).unwrap_or_default()).collect()
    }

    /// Forgets everything, so that the walk has to ask.
    pub(crate) fn forget(&mut self) {
        self.fetched = Some(HashSet::new());
    }

    fn is_fetched(&self, key: u64) -> bool {
        self.fetched.as_ref().is_none_or(|fetched| fetched.contains(&key))
    }

    fn fetch(&mut self, key: u64) {
        if let Some(fetched) = &mut self.fetched {
            assert!(fetched.insert(key), "asked for {key:#x} twice");
        }
    }

    /// Walks, fetching what is asked for: the frames, and how often it had to fetch.
    pub(crate) fn walk(&mut self) -> (Vec<Frame>, usize) {
        let mut unwinder = Unwinder::new(self.registers);
        let (mut frames, mut fetches) = (Vec::new(), 0);
        while frames.len() < 200 {
            match unwinder.step(self) {
                Step::Frame(frame) => frames.push(frame),
                Step::NeedMemory(range) => {
                    fetches += 1;
                    let first = range.start.align_down(4096).0;
                    let pages = (first..range.end().0).step_by(4096);
                    let missing: Vec<u64> = pages.filter(|page| !self.is_fetched(*page)).collect();
                    assert!(!missing.is_empty(), "{range:?} is here already");
                    missing.into_iter().for_each(|page| self.fetch(page));
                }
                Step::NeedModule(address) => {
                    fetches += 1;
                    let module = self
                        .modules
                        .iter()
                        .find(|module| (module.base..module.end).contains(&address.0));
                    let key = module.map_or(address.0, |module| module.base) | 1;
                    self.fetch(key);
                }
                Step::End(reason) => {
                    assert_eq!(unwinder.step(self), Step::End(reason));
                    break;
                }
            }
        }
        (frames, fetches)
    }

    /// How many of gdb's frames are ours too, and all of gdb's.
    pub(crate) fn agreement(&mut self) -> (usize, usize) {
        let (frames, _) = self.walk();
        // At a thread's first instructions gdb takes the program's arguments for frames, and guesses the CFA before.
        let known = self.gdb_frames.len();
        let is_code = |snapshot: &mut Snapshot, at: usize| {
            let pc = snapshot.gdb_frames.get(at).map_or(0, |frame| frame.pc);
            snapshot.is_code(Address(pc))
        };
        if let Some(junk) = (1..known).find(|at| !is_code(self, *at)) {
            self.gdb_frames.truncate(junk);
            self.gdb_frames[junk - 1].cfa = 0;
        }
        let same = |(ours, theirs): &(&Frame, &GdbFrame)| {
            let cfa = ours.cfa.map_or(0, |cfa| cfa.0);
            ours.pc.0 == theirs.pc && (cfa == theirs.cfa || theirs.cfa == 0)
        };
        let agree = frames.iter().zip(&self.gdb_frames).take_while(same).count();
        if agree != self.gdb_frames.len() || agree != frames.len() {
            let theirs = self.gdb_frames.get(agree.saturating_sub(1)..);
            let ours = frames.get(agree.saturating_sub(1)..);
            eprintln!("from frame {agree} on:\n  gdb: {theirs:x?}\n  ours: {ours:x?}");
        }
        (agree, self.gdb_frames.len().max(frames.len()))
    }

    /// Every frame of gdb's, with pc, CFA and callee-saved registers, is ours, and there are no others.
    pub(crate) fn assert_frames_equal_gdbs(&mut self) -> Vec<Frame> {
        let (frames, _) = self.walk();
        for (at, theirs) in self.gdb_frames.iter().enumerate() {
            let Some(ours) = frames.get(at) else {
                panic!("frame {at} is missing: {theirs:x?}\nafter {frames:#x?}");
            };
            assert_eq!(ours.pc, Address(theirs.pc), "pc of frame {at}: {ours:#x?}");
            // The outermost frame has a CFA like any other; gdb calls it 0.
            if theirs.cfa != 0 || at + 1 != self.gdb_frames.len() {
                assert_eq!(ours.cfa, Some(Address(theirs.cfa)), "CFA of frame {at}: {ours:#x?}");
            }
            assert_eq!(ours.is_signal_frame, theirs.is_signal_frame, "frame {at}");
            let places = [amd64::RBX, amd64::RBP, 12, 13, 14, 15];
            for (place, theirs) in places.into_iter().zip(&theirs.saved) {
                if ours.trust.is_exact() {
                    let name = amd64::GENERAL[place];
                    assert_eq!(
                        ours.registers.get(place),
                        Some(*theirs),
                        "{name} of frame {at}: {ours:#x?}"
                    );
                }
            }
        }
        assert_eq!(frames.len(), self.gdb_frames.len(), "{:#x?}", frames.last());
        frames
    }
}

impl UnwindContext for Snapshot {
    fn module_at(&mut self, address: Address) -> ModuleLookup {
        let found = self
            .modules
            .iter()
            .find(|module| (module.base..module.end).contains(&address.0));
        match found {
            Some(module) if !self.is_fetched(module.base | 1) => ModuleLookup::NotYet,
            Some(module) => ModuleLookup::Found(LoadedUnwind {
                base: Address(module.base),
                unwind: Arc::clone(&module.unwind),
            }),
            None => ModuleLookup::Nowhere,
        }
    }

    fn read(&mut self, address: Address, into: &mut [u8]) -> ReadOutcome {
        assert!(!into.is_empty(), "a read of nothing at {address}");
        let last = address.wrapping_add(into.len() as u64 - 1);
        for page in [address, last] {
            if !self.is_fetched(page.align_down(4096).0) {
                return ReadOutcome::NotYet;
            }
        }
        for (start, bytes) in &self.memory {
            let Some(inside) = address.0.checked_sub(*start) else {
                continue;
            };
            if let Some(part) = bytes.get(inside as usize..inside as usize + into.len()) {
                into.copy_from_slice(part);
                return ReadOutcome::Read;
            }
        }
        for module in &self.modules {
            if (module.base..module.end).contains(&address.0) {
                let bias = module.image.layout().bias_at(Address(module.base));
                let rva = Rva(address.0.wrapping_sub(bias));
                let bytes = module.image.bytes_at(rva, into.len());
                if bytes.len() == into.len() {
                    into.copy_from_slice(&bytes);
                    return ReadOutcome::Read;
                }
            }
        }
        ReadOutcome::Unreadable
    }

    fn is_code(&mut self, address: Address) -> bool {
        let inside = |(start, end): &(u64, u64)| (*start..*end).contains(&address.0);
        self.code.iter().any(inside)
    }

    fn function_start(&mut self, address: Address) -> Option<Address> {
        let holds = |module: &&Module| (module.base..module.end).contains(&address.0);
        let module = self.modules.iter().find(holds)?;
        let bias = module.image.layout().bias_at(Address(module.base));
        let (symbol, _) = module.symbols.at(Rva(address.0.wrapping_sub(bias)))?;
        Some(Address(symbol.rva().0.wrapping_add(bias)))
    }
}
