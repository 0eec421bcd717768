//! What could stand at the end of a line that is being typed.

use super::{rows, symbols};
use crate::expression::command_line::split_part;
use crate::session::Session;

/// Candidates that are offered at most.
const MOST_CANDIDATES: usize = 200;

/// Commands whose argument is a file of this machine: the last word of it.
const FILES: [&str; 9] = [
    "$<",
    "$><",
    "$$<",
    "$$><",
    "$$>a<",
    ".logopen",
    ".logappend",
    ".sympath",
    ".exepath",
];

/// Commands whose first argument is a file of this machine.
const FILES_FIRST: [&str; 2] = [".readmem", ".writemem"];

/// Where the last word of a line begins, and what could stand there: commands, files, and names of modules and symbols
/// that are here already.
pub(crate) fn complete(session: &mut Session, line: &str) -> (usize, Vec<String>) {
    if let Some(start) = path_at_end(line) {
        let beginning = line.get(start..).unwrap_or_default();
        return (start, session.outside.complete_path(beginning, MOST_CANDIDATES));
    }
    let start = line
        .rfind(|letter: char| letter.is_whitespace() || ";,()[]{}+-*/&|^=<>\"".contains(letter))
        .map_or(0, |at| at + line[at..].chars().next().map_or(1, char::len_utf8));
    let word = line.get(start..).unwrap_or_default();
    if word.is_empty() {
        return (start, Vec::new());
    }
    let mut found: Vec<String> = match wants_command(line.get(..start).unwrap_or_default()) {
        true => {
            let typed = word.to_ascii_lowercase();
            let names = rows().flat_map(|row| row.names);
            let fits = names.filter(|name| name.starts_with(word) || name.starts_with(&typed));
            fits.map(|name| (*name).to_owned()).collect()
        }
        false => symbols::complete(session, word),
    };
    found.sort_unstable();
    found.dedup();
    found.truncate(MOST_CANDIDATES);
    (start, found)
}

/// Whether a command's name is what comes next: at the beginning, behind `;`, in a block or a string of commands, behind
/// a prefix, and for `.help`.
fn wants_command(before: &str) -> bool {
    let before = before.trim_end();
    if before.is_empty() || before.ends_with([';', '{']) {
        return true;
    }
    let is_open = before.matches('"').count() % 2 == 1;
    let last = before.rsplit([';', '{', '"']).next().unwrap_or_default().trim_start();
    (is_open && before.ends_with('"'))
        || last.eq_ignore_ascii_case(".help")
        || (last.starts_with('~') && (last.ends_with(" e") || last.split_whitespace().count() == 1))
}

/// Where the file's path begins that a line ends with, if its last command takes one there.
fn path_at_end(line: &str) -> Option<usize> {
    // An open quote is a path's as well as a command string's: it is left to the end of the line.
    let commands = split_part(line, 0..line.len()).ok()?;
    let command = commands.last()?;
    if command.span.end != line.len() {
        return None;
    }
    let from = command.arguments_at;
    let arguments = line.get(from..)?;
    let begun =
        from > command.span.start + command.name.len() || command.name.ends_with('<') || arguments.starts_with('+');
    if !begun {
        return None;
    }
    // In quotes a path may hold spaces.
    if let Some(quote) = arguments.rfind('"').filter(|_| arguments.matches('"').count() % 2 == 1) {
        let first = arguments.find('"') == Some(quote);
        let fits = FILES.contains(&command.name.as_str()) || (first && FILES_FIRST.contains(&command.name.as_str()));
        return fits.then_some(from + quote + 1);
    }
    let last = arguments.rfind(|letter: char| letter.is_whitespace() || matches!(letter, ';' | '+'));
    let last = last.map_or(0, |at| at + arguments[at..].chars().next().map_or(1, char::len_utf8));
    let word = arguments.get(last..).unwrap_or_default();
    let is_option = word.starts_with('/') && word.len() <= 2 && command.name.starts_with(".log");
    let is_first = !arguments.trim().is_empty() && arguments.split_whitespace().count() == 1 && last == 0;
    let fits = FILES.contains(&command.name.as_str()) || (is_first && FILES_FIRST.contains(&command.name.as_str()));
    (fits && !word.is_empty() && !(is_option && word.len() == 2)).then_some(from + last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_begin_where_their_commands_want_them() {
        for (line, path) in [
            ("$</tmp/a", Some("/tmp/a")),
            ("k; $$>a< /tmp/a", Some("/tmp/a")),
            ("$$>a<\"/tmp/a b", Some("/tmp/a b")),
            (".logopen /t /tmp/x", Some("/tmp/x")),
            (".logopen /t", None),
            (".sympath /a;/b", Some("/b")),
            (".sympath+ /b", Some("/b")),
            (".writemem /tmp/f", Some("/tmp/f")),
            (".writemem /tmp/f ma", None),
            (".logopen", None),
            ("bp /x", None),
            ("", None),
            (".block { $</tmp", None),
        ] {
            assert_eq!(path_at_end(line).map(|at| &line[at..]), path, "{line}");
        }
    }

    #[test]
    fn commands_are_wanted_where_commands_begin() {
        for (before, wanted) in [
            ("", true),
            ("k; ", true),
            (".if (1) { ", true),
            ("bp main \"", true),
            ("bp main \"k; ", true),
            ("~* ", true),
            ("~1 e ", true),
            (".help ", true),
            ("bp ", false),
            ("? 1 + ", false),
            ("bp main \"k\" ", false),
        ] {
            assert_eq!(wants_command(before), wanted, "{before}");
        }
    }
}
