//! Formatters: data that says how a library's types are shown, so that a string is a text and a map its entries.
//!
//! The built-in ones are texts of the crate (`formatters/*.fmt`), read by the same parser as a user's own
//! (`.nvload`), and worked by one engine. Nothing in the engine knows a library's type. Read [`parse`] for the
//! grammar, [`work`] for what the directives do.

mod evaluate;
mod parse;
mod work;

use std::rc::Rc;

pub(super) use evaluate::Failure;
use parse::parse;

/// One expression of a formatter.
#[derive(Clone, Debug, PartialEq)]
enum Expr {
    Number(i128),
    /// The value itself, a variable (`$node`, or of `let`), or a field of the value.
    Name(String),
    Field(Box<Expr>, String),
    /// What a pointer leads to.
    Follow(Box<Expr>),
    /// An address.
    AddressOf(Box<Expr>),
    SizeOf(TypeSpec),
    AlignOf(TypeSpec),
    /// The first address from this one on where a value of the type may lie.
    Aligned(Box<Expr>, TypeSpec),
    /// A number of so many bytes at an address.
    Read(u8, Box<Expr>),
    /// The first element of a C++ tuple.
    Head(Box<Expr>),
    Max(Box<Expr>, Box<Expr>),
    /// The first, or the second where the value has no such fields.
    Either(Box<Expr>, Box<Expr>),
    Binary(Op, Box<Expr>, Box<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    And,
    Equal,
    Differs,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Or,
}

/// A type, named by what the value's own type was made for.
#[derive(Clone, Debug, PartialEq)]
enum TypeSpec {
    /// `T`: a parameter of the value's type, or with a path (`table/T`) of the type of what is there.
    Generic(Option<Box<Expr>>, String),
    /// `typeof(path)`.
    Of(Box<Expr>),
    /// `*typeof(path)`: what a pointer leads to.
    Target(Box<TypeSpec>),
}

/// What a directive makes.
#[derive(Clone, Debug, PartialEq)]
enum Directive {
    Check(Expr, String),
    Let(String, Expr),
    Summary(Vec<Piece>),
    Text {
        address: Expr,
        count: Expr,
        width: Expr,
    },
    Array {
        address: Expr,
        count: Expr,
        of: TypeSpec,
    },
    Ring {
        address: Expr,
        head: Expr,
        count: Expr,
        room: Expr,
        of: TypeSpec,
    },
    Bits {
        address: Expr,
        count: Expr,
    },
    Chunks {
        map: Expr,
        first: Expr,
        count: Expr,
        room: Expr,
        of: TypeSpec,
    },
    Walk {
        first: Expr,
        next: Expr,
        end: Expr,
        count: Expr,
        item: Item,
    },
    Tree {
        root: Expr,
        left: Expr,
        right: Expr,
        count: Expr,
        item: Item,
    },
    Swiss {
        control: Expr,
        mask: Expr,
        count: Expr,
        of: TypeSpec,
        key: Option<Expr>,
        value: Option<Expr>,
    },
    Btree {
        root: Expr,
        height: Expr,
        count: Expr,
        key: TypeSpec,
        value: Option<TypeSpec>,
    },
    Heads(Expr),
    Object {
        address: Expr,
        table: Expr,
    },
    At(Expr, TypeSpec),
    Union {
        storage: Expr,
        index: Expr,
    },
    Child(String, Expr),
    Is(Expr),
    /// The value is a pointer like this one, whatever else it is.
    Points(Expr),
    When(Expr, Vec<Directive>, Vec<Directive>),
}

/// Where a container's items lie, and what of them is shown.
#[derive(Clone, Debug, PartialEq)]
struct Item {
    address: Expr,
    of: TypeSpec,
    key: Option<Expr>,
    value: Option<Expr>,
}

/// A piece of a summary.
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    Value(Expr),
}

/// How some types are shown.
#[derive(Clone, Debug, PartialEq)]
struct Formatter {
    /// Names with `*` for anything.
    patterns: Vec<String>,
    directives: Vec<Directive>,
}

/// All formatters of a session: the user's, then the built-in ones.
#[derive(Clone, Debug)]
pub(crate) struct Formatters {
    list: Rc<[Formatter]>,
}

/// The texts of the built-in formatters.
const BUILT_IN: [(&str, &str); 2] = [
    ("rust", include_str!("../../formatters/rust.fmt")),
    ("libstdcxx", include_str!("../../formatters/libstdcxx.fmt")),
];

/// Most formatters of a session.
const MOST: usize = 10_000;

impl Default for Formatters {
    fn default() -> Formatters {
        // A test holds that the built-in texts are without faults.
        let parsed = BUILT_IN.iter().filter_map(|(_, text)| parse(text).ok());
        Formatters {
            list: parsed.flatten().collect(),
        }
    }
}

impl Formatters {
    /// Puts the formatters of a text before those that are there; how many, or what is wrong with the text and in which
    /// line.
    pub(crate) fn load(&mut self, text: &str) -> Result<usize, String> {
        let new = parse(text).map_err(|(line, why)| format!("line {line}: {why}"))?;
        let count = new.len();
        if count + self.list.len() > MOST {
            return Err(format!("there would be more than {MOST} formatters"));
        }
        self.list = new.into_iter().chain(self.list.iter().cloned()).collect();
        Ok(count)
    }

    /// The names of the types that have formatters.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = &str> {
        self.list
            .iter()
            .flat_map(|formatter| formatter.patterns.iter().map(String::as_str))
    }

    /// The formatter of a type.
    fn find(&self, type_name: &str) -> Option<usize> {
        self.list.iter().position(|formatter| {
            let mut patterns = formatter.patterns.iter();
            patterns.any(|pattern| fits(pattern, type_name))
        })
    }
}

/// How many formatters a text has, or what is wrong with it and in which line; and whether they could be found by name.
pub fn check_formatters(text: &str) -> Result<usize, String> {
    let mut formatters = Formatters { list: Rc::from([]) };
    let count = formatters.load(text)?;
    let is_found = |pattern: &str| formatters.find(pattern).is_some();
    let lost = formatters.patterns().find(|pattern| !is_found(pattern));
    match lost {
        None => Ok(count),
        Some(lost) => Err(format!("'{lost}' does not fit itself")),
    }
}

/// Whether a name fits a pattern, in which `*` stands for anything.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_formatter_that_fits_a_type_is_its_own() {
        let formatters = Formatters::default();
        for (name, expected) in [
            (
                "alloc::sync::Arc<[u16], alloc::alloc::Global>",
                "alloc::sync::Arc<[*], *>",
            ),
            ("alloc::rc::Rc<[u16]>", "alloc::rc::Rc<[*], *>"),
            ("alloc::rc::Rc<str, alloc::alloc::Global>", "alloc::rc::Rc<str, *>"),
            ("alloc::rc::Rc<i32, alloc::alloc::Global>", "alloc::rc::Rc<*>"),
            (
                "alloc::sync::Arc<alloc::vec::Vec<[u8; 4], A>, A>",
                "alloc::sync::Arc<*>",
            ),
            ("std::vector<bool, std::allocator<bool> >", "std::vector<bool, *>"),
        ] {
            let found = formatters
                .find(name)
                .map(|index| formatters.list[index].patterns[0].as_str());
            assert_eq!(found, Some(expected), "{name}");
        }
    }
}
