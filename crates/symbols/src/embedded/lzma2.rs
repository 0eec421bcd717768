//! Unpacks LZMA2: the packing inside xz, by its public description (LZMA SDK, `lzma-specification.txt`).
//!
//! A run of chunks: control 0, unpacked size - 1 (two bytes, most significant first; above them five bits of the
//! control), packed size - 1 (two bytes), properties where the control says so. Controls 1 and 2 are followed by
//! size - 1 and plain bytes, 0 ends the run. What comes out is counted before it is made, so a liar costs nothing.

/// Probabilities have eleven bits.
const HALF: u16 = 1 << 10;
const MOST_POSITIONS: usize = 16;
const STATES: usize = 12;
const SHORTEST_MATCH: usize = 2;

/// What is wrong with packed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// They contradict themselves, or end early.
    Damaged,
    /// They would become more than is allowed.
    TooMuch,
}

/// Unpacks a run of chunks behind what is in `out`; gives back how many bytes it took. `out` does not become longer than
/// `most`.
pub(super) fn unpack(packed: &[u8], out: &mut Vec<u8>, most: usize) -> Result<usize, Wrong> {
    let mut at = 0;
    let mut decoder: Option<Decoder> = None;
    let mut start = out.len();
    let size = |at: usize| {
        let bytes = packed.get(at..at + 2).ok_or(Wrong::Damaged)?;
        Ok(bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)) + 1)
    };
    loop {
        let control = *packed.get(at).ok_or(Wrong::Damaged)?;
        if control == 0 {
            return Ok(at + 1);
        }
        if control == 1 || control >= 0xe0 {
            start = out.len();
        }
        let high = if control < 0x80 {
            0
        } else {
            usize::from(control & 0x1f) << 16
        };
        let length = size(at + 1)? + high;
        if out.len().checked_add(length).is_none_or(|whole| whole > most) {
            return Err(Wrong::TooMuch);
        }
        match control {
            1 | 2 => {
                let plain = packed.get(at + 3..at + 3 + length).ok_or(Wrong::Damaged)?;
                out.extend_from_slice(plain);
                at += 3 + length;
            }
            0x80.. => {
                let mut body = at + 5;
                if control >= 0xc0 {
                    let properties = *packed.get(body).ok_or(Wrong::Damaged)?;
                    decoder = Some(Decoder::new(properties)?);
                    body += 1;
                } else if control >= 0xa0 {
                    let old = decoder.as_ref().ok_or(Wrong::Damaged)?;
                    decoder = Some(Decoder::new(old.properties)?);
                }
                let end = body + size(at + 3)?;
                let chunk = packed.get(body..end).ok_or(Wrong::Damaged)?;
                let decoder = decoder.as_mut().ok_or(Wrong::Damaged)?;
                decoder.chunk(chunk, out, start, length)?;
                at = end;
            }
            _ => return Err(Wrong::Damaged),
        }
    }
}

/// Reads bits that are packed by their probability.
struct Bits<'a> {
    packed: std::slice::Iter<'a, u8>,
    range: u32,
    code: u32,
}

impl<'a> Bits<'a> {
    fn new(packed: &'a [u8]) -> Result<Bits<'a>, Wrong> {
        let mut bits = Bits {
            packed: packed.iter(),
            range: u32::MAX,
            code: 0,
        };
        for _ in 0..5 {
            bits.code = bits.code << 8 | u32::from(bits.byte()?);
        }
        Ok(bits)
    }

    fn byte(&mut self) -> Result<u8, Wrong> {
        self.packed.next().copied().ok_or(Wrong::Damaged)
    }

    fn fill(&mut self) -> Result<(), Wrong> {
        if self.range < 1 << 24 {
            self.range <<= 8;
            self.code = self.code << 8 | u32::from(self.byte()?);
        }
        Ok(())
    }

    fn bit(&mut self, probability: &mut u16) -> Result<usize, Wrong> {
        self.fill()?;
        let bound = (self.range >> 11) * u32::from(*probability);
        if self.code < bound {
            self.range = bound;
            *probability += (2048 - *probability) >> 5;
            Ok(0)
        } else {
            self.range -= bound;
            self.code -= bound;
            *probability -= *probability >> 5;
            Ok(1)
        }
    }

    /// Bits without probabilities.
    fn even(&mut self, count: u32) -> Result<usize, Wrong> {
        let mut value = 0;
        for _ in 0..count {
            self.fill()?;
            self.range >>= 1;
            let bit = usize::from(self.code >= self.range);
            self.code -= self.range * bit as u32;
            value = value << 1 | bit;
        }
        Ok(value)
    }

    /// A number of `count` bits, the highest first, each with a probability of its own for what was before it.
    fn tree(&mut self, tree: &mut [u16], count: u32) -> Result<usize, Wrong> {
        let mut node = 1;
        for _ in 0..count {
            node = node << 1 | self.bit(tree.get_mut(node).ok_or(Wrong::Damaged)?)?;
        }
        Ok(node - (1 << count))
    }

    /// As [`Bits::tree`], the lowest bit first.
    fn reverse_tree(&mut self, tree: &mut [u16], count: u32) -> Result<usize, Wrong> {
        let (mut node, mut value) = (1, 0);
        for place in 0..count {
            let bit = self.bit(tree.get_mut(node).ok_or(Wrong::Damaged)?)?;
            node = node << 1 | bit;
            value |= bit << place;
        }
        Ok(value)
    }
}

struct Lengths {
    choice: [u16; 2],
    low: [[u16; 8]; MOST_POSITIONS],
    middle: [[u16; 8]; MOST_POSITIONS],
    high: [u16; 256],
}

impl Lengths {
    fn new() -> Lengths {
        Lengths {
            choice: [HALF; 2],
            low: [[HALF; 8]; MOST_POSITIONS],
            middle: [[HALF; 8]; MOST_POSITIONS],
            high: [HALF; 256],
        }
    }

    fn decode(&mut self, bits: &mut Bits<'_>, position: usize) -> Result<usize, Wrong> {
        let [first, second] = &mut self.choice;
        let trees = (self.low.get_mut(position), self.middle.get_mut(position));
        let (Some(low), Some(middle)) = trees else {
            return Err(Wrong::Damaged);
        };
        Ok(SHORTEST_MATCH
            + match bits.bit(first)? {
                0 => bits.tree(low, 3)?,
                _ => match bits.bit(second)? {
                    0 => 8 + bits.tree(middle, 3)?,
                    _ => 16 + bits.tree(&mut self.high, 8)?,
                },
            })
    }
}

struct Decoder {
    properties: u8,
    /// How many bits of the byte before, and of the place, choose the probabilities of a literal; and of a match.
    context_bits: u32,
    literal_mask: usize,
    position_mask: usize,
    state: usize,
    /// The last distances, the newest first, each less one.
    distances: [usize; 4],
    literals: Vec<u16>,
    is_match: [[u16; MOST_POSITIONS]; STATES],
    is_repeat: [[u16; 3]; STATES],
    is_match_again: [u16; STATES],
    is_long: [[u16; MOST_POSITIONS]; STATES],
    slots: [[u16; 64]; 4],
    special: [u16; 128],
    align: [u16; 16],
    lengths: Lengths,
    repeat_lengths: Lengths,
}

impl Decoder {
    /// `properties` = (pb * 5 + lp) * 9 + lc.
    fn new(properties: u8) -> Result<Decoder, Wrong> {
        let (lc, rest) = (u32::from(properties % 9), u32::from(properties / 9));
        let (lp, pb) = (rest % 5, rest / 5);
        if pb > 4 || lc + lp > 4 {
            return Err(Wrong::Damaged);
        }
        Ok(Decoder {
            properties,
            context_bits: lc,
            literal_mask: (1 << lp) - 1,
            position_mask: (1 << pb) - 1,
            state: 0,
            distances: [0; 4],
            literals: vec![HALF; 0x300 << (lc + lp)],
            is_match: [[HALF; MOST_POSITIONS]; STATES],
            is_repeat: [[HALF; 3]; STATES],
            is_match_again: [HALF; STATES],
            is_long: [[HALF; MOST_POSITIONS]; STATES],
            slots: [[HALF; 64]; 4],
            special: [HALF; 128],
            align: [HALF; 16],
            lengths: Lengths::new(),
            repeat_lengths: Lengths::new(),
        })
    }

    /// Unpacks one chunk; matches reach back to `start`.
    fn chunk(&mut self, packed: &[u8], out: &mut Vec<u8>, start: usize, length: usize) -> Result<(), Wrong> {
        let mut bits = Bits::new(packed)?;
        let end = out.len() + length;
        while out.len() < end {
            let place = out.len() - start;
            let position = place & self.position_mask;
            let is_match = entry(&mut self.is_match, self.state, position)?;
            if bits.bit(is_match)? == 0 {
                self.literal(&mut bits, out, start)?;
                continue;
            }
            let length = self.repeat(&mut bits, position)?;
            let distance = self.distances[0];
            let from = place.checked_sub(distance + 1).ok_or(Wrong::Damaged)? + start;
            if length > end - out.len() {
                return Err(Wrong::Damaged);
            }
            for at in from..from + length {
                let byte = out.get(at).copied().ok_or(Wrong::Damaged)?;
                out.push(byte);
            }
        }
        // All of a chunk is used, or its sizes lied.
        bits.fill()?;
        match bits.packed.len() == 0 && bits.code == 0 {
            true => Ok(()),
            false => Err(Wrong::Damaged),
        }
    }

    fn literal(&mut self, bits: &mut Bits<'_>, out: &mut Vec<u8>, start: usize) -> Result<(), Wrong> {
        let place = out.len() - start;
        let before = if place == 0 {
            0
        } else {
            usize::from(out.last().copied().unwrap_or(0))
        };
        let context = ((place & self.literal_mask) << self.context_bits) + (before >> (8 - self.context_bits));
        let tree = self.literals.get_mut(0x300 * context..0x300 * (context + 1));
        let tree = tree.ok_or(Wrong::Damaged)?;
        let mut symbol = 1;
        if self.state >= 7 {
            let back = out.len().checked_sub(self.distances[0] + 1).ok_or(Wrong::Damaged)?;
            let mut matched = usize::from(out.get(back).copied().ok_or(Wrong::Damaged)?);
            while symbol < 0x100 {
                let hint = matched >> 7 & 1;
                matched <<= 1;
                let node = tree.get_mut(((1 + hint) << 8) + symbol).ok_or(Wrong::Damaged)?;
                let bit = bits.bit(node)?;
                symbol = symbol << 1 | bit;
                if bit != hint {
                    break;
                }
            }
        }
        while symbol < 0x100 {
            symbol = symbol << 1 | bits.bit(tree.get_mut(symbol).ok_or(Wrong::Damaged)?)?;
        }
        out.push(symbol as u8);
        self.state = match self.state {
            0..4 => 0,
            4..10 => self.state - 3,
            _ => self.state - 6,
        };
        Ok(())
    }

    /// A match: puts its distance in front and gives its length.
    fn repeat(&mut self, bits: &mut Bits<'_>, position: usize) -> Result<usize, Wrong> {
        let state = self.state;
        let after_literal = state < 7;
        let [again, first, second] = self.is_repeat.get_mut(state).ok_or(Wrong::Damaged)?;
        if bits.bit(self.is_match_again.get_mut(state).ok_or(Wrong::Damaged)?)? == 0 {
            self.distances.rotate_right(1);
            self.state = if after_literal { 7 } else { 10 };
            let length = self.lengths.decode(bits, position)?;
            self.distances[0] = self.distance(bits, length)?;
            return Ok(length);
        }
        if bits.bit(again)? == 0 {
            if bits.bit(entry(&mut self.is_long, state, position)?)? == 0 {
                self.state = if after_literal { 9 } else { 11 };
                return Ok(1);
            }
        } else {
            let which = match bits.bit(first)? {
                0 => 1,
                _ => 2 + bits.bit(second)?,
            };
            if let Some(front) = self.distances.get_mut(..=which) {
                front.rotate_right(1);
            }
        }
        self.state = if after_literal { 8 } else { 11 };
        self.repeat_lengths.decode(bits, position)
    }

    fn distance(&mut self, bits: &mut Bits<'_>, length: usize) -> Result<usize, Wrong> {
        let slots = self
            .slots
            .get_mut((length - SHORTEST_MATCH).min(3))
            .ok_or(Wrong::Damaged)?;
        let slot = bits.tree(slots, 6)?;
        if slot < 4 {
            return Ok(slot);
        }
        let low_bits = (slot >> 1) as u32 - 1;
        let high = (2 | slot & 1) << low_bits;
        if slot < 14 {
            let tree = self.special.get_mut(high - slot..).ok_or(Wrong::Damaged)?;
            return Ok(high + bits.reverse_tree(tree, low_bits)?);
        }
        let middle = bits.even(low_bits - 4)? << 4;
        Ok(high + middle + bits.reverse_tree(&mut self.align, 4)?)
    }
}

fn entry(table: &mut [[u16; MOST_POSITIONS]; STATES], state: usize, position: usize) -> Result<&mut u16, Wrong> {
    let row = table.get_mut(state).ok_or(Wrong::Damaged)?;
    row.get_mut(position).ok_or(Wrong::Damaged)
}
