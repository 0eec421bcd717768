//! The words that name an event behind `sxe` and its like.
//!
//! A signal goes by its name with or without SIG, by its decimal number, or by DbgEng's word for what it comes closest
//! to. The text behind a `:` says which module, process or output is meant.

use super::BreakStatus;
use crate::execution::{signal_name, signal_number};

/// An event that is no signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EventCode {
    ThreadStarted,
    ThreadEnded,
    ProcessStarted,
    ProcessEnded,
    Load,
    Unload,
    Exec,
    InitialBreak,
    Output,
    SystemError,
}

/// What a filter is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Code {
    Event(EventCode),
    /// A break instruction that nobody here planted.
    OwnTrap,
    /// A signal by its number, 1 to 64.
    Signal(i32),
    /// Signals without a row of their own.
    Others,
}

/// One event with its word and its default.
pub(crate) struct EventRow {
    pub(crate) code: EventCode,
    pub(crate) name: &'static str,
    pub(crate) words: &'static str,
    pub(crate) usual: BreakStatus,
    /// Whether `name:pattern` means something.
    takes_argument: bool,
}

const fn row(
    code: EventCode,
    name: &'static str,
    words: &'static str,
    usual: BreakStatus,
    takes_argument: bool,
) -> EventRow {
    EventRow {
        code,
        name,
        words,
        usual,
        takes_argument,
    }
}

use BreakStatus::{First, Ignore, Notify};

/// The events that are no signals, in the order of `sx`.
pub(crate) const EVENTS: [EventRow; 10] = [
    row(EventCode::ThreadStarted, "ct", "Create thread", Ignore, false),
    row(EventCode::ThreadEnded, "et", "Exit thread", Ignore, false),
    row(EventCode::ProcessStarted, "cpr", "Create process", Ignore, true),
    row(EventCode::ProcessEnded, "epr", "Exit process", First, true),
    row(EventCode::Load, "ld", "Load module", Notify, true),
    row(EventCode::Unload, "ud", "Unload module", Notify, true),
    row(EventCode::Exec, "exec", "Run another program", Notify, true),
    row(EventCode::InitialBreak, "ibp", "Initial breakpoint", First, false),
    row(EventCode::Output, "out", "Debuggee output", Ignore, true),
    row(EventCode::SystemError, "ser", "System error", Ignore, false),
];

/// DbgEng's exceptions and the signals that they are here. Two words for one stand behind each other.
const ALIASES: [(&str, i32); 9] = [
    ("av", 11),
    ("dz", 8),
    ("iov", 8),
    ("c000008e", 8),
    ("ii", 4),
    ("dm", 7),
    ("ip", 7),
    ("isc", 31),
    ("asrt", 6),
];

/// Words for exceptions that Linux does not have.
const FOREIGN: &str = "3c aph ch hc clr clrn dbce eh gp lsq rto rtt sbo sov vcpp vs wkd wob wos iml";

/// Why a word names no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CodeError(pub(crate) String);

/// An event as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) code: Code,
    /// What stands behind the `:`; none without one.
    pub(crate) argument: Option<String>,
    /// The word means the handling, as `-h` does.
    pub(crate) handling: bool,
}

/// Reads `code`, `code:argument` or `*`.
pub(crate) fn parse(text: &str) -> Result<Named, CodeError> {
    let (word, argument) = match text.split_once(':') {
        Some((word, argument)) => (word, Some(argument)),
        None => (text, None),
    };
    let lower = word.to_ascii_lowercase();
    if let Some(event) = EVENTS.iter().find(|event| event.name == lower) {
        if argument.is_some() && !event.takes_argument {
            return Err(CodeError(format!("'{lower}' takes nothing behind a ':'")));
        }
        return Ok(Named {
            code: Code::Event(event.code),
            argument: argument.map(str::to_owned),
            handling: false,
        });
    }
    let (code, handling) = match lower.as_str() {
        "*" => (Code::Others, false),
        "bpe" => (Code::OwnTrap, false),
        "bpec" => (Code::OwnTrap, true),
        "sse" => (Code::Signal(5), false),
        "ssec" => (Code::Signal(5), true),
        "cce" => (Code::Signal(2), false),
        "cc" => (Code::Signal(2), true),
        other => (signal(other)?, false),
    };
    match argument {
        Some(_) => Err(CodeError(format!("'{lower}' takes nothing behind a ':'"))),
        None => Ok(Named {
            code,
            argument: None,
            handling,
        }),
    }
}

fn signal(word: &str) -> Result<Code, CodeError> {
    if let Some((_, number)) = ALIASES.iter().find(|(alias, _)| *alias == word) {
        return Ok(Code::Signal(*number));
    }
    if let Some(number) = signal_number(word) {
        return match number {
            9 | 19 => Err(CodeError(format!(
                "{} cannot be held up: the system does not ask a debugger",
                signal_name(number)
            ))),
            _ => Ok(Code::Signal(number)),
        };
    }
    if FOREIGN.split(' ').any(|known| known == word) {
        return Err(CodeError(format!("'{word}' is an event that Linux does not have")));
    }
    if word.bytes().all(|byte| byte.is_ascii_digit()) && !word.is_empty() {
        return Err(CodeError(format!("{word} is no signal: they are 1 to 64")));
    }
    Err(CodeError(format!(
        "'{word}' names no event; sx lists them, and signals go by their names, such as segv or rtmin+1"
    )))
}

impl Code {
    /// The word that `sx` shows, which [`parse`] reads.
    pub(crate) fn name(self) -> String {
        match self {
            Code::Event(code) => row_of(code).map_or_else(String::new, |row| row.name.to_owned()),
            Code::OwnTrap => "bpe".to_owned(),
            // Used by the C library, nameless.
            Code::Signal(number @ (32 | 33)) => number.to_string(),
            Code::Signal(number) => signal_name(number).trim_start_matches("SIG").to_ascii_lowercase(),
            Code::Others => "*".to_owned(),
        }
    }

    /// What it is, in words.
    pub(crate) fn words(self) -> String {
        match self {
            Code::Event(code) => row_of(code).map_or_else(String::new, |row| row.words.to_owned()),
            Code::OwnTrap => "Break instruction exception".to_owned(),
            Code::Signal(number) => crate::execution::signal_meaning(number),
            Code::Others => "Other exception".to_owned(),
        }
    }

    /// Whether it has chances and can be handled.
    pub(crate) fn is_exception(self) -> bool {
        !matches!(self, Code::Event(_))
    }
}

fn row_of(code: EventCode) -> Option<&'static EventRow> {
    EVENTS.iter().find(|row| row.code == code)
}
