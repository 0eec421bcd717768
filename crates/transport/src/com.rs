//! Serial lines: connections of many channels, and of many programs, over one port.
//!
//! A port has one owner. So whichever program of a user is the first to use one starts a *line process* (this very program,
//! run again) that holds the device, speaks with the other end ([`link`], sans-IO), and gives out streams; others of the same
//! user use the same. It ends when nobody uses the port. Read [`link::Link`] first, then [`line`].

mod door;
mod error;
mod exercise;
mod frame;
mod line;
mod link;
mod port;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use self::door::{Answer, Request, Wish};
pub use self::error::SerialError;
pub use self::exercise::{serial_frames, serial_line};
use self::line::Line;
pub(crate) use self::port::Port;
use crate::connection_string::ComPort;
use crate::error::ConnectError;
use crate::pipe_directory::{self, names};
use crate::{secrets, sys};

/// The argument that makes a program of ours a line process.
const LINE_ARGUMENT: &str = "--line-process";

/// The directory of doors and locks within the user's.
const SUBDIRECTORY: &str = "lines";

/// How long a line process may take to answer beyond what the answer itself takes.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between two looks at a door that is being opened or closed by another program.
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

/// This very program.
const OURSELVES: &str = "/proc/self/exe";

/// How much of a user's may wait for the line: what is urgent should not wait behind more.
fn waiting(baud: u32) -> usize {
    usize::try_from(baud / 40)
        .unwrap_or(usize::MAX)
        .clamp(4 << 10, 64 << 10)
}

/// The files of a line process.
#[derive(Debug)]
struct Doorway {
    socket: PathBuf,
    lock: PathBuf,
}

/// Asks the line process of a port for a connection to a channel of the other end.
pub(crate) fn call(port: &Port, baud: u32, channel: u8, within: Duration) -> Result<UnixStream, ConnectError> {
    let wish = Wish::Call { channel, within };
    let socket = request(Path::new(OURSELVES), port, Request { wish, baud })?;
    let fault = |source| process_fault(port, source);
    sys::limit_sending(&socket, waiting(baud)).map_err(fault)?;
    Ok(socket)
}

/// Asks the line process of a port for the connections to a channel of this end. They come as descriptors through the
/// socket, which ends when the line does.
pub(crate) fn serve(port: &Port, baud: u32, channel: u8) -> Result<UnixStream, ConnectError> {
    request(
        Path::new(OURSELVES),
        port,
        Request {
            wish: Wish::Serve { channel },
            baud,
        },
    )
}

/// The next connection to a channel that is served; nothing when the line has ended.
pub(crate) fn next_arrival(server: &UnixStream) -> io::Result<Option<UnixStream>> {
    let (_, socket) = sys::recv_with_fd(server, door::ANSWER)?;
    Ok(socket.map(UnixStream::from))
}

/// A line that stays open as long as this lives, so that one program can be the line process for others that cannot.
#[derive(Debug)]
pub struct HeldLine {
    _socket: UnixStream,
}

impl HeldLine {
    /// Opens a port, with `program` (whose `main` calls [`run_if_line_process`]) as its line process if it has none.
    pub fn hold(program: &Path, port: &ComPort, baud: u32) -> Result<HeldLine, ConnectError> {
        let wish = Wish::Hold;
        let socket = request(program, &Port::of(port), Request { wish, baud })?;
        Ok(HeldLine { _socket: socket })
    }
}

/// Makes a request of the line process of a port, which is started if there is none.
fn request(program: &Path, port: &Port, request: Request) -> Result<UnixStream, ConnectError> {
    let directory = pipe_directory::pipe_directory();
    pipe_directory::prepare(&directory)?;
    let directory = directory.join(SUBDIRECTORY);
    pipe_directory::prepare(&directory)?;
    let identity = port.identity()?;
    let doorway = Doorway {
        socket: directory.join(format!("{identity}.line")),
        lock: directory.join(format!("{identity}.lock")),
    };
    let fault = |source| ConnectError::from(process_fault(port, source));
    let within = match request.wish {
        Wish::Call { within, .. } => within,
        Wish::Serve { .. } | Wish::Hold => Duration::ZERO,
    };
    let start = Instant::now();
    loop {
        let left = (within + PATIENCE).saturating_sub(start.elapsed());
        match knock(&doorway, request, left) {
            Ok(Some((socket, answer))) => return Ok(answer.result(port, request).map(|()| socket)?),
            Ok(None) => {}
            Err(source) => return Err(fault(source)),
        }
        if !start_line(program, port, request.baud, &doorway)? {
            // Somebody else opens or closes it in this moment.
            std::thread::park_timeout(BETWEEN_LOOKS);
        }
        if left.is_zero() {
            return Err(fault(io::ErrorKind::TimedOut.into()));
        }
    }
}

/// Makes a request of the line process that is there; nothing where there is none, or it ends in this moment.
fn knock(doorway: &Doorway, request: Request, time: Duration) -> io::Result<Option<(UnixStream, Answer)>> {
    let time = time.max(Duration::from_millis(1));
    let socket = match sys::connect_unix(&doorway.socket, time) {
        Ok(socket) => UnixStream::from(socket),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    socket.set_read_timeout(Some(time))?;
    match door::ask(&socket, request) {
        Ok(answer) => {
            socket.set_read_timeout(None)?;
            Ok(Some((socket, answer)))
        }
        Err(error) => match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Ok(None),
            io::ErrorKind::WouldBlock => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the process that keeps it open does not answer",
            )),
            _ => Err(error),
        },
    }
}

/// Opens the port and starts a line process for it; false where another program is at it.
fn start_line(program: &Path, port: &Port, baud: u32, doorway: &Doorway) -> Result<bool, ConnectError> {
    let fault = |source| ConnectError::from(process_fault(port, source));
    let Some(lock) = take_lock(&doorway.lock).map_err(fault)? else {
        return Ok(false);
    };
    let device = port.open(baud)?;
    match fs::remove_file(&doorway.socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fault(error)),
        _ => {}
    }
    let door = UnixListener::bind(&doorway.socket).map_err(fault)?;
    spawn(program, &device, &door, &lock, baud, &doorway.socket).map_err(fault)?;
    Ok(true)
}

/// Locks a file, making sure that it is the one that the path names; nothing where another has it.
fn take_lock(path: &Path) -> io::Result<Option<File>> {
    let lock = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)?;
    match lock.try_lock() {
        Ok(()) => Ok(names(path, &lock)?.then_some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Starts a program as the line process: the device, the door and its lock go over a control socket, which is its standard
/// input, with the rate and the door's name.
fn spawn(program: &Path, device: &File, door: &UnixListener, lock: &File, baud: u32, path: &Path) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    let (ours, theirs) = sys::seqpacket_pair()?;
    let mut command = Command::new(program);
    secrets::withhold(&mut command);
    let mut child = command
        .arg0("farsight-line")
        .arg(LINE_ARGUMENT)
        .current_dir("/")
        .stdin(Stdio::from(theirs))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    let given = [
        (baud.to_le_bytes().to_vec(), device.as_fd()),
        (path.as_os_str().as_bytes().to_vec(), door.as_fd()),
        (b"lock".to_vec(), lock.as_fd()),
    ];
    let sent = given
        .into_iter()
        .try_for_each(|(bytes, fd)| sys::send_with_fd(&ours, &bytes, Some(fd)).map(drop));
    // It outlives whoever started it; only its end is waited for, so that none is left unburied.
    std::thread::Builder::new()
        .name("line-end".into())
        .spawn(move || child.wait())?;
    sent
}

/// Runs as a line process when the command line says so; to be called first thing in `main` by every program that listens
/// on or dials serial ports.
pub fn run_if_line_process() -> Option<ExitCode> {
    let is_line = std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == LINE_ARGUMENT);
    is_line.then(|| match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    })
}

fn run() -> io::Result<()> {
    use std::os::unix::ffi::OsStringExt;
    // It was started by way of /proc/self/exe, which would be its name otherwise. Only people read it.
    let _ = fs::write("/proc/self/comm", "farsight-line");
    let control: OwnedFd = io::stdin().as_fd().try_clone_to_owned()?;
    let receive = || match sys::recv_with_fd(&control, 512)? {
        (bytes, Some(fd)) => Ok((bytes, fd)),
        _ => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
    };
    let (baud, device) = receive()?;
    let (path, door) = receive()?;
    // Held, never looked at: it says that the door has an owner.
    let (_, _lock) = receive()?;
    let baud = <[u8; 4]>::try_from(baud).map_err(|_| io::ErrorKind::InvalidData)?;
    let line = Line {
        device: File::from(device),
        door: UnixListener::from(door),
        baud: u32::from_le_bytes(baud),
        path: PathBuf::from(std::ffi::OsString::from_vec(path)),
        // Removed while the lock is held: who finds no door may open one.
        close_door: |path| drop(fs::remove_file(path)),
    };
    line.serve()
}

fn process_fault(port: &Port, source: io::Error) -> SerialError {
    SerialError::Process {
        port: port.path.clone(),
        source,
    }
}
