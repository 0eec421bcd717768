//! What the checks do again and again.

use std::path::Path;

use farsight_target::*;
use farsight_types::registers::RegisterSets;
use farsight_types::{Address, AddressRange, Generation, OsPid, OsTid, Registers};

use crate::{Debuggee, Session, elf};

/// The process does not exist; beyond the highest number that Linux gives out.
pub const NOBODY: OsPid = OsPid(0x7fff_fff0);

/// Faults stop at the first and at the second chance, as `sx` has it from the start.
pub fn usual_signals() -> SignalPolicy {
    let faults = SignalSet::of(&[4, 5, 6, 7, 8, 11]);
    SignalPolicy {
        stop: faults,
        report: SignalSet::default(),
        stop_second: faults,
        drop: None,
    }
}

/// An order to attach.
pub fn attach_spec(process: OsPid) -> AttachSpec {
    AttachSpec {
        process,
        signals: Some(usual_signals()),
        detail: StopDetail::default(),
        mode: None,
        children: None,
        start: None,
    }
}

/// An order to launch.
pub fn launch_spec(program: &Path, arguments: &[&str]) -> LaunchSpec {
    LaunchSpec {
        program: program.display().to_string(),
        arguments: arguments.iter().map(ToString::to_string).collect(),
        environment: EnvironmentMerge::default(),
        directory: None,
        randomize: false,
        terminal: None,
        signals: Some(usual_signals()),
        detail: StopDetail::default(),
        children: None,
    }
}

/// Attaches and waits for the first stop.
#[track_caller]
pub fn attach(session: &mut Session, process: OsPid) -> Stop {
    let acquired = session.acquire().attach(attach_spec(process)).expect("to be attached");
    assert_eq!(acquired.process, process);
    let stop = session.stop();
    assert_eq!((&stop.cause, stop.process), (&StopCause::Attached, process));
    stop
}

/// Launches one of `debuggees/` and waits for the first stop.
#[track_caller]
pub fn launch(session: &mut Session, name: &str, arguments: &[&str]) -> Stop {
    launch_as(session, launch_spec(&crate::programs::debuggee(name), arguments))
}

/// Launches and waits for the first stop.
#[track_caller]
pub fn launch_as(session: &mut Session, spec: LaunchSpec) -> Stop {
    let acquired = session.acquire().launch(spec).expect("to be launched");
    let stop = session.stop();
    assert_eq!((&stop.cause, stop.process), (&StopCause::Launched, acquired.process));
    stop
}

/// Resumes.
#[track_caller]
pub fn resume(session: &mut Session, plan: ResumePlan) {
    session.run().resume(plan).expect("to be resumed");
}

/// Resumes and waits for the next stop.
#[track_caller]
pub fn go(session: &mut Session, plan: ResumePlan) -> Stop {
    resume(session, plan);
    session.stop()
}

/// Asks for a stop and waits for it.
#[track_caller]
pub fn break_in(session: &mut Session) -> Stop {
    session.break_in();
    let stop = session.stop();
    assert_eq!(stop.cause, StopCause::BreakIn);
    stop
}

/// Lets go of a debuggee.
#[track_caller]
pub fn detach(session: &mut Session, process: OsPid) {
    let order = DetachOrder {
        process,
        signal: SignalOrder::Deliver,
    };
    session.run().detach(order).expect("to be let go");
}

/// A software trap that stops each time.
pub fn trap(id: u32, process: OsPid, address: Address) -> Trap {
    Trap {
        id: TrapId(id),
        process,
        address,
        kind: TrapKind::Software,
        passes: 1,
        thread: None,
        stack_at_least: None,
    }
}

/// These traps and no others.
pub fn only(traps: Vec<Trap>) -> TrapDelta {
    TrapDelta {
        base: None,
        generation: Generation(1),
        remove: Vec::new(),
        set: traps,
    }
}

/// A plan with these traps and no others.
pub fn plan(traps: Vec<Trap>) -> ResumePlan {
    ResumePlan {
        traps: only(traps),
        ..ResumePlan::default()
    }
}

/// A plan with a step of one thread.
pub fn step_plan(thread: OsTid, step: StepPlan, traps: Vec<Trap>) -> ResumePlan {
    ResumePlan {
        step: Some(StepOrder {
            thread,
            plan: step,
            marks: None,
            goes_on: None,
            landings: None,
        }),
        ..plan(traps)
    }
}

/// The registers that came with a stop.
#[track_caller]
pub fn registers(stop: &Stop) -> &Registers {
    stop.registers.as_ref().expect("a stop with registers")
}

/// Registers of one thread, asked for.
#[track_caller]
pub fn registers_of(session: &mut Session, process: OsPid, thread: OsTid) -> Registers {
    let request = RegistersRequest {
        process,
        threads: vec![thread],
        sets: RegisterSets::default(),
    };
    let reply = session.look().registers(request).expect("registers");
    reply.registers.into_iter().next().flatten().expect("a living thread")
}

/// The 8 bytes at the stack pointer, from what came with a stop.
#[track_caller]
pub fn stack_top(stop: &Stop) -> u64 {
    let sp = registers(stop).sp();
    let part = stop.memory_parts().find(|(range, _)| range.start == sp);
    let bytes = part.and_then(|(_, bytes)| bytes.first_chunk().copied());
    u64::from_le_bytes(bytes.expect("stack bytes from the stack pointer up"))
}

/// The program's image in a stop that tells of it.
#[track_caller]
pub fn program(stop: &Stop) -> &Image {
    let found = stop.images.loaded.iter().find(|image| image.is_program);
    found.unwrap_or_else(|| panic!("no program among the images: {:?}", stop.images))
}

/// The address of a symbol in an image, read from its file.
#[track_caller]
pub fn symbol_in(image: &Image, name: &str) -> Address {
    Address(elf::symbol(Path::new(&image.path), name)).wrapping_add(image.bias)
}

/// Memory of a debuggee through the services.
#[track_caller]
pub fn read(session: &mut Session, process: OsPid, address: Address, length: u64) -> Vec<u8> {
    let request = ReadRequest {
        process,
        ranges: vec![AddressRange::new(address, length)],
    };
    session.look().read(request).expect("memory").bytes
}

/// Writes memory through the services, all of it.
#[track_caller]
pub fn write(session: &mut Session, process: OsPid, address: Address, bytes: &[u8]) {
    let request = WriteRequest {
        process,
        address,
        bytes: bytes.to_vec(),
    };
    let length = session.look().write(request).expect("to be written").length;
    assert_eq!(length, bytes.len() as u64);
}

/// Attaches to a fresh `counter` with that many threads.
#[track_caller]
pub fn attached_counter(session: &mut Session, threads: u32) -> (Debuggee, Stop) {
    let mut counter = Debuggee::start("counter", &[&threads.to_string()]);
    counter.address("count_step");
    let stop = attach(session, counter.pid());
    (counter, stop)
}
