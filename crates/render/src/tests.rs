//! The text of each record.

use expect_test::{Expect, expect};
use farsight_session::record::*;
use farsight_types::{
    Address, AddressRange, Architecture, BuildId, OperatingSystem, OsPid, OsTid, ProcessId, SystemId, ThreadId,
};

use super::*;

mod code;
mod lists;
mod memory;

/// Compares the text of a record, spaces at the line starts included.
fn check(record: Record, mut expected: Expect) {
    expected.indent(false);
    expected.assert_eq(&render(&record, &View::default()));
}

fn named(address: u64, module: &str, name: &str, displacement: u64) -> Place {
    Place::named(Address(address), SymbolName::new(module, name, displacement))
}

fn instruction(place: Place, bytes: &[u8], text: &str) -> InstructionLine {
    InstructionLine {
        place,
        bytes: bytes.to_vec(),
        text: text.to_owned(),
        source: None,
    }
}

/// A string that would change a terminal, and what it looks like when shown.
const HOSTILE: &str = "\x1b]0;owned\x07\n\u{202e}";
const SHOWN: &str = "\\e]0;owned\\x07\\n\\u{202e}";

/// One record of each kind, with every string in it hostile.
fn hostile_records() -> Vec<Record> {
    let text = || String::from(HOSTILE);
    let symbol = || SymbolName::new(HOSTILE, HOSTILE, 1);
    let place = || Place::named(Address(1), symbol());
    let mark = Mark::default();
    let line = || instruction(place(), &[0x90], HOSTILE);
    let location = || Location {
        place: place(),
        instruction: Some(line()),
        source: None,
        inlined_in: Some(symbol()),
    };
    let module = |symbols| ModuleRow {
        start: Address(0),
        end: Address(1),
        name: text(),
        symbols,
        path: text(),
        build_id: None,
    };
    let modules = |names_only| Modules {
        column: None,
        rows: vec![
            module(SymbolState::Missing { why: text() }),
            module(SymbolState::Dwarf { file: Some(text()) }),
            module(SymbolState::Full { file: Some(text()) }),
            module(SymbolState::Exports { file: Some(text()) }),
        ],
        verbose: true,
        names_only,
        unloaded: vec![module(SymbolState::Deferred)],
    };
    let registers = RegisterDump {
        architecture: Architecture::Amd64,
        layout: RegisterLayout::Named,
        values: vec![RegisterValue::word(HOSTILE, 1)],
        location: Some(location()),
    };
    let range = AddressRange::new(Address(0x1000), 16);
    let part = MemoryPart {
        address: Address(0x1000),
        bytes: b"\x1b]0;x\x07\n\xe2\x80\xae.\x2e\x20\x9b\x00\x41\x42".to_vec(),
    };
    let dump = |format| {
        let mut dump = MemoryDump::new(format, range, vec![part.clone()]);
        dump.symbols.push(PointedSymbol {
            at: range.start,
            symbol: symbol(),
        });
        Record::Memory(dump)
    };
    let event = |kind| EventReport {
        pid: OsPid(1),
        tid: OsTid(2),
        kind,
    };
    let kinds = vec![
        EventKind::Attached { name: text() },
        EventKind::Created { name: text() },
        EventKind::Signal {
            number: 11,
            name: text(),
            meaning: text(),
            address: None,
            sender: None,
            chance: SignalChance::First,
        },
        EventKind::ModuleLoaded {
            start: Address(0),
            end: Address(1),
            path: text(),
        },
        EventKind::ModuleUnloaded {
            start: Address(0),
            path: text(),
        },
        EventKind::Exec { path: text() },
        EventKind::Exiting {
            ending: Ending::Signal {
                number: 9,
                name: text(),
            },
        },
        EventKind::Other { text: text() },
    ];
    let help = || HelpRow {
        names: vec![text(), text()],
        usage: text(),
        summary: text(),
        details: vec![text()],
    };
    let mut records = vec![
        Record::line(HOSTILE),
        Record::Evaluation(Evaluation {
            value: 1,
            symbol: Some(symbol()),
        }),
        Record::Registers(registers),
        Record::Listing(Listing {
            lines: vec![line()],
            unreadable_at: None,
        }),
        Record::Stack(Stack {
            columns: StackColumns::default(),
            frames: vec![StackFrame {
                site: place(),
                source: Some(SourcePosition {
                    path: text(),
                    ..SourcePosition::default()
                }),
                parameters: Some(vec![ValueNode {
                    name: text(),
                    type_name: text(),
                    ..ValueNode::default()
                }]),
                ..StackFrame::default()
            }],
            cut_short: Some(text()),
        }),
        Record::Modules(modules(false)),
        Record::Modules(modules(true)),
        Record::Nearest(Nearest {
            address: Address(1),
            before: Some(place()),
            after: Some(place()),
            exact: vec![symbol()],
            source: None,
        }),
        Record::Threads(Threads {
            rows: vec![ThreadRow {
                mark,
                number: ThreadId(0),
                pid: OsPid(1),
                tid: OsTid(1),
                name: text(),
                frozen: false,
                suspended: 0,
                location: Some(place()),
                details: Some(ThreadDetails {
                    start: Some(place()),
                    state: '\u{1b}',
                    nice: 0,
                    processor: 0,
                }),
            }],
        }),
        Record::Filters(Filters {
            rows: vec![FilterRow {
                name: text(),
                meaning: text(),
                handled: Some(false),
                argument: text(),
                first: text(),
                second: text(),
                ..FilterRow::default()
            }],
        }),
        Record::Exception(ExceptionReport {
            place: Some(place()),
            name: text(),
            meaning: text(),
            code_meaning: text(),
            ..ExceptionReport::default()
        }),
        Record::EventLog(EventLog {
            events: vec![LoggedEvent {
                number: 1,
                event: EventReport {
                    pid: OsPid(1),
                    tid: OsTid(1),
                    kind: EventKind::Other { text: text() },
                },
            }],
        }),
        Record::Processes(Processes {
            rows: vec![ProcessRow {
                mark,
                number: ProcessId(0),
                pid: OsPid(1),
                origin: Origin::Attached,
                name: text(),
            }],
        }),
        Record::Systems(Systems {
            rows: vec![SystemRow {
                mark,
                number: SystemId(0),
                kind: text(),
                server: Some(text()),
            }],
        }),
        Record::MachineServers(MachineServers {
            machine: text(),
            rows: vec![MachineServer {
                kind: ServerKind::ProcessServer,
                transport: text(),
                hidden: false,
                pid: OsPid(1),
                since: 0,
                uid: None,
                product: text(),
            }],
        }),
        Record::Breakpoints(Breakpoints {
            rows: vec![BreakpointRow {
                expression: text(),
                commands: text(),
                trouble: Some(text()),
                ..BreakpointRow::default()
            }],
        }),
        Record::ProcessList(ProcessList {
            rows: vec![RunningProcess {
                pid: OsPid(1),
                name: text(),
                user: 0,
                threads: 1,
                tracer: None,
                command_line: vec![text()],
            }],
            verbose: true,
        }),
        Record::Help(Help { rows: vec![help()] }),
        Record::Help(Help {
            rows: vec![help(), help()],
        }),
        Record::Machine(MachineReport {
            name: text(),
            system: OperatingSystem::Linux,
            release: text(),
            architecture: Architecture::Amd64,
            processors: 1,
            page_size: 4096,
            product: text(),
            server: Some(text()),
        }),
        Record::SearchHits(SearchHits {
            format: DumpFormat::Bytes,
            hits: vec![part.clone()],
            addresses_only: false,
            more: false,
        }),
        Record::Stop(StopReport {
            event: event(kinds[2].clone()),
            registers: None,
            location: Some(location()),
        }),
        Record::LastEvent(LastEvent {
            event: Some(event(kinds[2].clone())),
        }),
    ];
    for columns in [SymbolColumns::Both, SymbolColumns::Names, SymbolColumns::Verbose] {
        let row = SymbolRow {
            address: Address(1),
            module: text(),
            name: text(),
            size: None,
            class: SymbolClass::Data,
            public: true,
        };
        records.push(Record::Symbols(Symbols {
            quoted: None,
            rows: vec![row],
            columns,
        }));
    }
    for format in [
        DumpFormat::Bytes,
        DumpFormat::Ascii,
        DumpFormat::Unicode,
        DumpFormat::Symbols,
    ] {
        records.push(dump(format));
    }
    records.extend(kinds.into_iter().map(|kind| Record::Event(event(kind))));
    records
}

#[test]
fn no_string_of_a_target_reaches_a_terminal_as_it_is() {
    for record in hostile_records() {
        let text = render(&record, &View::default());
        // Records of processes are laid out with tabs of our own.
        let plain = |character: char| matches!(character, '\n' | '\t') || !character.is_control();
        assert!(
            text.chars().all(plain) && !text.contains('\u{202e}'),
            "{record:?}: {text:?}"
        );
        let is_dump = matches!(record, Record::Memory(_) | Record::SearchHits(_));
        assert!(is_dump || text.contains(SHOWN), "{record:?}: {text:?}");
        assert!(text.ends_with('\n'), "{record:?}: {text:?}");
    }
}

#[test]
fn colours_come_only_where_they_are_wanted_and_add_nothing_else() {
    let colour = View {
        colour: true,
        ..View::default()
    };
    let mut coloured = 0;
    for record in hostile_records() {
        let text = render(&record, &colour);
        let mut stripped = text.clone();
        for code in ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[33m", "\x1b[36m"] {
            stripped = stripped.replace(code, "");
        }
        assert_eq!(stripped, render(&record, &View::default()));
        coloured += usize::from(text != stripped);
    }
    assert!(coloured > 3);
}
