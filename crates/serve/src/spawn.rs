//! Starting session processes: this very program, run again.

use std::io;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use farsight_transport::{Stream, secrets};

use crate::control::Control;
use crate::limits::ServerLimits;

/// The argument that makes a program of ours a session process.
pub(crate) const SESSION_ARGUMENT: &str = "--session-process";

/// Starts a session process, whose standard input is its control socket.
pub(crate) fn session_process(limits: &ServerLimits) -> io::Result<(Child, Control)> {
    let (ours, theirs) = Control::pair()?;
    let mut command = Command::new("/proc/self/exe");
    // What is started over there is not to find the password in its environment.
    secrets::withhold(&mut command);
    let child = command
        .arg0("dbgsrv-session")
        .arg(SESSION_ARGUMENT)
        .args(limits.arguments())
        .stdin(Stdio::from(theirs.into_fd()))
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()?;
    Ok((child, ours))
}

/// Starts a session process of our own for targets on this machine, and returns the stream to it. The program that
/// calls this must call [`crate::run_if_session_process`] first thing in `main`.
///
/// The session lasts until the stream is closed or the calling process ends; its process lasts longer where it keeps
/// abandoned debuggees, until other sessions have taken them over.
pub fn local_session() -> io::Result<UnixStream> {
    let (ours, theirs) = UnixStream::pair()?;
    let (mut child, control) = session_process(&ServerLimits::default())?;
    control.hand_over_locally(&Stream::from_fd(theirs.into())?)?;
    std::thread::Builder::new()
        .name("local-session".into())
        .spawn(move || {
            // The control socket stays open as long as the process that it stands for, or its session.
            let _control = control;
            let _ = child.wait();
        })?;
    Ok(ours)
}
