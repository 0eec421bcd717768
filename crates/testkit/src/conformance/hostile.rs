//! Checks of programs that do what debuggers do not like: each is dealt with rightly, or said, and none wedges the session.

use farsight_target::*;
use farsight_types::Address;

use super::Connect;
use super::hands::*;
use crate::{Deadline, Debuggee, Session, proc};

fn hostile(session: &mut Session, what: &str) -> (Debuggee, Stop) {
    let mut hostile = Debuggee::start("hostile", &[what]);
    hostile.address("work");
    let stop = attach(session, hostile.pid());
    (hostile, stop)
}

/// Breakpoint instructions of the program's own, of either length, are told as such and are the program's to
/// handle.
pub fn tells_the_programs_own_traps(connect: Connect<'_>) {
    let mut session = connect();
    let (mut hostile, stop) = hostile(&mut session, "traps");
    let process = hostile.pid();
    let at = symbol_in(program(&stop), "own_traps");
    resume(&mut session, plan(vec![trap(1, process, at)]));
    hostile.send("");
    assert_eq!(session.stop().cause, StopCause::Traps { ids: vec![TrapId(1)] });
    let code = |at: Address| proc::read_memory(process.0, at, 2);
    let stop = go(&mut session, plan(Vec::new()));
    assert_eq!(stop.cause, StopCause::ForeignTrap);
    assert_eq!(code(Address(registers(&stop).pc().0 - 1))[0], 0xcc);
    // The handler runs, and the program comes upon its second trap.
    let stop = go(&mut session, plan(Vec::new()));
    assert_eq!(stop.cause, StopCause::ForeignTrap);
    assert_eq!(code(Address(registers(&stop).pc().0 - 2)), [0xcd, 3]);
    resume(&mut session, plan(Vec::new()));
    hostile.output().expect("trapped=2\n", Deadline::usual());
    assert!(matches!(session.stop().cause, StopCause::Exited { .. }));
}

/// Code that is unmapped under a trap, and other code in its place: that is read and run as it is.
pub fn survives_code_unmapped_under_a_trap(connect: Connect<'_>) {
    let mut session = connect();
    let (mut hostile, _) = hostile(&mut session, "remap");
    let (process, page) = (hostile.pid(), hostile.address("page"));
    resume(&mut session, plan(vec![trap(1, process, page)]));
    hostile.send("");
    let stop = session.stop();
    assert_eq!(stop.cause, StopCause::Traps { ids: vec![TrapId(1)] });
    resume(&mut session, plan(vec![trap(1, process, page)]));
    hostile.output().expect("first=1 second=2\n", Deadline::usual());
    assert!(matches!(session.stop().cause, StopCause::Exited { .. }));
}

/// One of a hundred threads runs another program while all hit a trap.
pub fn follows_exec_under_a_hundred_threads(connect: Connect<'_>) {
    for _ in 0..3 {
        let mut session = connect();
        let (mut hostile, _) = hostile(&mut session, "exec");
        let mut work = trap(1, hostile.pid(), hostile.address("work"));
        work.passes = u64::MAX;
        resume(&mut session, plan(vec![work]));
        hostile.send("");
        let stop = session.stop();
        assert!(matches!(stop.cause, StopCause::Exec { .. }), "{:?}", stop.cause);
        let listed = session
            .look()
            .threads(ProcessRef { process: hostile.pid() })
            .unwrap()
            .threads;
        assert_eq!(listed.len(), 1);
        let stop = go(&mut session, plan(Vec::new()));
        assert_eq!(
            stop.cause,
            StopCause::Exited {
                status: ExitStatus::Code { code: 0 }
            }
        );
        hostile.output().expect("leaf\n", Deadline::usual());
    }
}
