//! `rm` and the masks of `rM`: groups of registers by DbgEng's bits.

use farsight_session::Record;
use farsight_session::record::{ElementKind, RegisterBits, RegisterValue};
use farsight_types::Architecture;
use farsight_types::registers::{debug_table, xsave};

use super::settings::Settings;
use super::types::ElementType;
use super::{natural, show, whole_bits};
use crate::commands::Invocation;
use crate::error::CommandError;
use crate::execution::Flow;
use crate::session::Session;

pub(super) const INTEGERS: u32 = 1;
pub(super) const INTEGERS_64: u32 = 2;
pub(super) const FLOAT: u32 = 4;
pub(super) const SEGMENTS: u32 = 8;
const MMX: u32 = 0x10;
const DEBUG: u32 = 0x20;
pub(super) const XMM: u32 = 0x40;
pub(super) const YMM: u32 = 0x200;
pub(super) const YMM_INTEGERS: u32 = 0x400;
const XMM_INTEGERS: u32 = 0x800;
pub(super) const ZMM: u32 = 0x1000;
pub(super) const ZMM_INTEGERS: u32 = 0x2000;
pub(super) const MASKS: u32 = 0x4000;

/// Every bit with its words.
const BITS: [(u32, &str); 13] = [
    (INTEGERS, "Integer state (32-bit)"),
    (INTEGERS_64, "Integer state (64-bit)"),
    (FLOAT, "Floating-point state"),
    (SEGMENTS, "Segment registers"),
    (MMX, "MMX registers"),
    (DEBUG, "Debug registers"),
    (XMM, "SSE XMM registers"),
    (YMM, "AVX YMM registers"),
    (YMM_INTEGERS, "AVX YMM registers as integers"),
    (XMM_INTEGERS, "SSE XMM registers as integers"),
    (ZMM, "AVX-512 ZMM registers"),
    (ZMM_INTEGERS, "AVX-512 ZMM registers as integers"),
    (MASKS, "AVX-512 mask registers"),
];

/// `rm`.
pub(super) fn mask(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let lines = |wanted: u32| {
        let bits = BITS.iter().filter(move |(bit, _)| wanted & bit != 0);
        bits.map(|(bit, words)| format!("{bit:>6x} - {words}"))
    };
    match invocation.text.trim() {
        "" => {
            let mask = session.memos.looks.register_mask;
            let first = std::iter::once(format!("Register output mask is {mask:x}:"));
            session.output.record(Record::Lines(first.chain(lines(mask)).collect()));
        }
        "?" => session.output.record(Record::Lines(lines(u32::MAX).collect())),
        text => {
            let (mask, rest) = take(session, invocation, text)?;
            invocation.expect_end(rest)?;
            session.memos.looks.register_mask = mask;
        }
    }
    Ok(Flow::Done)
}

/// A mask of known bits, and what follows it.
pub(super) fn take<'t>(
    session: &mut Session,
    invocation: &Invocation<'_>,
    text: &'t str,
) -> Result<(u32, &'t str), CommandError> {
    let at = invocation.position_of(text);
    let (mask, rest) = session.evaluate_prefix(text, at)?;
    let known = BITS.iter().fold(0, |known, (bit, _)| known | bit);
    match u32::try_from(mask) {
        Ok(mask) if mask & !known == 0 => Ok((mask, rest)),
        _ => Err(CommandError::syntax(
            at,
            format!("{mask:#x} has bits that mean no registers here; rm ? lists those that do"),
        )),
    }
}

/// Shows every group of a mask but the integers.
pub(super) fn show_others(session: &mut Session, mask: u32) -> Result<(), CommandError> {
    let mut settings = Settings::default();
    if mask & SEGMENTS != 0 {
        let registers = session.scope_registers()?;
        let names = ["cs", "ss", "ds", "es", "fs", "gs", "efl"];
        let values = names.iter().filter_map(|name| {
            let value = registers.by_name(name)?;
            let bits = RegisterBits::Word {
                value,
                bits: whole_bits(name),
            };
            Some(RegisterValue {
                name: (*name).to_owned(),
                bits,
            })
        });
        show(session, values.collect());
    }
    let groups: [(u32, &str, usize, Option<ElementKind>); 9] = [
        (FLOAT, "st", 8, None),
        (MMX, "mm", 8, None),
        (XMM, "xmm", 16, Some(ElementKind::Single)),
        (XMM_INTEGERS, "xmm", 16, None),
        (YMM, "ymm", 16, Some(ElementKind::Single)),
        (YMM_INTEGERS, "ymm", 16, None),
        (ZMM, "zmm", 32, Some(ElementKind::Single)),
        (ZMM_INTEGERS, "zmm", 32, None),
        (MASKS, "k", 8, None),
    ];
    for (bit, kind, count, element) in groups {
        if mask & bit == 0 {
            continue;
        }
        let area = &settings.all(session)?.vector;
        let fixed: &[&str] = match bit {
            FLOAT => &["fpcw", "fpsw", "fptw"],
            XMM | XMM_INTEGERS => &["mxcsr"],
            _ => &[],
        };
        let numbered = (0..count).map(|number| format!("{kind}{number}"));
        let names = fixed.iter().map(|name| (*name).to_owned()).chain(numbered);
        let mut values = Vec::new();
        for name in names {
            let Some(bytes) = xsave::read(area, &name) else {
                continue;
            };
            let bits = match element.filter(|_| bytes.len() > 8) {
                Some(kind) => ElementType { count: None, kind }.bits(&bytes),
                None => natural(&name, bytes),
            };
            values.push(RegisterValue { name, bits });
        }
        if values.is_empty() {
            session
                .output
                .warning(format!("The target's processor has no {kind} registers."));
        }
        show(session, values);
    }
    if mask & DEBUG != 0 {
        let all = settings.all(session)?;
        let values = debug_table(Architecture::Amd64).iter().filter_map(|name| {
            let value = all.by_name(name)?;
            Some(RegisterValue::word(*name, value))
        });
        let values = values.collect();
        show(session, values);
    }
    Ok(())
}
