//! Tokens of expressions, read where the parser stands.
//!
//! Nothing is cut into tokens beforehand: the arguments behind an expression follow other rules.

use super::Radix;

/// A binary operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    Xor,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    ShiftLeft,
    ShiftRight,
    ShiftRightArithmetic,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Operator {
    /// How tightly it binds; all are left-associative.
    pub(super) fn level(self) -> u8 {
        match self {
            Operator::Or => 1,
            Operator::Xor => 2,
            Operator::And => 3,
            Operator::Equal
            | Operator::NotEqual
            | Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual => 4,
            Operator::ShiftLeft | Operator::ShiftRight | Operator::ShiftRightArithmetic => 5,
            Operator::Add | Operator::Subtract => 6,
            Operator::Multiply | Operator::Divide | Operator::Remainder => 7,
        }
    }
}

/// Operators by their signs; where one begins with another, the longer comes first.
const SIGNS: [(&str, Operator); 18] = [
    (">>>", Operator::ShiftRightArithmetic),
    (">>", Operator::ShiftRight),
    (">=", Operator::GreaterOrEqual),
    (">", Operator::Greater),
    ("<<", Operator::ShiftLeft),
    ("<=", Operator::LessOrEqual),
    ("<", Operator::Less),
    ("==", Operator::Equal),
    ("=", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("*", Operator::Multiply),
    ("/", Operator::Divide),
    ("%", Operator::Remainder),
    ("+", Operator::Add),
    ("-", Operator::Subtract),
    ("&", Operator::And),
    ("^", Operator::Xor),
    ("|", Operator::Or),
];

/// Operators by their words.
const WORDS: [(&str, Operator); 4] = [
    ("and", Operator::And),
    ("xor", Operator::Xor),
    ("or", Operator::Or),
    ("mod", Operator::Remainder),
];

/// The operator that a text begins with, and its length in bytes.
pub(super) fn operator(text: &str) -> Option<(Operator, usize)> {
    let sign = SIGNS.iter().find(|(sign, _)| text.starts_with(sign));
    if let Some((sign, operator)) = sign {
        return Some((*operator, sign.len()));
    }
    let word = word(text);
    let (_, operator) = WORDS.iter().find(|(known, _)| word.eq_ignore_ascii_case(known))?;
    Some((*operator, word.len()))
}

/// The name or number that a text begins with; empty where it begins with neither.
///
/// Beside letters, digits, `_` and `$` a name may hold `::` (and `~` behind it), `!` between module and symbol, `.` and
/// `@` inside (`main.cold`, `puts@plt`), and `` ` `` between digits.
pub(super) fn word(text: &str) -> &str {
    let mut end = 0;
    while let Some(character) = text[end..].chars().next() {
        let rest = &text[end + character.len_utf8()..];
        let next = rest.chars().next();
        let before = text[..end].chars().next_back();
        let length = match character {
            '_' | '$' => 1,
            letter if letter.is_alphanumeric() => letter.len_utf8(),
            // `a!=b` compares.
            '!' if next != Some('=') && before.is_some_and(is_plain) => 1,
            ':' if next == Some(':') && end > 0 => 2,
            '~' if before == Some(':') => 1,
            '.' | '@' if before.is_some_and(is_plain) && next.is_some_and(is_plain) => 1,
            '`' if before.is_some_and(is_digit) && next.is_some_and(is_digit) => 1,
            _ => break,
        };
        end += length;
    }
    &text[..end]
}

fn is_plain(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '$'
}

fn is_digit(character: char) -> bool {
    character.is_ascii_hexdigit()
}

/// The names that a text may begin with, the longest first and `word` last: C++ and Rust names go on with signs that are
/// operators elsewhere (`std::vector<int>::push_back(int)`, `Foo::operator==`, `main::{closure#0}`), and only the scope
/// knows which of them there are.
pub(super) fn names<'t>(text: &'t str, word: &str) -> Vec<&'t str> {
    let mut ends = vec![word.len()];
    let mut end = word.len();
    // Names of templates of templates go on and on; a bound keeps hostile text cheap.
    for _ in 0..16 {
        let length = length_of_more(&text[..end], &text[end..], end > word.len());
        if length == 0 {
            break;
        }
        end += length;
        ends.push(end);
    }
    ends.iter().rev().map(|end| &text[..*end]).collect()
}

/// `<Type as Trait>::function` where a text begins with it. Nothing else begins with `<`.
pub(super) fn implementation(text: &str) -> Option<&str> {
    let bracket = matching(text, b'<', b'>')?;
    let behind = text.get(bracket..)?.strip_prefix("::")?;
    let function = word(behind).len();
    text.get(..bracket + 2 + function).filter(|_| function > 0)
}

/// The length of the next part of a name of which `here` is known; 0 where none follows.
fn length_of_more(here: &str, rest: &str, behind_signs: bool) -> usize {
    if let Some(before) = here.strip_suffix("operator")
        && before.ends_with([':', '!'])
    {
        let brackets = ["()", "[]"].into_iter().find(|sign| rest.starts_with(sign));
        let is_sign = |sign: char| "+-*/%^&|~!=<>".contains(sign);
        return brackets.map_or_else(|| rest.len() - rest.trim_start_matches(is_sign).len(), str::len);
    }
    match rest.as_bytes().first() {
        Some(b'<') => matching(rest, b'<', b'>').unwrap_or(0),
        Some(b'(') => matching(rest, b'(', b')').unwrap_or(0),
        Some(b'{') if here.ends_with("::") => matching(rest, b'{', b'}').unwrap_or(0),
        // A member function that may be called on what is constant.
        Some(b' ') if here.ends_with(')') && rest.starts_with(" const") => " const".len(),
        // Behind a bracket a name may go on, but only as a name does.
        Some(b':') if behind_signs => rest.strip_prefix("::").map_or(0, |more| 2 + word(more).len()),
        _ => 0,
    }
}

/// The length of a bracketed text, its brackets included; none where it does not end.
fn matching(text: &str, open: u8, close: u8) -> Option<usize> {
    let mut depth = 0_usize;
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate().take(4096) {
        match *byte {
            b';' | b'"' => return None,
            // The `->` of a function's type.
            b'>' if at > 0 && bytes[at - 1] == b'-' => {}
            byte if byte == open => depth += 1,
            byte if byte == close => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// What a word is as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// It is one.
    Value(u64),
    /// It is one of more than 64 bits.
    Overflow,
    /// It is none.
    No,
}

/// Reads a word as a number: with a prefix, or in `radix`.
pub(super) fn number(word: &str, radix: Radix) -> Number {
    let prefixed = word.split_at_checked(2).and_then(|(prefix, digits)| {
        let base = match prefix.to_ascii_lowercase().as_str() {
            "0x" => 16,
            "0n" => 10,
            "0t" => 8,
            "0y" => 2,
            _ => return None,
        };
        Some((digits, base))
    });
    match prefixed {
        // A bare prefix means 0.
        Some(("", _)) => Number::Value(0),
        Some((digits, base)) => digits_in(digits, base),
        None => match digits_in(word, radix.base()) {
            Number::No if word.starts_with(|first: char| first.is_ascii_digit()) => hexadecimal_by_suffix(word),
            outcome => outcome,
        },
    }
}

/// Reads a word such as `0ffh`.
pub(super) fn hexadecimal_by_suffix(word: &str) -> Number {
    match word.strip_suffix(['h', 'H']) {
        Some(digits) => digits_in(digits, 16),
        None => Number::No,
    }
}

/// Digits of a base, with back-ticks between them where the base is 16 or the number is long.
fn digits_in(digits: &str, base: u32) -> Number {
    let mut value = Some(0_u64);
    let mut any = false;
    for character in digits.chars().filter(|character| *character != '`') {
        let Some(digit) = character.to_digit(base) else {
            return Number::No;
        };
        any = true;
        value = value
            .and_then(|value| value.checked_mul(u64::from(base)))
            .and_then(|value| value.checked_add(u64::from(digit)));
    }
    match value {
        _ if !any => Number::No,
        Some(value) => Number::Value(value),
        None => Number::Overflow,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_where_operators_begin() {
        for (text, expected) in [
            ("main+10", "main"),
            ("libc_so_6!puts)", "libc_so_6!puts"),
            ("a!=b", "a"),
            ("foo::~foo x", "foo::~foo"),
            ("foo.part.0.", "foo.part.0"),
            ("puts@plt @rax", "puts@plt"),
            ("7fff`00001000 L8", "7fff`00001000"),
            ("a:b", "a"),
            ("::x", ""),
            ("\u{e9}t\u{e9}-1", "\u{e9}t\u{e9}"),
            ("", ""),
        ] {
            assert_eq!(word(text), expected, "{text}");
        }
    }

    #[test]
    fn names_of_other_languages_go_on_behind_signs() {
        let candidates = |text: &'static str| names(text, word(text));
        assert_eq!(
            candidates("std::vector<int, 4>::push_back(int) const+1"),
            [
                "std::vector<int, 4>::push_back(int) const",
                "std::vector<int, 4>::push_back(int)",
                "std::vector<int, 4>::push_back",
                "std::vector<int, 4>",
                "std::vector",
            ]
        );
        assert_eq!(candidates("a::f<b<c>>"), ["a::f<b<c>>", "a::f"]);
        assert_eq!(candidates("Foo::operator== x"), ["Foo::operator==", "Foo::operator"]);
        assert_eq!(candidates("Foo::operator()"), ["Foo::operator()", "Foo::operator"]);
        assert_eq!(candidates("main::{closure#0}::x")[0], "main::{closure#0}::x");
        assert_eq!(
            candidates("prog!(anonymous namespace)::f+1")[0],
            "prog!(anonymous namespace)::f"
        );
        assert_eq!(candidates("a<b"), ["a"]);
        assert_eq!(candidates("a<b; c>d"), ["a"]);
        assert_eq!(candidates("a+b"), ["a"]);
    }

    #[test]
    fn numbers_follow_prefix_suffix_and_radix() {
        use Number::{No, Overflow, Value};
        let hexadecimal = |word| number(word, Radix::Hexadecimal);
        assert_eq!(hexadecimal("1f"), Value(0x1f));
        assert_eq!(hexadecimal("0x"), Value(0));
        assert_eq!(hexadecimal("0n12"), Value(12));
        assert_eq!(hexadecimal("0t17"), Value(15));
        assert_eq!(hexadecimal("0y101"), Value(5));
        assert_eq!(hexadecimal("0ffh"), Value(0xff));
        assert_eq!(hexadecimal("00007fff`ffffffff"), Value(0x7fff_ffff_ffff));
        assert_eq!(hexadecimal("1ffffffffffffffff"), Overflow);
        assert_eq!(hexadecimal("0n1f"), No);
        assert_eq!(hexadecimal("main"), No);
        assert_eq!(hexadecimal("each"), No);
        assert_eq!(number("12", Radix::Decimal), Value(12));
        assert_eq!(number("1fh", Radix::Decimal), Value(0x1f));
        assert_eq!(number("ff", Radix::Decimal), No);
        assert_eq!(number("19", Radix::Octal), No);
    }
}
