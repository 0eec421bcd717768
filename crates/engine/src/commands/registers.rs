//! `r` and its kin: registers, shown and set.

mod masks;
mod settings;
mod types;

use farsight_session::Record;
use farsight_session::record::{RegisterBits, RegisterDump, RegisterLayout, RegisterValue};
use farsight_types::registers::{debug_table, general_table, xsave};
use farsight_types::{Address, AddressRange, Architecture};

use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::register_part;
use crate::session::Session;
use settings::Settings;
use types::ElementType;

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &["r", "rM", "rF", "rX", "rY", "rYI", "rZ", "rZI", "rK"],
        usage: "[~Thread] r[M Mask|F|X|Y|YI|Z|ZI|K|.|?] [Register[:[Num]Type] [= [Value]]] [, ...]",
        summary: "Shows registers, or sets them; types are ib ub iw uw id ud iq uq f d. r. shows those that the \
                  current instruction uses, rM those of a mask, rF x87, rX rY rZ vectors (with I as integers), rK \
                  masks. $t0 to $t19 are variables of the user's own; a register without a value asks for one. r? $t0 = \
                  Expression gives one a C++ value and its type.",
        needs: Needs::Nothing,
        writes: true,
        prefix: Prefix::Selects,
        run: registers,
    },
    Row {
        names: &["rm"],
        usage: "rm [?|Mask]",
        summary: "Shows or sets which registers r shows when none are named; rm ? lists the bits.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: masks::mask,
    },
    Row {
        names: &[".effmach"],
        usage: ".effmach [.|#|amd64]",
        summary: "Shows the processor mode that commands take the target to be in; here it is always amd64.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: machine,
    },
];

fn registers(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let mut text = invocation.text.trim_start();
    let mut mask = match invocation.name {
        "rF" => masks::FLOAT,
        "rX" => masks::XMM,
        "rY" => masks::YMM,
        "rYI" => masks::YMM_INTEGERS,
        "rZ" => masks::ZMM,
        "rZI" => masks::ZMM_INTEGERS,
        "rK" => masks::MASKS,
        _ => session.memos.looks.register_mask,
    };
    if invocation.name == "rM" {
        if text.is_empty() {
            return Err(invocation.missing("a mask"));
        }
        (mask, text) = masks::take(session, invocation, text)?;
    }
    if text.is_empty() {
        return shown_by_mask(session, mask);
    }
    if super::aliases::set_fixed(session, text) {
        return Ok(Flow::Done);
    }
    if text == "." {
        return used(session);
    }
    if let Some(typed) = text.strip_prefix('?') {
        return super::typed::set_variable(session, invocation, typed);
    }
    let mut settings = Settings::default();
    let shown = take_all(session, invocation, text, &mut settings);
    // What was set before a fault stays set, and goes out as one request.
    settings.send(session)?;
    show(session, shown?);
    Ok(Flow::Done)
}

/// Sets one register to a value that is known.
pub(super) fn set_to(
    session: &mut Session,
    invocation: &Invocation<'_>,
    name: &str,
    value: u64,
) -> Result<Flow, CommandError> {
    let mut settings = Settings::default();
    let text = format!("@@masm(0x{value:x})");
    let at = invocation.position_of(invocation.text);
    settings.set(session, name, None, &text, at)?;
    settings.send(session)?;
    Ok(Flow::Done)
}

fn show(session: &mut Session, values: Vec<RegisterValue>) {
    if !values.is_empty() {
        session.output.record(Record::Registers(RegisterDump {
            architecture: Architecture::Amd64,
            layout: RegisterLayout::Named,
            values,
            location: None,
        }));
    }
}

/// Registers with and without values, in order.
fn take_all(
    session: &mut Session,
    invocation: &Invocation<'_>,
    text: &str,
    settings: &mut Settings,
) -> Result<Vec<RegisterValue>, CommandError> {
    let mut rest = text;
    let mut shown = Vec::new();
    while !rest.is_empty() {
        let at = invocation.position_of(rest);
        let (name, element, behind) = take_name(invocation, rest)?;
        let Some(value) = behind.strip_prefix('=') else {
            shown.push(value_of(session, settings, &name, element, at)?);
            rest = behind.strip_prefix(',').unwrap_or(behind).trim_start();
            continue;
        };
        let value = value.trim_start();
        if value.is_empty() {
            let typed = session.ask_line(&format!("{name} ; new value: "))?;
            if !typed.trim().is_empty() {
                settings.set(session, &name, element, typed.trim(), at)?;
            }
            break;
        }
        let left = settings.set(session, &name, element, value, invocation.position_of(value))?;
        rest = left;
    }
    Ok(shown)
}

/// A register's name with its type, and what follows.
fn take_name<'t>(
    invocation: &Invocation<'_>,
    text: &'t str,
) -> Result<(String, Option<ElementType>, &'t str), CommandError> {
    let end = text
        .find(|letter: char| !(letter.is_ascii_alphanumeric() || "$@_.:".contains(letter)))
        .unwrap_or(text.len());
    let (typed, behind) = text.split_at(end);
    let at = invocation.position_of(text);
    let (name, element) = match typed.split_once(':') {
        None => (typed, None),
        Some((name, element)) => {
            let parsed = ElementType::parse(element);
            let wrong = || {
                CommandError::syntax(
                    at + name.len() + 1,
                    format!("'{element}' is no type; ib ub iw uw id ud iq uq f d are, with a count before them"),
                )
            };
            (name, Some(parsed.ok_or_else(wrong)?))
        }
    };
    let name = name.trim_start_matches('@').to_ascii_lowercase();
    match name.is_empty() {
        true => Err(CommandError::syntax(at, "a register's name is missing")),
        false => Ok((name, element, behind.trim_start())),
    }
}

fn bad_register(name: &str, at: usize) -> CommandError {
    CommandError::syntax(at, format!("Bad register error at '{name}'"))
}

/// Whether a name is one of the floating-point and vector registers, on this or another machine.
fn is_vector(name: &str) -> bool {
    const FIXED: [&str; 7] = ["fpcw", "fpsw", "fptw", "fpop", "fpip", "fpdp", "mxcsr"];
    let digits = name.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    let kind = name.strip_suffix(digits).unwrap_or_default();
    FIXED.contains(&name) || !digits.is_empty() && ["st", "mm", "k", "xmm", "ymm", "zmm"].contains(&kind)
}

fn value_of(
    session: &mut Session,
    settings: &mut Settings,
    name: &str,
    element: Option<ElementType>,
    at: usize,
) -> Result<RegisterValue, CommandError> {
    let named = |bits| RegisterValue {
        name: name.to_owned(),
        bits,
    };
    if is_vector(name) {
        let area = &settings.all(session)?.vector;
        if area.is_empty() {
            return Err(CommandError::Refused(
                "the target has no vector registers to show".into(),
            ));
        }
        let bytes = xsave::read(area, name).ok_or_else(|| {
            CommandError::syntax(
                at,
                format!("Bad register error at '{name}': the target's processor has none of this name"),
            )
        })?;
        return Ok(named(match element {
            Some(element) => element.bits(&bytes),
            None => natural(name, bytes),
        }));
    }
    if debug_table(Architecture::Amd64).contains(&name) {
        let value = settings
            .all(session)?
            .by_name(name)
            .ok_or_else(|| bad_register(name, at))?;
        return Ok(RegisterValue::word(name, value));
    }
    // `@` keeps the evaluator from taking a register's name for a number or a symbol.
    let value = session.evaluate(&format!("@{name}"), 0).map_err(|error| match error {
        CommandError::Expression(_) => bad_register(name, at),
        other => other,
    })?;
    let bits = match whole_bits(name) {
        64 => register_part(name).map_or(64, |part| part.bits),
        bits => bits,
    };
    Ok(named(match element {
        Some(element) => element.bits(
            value
                .to_le_bytes()
                .get(..usize::from(bits.div_ceil(8)))
                .unwrap_or_default(),
        ),
        None => RegisterBits::Word { value, bits },
    }))
}

/// How many bits a general register has of which none is a part.
pub(super) fn whole_bits(name: &str) -> u8 {
    match name {
        "cs" | "ss" | "ds" | "es" | "fs" | "gs" => 16,
        "efl" => 32,
        _ => 64,
    }
}

/// How a register is shown where no type is given.
fn natural(name: &str, bytes: Vec<u8>) -> RegisterBits {
    match bytes.len() {
        _ if name.starts_with("st") => RegisterBits::Extended { bytes },
        0..=8 => RegisterBits::Word {
            value: crate::session::number(&bytes),
            bits: 8 * bytes.len() as u8,
        },
        _ => RegisterBits::Vector { bytes },
    }
}

fn shown_by_mask(session: &mut Session, mask: u32) -> Result<Flow, CommandError> {
    if session.is_running() {
        return Err(CommandError::Running { name: "r".into() });
    }
    let integers = mask & (masks::INTEGERS | masks::INTEGERS_64) != 0;
    if integers || mask == 0 {
        let mut dump = register_block(session)?;
        if mask & masks::SEGMENTS == 0 {
            dump.values
                .retain(|value| !["cs", "ss", "ds", "es", "fs", "gs"].contains(&value.name.as_str()));
        }
        // The place where the thread stands ends the whole.
        let location = dump.location.take();
        session.output.record(Record::Registers(dump));
        masks::show_others(session, mask & !masks::SEGMENTS)?;
        if let Some(location) = location {
            session.output.record(Record::Registers(RegisterDump {
                architecture: Architecture::Amd64,
                layout: RegisterLayout::Named,
                values: Vec::new(),
                location: Some(location),
            }));
        }
        return Ok(Flow::Done);
    }
    masks::show_others(session, mask)?;
    Ok(Flow::Done)
}

/// The general registers of the current thread, or of the frame that stands for it, as `r` and stops show them.
pub(crate) fn register_block(session: &mut Session) -> Result<RegisterDump, CommandError> {
    let registers = session.scope_registers()?;
    let location = session.location_at(registers.pc())?;
    let names = general_table(registers.architecture);
    let values = names
        .iter()
        .zip(&registers.general)
        .map(|(name, value)| RegisterValue::word(*name, *value))
        .collect();
    Ok(RegisterDump {
        architecture: registers.architecture,
        layout: RegisterLayout::Block,
        values,
        location: Some(location),
    })
}

/// `r.`: what the current instruction reads and writes.
fn used(session: &mut Session) -> Result<Flow, CommandError> {
    if session.is_running() {
        return Err(CommandError::Running { name: "r.".into() });
    }
    let pc: Address = session.scope_registers()?.pc();
    let disassembler = session.disassembler()?;
    let bytes = session.read_memory(AddressRange::new(pc, disassembler.longest() as u64))?;
    if bytes.is_empty() {
        return Err(CommandError::Unreadable { at: pc });
    }
    let mut settings = Settings::default();
    let mut values = Vec::new();
    for name in disassembler.registers(pc, &bytes) {
        values.push(value_of(session, &mut settings, &name, None, 0)?);
    }
    show(session, values);
    Ok(Flow::Done)
}

fn machine(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    match invocation.text.trim().to_ascii_lowercase().as_str() {
        "" | "." | "#" | "amd64" | "x64" => session.output.line("Effective machine: x64 (AMD64)"),
        other => {
            return Err(CommandError::syntax(
                invocation.at,
                format!("'{other}' is not what the target's processor runs; amd64 is"),
            ));
        }
    }
    Ok(Flow::Done)
}
