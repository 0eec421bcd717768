//! The thread that carries bytes between an encrypted connection and one end of a socket pair, whose other end is given
//! out as an ordinary stream.
//!
//! It holds at most one piece in each direction and stops reading on one side while the other takes nothing. An end on
//! one side becomes an end on the other (`close_notify` above, a half-closed socket below). A connection that breaks, is
//! tampered with or ends without `close_notify` cuts both directions at once, after what came genuine.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use rustls::Connection;

use crate::carriers::Carrying;
use crate::stream::Stream;
use crate::sys::{Ready, Wanted, poll};

/// What is read at once.
const PIECE: usize = 64 << 10;

/// How long what was written last may take to go out when nobody is left here.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Starts the thread; it ends when either side has.
pub(super) fn start(connection: Connection, stream: Stream) -> io::Result<UnixStream> {
    let (plain, inner) = UnixStream::pair()?;
    inner.set_nonblocking(true)?;
    stream.set_nonblocking(true)?;
    let carrying = Carrying::begin();
    thread::Builder::new().name("tls-carrier".to_owned()).spawn(move || {
        let _carrying = carrying;
        Carrier::new(connection, stream, inner).run();
    })?;
    Ok(plain)
}

struct Carrier {
    connection: Connection,
    /// The encrypted side.
    outer: Stream,
    /// The plain side.
    inner: UnixStream,
    /// Encrypted bytes that were read and not yet taken up: `raw[taken..filled]`.
    raw: Vec<u8>,
    taken: usize,
    filled: usize,
    /// Plain bytes that came from there and go to the plain side: `out[delivered..genuine]`.
    out: Vec<u8>,
    delivered: usize,
    genuine: usize,
    /// Plain bytes as they are read.
    piece: Vec<u8>,
    /// More may come from this side.
    outer_reads: bool,
    inner_reads: bool,
    /// The other end of this side is gone altogether.
    outer_hung: bool,
    inner_hung: bool,
    /// The plain side does not take more now.
    is_blocked: bool,
    /// The other side has said that nothing more comes.
    is_closed: bool,
    /// The connection is broken; what came before is still delivered.
    is_cut: bool,
    /// When what is left to be sent is given up.
    give_up: Option<Instant>,
}

impl Carrier {
    fn new(mut connection: Connection, outer: Stream, inner: UnixStream) -> Carrier {
        // It is bounded here: plain bytes are read only when all before them went out.
        connection.set_buffer_limit(None);
        Carrier {
            connection,
            outer,
            inner,
            raw: vec![0; PIECE],
            taken: 0,
            filled: 0,
            out: vec![0; PIECE],
            delivered: 0,
            genuine: 0,
            piece: vec![0; PIECE],
            outer_reads: true,
            inner_reads: true,
            outer_hung: false,
            inner_hung: false,
            is_blocked: false,
            is_closed: false,
            is_cut: false,
            give_up: None,
        }
    }

    fn run(mut self) {
        // What came behind the handshake is here already.
        self.deliver();
        self.send();
        while !self.is_done() {
            let Some((outer, inner)) = self.wait() else {
                break;
            };
            self.outer_hung |= outer.ended;
            if inner.ended {
                self.inner_hung = true;
                // Nobody reads any more; what was written before can still be read here.
                self.outer_reads = false;
                self.is_blocked = false;
            }
            if self.is_blocked && inner.write {
                self.is_blocked = false;
                self.deliver();
            }
            if self.wants_outer() && (outer.read || outer.ended) {
                self.hear();
            }
            if self.wants_inner() && (inner.read || inner.ended) {
                self.read_plain();
            }
            self.send();
            // A connection that can neither be read nor written has nothing to wait for.
            self.is_cut |= self.outer_hung && !self.outer_reads;
        }
        // Whoever still holds the plain end sees an end in both directions.
        let _ = self.inner.shutdown(Shutdown::Both);
        let _ = self.outer.shutdown(Shutdown::Write);
    }

    fn wants_outer(&self) -> bool {
        self.outer_reads && !self.is_blocked && !self.is_cut && self.taken == self.filled
    }

    fn wants_inner(&self) -> bool {
        self.inner_reads && !self.is_cut && !self.connection.wants_write()
    }

    fn is_done(&self) -> bool {
        let late = self.give_up.is_some_and(|give_up| give_up <= Instant::now());
        let sent = !self.inner_reads && !self.connection.wants_write();
        late || (self.is_cut && !self.is_blocked) || (sent && !self.outer_reads && !self.is_blocked)
    }

    /// Waits for what can be gone on with. A side of which nothing is wanted is looked at for its end only, and not
    /// again once that was seen: it would be reported for ever.
    fn wait(&mut self) -> Option<(Ready, Ready)> {
        let is_left = self.inner_hung || !self.inner_reads;
        if is_left && !self.outer_reads && self.give_up.is_none() {
            self.give_up = Some(Instant::now() + LAST_WORDS);
        }
        let outer = Wanted {
            fd: self.outer.as_fd(),
            read: self.wants_outer(),
            write: self.connection.wants_write() && !self.is_cut,
        };
        let inner = Wanted {
            fd: self.inner.as_fd(),
            read: self.wants_inner(),
            write: self.is_blocked,
        };
        let sides = [(outer, self.outer_hung), (inner, self.inner_hung)];
        let is_asked = sides.map(|(wanted, hung)| wanted.read || wanted.write || !hung);
        let asked: Vec<Wanted<'_>> = sides
            .iter()
            .zip(is_asked)
            .filter(|(_, asked)| *asked)
            .map(|((wanted, _), _)| *wanted)
            .collect();
        let time = self
            .give_up
            .map(|give_up| give_up.saturating_duration_since(Instant::now()));
        if asked.is_empty() && time.is_none() {
            return None;
        }
        let mut ready = poll(&asked, time).ok()?.into_iter();
        let [outer, inner] = is_asked.map(|asked| asked.then(|| ready.next()).flatten().unwrap_or_default());
        Some((outer, inner))
    }

    /// Reads encrypted bytes once, and delivers what is in them; false where there was nothing.
    fn hear(&mut self) -> bool {
        match self.outer.read(&mut self.raw) {
            Ok(0) => {
                // Where an end was announced nothing is read any more, so this one was not.
                self.outer_reads = false;
                self.is_cut = true;
            }
            Ok(length) => {
                (self.taken, self.filled) = (0, length);
                self.deliver();
                return true;
            }
            Err(error) if is_passing(&error) => {}
            Err(_) => self.is_cut = true,
        }
        false
    }

    /// Takes up encrypted bytes and writes what was in them to the plain side, until that takes no more.
    fn deliver(&mut self) {
        loop {
            self.take_up();
            if self.delivered == self.genuine {
                if self.is_closed && self.outer_reads {
                    self.outer_reads = false;
                    let _ = self.inner.shutdown(Shutdown::Write);
                }
                return;
            }
            match self.inner.write(&self.out[self.delivered..self.genuine]) {
                Ok(length) => self.delivered += length,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.is_blocked = true;
                    return;
                }
                Err(_) => {
                    // Nobody reads any more.
                    self.outer_reads = false;
                    return;
                }
            }
        }
    }

    /// Decrypts what was read, as far as there is room, so that it can be written at once.
    fn take_up(&mut self) {
        if self.delivered == self.genuine {
            (self.delivered, self.genuine) = (0, 0);
        }
        while self.genuine < self.out.len() {
            match self.connection.reader().read(&mut self.out[self.genuine..]) {
                // The other side is done. What it may have sent behind that counts for nothing.
                Ok(0) => {
                    self.is_closed = true;
                    self.taken = self.filled;
                    return;
                }
                Ok(length) => {
                    self.genuine += length;
                    continue;
                }
                // There is nothing, or nothing more.
                Err(_) if self.taken == self.filled || self.is_cut => return,
                Err(_) => {}
            }
            let mut raw = &self.raw[self.taken..self.filled];
            let before = raw.len();
            let taken_up = self.connection.read_tls(&mut raw);
            self.taken += before - raw.len();
            let is_stuck = !matches!(taken_up, Ok(1..));
            if is_stuck || self.connection.process_new_packets().is_err() {
                // What is genuine is delivered by the turns that follow, and the other side is told.
                self.is_cut = true;
                let _ = self.connection.write_tls(&mut &self.outer);
            }
        }
    }

    /// Reads plain bytes once, and encrypts them.
    fn read_plain(&mut self) {
        match self.inner.read(&mut self.piece) {
            Ok(0) => self.end_plain(),
            Ok(length) => {
                let written = self.connection.writer().write_all(&self.piece[..length]);
                self.is_cut |= written.is_err();
            }
            Err(error) if is_passing(&error) => {}
            // The other end was closed with bytes unread; all that was written into it has been read here.
            Err(_) => self.end_plain(),
        }
    }

    fn end_plain(&mut self) {
        self.inner_reads = false;
        self.connection.send_close_notify();
    }

    /// Sends what can be sent without waiting.
    fn send(&mut self) {
        while self.connection.wants_write() && !self.is_cut {
            match self.connection.write_tls(&mut &self.outer) {
                // As long as it is taken, there is time.
                Ok(_) => self.give_up = None,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => {
                    // What the other side said last may be why it takes nothing more.
                    while self.wants_outer() && self.hear() {}
                    self.is_cut = true;
                }
            }
        }
        if !self.inner_reads && !self.is_cut && !self.outer_hung {
            // The last of it is out; on a connection that is ended already this changes nothing.
            let _ = self.outer.shutdown(Shutdown::Write);
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
