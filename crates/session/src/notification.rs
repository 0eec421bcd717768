//! What the engine tells its clients.

use std::ops::BitOr;

use crate::{Record, Ticket};

/// Kinds of output, with DbgEng's bit values (`DEBUG_OUTPUT_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputMask(pub u32);

impl OutputMask {
    /// Ordinary output.
    pub const NORMAL: OutputMask = OutputMask(0x1);
    /// Errors.
    pub const ERROR: OutputMask = OutputMask(0x2);
    /// Warnings.
    pub const WARNING: OutputMask = OutputMask(0x4);
    /// What `-v` adds.
    pub const VERBOSE: OutputMask = OutputMask(0x8);
    /// Prompts and echoed input.
    pub const PROMPT: OutputMask = OutputMask(0x10);
    /// Registers at a stop.
    pub const PROMPT_REGISTERS: OutputMask = OutputMask(0x20);
    /// Text of the target.
    pub const DEBUGGEE: OutputMask = OutputMask(0x80);
    /// Noisy symbol loading.
    pub const SYMBOLS: OutputMask = OutputMask(0x200);
    /// Status text.
    pub const STATUS: OutputMask = OutputMask(0x400);
    /// DbgEng's default, 0x3F7.
    pub const DEFAULT: OutputMask = OutputMask(0x3f7);

    /// Whether any bit is in both.
    pub fn meets(self, other: OutputMask) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for OutputMask {
    type Output = OutputMask;
    fn bitor(self, other: OutputMask) -> OutputMask {
        OutputMask(self.0 | other.0)
    }
}

/// What is shown: text, or a record that the viewer's side renders for its own width.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Text, with its line ends.
    Text(String),
    /// A result.
    Record(Box<Record>),
}

/// Whether targets can be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// No target.
    NoDebuggee,
    /// At rest: commands may look at it. The text is the prompt, such as `0:000> `.
    Accessible {
        /// What the console shows when it wants a line.
        prompt: String,
    },
    /// Targets run, or a command is being carried out.
    Running,
}

/// How a command line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandOutcome {
    /// Everything it asked for was done.
    Done,
    /// Some of it was not; the error was shown.
    Failed,
}

/// What the engine tells a client.
#[derive(Clone, Debug, PartialEq)]
pub enum Notification {
    /// Something to show.
    Output {
        /// Its kind.
        mask: OutputMask,
        /// What.
        content: Content,
    },
    /// What the launched program wrote to its terminal, as it came.
    ProgramOutput {
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A command line of another client, before its output.
    Echo {
        /// Who typed it.
        author: String,
        /// The line.
        line: String,
    },
    /// The session's state changed.
    State(SessionState),
    /// The engine wants a line of text.
    InputWanted {
        /// What to show before it.
        prompt: String,
    },
    /// Somebody gave it.
    InputTaken,
    /// A command line is over, all output of it is sent.
    Done {
        /// Which.
        ticket: Ticket,
        /// How.
        outcome: CommandOutcome,
    },
    /// Answer to [`crate::Request::Complete`].
    Completions {
        /// Which request.
        ticket: Ticket,
        /// Byte offset in the line where the candidates begin.
        start: usize,
        /// What could stand there.
        candidates: Vec<String>,
    },
    /// The session is over, the engine is going.
    Ended {
        /// Whether the program asked to leave in good order (`q`, `qd`), and not for a failure.
        clean: bool,
    },
}
