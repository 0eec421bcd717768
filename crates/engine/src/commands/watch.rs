//! `wt`: traces one function as a whole, at the server.

use farsight_symbols::Pattern;
use farsight_target::StepPlan;
use farsight_types::{Address, AddressRange};

use super::execute::{only_thread, take_start};
use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::{Flow, ResumeIntent, StepShow, WatchOrder};
use crate::expression::take_word;
use crate::session::Session;

pub(super) const ROWS: &[Row] = &[Row {
    names: &["wt"],
    usage: "[~Thread] wt [-l Depth] [-m Module ...] [-i Module ...] [-ni] [-nc] [-ns] [-nw] [-oa] [-or] [= Start] [End]",
    summary: "Runs a whole function and shows its calls with their counts of instructions, and a summary.",
    needs: Needs::Rest,
    writes: true,
    prefix: Prefix::Own,
    run: watch,
}];

#[derive(Default)]
struct Options {
    depth: u32,
    only: Vec<Pattern>,
    ignored: Vec<Pattern>,
    order: WatchOrder,
}

/// Nothing returns to here.
const NOWHERE: Address = Address(u64::MAX);

fn watch(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (mut options, rest) = options(session, invocation)?;
    let only = only_thread(session, invocation)?;
    let rest = take_start(session, invocation, rest)?;
    let end = match rest.is_empty() {
        true => None,
        false => Some(Address(session.evaluate(rest, invocation.position_of(rest))?)),
    };
    let registers = session.registers()?;
    let (pc, sp) = (registers.pc(), registers.sp());
    let location = session.location_at(pc)?;
    let is_start = location
        .place
        .symbol
        .as_ref()
        .is_some_and(|symbol| symbol.name.is_some() && symbol.displacement == 0);
    let call = location.instruction.filter(|line| line.text.starts_with("call"));
    options.order.name = function_at(session, pc)?;
    let (return_address, frame_address) = match (&call, end) {
        _ if is_start => (Address(session.read_number(sp, 8)?), sp.wrapping_add(8)),
        (Some(call), _) => {
            options.order.from_call = true;
            // The server's depth counts from where the trace begins.
            options.depth = options.depth.saturating_add(u32::from(options.depth > 0));
            (pc.wrapping_add(call.bytes.len() as u64), sp)
        }
        (None, Some(_)) => (NOWHERE, NOWHERE),
        (None, None) => {
            return Ok(Flow::Resume(ResumeIntent {
                step: Some(StepPlan::Over { count: 1 }),
                only,
                ..ResumeIntent::default()
            }));
        }
    };
    options.order.return_address = (return_address != NOWHERE).then_some(return_address);
    let inside = traced(session, &options)?;
    Ok(Flow::Resume(ResumeIntent {
        step: Some(StepPlan::Watch {
            return_address,
            frame_address,
            end,
            depth: options.depth,
            inside,
        }),
        only,
        shows: StepShow::Watch(options.order),
        ..ResumeIntent::default()
    }))
}

/// The function that a place belongs to, or the place.
pub(crate) fn function_at(session: &mut Session, at: Address) -> Result<String, CommandError> {
    let mut place = session.place_of(at)?;
    if let Some(symbol) = &mut place.symbol {
        if symbol.name.is_some() {
            symbol.displacement = 0;
        }
        return Ok(symbol.to_string());
    }
    Ok(place.address.to_string())
}

fn options<'t>(session: &mut Session, invocation: &Invocation<'t>) -> Result<(Options, &'t str), CommandError> {
    let mut options = Options::default();
    let mut rest = invocation.text;
    while rest.starts_with('-') {
        let (option, behind) = take_word(rest);
        rest = match option {
            "-l" => {
                if behind.is_empty() {
                    return Err(invocation.missing("a depth"));
                }
                let at = invocation.position_of(behind);
                let (word, behind) = take_word(behind);
                let depth = session.evaluate(word, at)?;
                options.depth = u32::try_from(depth).map_err(|_| CommandError::syntax(at, "a depth is smaller"))?;
                options.order.depth = options.depth;
                behind
            }
            "-m" | "-i" => {
                let (module, after) = take_word(behind);
                if module.is_empty() {
                    return Err(invocation.missing("a module's name"));
                }
                match option {
                    "-m" => options.only.push(Pattern::new(module)),
                    _ => options.ignored.push(Pattern::new(module)),
                }
                after
            }
            "-ni" => {
                options.order.hides_ignored = true;
                behind
            }
            "-nc" => {
                options.order.hides_calls = true;
                behind
            }
            "-ns" => {
                options.order.hides_summary = true;
                behind
            }
            "-nw" => {
                options.order.hides_warnings = true;
                behind
            }
            "-oa" => {
                options.order.shows_sites = true;
                behind
            }
            "-or" => {
                options.order.shows_results = true;
                behind
            }
            "-oR" => {
                let error = "-oR needs the types of results, which are not in this build; -or shows the register";
                return Err(CommandError::syntax(invocation.position_of(rest), error));
            }
            _ => return Err(invocation.unexpected(rest)),
        };
    }
    Ok((options, rest))
}

/// The code that is traced; none where that is everything.
fn traced(session: &Session, options: &Options) -> Result<Option<Vec<AddressRange>>, CommandError> {
    let (patterns, wanted) = match (options.only.is_empty(), options.ignored.is_empty()) {
        (true, true) => return Ok(None),
        (false, _) => (&options.only, true),
        (true, false) => (&options.ignored, false),
    };
    let modules = session.process()?.modules.iter();
    let chosen = modules.filter(|module| patterns.iter().any(|pattern| pattern.matches(&module.name)) == wanted);
    Ok(Some(chosen.map(|module| module.range()).collect()))
}
