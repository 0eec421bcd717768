//! Builds the programs that tests run: the static `dbgsrv`, with TLS and without, `dbengprx` and `farsight`, into one folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::debuggees;
use crate::run::{Done, in_path, replace, run, run_quietly};
use crate::workspace::{HOST_TARGET, Workspace};

/// What tests are told by their environment.
pub(crate) struct Programs {
    /// Holds `farsight`, `dbgsrv`, `dbgsrv-tls` and `dbengprx`: `FARSIGHT_TEST_BIN`.
    pub(crate) folder: PathBuf,
    /// Holds the debuggees: `FARSIGHT_DEBUGGEES`.
    pub(crate) debuggees: PathBuf,
}

impl Programs {
    /// Builds them all.
    pub(crate) fn build(workspace: &Workspace) -> Done<Self> {
        let debuggees = debuggees::build(workspace)?;
        let folder = workspace.folder("test-programs")?;
        replace(&server_with_tls(workspace)?, &folder.join("dbgsrv-tls"))?;
        let server = server(workspace)?;
        replace(&repeater_beside(&server), &folder.join("dbengprx"))?;
        replace(&server, &folder.join("dbgsrv"))?;
        replace(&console(workspace, Build::Checked)?, &folder.join("farsight"))?;
        Ok(Self { folder, debuggees })
    }

    /// Tells a command's environment about them.
    pub(crate) fn tell<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("FARSIGHT_TEST_BIN", &self.folder)
            .env("FARSIGHT_DEBUGGEES", &self.debuggees)
    }
}

/// `cargo xtask programs`.
pub(crate) fn command(workspace: &Workspace, _arguments: &[String]) -> Done {
    let programs = Programs::build(workspace)?;
    println!("export FARSIGHT_TEST_BIN={}", programs.folder.display());
    println!("export FARSIGHT_DEBUGGEES={}", programs.debuggees.display());
    Ok(())
}

/// How `farsight` is compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    /// With overflow checks and debug assertions, as tests want it.
    Checked,
    /// As it is shipped.
    Shipped,
}

/// The C library whose static form is a third smaller than the usual one's.
const SMALL_TARGET: &str = "x86_64-unknown-linux-musl";

/// Builds the static process server as it is shipped, small and without TLS, and the repeater beside it.
pub(crate) fn server(workspace: &Workspace) -> Done<PathBuf> {
    build_server(workspace, &["--bin", "dbengprx"])
}

/// Builds the same with TLS: `dbgsrv-tls`.
pub(crate) fn server_with_tls(workspace: &Workspace) -> Done<PathBuf> {
    let built = build_server(workspace, &["--features", "tls"])?;
    let named = built.with_file_name("dbgsrv-tls");
    // Both are built under one name.
    replace(&built, &named)?;
    Ok(named)
}

/// It has a target directory of its own below ours, because its compiler flags would otherwise throw away everything else
/// that is built there.
fn build_server(workspace: &Workspace, more: &[&str]) -> Done<PathBuf> {
    let folder = workspace.target.join("server");
    let (target, flags) = match has_small_target() {
        // Places that the loader mends are kept as a bitmap, which that library understands.
        true => (
            SMALL_TARGET,
            "-C target-feature=+crt-static -C link-arg=-Wl,-z,pack-relative-relocs",
        ),
        false => (HOST_TARGET, usual_flags()),
    };
    let mut build = workspace.cargo();
    // The target is named even where it is the host's own: without it the flags would reach procedural macros too.
    build
        .args(["build", "--quiet", "--profile", "server", "--target", target])
        .arg("--target-dir")
        .arg(&folder);
    build
        .args(["-p", "farsight-serve", "--bin", "dbgsrv"])
        .args(more)
        // One kind of arithmetic on curves is enough for handshakes, and the small one is small.
        .env(
            "RUSTFLAGS",
            format!("{flags} --cfg curve25519_dalek_backend=\"serial\""),
        );
    if target == SMALL_TARGET && in_path("musl-gcc").is_none() {
        // What is compiled from C needs nothing of the C library, so any compiler for this processor will do.
        build.env("CC_x86_64_unknown_linux_musl", "cc");
    }
    run(&mut build)?;
    Ok(folder.join(target).join("server/dbgsrv"))
}

/// The repeater that was built with a process server.
pub(crate) fn repeater_beside(server: &Path) -> PathBuf {
    server.with_file_name("dbengprx")
}

/// Whether Rust's library for [`SMALL_TARGET`] is there, or could be installed.
fn has_small_target() -> bool {
    let is_there = || {
        let mut ask = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        ask.args(["--print", "target-libdir", "--target", SMALL_TARGET]);
        run_quietly(&mut ask).is_ok_and(|path| Path::new(path.trim()).is_dir())
    };
    if is_there() {
        return true;
    }
    if in_path("rustup").is_some() {
        println!("installing Rust's library for {SMALL_TARGET} (once)");
        if run_quietly(Command::new("rustup").args(["target", "add", SMALL_TARGET])).is_ok() && is_there() {
            return true;
        }
    }
    println!("note: no Rust library for {SMALL_TARGET}; dbgsrv is linked to the usual C library and grows by half");
    false
}

/// Static with the usual C library; and with relocations packed, which saves some 55 KB, where the linker can do that and
/// the C library that is linked in can undo it.
fn usual_flags() -> &'static str {
    const PACKING_LINKER: (u32, u32) = (2, 38);
    const UNPACKING_LIBRARY: (u32, u32) = (2, 36);
    let linker = version("ld", &["--version"]);
    let library = version("getconf", &["GNU_LIBC_VERSION"]);
    if linker >= Some(PACKING_LINKER) && library >= Some(UNPACKING_LIBRARY) {
        "-C target-feature=+crt-static -C link-arg=-Wl,-z,pack-relative-relocs"
    } else {
        "-C target-feature=+crt-static"
    }
}

/// The first `MAJOR.MINOR` that a program prints as a word of its own.
fn version(program: &str, arguments: &[&str]) -> Option<(u32, u32)> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut words = text.lines().next()?.split_whitespace();
    words.find_map(|word| {
        let (major, rest) = word.split_once('.')?;
        let minor = rest.split(|letter: char| !letter.is_ascii_digit()).next()?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    })
}

/// Builds the console program.
pub(crate) fn console(workspace: &Workspace, kind: Build) -> Done<PathBuf> {
    let mut build = workspace.cargo();
    build
        .args([
            "build",
            "--quiet",
            "-p",
            "farsight",
            "--bin",
            "farsight",
            "--target-dir",
        ])
        .arg(&workspace.target);
    if kind == Build::Shipped {
        build.arg("--release");
    }
    run(&mut build)?;
    let folder = if kind == Build::Shipped { "release" } else { "debug" };
    Ok(Path::new(&workspace.target).join(folder).join("farsight"))
}
