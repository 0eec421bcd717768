//! `as aS ad al`, and `$.u0` to `$.u9` of `r`: text that stands for other text.

use std::path::Path;

use farsight_session::Record;
use farsight_types::{AccessRole, Address};

use super::{Invocation, Needs, Prefix, Row, text};
use crate::aliases::MOST_TEXT;
use crate::error::CommandError;
use crate::execution::{Construct, Flow};
use crate::expression::take_word;
use crate::session::Session;

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &["as", "aS"],
        usage: "as|aS [/e|/ma|/mu|/msa|/msu|/x|/f|/c] Name Text|Variable|Address|Expression|File|Commands",
        summary: "Makes a name stand for a text: the rest of the line with as, up to the next ; with aS.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: define,
    },
    Row {
        names: &["ad"],
        usage: "ad [/q] Name|*",
        summary: "Forgets an alias, or all.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: forget,
    },
    Row {
        names: &["al"],
        usage: "al",
        summary: "Lists the aliases.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: list,
    },
];

/// `${/v:Name}` names an alias without its text being put in.
fn plain_name(name: &str) -> &str {
    let inside = name.strip_prefix("${/v:").and_then(|name| name.strip_suffix('}'));
    inside.unwrap_or(name)
}

fn define(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (kind, rest) = match invocation.text.starts_with('/') {
        true => take_word(invocation.text),
        false => ("", invocation.text),
    };
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let (typed, value) = rest.split_at(end);
    let name = plain_name(typed);
    let value = value.trim();
    if name.is_empty() {
        return Err(invocation.missing("the name of the alias"));
    }
    if ["al", "as", "aS", "ad"].iter().any(|word| name.starts_with(word)) {
        let what = "an alias may not begin with as, aS, ad or al: a line that does is taken for one about aliases";
        return Err(CommandError::syntax(invocation.position_of(typed), what));
    }
    if value.is_empty() {
        return Err(invocation.missing("what the alias stands for"));
    }
    let at = invocation.position_of(value);
    let value = match kind {
        "" if invocation.name == "aS" => unquoted(value).to_owned(),
        "" => value.to_owned(),
        "/e" => {
            session.demand(AccessRole::Owner, "the environment of the debugger cannot be read")?;
            session.outside.variable(value).ok_or_else(|| CommandError::NoSuch {
                what: format!("this machine's environment has no variable '{value}'"),
            })?
        }
        "/x" => format!("{:#x}", session.evaluate(value, at)?),
        "/f" => {
            let bytes = session.outside.read_file(Path::new(unquoted(value)), MOST_TEXT as u64);
            let bytes = bytes.map_err(|failure| CommandError::Refused(failure.to_string()))?;
            String::from_utf8_lossy(&bytes)
                .trim_end_matches(['\r', '\n'])
                .to_owned()
        }
        "/ma" | "/mu" | "/msa" | "/msu" => {
            let address = Address(session.evaluate(value, at)?);
            let counted = kind.starts_with("/ms");
            let wide = kind.ends_with('u');
            text::read(session, address, text::Kind { wide, counted })?
        }
        "/c" => {
            return Ok(Flow::Enter(Box::new(Construct::AliasOf {
                commands: at..at + value.len(),
                name: name.to_owned(),
            })));
        }
        _ => {
            return Err(CommandError::syntax(
                invocation.at,
                format!("'{kind}' is no kind of alias: /e /ma /mu /msa /msu /x /f /c"),
            ));
        }
    };
    session.aliases.define(name, &value)?;
    session.aliases.note_author(name, session.rights.role);
    Ok(Flow::Done)
}

fn unquoted(text: &str) -> &str {
    let inside = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inside.unwrap_or(text)
}

fn forget(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (first, rest) = take_word(invocation.text);
    let (quiet, typed) = match first {
        "/q" => (true, rest),
        _ => (false, invocation.text),
    };
    let name = plain_name(typed.trim());
    match name {
        "" => return Err(invocation.missing("the name of the alias")),
        "*" => session.aliases.remove_all(),
        _ if session.aliases.remove(name) || quiet => {}
        _ => {
            return Err(CommandError::NoSuch {
                what: format!("there is no alias '{name}'; al lists them"),
            });
        }
    }
    Ok(Flow::Done)
}

fn list(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    invocation.expect_end(invocation.text)?;
    let rows: Vec<String> = session
        .aliases
        .iter()
        .map(|(name, text)| format!(" {name:<16} {text}"))
        .collect();
    let lines = match rows.is_empty() {
        true => vec![String::from("No aliases")],
        false => {
            let mut lines = vec![
                format!(" {:<16} {}", "Alias", "Value"),
                format!(" {:<16} {}", "-------", "-------"),
            ];
            lines.extend(rows);
            lines
        }
    };
    session.output.record(Record::Lines(lines));
    Ok(Flow::Done)
}

/// `r $.u0 = Text`: whether it was that.
pub(super) fn set_fixed(session: &mut Session, text: &str) -> bool {
    let Some(rest) = text.trim_start().strip_prefix("$.u") else {
        return false;
    };
    let number = rest.chars().next().and_then(|digit| digit.to_digit(10));
    let value = rest.get(1..).and_then(|rest| rest.trim_start().strip_prefix('='));
    match (number, value) {
        (Some(number), Some(value)) => {
            session.aliases.set_fixed(number as usize, value.trim());
            session.aliases.note_author(&format!("$u{number}"), session.rights.role);
            true
        }
        _ => false,
    }
}
