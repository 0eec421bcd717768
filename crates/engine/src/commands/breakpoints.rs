//! `bp bu bm ba bl bc bd be br bs bsc .bpcmds`: breakpoints. Setting one asks nobody; the trap travels with the next
//! resume.

mod arguments;
mod changes;

use std::collections::BTreeMap;

use farsight_session::Record;
use farsight_session::record::{BreakpointKind, BreakpointRow, Breakpoints};
use farsight_symbols::{NameKind, Pattern, SymbolKind, demangle_short};
use farsight_target::TrapKind;
use farsight_types::Address;

use super::{Invocation, Needs, Prefix, Row};
use crate::breakpoints::{Breakpoint, Spec};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::{take_string, take_word};
use crate::session::Session;
use crate::symbols::{describe, name_of, source_position};
use arguments::{Options, ids, only_thread, take_access, take_address, take_id, take_options, take_passes};
use changes::{access_of, expect_debug_register};

/// A row of a command that sets breakpoints.
const fn setting(
    names: &'static [&'static str],
    usage: &'static str,
    summary: &'static str,
    run: fn(&mut Session, &Invocation<'_>) -> Result<Flow, CommandError>,
) -> Row {
    Row {
        needs: Needs::Target,
        writes: true,
        prefix: Prefix::Own,
        ..super::row(names, usage, summary, run)
    }
}

/// A row of a command about breakpoints that there are.
const fn about(
    names: &'static [&'static str],
    usage: &'static str,
    summary: &'static str,
    writes: bool,
    run: fn(&mut Session, &Invocation<'_>) -> Result<Flow, CommandError>,
) -> Row {
    Row {
        writes,
        ..super::row(names, usage, summary, run)
    }
}

pub(super) const ROWS: &[Row] = &[
    setting(
        &["bp"],
        "[~Thread] bp[ID] [/1] [/c Max] [/C Min] [Address [Passes]] [\"Commands\"]",
        "Sets a breakpoint; one whose symbol is not there yet waits for its module.",
        |session, invocation| set(session, invocation, false),
    ),
    setting(
        &["bu"],
        "[~Thread] bu[ID] [/1] [/c Max] [/C Min] Symbol [Passes] [\"Commands\"]",
        "Sets a breakpoint on a symbol that may be loaded later, and again.",
        |session, invocation| set(session, invocation, true),
    ),
    setting(
        &["bm"],
        "[~Thread] bm [/1] [/a] [/d] Pattern [Passes] [\"Commands\"]",
        "Sets a breakpoint on every function whose name matches; /a on data too, /d on addresses.",
        set_many,
    ),
    setting(
        &["ba"],
        "[~Thread] ba[ID] {e|r|w}Size [/1] [Address [Passes]] [\"Commands\"]",
        "Sets a hardware breakpoint: execution, reads and writes, or writes of 1, 2, 4 or 8 bytes.",
        set_hardware,
    ),
    about(
        &["bl"],
        "bl [/L] [IDs]",
        "Lists breakpoints: numbers, ranges (1-3), *, [Expression], \"symbol*\".",
        false,
        list,
    ),
    about(&["bc"], "bc IDs", "Clears breakpoints.", true, changes::clear),
    about(
        &["bd"],
        "bd IDs",
        "Disables breakpoints.",
        true,
        |session, invocation| changes::enable(session, invocation, false),
    ),
    about(
        &["be"],
        "be IDs",
        "Enables breakpoints.",
        true,
        |session, invocation| changes::enable(session, invocation, true),
    ),
    about(
        &["br"],
        "br Old New [Old New ...]",
        "Gives breakpoints other numbers.",
        true,
        changes::renumber,
    ),
    about(
        &["bs"],
        "bs ID [\"Commands\"]",
        "Sets what runs when a breakpoint is hit; nothing without commands.",
        true,
        changes::set_commands,
    ),
    about(
        &["bsc"],
        "bsc ID Condition [\"Commands\"]",
        "Makes a breakpoint stop only where a condition holds.",
        true,
        changes::set_condition,
    ),
    about(
        &[".bpcmds"],
        ".bpcmds",
        "Shows the commands that would set the breakpoints again.",
        false,
        changes::recreate,
    ),
];

/// Names that are shown in place of one that nothing has.
const SHOWN_SIMILAR: usize = 3;

/// Most breakpoints that one `bm` sets.
const MOST_MATCHES: usize = 10_000;

fn set(session: &mut Session, invocation: &Invocation<'_>, deferred: bool) -> Result<Flow, CommandError> {
    let (id, rest) = take_id(session, invocation)?;
    set_one(session, invocation, id, rest, TrapKind::Software, deferred)
}

fn set_hardware(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (id, rest) = take_id(session, invocation)?;
    let (kind, rest) = take_access(invocation, rest)?;
    set_one(session, invocation, id, rest, kind, false)
}

fn set_one(
    session: &mut Session,
    invocation: &Invocation<'_>,
    id: Option<u32>,
    rest: &str,
    kind: TrapKind,
    deferred: bool,
) -> Result<Flow, CommandError> {
    let (options, rest) = take_options(session, invocation, rest, false)?;
    let place = session.place()?;
    let at = invocation.position_of(rest);
    let (expression, addresses, rest) = take_address(session, invocation, rest)?;
    let (passes, rest) = take_passes(session, invocation, rest)?;
    let (commands, rest) = take_string(rest).unwrap_or((String::new(), rest));
    invocation.expect_end(rest)?;
    if let (TrapKind::HardwareData { size, .. }, Some(address)) = (kind, addresses.first())
        && address.0 % u64::from(size) != 0
    {
        let what = format!("the address of {size} watched bytes is a multiple of {size}; {address} is none");
        return Err(CommandError::syntax(at, what));
    }
    if kind != TrapKind::Software && addresses.len() > 1 {
        let count = addresses.len();
        let what = format!("this line has {count} places, and a debug register watches one: name its address");
        return Err(CommandError::syntax(at, what));
    }
    let spec = Spec {
        system: place.system,
        process: place.process,
        os: session.os_pid()?,
        expression,
        kind,
        deferred: deferred || addresses.is_empty(),
        thread: only_thread(session, invocation)?,
        passes,
        one_shot: options.one_shot,
        depth: options.depth,
        commands,
        rights: session.rights.left_behind(),
    };
    let same = same_place(session, &spec, &addresses, id);
    if kind != TrapKind::Software {
        expect_debug_register(session, place.system, place.process, same.or(id))?;
    }
    if let Some(same) = same {
        session.output.line(format!("breakpoint {same} redefined"));
        session.breakpoints.set(same, spec, &addresses);
        return Ok(Flow::Done);
    }
    if addresses.is_empty() && !deferred {
        let similar = session.names_beginning_with(&spec.expression, SHOWN_SIMILAR);
        let similar = match similar.is_empty() {
            true => String::new(),
            false => format!("; similar: {}", similar.join(", ")),
        };
        let similar = match looks_like_a_line(&spec.expression) {
            true => format!("; a source line is written `{}`", spec.expression),
            false => similar,
        };
        session.output.warning(format!(
            "Bp expression '{}' could not be resolved, adding deferred bp{similar}",
            spec.expression
        ));
    }
    let id = id.unwrap_or_else(|| session.breakpoints.free_id());
    session.breakpoints.set(id, spec, &addresses);
    Ok(Flow::Done)
}

/// Whether this is `file.c:12`, as other debuggers have source lines.
fn looks_like_a_line(expression: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let file_and_line = expression.rsplit_once(':');
    file_and_line.is_some_and(|(file, line)| digits(line) && file.contains('.') && !file.contains(['`', ' ']))
}

/// The breakpoint that is there already, for the same threads and accesses.
fn same_place(session: &Session, spec: &Spec, addresses: &[Address], id: Option<u32>) -> Option<u32> {
    let is_same = |one: &&Breakpoint| {
        !addresses.is_empty()
            && one.addresses().eq(addresses.iter().copied())
            && (one.spec.system, one.spec.process) == (spec.system, spec.process)
            && (one.spec.thread, one.spec.kind) == (spec.thread, spec.kind)
            && id.is_none_or(|id| id == one.id)
    };
    session.breakpoints.iter().find(is_same).map(|one| one.id)
}

/// `bm`: one breakpoint for each symbol that matches.
fn set_many(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (options, rest) = take_options(session, invocation, invocation.text, true)?;
    let (text, rest) = take_word(rest);
    if text.is_empty() {
        return Err(invocation.missing("a pattern, such as libc!mem*"));
    }
    let (passes, rest) = take_passes(session, invocation, rest)?;
    let (commands, rest) = take_string(rest).unwrap_or((String::new(), rest));
    invocation.expect_end(rest)?;
    let found = matching(session, text, &options)?;
    if found.is_empty() {
        return Err(CommandError::syntax(
            invocation.position_of(text),
            format!("No matching symbols found for '{text}', no breakpoints set"),
        ));
    }
    if found.len() > MOST_MATCHES {
        return Err(CommandError::syntax(
            invocation.position_of(text),
            format!(
                "'{text}' matches {} symbols; at most {MOST_MATCHES} get a breakpoint",
                found.len()
            ),
        ));
    }
    let (place, thread, os) = (session.place()?, only_thread(session, invocation)?, session.os_pid()?);
    let mut lines = Vec::new();
    for (addresses, name) in found {
        session.check_interrupt()?;
        let Some(address) = addresses.first() else {
            continue;
        };
        // A name that does not lead back to the symbol, as one of several with that name, is of no use later.
        let by_name = !options.by_address && session.breakpoint_places(&name) == addresses;
        let spec = Spec {
            system: place.system,
            process: place.process,
            os,
            expression: match by_name {
                true => name.clone(),
                false => format!("{:#x}", address.0),
            },
            kind: TrapKind::Software,
            deferred: by_name,
            thread,
            passes,
            one_shot: options.one_shot,
            depth: options.depth,
            commands: commands.clone(),
            rights: session.rights.left_behind(),
        };
        let same = same_place(session, &spec, &addresses, None);
        let id = same.unwrap_or_else(|| session.breakpoints.free_id());
        let more = match addresses.len() {
            0 | 1 => String::new(),
            several => format!(" ({several} places)"),
        };
        let shown = format!("{id:>3}: {address} @!\"{}\"{more}", readable(&name));
        session.breakpoints.set(id, spec, &addresses);
        lines.push(match same {
            Some(id) => format!("breakpoint {id} redefined"),
            None => shown,
        });
    }
    session.output.record(Record::Lines(lines));
    Ok(Flow::Done)
}

/// A symbol with its module, as its author wrote it.
fn readable(name: &str) -> String {
    let (module, raw) = name.split_once('!').unwrap_or(("", name));
    match demangle_short(raw) {
        Some(readable) => format!("{module}!{readable}"),
        None => name.to_owned(),
    }
}

/// Places of one breakpoint, and its name.
type Match = (Vec<Address>, String);

/// The symbols that a pattern names, and the functions that only debug information has, with the places of each.
fn matching(session: &mut Session, text: &str, options: &Options) -> Result<Vec<Match>, CommandError> {
    let (module, name) = match text.split_once('!') {
        Some((module, name)) => (Pattern::new(module), name),
        None => (Pattern::new("*"), text),
    };
    let name = Pattern::new(if name.is_empty() { "*" } else { name });
    let modules = session.process()?.modules.iter().enumerate();
    let chosen: Vec<usize> = modules
        .filter(|(_, known)| module.matches(&known.name))
        .map(|(index, _)| index)
        .collect();
    session.load_symbols(&chosen)?;
    let mut seen: BTreeMap<Address, usize> = BTreeMap::new();
    let mut found: Vec<Match> = Vec::new();
    for index in chosen {
        let functions = session.names_matching(index, &name, &[NameKind::Function])?;
        let Some(module) = session.process()?.modules.get(index) else {
            continue;
        };
        let table = module.loaded().map(|symbols| symbols.table());
        for symbol in table.into_iter().flat_map(|table| table.matching(&name)) {
            let wanted = match symbol.kind() {
                SymbolKind::Function | SymbolKind::Ifunc => true,
                SymbolKind::Data | SymbolKind::Plt | SymbolKind::Label => options.any_symbol,
            };
            let address = module.address(symbol.rva());
            if wanted && !seen.contains_key(&address) {
                seen.insert(address, found.len());
                found.push((vec![address], format!("{}!{}", module.name, symbol.raw_name())));
            }
        }
        for function in functions {
            // Copies of a function that has a symbol belong to the symbol's breakpoint.
            let known = function.places.iter().find_map(|place| seen.get(place).copied());
            let at = known.unwrap_or(found.len());
            if known.is_none() {
                found.push((Vec::new(), format!("{}!{}", module.name, function.name)));
            }
            if let Some((places, _)) = found.get_mut(at) {
                let new = function.places.into_iter().filter(|place| !seen.contains_key(place));
                places.extend(new.collect::<Vec<_>>());
                places.sort_unstable();
                seen.extend(places.iter().map(|place| (*place, at)));
            }
        }
    }
    found.retain(|(places, _)| !places.is_empty());
    found.sort();
    Ok(found)
}

fn list(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let text = invocation.text.trim();
    // Addresses alone.
    let bare = text.starts_with("/L");
    let text = text.strip_prefix("/L").unwrap_or(text).trim_start();
    let only = match text.is_empty() {
        true => None,
        false => Some(ids(session, invocation, text)?),
    };
    let many = session.systems.len() > 1;
    let rows = session
        .breakpoints
        .iter()
        .filter(|one| only.as_ref().is_none_or(|only| only.contains(&one.id)))
        .map(|one| {
            let process = session.process_of(one.spec.system, one.spec.process);
            let process = process.ok();
            let named = one.address().and_then(|address| name_of(process?, address));
            let places = one
                .addresses()
                .skip(1)
                .filter_map(|address| Some(describe(process?, address)));
            let places: Vec<_> = places.collect();
            let line = one.address().filter(|_| !bare && session.sources.has_lines);
            let source = line.and_then(|address| source_position(process?, address));
            BreakpointRow {
                id: one.id,
                enabled: one.enabled,
                address: one.address(),
                kind: match one.spec.kind {
                    TrapKind::Software => BreakpointKind::Software,
                    kind => {
                        let (access, size) = access_of(kind);
                        BreakpointKind::Hardware { access, size }
                    }
                },
                remaining: one.remaining(),
                passes: one.spec.passes,
                hits: one.hits,
                process: one.spec.process,
                thread: one.spec.thread.map(|(id, _)| id),
                expression: named.map_or_else(|| one.spec.expression.clone(), |name| name.to_string()),
                one_shot: one.spec.one_shot,
                commands: one.spec.commands.clone(),
                trouble: one.trouble.clone(),
                system: many.then_some(one.spec.system),
                source,
                more: (!places.is_empty()).then_some(places),
            }
        })
        .collect();
    session.output.record(Record::Breakpoints(Breakpoints { rows }));
    Ok(Flow::Done)
}
