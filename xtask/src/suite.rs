//! `cargo xtask test`: sets up, builds, runs every test and check, and closes with a summary.
//!
//! Every step runs even when an earlier one failed, unless it cannot without it; the exit code tells of any failure.

use std::io::{BufRead as _, BufReader, IsTerminal as _, Write as _};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::programs::Programs;
use crate::run::{Done, Failure, answers, failure, run, shown};
use crate::setup::{self, Runner};
use crate::workspace::Workspace;

/// How much of the suite to run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// Tests named `slow_` are left out.
    Fast,
    /// Everything but the soak.
    Usual,
    /// The soak too.
    All,
}

/// `cargo xtask test [--fast | --all] [FILTER]`.
pub(crate) fn test(workspace: &Workspace, arguments: &[String]) -> Done {
    let mut extent = Extent::Usual;
    let mut filter = None;
    for argument in arguments {
        match argument.as_str() {
            "--fast" => extent = Extent::Fast,
            "--all" => extent = Extent::All,
            option if option.starts_with('-') => return failure(format!("no option {option}")),
            text if filter.is_none() => filter = Some(text),
            text => return failure(format!("one filter at most, not also `{text}`")),
        }
    }

    let mut report = Report::default();
    report.step("system packages", setup::system_packages).needed()?;
    let mut programs = None;
    report
        .step("debuggees, dbgsrv and farsight", || {
            Programs::build(workspace).map(|built| programs = Some(built))
        })
        .needed()?;
    let programs = programs.ok_or_else(|| Failure("nothing was built".to_owned()))?;

    if filter.is_none() {
        checks(workspace, &mut report);
    }
    let runner = setup::runner(workspace);
    let mut counts = None;
    let mut tests = tests_command(workspace, runner, extent, filter);
    programs.tell(&mut tests);
    report.step("tests", || {
        let (outcome, seen) = run_and_count(&mut tests);
        counts = seen;
        outcome
    });
    report.close(counts)
}

/// `cargo xtask soak [--seed N] [FILTER]`: the ignored tests, whose random choices follow from one printed seed.
pub(crate) fn soak(workspace: &Workspace, arguments: &[String]) -> Done {
    let (seed, filter) = match arguments {
        [option, seed, rest @ ..] if option == "--seed" => {
            (seed.parse().map_err(|_| Failure(format!("`{seed}` is no seed")))?, rest)
        }
        rest => (fresh_seed(), rest),
    };
    if let Some(option) = filter.iter().find(|word| word.starts_with('-')) {
        return failure(format!("no option {option}"));
    }
    println!("seed {seed}  (again with: cargo xtask soak --seed {seed})");
    let mut report = Report::default();
    report.step("system packages", setup::system_packages).needed()?;
    let mut programs = None;
    report
        .step("debuggees, dbgsrv and farsight", || {
            Programs::build(workspace).map(|built| programs = Some(built))
        })
        .needed()?;
    let programs = programs.ok_or_else(|| Failure("nothing was built".to_owned()))?;
    let mut tests = workspace.cargo();
    tests.args([
        "nextest",
        "run",
        "--workspace",
        "--profile",
        "soak",
        "--run-ignored",
        "only",
        "--no-tests",
        "pass",
    ]);
    tests.args(filter).env("FARSIGHT_SEED", seed.to_string());
    if setup::runner(workspace) == Runner::CargoTest {
        tests = workspace.cargo();
        tests
            .args(["test", "--workspace", "--no-fail-fast"])
            .args(filter)
            .args(["--", "--ignored", "--test-threads", "1"]);
        tests.env("FARSIGHT_SEED", seed.to_string());
    }
    programs.tell(&mut tests);
    let mut counts = None;
    report.step("soak", || {
        let (outcome, seen) = run_and_count(&mut tests);
        counts = seen;
        outcome
    });
    report.close(counts)
}

/// A seed that differs from run to run.
fn fresh_seed() -> u64 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    now.as_secs() ^ u64::from(now.subsec_nanos()) << 20
}

/// What is checked without running the project's programs.
fn checks(workspace: &Workspace, report: &mut Report) {
    report.step("format", || {
        setup::component(workspace, "rustfmt", "fmt")?;
        run(workspace.cargo().args(["fmt", "--all", "--check"]))
    });
    report.step("clippy", || {
        setup::component(workspace, "clippy", "clippy")?;
        run(workspace.cargo().args([
            "clippy",
            "--quiet",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]))
    });
    report.step("licences and advisories", || {
        if !answers("cargo-deny", &["--version"]) {
            println!("skipped: cargo-deny is not installed (cargo install cargo-deny --locked)");
            return Ok(());
        }
        run(workspace
            .cargo()
            .args(["deny", "--log-level", "error", "check", "licenses", "bans", "sources"]))
    });
    report.step("doc tests", || {
        run(workspace.cargo().args(["test", "--quiet", "--doc", "--workspace"]))
    });
}

fn tests_command(workspace: &Workspace, runner: Runner, extent: Extent, filter: Option<&str>) -> Command {
    let mut command = workspace.cargo();
    match runner {
        Runner::Nextest => {
            command.args(["nextest", "run", "--workspace"]);
            if extent == Extent::Fast {
                command.args(["--profile", "fast"]);
            }
            if extent == Extent::All {
                command.args(["--run-ignored", "all"]);
            }
            if std::io::stderr().is_terminal() {
                command.args(["--color", "always"]);
            }
            command.args(filter);
        }
        Runner::CargoTest => {
            command.args(["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"]);
            command.args(filter).arg("--");
            if extent == Extent::Fast {
                command.args(["--skip", "slow_"]);
            }
            if extent == Extent::All {
                command.arg("--include-ignored");
            }
        }
    }
    command
}

/// How many tests a runner said it ran.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

/// Runs a test runner, passing on what it prints, and reads its closing lines.
fn run_and_count(command: &mut Command) -> (Done, Option<Counts>) {
    let unable =
        |error: std::io::Error, command: &Command| failure(format!("cannot run `{}`: {error}", shown(command)));
    let (reader, writer) = match std::io::pipe() {
        Ok(ends) => ends,
        Err(error) => return (unable(error, command), None),
    };
    let Ok(second) = writer.try_clone() else {
        return (failure("cannot make a pipe"), None);
    };
    let child = command.stdin(Stdio::null()).stdout(writer).stderr(second).spawn();
    // The command holds the pipe's writing ends; they must go, or its reading end would never see the end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = match child {
        Ok(child) => child,
        Err(error) => return (unable(error, command), None),
    };
    let mut counts = None;
    for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
        let mut output = std::io::stdout().lock();
        let _ = output.write_all(&line).and_then(|()| output.write_all(b"\n"));
        if let Some(more) = closing_line(&plain(&String::from_utf8_lossy(&line))) {
            let sum: &mut Counts = counts.get_or_insert_default();
            sum.passed += more.passed;
            sum.failed += more.failed;
            sum.skipped += more.skipped;
        }
    }
    let outcome = match child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => failure(format!("`{}` ended with {status}", shown(command))),
        Err(error) => unable(error, command),
    };
    (outcome, counts)
}

/// Reads nextest's `Summary [..] N tests run: P passed (..), F failed, S skipped` and cargo's `test result:` line. The
/// latter stands at the margin: nextest shows a failed test's own, indented.
fn closing_line(line: &str) -> Option<Counts> {
    let list = if line.trim_start().starts_with("Summary [") {
        line.split_once("run: ")?.1
    } else {
        line.strip_prefix("test result: ")?.split_once(". ")?.1
    };
    let mut counts = Counts::default();
    for part in list.split([',', ';']) {
        let mut words = part.split_whitespace();
        let (Some(number), Some(what)) = (words.next().and_then(|word| word.parse::<u64>().ok()), words.next()) else {
            continue;
        };
        match what {
            "passed" => counts.passed += number,
            "failed" | "timed" | "exec" => counts.failed += number,
            "skipped" | "ignored" => counts.skipped += number,
            _ => {}
        }
    }
    Some(counts)
}

/// The line without terminal escapes.
fn plain(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            let _ = characters.by_ref().find(|character| character.is_ascii_alphabetic());
        } else {
            out.push(character);
        }
    }
    out
}

/// What each step came to.
#[derive(Default)]
struct Report {
    steps: Vec<Step>,
}

struct Step {
    name: &'static str,
    seconds: f64,
    failed: Option<String>,
}

impl Report {
    fn step(&mut self, name: &'static str, work: impl FnOnce() -> Done) -> &Step {
        println!("\n== {name}");
        let start = Instant::now();
        let failed = work().err().map(|problem| problem.to_string());
        if let Some(problem) = &failed {
            eprintln!("FAILED: {problem}");
        }
        self.steps.push(Step {
            name,
            seconds: start.elapsed().as_secs_f64(),
            failed,
        });
        &self.steps[self.steps.len() - 1]
    }

    /// Prints the summary, whose last line is `farsight: N passed, N failed, N skipped`.
    fn close(&self, counts: Option<Counts>) -> Done {
        println!("\n== summary");
        for step in &self.steps {
            println!(
                "  {:8} {:7.1} s  {}",
                if step.failed.is_some() { "FAILED" } else { "ok" },
                step.seconds,
                step.name
            );
        }
        let counts = counts.unwrap_or_default();
        let failed: Vec<&str> = self
            .steps
            .iter()
            .filter(|step| step.failed.is_some())
            .map(|step| step.name)
            .collect();
        println!(
            "farsight: {} passed, {} failed, {} skipped",
            counts.passed, counts.failed, counts.skipped
        );
        if !failed.is_empty() {
            return failure(format!("failed: {}", failed.join(", ")));
        }
        if counts.passed == 0 {
            failure("no test ran")
        } else {
            Ok(())
        }
    }
}

impl Step {
    /// Ends the chore where later steps would make no sense.
    fn needed(&self) -> Done {
        match &self.failed {
            None => Ok(()),
            Some(_) => failure(format!("stopped after: {}", self.name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_of_both_runners_are_read() {
        let nextest = "     Summary [   1.234s] 12 tests run: 9 passed (1 slow), 2 failed, 1 timed out, 3 skipped";
        assert_eq!(
            closing_line(nextest),
            Some(Counts {
                passed: 9,
                failed: 3,
                skipped: 3
            })
        );
        let cargo = "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(
            closing_line(cargo),
            Some(Counts {
                passed: 5,
                failed: 0,
                skipped: 1
            })
        );
        assert_eq!(closing_line(&format!("    {cargo}")), None);
        assert_eq!(closing_line("        PASS [   0.005s] farsight-types ids"), None);
    }

    #[test]
    fn escapes_do_not_hide_the_closing_line() {
        let coloured = "\u{1b}[32;1m     Summary\u{1b}[0m [   0.1s] \u{1b}[1m1\u{1b}[0m test run: \u{1b}[1m1\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, 0 skipped";
        assert_eq!(
            closing_line(&plain(coloured)),
            Some(Counts {
                passed: 1,
                failed: 0,
                skipped: 0
            })
        );
    }
}
