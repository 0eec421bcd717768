//! From names to symbols, demangling as few names as will do.
//!
//! A mangled name spells every identifier of its readable form in full at least once (later uses are references), but
//! for the words that the readable form adds itself. So a name can match a query only if it contains the query's
//! identifiers, and only those that do are demangled.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use memchr::memmem;

use super::{SymbolRef, SymbolTable, demangled_stub};
use crate::demangle::{demangle, demangle_short, is_method, looks_mangled};
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
/// The digits of [`MAX_IDENTIFIER`]. However long a run of digits is, no more of it can be a length.
const LENGTH_DIGITS: usize = 3;

/// So many names are looked for by reading the whole table; hashing and sorting it pays after that.
const READ_THROUGH: u32 = 4;

/// The names of a table, as often as they are asked for.
#[derive(Debug, Default)]
pub(super) struct Names {
    asked: AtomicU32,
    hashes: OnceLock<Hashes>,
}

impl Names {
    pub(super) fn find<'a>(&self, table: &'a SymbolTable, name: &str) -> Vec<SymbolRef<'a>> {
        let anchor = anchor(name);
        let is_few = self.asked.fetch_add(1, Ordering::Relaxed) < READ_THROUGH;
        let mut found: Vec<u32> = match anchor {
            Some(anchor) if is_few && self.hashes.get().is_none() => read_through(table, name, anchor),
            Some(anchor) => self
                .hashes
                .get_or_init(|| Hashes::new(table))
                .candidates(name, anchor)
                .collect(),
            // Nothing to go by, as in `std::operator<<`: every mangled name is looked at.
            None => (0..table.len() as u32).collect(),
        };
        let candidates = anchor.map_or_else(Vec::new, |_| found.clone());
        found.retain(|at| {
            let symbol = table.symbol(*at as usize);
            symbol.is_some_and(|symbol| is_raw_or_unversioned(symbol.raw_name(), name) || reads_as(symbol, name))
        });
        // A type's own function goes before those of traits.
        if found.is_empty() && name.contains("::") {
            found = candidates;
            found.retain(|at| {
                let symbol = table.symbol(*at as usize);
                let readable = symbol.and_then(|symbol| demangled_stub(symbol.raw_name(), demangle_short));
                readable.is_some_and(|readable| is_method(&readable, name))
            });
        }
        found.sort_unstable();
        let mut symbols: Vec<SymbolRef<'a>> = found.into_iter().filter_map(|at| table.symbol(at as usize)).collect();
        symbols.dedup_by_key(|symbol| symbol.rva());
        symbols
    }
}

/// The entries that [`Hashes::candidates`] would give, and no more that have to be demangled.
fn read_through(table: &SymbolTable, name: &str, anchor: &str) -> Vec<u32> {
    let spelled = memmem::Finder::new(anchor);
    let is_candidate = |raw: &str| {
        is_raw_or_unversioned(raw, name)
            || is_indexed(raw)
                && spelled.find(raw.as_bytes()).is_some()
                && identifiers(raw).any(|piece| piece == anchor)
    };
    let numbered = (0u32..).zip(table.iter());
    numbered
        .filter(|(_, symbol)| is_candidate(symbol.raw_name()))
        .map(|(at, _)| at)
        .collect()
}

/// Hashes of raw names, and of the identifiers inside mangled ones, each with its entry's index; sorted.
#[derive(Debug)]
struct Hashes {
    raw: Vec<(u32, u32)>,
    identifiers: Vec<(u32, u32)>,
}

impl Hashes {
    fn new(table: &SymbolTable) -> Hashes {
        let mut hashes = Hashes {
            raw: Vec::with_capacity(table.len()),
            identifiers: Vec::new(),
        };
        for (at, symbol) in (0u32..).zip(table.iter()) {
            let raw = symbol.raw_name();
            hashes.raw.push((hash(raw), at));
            // `memcpy@GLIBC_2.2.5` is found as `memcpy` too, but a stub is not the function it calls.
            if let Some((name, version)) = raw.split_once('@')
                && version != "plt"
            {
                hashes.raw.push((hash(name), at));
            }
            if is_indexed(raw) {
                let found = identifiers(raw).map(|name| (hash(name), at));
                hashes.identifiers.extend(found);
            }
        }
        hashes.raw.sort_unstable();
        hashes.identifiers.sort_unstable();
        hashes.identifiers.dedup();
        hashes
    }

    /// What may have a name that spells the anchor.
    fn candidates(&self, name: &str, anchor: &str) -> impl Iterator<Item = u32> {
        equal(&self.raw, hash(name)).chain(equal(&self.identifiers, hash(anchor)))
    }
}

/// Whether the identifiers of a name are looked at.
fn is_indexed(raw: &str) -> bool {
    looks_mangled(raw) && raw.len() <= MAX_INDEXED
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
    lengths(bytes)
        .flat_map(move |(from, length)| {
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

/// What may be the lengths of identifiers, each with where its identifier begins. Every digit of a run may begin one:
/// the digits before it may be the end of another identifier, as in `7Vector36length` and `12_GLOBAL__N_13run`.
fn lengths(bytes: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let ends = (1..bytes.len()).filter(move |end| is_digit(end - 1) && !is_digit(*end));
    ends.flat_map(move |end| {
        let digits = (end.saturating_sub(LENGTH_DIGITS)..end).rev().map(|at| bytes[at]);
        let digits = digits.take_while(u8::is_ascii_digit).map(|digit| digit - b'0');
        let numbers = digits.scan((0usize, 1usize), |(number, weight), digit| {
            *number += *weight * usize::from(digit);
            *weight *= 10;
            // One that begins with 0 is the number behind it, which was already given.
            Some((digit != 0).then_some(*number))
        });
        let possible = numbers.flatten().take_while(|number| *number <= MAX_IDENTIFIER);
        possible.map(move |length| (end, length))
    })
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
    use std::sync::Arc;

    use super::*;
    use crate::image::ImageFile;

    #[test]
    fn the_anchor_is_the_last_identifier_that_must_be_spelled() {
        assert_eq!(anchor("foo::bar(int, baz)"), Some("bar"));
        assert_eq!(anchor("foo::~Foo"), Some("Foo"));
        assert_eq!(anchor("Foo::operator+"), Some("Foo"));
        assert_eq!(anchor("a::b<c>::d<e>"), Some("d"));
        assert_eq!(anchor("std::operator<<"), None);
    }

    #[test]
    fn what_is_read_through_is_what_hashes_find() {
        let path = std::env::current_exe().unwrap();
        let image = ImageFile::parse(Arc::new(std::fs::read(path).unwrap())).unwrap();
        let table = SymbolTable::build(&[&image]);
        let hashed = Names {
            asked: AtomicU32::new(READ_THROUGH),
            hashes: OnceLock::new(),
        };
        let mut looked_for = 0;
        for symbol in table.iter().step_by(table.len() / 5) {
            let names = [symbol.raw_name().to_owned(), symbol.name(), symbol.full_name()];
            // Without an anchor both look at everything.
            for name in names.into_iter().filter(|name| anchor(name).is_some()) {
                let rvas = |names: &Names| -> Vec<_> {
                    let found = names.find(&table, &name);
                    found.into_iter().map(SymbolRef::rva).collect()
                };
                let found = rvas(&Names::default());
                assert!(found.contains(&symbol.rva()), "{name}");
                assert_eq!(found, rvas(&hashed), "{name}");
                looked_for += 1;
            }
        }
        assert!(looked_for >= 8, "{looked_for}");
        assert!(hashed.hashes.get().is_some());
    }

    #[test]
    fn functions_of_traits_are_found_by_their_types() {
        let path = std::env::current_exe().unwrap();
        let image = ImageFile::parse(Arc::new(std::fs::read(path).unwrap())).unwrap();
        let table = SymbolTable::build(&[&image]);
        let names = table.iter().map(|symbol| (symbol.rva(), symbol.name()));
        let mut methods = names.filter_map(|(rva, name)| {
            let (of, rest) = name.strip_prefix("<farsight_symbols::")?.split_once(" as ")?;
            let function = rest.split_once(">::")?.1;
            let is_plain = !of.contains('<') && function.chars().all(char::is_alphanumeric);
            is_plain.then(|| (rva, format!("farsight_symbols::{of}::{function}")))
        });
        let (rva, asked) = methods.next().unwrap();
        let found = Names::default().find(&table, &asked);
        assert!(found.iter().any(|symbol| symbol.rva() == rva), "{asked}");
    }

    #[test]
    fn identifiers_are_found_wherever_they_are_spelled() {
        let all = |raw| identifiers(raw).collect::<Vec<_>>();
        assert!(all("_ZN3foo3barEi").ends_with(&["bar"]));
        assert!(all("_ZN37_$LT$impl$u20$core..fmt..Debug$GT$17hE").contains(&"Debug"));
        assert!(all("_ZN3foo5__barE").contains(&"__bar"));
        assert!(all("_RNvC3foo4__bar").contains(&"_bar"));
        // Behind a name that ends in digits.
        for (raw, spelled) in [
            ("_ZNK7Vector36lengthEv", ["Vector3", "length"]),
            ("_ZN3app2v11fEi", ["v1", "f"]),
            ("_ZNSt3__16vectorIiE4pushEv", ["__1", "vector"]),
            ("_ZN12_GLOBAL__N_110run_hiddenEv", ["_GLOBAL__N_1", "run_hidden"]),
            (
                "_ZN5early4utf814from_utf8_deep17h0123456789abcdefE",
                ["utf8", "from_utf8_deep"],
            ),
            ("_RNvNtCs1234_5early4utf83say", ["utf8", "say"]),
            ("_RNvNtCs1234_5early4utf84_8bit", ["utf8", "8bit"]),
            ("_ZN8a12345673fooEv", ["a1234567", "foo"]),
        ] {
            let found = all(raw);
            for name in spelled {
                assert!(found.contains(&name), "{raw}: {found:?}");
            }
        }
        // A run of digits costs no more than its end.
        let run = format!("_Z{}3foo", "9".repeat(4000));
        assert_eq!(identifiers(&run).collect::<Vec<_>>(), ["foo"]);
    }
}
