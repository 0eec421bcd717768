//! A serial cable: two pseudo-terminals, which programs open as ports, and threads that carry bytes between them as
//! slowly and as badly as they are told to.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use farsight_transport::{ClientEndpoint, ClientRole, ClientTransport, HeldLine, sys};

use crate::programs;

/// The most that is taken from a port at a time, as from the buffer of a real one.
const PIECE: usize = 64;

/// What a cable does to bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct CablePlan {
    /// Bits a second; none for as fast as it goes. A byte takes ten.
    pub baud: Option<u32>,
    /// How many of ten thousand bytes are hurt: lost, changed, doubled or followed by another, in turn.
    pub hurt: u32,
    /// Where the dice begin.
    pub seed: u64,
}

#[derive(Debug)]
struct State {
    hurt: AtomicU32,
    is_out: AtomicBool,
    carried: [AtomicU64; 2],
}

/// A cable between two ports. It is gone, and so are its ports, when it goes out of scope.
#[derive(Debug)]
pub struct Cable {
    ports: [PathBuf; 2],
    state: Arc<State>,
    /// A port that nobody has open would end.
    kept: [File; 2],
    /// Their ends are told by these closing.
    _ropes: [UnixStream; 2],
}

impl Cable {
    /// Lays a cable.
    pub fn new(plan: CablePlan) -> Cable {
        let ends = [(); 2].map(|()| sys::pseudo_terminal().expect("a pseudo-terminal"));
        let ports = ends.each_ref().map(|(_, path)| path.clone());
        let kept = ports.each_ref().map(|path| open_raw(path));
        let state = Arc::new(State {
            hurt: AtomicU32::new(plan.hurt),
            is_out: AtomicBool::new(false),
            carried: [AtomicU64::new(0), AtomicU64::new(0)],
        });
        let ropes = [0, 1].map(|from: usize| {
            let (rope, bell) = UnixStream::pair().expect("a pair of sockets");
            let wire = Wire {
                from: ends[from].0.try_clone().expect("a descriptor"),
                to: ends[1 - from].0.try_clone().expect("a descriptor"),
                bell,
                plan,
                dice: plan
                    .seed
                    .wrapping_mul(2)
                    .wrapping_add(from as u64 + 1)
                    .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                    | 1,
                hurts: 0,
                index: from,
                state: state.clone(),
            };
            thread::spawn(move || wire.carry());
            rope
        });
        Cable {
            ports,
            state,
            kept,
            _ropes: ropes,
        }
    }

    /// The device at an end, 0 or 1.
    pub fn port(&self, end: usize) -> &Path {
        &self.ports[end]
    }

    /// A connection string for a channel at an end.
    pub fn transport(&self, end: usize, baud: u32, channel: u8) -> String {
        format!("com:port={},baud={baud},channel={channel}", self.port(end).display())
    }

    /// Has `dbgsrv` keep the port of an end open, for callers that are no programs of ours, as long as the answer lives.
    pub fn hold(&self, end: usize, baud: u32) -> HeldLine {
        let port = ClientTransport::parse(&self.transport(end, baud, 0), ClientRole::SmartClient).expect("a transport");
        let ClientEndpoint::Com { port, .. } = port.endpoint else {
            unreachable!("it is a serial port");
        };
        HeldLine::hold(&programs::dbgsrv(), &port, baud).expect("a line process")
    }

    /// Pulls the cable out: what is sent is gone.
    pub fn pull_out(&self) {
        self.state.is_out.store(true, Ordering::SeqCst);
    }

    /// Plugs it in again.
    pub fn plug_in(&self) {
        self.state.is_out.store(false, Ordering::SeqCst);
    }

    /// Hurts so many of ten thousand bytes from now on.
    pub fn hurt(&self, of_ten_thousand: u32) {
        self.state.hurt.store(of_ten_thousand, Ordering::SeqCst);
    }

    /// Bytes that have been sent from an end.
    pub fn carried(&self, from: usize) -> u64 {
        self.state.carried[from].load(Ordering::SeqCst)
    }

    /// What comes out at an end, as if the other had sent it.
    pub fn say(&self, to: usize, bytes: &[u8]) {
        // The port's own end of the pseudo-terminal is where its input comes from.
        let mut kept = &self.kept[1 - to];
        kept.write_all(bytes).expect("a port that takes bytes");
    }
}

/// Opens a port without any treatment of what is typed.
fn open_raw(path: &Path) -> File {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(0o400) // O_NOCTTY: it is nobody's terminal.
        .open(path);
    let file = file.expect("the port of a pseudo-terminal");
    sys::make_raw(&file).expect("a raw terminal");
    file
}

/// One direction.
struct Wire {
    from: File,
    to: File,
    bell: UnixStream,
    plan: CablePlan,
    dice: u64,
    hurts: u64,
    index: usize,
    state: Arc<State>,
}

impl Wire {
    fn carry(mut self) {
        let mut free_at = Instant::now();
        let mut piece = [0; PIECE];
        loop {
            let both = [self.from.as_fd(), self.bell.as_fd()];
            let waited = sys::poll_readable(&both, Some(Duration::ZERO)).is_ok_and(|ready| ready == [true, false]);
            let Ok(ready) = sys::poll_readable(&both, None) else {
                return;
            };
            if ready != [true, false] {
                return;
            }
            let Ok(length @ 1..) = self.from.read(&mut piece) else {
                return;
            };
            self.state.carried[self.index].fetch_add(length as u64, Ordering::SeqCst);
            if let Some(baud) = self.plan.baud {
                // They are all there when the last of them is.
                let time = Duration::from_secs(10) * u32::try_from(length).expect("a small number") / baud;
                // What waited already follows without a pause, however late this thread is.
                free_at = if waited { free_at } else { free_at.max(Instant::now()) } + time;
                let left = free_at.saturating_duration_since(Instant::now());
                if !matches!(
                    sys::poll_readable(&[self.bell.as_fd()], Some(left)).as_deref(),
                    Ok([false])
                ) {
                    return;
                }
            }
            if self.state.is_out.load(Ordering::SeqCst) {
                continue;
            }
            let out = self.treat(&piece[..length]);
            if self.to.write_all(&out).is_err() {
                return;
            }
        }
    }

    fn treat(&mut self, bytes: &[u8]) -> Vec<u8> {
        let hurt = u64::from(self.state.hurt.load(Ordering::SeqCst));
        let mut out = Vec::with_capacity(bytes.len() + 4);
        for byte in bytes {
            if self.roll(10_000) >= hurt {
                out.push(*byte);
                continue;
            }
            self.hurts += 1;
            match self.hurts % 4 {
                0 => {}
                1 => out.push(byte ^ (1 << self.roll(8))),
                2 => out.extend([*byte; 2]),
                _ => out.extend([*byte, self.roll(256) as u8]),
            }
        }
        out
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        (self.dice >> 11) % sides
    }
}
