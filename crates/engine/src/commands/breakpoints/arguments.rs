//! What stands behind a breakpoint command: numbers, options, where, and how often.

use farsight_symbols::Pattern;
use farsight_target::{DataAccess, TrapKind};
use farsight_types::{Address, OsTid, ThreadId};

use super::super::{Invocation, threads};
use crate::breakpoints::Depth;
use crate::error::CommandError;
use crate::expression::{ExprErrorKind, ScopeError, take_string};
use crate::session::{Reach, Session, SourceFault, take_function_name, take_source_line};
use crate::symbols::name_of;

/// Most hits that a breakpoint may pass.
const MOST_PASSES: u64 = u32::MAX as u64;

/// `bp3` and `bp[1+2]`: the number stands right behind the name.
pub(super) fn take_id<'t>(
    session: &mut Session,
    invocation: &Invocation<'t>,
) -> Result<(Option<u32>, &'t str), CommandError> {
    let text = invocation.text;
    if !invocation.joined {
        return Ok((None, text));
    }
    if let Some(inside) = text.strip_prefix('[')
        && let Some((expression, rest)) = inside.split_once(']')
    {
        return Ok((Some(number(session, invocation, expression)?), rest.trim_start()));
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

/// A number as an expression.
fn number(session: &mut Session, invocation: &Invocation<'_>, expression: &str) -> Result<u32, CommandError> {
    let at = invocation.position_of(expression);
    let id = session.evaluate(expression, at)?;
    u32::try_from(id).map_err(|_| CommandError::syntax(at, "the number is too large"))
}

/// What options say.
#[derive(Default)]
pub(super) struct Options {
    pub(super) one_shot: bool,
    pub(super) depth: Depth,
    /// `/a`: data as well (`bm`).
    pub(super) any_symbol: bool,
    /// `/d`: bound to addresses (`bm`).
    pub(super) by_address: bool,
}

/// Reads options; those of `bm` only where `many` says so.
pub(super) fn take_options<'t>(
    session: &mut Session,
    invocation: &Invocation<'_>,
    mut rest: &'t str,
    many: bool,
) -> Result<(Options, &'t str), CommandError> {
    let mut options = Options::default();
    while let Some(option) = rest.strip_prefix('/') {
        let end = option.find([' ', '\t']).unwrap_or(option.len());
        let (word, behind) = option.split_at(end);
        let mut behind = behind.trim_start();
        let mut letters = word.chars();
        match (letters.next(), letters.as_str()) {
            (Some('1'), "") => options.one_shot = true,
            (Some('a'), "") if many => options.any_symbol = true,
            (Some('d'), "") if many => options.by_address = true,
            // The symbols' names have their parameter lists already.
            (Some('('), "") if many => {}
            (Some(which @ ('c' | 'C')), joined) => {
                let text = if joined.is_empty() { behind } else { joined };
                let (limit, after) = session.evaluate_prefix(text, invocation.position_of(text))?;
                let limit = u32::try_from(limit)
                    .map_err(|_| CommandError::syntax(invocation.position_of(text), "the depth is too large"))?;
                match joined.is_empty() {
                    true => behind = after,
                    false => invocation.expect_end(after)?,
                }
                match which {
                    'c' => options.depth.below = Some(limit),
                    _ => options.depth.above = Some(limit),
                }
            }
            _ => {
                let known = if many { "/1 /a /c /C /d are" } else { "/1 /c /C are" };
                return Err(CommandError::syntax(
                    invocation.position_of(rest),
                    format!("'/{word}' is not an option of this build; {known}"),
                ));
            }
        }
        rest = behind;
    }
    Ok((options, rest))
}

/// `e1`, `w 4`: what a hardware breakpoint waits for.
pub(super) fn take_access<'t>(invocation: &Invocation<'_>, text: &'t str) -> Result<(TrapKind, &'t str), CommandError> {
    let at = invocation.position_of(text);
    let access = text.chars().next().map(|letter| letter.to_ascii_lowercase());
    let access = match access {
        None => return Err(invocation.missing("e, r or w, with a size")),
        Some('e') => None,
        Some('w') => Some(DataAccess::Write),
        Some('r') => Some(DataAccess::ReadWrite),
        Some('i') => {
            return Err(CommandError::syntax(
                at,
                "breakpoints on ports are for kernels; e, r and w are for processes",
            ));
        }
        Some(_) => {
            return Err(CommandError::syntax(
                at,
                "the access is e (execute), r (read or write) or w (write)",
            ));
        }
    };
    let behind = text.get(1..).unwrap_or_default().trim_start();
    let end = behind.find([' ', '\t', ',']).unwrap_or(behind.len());
    let (word, rest) = behind.split_at(end);
    let at = invocation.position_of(behind);
    let size = match word {
        "1" | "2" | "4" | "8" => word.bytes().next().map_or(0, |digit| digit - b'0'),
        "" => return Err(invocation.missing("a size, 1, 2, 4 or 8,")),
        _ => {
            return Err(CommandError::syntax(
                at,
                format!("'{word}' is no size: 1, 2, 4 and 8 are"),
            ));
        }
    };
    let kind = match access {
        Some(access) => TrapKind::HardwareData { access, size },
        None if size == 1 => TrapKind::HardwareExecute,
        None => return Err(CommandError::syntax(at, "the size of an e breakpoint is 1")),
    };
    Ok((kind, rest.trim_start_matches([' ', '\t', ','])))
}

/// The one thread that a prefix names.
pub(super) fn only_thread(
    session: &mut Session,
    invocation: &Invocation<'_>,
) -> Result<Option<(ThreadId, OsTid)>, CommandError> {
    let Some(selector) = invocation.thread else {
        return Ok(None);
    };
    let ids = threads::chosen(session, selector, invocation)?;
    let [id] = ids.as_slice() else {
        return Err(CommandError::Refused(
            "a breakpoint is for one thread or, without a prefix, for all".into(),
        ));
    };
    let thread = session.process()?.thread(*id).ok_or(CommandError::NoDebuggee)?;
    Ok(Some((thread.id, thread.os)))
}

/// The expression as typed, what it is now, and what follows it. No expression means here; a source line may be several
/// places, and only what is not there yet is none.
pub(super) fn take_address<'t>(
    session: &mut Session,
    invocation: &Invocation<'_>,
    text: &'t str,
) -> Result<(String, Vec<Address>, &'t str), CommandError> {
    if let Some((source, rest)) = take_source_line(text) {
        let expression = format!("`{source}`");
        return match session.source_places(source, Reach::All) {
            Ok(found) => {
                found.tell_other_line(session);
                Ok((expression, found.addresses, rest))
            }
            Err(SourceFault::Unknown { why }) => {
                session.output.warning(why);
                Ok((expression, Vec::new(), rest))
            }
            Err(SourceFault::Command(error)) => Err(error),
        };
    }
    if text.is_empty() || text.starts_with('"') {
        let pc = session.registers()?.pc();
        return Ok((format!("{:#x}", pc.0), vec![pc], text));
    }
    match session.evaluate_prefix(text, invocation.position_of(text)) {
        Ok((address, rest)) => {
            let consumed = text.len() - rest.len();
            let expression = text.get(..consumed).unwrap_or(text).trim_end_matches([' ', '\t', ',']);
            let places = places_of(session, expression, Address(address))?;
            Ok((expression.to_owned(), places, rest))
        }
        Err(CommandError::Expression(error)) => {
            if let Some((name, rest)) = take_function_name(text) {
                let places = session.function_places(name)?;
                if !places.is_empty() || is_unresolved(&error.kind) {
                    // As it was typed: a name in quotation marks stays in them.
                    let typed = text[..text.len() - rest.len()].trim_end();
                    return Ok((typed.to_owned(), places, rest));
                }
            }
            if !is_unresolved(&error.kind) {
                return Err(CommandError::Expression(error));
            }
            // A name that nothing has yet ends at a space.
            let end = text.find([' ', '\t', '"']).unwrap_or(text.len());
            let (name, rest) = text.split_at(end);
            Ok((name.to_owned(), Vec::new(), rest.trim_start()))
        }
        Err(error) => Err(error),
    }
}

/// All places of what an expression names, where it is the name of a function; otherwise the one that it is.
fn places_of(session: &mut Session, expression: &str, one: Address) -> Result<Vec<Address>, CommandError> {
    let name = take_function_name(expression).filter(|(_, rest)| rest.is_empty());
    let places = match name {
        Some((name, _)) => session.function_places(name)?,
        None => Vec::new(),
    };
    // A number or a register may read as a name.
    Ok(if places.contains(&one) { places } else { vec![one] })
}

fn is_unresolved(kind: &ExprErrorKind) -> bool {
    match kind {
        ExprErrorKind::Unresolved { .. } => true,
        ExprErrorKind::Scope { error, .. } => matches!(error, ScopeError::NotYet),
        _ => false,
    }
}

pub(super) fn take_passes<'t>(
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

/// The breakpoints that `IDs` names: numbers (decimal, as they are shown), ranges, `*`, `[expression]`, `"symbol*"`.
pub(super) fn ids(session: &mut Session, invocation: &Invocation<'_>, text: &str) -> Result<Vec<u32>, CommandError> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(invocation.missing("a breakpoint number, a range or *"));
    }
    let known: Vec<u32> = session.breakpoints.iter().map(|one| one.id).collect();
    let mut found: Vec<u32> = Vec::new();
    while !rest.is_empty() {
        let at = invocation.position_of(rest);
        let here = rest;
        let chosen: Vec<u32> = if let Some((pattern, behind)) = take_string(rest) {
            rest = behind;
            named(session, &Pattern::new(&pattern))
        } else if let Some(inside) = rest.strip_prefix('[') {
            let (expression, behind) = inside
                .split_once(']')
                .ok_or_else(|| CommandError::syntax(at, "the ] is missing"))?;
            rest = behind;
            let id = number(session, invocation, expression)?;
            known.iter().copied().filter(|known| *known == id).collect()
        } else {
            let end = rest.find([' ', '\t', ',']).unwrap_or(rest.len());
            let (word, behind) = rest.split_at(end);
            rest = behind;
            let number = |text: &str| {
                text.parse::<u32>()
                    .map_err(|_| CommandError::syntax(at, format!("'{word}' is no breakpoint number")))
            };
            let (first, last) = match (word, word.split_once('-')) {
                ("*", _) => (0, u32::MAX),
                (_, Some((first, last))) => (number(first)?, number(last)?),
                _ => (number(word)?, number(word)?),
            };
            let chosen: Vec<u32> = known.iter().copied().filter(|id| (first..=last).contains(id)).collect();
            if chosen.is_empty() && word == "*" {
                continue;
            }
            chosen
        };
        if chosen.is_empty() {
            let what = here.get(..here.len() - rest.len()).unwrap_or(here).trim();
            return Err(CommandError::syntax(
                at,
                format!("there is no breakpoint {what}; bl lists them"),
            ));
        }
        found.extend(chosen);
        rest = rest.trim_start_matches([' ', '\t', ',']);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// The breakpoints whose symbol a pattern matches, with or without its module.
fn named(session: &Session, pattern: &Pattern) -> Vec<u32> {
    let matching = session.breakpoints.iter().filter(|one| {
        let process = session.process_of(one.spec.system, one.spec.process).ok();
        let name = process
            .zip(one.address())
            .and_then(|(process, address)| name_of(process, address));
        let name = name.map_or_else(|| one.spec.expression.clone(), |name| name.to_string());
        let bare = name.split_once('!').map_or(name.as_str(), |(_, bare)| bare);
        pattern.matches(&name) || pattern.matches(bare)
    });
    matching.map(|one| one.id).collect()
}
