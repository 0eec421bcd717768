//! A real ssh server on this machine, for the length of a test, with keys and settings of its own.
//!
//! Nothing of the user's settings is read and none is changed: the `ssh` that programs find is a script that names a
//! configuration of the test's own, and `sshd` is started for each connection, on a socket that the test has accepted.

use std::env;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use super::Scratch;
use crate::{Deadline, deadline, proc, programs};

/// A running ssh server. It ends, with all its connections, when it goes out of scope.
#[derive(Debug)]
pub struct Sshd {
    scratch: Scratch,
    address: SocketAddr,
    state: Arc<State>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    connections: Mutex<Vec<Child>>,
    ending: AtomicBool,
}

/// Folders where system programs are that users' paths may lack.
const SYSTEM_FOLDERS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

fn sshd() -> Option<PathBuf> {
    let paths = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&paths).chain(SYSTEM_FOLDERS.map(PathBuf::from));
    folders.map(|folder| folder.join("sshd")).find(|path| path.is_file())
}

impl Sshd {
    /// Starts one; `settings` are lines of its configuration. None where there is no ssh and need be none
    /// ([`programs::has_peer`]).
    pub fn start(settings: &str) -> Option<Sshd> {
        let sshd = sshd();
        let has_all = sshd.is_some() && ["ssh", "ssh-keygen"].into_iter().all(programs::has_peer);
        let Some(sshd) = sshd.filter(|_| has_all) else {
            // Fails where it must not be missing.
            programs::has_peer("sshd");
            return None;
        };
        let scratch = Scratch::new();
        let folder = scratch.path().to_owned();
        for name in ["bin", "there", "home"] {
            fs::create_dir(folder.join(name)).expect("a folder");
        }
        for name in ["host_key", "stranger_key", "key"] {
            make_key(&folder.join(name));
        }
        // Root's sshd wants a folder that others cannot write, and distributions make it at boot.
        let _ = fs::create_dir_all("/run/sshd");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let this = |name: &str| folder.join(name).display().to_string();
        let config = format!(
            "{settings}\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\nPidFile none\nPrintMotd no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n\
             SetEnv HOME={} PATH={}:/usr/bin:/bin\n",
            this("host_key"),
            this("key.pub"),
            this("home"),
            this("there"),
        );
        fs::write(folder.join("sshd_config"), config).expect("a configuration");
        let state: Arc<State> = Arc::default();
        let acceptor = {
            let state = Arc::clone(&state);
            let config = folder.join("sshd_config");
            thread::spawn(move || accept(&listener, &sshd, &config, &state))
        };
        let server = Sshd {
            scratch,
            address,
            state,
            acceptor: Some(acceptor),
        };
        server.trust("host_key");
        server.configure("key");
        Some(server)
    }

    /// The client knows the server by this key of the folder; none at all for an empty name.
    pub fn trust(&self, key: &str) {
        let public = fs::read_to_string(self.path(&format!("{key}.pub"))).unwrap_or_default();
        let line = match public.as_str() {
            "" => String::new(),
            public => format!("[127.0.0.1]:{} {public}", self.port()),
        };
        fs::write(self.path("known_hosts"), line).expect("known hosts");
    }

    /// The client logs in with this key of the folder.
    pub fn configure(&self, key: &str) {
        let config = format!(
            "Host *\n  IdentityFile {}\n  IdentitiesOnly yes\n  IdentityAgent none\n  UserKnownHostsFile {}\n  \
             GlobalKnownHostsFile none\n  BatchMode yes\n",
            self.path(key).display(),
            self.path("known_hosts").display()
        );
        fs::write(self.path("ssh_config"), config).expect("a configuration");
        let ssh = programs::in_path("ssh").expect("ssh");
        let text = format!("exec {} -F {} \"$@\"", ssh.display(), self.path("ssh_config").display());
        self.program("bin", "ssh", &text);
    }

    /// Puts a program of the test's making into a folder, such as `there`, which is in the PATH over there.
    pub fn program(&self, folder: &str, name: &str, text: &str) {
        let path = self.path(folder).join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a program");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
    }

    /// Installs the process server over there.
    pub fn install_server(&self) {
        std::os::unix::fs::symlink(programs::dbgsrv(), self.path("there").join("dbgsrv")).expect("a link");
    }

    /// Something in its folder: `home` is the home over there, `there` is in its PATH, `bin` in the client's.
    pub fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn port(&self) -> u16 {
        self.address.port()
    }

    /// What to put behind `-premote`.
    pub fn connection(&self) -> String {
        format!("ssh:server=127.0.0.1,port={}", self.port())
    }

    /// A command of `farsight` that finds the test's `ssh`.
    pub fn client(&self) -> Command {
        let mut command = Command::new(programs::farsight());
        let own = env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.path("bin")).chain(env::split_paths(&own));
        command.env("PATH", env::join_paths(folders).expect("a path"));
        command
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.state.connections.lock().unwrap().len()
    }

    /// The processes over there whose names begin so, oldest first.
    pub fn running(&self, name: &str) -> Vec<u32> {
        let roots: Vec<u32> = self.state.connections.lock().unwrap().iter().map(Child::id).collect();
        let is_below = |pid: u32| {
            let above = std::iter::successors(Some(pid), |pid| proc::parent(*pid));
            above.take(32).any(|pid| roots.contains(&pid))
        };
        let mut found = proc::processes();
        found.retain(|pid| proc::name(*pid).is_some_and(|found| found.starts_with(name)) && is_below(*pid));
        found
    }

    /// Cuts every connection: the processes that hold them are killed.
    pub fn cut(&self) {
        for pid in self.running("sshd") {
            proc::signal(pid, "KILL");
        }
    }
}

fn make_key(path: &Path) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"])
        .arg(path)
        .status();
    assert!(made.expect("ssh-keygen").success());
}

fn accept(listener: &TcpListener, sshd: &Path, config: &Path, state: &State) {
    for connection in listener.incoming() {
        if state.ending.load(Ordering::SeqCst) {
            return;
        }
        let Ok(connection) = connection.map(OwnedFd::from) else {
            continue;
        };
        let Ok(output) = connection.try_clone() else { continue };
        let started = Command::new(sshd)
            .args(["-i", "-e", "-f"])
            .arg(config)
            .stdin(connection)
            .stdout(output)
            .stderr(Stdio::null())
            .spawn();
        state.connections.lock().unwrap().push(started.expect("sshd"));
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.state.ending.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        let _ = std::net::TcpStream::connect(self.address);
        let _ = self.acceptor.take().map(JoinHandle::join);
        self.cut();
        for mut child in self.state.connections.lock().unwrap().drain(..) {
            let _ = child.kill();
            deadline::poll(Deadline::seconds(5), || child.try_wait().ok().flatten());
        }
    }
}
