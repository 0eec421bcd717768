//! Where the current thread's frames go on when something that they called throws, or jumps back with `longjmp`: a step over a
//! call, or out of a frame, ends there, because what it waits for does not come.

use farsight_target::StepPlan;
use farsight_target::plan::is_call;
use farsight_types::Address;

use crate::error::CommandError;
use crate::memory::Cached;
use crate::session::Session;

/// Frames that are looked at; those beyond what is here of the stack are not.
const MOST_FRAMES: usize = 32;
/// Places of all of them.
const MOST_LANDINGS: usize = 512;

impl Session {
    /// The landings that a step needs; none is needed where nothing runs as a whole.
    pub(super) fn landings_for(&mut self, step: Option<&StepPlan>) -> Result<Vec<Address>, CommandError> {
        let wanted = match step {
            Some(StepPlan::Over { count: 1 }) => self.may_call()?,
            Some(StepPlan::Over { .. } | StepPlan::Goal { over: true, .. }) => true,
            Some(StepPlan::UntilReturn { .. } | StepPlan::Watch { .. }) => true,
            _ => false,
        };
        match wanted {
            true => self.landings_here(),
            false => Ok(Vec::new()),
        }
    }

    /// The landings of the frames that are known without asking the target: a step costs one round trip.
    pub(super) fn landings_here(&mut self) -> Result<Vec<Address>, CommandError> {
        let frames = self.walk_here(MOST_FRAMES)?;
        let process = self.process()?;
        let mut landings = Vec::new();
        for (index, frame) in frames.iter().enumerate() {
            let address = if index == 0 { frame.pc } else { frame.lookup_address() };
            if let Some(module) = process.module_at(address)
                && let Some(symbols) = module.loaded()
                && landings.len() < MOST_LANDINGS
            {
                let found = symbols.landings(module.rva(address)).into_iter();
                landings.extend(found.map(|landing| module.address(landing)));
            }
        }
        // Those of inner frames are reached first.
        landings.truncate(MOST_LANDINGS);
        landings.sort_unstable();
        landings.dedup();
        Ok(landings)
    }

    /// Whether the current instruction calls, as far as its bytes are here.
    fn may_call(&mut self) -> Result<bool, CommandError> {
        let mut code = [0; 4];
        let pc = self.registers()?.pc();
        Ok(self.process()?.memory.read(pc, &mut code) != Cached::All || is_call(&code))
    }
}
