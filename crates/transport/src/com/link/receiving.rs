//! What comes from the other end, put into order, and when to say so.

use std::collections::VecDeque;
use std::time::Duration;

use super::Pace;
use crate::com::frame::{Beyond, Record, WINDOW, Why};

/// Damaged frames told of in a row, with no whole one between: noise that goes on is not answered for ever.
const MOST_COMPLAINTS: u32 = 8;

/// The receiving half of a link.
#[derive(Debug)]
pub(super) struct Receiving {
    pace: Pace,
    /// The next sequence number that is expected.
    next: u8,
    /// What has come behind it, by distance; the first is missing by definition and kept for simplicity.
    beyond: VecDeque<Option<(u8, Record)>>,
    /// When to say what has come, and why.
    due: Option<(Duration, Why)>,
    /// Bytes that came since it was last said.
    unsaid: usize,
    complaints: u32,
}

impl Receiving {
    pub(super) fn new(pace: Pace) -> Receiving {
        Receiving {
            pace,
            next: 0,
            beyond: VecDeque::new(),
            due: None,
            unsaid: 0,
            complaints: 0,
        }
    }

    pub(super) fn next(&self) -> u8 {
        self.next
    }

    /// Whether something behind the expected one has come.
    pub(super) fn has_gap(&self) -> bool {
        !self.beyond.is_empty()
    }

    /// Takes a record; those that are in order now come out.
    pub(super) fn take(
        &mut self,
        sequence: u8,
        connection: u8,
        record: Record,
        now: Duration,
    ) -> impl Iterator<Item = (u8, Record)> {
        self.complaints = 0;
        let distance = usize::from(sequence.wrapping_sub(self.next));
        self.unsaid += record.on_the_line();
        let mut in_order = Vec::new();
        if distance < WINDOW {
            if self.beyond.len() <= distance {
                self.beyond.resize_with(distance + 1, || None);
            }
            if let Some(place) = self.beyond.get_mut(distance) {
                place.get_or_insert((connection, record));
            }
            while let Some(Some(first)) = self.beyond.front_mut().map(Option::take) {
                self.beyond.pop_front();
                self.next = self.next.wrapping_add(1);
                in_order.push(first);
            }
        }
        // One that came before came again because the other end does not know: that, and a gap, is said at once.
        let is_urgent = self.has_gap() || distance >= WINDOW || self.unsaid >= self.pace.bytes_on_their_way() / 4;
        let delay = if is_urgent {
            Duration::ZERO
        } else {
            self.pace.answer_delay()
        };
        self.say(now + delay, Why::Told);
        in_order.into_iter()
    }

    /// Something damaged came in.
    pub(super) fn damaged(&mut self, now: Duration) {
        if self.complaints < MOST_COMPLAINTS {
            self.complaints += 1;
            self.say(now, Why::Damaged);
        }
    }

    /// Anything whole came in that is not a record.
    pub(super) fn whole(&mut self) {
        self.complaints = 0;
    }

    /// Plans to say what has come.
    pub(super) fn say(&mut self, at: Duration, why: Why) {
        self.due = Some(match self.due {
            Some((due, Why::Told)) => (due.min(at), why),
            Some((due, before)) => (due.min(at), before),
            None => (at, why),
        });
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.due.map(|(due, _)| due)
    }

    /// Why to say it, if it is time to.
    pub(super) fn is_due(&self, now: Duration) -> Option<Why> {
        self.due.filter(|(due, _)| *due <= now).map(|(_, why)| why)
    }

    /// What has come behind the expected one.
    pub(super) fn beyond(&self) -> Beyond {
        let come = self.beyond.iter().skip(1).enumerate();
        let bits = come.filter(|(_, place)| place.is_some()).map(|(bit, _)| 1 << bit);
        bits.fold(0, |all, bit: Beyond| all | bit)
    }

    /// It was said in full.
    pub(super) fn said(&mut self) {
        self.due = None;
        self.unsaid = 0;
    }

    /// A record has said what is expected, which is enough where nothing is missing and nothing was damaged.
    pub(super) fn said_in_passing(&mut self) {
        if !self.has_gap() && matches!(self.due, Some((_, Why::Told))) {
            self.said();
        }
    }

    pub(super) fn bytes_kept(&self) -> usize {
        let kept = self.beyond.iter().flatten();
        kept.map(|(_, record)| record.on_the_line()).sum()
    }
}
