//! Both ways into the machine of serial lines for fuzzing: what comes from the line, and the machine itself under anything
//! that a line, a user and time can do.

use std::time::Duration;

use super::frame::{Beyond, Closed, Deframer, Frame, HELLO_SEED, MOST_DATA, Piece, Record, VERSION, Why};
use super::frame::{decode, encode, seed};
use super::link::{ConnectionId, Event, Link, MOST_KEPT, Pace};

const OURS: u32 = 7;
const THEIRS: u32 = 9;

/// Cuts bytes into frames. What is a frame is written and read again as the same.
pub fn serial_frames(input: &[u8]) {
    let mut deframer = Deframer::default();
    let ours = seed(THEIRS, OURS);
    for byte in input {
        let Some(Piece::Body(body)) = deframer.push(*byte) else {
            continue;
        };
        let Some(frame) = decode(&body, Some(ours)) else {
            continue;
        };
        same_again(&frame);
    }
    // And without a checksum to be guessed.
    if let Some(frame) = frame_of(&mut Bytes(input)) {
        same_again(&frame);
    }
}

fn same_again(frame: &Frame) {
    let ours = seed(THEIRS, OURS);
    let mut line = Vec::new();
    encode(frame, seed_of(frame, ours), &mut line);
    let mut again = Deframer::default();
    let mut pieces = line.iter().filter_map(|byte| again.push(*byte));
    let Some(Piece::Body(body)) = pieces.next() else {
        panic!("{frame:?} is no piece");
    };
    assert_eq!(decode(&body, Some(ours)).as_ref(), Some(frame));
}

fn seed_of(frame: &Frame, other: u32) -> u32 {
    match frame {
        Frame::Hello { .. } => HELLO_SEED,
        _ => other,
    }
}

/// What is left of the input.
struct Bytes<'b>(&'b [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn some(&mut self, most: usize) -> Vec<u8> {
        let length = usize::from(self.next().unwrap_or(0)).min(most).min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes.to_vec()
    }

    fn beyond(&mut self) -> Beyond {
        let bytes = self.some(8);
        bytes.iter().fold(0, |all, byte| (all << 8) | Beyond::from(*byte))
    }
}

/// A frame that the other end could send.
fn frame_of(bytes: &mut Bytes<'_>) -> Option<Frame> {
    let kind = bytes.next()?;
    Some(match kind % 8 {
        0 => Frame::Hello {
            version: if kind & 0x80 == 0 { VERSION } else { kind },
            asks: kind & 0x10 == 0,
            from: if kind & 0x20 == 0 { THEIRS } else { bytes.next()?.into() },
            to: if kind & 0x40 == 0 { OURS } else { bytes.next()?.into() },
        },
        1 => Frame::Heard {
            next: bytes.next()?,
            beyond: bytes.beyond(),
            why: *[Why::Told, Why::Damaged, Why::Asks].get(usize::from(kind >> 3) % 3)?,
        },
        _ => Frame::Record {
            sequence: bytes.next()?,
            next: bytes.next()?,
            connection: bytes.next()?,
            record: match kind >> 3 & 7 {
                0 => Record::Open { channel: bytes.next()? },
                1 => Record::Accept,
                2 => Record::Credit(u16::from_le_bytes([bytes.next()?, bytes.next()?])),
                3 => Record::Finish,
                4 => Record::Close(
                    *[Closed::Done, Closed::NobodyServes, Closed::Full].get(usize::from(bytes.next()?) % 3)?,
                ),
                _ => Record::Data(match bytes.some(MOST_DATA) {
                    data if data.is_empty() => vec![kind],
                    data => data,
                }),
            },
        },
    })
}

/// One end of a line under anything that may happen to it. It keeps no more than it may, and never turns in circles.
pub fn serial_line(input: &[u8]) {
    let mut bytes = Bytes(input);
    let mut now = Duration::ZERO;
    let baud = [50, 9_600, 115_200, 4_000_000]
        .get(usize::from(bytes.next().unwrap_or(0)) % 4)
        .copied();
    let mut link = Link::new(Pace::of(baud.unwrap_or(9_600)), OURS, now);
    let mut known: Vec<ConnectionId> = Vec::new();
    let mut next = 0_u8;
    while let Some(what) = bytes.next() {
        let chosen = known.get(usize::from(what >> 4) % known.len().max(1)).copied();
        match (what % 12, chosen) {
            (0, _) => now += Duration::from_millis(u64::from(bytes.next().unwrap_or(0)).pow(2)),
            (1, _) => link.receive(&bytes.some(255), now),
            (2, _) => link.listen(what >> 4),
            (3, _) if known.len() < 16 => known.extend(link.open(what >> 4, now)),
            (4, Some(id)) => drop(link.send(id, &bytes.some(255).repeat(9))),
            (5, Some(id)) => link.consume(id, link.incoming(id).len() / usize::from(1 + (what >> 6))),
            (6, Some(id)) => link.finish(id),
            (7, Some(id)) => {
                known.retain(|one| *one != id);
                if what & 0x80 == 0 {
                    link.release(id)
                } else {
                    link.abandon(id)
                }
            }
            (8, _) => {
                // A record that is in order, so that connections are reached.
                let Some(Frame::Record { connection, record, .. }) = frame_of(&mut bytes) else {
                    continue;
                };
                let frame = Frame::Record {
                    sequence: next,
                    next: what >> 4,
                    connection,
                    record,
                };
                next = next.wrapping_add(1);
                give(&mut link, &frame, now);
            }
            (9, _) => {
                let frame = Frame::Hello {
                    version: VERSION,
                    asks: true,
                    from: THEIRS,
                    to: OURS,
                };
                give(&mut link, &frame, now);
            }
            _ => {
                let Some(frame) = frame_of(&mut bytes) else { continue };
                give(&mut link, &frame, now);
            }
        }
        while let Some(event) = link.next_event() {
            if let Event::Incoming { id, .. } = event {
                known.push(id);
            }
        }
        settle(&mut link, &mut now);
        assert!(link.bytes_kept() <= MOST_KEPT, "{} bytes are kept", link.bytes_kept());
    }
}

fn give(link: &mut Link, frame: &Frame, now: Duration) {
    let mut line = Vec::new();
    encode(frame, seed_of(frame, seed(THEIRS, OURS)), &mut line);
    link.receive(&line, now);
}

/// Lets what is due happen; an end that gives nothing has nothing due at that very moment.
fn settle(link: &mut Link, now: &mut Duration) {
    let mut line = Vec::new();
    for _ in 0..20 {
        line.clear();
        link.transmit(*now, &mut line);
        match link.deadline() {
            Some(deadline) if deadline <= *now => {
                assert!(
                    !line.is_empty() || link.has_event(),
                    "something is due and nothing done: {link:?}"
                );
            }
            Some(deadline) if deadline < *now + Duration::from_millis(50) => *now = deadline,
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fuzzing without coverage, for every run of the tests; what it finds can be repeated by the seed.
    #[test]
    fn anything_at_all_is_survived() {
        for seed in 0..3_000_u64 {
            let mut dice = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
            let mut roll = || {
                dice ^= dice << 13;
                dice ^= dice >> 7;
                dice ^= dice << 17;
                (dice >> 24) as u8
            };
            let length = 40 + 4 * usize::from(roll());
            // Small numbers often, so that sequences and connections meet.
            let input: Vec<u8> = (0..length)
                .map(|_| if roll() < 90 { roll() % 8 } else { roll() })
                .collect();
            println!("seed {seed}");
            serial_line(&input);
            serial_frames(&input);
        }
    }
}
