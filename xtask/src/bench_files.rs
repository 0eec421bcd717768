//! Large files that the benchmarks ask about: a kernel's debug file, and our own program with all debug information.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Done, failure, run, run_quietly};
use crate::workspace::Workspace;

/// The package that depends on the debug package of the current kernel.
const PACKAGE: &str = "linux-image-amd64-dbg";

/// The `vmlinux` of Debian's newest kernel with its debug information, about 600 MB, fetched at the first call.
pub(crate) fn vmlinux(workspace: &Workspace) -> Done<PathBuf> {
    let folder = workspace.folder("bench-files")?;
    if let Some(there) = find(&folder.join("usr/lib/debug/boot"), "vmlinux-") {
        return Ok(there);
    }
    let depends = run_quietly(Command::new("apt-cache").args(["depends", PACKAGE]))?;
    let package = depends.lines().find_map(|line| line.trim().strip_prefix("Depends: "));
    let Some(package) = package else {
        return failure(format!(
            "the package sources of this machine have no {PACKAGE}; the benchmarks in vmlinux need a Debian with them"
        ));
    };
    run(Command::new("apt-get").current_dir(&folder).args(["download", package]))?;
    let archive = find(&folder, "linux-image-").map_or_else(|| failure("apt-get has left no package"), Ok)?;
    // All of it would be ten times as much.
    let unpack = "dpkg-deb --fsys-tarfile \"$1\" | tar -x --wildcards '*/boot/vmlinux-*'";
    run(Command::new("sh")
        .current_dir(&folder)
        .args(["-c", unpack, "unpack"])
        .arg(&archive))?;
    if let Err(error) = std::fs::remove_file(&archive) {
        return failure(format!("{}: {error}", archive.display()));
    }
    match find(&folder.join("usr/lib/debug/boot"), "vmlinux-") {
        Some(there) => Ok(there),
        None => failure(format!("{package} has no vmlinux")),
    }
}

/// Our own program, not optimised, with all debug information.
pub(crate) fn rust_program(workspace: &Workspace) -> Done<PathBuf> {
    let folder = workspace.folder("bench-rust")?;
    let mut build = workspace.cargo();
    build.args([
        "build",
        "--quiet",
        "-p",
        "farsight",
        "--bin",
        "farsight",
        "--target-dir",
    ]);
    build.arg(&folder).env("CARGO_PROFILE_DEV_DEBUG", "2");
    run(&mut build)?;
    Ok(folder.join("debug/farsight"))
}

fn find(folder: &Path, beginning: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?;
    let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.find(|path| {
        let name = path.file_name().and_then(|name| name.to_str());
        path.is_file() && name.is_some_and(|name| name.starts_with(beginning))
    })
}
