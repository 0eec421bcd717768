//! Two directions of a connection, each with its delay.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::counts::{Counter, Meter};
use super::{Direction, ProxyPlan};

/// Looks whether a stalled line goes on.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// Bytes with the moment at which they come out at the other end: the line delays, but never narrows.
struct Chunk {
    due: Instant,
    bytes: Vec<u8>,
}

pub(super) fn join(
    client: TcpStream,
    server: TcpStream,
    plan: ProxyPlan,
    counter: &Counter,
    stalled: &Arc<AtomicBool>,
) {
    counter.connected();
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("TCP_NODELAY");
    }
    // The loopback's own connect costs nothing; a far server's costs a round trip before the first byte.
    let open = Instant::now() + plan.round_trip;
    let ends = [
        (Direction::Up, client.try_clone().unwrap(), server.try_clone().unwrap()),
        (Direction::Down, server, client),
    ];
    for (direction, from, to) in ends {
        let (sender, receiver) = channel();
        let cut = plan.cut.filter(|(at, _)| *at == direction).map(|(_, frames)| frames);
        let measuring = Some((Meter::new(counter, direction), cut));
        let stalled = stalled.clone();
        // Counted where the client is: going up before the delay, coming down behind it.
        let (before, behind) = match direction {
            Direction::Up => (measuring, None),
            Direction::Down => (None, measuring),
        };
        let first = if direction == Direction::Up {
            open
        } else {
            Instant::now()
        };
        thread::spawn(move || take_in(from, &sender, plan.round_trip / 2, first, before));
        thread::spawn(move || give_out(&receiver, to, plan.single_bytes, &stalled, behind));
    }
}

type Measuring = Option<(Meter, Option<u64>)>;

fn take_in(mut from: TcpStream, line: &Sender<Chunk>, delay: Duration, open: Instant, mut measuring: Measuring) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let due = Instant::now().max(open) + delay;
        let (bytes, over) = measured(&buffer[..length], &mut measuring);
        let bytes = bytes.to_vec();
        if line.send(Chunk { due, bytes }).is_err() || over {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Read);
}

fn give_out(line: &Receiver<Chunk>, mut to: TcpStream, single: bool, stalled: &AtomicBool, mut measuring: Measuring) {
    while let Ok(chunk) = line.recv() {
        while stalled.load(Ordering::SeqCst) {
            thread::park_timeout(BETWEEN_LOOKS);
        }
        loop {
            let left = chunk.due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            thread::park_timeout(left);
        }
        let (bytes, over) = measured(&chunk.bytes, &mut measuring);
        let written = if single {
            bytes.chunks(1).try_for_each(|byte| to.write_all(byte))
        } else {
            to.write_all(bytes)
        };
        if written.is_err() || over {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

/// Counts a chunk; what of it passes, and whether it is the last.
fn measured<'a>(chunk: &'a [u8], measuring: &mut Measuring) -> (&'a [u8], bool) {
    let cut = measuring.as_mut().and_then(|(meter, cut)| meter.feed(chunk, *cut));
    match cut {
        Some(length) => (&chunk[..length], true),
        None => (chunk, false),
    }
}
