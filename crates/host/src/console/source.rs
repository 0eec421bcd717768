//! Where the console's lines come from: a line editor at a terminal, else standard input as it comes.
//!
//! A source is asked on a thread of its own, one line at a time, because it blocks. That thread is the only one that
//! is not joined: at the end of the program it may stand in a read that nothing can wake.

mod editor;

use std::io::{self, BufRead};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use super::conversation::Happening;

pub(crate) use editor::{CompletionAnswer, Editor};

/// Longest line that is taken from standard input, in bytes; a longer one is cut off there.
const LONGEST_LINE: u64 = 1 << 20;

/// Something that lines can be asked of.
pub(crate) trait LineSource: Send {
    /// Waits for a line.
    fn read(&mut self, prompt: &str) -> Answer;
}

/// What came instead of a line, or the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A line without its end.
    Line(String),
    /// The user took it back.
    Cleared,
    /// There are no more.
    End,
}

/// Lines of a file or another program.
pub(crate) struct Plain<R>(pub(crate) R);

impl<R: BufRead + Send> LineSource for Plain<R> {
    fn read(&mut self, _prompt: &str) -> Answer {
        let mut bytes = Vec::new();
        match io::Read::take(&mut self.0, LONGEST_LINE).read_until(b'\n', &mut bytes) {
            Ok(0) | Err(_) => Answer::End,
            Ok(_) => {
                let text = String::from_utf8_lossy(&bytes);
                let text = text.strip_suffix('\n').unwrap_or(&text);
                Answer::Line(text.strip_suffix('\r').unwrap_or(text).to_owned())
            }
        }
    }
}

/// Starts the thread that asks; the sender takes prompts, each of which is answered by one happening.
pub(crate) fn start(mut source: Box<dyn LineSource>, inbox: Sender<Happening>) -> io::Result<Sender<String>> {
    let (ask, prompts) = channel::<String>();
    thread::Builder::new().name("input".into()).spawn(move || {
        while let Ok(prompt) = prompts.recv() {
            let happening = match source.read(&prompt) {
                Answer::Line(line) => Happening::Line(line),
                Answer::Cleared => Happening::LineCleared,
                Answer::End => Happening::EndOfLines,
            };
            if inbox.send(happening).is_err() {
                return;
            }
        }
    })?;
    Ok(ask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_lines_end_as_they_may() {
        let mut source = Plain(&b"k\r\nlm\n\nlast"[..]);
        let all: Vec<Answer> = std::iter::repeat_with(|| source.read("")).take(5).collect();
        let line = |text: &str| Answer::Line(text.into());
        assert_eq!(all, [line("k"), line("lm"), line(""), line("last"), Answer::End]);
    }
}
