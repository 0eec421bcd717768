//! Passwords and keys in the texts that people type, so that lists, logs and others do not show them.

use std::borrow::Cow;

/// Where a text holds secrets of connection strings.
pub fn secrets_in(text: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut places = Vec::new();
    let mut at = 0;
    while let Some(begin) = (at..text.len()).find(|begin| begins_secret(text, *begin).is_some()) {
        let start = begins_secret(text, begin).unwrap_or(begin);
        let braced = text[start..].starts_with(b"@{");
        let spaced = takes_blanks(&text[..begin]);
        let end = text[start..]
            .iter()
            .position(|byte| match (braced, byte) {
                (_, 0) | (true, b'}') | (false, b',' | b'}' | b'"' | b';' | b'\n') => true,
                (false, byte) => !spaced && byte.is_ascii_whitespace(),
                (true, _) => false,
            })
            .map_or(text.len(), |length| start + length);
        let shown = text.get(start..end).unwrap_or_default();
        let is_open = shown == b"*" || shown.starts_with(b"env:") || shown.starts_with(b"fd:") || shown == b"new";
        if !is_open && start < end {
            places.push(start..end);
        }
        at = end.max(begin + 1);
    }
    places
}

/// Where the secret begins, if a key that has one begins here.
fn begins_secret(text: &[u8], begin: usize) -> Option<usize> {
    let start = [&b"password="[..], b"key="].into_iter().find_map(|key| {
        let here = text.get(begin..begin + key.len())?;
        here.eq_ignore_ascii_case(key).then_some(begin + key.len())
    })?;
    // An assignment in an expression is none.
    let before = text[..begin].iter().rev().find(|byte| **byte != b' ');
    matches!(before, Some(b':' | b',' | b'{')).then_some(start)
}

/// Whether blanks belong to the connection string that stands behind this: in quotation marks, and behind the command that
/// takes the rest of its line.
fn takes_blanks(before: &[u8]) -> bool {
    let quoted = before.iter().filter(|byte| **byte == b'"').count() % 2 == 1;
    let command = before
        .rsplit(|byte| matches!(byte, b';' | b'"' | b'\n' | b'{' | 0))
        .next()
        .unwrap_or(before);
    let command = command.trim_ascii_start();
    quoted
        || command
            .get(..8)
            .is_some_and(|word| word.eq_ignore_ascii_case(b".server "))
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
            ("-t\0tcp:Password=abc,port=1\0-x", "-t\0tcp:Password=*,port=1\0-x"),
            (".server npipe:pipe=a,key=abcd; g", ".server npipe:pipe=a,key=*; g"),
            (
                "kdsrv:server=@{tcp:port=1,password=x},trans=@{com:}",
                "kdsrv:server=@{tcp:port=1,password=*},trans=@{com:}",
            ),
            ("tcp:port=1,password=@{a,b},hidden", "tcp:port=1,password=*},hidden"),
            ("tcp:port=1,password=*", "tcp:port=1,password=*"),
            (
                "tcp:port=1,password=env:PW,key=new",
                "tcp:port=1,password=env:PW,key=new",
            ),
            ("monkey=1,keys=2,passwords=3", "monkey=1,keys=2,passwords=3"),
            ("tcp:password=", "tcp:password="),
            ("?? key=5", "?? key=5"),
            (
                ".attach -premote tcp:port=1, password=x 122",
                ".attach -premote tcp:port=1, password=* 122",
            ),
            (
                "k; .server tcp:port=1,password=a b c; g",
                "k; .server tcp:port=1,password=*; g",
            ),
            ("\"ssl:pin=ab cd,password=a b\" 12", "\"ssl:pin=ab cd,password=*\" 12"),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
        assert_eq!(secrets_in(b"a,password=x b,key=yy").len(), 2);
    }
}
