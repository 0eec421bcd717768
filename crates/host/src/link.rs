//! Links to target services: a stream, the first exchange, and one thread for each direction.
//!
//! A link is dialled on a thread of its own, which then becomes the reader; the writer starts with the first frame, so
//! that requests need not wait for the other side's answer to it. Neither decides anything: what arrives becomes [`LinkNews`], and the engine's frames go out in their
//! order. Read [`Link`] first.

pub(crate) mod connect;
mod reader;
mod writer;

use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use farsight_engine::{ConnectFailure, Destination, EngineMessage, LinkId, LinkNews, LinkSender};
use farsight_transport::Wait;
use farsight_wire::{Frame, PortError};

use self::connect::Connected;

/// The engine's handle on a link.
pub(crate) struct Link {
    queue: Sender<Outgoing>,
    /// Its end, at the link's, ends the wait for a server that calls by itself.
    _rope: Option<UnixStream>,
}

/// What the writer is given.
#[derive(Debug)]
enum Outgoing {
    Frame(Frame),
    /// Everything before has been written; now the stream ends.
    Close,
}

impl Link {
    /// Starts to connect; what comes of it is told to the inbox.
    pub(crate) fn open(to: Destination, link: LinkId, inbox: Sender<EngineMessage>, threads: &mut LinkThreads) -> Link {
        let (queue, frames) = channel();
        let news = News { link, inbox };
        let (thread_news, thread_queue) = (news.clone(), queue.clone());
        let (rope, started) = match UnixStream::pair() {
            Ok((rope, end)) => {
                let work = move || run(&to, &thread_news, thread_queue, frames, end);
                (Some(rope), threads.start(format!("link-{}", link.0), work))
            }
            Err(error) => (None, Err(error)),
        };
        if let Err(error) = started {
            let why = format!("cannot start a thread for the connection: {error}");
            news.tell(LinkNews::Failed(ConnectFailure(why)));
        }
        Link { queue, _rope: rope }
    }
}

impl LinkSender for Link {
    fn send(&self, frame: Frame) -> Result<(), PortError> {
        self.queue.send(Outgoing::Frame(frame)).map_err(|_| PortError::Lost)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Fails when the link is gone already.
        let _ = self.queue.send(Outgoing::Close);
    }
}

/// Where a link's news go.
#[derive(Clone, Debug)]
struct News {
    link: LinkId,
    inbox: Sender<EngineMessage>,
}

impl News {
    /// An engine that has ended wants no news.
    fn tell(&self, news: LinkNews) {
        let _ = self.inbox.send(EngineMessage::Link(self.link, news));
    }
}

/// The link's thread: dials, then reads until the end.
fn run(to: &Destination, news: &News, queue: Sender<Outgoing>, frames: Receiver<Outgoing>, given_up: UnixStream) {
    let _span = tracing::info_span!("link", id = news.link.0).entered();
    let wait = Wait {
        tell: &|text| news.tell(LinkNews::Told(text)),
        end: given_up.as_fd(),
    };
    let opening = match connect::begin(to, &wait) {
        Ok(opening) => opening,
        Err(failure) => {
            tracing::info!(%failure, "not connected");
            return news.tell(LinkNews::Failed(failure));
        }
    };
    let seen = Arc::new(AtomicU64::new(0));
    let session = Arc::new(AtomicU64::new(0));
    // It starts before the answer: the first requests go out right behind the first frame, which saves a round trip.
    let writer = opening
        .stream()
        .try_clone()
        .and_then(|stream| writer::start(news.link, stream, frames, Arc::clone(&session), Arc::clone(&seen)));
    let writer = match writer {
        Ok(writer) => writer,
        Err(error) => {
            let why = format!("cannot start a thread that writes: {error}");
            return news.tell(LinkNews::Failed(ConnectFailure(why)));
        }
    };
    let connected = match opening.finish() {
        Ok(connected) => connected,
        Err(failure) => {
            tracing::info!(%failure, "not connected");
            news.tell(LinkNews::Failed(failure));
            let _ = queue.send(Outgoing::Close);
            let _ = writer.join();
            return;
        }
    };
    let Connected {
        stream,
        decoder,
        welcome,
    } = connected;
    tracing::info!(machine = welcome.machine, server = welcome.product, "connected");
    session.store(
        welcome.ticket.as_ref().map_or(0, |ticket| ticket.session),
        Ordering::Relaxed,
    );
    let machine = welcome.machine.clone();
    news.tell(LinkNews::Open(Box::new(welcome)));
    let why = reader::read(&stream, decoder, news, &queue, &seen);
    tracing::info!(machine, why, "lost");
    // The peer may be gone already; the writer must not wait for it.
    let _ = stream.shutdown(Shutdown::Both);
    let _ = queue.send(Outgoing::Close);
    news.tell(LinkNews::Lost { why });
    // A panic in the writer has shown itself in the log; there is nobody left who would need its result.
    let _ = writer.join();
}

/// The threads of all links, so that the program can end without cutting one off in the middle of a frame.
#[derive(Debug)]
pub(crate) struct LinkThreads {
    running: Vec<JoinHandle<()>>,
    ended: Receiver<ThreadId>,
    tell_end: Sender<ThreadId>,
}

impl Default for LinkThreads {
    fn default() -> LinkThreads {
        let (tell_end, ended) = channel();
        LinkThreads {
            running: Vec::new(),
            ended,
            tell_end,
        }
    }
}

impl LinkThreads {
    fn start(&mut self, name: String, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        self.running.retain(|thread| !thread.is_finished());
        let tell_end = self.tell_end.clone();
        self.running.push(thread::Builder::new().name(name).spawn(move || {
            work();
            let _ = tell_end.send(thread::current().id());
        })?);
        Ok(())
    }

    /// Waits for all of them, at most so long. One that is still dialling is left to the end of the process.
    pub(crate) fn join(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        self.running.retain(|thread| !thread.is_finished());
        while !self.running.is_empty() {
            let Ok(ended) = self
                .ended
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            else {
                return;
            };
            if let Some(at) = self.running.iter().position(|thread| thread.thread().id() == ended) {
                // To tell was the last thing it did. A panic of it has been logged and concerns nobody here.
                let _ = self.running.swap_remove(at).join();
            }
        }
    }
}

#[cfg(test)]
mod tests;
