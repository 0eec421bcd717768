//! Linux signals by name, and which of them stop a target (DbgEng's exceptions, design section 12).

use farsight_target::{SignalPolicy, SignalSet};

/// What happens at the first chance.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Handling {
    /// Stops the target.
    Break,
    /// Told and passed.
    Tell,
    /// Passed.
    Ignore,
}

use Handling::{Break, Ignore, Tell};

/// Number, name, meaning and handling. Numbers are those of x86-64 and 64-bit ARM.
const SIGNALS: [(i32, &str, &str, Handling); 31] = [
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

/// The policy that a session starts with.
pub(crate) fn default_policy() -> SignalPolicy {
    let of = |wanted: Handling| {
        let numbers: Vec<i32> = SIGNALS
            .iter()
            .filter(|(_, _, _, handling)| *handling == wanted)
            .map(|(number, ..)| *number)
            .collect();
        SignalSet::of(&numbers)
    };
    SignalPolicy {
        stop: of(Break),
        report: of(Tell),
        stop_second: of(Break),
    }
}

/// A signal's name, such as `SIGSEGV`; real-time signals by their number.
pub(crate) fn signal_name(number: i32) -> String {
    match SIGNALS.iter().find(|(known, ..)| *known == number) {
        Some((_, name, ..)) => (*name).to_owned(),
        None if number >= 34 => format!("SIGRTMIN+{}", number - 34),
        None => format!("signal {number}"),
    }
}

/// What a signal means, in words.
pub(crate) fn signal_meaning(number: i32) -> String {
    match SIGNALS.iter().find(|(known, ..)| *known == number) {
        Some((_, _, meaning, _)) => (*meaning).to_owned(),
        None => "Real-time signal".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_stop_and_timers_pass_unseen() {
        let policy = default_policy();
        for fault in [4, 5, 6, 7, 8, 11] {
            assert!(policy.stop.has(fault) && !policy.report.has(fault), "{fault}");
        }
        for quiet in [14, 17, 18, 23, 28] {
            assert!(!policy.stop.has(quiet) && !policy.report.has(quiet), "{quiet}");
        }
        assert!(policy.report.has(2));
        assert_eq!(signal_name(40), "SIGRTMIN+6");
    }
}
