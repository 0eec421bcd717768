//! What the checks look at: files below a root, and what the system says of this process.

use std::env;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use farsight_serve::probe::{Probe, probe};

/// A machine, real or made up.
pub(crate) struct Facts {
    /// Where `/proc` and `/etc` are: `/` on a real one.
    pub(crate) root: PathBuf,
    /// The user's home directory.
    pub(crate) home: Option<PathBuf>,
    /// The processor's name.
    pub(crate) architecture: String,
    /// The user that this program acts as.
    pub(crate) user: u32,
    /// The directory of sockets, or why there is none.
    pub(crate) runtime: Result<PathBuf, String>,
    /// For IPv4 and IPv6: whether a port of the loopback interface can be bound.
    pub(crate) loopback: [Result<(), String>; 2],
    /// The server beside this program: where, and what it says of itself.
    pub(crate) server: Option<(PathBuf, Result<String, String>)>,
    /// What ssh says of itself; none where there is none.
    pub(crate) ssh: Option<String>,
    /// What was tried.
    pub(crate) probe: Probe,
}

impl Facts {
    /// The machine that this program runs on.
    pub(crate) fn of_this_machine() -> Facts {
        let own = env::current_exe().ok();
        let bind = |address: &str| TcpListener::bind(address).map(drop).map_err(|error| error.to_string());
        Facts {
            root: PathBuf::from("/"),
            home: env::var_os("HOME").map(PathBuf::from),
            architecture: env::consts::ARCH.to_owned(),
            user: farsight_transport::sys::effective_uid(),
            runtime: farsight_transport::runtime_directory().map_err(|error| error.to_string()),
            loopback: [bind("127.0.0.1:0"), bind("[::1]:0")],
            server: server(own.as_deref()),
            ssh: said(Command::new("ssh").arg("-V")).ok(),
            probe: probe(own.as_deref().unwrap_or(Path::new("/proc/self/exe"))),
        }
    }

    /// The text of a file below the root; none where it cannot be read.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        let text = fs::read(self.place(path)).ok()?;
        Some(String::from_utf8_lossy(&text).trim_end().to_owned())
    }

    /// A path below the root.
    pub(crate) fn place(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// A field of `/proc/ID/status`.
    pub(crate) fn status(&self, id: &str, field: &str) -> Option<String> {
        let text = self.text(&format!("proc/{id}/status"))?;
        let mut fields = text.lines().filter_map(|line| line.split_once(':'));
        fields
            .find(|(name, _)| *name == field)
            .map(|(_, value)| value.trim().to_owned())
    }

    /// Whether a set of capabilities of this process holds the one to debug what is not one's own.
    pub(crate) fn has_ptrace(&self, set: &str) -> bool {
        const SYS_PTRACE: u32 = 19;
        let bits = self
            .status("self", set)
            .and_then(|text| u64::from_str_radix(&text, 16).ok());
        bits.is_some_and(|bits| bits >> SYS_PTRACE & 1 == 1)
    }

    /// The options of the mount that holds a path.
    pub(crate) fn mount_options(&self, path: &Path) -> Option<String> {
        let mounts = self.text("proc/self/mounts")?;
        let lines = mounts.lines().filter_map(|line| {
            let mut words = line.split(' ').skip(1);
            Some((words.next()?, words.nth(1)?))
        });
        // The longest holds it; of several on one place the last.
        let holding = lines.filter(|(at, _)| path.starts_with(at));
        let longest = holding.max_by_key(|(at, _)| at.len());
        longest.map(|(_, options)| options.to_owned())
    }

    /// Who owns a file, and its permission bits.
    pub(crate) fn owner(&self, path: &Path) -> Option<(u32, u32)> {
        let found = fs::symlink_metadata(path).ok()?;
        Some((found.uid(), found.mode() & 0o7777))
    }
}

fn server(own: Option<&Path>) -> Option<(PathBuf, Result<String, String>)> {
    let named = env::var_os("FARSIGHT_DBGSRV")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from);
    let beside = || Some(own?.parent()?.join("dbgsrv")).filter(|path| path.is_file());
    let path = named.or_else(beside)?;
    let says = said(Command::new(&path).arg("-version"));
    Some((path, says))
}

/// The first line of what a program says.
fn said(command: &mut Command) -> Result<String, String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    let all = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&all);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
