//! The terminal of a launched program: its output is a stream of its own, its input comes from the client.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use farsight_target::{Event, Note, OutputChunk, WindowSize};
use farsight_types::OsPid;

use crate::sys::child;
use crate::sys::terminal as sys;
use crate::tracer::Events;

const CHUNK: usize = 16 << 10;

/// Most bytes that are read at one stop beside the reader's own pace.
const MOST_AT_A_STOP: usize = 64 << 10;

/// The server's end, and the thread that reads it.
pub(crate) struct Terminal(Arc<Shared>);

/// What other threads write to and resize a terminal by.
#[derive(Clone)]
pub(crate) struct TerminalHandle(Arc<Shared>);

struct Shared {
    process: OsPid,
    master: OwnedFd,
    events: Arc<dyn Events>,
    /// Held from a read until what was read is on its way, so that output stays in order whoever reads.
    reading: Mutex<()>,
    closed: AtomicBool,
}

impl Terminal {
    /// Starts to read. The reader waits while too much output is under way: then the program's own writes wait, which
    /// bounds what is kept.
    pub(crate) fn start(process: OsPid, master: OwnedFd, events: Arc<dyn Events>) -> Terminal {
        let shared = Arc::new(Shared {
            process,
            master,
            events,
            reading: Mutex::default(),
            closed: AtomicBool::new(false),
        });
        let for_thread = Arc::clone(&shared);
        let builder = std::thread::Builder::new().name("terminal".into()).stack_size(64 << 10);
        // Without the thread the program's output is read at stops only.
        let _ = builder.spawn(move || {
            while for_thread.events.wait_for_room() && sys::wait_for_output(&for_thread.master) {
                if !for_thread.read_once() {
                    break;
                }
            }
        });
        Terminal(shared)
    }

    pub(crate) fn handle(&self) -> TerminalHandle {
        TerminalHandle(Arc::clone(&self.0))
    }

    /// The program runs on by itself: somebody must hold its terminal, whose end would hang it up.
    pub(crate) fn keep_open(&self) {
        if let Err(error) = child::spawn_terminal_holder(&self.0.master) {
            self.0.events.tell(Event::Note(Note::Trouble {
                text: format!(
                    "process {} will be hung up, for nobody can hold its terminal: {error}",
                    self.0.process
                ),
            }));
        }
    }

    /// Sends what the program has written so far, so that a stop is told of behind it.
    pub(crate) fn settle(&self) {
        for _ in 0..MOST_AT_A_STOP / CHUNK {
            if !sys::has_output(&self.0.master) || !self.0.read_once() {
                break;
            }
        }
    }
}

impl Drop for Terminal {
    /// The program is gone: what it wrote last is sent, and the end of the stream is told unless it was.
    fn drop(&mut self) {
        self.settle();
        self.0.tell_end();
    }
}

impl Shared {
    /// Reads what is there and sends it; false at the end, which shows as an error, EIO, once nobody holds the
    /// program's side.
    fn read_once(&self) -> bool {
        let _reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if self.closed.load(Ordering::SeqCst) {
            return false;
        }
        // Somebody else may have read meanwhile: then there is nothing to wait for.
        if !sys::has_output(&self.master) {
            return true;
        }
        let mut buffer = vec![0; CHUNK];
        let read = self
            .master
            .try_clone()
            .and_then(|master| File::from(master).read(&mut buffer));
        match read {
            Ok(read @ 1..) => {
                buffer.truncate(read);
                self.send(buffer);
                true
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => true,
            _ => {
                drop(_reading);
                self.tell_end();
                false
            }
        }
    }

    fn tell_end(&self) {
        if !self.closed.swap(true, Ordering::SeqCst) {
            self.send(Vec::new());
        }
    }

    fn send(&self, bytes: Vec<u8>) {
        let process = self.process;
        self.events.tell(Event::Output(OutputChunk { process, bytes }));
    }
}

impl TerminalHandle {
    /// Types; `end` adds the terminal's end-of-file character. Never waits: an error says how much a program that does
    /// not read has left room for.
    pub(crate) fn type_in(&self, bytes: &[u8], end: bool) -> std::io::Result<()> {
        const END_OF_FILE: u8 = 4;
        let mut file = File::from(self.0.master.try_clone()?);
        let mut text = bytes.to_vec();
        text.extend(end.then_some(END_OF_FILE));
        let mut typed = 0;
        while typed < text.len() {
            match file.write(&text[typed..]) {
                Ok(written) => typed += written,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    return Err(std::io::Error::other(format!(
                        "the program does not read; {typed} of {} bytes were taken",
                        text.len()
                    )));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub(crate) fn resize(&self, size: WindowSize) -> std::io::Result<()> {
        sys::resize(&self.0.master, size.rows, size.columns)
    }
}
