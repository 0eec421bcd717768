//! Hardware traps under load, on a `dbgsrv` of its own.

// Helpers of tests are tests, and a panic is how a test fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

use std::time::Instant;

use farsight_testkit::DbgSrv;
use farsight_testkit::conformance::count_writes;

/// None is lost and none is counted twice, undisturbed and with a break-in now and then.
#[test]
fn heavy_eight_threads_write_a_hundred_thousand_times() {
    const EACH: u64 = 12_500;
    let server = DbgSrv::start();
    for break_ins in [0, 1000] {
        let started = Instant::now();
        count_writes(&mut server.connect(), EACH, break_ins);
        let rate = (8 * EACH) as f64 / started.elapsed().as_secs_f64();
        eprintln!("{rate:.0} watched writes a second with {break_ins} break-ins");
    }
}
