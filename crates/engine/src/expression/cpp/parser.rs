//! The parser: text to a tree, by precedence.
//!
//! C++ cannot be parsed without knowing which names are types: `(a) - b` is a cast or a difference. The parser asks
//! [`Names`], and only where it matters. Invariant: its depth is bounded, and so is the height of the tree.

use super::ast::{Binary, CastKind, Node, NodeKind, Unary};
use super::lexer;
use crate::expression::error::{near, syntax};
use crate::expression::{ExprError, ExprErrorKind, ScopeError};

/// How deep brackets and signs may be nested.
const MOST_DEPTH: u32 = 64;
/// How high a tree may grow, by operators in a row too.
const MOST_HEIGHT: u16 = 160;
/// Bytes of an expression.
const MOST_LENGTH: usize = 1 << 16;

/// What a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// A variable, function or enumerator.
    Value,
    /// A type.
    Type,
    /// Neither.
    Nothing,
}

/// Who knows which names there are.
pub trait Names {
    /// What a name is; values hide types.
    fn kind_of(&mut self, name: &str) -> Result<NameKind, ScopeError>;
}

/// Binding strengths, weakest first.
pub(super) mod level {
    pub(in super::super) const COMMA: u8 = 1;
    pub(in super::super) const ASSIGNMENT: u8 = 2;
    pub(in super::super) const CHOICE: u8 = 3;
    pub(in super::super) const OR_ELSE: u8 = 4;
    pub(in super::super) const AND_THEN: u8 = 5;
    /// Rust's `as`: weaker than signs, stronger than `*`.
    pub(in super::super) const AS: u8 = 14;
}

/// Reads one text from the left.
pub(super) struct Parser<'t, 'n> {
    pub(super) text: &'t str,
    pub(super) at: usize,
    pub(super) names: &'n mut dyn Names,
    depth: u32,
}

impl<'t, 'n> Parser<'t, 'n> {
    pub(super) fn new(text: &'t str, names: &'n mut dyn Names) -> Result<Parser<'t, 'n>, ExprError> {
        let parser = Parser {
            text,
            at: 0,
            names,
            depth: 0,
        };
        match text.len() > MOST_LENGTH {
            true => Err(parser.too_deep()),
            false => Ok(parser),
        }
    }

    /// Operators of at least a level, and what is between them.
    pub(super) fn expression(&mut self, lowest: u8) -> Result<Node, ExprError> {
        self.deeper(|parser| parser.operators(lowest))
    }

    fn operators(&mut self, lowest: u8) -> Result<Node, ExprError> {
        let mut left = self.signs()?;
        loop {
            let before = self.at;
            self.skip_spaces();
            let at = self.at;
            if lowest <= level::AS && lexer::word(self.rest()) == "as" {
                self.at += 2;
                let to = self.type_name()?;
                left = self.node(at, NodeKind::Cast(CastKind::Plain, to, Box::new(left)))?;
                continue;
            }
            let arrow = self.rest().starts_with("->*");
            if lowest <= level::AS && (arrow || self.rest().starts_with(".*")) {
                self.at += if arrow { 3 } else { 2 };
                let (of, by) = (Box::new(left), Box::new(self.signs()?));
                left = self.node(at, NodeKind::PointedMember { of, by, arrow })?;
                continue;
            }
            let Some((found, length)) = lexer::operator(self.rest()).filter(|(found, _)| found.level() >= lowest)
            else {
                self.at = before;
                return Ok(left);
            };
            self.at += length;
            let kind = match found {
                lexer::Infix::Comma => NodeKind::Comma(Box::new(left), Box::new(self.expression(level::ASSIGNMENT)?)),
                lexer::Infix::Assign(operator) => {
                    NodeKind::Assign(operator, Box::new(left), Box::new(self.expression(level::ASSIGNMENT)?))
                }
                lexer::Infix::Choice => {
                    let first = self.expression(level::ASSIGNMENT)?;
                    self.expect(":")?;
                    let second = self.expression(level::ASSIGNMENT)?;
                    NodeKind::Choice(Box::new(left), Box::new(first), Box::new(second))
                }
                lexer::Infix::OrElse => {
                    NodeKind::OrElse(Box::new(left), Box::new(self.expression(level::OR_ELSE + 1)?))
                }
                lexer::Infix::AndThen => {
                    NodeKind::AndThen(Box::new(left), Box::new(self.expression(level::AND_THEN + 1)?))
                }
                lexer::Infix::Plain(operator) => {
                    let right = self.expression(found.level() + 1)?;
                    NodeKind::Binary(operator, Box::new(left), Box::new(right))
                }
            };
            left = self.node(at, kind)?;
        }
    }

    /// An operand with the signs before it.
    fn signs(&mut self) -> Result<Node, ExprError> {
        self.deeper(Parser::sign)
    }

    fn sign(&mut self) -> Result<Node, ExprError> {
        self.skip_spaces();
        let at = self.at;
        let rest = self.rest();
        for (sign, up) in [("++", true), ("--", false)] {
            if rest.starts_with(sign) {
                self.at += 2;
                let of = Box::new(self.signs()?);
                return self.node(at, NodeKind::Step { up, behind: false, of });
            }
        }
        let sign = match rest.bytes().next() {
            Some(b'+') => Unary::Plus,
            Some(b'-') => Unary::Minus,
            Some(b'!') => Unary::Not,
            Some(b'~') => Unary::Complement,
            Some(b'*') => Unary::Follow,
            Some(b'&') => Unary::AddressOf,
            Some(b'(') if self.is_cast()? => {
                self.at += 1;
                let to = self.type_name()?;
                self.expect(")")?;
                let of = self.signs()?;
                return self.node(at, NodeKind::Cast(CastKind::Plain, to, Box::new(of)));
            }
            _ => {
                let operand = self.operand()?;
                return self.behind(operand);
            }
        };
        self.at += 1;
        // `&mut x` is Rust's.
        if sign == Unary::AddressOf && lexer::word(self.rest()) == "mut" {
            self.at += 3;
        }
        let of = self.signs()?;
        self.node(at, NodeKind::Unary(sign, Box::new(of)))
    }

    /// What follows an operand: fields, indices, steps.
    fn behind(&mut self, mut of: Node) -> Result<Node, ExprError> {
        loop {
            let before = self.at;
            self.skip_spaces();
            let at = self.at;
            let rest = self.rest();
            let is_member = rest.starts_with("->") || rest.starts_with('.') && !rest.starts_with("..");
            let kind = if is_member && !rest.starts_with("->*") && !rest.starts_with(".*") {
                let arrow = rest.starts_with('-');
                self.at += if arrow { 2 } else { 1 };
                self.skip_spaces();
                let name = self.field_name()?;
                NodeKind::Member {
                    of: Box::new(of),
                    name,
                    arrow,
                }
            } else if rest.starts_with('[') {
                self.at += 1;
                let index = self.expression(level::COMMA)?;
                self.expect("]")?;
                NodeKind::Index(Box::new(of), Box::new(index))
            } else if rest.starts_with("++") || rest.starts_with("--") {
                self.at += 2;
                NodeKind::Step {
                    up: rest.starts_with('+'),
                    behind: true,
                    of: Box::new(of),
                }
            } else if rest.starts_with('(') && matches!(of.kind, NodeKind::Name(_) | NodeKind::Member { .. }) {
                return Err(self.refused(at, "The evaluator reads and writes, it does not call functions"));
            } else {
                self.at = before;
                return Ok(of);
            };
            of = self.node(at, kind)?;
        }
    }

    /// A field: a name, `Base::name`, a number of a tuple.
    pub(super) fn field_name(&mut self) -> Result<String, ExprError> {
        let rest = self.rest();
        let digits = rest.len() - rest.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
        let length = match digits {
            0 => lexer::path(rest).len(),
            digits => digits,
        };
        if length == 0 {
            return Err(self.syntax());
        }
        self.at += length;
        Ok(rest.get(..length).unwrap_or_default().to_owned())
    }

    fn operand(&mut self) -> Result<Node, ExprError> {
        let at = self.at;
        let rest = self.rest();
        match rest.chars().next() {
            None => Err(ExprError::new(
                at,
                ExprErrorKind::Missing {
                    near: near(self.text, at),
                },
            )),
            Some('(') => {
                self.at += 1;
                let inside = self.expression(level::COMMA)?;
                self.expect(")")?;
                Ok(inside)
            }
            Some('0'..='9') => self.number(),
            Some('.') if rest[1..].starts_with(|digit: char| digit.is_ascii_digit()) => self.number(),
            Some('"' | '\'') => self.quoted(),
            Some('L' | 'u' | 'U') if let Some((kind, length)) = lexer::prefixed_character(rest) => {
                self.at += length;
                self.node(at, kind)
            }
            Some('@') => self.register(),
            Some('#') => self.macro_call(),
            Some(_) if lexer::keyword_operand(rest).is_some() => self.keyword(),
            Some(_) => {
                let name = self.name()?;
                self.node(at, NodeKind::Name(name))
            }
        }
    }

    fn number(&mut self) -> Result<Node, ExprError> {
        let at = self.at;
        match lexer::number(self.rest()) {
            Ok((kind, length)) => {
                self.at += length;
                self.node(at, kind)
            }
            Err(lexer::BadNumber::Overflow) => Err(ExprError::new(
                at,
                ExprErrorKind::Overflow {
                    near: near(self.text, at),
                },
            )),
            Err(lexer::BadNumber::Syntax) => Err(self.syntax()),
        }
    }

    fn quoted(&mut self) -> Result<Node, ExprError> {
        let at = self.at;
        let Some((kind, length)) = lexer::quoted(self.rest()) else {
            return Err(self.syntax());
        };
        self.at += length;
        self.node(at, kind)
    }

    /// `@rax`, `@$t0`, `@@masm(...)`, `@@(...)`, `@@c++(...)`.
    fn register(&mut self) -> Result<Node, ExprError> {
        let at = self.at;
        let rest = self.rest();
        if let Some(other) = rest.strip_prefix("@@") {
            let name = other.find('(').map_or("?", |end| &other[..end]);
            let inside = lexer::bracketed(other.get(name.len()..).unwrap_or_default()).ok_or_else(|| self.syntax())?;
            let whole = 2 + name.len() + inside.len() + 2;
            if name.eq_ignore_ascii_case("c++") {
                self.at += 2 + name.len() + 1;
                let inside = self.expression(level::COMMA)?;
                self.expect(")")?;
                return Ok(inside);
            }
            if !name.is_empty() && !name.eq_ignore_ascii_case("masm") {
                return Err(self.syntax());
            }
            self.at += whole;
            return self.node(at, NodeKind::Masm(inside.to_owned()));
        }
        let is_pseudo = rest.starts_with("@$");
        let signs = if is_pseudo { 2 } else { 1 };
        let name = lexer::word(&rest[signs..]);
        if name.is_empty() {
            return Err(self.syntax());
        }
        self.at += signs + name.len();
        let name = name.to_ascii_lowercase();
        self.node(
            at,
            match is_pseudo {
                true => NodeKind::Pseudo(name),
                false => NodeKind::Register(name),
            },
        )
    }

    /// The longest name here that there is; where none is, as far as it is one beyond doubt.
    pub(super) fn name(&mut self) -> Result<String, ExprError> {
        let at = self.at;
        let candidates = lexer::names(self.rest());
        let Some((plain, longer)) = candidates.split_last() else {
            return Err(self.syntax());
        };
        for name in longer {
            let kind = self.names.kind_of(name);
            if kind.map_err(|error| self.failed(error, at))? != NameKind::Nothing {
                self.at += name.len();
                return Ok((*name).to_owned());
            }
        }
        self.at += plain.len();
        Ok((*plain).to_owned())
    }

    pub(super) fn kind_of(&mut self, name: &str, at: usize) -> Result<NameKind, ExprError> {
        let kind = self.names.kind_of(name);
        kind.map_err(|error| self.failed(error, at))
    }

    pub(super) fn node(&self, at: usize, kind: NodeKind) -> Result<Node, ExprError> {
        let height = 1 + kind.parts().iter().map(|part| part.height).max().unwrap_or(0);
        match height > MOST_HEIGHT {
            true => Err(self.too_deep()),
            false => Ok(Node { at, kind, height }),
        }
    }

    fn deeper<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T, ExprError>) -> Result<T, ExprError> {
        // Two of the parser's functions for each level of brackets.
        if self.depth >= 2 * MOST_DEPTH {
            return Err(self.too_deep());
        }
        self.depth += 1;
        let done = run(self);
        self.depth -= 1;
        done
    }

    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    pub(super) fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    pub(super) fn takes(&mut self, wanted: &str) -> bool {
        self.skip_spaces();
        let there = self.rest().starts_with(wanted);
        if there {
            self.at += wanted.len();
        }
        there
    }

    pub(super) fn expect(&mut self, wanted: &str) -> Result<(), ExprError> {
        match self.takes(wanted) {
            true => Ok(()),
            false => Err(self.syntax()),
        }
    }

    pub(super) fn syntax(&self) -> ExprError {
        syntax(self.text, self.at)
    }

    pub(super) fn refused(&self, at: usize, what: &str) -> ExprError {
        let near = near(self.text, at);
        let what = what.to_owned();
        ExprError::new(at, ExprErrorKind::Refused { what, near })
    }

    fn failed(&self, error: ScopeError, at: usize) -> ExprError {
        let near = near(self.text, at);
        ExprError::new(at, ExprErrorKind::Scope { error, near })
    }

    fn too_deep(&self) -> ExprError {
        let near = near(self.text, self.at);
        ExprError::new(self.at, ExprErrorKind::TooDeep { near })
    }
}

impl NodeKind {
    /// The nodes right below.
    fn parts(&self) -> Vec<&Node> {
        match self {
            NodeKind::Integer { .. }
            | NodeKind::Float { .. }
            | NodeKind::Text(_)
            | NodeKind::Name(_)
            | NodeKind::Register(_)
            | NodeKind::Pseudo(_)
            | NodeKind::Masm(_)
            | NodeKind::SizeOfType(_)
            | NodeKind::FieldOffset(..)
            | NodeKind::FieldSize(..)
            | NodeKind::SizeThroughField(..) => Vec::new(),
            NodeKind::Unary(_, of)
            | NodeKind::Step { of, .. }
            | NodeKind::Member { of, .. }
            | NodeKind::Cast(_, _, of)
            | NodeKind::SizeOf(of)
            | NodeKind::ContainingRecord(of, ..)
            | NodeKind::NumberOf(of) => vec![of],
            NodeKind::Binary(_, left, right)
            | NodeKind::AndThen(left, right)
            | NodeKind::OrElse(left, right)
            | NodeKind::Comma(left, right)
            | NodeKind::Assign(_, left, right)
            | NodeKind::Index(left, right)
            | NodeKind::PointedMember {
                of: left, by: right, ..
            }
            | NodeKind::ContainsField(left, right, _) => vec![left, right],
            NodeKind::Choice(condition, first, second) => vec![condition, first, second],
        }
    }
}

/// The precedence of operators between two operands.
impl Binary {
    pub(super) fn level(self) -> u8 {
        match self {
            Binary::Or => 6,
            Binary::Xor => 7,
            Binary::And => 8,
            Binary::Equal | Binary::NotEqual => 9,
            Binary::Less | Binary::LessOrEqual | Binary::Greater | Binary::GreaterOrEqual => 10,
            Binary::ShiftLeft | Binary::ShiftRight => 11,
            Binary::Add | Binary::Subtract => 12,
            Binary::Multiply | Binary::Divide | Binary::Remainder => 13,
        }
    }
}
