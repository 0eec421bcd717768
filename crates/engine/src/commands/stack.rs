//! `k` and its kin: backtraces.

use farsight_session::Record;
use farsight_session::record::{FrameTrust, Stack, StackColumns, StackFrame};
use farsight_symbols::{EndReason, Frame, Trust};
use farsight_types::{Address, Registers};

use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::memory::Cached;
use crate::model::Process;
use crate::session::{Session, Walked};
use crate::symbols::describe;

pub(super) const ROWS: &[Row] = &[Row {
    names: &["k", "kn", "kv", "kb", "kc", "kf"],
    usage: "[~Thread] k[b|v][c][n][f] [Count]",
    summary: "Shows the stack: n numbers the frames, b and v add words that may be arguments, f frame sizes.",
    needs: Needs::Rest,
    writes: false,
    prefix: Prefix::Selects,
    run: stack,
}];

/// Frames shown when no count is given; DbgEng's `.kframes` default.
const DEFAULT_FRAMES: usize = 256;
/// Most frames of one listing.
const MOST_FRAMES: u64 = 0xffff;
/// Bytes of each stack that are fetched for all threads at once.
const FIRST_BYTES: u32 = 4096;
/// Words shown as possible arguments.
const ARGUMENTS: u64 = 4;

/// Whether a name is `k` with flags.
pub(super) fn is_stack_command(name: &str) -> bool {
    name.strip_prefix('k')
        .is_some_and(|flags| flags.chars().all(|flag| "bvcnfL".contains(flag)))
}

/// Makes everything known that backtraces of all threads need, in as few round trips as one thread takes.
pub(super) fn fetch_for_all(session: &mut Session) -> Result<(), CommandError> {
    session.fetch_stacks(FIRST_BYTES)?;
    let known: Vec<Registers> = session
        .process()?
        .threads
        .iter()
        .filter_map(|thread| thread.registers.clone())
        .collect();
    session.walk_all(&known, DEFAULT_FRAMES).map(drop)
}

fn stack(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let flags = invocation.name.strip_prefix('k').unwrap_or_default();
    let has = |flag: char| flags.contains(flag);
    let columns = StackColumns {
        numbers: has('n'),
        arguments: has('b') || has('v'),
        sizes: has('f'),
        clean: has('c'),
    };
    let text = invocation.text;
    let most = match text.is_empty() {
        true => DEFAULT_FRAMES,
        false => {
            let count = session.evaluate(text, invocation.at)?;
            if !(1..=MOST_FRAMES).contains(&count) {
                return Err(CommandError::syntax(
                    invocation.at,
                    format!("a frame count is from 1 to {MOST_FRAMES:#x}"),
                ));
            }
            usize::try_from(count).unwrap_or(DEFAULT_FRAMES)
        }
    };
    let thread = session.place()?.thread;
    // One more, because a frame is shown with where it returns to.
    let walked = session.walk(thread, most + 1)?;
    session.load_for(walked.frames.iter().map(Frame::lookup_address))?;
    let stack = shown(session.process()?, walked, columns, most);
    session.output.record(Record::Stack(stack));
    Ok(Flow::Done)
}

fn shown(process: &Process, walked: Walked, columns: StackColumns, most: usize) -> Stack {
    let frames = walked
        .frames
        .iter()
        .enumerate()
        .take(most)
        .map(|(number, frame)| {
            let caller = walked.frames.get(number + 1);
            StackFrame {
                number: u32::try_from(number).unwrap_or(u32::MAX),
                child_sp: frame.registers.sp(),
                return_address: caller.map(|caller| caller.pc),
                site: site(process, frame),
                arguments: match columns.arguments {
                    true => arguments(process, frame),
                    false => Vec::new(),
                },
                trust: trust(frame.trust),
                signal: frame.is_signal_frame,
            }
        })
        .collect();
    let cut_short = match walked.end {
        None | Some(EndReason::Outermost) => None,
        Some(EndReason::Unreadable { at }) => Some(format!("the stack cannot be read at {at}")),
        Some(EndReason::NoCaller) => Some("no caller can be found".to_owned()),
        Some(EndReason::NoProgress) => Some("the stack is damaged: the next frame would not lie above".to_owned()),
    };
    Stack {
        columns,
        frames,
        cut_short,
    }
}

/// Where a frame executes, named by the call and not by what follows it: a call at the end of a function returns into
/// the next one.
fn site(process: &Process, frame: &Frame) -> farsight_session::record::Place {
    // The trampoline of a signal handler was never called: it begins at its return address.
    let lookup = match frame.is_signal_frame {
        true => frame.pc,
        false => frame.lookup_address(),
    };
    let mut place = describe(process, lookup);
    if let Some(symbol) = &mut place.symbol {
        symbol.displacement = symbol.displacement.wrapping_add(frame.pc.0.wrapping_sub(lookup.0));
    }
    place.address = frame.pc;
    place
}

/// Words above the return address, as far as they are known.
fn arguments(process: &Process, frame: &Frame) -> Vec<Option<u64>> {
    let Some(base) = frame.cfa else {
        return Vec::new();
    };
    (0..ARGUMENTS)
        .map(|index| {
            let mut word = [0; 8];
            let address = Address(base.0.wrapping_add(8 * index));
            (process.memory.read(address, &mut word) == Cached::All).then(|| u64::from_le_bytes(word))
        })
        .collect()
}

fn trust(trust: Trust) -> FrameTrust {
    match trust {
        Trust::Context | Trust::Cfi | Trust::SignalFrame => FrameTrust::Exact,
        Trust::Guessed => FrameTrust::Pattern,
        Trust::FramePointer => FrameTrust::FramePointer,
        Trust::Scanned => FrameTrust::Scanned,
    }
}
