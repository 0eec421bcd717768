//! What a session sends: one queue, one thread that writes. Nobody waits for the client's network, except those who
//! read a program's output, which is bounded by that. A client that takes nothing while ever more is queued is cut off.

use std::io::{self, IoSlice, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use farsight_target::Event;
use farsight_transport::Stream;
use farsight_wire::{Frame, FrameKind, Header};

enum Outgoing {
    Frame(Frame),
    Event(Event),
    /// Dropped when everything before it is written.
    Passed(#[expect(dead_code, reason = "its end is the message")] Sender<()>),
    /// Everything before this is to be written, then the writer ends.
    End,
}

impl Outgoing {
    /// What it takes up, roughly.
    fn size(&self) -> usize {
        const SMALL: usize = 512;
        let bulk = match self {
            Outgoing::Frame(frame) => frame.body.len() + frame.bulk.len(),
            Outgoing::Event(Event::Stop(stop)) => stop.bytes.len(),
            Outgoing::Event(Event::Output(chunk)) => chunk.bytes.len(),
            Outgoing::Event(_) => 0,
            Outgoing::Passed(_) | Outgoing::End => return 0,
        };
        SMALL + bulk
    }
}

/// Bytes that may wait for a client. Those who ask for much do not ask for more before they have taken some of it.
const MOST_WAITING: usize = 256 << 20;

/// The sending end; clones go to the threads that send.
#[derive(Clone)]
pub(crate) struct Outbox {
    queue: Sender<Outgoing>,
    waiting: Arc<AtomicUsize>,
    stream: Arc<Stream>,
}

impl Outbox {
    /// Starts to write to a stream.
    pub(crate) fn start(stream: Stream) -> io::Result<(Outbox, JoinHandle<()>)> {
        let (queue, frames) = channel();
        let builder = std::thread::Builder::new().name("writer".into()).stack_size(64 << 10);
        let outbox = Outbox {
            queue,
            waiting: Arc::default(),
            stream: Arc::new(stream),
        };
        let (stream, waiting) = (Arc::clone(&outbox.stream), Arc::clone(&outbox.waiting));
        let thread = builder.spawn(move || write_all(&stream, &waiting, &frames))?;
        Ok((outbox, thread))
    }

    /// Queues a frame. After the stream broke, frames go nowhere; the reader notices the break.
    pub(crate) fn send(&self, frame: Frame) {
        self.push(Outgoing::Frame(frame));
    }

    fn push(&self, outgoing: Outgoing) {
        let size = outgoing.size();
        if self.waiting.fetch_add(size, Ordering::Relaxed) > MOST_WAITING {
            // The reader sees the end, and lets go.
            let _ = self.stream.shutdown(Shutdown::Both);
        }
        let _ = self.queue.send(outgoing);
    }

    /// Lets the writer end when it has written what is queued, or when the client has not taken that in time.
    pub(crate) fn end(&self, patience: Duration) {
        let (passed, wait) = channel::<()>();
        let _ = self.queue.send(Outgoing::Passed(passed));
        let _ = self.queue.send(Outgoing::End);
        // It only ever ends by being dropped.
        let _ = wait.recv_timeout(patience);
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

impl Outbox {
    /// Queues an event.
    pub(crate) fn tell(&self, event: Event) {
        self.push(Outgoing::Event(event));
    }

    /// Waits until what is queued now has been written.
    pub(crate) fn wait_for_room(&self) -> bool {
        let (passed, wait) = channel::<()>();
        if self.queue.send(Outgoing::Passed(passed)).is_err() {
            return false;
        }
        // It only ever ends by being dropped.
        let _ = wait.recv();
        true
    }
}

fn write_all(stream: &Stream, waiting: &AtomicUsize, frames: &Receiver<Outgoing>) {
    let mut last_event = 0;
    while let Ok(outgoing) = frames.recv() {
        let size = outgoing.size();
        let frame = match outgoing {
            Outgoing::Frame(frame) => frame,
            Outgoing::Event(event) => {
                last_event += 1;
                event_frame(event, last_event)
            }
            Outgoing::Passed(_) => continue,
            Outgoing::End => break,
        };
        if write(stream, &frame).is_err() {
            // The reader sees the end too, and lets go.
            let _ = stream.shutdown(Shutdown::Both);
            break;
        }
        waiting.fetch_sub(size, Ordering::Relaxed);
    }
}

/// Head and bulk go out together as far as the stream takes them so: one call, and one record where it is sealed.
fn write(mut stream: &Stream, frame: &Frame) -> io::Result<()> {
    let head = frame.encode_head();
    let mut parts = [IoSlice::new(&head), IoSlice::new(&frame.bulk)];
    let mut parts = &mut parts[..];
    while parts.iter().any(|part| !part.is_empty()) {
        match stream.write_vectored(parts) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut parts, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    stream.flush()
}

fn event_frame(event: Event, number: u64) -> Frame {
    let (operation, body, bulk) = event.into_parts();
    let mut header = Header::new(FrameKind::Event);
    header.operation = operation.0;
    header.number = number;
    Frame { header, body, bulk }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use farsight_target::{Note, OutputChunk};
    use farsight_types::OsPid;

    use super::*;

    /// A client that reads nothing is cut off before much has piled up, and one that reads gets all.
    #[test]
    fn a_client_that_takes_nothing_is_cut_off() {
        const PIECE: usize = 8 << 20;
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let (outbox, writer) = Outbox::start(Stream::from_fd(ours.into()).unwrap()).unwrap();
        for _ in 0..MOST_WAITING / PIECE + 2 {
            let (process, bytes) = (OsPid(1), vec![0; PIECE]);
            outbox.tell(Event::Output(OutputChunk { process, bytes }));
        }
        writer.join().unwrap();
        outbox.tell(Event::Note(Note::Trouble { text: String::new() }));
        assert!(theirs.read_to_end(&mut Vec::new()).unwrap() < PIECE);
    }

    #[test]
    fn the_end_does_not_wait_for_a_client_for_ever() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let (outbox, writer) = Outbox::start(Stream::from_fd(ours.into()).unwrap()).unwrap();
        let (process, bytes) = (OsPid(1), vec![0; 8 << 20]);
        outbox.tell(Event::Output(OutputChunk { process, bytes }));
        outbox.end(Duration::from_millis(1));
        writer.join().unwrap();
    }
}
