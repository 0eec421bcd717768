//! A program's own standard input and output, taken for good.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::check;

/// Takes standard input and output away from the rest of the program, which finds `/dev/null` in their places: nothing
/// that is printed by mistake gets between the bytes of a stream, and no child process inherits it.
pub(crate) fn take_standard_streams() -> io::Result<(OwnedFd, OwnedFd)> {
    let nothing = File::options().read(true).write(true).open("/dev/null")?;
    let input = io::stdin().as_fd().try_clone_to_owned()?;
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    for place in [libc::STDIN_FILENO, libc::STDOUT_FILENO] {
        // SAFETY: replaces a descriptor that this function has just copied; the standard library owns neither of the two.
        check(unsafe { libc::dup2(nothing.as_raw_fd(), place) })?;
    }
    Ok((input, output))
}

/// Sends whatever is still written to standard error nowhere, so that whoever reads it sees its end.
pub fn let_go_of_standard_error() -> io::Result<()> {
    let nothing = File::options().write(true).open("/dev/null")?;
    // SAFETY: replaces a descriptor that nobody owns.
    check(unsafe { libc::dup2(nothing.as_raw_fd(), libc::STDERR_FILENO) }).map(drop)
}

/// Has reads and writes answer `WouldBlock` instead of waiting, for everybody who shares the open file.
pub(crate) fn set_nonblocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: asks for the flags of an open descriptor.
    let flags = check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) })?;
    // SAFETY: changes the flags of an open descriptor.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK) }).map(drop)
}

/// Whether somebody at this program's terminal could answer a question: there is one, and nobody edits a line at it.
pub(crate) fn terminal_answers() -> bool {
    let Ok(terminal) = File::open("/dev/tty") else {
        return false;
    };
    // SAFETY: all zero bytes are a valid value of this structure of integers.
    let mut settings: libc::termios = unsafe { std::mem::zeroed() };
    // SAFETY: the call writes into `settings`, which lives across it.
    let found = check(unsafe { libc::tcgetattr(terminal.as_raw_fd(), &raw mut settings) });
    found.is_ok() && settings.c_lflag & libc::ICANON != 0
}

/// Has a child ignore what the terminal's keys send to everything that runs at it: CTRL+C is for the debuggee.
pub(crate) fn ignore_terminal_signals(command: &mut Command) {
    let ignore = || {
        for signal in [libc::SIGINT, libc::SIGQUIT] {
            // SAFETY: may be called between fork and exec, and changes nothing but the child's own dispositions.
            if unsafe { libc::signal(signal, libc::SIG_IGN) } == libc::SIG_ERR {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    };
    // SAFETY: the closure allocates nothing, takes no lock and calls only what may be called there.
    unsafe { command.pre_exec(ignore) };
}
