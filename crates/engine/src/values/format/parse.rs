//! The text of formatters.
//!
//! ```text
//! # A comment.
//! type NAME, NAME            the types that what follows is for; * in a name stands for anything
//!     check EXPR             the value is damaged, and shown as its fields, where this is 0
//!     let NAME = EXPR        a name for a number or value
//!     summary TEXT           one line, with the values of $(EXPR)
//!     text ADDRESS ; COUNT ; WIDTH           characters of 1, 2 or 4 bytes
//!     array ADDRESS ; COUNT ; TYPE
//!     ring ADDRESS ; HEAD ; COUNT ; ROOM ; TYPE
//!     bits ADDRESS ; COUNT
//!     chunks MAP ; FIRST ; COUNT ; ROOM ; TYPE   MAP holds addresses of arrays of ROOM elements
//!     walk FIRST ; NEXT ; END ; COUNT ; ITEM ; TYPE [; KEY ; VALUE]      a list; $node is the address of a node
//!     tree ROOT ; LEFT ; RIGHT ; COUNT ; ITEM ; TYPE [; KEY ; VALUE]     the same for a binary tree, in order
//!     swiss CONTROL ; MASK ; COUNT ; TYPE ; [KEY] ; VALUE        a hash table of Rust's kind; $item is an entry
//!     btree ROOT ; HEIGHT ; COUNT ; KEY TYPE ; [VALUE TYPE]      Rust's B-tree
//!     heads EXPR             the elements of a C++ tuple
//!     object ADDRESS ; TABLE what implements a trait of Rust, known by the table of its functions
//!     at ADDRESS ; TYPE      shown as if it were the value there
//!     union EXPR ; INDEX     the alternative of a C++ variant
//!     child NAME ; EXPR
//!     is EXPR                shown as if it were this value
//!     points EXPR            the same, and * -> [] lead where this pointer leads
//!     when EXPR              what is indented below counts where this is not 0,
//!     otherwise              and this where it is
//! ```
//!
//! Expressions: numbers, fields of the value (also of its base classes; of the active variant by its name), `.field`,
//! `*pointer`, `&value`, `self`, `+ - * / % & == != < <= > >= or`, brackets, `sizeof(TYPE)`, `alignof(TYPE)`, `aligned(ADDRESS, TYPE)`, `u8(ADDRESS)` to
//! `u64(ADDRESS)`, `max(A, B)`, `either(A, B)`: B where A has no such field; `head(TUPLE)`. Types: `T`, a parameter of the value's type,
//! or a name that it gives a type; `path/T`, one of the type of
//! what is at a path; `typeof(path)`; `*TYPE`, what a pointer of this type leads to
//! or an array has.

use super::{Directive, Expr, Formatter, Item, Op, Piece, TypeSpec};

/// How deep expressions and conditions may be.
const MOST_DEPTH: u32 = 32;
/// Longest text, in lines.
const MOST_LINES: usize = 100_000;

type Fault = (usize, String);

struct Line<'t> {
    number: usize,
    indent: usize,
    text: &'t str,
}

/// The formatters of a text; or the line of the first fault and what it is.
pub(super) fn parse(text: &str) -> Result<Vec<Formatter>, Fault> {
    let lines: Vec<Line<'_>> = text
        .lines()
        .take(MOST_LINES)
        .enumerate()
        .map(|(index, line)| Line {
            number: index + 1,
            indent: line.len() - line.trim_start().len(),
            text: line.trim(),
        })
        .filter(|line| !line.text.is_empty() && !line.text.starts_with('#'))
        .collect();
    let mut rest = lines.as_slice();
    let mut found = Vec::new();
    while let Some((line, behind)) = rest.split_first() {
        let names = line.text.strip_prefix("type ").filter(|_| line.indent == 0);
        let names = names.ok_or_else(|| (line.number, String::from("expected 'type NAME'")))?;
        let (directives, behind) = block(behind, 0, MOST_DEPTH)?;
        found.push(Formatter {
            patterns: split(names, ',').into_iter().map(str::to_owned).collect(),
            directives,
        });
        rest = behind;
    }
    Ok(found)
}

/// The lines that are indented more than `outer`.
fn block<'l, 't>(lines: &'l [Line<'t>], outer: usize, depth: u32) -> Result<(Vec<Directive>, &'l [Line<'t>]), Fault> {
    let mut rest = lines;
    let mut found = Vec::new();
    while let Some((line, behind)) = rest.split_first() {
        if line.indent <= outer {
            break;
        }
        let fault = |why: &str| (line.number, why.to_owned());
        rest = behind;
        let (word, text) = line.text.split_once(' ').unwrap_or((line.text, ""));
        if word == "when" {
            let depth = depth
                .checked_sub(1)
                .ok_or_else(|| fault("conditions in conditions, too deep"))?;
            let condition = whole(text).map_err(|why| fault(&why))?;
            let (then, behind) = block(rest, line.indent, depth)?;
            rest = behind;
            let mut otherwise = Vec::new();
            if let Some((next, behind)) = rest.split_first()
                && next.indent == line.indent
                && next.text == "otherwise"
            {
                (otherwise, rest) = block(behind, line.indent, depth)?;
            }
            found.push(Directive::When(condition, then, otherwise));
            continue;
        }
        found.push(directive(word, text.trim()).map_err(|why| fault(&why))?);
    }
    Ok((found, rest))
}

fn directive(word: &str, text: &str) -> Result<Directive, String> {
    let parts = split(text, ';');
    let part = |index: usize| parts.get(index).copied().unwrap_or_default();
    let expr = |index: usize| whole(part(index));
    let spec = |index: usize| type_spec(part(index));
    let optional = |index: usize| match part(index) {
        "" => Ok(None),
        text => whole(text).map(Some),
    };
    let item = |index: usize| {
        Ok::<_, String>(Item {
            address: expr(index)?,
            of: spec(index + 1)?,
            key: optional(index + 2)?,
            value: optional(index + 3)?,
        })
    };
    Ok(match word {
        "check" => Directive::Check(whole(text)?, text.to_owned()),
        "let" => {
            let (name, value) = text.split_once('=').ok_or("expected 'let NAME = EXPR'")?;
            Directive::Let(name.trim().to_owned(), whole(value)?)
        }
        "summary" => Directive::Summary(pieces(text)?),
        "text" => Directive::Text {
            address: expr(0)?,
            count: expr(1)?,
            width: expr(2)?,
        },
        "array" => Directive::Array {
            address: expr(0)?,
            count: expr(1)?,
            of: spec(2)?,
        },
        "ring" => Directive::Ring {
            address: expr(0)?,
            head: expr(1)?,
            count: expr(2)?,
            room: expr(3)?,
            of: spec(4)?,
        },
        "bits" => Directive::Bits {
            address: expr(0)?,
            count: expr(1)?,
        },
        "chunks" => Directive::Chunks {
            map: expr(0)?,
            first: expr(1)?,
            count: expr(2)?,
            room: expr(3)?,
            of: spec(4)?,
        },
        "walk" => Directive::Walk {
            first: expr(0)?,
            next: expr(1)?,
            end: expr(2)?,
            count: expr(3)?,
            item: item(4)?,
        },
        "tree" => Directive::Tree {
            root: expr(0)?,
            left: expr(1)?,
            right: expr(2)?,
            count: expr(3)?,
            item: item(4)?,
        },
        "swiss" => Directive::Swiss {
            control: expr(0)?,
            mask: expr(1)?,
            count: expr(2)?,
            of: spec(3)?,
            key: optional(4)?,
            value: optional(5)?,
        },
        "btree" => Directive::Btree {
            root: expr(0)?,
            height: expr(1)?,
            count: expr(2)?,
            key: spec(3)?,
            value: match part(4) {
                "" => None,
                _ => Some(spec(4)?),
            },
        },
        "object" => Directive::Object {
            address: expr(0)?,
            table: expr(1)?,
        },
        "at" => Directive::At(expr(0)?, spec(1)?),
        "heads" => Directive::Heads(whole(text)?),
        "union" => Directive::Union {
            storage: expr(0)?,
            index: expr(1)?,
        },
        "child" => Directive::Child(part(0).to_owned(), expr(1)?),
        "is" => Directive::Is(whole(text)?),
        "points" => Directive::Points(whole(text)?),
        other => return Err(format!("'{other}' is no directive")),
    })
}

/// Parts between a separator that is in no brackets.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut depth = 0_i32;
    let mut start = 0;
    for (at, letter) in text.char_indices() {
        match letter {
            '<' if separator == ',' => depth += 1,
            '>' if separator == ',' => depth -= 1,
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ if letter == separator && depth == 0 => {
                parts.push(text.get(start..at).unwrap_or_default().trim());
                start = at + letter.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default().trim());
    parts
}

fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("$(") {
        found.push(Piece::Text(before.to_owned()));
        let mut parser = Parser { rest: behind, depth: 0 };
        found.push(Piece::Value(parser.expression()?));
        rest = parser.rest.trim_start().strip_prefix(')').ok_or("expected ')'")?;
    }
    found.push(Piece::Text(rest.to_owned()));
    Ok(found)
}

fn whole(text: &str) -> Result<Expr, String> {
    let mut parser = Parser { rest: text, depth: 0 };
    let found = parser.expression()?;
    parser.end().map(|()| found)
}

fn type_spec(text: &str) -> Result<TypeSpec, String> {
    let mut parser = Parser { rest: text, depth: 0 };
    let found = parser.type_spec()?;
    parser.end().map(|()| found)
}

struct Parser<'t> {
    rest: &'t str,
    depth: u32,
}

/// Operators by how tightly they bind, the longer ones first.
const OPERATORS: [&[(&str, Op)]; 4] = [
    &[("or ", Op::Or)],
    &[
        ("==", Op::Equal),
        ("!=", Op::Differs),
        ("<=", Op::LessEqual),
        (">=", Op::GreaterEqual),
        ("<", Op::Less),
        (">", Op::Greater),
    ],
    &[("+", Op::Add), ("-", Op::Subtract)],
    &[
        ("*", Op::Multiply),
        ("/", Op::Divide),
        ("%", Op::Remainder),
        ("&", Op::And),
    ],
];

impl Parser<'_> {
    fn end(&self) -> Result<(), String> {
        match self.rest.trim() {
            "" => Ok(()),
            rest => Err(format!("'{rest}' is not understood")),
        }
    }

    fn takes(&mut self, sign: &str) -> bool {
        match self.rest.trim_start().strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        match self.takes(sign) {
            true => Ok(()),
            false => Err(format!("expected '{sign}' before '{}'", self.rest.trim())),
        }
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        if self.depth >= MOST_DEPTH {
            return Err(String::from("an expression that is too deep"));
        }
        self.depth += 1;
        let found = inner(self);
        self.depth -= 1;
        found
    }

    fn expression(&mut self) -> Result<Expr, String> {
        self.deeper(|parser| parser.binary(0))
    }

    fn binary(&mut self, level: usize) -> Result<Expr, String> {
        let Some(operators) = OPERATORS.get(level) else {
            return self.unary();
        };
        let mut left = self.binary(level + 1)?;
        let mut terms = 0;
        while let Some((_, op)) = operators.iter().find(|(sign, _)| self.takes(sign)) {
            terms += 1;
            if terms > MOST_DEPTH {
                return Err(String::from("an expression that is too long"));
            }
            let right = self.binary(level + 1)?;
            left = Expr::Binary(*op, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, String> {
        if self.takes("*") {
            return self.deeper(|parser| Ok(Expr::Follow(Box::new(parser.unary()?))));
        }
        if self.takes("&") {
            return self.deeper(|parser| Ok(Expr::AddressOf(Box::new(parser.unary()?))));
        }
        if self.takes("-") {
            let of = self.deeper(Parser::unary)?;
            return Ok(Expr::Binary(Op::Subtract, Box::new(Expr::Number(0)), Box::new(of)));
        }
        let mut found = self.primary()?;
        let mut fields = 0;
        while self.takes(".") {
            fields += 1;
            if fields > MOST_DEPTH {
                return Err(String::from("an expression that is too long"));
            }
            found = Expr::Field(Box::new(found), self.word()?);
        }
        Ok(found)
    }

    fn primary(&mut self) -> Result<Expr, String> {
        if self.takes("(") {
            let inner = self.expression()?;
            self.expect(")")?;
            return Ok(inner);
        }
        let word = self.word()?;
        if word.starts_with(|first: char| first.is_ascii_digit()) {
            let number = match word.strip_prefix("0x") {
                Some(digits) => i128::from_str_radix(digits, 16),
                None => word.parse(),
            };
            return number.map(Expr::Number).map_err(|_| format!("'{word}' is no number"));
        }
        if !self.takes("(") {
            return Ok(Expr::Name(word));
        }
        let made = match word.as_str() {
            "sizeof" => Expr::SizeOf(self.type_spec()?),
            "alignof" => Expr::AlignOf(self.type_spec()?),
            "aligned" => {
                let address = Box::new(self.expression()?);
                self.expect(",")?;
                Expr::Aligned(address, self.type_spec()?)
            }
            "head" => Expr::Head(Box::new(self.expression()?)),
            "max" | "either" => {
                let first = Box::new(self.expression()?);
                self.expect(",")?;
                let second = Box::new(self.expression()?);
                match word.as_str() {
                    "max" => Expr::Max(first, second),
                    _ => Expr::Either(first, second),
                }
            }
            read => {
                let size = match read {
                    "u8" => 1,
                    "u16" => 2,
                    "u32" => 4,
                    "u64" => 8,
                    _ => return Err(format!("there is no function '{word}'")),
                };
                Expr::Read(size, Box::new(self.expression()?))
            }
        };
        self.expect(")")?;
        Ok(made)
    }

    fn word(&mut self) -> Result<String, String> {
        let text = self.rest.trim_start();
        let letters = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '$';
        let end = text.find(|letter| !letters(letter)).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        if word.is_empty() {
            return Err(format!("expected a name or a number before '{}'", text.trim()));
        }
        self.rest = rest;
        Ok(word.to_owned())
    }

    fn type_spec(&mut self) -> Result<TypeSpec, String> {
        if self.takes("*") {
            return self.deeper(|parser| Ok(TypeSpec::Target(Box::new(parser.type_spec()?))));
        }
        if self.takes("typeof(") {
            let of = self.expression()?;
            self.expect(")")?;
            return Ok(TypeSpec::Of(Box::new(of)));
        }
        let mut path = Expr::Name(self.word()?);
        while self.takes(".") {
            path = Expr::Field(Box::new(path), self.word()?);
        }
        if self.takes("/") {
            return Ok(TypeSpec::Generic(Some(Box::new(path)), self.word()?));
        }
        match path {
            Expr::Name(name) => Ok(TypeSpec::Generic(None, name)),
            _ => Err(String::from("expected a parameter of a type")),
        }
    }
}
