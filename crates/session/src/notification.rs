//! What the engine tells its clients.

use std::ops::BitOr;

use minicbor::{Decode, Encode};

use crate::{QuestionId, Record, Ticket};

/// Kinds of output, with DbgEng's bit values (`DEBUG_OUTPUT_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct OutputMask(#[n(0)] pub u32);

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
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Content {
    /// Text, with its line ends.
    #[n(0)]
    Text(#[n(0)] String),
    /// A result.
    #[n(1)]
    Record(#[n(0)] Box<Record>),
}

/// Whether targets can be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum SessionState {
    /// No target.
    #[n(0)]
    NoDebuggee,
    /// At rest: commands may look at it. The text is the prompt, such as `0:000> `.
    #[n(1)]
    Accessible {
        /// What the console shows when it wants a line.
        #[n(0)]
        prompt: String,
    },
    /// Targets run, or a command is being carried out.
    #[n(2)]
    Running,
}

/// How a command line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum CommandOutcome {
    /// Everything it asked for was done.
    #[n(0)]
    Done,
    /// Some of it was not; the error was shown.
    #[n(1)]
    Failed,
}

/// What the engine tells a client.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Notification {
    /// Something to show.
    #[n(0)]
    Output {
        /// Its kind.
        #[n(0)]
        mask: OutputMask,
        /// What.
        #[n(1)]
        content: Content,
    },
    /// What the launched program wrote to its terminal, as it came.
    #[n(1)]
    ProgramOutput {
        /// The bytes.
        #[cbor(n(0), with = "minicbor::bytes")]
        bytes: Vec<u8>,
    },
    /// A command line of another client, before its output.
    #[n(2)]
    Echo {
        /// Who typed it.
        #[n(0)]
        author: String,
        /// The line.
        #[n(1)]
        line: String,
        /// The prompt that it was typed at; empty while targets run.
        #[n(2)]
        prompt: String,
    },
    /// The session's state changed.
    #[n(3)]
    State(#[n(0)] SessionState),
    /// The engine wants a line of text.
    #[n(4)]
    InputWanted {
        /// What to show before it.
        #[n(0)]
        prompt: String,
        /// Names what is asked, for the answer; none where an older release asks.
        #[n(1)]
        question: Option<QuestionId>,
        /// Whether the client's own command asks; none where an older release does.
        #[n(2)]
        is_own: Option<bool>,
    },
    /// Somebody gave it.
    #[n(5)]
    InputTaken,
    /// A command line is over, all output of it is sent.
    #[n(6)]
    Done {
        /// Which.
        #[n(0)]
        ticket: Ticket,
        /// How.
        #[n(1)]
        outcome: CommandOutcome,
    },
    /// Answer to [`crate::Request::Complete`].
    #[n(7)]
    Completions {
        /// Which request.
        #[n(0)]
        ticket: Ticket,
        /// Byte offset in the line where the candidates begin.
        #[n(1)]
        start: usize,
        /// What could stand there.
        #[n(2)]
        candidates: Vec<String>,
    },
    /// The session is over, for all or for this client; nothing more is told.
    #[n(8)]
    Ended {
        /// Whether it was left in good order (`q`, `qd`, a client that left), and not for a failure.
        #[n(0)]
        clean: bool,
    },
    /// From now on a program that the session has launched takes what is typed, or there is none any more.
    #[n(9)]
    ProgramTerminal {
        /// There is one.
        #[n(0)]
        is_here: bool,
    },
}
