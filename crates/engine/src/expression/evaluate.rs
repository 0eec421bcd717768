//! The evaluator: its settings and its ways in.

use super::parser::Parser;
use super::{ExprError, RangeArgument, Scope};

/// The radix of numbers without a prefix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Radix {
    /// 8.
    Octal,
    /// 10.
    Decimal,
    /// 16, DbgEng's default.
    #[default]
    Hexadecimal,
}

impl Radix {
    /// The number of digits there are.
    pub fn base(self) -> u32 {
        match self {
            Radix::Octal => 8,
            Radix::Decimal => 10,
            Radix::Hexadecimal => 16,
        }
    }
}

/// What expressions are written in where nothing says otherwise (`.expr`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// Addresses and numbers of 64 bits.
    #[default]
    Masm,
    /// Typed values, see [`super::cpp`].
    Cpp,
}

/// Evaluates expressions as arguments of commands: to numbers of 64 bits. In MASM everything is unsigned and 64 bits
/// wide, and arithmetic wraps; what is written in C++ is the scope's affair.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evaluator {
    /// The radix of MASM's numbers without a prefix (`n`).
    pub radix: Radix,
    /// The language of what does not say its own.
    pub language: Language,
}

impl Evaluator {
    /// An evaluator of MASM expressions with a radix.
    pub fn new(radix: Radix) -> Evaluator {
        Evaluator {
            radix,
            language: Language::Masm,
        }
    }

    /// The value of an expression that is the whole text.
    #[doc(alias = "Evaluate")]
    pub fn evaluate(&self, text: &str, scope: &mut dyn Scope) -> Result<u64, ExprError> {
        let mut parser = Parser::new(text, *self, scope);
        let value = parser.expression()?;
        parser.at_end()?;
        Ok(value)
    }

    /// The value of the expression that the text begins with, and the rest behind it and behind the spaces and at most
    /// one comma there. An expression ends where no operator follows: at `,` `;` `"`, an unmatched bracket, or a word.
    pub fn evaluate_prefix<'t>(&self, text: &'t str, scope: &mut dyn Scope) -> Result<(u64, &'t str), ExprError> {
        let mut parser = Parser::new(text, *self, scope);
        let value = parser.expression()?;
        Ok((value, parser.rest_behind_separator()))
    }

    /// The range that the text begins with (`addr1 addr2`, `addr L n`, `addr L-n`, `addr L?n`, `addr`, `L n`, nothing),
    /// and the rest behind it.
    pub fn range_prefix<'t>(
        &self,
        text: &'t str,
        scope: &mut dyn Scope,
    ) -> Result<(RangeArgument, &'t str), ExprError> {
        super::range::range_prefix(*self, text, scope)
    }

    /// As [`Evaluator::range_prefix`], where nothing may follow.
    pub fn range(&self, text: &str, scope: &mut dyn Scope) -> Result<RangeArgument, ExprError> {
        let (range, rest) = self.range_prefix(text, scope)?;
        match rest {
            "" => Ok(range),
            _ => Err(super::error::syntax(text, text.len() - rest.len())),
        }
    }
}

#[cfg(test)]
mod tests;
