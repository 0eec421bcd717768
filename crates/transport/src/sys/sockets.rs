//! Sockets: making them as listeners need them, and asking what a descriptor is and who is behind it.

use std::io;
use std::mem::{MaybeUninit, offset_of};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use super::check;

/// The longest path of a Unix socket, without the byte that ends it.
pub(crate) const SOCKET_PATH_LIMIT: usize =
    size_of::<libc::sockaddr_un>() - offset_of!(libc::sockaddr_un, sun_path) - 1;

/// The kinds of connected streams that this crate knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// TCP over IPv4 or IPv6.
    Tcp,
    /// A Unix stream socket.
    Unix,
}

/// Who is behind a Unix socket, as the kernel noted it when the connection was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerCredentials {
    /// The process; 0 when it lives in a namespace that this process cannot see.
    pub process: u32,
    /// The effective user.
    pub uid: u32,
    /// The effective group.
    pub gid: u32,
}

/// Asks the kernel who connected a Unix socket (`SO_PEERCRED`).
pub fn peer_credentials(socket: impl AsFd) -> io::Result<PeerCredentials> {
    // SAFETY: `ucred` is three integers, for which every bit pattern is valid.
    let found: libc::ucred = unsafe { option(socket, libc::SO_PEERCRED) }?;
    let process = u32::try_from(found.pid).unwrap_or(0);
    Ok(PeerCredentials {
        process,
        uid: found.uid,
        gid: found.gid,
    })
}

/// Which family a stream socket belongs to; anything but a connected or connectable stream is `InvalidInput`.
pub fn socket_family(socket: impl AsFd) -> io::Result<Family> {
    let socket = socket.as_fd();
    let integer = |name| {
        // SAFETY: the options asked for here are integers.
        unsafe { option::<libc::c_int>(socket, name) }
    };
    let listening = integer(libc::SO_ACCEPTCONN)? != 0;
    match (integer(libc::SO_TYPE)?, integer(libc::SO_DOMAIN)?) {
        (libc::SOCK_STREAM, libc::AF_INET | libc::AF_INET6) if !listening => Ok(Family::Tcp),
        (libc::SOCK_STREAM, libc::AF_UNIX) if !listening => Ok(Family::Unix),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the descriptor is not a connected stream socket",
        )),
    }
}

/// Has the kernel look after a silent connection: a peer that does not answer for about 40 s is gone.
pub(crate) fn keep_alive(socket: impl AsFd) -> io::Result<()> {
    set_option(&socket, libc::SOL_SOCKET, libc::SO_KEEPALIVE, 1_i32)?;
    set_option(&socket, libc::IPPROTO_TCP, libc::TCP_KEEPIDLE, 20_i32)?;
    set_option(&socket, libc::IPPROTO_TCP, libc::TCP_KEEPINTVL, 5_i32)?;
    set_option(&socket, libc::IPPROTO_TCP, libc::TCP_KEEPCNT, 4_i32)?;
    set_option(&socket, libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT, 40_000_i32)
}

/// The user that this process acts as.
pub fn effective_uid() -> u32 {
    // SAFETY: the call takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// The operating system's id of this thread.
pub(crate) fn thread_id() -> u32 {
    // SAFETY: the call takes nothing and cannot fail.
    u32::try_from(unsafe { libc::gettid() }).unwrap_or(0)
}

/// What this machine calls itself.
pub(crate) fn host_name() -> Option<String> {
    let mut name = [0_u8; 256];
    // SAFETY: the pointer and length describe `name`; one byte is kept back so that a full name still ends with zero.
    check(unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) }).ok()?;
    let end = name.iter().position(|byte| *byte == 0)?;
    String::from_utf8(name.get(..end)?.to_vec()).ok()
}

/// A listening TCP socket that does not block; an IPv6 one takes IPv6 only, so that both families can have the same port.
pub(crate) fn listen_tcp(address: SocketAddr) -> io::Result<OwnedFd> {
    let domain = if address.is_ipv4() {
        libc::AF_INET
    } else {
        libc::AF_INET6
    };
    let socket = new_socket(domain, libc::SOCK_NONBLOCK)?;
    set_option(&socket, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1_i32)?;
    if address.is_ipv6() {
        set_option(&socket, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 1_i32)?;
    }
    match address {
        SocketAddr::V4(address) => {
            // SAFETY: all zero bytes are a valid address.
            let mut raw: libc::sockaddr_in = unsafe { std::mem::zeroed() };
            raw.sin_family = libc::AF_INET as libc::sa_family_t;
            raw.sin_port = address.port().to_be();
            raw.sin_addr.s_addr = u32::from_ne_bytes(address.ip().octets());
            bind(&socket, &raw)?;
        }
        SocketAddr::V6(address) => {
            // SAFETY: all zero bytes are a valid address.
            let mut raw: libc::sockaddr_in6 = unsafe { std::mem::zeroed() };
            raw.sin6_family = libc::AF_INET6 as libc::sa_family_t;
            raw.sin6_port = address.port().to_be();
            raw.sin6_addr.s6_addr = address.ip().octets();
            raw.sin6_flowinfo = address.flowinfo();
            raw.sin6_scope_id = address.scope_id();
            bind(&socket, &raw)?;
        }
    }
    // SAFETY: listens on a socket that this function owns.
    check(unsafe { libc::listen(socket.as_raw_fd(), 128) })?;
    Ok(socket)
}

/// Connects a Unix stream socket, waiting at most `timeout` for a listener whose queue is full (`WouldBlock` when over).
pub(crate) fn connect_unix(path: &Path, timeout: Duration) -> io::Result<OwnedFd> {
    let bytes = path.as_os_str().as_bytes();
    // SAFETY: all zero bytes are a valid address.
    let mut raw: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    raw.sun_family = libc::AF_UNIX as libc::sa_family_t;
    if bytes.len() > SOCKET_PATH_LIMIT || bytes.contains(&0) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the path of the socket is too long",
        ));
    }
    for (to, from) in raw.sun_path.iter_mut().zip(bytes) {
        *to = from.cast_signed();
    }
    let socket = new_socket(libc::AF_UNIX, 0)?;
    // The kernel counts waiting for a place in the listener's queue as sending; zero would mean for ever.
    set_send_timeout(&socket, timeout.max(Duration::from_millis(1)))?;
    loop {
        // SAFETY: the pointer and length describe `raw`, which lives across the call.
        let result = check(unsafe { libc::connect(socket.as_raw_fd(), (&raw const raw).cast(), length_of(&raw)) });
        match result {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(_) => break,
        }
    }
    set_send_timeout(&socket, Duration::ZERO)?;
    Ok(socket)
}

fn new_socket(domain: libc::c_int, flags: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: takes only integers.
    let fd = check(unsafe { libc::socket(domain, libc::SOCK_STREAM | libc::SOCK_CLOEXEC | flags, 0) })?;
    // SAFETY: the call succeeded, so the descriptor is open and belongs to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn bind<T>(socket: &OwnedFd, address: &T) -> io::Result<()> {
    // SAFETY: the pointer and length describe `address`, which lives across the call.
    check(unsafe { libc::bind(socket.as_raw_fd(), (&raw const *address).cast(), length_of(address)) }).map(drop)
}

/// How many bytes may wait in a socket to be taken from its other end, about.
pub(crate) fn limit_sending(socket: impl AsFd, bytes: usize) -> io::Result<()> {
    let bytes = libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
    set_option(&socket, libc::SOL_SOCKET, libc::SO_SNDBUF, bytes)
}

fn set_send_timeout(socket: &OwnedFd, timeout: Duration) -> io::Result<()> {
    let time = libc::timeval {
        // As many as the field holds, whose type differs between C libraries.
        tv_sec: timeout.as_secs().try_into().unwrap_or(i32::MAX.into()),
        tv_usec: timeout.subsec_micros().into(),
    };
    set_option(socket, libc::SOL_SOCKET, libc::SO_SNDTIMEO, time)
}

fn set_option<T>(socket: &impl AsFd, level: libc::c_int, name: libc::c_int, value: T) -> io::Result<()> {
    // SAFETY: the pointer and length describe `value`, which lives across the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            name,
            (&raw const value).cast(),
            length_of(&value),
        )
    };
    check(result).map(drop)
}

/// Reads a socket-level option.
///
/// # Safety
///
/// Every bit pattern must be a valid `T`.
unsafe fn option<T>(socket: impl AsFd, name: libc::c_int) -> io::Result<T> {
    let mut value = MaybeUninit::<T>::zeroed();
    let mut length = length_of(&value);
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the pointer and length describe `value`, which lives across the call.
    check(unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, name, value.as_mut_ptr().cast(), &raw mut length) })?;
    // SAFETY: it was zeroed and the kernel wrote at most its size; the caller vouches for the bits.
    Ok(unsafe { value.assume_init() })
}

fn length_of<T>(value: &T) -> libc::socklen_t {
    libc::socklen_t::try_from(size_of_val(value)).unwrap_or(0)
}
