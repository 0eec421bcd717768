//! C++ and Rust names as their authors wrote them.
//!
//! Names come from strangers' images. Length, depth and output are bounded, so a hostile name costs little and stays as
//! it is.

use std::fmt::{self, Write};

use cpp_demangle::{DemangleOptions, ParseOptions, Symbol};

use crate::debug::plain;

/// Raw names longer than this are left alone; the longest of real template libraries are half as long.
const MAX_RAW: usize = 16 << 10;
/// Readable names longer than this are left mangled: back references can make them grow without end.
const MAX_READABLE: usize = 32 << 10;
/// Writes of nothing count too, so that a name that expands into nothing for ever comes to an end.
const MAX_WRITES: usize = 64 << 10;
/// Nesting deeper than this is not a name that anyone wrote.
const MAX_DEPTH: u32 = 96;

/// The readable form of a raw symbol name, parameters included and a Rust hash left out; none where the name is not
/// mangled or its readable form would be absurdly long.
pub fn demangle(raw: &str) -> Option<String> {
    demangle_as(raw, DemangleOptions::new())
}

/// As [`demangle`], without C++ parameters and return types: `foo::bar` for `foo::bar(int)`.
pub fn demangle_short(raw: &str) -> Option<String> {
    demangle_as(raw, DemangleOptions::new().no_params().no_return_type())
}

/// Whether a raw name may be mangled at all; cheap.
pub(crate) fn looks_mangled(raw: &str) -> bool {
    raw.starts_with("_Z") || raw.starts_with("_R") || raw.starts_with("__Z")
}

/// Whether a readable name is that of a trait's function for a type, and what was asked for is the type's function of this
/// name: `<early::Dog as early::Speak>::say` is what `early::Dog::say` means.
pub(crate) fn is_method(readable: &str, asked: &str) -> bool {
    method(readable).is_some_and(|methods| methods.iter().any(|method| method == asked))
}

/// As [`is_method`], where outer scopes may be left out: `Dog::say`.
pub(crate) fn ends_as_method(readable: &str, asked: &str) -> bool {
    let ends =
        |method: &String| method == asked || method.strip_suffix(asked).is_some_and(|front| front.ends_with("::"));
    method(readable).is_some_and(|methods| methods.iter().any(ends))
}

/// A trait's function for a type as the type's own, with the type's generic arguments and without.
fn method(readable: &str) -> Option<[String; 2]> {
    let inside = readable.strip_prefix('<')?;
    let mut depth = 0usize;
    let mut of = None;
    let mut before = ' ';
    for (at, letter) in inside.char_indices() {
        match letter {
            '<' | '(' | '[' | '{' => depth += 1,
            '>' if before == '-' => {}
            '>' if depth == 0 => {
                let (of, function) = (of?, inside.get(at + 1..)?.strip_prefix("::")?);
                return Some([format!("{of}::{function}"), format!("{}::{function}", plain(of))]);
            }
            '>' | ')' | ']' | '}' => depth = depth.checked_sub(1)?,
            ' ' if depth == 0 && of.is_none() && inside.get(at..)?.starts_with(" as ") => of = inside.get(..at),
            _ => {}
        }
        before = letter;
    }
    None
}

fn demangle_as(raw: &str, options: DemangleOptions) -> Option<String> {
    if !looks_mangled(raw) || raw.len() > MAX_RAW {
        return None;
    }
    rust(raw).or_else(|| cpp(raw, options))
}

/// Legacy names (`_ZN..17h<hash>E`) are C++ names too, so Rust goes first.
fn rust(raw: &str) -> Option<String> {
    let name = rustc_demangle::try_demangle(raw).ok()?;
    // Without its hash, a legacy name cannot be told from a C++ one.
    if !raw.starts_with("_R") && !has_legacy_hash(raw) {
        return None;
    }
    let mut out = Bounded::default();
    write!(out, "{name:#}").ok()?;
    Some(out.text)
}

fn has_legacy_hash(raw: &str) -> bool {
    raw.rfind("17h")
        .and_then(|at| raw.get(at + 3..at + 20))
        .is_some_and(|tail| {
            let (hash, end) = tail.split_at(16);
            end == "E" && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
}

fn cpp(raw: &str, options: DemangleOptions) -> Option<String> {
    // Compilers mark the parts they split off: `_Z3foov.cold`, `_Z3foov.part.0`.
    let (name, clone) = raw.split_at(raw.find('.').unwrap_or(raw.len()));
    let parse = ParseOptions::default().recursion_limit(MAX_DEPTH);
    let symbol = Symbol::new_with_options(name, &parse).ok()?;
    let mut out = Bounded::default();
    let options = options.recursion_limit(MAX_DEPTH);
    symbol.structured_demangle(&mut out, &options).ok()?;
    if !clone.is_empty() {
        write!(out, " [clone {clone}]").ok()?;
    }
    Some(out.text)
}

/// Refuses to grow beyond what a name may be.
#[derive(Default)]
struct Bounded {
    text: String,
    writes: usize,
}

impl Write for Bounded {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.writes += 1;
        if self.writes > MAX_WRITES || self.text.len() + piece.len() > MAX_READABLE {
            return Err(fmt::Error);
        }
        self.text.push_str(piece);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_as_they_were_written() {
        let both = |raw| (demangle(raw).unwrap(), demangle_short(raw).unwrap());
        let pair = |full: &str, short: &str| (full.to_owned(), short.to_owned());
        assert_eq!(both("_ZN3foo3barEi"), pair("foo::bar(int)", "foo::bar"));
        assert_eq!(both("_Z3maxIiET_S0_S0_"), pair("int max<int>(int, int)", "max<int>"));
        assert_eq!(both("_Z3foov.cold"), pair("foo() [clone .cold]", "foo [clone .cold]"));
        assert_eq!(
            both("_ZN3std2io5stdio6_print17h0123456789abcdefE"),
            pair("std::io::stdio::_print", "std::io::stdio::_print")
        );
        assert_eq!(both("_RNvC6_123foo3bar"), pair("123foo::bar", "123foo::bar"));
    }

    #[test]
    fn functions_of_traits_are_also_those_of_their_types() {
        for (readable, asked, whole, end) in [
            ("<early::Dog as early::Speak>::say", "early::Dog::say", true, true),
            ("<early::Dog as early::Speak>::say", "Dog::say", false, true),
            ("<early::Dog as early::Speak>::say", "og::say", false, false),
            ("<early::Dog as early::Speak>::say", "early::Speak::say", false, false),
            (
                "<a::Vec<T,A> as b::From<c::X as d::Y>>::from",
                "a::Vec::from",
                true,
                true,
            ),
            (
                "<a::Vec<T,A> as b::From<c::X as d::Y>>::from",
                "a::Vec<T,A>::from",
                true,
                true,
            ),
            ("<fn(u8) -> a::B as c::D>::call", "fn(u8) -> a::B::call", true, true),
            ("<a::B>::new", "a::B::new", false, false),
            ("early::Dog::say", "Dog::say", false, false),
            ("<a as b", "a", false, false),
        ] {
            assert_eq!(is_method(readable, asked), whole, "{readable} {asked}");
            assert_eq!(ends_as_method(readable, asked), end, "{readable} {asked}");
        }
    }

    #[test]
    fn plain_and_broken_names_stay_as_they_are() {
        for raw in ["main", "_Zzzz", "_", "", "_ZN", "_R", "_ZN3fo"] {
            assert_eq!(demangle(raw), None, "{raw}");
        }
    }

    #[test]
    fn hostile_names_are_bounded() {
        // Each substitution doubles what the one before says.
        let mut bomb = String::from("_Z1fIiE");
        for at in 0..40 {
            bomb.push_str(&format!("S{}_S{0}_", at % 10));
        }
        let nested = format!("_Z{}i", "P".repeat(100_000));
        let deep = format!("_ZN{}E", "1aI".repeat(3_000));
        let backward = format!("_RNvC{}", "B_".repeat(5_000));
        for raw in [bomb, nested, deep, backward] {
            assert!(demangle(&raw).is_none_or(|name| name.len() <= MAX_READABLE));
        }
    }
}
