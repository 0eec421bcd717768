//! Tries what no setting tells for sure: whether programs can be debugged here at all, and whether debug registers work.
//!
//! A program of this user's own is started, stopped, and killed; nothing else is touched.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use farsight_linux::{Door, Events, LinuxServices, Server};
use farsight_target::{
    Acquire, DataAccess, EnvironmentMerge, Event, LaunchSpec, ProcessRef, ResumePlan, Run, Stop, StopCause, StopDetail,
    Trap, TrapDelta, TrapId, TrapKind,
};
use farsight_types::{Address, Generation, OsPid};

use crate::PRODUCT;

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What came of it; each failure in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// A program could be started under a debugger.
    pub debugs: Result<(), String>,
    /// A debug register reported an access; none where no program could be started.
    pub hardware: Option<Result<(), String>>,
}

/// Tries it with this program, which comes as far as its first instructions and no further.
pub fn probe(program: &Path) -> Probe {
    match debugged(program) {
        Err(why) => Probe {
            debugs: Err(why),
            hardware: None,
        },
        Ok(hardware) => Probe {
            debugs: Ok(()),
            hardware: Some(hardware),
        },
    }
}

fn debugged(program: &Path) -> Result<Result<(), String>, String> {
    let (told, events) = channel();
    let services = LinuxServices::start(PRODUCT, Arc::new(Listener(told)), Box::new(Nobody));
    let mut services = services.map_err(|error| error.to_string())?;
    let tried = try_with(&mut services, &events, program);
    // Kills what was started.
    services.let_go();
    services.end(|| ());
    tried
}

fn try_with(
    services: &mut LinuxServices,
    events: &Receiver<Event>,
    program: &Path,
) -> Result<Result<(), String>, String> {
    let spec = LaunchSpec {
        program: program.display().to_string(),
        arguments: vec!["-version".into()],
        environment: EnvironmentMerge::default(),
        directory: None,
        randomize: true,
        terminal: None,
        signals: None,
        detail: StopDetail::default(),
        children: None,
    };
    let started = services.launch(spec).map_err(|error| error.to_string())?;
    let stop = next_stop(events).ok_or("the program that was started never stopped")?;
    let hardware = try_debug_register(services, events, started.process, &stop);
    // It may have ended already.
    let _ = services.terminate(ProcessRef {
        process: started.process,
    });
    Ok(hardware)
}

/// The first thing that a program does is a call, which writes the place that it returns to below the stack.
fn try_debug_register(
    services: &mut LinuxServices,
    events: &Receiver<Event>,
    process: OsPid,
    stop: &Stop,
) -> Result<(), String> {
    let id = TrapId(1);
    let registers = stop.registers.as_ref().ok_or("its registers cannot be read")?;
    let trap = Trap {
        id,
        process,
        address: Address(registers.sp().0.wrapping_sub(8)),
        kind: TrapKind::HardwareData {
            access: DataAccess::Write,
            size: 8,
        },
        passes: 1,
        thread: None,
        stack_at_least: None,
    };
    let plan = ResumePlan {
        traps: TrapDelta {
            base: None,
            generation: Generation(1),
            remove: Vec::new(),
            set: vec![trap],
        },
        ..ResumePlan::default()
    };
    services.resume(plan).map_err(|error| error.to_string())?;
    let hit = next_stop(events).map(|stop| stop.cause);
    match hit {
        Some(StopCause::Traps { ids }) if ids.contains(&id) => Ok(()),
        _ => Err("a debug register was set and reported nothing; the virtual machine may not have them".into()),
    }
}

fn next_stop(events: &Receiver<Event>) -> Option<Box<Stop>> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if let Event::Stop(stop) = events.recv_timeout(left).ok()? {
            return Some(stop);
        }
    }
}

struct Listener(Sender<Event>);

impl Events for Listener {
    fn tell(&self, event: Event) {
        // Nobody waits any more.
        let _ = self.0.send(event);
    }

    fn wait_for_room(&self) -> bool {
        true
    }

    fn holds(&self, _: String) {}
}

/// There is no server around it.
struct Nobody;

impl Server for Nobody {
    fn end(&self, _: bool) -> Result<(), Vec<String>> {
        Ok(())
    }

    fn open_door(&self, _: Door) -> std::io::Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn ask_holder(&self, _: OsPid, _: OsPid) -> Result<(), Option<String>> {
        Err(None)
    }
}
