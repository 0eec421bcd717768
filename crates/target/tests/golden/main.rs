//! Golden bytes: the encodings of seam 2 do not change. A message may gain optional fields; what is recorded here must
//! still be read, and what an old peer sends must still be written alike.
//!
//! `FARSIGHT_BLESS=1` writes the files that are missing. One that is there is never written over: only for a message that no
//! release has carried yet may it be deleted first.

#![allow(clippy::unwrap_used)] // A broken expectation is the test failing.

mod later_fields;
mod later_messages;

use std::fmt::Write as _;
use std::path::PathBuf;

use farsight_target::*;
use farsight_types::registers::RegisterSets;
use farsight_types::{
    Address, AddressRange, Architecture, BuildId, FileOffset, Generation, OperatingSystem, OsPid, OsTid, Registers,
};
use farsight_wire::Message;

const PID: OsPid = OsPid(4711);
const TID: OsTid = OsTid(4712);

/// Encodes, compares with the recorded bytes, decodes the recorded bytes and compares again.
#[track_caller]
fn golden<M: Message + Clone + PartialEq + std::fmt::Debug>(name: &str, message: &M) {
    let mut sent = message.clone();
    let bulk = sent.take_bulk();
    let hex = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    };
    let text = format!("body {}\nbulk {}\n", hex(&sent.to_body()), hex(&bulk));
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(format!("{name}.hex"));
    if std::env::var_os("FARSIGHT_BLESS").is_some() && !path.exists() {
        std::fs::write(&path, &text).unwrap();
    }
    let recorded = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(text, recorded, "{name} is encoded otherwise than recorded");
    let body = recorded
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("body "))
        .unwrap();
    let bytes: Vec<u8> = (0..body.len() / 2)
        .map(|at| u8::from_str_radix(&body[at * 2..at * 2 + 2], 16).unwrap())
        .collect();
    let mut read = M::from_body(&bytes).unwrap();
    read.put_bulk(bulk);
    assert_eq!(&read, message, "{name} is read otherwise than written");
}

fn registers() -> Registers {
    let mut registers = Registers::zeroed(Architecture::Amd64);
    registers.set_pc(Address(0x5555_5555_1234));
    registers.debug = vec![0, 1, 2, 3, 0xffff_0ff0, 0x400];
    registers
}

fn image() -> Image {
    Image {
        base: Address(0x5555_5555_4000),
        size: 0x5000,
        bias: 0x5555_5555_4000,
        path: "/bin/prog".into(),
        build_id: Some(BuildId(vec![0xab; 20])),
        debug_link: Some("prog.debug".into()),
        debug_link_crc: Some(0x1234_5678),
        sections: vec![Section {
            name: ".eh_frame".into(),
            address: 0x2000,
            offset: FileOffset(0x2000),
            size: 0x100,
            loaded: true,
            flags: 2,
            kind: 1,
        }],
        is_program: true,
        entry: Some(Address(0x5555_5555_5000)),
        file_size: Some(16_384),
    }
}

#[test]
fn the_machine_service() {
    golden(
        "machine_description",
        &MachineDescription {
            name: "box17".into(),
            system: OperatingSystem::Linux,
            release: "6.1.0".into(),
            architecture: Architecture::Amd64,
            processors: 8,
            page_size: 4096,
            user: 1000,
            server_pid: OsPid(99),
            product: "farsight 0.1.0".into(),
        },
    );
    golden(
        "process_query",
        &ProcessQuery {
            pid: Some(PID),
            verbose: true,
        },
    );
    let process = ProcessDescription {
        pid: PID,
        name: "prog".into(),
        path: Some("/bin/prog".into()),
        command_line: vec!["prog".into(), "-x".into()],
        user: 1000,
        parent: OsPid(1),
        threads: 3,
        tracer: None,
        state: 'S',
    };
    golden(
        "process_list",
        &ProcessList {
            processes: vec![process],
        },
    );
    golden("name_query", &NameQuery { name: "prog".into() });
    golden("process_ref", &ProcessRef { process: PID });
}

#[test]
fn the_acquire_service() {
    let signals = Some(SignalPolicy {
        stop: SignalSet::of(&[11, 7]),
        report: SignalSet::of(&[15]),
        stop_second: SignalSet(u64::MAX),
        drop: None,
    });
    golden(
        "launch_spec",
        &LaunchSpec {
            program: "/bin/prog".into(),
            arguments: vec!["a b".into()],
            environment: EnvironmentMerge {
                clear: false,
                remove: vec!["HOME".into()],
                set: vec![("A".into(), "1".into())],
            },
            directory: Some("/tmp".into()),
            randomize: false,
            terminal: Some(WindowSize { rows: 40, columns: 120 }),
            signals,
            detail: StopDetail::default(),
            children: None,
        },
    );
    golden(
        "attach_spec",
        &AttachSpec {
            process: PID,
            signals,
            detail: StopDetail::default(),
            mode: None,
            children: None,
            start: None,
        },
    );
    golden(
        "acquired",
        &Acquired {
            process: PID,
            path: "/bin/prog".into(),
            machine: "box17".into(),
        },
    );
}

#[test]
fn the_run_service() {
    let trap = |id, kind| Trap {
        id: TrapId(id),
        process: PID,
        address: Address(0x5555_5555_1234),
        kind,
        passes: 3,
        thread: Some(TID),
        stack_at_least: Some(Address(0x7fff_0000)),
    };
    let data = TrapKind::HardwareData {
        access: DataAccess::ReadWrite,
        size: 8,
    };
    let traps = TrapDelta {
        base: Some(Generation(4)),
        generation: Generation(5),
        remove: vec![TrapId(9)],
        set: vec![
            trap(1, TrapKind::Software),
            trap(2, TrapKind::HardwareExecute),
            trap(3, data),
        ],
    };
    let plans = [
        ("into", StepPlan::Into { count: 5 }),
        ("over", StepPlan::Over { count: 1 }),
        (
            "over_range",
            StepPlan::OverRange {
                start: Address(0x1000),
                length: 16,
            },
        ),
        (
            "until_return",
            StepPlan::UntilReturn {
                return_address: Address(0x1010),
                frame_address: Address(0x7fff_0010),
            },
        ),
    ];
    for (name, plan) in plans {
        golden(
            &format!("resume_plan_{name}"),
            &ResumePlan {
                traps: traps.clone(),
                threads: vec![ThreadOrder {
                    thread: TID,
                    rule: ThreadRule::Hold,
                }],
                signal: SignalOrder::Drop,
                step: Some(StepOrder {
                    thread: TID,
                    plan,
                    marks: None,
                    goes_on: None,
                    landings: None,
                }),
                modules: ModuleOrder {
                    stop: true,
                    stop_names: vec!["libx.so".into()],
                },
                signals: None,
                detail: StopDetail {
                    stack_bytes: 8192,
                    vector: true,
                },
                stop_at_exit: true,
                note_threads: true,
                stops: None,
                break_in_seconds: None,
            },
        );
    }
    golden(
        "resumed",
        &Resumed {
            generation: Generation(5),
        },
    );
    golden("trap_update", &TrapUpdate { traps });
    golden(
        "detach_order",
        &DetachOrder {
            process: PID,
            signal: SignalOrder::Deliver,
        },
    );
    golden("loss_policy", &LossPolicy::default());
}

#[test]
fn the_look_service() {
    golden(
        "thread_list",
        &ThreadList {
            threads: vec![ThreadRecord {
                tid: TID,
                name: "worker".into(),
            }],
        },
    );
    golden("image_list", &ImageList { images: vec![image()] });
    let region = Region {
        range: AddressRange::new(Address(0x1000), 0x2000),
        read: true,
        write: false,
        execute: true,
        shared: false,
        path: "/bin/prog".into(),
        offset: 0x1000,
    };
    golden("region_list", &RegionList { regions: vec![region] });
    let ranges = vec![
        AddressRange::new(Address(0x1000), 16),
        AddressRange::new(Address(0x2000), 1),
    ];
    golden("read_request", &ReadRequest { process: PID, ranges });
    golden(
        "read_reply",
        &ReadReply {
            lengths: vec![2, 0],
            bytes: vec![1, 2],
        },
    );
    golden(
        "write_request",
        &WriteRequest {
            process: PID,
            address: Address(0x1000),
            bytes: vec![9],
        },
    );
    golden("write_reply", &WriteReply { length: 1 });
    golden(
        "search_request",
        &SearchRequest {
            process: PID,
            range: AddressRange::new(Address(0), u64::MAX),
            granularity: 8,
            most: 1000,
            writable_only: true,
            pattern: b"needle".to_vec(),
        },
    );
    golden(
        "search_reply",
        &SearchReply {
            found: vec![Address(0x1000)],
            next: Some(Address(0x1001)),
        },
    );
    let sets = RegisterSets {
        debug: true,
        vector: false,
    };
    golden(
        "registers_request",
        &RegistersRequest {
            process: PID,
            threads: vec![TID],
            sets,
        },
    );
    golden(
        "registers_reply",
        &RegistersReply {
            registers: vec![Some(registers()), None],
        },
    );
    golden(
        "set_registers",
        &SetRegistersRequest {
            process: PID,
            thread: TID,
            registers: registers(),
        },
    );
    golden(
        "stacks_request",
        &StacksRequest {
            process: PID,
            threads: vec![],
            bytes: 4096,
        },
    );
    let stack = ThreadStack {
        thread: TID,
        registers: registers(),
        range: AddressRange::new(Address(0x7fff_0000), 3),
    };
    golden(
        "stacks_reply",
        &StacksReply {
            threads: vec![stack],
            bytes: vec![1, 2, 3],
        },
    );
}

#[test]
fn the_files_service() {
    let ranges = vec![FileRange {
        offset: FileOffset(64),
        length: 16,
    }];
    golden(
        "read_file_request",
        &ReadFileRequest {
            process: PID,
            path: "/bin/prog".into(),
            ranges,
        },
    );
    golden(
        "terminal_input",
        &TerminalInput {
            process: PID,
            end: true,
            bytes: b"y\n".to_vec(),
        },
    );
    golden(
        "terminal_size",
        &TerminalSize {
            process: PID,
            size: WindowSize { rows: 24, columns: 80 },
        },
    );
}

#[test]
fn events() {
    let signal = SignalInfo {
        number: 11,
        code: 1,
        address: Some(Address(8)),
        sender: None,
    };
    let causes = [
        ("attached", StopCause::Attached),
        ("launched", StopCause::Launched),
        (
            "traps",
            StopCause::Traps {
                ids: vec![TrapId(1), TrapId(2)],
            },
        ),
        ("step_done", StopCause::StepDone),
        ("break_in", StopCause::BreakIn),
        (
            "signal",
            StopCause::Signal {
                signal,
                chance: Chance::Second,
            },
        ),
        ("foreign_trap", StopCause::ForeignTrap),
        ("modules", StopCause::Modules),
        (
            "exec",
            StopCause::Exec {
                path: "/bin/other".into(),
            },
        ),
        (
            "exiting",
            StopCause::Exiting {
                status: ExitStatus::Code { code: 3 },
            },
        ),
        (
            "exited",
            StopCause::Exited {
                status: ExitStatus::Signal { number: 9 },
            },
        ),
    ];
    for (name, cause) in causes {
        golden(
            &format!("stop_{name}"),
            &Stop {
                number: 12,
                process: PID,
                thread: TID,
                cause,
                registers: Some(registers()),
                memory: vec![AddressRange::new(Address(0x7fff_0000), 2)],
                bytes: vec![0xde, 0xad],
                threads: ThreadDelta {
                    started: vec![ThreadRecord {
                        tid: TID,
                        name: "worker".into(),
                    }],
                    ended: vec![OsTid(5)],
                },
                images: ImageDelta {
                    replaced: true,
                    loaded: vec![image()],
                    unloaded: vec![Address(0x1000)],
                },
                hits: vec![TrapHits {
                    id: TrapId(1),
                    hits: 1_000_000,
                }],
                family: None,
                marks: None,
            },
        );
    }
    golden(
        "note_signal",
        &Note::Signal {
            process: PID,
            thread: TID,
            signal,
        },
    );
    golden(
        "note_thread_started",
        &Note::ThreadStarted {
            process: PID,
            thread: TID,
        },
    );
    golden(
        "note_thread_ended",
        &Note::ThreadEnded {
            process: PID,
            thread: TID,
        },
    );
    golden(
        "note_trouble",
        &Note::Trouble {
            text: "a trap went missing".into(),
        },
    );
    golden(
        "output",
        &OutputChunk {
            process: PID,
            bytes: b"hello\n".to_vec(),
        },
    );
    golden(
        "session_end",
        &SessionEnd {
            why: "the process server ended".into(),
        },
    );
}

#[test]
fn errors() {
    let machine = || "box17".to_owned();
    let why = || "because".to_owned();
    let denied = |obstacle| TargetError::Denied {
        pid: PID,
        machine: machine(),
        obstacle,
    };
    let errors = [
        TargetError::NoSuchProcess {
            pid: PID,
            machine: machine(),
        },
        TargetError::NoSuchName {
            name: "prog".into(),
            machine: machine(),
        },
        TargetError::Ambiguous {
            name: "prog".into(),
            candidates: vec![PID, OsPid(1)],
            machine: machine(),
        },
        denied(Obstacle::OtherUser { owner: 1, ours: 2 }),
        denied(Obstacle::PtraceScope { level: 1 }),
        denied(Obstacle::MissingCapability),
        denied(Obstacle::Tracer {
            pid: OsPid(3),
            name: "gdb".into(),
        }),
        denied(Obstacle::Ourselves),
        denied(Obstacle::KernelThread),
        denied(Obstacle::Zombie),
        denied(Obstacle::ThirtyTwoBit),
        denied(Obstacle::Unknown),
        TargetError::NotDebugged { pid: PID },
        TargetError::NoSuchThread { tid: TID },
        TargetError::Running,
        TargetError::NotRunning,
        TargetError::Unreadable { at: Address(8) },
        TargetError::Unwritable { at: Address(8) },
        TargetError::Trap {
            at: Address(8),
            why: why(),
        },
        TargetError::Launch {
            program: "prog".into(),
            machine: machine(),
            why: why(),
        },
        TargetError::File {
            path: "/x".into(),
            machine: machine(),
            why: why(),
        },
        TargetError::Invalid { why: why() },
        TargetError::System {
            operation: "read".into(),
            machine: machine(),
            why: why(),
        },
        TargetError::Ended { pid: PID },
        TargetError::Lost,
        TargetError::Cancelled,
        TargetError::Unsupported,
        TargetError::Malformed { why: why() },
    ];
    for (number, error) in errors.iter().enumerate() {
        golden(&format!("error_{number:02}"), error);
    }
}

#[test]
fn fields_of_a_later_release_are_passed_over() {
    // `Resumed` with a second field that this release does not know.
    let body = [0x82, 0x05, 0x63, b'n', b'e', b'w'];
    assert_eq!(
        Resumed::from_body(&body).unwrap(),
        Resumed {
            generation: Generation(5)
        }
    );
}
