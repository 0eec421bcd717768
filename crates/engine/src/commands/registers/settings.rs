//! `r reg=value`: several settings become one request.

use farsight_session::record::ElementKind;
use farsight_types::registers::{debug_table, xsave};
use farsight_types::{Address, Architecture, Registers};

use super::types::{ElementType, extended};
use super::{bad_register, is_vector};
use crate::error::CommandError;
use crate::expression::{register_part, take_word};
use crate::session::Session;

/// What one command reads beside the general registers, and what it changes.
#[derive(Default)]
pub(super) struct Settings {
    /// Every set, fetched when first needed; changed where something was set.
    all: Option<Registers>,
    general: bool,
    debug: bool,
    vector: bool,
}

impl Settings {
    /// Every set of registers as it will be.
    pub(super) fn all(&mut self, session: &mut Session) -> Result<&mut Registers, CommandError> {
        if session.is_running() {
            return Err(CommandError::Running { name: "r".into() });
        }
        if self.all.is_none() {
            self.all = Some(session.all_registers()?);
        }
        self.all.as_mut().ok_or(CommandError::NoDebuggee)
    }

    /// Sets a register to the values that a text begins with, and returns what follows them.
    pub(super) fn set<'t>(
        &mut self,
        session: &mut Session,
        name: &str,
        element: Option<ElementType>,
        text: &'t str,
        at: usize,
    ) -> Result<&'t str, CommandError> {
        let variable = name.strip_prefix("$t").and_then(|number| number.parse::<usize>().ok());
        if let Some(number) = variable.filter(|number| *number < session.memos.user_variables.len()) {
            let (value, rest) = session.evaluate_prefix(text, at)?;
            if let Some(slot) = session.memos.user_variables.get_mut(number) {
                *slot = value;
                session.memos.typed_variables.remove(&number);
            }
            return Ok(rest);
        }
        if session.is_running() {
            return Err(CommandError::Running { name: "r".into() });
        }
        if let Some(frame) = session.context_frame() {
            return Err(CommandError::Refused(format!(
                "the registers are those of frame {frame}, which only lie on the stack; .frame /c 0 goes back to the \
                 thread's own"
            )));
        }
        if is_vector(name) {
            return self.set_vector(session, name, element, text, at);
        }
        let (bytes, rest) = match element {
            None => {
                let (value, rest) = session.evaluate_prefix(text, at)?;
                (value.to_le_bytes().to_vec(), rest)
            }
            Some(element) => take_elements(session, element, 8, text, at)?,
        };
        let value = crate::session::number(&bytes);
        if debug_table(Architecture::Amd64).contains(&name) {
            self.debug = self.all(session)?.set_by_name(name, value);
            return Ok(rest);
        }
        self.set_general(session, name, value, at)?;
        Ok(rest)
    }

    fn set_general(&mut self, session: &mut Session, name: &str, value: u64, at: usize) -> Result<(), CommandError> {
        let mut registers = session.registers()?;
        let bad = || bad_register(name, at);
        match register_part(name) {
            _ if name == "$ip" => registers.set_pc(Address(value)),
            None => {
                if !registers.set_by_name(name, value) {
                    return Err(bad());
                }
            }
            Some(part) => {
                let whole = registers.by_name(&part.whole).ok_or_else(bad)?;
                if part.bits < 64 && value >> part.bits != 0 {
                    return Err(CommandError::syntax(
                        at,
                        format!("{value:#x} does not fit into {name}, which has {} bits", part.bits),
                    ));
                }
                if !registers.set_by_name(&part.whole, part.written(whole, value)) {
                    return Err(bad());
                }
            }
        }
        // What comes behind in the same command sees the new value already.
        session.stage_registers(registers)?;
        self.general = true;
        Ok(())
    }

    fn set_vector<'t>(
        &mut self,
        session: &mut Session,
        name: &str,
        element: Option<ElementType>,
        text: &'t str,
        at: usize,
    ) -> Result<&'t str, CommandError> {
        let area = &self.all(session)?.vector;
        let size = xsave::read(area, name).map(|bytes| bytes.len());
        let Some(size) = size else {
            return Err(bad_register(name, at));
        };
        let (bytes, rest) = match element {
            None if name.starts_with("st") => {
                let (word, rest) = take_word(text);
                let value: f64 = word
                    .parse()
                    .map_err(|_| CommandError::syntax(at, format!("'{word}' is no floating-point number")))?;
                (extended(value).to_vec(), rest)
            }
            None if size <= 8 => {
                let (value, rest) = session.evaluate_prefix(text, at)?;
                if size < 8 && value >> (8 * size) != 0 {
                    return Err(CommandError::syntax(
                        at,
                        format!("{value:#x} does not fit into {name}, which has {} bits", 8 * size),
                    ));
                }
                (value.to_le_bytes().get(..size).unwrap_or_default().to_vec(), rest)
            }
            None => {
                let kind = match is_fraction(take_word(text).0) {
                    true => ElementKind::Single,
                    false => ElementKind::QuadWord,
                };
                take_elements(session, ElementType { count: None, kind }, size, text, at)?
            }
            Some(element) => take_elements(session, element, size, text, at)?,
        };
        if !xsave::write(&mut self.all(session)?.vector, name, &bytes) {
            return Err(bad_register(name, at));
        }
        self.vector = true;
        Ok(rest)
    }

    /// Sends what was set, in one request.
    pub(super) fn send(self, session: &mut Session) -> Result<(), CommandError> {
        if !(self.general || self.debug || self.vector) {
            return Ok(());
        }
        let general = session.registers()?;
        let all = self.all.unwrap_or_else(|| general.clone());
        let registers = Registers {
            debug: if self.debug { all.debug } else { Vec::new() },
            vector: if self.vector { all.vector } else { Vec::new() },
            ..general
        };
        let sent = session.set_registers(registers);
        if sent.is_err() {
            session.unstage_registers();
        }
        sent
    }
}

/// The elements that a text begins with, the highest first as they are shown, and what follows them. Fewer than there
/// is room for fill the lowest ones.
fn take_elements<'t>(
    session: &mut Session,
    element: ElementType,
    size: usize,
    text: &'t str,
    at: usize,
) -> Result<(Vec<u8>, &'t str), CommandError> {
    let width = element.kind.size();
    let room = (size / width).max(1);
    let most = element.count.unwrap_or(room).min(room);
    let mut taken: Vec<Vec<u8>> = Vec::new();
    let mut rest = text;
    while taken.len() < most && !rest.is_empty() && !begins_setting(rest) {
        let here = at + (text.len() - rest.len());
        let (bytes, behind) = match element.kind {
            ElementKind::Single | ElementKind::Double => {
                let (word, behind) = take_word(rest);
                let value: f64 = word
                    .parse()
                    .map_err(|_| CommandError::syntax(here, format!("'{word}' is no floating-point number")))?;
                let bytes = match element.kind {
                    ElementKind::Single => (value as f32).to_le_bytes().to_vec(),
                    _ => value.to_le_bytes().to_vec(),
                };
                (bytes, behind)
            }
            _ => {
                let (value, behind) = session.evaluate_prefix(rest, here)?;
                if !crate::commands::values::fits(value, width) {
                    return Err(CommandError::syntax(
                        here,
                        format!("Overflow error: {value:#x} has more than {width} bytes"),
                    ));
                }
                (value.to_le_bytes().get(..width).unwrap_or_default().to_vec(), behind)
            }
        };
        taken.push(bytes);
        rest = behind;
    }
    taken.reverse();
    Ok((taken.concat(), rest))
}

/// Whether a word can only be a floating-point number: `1.5`.
fn is_fraction(word: &str) -> bool {
    word.contains('.') && word.parse::<f64>().is_ok()
}

/// Whether a text begins with `register =`.
fn begins_setting(text: &str) -> bool {
    let behind = text.trim_start_matches(|letter: char| letter.is_ascii_alphanumeric() || "$@_.:".contains(letter));
    let behind = behind.trim_start();
    behind.starts_with('=') && !behind.starts_with("==")
}
