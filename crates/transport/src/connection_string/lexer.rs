//! Cuts a connection string into a protocol, keys and values, each with its byte position in the whole text.
//!
//! It knows no key and no protocol. `@{` opens a protected value only directly behind `=`; inside one, `@{` and `}` nest.

use std::ops::Range;

use super::error::{ConnectionStringError, Fault};

/// A connection string cut into pieces that still know where they came from.
pub(super) struct Lexed<'t> {
    /// The whole text that positions refer to, also when this is a nested part of it.
    pub(super) whole: &'t str,
    pub(super) protocol: &'t str,
    pub(super) protocol_at: usize,
    pub(super) params: Vec<Param<'t>>,
    /// Where a missing key would have to be added.
    pub(super) end: usize,
}

/// `key=value` or a flag.
#[derive(Clone, Copy)]
pub(super) struct Param<'t> {
    pub(super) key: &'t str,
    pub(super) key_at: usize,
    pub(super) value: Option<Value<'t>>,
}

/// The text behind `=`: as written between `@{` and `}`, else without surrounding blanks.
#[derive(Clone, Copy)]
pub(super) struct Value<'t> {
    pub(super) text: &'t str,
    pub(super) at: usize,
    pub(super) braced: bool,
}

impl Value<'_> {
    /// The range of the whole text that the value covers.
    pub(super) fn range(&self) -> Range<usize> {
        self.at..self.at.saturating_add(self.text.len())
    }
}

/// Cuts `whole[range]`; a range that is not on character boundaries counts as empty.
pub(super) fn lex(whole: &str, range: Range<usize>) -> Result<Lexed<'_>, ConnectionStringError> {
    let fail = |at, fault| ConnectionStringError::new(whole, at, fault);
    let start = range.start;
    let (text, at) = trim(whole.get(range).unwrap_or(""), start);
    let (text, at) = unquote(text, at).ok_or_else(|| fail(at, Fault::UnclosedQuote))?;
    if text.is_empty() {
        return Err(fail(at, Fault::Empty));
    }
    let Some((protocol, rest)) = text.split_once(':') else {
        return Err(fail(at, Fault::NoProtocol));
    };
    let rest_at = at + protocol.len() + 1;
    let (protocol, protocol_at) = trim(protocol, at);
    if protocol.is_empty() || !protocol.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(fail(at, Fault::NoProtocol));
    }
    let end = at + text.len();
    let params = lex_params(whole, rest, rest_at)?;
    Ok(Lexed {
        whole,
        protocol,
        protocol_at,
        params,
        end,
    })
}

fn lex_params<'t>(whole: &'t str, text: &'t str, at: usize) -> Result<Vec<Param<'t>>, ConnectionStringError> {
    let mut params = Vec::new();
    if text.trim().is_empty() {
        return Ok(params);
    }
    let mut pos = 0;
    loop {
        let rest = text.get(pos..).unwrap_or("");
        let key_length = rest.find(['=', ',']).unwrap_or(rest.len());
        let (key_text, tail) = rest.split_at(key_length);
        let (key, key_at) = trim(key_text, at + pos);
        if key.is_empty() {
            return Err(ConnectionStringError::new(whole, key_at, Fault::EmptyParameter));
        }
        pos += key_length;
        let value = match tail.strip_prefix('=') {
            None => None,
            Some(after) => {
                let (value, used) = lex_value(whole, after, at + pos + 1, key)?;
                pos += 1 + used;
                Some(value)
            }
        };
        params.push(Param { key, key_at, value });
        match text.get(pos..).and_then(|rest| rest.chars().next()) {
            Some(',') => pos += 1,
            // A value ends at a comma or at the end of the text, so nothing else can stand here.
            _ => return Ok(params),
        }
    }
}

/// One value and how many bytes of `text` it took.
fn lex_value<'t>(
    whole: &'t str,
    text: &'t str,
    at: usize,
    key: &str,
) -> Result<(Value<'t>, usize), ConnectionStringError> {
    let (front, front_at) = (text.trim_start(), at + (text.len() - text.trim_start().len()));
    let Some(inner) = front.strip_prefix("@{") else {
        let length = text.find(',').unwrap_or(text.len());
        let (value, value_at) = trim(text.get(..length).unwrap_or(""), at);
        return Ok((
            Value {
                text: value,
                at: value_at,
                braced: false,
            },
            length,
        ));
    };
    let key = || key.to_owned();
    let Some(length) = closing_brace(inner) else {
        return Err(ConnectionStringError::new(
            whole,
            front_at,
            Fault::UnclosedBrace { key: key() },
        ));
    };
    let value = Value {
        text: inner.get(..length).unwrap_or(""),
        at: front_at + 2,
        braced: true,
    };
    let after = inner.get(length + 1..).unwrap_or("");
    let blanks = after.len() - after.trim_start().len();
    let next = after.trim_start();
    let end = front_at + 2 + length + 1 + blanks;
    if !next.is_empty() && !next.starts_with(',') {
        return Err(ConnectionStringError::new(
            whole,
            end,
            Fault::TextAfterBrace { key: key() },
        ));
    }
    Ok((value, end - at))
}

/// The position of the `}` that closes an `@{` standing before `text`.
fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut previous = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' if previous == b'@' => depth += 1,
            b'}' if depth == 0 => return Some(at),
            b'}' => depth -= 1,
            _ => {}
        }
        previous = byte;
    }
    None
}

fn trim(text: &str, at: usize) -> (&str, usize) {
    let front = text.trim_start();
    (front.trim_end(), at + (text.len() - front.len()))
}

/// Takes one pair of quotation marks off the whole string; `None` when the closing one is missing.
fn unquote(text: &str, at: usize) -> Option<(&str, usize)> {
    let Some(mark @ ('"' | '\'')) = text.chars().next() else {
        return Some((text, at));
    };
    let inner = text.get(1..)?.strip_suffix(mark)?;
    Some(trim(inner, at + 1))
}
