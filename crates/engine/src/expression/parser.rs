//! The parser, which evaluates while it reads.
//!
//! Invariant: its depth is bounded, and so is its use of the stack (see [`MOST_DEPTH`]).

use farsight_types::Address;

use super::error::{near, syntax};
use super::lexer::{self, Number, Operator};
use super::names::{part_value, register_part, unavailable_pseudo};
use super::{Evaluator, ExprError, ExprErrorKind, Language, Radix, Scope, ScopeError, functions};

/// How deep brackets and signs may be nested.
const MOST_DEPTH: u32 = 96;

/// Reads one text from the left.
pub(super) struct Parser<'t, 's> {
    pub(super) text: &'t str,
    at: usize,
    radix: Radix,
    language: Language,
    pub(super) scope: &'s mut dyn Scope,
    depth: u32,
}

impl<'t, 's> Parser<'t, 's> {
    pub(super) fn new(text: &'t str, evaluator: Evaluator, scope: &'s mut dyn Scope) -> Parser<'t, 's> {
        Parser {
            text,
            at: 0,
            radix: evaluator.radix,
            language: evaluator.language,
            scope,
            depth: 0,
        }
    }

    /// A whole expression, in the language that is set.
    pub(super) fn expression(&mut self) -> Result<u64, ExprError> {
        if self.language == Language::Masm {
            return self.binary(1);
        }
        let at = self.at;
        let value = self.scope.cpp_prefix(self.rest());
        let (value, length) = value.map_err(|error| error.shifted(at))?;
        self.at = at.saturating_add(length);
        Ok(value)
    }

    /// Fails unless nothing but spaces is left.
    pub(super) fn at_end(&mut self) -> Result<(), ExprError> {
        self.skip_spaces();
        match self.rest() {
            "" => Ok(()),
            _ => Err(self.syntax()),
        }
    }

    /// What is left behind the spaces and at most one comma.
    pub(super) fn rest_behind_separator(&mut self) -> &'t str {
        self.skip_spaces();
        let rest = self.rest();
        rest.strip_prefix(',').map_or(rest, str::trim_start)
    }

    /// Operators of at least a level, and what is between them.
    fn binary(&mut self, lowest: u8) -> Result<u64, ExprError> {
        let mut left = self.unary()?;
        loop {
            let before = self.at;
            self.skip_spaces();
            let Some((operator, length)) = lexer::operator(self.rest()).filter(|(found, _)| found.level() >= lowest)
            else {
                self.at = before;
                return Ok(left);
            };
            let operator_at = self.at;
            self.at += length;
            let right = self.binary(operator.level() + 1)?;
            left = apply(operator, left, right).ok_or_else(|| {
                let near = near(self.text, operator_at);
                ExprError::new(operator_at, ExprErrorKind::DivideByZero { near })
            })?;
        }
    }

    /// A value with the signs and words before it.
    fn unary(&mut self) -> Result<u64, ExprError> {
        self.skip_spaces();
        if self.depth >= MOST_DEPTH {
            return Err(ExprError::new(
                self.at,
                ExprErrorKind::TooDeep {
                    near: near(self.text, self.at),
                },
            ));
        }
        self.depth += 1;
        let value = self.value();
        self.depth -= 1;
        value
    }

    fn value(&mut self) -> Result<u64, ExprError> {
        let rest = self.rest();
        match rest.chars().next() {
            None => Err(ExprError::new(
                self.at,
                ExprErrorKind::Missing {
                    near: near(self.text, self.at),
                },
            )),
            Some('+') => self.behind(1).unary(),
            Some('-') => self.behind(1).unary().map(u64::wrapping_neg),
            Some('(') => {
                let value = self.behind(1).binary(1)?;
                self.expect(')')?;
                Ok(value)
            }
            Some('@') => self.forced_register(),
            Some('!') => {
                let name = lexer::word(&rest[1..]);
                self.named_symbol(name, 1 + name.len())
            }
            Some('`') => self.source_line(),
            Some('<') => self.implementation(),
            Some('.') if lexer::word(&rest[1..]).is_empty() => {
                self.at += 1;
                self.pseudo("ip", self.at - 1)
            }
            Some(_) => match lexer::word(rest) {
                "" => Err(self.syntax()),
                word => self.word(word),
            },
        }
    }

    /// `` `file:line` `` and its like.
    fn source_line(&mut self) -> Result<u64, ExprError> {
        let start = self.at;
        let inside = self.rest().get(1..).unwrap_or_default();
        let Some((text, _)) = inside.split_once('`') else {
            return Err(self.syntax());
        };
        let found = self
            .scope
            .source_line(text)
            .map_err(|error| self.failed(error, start))?;
        self.at += text.len() + 2;
        found.ok_or_else(|| self.unresolved(start))
    }

    /// `<Type as Trait>::function`, as Rust's names are shown.
    fn implementation(&mut self) -> Result<u64, ExprError> {
        let start = self.at;
        let Some(word) = lexer::implementation(self.rest()) else {
            return Err(self.syntax());
        };
        match self.symbol(word)? {
            Some(value) => Ok(value),
            None => Err(self.unresolved(start)),
        }
    }

    /// `@name`, `@$name`, `@!"symbol"`, `@@masm(...)`.
    fn forced_register(&mut self) -> Result<u64, ExprError> {
        let start = self.at;
        let rest = &self.rest()[1..];
        if let Some(quoted) = rest.strip_prefix("!\"") {
            let Some(end) = quoted.find('"') else {
                return Err(self.syntax());
            };
            return self.named_symbol(&quoted[..end], end + 4);
        }
        if let Some(other) = rest.strip_prefix('@') {
            return self.other_language(other);
        }
        let name = lexer::word(rest);
        if name.is_empty() {
            return Err(self.syntax());
        }
        self.at += 1 + name.len();
        if let Some(pseudo) = name.strip_prefix('$') {
            return self.pseudo(pseudo, start);
        }
        match self.register(name, start)? {
            Some(value) => Ok(value),
            None => Err(self.unresolved(start)),
        }
    }

    /// `@@masm(...)`, `@@c++(...)`, and `@@(...)` for C++; `text` follows both signs.
    fn other_language(&mut self, text: &'t str) -> Result<u64, ExprError> {
        let name = text.find('(').and_then(|end| text.get(..end)).unwrap_or(text);
        if name.eq_ignore_ascii_case("masm") {
            return self.behind(2 + name.len()).unary();
        }
        if !name.is_empty() && !name.eq_ignore_ascii_case("c++") {
            return Err(self.syntax());
        }
        let behind = text.get(name.len()..).unwrap_or_default();
        let Some(inside) = super::cpp::bracketed(behind) else {
            return Err(self.behind(2 + name.len()).syntax());
        };
        let start = self.at + 2 + name.len() + 1;
        let value = self.scope.cpp(inside);
        let value = value.map_err(|error| error.shifted(start))?;
        self.at = start + inside.len() + 1;
        Ok(value)
    }

    /// A keyword, a function, a number, a symbol or a register, in this order.
    fn word(&mut self, word: &'t str) -> Result<u64, ExprError> {
        let start = self.at;
        if let Some(operand_size) = self.reading_operator(word) {
            let address = self.behind(word.len()).unary()?;
            return self
                .scope
                .read(Address(address), operand_size)
                .map_err(|error| self.failed(error, start));
        }
        match word.to_ascii_lowercase().as_str() {
            "not" => return Ok(u64::from(self.behind(word.len()).unary()? == 0)),
            "hi" => return Ok(self.behind(word.len()).unary()? >> 16 & 0xffff),
            "low" => return Ok(self.behind(word.len()).unary()? & 0xffff),
            "$pby" | "$pwo" | "$pdwo" | "$pqwo" | "$ppoi" => return Err(self.not_in_this_build("Physical memory")),
            _ => {}
        }
        if let Some(name) = word.strip_prefix('$') {
            return self.dollar_word(word, name);
        }
        match lexer::number(word, self.radix) {
            Number::Value(value) => {
                self.at += word.len();
                return Ok(value);
            }
            Number::Overflow => {
                return Err(ExprError::new(
                    start,
                    ExprErrorKind::Overflow {
                        near: near(self.text, start),
                    },
                ));
            }
            Number::No => {}
        }
        if let Some(value) = self.symbol(word)? {
            return Ok(value);
        }
        if let Some(value) = self.register(word, start)? {
            self.at += word.len();
            return Ok(value);
        }
        match lexer::hexadecimal_by_suffix(word) {
            Number::Value(value) => {
                self.at += word.len();
                Ok(value)
            }
            _ => Err(self.unresolved(start)),
        }
    }

    /// `$name`, `$!local`, `$function(...)`; the name comes without its `$`.
    fn dollar_word(&mut self, word: &'t str, name: &'t str) -> Result<u64, ExprError> {
        let start = self.at;
        if let Some(local) = name.strip_prefix('!') {
            let found = self
                .scope
                .local_symbol(local)
                .map_err(|error| self.failed(error, start))?;
            self.at += word.len();
            return found.ok_or_else(|| self.unresolved(start));
        }
        if self.rest()[word.len()..].starts_with('(') {
            self.at += word.len() + 1;
            return functions::call(self, name, start);
        }
        let pseudo = self.scope.pseudo(&name.to_ascii_lowercase());
        if let Some(value) = pseudo.map_err(|error| self.failed(error, start))? {
            self.at += word.len();
            return Ok(value);
        }
        match self.symbol(word)? {
            Some(value) => Ok(value),
            None => self.pseudo(name, start),
        }
    }

    /// Bytes that `by`, `poi` and their like read.
    fn reading_operator(&self, word: &str) -> Option<u8> {
        const READERS: [(&str, u8); 4] = [("by", 1), ("wo", 2), ("dwo", 4), ("qwo", 8)];
        if word.eq_ignore_ascii_case("poi") {
            return Some(self.scope.pointer_size());
        }
        let (_, size) = READERS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name))?;
        Some(*size)
    }

    /// A symbol where the parser stands, in its longest form that names one; passes over it.
    fn symbol(&mut self, word: &str) -> Result<Option<u64>, ExprError> {
        let start = self.at;
        for name in lexer::names(self.rest(), word) {
            if let Some(value) = self.scope.symbol(name).map_err(|error| self.failed(error, start))? {
                self.at += name.len();
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// What can only be a symbol; it and its signs are `length` bytes long.
    fn named_symbol(&mut self, name: &str, length: usize) -> Result<u64, ExprError> {
        let start = self.at;
        if name.is_empty() {
            return Err(self.syntax());
        }
        let found = self.scope.symbol(name).map_err(|error| self.failed(error, start))?;
        self.at += length;
        found.ok_or_else(|| self.unresolved(start))
    }

    fn register(&mut self, name: &str, start: usize) -> Result<Option<u64>, ExprError> {
        let name = name.to_ascii_lowercase();
        let whole = self.scope.register(&name);
        if let Some(value) = whole.map_err(|error| self.failed(error, start))? {
            return Ok(Some(value));
        }
        let Some(part) = register_part(&name).filter(|part| part.whole != name) else {
            return Ok(None);
        };
        let whole = self.scope.register(&part.whole);
        let whole = whole.map_err(|error| self.failed(error, start))?;
        Ok(whole.map(|whole| part_value(&part, whole)))
    }

    fn pseudo(&mut self, name: &str, start: usize) -> Result<u64, ExprError> {
        let name = name.to_ascii_lowercase();
        let found = self.scope.pseudo(&name);
        match found.map_err(|error| self.failed(error, start))? {
            Some(value) => Ok(value),
            None => Err(match unavailable_pseudo(&name) {
                Some(why) => self.failed(ScopeError::Unavailable { why }, start),
                None => self.unresolved(start),
            }),
        }
    }

    /// Goes on `bytes` further.
    pub(super) fn behind(&mut self, bytes: usize) -> &mut Self {
        self.at += bytes;
        self
    }

    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    pub(super) fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    pub(super) fn expect(&mut self, wanted: char) -> Result<(), ExprError> {
        self.skip_spaces();
        match self.rest().starts_with(wanted) {
            true => {
                self.at += wanted.len_utf8();
                Ok(())
            }
            false => Err(self.syntax()),
        }
    }

    pub(super) fn syntax(&self) -> ExprError {
        syntax(self.text, self.at)
    }

    pub(super) fn unresolved(&self, start: usize) -> ExprError {
        ExprError::new(
            start,
            ExprErrorKind::Unresolved {
                near: near(self.text, start),
            },
        )
    }

    pub(super) fn failed(&self, error: ScopeError, start: usize) -> ExprError {
        let near = near(self.text, start);
        ExprError::new(start, ExprErrorKind::Scope { error, near })
    }

    pub(super) fn not_in_this_build(&self, what: &'static str) -> ExprError {
        let near = near(self.text, self.at);
        ExprError::new(self.at, ExprErrorKind::NotInThisBuild { what, near })
    }
}

/// The value of an operation; none for a division by zero.
fn apply(operator: Operator, left: u64, right: u64) -> Option<u64> {
    let shift = u32::try_from(right).ok().filter(|count| *count < u64::BITS);
    Some(match operator {
        Operator::Or => left | right,
        Operator::Xor => left ^ right,
        Operator::And => left & right,
        Operator::Equal => u64::from(left == right),
        Operator::NotEqual => u64::from(left != right),
        Operator::Less => u64::from(left < right),
        Operator::LessOrEqual => u64::from(left <= right),
        Operator::Greater => u64::from(left > right),
        Operator::GreaterOrEqual => u64::from(left >= right),
        Operator::ShiftLeft => shift.map_or(0, |count| left << count),
        Operator::ShiftRight => shift.map_or(0, |count| left >> count),
        Operator::ShiftRightArithmetic => (left.cast_signed() >> shift.unwrap_or(u64::BITS - 1)).cast_unsigned(),
        Operator::Add => left.wrapping_add(right),
        Operator::Subtract => left.wrapping_sub(right),
        Operator::Multiply => left.wrapping_mul(right),
        Operator::Divide => left.checked_div(right)?,
        Operator::Remainder => left.checked_rem(right)?,
    })
}
