//! Types and the words of the language that need them, as the parser reads them.

use super::ast::{Built, CastKind, Node, NodeKind, TypeName};
use super::lexer::{self, Keyword};
use super::parser::{NameKind, Parser, level};
use crate::expression::ExprError;

/// How much may be built on a type.
const MOST_BUILT: usize = 32;

/// Words of which the names of C's own types are made.
const BASIC_WORDS: [&str; 19] = [
    "void", "bool", "char", "short", "int", "long", "float", "double", "signed", "unsigned", "__int8", "__int16",
    "__int32", "__int64", "__int128", "wchar_t", "char8_t", "char16_t", "char32_t",
];
/// Words that say nothing that matters here.
const IGNORED_WORDS: [&str; 9] = [
    "const", "volatile", "struct", "class", "union", "enum", "typename", "mut", "dyn",
];

impl Parser<'_, '_> {
    /// A type: `unsigned int`, `const struct a::b<c> **`, `*const T`, `&[u8; 4]`, `int[4]`.
    pub(super) fn type_name(&mut self) -> Result<TypeName, ExprError> {
        self.skip_spaces();
        let at = self.at;
        let mut before = Vec::new();
        let mut arrays = 0;
        // Rust builds from the left.
        loop {
            self.skip_spaces();
            if before.len() >= MOST_BUILT {
                return Err(self.refused(at, "The type is built too deeply"));
            }
            if self.takes("*") {
                before.push(Built::Pointer);
            } else if self.takes("&") {
                before.push(Built::Reference);
            } else if self.rest().starts_with('[') {
                // The length stands behind; it is put in when it is known.
                self.at += 1;
                before.push(Built::Array(0));
                arrays += 1;
                continue;
            } else {
                break;
            }
            self.skip_spaces();
            let word = lexer::word(self.rest());
            if matches!(word, "mut" | "const") {
                self.at += word.len();
            }
        }
        let name = self.base_name()?;
        let mut built = Vec::new();
        for one in before.into_iter().rev() {
            match one {
                Built::Array(_) => {
                    let length = match self.takes(";") {
                        true => self.length()?,
                        false => 0,
                    };
                    self.expect("]")?;
                    arrays -= 1;
                    built.push(Built::Array(length));
                }
                one => built.push(one),
            }
        }
        debug_assert_eq!(arrays, 0);
        self.built_behind(at, &mut built)?;
        Ok(TypeName { at, name, built })
    }

    /// What C builds on a type, behind it.
    fn built_behind(&mut self, at: usize, built: &mut Vec<Built>) -> Result<(), ExprError> {
        let mut lengths = Vec::new();
        loop {
            self.skip_spaces();
            let word = lexer::word(self.rest());
            if IGNORED_WORDS.contains(&word) {
                self.at += word.len();
            } else if self.takes("*") {
                built.push(Built::Pointer);
            } else if self.takes("&&") || self.takes("&") {
                built.push(Built::Reference);
            } else if self.rest().starts_with('[') {
                self.at += 1;
                lengths.push(self.length()?);
                self.expect("]")?;
            } else {
                break;
            }
            if built.len() + lengths.len() > MOST_BUILT {
                return Err(self.refused(at, "The type is built too deeply"));
            }
        }
        // `int[2][3]` is two of three.
        built.extend(lengths.into_iter().rev().map(Built::Array));
        Ok(())
    }

    /// A number of elements.
    fn length(&mut self) -> Result<u64, ExprError> {
        self.skip_spaces();
        let at = self.at;
        match lexer::number(self.rest()) {
            Ok((NodeKind::Integer { value, .. }, length)) if value <= u128::from(u32::MAX) => {
                self.at += length;
                Ok(value as u64)
            }
            _ => {
                self.at = at;
                Err(self.syntax())
            }
        }
    }

    /// The type's own name.
    fn base_name(&mut self) -> Result<String, ExprError> {
        let mut words: Vec<&str> = Vec::new();
        loop {
            self.skip_spaces();
            let word = lexer::word(self.rest());
            if IGNORED_WORDS.contains(&word) {
                self.at += word.len();
            } else if BASIC_WORDS.contains(&word) && words.len() < 4 {
                self.at += word.len();
                words.push(word);
            } else {
                break;
            }
        }
        if !words.is_empty() {
            return canonical(&words).map(str::to_owned).ok_or_else(|| self.syntax());
        }
        // Tuples and their like have names that no rule makes.
        if let Some(quoted) = self.rest().strip_prefix('`')
            && let Some(end) = quoted.find('`')
        {
            self.at += end + 2;
            return Ok(quoted[..end].to_owned());
        }
        if self.rest().starts_with('(')
            && let Some(inside) = lexer::bracketed(self.rest())
        {
            let name = format!("({inside})");
            self.at += name.len();
            return Ok(name);
        }
        self.name()
    }

    /// Whether the bracket here opens a cast.
    pub(super) fn is_cast(&mut self) -> Result<bool, ExprError> {
        let start = self.at;
        let cast = self.looks_like_cast();
        self.at = start;
        cast
    }

    fn looks_like_cast(&mut self) -> Result<bool, ExprError> {
        self.at += 1;
        self.skip_spaces();
        let rest = self.rest();
        let word = lexer::word(rest);
        if BASIC_WORDS.contains(&word) || IGNORED_WORDS.contains(&word) {
            return Ok(true);
        }
        if rest.starts_with('`') {
            return Ok(true);
        }
        for rust in ["*const ", "*mut "] {
            if rest.starts_with(rust) {
                return Ok(true);
            }
        }
        if lexer::path(rest).is_empty() {
            return Ok(false);
        }
        let at = self.at;
        let name = self.name()?;
        self.skip_spaces();
        let pointers = self.rest().len() - self.rest().trim_start_matches(['*', '&', ' ']).len();
        let behind = self.rest().get(pointers..).unwrap_or_default();
        if !behind.starts_with([')', '[']) && !behind.starts_with("const") {
            return Ok(false);
        }
        if behind.starts_with('[') && pointers == 0 {
            return Ok(self.kind_of(&name, at)? == NameKind::Type);
        }
        if pointers > 0 {
            // `(a *)` can be nothing else.
            return Ok(true);
        }
        let next = behind.get(1..).unwrap_or_default().trim_start();
        let is_operand = next.starts_with(|first: char| first.is_alphanumeric() || "_\"'@#~(!".contains(first))
            && !next.starts_with("!=")
            && lexer::word(next) != "as";
        match is_operand {
            // Where no operator follows an argument ends, as in `(a) L8`.
            true => Ok(self.kind_of(&name, at)? != NameKind::Value),
            // A sign may be an operator.
            false if next.starts_with(['-', '+', '*', '&']) => Ok(self.kind_of(&name, at)? == NameKind::Type),
            false => Ok(false),
        }
    }

    /// `sizeof`, named casts and constants.
    pub(super) fn keyword(&mut self) -> Result<Node, ExprError> {
        let at = self.at;
        let Some((keyword, length)) = lexer::keyword_operand(self.rest()) else {
            return Err(self.syntax());
        };
        self.at += length;
        let integer = |value, type_name| NodeKind::Integer { value, type_name };
        match keyword {
            Keyword::True => self.node(at, integer(1, "bool")),
            Keyword::False => self.node(at, integer(0, "bool")),
            Keyword::Null => {
                let null = self.node(at, integer(0, "unsigned long"))?;
                let void = TypeName {
                    at,
                    name: "void".to_owned(),
                    built: vec![Built::Pointer],
                };
                self.node(at, NodeKind::Cast(CastKind::Reinterpret, void, Box::new(null)))
            }
            Keyword::Cast(kind) => {
                self.expect("<")?;
                let to = self.type_name()?;
                self.expect(">")?;
                self.expect("(")?;
                let of = self.expression(level::COMMA)?;
                self.expect(")")?;
                self.node(at, NodeKind::Cast(kind, to, Box::new(of)))
            }
            Keyword::SizeOf => self.size_of(at),
            Keyword::Refused => Err(self.refused(at, "The evaluator has no new, delete and throw: it runs no code")),
        }
    }

    fn size_of(&mut self, at: usize) -> Result<Node, ExprError> {
        self.skip_spaces();
        if self.rest().starts_with('(') {
            let start = self.at;
            self.at += 1;
            let is_type = self.begins_type()?;
            if is_type {
                let of = self.type_name()?;
                self.expect(")")?;
                return self.node(at, NodeKind::SizeOfType(of));
            }
            self.at = start;
        }
        let of = self.expression(level::AS + 1)?;
        self.node(at, NodeKind::SizeOf(Box::new(of)))
    }

    /// Whether a type stands here.
    pub(super) fn begins_type(&mut self) -> Result<bool, ExprError> {
        self.skip_spaces();
        let start = self.at;
        let word = lexer::word(self.rest());
        if BASIC_WORDS.contains(&word) || IGNORED_WORDS.contains(&word) || self.rest().starts_with(['[', '`']) {
            return Ok(true);
        }
        if self.rest().starts_with("*const ") || self.rest().starts_with("*mut ") {
            return Ok(true);
        }
        if lexer::path(self.rest()).is_empty() {
            return Ok(false);
        }
        let name = self.name()?;
        let kind = self.kind_of(&name, start);
        self.at = start;
        Ok(kind? == NameKind::Type)
    }

    /// `#FIELD_OFFSET(T, f)` and its kin.
    pub(super) fn macro_call(&mut self) -> Result<Node, ExprError> {
        let at = self.at;
        self.at += 1;
        let name = lexer::word(self.rest());
        self.at += name.len();
        let name = name.to_ascii_uppercase();
        const KNOWN: [&str; 7] = [
            "FIELD_OFFSET",
            "RTL_FIELD_SIZE",
            "RTL_SIZEOF_THROUGH_FIELD",
            "CONTAINING_RECORD",
            "RTL_CONTAINS_FIELD",
            "RTL_NUMBER_OF",
            "RTL_NUMBER_OF_V1",
        ];
        if !KNOWN.contains(&name.as_str()) {
            return Err(self.refused(at, "There is no such macro; #CONTAINING_RECORD and #FIELD_OFFSET are"));
        }
        self.expect("(")?;
        let kind = match name.as_str() {
            "CONTAINING_RECORD" => {
                let address = self.expression(level::ASSIGNMENT)?;
                self.expect(",")?;
                let of = self.type_name()?;
                NodeKind::ContainingRecord(Box::new(address), of, self.last_field()?)
            }
            "RTL_CONTAINS_FIELD" => {
                let of = self.expression(level::ASSIGNMENT)?;
                self.expect(",")?;
                let size = self.expression(level::ASSIGNMENT)?;
                NodeKind::ContainsField(Box::new(of), Box::new(size), self.last_field()?)
            }
            "RTL_NUMBER_OF" | "RTL_NUMBER_OF_V1" => NodeKind::NumberOf(Box::new(self.expression(level::ASSIGNMENT)?)),
            of_type => {
                let of = self.type_name()?;
                let fields = self.last_field()?;
                match of_type {
                    "FIELD_OFFSET" => NodeKind::FieldOffset(of, fields),
                    "RTL_FIELD_SIZE" => NodeKind::FieldSize(of, fields),
                    _ => NodeKind::SizeThroughField(of, fields),
                }
            }
        };
        self.expect(")")?;
        self.node(at, kind)
    }

    /// `, a.b.c`.
    fn last_field(&mut self) -> Result<Vec<String>, ExprError> {
        self.expect(",")?;
        let mut fields = Vec::new();
        loop {
            self.skip_spaces();
            fields.push(self.field_name()?);
            if fields.len() > MOST_BUILT || !self.takes(".") {
                return Ok(fields);
            }
        }
    }
}

/// The one name of a type of C's own that may be written in several ways.
pub(super) fn canonical(words: &[&str]) -> Option<&'static str> {
    let count = |word: &str| words.iter().filter(|one| **one == word).count();
    let unsigned = count("unsigned") > 0;
    let signed = count("signed") > 0;
    if unsigned && signed {
        return None;
    }
    let pick = |with: &'static str, without: &'static str| Some(if unsigned { with } else { without });
    let rest: Vec<&str> = words
        .iter()
        .copied()
        .filter(|word| !matches!(*word, "signed" | "unsigned" | "int" | "long"))
        .collect();
    let long = count("long");
    match (rest.as_slice(), long) {
        ([], 0) => pick("unsigned int", "int"),
        ([], 1) => pick("unsigned long", "long"),
        ([], 2) => pick("unsigned long long", "long long"),
        (["short"], 0) => pick("unsigned short", "short"),
        (["char"], 0) if signed => Some("signed char"),
        (["char"], 0) => pick("unsigned char", "char"),
        (["__int8"], 0) => pick("unsigned char", "char"),
        (["__int16"], 0) => pick("unsigned short", "short"),
        (["__int32"], 0) => pick("unsigned int", "int"),
        (["__int64"], 0) => pick("unsigned long long", "long long"),
        (["__int128"], 0) => pick("unsigned __int128", "__int128"),
        (["double"], 1) => Some("long double"),
        (["double"], 0) => Some("double"),
        (["float"], 0) => Some("float"),
        (["void"], 0) => Some("void"),
        (["bool"], 0) => Some("bool"),
        (["wchar_t"], 0) => Some("wchar_t"),
        (["char8_t"], 0) => Some("char8_t"),
        (["char16_t"], 0) => Some("char16_t"),
        (["char32_t"], 0) => Some("char32_t"),
        _ => None,
    }
}
