//! Checks of the machine service, and of requests as such.

use farsight_target::*;
use farsight_types::registers::RegisterSets;
use farsight_types::{AddressRange, Architecture, OperatingSystem, OsPid, OsTid};
use farsight_wire::Nothing;

use super::Connect;
use super::hands::*;
use crate::{Debuggee, Scratch, programs};

/// The machine says what it is.
pub fn describes_the_machine(connect: Connect<'_>) {
    let session = connect();
    let machine = session.machine().describe(Nothing {}).unwrap();
    assert!(!machine.name.is_empty() && !machine.release.is_empty() && !machine.product.is_empty());
    assert_eq!(
        (machine.system, machine.architecture),
        (OperatingSystem::Linux, Architecture::Amd64)
    );
    assert_eq!(machine.page_size, 4096);
    assert!(machine.processors >= 1);
    assert_ne!(machine.server_pid, OsPid(0));
    let capabilities = &session.port.welcome().capabilities;
    assert!(
        capabilities.iter().any(|name| name == LINUX_PROCESSES),
        "{capabilities:?}"
    );
}

/// The list has every process, ascending, with details where they are asked for.
pub fn lists_processes(connect: Connect<'_>) {
    let session = connect();
    let counter = Debuggee::start("counter", &["3", "5000"]);
    let all = session
        .machine()
        .list_processes(ProcessQuery::default())
        .unwrap()
        .processes;
    assert!(all.is_sorted_by_key(|process| process.pid));
    let found = all
        .iter()
        .find(|process| process.pid == counter.pid())
        .expect("the counter in the list");
    assert_eq!(found.name, "counter");

    let query = ProcessQuery {
        pid: Some(counter.pid()),
        verbose: true,
    };
    let one = session.machine().list_processes(query).unwrap().processes;
    let [process] = one.as_slice() else {
        panic!("one process was asked for: {one:?}")
    };
    assert_eq!(process.threads, 3);
    assert_eq!(process.parent, OsPid(std::process::id()));
    assert_eq!(process.tracer, None);
    assert_eq!(process.path.as_deref(), counter.path().to_str());
    assert_eq!(
        process.command_line.get(1..),
        Some(&["3".to_owned(), "5000".to_owned()][..])
    );
}

/// A name finds the one process that has it; none and several are errors that say so.
pub fn finds_a_process_by_name(connect: Connect<'_>) {
    let session = connect();
    let scratch = Scratch::new();
    let path = scratch.copy_of(&programs::debuggee("counter"));
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    let find = |name: &str| session.machine().find_by_name(NameQuery { name: name.into() });

    assert!(matches!(find(&name), Err(TargetError::NoSuchName { name: told, .. }) if told == name));
    let first = Debuggee::start_program(&path, &[]);
    assert_eq!(find(&name).unwrap().process, first.pid());
    assert_eq!(find(path.to_str().unwrap()).unwrap().process, first.pid());
    let second = Debuggee::start_program(&path, &[]);
    let Err(TargetError::Ambiguous { mut candidates, .. }) = find(&name) else {
        panic!("two processes have that name");
    };
    candidates.sort_unstable();
    let mut expected = [first.pid(), second.pid()];
    expected.sort_unstable();
    assert_eq!(candidates, expected);
}

/// Requests may be sent without waiting for each other; each gets its own answer.
pub fn answers_pipelined_requests(connect: Connect<'_>) {
    let session = connect();
    let machine = session.machine();
    let one = |pid: OsPid| ProcessQuery {
        pid: Some(pid),
        verbose: false,
    };
    let me = OsPid(std::process::id());
    let pending: Vec<_> = (0..20)
        .map(|_| {
            let list = machine.begin_list_processes(one(me)).unwrap();
            let refused = machine.begin_list_processes(one(NOBODY)).unwrap();
            (machine.begin_describe(Nothing {}).unwrap(), list, refused)
        })
        .collect();
    for (description, list, refused) in pending.into_iter().rev() {
        let refused = refused.wait(&session.port);
        assert!(
            matches!(refused, Err(TargetError::NoSuchProcess { pid: NOBODY, .. })),
            "{refused:?}"
        );
        assert_eq!(list.wait(&session.port).unwrap().processes[0].pid, me);
        assert_eq!(description.wait(&session.port).unwrap().page_size, 4096);
    }
}

/// A session without debuggees refuses what needs one, and goes on.
pub fn refuses_what_makes_no_sense(connect: Connect<'_>) {
    let session = connect();
    let process = NOBODY;
    let not_debugged = TargetError::NotDebugged { pid: process };
    let (mut look, mut run) = (session.look(), session.run());
    assert_eq!(look.threads(ProcessRef { process }), Err(not_debugged.clone()));
    assert_eq!(look.images(ProcessRef { process }), Err(not_debugged.clone()));
    let ranges = vec![AddressRange::default()];
    assert_eq!(look.read(ReadRequest { process, ranges }), Err(not_debugged.clone()));
    let request = RegistersRequest {
        process,
        threads: vec![OsTid(1)],
        sets: RegisterSets::default(),
    };
    assert_eq!(look.registers(request), Err(not_debugged.clone()));
    let signal = SignalOrder::Deliver;
    assert_eq!(run.detach(DetachOrder { process, signal }), Err(not_debugged.clone()));
    assert_eq!(run.terminate(ProcessRef { process }), Err(not_debugged));
    assert!(run.resume(ResumePlan::default()).is_err());
    assert!(session.machine().describe(Nothing {}).is_ok());
}
