//! `cargo xtask fuzz`: runs one target of `fuzz/` with nothing beyond a stable compiler.

use std::process::Command;

use crate::run::{Done, Failure, Naming as _, failure, run};
use crate::workspace::{HOST_TARGET, Workspace};

/// What makes a stable compiler report coverage to libFuzzer.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks";

/// How long a run lasts unless told.
const SECONDS: u64 = 60;

/// `cargo xtask fuzz [TARGET [SECONDS]]`.
pub(crate) fn command(workspace: &Workspace, arguments: &[String]) -> Done {
    let known = targets(workspace)?;
    let (target, seconds) = match arguments {
        [] => {
            known.iter().for_each(|name| println!("{name}"));
            return Ok(());
        }
        [target] => (target, SECONDS),
        [target, seconds] => (
            target,
            seconds
                .parse()
                .map_err(|_| Failure(format!("`{seconds}` is no number of seconds")))?,
        ),
        _ => return failure("usage: cargo xtask fuzz [TARGET [SECONDS]]"),
    };
    if !known.contains(target) {
        return failure(format!("no fuzz target `{target}`; there are: {}", known.join(", ")));
    }

    let built = workspace.target.join("fuzz");
    let mut build = workspace.cargo();
    build.current_dir(workspace.root.join("fuzz"));
    build
        .args([
            "build",
            "--release",
            "--target",
            HOST_TARGET,
            "--bin",
            target,
            "--target-dir",
        ])
        .arg(&built);
    run(build.env("RUSTFLAGS", FLAGS))?;

    // What a run finds goes to the target directory; what is worth keeping is moved to the committed corpus by hand.
    let found = workspace.folder(&format!("fuzz/found/{target}"))?;
    let failures = workspace.folder("fuzz/failures")?;
    let mut fuzzer = Command::new(built.join(HOST_TARGET).join("release").join(target));
    fuzzer.arg(format!("-max_total_time={seconds}")).args([
        "-timeout=10",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
    ]);
    fuzzer.arg(format!("-artifact_prefix={}/{target}-", failures.display()));
    fuzzer.arg(found).arg(workspace.root.join("fuzz/corpus").join(target));
    run(&mut fuzzer)
}

/// The names of the files in `fuzz/targets/`.
fn targets(workspace: &Workspace) -> Done<Vec<String>> {
    let folder = workspace.root.join("fuzz/targets");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).naming("list", &folder)? {
        let path = entry.naming("list", &folder)?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}
