//! Where the console's lines come from: a line editor at a terminal, else standard input as it comes.
//!
//! A source is asked on a thread of its own, one line at a time, because it blocks. That thread is the only one that
//! is not joined: at the end of the program it may stand in a read that nothing can wake.

mod editor;
mod prompt;

use std::cell::RefCell;
use std::io::{self, BufRead, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::conversation::Happening;

pub(crate) use editor::{CompletionAnswer, Editor};
pub(crate) use prompt::ShownPrompt;

/// Longest line that is taken from standard input, in bytes; a longer one is cut off there.
const LONGEST_LINE: u64 = 1 << 20;

/// Something that lines can be asked of.
pub(crate) trait LineSource: Send {
    /// Waits for a line.
    fn read(&mut self, prompt: &ShownPrompt) -> Answer;

    /// Gives what is typed to `take`, key by key, until `end` can be read from. Only a terminal has keys.
    fn pass_keys(&mut self, end: &UnixStream, take: &mut dyn FnMut(Vec<u8>)) -> io::Result<()> {
        let _ = (end, take);
        Ok(())
    }
}

/// What came instead of a line, or the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A line without its end.
    Line(String),
    /// The user took it back; whether there was anything.
    Cleared { was_empty: bool },
    /// There are no more.
    End,
}

/// Lines of a file or another program.
pub(crate) struct Plain<R>(pub(crate) R);

impl<R: BufRead + Send> LineSource for Plain<R> {
    fn read(&mut self, _prompt: &ShownPrompt) -> Answer {
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

/// The thread that asks, in the hands of the console.
pub(crate) struct SourceThread {
    wishes: Sender<Wish>,
    /// What is written here ends the passing on of keys.
    end_keys: UnixStream,
    /// That of the last line that was asked for.
    prompt: RefCell<Arc<ShownPrompt>>,
}

enum Wish {
    Line(Arc<ShownPrompt>),
    Keys,
}

impl SourceThread {
    /// Starts it.
    pub(crate) fn start(source: Box<dyn LineSource>, inbox: Sender<Happening>) -> io::Result<SourceThread> {
        let (wishes, wished) = channel();
        let (end_keys, keys_end) = UnixStream::pair()?;
        thread::Builder::new()
            .name("input".into())
            .spawn(move || serve(source, &wished, &keys_end, &inbox))?;
        let prompt = RefCell::new(Arc::new(ShownPrompt::new("")));
        Ok(SourceThread {
            wishes,
            end_keys,
            prompt,
        })
    }

    /// Asks for a line; it comes as one happening.
    pub(crate) fn ask(&self, prompt: &str) {
        let prompt = Arc::new(ShownPrompt::new(prompt));
        self.prompt.replace(Arc::clone(&prompt));
        // The thread lives as long as this, unless it panicked and has said so.
        let _ = self.wishes.send(Wish::Line(prompt));
    }

    /// The line that was asked for stands behind another prompt from now on; whether that can be.
    pub(crate) fn change_prompt(&self, prompt: &str) -> bool {
        self.prompt.borrow().change(prompt)
    }

    /// From now on keys come as happenings.
    pub(crate) fn begin_typing(&self) {
        let _ = self.wishes.send(Wish::Keys);
    }

    /// No longer. A line that is asked for afterwards gets what is typed afterwards.
    pub(crate) fn end_typing(&self) {
        let _ = (&self.end_keys).write_all(&[0]);
    }
}

fn serve(mut source: Box<dyn LineSource>, wished: &Receiver<Wish>, keys_end: &UnixStream, inbox: &Sender<Happening>) {
    while let Ok(wish) = wished.recv() {
        // A console that has ended wants nothing more; then no wish comes either.
        let tell = |happening| {
            let _ = inbox.send(happening);
        };
        match wish {
            Wish::Line(prompt) => tell(match source.read(&prompt) {
                Answer::Line(line) => Happening::Line(line),
                Answer::Cleared { was_empty } => Happening::LineCleared { was_empty },
                Answer::End => Happening::EndOfLines,
            }),
            Wish::Keys => {
                if let Err(error) = source.pass_keys(keys_end, &mut |bytes| tell(Happening::Typed(bytes))) {
                    tracing::info!(%error, "keys are not passed to the program");
                }
                // One byte ends one wish, also where there were no keys to pass.
                if (&*keys_end).read_exact(&mut [0]).is_err() {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_lines_end_as_they_may() {
        let mut source = Plain(&b"k\r\nlm\n\nlast"[..]);
        let prompt = ShownPrompt::new("");
        let all: Vec<Answer> = std::iter::repeat_with(|| source.read(&prompt)).take(5).collect();
        let line = |text: &str| Answer::Line(text.into());
        assert_eq!(all, [line("k"), line("lm"), line(""), line("last"), Answer::End]);
    }
}
