//! Passwords and keys in the texts that people type, so that lists, logs and others do not show them.
//!
//! Too much is taken for a secret rather than too little: behind a password, everything as far as a comma or the end of the
//! line, for a value may hold blanks, quotation marks and braces. What is found follows how connection strings are cut:
//! blanks around keys and values count for nothing, and `@{` and `}` nest.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr_iter};

/// What stands before the colon of a connection string.
const PROTOCOLS: [&str; 13] = [
    "tcp", "npipe", "com", "ssl", "spipe", "stdio", "ssh", "net", "kdsrv", "usb", "usb2", "1394", "local",
];
/// Parts of keys that were meant to be `password` or `key`; no key of another meaning has one.
const LIKE: [&str; 6] = ["pas", "pw", "pssw", "word", "secret", "key"];
/// Longest key that is looked at, in bytes.
const LONGEST_KEY: usize = 40;
/// So many letters and digits behind `key=` are a key wherever they stand.
const DRAWN: usize = 20;
/// What stands for a secret in forms and advice.
const PLACEHOLDERS: [&str; 7] = ["or key=", "...", "PW", "KEY", "A.B.C.D", "PASSWORD", "SECRET"];

/// Where a text, typed or shown, holds secrets of connection strings.
pub fn secrets_in(text: &[u8]) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    find(text, 0, false, &mut places);
    places
}

/// Where words of a command line hold secrets; each word ends in a zero byte. A word alone is a value of its own, and
/// nobody reads it again: in doubt all the rest of it is secret.
pub fn secrets_in_words(words: &[u8]) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let mut at = 0;
    for word in words.split(|byte| *byte == 0) {
        find(word, at, true, &mut places);
        at += word.len() + 1;
    }
    places
}

fn find(text: &[u8], base: usize, is_word: bool, places: &mut Vec<Range<usize>>) {
    let mut done = 0;
    let mut protocol = None;
    for equals in memchr_iter(b'=', text) {
        // Texts without a key, which are nearly all, cost no more than this.
        let Some(before) = text.get(done..equals) else {
            continue;
        };
        let Some(key) = key_at_end(before) else {
            continue;
        };
        let lead = before.get(..key.start).unwrap_or_default();
        let first = *protocol.get_or_insert_with(|| first_protocol(text));
        let place = Place {
            is_word,
            is_in_string: first.is_some_and(|first| first < equals),
            before: lead.iter().rev().copied().find(|byte| !is_blank(*byte)),
            is_evaluated: is_evaluated(lead),
        };
        let value = text.get(equals + 1..).unwrap_or_default();
        if !place.makes_secret(before.get(key).unwrap_or_default(), value) {
            continue;
        }
        let secret = secret_at_start(value, is_word);
        done = equals + 1 + secret.end;
        if !secret.is_empty() {
            places.push(base + equals + 1 + secret.start..base + done);
        }
    }
}

/// What decides whether an assignment is one of a secret.
struct Place {
    is_word: bool,
    /// A connection string began before.
    is_in_string: bool,
    /// The last byte before the key that is no blank.
    before: Option<u8>,
    is_evaluated: bool,
}

impl Place {
    fn makes_secret(&self, key: &[u8], value: &[u8]) -> bool {
        let follows = matches!(self.before, Some(b',' | b':' | b'{' | b'"' | b'\''));
        let is_compared = value.starts_with(b"=");
        if key.eq_ignore_ascii_case(b"password") {
            return self.is_word || self.is_in_string || follows || !(self.is_evaluated || is_compared);
        }
        if key.eq_ignore_ascii_case(b"key") {
            return self.is_word || self.is_in_string || is_long(value);
        }
        let holds = |part: &&str| {
            key.windows(part.len())
                .any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
        };
        self.is_in_string && follows && LIKE.iter().any(holds)
    }
}

/// Whether a value begins as a key that was drawn.
fn is_long(value: &[u8]) -> bool {
    let value = value.trim_ascii_start();
    let value = value.strip_prefix(b"@{").unwrap_or(value);
    value.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count() >= DRAWN
}

/// Whether what begins so is an expression.
fn is_evaluated(before: &[u8]) -> bool {
    let command = before.rsplit(|byte| matches!(byte, b';' | b'{' | b'\n' | b'"')).next();
    command.unwrap_or_default().trim_ascii_start().starts_with(b"?")
}

/// Blanks of every kind: what is no letter of ASCII may be one, so it counts as one.
fn is_blank(byte: u8) -> bool {
    !byte.is_ascii_graphic()
}

/// The word that a text ends in, blanks behind it left out.
fn key_at_end(text: &[u8]) -> Option<Range<usize>> {
    let end = text.iter().rposition(|byte| !is_blank(*byte))? + 1;
    let is_letter = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let letters = text.get(..end)?.iter().rev().take(LONGEST_KEY).take_while(is_letter);
    let start = end - letters.count();
    (start < end).then_some(start..end)
}

/// Where the first connection string begins to have keys.
fn first_protocol(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    memchr_iter(b':', text).find(|colon| {
        let before = text.get(from..*colon).unwrap_or_default();
        from = *colon + 1;
        let name = key_at_end(before).and_then(|name| before.get(name)).unwrap_or_default();
        let is_name = |known: &&str| name.eq_ignore_ascii_case(known.as_bytes());
        PROTOCOLS.iter().any(is_name)
    })
}

/// The secret that a text begins with, which is empty where there is none but a sign where to find it.
fn secret_at_start(text: &[u8], is_word: bool) -> Range<usize> {
    let start = text
        .iter()
        .position(|byte| !(byte.is_ascii_whitespace() && (is_word || *byte != b'\n')))
        .unwrap_or(text.len());
    let value = text.get(start..).unwrap_or_default();
    if let Some(length) = sign_at_start(value) {
        return start + length..start + length;
    }
    let braced = if value.starts_with(b"@{") { past_brace(value) } else { 0 };
    let rest = value.get(braced..).unwrap_or_default();
    let length = match is_word {
        // A plain word that a comma ends is certain.
        true => memchr(b',', value).filter(|length| {
            let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'+' | b'/');
            value.get(..*length).unwrap_or_default().iter().all(plain)
        }),
        false => rest
            .iter()
            .position(|byte| matches!(byte, b',' | b'\n'))
            .map(|length| braced + length),
    };
    let value = value.get(..length.unwrap_or(value.len())).unwrap_or_default();
    start..start + value.trim_ascii_end().len()
}

/// The length of what a value begins with, closing brace included, where `@{` opens it; all where nothing closes it.
fn past_brace(value: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut previous = 0;
    for (at, byte) in value.iter().enumerate() {
        match byte {
            b'{' if previous == b'@' => depth += 1,
            b'}' if depth == 1 => return at + 1,
            b'}' => depth -= 1,
            _ => {}
        }
        previous = *byte;
    }
    value.len()
}

/// The length of what is no secret itself but says where it is to be had, or that there was one.
fn sign_at_start(value: &[u8]) -> Option<usize> {
    let letters = |from: usize| {
        let name = value.get(from..).unwrap_or_default().iter();
        from + name
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
            .count()
    };
    let fixed = PLACEHOLDERS.into_iter().chain(["*", "new"]);
    let fixed = fixed.filter(|word| value.starts_with(word.as_bytes())).map(str::len);
    let named = ["env:", "fd:"]
        .into_iter()
        .filter(|word| value.starts_with(word.as_bytes()))
        .map(|word| letters(word.len()));
    fixed.chain(named).find(|length| match value.get(*length..) {
        Some([b'.', rest @ ..]) => rest.first().is_none_or(u8::is_ascii_whitespace),
        Some([byte, ..]) => byte.is_ascii_whitespace() || b",\"'`()[]{};:".contains(byte),
        _ => true,
    })
}

/// A text without the secrets that it holds: each is a star.
pub fn without_secrets(text: &str) -> Cow<'_, str> {
    let places = secrets_in(text.as_bytes());
    if places.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    for place in places {
        // Secrets begin and end beside plain characters.
        shown.push_str(text.get(at..place.start).unwrap_or_default());
        shown.push('*');
        at = place.end;
    }
    shown.push_str(text.get(at..).unwrap_or_default());
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_wherever_connection_strings_stand() {
        for (text, shown) in [
            ("tcp:port=1,password=abc", "tcp:port=1,password=*"),
            (".server npipe:pipe=a,key=abcd", ".server npipe:pipe=a,key=*"),
            (
                "kdsrv:server=@{tcp:port=1,password=x},trans=@{com:}",
                "kdsrv:server=@{tcp:port=1,password=*,trans=@{com:}",
            ),
            ("tcp:port=1,password=@{a,b},hidden", "tcp:port=1,password=*,hidden"),
            (
                ".attach -premote tcp:port=1, password=x 122",
                ".attach -premote tcp:port=1, password=*",
            ),
            (
                "k; .server tcp:port=1,password=a b c; g",
                "k; .server tcp:port=1,password=*",
            ),
            ("\"ssl:pin=ab cd,password=a b\" 12", "\"ssl:pin=ab cd,password=*"),
            // Blanks around keys and values.
            (".server tcp:port=0,password =x", ".server tcp:port=0,password =*"),
            (".server tcp:port=0,password= x", ".server tcp:port=0,password= *"),
            (".server tcp:port=0,PassWord = x", ".server tcp:port=0,PassWord = *"),
            (".server tcp:port=0,\tkey= AAAA", ".server tcp:port=0,\tkey= *"),
            (".server\ttcp:port=0,password=x y", ".server\ttcp:port=0,password=*"),
            (
                ".server tcp :port=0,password\u{a0}=\u{a0}x",
                ".server tcp :port=0,password\u{a0}=*",
            ),
            // Tails.
            (
                ".tlist -premote tcp:server=h,port=1,password=my S",
                ".tlist -premote tcp:server=h,port=1,password=*",
            ),
            (
                "~0 e .server tcp:port=0,password=x y",
                "~0 e .server tcp:port=0,password=*",
            ),
            ("tcp:password=a;b", "tcp:password=*"),
            ("tcp:password=a\"b", "tcp:password=*"),
            ("tcp:password=a}b", "tcp:password=*"),
            ("tcp:password=@{a@{b}c},hidden", "tcp:password=*,hidden"),
            ("tcp:password=@{a}b,hidden", "tcp:password=*,hidden"),
            ("tcp:password=@{a\nb,c", "tcp:password=*"),
            ("'tcp:port=1,password=abc S'", "'tcp:port=1,password=*"),
            ("tcp:password==S", "tcp:password=*"),
            (
                "tcp:port=1,password=\u{e9}\u{e9},hidden",
                "tcp:port=1,password=*,hidden",
            ),
            // Where others stand.
            (
                "bp main \".server tcp:port=0,password=X\"",
                "bp main \".server tcp:port=0,password=*",
            ),
            ("as pw password=X", "as pw password=*"),
            ("as k key=ABCDEFGHIJKLMNOPQRSTUVWXYZ", "as k key=*"),
            ("tpc:port=1,password=X", "tpc:port=1,password=*"),
            ("tcp:port=1,pasword=S", "tcp:port=1,pasword=*"),
            ("tcp:port=1, pwd = S,kex=S", "tcp:port=1, pwd = *,kex=S"),
            ("a\ntcp:port=1,password=X\nb", "a\ntcp:port=1,password=*\nb"),
            ("tcp:password=x,key=y\n", "tcp:password=*,key=*\n"),
        ] {
            assert_eq!(without_secrets(text), shown);
            assert_eq!(without_secrets(shown), shown, "a second time");
        }
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        for text in [
            "tcp:port=1,password=*",
            "tcp:port=1,password=env:PW,key=new",
            "(column 4 of \"tcp:Port=1,Password=*\") and more",
            "the form is tcp:port=P[:HIGH][,password=PW][,key=KEY]",
            "cannot connect to tcp:server=a,port=1: it asks for a password: add password=... or key=...",
            ".server tcp:port=1,password=fd:3; g",
            "tcp:password=",
            "'tcp:port=1' needs a password= or key=, which encrypt",
            "the server asks for a password, not a key: use password=\n",
            "tcp:password=,hidden",
            "monkey=1,keys=2,passwords=3",
            "?? key=5",
            "?? password=5",
            ".if (password == 5) { ?? key = 5 }",
            "value=1, key=5",
            "tcp:port=1,server=h,pin=ab,certuser=me,proto=tls1,ipversion=6,timeout=5,role=owner",
            "a = b\n\u{e9}=\u{e9}=",
        ] {
            assert_eq!(without_secrets(text), text);
        }
    }

    #[test]
    fn in_a_command_line_nothing_of_a_secret_is_left() {
        for (value, left) in [
            ("tcp:port=0,password=Swordfish", "tcp:port=0,password="),
            ("tcp:Password=Swordfish,port=1", "tcp:Password=,port=1"),
            ("tcp:port=0,password =Swordfish", "tcp:port=0,password ="),
            ("tcp:port=0,password= Swordfish", "tcp:port=0,password= "),
            ("tcp:port=0,PassWord = Swordfish", "tcp:port=0,PassWord = "),
            ("tcp:port=0,key= AAAA", "tcp:port=0,key= "),
            ("tcp:port=0,\tpassword\n=\nSwordfish", "tcp:port=0,\tpassword\n=\n"),
            ("tcp:password=my secret words", "tcp:password="),
            ("tcp:password=a;b", "tcp:password="),
            ("tcp:password=a\"b,port=1", "tcp:password="),
            ("tcp:password=a}b", "tcp:password="),
            ("tcp:password=a\nb", "tcp:password="),
            ("tcp:password=@{a@{b}c}", "tcp:password="),
            ("'tcp:port=1,password=abc S'", "'tcp:port=1,password="),
            ("tcp:pwd=Swordfish", "tcp:pwd="),
            ("password=Swordfish", "password="),
            ("tcp:password=env:PW", "tcp:password=env:PW"),
            ("tcp:password=*", "tcp:password=*"),
        ] {
            let words = format!("dbgsrv\0-t\0{value}\0-x\0");
            let mut seen = words.clone().into_bytes();
            for place in secrets_in_words(words.as_bytes()).into_iter().rev() {
                seen.drain(place);
            }
            let expected = format!("dbgsrv\0-t\0{left}\0-x\0");
            assert_eq!(String::from_utf8(seen).unwrap(), expected, "{value:?}");
        }
    }
}
