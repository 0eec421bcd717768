//! `lm`, `x`, `ln`, `~`, `|`, `||`, `bl`, `.tlist`, `.help`, `vertarget`.

use super::*;

fn module(start: u64, name: &str, symbols: SymbolState) -> ModuleRow {
    ModuleRow {
        start: Address(start),
        end: Address(start + 0x3_0000),
        name: name.to_owned(),
        symbols,
        path: format!("/usr/lib/{name}.so"),
        build_id: Some(BuildId(vec![0xab, 0xcd])),
    }
}

#[test]
fn modules_show_where_symbols_come_from() {
    let file = Some(String::from("/usr/lib/debug/.build-id/ab/cd.debug"));
    let mut modules = Modules {
        rows: vec![
            module(0x40_0000, "prog", SymbolState::Deferred),
            module(0x50_0000, "lib", SymbolState::Dwarf { file: file.clone() }),
            module(0x7fff_0000_0000, "libc_so_6", SymbolState::Full { file }),
            module(
                0x7fff_1000_0000,
                "libverylongname_so_1",
                SymbolState::Exports { file: None },
            ),
            module(
                0x7fff_2000_0000,
                "vdso",
                SymbolState::Missing {
                    why: String::from("no such file"),
                },
            ),
        ],
        unloaded: vec![module(0x7fff_3000_0000, "libgone", SymbolState::Deferred)],
        ..Modules::default()
    };
    check(
        Record::Modules(modules.clone()),
        expect![[r#"
start             end                 module name
00000000`00400000 00000000`00430000   prog       (deferred)
00000000`00500000 00000000`00530000   lib        (dwarf symbols)        /usr/lib/debug/.build-id/ab/cd.debug
00007fff`00000000 00007fff`00030000   libc_so_6  (elf symbols)          /usr/lib/debug/.build-id/ab/cd.debug
00007fff`10000000 00007fff`10030000   libverylongname_so_1 (export symbols)
00007fff`20000000 00007fff`20030000   vdso       (no symbols)

Unloaded modules:
00007fff`30000000 00007fff`30030000   /usr/lib/libgone.so
"#]],
    );
    modules.unloaded.clear();
    modules.rows.drain(..4);
    modules.verbose = true;
    check(
        Record::Modules(modules.clone()),
        expect![[r#"
start             end                 module name
00007fff`20000000 00007fff`20030000   vdso       (no symbols)
    Image path: /usr/lib/vdso.so
    Image name: vdso.so
    Build id:   abcd
    Image size: 00030000
    Symbols:    no such file
"#]],
    );
    modules.names_only = true;
    check(
        Record::Modules(modules),
        expect![[r#"
vdso
"#]],
    );
}

#[test]
fn symbols_come_in_four_forms() {
    let row = |address, name: &str, size, class, public| SymbolRow {
        address: Address(address),
        module: String::from("prog"),
        name: name.to_owned(),
        size,
        class,
        public,
    };
    let rows = vec![
        row(0x40_1130, "main", Some(0x2a), SymbolClass::Function, true),
        row(0x40_4010, "counter", None, SymbolClass::Data, false),
        row(0x40_1030, "puts@plt", Some(0x10), SymbolClass::Stub, true),
    ];
    let record = |columns| {
        Record::Symbols(Symbols {
            quoted: None,
            rows: rows.clone(),
            columns,
        })
    };
    check(
        record(SymbolColumns::Both),
        expect![[r#"
00000000`00401130          prog!main
00000000`00404010          prog!counter
00000000`00401030          prog!puts@plt
"#]],
    );
    check(
        record(SymbolColumns::Addresses),
        expect![[r#"
00000000`00401130
00000000`00404010
00000000`00401030
"#]],
    );
    check(
        record(SymbolColumns::Names),
        expect![[r#"
prog!main
prog!counter
prog!puts@plt
"#]],
    );
    check(
        record(SymbolColumns::Verbose),
        expect![[r#"
pub func  00000000`00401130   2a prog!main
prv data  00000000`00404010    ? prog!counter
pub stub  00000000`00401030   10 prog!puts@plt
"#]],
    );
}

#[test]
fn nearest_shows_both_sides() {
    let before = Some(named(0x40_1136, "prog", "main", 6));
    let after = Some(named(0x40_1160, "prog", "helper", 0));
    let record = |before, after, exact| {
        Record::Nearest(Nearest {
            address: Address(0x40_1136),
            before,
            after,
            exact,
            source: None,
        })
    };
    check(
        record(before.clone(), after.clone(), vec![]),
        expect![[r#"
(00000000`00401136)   prog!main+0x6   |  (00000000`00401160)   prog!helper
"#]],
    );
    let exact = vec![SymbolName::new("prog", "main", 0), SymbolName::new("prog", "alias", 0)];
    check(
        record(before, None, exact),
        expect![[r#"
(00000000`00401136)   prog!main+0x6
Exact matches:
    prog!main
    prog!alias
"#]],
    );
    check(
        record(None, after, vec![]),
        expect![[r#"
|  (00000000`00401160)   prog!helper
"#]],
    );
    check(
        record(None, None, vec![]),
        expect![[r#"
No symbols near 00000000`00401136
"#]],
    );
}

#[test]
fn threads_processes_and_systems_are_marked() {
    let current = Mark {
        current: true,
        event: true,
    };
    let event = Mark {
        current: false,
        event: true,
    };
    let thread = |mark, number, frozen, suspended, location| ThreadRow {
        mark,
        number: ThreadId(number),
        pid: OsPid(1244),
        tid: OsTid(1332 + number),
        name: format!("worker {number}"),
        frozen,
        suspended,
        location,
        details: None,
    };
    let detailed = ThreadRow {
        details: Some(ThreadDetails {
            start: Some(named(0x40_1000, "prog", "_start", 0)),
            state: 't',
            nice: -5,
            processor: 3,
        }),
        ..thread(Mark::default(), 13, false, 0, None)
    };
    let rows = vec![
        thread(current, 0, false, 0, None),
        thread(event, 1, true, 2, None),
        thread(Mark::default(), 12, false, 0, Some(named(0x40_1136, "prog", "main", 4))),
        detailed,
    ];
    check(
        Record::Threads(Threads { rows }),
        expect![[r#"
.  0  Id: 1244.1332 "worker 0" Unfrozen
#  1  Id: 1244.1333 Suspend: 2 "worker 1" Frozen
  12  Id: 1244.1344 "worker 12" Unfrozen prog!main+0x4
  13  Id: 1244.1345 "worker 13" Unfrozen
      Start: prog!_start (00000000`00401000)
      State: t  Nice: -5  Processor: 3
"#]],
    );
    let process = |mark, number, origin| ProcessRow {
        mark,
        number: ProcessId(number),
        pid: OsPid(1244 + number),
        origin,
        name: String::from("/usr/bin/prog"),
    };
    let rows = vec![
        process(event, 0, Origin::Attached),
        process(current, 1, Origin::Created),
    ];
    check(
        Record::Processes(Processes { rows }),
        expect![[r#"
#  0	id: 1244	attach	name: /usr/bin/prog
.  1	id: 1245	create	name: /usr/bin/prog
"#]],
    );
    let system = |mark, number, server: Option<&str>| SystemRow {
        mark,
        number: SystemId(number),
        kind: String::from("Live user mode"),
        server: server.map(str::to_owned),
    };
    let rows = vec![
        system(current, 0, None),
        system(Mark::default(), 1, Some("tcp:server=box17,port=5005")),
    ];
    check(
        Record::Systems(Systems { rows }),
        expect![[r#"
.  0 Live user mode: <Local>
   1 Live user mode: tcp:server=box17,port=5005
"#]],
    );
}

#[test]
fn servers_of_a_machine_are_listed_as_in_the_specification() {
    let server = |kind, transport: &str, uid| MachineServer {
        kind,
        transport: transport.into(),
        hidden: false,
        pid: OsPid(1),
        since: 0,
        uid,
        product: String::new(),
    };
    let rows = vec![
        server(ServerKind::DebuggingServer, "npipe:Pipe=MainPipe", None),
        server(ServerKind::ProcessServer, "npipe:Pipe=AnotherPipe", None),
        server(ServerKind::ProcessServer, "tcp:Port=53:60,Hidden,Password=*", None),
        server(ServerKind::KernelConnectionServer, "npipe:Pipe=KernelPipe", Some(1000)),
    ];
    let machine = String::from("BOX17");
    check(
        Record::MachineServers(MachineServers { machine, rows }),
        expect![[r#"
Servers on \\BOX17:
Debugger Server - npipe:Pipe=MainPipe
Remote Process Server - npipe:Pipe=AnotherPipe
Remote Process Server - tcp:Port=53:60,Hidden,Password=*
Remote Kernel Debugger Server - npipe:Pipe=KernelPipe (uid 1000)
"#]],
    );
    let machine = String::from("localhost");
    let rows = Vec::new();
    check(
        Record::MachineServers(MachineServers { machine, rows }),
        expect![[r#"
Servers on \\localhost:
No servers are running.
"#]],
    );
}

#[test]
fn breakpoints_are_listed_as_in_the_specification() {
    let row = BreakpointRow {
        enabled: true,
        address: Some(Address(0x40_1136)),
        remaining: 1,
        passes: 1,
        expression: String::from("prog!main+0x4"),
        ..BreakpointRow::default()
    };
    let rows = vec![
        row.clone(),
        BreakpointRow {
            id: 1,
            enabled: false,
            kind: BreakpointKind::Hardware { access: 'w', size: 4 },
            remaining: 0x10,
            passes: 0x20,
            thread: Some(ThreadId(2)),
            commands: String::from("k; g"),
            ..row.clone()
        },
        BreakpointRow {
            id: 12,
            address: None,
            expression: String::from("later!init"),
            one_shot: true,
            ..row.clone()
        },
        BreakpointRow {
            id: 13,
            trouble: Some(String::from("memory at 00000000`00401136 cannot be written")),
            ..row
        },
    ];
    check(
        Record::Breakpoints(Breakpoints { rows }),
        expect![[r#"
 0 e 00000000`00401136     0001 (0001)  0:*** prog!main+0x4
 1 d 00000000`00401136 w 4 0010 (0020)  0:002 prog!main+0x4 "k; g"
12 eu                      0001 (0001)  0:*** (later!init) /1
13 e 00000000`00401136     0001 (0001)  0:*** prog!main+0x4
    not planted: memory at 00000000`00401136 cannot be written
"#]],
    );
}

#[test]
fn process_lists_are_decimal() {
    let row = |pid, name: &str, tracer, command_line: &[&str]| RunningProcess {
        pid: OsPid(pid),
        name: name.to_owned(),
        user: 1000,
        threads: 3,
        tracer,
        command_line: command_line.iter().map(|argument| (*argument).to_owned()).collect(),
    };
    let rows = vec![
        row(1, "init", None, &["/sbin/init"]),
        row(12345678, "prog", Some(OsPid(99)), &["prog", "two words", "", "a\"b"]),
    ];
    check(
        Record::ProcessList(ProcessList {
            rows: rows.clone(),
            verbose: false,
        }),
        expect![[r#"
       1 init
12345678 prog
"#]],
    );
    check(
        Record::ProcessList(ProcessList { rows, verbose: true }),
        expect![[r#"
       1 init
         User: 1000  Threads: 3  Command Line: /sbin/init
12345678 prog
         User: 1000  Threads: 3  Debugger: 99  Command Line: prog "two words" "" "a\"b"
"#]],
    );
}

#[test]
fn help_is_a_table_or_one_command_in_full() {
    let row = |usage: &str, summary: &str| HelpRow {
        names: vec![String::from("q"), String::from("qq")],
        usage: usage.to_owned(),
        summary: summary.to_owned(),
        details: vec![String::from("Launched processes die, attached ones are detached.")],
    };
    let rows = vec![
        row("q", "Ends the session."),
        row(
            "bp[ID] [/1] [Address [Passes]] [\"Commands\"]",
            "Sets a breakpoint on an address.",
        ),
        row(
            "g",
            "Runs the target until something happens that it shall stop for, and then shows where it is.",
        ),
    ];
    check(
        Record::Help(Help {
            rows: rows[..1].to_vec(),
        }),
        expect![[r#"
q
    Ends the session.
    Also: qq
    Launched processes die, attached ones are detached.
"#]],
    );
    check(
        Record::Help(Help { rows }),
        expect![[r#"
q                            Ends the session.
bp[ID] [/1] [Address [Passes]] ["Commands"]
                             Sets a breakpoint on an address.
g                            Runs the target until something happens that it
                             shall stop for, and then shows where it is.
"#]],
    );
}

#[test]
fn machines_say_what_they_are() {
    let machine = MachineReport {
        name: String::from("box17"),
        system: OperatingSystem::Linux,
        release: String::from("6.1.0-18-amd64"),
        architecture: Architecture::Amd64,
        processors: 4,
        page_size: 4096,
        product: String::from("dbgsrv 0.1.0"),
        server: Some(String::from("tcp:server=box17,port=5005")),
    };
    check(
        Record::Machine(machine),
        expect![[r#"
Linux 6.1.0-18-amd64 MP (4 procs) x64
Machine Name: box17
Page Size: 4096
Served by: dbgsrv 0.1.0, tcp:server=box17,port=5005
"#]],
    );
}

#[test]
fn lines_are_lines() {
    check(
        Record::Lines(vec![String::from("one"), String::new(), String::from("two")]),
        expect![[r#"
one

two
"#]],
    );
}
