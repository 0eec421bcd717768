//! `cargo xtask bench`: builds what is shipped and the debuggees, installs the peers, and runs the benchmarks.

use crate::debuggees;
use crate::programs::{self, Build};
use crate::run::{Done, replace, run};
use crate::setup;
use crate::workspace::Workspace;

/// `cargo xtask bench [ARGUMENTS]`; the arguments are the benchmark program's own.
pub(crate) fn command(workspace: &Workspace, arguments: &[String]) -> Done {
    setup::bench_packages()?;
    let debuggees = debuggees::build(workspace)?;
    let folder = workspace.folder("bench-programs")?;
    replace(&programs::server(workspace)?, &folder.join("dbgsrv"))?;
    replace(&programs::console(workspace, Build::Shipped)?, &folder.join("farsight"))?;
    let mut bench = workspace.cargo();
    bench.args(["run", "--quiet", "--release", "-p", "farsight-bench", "--"]);
    bench.args(arguments);
    bench.env("FARSIGHT_TEST_BIN", &folder);
    bench.env("FARSIGHT_DEBUGGEES", &debuggees);
    // Debuggees end by themselves after a while; a slow peer may need longer.
    bench.env("FARSIGHT_DEBUGGEE_SECONDS", "3600");
    run(&mut bench)
}
