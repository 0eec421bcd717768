//! Makes a fresh Debian or Ubuntu machine with Rust ready to run the tests. Read [`PACKAGES`] first.
//!
//! Installs only what is missing, and only where it may without asking anybody: as root or with a sudo that asks
//! for no password. Elsewhere it names what is missing.

use std::path::Path;
use std::process::Command;

use crate::run::{Done, answers, failure, in_path, run, run_quietly, shown};
use crate::workspace::Workspace;

/// A package that tests need: its name, and why.
const PACKAGES: &[(&str, &str)] = &[
    ("gcc", "compiles the debuggees"),
    ("g++", "compiles the debuggees"),
    ("binutils", "makes stripped debuggees"),
    ("clang", "compiles the debuggees a second time"),
    ("llvm", "packs split debug information of DWARF 5"),
    ("dwz", "makes debuggees that share debug information"),
    ("xz-utils", "packs the symbols of a debuggee"),
    ("gdb", "the peer whose backtraces ours must equal"),
    ("gdbserver", "the peer that others compare process servers with"),
    ("python3", "a large real program to debug"),
    ("python3-dbg", "symbols of python3"),
    ("libc6-dbg", "symbols of the C library"),
    ("openssh-client", "the ssh that sessions go through"),
    (
        "openssh-server",
        "the sshd that tests start for each connection; no service of it is started",
    ),
];

/// What the benchmarks need beside [`PACKAGES`].
const BENCH_PACKAGES: &[(&str, &str)] = &[("lldb", "the other peer that the benchmarks run")];

/// Programs that stand for the packages where there is no package manager that we know.
const PROGRAMS: &[&str] = &["gcc", "g++", "clang", "objcopy", "gdb", "gdbserver", "python3", "ssh"];

/// Installs or names what the tests need from the system.
pub(crate) fn system_packages() -> Done {
    install(PACKAGES, PROGRAMS)
}

/// Installs or names what the benchmarks need beside what the tests need.
pub(crate) fn bench_packages() -> Done {
    system_packages()?;
    install(BENCH_PACKAGES, &["lldb", "lldb-server"])
}

fn install(packages: &[(&'static str, &'static str)], programs: &[&str]) -> Done {
    if in_path("dpkg-query").is_none() || in_path("apt-get").is_none() {
        return programs_only(programs);
    }
    let missing = missing_packages(packages);
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|(name, _)| *name).collect();
    let Some(privilege) = privilege() else {
        let reasons: Vec<String> = missing.iter().map(|(name, why)| format!("  {name:12} {why}")).collect();
        return failure(format!(
            "these packages are missing:\n{}\ninstall them with: sudo apt-get install --no-install-recommends {}",
            reasons.join("\n"),
            names.join(" ")
        ));
    };
    println!("installing {}", names.join(", "));
    // An update may fail for one of several sources; the install then says what really is missing.
    if let Err(problem) = run_quietly(apt(privilege).args(["update", "-qq"])) {
        eprintln!("{problem}");
    }
    let installed = without_services(privilege, || {
        run_quietly(
            apt(privilege)
                .args(["install", "-y", "-qq", "--no-install-recommends"])
                .args(&names),
        )
    })?;
    installed?;
    match missing_packages(packages).as_slice() {
        [] => Ok(()),
        still => failure(format!("apt-get did not install {still:?}")),
    }
}

/// Has packages that bring a service installed without starting it: this machine is not to listen to anybody for our tests.
fn without_services<T>(privilege: &[&str], install: impl FnOnce() -> T) -> Done<T> {
    // What Debian asks before a package may start anything; 101 says no.
    const POLICY: &str = "/usr/sbin/policy-rc.d";
    const SERVICE: &str = "ssh.service";
    let has_policy = Path::new(POLICY).exists();
    let had_sshd = Path::new("/usr/sbin/sshd").exists();
    let as_root = |line: &str| {
        let mut words = privilege.iter().copied().chain(["sh", "-c", line]);
        let mut command = Command::new(words.next().unwrap_or("sh"));
        run_quietly(command.args(words))
    };
    if !has_policy {
        as_root(&format!(
            "printf '#!/bin/sh\\nexit 101\\n' >{POLICY} && chmod 755 {POLICY}"
        ))?;
    }
    let installed = install();
    if !has_policy {
        as_root(&format!("rm -f {POLICY}"))?;
    }
    if !had_sshd && in_path("systemctl").is_some() {
        // Nor at the next boot.
        as_root(&format!("systemctl disable --quiet {SERVICE} || true"))?;
    }
    Ok(installed)
}

fn programs_only(programs: &[&str]) -> Done {
    let missing: Vec<&str> = programs
        .iter()
        .copied()
        .filter(|program| in_path(program).is_none())
        .collect();
    if !missing.is_empty() {
        return failure(format!(
            "these programs are missing: {}; install them and run again",
            missing.join(", ")
        ));
    }
    println!("note: this is neither Debian nor Ubuntu, so tests that need symbols of python3 and libc may fail");
    Ok(())
}

fn missing_packages(packages: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let is_missing = |name: &str| {
        let status = run_quietly(Command::new("dpkg-query").args(["-W", "-f=${db:Status-Status}", name]));
        !status.is_ok_and(|status| status == "installed")
    };
    packages.iter().copied().filter(|(name, _)| is_missing(name)).collect()
}

/// The words to put before a command that needs root, or `None` where that would ask for a password.
fn privilege() -> Option<&'static [&'static str]> {
    let is_root = run_quietly(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if is_root {
        return Some(&[]);
    }
    const SUDO: &[&str] = &["sudo", "-n"];
    answers("sudo", &["-n", "true"]).then_some(SUDO)
}

fn apt(privilege: &[&str]) -> Command {
    let mut words = privilege
        .iter()
        .copied()
        .chain(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    let mut command = Command::new(words.next().unwrap_or("env"));
    command.args(words);
    command
}

/// What runs the tests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Runner {
    /// A process per test, with time-outs.
    Nextest,
    /// Where nextest cannot be had.
    CargoTest,
}

/// Finds or installs cargo-nextest.
pub(crate) fn runner(workspace: &Workspace) -> Runner {
    if answers("cargo-nextest", &["nextest", "--version"]) {
        return Runner::Nextest;
    }
    println!("installing cargo-nextest (once; a few minutes)");
    let mut install = workspace.cargo();
    install.args(["install", "cargo-nextest", "--locked", "--quiet"]);
    match run(&mut install) {
        Ok(())
            if workspace
                .cargo()
                .args(["nextest", "--version"])
                .output()
                .is_ok_and(|out| out.status.success()) =>
        {
            Runner::Nextest
        }
        outcome => {
            let reason = outcome
                .err()
                .map(|problem| problem.to_string())
                .unwrap_or_else(|| shown(&install));
            println!("note: no cargo-nextest ({reason}); `cargo test` runs the tests instead, without time-outs");
            Runner::CargoTest
        }
    }
}

/// Makes sure that a component of the toolchain is there.
pub(crate) fn component(workspace: &Workspace, name: &str, subcommand: &str) -> Done {
    if workspace
        .cargo()
        .args([subcommand, "--version"])
        .output()
        .is_ok_and(|out| out.status.success())
    {
        return Ok(());
    }
    if in_path("rustup").is_none() {
        return failure(format!(
            "`cargo {subcommand}` is missing; install the toolchain's {name}"
        ));
    }
    run(Command::new("rustup").args(["component", "add", name]))
}
