//! Messages that came after the first release of the table.

use farsight_target::*;
use farsight_types::{Address, AddressRange, OsPid};

use super::{PID, TID, golden};

#[test]
fn the_machine_service() {
    golden(
        "end_server_order",
        &EndServerOrder {
            only_unused: Some(true),
        },
    );
    golden("end_server_order_plain", &EndServerOrder::default());
}

#[test]
fn the_run_service() {
    for release in [false, true] {
        golden(
            &format!("abandon_order_{}", if release { "released" } else { "kept" }),
            &AbandonOrder { process: PID, release },
        );
    }
    for (name, children) in [("leave", ChildPolicy::Leave), ("follow", ChildPolicy::Follow)] {
        golden(
            &format!("process_options_{name}"),
            &ProcessOptions { process: PID, children },
        );
    }
}

#[test]
fn the_look_service() {
    let range = AddressRange::new(Address(0x7f00_0000_0000), 0x2000);
    golden(
        "fill_request",
        &FillRequest {
            process: PID,
            range,
            pattern: vec![1, 2, 3],
        },
    );
    for (name, at) in [("anywhere", None), ("there", Some(range.start))] {
        golden(
            &format!("allocate_request_{name}"),
            &AllocateRequest {
                process: PID,
                size: 0x2000,
                at,
            },
        );
    }
    golden("allocation", &Allocation { process: PID, range });
    golden(
        "suspend_order",
        &SuspendOrder {
            process: PID,
            threads: vec![TID],
            change: -1,
        },
    );
    golden("suspend_counts", &SuspendCounts { counts: vec![(TID, 2)] });
    golden(
        "threads_request",
        &ThreadsRequest {
            process: PID,
            threads: vec![TID],
        },
    );
    let detail = ThreadDetail {
        tid: TID,
        started: 1_795_000_000_000_000,
        user: 1_000_000,
        kernel: 2,
        state: 'S',
        processor: 3,
        nice: -5,
        suspended: 1,
        start: Some(Address(0x5555_5555_1234)),
    };
    golden(
        "thread_details",
        &ThreadDetails {
            threads: vec![
                ThreadDetail {
                    start: None,
                    ..detail.clone()
                },
                detail,
            ],
        },
    );
    golden(
        "process_parameters",
        &ProcessParameters {
            auxiliary: vec![(3, 0x5555_5555_4040), (0, 0)],
            environment: vec!["A=1".into()],
            arguments: vec!["prog".into(), "-x".into()],
            directory: Some("/tmp".into()),
            executable: Some("/bin/prog".into()),
            parent: OsPid(1),
            started: 1_795_000_000_000_000,
            user: 1,
            kernel: 2,
            now: 1_795_000_000_000_003,
            uptime: 4,
        },
    );
}

#[test]
fn the_files_service() {
    let seal = Some(FileSeal {
        size: 2,
        checksum: vec![0xab; 32],
        replace: true,
        mode: 0o755,
    });
    for (name, offset, end) in [("first", 0, None), ("last", 8 << 20, seal.clone())] {
        golden(
            &format!("file_part_{name}"),
            &FilePart {
                path: "/tmp/prog".into(),
                offset,
                end,
                bytes: vec![1, 2],
            },
        );
    }
    golden(
        "file_fetch",
        &FileFetch {
            path: "/tmp/prog".into(),
            offset: 1,
            length: 4096,
            seal: true,
        },
    );
    for (name, seal) in [("first", seal), ("next", None)] {
        golden(
            &format!("file_piece_{name}"),
            &FilePiece {
                seal,
                bytes: vec![1, 2],
            },
        );
    }
}

#[test]
fn notes() {
    let end = ProcessEnd {
        process: OsPid(4713),
        status: ExitStatus::Code { code: 3 },
    };
    golden(
        "note_process_started",
        &Note::ProcessStarted {
            birth: birth(BirthKind::Fork),
        },
    );
    golden("note_process_ended", &Note::ProcessEnded { end });
}

/// A process that the debuggee made.
pub(super) fn birth(kind: BirthKind) -> ProcessBirth {
    ProcessBirth {
        process: OsPid(4713),
        parent: PID,
        kind,
        thread: ThreadRecord {
            tid: TID,
            name: "worker".into(),
        },
    }
}

#[test]
fn errors() {
    let errors = [
        (
            "in_use",
            TargetError::InUse {
                machine: "box17".into(),
                holders: vec!["process 5".into()],
            },
        ),
        (
            "noninvasive",
            TargetError::Noninvasive {
                pid: PID,
                tracer: Some(OsPid(7)),
            },
        ),
        (
            "limited",
            TargetError::Limited {
                what: "writing memory".into(),
                machine: "box17".into(),
                limit: "-readonly".into(),
                cure: "a server without it does this".into(),
            },
        ),
        ("noninvasive_free", TargetError::Noninvasive { pid: PID, tracer: None }),
    ];
    for (name, error) in errors {
        golden(&format!("error_{name}"), &error);
    }
}
