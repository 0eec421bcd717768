//! Checks of process families: children that are followed, their births, traps and ends.

// Figures that a test measured are for whoever runs it.
#![allow(clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};

use farsight_target::*;
use farsight_types::{OsPid, OsTid};

use super::Connect;
use super::hands::*;
use crate::{Deadline, Session, proc, programs};

/// Launches `family`, its children followed.
fn followed(session: &mut Session, arguments: &[&str]) -> Stop {
    let mut spec = launch_spec(&programs::debuggee("family"), arguments);
    spec.children = Some(ChildPolicy::Follow);
    launch_as(session, spec)
}

/// What a session told of its processes, by notes and by stops.
#[derive(Default)]
struct Told {
    heard: usize,
    living: BTreeMap<OsPid, ProcessBirth>,
    born: usize,
    ended: BTreeMap<OsPid, ExitStatus>,
}

impl Told {
    #[track_caller]
    fn birth(&mut self, birth: &ProcessBirth) {
        self.born += 1;
        assert_eq!(birth.thread.tid, OsTid(birth.process.0));
        let known = self.living.insert(birth.process, birth.clone());
        assert_eq!(known, None, "born twice");
    }

    #[track_caller]
    fn end(&mut self, end: &ProcessEnd) {
        assert!(self.living.remove(&end.process).is_some(), "{end:?} of no known child");
        self.ended.insert(end.process, end.status);
    }

    /// Takes in what came since the last time.
    #[track_caller]
    fn listen(&mut self, session: &Session, stop: &Stop) {
        for note in &session.notes[self.heard..] {
            match note {
                Note::ProcessStarted { birth } => self.birth(birth),
                Note::ProcessEnded { end } => self.end(end),
                Note::Trouble { text } => panic!("{text}"),
                _ => {}
            }
        }
        self.heard = session.notes.len();
        let Some(family) = &stop.family else { return };
        family.started.iter().for_each(|birth| self.birth(birth));
        family.ended.iter().for_each(|end| self.end(end));
    }
}

fn next(stops: EventStops, traps: Vec<Trap>) -> ResumePlan {
    ResumePlan {
        stops: Some(stops),
        ..plan(traps)
    }
}

/// A fork storm with grandchildren and execs: all births and ends are told and make pairs, hits in copies are counted
/// under the parent's trap, and nothing is left.
pub fn heavy_a_fork_storm_is_followed(connect: Connect<'_>) {
    const CHILDREN: usize = 1000;
    let mut session = connect();
    let stop = followed(&mut session, &["storm"]);
    let root = stop.process;
    let mut passing = trap(1, root, symbol_in(program(&stop), "step"));
    passing.passes = u64::MAX;
    let mut told = Told::default();
    let started = std::time::Instant::now();
    let mut order = plan(vec![passing]);
    let mut hits = 0;
    let mut execs = 0;
    let stop = loop {
        let stop = go(&mut session, order);
        order = ResumePlan {
            traps: TrapDelta {
                base: Some(farsight_types::Generation(1)),
                generation: farsight_types::Generation(1),
                ..TrapDelta::default()
            },
            ..ResumePlan::default()
        };
        told.listen(&session, &stop);
        hits = stop.hits.iter().map(|trap| trap.hits).max().unwrap_or(hits);
        let StopCause::Exec { path } = &stop.cause else {
            break stop;
        };
        assert!(path.ends_with("/family") && told.living.contains_key(&stop.process));
        execs += 1;
    };
    let elapsed = started.elapsed();
    let status = ExitStatus::Code { code: 0 };
    assert_eq!((stop.process, stop.cause), (root, StopCause::Exited { status }));
    session.hear_until("the end of the terminal", |session| session.output_ended);
    assert!(session.text().contains("children=1000 bad=0\n"), "{}", session.text());
    assert_eq!((told.born, execs), (CHILDREN + CHILDREN / 10, CHILDREN / 10));
    assert!(told.living.is_empty(), "{:?} never ended", told.living);
    assert_eq!(hits, (CHILDREN + CHILDREN / 10) as u64);
    let codes: BTreeSet<i32> = told.ended.values().map(|status| code(*status)).collect();
    assert_eq!(codes, (0..64).collect());
    println!("{} processes followed in {elapsed:?}", told.born);
}

/// Ten thousand threads are attached to, set going and stopped again in time that grows with their number and not with
/// its square.
pub fn heavy_ten_thousand_threads_are_held(connect: Connect<'_>) {
    const THREADS: usize = 10_000;
    let measure = |threads: usize| {
        let mut session = connect();
        let mut many = crate::Debuggee::start("threads", &[&threads.to_string(), "1"]);
        let started = std::time::Instant::now();
        session
            .acquire()
            .attach(attach_spec(many.pid()))
            .expect("to be attached");
        let stop = session.stop();
        assert_eq!(stop.threads.started.len(), threads + 1);
        let attached = started.elapsed();
        for _ in 0..2 {
            resume(&mut session, plan(Vec::new()));
            session.break_in();
            assert_eq!(session.stop().cause, StopCause::BreakIn);
        }
        let stopped = started.elapsed() - attached;
        detach(&mut session, many.pid());
        let all = started.elapsed();
        println!(
            "{threads} threads: attached in {attached:?}, two stops in {stopped:?}, detached in {:?}",
            all - attached - stopped
        );
        many.kill();
        all
    };
    let (few, many) = (measure(THREADS / 10), measure(THREADS));
    // Linear would be 10; the square would be 100.
    assert!(many < few * 40, "{few:?} for a tenth of the threads, {many:?} for all");
}

#[track_caller]
fn code(status: ExitStatus) -> i32 {
    match status {
        ExitStatus::Code { code } => code,
        ExitStatus::Signal { number } => panic!("killed by signal {number}"),
    }
}

/// A forked child is born with its parent's traps: a hit in it names it, its memory does not show them, and taking one
/// away takes it away everywhere.
pub fn shares_traps_with_followed_children(connect: Connect<'_>) {
    let mut session = connect();
    let stop = followed(&mut session, &["storm", "2", "1"]);
    let (root, at) = (stop.process, symbol_in(program(&stop), "step"));
    let mut told = Told::default();
    let original = read(&mut session, root, at, 4);
    let stop = go(&mut session, plan(vec![trap(1, root, at)]));
    told.listen(&session, &stop);
    let child = stop.process;
    assert_eq!(stop.cause, StopCause::Traps { ids: vec![TrapId(1)] });
    assert_eq!(
        (told.living[&child].parent, told.living[&child].kind),
        (root, BirthKind::Fork)
    );
    assert_eq!(read(&mut session, child, at, 4), original);
    assert_eq!(proc::read_memory(child.0, at, 1), [0xcc]);
    let images = |session: &mut Session, process| session.look().images(ProcessRef { process }).unwrap().images;
    assert_eq!(images(&mut session, child), images(&mut session, root));
    let threads = session.look().threads(ProcessRef { process: child }).unwrap().threads;
    assert_eq!(threads.len(), 1);

    resume(&mut session, plan(Vec::new()));
    let stop = session.stop();
    told.listen(&session, &stop);
    assert_eq!((stop.process, told.born), (root, 2));
    assert_eq!(
        stop.cause,
        StopCause::Exited {
            status: ExitStatus::Code { code: 0 }
        }
    );
}

/// Children that run in their parent's memory: each hit is counted once, whoever takes it, and the other threads of the
/// parent, which hit the same trap, slip past none.
pub fn follows_children_that_share_memory(connect: Connect<'_>) {
    for (kind, birth) in [("vfork", BirthKind::Vfork), ("clone", BirthKind::Clone)] {
        let mut session = connect();
        let stop = followed(&mut session, &[kind, "3", "20"]);
        let root = stop.process;
        let (at, steps) = (symbol_in(program(&stop), "step"), symbol_in(program(&stop), "steps"));
        let mut passing = trap(1, root, at);
        passing.passes = u64::MAX;
        let mut told = Told::default();
        let mut order = plan(vec![passing.clone()]);
        let mut in_child = 0;
        let mut hits = 0;
        let stop = loop {
            let stop = go(&mut session, order);
            told.listen(&session, &stop);
            hits = stop.hits.iter().map(|trap| trap.hits).max().unwrap_or(hits);
            order = next(
                EventStops {
                    process_started: told.born == 1,
                    ..EventStops::default()
                },
                Vec::new(),
            );
            order.traps = TrapDelta {
                base: Some(farsight_types::Generation(1)),
                generation: farsight_types::Generation(1),
                ..TrapDelta::default()
            };
            match stop.cause {
                StopCause::Exec { .. } => in_child += 1,
                StopCause::ProcessStarted => assert_eq!(told.living[&stop.process].kind, birth),
                StopCause::Exited { .. } => break stop,
                ref cause => panic!("{cause:?}"),
            }
            if proc::alive(root.0) {
                let number = u64::from_le_bytes(read(&mut session, root, steps, 8).try_into().unwrap());
                // A thread may be between the trap and the count.
                assert!(hits.abs_diff(number) <= 2, "{hits} hits, {number} steps");
            }
        };
        assert_eq!(
            stop.cause,
            StopCause::Exited {
                status: ExitStatus::Code { code: 0 }
            },
            "{}",
            session.text()
        );
        assert_eq!((told.born, in_child), (3, if kind == "vfork" { 3 } else { 0 }));
        assert!(session.text().contains("children=3 bad=0"), "{}", session.text());
    }
}

/// Births, ends of processes, births and ends of threads stop where that was asked for, each naming the one it is about.
pub fn stops_at_births_and_ends(connect: Connect<'_>) {
    let mut session = connect();
    let stop = followed(&mut session, &["storm", "3", "1"]);
    let root = stop.process;
    let all = || EventStops {
        process_started: true,
        process_ended: true,
        ..EventStops::default()
    };
    let mut told = Told::default();
    for number in 0..3 {
        let stop = go(&mut session, next(all(), Vec::new()));
        assert_eq!(stop.cause, StopCause::ProcessStarted);
        told.listen(&session, &stop);
        let child = stop.process;
        assert_eq!((told.living[&child].parent, stop.thread), (root, OsTid(child.0)));
        assert!(stop.registers.is_some());
        let stop = go(&mut session, next(all(), Vec::new()));
        let status = ExitStatus::Code { code: number };
        assert_eq!((stop.process, stop.cause), (child, StopCause::Exiting { status }));
    }
    let stop = go(&mut session, next(all(), Vec::new()));
    let status = ExitStatus::Code { code: 0 };
    assert_eq!((stop.process, stop.cause), (root, StopCause::Exiting { status }));
    let stop = go(&mut session, plan(Vec::new()));
    told.listen(&session, &stop);
    assert_eq!((stop.process, stop.cause), (root, StopCause::Exited { status }));
    assert_eq!((told.born, told.ended.len()), (3, 3));

    let mut session = connect();
    let mut churn = crate::Debuggee::start("threads", &["churn", "4"]);
    churn.address("born");
    attach(&mut session, churn.pid());
    let threads = || EventStops {
        thread_started: true,
        thread_ended: true,
        ..EventStops::default()
    };
    let mut started = BTreeSet::new();
    let mut ended = 0;
    while ended < 10 {
        let stop = go(&mut session, next(threads(), Vec::new()));
        match stop.cause {
            StopCause::ThreadStarted => assert!(started.insert(stop.thread), "started twice"),
            StopCause::ThreadEnding => ended += usize::from(started.remove(&stop.thread)),
            cause => panic!("{cause:?}"),
        }
        assert!(stop.registers.is_some());
    }
    detach(&mut session, churn.pid());
    proc::assert_clean(churn.pid().0, Deadline::usual());
}

/// The policy can be changed later; what is not followed runs clean and unheard of; what is followed can be let go of,
/// alone and in its parent's memory, and all others go on.
pub fn follows_and_lets_go_of_children(connect: Connect<'_>) {
    let mut session = connect();
    let stop = launch(&mut session, "family", &["vfork", "4", "5"]);
    let (root, at) = (stop.process, symbol_in(program(&stop), "step"));
    let options = |children| ProcessOptions {
        process: root,
        children,
    };
    let mut passing = trap(1, root, at);
    passing.passes = u64::MAX;
    session.run().set_process_options(options(ChildPolicy::Follow)).unwrap();
    let births = || EventStops {
        process_started: true,
        ..EventStops::default()
    };
    let stop = go(&mut session, next(births(), vec![passing]));
    assert_eq!(stop.cause, StopCause::ProcessStarted);
    detach(&mut session, stop.process);
    session.run().set_process_options(options(ChildPolicy::Leave)).unwrap();
    let stop = go(
        &mut session,
        ResumePlan {
            traps: TrapDelta {
                base: Some(farsight_types::Generation(1)),
                generation: farsight_types::Generation(1),
                ..TrapDelta::default()
            },
            ..ResumePlan::default()
        },
    );
    assert_eq!(
        (stop.process, stop.cause),
        (
            root,
            StopCause::Exited {
                status: ExitStatus::Code { code: 0 }
            }
        ),
        "{}",
        session.text()
    );
    assert_eq!(session.notes, []);
    assert!(session.text().contains("children=4 bad=0"), "{}", session.text());
}
