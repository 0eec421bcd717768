//! What is wrong with an expression, and where.

use super::ScopeError;

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExprErrorKind {
    /// Something else should stand here. `near` is the rest of the text.
    #[error("Syntax error at '{near}'")]
    Syntax {
        /// The rest of the text.
        near: String,
    },
    /// A name that names nothing.
    #[error("Couldn't resolve error at '{near}'")]
    Unresolved {
        /// The rest of the text, from the name on.
        near: String,
    },
    /// A name that names nothing, where there are names that are written nearly so.
    #[error("Couldn't resolve error at '{near}'; there is {similar}")]
    Similar {
        /// The rest of the text, from the name on.
        near: String,
        /// The names.
        similar: String,
    },
    /// A number of more than 64 bits, or of digits that its radix does not have.
    #[error("Numeric expression overflow error at '{near}'")]
    Overflow {
        /// The rest of the text, from the number on.
        near: String,
    },
    /// There is no expression.
    #[error("Numeric expression missing from '{near}'")]
    Missing {
        /// The rest of the text.
        near: String,
    },
    /// Division or remainder by zero.
    #[error("Divide by zero error at '{near}'")]
    DivideByZero {
        /// The rest of the text, from the operator on.
        near: String,
    },
    /// Brackets or operators are nested deeper than the evaluator goes.
    #[error("Expression is nested too deeply at '{near}'")]
    TooDeep {
        /// The rest of the text.
        near: String,
    },
    /// Part of DbgEng's language, which this build does not have.
    #[error("{what} is not supported in this build, at '{near}'")]
    NotInThisBuild {
        /// What it is.
        what: &'static str,
        /// The rest of the text.
        near: String,
    },
    /// A range is larger than commands take without `L?`, or larger than memory.
    #[error("Range error at '{near}': {why}")]
    Range {
        /// Why.
        why: &'static str,
        /// The rest of the text.
        near: String,
    },
    /// What is asked for cannot be had, for a reason in words.
    #[error("{what}, at '{near}'")]
    Refused {
        /// Why not.
        what: String,
        /// The rest of the text.
        near: String,
    },
    /// The scope has no answer.
    #[error("{error} at '{near}'{}", error.meanings())]
    Scope {
        /// Why not.
        error: ScopeError,
        /// The rest of the text, from the name or operator on.
        near: String,
    },
}

/// What is wrong with an expression, and where in the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct ExprError {
    /// Byte offset into the text.
    pub position: usize,
    /// What.
    pub kind: ExprErrorKind,
}

impl ExprError {
    pub(crate) fn new(position: usize, kind: ExprErrorKind) -> ExprError {
        ExprError { position, kind }
    }

    /// Whether the scope lacked something that can be fetched: fetch it and evaluate again.
    pub fn is_not_yet(&self) -> bool {
        matches!(
            self.kind,
            ExprErrorKind::Scope {
                error: ScopeError::NotYet,
                ..
            }
        )
    }

    /// The same error in a text that holds the evaluated one `by` bytes further on.
    pub fn shifted(mut self, by: usize) -> ExprError {
        self.position = self.position.saturating_add(by);
        self
    }

    /// Three lines as DbgEng prints them: the text, a caret under the place, and what is wrong with it.
    pub fn with_caret(&self, text: &str) -> String {
        let before = text.get(..self.position).unwrap_or(text);
        let indent = " ".repeat(before.chars().count());
        format!("{text}\n{indent}^ {self}")
    }
}

/// The text from a position on, as errors quote it; long texts are cut.
pub(super) fn near(text: &str, position: usize) -> String {
    const MOST: usize = 60;
    let rest = text.get(position..).unwrap_or("");
    match rest.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &rest[..end]),
        None => rest.to_owned(),
    }
}

/// Something else should stand at a position.
pub(super) fn syntax(text: &str, position: usize) -> ExprError {
    ExprError::new(
        position,
        ExprErrorKind::Syntax {
            near: near(text, position),
        },
    )
}
