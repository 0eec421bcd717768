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
mod proof;
pub(crate) mod stops;
mod written;

use farsight_testkit::programs;

use accepted::{ACCEPTED, KNOWN};
use compare::Agreement;
use proof::Witness;
use stops::Choice;

/// Of a hundred items, how many must be the same.
const ENOUGH: f64 = 98.0;

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
    for difference in &agreement.different {
        let rows = ACCEPTED.iter().zip(&mut used);
        let mut rows = rows.filter(|(accepted, _)| accepted.covers(name, difference));
        match rows.next() {
            Some((accepted, used)) => match witness.cite(accepted.proof, difference) {
                Ok(_) => *used += 1,
                Err(why) => unproven.push(format!("{difference}\n    no proof: {why}")),
            },
            None => unproven.push(difference.to_string()),
        }
    }
    let groups = agreement.grouped();
    for (group, count) in &groups {
        eprintln!("{name}: {count} x {group}");
        let mut rows = ACCEPTED.iter().filter(|accepted| accepted.covers(name, group));
        if let Some(Ok(citation)) = rows.next().map(|accepted| witness.cite(accepted.proof, group)) {
            eprintln!("    proof    {citation}");
        }
    }
    let percent = agreement.percent();
    let (equal, all) = (agreement.equal, agreement.equal + agreement.different.len());
    eprintln!(
        "{name}: {equal} of {all} items are the same: {percent:.2} %, {} kinds of differences; beside them are {} values \
         that gdb takes from registers that the called functions may have overwritten",
        groups.len(),
        agreement.guesses
    );
    eprintln!(
        "{name}: {} of the items are what containers hold by gdb's pretty printers",
        agreement.held
    );
    assert!(
        percent >= ENOUGH,
        "{percent:.2} % of the items are the same, {ENOUGH} % are asked"
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
    let producer = main.and_then(|main| witness.producer(main.pc - 1)).unwrap_or_default();
    for maker in [&producer, &gdb::version()] {
        if !KNOWN.iter().any(|known| maker.starts_with(known)) {
            eprintln!("not asked whether every accepted difference is still there: '{maker}' may have others");
            return;
        }
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
