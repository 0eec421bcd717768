//! From names to symbols, demangling as few names as will do.
//!
//! A mangled name spells every identifier of its readable form in full at least once (later uses are references), but
//! for the words that the readable form adds itself. So a name can match a query only if it contains the query's
//! identifiers, and only those that do are demangled.

use super::{SymbolRef, SymbolTable, demangled_stub};
use crate::demangle::{demangle, demangle_short, looks_mangled};
use crate::pattern::Pattern;

/// Words of readable names that mangled ones do not spell: keywords, built-in types, what demanglers add, and the parts
/// of `std` that have abbreviations. In lower case.
const ADDED: &[&str] = &[
    "operator",
    "new",
    "delete",
    "co_await",
    "vtable",
    "vtt",
    "typeinfo",
    "name",
    "guard",
    "variable",
    "construction",
    "non-virtual",
    "virtual",
    "thunk",
    "covariant",
    "return",
    "reference",
    "temporary",
    "tls",
    "init",
    "wrapper",
    "function",
    "transaction",
    "clone",
    "hidden",
    "alias",
    "lambda",
    "unnamed",
    "type",
    "anonymous",
    "namespace",
    "decltype",
    "sizeof",
    "alignof",
    "typename",
    "typeid",
    "template",
    "class",
    "struct",
    "union",
    "enum",
    "const",
    "volatile",
    "restrict",
    "auto",
    "bool",
    "char",
    "char8_t",
    "char16_t",
    "char32_t",
    "double",
    "float",
    "int",
    "long",
    "short",
    "unsigned",
    "signed",
    "__int128",
    "__float128",
    "void",
    "wchar_t",
    "half",
    "decimal32",
    "decimal64",
    "decimal128",
    "nullptr",
    "nullptr_t",
    "complex",
    "imaginary",
    "true",
    "false",
    "this",
    "throw",
    "noexcept",
    "static_cast",
    "dynamic_cast",
    "const_cast",
    "reinterpret_cast",
    "std",
    "allocator",
    "basic_string",
    "string",
    "char_traits",
    "basic_istream",
    "istream",
    "basic_ostream",
    "ostream",
    "basic_iostream",
    "iostream",
    "mut",
    "dyn",
    "impl",
    "for",
    "unsafe",
    "extern",
    "usize",
    "isize",
    "str",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "f16",
    "f32",
    "f64",
    "f128",
    "shim",
    "closure",
    "default",
    "ellipsis",
    "plt",
    "cold",
];

/// Longer names are found by their raw form and by patterns only; every digit in one may begin an identifier.
const MAX_INDEXED: usize = 4096;
/// No identifier that anyone types is longer.
const MAX_IDENTIFIER: usize = 512;

/// Hashes of raw names, and of the identifiers inside mangled ones, each with its entry's index; sorted.
#[derive(Debug)]
pub(super) struct NameIndex {
    raw: Vec<(u32, u32)>,
    identifiers: Vec<(u32, u32)>,
}

impl NameIndex {
    pub(super) fn new(table: &SymbolTable) -> NameIndex {
        let mut index = NameIndex {
            raw: Vec::with_capacity(table.len()),
            identifiers: Vec::new(),
        };
        for (at, symbol) in (0u32..).zip(table.iter()) {
            let raw = symbol.raw_name();
            index.raw.push((hash(raw), at));
            // `memcpy@GLIBC_2.2.5` is found as `memcpy` too, but a stub is not the function it calls.
            if let Some((name, version)) = raw.split_once('@')
                && version != "plt"
            {
                index.raw.push((hash(name), at));
            }
            if looks_mangled(raw) && raw.len() <= MAX_INDEXED {
                let found = identifiers(raw).map(|name| (hash(name), at));
                index.identifiers.extend(found);
            }
        }
        index.raw.sort_unstable();
        index.identifiers.sort_unstable();
        index.identifiers.dedup();
        index
    }

    pub(super) fn find<'a>(&self, table: &'a SymbolTable, name: &str) -> Vec<SymbolRef<'a>> {
        let mut found: Vec<u32> = equal(&self.raw, hash(name))
            .filter(|at| {
                let raw = table.symbol(*at as usize).map(SymbolRef::raw_name);
                raw.is_some_and(|raw| is_raw_or_unversioned(raw, name))
            })
            .collect();
        let readable = |at: &u32| {
            let symbol = table.symbol(*at as usize);
            symbol.is_some_and(|symbol| reads_as(symbol, name))
        };
        match anchor(name) {
            Some(anchor) => found.extend(equal(&self.identifiers, hash(anchor)).filter(readable)),
            // Nothing to go by, as in `std::operator<<`: every mangled name is looked at.
            None => found.extend((0..table.len() as u32).filter(readable)),
        }
        found.sort_unstable();
        let mut symbols: Vec<SymbolRef<'a>> = found.into_iter().filter_map(|at| table.symbol(at as usize)).collect();
        symbols.dedup_by_key(|symbol| symbol.rva());
        symbols
    }
}

/// All symbols that match in any of their forms.
pub(super) fn matching<'a>(table: &'a SymbolTable, pattern: &Pattern) -> Vec<SymbolRef<'a>> {
    let literals = pattern.literals();
    let anchor = literals
        .iter()
        .filter(|run| is_spelled(run) && !run.starts_with(|first: char| first.is_ascii_digit()))
        .max_by_key(|run| run.len());
    let matches = |symbol: &SymbolRef<'a>| {
        let raw = symbol.raw_name();
        if anchor.is_some_and(|anchor| !contains_ignoring_case(raw, anchor)) {
            return false;
        }
        pattern.matches(raw)
            || demangled_stub(raw, demangle_short).is_some_and(|name| pattern.matches(&name))
            || demangled_stub(raw, demangle).is_some_and(|name| pattern.matches(&name))
    };
    table.iter().filter(matches).collect()
}

fn is_raw_or_unversioned(raw: &str, name: &str) -> bool {
    raw == name
        || raw
            .strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('@') && rest != "@plt")
}

fn reads_as(symbol: SymbolRef<'_>, name: &str) -> bool {
    let raw = symbol.raw_name();
    let is = |demangle| demangled_stub(raw, demangle).is_some_and(|readable| readable == name);
    is(demangle_short) || is(demangle)
}

/// The last identifier of a query that every mangled name for it must spell: outside parameters and template arguments,
/// which a short name leaves out or abbreviates.
fn anchor(query: &str) -> Option<&str> {
    let mut depth = 0usize;
    let mut start = None;
    let mut found = None;
    for (at, character) in query.char_indices().chain([(query.len(), '\0')]) {
        let is_part = character.is_ascii_alphanumeric() || character == '_';
        match (is_part, start) {
            (true, None) if depth == 0 => start = Some(at),
            (false, Some(from)) => {
                start = None;
                let word = &query[from..at];
                if !ADDED.contains(&word) && !word.starts_with(|first: char| first.is_ascii_digit()) {
                    found = Some(word);
                }
            }
            _ => {}
        }
        match character {
            '(' | '<' | '{' | '[' => depth += 1,
            ')' | '>' | '}' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    found
}

/// Whether a run of identifier characters cannot be a part of a word that only the readable form has.
fn is_spelled(run: &str) -> bool {
    let lower = run.to_ascii_lowercase();
    !ADDED.iter().any(|word| word.contains(&lower))
}

/// The identifiers that a mangled name spells: each number is taken for a length, wherever it stands, so there may be
/// some that are none; and those of old Rust names, which have escapes inside (`_$LT$impl$u20$Foo..bar`), are split.
fn identifiers(raw: &str) -> impl Iterator<Item = &str> {
    let bytes = raw.as_bytes();
    let starts =
        (0..bytes.len()).filter(|at| bytes[*at].is_ascii_digit() && (*at == 0 || !bytes[*at - 1].is_ascii_digit()));
    starts
        .flat_map(move |start| {
            let digits = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let length: usize = raw[start..start + digits].parse().unwrap_or(0);
            let length = if length > MAX_IDENTIFIER { 0 } else { length };
            let from = start + digits;
            let whole = from.checked_add(length).and_then(|end| raw.get(from..end));
            // New Rust names put `_` between the length and an identifier that begins with a digit or another `_`; the
            // length does not count it.
            let behind = (bytes.get(from) == Some(&b'_'))
                .then(|| from.checked_add(length + 1).and_then(|end| raw.get(from + 1..end)))
                .flatten();
            let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
            let pieces = [whole, behind].into_iter().flatten();
            pieces.flat_map(move |piece| piece.split(move |character| !is_part(character)))
        })
        .filter(|piece| !piece.is_empty())
}

fn contains_ignoring_case(text: &str, lower: &str) -> bool {
    let (text, lower) = (text.as_bytes(), lower.as_bytes());
    let mut windows = text.windows(lower.len().max(1));
    windows.any(|window| window.eq_ignore_ascii_case(lower))
}

/// FNV-1a.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash: u32, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

fn equal(index: &[(u32, u32)], hash: u32) -> impl Iterator<Item = u32> {
    let start = index.partition_point(|(known, _)| *known < hash);
    index[start..]
        .iter()
        .take_while(move |(known, _)| *known == hash)
        .map(|(_, at)| *at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_anchor_is_the_last_identifier_that_must_be_spelled() {
        assert_eq!(anchor("foo::bar(int, baz)"), Some("bar"));
        assert_eq!(anchor("foo::~Foo"), Some("Foo"));
        assert_eq!(anchor("Foo::operator+"), Some("Foo"));
        assert_eq!(anchor("a::b<c>::d<e>"), Some("d"));
        assert_eq!(anchor("std::operator<<"), None);
    }

    #[test]
    fn identifiers_are_found_wherever_they_are_spelled() {
        let all = |raw| identifiers(raw).collect::<Vec<_>>();
        assert!(all("_ZN3foo3barEi").ends_with(&["bar"]));
        assert!(all("_ZN37_$LT$impl$u20$core..fmt..Debug$GT$17hE").contains(&"Debug"));
        assert!(all("_ZN3foo5__barE").contains(&"__bar"));
        assert!(all("_RNvC3foo4__bar").contains(&"_bar"));
    }
}
