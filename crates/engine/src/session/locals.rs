//! Parameters and local variables of frames: which there are, what they are worth, where they lie.

use farsight_session::record::{NodeKind, ValueNode};
use farsight_symbols::{DieId, ValueError, Variable, VariableKind};
use farsight_types::Address;

use super::stack::{Readers, Stacked};
use super::{Session, ValueScope};
use crate::error::CommandError;
use crate::values::{Limits, Value};

/// A variable that is in scope in a frame.
#[derive(Clone, Debug)]
pub(crate) struct LocalVariable {
    /// The module whose debug information it is of.
    pub(crate) module: usize,
    /// The [`level`](Stacked::level) of the frame that it is looked at in; none where it is looked at in no frame.
    pub(crate) level: Option<usize>,
    pub(crate) variable: Variable,
}

/// The variables of a frame or a function.
pub(crate) struct FrameLocals {
    /// Where their values are.
    pub(crate) scope: ValueScope,
    /// The function that is looked at in a frame: its module and entry.
    pub(crate) function: Option<(usize, DieId)>,
    /// Which there are, or why nobody knows.
    pub(crate) found: Result<Vec<LocalVariable>, String>,
    /// Whether there may be more than were looked for.
    pub(crate) cut: bool,
}

/// What is shown of a variable.
pub(crate) struct ShownLocal {
    pub(crate) node: ValueNode,
    /// Bytes of its type.
    pub(crate) size: Option<u64>,
}

impl Readers<'_> {
    /// The parameters and variables that are in scope in a frame; none where the debug information does not know its
    /// function.
    pub(crate) fn locals(&self, frame: &Stacked) -> Option<Vec<LocalVariable>> {
        self.all_locals(frame).map(|(locals, _)| locals)
    }

    /// As [`Readers::locals`], and whether there may be more than were looked for.
    fn all_locals(&self, frame: &Stacked) -> Option<(Vec<LocalVariable>, bool)> {
        let scope = frame.scope.as_ref()?;
        let module = self.process().module_index_at(frame.lookup)?;
        let (image, reader) = self.at(frame.lookup)?;
        let variables = reader.variables(scope.id, image.rva(frame.lookup)).ok()?;
        let local = |variable| LocalVariable {
            module,
            level: Some(frame.level),
            variable,
        };
        Some((variables.list.into_iter().map(local).collect(), variables.cut))
    }
}

impl Session {
    /// The parameters and variables of a frame of the current thread, by its number, and where their values are.
    pub(crate) fn locals_of_frame(&mut self, number: usize) -> Result<FrameLocals, CommandError> {
        let thread = self.place()?.thread;
        let walked = self.walk(thread, number + 2)?;
        self.load_for(walked.frames.iter().map(farsight_symbols::Frame::lookup_address))?;
        let readers = Readers::new(self.process()?);
        let frames = readers.expand(&walked, number + 1);
        let Some(frame) = frames.get(number) else {
            return Err(CommandError::NoSuch {
                what: format!("there is no frame {number:#x}; the stack has {:#x}", frames.len()),
            });
        };
        let unknown = || {
            format!(
                "no debug information tells the variables of {}; !chksym shows where it was looked for",
                readers.site(frame)
            )
        };
        let (mut found, cut) = match readers.all_locals(frame) {
            Some((locals, cut)) => (Ok(locals), cut),
            None => (Err(unknown()), false),
        };
        if let Err(why) = &mut found
            && let Some(reason) = self.trouble_at(frame.lookup)?
        {
            *why = format!("{why}\n{reason}");
        }
        let level = frame.level;
        let module = self.process()?.module_index_at(frame.lookup);
        let function = module.zip(frame.scope.as_ref().map(|scope| scope.id));
        Ok(FrameLocals {
            scope: self.value_scope(level)?,
            function,
            found,
            cut,
        })
    }

    /// The variables of the function at an address, which no frame needs to be in.
    pub(crate) fn locals_at(&mut self, address: Address) -> Result<FrameLocals, CommandError> {
        let place = self.place_of(address)?;
        let readers = Readers::new(self.process()?);
        let innermost = readers.expand_address(address);
        let locals = innermost.first().and_then(|frame| readers.all_locals(frame));
        let cut = locals.as_ref().is_some_and(|(_, cut)| *cut);
        let found = locals.ok_or_else(|| format!("no debug information tells the variables of {place}"));
        let without_frame = |local| LocalVariable { level: None, ..local };
        Ok(FrameLocals {
            function: None,
            scope: self.global_scope(),
            found: found.map(|(locals, _)| locals.into_iter().map(without_frame).collect()),
            cut,
        })
    }

    /// What is shown of variables, of whatever frames of a scope: what all of them lack is fetched at once.
    pub(crate) fn show_locals(
        &mut self,
        scope: &ValueScope,
        locals: &[LocalVariable],
        limits: Limits,
    ) -> Result<Vec<ShownLocal>, CommandError> {
        let modules: Vec<usize> = locals.iter().map(|local| local.module).collect();
        self.with_values(scope, &modules, |ground| {
            let mut shown = Vec::with_capacity(locals.len());
            for local in locals {
                let variable = &local.variable;
                ground.level = local.level.unwrap_or(usize::MAX);
                let mut value = match variable.is_declaration {
                    true => ground.static_member(local.module, variable.id),
                    false => ground.variable(local.module, variable.id),
                };
                if local.level.is_none() && variable.kind != VariableKind::Static {
                    // What is said of a frame that is not there would be stale.
                    value.place = value.place.and(Err(ValueError::NoFrame));
                }
                let mut node = ground.show(&variable.name, &value, limits);
                node.kind = match variable.kind {
                    VariableKind::Parameter => NodeKind::Parameter,
                    VariableKind::Local => NodeKind::Local,
                    VariableKind::Static => NodeKind::Static,
                };
                if limits.depth == 0 {
                    // What is in it was not asked for; how much there is of it says nothing.
                    node.more = 0;
                }
                if variable.is_shadowed && node.note.is_none() {
                    node.note = Some(String::from("shadowed"));
                }
                let size = ground.stripped(local.module, &value.type_ref).ok();
                let size = size.and_then(|found| found.size);
                shown.push(ShownLocal { node, size });
            }
            shown
        })
    }

    /// The address of a parameter or variable of the chosen frame; none where there is none of that name. Only asks what
    /// is at hand: a name of a symbol costs nothing more because it might be a local one.
    pub(crate) fn local_address(&mut self, name: &str) -> Result<Option<Address>, CommandError> {
        if !self.has_frame_at_hand() {
            return Ok(None);
        }
        let number = self.chosen_frame().map_or(0, |frame| frame.number);
        let thread = self.place()?.thread;
        let walked = self.walk(thread, number + 1)?;
        let readers = Readers::new(self.process()?);
        let frames = readers.expand(&walked, number + 1);
        let locals = frames.get(number).and_then(|frame| readers.locals(frame));
        let mut locals = locals.into_iter().flatten();
        let is_meant = |local: &LocalVariable| local.variable.name == name && !local.variable.is_shadowed;
        // What is defined elsewhere is found there.
        let Some(local) = locals.find(is_meant).filter(|local| !local.variable.is_declaration) else {
            return Ok(None);
        };
        let scope = self.value_scope(local.level.unwrap_or(0))?;
        let value = self.with_values(&scope, &[local.module], |ground| {
            let value = ground.variable(local.module, local.variable.id);
            match local.level {
                Some(_) => value,
                None => Value {
                    place: Err(ValueError::NoFrame),
                    ..value
                },
            }
        })?;
        match (&value.place, value.address()) {
            (_, Some(address)) => Ok(Some(address)),
            (Err(error), _) => Err(CommandError::Refused(format!("{name} has no address here: {error}"))),
            (Ok(place), None) => {
                let place = place.described().unwrap_or_else(|| String::from("several places"));
                Err(CommandError::Refused(format!(
                    "{name} has no address: it is in {place}; ?? {name} shows its value"
                )))
            }
        }
    }

    /// Whether the chosen frame's registers and the symbols of its module are here.
    fn has_frame_at_hand(&self) -> bool {
        let Some(place) = self.current.filter(|_| !self.is_running()) else {
            return false;
        };
        let Ok(process) = self.process() else {
            return false;
        };
        let Some(registers) = process
            .thread(place.thread)
            .and_then(|thread| thread.registers.as_ref())
        else {
            return false;
        };
        let module = process.module_at(registers.pc());
        module.is_some_and(|module| module.loaded().is_some())
    }
}
