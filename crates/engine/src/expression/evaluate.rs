//! The evaluator: its settings and its ways in.

use super::{ExprError, ExprErrorKind, RangeArgument, Scope};

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

/// Evaluates MASM expressions. Everything is unsigned and 64 bits wide; arithmetic wraps.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evaluator {
    /// The radix of numbers without a prefix (`n`).
    pub radix: Radix,
}

impl Evaluator {
    /// An evaluator with a radix.
    pub fn new(radix: Radix) -> Evaluator {
        Evaluator { radix }
    }

    /// The value of an expression that is the whole text.
    pub fn evaluate(&self, text: &str, scope: &mut dyn Scope) -> Result<u64, ExprError> {
        let (value, _) = self.evaluate_prefix(text, scope)?;
        Ok(value)
    }

    /// The value of the expression that the text begins with, and the rest behind it and behind one comma or the spaces
    /// there. An expression ends where no operator follows, at `,` `;` `"` and at an unmatched bracket.
    pub fn evaluate_prefix<'t>(&self, text: &'t str, scope: &mut dyn Scope) -> Result<(u64, &'t str), ExprError> {
        let _ = scope;
        Err(ExprError::new(0, ExprErrorKind::Missing { near: text.to_owned() }))
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
}
