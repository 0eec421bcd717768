//! `.frame`, `.f+`, `.f-`: one frame of the stack, chosen until the target runs.

use farsight_session::Record;
use farsight_session::record::StackColumns;
use farsight_symbols::Frame;
use farsight_types::registers::amd64;
use farsight_types::{Address, Registers};

use super::each::commands_of_each;
use super::locals::fetch_for_each_frame;
use super::registers::register_block;
use super::stack::{Naming, shown};
use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::take_word;
use crate::session::{ChosenFrame, Readers, Session, Walked};

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &[".frame"],
        usage: ".frame [/c] [/r] [Number | = Base [Increment]]",
        summary: "Chooses a frame of the stack, or shows the chosen one; = Base chooses the one whose part of the stack \
                  an address lies in, or another so many frames further out; /r shows its registers, with /c they stand \
                  for the thread's own until .frame /c 0.",
        needs: Needs::Rest,
        writes: false,
        prefix: Prefix::Selects,
        run: frame,
    },
    Row {
        names: &[".f"],
        usage: ".f+ | .f-",
        summary: "Chooses the next frame outwards (+) or inwards (-).",
        needs: Needs::Rest,
        writes: false,
        prefix: Prefix::Selects,
        run: neighbour,
    },
    Row {
        names: &["!for_each_frame"],
        usage: "[~Thread] !for_each_frame [Commands]",
        summary: "Shows each frame of the stack, chooses it and runs commands.",
        needs: Needs::Rest,
        writes: false,
        prefix: Prefix::Selects,
        run: each_frame,
    },
];

/// The highest number of a frame.
const MOST: u64 = 0xffff;

/// What is shown of a frame, and what its registers are for.
#[derive(Clone, Copy, Default)]
struct Options {
    registers: bool,
    context: bool,
}

fn frame(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let mut options = Options::default();
    let mut rest = invocation.text.trim_start();
    while rest.starts_with('/') {
        let (option, behind) = take_word(rest);
        match option {
            "/c" => options.context = true,
            "/r" => options.registers = true,
            _ => return Err(invocation.unexpected(rest)),
        }
        rest = behind;
    }
    if let Some(text) = rest.strip_prefix('=') {
        let number = number_at(session, invocation, text)?;
        return choose(session, number, options);
    }
    let number = match rest {
        "" => session.chosen_frame().map_or(0, |frame| frame.number),
        text => {
            let at = invocation.position_of(text);
            let number = session.evaluate(text, at)?;
            let number = usize::try_from(number).ok().filter(|number| *number as u64 <= MOST);
            number.ok_or_else(|| CommandError::syntax(at, format!("a frame's number is from 0 to {MOST:#x}")))?
        }
    };
    choose(session, number, options)
}

/// The frame whose part of the stack an address lies in.
fn number_at(session: &mut Session, invocation: &Invocation<'_>, text: &str) -> Result<usize, CommandError> {
    let text = text.trim_start();
    let (base, rest) = session.evaluate_prefix(text, invocation.position_of(text))?;
    let increment = match rest {
        "" => 0,
        text => {
            let at = invocation.position_of(text);
            let increment = session.evaluate(text, at)?;
            let increment = usize::try_from(increment)
                .ok()
                .filter(|increment| *increment as u64 <= MOST);
            increment.ok_or_else(|| CommandError::syntax(at, format!("an increment is from 0 to {MOST:#x}")))?
        }
    };
    let thread = session.place()?.thread;
    let most = session.memos.looks.frames;
    let walked = session.walk(thread, most + 1)?;
    let is_inside = |frame: &Frame| {
        let part = frame.registers.sp().zip(frame.cfa);
        part.is_some_and(|(start, end)| (start.0..end.0).contains(&base))
    };
    let found = walked.frames.iter().position(is_inside);
    session.load_for(walked.frames.iter().map(Frame::lookup_address))?;
    let frames = Readers::new(session.process()?).expand(&walked, usize::MAX);
    let number = frames.iter().position(|frame| Some(frame.physical) == found);
    match number {
        Some(number) => Ok(number + increment),
        None => Err(CommandError::NoSuch {
            what: format!("no frame of this stack has {} in its part", Address(base)),
        }),
    }
}

/// `!for_each_frame`.
fn each_frame(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let text = commands_of_each(invocation.text);
    let (place, before) = (session.place()?, session.memos.looks.frame.take());
    let most = session.memos.looks.frames;
    let walked = session.walk(place.thread, most)?;
    session.load_for(walked.frames.iter().map(Frame::lookup_address))?;
    let readers = Readers::new(session.process()?);
    let frames = readers.expand(&walked, most);
    let locals: Vec<_> = frames.iter().map(|frame| readers.locals(frame)).collect();
    let mut result = fetch_for_each_frame(session, &text, &locals);
    for number in 0..locals.len() {
        result = result
            .and_then(|()| session.check_interrupt())
            .and_then(|()| choose(session, number, Options::default()))
            .and_then(|_| match text.is_empty() {
                true => Ok(()),
                false => session.run_beside_stop(&text),
            });
        if result.is_err() {
            break;
        }
    }
    session.memos.looks.frame = before;
    result.map(|()| Flow::Done)
}

fn neighbour(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (now, options) = match session.chosen_frame() {
        None => (0, Options::default()),
        Some(frame) => (
            frame.number,
            Options {
                context: frame.context.is_some(),
                registers: false,
            },
        ),
    };
    let number = match invocation.text.trim() {
        "+" => now.checked_add(1),
        "-" => now.checked_sub(1),
        _ => return Err(invocation.missing("+ or -")),
    };
    let none = || CommandError::NoSuch {
        what: "the stack ends here".into(),
    };
    choose(session, number.ok_or_else(none)?, options)
}

fn choose(session: &mut Session, number: usize, options: Options) -> Result<Flow, CommandError> {
    let place = session.place()?;
    let own = session.registers()?;
    // One more, because a frame is shown with where it returns to.
    let walked = session.walk(place.thread, number + 2)?;
    session.load_for(walked.frames.iter().map(Frame::lookup_address))?;
    let naming = Naming {
        lines: session.sources.has_lines,
        ..Naming::default()
    };
    let readers = Readers::new(session.process()?);
    let frames = readers.expand(&walked, number + 2);
    let lookup = frames.get(number).map(|frame| frame.lookup);
    let chosen = frames.get(number).and_then(|frame| walked.frames.get(frame.physical));
    let (Some(chosen), Some(lookup)) = (chosen.cloned(), lookup) else {
        return Err(CommandError::NoSuch {
            what: format!("there is no frame {number:#x}; the stack has {:#x}", frames.len()),
        });
    };
    let registers = registers_of(&chosen, &own);
    let columns = StackColumns {
        numbers: true,
        headless: true,
        ..StackColumns::default()
    };
    let walked = Walked { end: None, ..walked };
    let mut record = shown(&readers, &walked, &frames, columns, naming);
    record.frames = record.frames.split_off(number);
    record.frames.truncate(1);
    let stop_number = session.system()?.stop_number;
    session.output.record(Record::Stack(record));
    let with = |context| {
        Some(ChosenFrame {
            place,
            stop_number,
            number,
            lookup,
            context,
        })
    };
    // Frame 0 is the thread itself, whose registers can be set.
    let context = (options.context && number > 0).then(|| registers.clone());
    session.memos.looks.frame = with(context);
    if options.registers {
        let kept = session.memos.looks.frame.take();
        session.memos.looks.frame = with((number > 0).then_some(registers));
        let block = register_block(session);
        session.memos.looks.frame = kept;
        session.output.record(Record::Registers(block?));
    }
    Ok(Flow::Done)
}

/// A frame's registers; those that the frames within have overwritten without saving them are the thread's.
fn registers_of(frame: &Frame, own: &Registers) -> Registers {
    let mut registers = own.clone();
    for index in 0..=amd64::RIP {
        if let Some(value) = frame.registers.get(index) {
            registers.set_value(index, value);
        }
    }
    registers.set_pc(frame.pc);
    registers
}
