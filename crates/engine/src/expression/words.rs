//! Words and strings among a command's arguments.

/// The word that the text begins with, up to a space or comma, and the rest behind the spaces and at most one comma
/// there.
pub fn take_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let end = text.find([' ', '\t', ',']).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let rest = rest.trim_start();
    (word, rest.strip_prefix(',').map_or(rest, str::trim_start))
}

/// The string that the text begins with, without its quotes and with its escapes taken, and the rest behind it and the
/// spaces there; none where it begins with no quote. `@"..."` is taken literally. A missing end quote is taken to be at
/// the end.
pub fn take_string(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start();
    if let Some(literal) = text.strip_prefix("@\"") {
        let (inside, rest) = literal.split_once('"').unwrap_or((literal, ""));
        return Some((inside.to_owned(), rest.trim_start()));
    }
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let inside = &text[1..];
    let mut escaped = false;
    let end = inside.find(|character: char| {
        let ends = character == quote && !escaped;
        escaped = character == '\\' && !escaped;
        ends
    });
    let (inside, rest) = match end {
        Some(end) => (&inside[..end], &inside[end + 1..]),
        None => (inside, ""),
    };
    Some((unescape(inside), rest.trim_start()))
}

/// A string with its C escapes taken (`\n \t \r \\ \" \' \0 \xHH`); unknown escapes stay as they are.
pub fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('\\') {
        plain.push_str(before);
        let mut characters = behind.chars();
        let taken = match characters.next() {
            Some('n') => Some('\n'),
            Some('t') => Some('\t'),
            Some('r') => Some('\r'),
            Some('0') => Some('\0'),
            Some(itself @ ('\\' | '"' | '\'')) => Some(itself),
            Some('x') => {
                let digits = behind.get(1..3);
                let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                value.inspect(|_| characters = behind[3..].chars()).map(char::from)
            }
            _ => None,
        };
        match taken {
            Some(character) => {
                plain.push(character);
                rest = characters.as_str();
            }
            None => {
                plain.push('\\');
                rest = behind;
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_spaces_and_commas() {
        assert_eq!(take_word("  one, two"), ("one", "two"));
        assert_eq!(take_word("one"), ("one", ""));
        assert_eq!(take_word(" ,x"), ("", "x"));
    }

    #[test]
    fn strings_keep_escaped_quotes() {
        let string = |text: &'static str| take_string(text).map(|(string, rest)| (string, rest.to_owned()));
        let expect = |string: &str, rest: &str| Some((string.to_owned(), rest.to_owned()));
        assert_eq!(string(r#" "k; .echo \"a\"" rest"#), expect(r#"k; .echo "a""#, "rest"));
        assert_eq!(string(r#"@"C:\new" x"#), expect(r"C:\new", "x"));
        assert_eq!(string(r#""open"#), expect("open", ""));
        assert_eq!(string(r"'it''s'"), expect("it", "'s'"));
        assert_eq!(string("main"), None);
        assert_eq!(string("\"ends in \\"), expect("ends in \\", ""));
    }

    #[test]
    fn unknown_escapes_stay() {
        assert_eq!(unescape(r"a\tb\x41\xzz\q\u00e9"), "a\tbA\\xzz\\q\\u00e9");
        assert_eq!(unescape("\\x\u{e9}1"), "\\x\u{e9}1");
        assert_eq!(unescape("\\"), "\\");
    }
}
