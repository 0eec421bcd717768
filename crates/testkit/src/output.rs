//! What a program writes, collected by threads and waited for by the test.

use std::io::Read;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;

use crate::Deadline;

/// The output of a program. A place in it moves forward as the test waits for one thing after another.
#[derive(Debug)]
pub struct Output {
    name: String,
    chunks: Receiver<Vec<u8>>,
    bytes: Vec<u8>,
    place: usize,
    ended: bool,
}

impl Output {
    /// Collects one stream. `name` appears in failures.
    pub fn of(name: &str, stream: impl Read + Send + 'static) -> Output {
        let (output, sender) = Output::empty(name);
        collect(stream, sender);
        output
    }

    /// Collects two streams into one text, in order of arrival.
    pub fn of_both(name: &str, first: impl Read + Send + 'static, second: impl Read + Send + 'static) -> Output {
        let (output, sender) = Output::empty(name);
        collect(first, sender.clone());
        collect(second, sender);
        output
    }

    fn empty(name: &str) -> (Output, Sender<Vec<u8>>) {
        let (sender, chunks) = channel();
        let output = Output {
            name: name.into(),
            chunks,
            bytes: Vec::new(),
            place: 0,
            ended: false,
        };
        (output, sender)
    }

    /// Everything so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Waits for `wanted` behind the present place, moves behind it, and returns what lay before it.
    ///
    /// # Panics
    /// When it does not come within the deadline.
    #[track_caller]
    pub fn expect(&mut self, wanted: &str, deadline: Deadline) -> String {
        self.find(deadline, |rest| rest.find(wanted).map(|at| (at, at + wanted.len())))
            .unwrap_or_else(|| panic!("{} did not write {wanted:?}; it wrote:\n{}", self.name, self.text()))
    }

    /// As [`Output::expect`], but none where it does not come.
    pub fn look_for(&mut self, wanted: &str, deadline: Deadline) -> Option<String> {
        self.find(deadline, |rest| rest.find(wanted).map(|at| (at, at + wanted.len())))
    }

    /// The next whole line without its end; none at the end of the output or when the deadline passes.
    pub fn line(&mut self, deadline: Deadline) -> Option<String> {
        self.find(deadline, |rest| rest.find('\n').map(|at| (at, at + 1)))
            .map(|line| line.trim_end_matches('\r').to_owned())
    }

    /// Waits for a text that `found` recognises: the end of what is returned and the new place, both in bytes behind
    /// the present place.
    pub fn find(&mut self, deadline: Deadline, found: impl Fn(&str) -> Option<(usize, usize)>) -> Option<String> {
        loop {
            let rest = String::from_utf8_lossy(&self.bytes[self.place..]).into_owned();
            if let Some((end, next)) = found(&rest) {
                // Only text that is valid has places that fit the bytes; programs under test write nothing else.
                self.place += next;
                return Some(rest[..end].to_owned());
            }
            if !self.more(deadline) {
                return None;
            }
        }
    }

    /// Waits for the end of the output and returns what lies behind the present place; none where it does not end.
    pub fn rest(&mut self, deadline: Deadline) -> Option<String> {
        while self.more(deadline) {}
        let rest = String::from_utf8_lossy(&self.bytes[self.place..]).into_owned();
        self.place = self.bytes.len();
        self.ended.then_some(rest)
    }

    /// Waits for the end of the output and returns all of it.
    ///
    /// # Panics
    /// When it does not end within the deadline.
    #[track_caller]
    pub fn to_end(&mut self, deadline: Deadline) -> String {
        while self.more(deadline) {}
        assert!(self.ended, "{} did not end; it wrote:\n{}", self.name, self.text());
        self.text()
    }

    fn more(&mut self, deadline: Deadline) -> bool {
        if self.ended {
            return false;
        }
        match self.chunks.recv_timeout(deadline.left()) {
            Ok(chunk) => {
                self.bytes.extend_from_slice(&chunk);
                true
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => {
                self.ended = true;
                false
            }
        }
    }
}

fn collect(mut stream: impl Read + Send + 'static, sender: Sender<Vec<u8>>) {
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length) = stream.read(&mut buffer) {
            if length == 0 || sender.send(buffer[..length].to_vec()).is_err() {
                return;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_move_forward_through_the_text() {
        let mut output = Output::of("sample", &b"one\r\ntwo three\nfour"[..]);
        assert_eq!(output.line(Deadline::usual()).as_deref(), Some("one"));
        assert_eq!(output.expect("three", Deadline::usual()), "two ");
        assert_eq!(output.look_for("two", Deadline::usual()), None);
        assert_eq!(output.to_end(Deadline::usual()), "one\r\ntwo three\nfour");
    }
}
