//! From a launch request to a program that is ready to start: the executable found, the environment merged, everything
//! in the form that the kernel takes.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use farsight_target::{EnvironmentMerge, LaunchSpec, TargetError, WindowSize};

use crate::sys::child::PreparedProgram;
use crate::sys::terminal;

const DEFAULT_SIZE: WindowSize = WindowSize { rows: 24, columns: 80 };

pub(crate) struct PreparedLaunch {
    pub(crate) program: PreparedProgram,
    /// The server's end of the program's terminal.
    pub(crate) master: OwnedFd,
}

pub(crate) fn prepare(spec: &LaunchSpec, machine: &str) -> Result<PreparedLaunch, TargetError> {
    let failed = |why: String| TargetError::Launch {
        program: spec.program.clone(),
        machine: machine.into(),
        why,
    };
    let path = find_program(&spec.program, spec.directory.as_deref()).map_err(failed)?;
    let size = spec.terminal.unwrap_or(DEFAULT_SIZE);
    let (master, slave) =
        terminal::open(size.rows, size.columns).map_err(|error| failed(format!("no terminal for it: {error}")))?;
    let arguments: Result<Vec<CString>, TargetError> = std::iter::once(&spec.program)
        .chain(&spec.arguments)
        .map(|argument| c_string(argument, "an argument"))
        .collect();
    let program = PreparedProgram {
        path: c_string(&path, "the program's path")?,
        arguments: arguments?,
        environment: merge_environment(&spec.environment)?,
        directory: spec
            .directory
            .as_deref()
            .map(|directory| c_string(directory, "the directory"))
            .transpose()?,
        randomize: spec.randomize,
        terminal: slave,
    };
    Ok(PreparedLaunch { program, master })
}

/// A path as it is; a name without a slash is looked up in the server's `PATH`, as a shell does.
fn find_program(program: &str, directory: Option<&str>) -> Result<String, String> {
    if program.is_empty() {
        return Err("no program is named".into());
    }
    if program.contains('/') {
        let seen_from = Path::new(directory.unwrap_or(".")).join(program);
        return match std::fs::metadata(&seen_from) {
            Ok(data) if data.is_dir() => Err("it is a directory".into()),
            Ok(data) if data.permissions().mode() & 0o111 == 0 => Err("it is not executable (chmod +x)".into()),
            Ok(_) => Ok(program.to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err("there is no such file there; paths are those of the server's machine".into())
            }
            Err(error) => Err(error.to_string()),
        };
    }
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".into());
    let is_program = |candidate: &String| {
        std::fs::metadata(candidate).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    };
    path.split(':')
        .map(|directory| format!("{}/{program}", if directory.is_empty() { "." } else { directory }))
        .find(is_program)
        .ok_or_else(|| "the server's PATH has no such program; give its path".into())
}

/// The server's environment with the request's changes, as `NAME=value` strings.
fn merge_environment(merge: &EnvironmentMerge) -> Result<Vec<CString>, TargetError> {
    let mut variables: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    if !merge.clear {
        variables.extend(std::env::vars_os().map(|(name, value)| (name.into_vec(), value.into_vec())));
    }
    for name in &merge.remove {
        variables.remove(name.as_bytes());
    }
    for (name, value) in &merge.set {
        variables.insert(name.clone().into_bytes(), value.clone().into_bytes());
    }
    variables
        .into_iter()
        .map(|(name, value)| {
            CString::new([name, b"=".to_vec(), value].concat()).map_err(|_| TargetError::Invalid {
                why: "an environment variable holds a zero byte".into(),
            })
        })
        .collect()
}

/// A string for the kernel; those with a zero byte inside cannot be passed.
fn c_string(text: &str, what: &str) -> Result<CString, TargetError> {
    CString::new(text).map_err(|_| TargetError::Invalid {
        why: format!("{what} holds a zero byte"),
    })
}

/// Why the kernel would not run a program, with the cure where there is one.
pub(crate) fn explain_exec(program: &str, error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::ENOEXEC) => "it is neither a program nor a script with a #! line".into(),
        Some(libc::ENOENT) => {
            format!("{error}: '{program}' is there, but the interpreter that it names is not")
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_the_path_and_paths_are_checked() {
        assert!(find_program("sh", None).unwrap().ends_with("/sh"));
        assert!(find_program("no-such-program-here", None).unwrap_err().contains("PATH"));
        assert!(find_program("/etc", None).unwrap_err().contains("directory"));
        assert!(find_program("/etc/passwd", None).unwrap_err().contains("executable"));
        assert!(find_program("", None).is_err());
    }

    #[test]
    fn the_environment_is_merged() {
        let merged = merge_environment(&EnvironmentMerge {
            clear: false,
            remove: vec!["PATH".into()],
            set: vec![("FARSIGHT_X".into(), "1".into())],
        })
        .unwrap();
        assert!(merged.iter().any(|variable| variable.as_bytes() == b"FARSIGHT_X=1"));
        assert!(!merged.iter().any(|variable| variable.as_bytes().starts_with(b"PATH=")));
    }
}
