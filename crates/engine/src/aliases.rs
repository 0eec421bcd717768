//! Aliases: text that stands for other text in commands (specification 5.18).
//!
//! A line's own text is looked at when the line begins, that of a block when the block is entered, so that what a
//! command of the same line defines holds in a later block. What was put in is not looked at again.

use std::borrow::Cow;
use std::collections::BTreeMap;

use farsight_types::AccessRole;

use crate::error::CommandError;
use crate::expression::command_line::end_of_block;

/// Most bytes of a text with its aliases replaced, and of what stands for one alias.
pub(crate) const MOST_TEXT: usize = 1 << 20;

/// Most aliases.
const MOST_ALIASES: usize = 10_000;

/// The aliases that the user has made.
#[derive(Clone, Debug, Default)]
pub(crate) struct AliasBook {
    named: BTreeMap<String, String>,
    /// `$u0` to `$u9`.
    fixed: [Option<String>; 10],
    /// Those that come from somebody who may not do everything, by name.
    lesser: BTreeMap<String, AccessRole>,
}

impl AliasBook {
    /// Makes an alias, or gives it another text.
    pub(crate) fn define(&mut self, name: &str, text: &str) -> Result<(), CommandError> {
        if text.len() > MOST_TEXT || self.named.len() >= MOST_ALIASES {
            return Err(CommandError::Refused(format!(
                "there is no room for the alias '{name}': at most {MOST_ALIASES} aliases of {MOST_TEXT} bytes each"
            )));
        }
        self.named.insert(name.to_owned(), text.to_owned());
        Ok(())
    }

    /// Notes whose an alias is.
    pub(crate) fn note_author(&mut self, name: &str, role: AccessRole) {
        match role {
            AccessRole::Owner => self.lesser.remove(name),
            AccessRole::Observer | AccessRole::Operator => self.lesser.insert(name.to_owned(), role),
        };
    }

    /// The lowest role that an alias came from which may stand in a text, or in an alias.
    pub(crate) fn lowest_author(&self, text: &str) -> AccessRole {
        let fixed = self.fixed.iter().flatten();
        let texts = || {
            self.named
                .values()
                .chain(fixed.clone())
                .map(String::as_str)
                .chain([text])
        };
        let met = self
            .lesser
            .iter()
            .filter(|(name, _)| texts().any(|text| text.contains(name.as_str())));
        met.map(|(_, role)| *role).min().unwrap_or(AccessRole::Owner)
    }

    /// Forgets an alias; whether there was one.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        self.named.remove(name).is_some()
    }

    pub(crate) fn remove_all(&mut self) {
        self.named.clear();
    }

    /// Names and texts, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.named.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// Sets `$u0` to `$u9`.
    pub(crate) fn set_fixed(&mut self, number: usize, text: &str) {
        if let Some(fixed) = self.fixed.get_mut(number) {
            *fixed = Some(text.to_owned());
        }
    }

    fn fixed(&self, name: &str) -> Option<&str> {
        let number: usize = name.strip_prefix("$u")?.parse().ok()?;
        self.fixed.get(number)?.as_deref()
    }

    /// A text with its aliases replaced, but not those in its blocks, which are entered later.
    pub(crate) fn expand<'t>(&self, text: &'t str) -> Result<Cow<'t, str>, CommandError> {
        let is_idle = self.named.is_empty() && self.fixed.iter().all(Option::is_none) && !text.contains("${");
        if is_idle || is_about_aliases(text) {
            return Ok(Cow::Borrowed(text));
        }
        let lookup = |name: &str| match self.named.get(name).map(String::as_str).or_else(|| self.fixed(name)) {
            Some(text) => Meaning::Text(text),
            None => Meaning::Undefined,
        };
        let expanded = Substitution {
            blocks: Blocks::Pass,
            words: true,
            fixed: Some(&self.fixed),
            lookup: &lookup,
        }
        .apply(text)?;
        Ok(match expanded == text {
            true => Cow::Borrowed(text),
            false => Cow::Owned(expanded),
        })
    }
}

/// A block with a word in the place of a `.foreach` variable.
pub(crate) fn replace_variable(text: &str, variable: &str, value: &str) -> Result<String, CommandError> {
    let lookup = |name: &str| match name == variable {
        true => Meaning::Text(value),
        false => Meaning::Foreign,
    };
    Substitution {
        blocks: Blocks::Enter,
        words: true,
        fixed: None,
        lookup: &lookup,
    }
    .apply(text)
}

/// A script with its arguments: `${$arg1}`. One that is missing stays as it is written.
pub(crate) fn replace_arguments(text: &str, arguments: &[String]) -> Result<String, CommandError> {
    if !text.contains("${") {
        return Ok(text.to_owned());
    }
    let lookup = |name: &str| match name
        .strip_prefix("$arg")
        .and_then(|number| number.parse::<usize>().ok())
    {
        None => Meaning::Foreign,
        Some(number) => match number.checked_sub(1).and_then(|index| arguments.get(index)) {
            Some(argument) => Meaning::Text(argument),
            None => Meaning::Undefined,
        },
    };
    Substitution {
        blocks: Blocks::Enter,
        words: false,
        fixed: None,
        lookup: &lookup,
    }
    .apply(text)
}

/// Whether a text begins with a command about aliases, in which none is replaced.
fn is_about_aliases(text: &str) -> bool {
    let text = text.trim_start();
    let word = text
        .find(|letter: char| letter.is_whitespace() || letter == ';')
        .map_or(text, |end| &text[..end]);
    ["as", "ad", "al"].iter().any(|name| word.eq_ignore_ascii_case(name))
}

/// What a name stands for.
enum Meaning<'a> {
    Text(&'a str),
    /// Nothing, so `${/d:Name}` is 0.
    Undefined,
    /// Not this substitution's affair.
    Foreign,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Blocks {
    /// What is in braces stays as it is.
    Pass,
    Enter,
}

struct Substitution<'a> {
    blocks: Blocks,
    /// Whole words are replaced, not `${Name}` alone.
    words: bool,
    /// Replaced wherever they stand.
    fixed: Option<&'a [Option<String>; 10]>,
    lookup: &'a dyn Fn(&str) -> Meaning<'a>,
}

impl Substitution<'_> {
    fn apply(&self, text: &str) -> Result<String, CommandError> {
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        let mut in_string = false;
        let mut blocks_close = true;
        // What nothing closes is looked for once, not from each place where it could begin.
        let mut braces_close = true;
        let mut before = ' ';
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let braced = rest.strip_prefix("${").filter(|_| braces_close);
            let end = braced.and_then(|inside| inside.find('}'));
            braces_close &= braced.is_none() || end.is_some();
            let length = if let (Some(inside), Some(end)) = (braced, end) {
                let replaced = self.braced(inside.get(..end).unwrap_or_default());
                out.push_str(replaced.as_deref().unwrap_or(&rest[..end + 3]));
                end + 3
            } else if let Some((value, length)) = self.fixed_at(rest) {
                out.push_str(value);
                length
            } else if let Some(length) = self.block_at(text, at, in_string, &mut blocks_close) {
                out.push_str(&rest[..length]);
                length
            } else {
                let word = match self.words && is_separator(before) {
                    true => &rest[..rest.find(is_separator).unwrap_or(rest.len())],
                    false => "",
                };
                match (self.lookup)(word) {
                    Meaning::Text(value) if !word.is_empty() => {
                        out.push_str(value);
                        word.len()
                    }
                    _ => {
                        let next = rest.chars().next().unwrap_or_default();
                        if next == '"' && before != '\\' {
                            in_string = !in_string;
                        }
                        // What follows within a word is a letter like others.
                        let is_special = |letter| matches!(letter, '$' | '{' | '"' | '\\') || is_separator(letter);
                        let first = next.len_utf8();
                        let run = match is_special(next) {
                            true => first,
                            false => rest.find(is_special).unwrap_or(rest.len()),
                        };
                        out.push_str(&rest[..run]);
                        run
                    }
                }
            };
            before = text[..at + length].chars().next_back().unwrap_or(' ');
            at += length;
            if out.len() > MOST_TEXT {
                return Err(CommandError::Refused(format!(
                    "the commands are longer than {MOST_TEXT} bytes once their aliases are replaced"
                )));
            }
        }
        Ok(out)
    }

    /// The text of `${...}`; none where it stays as it is.
    fn braced(&self, inside: &str) -> Option<Cow<'_, str>> {
        let (switch, name) = match inside.strip_prefix('/') {
            Some(switched) => switched.split_once(':')?,
            None => ("", inside),
        };
        let (switch, name) = (switch.trim(), name.trim());
        let meaning = (self.lookup)(name);
        match (switch, meaning) {
            (_, Meaning::Foreign) | ("v", _) => None,
            ("d", meaning) => Some(Cow::Borrowed(match meaning {
                Meaning::Text(_) => "1",
                _ => "0",
            })),
            ("n", Meaning::Text(_)) => Some(Cow::Owned(name.to_owned())),
            ("" | "f", Meaning::Text(value)) => Some(Cow::Owned(value.to_owned())),
            ("f" | "n", Meaning::Undefined) => Some(Cow::Borrowed("")),
            _ => None,
        }
    }

    fn fixed_at(&self, rest: &str) -> Option<(&str, usize)> {
        let digit = rest.strip_prefix("$u")?.chars().next()?.to_digit(10)?;
        let value = self.fixed?.get(usize::try_from(digit).ok()?)?.as_deref()?;
        Some((value, 3))
    }

    /// The length of a block that is passed over.
    fn block_at(&self, text: &str, at: usize, in_string: bool, blocks_close: &mut bool) -> Option<usize> {
        let is_block = self.blocks == Blocks::Pass && !in_string && *blocks_close;
        if !is_block || !text[at..].starts_with('{') {
            return None;
        }
        let end = end_of_block(text, at);
        *blocks_close = end.is_some();
        end.map(|end| end + 1 - at)
    }
}

/// What a whole word ends at.
fn is_separator(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, ';' | '(' | ')' | '{' | '}' | ',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book() -> AliasBook {
        let mut book = AliasBook::default();
        book.define("Name", "text").unwrap();
        book.define("self", "self self").unwrap();
        book.set_fixed(3, "three");
        book
    }

    #[test]
    fn names_are_replaced_where_they_are_whole_words() {
        let book = book();
        for (text, expected) in [
            (".echo Name", ".echo text"),
            (".echo Names xName Name1", ".echo Names xName Name1"),
            (".echo name", ".echo name"),
            (".if (Name) {k}", ".if (text) {k}"),
            (".echo a${Name}b", ".echo atextb"),
            (".echo ${gone} ${/f:gone}| ${/f:Name}", ".echo ${gone} | text"),
            ("? ${/d:Name} + ${/d:gone}", "? 1 + 0"),
            ("${/n:Name}${/n:gone}${/v:Name}", "Name${/v:Name}"),
            (".echo x$u3y $u4", ".echo xthreey $u4"),
            (".echo self", ".echo self self"),
            (".echo ${", ".echo ${"),
            ("as x Name", "as x Name"),
            ("aS x Name; .echo Name", "aS x Name; .echo Name"),
            (";as x Name", ";as x text"),
            ("asname Name", "asname text"),
            // Blocks are entered later, but what stands in quotes is not.
            (".block { Name } Name", ".block { Name } text"),
            ("bp x \"{ Name }\"", "bp x \"{ text }\""),
            (".echo { Name", ".echo { text"),
        ] {
            assert_eq!(book.expand(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn variables_and_arguments_reach_into_blocks() {
        assert_eq!(
            replace_variable(".if (1) { r x; ${x}y xx ${z} }", "x", "rax").unwrap(),
            ".if (1) { r rax; raxy xx ${z} }"
        );
        let arguments = ["one".to_owned(), "t w o".to_owned()];
        assert_eq!(
            replace_arguments(
                "${$arg1} { ${$arg2} } ${$arg3} ${/d:$arg3} ${/f:$arg3} $arg1 ${x}",
                &arguments
            )
            .unwrap(),
            "one { t w o } ${$arg3} 0  $arg1 ${x}"
        );
    }

    #[test]
    fn a_text_cannot_grow_without_end() {
        let mut book = AliasBook::default();
        book.define("x", &"y".repeat(MOST_TEXT / 2)).unwrap();
        assert!(book.expand("x x").is_err());
        assert!(book.define("x", &"y".repeat(MOST_TEXT + 1)).is_err());
    }
}
