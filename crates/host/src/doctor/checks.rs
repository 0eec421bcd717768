//! What is looked at on every machine.

use std::path::Path;

use super::{Facts, Finding};

/// Looked at by reading only.
pub(super) fn machine(facts: &Facts) -> Vec<Finding> {
    let always = [
        kernel(facts),
        ptrace_scope(facts),
        capabilities(facts),
        system_call_filter(facts),
        container(facts),
        users(facts),
        proc_mount(facts),
        runtime_directory(facts),
        ports(facts),
        home(facts),
        core_files(facts),
        open_files(facts),
    ];
    always.into_iter().chain(keys(facts)).collect()
}

/// What came of trying.
pub(super) fn tried(facts: &Facts) -> Vec<Finding> {
    let cure = "see the lines above: ptrace_scope, capabilities, seccomp";
    let mut found = Vec::new();
    match &facts.probe.debugs {
        Ok(()) => found.push(Finding::ok(
            "debugging",
            "a program was started and stopped under a debugger",
        )),
        Err(why) => found.push(Finding::fail("debugging", why, cure)),
    }
    match &facts.probe.hardware {
        Some(Ok(())) => found.push(Finding::ok("debug registers", "a data breakpoint was hit")),
        Some(Err(why)) => found.push(Finding::warn(
            "debug registers",
            why,
            "ba and the steps that need them will not work; use bp, or a machine that has them",
        )),
        None => {}
    }
    found
}

/// The programs that sessions need.
pub(super) fn programs(facts: &Facts) -> Vec<Finding> {
    vec![server(facts), ssh(facts)]
}

fn kernel(facts: &Facts) -> Finding {
    /// PTRACE_SEIZE came with 3.4; what tells system calls' ends apart, with 5.3.
    const LEAST: (u32, u32) = (3, 4);
    const BEST: (u32, u32) = (5, 3);
    let release = facts.text("proc/sys/kernel/osrelease").unwrap_or_default();
    let said = format!("Linux {release} on {}", facts.architecture);
    let mut numbers = release.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if facts.architecture != "x86_64" {
        Finding::fail("kernel", said, "this release debugs x86_64 programs only")
    } else if version < LEAST {
        Finding::fail("kernel", said, "Linux 3.4 or later is needed")
    } else if version < BEST {
        Finding::warn("kernel", said, "Linux 5.3 or later is what this is tested with")
    } else {
        Finding::ok("kernel", said)
    }
}

fn ptrace_scope(facts: &Facts) -> Finding {
    let what = "ptrace_scope";
    let can = facts.has_ptrace("CapEff");
    let lower = "run dbgsrv as root or with CAP_SYS_PTRACE, or: sudo sysctl kernel.yama.ptrace_scope=0";
    match (facts.text("proc/sys/kernel/yama/ptrace_scope").as_deref(), can) {
        (None, _) => Finding::ok(what, "no Yama: the usual rules hold"),
        (Some("0"), _) => Finding::ok(what, "0: processes of one's own can be attached to"),
        (Some("3"), _) => Finding::fail(
            what,
            "3: nothing can be debugged until the machine is restarted",
            "set kernel.yama.ptrace_scope lower in /etc/sysctl.d and restart",
        ),
        (Some(level @ ("1" | "2")), true) => Finding::ok(what, format!("{level}, which CAP_SYS_PTRACE passes")),
        (Some("1"), false) => Finding::warn(
            what,
            "1: only programs that the debugger starts, and their children, can be debugged",
            lower,
        ),
        (Some("2"), false) => Finding::fail(what, "2: only root, or who has CAP_SYS_PTRACE, can debug", lower),
        (Some(other), _) => Finding::warn(what, format!("{other}, which is not known"), lower),
    }
}

fn capabilities(facts: &Facts) -> Finding {
    let what = "capabilities";
    let root = facts.user == 0;
    match (facts.has_ptrace("CapEff"), root) {
        (true, _) => Finding::ok(what, "CAP_SYS_PTRACE: other users' processes can be attached to"),
        (false, true) => Finding::warn(
            what,
            "root without CAP_SYS_PTRACE: processes that have more capabilities cannot be attached to",
            "give the container the capability: docker run --cap-add=SYS_PTRACE",
        ),
        (false, false) if !facts.has_ptrace("CapBnd") => Finding::warn(
            what,
            format!("user {} has none, and cannot get CAP_SYS_PTRACE", facts.user),
            "processes of this user can be attached to; for others start the container with --cap-add=SYS_PTRACE",
        ),
        (false, false) => Finding::ok(
            what,
            format!("none: user {} can attach to its own processes", facts.user),
        ),
    }
}

fn system_call_filter(facts: &Facts) -> Finding {
    let what = "seccomp";
    match facts.status("self", "Seccomp").as_deref() {
        None | Some("0") => Finding::ok(what, "no filter of system calls"),
        // It is tried as well; what a filter forbids cannot be read.
        Some(_) if facts.probe.debugs.is_ok() => Finding::ok(what, "a filter of system calls, which lets ptrace pass"),
        Some(_) => Finding::fail(
            what,
            "a filter of system calls, and ptrace does not work",
            "docker run --security-opt seccomp=unconfined, or a profile that allows ptrace",
        ),
    }
}

fn container(facts: &Facts) -> Finding {
    let what = "container";
    let marks = [("/.dockerenv", "docker"), ("/run/.containerenv", "podman")];
    let marked = marks
        .into_iter()
        .find(|(path, _)| facts.place(path).exists())
        .map(|(_, name)| name);
    let groups = facts.text("proc/1/cgroup").unwrap_or_default();
    let grouped = ["docker", "kubepods", "lxc", "podman", "containerd"];
    let grouped = grouped.into_iter().find(|name| groups.contains(name));
    let depth = facts
        .status("self", "NSpid")
        .map_or(1, |ids| ids.split_whitespace().count());
    match marked.or(grouped) {
        None if depth < 2 => Finding::ok(what, "none is seen"),
        found => Finding::warn(
            what,
            format!(
                "{}: only processes inside of it are seen",
                found.unwrap_or("a namespace of process ids")
            ),
            "to debug those outside run dbgsrv outside, or the container with --pid=host",
        ),
    }
}

fn users(facts: &Facts) -> Finding {
    let what = "user namespace";
    let map = facts.text("proc/self/uid_map").unwrap_or_default();
    let words: Vec<&str> = map.split_whitespace().collect();
    match words.as_slice() {
        [] | ["0", "0", "4294967295"] => Finding::ok(what, "the machine's own"),
        _ => Finding::warn(
            what,
            "users here are not the machine's: capabilities count for processes inside only",
            "to debug processes outside run dbgsrv outside",
        ),
    }
}

fn proc_mount(facts: &Facts) -> Finding {
    let what = "/proc";
    let Some(options) = facts.mount_options(Path::new("/proc")) else {
        return Finding::fail(what, "it is not mounted", "mount -t proc proc /proc");
    };
    let hides = options
        .split(',')
        .find(|option| option.starts_with("hidepid=") && !option.ends_with("=0"));
    match hides.filter(|option| !option.ends_with("=off")) {
        Some(option) if !facts.has_ptrace("CapEff") => Finding::warn(
            what,
            format!("{option}: processes of other users are not seen"),
            "run dbgsrv as root or in the group that gid= of the mount names",
        ),
        _ => Finding::ok(what, "processes are seen"),
    }
}

fn runtime_directory(facts: &Facts) -> Finding {
    let what = "runtime directory";
    let path = match &facts.runtime {
        Ok(path) => path,
        Err(why) => return Finding::fail(what, why, "pipes and lists of servers need it: mend what it says"),
    };
    match facts.owner(path) {
        Some((owner, mode)) if owner == facts.user && mode & 0o077 == 0 => {
            Finding::ok(what, format!("{}, of this user alone", path.display()))
        }
        Some((owner, mode)) => Finding::fail(
            what,
            format!("{} belongs to user {owner}, with permissions {mode:o}", path.display()),
            format!("chmod 700 {0}, or remove it where it is not yours", path.display()),
        ),
        None => Finding::fail(
            what,
            format!("{} is gone", path.display()),
            "make it, for this user alone",
        ),
    }
}

fn ports(facts: &Facts) -> Finding {
    let what = "ports";
    match &facts.loopback {
        [Ok(()), Ok(())] => Finding::ok(what, "127.0.0.1 and ::1 can be listened at"),
        [Ok(()), Err(why)] => Finding::ok(what, format!("127.0.0.1 can be listened at, and not ::1 ({why})")),
        [Err(why), _] => Finding::warn(
            what,
            format!("127.0.0.1 cannot be listened at: {why}"),
            "bring the loopback interface up (ip link set lo up), or use npipe:",
        ),
    }
}

fn home(facts: &Facts) -> Finding {
    let what = "home directory";
    let Some(home) = &facts.home else {
        return Finding::warn(
            what,
            "HOME is not set",
            "set it: histories, keys and copies of dbgsrv are kept there",
        );
    };
    let options = facts.mount_options(home).unwrap_or_default();
    match options.split(',').any(|option| option == "noexec") {
        true => Finding::warn(
            what,
            format!("{} is mounted noexec", home.display()),
            "a dbgsrv that ssh: brings along cannot run there: install dbgsrv in the PATH",
        ),
        false => Finding::ok(what, home.display().to_string()),
    }
}

/// Whether certificates and keys could be read or put there by somebody else.
fn keys(facts: &Facts) -> Vec<Finding> {
    let what = "keys";
    let user = facts.home.as_ref().map(|home| home.join(".config/farsight/certs"));
    let machine = facts.place("/etc/farsight/certs");
    let folders = user.into_iter().chain([machine]);
    let mut found = Vec::new();
    for folder in folders {
        let Some((owner, mode)) = facts.owner(&folder) else {
            continue;
        };
        if (owner != facts.user && owner != 0) || mode & 0o022 != 0 {
            let said = format!("{} can be changed by others (user {owner}, {mode:o})", folder.display());
            found.push(Finding::fail(
                what,
                said,
                format!("chmod go-w {}, and let it be yours or root's", folder.display()),
            ));
        }
        let files = std::fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path());
        for key in files.filter(|path| path.extension().is_some_and(|end| end == "key")) {
            if let Some((_, mode)) = facts.owner(&key).filter(|(_, mode)| mode & 0o077 != 0) {
                let said = format!("{} can be read by others ({mode:o})", key.display());
                found.push(Finding::fail(
                    what,
                    said,
                    format!("chmod 600 {}, and make a new key", key.display()),
                ));
            }
        }
    }
    if found.is_empty() {
        found.push(Finding::ok(what, "none that others could read or replace"));
    }
    found
}

fn core_files(facts: &Facts) -> Finding {
    let what = "core files";
    let pattern = facts.text("proc/sys/kernel/core_pattern").unwrap_or_default();
    match pattern.strip_prefix('|') {
        Some(program) => {
            let program = program.split_whitespace().next().unwrap_or_default();
            Finding::ok(what, format!("they go to the program {program}"))
        }
        None => Finding::ok(what, format!("they are written as '{pattern}'")),
    }
}

fn open_files(facts: &Facts) -> Finding {
    /// A server with 100 sessions, and a debugger with 1000 modules.
    const ENOUGH: u64 = 512;
    let what = "open files";
    let limits = facts.text("proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line
        .and_then(|line| line.split_whitespace().next())
        .unwrap_or("unknown");
    match soft.parse::<u64>() {
        Ok(few) if few < ENOUGH => Finding::warn(
            what,
            format!("{few} at most"),
            "ulimit -n 4096 before dbgsrv or farsight is started",
        ),
        _ => Finding::ok(what, format!("{soft} at most")),
    }
}

fn server(facts: &Facts) -> Finding {
    let what = "dbgsrv";
    let ours = farsight_serve::PRODUCT;
    match &facts.server {
        None => Finding::warn(
            what,
            "none beside this program",
            "ssh: has nothing to bring along: put the static dbgsrv beside farsight, or name it with FARSIGHT_DBGSRV",
        ),
        Some((path, Err(why))) => Finding::fail(
            what,
            format!("{} does not run: {why}", path.display()),
            "put one for this machine there",
        ),
        Some((path, Ok(said))) if said.contains(ours) => Finding::ok(what, format!("{} is {said}", path.display())),
        Some((path, Ok(said))) => Finding::warn(
            what,
            format!("{} is '{said}', and this is {ours}", path.display()),
            "let both be of one release",
        ),
    }
}

fn ssh(facts: &Facts) -> Finding {
    match &facts.ssh {
        Some(said) => Finding::ok("ssh", said),
        None => Finding::warn(
            "ssh",
            "there is none",
            "connections by ssh: need it: install openssh-client",
        ),
    }
}
