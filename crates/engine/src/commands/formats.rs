//! `.formats`: a value in every form.

use farsight_session::Record;
use farsight_types::Address;

use super::clock::moment;
use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::session::Session;

pub(super) const ROWS: &[Row] = &[Row {
    names: &[".formats"],
    usage: ".formats Expression",
    summary: "Shows a value in every form: hexadecimal, decimal, octal, binary, characters, time, floating point.",
    needs: Needs::Nothing,
    writes: false,
    prefix: Prefix::Selects,
    run: formats,
}];

fn formats(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    if invocation.text.is_empty() {
        return Err(invocation.missing("an expression"));
    }
    let value = session.evaluate(invocation.text, invocation.at)?;
    session.memos.last_value = value;
    let bytes = value.to_be_bytes();
    let binary: Vec<String> = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let printable = |byte: &u8| match byte {
        0x20..=0x7e => char::from(*byte),
        _ => '.',
    };
    let time = match value.checked_mul(1_000_000).filter(|_| value <= u64::from(u32::MAX)) {
        Some(micros) => moment(micros),
        None => "***** Invalid".to_owned(),
    };
    let (low, high) = (f32::from_bits(value as u32), f32::from_bits((value >> 32) as u32));
    session.output.record(Record::Lines(vec![
        "Evaluate expression:".to_owned(),
        format!("  Hex:     {}", Address(value)),
        format!("  Decimal: {}", value as i64),
        format!("  Decimal (unsigned) : {value}"),
        format!("  Octal:   {value:022o}"),
        format!("  Binary:  {}", binary.join(" ")),
        format!("  Chars:   {}", bytes.iter().map(printable).collect::<String>()),
        format!("  Time:    {time}"),
        format!("  Float:   low {low:e} high {high:e}"),
        format!("  Double:  {:e}", f64::from_bits(value)),
    ]));
    Ok(Flow::Done)
}
