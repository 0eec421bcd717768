//! `bp bu bl bc bd be`: breakpoints. Setting one asks nobody; the trap travels with the next resume.

use farsight_session::Record;
use farsight_session::record::{BreakpointKind, BreakpointRow, Breakpoints};
use farsight_types::Address;

use super::{Invocation, Needs, Prefix, Row, threads};
use crate::breakpoints::Spec;
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::{ExprErrorKind, ScopeError, take_string};
use crate::session::Session;
use crate::symbols::name_of;

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &["bp"],
        usage: "[~Thread] bp[ID] [/1] [Address [Passes]] [\"Commands\"]",
        summary: "Sets a breakpoint; one whose symbol is not there yet waits for its module.",
        needs: Needs::Target,
        writes: true,
        prefix: Prefix::Own,
        run: |session, invocation| set(session, invocation, false),
    },
    Row {
        names: &["bu"],
        usage: "[~Thread] bu[ID] [/1] Symbol [Passes] [\"Commands\"]",
        summary: "Sets a breakpoint on a symbol that may be loaded later.",
        needs: Needs::Target,
        writes: true,
        prefix: Prefix::Own,
        run: |session, invocation| set(session, invocation, true),
    },
    Row {
        names: &["bl"],
        usage: "bl [IDs]",
        summary: "Lists breakpoints.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: list,
    },
    Row {
        names: &["bc"],
        usage: "bc IDs",
        summary: "Clears breakpoints: numbers, ranges (1-3), or *.",
        needs: Needs::Nothing,
        writes: true,
        prefix: Prefix::Selects,
        run: |session, invocation| {
            for id in ids(session, invocation)? {
                session.breakpoints.clear(id);
            }
            Ok(Flow::Done)
        },
    },
    Row {
        names: &["bd"],
        usage: "bd IDs",
        summary: "Disables breakpoints.",
        needs: Needs::Nothing,
        writes: true,
        prefix: Prefix::Selects,
        run: |session, invocation| enable(session, invocation, false),
    },
    Row {
        names: &["be"],
        usage: "be IDs",
        summary: "Enables breakpoints.",
        needs: Needs::Nothing,
        writes: true,
        prefix: Prefix::Selects,
        run: |session, invocation| enable(session, invocation, true),
    },
];

/// Most hits that a breakpoint may pass.
const MOST_PASSES: u64 = u32::MAX as u64;

/// Names that are shown in place of one that nothing has.
const SHOWN_SIMILAR: usize = 3;

fn set(session: &mut Session, invocation: &Invocation<'_>, deferred: bool) -> Result<Flow, CommandError> {
    let (id, mut rest) = take_id(session, invocation)?;
    let mut one_shot = false;
    while let Some(option) = rest.strip_prefix('/') {
        let end = option.find([' ', '\t']).unwrap_or(option.len());
        let (word, behind) = option.split_at(end);
        match word {
            "1" => one_shot = true,
            _ => {
                return Err(CommandError::syntax(
                    invocation.position_of(rest),
                    format!("'/{word}' is not an option of this build; /1 is"),
                ));
            }
        }
        rest = behind.trim_start();
    }
    let place = session.place()?;
    let thread = match invocation.thread {
        None => None,
        Some(selector) => {
            let ids = threads::chosen(session, selector, invocation)?;
            let [id] = ids.as_slice() else {
                return Err(CommandError::Refused(
                    "a breakpoint is for one thread or, without a prefix, for all".into(),
                ));
            };
            let thread = session.process()?.thread(*id).ok_or(CommandError::NoDebuggee)?;
            Some((thread.id, thread.os))
        }
    };
    let (expression, address, rest) = take_address(session, invocation, rest)?;
    let (passes, rest) = take_passes(session, invocation, rest)?;
    let (commands, rest) = take_string(rest).unwrap_or((String::new(), rest));
    invocation.expect_end(rest)?;
    let spec = Spec {
        system: place.system,
        process: place.process,
        os: session.os_pid()?,
        expression,
        thread,
        passes,
        one_shot,
        commands,
    };
    if let Some(address) = address {
        let same = session.breakpoints.iter().find(|one| {
            one.bound.is_some_and(|bound| bound.address == address)
                && one.spec.process == spec.process
                && one.spec.thread == spec.thread
                && id.is_none_or(|id| id == one.id)
        });
        if let Some(same) = same.map(|one| one.id) {
            session.output.line(format!("breakpoint {same} redefined"));
            session.breakpoints.set(same, spec, Some(address));
            return Ok(Flow::Done);
        }
    } else if !deferred {
        let similar = session.names_beginning_with(&spec.expression, SHOWN_SIMILAR);
        let similar = match similar.is_empty() {
            true => String::new(),
            false => format!("; similar: {}", similar.join(", ")),
        };
        session.output.warning(format!(
            "Bp expression '{}' could not be resolved, adding deferred bp{similar}",
            spec.expression
        ));
    }
    let id = id.unwrap_or_else(|| session.breakpoints.free_id());
    session.breakpoints.set(id, spec, address);
    Ok(Flow::Done)
}

/// `bp3` and `bp[1+2]`: the number stands right behind the name.
fn take_id<'t>(session: &mut Session, invocation: &Invocation<'t>) -> Result<(Option<u32>, &'t str), CommandError> {
    let text = invocation.text;
    if !invocation.joined {
        return Ok((None, text));
    }
    if let Some(inside) = text.strip_prefix('[')
        && let Some((expression, rest)) = inside.split_once(']')
    {
        let id = session.evaluate(expression, invocation.position_of(expression))?;
        let id = u32::try_from(id)
            .map_err(|_| CommandError::syntax(invocation.position_of(expression), "the number is too large"))?;
        return Ok((Some(id), rest.trim_start()));
    }
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() || !(rest.is_empty() || rest.starts_with([' ', '\t'])) {
        return Ok((None, text));
    }
    let id = digits
        .parse()
        .map_err(|_| CommandError::syntax(invocation.position_of(digits), "the number is too large"))?;
    Ok((Some(id), rest.trim_start()))
}

/// The expression as typed, what it is now, and what follows it. No expression means here.
fn take_address<'t>(
    session: &mut Session,
    invocation: &Invocation<'_>,
    text: &'t str,
) -> Result<(String, Option<Address>, &'t str), CommandError> {
    if text.is_empty() || text.starts_with('"') {
        let pc = session.registers()?.pc();
        return Ok((format!("{:#x}", pc.0), Some(pc), text));
    }
    match session.evaluate_prefix(text, invocation.position_of(text)) {
        Ok((address, rest)) => {
            let consumed = text.len() - rest.len();
            let expression = text.get(..consumed).unwrap_or(text).trim_end_matches([' ', '\t', ',']);
            Ok((expression.to_owned(), Some(Address(address)), rest))
        }
        Err(CommandError::Expression(error)) if is_unresolved(&error.kind) => {
            // A name that nothing has yet ends at a space.
            let end = text.find([' ', '\t', '"']).unwrap_or(text.len());
            let (name, rest) = text.split_at(end);
            Ok((name.to_owned(), None, rest.trim_start()))
        }
        Err(error) => Err(error),
    }
}

fn is_unresolved(kind: &ExprErrorKind) -> bool {
    match kind {
        ExprErrorKind::Unresolved { .. } => true,
        ExprErrorKind::Scope { error, .. } => matches!(error, ScopeError::NotYet),
        _ => false,
    }
}

fn take_passes<'t>(
    session: &mut Session,
    invocation: &Invocation<'_>,
    text: &'t str,
) -> Result<(u64, &'t str), CommandError> {
    if text.is_empty() || text.starts_with(['"', '@']) {
        return Ok((1, text));
    }
    let at = invocation.position_of(text);
    let (passes, rest) = session.evaluate_prefix(text, at)?;
    match passes {
        1..=MOST_PASSES => Ok((passes, rest)),
        _ => Err(CommandError::syntax(
            at,
            format!("a pass count is from 1 to {MOST_PASSES:#x}"),
        )),
    }
}

/// The breakpoints that `IDs` names: numbers are decimal, as they are shown.
fn ids(session: &Session, invocation: &Invocation<'_>) -> Result<Vec<u32>, CommandError> {
    let text = invocation.text.trim();
    if text.is_empty() {
        return Err(invocation.missing("a breakpoint number, a range or *"));
    }
    let known: Vec<u32> = session.breakpoints.iter().map(|one| one.id).collect();
    if text == "*" {
        return Ok(known);
    }
    let mut found = Vec::new();
    for word in text.split([' ', '\t', ',']).filter(|word| !word.is_empty()) {
        let at = invocation.position_of(word);
        let number = |text: &str| {
            text.parse::<u32>()
                .map_err(|_| CommandError::syntax(at, format!("'{word}' is no breakpoint number")))
        };
        let (first, last) = match word.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(word)?, number(word)?),
        };
        let before = found.len();
        found.extend(known.iter().filter(|id| (first..=last).contains(id)));
        if found.len() == before {
            return Err(CommandError::syntax(
                at,
                format!("there is no breakpoint {word}; bl lists them"),
            ));
        }
    }
    Ok(found)
}

fn enable(session: &mut Session, invocation: &Invocation<'_>, enabled: bool) -> Result<Flow, CommandError> {
    for id in ids(session, invocation)? {
        session.breakpoints.enable(id, enabled);
    }
    Ok(Flow::Done)
}

fn list(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let only = match invocation.text.trim().is_empty() {
        true => None,
        false => Some(ids(session, invocation)?),
    };
    let rows = session
        .breakpoints
        .iter()
        .filter(|one| only.as_ref().is_none_or(|only| only.contains(&one.id)))
        .map(|one| {
            let process = session.process_of(one.spec.system, one.spec.process);
            let named = one.bound.and_then(|bound| name_of(process.ok()?, bound.address));
            BreakpointRow {
                id: one.id,
                enabled: one.enabled,
                address: one.bound.map(|bound| bound.address),
                kind: BreakpointKind::Software,
                remaining: one.remaining(),
                passes: one.spec.passes,
                hits: one.hits,
                process: one.spec.process,
                thread: one.spec.thread.map(|(id, _)| id),
                expression: named.map_or_else(|| one.spec.expression.clone(), |name| name.to_string()),
                one_shot: one.spec.one_shot,
                commands: one.spec.commands.clone(),
                trouble: one.trouble.clone(),
            }
        })
        .collect();
    session.output.record(Record::Breakpoints(Breakpoints { rows }));
    Ok(Flow::Done)
}
