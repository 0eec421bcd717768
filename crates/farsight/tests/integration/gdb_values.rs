//! The same stops seen by gdb: frames with those of inlined calls, lines, arguments and locals, item by item.
//!
//! Each debuggee runs twice to its end, once under gdb and once under an engine over a process server, with the same
//! environment and without randomised addresses, so that addresses are the same too. Both stop at each call of
//! `stop_here`, and after each of some single steps behind it.

mod accepted;
mod compare;
mod engine;
mod farsight;
mod gdb;
mod stops;
mod written;

use farsight_testkit::programs;

use accepted::ACCEPTED;
use compare::Agreement;

/// Instructions stepped behind each stop.
const STEPS: usize = 4;

/// Of a hundred items, how many must be the same.
const ENOUGH: f64 = 98.0;

fn compare_program(name: &str) {
    let program = programs::debuggee(name);
    let (ours, environment) = farsight::stops(&program, STEPS);
    let Some(theirs) = gdb::stops(&program, &environment, STEPS) else {
        eprintln!("skipped: there is no gdb");
        return;
    };
    let agreement = Agreement::of(&theirs, &ours);
    let groups = agreement.grouped();
    let mut unlisted = Vec::new();
    for (group, count) in &groups {
        let proof = ACCEPTED.iter().find(|accepted| accepted.covers(name, group));
        eprintln!("{name}: {count} x {group}");
        match proof {
            Some(accepted) => eprintln!("    accepted: {}", accepted.proof),
            None => unlisted.push(group),
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
    assert!(
        percent >= ENOUGH,
        "{percent:.2} % of the items are the same, {ENOUGH} % are asked"
    );
    assert!(
        unlisted.is_empty(),
        "differences that nobody has explained: {unlisted:#?}"
    );
}

#[test]
fn slow_values_of_c_at_o0_are_those_of_gdb() {
    compare_program("cvalues_o0");
}

#[test]
fn slow_values_of_c_at_o2_are_those_of_gdb() {
    compare_program("cvalues_o2");
}

#[test]
fn slow_values_of_cxx_at_o0_are_those_of_gdb() {
    compare_program("cxxvalues_o0");
}

#[test]
fn slow_values_of_cxx_at_o2_are_those_of_gdb() {
    compare_program("cxxvalues_o2");
}

#[test]
fn slow_values_of_rust_at_o0_are_those_of_gdb() {
    compare_program("rustvalues_o0");
}

#[test]
fn slow_values_of_rust_at_o2_are_those_of_gdb() {
    compare_program("rustvalues_o2");
}
