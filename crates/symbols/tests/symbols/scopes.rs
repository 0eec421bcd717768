//! The same functions, inlined calls and variables as binutils and gdb find at every place of optimised programs.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use farsight_symbols::{CallTarget, DebugInfo, Image as _, Scopes};
use farsight_types::Rva;

use crate::support::{self, Scratch};

const NESTED: &str = r#"
#include <stdio.h>
#include <stdlib.h>
#define NOINLINE __attribute__((noinline))
#define INLINE static inline __attribute__((always_inline))
namespace {
struct Hidden { int value; NOINLINE int twice() const { return value * atoi("2"); } };
}
namespace outer { inline namespace v1 {
template <typename T> struct Box {
    T inside;
    struct Part { T weight; NOINLINE T weigh(T by) { static long calls; calls++; return weight * by + calls; } };
    INLINE T unused(T a, T never_used) { return a + 1; }
};
}}
volatile int sink;
INLINE int square(int side) { int area = side * side; sink = area; return area; }
INLINE int cube(int edge, int ignored) {
    int total = 0;
    { int face = square(edge); total += face * edge; { char face = 'x'; sink = face; } }
    return total + outer::Box<int>::unused(edge, ignored);
}
NOINLINE int leaf(int x) { sink = x; return x + sink; }
NOINLINE int jumps(int x) { sink = 1; return leaf(x + 1); }
NOINLINE int hops(int x) { sink = 2; return jumps(x * 2); }
NOINLINE int either(int x) { if (x > 5) { sink = 9; return hops(x); } sink = 8; return jumps(x); }
NOINLINE int indirect(int x, int (*last)(int)) { sink = 4; if (x > 3) return jumps(x); return last(x); }
NOINLINE int certain(int x) { return hops(x) + 1; }
NOINLINE int partly(int x) { return either(x) + 2; }
NOINLINE int unsure(int x) { return indirect(x, leaf) + 3; }
NOINLINE int middle(int x) {
    int kept = cube(x, 3);
    for (int i = 0; i < x; i++) { int kept = leaf(i); sink = kept; }
    return jumps(kept) + 1;
}
int main(int argc, char **argv) {
    Hidden hidden{argc};
    outer::Box<long>::Part part{argc};
    struct Local { int inside; NOINLINE int local() { return inside + atoi("3"); } } local{argc};
    auto closure = [&](int y) { return y + leaf(argc); };
    argc += certain(argc) + partly(argc) + unsure(argc);
    return middle(argc) + hidden.twice() + (int)part.weigh(4) + closure(argc) + local.local() + cube(argc, 1);
}
"#;

const FLAGS: &[&[&str]] = &[
    &["-O0", "-g"],
    &["-O2", "-g"],
    &["-O2", "-gdwarf-4"],
    &["-O2", "-g", "-ffunction-sections", "-gstrict-dwarf", "-gdwarf-5"],
];

/// The program in each form, for as long as there is a compiler.
fn programs() -> impl Iterator<Item = (Scratch, std::path::PathBuf, DebugInfo)> {
    FLAGS.iter().filter_map(|flags| {
        let scratch = Scratch::new();
        let program = scratch.compile("g++", NESTED, flags)?;
        let image = support::image(&program).unwrap();
        let info = DebugInfo::new(image.as_ref(), None).unwrap();
        Some((scratch, program, info))
    })
}

/// Every few bytes of every function.
fn places(info: &DebugInfo) -> Vec<Rva> {
    let reader = info.reader();
    let functions =
        (0..info.unit_count()).flat_map(|unit| reader.functions_of(farsight_symbols::UnitId(unit)).unwrap());
    let ranges = functions.flat_map(|id| reader.scope_of(id).unwrap().ranges);
    let mut places: Vec<Rva> = ranges
        .flat_map(|range| (range.start.0..range.end.0).step_by(2).map(Rva))
        .collect();
    places.sort_unstable();
    places
}

/// A frame's function and line.
type Line = (String, Option<u64>);

/// Function and line of each frame of one place, innermost first, as addr2line has them.
fn as_binutils(program: &Path, places: &[Rva]) -> Option<Vec<Vec<Line>>> {
    let mut command = Command::new("addr2line");
    command.args(["-a", "-f", "-i", "-e"]).arg(program);
    let mut child = match command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(_) => return None,
    };
    let asked: String = places.iter().map(|place| format!("{:#x}\n", place.0)).collect();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(asked.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let mut answers: Vec<Vec<Line>> = Vec::new();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("0x") {
            answers.push(Vec::new());
            continue;
        }
        let place = lines.next().unwrap_or_default();
        let number = place.rsplit(':').next().unwrap_or_default();
        let number = number.split_whitespace().next().and_then(|number| number.parse().ok());
        answers.last_mut().unwrap().push((line.to_owned(), number));
    }
    Some(answers)
}

#[test]
fn inlined_calls_are_those_of_binutils() {
    for (_scratch, program, info) in programs() {
        let places = places(&info);
        assert!(places.len() > 100);
        let Some(expected) = as_binutils(&program, &places) else {
            return;
        };
        assert_eq!(expected.len(), places.len());
        let reader = info.reader();
        for (place, expected) in places.iter().zip(expected) {
            let scopes = reader.scopes_at(*place).unwrap();
            assert_eq!(scopes.iter().count(), expected.len(), "{place:?} of {program:?}");
            for (scope, (name, _)) in scopes.iter().zip(&expected) {
                // Where the entries have no linkage name, binutils takes the symbol table's.
                if let Some(linkage_name) = &scope.linkage_name {
                    assert_eq!(linkage_name, name, "{place:?} of {program:?}");
                }
            }
            // The line of a frame is where it calls the next one further in.
            for (scope, (_, line)) in scopes.inlined.iter().zip(expected.iter().skip(1)) {
                assert_eq!(scope.called.map(|called| called.line), *line, "{place:?}");
            }
        }
    }
}

/// How often a name is in scope.
type Names = BTreeMap<String, usize>;

/// The names that gdb lists at each place: those that are somewhere, and all with those optimized out.
fn as_gdb(program: &Path, places: &[Rva]) -> Option<Vec<(Names, Names)>> {
    let scratch = Scratch::new();
    let script = scratch.path("script");
    let commands: String = places
        .iter()
        .map(|place| format!("echo @\\n\ninfo scope *{:#x}\n", place.0))
        .collect();
    std::fs::write(&script, commands).unwrap();
    let mut command = Command::new("gdb");
    command.args(["-nx", "-batch", "-x"]).arg(&script).arg(program);
    let output = support::run(&mut command)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let answers = text.split("@\n").skip(1).map(|answer| {
        let (mut live, mut all) = (Names::new(), Names::new());
        // The first line begins with what was asked: `Symbol fields for *0x1234: Symbol x is a variable ...`.
        for part in answer.split("Symbol ").skip(1) {
            // A block of an inlined call also has the function itself, others their types.
            if let Some((name, rest)) = part.split_once(" is ")
                && !["function at", "typedef"].iter().any(|other| rest.contains(other))
            {
                *all.entry(name.to_owned()).or_insert(0) += 1;
                if !rest.starts_with("optimized out") {
                    *live.entry(name.to_owned()).or_insert(0) += 1;
                }
            }
        }
        (live, all)
    });
    Some(answers.collect())
}

#[test]
fn variables_in_scope_are_those_of_gdb() {
    for (_scratch, program, info) in programs() {
        let places: Vec<Rva> = places(&info).into_iter().step_by(3).collect();
        let Some(expected) = as_gdb(&program, &places) else {
            return;
        };
        assert_eq!(expected.len(), places.len());
        let reader = info.reader();
        for (place, (live, all)) in places.iter().zip(expected) {
            let scopes = reader.scopes_at(*place).unwrap();
            let mut found = Names::new();
            for variable in reader.variables(scopes.innermost().id, *place).unwrap().list {
                *found.entry(variable.name).or_insert(0) += 1;
            }
            // gdb also has what instances leave out of their blocks, optimized out and everywhere; here it is nowhere.
            let at_least = live.iter().all(|(name, count)| found.get(name) >= Some(count));
            let at_most = found.iter().all(|(name, count)| all.get(name) >= Some(count));
            assert!(
                at_least && at_most,
                "{found:?}, not {live:?}, {all:?}: {place:?} of {program:?}"
            );
        }
    }
}

fn function(info: &DebugInfo, name: &str) -> Scopes {
    let reader = info.reader();
    let found = places(info).into_iter().filter_map(|place| reader.scopes_at(place));
    let mut named = found.filter(|scopes| scopes.function.name.as_deref() == Some(name));
    named.next().unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn names_have_what_is_around_them() {
    for (_scratch, program, info) in programs() {
        for name in [
            "(anonymous namespace)::Hidden::twice",
            "outer::v1::Box<long int>::Part::weigh",
            "Local::local",
            "middle",
            "main",
        ] {
            let scope = function(&info, name).function;
            assert_eq!(scope.entry, Some(scope.ranges[0].start), "{program:?}");
            let declared = scope.declared.unwrap();
            assert!(declared.line > 1);
            let file = info.reader().file(declared.file).unwrap();
            assert!(file.path.ends_with("/program.cc"), "{file:?}");
        }
    }
}

#[test]
fn an_inner_variable_shadows_one_of_its_name() {
    for (_scratch, _program, info) in programs() {
        let reader = info.reader();
        let function = function(&info, "middle").function;
        let shadowed: Vec<(usize, bool)> = function
            .ranges
            .iter()
            .flat_map(|range| (range.start.0..range.end.0).map(Rva))
            .map(|place| reader.variables(function.id, place).unwrap().list)
            .map(|variables| {
                variables
                    .into_iter()
                    .filter(|variable| variable.name == "kept")
                    .collect::<Vec<_>>()
            })
            .max_by_key(Vec::len)
            .unwrap()
            .iter()
            .map(|variable| (variable.depth, variable.is_shadowed))
            .collect();
        assert!(shadowed.len() == 2 && shadowed[0].0 < shadowed[1].0, "{shadowed:?}");
        assert!(shadowed[0].1 && !shadowed[1].1, "{shadowed:?}");
    }
}

#[test]
fn calls_say_whom_and_whether_they_return() {
    for (_scratch, program, info) in programs().skip(1).take(2) {
        let reader = info.reader();
        let calls_of = |name| reader.call_sites(function(&info, name).function.id).unwrap();
        let jumps = calls_of("jumps");
        assert!(jumps.all_tail_calls, "{program:?}");
        let [call] = jumps.sites.as_slice() else {
            panic!("{jumps:?}");
        };
        assert!(call.is_tail);
        let CallTarget::Function(callee) = call.target else {
            panic!("{call:?}")
        };
        assert_eq!(reader.qualified_name(callee).as_deref(), Some("leaf"));
        let middle = calls_of("middle");
        let returning: Vec<_> = middle.sites.iter().filter(|site| !site.is_tail).collect();
        assert!(!returning.is_empty());
        for site in returning {
            let place = site.return_pc.unwrap();
            assert_eq!(reader.call_returning_to(place).map(|found| found.id), Some(site.id));
        }
        let arguments = middle.sites.iter().flat_map(|site| &site.parameters);
        // rdi is DWARF's register 5.
        assert!(
            arguments.into_iter().any(|parameter| parameter.register == Some(5)),
            "{middle:?}"
        );
    }
}

#[test]
fn functions_that_gave_their_place_away_are_found_where_that_is_certain() {
    for (_scratch, program, info) in programs().skip(1).take(2) {
        let reader = info.reader();
        let leaf = function(&info, "leaf").function.id;
        let named = |_: &str| None;
        for (caller, expected) in [
            ("certain", &["jumps", "hops"][..]),
            ("partly", &["jumps"]),
            ("unsure", &[]),
            ("middle", &[]),
        ] {
            let calls = reader.call_sites(function(&info, caller).function.id).unwrap();
            let call = calls.sites.iter().find(|site| !site.is_tail).unwrap();
            let found = reader.tail_calls(call.return_pc.unwrap(), leaf, &named);
            let names: Vec<_> = found
                .iter()
                .map(|tail| reader.qualified_name(tail.function).unwrap())
                .collect();
            assert_eq!(names, expected, "{caller} of {program:?}");
        }
        // Nobody in between where the call is of the function itself, or of one that does not lead there.
        let main = function(&info, "main").function.id;
        let site = reader.call_sites(function(&info, "certain").function.id).unwrap();
        let place = site.sites[0].return_pc.unwrap();
        assert_eq!(reader.tail_calls(place, main, &named), []);
    }
}

/// Everything that frames are asked about, at some places.
fn ask_everything(info: &DebugInfo, places: &[Rva]) {
    let reader = info.reader();
    for place in places {
        let Some(scopes) = reader.scopes_at(*place) else {
            continue;
        };
        let callee = scopes.function.id;
        let _ = reader.call_sites(callee);
        let _ = reader.tail_calls(*place, callee, &|_| None);
        for scope in scopes.iter() {
            let _ = reader.variables(scope.id, *place);
        }
    }
}

#[test]
fn damaged_entries_end_every_question() {
    let scratch = Scratch::new();
    let Some(program) = scratch.compile("g++", NESTED, FLAGS[1]) else {
        return;
    };
    let sound = std::fs::read(&program).unwrap();
    let image = support::image(&program).unwrap();
    let places: Vec<Rva> = {
        let info = DebugInfo::new(image.as_ref(), None).unwrap();
        places(&info).into_iter().step_by(7).collect()
    };
    let sections: Vec<_> = [".debug_info", ".debug_abbrev", ".debug_rnglists"]
        .iter()
        .filter_map(|name| image.layout().sections.iter().find(|section| section.name == *name))
        .map(|section| (section.file_offset as usize, section.size as usize))
        .collect();
    assert_eq!(sections.len(), 3);
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |limit: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % limit as u64) as usize
    };
    let started = std::time::Instant::now();
    let mut read = 0;
    for round in 0..250 {
        let mut bytes = sound.clone();
        for _ in 0..1 + round % 12 {
            let (start, size) = sections[[0, 0, 0, 1, 2][random(5)]];
            let at = start + random(size - 4);
            match round % 3 {
                0 => bytes[at] = random(256) as u8,
                // What looks like a reference leads elsewhere, into circles among others.
                1 => bytes[at..at + 4].copy_from_slice(&(random(size) as u32).to_le_bytes()),
                _ => bytes.copy_within(start + size / 2..start + size, start + random(size / 2)),
            }
        }
        let Ok(image) = farsight_symbols::ImageFile::parse(std::sync::Arc::new(bytes)) else {
            continue;
        };
        if let Some(info) = DebugInfo::new(&image, None) {
            ask_everything(&info, &places);
            read += 1;
        }
    }
    assert!(read > 100, "only {read} could be read at all");
    let took = started.elapsed();
    assert!(took < std::time::Duration::from_secs(60), "{took:?}");
}
