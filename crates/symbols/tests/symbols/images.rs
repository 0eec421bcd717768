//! Images and symbols of the system's own files and of small programs.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use farsight_symbols::{
    Image, ImageFile, ImageKind, ModuleUnwind, PartsReader, PartsStep, Pattern, SymbolKind, SymbolTable, crc_matches,
};
use farsight_types::Rva;

use crate::support::{Scratch, image, run};

const PROGRAM: &str = r#"
#include <stdio.h>
static volatile int counter = 3;
int table[16];
__attribute__((noinline)) static int helper(int x) { return x * counter; }
__attribute__((noinline)) int work(int x) { puts("x"); return helper(x) + table[x]; }
int alias(int x) __attribute__((alias("work")));
static int (*pick(void))(int) { return helper; }
int picked(int x) __attribute__((ifunc("pick")));
int main(int argc, char **argv) { return work(argc) + picked(argc); }
"#;

fn objcopy(arguments: &[&str]) -> bool {
    run(Command::new("objcopy").args(arguments)).is_some_and(|output| output.status.success())
}

/// The addresses that `nm` gives, by name.
fn nm(path: &Path) -> Option<Vec<(u64, String)>> {
    let output = run(Command::new("nm").arg(path))?;
    let text = String::from_utf8(output.stdout).unwrap();
    let symbol = |line: &str| {
        let (address, rest) = line.split_once(' ')?;
        let (_, name) = rest.split_once(' ')?;
        Some((u64::from_str_radix(address, 16).ok()?, name.to_owned()))
    };
    Some(text.lines().filter_map(symbol).collect())
}

#[test]
fn a_program_says_what_it_is() {
    for (flag, kind) in [
        ("-pie", ImageKind::PositionIndependentExecutable),
        ("-no-pie", ImageKind::Executable),
        ("-shared", ImageKind::SharedObject),
    ] {
        let scratch = Scratch::new();
        let flags = ["-O1", "-fPIC", flag, "-Wl,--build-id=sha1", "-Wl,-soname,its-name"];
        let Some(path) = scratch.compile("gcc", PROGRAM, &flags) else {
            return;
        };
        let image = image(&path).unwrap();
        let layout = image.layout();
        let expected = match flag {
            // A name of its own makes a position-independent program look like a library with an interpreter, but the
            // linker marks it.
            "-pie" => ImageKind::PositionIndependentExecutable,
            _ => kind,
        };
        assert_eq!(layout.kind, expected, "{flag}");
        assert_eq!(layout.build_id.as_ref().unwrap().0.len(), 20);
        let base = if flag == "-no-pie" { 0x40_0000 } else { 0 };
        assert_eq!(layout.link_base, Rva(base));
        let entry = layout.entry.unwrap_or(Rva(base));
        assert!(flag == "-shared" || layout.segment_at(entry).unwrap().executable);
        let code = layout.section_index(".text").unwrap();
        let start = layout.sections[code].address;
        assert_eq!(image.bytes_at(start, 16)[..], image.section_bytes(code).unwrap()[..16]);
        assert!(layout.size > 0x3000 && layout.size < 0x10_0000);
        if flag == "-shared" {
            assert_eq!(layout.soname.as_deref(), Some("its-name"));
        }
    }
}

#[test]
fn names_and_places_are_nms() {
    let scratch = Scratch::new();
    let Some(path) = scratch.compile("gcc", PROGRAM, &["-O1"]) else {
        return;
    };
    let image = image(&path).unwrap();
    let table = SymbolTable::build(&[&*image]);
    let Some(names) = nm(&path) else { return };
    let defined = |name: &str| names.iter().find(|(_, known)| known == name).unwrap().0;
    for name in [
        "main", "work", "helper", "alias", "counter", "table", "picked", "_start",
    ] {
        let [found] = table.by_name(name)[..] else {
            panic!("{name}: {:?}", table.by_name(name));
        };
        assert_eq!(found.rva(), Rva(defined(name)), "{name}");
        let (at, distance) = table.at(Rva(found.rva().0 + found.size() - 1)).unwrap();
        assert_eq!((at.rva(), distance), (found.rva(), found.size() - 1), "{name}");
    }
    let kind = |name: &str| table.by_name(name)[0].kind();
    assert_eq!(kind("main"), SymbolKind::Function);
    assert_eq!(kind("counter"), SymbolKind::Data);
    assert_eq!(kind("picked"), SymbolKind::Ifunc);
    // Of two names the shorter wins.
    let work = table.by_name("alias")[0].rva();
    assert_eq!(table.at(work).unwrap().0.name(), "work");
    let (before, after) = table.neighbours(Rva(work.0 + 1));
    assert_eq!(before.unwrap().rva(), work);
    assert!(after.unwrap().rva() > work);
    let wild: Vec<String> = table
        .matching(&Pattern::for_symbols("?ORK"))
        .into_iter()
        .map(|symbol| symbol.name())
        .collect();
    assert_eq!(wild, ["work"]);
}

#[test]
fn stubs_are_named_in_every_layout() {
    for flags in [
        &["-fcf-protection=full"][..],
        &["-fcf-protection=full", "-Wl,-z,now"],
        &["-fcf-protection=none", "-Wl,-z,lazy"],
        &["-fcf-protection=none", "-no-pie"],
        &["-fcf-protection=none", "-fno-plt", "-Wl,-z,now", "-DNOTHING"],
    ] {
        let scratch = Scratch::new();
        let Some(path) = scratch.compile("gcc", PROGRAM, flags) else {
            return;
        };
        let image = image(&path).unwrap();
        let table = SymbolTable::build(&[&*image]);
        let stubs: Vec<_> = table
            .iter()
            .filter(|symbol| symbol.kind() == SymbolKind::Plt)
            .map(|symbol| symbol.name())
            .collect();
        assert!(
            stubs.contains(&"picked@plt".to_owned()) || flags.contains(&"-DNOTHING"),
            "{stubs:?}"
        );
        if !flags.contains(&"-fno-plt") {
            let [puts] = table.by_name("puts@plt")[..] else {
                panic!("{flags:?}: {stubs:?}");
            };
            let (found, _) = table.at(Rva(puts.rva().0 + puts.size() - 1)).unwrap();
            assert_eq!(found.name(), "puts@plt");
            assert!(table.by_name("puts").is_empty(), "a stub is not the function");
        }
    }
}

#[test]
fn a_stripped_image_and_its_debug_file_are_one() {
    let scratch = Scratch::new();
    let flags = ["-O1", "-g", "-gz=zlib", "-fno-asynchronous-unwind-tables"];
    let Some(whole) = scratch.compile("gcc", PROGRAM, &flags) else {
        return;
    };
    let text = |name: &str| scratch.path(name).display().to_string();
    let (program, debug, stripped) = (text("program"), text("program.debug"), text("stripped"));
    let link = format!("--add-gnu-debuglink={debug}");
    if !objcopy(&["--only-keep-debug", &program, &debug]) || !objcopy(&["--strip-all", &link, &program, &stripped]) {
        return;
    }
    let (stripped, debug_file) = (image(Path::new(&stripped)).unwrap(), image(Path::new(&debug)).unwrap());
    let link = stripped.layout().debug_link.clone().unwrap();
    assert_eq!(link.name, "program.debug");
    assert!(crc_matches(&link, debug_file.bytes()));
    assert!(!crc_matches(&link, stripped.bytes()));

    assert!(SymbolTable::build(&[&*stripped]).by_name("helper").is_empty());
    let table = SymbolTable::build(&[&*stripped, &*debug_file]);
    let reference = image(&whole).unwrap();
    let all = |table: &SymbolTable| -> Vec<(u64, u64, String)> {
        let mut all: Vec<_> = table
            .iter()
            .map(|symbol| (symbol.rva().0, symbol.size(), symbol.name()))
            .collect();
        all.sort();
        all
    };
    assert_eq!(all(&table), all(&SymbolTable::build(&[&*reference])));
    let frames = debug_file.section_named(".debug_frame").unwrap();
    assert_eq!(frames[..], reference.section_named(".debug_frame").unwrap()[..]);
}

/// Fetches the pieces of a file as a host without the file would.
pub(crate) fn fetched(bytes: &[u8], file_size: Option<u64>) -> (Arc<dyn Image>, usize, usize) {
    let mut reader = PartsReader::new(file_size);
    let (mut batches, mut fetched) = (0, 0);
    loop {
        match reader.step().unwrap() {
            PartsStep::Need(ranges) => {
                batches += 1;
                for range in ranges {
                    let start = (range.offset as usize).min(bytes.len());
                    let end = (start + range.length as usize).min(bytes.len());
                    fetched += end - start;
                    reader.supply(range, bytes[start..end].to_vec());
                }
            }
            PartsStep::Done(parts) => return (Arc::new(*parts), batches, fetched),
        }
    }
}

#[test]
fn fetched_pieces_know_what_the_whole_file_knows() {
    for path in ["/bin/ls", "/lib/x86_64-linux-gnu/libc.so.6", "/proc/self/exe"] {
        let Some(whole) = image(Path::new(path)) else {
            continue;
        };
        let size = whole.bytes().len();
        for (file_size, most) in [(Some(size as u64), 2), (None, 3)] {
            let (parts, batches, fetched) = fetched(whole.bytes(), file_size);
            // This program's own linker may keep the section names apart.
            let most = most + usize::from(path == "/proc/self/exe");
            assert!(batches <= most, "{path}: {batches} batches");
            assert!(fetched < size / 2 || size < 200_000, "{path}: {fetched} of {size}");
            assert_eq!(parts.layout(), whole.layout());
            let (ours, theirs) = (SymbolTable::build(&[&*parts]), SymbolTable::build(&[&*whole]));
            assert_eq!(ours.len(), theirs.len());
            assert!(ours.len() > 10, "{path}");
            assert!(!ModuleUnwind::new(&[&*parts]).is_empty());
        }
    }
}

#[test]
fn the_c_library_is_known_by_its_names() {
    let Some(library) = image(Path::new("/lib/x86_64-linux-gnu/libc.so.6")) else {
        return;
    };
    assert_eq!(library.layout().soname.as_deref(), Some("libc.so.6"));
    assert_eq!(library.layout().kind, ImageKind::SharedObject);
    let table = SymbolTable::build(&[&*library]);
    for name in ["malloc", "write", "printf", "memcpy"] {
        let found = table.by_name(name);
        assert!(!found.is_empty(), "{name}");
        let (best, 0) = table.at(found[0].rva()).unwrap() else {
            panic!("{name}");
        };
        assert!(!best.name().contains("GLIBC"), "{best:?}");
    }
    assert_eq!(
        table.at(table.by_name("__libc_malloc")[0].rva()).unwrap().0.name(),
        "malloc"
    );
    let exact = table.matching(&Pattern::for_symbols("MALLO?"));
    assert_eq!(exact.len(), 1);
}

#[test]
fn cpp_and_rust_names_are_found_as_people_write_them() {
    let scratch = Scratch::new();
    let source = r#"
        #include <string>
        namespace shop {
        struct Cart {
            Cart(); ~Cart();
            int add(int count); int add(const std::string &name, int count);
            Cart operator+(const Cart &other) const;
        };
        Cart::Cart() {} Cart::~Cart() {}
        int Cart::add(int count) { return count; }
        int Cart::add(const std::string &name, int count) { return count + (int)name.size(); }
        Cart Cart::operator+(const Cart &) const { return Cart(); }
        template <class T> __attribute__((noinline)) T twice(T x) { return x + x; }
        }
        int main(int argc, char **) { shop::Cart cart; return shop::twice(cart.add(argc)) + (int)shop::twice(1.5); }
    "#;
    if let Some(path) = scratch.compile("g++", source, &["-O0"]) {
        let image = image(&path).unwrap();
        let table = SymbolTable::build(&[&*image]);
        let count = |name: &str| table.by_name(name).len();
        assert_eq!(count("shop::Cart::add"), 2);
        assert_eq!(count("shop::Cart::add(int)"), 1);
        assert_eq!(count("shop::Cart::Cart"), 1);
        assert_eq!(count("shop::Cart::~Cart()"), 1);
        assert_eq!(count("shop::Cart::operator+"), 1);
        assert_eq!(count("shop::twice<int>"), 1);
        assert_eq!(count("shop::cart::add"), 0);
        assert_eq!(count("main"), 1);
        let matching = |pattern: &str| table.matching(&Pattern::for_symbols(pattern)).len();
        assert_eq!(matching("*cart::add*"), 2);
        assert_eq!(matching("shop::twice<*>"), 2);
        assert_eq!(matching("*::add(int)"), 1);
    }
    // This very test is a Rust program.
    let bytes = std::fs::read("/proc/self/exe").unwrap();
    let image = ImageFile::parse(Arc::new(bytes)).unwrap();
    let table = SymbolTable::build(&[&image]);
    let name = "symbols::images::fetched";
    let [found] = table.by_name(name)[..] else {
        panic!("{:?}", table.by_name(name));
    };
    assert_eq!(found.full_name(), name);
    assert!(
        !table
            .matching(&Pattern::for_symbols("symbols::images::fetch*"))
            .is_empty()
    );
    assert!(!table.by_name("main").is_empty());
}
