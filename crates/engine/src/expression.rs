//! The language of command lines: expressions (specification 5.3), ranges (5.2) and the splitting of lines (5.1).
//!
//! Pure: text and a [`Scope`] in, values out. Evaluation changes nothing, so where a scope does not have what is needed
//! yet ([`ScopeError::NotYet`]) the caller fetches it and evaluates again from the start. Positions are byte offsets
//! into the text that was given. Read [`Evaluator`] first, then [`cpp`] and [`command_line`].

pub mod command_line;
pub mod cpp;
mod error;
mod evaluate;
mod functions;
mod lexer;
mod names;
mod parser;
mod range;
mod scope;
mod words;

pub use error::{ExprError, ExprErrorKind};
pub use evaluate::{Evaluator, Language, Radix};
pub(crate) use names::part_value;
pub use names::{FLAG_BITS, PartOfRegister, register_part};
pub use range::{Extent, RangeArgument};
pub use scope::{Scope, ScopeError};
pub use words::{take_string, take_word, unescape};
