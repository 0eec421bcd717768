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
mod proof;
mod walks;

use farsight_testkit::programs;

use accepted::ACCEPTED;
use walks::{Agreement, Kind};

use crate::aligned::percent;
use crate::gdb_values::is_of_known_makers;
use crate::gdb_values::proof::Witness;

/// Steps behind each stop, which end earlier in `main`.
const STEPS: usize = 24;

fn compare_program(name: &str, enough: f64) {
    let program = programs::debuggee(name);
    let witness = Witness::of(&program);
    let mut agreement = Agreement::default();
    let mut begun = None;
    for even in [Kind::Into, Kind::Over] {
        let (ours, environment) = farsight::walks(&program, STEPS, even);
        let Some(theirs) = gdb::walks(&program, &environment, STEPS, even) else {
            eprintln!("skipped: there is no gdb");
            return;
        };
        agreement.add(&theirs, &ours);
        begun = ours.first().map(|walk| walk.key.1);
    }
    let mut unproven = Vec::new();
    let mut used = vec![false; ACCEPTED.len()];
    for (group, count) in agreement.grouped() {
        eprintln!("{name}: {count} x {group}");
        let row = ACCEPTED.iter().position(|accepted| accepted.covers(name, group));
        match row.map(|row| (row, proof::cite(&witness, ACCEPTED[row].proof, group))) {
            Some((row, Ok(citation))) => {
                used[row] = true;
                eprintln!("    proof: {citation}");
            }
            Some((_, Err(why))) => unproven.push(format!("{group}\n    no proof: {why}")),
            None => unproven.push(group.to_string()),
        }
    }
    let (equal, all) = (agreement.equal, agreement.equal + agreement.different.len());
    let percent = percent(equal, all);
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
        unproven.is_empty(),
        "differences that nothing proves farsight right in:\n{}",
        unproven.join("\n")
    );
    if !begun.is_some_and(|place| is_of_known_makers(&witness, place)) {
        return;
    }
    let stale = ACCEPTED.iter().zip(used);
    let stale = stale.filter(|(accepted, used)| !used && accepted.program == name);
    let stale: Vec<_> = stale.map(|(accepted, _)| (accepted.function, accepted.line)).collect();
    assert!(stale.is_empty(), "accepted differences that are not there: {stale:?}");
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
