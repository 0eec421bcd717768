//! The forms of debug information that take more than one command to make: a plain table. Read [`VARIANTS`] first.

/// One output that is made by a few commands in the folder of the outputs.
pub(super) struct Variant {
    /// The output's name in the folder.
    pub(super) name: &'static str,
    /// Programs that not every machine has; where one is missing, the output is left out.
    pub(super) needs: &'static [&'static str],
    /// Other outputs that it is made from.
    pub(super) from: &'static [&'static str],
    /// Sources that it is made from.
    pub(super) sources: &'static [&'static str],
    /// The commands, in order. A word `{out}` is the output under its name of the moment; `{sources}` is `debuggees/`.
    pub(super) steps: &'static [&'static str],
}

const UNITS: &[&str] = &["units.c", "units_more.c"];

pub(super) const VARIANTS: &[Variant] = &[
    Variant {
        name: "units-zstd",
        needs: &[],
        from: &["units"],
        sources: &[],
        steps: &["objcopy --compress-debug-sections=zstd units {out}"],
    },
    // What a linker has not seen: its debug information is full of relocations.
    Variant {
        name: "units.o",
        needs: &[],
        from: &[],
        sources: UNITS,
        steps: &["gcc -std=gnu17 -g -O0 -pthread -c {sources}/units.c -o {out}"],
    },
    // Beside it stand units-split-1.dwo and units-split-2.dwo.
    Variant {
        name: "units-split",
        needs: &[],
        from: &[],
        sources: UNITS,
        steps: &[
            "gcc -std=gnu17 -g -O0 -pthread -gsplit-dwarf -c {sources}/units.c -o units-split-1.o",
            "gcc -std=gnu17 -g -O0 -pthread -gsplit-dwarf -c {sources}/units_more.c -o units-split-2.o",
            "gcc -pthread -Wl,--build-id units-split-1.o units-split-2.o -o {out}",
            "rm units-split-1.o units-split-2.o",
        ],
    },
    // The package alone; binutils makes those of DWARF 4.
    Variant {
        name: "units-packed-dwarf4",
        needs: &["dwp"],
        from: &[],
        sources: UNITS,
        steps: &[
            "gcc -std=gnu17 -g -gdwarf-4 -O0 -pthread -gsplit-dwarf -c {sources}/units.c -o units-packed-4-1.o",
            "gcc -std=gnu17 -g -gdwarf-4 -O0 -pthread -gsplit-dwarf -c {sources}/units_more.c -o units-packed-4-2.o",
            "gcc -pthread -Wl,--build-id units-packed-4-1.o units-packed-4-2.o -o {out}",
            "dwp -e {out} -o units-packed-dwarf4.dwp",
            "rm units-packed-4-1.o units-packed-4-2.o units-packed-4-1.dwo units-packed-4-2.dwo",
        ],
    },
    Variant {
        name: "units-packed",
        needs: &["llvm-dwp"],
        from: &[],
        sources: UNITS,
        steps: &[
            "gcc -std=gnu17 -g -gdwarf-5 -O0 -pthread -gsplit-dwarf -c {sources}/units.c -o units-packed-5-1.o",
            "gcc -std=gnu17 -g -gdwarf-5 -O0 -pthread -gsplit-dwarf -c {sources}/units_more.c -o units-packed-5-2.o",
            "gcc -pthread -Wl,--build-id units-packed-5-1.o units-packed-5-2.o -o {out}",
            "llvm-dwp -e {out} -o units-packed.dwp",
            "rm units-packed-5-1.o units-packed-5-2.o units-packed-5-1.dwo units-packed-5-2.dwo",
        ],
    },
    // Beside it stand units-dwz_o2, and units-shared.dwz with what both have in common.
    Variant {
        name: "units-dwz",
        needs: &["dwz"],
        from: &["units", "units_o2"],
        sources: &[],
        steps: &[
            "cp units {out}",
            "cp units_o2 units-dwz_o2.fresh",
            "dwz -r -m units-shared.dwz {out} units-dwz_o2.fresh",
            "mv units-dwz_o2.fresh units-dwz_o2",
        ],
    },
    // Only names of functions are left, in a packed image of their own.
    Variant {
        name: "units-minidebug",
        needs: &["xz"],
        from: &["units"],
        sources: &[],
        steps: &[
            "objcopy --only-keep-debug units units-minidebug.full",
            "objcopy -S -R .comment -K main -K carry -K weigh -K stop_here units-minidebug.full units-minidebug.names",
            "xz -f units-minidebug.names",
            "objcopy -S --add-section .gnu_debugdata=units-minidebug.names.xz units {out}",
            "rm units-minidebug.full units-minidebug.names.xz",
        ],
    },
];
