//! The direction to the server: frames become as few writes as they can.

use std::io::{self, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use farsight_engine::LinkId;
use farsight_transport::Stream;
use farsight_wire::Frame;

use super::Outgoing;

/// Frames that wait together go out together up to about this many bytes.
const TOGETHER: usize = 64 << 10;

/// Bulk from this length on is written from where it lies, rather than copied.
const BULK_ALONE: usize = 16 << 10;

/// A peer that takes nothing at all for so long is not there any more.
const STUCK: Duration = Duration::from_secs(30);

/// Starts the writer's thread. It ends with [`Outgoing::Close`] or when the stream cannot be written.
pub(super) fn start(
    link: LinkId,
    stream: Stream,
    frames: Receiver<Outgoing>,
    session: Arc<AtomicU64>,
    seen: Arc<AtomicU64>,
) -> io::Result<JoinHandle<()>> {
    stream.set_write_timeout(Some(STUCK))?;
    thread::Builder::new()
        .name(format!("link-{}-writer", link.0))
        .spawn(move || {
            let mut writer = Writer {
                stream: &stream,
                session: &session,
                seen: &seen,
                pending: Vec::new(),
            };
            if let Err(error) = writer.run(&frames) {
                tracing::info!(%error, "a link cannot be written to");
            }
            // Wakes the reader, which tells the engine.
            let _ = stream.shutdown(Shutdown::Both);
        })
}

struct Writer<'w> {
    stream: &'w Stream,
    session: &'w AtomicU64,
    seen: &'w AtomicU64,
    pending: Vec<u8>,
}

impl Writer<'_> {
    fn run(&mut self, frames: &Receiver<Outgoing>) -> io::Result<()> {
        while let Ok(Outgoing::Frame(frame)) = frames.recv() {
            self.add(frame)?;
            while self.pending.len() < TOGETHER {
                match frames.try_recv() {
                    Ok(Outgoing::Frame(frame)) => self.add(frame)?,
                    Ok(Outgoing::Close) => return self.flush(),
                    Err(_) => break,
                }
            }
            self.flush()?;
        }
        Ok(())
    }

    fn add(&mut self, mut frame: Frame) -> io::Result<()> {
        frame.header.session = self.session.load(Ordering::Relaxed);
        frame.header.last_event = self.seen.load(Ordering::Relaxed);
        tracing::trace!(
            target: "farsight::wire",
            header = ?frame.header, body = frame.body.len(), bulk = frame.bulk.len(), "out"
        );
        self.pending.extend_from_slice(&frame.encode_head());
        if frame.bulk.len() < BULK_ALONE {
            self.pending.extend_from_slice(&frame.bulk);
            return Ok(());
        }
        self.flush()?;
        self.write(&frame.bulk)
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.pending.is_empty() {
            self.write(&self.pending)?;
            self.pending.clear();
        }
        Ok(())
    }

    /// What is sealed counts as written though the socket may not have taken it: only flushing shows that it has.
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut stream = self.stream;
        stream.write_all(bytes)?;
        stream.flush()
    }
}
