//! The door of a session process that keeps abandoned debuggees: a Unix socket by which another session process of the
//! same user asks for one of them.
//!
//! | direction | bytes |
//! |---|---|
//! | asking | the debuggee's process id, 4 bytes, little-endian |
//! | answer | `+`, or `-` and the reason as text; then the end |

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use farsight_linux::Door;
use farsight_transport::runtime_directory;
use farsight_transport::sys::{effective_uid, peer_credentials};
use farsight_types::OsPid;

/// How long either side waits for the other's bytes. Letting go of ten thousand threads takes a tenth of a second.
const PATIENCE: Duration = Duration::from_secs(10);
const LONGEST_ANSWER: u64 = 4096;

/// An open door; its socket is removed with it.
pub(crate) struct OpenDoor(PathBuf);

impl Drop for OpenDoor {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn socket_of(directory: &Path, holder: u32) -> PathBuf {
    directory.join(format!("kept-{holder}.sock"))
}

/// Answers on a thread of its own until this process ends.
pub(crate) fn open(door: Door) -> io::Result<OpenDoor> {
    let directory = runtime_directory().map_err(io::Error::other)?;
    let path = socket_of(&directory, std::process::id());
    // Left by a process that had this number before and was killed.
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path)?;
    let open = OpenDoor(path);
    let builder = std::thread::Builder::new().name("door".into()).stack_size(128 << 10);
    builder.spawn(move || {
        // Somebody who is not served well tries again, and accepting fails for lack of descriptors only.
        for stream in listener.incoming() {
            match stream {
                Ok(stream) => {
                    let _ = answer(stream, &door);
                }
                Err(_) => std::thread::park_timeout(Duration::from_millis(100)),
            }
        }
    })?;
    Ok(open)
}

fn answer(mut stream: UnixStream, door: &Door) -> io::Result<()> {
    let user = peer_credentials(&stream)?.uid;
    if user != effective_uid() && user != 0 {
        return Ok(());
    }
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut process = [0; 4];
    stream.read_exact(&mut process)?;
    match door.hand_over(OsPid(u32::from_le_bytes(process))) {
        Ok(()) => {
            let answered = stream.write_all(b"+");
            door.answered();
            answered
        }
        Err(_) => stream.write_all(b"-it debugs that process and has not abandoned it"),
    }
}

/// Asks a session process for a debuggee; none as the reason where nothing answers.
pub(crate) fn ask(holder: OsPid, process: OsPid) -> Result<(), Option<String>> {
    let directory = runtime_directory().map_err(|_| None)?;
    let stream = UnixStream::connect(socket_of(&directory, holder.0)).map_err(|_| None)?;
    let there = peer_credentials(&stream).map_err(|_| None)?;
    // A socket that was left, and whose number another process has now, is nobody's door.
    if there.uid != effective_uid() && there.uid != 0 {
        return Err(None);
    }
    let failed = |error: io::Error| Some(format!("it does not answer: {error}"));
    let answer = exchange(stream, process).map_err(failed)?;
    match answer.split_at_checked(1) {
        Some(("+", _)) => Ok(()),
        Some(("-", why)) => Err(Some(why.to_owned())),
        _ => Err(Some("its answer makes no sense".into())),
    }
}

fn exchange(mut stream: UnixStream, process: OsPid) -> io::Result<String> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(&process.0.to_le_bytes())?;
    let mut answer = String::new();
    stream.take(LONGEST_ANSWER).read_to_string(&mut answer)?;
    Ok(answer)
}
