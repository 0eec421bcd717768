//! Every row of the command table with arguments that are missing, wrong, hostile and enormous: an error or a result within
//! a deadline, and the session goes on.

use std::time::{Duration, Instant};

use farsight_engine::{CommandRow, command_rows};
use farsight_session::CommandOutcome;

use crate::support::{Session, Survival, World, attach};

/// How long a line may run before it is interrupted.
const BEFORE_BREAK: Duration = Duration::from_millis(30);

/// How long a line may take, interrupted as it is; generous, for the machine has other things to do.
const LONGEST: Duration = Duration::from_secs(8);

/// What a line does not answer with: the words of a fault of our own.
const FAULTS: &[&str] = &["panicked", "internal error", "RUST_BACKTRACE"];

fn arguments() -> Vec<String> {
    let short = [
        "",
        "(",
        ")",
        "@@@",
        "\"",
        "'",
        "{",
        "}",
        "{ { ;",
        "\"\\",
        "-1",
        "-",
        "/",
        "/zz",
        "-zz",
        "/c",
        "/c ffffffffffffffff",
        "=",
        "= (",
        "@rsp =",
        ",",
        "*",
        "[",
        "[(",
        "!",
        "nosuchmodule!nosuchname",
        "0",
        "ffffffffffffffff",
        "ffffffffffffffff ffffffffffffffff",
        "ffffffffffffffff ffffffffffffffff ffffffffffffffff",
        "fffffffffffffffffffffffff",
        "0 L?ffffffffffffffff",
        "0 L-ffffffffffffffff",
        "ffffffffffffffff Lffffffffffffffff",
        "@rsp L?ffffffffffffffff 0",
        "1000 L0",
        "1000 800",
        "@rsp @rsp+1000000 @rsp+8",
        "/nosuch/file 0 L?ffffffffffffffff",
        "7fffffffffffffff \"k; g\"",
        "@rsp \"x",
        "a\0b",
        "\x1b[2J\x1b]0;x\x07",
        "\u{202e}\u{feff}\u{10ffff}",
        "${",
        "${a} ${/d:${a}}",
        "1/0",
        "poi(poi(0))",
        "poi(@rsp",
    ];
    let mut all: Vec<String> = short.map(str::to_owned).into();
    all.extend([
        "x".repeat(4000),
        "1 ".repeat(1900),
        "1+".repeat(1900),
        "[".repeat(3000),
        "*?".repeat(1500),
        "f".repeat(5000),
        "\0".repeat(1000),
        format!("{}1{}", "(".repeat(2000), ")".repeat(2000)),
        format!("{}{}", "{".repeat(1500), "}".repeat(1500)),
        "-".repeat(3000),
        "/1".repeat(1500),
    ]);
    all
}

/// How a command is typed with an argument. The rows of prefixes have names such as `~s`.
fn lines(name: &str, argument: &str) -> Vec<String> {
    let prefix = name.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    match prefix {
        "~" | "|" | "||" if prefix.len() < name.len() => {
            let letter = &name[prefix.len()..];
            vec![
                format!("{prefix}0{letter} {argument}"),
                format!("{prefix}{argument}{letter}"),
            ]
        }
        _ => vec![format!("{name} {argument}")],
    }
}

struct Trial {
    session: Option<Session>,
}

impl Trial {
    fn session(&mut self) -> &mut Session {
        self.session
            .get_or_insert_with(|| Session::start(World::with_files(), attach()).0)
    }

    /// Runs a line, and looks at what is left of the session.
    fn run(&mut self, line: &str) -> (String, Survival) {
        let begun = Instant::now();
        let (shown, survival) = self.session().survive(line, BEFORE_BREAK);
        let name = line.chars().take(80).collect::<String>();
        let name = name.escape_debug();
        assert!(begun.elapsed() < LONGEST, "{name} took {:?}", begun.elapsed());
        for fault in FAULTS {
            assert!(!shown.contains(fault), "{name}: {shown}");
        }
        if survival == Survival::Ended {
            self.session = None;
            return (shown, survival);
        }
        // Nobody may have asked for less output; 1 and 2 are the same in every radix.
        let (answer, after) = self.session().survive(".outmask /a; ? 1+1", LONGEST);
        if after == Survival::Ended && ENDING.contains(&line.split(' ').next().unwrap_or_default()) {
            self.session = None;
            return (shown, after);
        }
        let expected = "Evaluate expression: 2 = 00000000`00000002\n";
        assert!(
            after == Survival::Done(CommandOutcome::Done) && answer.ends_with(expected),
            "after {name}: {after:?} {answer}"
        );
        let (threads, _) = self.session().survive("~", LONGEST);
        if !threads.contains("Id:") && !threads.contains("id:") {
            // The target is gone: this row's doing, and the next wants one.
            self.session = None;
        }
        (shown, survival)
    }
}

#[track_caller]
fn every_row(wanted: impl Fn(&CommandRow) -> bool) {
    let arguments = arguments();
    let mut trial = Trial { session: None };
    for row in command_rows().filter(wanted) {
        for (at, name) in row.names.iter().enumerate() {
            // Names of one row share its parser: the first gets everything, the others each a share.
            let share = arguments
                .iter()
                .enumerate()
                .filter(|(index, _)| at == 0 || (index + at) % 8 == 0);
            for (_, argument) in share {
                for line in lines(name, argument) {
                    trial.run(&line);
                }
            }
        }
        // Each begins with a target at rest and nothing that an earlier one left.
        trial.session = None;
    }
}

#[test]
fn slow_rows_that_run_and_stop_bear_any_argument() {
    every_row(|row| RUNNING.contains(&row.area));
}

#[test]
fn slow_rows_that_look_and_change_bear_any_argument() {
    every_row(|row| !RUNNING.contains(&row.area));
}

#[test]
fn what_is_wrong_is_pointed_at() {
    let mut trial = Trial { session: None };
    let mut tried = 0;
    for row in command_rows() {
        let name = row.names[0];
        if name.starts_with(['~', '|']) {
            continue;
        }
        // A command that takes nothing, and those that take numbers.
        let wrong: &[&str] = match row.usage {
            usage if usage == name => &["/zz", "1", "("],
            usage
                if WITH_ADDRESS
                    .iter()
                    .any(|word| usage.contains(&format!("{name} {word}"))) =>
            {
                &["(", "@@@", "poi(@rsp"]
            }
            _ => continue,
        };
        tried += 1;
        for argument in wrong {
            let line = format!("{name} {argument}");
            let (shown, survival) = trial.run(&line);
            assert_eq!(survival, Survival::Done(CommandOutcome::Failed), "{line}: {shown}");
            assert!(
                shown.lines().any(|line| line.trim_start().starts_with('^')),
                "{line}: {shown}"
            );
        }
        trial.session = None;
    }
    assert!(tried > 30, "only {tried} rows were tried");
}

/// What stands first behind the name in the form of a command that wants an address or a number.
const WITH_ADDRESS: &[&str] = &[
    "Address",
    "[Address",
    "Range",
    "[Range",
    "Expression",
    "[Count]",
    "IDs",
    "Old",
];

/// Commands that end the session where their argument is none.
const ENDING: &[&str] = &["q", "qq", "qd"];

/// Areas whose commands set the target going or say when it stops.
const RUNNING: &[&str] = &["Going on and stepping", "Breakpoints", "Events"];
