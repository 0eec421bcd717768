//! Steps by source line seen by gdb: the sequences of functions and lines that `t` and `p` come to are those of its `step`
//! and `next`.
//!
//! Each debuggee runs four times to its end, twice under gdb and twice under an engine over a process server. Behind each call of
//! `stop_here` it is stepped, into calls or over them as the number of the call says, the second time the other way round. At
//! -O0 all steps are the same. Three things are not taken for differences, because the line table proves them: that gdb stops
//! once for each level where inlined code begins, without the thread's moving; that it stops in the middle of a line that it
//! returns into where a row happens to begin there; and that its `next` shows the line of a call that was inlined, at code
//! that is another line's.

mod accepted;
mod farsight;
mod gdb;
mod walks;

use farsight_testkit::programs;

use accepted::ACCEPTED;
use walks::{Agreement, Kind};

/// Steps behind each stop, which end earlier in `main`.
const STEPS: usize = 24;

fn compare_program(name: &str, enough: f64) {
    let program = programs::debuggee(name);
    let mut agreement = Agreement::default();
    for even in [Kind::Into, Kind::Over] {
        let (ours, environment) = farsight::walks(&program, STEPS, even);
        let Some(theirs) = gdb::walks(&program, &environment, STEPS, even) else {
            eprintln!("skipped: there is no gdb");
            return;
        };
        agreement.add(&theirs, &ours);
    }
    let mut unlisted = Vec::new();
    for (group, count) in agreement.grouped() {
        eprintln!("{name}: {count} x {group}");
        match ACCEPTED.iter().find(|accepted| accepted.covers(name, group)) {
            Some(accepted) => eprintln!("    accepted: {}", accepted.proof),
            None => unlisted.push(group),
        }
    }
    let percent = agreement.percent();
    let (equal, all) = (agreement.equal, agreement.equal + agreement.different.len());
    eprintln!(
        "{name}: {equal} of {all} steps are the same: {percent:.2} %; beside them gdb stops {} times in the middle of a line, \
         and {} times at inlined code for the line that calls it",
        agreement.middles, agreement.calls
    );
    assert!(equal >= 80, "only {equal} steps were compared");
    assert!(
        percent >= enough,
        "{percent:.2} % of the steps are the same, {enough} % are asked"
    );
    assert!(
        unlisted.is_empty(),
        "differences that nobody has explained: {unlisted:#?}"
    );
}

#[test]
fn slow_steps_of_c_at_o0_are_those_of_gdb() {
    compare_program("cvalues_o0", 100.0);
}

#[test]
fn slow_steps_of_c_at_o2_are_those_of_gdb() {
    compare_program("cvalues_o2", 85.0);
}

#[test]
fn slow_steps_of_cxx_at_o0_are_those_of_gdb() {
    compare_program("cxxvalues_o0", 100.0);
}

#[test]
fn slow_steps_of_cxx_at_o2_are_those_of_gdb() {
    compare_program("cxxvalues_o2", 85.0);
}

#[test]
fn slow_steps_of_rust_at_o0_are_those_of_gdb() {
    compare_program("rustvalues_o0", 100.0);
}

#[test]
fn slow_steps_of_rust_at_o2_are_those_of_gdb() {
    compare_program("rustvalues_o2", 85.0);
}
