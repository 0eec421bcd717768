//! The calls into the operating system that the standard library does not wrap; the only unsafe code of this crate.
//!
//! Descriptors that are made or received here are closed on exec. A session process best receives its control socket as
//! standard input (`Command::stdin(OwnedFd)`, then `io::stdin().as_fd().try_clone_to_owned()`), which needs no unsafe code.
#![allow(unsafe_code)]

mod descriptors;
mod epoll;
mod poll;
mod serial;
mod signals;
mod sockets;
mod standard;
mod terminal;

#[cfg(test)]
pub(crate) use descriptors::inheritable;
pub(crate) use descriptors::take_inherited;
pub use descriptors::{recv_with_fd, send_with_fd, seqpacket_pair};
pub use epoll::{Epoll, Event, Report};
pub use poll::{Ready, Wanted, poll, poll_readable};
pub(crate) use serial::{keep_port, lock_descriptor, share_port};
pub use serial::{make_raw, pseudo_terminal};
pub use signals::EndSignals;
pub use sockets::{Family, PeerCredentials, effective_uid, peer_credentials, socket_family};
pub(crate) use sockets::{
    SOCKET_PATH_LIMIT, connect_unix, host_name, keep_alive, limit_sending, listen_tcp, thread_id,
};
pub use standard::let_go_of_standard_error;
pub(crate) use standard::{ignore_terminal_signals, set_nonblocking, take_standard_streams, terminal_answers};

pub(crate) use terminal::without_echo;

use std::io;

/// Turns the C convention of -1 and errno into a result.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    match result {
        -1 => Err(io::Error::last_os_error()),
        result => Ok(result),
    }
}

/// As [`check`], for calls that answer a length.
fn check_length(result: libc::ssize_t) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}
