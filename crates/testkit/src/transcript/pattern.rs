//! Comparing what was shown with what was expected, some of which may vary.

type Takes = fn(char) -> bool;

/// What stands for one part of a line that varies, and which characters it takes; at least one, except for `<...>`.
const PARTS: [(&str, Takes); 5] = [
    ("<hex>", |letter| letter.is_ascii_hexdigit() || letter == '`'),
    ("<pid>", |letter| letter.is_ascii_hexdigit()),
    ("<tid>", |letter| letter.is_ascii_hexdigit()),
    ("<dec>", |letter| letter.is_ascii_digit()),
    ("<...>", |_| true),
];
const ANY_CHARACTERS: &str = "<...>";
const ANY_LINES: &str = "<lines>";

/// Whether a text has these lines. Spaces at the ends of lines and blank lines at the end of the text do not count.
pub fn matches_lines(expected: &[String], shown: &str) -> bool {
    let shown = super::lines_of(shown);
    let end = expected.iter().rposition(|line| !line.trim().is_empty());
    let expected = &expected[..end.map_or(0, |end| end + 1)];
    // `fits[n]`: whether the expected lines so far fit the first n lines that were shown.
    let mut fits = vec![false; shown.len() + 1];
    fits[0] = true;
    for line in expected {
        let mut next = vec![false; shown.len() + 1];
        for at in 0..=shown.len() {
            if line.trim() == ANY_LINES {
                next[at] = fits[at] || (at > 0 && next[at - 1]);
            } else if at > 0 && fits[at - 1] {
                next[at] = matches_line(line.trim_end(), &shown[at - 1]);
            }
        }
        fits = next;
    }
    fits[shown.len()]
}

fn matches_line(pattern: &str, text: &str) -> bool {
    let first = PARTS
        .iter()
        .filter_map(|(name, takes)| Some((pattern.find(name)?, *name, takes)))
        .min_by_key(|(at, _, _)| *at);
    let Some((at, name, takes)) = first else {
        return pattern == text;
    };
    let Some(mut rest) = text.strip_prefix(&pattern[..at]) else {
        return false;
    };
    let behind = &pattern[at + name.len()..];
    let mut taken = 0;
    loop {
        if (taken > 0 || name == ANY_CHARACTERS) && matches_line(behind, rest) {
            return true;
        }
        let mut letters = rest.chars();
        match letters.next() {
            Some(letter) if takes(letter) => rest = letters.as_str(),
            _ => return false,
        }
        taken += 1;
    }
}
