//! `cargo xtask bench`: builds what is shipped and the debuggees, installs the peers, and runs the benchmarks.

use crate::programs::{self, Build};
use crate::run::{Done, replace, run};
use crate::setup;
use crate::workspace::Workspace;
use crate::{bench_files, debuggees};

/// `cargo xtask bench [ARGUMENTS]`; the arguments are the benchmark program's own.
pub(crate) fn command(workspace: &Workspace, arguments: &[String]) -> Done {
    setup::bench_packages()?;
    let debuggees = debuggees::build(workspace)?;
    let folder = workspace.folder("bench-programs")?;
    replace(&programs::server(workspace)?, &folder.join("dbgsrv"))?;
    replace(&programs::console(workspace, Build::Shipped)?, &folder.join("farsight"))?;
    let only = arguments.iter().skip_while(|word| *word != "--only").nth(1);
    let about_symbols =
        only.is_none_or(|only| "symbols: vmlinux Rust".contains(only.as_str()) || only.contains("symbols"));
    let mut files = Vec::new();
    if about_symbols {
        files.push(("FARSIGHT_BENCH_RUST", bench_files::rust_program(workspace)?));
        match bench_files::vmlinux(workspace) {
            Ok(path) => files.push(("FARSIGHT_BENCH_VMLINUX", path)),
            Err(why) => eprintln!("without vmlinux: {why}"),
        }
    }
    let mut bench = workspace.cargo();
    bench.args(["run", "--quiet", "--release", "-p", "farsight-bench", "--"]);
    bench.args(arguments).envs(files);
    bench.env("FARSIGHT_TEST_BIN", &folder);
    bench.env("FARSIGHT_DEBUGGEES", &debuggees);
    // Debuggees end by themselves after a while; a slow peer may need longer.
    bench.env("FARSIGHT_DEBUGGEE_SECONDS", "3600");
    run(&mut bench)
}
