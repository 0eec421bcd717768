//! The commands that section 5 of the reference marks as essential (E) or expected (X), and why some are not here.

/// A section of the reference.
pub(crate) struct Section {
    pub(crate) number: &'static str,
    pub(crate) title: &'static str,
    /// Mark, and the names that bear it.
    pub(crate) rows: &'static [(char, &'static str)],
}

const fn section(number: &'static str, title: &'static str, rows: &'static [(char, &'static str)]) -> Section {
    Section { number, title, rows }
}

/// All of them. Where a family of names has one row in the reference, each name stands here.
pub(crate) const SECTIONS: &[Section] = &[
    section(
        "5.7",
        "execution",
        &[
            ('E', "g ga gh gha gn gna gN gNa gu p pr t tr"),
            (
                'X',
                "gc pa par ta tar pc pcr tc tcr pt ptr tt ttr pct pctr tct tctr ph phr th thr wt",
            ),
        ],
    ),
    section(
        "5.8",
        "breakpoints",
        &[('E', "bp bu ba bl bc bd be"), ('X', "bm br bs bsc .bpcmds")],
    ),
    section(
        "5.9",
        "threads, processes, systems",
        &[('E', "~ ~s | |s"), ('X', "~e ~f ~u ~n ~m || ||s")],
    ),
    section(
        "5.10",
        "events",
        &[
            ('E', "sx sxe sxd sxn sxi"),
            (
                'X',
                "sx- sxr .lastevent .eventlog .exr .ecxr .excr .cxr .exptr .event_code",
            ),
        ],
    ),
    section(
        "5.11",
        "memory",
        &[
            (
                'E',
                "d da db dc dd dD df dp dq du dw dW dyb dyd dds dps dqs e ea eb ed eD ef ep eq eu ew eza ezu s",
            ),
            (
                'X',
                "dda ddp ddu dpa dpp dpu dqa dqp dqu ds dS dl dlb f fp m c .writemem .readmem .dvalloc .dvfree",
            ),
        ],
    ),
    section(
        "5.12",
        "registers",
        &[
            ('E', "r rM rF rX rY rYI rZ rZI"),
            ('X', "rm .effmach rdmsr wrmsr ib iw id ob ow od"),
        ],
    ),
    section("5.13", "code", &[('E', "u ub uu uf"), ('X', "# a")]),
    section(
        "5.14",
        "stacks",
        &[
            ('E', "k .frame"),
            ('X', "kd .kframes .f !uniqstack !findstack !for_each_frame"),
        ],
    ),
    section(
        "5.15",
        "symbols and modules",
        &[
            ('E', "x ln lm .reload .sympath .symfix .exepath .srcpath .extpath"),
            ('X', "ld .symopt !sym ss .lines !lmi !dh !chkimg !dlls"),
        ],
    ),
    section("5.16", "source", &[('X', "l+t l-t l+l l+s l+o ls lsa lsc lsf lsp lse")]),
    section("5.17", "types and locals", &[('E', "dt dv ??"), ('X', "dx")]),
    section(
        "5.18",
        "scripts and aliases",
        &[
            (
                'E',
                ".if .elsif .else .for .while .do .break .continue .foreach .printf .echo $< $>< $$< $$>< $$>a<",
            ),
            ('X', ".block .catch .leave j z as aS ad al"),
        ],
    ),
    section(
        "5.19",
        "sessions, output",
        &[
            (
                'E',
                ".attach .create .createdir .childdbg .detach .abandon .kill .restart .tlist q qq qd",
            ),
            (
                'E',
                ".server .servers .clients .endsrv .endpsrv .remote .remote_exit .send_file .quit_lock .noshell .secure",
            ),
            ('E', ".logopen .logappend .logclose .logfile"),
            (
                'X',
                ".outmask .ofilter .prompt_allow .prefer_dml .echotimestamps .echocpunum .cls .wtitle .beep sq sqe sqd",
            ),
            (
                'E',
                "? .formats n .expr .echotime .time .ttime version vertarget vercommand .help",
            ),
            ('X', ".dump .opendump"),
        ],
    ),
    section(
        "5.20",
        "extensions",
        &[
            ('X', ".load .loadby .unload .unloadall .setdll .chain .extmatch"),
            (
                'X',
                "!address !analyze !bpid !cs !envvar !error !exchain !for_each_local !for_each_module !for_each_thread \
                 !gle !handle !heap !help !list !locks !peb !runaway !teb !token !vprot",
            ),
        ],
    ),
    section(
        "5.21",
        "kernels",
        &[
            ('E', ".process .thread .context .trap .tss"),
            (
                'X',
                ".cache .reboot .crash .bugcheck .kdfiles .pagein .kdtargetmac .exdicmd so",
            ),
        ],
    ),
    section(
        "5.22",
        "further meta-commands",
        &[('X', ".allow_exec_cmds .locale .lsrcpath .pcmd .push .pop .step_filter")],
    ),
];

/// Words that are no commands of their own, and what they are part of.
pub(crate) const PARTS: &[(&str, &str)] = &[(".elsif", ".if"), (".else", ".if")];

/// Why a command is not here. A test fails when one of them has become a row.
pub(crate) const MISSING: &[(&str, &str)] = &[
    ("a debugging client's console does it by itself", ".remote_exit"),
    (
        "comes with secure mode, which is of kernel sessions; roles of debugging servers do more",
        ".secure",
    ),
    (
        "an ordinary program of the system shares a terminal (tmux, screen)",
        ".remote",
    ),
    ("comes with source lines", "lse"),
    ("comes with types and values", "!list !for_each_local"),
    ("compares code with files, which comes with symbols whole", "!chkimg"),
    (
        "comes with the public API and extensions",
        ".extpath .load .loadby .unload .unloadall .setdll .chain .extmatch !help !analyze",
    ),
    (
        "comes with kernels, where there are physical memory, ports and processor contexts",
        "fp rdmsr wrmsr ib iw id ob ow od .process .thread .context .trap .tss .cache .reboot .crash .bugcheck .kdfiles \
         .pagein .kdtargetmac .exdicmd so sq sqe sqd .echocpunum",
    ),
    ("comes with core files", ".dump .opendump"),
    ("there is no assembler; `eb` writes code", "a"),
    (
        "Linux has no such record: where a signal's context lies is the frame that `k` unwinds through",
        ".cxr .exptr",
    ),
    (
        "Linux has no such block; `!gle` shows errno, `r fs_base` where a thread's own data are",
        "!teb",
    ),
    ("Linux has no such chain: unwind tables stand for it", "!exchain"),
    ("the loader's list is what `lm` shows", "!dlls"),
    (
        "knows the layout of a C library's own data, which comes with extensions",
        "!heap !locks !cs",
    ),
    (
        "asks the system for a process's descriptors and rights, which no target service carries yet",
        "!handle !token",
    ),
    (
        "breaks in to a process from a kernel's debugger, which comes with kernels",
        "!bpid",
    ),
    (
        "belongs to a console with a window; a terminal has its own",
        ".cls .wtitle .beep",
    ),
    (
        "filters what `OutputDebugString` sends; a Linux program has its terminal instead",
        ".ofilter",
    ),
    ("there is no markup in the output", ".prefer_dml"),
    ("a suffix for ANSI and wide functions, which only Windows has", "ss"),
    ("text is UTF-8 everywhere", ".locale"),
];
