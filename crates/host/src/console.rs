//! The console: a user's lines to the session, and what the session tells to the user's screen.
//!
//! One loop takes everything that happens and does what the [`conversation`] answers; it never decides. Threads bring
//! what happens: one the engine's notifications, one lines, one signals. This and the modules below are the only
//! place of the host that writes to standard output. Read [`conversation::Conversation`] first.

mod conversation;
mod program_text;
mod screen;
mod signals;
mod source;

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use farsight_session::{Client, Content, Notification, OutputMask, Request};

use self::conversation::{Action, Conversation, Happening, Manner, Signal};
use self::screen::Screen;
use self::signals::SignalThread;
use self::source::{CompletionAnswer, Editor, LineSource, Plain, SourceThread};
use crate::sys::{SavedTerminal, columns};

/// Characters a line where nothing says how many there are.
const WIDTH: u16 = 80;

/// How long the editor gets to show what it was given when the session ends under it.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// What the console begins with.
#[derive(Clone, Debug, Default)]
pub struct ConsoleOptions {
    /// Run first (`-c`).
    pub commands: Option<String>,
    /// No input and no output (`-noio`).
    pub silent: bool,
    /// What the engine was told to get.
    pub first_target: FirstTarget,
    /// The session is somebody else's: it goes on when this console ends.
    pub is_guest: bool,
    /// Folders where source files are looked for first (`-lsrcpath`).
    pub source_path: Vec<String>,
    /// Asked of the engine once it knows what this console wants to be told.
    pub first_requests: Vec<Request>,
}

/// The first target, as far as it matters to a console.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstTarget {
    /// None: there is a prompt at once.
    #[default]
    None,
    /// A process that runs already.
    Process,
    /// A program to start, whose terminal is this console while it runs.
    Program,
}

/// How a console ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsoleEnd {
    /// The program's exit code.
    pub code: u8,
    /// Whether the engine has ended, so that waiting for its thread is safe.
    pub engine_ended: bool,
}

/// Runs the console on this program's terminal, or on its standard input and output, until the session is over.
pub fn run(client: Client, options: ConsoleOptions) -> io::Result<ConsoleEnd> {
    let (inbox, happenings) = channel();
    let terminal = SavedTerminal::of_input();
    let out: Box<dyn Write + Send> = match options.silent {
        true => Box::new(io::sink()),
        false => Box::new(io::stdout()),
    };
    // A terminal that no editor can use, such as a very dumb one, is read as a file is.
    let editor = match terminal.filter(|_| io::stdout().is_terminal() && !options.silent) {
        Some(terminal) => Editor::new(terminal, client.sender())
            .inspect_err(|error| tracing::info!(%error, "no line editor"))
            .ok(),
        None => None,
    };
    let (manner, source, screen, completions): (_, Box<dyn LineSource>, _, _) = match editor {
        Some((editor, ends)) => {
            let screen = Screen::new(out, ends.beside);
            (Manner::Terminal, Box::new(editor), screen, Some(ends.completions))
        }
        None => {
            let source = Plain(io::BufReader::new(io::stdin()));
            let manner = match options.silent {
                true => Manner::Silent,
                false => Manner::Transcript,
            };
            (manner, Box::new(source), Screen::new(out, None), None)
        }
    };
    let mut options = options;
    let first_requests = std::mem::take(&mut options.first_requests);
    let mut screen = screen;
    screen.set_source_path(true, options.source_path.clone());
    let signal_inbox = inbox.clone();
    let _signals = SignalThread::start(move |signal| {
        // The console has ended: nobody needs to know.
        let _ = signal_inbox.send(Happening::Signalled(signal));
    })?;
    let mut console = Console {
        manner,
        conversation: Conversation::new(manner, options),
        screen,
        send: Box::new(client.sender()),
        source: SourceThread::start(source, inbox.clone())?,
        completions,
        asked: String::new(),
        deadline: None,
        width: 0,
        screen_lost: false,
        terminal,
    };
    console.send_width();
    for request in first_requests {
        client.send(request);
    }
    let end = console.run(client, inbox, &happenings);
    console.leave_editor();
    end
}

/// The parts of a running console.
struct Console {
    manner: Manner,
    conversation: Conversation,
    screen: Screen,
    send: Box<dyn Fn(Request) + Send>,
    source: SourceThread,
    completions: Option<Sender<CompletionAnswer>>,
    /// The prompt of the line that is wanted.
    asked: String,
    deadline: Option<Instant>,
    /// What the engine has been told.
    width: u16,
    screen_lost: bool,
    /// The terminal as it was.
    terminal: Option<SavedTerminal>,
}

impl Console {
    fn run(
        &mut self,
        client: Client,
        inbox: Sender<Happening>,
        happenings: &Receiver<Happening>,
    ) -> io::Result<ConsoleEnd> {
        let pump = pump(client, inbox)?;
        let end = loop {
            let happening = self.next(happenings);
            if let Some(end) = self.take(happening) {
                break end;
            }
        };
        if self.screen.is_editing() {
            // What was told last may still be on its way to the editor, which says nothing about it. Signals shorten
            // the wait, which is what they are for.
            let _ = happenings.recv_timeout(LAST_WORDS);
        }
        if end.engine_ended {
            // It ends with the engine's side of the channel, and has nothing to tell about its own end.
            let _ = pump.join();
        }
        Ok(end)
    }

    fn next(&self, happenings: &Receiver<Happening>) -> Happening {
        let Some(deadline) = self.deadline else {
            return happenings.recv().unwrap_or(Happening::EngineGone);
        };
        match happenings.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(happening) => happening,
            Err(RecvTimeoutError::Timeout) => Happening::TimeOver,
            Err(RecvTimeoutError::Disconnected) => Happening::EngineGone,
        }
    }

    /// Does what follows from a happening, which may be the end.
    fn take(&mut self, happening: Happening) -> Option<ConsoleEnd> {
        let mut shown = self.line_came(&happening);
        for action in self.conversation.take(happening) {
            if let Action::Exit { code, engine_ended } = action {
                return Some(ConsoleEnd { code, engine_ended });
            }
            shown = shown.and(self.act(action));
        }
        if let Err(error) = shown
            && !std::mem::replace(&mut self.screen_lost, true)
        {
            tracing::info!(%error, "nobody reads the output");
            return self.take(Happening::NobodyReads);
        }
        None
    }

    /// Keeps the screen in step with the line that was wanted.
    fn line_came(&mut self, happening: &Happening) -> io::Result<()> {
        match (happening, self.manner) {
            (_, Manner::Silent) => Ok(()),
            (Happening::Line(_) | Happening::LineCleared { .. } | Happening::EndOfLines, Manner::Terminal) => {
                // While the editor has the terminal it keeps to itself that the size has changed.
                self.send_width();
                self.screen.end_editing()
            }
            (Happening::Line(line), Manner::Transcript) => self.screen.echo(&self.asked, line),
            (Happening::Signalled(Signal::Leave(_)), _) => {
                self.leave_editor();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Goes on without the editor, which may stand in the middle of a line that nobody will end, and without keys.
    fn leave_editor(&mut self) {
        // A terminal that hung up takes none of this.
        if let (Manner::Terminal, Some(terminal)) = (self.manner, self.terminal) {
            let _ = terminal.restore();
        }
        if !self.screen.is_editing() {
            return;
        }
        let _ = io::stdout().write_all(b"\x1b[?2004l\n");
        let _ = self.screen.end_editing();
    }

    fn act(&mut self, action: Action) -> io::Result<()> {
        match action {
            Action::Ask { prompt } => {
                // A transcript shows the prompt with its line, so that nothing comes between and nothing dangles.
                if self.manner == Manner::Terminal {
                    self.screen.begin_editing()?;
                }
                self.asked.clone_from(&prompt);
                self.source.ask(&prompt);
            }
            Action::ChangePrompt { prompt } => match self.source.change_prompt(&prompt) {
                true => self.screen.repaint_prompt()?,
                false => {
                    let told = format!("*** What is typed now goes to {}\n", prompt.trim_end());
                    self.screen.show(&Content::Text(told))?;
                }
            },
            Action::BeginTyping => self.source.begin_typing(),
            Action::EndTyping => self.source.end_typing(),
            Action::ShowLine { prompt, line } => self.screen.echo(&prompt, &line)?,
            Action::Show(content) => self.screen.show(&content)?,
            Action::Complain(content) => {
                let text = self.screen.text_of(&content);
                // Where nobody reads this either, the exit code remains.
                let _ = write!(io::stderr(), "farsight: {text}");
            }
            Action::ShowProgram(bytes) => self.screen.show_program(&bytes)?,
            Action::Complete {
                ticket,
                start,
                candidates,
            } => {
                if let Some(completions) = &self.completions {
                    let answer = CompletionAnswer {
                        ticket,
                        start,
                        candidates,
                    };
                    // The editor is gone when the program is about to end.
                    let _ = completions.send(answer);
                }
            }
            Action::SetSourcePath { add, folders } => {
                let shown = self.screen.set_source_path(add, folders);
                self.screen.show(&Content::Text(shown))?;
            }
            Action::Send(request) => (self.send)(request),
            Action::SendWidth => self.send_width(),
            Action::LimitTime(time) => self.deadline = Some(Instant::now() + time),
            // Taken out before.
            Action::Exit { .. } => {}
        }
        Ok(())
    }

    fn send_width(&mut self) {
        let width = columns()
            .or_else(|| std::env::var("COLUMNS").ok()?.parse().ok())
            .unwrap_or(WIDTH);
        if std::mem::replace(&mut self.width, width) == width {
            return;
        }
        self.screen.set_width(width);
        let mask = match (self.manner, io::stdout().is_terminal()) {
            // It shows nothing, and can answer no prompt; why the session does not begin it says elsewhere.
            (Manner::Silent, _) => OutputMask::ERROR,
            (_, true) => OutputMask::DEFAULT | OutputMask::STATUS,
            (_, false) => OutputMask::DEFAULT,
        };
        (self.send)(Request::SetOutput { mask, width });
    }
}

/// Brings the engine's notifications into the console's inbox.
fn pump(client: Client, inbox: Sender<Happening>) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("notifications".into()).spawn(move || {
        while let Some(told) = client.next_told() {
            let last = matches!(told.notification, Notification::Ended { .. });
            if inbox.send(Happening::Told(told)).is_err() || last {
                return;
            }
        }
        let _ = inbox.send(Happening::EngineGone);
    })
}

#[cfg(test)]
mod tests;
