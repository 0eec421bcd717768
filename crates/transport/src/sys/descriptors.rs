//! Handing open descriptors from one process to another, together with bytes.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use super::{check, check_length};

// The lengths in these headers differ between C libraries, hence the casts that name no type.

/// Room for one descriptor, aligned as control messages must be; a second one is cut off and reported.
#[repr(C, align(8))]
struct Control([u8; CONTROL]);

// SAFETY: the macro functions only compute sizes.
const CONTROL: usize = unsafe { libc::CMSG_SPACE(FD_SIZE) } as usize;
const FD_SIZE: u32 = size_of::<RawFd>() as u32;

/// Two connected sockets that keep the bounds of messages.
pub fn seqpacket_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut pair: [RawFd; 2] = [-1; 2];
    let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
    // SAFETY: `pair` has room for the two descriptors that the call writes.
    check(unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, pair.as_mut_ptr()) })?;
    // SAFETY: the call succeeded, so both are open and belong to nobody else.
    Ok(unsafe { (OwnedFd::from_raw_fd(pair[0]), OwnedFd::from_raw_fd(pair[1])) })
}

/// Takes over a descriptor that this program was started with, and that no program gets any more which it starts. Of the
/// three standard streams, it is a copy.
///
/// Those of the program's own making are closed on exec, which none is that it was given.
pub(crate) fn take_inherited(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: asks for the flags of a descriptor, open or not.
    let flags = check(unsafe { libc::fcntl(number, libc::F_GETFD) })?;
    if number <= libc::STDERR_FILENO {
        // SAFETY: makes a copy of an open descriptor.
        let copy = check(unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 3) })?;
        // SAFETY: the call succeeded, so the copy is open and belongs to nobody else.
        return Ok(unsafe { OwnedFd::from_raw_fd(copy) });
    }
    if flags & libc::FD_CLOEXEC != 0 {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "it was not given to this program",
        ));
    }
    // SAFETY: changes the flags of an open descriptor.
    check(unsafe { libc::fcntl(number, libc::F_SETFD, flags | libc::FD_CLOEXEC) })?;
    // SAFETY: it was open before this program began and is not closed on exec, unlike all that this program owns; what is
    // taken here is no longer so, and is not taken twice.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Gives a descriptor away as if this program had been started with it.
#[cfg(test)]
pub(crate) fn inheritable(fd: OwnedFd) -> RawFd {
    use std::os::fd::IntoRawFd;
    let number = fd.into_raw_fd();
    // SAFETY: changes the flags of an open descriptor.
    check(unsafe { libc::fcntl(number, libc::F_SETFD, 0) }).expect("an open descriptor");
    number
}

/// Sends bytes, at least one, and with them a copy of `fd`; answers how many bytes went (always all on a packet socket).
///
/// The receiver gets the descriptor with the first of the bytes. Never raises SIGPIPE.
pub fn send_with_fd(socket: impl AsFd, bytes: &[u8], fd: Option<BorrowedFd<'_>>) -> io::Result<usize> {
    if bytes.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a descriptor travels with at least one byte",
        ));
    }
    let mut control = Control([0; CONTROL]);
    let mut vector = libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    // SAFETY: all zero bytes are a valid, empty header.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut vector;
    message.msg_iovlen = 1;
    if let Some(fd) = fd {
        message.msg_control = control.0.as_mut_ptr().cast();
        message.msg_controllen = CONTROL as _;
        // SAFETY: the control buffer is aligned and has room for one header with one descriptor, which is all that is
        // written here; the first header therefore exists.
        unsafe {
            let header = libc::CMSG_FIRSTHDR(&raw const message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(FD_SIZE) as _;
            libc::CMSG_DATA(header).cast::<RawFd>().write_unaligned(fd.as_raw_fd());
        }
    }
    retry(|| {
        // SAFETY: the header points at `vector`, `bytes` and `control`, which all live across the call.
        check_length(unsafe { libc::sendmsg(socket.as_fd().as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL) })
    })
}

/// Receives up to `limit` bytes and the descriptor that came with them; no bytes at all is the end of the stream.
///
/// A packet longer than `limit`, or one with more than one descriptor, is an `InvalidData` error and is lost.
pub fn recv_with_fd(socket: impl AsFd, limit: usize) -> io::Result<(Vec<u8>, Option<OwnedFd>)> {
    let mut bytes = vec![0; limit];
    let mut control = Control([0; CONTROL]);
    let mut vector = libc::iovec {
        iov_base: bytes.as_mut_ptr().cast(),
        iov_len: bytes.len(),
    };
    // SAFETY: all zero bytes are a valid, empty header.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut vector;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = CONTROL as _;
    let length = retry(|| {
        // SAFETY: the header points at `vector`, `bytes` and `control`, which all live across the call.
        let result = unsafe { libc::recvmsg(socket.as_fd().as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) };
        check_length(result)
    })?;
    // Taken before anything is judged, so that no descriptor leaks.
    let fds = take_fds(&message);
    bytes.truncate(length);
    let one = fds.len() <= 1 && message.msg_flags & libc::MSG_CTRUNC == 0;
    if message.msg_flags & libc::MSG_TRUNC != 0 || !one {
        let what = if one {
            "a packet is longer than allowed"
        } else {
            "more than one descriptor came with a message"
        };
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    Ok((bytes, fds.into_iter().next()))
}

/// Every descriptor that the kernel put into the message's control buffer.
fn take_fds(message: &libc::msghdr) -> Vec<OwnedFd> {
    let mut fds = Vec::new();
    // SAFETY: the kernel filled the control buffer and its length, and the macro functions stay inside it.
    let mut header = unsafe { libc::CMSG_FIRSTHDR(message) };
    while !header.is_null() {
        // SAFETY: `header` is inside the control buffer.
        let (level, kind, length): (_, _, usize) =
            unsafe { ((*header).cmsg_level, (*header).cmsg_type, (*header).cmsg_len as _) };
        if level == libc::SOL_SOCKET && kind == libc::SCM_RIGHTS {
            // SAFETY: only computes a size.
            let before = unsafe { libc::CMSG_LEN(0) } as usize;
            let count = length.saturating_sub(before) / size_of::<RawFd>();
            for index in 0..count {
                // SAFETY: the header's length says that this many descriptors follow it; the kernel opened each for
                // this process and nobody else knows them.
                let fd = unsafe {
                    let data = libc::CMSG_DATA(header).cast::<RawFd>();
                    OwnedFd::from_raw_fd(data.add(index).read_unaligned())
                };
                fds.push(fd);
            }
        }
        // SAFETY: as for the first header.
        header = unsafe { libc::CMSG_NXTHDR(message, header) };
    }
    fds
}

fn retry(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    fn closes_on_exec(fd: &OwnedFd) -> bool {
        // SAFETY: reads a flag of an open descriptor.
        let flags = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFD) };
        flags & libc::FD_CLOEXEC != 0
    }

    #[test]
    fn a_socket_travels_with_the_bytes_already_read() {
        let (listener, session) = seqpacket_pair().unwrap();
        let (accepted, mut client) = UnixStream::pair().unwrap();
        send_with_fd(&listener, b"first frame", Some(accepted.as_fd())).unwrap();
        drop(accepted);
        let (bytes, fd) = recv_with_fd(&session, 64).unwrap();
        assert_eq!(bytes, b"first frame");
        let fd = fd.unwrap();
        assert!(closes_on_exec(&fd) && closes_on_exec(&listener) && closes_on_exec(&session));
        let mut accepted = UnixStream::from(fd);
        client.write_all(b"more").unwrap();
        let mut more = [0; 4];
        accepted.read_exact(&mut more).unwrap();
        assert_eq!(&more, b"more");
    }

    #[test]
    fn bytes_travel_alone_and_the_end_is_seen() {
        let (near, far) = UnixStream::pair().unwrap();
        assert_eq!(send_with_fd(&near, b"abc", None).unwrap(), 3);
        drop(near);
        let (bytes, fd) = recv_with_fd(&far, 64).unwrap();
        assert_eq!((bytes.as_slice(), fd.is_none()), (&b"abc"[..], true));
        let (bytes, fd) = recv_with_fd(&far, 64).unwrap();
        assert!(bytes.is_empty() && fd.is_none());
    }

    #[test]
    fn an_empty_message_is_refused() {
        let (near, _far) = seqpacket_pair().unwrap();
        assert_eq!(
            send_with_fd(&near, b"", None).unwrap_err().kind(),
            io::ErrorKind::InvalidInput
        );
    }

    #[test]
    fn a_packet_over_the_limit_is_refused_and_its_descriptor_closed() {
        let (near, far) = seqpacket_pair().unwrap();
        let (mut reader, writer) = std::io::pipe().unwrap();
        send_with_fd(&near, b"too long", Some(writer.as_fd())).unwrap();
        drop(writer);
        assert_eq!(recv_with_fd(&far, 3).unwrap_err().kind(), io::ErrorKind::InvalidData);
        // The end is seen only if the received copy of the writing end was closed.
        assert_eq!(reader.read(&mut [0; 1]).unwrap(), 0);
    }

    #[test]
    fn sending_to_nobody_is_an_error_and_no_signal() {
        let (near, far) = seqpacket_pair().unwrap();
        drop(far);
        let null = File::open("/dev/null").unwrap();
        let error = send_with_fd(&near, b"x", Some(null.as_fd())).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
