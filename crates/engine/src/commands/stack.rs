//! `k` and its kin: backtraces.

use farsight_session::Record;
use farsight_session::record::{FrameKind, FrameTrust, Place, Stack, StackColumns, StackFrame, SymbolName};
use farsight_symbols::{EndReason, Frame, Trust, VariableKind};
use farsight_types::registers::amd64;
use farsight_types::{Address, AddressRange, Registers};

use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::memory::Cached;
use crate::model::Process;
use crate::session::{LocalVariable, Readers, Session, Stacked, Walked};
use crate::values::Limits;

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &["k", "kn", "kv", "kb", "kc", "kf", "kp", "kP", "kL", "kM"],
        usage: "[~Thread] k[b|p|P|v] [c] [n] [f] [L] [M] [Count] | k... = Stack [Ip] [Count] | k... = Base Stack Ip [Count]",
        summary: "Shows the stack: n numbers the frames, b and v add words that may be arguments, p and P the types of \
                  parameters, f frame sizes, c call sites alone; behind = stands where to begin.",
        needs: Needs::Rest,
        writes: false,
        prefix: Prefix::Selects,
        run: stack,
    },
    Row {
        names: &["kd"],
        usage: "[~Thread] kd [Count]",
        summary: "Shows the words on the stack with the symbols that they point to.",
        needs: Needs::Rest,
        writes: false,
        prefix: Prefix::Selects,
        run: raw,
    },
    Row {
        names: &[".kframes"],
        usage: ".kframes [Count]",
        summary: "Shows or sets how many frames a backtrace has where no count is given.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: depth,
    },
];

/// Most frames of one listing.
const MOST_FRAMES: u64 = 0xffff;
/// Bytes of each stack that are fetched for all threads at once.
const FIRST_BYTES: u32 = 4096;
/// Words shown as possible arguments.
const ARGUMENTS: u64 = 4;
/// Words that kd shows where no count is given, and at most.
const WORDS: u64 = 32;
const MOST_WORDS: u64 = 0x10_0000;

/// Letters that change a listing, joined to the name or behind it.
const FLAGS: &str = "bvcnfpPLM";

/// Whether a name is `k` with flags.
pub(super) fn is_stack_command(name: &str) -> bool {
    name.strip_prefix('k')
        .is_some_and(|flags| flags.chars().all(|flag| FLAGS.contains(flag)))
}

/// Flags that stand apart from the name (`k n 5`, `k L5`), and what follows them.
fn split_flags(text: &str) -> (&str, &str) {
    let mut rest = text;
    loop {
        let word = rest.split([' ', '\t', '=']).next().unwrap_or_default();
        let digits = word.trim_start_matches(|letter: char| FLAGS.contains(letter));
        // What is left may be a count, but a whole word that is one is a count where it is no flag: `10`, `d`.
        let is_flags = !word.is_empty() && digits.chars().all(|digit| digit.is_ascii_digit());
        if !is_flags || digits.len() == word.len() {
            break;
        }
        rest = rest.get(word.len() - digits.len()..).unwrap_or_default().trim_start();
    }
    text.split_at(text.len() - rest.len())
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
    let most = session.memos.looks.frames;
    session.walk_all(&known, most + 1).map(drop)
}

fn stack(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let joined = invocation.name.strip_prefix('k').unwrap_or_default();
    let (apart, text) = split_flags(invocation.text.trim_start());
    let has = |flag: char| joined.contains(flag) || apart.contains(flag);
    let columns = StackColumns {
        numbers: has('n'),
        arguments: has('b') || has('v'),
        sizes: has('f'),
        clean: has('c'),
        headless: false,
        parameter_lines: has('P'),
    };
    let (start, most) = match text.strip_prefix('=') {
        None => (session.registers()?, take_count(session, invocation, text)?),
        Some(text) => take_start(session, invocation, text.trim_start())?,
    };
    // One more, because a frame is shown with where it returns to.
    let mut walked = session.walk_all(&[start], most + 1)?;
    let Some(walked) = walked.pop() else {
        return Ok(Flow::Done);
    };
    session.load_for(walked.frames.iter().map(Frame::lookup_address))?;
    let naming = Naming {
        parameters: has('p') || has('P'),
        lines: session.sources.has_lines && !has('L'),
    };
    let readers = Readers::new(session.process()?);
    let frames = readers.expand(&walked, most);
    let mut stack = shown(&readers, &walked, &frames, columns, naming);
    if naming.parameters && !text.starts_with('=') {
        let locals: Vec<_> = frames.iter().map(|frame| readers.locals(frame)).collect();
        add_parameters(session, &mut stack, locals, &frames)?;
    }
    session.output.record(Record::Stack(stack));
    Ok(Flow::Done)
}

/// Adds the values of parameters to the frames that they are of; what all of them lack is fetched at once.
fn add_parameters(
    session: &mut Session,
    stack: &mut Stack,
    locals: Vec<Option<Vec<LocalVariable>>>,
    frames: &[Stacked],
) -> Result<(), CommandError> {
    let parameters: Vec<Option<Vec<LocalVariable>>> = locals
        .into_iter()
        .map(|of_frame| {
            let is_parameter = |local: &LocalVariable| local.variable.kind == VariableKind::Parameter;
            Some(of_frame?.into_iter().filter(is_parameter).collect())
        })
        .collect();
    let outermost = frames.iter().map(|frame| frame.level).max().unwrap_or(0);
    let scope = session.value_scope(outermost)?;
    let all: Vec<LocalVariable> = parameters.iter().flatten().flatten().cloned().collect();
    let mut values = session.show_locals(&scope, &all, Limits::default())?.into_iter();
    for (frame, parameters) in stack.frames.iter_mut().zip(parameters) {
        let Some(parameters) = parameters else { continue };
        frame.parameters = Some(values.by_ref().take(parameters.len()).map(|shown| shown.node).collect());
    }
    Ok(())
}

/// A count of frames, or the usual one.
fn take_count(session: &mut Session, invocation: &Invocation<'_>, text: &str) -> Result<usize, CommandError> {
    if text.is_empty() {
        return Ok(session.memos.looks.frames);
    }
    let at = invocation.position_of(text);
    let count = session.evaluate(text, at)?;
    frames(count, at)
}

fn frames(count: u64, at: usize) -> Result<usize, CommandError> {
    let wrong = || CommandError::syntax(at, format!("a frame count is from 1 to {MOST_FRAMES:#x}"));
    match (1..=MOST_FRAMES).contains(&count) {
        true => usize::try_from(count).map_err(|_| wrong()),
        false => Err(wrong()),
    }
}

/// Where a walk begins, as numbers: the stack pointer, or it and the instruction pointer, or the base pointer and
/// both; behind them a count, which is told from an address by its size.
fn take_start(
    session: &mut Session,
    invocation: &Invocation<'_>,
    text: &str,
) -> Result<(Registers, usize), CommandError> {
    let mut registers = session.registers()?;
    let mut numbers = Vec::new();
    let mut rest = text;
    while !rest.is_empty() && numbers.len() < 4 {
        let at = invocation.position_of(rest);
        let (number, behind) = session.evaluate_prefix(rest, at)?;
        numbers.push((number, at));
        rest = behind;
    }
    invocation.expect_end(rest)?;
    let mut most = session.memos.looks.frames;
    if numbers.len() == 4 || numbers.len() > 1 && numbers.last().is_some_and(|(number, _)| *number <= MOST_FRAMES) {
        let (count, at) = numbers.pop().unwrap_or_default();
        most = frames(count, at)?;
    }
    let values: Vec<u64> = numbers.into_iter().map(|(number, _)| number).collect();
    let (base, stack, ip) = match values.as_slice() {
        [stack] => (None, *stack, None),
        [stack, ip] => (None, *stack, Some(*ip)),
        [base, stack, ip] => (Some(*base), *stack, Some(*ip)),
        _ => return Err(invocation.missing("a stack pointer")),
    };
    registers.set_value(amd64::RSP, stack);
    if let Some(base) = base {
        registers.set_value(amd64::RBP, base);
    }
    if let Some(ip) = ip {
        registers.set_pc(Address(ip));
    }
    Ok((registers, most))
}

/// `kd`.
fn raw(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let count = match invocation.text.is_empty() {
        true => WORDS,
        false => session.evaluate(invocation.text, invocation.at)?,
    };
    if !(1..=MOST_WORDS).contains(&count) {
        return Err(CommandError::syntax(
            invocation.at,
            format!("a count of words is from 1 to {MOST_WORDS:#x}"),
        ));
    }
    let sp = session.registers()?.sp();
    let room = (u64::MAX - sp.0) / 8;
    super::memory::show_symbols(session, AddressRange::new(sp, 8 * count.min(room.max(1))))?;
    Ok(Flow::Done)
}

/// `.kframes`.
fn depth(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    if !invocation.text.is_empty() {
        session.memos.looks.frames = take_count(session, invocation, invocation.text)?;
    }
    let frames = session.memos.looks.frames;
    session
        .output
        .line(format!("Default stack trace depth is 0n{frames} frames"));
    Ok(Flow::Done)
}

/// How call sites are named.
#[derive(Clone, Copy, Default)]
pub(super) struct Naming {
    /// With the types of parameters.
    pub(super) parameters: bool,
    /// With source lines.
    pub(super) lines: bool,
}

/// Frames of a walk as they are shown.
pub(super) fn shown(
    readers: &Readers<'_>,
    walked: &Walked,
    frames: &[Stacked],
    columns: StackColumns,
    naming: Naming,
) -> Stack {
    let row = |(number, stacked): (usize, &Stacked)| {
        let frame = walked.frames.get(stacked.physical);
        let caller = walked.frames.get(stacked.physical + 1);
        let own = frame.filter(|_| stacked.kind == FrameKind::Called);
        StackFrame {
            number: u32::try_from(number).unwrap_or(u32::MAX),
            child_sp: own.and_then(|frame| frame.registers.sp()),
            return_address: own.and(caller).map(|caller| caller.pc),
            site: site(readers, stacked, naming),
            arguments: match (columns.arguments, own) {
                (true, Some(frame)) => arguments(readers.process(), frame),
                _ => Vec::new(),
            },
            trust: frame.map_or(FrameTrust::Exact, |frame| trust(frame.trust)),
            signal: own.is_some_and(|frame| frame.is_signal_frame),
            kind: stacked.kind,
            source: stacked.source.clone().filter(|_| naming.lines),
            parameters: None,
        }
    };
    let cut_short = match walked.end {
        None | Some(EndReason::Outermost) => None,
        Some(EndReason::Unreadable { at }) => Some(format!("the stack cannot be read at {at}")),
        Some(EndReason::NoCaller) => Some("no caller can be found".to_owned()),
        Some(EndReason::NoProgress) => Some("the stack is damaged: the next frame would not lie above".to_owned()),
    };
    Stack {
        columns,
        frames: frames.iter().enumerate().map(row).collect(),
        cut_short,
    }
}

fn site(readers: &Readers<'_>, frame: &Stacked, naming: Naming) -> Place {
    let mut place = readers.site(frame);
    // Where the debug information knows the parameters, they are shown with their values.
    if naming.parameters
        && frame.scope.is_none()
        && let Some(name) = &mut place.symbol
        && let Some(module) = readers.process().module_at(frame.lookup)
        && let Some(symbols) = module.loaded()
        && let Some((symbol, _)) = symbols.table().at(module.rva(frame.lookup))
        && name.name.as_deref() == Some(&*symbol.name())
    {
        *name = SymbolName::new(&module.name, symbol.full_name(), name.displacement);
    }
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

#[cfg(test)]
mod tests {
    use super::split_flags;

    #[test]
    fn flags_may_stand_apart_from_the_name_and_before_a_count() {
        let cases = [
            ("", "", ""),
            ("n 5", "n ", "5"),
            ("L5", "L", "5"),
            ("b n f", "b n f", ""),
            ("n= rsp", "n", "= rsp"),
            ("10", "", "10"),
            ("d", "", "d"),
            ("@$t0", "", "@$t0"),
            ("fn1+1", "", "fn1+1"),
        ];
        for (text, flags, rest) in cases {
            assert_eq!(split_flags(text), (flags, rest), "{text}");
        }
    }
}
