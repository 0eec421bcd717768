//! Tokens of C++ and Rust expressions, read where the parser stands.

use super::ast::{Binary, NodeKind};
use super::parser::level;

/// What stands between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Infix {
    Comma,
    Assign(Option<Binary>),
    Choice,
    OrElse,
    AndThen,
    Plain(Binary),
}

impl Infix {
    pub(super) fn level(self) -> u8 {
        match self {
            Infix::Comma => level::COMMA,
            Infix::Assign(_) => level::ASSIGNMENT,
            Infix::Choice => level::CHOICE,
            Infix::OrElse => level::OR_ELSE,
            Infix::AndThen => level::AND_THEN,
            Infix::Plain(operator) => operator.level(),
        }
    }
}

/// Where one begins with another, the longer comes first.
const OPERATORS: &[(&str, Infix)] = &[
    ("<<=", Infix::Assign(Some(Binary::ShiftLeft))),
    (">>=", Infix::Assign(Some(Binary::ShiftRight))),
    ("+=", Infix::Assign(Some(Binary::Add))),
    ("-=", Infix::Assign(Some(Binary::Subtract))),
    ("*=", Infix::Assign(Some(Binary::Multiply))),
    ("/=", Infix::Assign(Some(Binary::Divide))),
    ("%=", Infix::Assign(Some(Binary::Remainder))),
    ("&=", Infix::Assign(Some(Binary::And))),
    ("|=", Infix::Assign(Some(Binary::Or))),
    ("^=", Infix::Assign(Some(Binary::Xor))),
    ("==", Infix::Plain(Binary::Equal)),
    ("!=", Infix::Plain(Binary::NotEqual)),
    ("<=", Infix::Plain(Binary::LessOrEqual)),
    (">=", Infix::Plain(Binary::GreaterOrEqual)),
    ("<<", Infix::Plain(Binary::ShiftLeft)),
    (">>", Infix::Plain(Binary::ShiftRight)),
    ("&&", Infix::AndThen),
    ("||", Infix::OrElse),
    ("=", Infix::Assign(None)),
    ("?", Infix::Choice),
    (",", Infix::Comma),
    ("|", Infix::Plain(Binary::Or)),
    ("^", Infix::Plain(Binary::Xor)),
    ("&", Infix::Plain(Binary::And)),
    ("<", Infix::Plain(Binary::Less)),
    (">", Infix::Plain(Binary::Greater)),
    ("+", Infix::Plain(Binary::Add)),
    ("-", Infix::Plain(Binary::Subtract)),
    ("*", Infix::Plain(Binary::Multiply)),
    ("/", Infix::Plain(Binary::Divide)),
    ("%", Infix::Plain(Binary::Remainder)),
];

/// The operator that a text begins with, and its length.
pub(super) fn operator(text: &str) -> Option<(Infix, usize)> {
    let (sign, infix) = OPERATORS.iter().find(|(sign, _)| text.starts_with(sign))?;
    Some((*infix, sign.len()))
}

fn is_plain(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '$'
}

/// Letters, digits, `_` and `$`.
pub(super) fn word(text: &str) -> &str {
    let end = text.find(|letter: char| !is_plain(letter)).unwrap_or(text.len());
    &text[..end]
}

/// Words with `::` between them and at most one `!` before them: `module!a::b`.
pub(super) fn path(text: &str) -> &str {
    let mut end = text.strip_prefix("::").map_or(0, |_| 2);
    let begin = end;
    end += word(&text[end..]).len();
    if end == begin || text[begin..].starts_with(|digit: char| digit.is_ascii_digit()) {
        return "";
    }
    // `a!=b` compares.
    if let Some(behind) = text[end..].strip_prefix('!')
        && !behind.starts_with('=')
        && begin == 0
    {
        let name = behind.strip_prefix("::").map_or(0, |_| 2);
        let length = word(&behind[name..]).len();
        if length > 0 {
            end += 1 + name + length;
        } else if behind.starts_with(['{', '<', '(']) {
            return &text[..=end];
        }
    }
    while let Some(behind) = text[end..].strip_prefix("::") {
        let destructor = usize::from(behind.starts_with('~'));
        let more = word(&behind[destructor..]).len();
        if more == 0 {
            break;
        }
        end += 2 + destructor + more;
    }
    &text[..end]
}

/// Names are looked up in their longest form; a bound keeps hostile text cheap.
const MOST_NAMES: usize = 16;

/// The names that a text may begin with, the longest first and the one without doubt last: names go on with signs that
/// are operators elsewhere (`std::vector<int>::npos`, `main::{closure#0}::x`).
pub(super) fn names(text: &str) -> Vec<&str> {
    let plain = path(text);
    if plain.is_empty() {
        return Vec::new();
    }
    let mut ends = vec![plain.len()];
    let mut end = plain.len();
    while ends.len() < MOST_NAMES {
        let rest = &text[end..];
        let length = match rest.as_bytes().first() {
            Some(b'<') => matching(rest).unwrap_or(0),
            Some(b'(' | b'{') if text[..end].ends_with("::") || text[..end].ends_with('!') => {
                matching(rest).unwrap_or(0)
            }
            Some(b':') => match rest.strip_prefix("::") {
                Some(more) if more.starts_with(['(', '{', '<']) => 2,
                Some(more) => match path(more).len() {
                    0 => 0,
                    length => 2 + length,
                },
                None => 0,
            },
            _ => 0,
        };
        if length == 0 {
            break;
        }
        end += length;
        ends.push(end);
    }
    let ends = ends.iter().rev().map(|end| &text[..*end]);
    ends.filter(|name| !name.ends_with("::") && !name.ends_with('!'))
        .collect()
}

/// The length of a bracketed text, its brackets included; none where it does not end.
fn matching(text: &str) -> Option<usize> {
    let mut open: Vec<u8> = Vec::new();
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate().take(4096) {
        match byte {
            b';' | b'"' => return None,
            b'<' | b'(' | b'{' | b'[' => open.push(*byte),
            // The `->` of a function's type.
            b'>' if at > 0 && bytes[at - 1] == b'-' => {}
            b'>' | b')' | b'}' | b']' => {
                let closes = match byte {
                    b'>' => b'<',
                    b')' => b'(',
                    b'}' => b'{',
                    _ => b'[',
                };
                if open.pop() != Some(closes) {
                    return None;
                }
                if open.is_empty() {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// What stands between the bracket that a text begins with and the one that closes it; strings are passed over.
pub(in crate::expression) fn bracketed(text: &str) -> Option<&str> {
    if !text.starts_with('(') {
        return None;
    }
    let mut depth = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), letter) if open == letter => quote = None,
            (Some(_), _) => {}
            (None, '"') => quote = Some('"'),
            (None, '(') => depth += 1,
            (None, ')') => {
                depth -= 1;
                if depth == 0 {
                    return text.get(1..at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Words that are operands or begin them, but no names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    SizeOf,
    Cast(super::ast::CastKind),
    True,
    False,
    Null,
    Refused,
}

/// The keyword that a text begins with, and its length.
pub(super) fn keyword_operand(text: &str) -> Option<(Keyword, usize)> {
    use super::ast::CastKind;
    let word = word(text);
    let keyword = match word {
        "sizeof" => Keyword::SizeOf,
        "static_cast" => Keyword::Cast(CastKind::Static),
        "dynamic_cast" => Keyword::Cast(CastKind::Dynamic),
        "reinterpret_cast" => Keyword::Cast(CastKind::Reinterpret),
        "const_cast" => Keyword::Cast(CastKind::Plain),
        "true" => Keyword::True,
        "false" => Keyword::False,
        "nullptr" => Keyword::Null,
        "new" | "delete" | "throw" => Keyword::Refused,
        _ => return None,
    };
    // `new` may be a variable's name where one is meant: in C and Rust it is an ordinary word.
    if keyword == Keyword::Refused && !text[word.len()..].starts_with([' ', '[', '(']) {
        return None;
    }
    Some((keyword, word.len()))
}

/// Why digits are no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadNumber {
    Overflow,
    Syntax,
}

/// The number that a text begins with, and its length.
pub(super) fn number(text: &str) -> Result<(NodeKind, usize), BadNumber> {
    if let Some(found) = float(text) {
        return Ok(found);
    }
    let lower = text.as_bytes().get(1).map(u8::to_ascii_lowercase);
    let (radix, prefix) = match (text.starts_with('0'), lower) {
        (true, Some(b'x')) => (16, 2),
        (true, Some(b'0'..=b'9')) => (8, 1),
        _ => (10, 0),
    };
    let mut value = 0_u128;
    let mut any = false;
    let mut end = prefix;
    for letter in text[prefix..].chars() {
        match letter.to_digit(radix) {
            Some(digit) => {
                any = true;
                value = value
                    .checked_mul(u128::from(radix))
                    .and_then(|value| value.checked_add(u128::from(digit)))
                    .ok_or(BadNumber::Overflow)?;
            }
            // `1_000` is Rust's, ``7fff`1234`` DbgEng's, `1'000` C++'s.
            None if any && matches!(letter, '_' | '`') => {}
            None if any && letter == '\'' && text[end + 1..].starts_with(|next: char| next.is_digit(radix)) => {}
            None => break,
        }
        end += letter.len_utf8();
    }
    if !any {
        return Err(BadNumber::Syntax);
    }
    let suffix = word(&text[end..]);
    let type_name = integer_type(value, suffix, radix != 10).ok_or(match suffix {
        "" => BadNumber::Overflow,
        _ => BadNumber::Syntax,
    })?;
    Ok((NodeKind::Integer { value, type_name }, end + suffix.len()))
}

/// The type of a literal by its suffix: the first of those it may have that holds it.
fn integer_type(value: u128, suffix: &str, any_sign: bool) -> Option<&'static str> {
    const RUST: [&str; 12] = [
        "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "i128", "u128", "isize", "usize",
    ];
    if let Some(rust) = RUST.into_iter().find(|name| *name == suffix) {
        return Some(rust);
    }
    let lower = suffix.to_ascii_lowercase();
    let (unsigned, long) = match lower.as_str() {
        "" => (false, 0),
        "u" => (true, 0),
        "l" => (false, 1),
        "ul" | "lu" => (true, 1),
        "ll" | "i64" => (false, 2),
        "ull" | "llu" | "ui64" => (true, 2),
        "z" | "uz" | "zu" => (lower.len() > 1, 1),
        _ => return None,
    };
    let fits = [
        (0, false, "int", i32::MAX as u128),
        (0, true, "unsigned int", u32::MAX.into()),
        (1, false, "long", i64::MAX as u128),
        (1, true, "unsigned long", u64::MAX.into()),
        (2, false, "long long", i64::MAX as u128),
        (2, true, "unsigned long long", u64::MAX.into()),
        (3, false, "__int128", i128::MAX.cast_unsigned()),
        (3, true, "unsigned __int128", u128::MAX),
    ];
    let found = fits.into_iter().find(|(length, is_unsigned, _, most)| {
        let sign = match is_unsigned {
            true => unsigned || any_sign || *length == 3,
            false => !unsigned,
        };
        *length >= long && sign && value <= *most
    });
    found.map(|(_, _, name, _)| name)
}

/// A number with a point or an exponent.
fn float(text: &str) -> Option<(NodeKind, usize)> {
    let digits = |from: usize| {
        let rest = &text[from..];
        from + rest.len() - rest.trim_start_matches(|digit: char| digit.is_ascii_digit()).len()
    };
    if text.starts_with("0x") || text.starts_with("0X") {
        return None;
    }
    let whole = digits(0);
    let mut end = whole;
    // `1..2` and `tuple.0.1` are no numbers with points, `1.` is.
    if text[end..].starts_with('.') && !text[end + 1..].starts_with(|next: char| next == '.' || next.is_alphabetic()) {
        end = digits(end + 1);
    }
    if end == whole + 1 && whole == 0 {
        return None;
    }
    if text[end..].starts_with(['e', 'E']) {
        let sign = usize::from(text[end + 1..].starts_with(['+', '-']));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    let suffix = word(&text[end..]);
    let type_name = match suffix {
        "f" | "F" if end > whole => "float",
        "l" | "L" if end > whole => "long double",
        "f32" => "f32",
        "f64" => "f64",
        "" if end > whole => "double",
        _ => return None,
    };
    let value = text[..end].parse().ok()?;
    Some((NodeKind::Float { value, type_name }, end + suffix.len()))
}

/// The character with a word for its type before it (`L'x'`) that a text begins with, and its length.
pub(super) fn prefixed_character(text: &str) -> Option<(NodeKind, usize)> {
    const PREFIXES: [(&str, &str); 4] = [
        ("L'", "wchar_t"),
        ("u8'", "char8_t"),
        ("u'", "char16_t"),
        ("U'", "char32_t"),
    ];
    let (prefix, type_name) = PREFIXES.into_iter().find(|(prefix, _)| text.starts_with(prefix))?;
    let before = prefix.len() - 1;
    match quoted(&text[before..])? {
        (NodeKind::Integer { value, .. }, length) => Some((NodeKind::Integer { value, type_name }, before + length)),
        _ => None,
    }
}

/// The character or string that a text begins with, and its length; none where it does not end.
pub(super) fn quoted(text: &str) -> Option<(NodeKind, usize)> {
    let quote = text.chars().next()?;
    let mut bytes = Vec::new();
    let mut letters = text.char_indices().skip(1).peekable();
    let mut first: Option<u32> = None;
    while let Some((at, letter)) = letters.next() {
        if letter == quote {
            let length = at + 1;
            let kind = match (quote, first) {
                ('"', _) => NodeKind::Text(bytes),
                (_, None) => return None,
                // Several characters are one number in C.
                (_, Some(code)) if code < 0x80 || bytes.len() == 1 => {
                    let value = bytes
                        .iter()
                        .fold(0_u128, |value, byte| (value << 8 | u128::from(*byte)) & 0xffff_ffff);
                    let type_name = if bytes.len() == 1 { "char" } else { "int" };
                    NodeKind::Integer { value, type_name }
                }
                (_, Some(code)) => NodeKind::Integer {
                    value: code.into(),
                    type_name: "char32_t",
                },
            };
            return Some((kind, length));
        }
        if letter != '\\' {
            first.get_or_insert(letter.into());
            bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let (_, escape) = letters.next()?;
        let byte = match escape {
            'n' => b'\n',
            't' => b'\t',
            'r' => b'\r',
            'a' => 7,
            'b' => 8,
            'f' => 12,
            'v' => 11,
            'e' => 27,
            '\\' | '\'' | '"' | '?' => escape as u8,
            'x' => {
                let mut value = 0_u32;
                let mut any = false;
                while let Some(digit) = letters.peek().and_then(|(_, letter)| letter.to_digit(16)) {
                    value = value << 4 & 0xff | digit;
                    any = true;
                    letters.next();
                }
                any.then_some(value as u8)?
            }
            '0'..='7' => {
                let mut value = escape.to_digit(8)?;
                for _ in 0..2 {
                    let Some(digit) = letters.peek().and_then(|(_, letter)| letter.to_digit(8)) else {
                        break;
                    };
                    value = value << 3 | digit;
                    letters.next();
                }
                value as u8
            }
            _ => return None,
        };
        first.get_or_insert(byte.into());
        bytes.push(byte);
    }
    None
}
