//! The machine and its processes.

use farsight_target::{MachineDescription, NameQuery, ProcessDescription, ProcessQuery, TargetError};
use farsight_types::{Architecture, OperatingSystem, OsPid};

use crate::procfs;
use crate::sys::child::{effective_user, machine_names};

/// This machine's host name.
pub(crate) fn machine_name() -> String {
    machine_names().0
}

pub(crate) fn describe(product: &str) -> MachineDescription {
    let (name, release) = machine_names();
    MachineDescription {
        name,
        system: OperatingSystem::Linux,
        release,
        architecture: Architecture::Amd64,
        processors: std::thread::available_parallelism().map_or(1, |count| count.get() as u32),
        page_size: 4096,
        user: effective_user(),
        server_pid: OsPid(std::process::id()),
        product: product.to_owned(),
    }
}

/// Processes that were there when looked at; those that end meanwhile are left out.
pub(crate) fn list(query: &ProcessQuery, machine: &str) -> Result<Vec<ProcessDescription>, TargetError> {
    if let Some(pid) = query.pid {
        let description = describe_process(pid, query.verbose).ok_or_else(|| TargetError::NoSuchProcess {
            pid,
            machine: machine.into(),
        })?;
        return Ok(vec![description]);
    }
    let pids = procfs::processes().map_err(|error| TargetError::System {
        operation: "listing /proc".into(),
        machine: machine.into(),
        why: error.to_string(),
    })?;
    Ok(pids
        .into_iter()
        .filter_map(|pid| describe_process(pid, query.verbose))
        .collect())
}

fn describe_process(pid: OsPid, verbose: bool) -> Option<ProcessDescription> {
    let status = procfs::status(pid.0).ok().filter(|status| status.process == pid)?;
    let path = procfs::executable(pid).ok();
    let name = path.as_deref().and_then(tail).map_or(status.name, str::to_owned);
    Some(ProcessDescription {
        pid,
        name,
        path,
        command_line: if verbose { procfs::command_line(pid) } else { Vec::new() },
        user: status.user,
        parent: status.parent,
        threads: status.threads,
        tracer: status.tracer.map(procfs::process_of),
        state: status.state,
    })
}

/// The tail of a process's executable, or its command name.
pub(crate) fn name_of(pid: OsPid) -> String {
    let path = procfs::executable(pid).ok();
    let name = path.as_deref().and_then(tail).map(str::to_owned);
    name.unwrap_or_else(|| procfs::status(pid.0).unwrap_or_default().name)
}

/// The one process whose executable has the name: the path's tail, or the whole path when the name holds a slash.
pub(crate) fn find_by_name(query: &NameQuery, machine: &str) -> Result<OsPid, TargetError> {
    let all = list(&ProcessQuery::default(), machine)?;
    let matches = |process: &&ProcessDescription| {
        if query.name.contains('/') {
            process.path.as_deref() == Some(query.name.as_str())
        } else {
            process.name == query.name && process.state != 'Z'
        }
    };
    let candidates: Vec<OsPid> = all.iter().filter(matches).map(|process| process.pid).collect();
    match candidates.as_slice() {
        [only] => Ok(*only),
        [] => Err(TargetError::NoSuchName {
            name: query.name.clone(),
            machine: machine.into(),
        }),
        _ => Err(TargetError::Ambiguous {
            name: query.name.clone(),
            candidates,
            machine: machine.into(),
        }),
    }
}

fn tail(path: &str) -> Option<&str> {
    path.rsplit('/').next().filter(|tail| !tail.is_empty())
}
