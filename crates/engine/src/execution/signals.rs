//! Linux signals by name, and which of them stop a target (DbgEng's exceptions, design section 12).

/// What happens at the first chance, unless the user's filters say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usual {
    /// Stops the target.
    Break,
    /// Told and passed.
    Tell,
    /// Passed.
    Ignore,
}

use Usual::{Break, Ignore, Tell};

/// Every signal that there can be.
pub(crate) const KNOWN_SIGNALS: std::ops::RangeInclusive<i32> = 1..=64;

/// The real-time signals as programs number them: the C library keeps the first two.
const REAL_TIME: std::ops::RangeInclusive<i32> = 34..=64;

/// Number, name, meaning and handling. Numbers are those of x86-64 and 64-bit ARM.
const SIGNALS: [(i32, &str, &str, Usual); 31] = [
    (1, "SIGHUP", "Hangup", Tell),
    (2, "SIGINT", "Interrupt", Tell),
    (3, "SIGQUIT", "Quit", Tell),
    (4, "SIGILL", "Illegal instruction", Break),
    (5, "SIGTRAP", "Trace or breakpoint trap", Break),
    (6, "SIGABRT", "Aborted", Break),
    (7, "SIGBUS", "Bus error", Break),
    (8, "SIGFPE", "Arithmetic exception", Break),
    (9, "SIGKILL", "Killed", Tell),
    (10, "SIGUSR1", "User-defined signal 1", Tell),
    (11, "SIGSEGV", "Segmentation fault", Break),
    (12, "SIGUSR2", "User-defined signal 2", Tell),
    (13, "SIGPIPE", "Broken pipe", Tell),
    (14, "SIGALRM", "Alarm clock", Ignore),
    (15, "SIGTERM", "Terminated", Tell),
    (16, "SIGSTKFLT", "Stack fault", Tell),
    (17, "SIGCHLD", "Child status changed", Ignore),
    (18, "SIGCONT", "Continued", Ignore),
    (19, "SIGSTOP", "Stopped", Tell),
    (20, "SIGTSTP", "Stopped by its terminal", Tell),
    (21, "SIGTTIN", "Stopped for terminal input", Tell),
    (22, "SIGTTOU", "Stopped for terminal output", Tell),
    (23, "SIGURG", "Urgent condition on a socket", Ignore),
    (24, "SIGXCPU", "CPU time limit exceeded", Tell),
    (25, "SIGXFSZ", "File size limit exceeded", Tell),
    (26, "SIGVTALRM", "Virtual timer expired", Tell),
    (27, "SIGPROF", "Profiling timer expired", Tell),
    (28, "SIGWINCH", "Window size changed", Ignore),
    (29, "SIGIO", "Input or output possible", Tell),
    (30, "SIGPWR", "Power failure", Tell),
    (31, "SIGSYS", "Bad system call", Tell),
];

/// What a signal does by default.
pub(crate) fn usual(number: i32) -> Usual {
    let known = SIGNALS.iter().find(|(known, ..)| *known == number);
    known.map_or(Tell, |(_, _, _, usual)| *usual)
}

/// A signal by its name with or without SIG, by its place among the real-time signals, or by its number.
pub(crate) fn signal_number(word: &str) -> Option<i32> {
    let lower = word.to_ascii_lowercase();
    let bare = lower.strip_prefix("sig").unwrap_or(&lower);
    let named = SIGNALS
        .iter()
        .find(|(_, name, ..)| name[3..].eq_ignore_ascii_case(bare));
    if let Some((number, ..)) = named {
        return Some(*number);
    }
    let number = if let Some(behind) = bare.strip_prefix("rtmin") {
        let offset = if behind.is_empty() {
            "0"
        } else {
            behind.strip_prefix('+')?
        };
        REAL_TIME.start().checked_add(decimal(offset)?)?
    } else if let Some(behind) = bare.strip_prefix("rtmax") {
        let offset = if behind.is_empty() {
            "0"
        } else {
            behind.strip_prefix('-')?
        };
        REAL_TIME.end().checked_sub(decimal(offset)?)?
    } else {
        let number = match lower.strip_prefix("0x") {
            Some(digits) if !digits.starts_with(['+', '-']) => i32::from_str_radix(digits, 16).ok()?,
            _ => decimal(&lower)?,
        };
        return KNOWN_SIGNALS.contains(&number).then_some(number);
    };
    REAL_TIME.contains(&number).then_some(number)
}

fn decimal(digits: &str) -> Option<i32> {
    // A sign is no digit.
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok())?
}

/// A signal's name, such as `SIGSEGV`; real-time signals by their number.
pub(crate) fn signal_name(number: i32) -> String {
    match SIGNALS.iter().find(|(known, ..)| *known == number) {
        Some((_, name, ..)) => (*name).to_owned(),
        None if REAL_TIME.contains(&number) => format!("SIGRTMIN+{}", number - 34),
        None => format!("signal {number}"),
    }
}

/// What a signal means, in words.
pub(crate) fn signal_meaning(number: i32) -> String {
    match SIGNALS.iter().find(|(known, ..)| *known == number) {
        Some((_, _, meaning, _)) => (*meaning).to_owned(),
        None if REAL_TIME.contains(&number) => "Real-time signal".to_owned(),
        None => "Signal of the C library".to_owned(),
    }
}

/// What `si_code` says, in words: how the signal came about.
pub(crate) fn signal_code(number: i32, code: i32) -> &'static str {
    match (number, code) {
        (_, 0) => "SI_USER: sent by a process",
        (_, 0x80) => "SI_KERNEL: sent by the kernel",
        (_, -1) => "SI_QUEUE: sent by sigqueue",
        (_, -2) => "SI_TIMER: a timer expired",
        (_, -3) => "SI_MESGQ: a message queue changed",
        (_, -4) => "SI_ASYNCIO: input or output is complete",
        (_, -6) => "SI_TKILL: sent to the thread",
        (11, 1) => "SEGV_MAPERR: nothing is mapped there",
        (11, 2) => "SEGV_ACCERR: the mapping does not permit it",
        (11, 3) => "SEGV_BNDERR: failed address bound checks",
        (11, 4) => "SEGV_PKUERR: a protection key does not permit it",
        (7, 1) => "BUS_ADRALN: the address is not aligned",
        (7, 2) => "BUS_ADRERR: there is no physical address, such as behind the end of a file",
        (7, 3) => "BUS_OBJERR: a hardware error of the object",
        (8, 1) => "FPE_INTDIV: integer division by zero",
        (8, 2) => "FPE_INTOVF: integer overflow",
        (8, 3) => "FPE_FLTDIV: floating point division by zero",
        (8, 4) => "FPE_FLTOVF: floating point overflow",
        (8, 5) => "FPE_FLTUND: floating point underflow",
        (8, 6) => "FPE_FLTRES: inexact floating point result",
        (8, 7) => "FPE_FLTINV: invalid floating point operation",
        (4, 1) => "ILL_ILLOPC: illegal operation code",
        (4, 2) => "ILL_ILLOPN: illegal operand",
        (4, 3) => "ILL_ILLADR: illegal addressing mode",
        (4, 5) => "ILL_PRVOPC: privileged operation code",
        (4, 8) => "ILL_BADSTK: internal stack error",
        (5, 1) => "TRAP_BRKPT: a breakpoint",
        (5, 2) => "TRAP_TRACE: a single step",
        (5, 4) => "TRAP_HWBKPT: a hardware breakpoint",
        (17, 1) => "CLD_EXITED: a child has exited",
        (17, 2) => "CLD_KILLED: a child was killed",
        (17, 3) => "CLD_DUMPED: a child was killed and left a core",
        (17, 5) => "CLD_STOPPED: a child has stopped",
        (17, 6) => "CLD_CONTINUED: a child goes on",
        (31, 1) => "SYS_SECCOMP: refused by a filter of system calls",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_agree() {
        for number in KNOWN_SIGNALS {
            let name = signal_name(number);
            let found = signal_number(&name);
            assert!(found == Some(number) || [32, 33].contains(&number), "{name}");
        }
        assert_eq!(signal_name(40), "SIGRTMIN+6");
        for wrong in ["sig", "+5", "rtmin-1", "rtmin+", "rtmax+1", "0x+5", ""] {
            assert_eq!(signal_number(wrong), None, "{wrong}");
        }
    }
}
