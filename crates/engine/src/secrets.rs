//! Passwords and keys of connection strings, taken out of what is shown: they may have been typed into anything, such as an
//! alias or a breakpoint's commands, and who reads it, now or later, may be anybody.

use std::borrow::Cow;

use farsight_session::{Content, Record};
use farsight_types::{secrets_in, without_secrets};

/// Shortest part of a secret that is looked for in other words.
const SHORTEST: usize = 3;

/// What is shown, without the secrets in words of the user's or ours. What a target holds is shown as it is.
pub(crate) fn masked(mut content: Content) -> Content {
    match &mut content {
        Content::Text(text) => mask(text),
        Content::Record(record) => match &mut **record {
            Record::Lines(lines) => lines.iter_mut().for_each(mask),
            Record::Breakpoints(breakpoints) => {
                for row in &mut breakpoints.rows {
                    mask(&mut row.expression);
                    mask(&mut row.commands);
                    row.trouble.iter_mut().for_each(mask);
                }
            }
            Record::Filters(filters) => {
                for row in &mut filters.rows {
                    mask(&mut row.argument);
                    mask(&mut row.first);
                    mask(&mut row.second);
                }
            }
            Record::Printed(printed) => {
                let ours = printed.parts.iter_mut().filter(|part| !part.of_target);
                ours.for_each(|part| mask(&mut part.text));
            }
            _ => {}
        },
    }
    content
}

fn mask(text: &mut String) {
    if let Cow::Owned(shown) = without_secrets(text) {
        *text = shown;
    }
}

/// A line without its secrets, and where a place in it went.
pub(crate) fn masked_at(line: &str, position: usize) -> (Cow<'_, str>, usize) {
    let mut moved = position;
    for place in secrets_in(line.as_bytes()) {
        // Each is one star.
        if position >= place.end {
            moved = moved + 1 - place.len();
        } else if position > place.start {
            moved = moved + place.start - position;
        }
    }
    (without_secrets(line), moved)
}

/// A message without the secrets of a line, of which it may quote any part.
pub(crate) fn without_those_of(line: &str, mut message: String) -> String {
    let places = secrets_in(line.as_bytes());
    let secrets = places.into_iter().filter_map(|place| line.get(place));
    for secret in secrets {
        let parts = secret.split(|letter: char| !letter.is_alphanumeric());
        for part in parts.filter(|part| part.len() >= SHORTEST) {
            message = message.replace(part, "*");
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use farsight_session::record::{FilterRow, Filters};

    use super::*;

    #[test]
    fn places_behind_secrets_move_with_them() {
        let line = "a tcp:password=Sword,key=fish,port=x";
        let shown = "a tcp:password=*,key=*,port=x";
        for (word, mark) in [
            ("a", "a"),
            ("Sword", "*"),
            ("ord,", "*"),
            (",key", ",key"),
            (",port", ",port"),
            ("x", "x"),
        ] {
            let (masked, at) = masked_at(line, line.find(word).unwrap());
            assert_eq!(masked, shown);
            assert_eq!(at, shown.find(mark).unwrap(), "{word}");
        }
        assert_eq!(masked_at("a,key=5", 7).1, 7);
    }

    #[test]
    fn commands_that_are_kept_are_shown_without_secrets() {
        let command = String::from(".server tcp:port=0,password=Swordfish");
        let row = FilterRow {
            first: command.clone(),
            second: command.clone(),
            argument: command.clone(),
            ..FilterRow::default()
        };
        for content in [
            Content::Text(command.clone()),
            Content::Record(Box::new(Record::Lines(vec!["x".into(), command]))),
            Content::Record(Box::new(Record::Filters(Filters { rows: vec![row] }))),
        ] {
            let shown = format!("{:?}", masked(content));
            assert!(shown.contains("password=*") && !shown.contains("Swordfish"), "{shown}");
        }
    }
}
