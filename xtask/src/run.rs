//! Running other programs, with failures that name the program and the cure. Read [`Failure`] first.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why a chore could not be done, as a sentence for the person who ran it.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) String);

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The outcome of a chore.
pub(crate) type Done<T = ()> = Result<T, Failure>;

/// A failure from anything that can be shown.
pub(crate) fn failure<T>(text: impl Into<String>) -> Done<T> {
    Err(Failure(text.into()))
}

/// Names the thing an input or output error happened to.
pub(crate) trait Naming<T> {
    /// Turns the error into "cannot DO PATH: error".
    fn naming(self, doing: &str, path: &Path) -> Done<T>;
}

impl<T> Naming<T> for std::io::Result<T> {
    fn naming(self, doing: &str, path: &Path) -> Done<T> {
        self.map_err(|error| Failure(format!("cannot {doing} {}: {error}", path.display())))
    }
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// Runs with our own output, and fails unless it exits with 0.
pub(crate) fn run(command: &mut Command) -> Done {
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| Failure(format!("cannot run `{}`: {error}", shown(command))))?;
    if status.success() {
        Ok(())
    } else {
        failure(format!("`{}` ended with {status}", shown(command)))
    }
}

/// Runs quietly; on failure the program's output becomes the message.
pub(crate) fn run_quietly(command: &mut Command) -> Done<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure(format!("cannot run `{}`: {error}", shown(command))))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    failure(format!(
        "`{}` ended with {}\n{text}{errors}",
        shown(command),
        output.status
    ))
}

/// Whether a program answers to `--version`.
pub(crate) fn answers(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Where a program stands in `PATH`.
pub(crate) fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Puts a file in place of another without disturbing a process that runs the old one.
pub(crate) fn replace(from: &Path, to: &Path) -> Done {
    let fresh = to.with_extension("fresh");
    std::fs::copy(from, &fresh).naming("copy", from)?;
    std::fs::rename(&fresh, to).naming("replace", to)
}
