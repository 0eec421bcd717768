//! The frames of a serial line: where they begin and end, and whether they are whole.
//!
//! A line loses, changes, doubles and inserts bytes, so a frame ends with a zero byte and holds none (consistent overhead
//! byte stuffing): after any noise the next zero byte is a place to begin anew, and no length can lead astray. A checksum
//! ends the body; its seed belongs to one sender and one receiver, so frames of a former one are noise too.
//!
//! ```text
//! 1 byte     distance to the first zero byte of the body (every zero is replaced by the distance to the next)
//! 1..=254    the body: 1 byte kind, then
//!              hello     2: version, flags     4: the sender's number     4: the receiver's number, as the sender knows it
//!              heard     1: next sequence expected   0..=8: which behind it have come, one bit each
//!              record    1: sequence   1: next sequence expected   1: connection   0..: what it carries
//!            and 4: CRC-32 (reversed, 0xEDB88320), little-endian as all numbers
//! 1 byte     zero
//! ```

/// The longest body, checksum included: what one byte of stuffing covers.
pub(super) const LONGEST_BODY: usize = 254;

/// Bytes of the checksum.
pub(super) const CHECKSUM: usize = 4;

/// What a frame adds to its body without the checksum: the first distance and the zero byte.
pub(super) const STUFFING: usize = 2;

/// The version of what this module and its neighbours describe.
pub(super) const VERSION: u8 = 1;

/// Which sequence numbers may be on the way at a time, and so be remembered as come out of order.
pub(super) const WINDOW: usize = 64;

/// Behind the expected sequence number: bit `n` says that number `expected + 1 + n` has come.
pub(super) type Beyond = u64;

/// What a whole frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// Who speaks, and whom the sender takes this end for.
    Hello {
        /// The sender's [`VERSION`].
        version: u8,
        /// An answer is wanted.
        asks: bool,
        /// The sender's number, drawn when it started.
        from: u32,
        /// The receiver's number as the sender knows it; 0 for not at all.
        to: u32,
    },
    /// What has come.
    Heard {
        /// The next sequence number that is expected.
        next: u8,
        /// What has come behind it.
        beyond: Beyond,
        /// Why it is said.
        why: Why,
    },
    /// One record of a connection, in order and exactly once.
    Record {
        /// Its sequence number.
        sequence: u8,
        /// The next sequence number that its sender expects.
        next: u8,
        /// The connection's number; the highest bit says that the sender has opened it.
        connection: u8,
        /// What it carries.
        record: Record,
    },
}

/// Why an end says what has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It is time to.
    Told,
    /// A damaged frame came in.
    Damaged,
    /// The sender wants to hear the same.
    Asks,
}

/// What happens to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// Its bytes.
    Data(Vec<u8>),
    /// The sender opens it to a channel.
    Open {
        /// 0 to 254.
        channel: u8,
    },
    /// The sender serves it.
    Accept,
    /// The sender may be sent that many bytes more.
    Credit(u16),
    /// No more data comes from the sender.
    Finish,
    /// The sender is done with it, both ways; its number is free when both have said so.
    Close(Closed),
}

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// Its user at the other end closed it.
    Done,
    /// Nobody serves that channel at the other end.
    NobodyServes,
    /// The other end has as many connections as it can have.
    Full,
    /// The other end did not do as agreed.
    Fault,
    /// The other end was started anew.
    Restarted,
    /// Nothing came from the other end for too long.
    Silent,
}

const HELLO: u8 = 0x01;
const HEARD: u8 = 0x02;
const RECORD: u8 = 0x10;
const ASKS: u8 = 0x01;

/// Appends a frame to what goes onto the line.
pub(super) fn encode(frame: &Frame, seed: u32, onto: &mut Vec<u8>) {
    let mut body = Vec::with_capacity(LONGEST_BODY);
    match frame {
        Frame::Hello {
            version,
            asks,
            from,
            to,
        } => {
            body.extend([HELLO, *version, if *asks { ASKS } else { 0 }]);
            body.extend(from.to_le_bytes());
            body.extend(to.to_le_bytes());
        }
        Frame::Heard { next, beyond, why } => {
            body.extend([HEARD + *why as u8, *next]);
            let bits = beyond.to_le_bytes();
            let used = bits.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            body.extend(bits.iter().take(used));
        }
        Frame::Record {
            sequence,
            next,
            connection,
            record,
        } => {
            body.extend([RECORD | record.kind(), *sequence, *next, *connection]);
            match record {
                Record::Data(bytes) => body.extend(bytes),
                Record::Open { channel } => body.push(*channel),
                Record::Credit(more) => body.extend(more.to_le_bytes()),
                Record::Close(why) => body.push(why.code()),
                Record::Accept | Record::Finish => {}
            }
        }
    }
    body.extend(crc32(seed, &body).to_le_bytes());
    stuff(&body, onto);
}

/// Reads a body whose zero bytes are back in place; nothing for one that is damaged or of another sender or receiver.
/// `seed` is for all frames but hello, which everybody understands.
pub(super) fn decode(body: &[u8], seed: Option<u32>) -> Option<Frame> {
    let (content, sum) = body.split_last_chunk::<CHECKSUM>()?;
    let (kind, rest) = content.split_first()?;
    let seed = if *kind == HELLO { HELLO_SEED } else { seed? };
    if crc32(seed, content) != u32::from_le_bytes(*sum) {
        return None;
    }
    match *kind {
        HELLO => {
            let [version, flags, from @ .., t0, t1, t2, t3] = rest else {
                return None;
            };
            Some(Frame::Hello {
                version: *version,
                asks: flags & ASKS != 0,
                from: u32::from_le_bytes(from.try_into().ok()?),
                to: u32::from_le_bytes([*t0, *t1, *t2, *t3]),
            })
        }
        HEARD..RECORD => {
            let why = [Why::Told, Why::Damaged, Why::Asks]
                .into_iter()
                .find(|why| HEARD + *why as u8 == *kind)?;
            let (next, bits) = rest.split_first()?;
            let mut beyond = [0; size_of::<Beyond>()];
            beyond.get_mut(..bits.len())?.copy_from_slice(bits);
            Some(Frame::Heard {
                next: *next,
                beyond: Beyond::from_le_bytes(beyond),
                why,
            })
        }
        _ => {
            let [sequence, next, connection, rest @ ..] = rest else {
                return None;
            };
            Some(Frame::Record {
                sequence: *sequence,
                next: *next,
                connection: *connection,
                record: Record::read(*kind, rest)?,
            })
        }
    }
}

/// The seed of hello, which has none of its own.
pub(super) const HELLO_SEED: u32 = 0x4653_4C31;

/// The seed of what one end sends to the other. It differs by direction, so that a line which sends everything back is noticed.
pub(super) fn seed(from: u32, to: u32) -> u32 {
    let mut bytes = [0; 8];
    let (first, second) = bytes.split_at_mut(4);
    first.copy_from_slice(&from.to_le_bytes());
    second.copy_from_slice(&to.to_le_bytes());
    crc32(HELLO_SEED, &bytes)
}

impl Record {
    fn kind(&self) -> u8 {
        match self {
            Record::Data(_) => 0,
            Record::Open { .. } => 1,
            Record::Accept => 2,
            Record::Credit(_) => 3,
            Record::Finish => 4,
            Record::Close(_) => 5,
        }
    }

    fn read(kind: u8, rest: &[u8]) -> Option<Record> {
        Some(match (kind.checked_sub(RECORD)?, rest) {
            (0, [_, ..]) => Record::Data(rest.to_vec()),
            (1, [channel]) => Record::Open { channel: *channel },
            (2, []) => Record::Accept,
            (3, [low, high]) => Record::Credit(u16::from_le_bytes([*low, *high])),
            (4, []) => Record::Finish,
            (5, [why]) => Record::Close(Closed::read(*why)?),
            _ => return None,
        })
    }

    /// How many bytes of a frame it takes.
    pub(super) fn on_the_line(&self) -> usize {
        let carried = match self {
            Record::Data(bytes) => bytes.len(),
            Record::Open { .. } | Record::Close(_) => 1,
            Record::Credit(_) => 2,
            Record::Accept | Record::Finish => 0,
        };
        RECORD_OVERHEAD + carried
    }
}

/// What a record costs beside its data: kind, sequences, connection, checksum, stuffing.
pub(super) const RECORD_OVERHEAD: usize = 4 + CHECKSUM + STUFFING;

/// The most data that one record carries.
pub(super) const MOST_DATA: usize = LONGEST_BODY - 4 - CHECKSUM;

impl Closed {
    fn code(self) -> u8 {
        match self {
            Closed::Done => 0,
            Closed::NobodyServes => 1,
            Closed::Full => 2,
            Closed::Fault => 3,
            Closed::Restarted => 4,
            Closed::Silent => 5,
        }
    }

    fn read(code: u8) -> Option<Closed> {
        // What one end finds out by itself is never told.
        let told = [Closed::Done, Closed::NobodyServes, Closed::Full, Closed::Fault];
        told.into_iter().find(|why| why.code() == code)
    }
}

/// Replaces the zero bytes of a body and ends it with one.
fn stuff(body: &[u8], onto: &mut Vec<u8>) {
    for run in body.split(|byte| *byte == 0) {
        // A body has at most LONGEST_BODY bytes, so that a distance fits a byte.
        onto.push(u8::try_from(run.len() + 1).unwrap_or(u8::MAX));
        onto.extend(run);
    }
    onto.push(0);
}

/// Puts the zero bytes back; nothing where the distances do not come out even.
fn unstuff(stuffed: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::with_capacity(stuffed.len());
    let mut rest = stuffed;
    loop {
        let (distance, behind) = rest.split_first()?;
        let length = usize::from(*distance).checked_sub(1)?;
        body.extend(behind.get(..length)?);
        rest = behind.get(length..)?;
        if rest.is_empty() {
            return Some(body);
        }
        body.push(0);
    }
}

/// What a stretch of the line between two zero bytes was.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A body; whether it is whole is for its checksum to say.
    Body(Vec<u8>),
    /// Nothing that can be a frame.
    Damaged,
}

/// Cuts what comes from the line into pieces. Keeps no more than one frame.
#[derive(Debug, Default)]
pub(super) struct Deframer {
    kept: Vec<u8>,
    /// The piece is longer than a frame can be; what comes until the next zero byte belongs to it.
    too_long: bool,
}

impl Deframer {
    /// Takes a byte; a zero byte that ends something gives the piece.
    pub(super) fn push(&mut self, byte: u8) -> Option<Piece> {
        if byte != 0 {
            if self.kept.len() > LONGEST_BODY {
                self.too_long = true;
            } else {
                self.kept.push(byte);
            }
            return None;
        }
        let kept = std::mem::take(&mut self.kept);
        if std::mem::take(&mut self.too_long) {
            return Some(Piece::Damaged);
        }
        match kept.is_empty() {
            true => None,
            false => Some(unstuff(&kept).map_or(Piece::Damaged, Piece::Body)),
        }
    }
}

/// CRC-32 with a seed: of the seed's bytes and then the content.
fn crc32(seed: u32, content: &[u8]) -> u32 {
    let bytes = seed.to_le_bytes();
    let all = bytes.iter().chain(content);
    !all.fold(!0, |sum, byte| {
        let row = usize::from((sum as u8) ^ byte);
        (sum >> 8) ^ TABLE[row]
    })
}

static TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut row = 0;
    while row < 256 {
        let mut sum = row as u32;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 {
                (sum >> 1) ^ 0xEDB8_8320
            } else {
                sum >> 1
            };
            bit += 1;
        }
        table[row] = sum;
        row += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(bytes: &[u8]) -> Vec<Piece> {
        let mut deframer = Deframer::default();
        bytes.iter().filter_map(|byte| deframer.push(*byte)).collect()
    }

    #[test]
    fn frames_come_back_as_they_were_and_only_to_whom_they_are_for() {
        let full: Vec<u8> = (1..=MOST_DATA).map(|byte| byte as u8).collect();
        let records = [
            Record::Data(vec![0; MOST_DATA]),
            Record::Data(full),
            Record::Data(vec![0, 1, 0, 0, 2]),
            Record::Open { channel: 254 },
            Record::Accept,
            Record::Credit(0x1200),
            Record::Finish,
            Record::Close(Closed::Full),
        ];
        let records = records.into_iter().map(|record| Frame::Record {
            sequence: 0,
            next: 255,
            connection: 0x80,
            record,
        });
        let others = [
            Frame::Hello {
                version: VERSION,
                asks: true,
                from: 0x00FF_0001,
                to: 0,
            },
            Frame::Heard {
                next: 0,
                beyond: 0,
                why: Why::Asks,
            },
            Frame::Heard {
                next: 7,
                beyond: 0x8000_0000_0000_0001,
                why: Why::Damaged,
            },
        ];
        let ours = seed(1, 2);
        for frame in records.chain(others) {
            let is_hello = matches!(frame, Frame::Hello { .. });
            let mut line = Vec::new();
            encode(&frame, if is_hello { HELLO_SEED } else { ours }, &mut line);
            assert_eq!(line.iter().filter(|byte| **byte == 0).count(), 1, "{frame:?}");
            if let Frame::Record { record, .. } = &frame {
                assert_eq!(line.len(), record.on_the_line());
            }
            let [Piece::Body(body)] = &pieces(&line)[..] else {
                panic!("{frame:?} became {:?}", pieces(&line));
            };
            assert!(body.len() <= LONGEST_BODY);
            assert_eq!(decode(body, Some(ours)).as_ref(), Some(&frame));
            let elsewhere = [Some(seed(2, 1)), Some(seed(1, 3)), None].map(|seed| decode(body, seed).is_some());
            assert_eq!(elsewhere, [is_hello; 3], "{frame:?}");
        }
    }

    #[test]
    fn a_frame_costs_ten_bytes_more_than_its_data() {
        let frame = Frame::Record {
            sequence: 1,
            next: 1,
            connection: 1,
            record: Record::Data(vec![7; 100]),
        };
        let mut line = Vec::new();
        encode(&frame, 1, &mut line);
        assert_eq!(line.len(), 110);
    }

    #[test]
    fn every_changed_lost_doubled_or_added_byte_is_noticed() {
        let frame = Frame::Record {
            sequence: 3,
            next: 4,
            connection: 5,
            record: Record::Data(b"\0\0some data\0with zeroes\xFF".to_vec()),
        };
        let mut line = Vec::new();
        encode(&frame, 9, &mut line);
        let is_whole = |bytes: &[u8]| {
            let mut bodies = pieces(bytes).into_iter();
            bodies.any(|piece| matches!(piece, Piece::Body(body) if decode(&body, Some(9)).is_some()))
        };
        assert!(is_whole(&line));
        for at in 0..line.len() - 1 {
            for other in 0..=u8::MAX {
                let mut changed = line.clone();
                changed[at] = other;
                assert_eq!(is_whole(&changed), other == line[at], "{at} {other}");
                changed = line.clone();
                changed.insert(at + 1, other);
                // One more zero byte at the end ends nothing.
                let harmless = other == 0 && at + 2 == line.len();
                assert_eq!(is_whole(&changed), harmless, "{at} {other}");
            }
            let mut less = line.clone();
            less.remove(at);
            assert!(!is_whole(&less), "{at}");
        }
    }

    #[test]
    fn after_noise_the_next_frame_is_whole() {
        let frame = Frame::Heard {
            next: 1,
            beyond: 0,
            why: Why::Told,
        };
        let mut line = vec![0x55; 5_000];
        line.push(0);
        encode(&frame, 9, &mut line);
        let found = pieces(&line);
        assert_eq!(found[0], Piece::Damaged);
        assert!(matches!(&found[1], Piece::Body(body) if decode(body, Some(9)).as_ref() == Some(&frame)));
    }

    #[test]
    fn the_checksum_is_the_usual_one() {
        // The check value of CRC-32 is that of these nine digits; the seed comes first.
        assert_eq!(crc32(u32::from_le_bytes(*b"1234"), b"56789"), 0xCBF4_3926);
    }
}
