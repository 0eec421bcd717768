//! Values of the current process: what work on them lacks is fetched, all at once, until nothing lacks.

use std::sync::Arc;

use farsight_symbols::{DebugInfo, Frame, FrameRegisters, ValueFrame};
use farsight_target::{LookProxy, RegistersRequest};
use farsight_types::registers::RegisterSets;
use farsight_types::{Registers, Rva, ThreadId};

use super::Session;
use super::stack::{Readers, value_frames};
use crate::error::CommandError;
use crate::values::{Ground, Interrupts, Known, Needs, Source};

/// Frames beyond the one that is looked at that may tell what its parameters were.
const CALLERS: usize = 3;
/// The same, as far as the stack is here: what a function was called with may be what its caller was called with, and so
/// on up a recursion.
const FURTHER_CALLERS: usize = 32;
/// How often something may lack before the work is given up; each time one more pointer is followed.
const MOST_ROUNDS: usize = 10_000;

/// Where values are looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct ValueScope {
    /// The thread's frames from the innermost on, those of tail calls among them and inlined ones not; empty for what is in
    /// no frame.
    pub(crate) frames: Vec<Frame>,
    /// Which of them variables are looked at in.
    pub(crate) level: usize,
    thread: Option<ThreadId>,
}

impl Session {
    /// The scope of a frame of the current thread, by its [`level`](super::stack::Stacked::level).
    pub(crate) fn value_scope(&mut self, level: usize) -> Result<ValueScope, CommandError> {
        let thread = self.place()?.thread;
        let mut walked = self.walk(thread, level + 1 + CALLERS)?;
        let further = self.walk_here(level + 1 + FURTHER_CALLERS)?;
        if further.len() > walked.frames.len() {
            walked.frames = further;
        }
        self.load_for(walked.frames.iter().map(Frame::lookup_address))?;
        let stacked = Readers::new(self.process()?).expand(&walked, usize::MAX);
        let frames = value_frames(&walked, &stacked);
        if level >= frames.len() {
            return Err(CommandError::NoSuch {
                what: format!("the stack has no frame {level:x}"),
            });
        }
        Ok(ValueScope {
            frames,
            level,
            thread: Some(thread),
        })
    }

    /// What is in no frame: variables of the program, types.
    pub(crate) fn global_scope(&self) -> ValueScope {
        ValueScope {
            thread: self.place().ok().map(|place| place.thread),
            ..ValueScope::default()
        }
    }

    /// Does work on values of some modules, in a scope: again and again, until all that it asks for is here. Each round
    /// that lacks something costs one round trip, whatever it lacks.
    pub(crate) fn with_values<T>(
        &mut self,
        scope: &ValueScope,
        modules: &[usize],
        mut work: impl FnMut(&mut Ground<'_, '_, '_>) -> T,
    ) -> Result<T, CommandError> {
        let process = self.process()?;
        let of_frames: Vec<Option<usize>> = scope
            .frames
            .iter()
            .map(|frame| process.module_index_at(frame.lookup_address()))
            .collect();
        let mut wanted: Vec<usize> = of_frames.iter().flatten().chain(modules).copied().collect();
        wanted.sort_unstable();
        wanted.dedup();
        self.load_symbols(&wanted)?;
        let process = self.process()?;
        let infos: Vec<(usize, u64, Arc<DebugInfo>)> = wanted
            .iter()
            .filter_map(|index| {
                let module = process.modules.get(*index)?;
                let info = module.loaded()?.debug()?;
                Some((*index, module.image.bias, Arc::clone(info)))
            })
            .collect();
        let known: Vec<Known<'_>> = infos
            .iter()
            .map(|(index, bias, info)| Known::new(*index, *bias, info.reader()))
            .collect();
        let frames: Vec<ValueFrame<'_, '_>> = scope
            .frames
            .iter()
            .zip(&of_frames)
            .map(|(frame, module)| value_frame(process, &known, frame, *module))
            .collect();
        let mut registers = match scope.thread {
            Some(thread) => Some(self.registers_of(thread)?),
            None => None,
        };
        let mut indexed = Vec::new();
        for _ in 0..MOST_ROUNDS {
            self.check_interrupt()?;
            let mut ground = Ground {
                modules: &known,
                frames: &frames,
                level: scope.level,
                source: Source {
                    process: self.process()?,
                    registers: registers.as_ref(),
                    needs: Needs::default(),
                    indexed: &indexed,
                    interrupts: Interrupts::new(&self.mailbox),
                },
                formats: self.formatters.clone(),
            };
            let done = work(&mut ground);
            if ground.source.interrupts.came() {
                return Err(CommandError::Interrupted);
            }
            let needs = ground.source.needs;
            if needs.is_empty() {
                return Ok(done);
            }
            for module in &needs.indexes {
                self.indexed(*module)?;
                indexed.push(*module);
            }
            self.satisfy_values(&needs, scope.thread, &mut registers)?;
        }
        Err(CommandError::Refused(String::from(
            "the value leads on and on; it is not followed any further",
        )))
    }

    fn satisfy_values(
        &mut self,
        needs: &Needs,
        thread: Option<ThreadId>,
        registers: &mut Option<Registers>,
    ) -> Result<(), CommandError> {
        // Both requests are out before the first answer is waited for.
        let sent = self.begin_fetch(&needs.memory)?;
        let (link, process) = self.link_and_process()?;
        let os_thread = thread.and_then(|thread| process.thread(thread)).map(|thread| thread.os);
        let asked = match os_thread.filter(|_| needs.vector) {
            Some(os) => Some(LookProxy(&link).begin_registers(RegistersRequest {
                process: process.os,
                threads: vec![os],
                sets: RegisterSets {
                    debug: false,
                    vector: true,
                },
            })?),
            None => None,
        };
        self.finish_fetch(sent)?;
        if needs.vector {
            let found = match asked {
                Some(asked) => asked.wait(&link)?.registers.into_iter().next().flatten(),
                None => None,
            };
            // A thread without such registers has none that could be asked for again.
            *registers = found.filter(|found| !found.vector.is_empty());
        }
        // What lies behind holes takes another look; most ranges have none, and this asks nobody.
        self.fetch_memory(&needs.memory)
    }
}

fn value_frame<'r, 'a>(
    process: &crate::model::Process,
    known: &'r [Known<'a>],
    frame: &Frame,
    module: Option<usize>,
) -> ValueFrame<'r, 'a> {
    let known = known.iter().find(|known| Some(known.module) == module);
    let module = module.and_then(|index| process.modules.get(index));
    let rva = |address| module.map_or(Rva(0), |module| module.rva(address));
    let place = rva(frame.lookup_address());
    let reader = known.map(|known| &known.reader);
    ValueFrame {
        reader,
        bias: known.map_or(0, |known| known.bias),
        place,
        pc: rva(frame.pc),
        registers: FrameRegisters::clone(&frame.registers),
        cfa: frame.cfa,
        function: reader.and_then(|reader| reader.function_at(place)),
    }
}
