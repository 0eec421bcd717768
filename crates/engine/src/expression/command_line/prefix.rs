//! What a command begins with: prefixes and its name.

use super::{LineError, Prefixes, Selector, names};

/// The beginning of a command.
pub(super) struct Head {
    pub(super) prefixes: Prefixes,
    pub(super) name: String,
    /// Where in the line it ends.
    pub(super) end: usize,
}

/// The kinds of prefixes, by their signs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    System,
    Process,
    Thread,
}

impl Kind {
    fn sign(self) -> &'static str {
        match self {
            Kind::System => "||",
            Kind::Process => "|",
            Kind::Thread => "~",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Kind::System => "system",
            Kind::Process => "process",
            Kind::Thread => "thread",
        }
    }

    /// Commands that stand as one letter behind the prefix: select, and what is done to threads.
    fn letters(self) -> &'static str {
        match self {
            Kind::Thread => "sfunm",
            _ => "s",
        }
    }
}

/// Reads prefixes and name of the command that begins at a place.
pub(super) fn head(line: &str, start: usize) -> Result<Head, LineError> {
    let mut prefixes = Prefixes::default();
    let mut at = start;
    for kind in [Kind::System, Kind::Process, Kind::Thread] {
        let rest = &line[at..];
        if !rest.starts_with(kind.sign()) {
            continue;
        }
        at += kind.sign().len();
        let (selector, length) = selector(&line[at..], at)?;
        at += length;
        let given = selector.is_some();
        *match kind {
            Kind::System => &mut prefixes.system,
            Kind::Process => &mut prefixes.process,
            Kind::Thread => &mut prefixes.thread,
        } = selector;
        let behind = line[at..].trim_start();
        let behind_at = line.len() - behind.len();
        let list = behind.is_empty() || behind.starts_with(';');
        let letter = behind.chars().next().map(|first| first.to_ascii_lowercase());
        let alone = behind.get(1..).is_some_and(|more| {
            let more = more.trim_start();
            more.is_empty() || more.starts_with(';')
        });
        let name = match letter {
            _ if list => kind.sign().to_owned(),
            Some(letter) if alone && kind.letters().contains(letter) => format!("{}{letter}", kind.sign()),
            // `~T e Commands`; `~Teb` is `eb` on that thread.
            Some('e') if kind == Kind::Thread && behind[1..].starts_with([' ', '\t']) => String::from("~e"),
            _ if !given => {
                return Err(LineError {
                    position: at,
                    what: format!("Syntax error at '{behind}': {} needs a {}", kind.sign(), kind.word()),
                });
            }
            _ => {
                at = behind_at;
                continue;
            }
        };
        let end = if list { at } else { behind_at + 1 };
        return Ok(Head { prefixes, name, end });
    }
    let (name, length) = names::name(&line[at..]);
    Ok(Head {
        prefixes,
        name,
        end: at + length,
    })
}

/// The selector that a text begins with, and its length.
fn selector(text: &str, at: usize) -> Result<(Option<Selector>, usize), LineError> {
    let error = |what: &str| LineError {
        position: at,
        what: format!("Syntax error at '{text}': {what}"),
    };
    let digits = text.len()
        - text
            .trim_start_matches(|character: char| character.is_ascii_digit())
            .len();
    if digits > 0 {
        let number = text[..digits].parse().map_err(|_| error("the number is too large"))?;
        return Ok((Some(Selector::Number(number)), digits));
    }
    let (bracket, os) = match text.strip_prefix('~') {
        Some(behind) => (behind, true),
        None => (text, false),
    };
    if let Some(inside) = bracket.strip_prefix('[') {
        let end = inside.find(']').ok_or_else(|| error("the ] is missing"))?;
        let length = end + 2 + usize::from(os);
        let expression = inside[..end].trim().to_owned();
        let selector = if os {
            Selector::OsId(expression)
        } else {
            Selector::Expression(expression)
        };
        return Ok((Some(selector), length));
    }
    Ok(match text.chars().next() {
        Some('.') if !text[1..].starts_with(|next: char| next.is_ascii_alphabetic() && is_meta(&text[1..])) => {
            (Some(Selector::Current), 1)
        }
        Some('#') => (Some(Selector::Event), 1),
        Some('*') => (Some(Selector::All), 1),
        _ => (None, 0),
    })
}

/// Whether the letters behind a `.` make a meta-command, as in `~.echo`, which means no thread at all.
fn is_meta(letters: &str) -> bool {
    let end = letters
        .find(|character: char| !character.is_ascii_alphanumeric())
        .unwrap_or(letters.len());
    end > 1 && names::is_known(&format!(".{}", &letters[..end].to_ascii_lowercase()))
}
