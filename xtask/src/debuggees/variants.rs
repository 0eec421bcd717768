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
const CXXVALUES: &[&str] = &["cxxvalues.cpp"];

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
    // Types in units of their own, in a file of split units: gcc gives each a section.
    Variant {
        name: "cxxvalues-types-split",
        needs: &[],
        from: &[],
        sources: CXXVALUES,
        steps: &[
            "g++ -std=c++17 -g -O0 -pthread -gsplit-dwarf -fdebug-types-section -c {sources}/cxxvalues.cpp -o cxxvalues-types-split.o",
            "g++ -pthread -Wl,--build-id cxxvalues-types-split.o -o {out}",
            "rm cxxvalues-types-split.o",
        ],
    },
    // And in packages: one that binutils made, and one of clang and llvm.
    Variant {
        name: "cxxvalues-types-packed4",
        needs: &["dwp"],
        from: &[],
        sources: CXXVALUES,
        steps: &[
            "g++ -std=c++17 -g -gdwarf-4 -O0 -pthread -gsplit-dwarf -fdebug-types-section -c {sources}/cxxvalues.cpp -o cxxvalues-packed4.o",
            "g++ -pthread -Wl,--build-id cxxvalues-packed4.o -o {out}",
            "dwp -e {out} -o cxxvalues-types-packed4.dwp",
            "rm cxxvalues-packed4.o cxxvalues-packed4.dwo",
        ],
    },
    Variant {
        name: "cxxvalues-clang-types-packed",
        needs: &["clang++", "llvm-dwp"],
        from: &[],
        sources: CXXVALUES,
        steps: &[
            "clang++ -std=c++17 -g -gdwarf-5 -O0 -pthread -gsplit-dwarf -fdebug-types-section -c {sources}/cxxvalues.cpp -o cxxvalues-packed.o",
            "clang++ -pthread -Wl,--build-id cxxvalues-packed.o -o {out}",
            "llvm-dwp -e {out} -o cxxvalues-clang-types-packed.dwp",
            "rm cxxvalues-packed.o cxxvalues-packed.dwo",
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
    // The same as DWARF 5 has it.
    Variant {
        name: "units-dwz5",
        needs: &["dwz"],
        from: &["units", "units_o2"],
        sources: &[],
        steps: &[
            "cp units {out}",
            "cp units_o2 units-dwz5_o2.fresh",
            "dwz -5 -r -m units-shared5.dwz {out} units-dwz5_o2.fresh",
            "rm units-dwz5_o2.fresh",
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
