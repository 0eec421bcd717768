//! `!address !vprot`: what is mapped where.

use std::collections::BTreeMap;

use farsight_session::Record;
use farsight_target::Region;
use farsight_types::Address;

use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::session::Session;

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &["!address"],
        usage: "!address [-summary | Address]",
        summary: "Shows the mapping that holds an address, or all mappings and what they come to.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: address,
    },
    Row {
        names: &["!vprot"],
        usage: "!vprot [Address]",
        summary: "Shows the protection of memory at an address, or at the program counter.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: protection,
    },
];

fn letters(region: &Region) -> String {
    let letter = |on: bool, letter: char| if on { letter } else { '-' };
    [
        letter(region.read, 'r'),
        letter(region.write, 'w'),
        letter(region.execute, 'x'),
        if region.shared { 's' } else { 'p' },
    ]
    .iter()
    .collect()
}

/// What a mapping is for, in a word.
fn usage(session: &Session, region: &Region) -> &'static str {
    let is_image = session
        .process()
        .is_ok_and(|process| process.module_at(region.range.start).is_some());
    match region.path.as_str() {
        _ if is_image => "Image",
        "[heap]" => "Heap",
        path if path.starts_with("[stack") => "Stack",
        path if path.starts_with("[v") => "System",
        "" => "Private",
        _ => "MappedFile",
    }
}

fn at(session: &mut Session, address: Address) -> Result<Option<Region>, CommandError> {
    let regions = session.regions()?;
    Ok(regions.into_iter().find(|region| region.range.contains(address)))
}

fn address(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let text = invocation.text.trim();
    if text.is_empty() || text == "-summary" {
        return all(session, text.is_empty());
    }
    let address = Address(session.evaluate(text, invocation.at)?);
    let Some(region) = at(session, address)? else {
        session.output.record(Record::Lines(vec![
            "Usage:                  Free".to_owned(),
            format!("Nothing is mapped at {address}"),
        ]));
        return Ok(Flow::Done);
    };
    let kind = usage(session, &region);
    let mut lines = vec![
        format!("Usage:                  {kind}"),
        format!("Base Address:           {}", region.range.start),
        format!("End Address:            {}", region.range.end()),
        format!("Region Size:            {}", Address(region.range.length)),
        format!("Protect:                {}", letters(&region)),
    ];
    if !region.path.is_empty() {
        lines.push(format!("Mapped file name:       {}", region.path));
        lines.push(format!("Offset in it:           {:x}", region.offset));
    }
    if let Some(module) = session.process()?.module_at(address) {
        lines.push(format!("More info:              lmv m {}", module.name));
    }
    session.output.record(Record::Lines(lines));
    Ok(Flow::Done)
}

fn all(session: &mut Session, each: bool) -> Result<Flow, CommandError> {
    let regions = session.regions()?;
    let mut lines = Vec::new();
    let mut sums: BTreeMap<&'static str, (u64, u64)> = BTreeMap::new();
    if each {
        lines.push("  BaseAddress       EndAddress+1      RegionSize  Protect  Usage".to_owned());
    }
    for region in &regions {
        let kind = usage(session, region);
        let sum = sums.entry(kind).or_default();
        *sum = (sum.0 + 1, sum.1.saturating_add(region.range.length));
        if each {
            let text = format!(
                "  {} {} {:>11x}  {}     {kind:<10} {}",
                region.range.start,
                region.range.end(),
                region.range.length,
                letters(region),
                region.path
            );
            lines.push(text.trim_end().to_owned());
        }
    }
    lines.push(String::new());
    lines.push("--- Usage Summary ---------- RgnCount -- Total Size".to_owned());
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(_, (_, size))| std::cmp::Reverse(*size));
    lines.extend(
        sums.into_iter()
            .map(|(kind, (count, size))| format!("{kind:<28} {count:>8} {size:>13x}  ({} KB)", size >> 10)),
    );
    session.output.record(Record::Lines(lines));
    Ok(Flow::Done)
}

fn protection(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let text = invocation.text.trim();
    let address = match text.is_empty() {
        true => session.registers()?.pc(),
        false => Address(session.evaluate(text, invocation.at)?),
    };
    let region = at(session, address)?.ok_or(CommandError::Unreadable { at: address })?;
    session.output.record(Record::Lines(vec![
        format!("BaseAddress:       {}", region.range.start),
        format!("RegionSize:        {}", Address(region.range.length)),
        format!("Protect:           {}", letters(&region)),
        format!("Type:              {}", usage(session, &region)),
    ]));
    Ok(Flow::Done)
}
