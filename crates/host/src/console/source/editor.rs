//! The line editor: history, completion, and output beside the line that is being typed.

use std::fs::{DirBuilder, File};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use farsight_session::{Request, Ticket};
use farsight_transport::sys::poll_readable;
use farsight_types::without_secrets;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{
    Cmd, CompletionType, ConditionalEventHandler, Config, Context, Event, EventContext, EventHandler, Helper, KeyEvent,
    RepeatCount,
};

use super::{Answer, LineSource, ShownPrompt};
use crate::console::screen::BesideEditor;
use crate::sys::SavedTerminal;

/// CTRL+B, as it stands in a line.
const LEAVE: char = '\u{2}';

/// How many lines are remembered.
const HISTORY: usize = 2000;

/// How long the user waits for candidates before the key seems dead.
const CANDIDATES: Duration = Duration::from_millis(500);

/// Tickets of completions begin here, those of commands at 1.
const TICKETS: u64 = 1 << 62;

/// The engine's answer to a wish for candidates.
#[derive(Debug)]
pub(crate) struct CompletionAnswer {
    pub(crate) ticket: Ticket,
    pub(crate) start: usize,
    pub(crate) candidates: Vec<String>,
}

/// What connects an editor with the rest of the console.
pub(crate) struct EditorEnds {
    /// Shows text without tearing the line; none where the terminal cannot.
    pub(crate) beside: Option<BesideEditor>,
    /// Takes candidates.
    pub(crate) completions: Sender<CompletionAnswer>,
}

/// The line editor on this program's terminal.
pub(crate) struct Editor {
    editor: rustyline::Editor<Candidates, DefaultHistory>,
    history: Option<PathBuf>,
    terminal: SavedTerminal,
    /// Whether the line was empty that was taken back last.
    was_empty: Arc<AtomicBool>,
}

impl Editor {
    /// An editor that asks for candidates through `send`.
    pub(crate) fn new(
        terminal: SavedTerminal,
        send: impl Fn(Request) + Send + 'static,
    ) -> rustyline::Result<(Editor, EditorEnds)> {
        let config = Config::builder()
            .max_history_size(HISTORY)?
            .history_ignore_dups(true)?
            .completion_type(CompletionType::List)
            .auto_add_history(false)
            .build();
        let mut editor = rustyline::Editor::with_config(config)?;
        let (completions, answers) = channel();
        editor.set_helper(Some(Candidates {
            send: Box::new(send),
            answers,
            last: std::cell::Cell::new(TICKETS),
        }));
        // DbgEng's key to leave, followed by ENTER; in the middle of a line it goes back a character, as editors have it.
        editor.bind_sequence(KeyEvent::ctrl('B'), EventHandler::Conditional(Box::new(LeaveKey)));
        let was_empty = Arc::default();
        let cleared = ClearKey(Arc::clone(&was_empty));
        editor.bind_sequence(KeyEvent::ctrl('C'), EventHandler::Conditional(Box::new(cleared)));
        let history = history_file();
        if let Some(path) = &history {
            // There is none yet on the first day; a damaged one is no reason not to debug.
            if let Err(error) = editor.load_history(path) {
                tracing::debug!(path = %path.display(), %error, "no history");
            }
        }
        let beside = editor
            .create_external_printer()
            .ok()
            .and_then(|printer| beside(printer).ok());
        let editor = Editor {
            editor,
            history,
            terminal,
            was_empty,
        };
        Ok((editor, EditorEnds { beside, completions }))
    }

    fn remember(&mut self, line: &str) {
        if line.trim().is_empty() || line.contains(LEAVE) {
            return;
        }
        // Saved line by line: the program may end while the editor waits for the next. A file keeps no secrets.
        let saved = match self.editor.add_history_entry(without_secrets(line)) {
            Ok(true) => self
                .history
                .as_ref()
                .map_or(Ok(()), |path| self.editor.append_history(path)),
            Ok(false) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = saved {
            tracing::debug!(%error, "the history was not saved");
            self.history = None;
        }
    }
}

/// CTRL+B in an empty line stands in it, so that ENTER sends it.
struct LeaveKey;

impl ConditionalEventHandler for LeaveKey {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        context.line().is_empty().then(|| Cmd::Insert(1, LEAVE.to_string()))
    }
}

/// CTRL+C does what it always does; whether it took something back is noted.
struct ClearKey(Arc<AtomicBool>);

impl ConditionalEventHandler for ClearKey {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        self.0.store(context.line().is_empty(), Ordering::Relaxed);
        None
    }
}

impl LineSource for Editor {
    fn read(&mut self, prompt: &ShownPrompt) -> Answer {
        match self.editor.readline(prompt) {
            Ok(line) => {
                self.remember(&line);
                Answer::Line(line)
            }
            Err(ReadlineError::Interrupted) => Answer::Cleared {
                was_empty: self.was_empty.swap(false, Ordering::Relaxed),
            },
            Err(ReadlineError::Eof) => Answer::End,
            Err(error) => {
                tracing::info!(%error, "no more lines from the terminal");
                Answer::End
            }
        }
    }

    /// The program's own terminal echoes and edits, so this one does neither; CTRL+C stays the debugger's.
    fn pass_keys(&mut self, end: &UnixStream, take: &mut dyn FnMut(Vec<u8>)) -> io::Result<()> {
        // Not through the standard library's buffer, which the editor does not know.
        let mut keys = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        self.terminal.set_for_keys()?;
        let passed = pass_keys(&mut keys, end, take);
        self.terminal.restore().and(passed)
    }
}

fn pass_keys(keys: &mut File, end: &UnixStream, take: &mut dyn FnMut(Vec<u8>)) -> io::Result<()> {
    let mut chunk = [0; 1024];
    loop {
        let readable = poll_readable(&[end.as_fd(), keys.as_fd()], None)?;
        if readable.first() == Some(&true) {
            return Ok(());
        }
        match keys.read(&mut chunk) {
            // The terminal hung up; the signal for that does the rest.
            Ok(0) => return Ok(()),
            Ok(length) => take(chunk[..length].to_vec()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Prints from a thread of its own: the printer waits while nobody edits and the one text that it holds is not taken.
fn beside(mut printer: impl rustyline::ExternalPrinter + Send + 'static) -> io::Result<BesideEditor> {
    let (show, texts) = channel::<String>();
    thread::Builder::new().name("beside-editor".into()).spawn(move || {
        while let Ok(text) = texts.recv() {
            if let Err(error) = printer.print(text) {
                tracing::info!(%error, "nothing can be shown beside the editor");
                return;
            }
        }
    })?;
    Ok(Box::new(move |text| {
        show.send(text).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }))
}

/// `$XDG_STATE_HOME/farsight/history`, in a directory that only this user can look into.
fn history_file() -> Option<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    let directory = state.join("farsight");
    if let Err(error) = DirBuilder::new().recursive(true).mode(0o700).create(&directory) {
        tracing::debug!(path = %directory.display(), %error, "no place for a history");
        return None;
    }
    Some(directory.join("history"))
}

/// Completion by asking the engine.
struct Candidates {
    send: Box<dyn Fn(Request) + Send>,
    answers: Receiver<CompletionAnswer>,
    last: std::cell::Cell<u64>,
}

impl Completer for Candidates {
    type Candidate = String;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let ticket = Ticket(self.last.get() + 1);
        self.last.set(ticket.0);
        let until_cursor = line.get(..cursor).unwrap_or(line);
        (self.send)(Request::Complete {
            ticket,
            line: until_cursor.to_owned(),
        });
        let deadline = Instant::now() + CANDIDATES;
        // Late answers to questions before this one are passed over.
        while let Ok(answer) = self
            .answers
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            if answer.ticket == ticket && until_cursor.is_char_boundary(answer.start) {
                return Ok((answer.start, answer.candidates));
            }
        }
        Ok((cursor, Vec::new()))
    }
}

impl Helper for Candidates {}
impl Hinter for Candidates {
    type Hint = String;
}
impl Highlighter for Candidates {}
impl Validator for Candidates {}
