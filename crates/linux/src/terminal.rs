//! The terminal of a launched program: its output is a stream of its own, its input comes from the client.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread::JoinHandle;

use farsight_target::{Event, OutputChunk, WindowSize};
use farsight_types::OsPid;

use crate::sys;
use crate::tracer::EventSink;

const CHUNK: usize = 16 << 10;

/// The server's end, with the thread that reads it.
pub(crate) struct Terminal {
    master: Arc<OwnedFd>,
    reader: Option<JoinHandle<()>>,
}

/// What other threads write to and resize a terminal by.
#[derive(Clone)]
pub(crate) struct TerminalHandle(Arc<OwnedFd>);

impl Terminal {
    /// Starts to read. The sink may block: then the program's own writes wait, which bounds what is kept.
    pub(crate) fn start(process: OsPid, master: OwnedFd, events: EventSink) -> Terminal {
        let master = Arc::new(master);
        let source = master.try_clone().map(File::from);
        let reader = source.ok().and_then(|mut source| {
            let builder = std::thread::Builder::new().name("terminal".into()).stack_size(64 << 10);
            let read_all = move || {
                let mut buffer = vec![0; CHUNK];
                // The end shows as an error, EIO, once nobody holds the program's side.
                while let Ok(read @ 1..) = source.read(&mut buffer) {
                    let bytes = buffer[..read].to_vec();
                    events(Event::Output(OutputChunk { process, bytes }));
                }
                events(Event::Output(OutputChunk {
                    process,
                    bytes: Vec::new(),
                }));
            };
            builder.spawn(read_all).ok()
        });
        Terminal { master, reader }
    }

    pub(crate) fn handle(&self) -> TerminalHandle {
        TerminalHandle(Arc::clone(&self.master))
    }

    /// The program is gone. What it wrote last is read before its end is told, unless a child of it keeps the terminal.
    pub(crate) fn close(mut self) {
        if let Some(reader) = self.reader.take()
            && !sys::terminal::is_held(&self.master)
        {
            let _ = reader.join();
        }
    }
}

impl TerminalHandle {
    /// Types; `end` adds the terminal's end-of-file character.
    pub(crate) fn type_in(&self, bytes: &[u8], end: bool) -> std::io::Result<()> {
        const END_OF_FILE: u8 = 4;
        let mut file = File::from(self.0.try_clone()?);
        file.write_all(bytes)?;
        if end { file.write_all(&[END_OF_FILE]) } else { Ok(()) }
    }

    pub(crate) fn resize(&self, size: WindowSize) -> std::io::Result<()> {
        sys::terminal::resize(&self.0, size.rows, size.columns)
    }
}
