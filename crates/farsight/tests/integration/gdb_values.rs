//! The same stops seen by gdb: frames with those of inlined calls, lines, arguments and locals, item by item.
//!
//! Each debuggee runs twice to its end, once under gdb and once under an engine over a process server, with the same
//! environment and without randomised addresses, so that addresses are the same too. Both stop at each call of
//! `stop_here`, and after each of some single steps behind it.

mod accepted;
mod compare;
pub(crate) mod engine;
pub(crate) mod farsight;
mod gdb;
pub(crate) mod proof;
pub(crate) mod stops;
mod written;

use farsight_testkit::programs;

use accepted::{ACCEPTED, KNOWN};
use compare::{Agreement, Difference};
use proof::{Proof, Witness};
use stops::Choice;

use crate::aligned::percent;

/// Of a hundred items, how many must be the same, those left out that gdb takes from registers that nobody has saved.
const ENOUGH: f64 = 98.0;
/// The same of all items. Where Rust is optimised, callers keep much in such registers.
const ENOUGH_OF_ALL: [(&str, f64); 2] = [("rustvalues_o2", 97.5), ("", ENOUGH)];

/// Every stop; and of programs whose compiler is not the usual one, a sample in each run: every fourth stop, and all of
/// them in the soak.
const ALL: Choice = Choice {
    one_in: 1,
    seed: 0,
    steps: 4,
};

/// A sample that differs from run to run, unless `FARSIGHT_SEED` says which.
fn sample() -> Choice {
    let named = std::env::var("FARSIGHT_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = named.unwrap_or_else(|| u64::from(std::process::id()));
    eprintln!("every fourth stop is looked at; the same ones again with FARSIGHT_SEED={seed}");
    Choice { one_in: 4, seed, ..ALL }
}

/// The row of [`ACCEPTED`] that a difference is covered by and proven to be of, with what proves it.
fn proven(witness: &Witness, name: &str, difference: &Difference) -> Result<(usize, String), String> {
    let mut why = difference.to_string();
    for (row, accepted) in ACCEPTED.iter().enumerate() {
        if accepted.covers(name, difference) {
            match witness.cite(accepted.proof, difference) {
                Ok(citation) => return Ok((row, citation)),
                Err(other) => why += &format!("\n    no proof: {other}"),
            }
        }
    }
    Err(why)
}

/// Whether the compiler of the code at a place and gdb are those that have every accepted difference.
pub(crate) fn is_of_known_makers(witness: &Witness, place: u64) -> bool {
    for maker in [witness.producer(place).unwrap_or_default(), gdb::version()] {
        if !KNOWN.iter().any(|known| maker.starts_with(known)) {
            eprintln!("not asked whether every accepted difference is still there: '{maker}' may have others");
            return false;
        }
    }
    true
}

fn compare_program(name: &str, choice: Choice) {
    if !programs::has_peer("gdb") {
        return;
    }
    let program = programs::debuggee(name);
    let (ours, environment) = farsight::stops(&program, choice);
    let theirs = gdb::stops(&program, &environment, choice);
    let witness = Witness::of(&program);
    let agreement = Agreement::of(&theirs, &ours);
    let mut unproven = Vec::new();
    let mut used = vec![0; ACCEPTED.len()];
    let mut overwritten = 0;
    for difference in &agreement.different {
        match proven(&witness, name, difference) {
            Ok((row, _)) => {
                used[row] += 1;
                overwritten += usize::from(matches!(ACCEPTED[row].proof, Proof::CallClobbered));
            }
            Err(why) => unproven.push(why),
        }
    }
    let groups = agreement.grouped();
    for (group, count) in &groups {
        eprintln!("{name}: {count} x {group}");
        if let Ok((_, citation)) = proven(&witness, name, group) {
            eprintln!("    proof    {citation}");
        }
    }
    let (equal, all) = (agreement.equal, agreement.equal + agreement.different.len());
    let others = percent(equal, all - overwritten);
    eprintln!(
        "{name}: {equal} of {all} items are the same: {:.2} %, {} kinds of differences; {overwritten} of the differences are \
         values that gdb takes from registers that the called functions may have overwritten; {others:.2} % of the others \
         are the same",
        percent(equal, all),
        groups.len(),
    );
    eprintln!(
        "{name}: {} of the items are what containers hold by gdb's pretty printers",
        agreement.held
    );
    let asked = ENOUGH_OF_ALL.iter().find(|(program, _)| name.starts_with(program));
    let asked = asked.map_or(ENOUGH, |(_, asked)| *asked);
    assert!(
        percent(equal, all) >= asked,
        "{:.2} % of all items are the same, {asked} % are asked",
        percent(equal, all)
    );
    assert!(
        others >= ENOUGH,
        "{others:.2} % of the items are the same, {ENOUGH} % are asked"
    );
    assert!(
        unproven.is_empty(),
        "differences that nothing proves farsight right in:\n{}",
        unproven.join("\n")
    );
    if choice.one_in > 1 {
        return;
    }
    // C has no containers, and those of Rust are gone where it is optimised: their callers keep no copy.
    let has_containers = !name.starts_with("cvalues") && name != "rustvalues_o2";
    assert!(
        agreement.held > 0 || !has_containers,
        "gdb's pretty printers told nothing"
    );
    let main = theirs
        .iter()
        .flat_map(|stop| &stop.frames)
        .find(|frame| frame.name == "main");
    if main.is_some_and(|main| !is_of_known_makers(&witness, main.pc - 1)) {
        return;
    }
    let stale = ACCEPTED
        .iter()
        .zip(used)
        .filter(|(accepted, used)| *used == 0 && accepted.programs.contains(&name));
    let stale: Vec<_> = stale.map(|(accepted, _)| (accepted.function, accepted.item)).collect();
    assert!(stale.is_empty(), "accepted differences that are not there: {stale:?}");
}

#[test]
fn slow_values_of_c_at_o0_are_those_of_gdb() {
    compare_program("cvalues_o0", ALL);
}

#[test]
fn slow_values_of_c_at_o2_are_those_of_gdb() {
    compare_program("cvalues_o2", ALL);
}

#[test]
fn slow_values_of_cxx_at_o0_are_those_of_gdb() {
    compare_program("cxxvalues_o0", ALL);
}

#[test]
fn slow_values_of_cxx_at_o2_are_those_of_gdb() {
    compare_program("cxxvalues_o2", ALL);
}

#[test]
fn slow_values_of_rust_at_o0_are_those_of_gdb() {
    compare_program("rustvalues_o0", ALL);
}

#[test]
fn slow_values_of_rust_at_o2_are_those_of_gdb() {
    compare_program("rustvalues_o2", ALL);
}

#[test]
fn slow_values_of_c_by_clang_at_o0_are_those_of_gdb() {
    compare_program("cvalues-clang_o0", sample());
}

#[test]
fn slow_values_of_c_by_clang_at_o2_are_those_of_gdb() {
    compare_program("cvalues-clang_o2", sample());
}

#[test]
fn slow_values_of_cxx_by_clang_at_o0_are_those_of_gdb() {
    compare_program("cxxvalues-clang_o0", sample());
}

#[test]
fn slow_values_of_cxx_by_clang_at_o2_are_those_of_gdb() {
    compare_program("cxxvalues-clang_o2", sample());
}

#[test]
#[ignore = "soak: takes a minute"]
fn soak_values_of_programs_by_clang_are_those_of_gdb() {
    for name in [
        "cvalues-clang_o0",
        "cvalues-clang_o2",
        "cxxvalues-clang_o0",
        "cxxvalues-clang_o2",
    ] {
        compare_program(name, ALL);
    }
}
