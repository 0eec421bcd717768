//! Checks of debuggees that change: threads, other programs, children, modules.

use std::collections::BTreeSet;

use farsight_target::*;
use farsight_types::registers::RegisterSets;
use farsight_types::{OsPid, OsTid};

use super::Connect;
use super::hands::*;
use crate::{Deadline, Debuggee, Session, proc, wait_until};

/// The lists that stops bring as deltas come to what there is, while threads are born and end all the time.
pub fn follows_threads_that_come_and_go(connect: Connect<'_>) {
    let mut session = connect();
    let mut churn = Debuggee::start("threads", &["churn", "8"]);
    let process = churn.pid();
    let address = churn.address("born");
    let mut told = Told::default();
    let stop = attach(&mut session, process);
    // A thread may end between being found and being stopped; nobody has been told of such a one.
    told.ended.extend(&stop.threads.ended);
    told.apply(&stop);
    told.has_all_living(&mut session, process);
    for _ in 0..15 {
        resume(&mut session, plan(Vec::new()));
        proc::assert_advances(process.0, address, Deadline::usual());
        let stop = break_in(&mut session);
        let unknown = stop.threads.ended.iter().find(|tid| !told.known.contains(tid));
        assert!(
            unknown.is_none_or(|tid| told.ended.contains(tid)),
            "{unknown:?} ended and was never told of"
        );
        told.apply(&stop);
        told.has_all_living(&mut session, process);
        let listed = session.look().threads(ProcessRef { process }).unwrap().threads;
        let listed: BTreeSet<OsTid> = listed.iter().map(|thread| thread.tid).collect();
        let mut living = proc::living_threads(process.0).into_iter().map(OsTid);
        assert!(living.all(|tid| listed.contains(&tid) || told.ended.contains(&tid)));
    }
    detach(&mut session, process);
    proc::assert_clean(process.0, Deadline::usual());
    proc::assert_advances(process.0, address, Deadline::usual());
}

/// What stops have told of threads.
#[derive(Default)]
struct Told {
    known: BTreeSet<OsTid>,
    /// Every thread that ended. One that is stopped at its end is still there for the kernel.
    ended: BTreeSet<OsTid>,
}

impl Told {
    #[track_caller]
    fn apply(&mut self, stop: &Stop) {
        for tid in &stop.threads.ended {
            self.known.remove(tid);
            self.ended.insert(*tid);
        }
        for started in &stop.threads.started {
            assert!(self.known.insert(started.tid), "{} started twice", started.tid);
            self.ended.remove(&started.tid);
        }
    }

    /// Every thread that there is was told of. What was told beside them was on its way out when the target stopped.
    #[track_caller]
    fn has_all_living(&self, session: &mut Session, process: OsPid) {
        let living = || -> BTreeSet<OsTid> { proc::living_threads(process.0).into_iter().map(OsTid).collect() };
        // One that was born and ended in the same run is never told of, and may still be on its way out.
        wait_until("every thread that lives was told of", Deadline::usual(), || {
            living().difference(&self.known).all(|tid| self.ended.contains(tid))
        });
        let living = living();
        let gone: Vec<OsTid> = self.known.difference(&living).copied().collect();
        assert!(gone.len() <= 8, "{gone:?} are long gone");
        let request = RegistersRequest {
            process,
            threads: gone,
            sets: RegisterSets::default(),
        };
        let registers = session.look().registers(request).expect("an answer").registers;
        assert!(registers.iter().all(Option::is_none));
    }
}

fn exec(session: &mut Session, from: &str) {
    let mut execer = Debuggee::start("execer", &[from, "wait", "counter", "3"]);
    let process = execer.pid();
    let stop = attach(session, process);
    let at = symbol_in(program(&stop), "exec_now");
    let mut passing = trap(1, process, at);
    passing.passes = u64::MAX;
    resume(session, plan(vec![passing]));
    execer.send("");
    let stop = session.stop();
    let StopCause::Exec { path } = &stop.cause else {
        panic!("an exec was expected: {:?}", stop.cause)
    };
    assert!(path.ends_with("/counter"), "{path}");
    assert_eq!((stop.process, stop.thread), (process, OsTid(process.0)));
    assert!(stop.images.replaced);
    let image = program(&stop).clone();
    assert!(image.path.ends_with("/counter"), "{}", image.path);
    assert_eq!(proc::threads(process.0), [process.0]);

    // The new program can be debugged like any other.
    let stop = go(session, plan(vec![trap(2, process, symbol_in(&image, "count_step"))]));
    assert_eq!(stop.cause, StopCause::Traps { ids: vec![TrapId(2)] });
    let listed = session.look().threads(ProcessRef { process }).unwrap().threads;
    assert_eq!(listed.len(), proc::living_threads(process.0).len());
    let libc = session.look().images(ProcessRef { process }).unwrap().images;
    assert!(libc.iter().any(|image| image.path.contains("libc.so")), "{libc:?}");
    detach(session, process);
    proc::assert_clean(process.0, Deadline::usual());
    proc::assert_advances(process.0, symbol_in(&image, "counter"), Deadline::usual());
}

/// Another program in the same process: images and traps of the old one are gone.
pub fn follows_exec(connect: Connect<'_>) {
    exec(&mut connect(), "main");
}

/// The same from another thread, which takes over the process's number.
pub fn follows_exec_of_another_thread(connect: Connect<'_>) {
    exec(&mut connect(), "thread");
}

/// Children that are forked, vforked or spawned run without the traps of their parent and without a debugger.
pub fn keeps_traps_out_of_children(connect: Connect<'_>) {
    let mut session = connect();
    let stop = launch(&mut session, "forker", &["all", "12", "2"]);
    let mut passing = trap(1, stop.process, symbol_in(program(&stop), "child_step"));
    passing.passes = u64::MAX;
    let stop = go(&mut session, plan(vec![passing]));
    session.hear_until("the end of the terminal", |session| session.output_ended);
    assert!(session.text().contains("children=12 bad=0\n"), "{}", session.text());
    let status = ExitStatus::Code { code: 0 };
    assert_eq!(stop.cause, StopCause::Exited { status });
}

/// A stop at a load comes when the module is mapped and before its constructors ran; unloads are told as well.
pub fn stops_at_modules_before_constructors(connect: Connect<'_>) {
    let mut session = connect();
    let mut loader = Debuggee::start("loader", &[]);
    let process = loader.pid();
    attach(&mut session, process);
    let at_loads = ResumePlan {
        modules: ModuleOrder {
            stop: true,
            stop_names: Vec::new(),
        },
        ..ResumePlan::default()
    };
    resume(&mut session, at_loads);
    loader.send("load");
    let stop = session.stop();
    assert_eq!(stop.cause, StopCause::Modules);
    let plugin = stop
        .images
        .loaded
        .iter()
        .find(|image| image.path.ends_with("/plugin.so"));
    let plugin = plugin
        .unwrap_or_else(|| panic!("no plugin in {:?}", stop.images))
        .clone();
    assert!(!plugin.is_program && plugin.build_id.is_some());
    let plugin_ready = symbol_in(&plugin, "plugin_ready");
    assert_eq!(read(&mut session, process, plugin_ready, 4), [0; 4]);

    let stop = go(
        &mut session,
        plan(vec![trap(1, process, symbol_in(&plugin, "plugin_constructor"))]),
    );
    assert_eq!(stop.cause, StopCause::Traps { ids: vec![TrapId(1)] });
    resume(&mut session, plan(Vec::new()));
    loader.output().expect("loaded 0x", Deadline::usual());
    loader.send("call");
    loader.output().expect("called 41\n", Deadline::usual());
    loader.send("unload");
    loader.output().expect("unloaded\n", Deadline::usual());
    let stop = break_in(&mut session);
    assert_eq!(stop.images.unloaded, [plugin.base]);
    detach(&mut session, process);
    proc::assert_clean(process.0, Deadline::usual());
}

/// With names given, only those modules stop; the others are told at the next stop.
pub fn stops_only_at_named_modules(connect: Connect<'_>) {
    let mut session = connect();
    let mut loader = Debuggee::start("loader", &[]);
    let process = loader.pid();
    attach(&mut session, process);
    let at = |names: &[&str]| ResumePlan {
        modules: ModuleOrder {
            stop: false,
            stop_names: names.iter().map(ToString::to_string).collect(),
        },
        ..ResumePlan::default()
    };
    resume(&mut session, at(&["other.so"]));
    loader.send("load");
    loader.output().expect("loaded 0x", Deadline::usual());
    let stop = break_in(&mut session);
    assert!(
        stop.images
            .loaded
            .iter()
            .any(|image| image.path.ends_with("/plugin.so"))
    );
    resume(&mut session, at(&["plugin.so"]));
    loader.send("unload");
    loader.output().expect("unloaded\n", Deadline::usual());
    loader.send("load");
    let stop = session.stop();
    assert_eq!(stop.cause, StopCause::Modules);
    resume(&mut session, at(&[]));
    loader.output().expect("loaded 0x", Deadline::usual());
}
