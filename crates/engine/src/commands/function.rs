//! `uf`: whole functions.

use farsight_session::Record;
use farsight_session::record::{InstructionLine, Listing, SymbolName};
use farsight_types::{Address, AddressRange, Rva};

use super::code::show_listing;
use super::{Invocation, Needs, Prefix, Row};
use crate::disassembly::Flow as Going;
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::take_word;
use crate::session::Session;
use crate::symbols::name_of;

pub(super) const ROWS: &[Row] = &[Row {
    names: &["uf"],
    usage: "uf [/c] [/D] [/i] [/m] [/o] [/O] Address",
    summary: "Disassembles the whole function that holds an address, with its parts elsewhere; /c shows its calls \
              alone, /D what it calls, /i counts instructions, /O lists its parts; /o and /m are accepted.",
    needs: Needs::Target,
    writes: false,
    prefix: Prefix::Selects,
    run: function,
}];

/// Bytes of the longest function that is shown, and parts of it.
const LONGEST: u64 = 1 << 20;
const MOST_PARTS: usize = 64;

#[derive(Clone, Copy, Default)]
struct Options {
    calls: bool,
    callees: bool,
    count: bool,
    parts: bool,
}

fn function(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let mut options = Options::default();
    let mut rest = invocation.text;
    while rest.starts_with('/') {
        let (option, behind) = take_word(rest);
        match option {
            "/c" => options.calls = true,
            "/D" => options.callees = true,
            "/i" => options.count = true,
            "/O" => options.parts = true,
            // Parts are shown in the order of their addresses, and exits need no relaxing.
            "/o" | "/m" => {}
            _ => return Err(invocation.unexpected(rest)),
        }
        rest = behind;
    }
    let address = match rest {
        "" => session.scope_registers()?.pc(),
        text => Address(session.evaluate(text, invocation.position_of(text))?),
    };
    let whole = extent(session, address)?;
    let mut parts = vec![(whole, listing(session, whole)?)];
    for elsewhere in parts_elsewhere(session, &parts[0].1, whole)? {
        parts.push((elsewhere, listing(session, elsewhere)?));
    }
    parts.sort_by_key(|(range, _)| range.start);
    if options.parts {
        let lines = parts.iter().map(|(range, _)| super::dumps::shown(*range));
        session.output.record(Record::Lines(lines.collect()));
    }
    if options.count {
        let count: usize = parts.iter().map(|(_, listing)| listing.lines.len()).sum();
        session.output.line(format!("{count} instructions scanned"));
    }
    if options.calls || options.callees {
        return calls(session, parts, options);
    }
    for (_, listing) in parts {
        session.check_interrupt()?;
        show_listing(session, listing);
    }
    Ok(Flow::Done)
}

/// The function that holds an address: by its symbol, by its unwind table, else up to where the code cannot go on.
fn extent(session: &mut Session, address: Address) -> Result<AddressRange, CommandError> {
    session.place_of(address)?;
    let process = session.process()?;
    let known = process.module_at(address).and_then(|module| {
        let symbols = module.loaded()?;
        let rva = module.rva(address);
        let (start, end) = match symbols.table().at(rva) {
            Some((symbol, _)) if symbol.size() > 0 => (symbol.rva().0, symbol.rva().0.checked_add(symbol.size())?),
            _ => symbols.unwind.function_at(rva.0)?,
        };
        Some(AddressRange::new(module.address(Rva(start)), end.checked_sub(start)?))
    });
    let range = match known {
        Some(range) => range,
        None => followed(session, address)?,
    };
    Ok(AddressRange::new(range.start, range.length.clamp(1, LONGEST)))
}

/// From an address to the first instruction that does not go on and that no branch so far leads behind.
fn followed(session: &mut Session, address: Address) -> Result<AddressRange, CommandError> {
    const WINDOW: u64 = 64 << 10;
    let disassembler = session.disassembler()?;
    let bytes = session.read_memory(AddressRange::new(address, WINDOW))?;
    if bytes.is_empty() {
        return Err(CommandError::Unreadable { at: address });
    }
    let mut offset = 0;
    let mut furthest = address;
    while let Some(rest) = bytes.get(offset..)
        && let Some(instruction) = disassembler.measure(address.wrapping_add(offset as u64), rest)
    {
        offset += instruction.length;
        let next = address.wrapping_add(offset as u64);
        let target = instruction.target.filter(|_| instruction.flow != Going::Call);
        if let Some(target) = target.filter(|target| *target > next && target.0 - address.0 < WINDOW) {
            furthest = furthest.max(target);
        }
        let ends = matches!(instruction.flow, Going::Jump | Going::Return | Going::Exception);
        if ends && next > furthest {
            break;
        }
    }
    Ok(AddressRange::new(address, offset as u64))
}

fn listing(session: &mut Session, range: AddressRange) -> Result<Listing, CommandError> {
    let count = usize::try_from(range.length).unwrap_or(usize::MAX);
    session.list_range(range, count)
}

/// Parts of a function that the compiler laid elsewhere (`name.cold`, `name.part.0`) and that it jumps to.
fn parts_elsewhere(
    session: &mut Session,
    listing: &Listing,
    whole: AddressRange,
) -> Result<Vec<AddressRange>, CommandError> {
    let disassembler = session.disassembler()?;
    let targets: Vec<Address> = listing
        .lines
        .iter()
        .filter_map(|line| {
            let instruction = disassembler.measure(line.place.address, &line.bytes)?;
            let jumps = matches!(instruction.flow, Going::Jump | Going::Branch);
            instruction.target.filter(|target| jumps && !whole.contains(*target))
        })
        .collect();
    let process = session.process()?;
    let name = name_of(process, whole.start).and_then(|symbol| symbol.name);
    let Some(name) = name else {
        return Ok(Vec::new());
    };
    let mut parts: Vec<AddressRange> = Vec::new();
    for target in targets {
        let symbol = name_of(process, target);
        let is_part = symbol.and_then(|symbol| symbol.name).is_some_and(|other| {
            other
                .strip_prefix(&name)
                .is_some_and(|more| more.starts_with(['.', ' ', '[']))
        });
        if is_part && !parts.iter().any(|part| part.contains(target)) && parts.len() < MOST_PARTS {
            let found = process.module_at(target).and_then(|module| {
                let (symbol, _) = module.loaded()?.table().at(module.rva(target))?;
                Some(AddressRange::new(
                    module.address(symbol.rva()),
                    symbol.size().clamp(1, LONGEST),
                ))
            });
            parts.extend(found);
        }
    }
    Ok(parts)
}

/// `/c` and `/D`: the calls of a function, or each of what it calls.
fn calls(session: &mut Session, parts: Vec<(AddressRange, Listing)>, options: Options) -> Result<Flow, CommandError> {
    let disassembler = session.disassembler()?;
    let mut lines = Vec::new();
    let mut callees = std::collections::BTreeSet::new();
    if let Some(first) = parts.first().and_then(|(_, listing)| listing.lines.first()) {
        lines.push(named(first.place.symbol.as_ref(), first.place.address));
    }
    for line in parts.iter().flat_map(|(_, listing)| &listing.lines) {
        let Some(call) = disassembler.measure(line.place.address, &line.bytes) else {
            continue;
        };
        if call.flow != Going::Call {
            continue;
        }
        callees.extend(call.target);
        lines.push(format!("  {}:", named(line.place.symbol.as_ref(), line.place.address)));
        lines.push(match call.target {
            Some(target) => {
                let symbol = name_of(session.process()?, target);
                format!("    call to {}", named(symbol.as_ref(), target))
            }
            None => format!("    {}", operand(line)),
        });
    }
    if options.callees {
        let process = session.process()?;
        lines = callees
            .into_iter()
            .map(|callee| named(name_of(process, callee).as_ref(), callee))
            .collect();
    }
    session.output.record(Record::Lines(lines));
    Ok(Flow::Done)
}

/// An indirect call says itself where it goes.
fn operand(line: &InstructionLine) -> String {
    line.text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn named(symbol: Option<&SymbolName>, address: Address) -> String {
    match symbol {
        Some(symbol) => format!("{symbol} ({address})"),
        None => address.to_string(),
    }
}
