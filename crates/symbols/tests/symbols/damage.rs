//! Damaged images through every entry point: no panic, no endless work.

use std::sync::Arc;
use std::time::{Duration, Instant};

use farsight_symbols::{
    FrameRegisters, Image, ImageFile, LoadedUnwind, ModuleLookup, ModuleUnwind, PartsReader, PartsStep, Pattern,
    ReadOutcome, Step, SymbolTable, UnwindContext, Unwinder, demangle, demangle_short,
};
use farsight_types::registers::amd64;
use farsight_types::{Address, Rva};

use crate::support::Scratch;

/// Marsaglia's xorshift, from a fixed seed: a failure repeats.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

const PROGRAM: &str = r#"
#include <string>
namespace shop { struct Cart { int add(const std::string &name); }; }
int shop::Cart::add(const std::string &name) { return (int)name.size(); }
int main(int argc, char **argv) { shop::Cart cart; std::string name(argv[0]); return cart.add(name + "x"); }
"#;

fn small_program() -> Option<Vec<u8>> {
    let scratch = Scratch::new();
    let flags = ["-O1", "-g1", "-gz=zlib", "-Wl,-z,noseparate-code"];
    let path = scratch.compile("g++", PROGRAM, &flags)?;
    Some(std::fs::read(path).unwrap())
}

/// A debuggee made of one image and random memory.
struct Wild {
    image: Arc<dyn Image>,
    unwind: Arc<ModuleUnwind>,
    random: Random,
}

const BASE: u64 = 0x5555_5555_4000;

impl UnwindContext for Wild {
    fn module_at(&mut self, address: Address) -> ModuleLookup {
        match address.0.checked_sub(BASE) {
            Some(distance) if distance < 0x10_0000 => ModuleLookup::Found(LoadedUnwind {
                base: Address(BASE),
                unwind: Arc::clone(&self.unwind),
            }),
            _ => ModuleLookup::Nowhere,
        }
    }

    fn read(&mut self, address: Address, into: &mut [u8]) -> ReadOutcome {
        let code = self.image.bytes_at(Rva(address.0.wrapping_sub(BASE)), into.len());
        if code.len() == into.len() {
            into.copy_from_slice(&code);
            return ReadOutcome::Read;
        }
        // Mostly places in the image, so that the walk goes on.
        for word in into.chunks_mut(8) {
            let value = BASE + self.random.next() % 0x3000;
            word.copy_from_slice(&value.to_le_bytes()[..word.len()]);
        }
        match self.random.below(16) {
            0 => ReadOutcome::Unreadable,
            _ => ReadOutcome::Read,
        }
    }

    fn is_code(&mut self, address: Address) -> bool {
        (BASE..BASE + 0x3000).contains(&address.0)
    }
}

fn exercise(image: Arc<dyn Image>, seed: u64) {
    let mut random = Random(seed | 1);
    // Unpacking is slow without optimisation.
    if seed.is_multiple_of(8) {
        for index in 0..image.layout().sections.len().min(100) {
            let _ = image.section_bytes(index);
        }
    }
    let table = SymbolTable::build(&[&*image]);
    for _ in 0..8 {
        let rva = Rva(random.next() % 0x5000);
        let _ = table.at(rva);
        let _ = table.neighbours(rva);
    }
    for symbol in table.iter().take(10) {
        let _ = (symbol.name(), symbol.full_name(), symbol.raw_name());
    }
    // Without an identifier to go by, every name is demangled, which is slow without optimisation.
    let slow = seed.is_multiple_of(16).then_some("std::operator+");
    for name in ["main", "shop::Cart::add", "puts@plt", ""].into_iter().chain(slow) {
        let _ = table.by_name(name);
    }
    let _ = table.matching(&Pattern::for_symbols("*cart*ad#[a-e]"));
    let unwind = Arc::new(ModuleUnwind::new(&[&*image]));
    let mut wild = Wild { image, unwind, random };
    for _ in 0..4 {
        let mut registers = FrameRegisters::default();
        for place in 0..amd64::RIP {
            let value = wild.random.next() % 0x1_0000_0000;
            registers.set(place, Some(value & !7));
        }
        registers.set(amd64::RIP, Some(BASE + wild.random.next() % 0x3000));
        let mut unwinder = Unwinder::new(registers);
        for _ in 0..50 {
            if !matches!(unwinder.step(&mut wild), Step::Frame(_)) {
                break;
            }
        }
    }
}

fn exercise_bytes(bytes: Vec<u8>, seed: u64) {
    let mut reader = PartsReader::new(seed.is_multiple_of(2).then_some(bytes.len() as u64));
    for round in 0.. {
        assert!(round < 10, "the reader does not come to an end");
        match reader.step() {
            Ok(PartsStep::Need(ranges)) => {
                for range in ranges {
                    let start = (range.offset as usize).min(bytes.len());
                    let end = start.saturating_add(range.length as usize).min(bytes.len());
                    reader.supply(range, bytes[start..end].to_vec());
                }
            }
            // Mostly the two know the same; a fifth of the rounds is enough for what only one of them does.
            Ok(PartsStep::Done(parts)) if seed.is_multiple_of(5) => {
                exercise(Arc::new(*parts), seed);
                break;
            }
            Ok(PartsStep::Done(_)) => break,
            Err(_) => break,
        }
    }
    if let Ok(image) = ImageFile::parse(Arc::new(bytes)) {
        exercise(Arc::new(image), seed);
    }
}

/// Runs damaged copies one after the other; each has to come to an end soon.
fn damage(count: u64, mut copy: impl FnMut(&mut Random) -> Vec<u8>) {
    let mut random = Random(0x5eed_0bad_cafe_f00d);
    for round in 0..count {
        let bytes = copy(&mut random);
        let begun = Instant::now();
        exercise_bytes(bytes, round);
        assert!(begun.elapsed() < Duration::from_secs(20), "round {round}");
    }
}

#[test]
fn flipped_bits_do_no_harm() {
    let Some(whole) = small_program() else { return };
    damage(600, |random| {
        let mut bytes = whole.clone();
        for _ in 0..1 + random.below(8) {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        bytes
    });
}

#[test]
fn flipped_bits_in_the_tables_do_no_harm() {
    let Some(whole) = small_program() else { return };
    let image = ImageFile::parse(Arc::new(whole.clone())).unwrap();
    let names = [
        ".eh_frame",
        ".eh_frame_hdr",
        ".dynsym",
        ".symtab",
        ".rela.plt",
        ".dynamic",
        ".strtab",
        ".debug_info",
    ];
    let sections = &image.layout().sections;
    let mut places: Vec<(usize, usize)> = names
        .iter()
        .filter_map(|name| sections.iter().find(|section| section.name == *name))
        .map(|section| (section.file_offset as usize, section.size as usize))
        .collect();
    // The header, and the section table behind everything.
    places.extend([
        (0, 64 + 56 * 8),
        (whole.len() - 64 * sections.len(), 64 * sections.len()),
    ]);
    damage(1500, |random| {
        let mut bytes = whole.clone();
        let (start, size) = places[random.below(places.len())];
        for _ in 0..1 + random.below(4) {
            let at = start + random.below(size);
            bytes[at] = match random.below(3) {
                0 => bytes[at] ^ 1 << random.below(8),
                1 => 0xff,
                _ => random.next() as u8,
            };
        }
        bytes
    });
}

#[test]
fn truncation_does_no_harm() {
    let Some(whole) = small_program() else { return };
    damage(300, |random| whole[..random.below(whole.len())].to_vec());
    for length in 0..130 {
        exercise_bytes(whole[..length].to_vec(), length as u64);
    }
}

#[test]
fn damaged_names_do_no_harm() {
    let names = [
        "_ZNSt6vectorISsSaISsEE17_M_realloc_insertIJRKSsEEEvN9__gnu_cxx17__normal_iteratorIPSsS1_EEDpOT_",
        "_ZZN4shop4Cart3addERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEENKUlT_E_clIiEEDaS7_",
        "_RNvXs_NtCs1234_7mycrate3fooNtB4_3BarNtNtCs5678_4core3fmt5Debug3fmt",
        "_RINvNtC3std3mem8align_ofjdE",
        "_ZN71_$LT$foo..Bar$LT$T$GT$$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE",
    ];
    let mut random = Random(0x1234_5678_9abc_def1);
    let begun = Instant::now();
    for round in 0..20_000 {
        let mut bytes = names[round % names.len()].as_bytes().to_vec();
        for _ in 0..1 + random.below(6) {
            let at = 2 + random.below(bytes.len() - 2);
            match random.below(3) {
                0 => bytes[at] = b' ' + random.below(95) as u8,
                1 => {
                    let other = names[random.below(names.len())].as_bytes();
                    let from = random.below(other.len());
                    bytes.splice(at..at, other[from..].iter().copied().take(8));
                }
                _ => bytes.truncate(at.max(4)),
            }
        }
        let name = String::from_utf8(bytes).unwrap();
        let _ = (demangle(&name), demangle_short(&name));
    }
    assert!(begun.elapsed() < Duration::from_secs(60));
}
