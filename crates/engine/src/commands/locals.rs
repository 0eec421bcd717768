//! `dv`: the parameters and variables of the chosen frame.

use std::cmp::Reverse;

use farsight_session::Record;
use farsight_session::record::{LocalColumns, Locals};
use farsight_symbols::Pattern;
use farsight_types::Address;

use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::command_line::split;
use crate::expression::take_word;
use crate::session::{FrameLocals, LocalVariable, Session, ShownLocal};
use crate::values::Limits;

pub(super) const ROWS: &[Row] = &[Row {
    names: &["dv"],
    usage: "[~Thread] dv [/f Address] [/i] [/t] [/v|/V] [/a|/A|/n|/N|/z|/Z] [Pattern ...]",
    summary: "Shows the parameters and local variables of the chosen frame, inlined calls included: /i says which are \
              parameters, /t types, /v addresses, /V also registers; /a /n /z sort by address, name, size, in capitals \
              backwards; /f shows those of the function at an address.",
    needs: Needs::Rest,
    writes: false,
    prefix: Prefix::Selects,
    run: show,
}];

#[derive(Default)]
struct Options {
    columns: LocalColumns,
    order: Option<char>,
    function: Option<Address>,
}

fn show(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let mut options = Options::default();
    let mut rest = invocation.text.trim_start();
    while rest.starts_with('/') {
        let (option, behind) = take_word(rest);
        rest = behind;
        // Letters may stand together, as in /ivt.
        for letter in option.chars().skip(1) {
            match letter {
                'i' => options.columns.kind = true,
                't' => options.columns.type_name = true,
                'v' => options.columns.address = true,
                'V' => options.columns.place = true,
                'a' | 'A' | 'n' | 'N' | 'z' | 'Z' => options.order = Some(letter),
                'f' => {
                    let (address, behind) = session.evaluate_prefix(rest, invocation.position_of(rest))?;
                    options.function = Some(Address(address));
                    rest = behind.trim_start();
                }
                _ => {
                    let why = format!("'{option}' is not an option of dv; /f /i /t /v /V /a /A /n /N /z /Z are");
                    return Err(CommandError::syntax(invocation.position_of(option), why));
                }
            }
        }
    }
    let patterns: Vec<Pattern> = rest.split_whitespace().map(Pattern::new).collect();
    list(session, &options, &patterns)
}

/// `x *`.
pub(super) fn show_all(session: &mut Session) -> Result<Flow, CommandError> {
    let options = Options {
        columns: LocalColumns {
            kind: true,
            type_name: true,
            address: true,
            place: false,
        },
        ..Options::default()
    };
    list(session, &options, &[])
}

fn list(session: &mut Session, options: &Options, patterns: &[Pattern]) -> Result<Flow, CommandError> {
    let number = session.chosen_frame().map_or(0, |frame| frame.number);
    let FrameLocals { scope, found, cut, .. } = match options.function {
        Some(address) => session.locals_at(address)?,
        None => session.locals_of_frame(number)?,
    };
    let mut locals = match found {
        Ok(locals) => locals,
        // No error: what is done for each frame goes on to the next.
        Err(why) => {
            session.output.line(why);
            return Ok(Flow::Done);
        }
    };
    let any = !locals.is_empty();
    locals.retain(|local| is_meant(local, patterns));
    if any && locals.is_empty() {
        session
            .output
            .line("no parameter or variable at this place has such a name; dv alone lists all");
    }
    let mut shown = session.show_locals(&scope, &locals, limits())?;
    match options.order {
        Some('a') => shown.sort_by_key(|local| local.node.address),
        Some('A') => shown.sort_by_key(|local| Reverse(local.node.address)),
        Some('n') => shown.sort_by(|one, other| one.node.name.cmp(&other.node.name)),
        Some('N') => shown.sort_by(|one, other| other.node.name.cmp(&one.node.name)),
        Some('z') => shown.sort_by_key(|local| local.size),
        Some('Z') => shown.sort_by_key(|local| Reverse(local.size)),
        _ => {}
    }
    let rows = shown.into_iter().map(|ShownLocal { node, .. }| node).collect();
    let columns = options.columns;
    session.output.record(Record::Locals(Locals { rows, columns }));
    if cut {
        session
            .output
            .line("there may be more variables: the function has more, or deeper blocks, than are looked at");
    }
    Ok(Flow::Done)
}

fn is_meant(local: &LocalVariable, patterns: &[Pattern]) -> bool {
    let name = &local.variable.name;
    patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(name))
}

fn limits() -> Limits {
    Limits {
        words: true,
        ..Limits::default()
    }
}

/// Fetches what commands that are run in each frame will lack for their `dv`: all frames' at once, a round trip for each
/// level of pointers, where each frame by itself would cost as many. Shows nothing.
pub(super) fn fetch_for_each_frame(
    session: &mut Session,
    commands: &str,
    frames: &[Option<Vec<LocalVariable>>],
) -> Result<(), CommandError> {
    let Ok(commands) = split(commands) else {
        return Ok(());
    };
    let mut wanted = Vec::new();
    for command in commands.iter().filter(|command| command.name == "dv") {
        let words = command.arguments.split_whitespace();
        let patterns: Vec<Pattern> = words.filter(|word| !word.starts_with('/')).map(Pattern::new).collect();
        let locals = frames.iter().flatten().flatten();
        wanted.extend(locals.filter(|local| is_meant(local, &patterns)).cloned());
    }
    let Some(outermost) = wanted.iter().filter_map(|local| local.level).max() else {
        return Ok(());
    };
    let scope = session.value_scope(outermost)?;
    match session.show_locals(&scope, &wanted, limits()) {
        // What is wrong with one frame's values is said there.
        Err(error) if error != CommandError::Interrupted => Ok(()),
        done => done.map(drop),
    }
}
