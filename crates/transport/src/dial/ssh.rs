//! `ssh:`: the user's own ssh starts a process server over there, on its standard input and output.
//!
//! Who logs in, with which keys, and which machines are believed is ssh's business, and its settings are the user's. One
//! connection does it all: a [`script`] finds the server over there, asks for a copy of ours where there is none, and becomes the
//! server. The stream is one end of a socket pair whose other end ssh has; nobody copies anything.

mod copy;
mod script;
mod words;

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use self::copy::OwnServer;
use self::script::{Answer, Script};
use crate::connection_string::{Host, PipeName};
use crate::error::{ConnectError, SshFault};
use crate::peer::Peer;
use crate::stream::Stream;
use crate::{secrets, sys};

/// How long ssh may take that can ask the user something; the server's own patience is less.
const ASKING: Duration = Duration::from_secs(150);
/// How long it may take where nobody is asked.
const UNASKED: Duration = Duration::from_secs(30);
/// How long a copy of the server may be on its way.
const COPYING: Duration = Duration::from_secs(300);
/// How long ssh may take to end that has closed its output.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// Most of what is read before the script's answer: what somebody's shell says at every start stands before it.
const MOST_NOISE: usize = 64 << 10;
/// Most of ssh's own words that are kept, the last ones.
const MOST_WORDS: usize = 16 << 10;

/// Whom ssh calls, and what is wanted there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Login<'t> {
    pub(super) user: Option<&'t str>,
    pub(super) server: &'t Host,
    pub(super) port: Option<u16>,
    /// A server that runs over there already.
    pub(super) pipe: Option<&'t PipeName>,
}

impl std::fmt::Display for Login<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.user {
            Some(user) => write!(f, "{user}@{}", self.server),
            None => write!(f, "{}", self.server),
        }
    }
}

/// Starts a server over there; `tell` is given what the user should know of it.
pub(super) fn dial(login: Login<'_>, timeout: Duration, tell: &dyn Fn(String)) -> Result<Stream, ConnectError> {
    let started = OwnServer::find().and_then(|own| {
        let script = Script {
            own: own.as_ref(),
            pipe: login.pipe,
        };
        let may_ask = sys::terminal_answers();
        let mut ssh = Ssh::start(login, timeout, may_ask, &script)?;
        let answer = ssh.answer(Instant::now() + if may_ask { ASKING } else { UNASKED.max(timeout) })?;
        match (answer, &own) {
            (Answer::Run, _) => Ok(ssh.stream),
            (Answer::Need, Some(own)) => {
                let deadline = Instant::now() + COPYING;
                ssh.send(own);
                match ssh.answer(deadline)? {
                    Answer::Run => {
                        tell(format!("copied {own} to {login}:~/{}", own.place()));
                        Ok(ssh.stream)
                    }
                    other => Err(ssh.refused(other, Some(own))),
                }
            }
            (other, own) => Err(ssh.refused(other, own.as_ref())),
        }
    });
    let stream = started.map_err(|why| ConnectError::Ssh {
        login: login.to_string(),
        why: Box::new(why),
    })?;
    Ok(Stream::carried(stream, Peer::Carried(format!("ssh {login}"))))
}

/// A running ssh. It ends when the stream does, and is waited for by a thread.
struct Ssh {
    stream: UnixStream,
    /// The thread's last words: ssh's own.
    words: Receiver<String>,
    /// Locked by the thread while it waits for the end of what has fallen silent.
    child: Arc<Mutex<Child>>,
}

impl Ssh {
    fn start(login: Login<'_>, timeout: Duration, may_ask: bool, script: &Script<'_>) -> Result<Ssh, SshFault> {
        let (near, far) = UnixStream::pair().map_err(SshFault::Os)?;
        let output: OwnedFd = far.try_clone().map_err(SshFault::Os)?.into();
        let mut command = command(login, timeout, may_ask, &script.command());
        command.stdin(OwnedFd::from(far)).stdout(output).stderr(Stdio::piped());
        sys::ignore_terminal_signals(&mut command);
        let mut child = command.spawn().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => SshFault::NoSsh,
            _ => SshFault::Os(source),
        })?;
        // Its copies of the other end go with it: what ssh closes is closed.
        drop(command);
        let errors = child.stderr.take();
        let child = Arc::new(Mutex::new(child));
        let waited_for = Arc::clone(&child);
        let (said, words) = channel();
        let wait = move || {
            let text = errors.map(last_words).unwrap_or_default();
            // Nobody waits any more when the stream is in use.
            let _ = said.send(text);
            let _ = waited_for.lock().map(|mut child| child.wait());
        };
        let started = thread::Builder::new().name("ssh".to_owned()).spawn(wait);
        started.map_err(SshFault::Os)?;
        Ok(Ssh {
            stream: near,
            words,
            child,
        })
    }

    /// Waits for what the script says.
    fn answer(&mut self, deadline: Instant) -> Result<Answer, SshFault> {
        let start = Instant::now();
        let mut heard = Vec::new();
        let mut chunk = [0; 1024];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let ready = sys::poll_readable(&[self.stream.as_fd()], Some(left)).map_err(SshFault::Os)?;
            if ready != [true] {
                self.give_up();
                return Err(SshFault::Silent { after: start.elapsed() });
            }
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(self.ended()),
                Ok(length) => heard.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(self.ended()),
            }
            if let Some(answer) = script::answer(&heard) {
                return Ok(answer);
            }
            if heard.len() > MOST_NOISE {
                self.give_up();
                return Err(SshFault::Noise);
            }
        }
    }

    /// Sends the copy. Whoever hangs up before it is whole has said why, which is read next.
    fn send(&mut self, own: &OwnServer) {
        let _ = self
            .stream
            .set_write_timeout(Some(COPYING))
            .and_then(|()| self.stream.write_all(own.bytes()))
            .and_then(|()| self.stream.set_write_timeout(None));
    }

    /// The script has said why not.
    fn refused(&mut self, answer: Answer, own: Option<&OwnServer>) -> SshFault {
        self.give_up();
        match answer {
            Answer::None => SshFault::NoServer,
            Answer::Other(machine) => SshFault::OtherMachine {
                machine,
                ours: own.map_or("none", OwnServer::machine),
            },
            Answer::Altered(path) => SshFault::Altered { path },
            Answer::Unsafe(path) => SshFault::Unsafe { path },
            Answer::Failed(why) => SshFault::NotCopied { why },
            Answer::NoPipe(why) => SshFault::NoPipe { why },
            Answer::Run | Answer::Need => SshFault::Noise,
        }
    }

    /// What ssh says about its end.
    fn ended(&mut self) -> SshFault {
        let said = self.words.recv_timeout(LAST_WORDS);
        if said.is_err() {
            self.give_up();
        }
        words::judge(&said.unwrap_or_default())
    }

    /// It may be waiting for somebody who does not answer.
    fn give_up(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
        // Where the thread waits for it already, it is ending.
        let _ = self.child.try_lock().map(|mut child| child.kill());
    }
}

/// The last that ssh says until it ends, and no more than is of use to anybody. What it says later is read and forgotten, for
/// nobody who writes there is to be held up.
fn last_words(mut errors: ChildStderr) -> String {
    let mut kept = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        match errors.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => kept.extend_from_slice(&chunk[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
        let surplus = kept.len().saturating_sub(MOST_WORDS);
        kept.drain(..surplus);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// The command line. Host and user cannot look like options: their parsers see to that, and `--` stands before the host.
fn command(login: Login<'_>, timeout: Duration, may_ask: bool, remote: &str) -> Command {
    let mut command = Command::new("ssh");
    secrets::withhold(&mut command);
    // No terminal there; nothing of this machine lent to that one; a RemoteCommand or forwardings of the user's are for
    // people; and no connection that others share and that would outlive ours.
    command.args(["-T", "-a", "-x"]);
    for option in ["ClearAllForwardings=yes", "RemoteCommand=none", "ControlMaster=no"] {
        command.args(["-o", option]);
    }
    // As long as for tcp: a machine that vanished is missed.
    command.args(["-o", "ServerAliveInterval=10", "-o", "ServerAliveCountMax=4"]);
    let seconds = timeout.as_secs().max(1);
    command.args(["-o", &format!("ConnectTimeout={seconds}")]);
    if !may_ask {
        command.args(["-o", "BatchMode=yes"]);
    }
    if let Some(port) = login.port {
        command.args(["-p", &port.to_string()]);
    }
    if let Some(user) = login.user {
        command.args(["-l", user]);
    }
    command.args(["--", login.server.as_str(), remote]);
    command
}

/// What the other machine said, for a fuzzer: as an answer of the script in words, and as ssh's own.
#[doc(hidden)]
pub fn read_words(heard: &[u8]) -> (Option<String>, String) {
    let answer = script::answer(heard).map(|answer| format!("{answer:?}"));
    (answer, words::judge(&String::from_utf8_lossy(heard)).to_string())
}

#[cfg(test)]
mod tests;
