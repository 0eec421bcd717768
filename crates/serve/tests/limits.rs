//! What a server was told not to do it does for nobody: every operation is asked for under every limit.

// Helpers of tests are tests, and a panic is how a test fails.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;

use farsight_target::{
    AbandonOrder, Acquire, AllocateRequest, Allocation, AttachMode, ChildPolicy, DetachOrder, EndServerOrder,
    FileFetch, FilePart, FileRange, FileSeal, Files, FillRequest, LettingGo, Look, LossPolicy, Machine, NameQuery,
    ProcessOptions, ProcessQuery, ProcessRef, ReadFileRequest, ReadRequest, RegistersRequest, Run, SearchRequest,
    SetRegistersRequest, SignalOrder, StacksRequest, SuspendOrder, TargetError, TerminalInput, TerminalSize,
    ThreadsRequest, TrapUpdate, WindowSize, WriteRequest, operations,
};
use farsight_testkit::conformance::{attach_spec, launch_spec, only, plan, trap};
use farsight_testkit::{DbgSrv, Deadline, Debuggee, Scratch, Session, proc, programs, wait_until};
use farsight_types::{Address, AddressRange, Architecture, FileOffset, OsPid, OsTid, Registers};
use farsight_wire::Nothing;

/// What each operation comes to under `-attach-only`, `-only` and `-readonly`: allowed or refused. The session has a
/// process that it may have.
const DECISIONS: &[(&str, [bool; 3])] = &[
    ("describe", [true, true, true]),
    ("list_processes", [true, true, true]),
    ("find_by_name", [true, true, true]),
    ("launch", [false, false, false]),
    ("attach", [true, true, false]),
    ("update_traps", [true, true, false]),
    ("set_loss_policy", [true, true, false]),
    ("set_process_options", [true, false, false]),
    ("threads", [true, true, true]),
    ("images", [true, true, true]),
    ("regions", [true, true, true]),
    ("read", [true, true, true]),
    ("write", [true, true, false]),
    ("search", [true, true, true]),
    ("registers", [true, true, true]),
    ("set_registers", [true, true, false]),
    ("stacks", [true, true, true]),
    ("fill", [true, true, false]),
    ("allocate", [true, true, false]),
    ("free", [true, true, false]),
    ("change_suspend_counts", [true, true, false]),
    ("describe_threads", [true, true, true]),
    ("describe_process", [true, true, true]),
    ("read_file", [true, true, true]),
    ("type_in", [true, true, false]),
    ("resize_terminal", [true, true, false]),
    ("write_file", [false, false, false]),
    ("fetch_file", [true, false, false]),
    ("resume", [true, true, false]),
    ("abandon", [true, true, false]),
    // From here on the process is gone, or the server.
    ("terminate", [true, true, false]),
    ("detach", [true, true, true]),
    ("end_server", [true, true, false]),
];

/// What a request would have done that must not happen.
struct Traces {
    folder: Scratch,
}

impl Traces {
    /// Written by a program that is started, or by a file that is sent.
    fn file(&self) -> String {
        self.folder.path().join("made").display().to_string()
    }
}

/// Asks for an operation, in a way that would do something.
fn ask(session: &Session, name: &str, counter: &mut Debuggee, traces: &Traces) -> Result<(), TargetError> {
    let process = counter.pid();
    let place = counter.address("counter");
    let range = AddressRange {
        start: place,
        length: 8,
    };
    let thread = OsTid(process.0);
    let target = ProcessRef { process };
    let (mut machine, mut acquire, mut run, mut look, mut files) = (
        session.machine(),
        session.acquire(),
        session.run(),
        session.look(),
        session.files(),
    );
    match name {
        "describe" => machine.describe(Nothing {}).map(drop),
        "list_processes" => machine.list_processes(ProcessQuery::default()).map(drop),
        "find_by_name" => {
            let name = "counter".into();
            machine.find_by_name(NameQuery { name }).map(drop)
        }
        "end_server" => machine.end_server(EndServerOrder::default()).map(drop),
        "launch" => {
            let path = traces.file();
            let touch = programs::in_path("touch").expect("touch");
            acquire.launch(launch_spec(&touch, &[&path])).map(drop)
        }
        "attach" => acquire.attach(attach_spec(process)).map(drop),
        "resume" => run.resume(plan(Vec::new())).map(drop),
        "update_traps" => {
            let traps = only(vec![trap(1, process, counter.address("count_step"))]);
            run.update_traps(TrapUpdate { traps }).map(drop)
        }
        "detach" => {
            let signal = SignalOrder::Deliver;
            run.detach(DetachOrder { process, signal }).map(drop)
        }
        "terminate" => run.terminate(target).map(drop),
        "set_loss_policy" => {
            let kill = LettingGo::Kill;
            let policy = LossPolicy {
                attached: kill,
                launched: kill,
            };
            run.set_loss_policy(policy).map(drop)
        }
        "abandon" => {
            let release = false;
            run.abandon(AbandonOrder { process, release }).map(drop)
        }
        "set_process_options" => {
            let children = ChildPolicy::Follow;
            run.set_process_options(ProcessOptions { process, children }).map(drop)
        }
        "threads" => look.threads(target).map(drop),
        "images" => look.images(target).map(drop),
        "regions" => look.regions(target).map(drop),
        "read" => {
            let ranges = vec![range];
            look.read(ReadRequest { process, ranges }).map(drop)
        }
        "write" => {
            let request = WriteRequest {
                process,
                address: place,
                bytes: vec![0xee; 8],
            };
            look.write(request).map(drop)
        }
        "search" => {
            let request = SearchRequest {
                process,
                range,
                granularity: 1,
                most: 1,
                writable_only: false,
                pattern: vec![1],
            };
            look.search(request).map(drop)
        }
        "registers" | "set_registers" => {
            let request = RegistersRequest {
                process,
                threads: vec![thread],
                sets: Default::default(),
            };
            let mut found = look.registers(request)?.registers;
            // Of a thread that runs there are none; it is refused before anybody looks at them.
            let none = Registers::zeroed(Architecture::Amd64);
            let registers = found.pop().flatten().unwrap_or(none);
            let request = SetRegistersRequest {
                process,
                thread,
                registers,
            };
            match name {
                "registers" => Ok(()),
                _ => look.set_registers(request).map(drop),
            }
        }
        "stacks" => {
            let request = StacksRequest {
                process,
                threads: vec![thread],
                bytes: 64,
            };
            look.stacks(request).map(drop)
        }
        "fill" => {
            let request = FillRequest {
                process,
                range,
                pattern: vec![0xee],
            };
            look.fill(request).map(drop)
        }
        "allocate" => {
            let request = AllocateRequest {
                process,
                size: 4096,
                at: None,
            };
            look.allocate(request).map(drop)
        }
        "free" => look.free(Allocation { process, range }).map(drop),
        "change_suspend_counts" => {
            let request = SuspendOrder {
                process,
                threads: vec![thread],
                change: 1,
            };
            look.change_suspend_counts(request).map(drop)
        }
        "describe_threads" => {
            let threads = vec![thread];
            look.describe_threads(ThreadsRequest { process, threads }).map(drop)
        }
        "describe_process" => look.describe_process(target).map(drop),
        "read_file" => {
            let request = ReadFileRequest {
                process,
                path: counter.path().display().to_string(),
                ranges: vec![FileRange {
                    offset: FileOffset(0),
                    length: 4,
                }],
            };
            files.read_file(request).map(drop)
        }
        "type_in" => {
            let request = TerminalInput {
                process,
                end: false,
                bytes: b"x".to_vec(),
            };
            files.type_in(request).map(drop)
        }
        "resize_terminal" => {
            let size = WindowSize { rows: 1, columns: 1 };
            files.resize_terminal(TerminalSize { process, size }).map(drop)
        }
        "write_file" => {
            let part = FilePart {
                path: traces.file(),
                offset: 0,
                end: Some(FileSeal {
                    size: 0,
                    checksum: EMPTY.to_vec(),
                    replace: true,
                    mode: 0o600,
                }),
                bytes: Vec::new(),
            };
            files.write_file(part).map(drop)
        }
        "fetch_file" => {
            let request = FileFetch {
                path: "/etc/passwd".into(),
                offset: 0,
                length: 16,
                seal: false,
            };
            files.fetch_file(request).map(drop)
        }
        undecided => panic!("{undecided} is a new operation: decide about it here and in limits/services.rs"),
    }
}

/// SHA-256 of nothing.
const EMPTY: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41,
    0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

fn server(limits: &[&str]) -> DbgSrv {
    DbgSrv::start_with(&[&["-t", "tcp:port=0"], limits].concat())
}

/// What a look without ptrace may have.
fn look_at(session: &mut Session, process: OsPid) {
    let mut spec = attach_spec(process);
    spec.mode = Some(AttachMode::NoninvasiveNoSuspend);
    session.acquire().attach(spec).expect("a look");
    session.stop();
}

/// A refusal that names the limit and says what helps.
#[track_caller]
fn assert_limited(result: Result<(), TargetError>, wanted: &str) {
    let Err(TargetError::Limited { limit, cure, .. }) = &result else {
        panic!("{wanted} refuses nothing: {result:?}");
    };
    assert_eq!(limit, wanted);
    assert!(!cure.is_empty());
    let told = result.unwrap_err().to_string();
    assert!(told.contains("is not allowed: the server on "), "{told}");
}

#[test]
fn every_operation_is_decided_under_every_limit() {
    let mut decided: Vec<&str> = DECISIONS.iter().map(|(name, _)| *name).collect();
    let mut all: Vec<&str> = operations().map(|(_, name)| name).collect();
    decided.sort_unstable();
    all.sort_unstable();
    assert_eq!(decided, all);
    for (column, limit) in ["-attach-only", "-only", "-readonly"].into_iter().enumerate() {
        let mut counter = Debuggee::start("counter", &["2"]);
        let pid = counter.pid().to_string();
        let words = match limit {
            "-only" => vec![limit, &pid],
            _ => vec![limit],
        };
        let server = server(&words);
        let mut session = server.connect();
        let capability = format!("limited{limit}");
        assert!(
            session.port.welcome().capabilities.contains(&capability),
            "{capability}"
        );
        match limit {
            "-readonly" => look_at(&mut session, counter.pid()),
            _ => drop(farsight_testkit::conformance::attach(&mut session, counter.pid())),
        }
        let traces = Traces { folder: Scratch::new() };
        let place: Address = counter.address("counter");
        for (name, allowed) in DECISIONS {
            if limit == "-readonly" && *name != "detach" && *name != "end_server" {
                // Whatever was refused, it runs.
                proc::assert_advances(counter.pid().0, place, Deadline::usual());
            }
            let result = ask(&session, name, &mut counter, &traces);
            match allowed[column] {
                false => assert_limited(result, limit),
                // It may be impossible for another reason, such as that it runs.
                true => assert!(
                    !matches!(result, Err(TargetError::Limited { .. })),
                    "{limit} {name}: {result:?}"
                ),
            }
            assert!(!fs::exists(traces.file()).unwrap(), "{limit} {name}");
        }
        if limit == "-readonly" {
            proc::assert_clean(counter.pid().0, Deadline::usual());
            proc::assert_advances(counter.pid().0, place, Deadline::usual());
        }
    }
}

#[test]
fn nothing_but_the_named_processes_is_seen() {
    let (mine, other) = (Debuggee::start("counter", &["2"]), Debuggee::start("spin", &["1"]));
    let pid = mine.pid().to_string();
    let server = server(&["-only", &pid]);
    let session = server.connect();
    let seen = session
        .machine()
        .list_processes(ProcessQuery::default())
        .unwrap()
        .processes;
    assert_eq!(seen.iter().map(|process| process.pid).collect::<Vec<_>>(), [mine.pid()]);
    let query = ProcessQuery {
        pid: Some(other.pid()),
        ..ProcessQuery::default()
    };
    assert_limited(session.machine().list_processes(query).map(drop), "-only");
    let by_name = |name: &str| {
        let name = name.to_owned();
        session.machine().find_by_name(NameQuery { name })
    };
    assert!(matches!(by_name("spin"), Err(TargetError::NoSuchName { .. })));
    assert_eq!(by_name("counter").unwrap().process, mine.pid());
    for mode in [
        None,
        Some(AttachMode::Noninvasive),
        Some(AttachMode::NoninvasiveNoSuspend),
        Some(AttachMode::Existing),
        Some(AttachMode::ResumeStopped),
    ] {
        let mut spec = attach_spec(other.pid());
        spec.mode = mode;
        assert_limited(session.acquire().attach(spec).map(drop), "-only");
    }
    // Nor by way of a process that may be had.
    let mut spec = attach_spec(mine.pid());
    spec.start = Some(launch_spec(other.path(), &["1"]));
    assert_limited(session.acquire().attach(spec).map(drop), "-only");
    assert_eq!(proc::tracer(other.pid().0), 0);
}

#[test]
fn only_one_look_is_allowed_where_nothing_may_be_changed() {
    let counter = Debuggee::start("counter", &["2"]);
    let server = server(&["-readonly", "-attach-only"]);
    let session = server.connect();
    for mode in [
        None,
        Some(AttachMode::Invasive),
        Some(AttachMode::Noninvasive),
        Some(AttachMode::Existing),
        Some(AttachMode::ResumeStopped),
    ] {
        let mut spec = attach_spec(counter.pid());
        spec.mode = mode;
        assert_limited(session.acquire().attach(spec).map(drop), "-readonly");
        assert_eq!(proc::tracer(counter.pid().0), 0);
    }
}

#[test]
fn children_count_where_asked_for() {
    let shell = programs::in_path("sh").expect("a shell");
    let line = format!(
        "{} 2 >/dev/null & echo child $!; wait",
        programs::debuggee("counter").display()
    );
    for children in [false, true] {
        let mut parent = Debuggee::start_silent(&shell, &["-c", &line]);
        let said = parent.output().line(Deadline::usual()).expect("a line");
        let child = OsPid(said.trim().trim_start_matches("child ").parse().unwrap());
        let pid = parent.pid().to_string();
        let mut words = vec!["-only", &pid];
        words.extend(children.then_some("-children"));
        let server = server(&words);
        let session = server.connect();
        let seen = session
            .machine()
            .list_processes(ProcessQuery::default())
            .unwrap()
            .processes;
        assert_eq!(seen.iter().any(|process| process.pid == child), children);
        let attached = session.acquire().attach(attach_spec(child));
        match children {
            true => assert_eq!(attached.unwrap().process, child),
            false => assert_limited(attached.map(drop), "-only"),
        }
        let mut spec = attach_spec(parent.pid());
        spec.children = Some(ChildPolicy::Follow);
        let followed = server.connect().acquire().attach(spec);
        match children {
            true => drop(followed.unwrap()),
            false => assert_limited(followed.map(drop), "-only"),
        }
        proc::signal(child.0, "KILL");
    }
}

#[test]
fn heavy_an_idle_server_ends_and_one_with_a_client_does_not() {
    let mut server = server(&["-idle", "0.03"]);
    let mut session = server.connect();
    let counter = Debuggee::start("counter", &["2"]);
    farsight_testkit::conformance::attach(&mut session, counter.pid());
    let ended = |server: &DbgSrv| !proc::alive(server.pid());
    let late = farsight_testkit::deadline::poll(Deadline::seconds(3), || ended(&server).then_some(()));
    assert!(late.is_none(), "it ended under its client");
    drop(session);
    assert!(server.wait(Deadline::usual()).success());
    proc::assert_clean(counter.pid().0, Deadline::usual());
    // And where nobody ever comes.
    let mut nobodys = self::server(&["-idle", "0.001"]);
    assert!(nobodys.wait(Deadline::usual()).success());
    wait_until("it is gone", Deadline::usual(), || ended(&nobodys));
}
