//! Strings that came from a target, made fit for a terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// A string with everything that a terminal would obey instead of show written out: control characters as `\\n`, `\\e`,
/// `\\x07`, and characters that turn the direction of text or have no width as `\\u{202e}`.
///
/// Invariant: the result holds no control character. Tabs and line ends too are written out, so one string stays on one
/// line.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            '\x1b' => shown.push_str("\\e"),
            '\0' => shown.push_str("\\0"),
            hidden if is_hidden(hidden) => {
                let number = u32::from(hidden);
                // Writing to a string cannot fail.
                let _ = match number {
                    0..=0xff => write!(shown, "\\x{number:02x}"),
                    _ => write!(shown, "\\u{{{number:x}}}"),
                };
            }
            plain => shown.push(plain),
        }
    }
    Cow::Owned(shown)
}

/// As [`visible`], for text of several lines: line ends and tabs are kept.
///
/// For text of our own that quotes a target, such as a server's message.
pub fn visible_lines(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for piece in text.split_inclusive(['\n', '\t']) {
        let inside = piece.trim_end_matches(['\n', '\t']);
        shown.push_str(&visible(inside));
        shown.push_str(&piece[inside.len()..]);
    }
    shown
}

/// Whether a terminal would obey a character, or show something else than what is there.
fn is_hidden(character: char) -> bool {
    // Beyond the C0 and C1 controls: marks, embeddings and isolates of text direction, zero-width characters, line and
    // paragraph separators, the byte-order mark, and tags.
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_lines() {
        assert_eq!(visible_lines("a\x1b[1m\n\tb\r\n"), "a\\e[1m\n\tb\\r\n");
    }

    #[test]
    fn nothing_that_a_terminal_obeys_passes() {
        assert_eq!(visible("plain \u{e9}\u{4e2d}"), "plain \u{e9}\u{4e2d}");
        assert_eq!(visible("\x1b]0;owned\x07"), "\\e]0;owned\\x07");
        assert_eq!(visible("a\u{9b}31m\u{202e}b\nc\td\0"), "a\\x9b31m\\u{202e}b\\nc\\td\\0");
        for number in 0..=0x11_0000 {
            let Some(character) = char::from_u32(number) else {
                continue;
            };
            let text = character.to_string();
            assert!(!visible(&text).chars().any(char::is_control), "{number:#x}");
        }
    }
}
