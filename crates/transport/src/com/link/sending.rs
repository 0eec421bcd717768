//! What is on its way to the other end: numbering, and sending again what the line has lost.
//!
//! A line keeps the order of what it carries. So whatever was sent before something that has come, and has not come
//! itself, is lost for certain and is sent again at once; only the last frames of all need a time-out. Where much is lost,
//! frames become small, for the smaller one is, the likelier it comes through.

use std::collections::VecDeque;
use std::time::Duration;

use super::Pace;
use crate::com::frame::{Beyond, MOST_DATA, RECORD_OVERHEAD, Record, WINDOW};

/// The longest time between two attempts; a cable that is plugged in again is noticed within it.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// The shortest: a computer that is busy answers late.
const SHORTEST_WAIT: Duration = Duration::from_millis(30);

/// The least data in a frame, however bad the line is.
const LEAST_DATA: usize = 16;

/// Bytes over which losses are counted.
const COUNTED: u64 = 4096;

/// Losses are counted in these parts, so that old ones can fade.
const ONE_LOSS: u64 = 16;

#[derive(Debug)]
struct Sent {
    connection: u8,
    record: Record,
    /// When it was sent first and last, in frames sent, and when it was all on the line.
    first_turn: u64,
    last_turn: u64,
    at: Duration,
    is_lost: bool,
    timed_out: bool,
    has_come: bool,
}

/// The sending half of a link.
#[derive(Debug)]
pub(super) struct Sending {
    pace: Pace,
    /// The number of the first one on its way.
    first: u8,
    on_its_way: VecDeque<Sent>,
    turn: u64,
    /// Smoothed time of an answer, its variation, and the least ever.
    answer: Option<(Duration, Duration)>,
    least_answer: Duration,
    /// Time-outs in a row.
    silences: u32,
    /// When waiting for an answer began.
    waiting_since: Duration,
    /// Losses and bytes of late.
    losses: u64,
    bytes: u64,
}

impl Sending {
    pub(super) fn new(pace: Pace) -> Sending {
        Sending {
            pace,
            first: 0,
            on_its_way: VecDeque::new(),
            turn: 0,
            answer: None,
            least_answer: Duration::ZERO,
            silences: 0,
            waiting_since: Duration::ZERO,
            // A line is taken for a middling one until it has shown what it is.
            losses: ONE_LOSS,
            bytes: 400,
        }
    }

    /// How much data the next frame should carry: where a byte is hurt with probability p and a frame costs h bytes more than
    /// its data, the square root of h/p brings most through.
    pub(super) fn most_data(&self) -> usize {
        let best = (RECORD_OVERHEAD as u64 * ONE_LOSS * self.bytes)
            .checked_div(self.losses)
            .map_or(MOST_DATA, |square| usize::try_from(square.isqrt()).unwrap_or(MOST_DATA));
        best.clamp(LEAST_DATA, self.pace.most_data())
    }

    /// Whether a new record may go out.
    pub(super) fn may_send_more(&self) -> bool {
        let bytes: usize = self
            .on_its_way
            .iter()
            .filter(|sent| !sent.has_come)
            .map(|sent| sent.record.on_the_line())
            .sum();
        self.on_its_way.len() < WINDOW && bytes < self.pace.bytes_on_their_way()
    }

    /// Whether one is to be sent again.
    pub(super) fn has_lost(&self) -> bool {
        self.on_its_way.iter().any(|sent| sent.is_lost)
    }

    /// The next that is to be sent again, which will be on the line at `at`.
    pub(super) fn again(&mut self, at: impl Fn(&Record) -> Duration) -> Option<(u8, u8, Record)> {
        let index = self.on_its_way.iter().position(|sent| sent.is_lost)?;
        let sent = self.on_its_way.get_mut(index)?;
        self.turn += 1;
        sent.is_lost = false;
        sent.last_turn = self.turn;
        sent.at = at(&sent.record);
        let sequence = self.first.wrapping_add(u8::try_from(index).unwrap_or(u8::MAX));
        Some((sequence, sent.connection, sent.record.clone()))
    }

    /// A new one goes out and will be on the line at `at`; its sequence number.
    pub(super) fn send(&mut self, connection: u8, record: &Record, at: Duration) -> u8 {
        if self.on_its_way.is_empty() {
            self.waiting_since = at;
        }
        self.turn += 1;
        let sequence = self
            .first
            .wrapping_add(u8::try_from(self.on_its_way.len()).unwrap_or(u8::MAX));
        self.on_its_way.push_back(Sent {
            connection,
            record: record.clone(),
            first_turn: self.turn,
            last_turn: self.turn,
            at,
            is_lost: false,
            timed_out: false,
            has_come: false,
        });
        sequence
    }

    /// The other end says what has come: everything before `next`, and some behind it. False for what cannot be.
    pub(super) fn heard(&mut self, next: u8, beyond: Beyond, now: Duration) -> bool {
        let complete = usize::from(next.wrapping_sub(self.first));
        if complete > self.on_its_way.len() {
            return false;
        }
        let came = |index: usize| {
            index < complete
                || (index > complete && beyond.checked_shr((index - complete - 1) as u32).unwrap_or(0) & 1 == 1)
        };
        let mut newest = None;
        let mut latest = 0;
        for (_, sent) in self.on_its_way.iter_mut().enumerate().filter(|(index, _)| came(*index)) {
            if std::mem::replace(&mut sent.has_come, true) {
                continue;
            }
            sent.is_lost = false;
            self.bytes += sent.record.on_the_line() as u64;
            // Of one that was sent again it is not known which of the two came. It is hardly the last where that cannot have
            // been answered yet, or where one time-out was all: then this computer or the other was late.
            let is_first = sent.first_turn == sent.last_turn;
            let is_late = sent.timed_out && self.silences < 2;
            let is_last = is_first || (now >= sent.at + self.least_answer && !is_late);
            let turn = if is_last { sent.last_turn } else { sent.first_turn };
            if turn >= latest {
                latest = turn;
                newest = is_first.then_some(sent.at);
            }
        }
        if latest == 0 {
            return true;
        }
        self.silences = 0;
        self.waiting_since = now;
        if let Some(at) = newest {
            self.measure(now.saturating_sub(at));
        }
        self.first = next;
        self.on_its_way.drain(..complete);
        for sent in &mut self.on_its_way {
            if !sent.has_come && !sent.is_lost && sent.last_turn < latest {
                sent.is_lost = true;
                self.losses += ONE_LOSS;
                self.bytes += sent.record.on_the_line() as u64;
            }
        }
        self.fade();
        true
    }

    /// The other end has met a damaged frame: the one that has been on its way longest, if it can be there at all.
    pub(super) fn damaged(&mut self, now: Duration) {
        let waiting = self.on_its_way.iter_mut().filter(|sent| !sent.has_come);
        let Some(sent) = waiting.min_by_key(|sent| sent.last_turn) else {
            return;
        };
        if !sent.is_lost && now >= sent.at + self.least_answer * 3 / 4 {
            sent.is_lost = true;
            self.losses += ONE_LOSS;
            self.bytes += sent.record.on_the_line() as u64;
            self.fade();
        }
    }

    fn fade(&mut self) {
        while self.bytes > COUNTED {
            self.bytes /= 2;
            self.losses /= 2;
        }
    }

    fn measure(&mut self, time: Duration) {
        self.least_answer = match self.answer {
            None => time,
            Some(_) => self.least_answer.min(time),
        };
        self.answer = Some(match self.answer {
            None => (time, time / 2),
            Some((smooth, variation)) => {
                let difference = smooth.abs_diff(time);
                ((smooth * 7 + time) / 8, (variation * 3 + difference) / 4)
            }
        });
    }

    /// How long an answer may take.
    fn patience(&self) -> Duration {
        let usual = match self.answer {
            None => Duration::from_millis(200) + self.pace.time(2 * MOST_DATA),
            Some((smooth, variation)) => smooth + (variation * 4).max(Duration::from_millis(40)),
        };
        let usual = usual.max(SHORTEST_WAIT) + self.pace.answer_delay();
        // A slow line has more patience than the longest wait.
        (usual * 2_u32.pow(self.silences.min(8))).min(LONGEST_WAIT.max(usual))
    }

    /// When to give up waiting for an answer and send the first again.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let first = self.on_its_way.iter().find(|sent| !sent.has_come)?;
        // One that is about to be sent again is not waited for.
        (!first.is_lost).then(|| self.waiting_since.max(first.at) + self.patience())
    }

    /// The deadline is over: whatever is first is sent again, and what that brings to light after it.
    pub(super) fn time_out(&mut self, now: Duration) {
        self.silences = self.silences.saturating_add(1);
        self.waiting_since = now;
        if let Some(sent) = self.on_its_way.iter_mut().find(|sent| !sent.has_come) {
            sent.is_lost = true;
            sent.timed_out = true;
            self.losses += ONE_LOSS;
            self.bytes += sent.record.on_the_line() as u64;
        }
        self.fade();
    }

    pub(super) fn bytes_kept(&self) -> usize {
        self.on_its_way.iter().map(|sent| sent.record.on_the_line()).sum()
    }
}
