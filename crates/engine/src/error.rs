//! Why a command did not do what it was asked.

use farsight_target::TargetError;
use farsight_types::Address;

use crate::expression::ExprError;

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
        match self.position() {
            Some(position) => {
                let before = line.get(..position).unwrap_or(line);
                let indent = " ".repeat(before.chars().count());
                format!("{line}\n{indent}^ {self}\n")
            }
            None => format!("{self}\n"),
        }
    }
}

impl From<farsight_wire::PortError> for CommandError {
    fn from(error: farsight_wire::PortError) -> CommandError {
        CommandError::Target(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_points_at_its_place() {
        let error = CommandError::syntax(3, "a number is missing");
        assert_eq!(error.report("bp + 4"), "bp + 4\n   ^ a number is missing\n");
        assert_eq!(CommandError::syntax(99, "too short").report("g"), "g\n ^ too short\n");
    }
}
