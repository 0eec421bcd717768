//! `?`, `r`, `u`, `k`, stops.

use super::*;

#[test]
fn evaluation_is_signed_decimal_and_hexadecimal() {
    let record = |value, symbol| Record::Evaluation(Evaluation { value, symbol });
    check(
        record(1033, None),
        expect![[r#"
Evaluate expression: 1033 = 00000000`00000409
"#]],
    );
    check(
        record(u64::MAX, None),
        expect![[r#"
Evaluate expression: -1 = ffffffff`ffffffff
"#]],
    );
    check(
        record(0x40_1000, Some(SymbolName::new("prog", "main", 0))),
        expect![[r#"
Evaluate expression: 4198400 = 00000000`00401000 prog!main
"#]],
    );
}

fn block() -> RegisterDump {
    let names = farsight_types::registers::general_table(Architecture::Amd64);
    let values = names.iter().enumerate().map(|(index, name)| {
        let value = match *name {
            "efl" => 0x246,
            "cs" => 0x33,
            "ss" => 0x2b,
            _ => 0x1111_1111 * index as u64,
        };
        RegisterValue::word(*name, value)
    });
    RegisterDump {
        architecture: Architecture::Amd64,
        layout: RegisterLayout::Block,
        values: values.collect(),
        location: Some(Location {
            place: named(0x7fff_1234_5670, "libc_so_6", "puts", 0x12),
            instruction: Some(instruction(
                named(0x7fff_1234_5670, "libc_so_6", "puts", 0x12),
                &[0xcc],
                "int     3",
            )),
            source: None,
            inlined_in: None,
        }),
    }
}

#[test]
fn registers_are_a_block_or_the_named_ones() {
    check(
        Record::Registers(block()),
        expect![[r#"
rax=0000000000000000 rbx=0000000011111111 rcx=0000000022222222
rdx=0000000033333333 rsi=0000000044444444 rdi=0000000055555555
rip=0000000111111110 rsp=0000000077777777 rbp=0000000066666666
 r8=0000000088888888  r9=0000000099999999 r10=00000000aaaaaaaa
r11=00000000bbbbbbbb r12=00000000cccccccc r13=00000000dddddddd
r14=00000000eeeeeeee r15=00000000ffffffff
iopl=0         nv up ei pl zr na pe nc
cs=0033  ss=002b  ds=5554  es=6665  fs=7776  gs=8887             efl=00000246
libc_so_6!puts+0x12:
00007fff`12345670 cc              int     3
"#]],
    );
    let word = |name: &str, value, bits| RegisterValue {
        name: name.to_owned(),
        bits: RegisterBits::Word { value, bits },
    };
    let dump = RegisterDump {
        architecture: Architecture::Amd64,
        layout: RegisterLayout::Named,
        values: vec![
            word("rax", 5, 64),
            word("eax", 5, 32),
            word("al", 5, 8),
            word("zf", 1, 1),
            word("$t0", 0x1f, 64),
            RegisterValue {
                name: String::from("xmm0"),
                bits: RegisterBits::Vector {
                    bytes: (0..16).collect(),
                },
            },
        ],
        location: None,
    };
    check(
        Record::Registers(dump),
        expect![[r#"
rax=0000000000000005 eax=00000005 al=05 zf=1 $t0=000000000000001f
xmm0=0f0e0d0c0b0a0908 0706050403020100
"#]],
    );
}

#[test]
fn listings_name_each_symbol_once() {
    let lines = vec![
        instruction(
            named(0x40_1136, "prog", "main", 4),
            &[0xbf, 0, 0x20, 0x40, 0],
            "mov     edi,402000h",
        ),
        instruction(
            named(0x40_113b, "prog", "main", 9),
            &[0xe8, 0xf0, 0xfe, 0xff, 0xff],
            "call    prog!puts@plt (00000000`00401030)",
        ),
        instruction(named(0x40_1140, "prog", "main", 0xe), &[0xc3], "ret"),
        instruction(
            named(0x40_1141, "prog", "main", 0xf),
            &[0x66, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0],
            "nop",
        ),
        instruction(named(0x40_114b, "prog", "helper", 0), &[0x06], "???"),
        instruction(named(0x40_114c, "prog", "helper", 1), &[0xcc], "int     3"),
        instruction(Place::bare(Address(0x40_114d)), &[0xcc], "int     3"),
    ];
    let listing = Listing {
        lines,
        unreadable_at: Some(Address(0x40_114e)),
    };
    check(
        Record::Listing(listing),
        expect![[r#"
prog!main+0x4:
00000000`00401136 bf00204000      mov     edi,402000h
00000000`0040113b e8f0feffff      call    prog!puts@plt (00000000`00401030)
00000000`00401140 c3              ret
00000000`00401141 66662e0f1f8400000000 nop
prog!helper:
00000000`0040114b 06              ???
00000000`0040114c cc              int     3
00000000`0040114d cc              int     3
00000000`0040114e ??              ???
Memory access error at 00000000`0040114e
"#]],
    );
}

#[test]
fn frames_without_a_part_of_the_stack_say_so() {
    let source = |path: &str, line| {
        Some(SourcePosition {
            path: path.into(),
            line,
            column: None,
        })
    };
    let parameter = |name: &str, type_name: &str, content| ValueNode {
        name: name.into(),
        type_name: type_name.into(),
        content,
        ..ValueNode::default()
    };
    let frames = vec![
        StackFrame {
            site: named(0x40_1180, "prog", "ns::square", 4),
            kind: FrameKind::Inlined,
            source: source("/src/a\x1b.cc", 7),
            parameters: Some(vec![
                parameter("side", "int", Content::Signed(-3)),
                parameter("box", "Box", Content::Composite),
                parameter("gone", "long", Content::Missing("optimized out".into())),
            ]),
            ..StackFrame::default()
        },
        StackFrame {
            number: 1,
            child_sp: Some(Address(0x7ffc_0000_1000)),
            return_address: Some(Address(0x40_1190)),
            site: named(0x40_1180, "prog", "middle", 0x20),
            parameters: Some(Vec::new()),
            source: source("/src/a.cc", 12),
            ..StackFrame::default()
        },
        StackFrame {
            number: 2,
            site: named(0x40_1190, "prog", "jumps", 9),
            kind: FrameKind::TailCall,
            ..StackFrame::default()
        },
    ];
    let record = |columns| {
        Record::Stack(Stack {
            columns,
            frames: frames.clone(),
            cut_short: None,
        })
    };
    check(
        record(StackColumns {
            numbers: true,
            parameter_lines: true,
            ..StackColumns::default()
        }),
        expect![[r#"
 # Child-SP          RetAddr               Call Site
00 (Inline Function) --------`--------     prog!ns::square(
			int side = 0n-3, 
			Box box, 
			long gone = <optimized out>)+0x4 [/src/a\e.cc @ 7]
01 00007ffc`00001000 00000000`00401190     prog!middle(void)+0x20 [/src/a.cc @ 12]
02 (Tail Call)       --------`--------     prog!jumps+0x9
"#]],
    );
    check(
        record(StackColumns {
            arguments: true,
            ..StackColumns::default()
        }),
        expect![[r#"
Child-SP          RetAddr               : Args to Child                                                           : Call Site
(Inline Function) --------`--------     : (Inline Function) (Inline Function) (Inline Function) (Inline Function) : prog!ns::square(int side = 0n-3, Box box, long gone = <optimized out>)+0x4 [/src/a\e.cc @ 7]
00007ffc`00001000 00000000`00401190     :                                                                         : prog!middle(void)+0x20 [/src/a.cc @ 12]
(Tail Call)       --------`--------     : (Tail Call)       (Tail Call)       (Tail Call)       (Tail Call)       : prog!jumps+0x9
"#]],
    );
    check(
        record(StackColumns {
            clean: true,
            ..StackColumns::default()
        }),
        expect![[r#"
Call Site
prog!ns::square(int side = 0n-3, Box box, long gone = <optimized out>)+0x4 [/src/a\e.cc @ 7] (Inline Function)
prog!middle(void)+0x20 [/src/a.cc @ 12]
prog!jumps+0x9 (Tail Call)
"#]],
    );
}

#[test]
fn an_inlined_place_says_what_it_was_inlined_into() {
    let place = named(0x40_1180, "prog", "square", 4);
    let mut at = stop(EventKind::BreakIn);
    at.location = Some(Location {
        instruction: Some(instruction(place.clone(), &[0xc3], "ret")),
        source: None,
        inlined_in: Some(SymbolName::new("prog", "middle", 0x20)),
        place,
    });
    check(
        Record::Stop(at),
        expect![[r#"
(1244.1332): Break-in
prog!square+0x4 [inlined in prog!middle+0x20]:
00000000`00401180 c3              ret
"#]],
    );
}

#[test]
fn stacks_mark_what_was_guessed() {
    let frames = vec![
        StackFrame {
            number: 0,
            child_sp: Some(Address(0x7ffc_0000_1000)),
            return_address: Some(Address(0x40_1180)),
            site: named(0x7fff_f7e5_0000, "libc_so_6", "puts", 0),
            arguments: vec![Some(1), None, Some(0x7ffc_0000_1234), Some(0)],
            ..StackFrame::default()
        },
        StackFrame {
            number: 1,
            child_sp: Some(Address(0x7ffc_0000_1008)),
            return_address: Some(Address(0x40_1200)),
            site: named(0x40_1180, "prog", "main", 0x14),
            signal: true,
            ..StackFrame::default()
        },
        StackFrame {
            number: 2,
            child_sp: Some(Address(0x7ffc_0000_1100)),
            return_address: Some(Address(0x40_1300)),
            site: Place::named(Address(0x40_1200), SymbolName::in_module("prog", 0x1200)),
            trust: FrameTrust::FramePointer,
            ..StackFrame::default()
        },
        StackFrame {
            number: 10,
            site: Place::bare(Address(0x40_1300)),
            trust: FrameTrust::Scanned,
            ..StackFrame::default()
        },
    ];
    let record = |columns, cut_short| {
        Record::Stack(Stack {
            columns,
            frames: frames.clone(),
            cut_short,
        })
    };
    let numbers = StackColumns {
        numbers: true,
        ..StackColumns::default()
    };
    check(
        record(StackColumns::default(), None),
        expect![[r#"
Child-SP          RetAddr               Call Site
00007ffc`00001000 00000000`00401180     libc_so_6!puts
00007ffc`00001008 00000000`00401200     prog!main+0x14 <signal handler called>
WARNING: Stack unwind information not available. Following frames may be wrong.
00007ffc`00001100 00000000`00401300     prog+0x1200 [guessed by frame pointer]
????????`???????? 00000000`00000000     00000000`00401300 [guessed by stack scan]
"#]],
    );
    check(
        record(
            numbers,
            Some(String::from("memory at 00000000`00000000 cannot be read")),
        ),
        expect![[r#"
 # Child-SP          RetAddr               Call Site
00 00007ffc`00001000 00000000`00401180     libc_so_6!puts
01 00007ffc`00001008 00000000`00401200     prog!main+0x14 <signal handler called>
WARNING: Stack unwind information not available. Following frames may be wrong.
02 00007ffc`00001100 00000000`00401300     prog+0x1200 [guessed by frame pointer]
0a ????????`???????? 00000000`00000000     00000000`00401300 [guessed by stack scan]
WARNING: The stack ends here because memory at 00000000`00000000 cannot be read
"#]],
    );
    check(
        record(
            StackColumns {
                arguments: true,
                ..numbers
            },
            None,
        ),
        expect![[r#"
 # Child-SP          RetAddr               : Args to Child                                                           : Call Site
00 00007ffc`00001000 00000000`00401180     : 00000000`00000001 ????????`???????? 00007ffc`00001234 00000000`00000000 : libc_so_6!puts
01 00007ffc`00001008 00000000`00401200     :                                                                         : prog!main+0x14 <signal handler called>
WARNING: Stack unwind information not available. Following frames may be wrong.
02 00007ffc`00001100 00000000`00401300     :                                                                         : prog+0x1200 [guessed by frame pointer]
0a ????????`???????? 00000000`00000000     :                                                                         : 00000000`00401300 [guessed by stack scan]
"#]],
    );
    check(
        record(StackColumns { sizes: true, ..numbers }, None),
        expect![[r#"
 #   Memory  Child-SP          RetAddr               Call Site
00           00007ffc`00001000 00000000`00401180     libc_so_6!puts
01        8  00007ffc`00001008 00000000`00401200     prog!main+0x14 <signal handler called>
WARNING: Stack unwind information not available. Following frames may be wrong.
02       f8  00007ffc`00001100 00000000`00401300     prog+0x1200 [guessed by frame pointer]
0a           ????????`???????? 00000000`00000000     00000000`00401300 [guessed by stack scan]
"#]],
    );
    check(
        record(StackColumns { clean: true, ..numbers }, None),
        expect![[r#"
 # Call Site
00 libc_so_6!puts
01 prog!main+0x14 <signal handler called>
WARNING: Stack unwind information not available. Following frames may be wrong.
02 prog+0x1200 [guessed by frame pointer]
0a 00000000`00401300 [guessed by stack scan]
"#]],
    );
}

fn stop(kind: EventKind) -> StopReport {
    let place = named(0x40_1136, "prog", "main", 4);
    StopReport {
        event: EventReport {
            pid: OsPid(1244),
            tid: OsTid(1332),
            kind,
        },
        registers: None,
        location: Some(Location {
            instruction: Some(instruction(place.clone(), &[0xc3], "ret")),
            inlined_in: None,
            place,
            source: None,
        }),
    }
}

fn signal(chance: SignalChance) -> EventKind {
    EventKind::Signal {
        number: 11,
        name: String::from("SIGSEGV"),
        meaning: String::from("Segmentation fault"),
        address: Some(Address(0x10)),
        sender: None,
        chance,
    }
}

#[test]
fn stops_say_what_happened_and_where() {
    check(
        Record::Stop(stop(EventKind::Breakpoints { ids: vec![0, 3] })),
        expect![[r#"
Breakpoint 0 hit
Breakpoint 3 hit
prog!main+0x4:
00000000`00401136 c3              ret
"#]],
    );
    check(
        Record::Stop(stop(EventKind::Step)),
        expect![[r#"
prog!main+0x4:
00000000`00401136 c3              ret
"#]],
    );
    check(
        Record::Stop(stop(signal(SignalChance::First))),
        expect![[r#"
(1244.1332): Segmentation fault - SIGSEGV (11) at 00000000`00000010 (first chance)
First chance exceptions are reported before any exception handling.
This exception may be expected and handled.
prog!main+0x4:
00000000`00401136 c3              ret
"#]],
    );
    let mut second = stop(signal(SignalChance::Second));
    second.registers = Some(block());
    check(
        Record::Stop(second),
        expect![[r#"
(1244.1332): Segmentation fault - SIGSEGV (11) at 00000000`00000010 (!!! second chance !!!)
rax=0000000000000000 rbx=0000000011111111 rcx=0000000022222222
rdx=0000000033333333 rsi=0000000044444444 rdi=0000000055555555
rip=0000000111111110 rsp=0000000077777777 rbp=0000000066666666
 r8=0000000088888888  r9=0000000099999999 r10=00000000aaaaaaaa
r11=00000000bbbbbbbb r12=00000000cccccccc r13=00000000dddddddd
r14=00000000eeeeeeee r15=00000000ffffffff
iopl=0         nv up ei pl zr na pe nc
cs=0033  ss=002b  ds=5554  es=6665  fs=7776  gs=8887             efl=00000246
libc_so_6!puts+0x12:
00007fff`12345670 cc              int     3
"#]],
    );
    let mut gone = stop(EventKind::Exited {
        ending: Ending::Code { code: 3 },
    });
    gone.location = None;
    check(
        Record::Stop(gone),
        expect![[r#"
(1244.1332): The process is gone, code 3
"#]],
    );
    let mut unreadable = stop(EventKind::BreakIn);
    unreadable.location = Some(Location {
        place: Place::bare(Address(0)),
        instruction: None,
        source: None,
        inlined_in: None,
    });
    check(
        Record::Stop(unreadable),
        expect![[r#"
(1244.1332): Break-in
00000000`00000000 ??              ???
"#]],
    );
}

#[test]
fn every_event_has_a_line() {
    let mut text = String::new();
    let file = || String::from("/usr/lib/libm.so.6");
    for kind in [
        EventKind::Attached {
            name: String::from("prog"),
        },
        EventKind::Created {
            name: String::from("prog"),
        },
        EventKind::Breakpoints { ids: vec![] },
        EventKind::Breakpoints { ids: vec![1] },
        EventKind::Step,
        EventKind::BreakIn,
        EventKind::BreakInstruction,
        signal(SignalChance::First),
        EventKind::Signal {
            number: 15,
            name: String::from("SIGTERM"),
            meaning: String::from("Terminated"),
            address: None,
            sender: Some(OsPid(99)),
            chance: SignalChance::Second,
        },
        EventKind::ModuleLoaded {
            start: Address(0x7fff_0000_0000),
            end: Address(0x7fff_0010_0000),
            path: file(),
        },
        EventKind::ModuleUnloaded {
            start: Address(0x7fff_0000_0000),
            path: file(),
        },
        EventKind::ThreadStarted,
        EventKind::ThreadEnded,
        EventKind::Exec {
            path: String::from("/bin/true"),
        },
        EventKind::Exiting {
            ending: Ending::Signal {
                number: 9,
                name: String::from("SIGKILL"),
            },
        },
        EventKind::Exited {
            ending: Ending::Code { code: 0 },
        },
        EventKind::Other {
            text: String::from("something else"),
        },
    ] {
        let report = EventReport {
            pid: OsPid(1244),
            tid: OsTid(1332),
            kind,
        };
        let record = Record::Event(report.clone());
        text += &render(&record, &View::default());
        text += &render(&Record::LastEvent(LastEvent { event: Some(report) }), &View::default());
    }
    expect![[r#"
        (1244.1332): Attached to prog
        Last event: 1244.1332: Attached to prog
        (1244.1332): Created process prog - nothing of its own has run yet
        Last event: 1244.1332: Created process prog - nothing of its own has run yet
        Last event: 1244.1332: Hit a temporary breakpoint
        Breakpoint 1 hit
        Last event: 1244.1332: Hit breakpoint 1
        Last event: 1244.1332: Step ended
        (1244.1332): Break-in
        Last event: 1244.1332: Break-in
        (1244.1332): Break instruction exception - SIGTRAP (5) (first chance)
        Last event: 1244.1332: Break instruction exception - SIGTRAP (5) (first chance)
        (1244.1332): Segmentation fault - SIGSEGV (11) at 00000000`00000010 (first chance)
        Last event: 1244.1332: Segmentation fault - SIGSEGV (11) at 00000000`00000010 (first chance)
        (1244.1332): Terminated - SIGTERM (15), sent by process 99 (!!! second chance !!!)
        Last event: 1244.1332: Terminated - SIGTERM (15), sent by process 99 (!!! second chance !!!)
        ModLoad: 00007fff`00000000 00007fff`00100000   /usr/lib/libm.so.6
        Last event: 1244.1332: ModLoad: 00007fff`00000000 00007fff`00100000   /usr/lib/libm.so.6
        Unload module /usr/lib/libm.so.6 at 00007fff`00000000
        Last event: 1244.1332: Unload module /usr/lib/libm.so.6 at 00007fff`00000000
        Create thread 1244.1332
        Last event: 1244.1332: Create thread
        Exit thread 1244.1332
        Last event: 1244.1332: Exit thread
        (1244.1332): The process runs /bin/true now
        Last event: 1244.1332: The process runs /bin/true now
        (1244.1332): Exit process, by signal SIGKILL (9)
        Last event: 1244.1332: Exit process, by signal SIGKILL (9)
        (1244.1332): The process is gone, code 0
        Last event: 1244.1332: The process is gone, code 0
        (1244.1332): something else
        Last event: 1244.1332: something else
    "#]]
    .assert_eq(&text);
    check(
        Record::LastEvent(LastEvent { event: None }),
        expect![[r#"
Last event: none
"#]],
    );
}
