//! Why a command did not do what it was asked.

use farsight_target::TargetError;
use farsight_types::Address;

use crate::expression::ExprError;
use crate::secrets::{masked_at, without_those_of};

/// Why a command failed. What has a place in the line points at it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CommandError {
    /// There is nothing to look at.
    #[error("No runnable debuggees error; attach with .attach PID or start a program with .create")]
    NoDebuggee,
    /// The target runs.
    #[error("'{name}' needs the target to rest; break in first (Ctrl-C)")]
    Running {
        /// The command.
        name: String,
    },
    /// No command has that name.
    #[error("'{name}' is no command; .help lists those there are")]
    Unknown {
        /// What was typed.
        name: String,
    },
    /// DbgEng has it, this build has not.
    #[error("'{name}' is not in this build")]
    NotInThisBuild {
        /// The command.
        name: String,
    },
    /// An argument is missing or wrong.
    #[error("{what}")]
    Syntax {
        /// Byte offset into the line.
        position: usize,
        /// What is wrong with it.
        what: String,
    },
    /// An expression is wrong. Its position is an offset into the line.
    #[error("{0}")]
    Expression(ExprError),
    /// A number names nothing.
    #[error("{what}")]
    NoSuch {
        /// What there is not.
        what: String,
    },
    /// Memory cannot be read.
    #[error("Memory access error at {at}")]
    Unreadable {
        /// First byte that cannot.
        at: Address,
    },
    /// The services below said no.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The user gave up.
    #[error("interrupted")]
    Interrupted,
    /// Refused for a reason of its own.
    #[error("{0}")]
    Refused(String),
}

impl CommandError {
    pub(crate) fn syntax(position: usize, what: impl Into<String>) -> CommandError {
        CommandError::Syntax {
            position,
            what: what.into(),
        }
    }

    /// Where in the line the fault is.
    fn position(&self) -> Option<usize> {
        match self {
            CommandError::Syntax { position, .. } => Some(*position),
            CommandError::Expression(error) => Some(error.position),
            _ => None,
        }
    }

    /// The text to show for a command in `line`: with a caret below the faulty place where there is one.
    pub(crate) fn report(&self, line: &str) -> String {
        // What is wrong may quote any part of the line.
        let what = without_those_of(line, self.to_string());
        match self.position() {
            Some(position) => {
                let (line, position) = masked_at(line, position);
                let (shown, column) = window(&line, position);
                let indent = " ".repeat(column);
                format!("{shown}\n{indent}^ {what}\n")
            }
            None => format!("{what}\n"),
        }
    }
}

impl From<farsight_wire::PortError> for CommandError {
    fn from(error: farsight_wire::PortError) -> CommandError {
        CommandError::Target(error.into())
    }
}

/// Most characters of a text that are shown around a place in it.
const MOST_SHOWN: usize = 160;

/// The part of a text around a place, on one line, and the column of the place in it.
fn window(text: &str, position: usize) -> (String, usize) {
    let column = text.get(..position).unwrap_or(text).chars().count();
    let length = text.chars().count();
    let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
    if length <= MOST_SHOWN {
        return (text.chars().map(plain).collect(), column);
    }
    let start = column.saturating_sub(MOST_SHOWN / 2);
    let end = (start + MOST_SHOWN).min(length);
    let before = if start > 0 { "..." } else { "" };
    let behind = if end < length { "..." } else { "" };
    let part: String = text.chars().skip(start).take(end - start).map(plain).collect();
    (format!("{before}{part}{behind}"), column - start + before.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_points_at_its_place() {
        let error = CommandError::syntax(3, "a number is missing");
        assert_eq!(error.report("bp + 4"), "bp + 4\n   ^ a number is missing\n");
        assert_eq!(CommandError::syntax(99, "too short").report("g"), "g\n ^ too short\n");
        assert_eq!(CommandError::syntax(2, "here").report("a\nbc"), "a bc\n  ^ here\n");
        let hidden = CommandError::syntax(30, "what is 'Swordfish'?").report("? tcp:port=1,password=my Swordfish");
        assert_eq!(
            hidden,
            format!("? tcp:port=1,password=*\n{}^ what is '*'?\n", " ".repeat(22))
        );
        let long = format!("{}!{}", "a".repeat(500), "b".repeat(500));
        let report = CommandError::syntax(500, "here").report(&long);
        let (shown, caret) = report.split_once('\n').unwrap();
        assert_eq!(shown.find('!'), caret.find('^'), "{report}");
        assert!(
            shown.len() < 200 && shown.starts_with("...") && shown.ends_with("..."),
            "{report}"
        );
    }
}
