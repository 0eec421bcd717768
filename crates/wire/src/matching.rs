//! Matches replies to requests on one side, and keeps replies until they are acknowledged on the other.

use std::collections::{BTreeMap, BTreeSet};

use crate::Frame;

/// The asking side: numbers requests and knows which are unanswered.
#[derive(Debug, Default)]
pub struct Requests {
    last: u64,
    unanswered: BTreeSet<u64>,
}

impl Requests {
    /// The number of a new request; they start at 1.
    pub fn begin(&mut self) -> u64 {
        self.last += 1;
        self.unanswered.insert(self.last);
        self.last
    }

    /// Notes a reply; false where no such request is unanswered.
    pub fn answered(&mut self, number: u64) -> bool {
        self.unanswered.remove(&number)
    }

    /// Every reply up to this request number has arrived.
    pub fn acknowledged(&self) -> u64 {
        self.unanswered.first().map_or(self.last, |first| first - 1)
    }
}

/// What the answering side does with a request that carries a number it has seen before.
#[derive(Debug, PartialEq, Eq)]
pub enum Repeat {
    /// It is new: run it.
    New,
    /// It ran; here is its reply again.
    Answered(Frame),
    /// It is running, or its reply was acknowledged: nothing to do.
    Ignore,
}

/// The answering side: replies to requests that changed something, until the client has them.
#[derive(Debug, Default)]
pub struct KeptReplies {
    kept: BTreeMap<u64, Option<Frame>>,
    acknowledged: u64,
}

impl KeptReplies {
    /// Decides about a state-changing request, and notes it as running when it is new.
    pub fn arrived(&mut self, number: u64) -> Repeat {
        if number <= self.acknowledged {
            return Repeat::Ignore;
        }
        match self.kept.get(&number) {
            None => {
                self.kept.insert(number, None);
                Repeat::New
            }
            Some(None) => Repeat::Ignore,
            Some(Some(reply)) => Repeat::Answered(reply.clone()),
        }
    }

    /// Keeps the reply to a request that [`KeptReplies::arrived`] called new.
    pub fn keep(&mut self, reply: &Frame) {
        if let Some(slot) = self.kept.get_mut(&reply.header.number) {
            *slot = Some(reply.clone());
        }
    }

    /// The client has every reply up to this number.
    pub fn acknowledge(&mut self, number: u64) {
        if number > self.acknowledged {
            self.acknowledged = number;
            self.kept = self.kept.split_off(&(number.saturating_add(1)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FrameKind, Header};

    fn reply(number: u64) -> Frame {
        let mut header = Header::new(FrameKind::Reply);
        header.number = number;
        Frame::new(header, Vec::new())
    }

    #[test]
    fn acknowledges_only_without_gaps() {
        let mut requests = Requests::default();
        let (first, second, third) = (requests.begin(), requests.begin(), requests.begin());
        assert!(requests.answered(second));
        assert_eq!(requests.acknowledged(), 0);
        assert!(requests.answered(first));
        assert_eq!(requests.acknowledged(), 2);
        assert!(!requests.answered(second));
        assert!(requests.answered(third));
        assert_eq!(requests.acknowledged(), 3);
    }

    #[test]
    fn a_repeated_request_is_not_run_twice() {
        let mut replies = KeptReplies::default();
        assert_eq!(replies.arrived(1), Repeat::New);
        assert_eq!(replies.arrived(1), Repeat::Ignore);
        replies.keep(&reply(1));
        assert_eq!(replies.arrived(1), Repeat::Answered(reply(1)));
        replies.acknowledge(1);
        assert_eq!(replies.arrived(1), Repeat::Ignore);
        assert_eq!(replies.arrived(2), Repeat::New);
    }
}
