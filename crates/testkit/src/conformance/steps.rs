//! Checks of step plans, which the server carries out.

use farsight_target::*;
use farsight_types::{Address, OsPid, OsTid};

use super::Connect;
use super::hands::*;
use crate::{Deadline, Debuggee, Session, proc};

/// A thread of `counter` at the call of `count_step`.
struct AtCall {
    counter: Debuggee,
    process: OsPid,
    thread: OsTid,
    /// Where the call is, where it leads, and where it comes back to.
    call: Address,
    count_step: Address,
    back: Address,
    /// The stack pointer at the call.
    sp: Address,
}

const CALL: u64 = 5;

fn at_call(session: &mut Session) -> AtCall {
    let (mut counter, _) = attached_counter(session, 3);
    let (process, count_step) = (counter.pid(), counter.address("count_step"));
    let stop = go(session, plan(vec![trap(1, process, count_step)]));
    let back = Address(stack_top(&stop));
    let call = Address(back.0 - CALL);
    assert_eq!(
        read(session, process, call, 1),
        [0xe8],
        "a near call leads to count_step"
    );
    let sp = registers(&stop).sp().wrapping_add(8);
    let mut here = AtCall {
        counter,
        process,
        thread: stop.thread,
        call,
        count_step,
        back,
        sp,
    };
    here.return_to_call(session);
    here
}

impl AtCall {
    fn trap(&self, address: Address) -> Vec<Trap> {
        vec![Trap {
            thread: Some(self.thread),
            ..trap(9, self.process, address)
        }]
    }

    fn return_to_call(&mut self, session: &mut Session) {
        let stop = go(session, plan(self.trap(self.call)));
        assert_eq!(stop.cause, StopCause::Traps { ids: vec![TrapId(9)] });
        self.is_at(&stop, self.call, self.sp);
    }

    #[track_caller]
    fn is_at(&self, stop: &Stop, pc: Address, sp: Address) {
        let registers = registers(stop);
        assert_eq!((stop.thread, registers.pc(), registers.sp()), (self.thread, pc, sp));
    }

    #[track_caller]
    fn step(&self, session: &mut Session, step: StepPlan, traps: Vec<Trap>) -> Stop {
        let stop = go(session, step_plan(self.thread, step, traps));
        assert_eq!(stop.cause, StopCause::StepDone);
        stop
    }
}

/// `t` goes into a call, `p` over it, `gu` out of it, counts included; a trap underfoot is stepped over uncounted.
pub fn steps_into_over_and_out(connect: Connect<'_>) {
    let mut session = connect();
    let mut here = at_call(&mut session);
    let inside = Address(here.sp.0 - 8);

    let stop = here.step(&mut session, StepPlan::Over { count: 1 }, here.trap(here.call));
    here.is_at(&stop, here.back, here.sp);
    assert_eq!(stop.hits, []);

    here.return_to_call(&mut session);
    let stop = here.step(&mut session, StepPlan::Into { count: 1 }, here.trap(here.call));
    here.is_at(&stop, here.count_step, inside);
    assert_eq!(stack_top(&stop), here.back.0);
    let stop = here.step(&mut session, StepPlan::Into { count: 2 }, Vec::new());
    let pc = registers(&stop).pc();
    assert!(pc > here.count_step && pc.0 < here.count_step.0 + 30, "{pc}");
    let out = StepPlan::UntilReturn {
        return_address: here.back,
        frame_address: here.sp,
    };
    let stop = here.step(&mut session, out, Vec::new());
    here.is_at(&stop, here.back, here.sp);

    // A count goes over calls, each as one instruction.
    here.return_to_call(&mut session);
    let stop = here.step(&mut session, StepPlan::Over { count: 2 }, Vec::new());
    assert!(
        registers(&stop)
            .pc()
            .distance_from(here.back)
            .is_some_and(|distance| (1..15).contains(&distance))
    );
    assert_eq!(registers(&stop).sp(), here.sp);
    detach(&mut session, here.process);
    proc::assert_clean(here.process.0, Deadline::usual());
    let counter = here.counter.address("counter");
    proc::assert_advances(here.process.0, counter, Deadline::usual());
}

/// What is hit on the way ends the step there.
pub fn a_trap_ends_a_step(connect: Connect<'_>) {
    let mut session = connect();
    let here = at_call(&mut session);
    let order = step_plan(here.thread, StepPlan::Over { count: 1 }, here.trap(here.count_step));
    let stop = go(&mut session, order);
    assert_eq!(stop.cause, StopCause::Traps { ids: vec![TrapId(9)] });
    here.is_at(&stop, here.count_step, Address(here.sp.0 - 8));
    // The old step is forgotten: the thread runs on.
    resume(&mut session, plan(Vec::new()));
    break_in(&mut session);
}

/// A step that something else broke off goes on where it was, in the middle of a call and of its count, if it is told to.
pub fn a_broken_off_step_goes_on(connect: Connect<'_>) {
    let mut session = connect();
    let mut here = at_call(&mut session);
    let take_up = |session: &mut Session, here: &AtCall, count: u64, again: bool| {
        let mut order = step_plan(here.thread, StepPlan::Over { count }, here.trap(here.count_step));
        let stop = go(session, order.clone());
        assert_eq!(stop.cause, StopCause::Traps { ids: vec![TrapId(9)] });
        order.traps = only(Vec::new());
        order.step.as_mut().expect("a step").goes_on = again.then_some(true);
        let stop = go(session, order);
        assert_eq!(stop.cause, StopCause::StepDone);
        stop
    };
    let stop = take_up(&mut session, &here, 1, true);
    here.is_at(&stop, here.back, here.sp);

    here.return_to_call(&mut session);
    let stop = take_up(&mut session, &here, 1, false);
    assert!(registers(&stop).sp() < here.sp, "it began anew inside of the call");

    // The call is the first of two steps, whether it was broken off or not.
    here.return_to_call(&mut session);
    let straight = here.step(&mut session, StepPlan::Over { count: 2 }, Vec::new());
    here.return_to_call(&mut session);
    let stop = take_up(&mut session, &here, 2, true);
    here.is_at(&stop, registers(&straight).pc(), here.sp);

    // Broken off while it goes by single instructions.
    let long = step_plan(here.thread, StepPlan::Over { count: 2000 }, Vec::new());
    resume(&mut session, long.clone());
    assert_eq!(break_in(&mut session).cause, StopCause::BreakIn);
    let mut order = long;
    order.step.as_mut().expect("a step").goes_on = Some(true);
    let stop = go(&mut session, order);
    assert_eq!((stop.cause, stop.thread), (StopCause::StepDone, here.thread));
}

/// A range is left at its end, at the same depth, whatever is called inside.
pub fn steps_inside_a_range(connect: Connect<'_>) {
    let mut session = connect();
    let here = at_call(&mut session);
    let range = StepPlan::OverRange {
        start: here.call,
        length: CALL,
    };
    let stop = here.step(&mut session, range, Vec::new());
    here.is_at(&stop, here.back, here.sp);
}

/// The other threads run while one steps, unless they are held.
pub fn a_step_keeps_others_running(connect: Connect<'_>) {
    let mut session = connect();
    let mut here = at_call(&mut session);
    let before = here.counter.number("counter");
    // The thread sleeps a millisecond in each round, so a hundred instructions take a few rounds.
    let mut rounds = 0;
    while here.counter.number("counter") < before + 20 {
        here.step(&mut session, StepPlan::Over { count: 20 }, Vec::new());
        rounds += 1;
        assert!(rounds < 1000, "only the stepping thread moves");
    }
    let nobody = step_plan(OsTid(NOBODY.0), StepPlan::Into { count: 1 }, Vec::new());
    let refused = session.run().resume(nobody);
    assert!(matches!(refused, Err(TargetError::NoSuchThread { .. })), "{refused:?}");
}

/// A goal is looked for at the server, a watch follows one invocation, and both tell what they met.
pub fn steps_to_goals_and_marks_its_way(connect: Connect<'_>) {
    let mut session = connect();
    let mut here = at_call(&mut session);
    let marked = |session: &mut Session, here: &AtCall, step: StepPlan| {
        let mut plan = step_plan(here.thread, step, Vec::new());
        if let Some(order) = &mut plan.step {
            order.marks = Some(1000);
        }
        let stop = go(session, plan);
        assert_eq!(stop.cause, StopCause::StepDone);
        stop
    };
    let goal = StepGoal::Return;
    let stop = marked(
        &mut session,
        &here,
        StepPlan::Goal {
            goal,
            over: false,
            count: 1,
        },
    );
    let marks = stop.marks.clone().expect("marks of steps");
    assert_eq!(marks.first().map(|mark| mark.pc), Some(here.count_step));
    assert_eq!(marks.last().map(|mark| mark.pc), Some(registers(&stop).pc()));
    assert_eq!(stack_top(&stop), here.back.0, "it stands at the return");
    let steps = marks.len() as u64;

    here.return_to_call(&mut session);
    let mut order = step_plan(
        here.thread,
        StepPlan::Watch {
            return_address: here.back,
            frame_address: here.sp,
            end: None,
            depth: 0,
            inside: None,
        },
        Vec::new(),
    );
    if let Some(step) = &mut order.step {
        step.marks = Some(1000);
    }
    let stop = go(&mut session, order);
    assert_eq!(stop.cause, StopCause::StepDone);
    here.is_at(&stop, here.back, here.sp);
    let marks = stop.marks.expect("marks of a watch");
    let kinds: Vec<StepMarkKind> = marks.iter().map(|mark| mark.kind).collect();
    assert_eq!(kinds, [StepMarkKind::Call, StepMarkKind::Return]);
    assert_eq!(marks[0].value, Some(here.call.0));
    // The call itself, then what the steps before have counted without it, and the return.
    assert_eq!((marks[0].instructions, marks[1].instructions), (1, steps));
}
