//! What is built from `debuggees/`, and how: plain tables.

use std::ffi::OsString;

/// What compiles a source.
#[derive(Clone, Copy)]
pub(super) enum Tool {
    C,
    Cxx,
    Rust,
    /// C by the other compiler, where there is one.
    Clang,
    /// C++ by the other compiler, where there is one.
    ClangCxx,
}

impl Tool {
    /// The compiler.
    pub(super) fn program(self) -> OsString {
        match self {
            Tool::C => "gcc".into(),
            Tool::Cxx => "g++".into(),
            Tool::Rust => std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()),
            Tool::Clang => "clang".into(),
            Tool::ClangCxx => "clang++".into(),
        }
    }

    /// Whether its outputs are left out where it is not installed.
    pub(super) fn is_optional(self) -> bool {
        matches!(self, Tool::Clang | Tool::ClangCxx)
    }

    /// The flags that all sources of the language share.
    pub(super) fn flags(self) -> &'static [&'static str] {
        match self {
            Tool::C => &[
                "-std=gnu17",
                "-g",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-pthread",
                "-Wl,--build-id",
            ],
            // The sources say `noclone` for GCC.
            Tool::Clang => &[
                "-std=gnu17",
                "-g",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-Wno-unknown-attributes",
                "-pthread",
                "-Wl,--build-id",
            ],
            Tool::Cxx => &[
                "-std=c++17",
                "-O2",
                "-g",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-pthread",
                "-Wl,--build-id",
            ],
            // Members that only a debugger looks at are no mistake.
            Tool::ClangCxx => &[
                "-std=c++17",
                "-g",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-Wno-unknown-attributes",
                "-Wno-unused-private-field",
                "-pthread",
                "-Wl,--build-id",
            ],
            Tool::Rust => &["--edition", "2024", "-g", "-C", "link-arg=-Wl,--build-id"],
        }
    }
}

/// One output of a compiler.
pub(super) struct Recipe {
    /// The output's name in the folder.
    pub(super) name: &'static str,
    /// The file in `debuggees/`.
    pub(super) source: &'static str,
    /// Further units of the same program.
    pub(super) more: &'static [&'static str],
    /// The compiler.
    pub(super) tool: Tool,
    /// Flags beyond those of the language; later ones win.
    pub(super) flags: &'static [&'static str],
}

const fn c(name: &'static str, source: &'static str, flags: &'static [&'static str]) -> Recipe {
    made(Tool::C, name, source, flags)
}

const fn made(tool: Tool, name: &'static str, source: &'static str, flags: &'static [&'static str]) -> Recipe {
    Recipe {
        name,
        source,
        more: &[],
        tool,
        flags,
    }
}

const fn of_units(mut recipe: Recipe, more: &'static [&'static str]) -> Recipe {
    recipe.more = more;
    recipe
}

const fn units(name: &'static str, flags: &'static [&'static str]) -> Recipe {
    of_units(c(name, "units.c", flags), &["units_more.c"])
}

const fn cvalues(tool: Tool, name: &'static str, flags: &'static [&'static str]) -> Recipe {
    of_units(made(tool, name, "cvalues.c", flags), &["cvalues_other.c"])
}

const fn naming(tool: Tool, name: &'static str, flags: &'static [&'static str]) -> Recipe {
    of_units(
        made(tool, name, "naming.cpp", flags),
        &["naming_one.cpp", "naming_two.cpp"],
    )
}

/// Optimised, without frame pointers: only unwind tables tell who called.
const NO_FRAME_POINTER: &[&str] = &["-O2", "-fomit-frame-pointer", "-fno-optimize-sibling-calls"];

/// More definitions of one type than anybody compares in full.
const SCOPED_UNITS: &[&str] = &{
    let mut units = ["scoped_many.c"; 20];
    units[0] = "scoped_one.c";
    units[19] = "scoped_two.c";
    units
};

/// The slowest to compile come first, so that the workers end together.
pub(super) const RECIPES: &[Recipe] = &[
    made(Tool::Rust, "rustvalues_o2", "rustvalues.rs", &["-C", "opt-level=2"]),
    made(Tool::Cxx, "cxxvalues_o2", "cxxvalues.cpp", &["-O2"]),
    made(Tool::ClangCxx, "cxxvalues-clang_o2", "cxxvalues.cpp", &["-O2"]),
    made(Tool::Rust, "rustvalues_o0", "rustvalues.rs", &["-C", "opt-level=0"]),
    made(Tool::Cxx, "cxxvalues_o0", "cxxvalues.cpp", &["-O0"]),
    made(Tool::ClangCxx, "cxxvalues-clang_o0", "cxxvalues.cpp", &["-O0"]),
    // Each type in a unit of its own.
    made(
        Tool::Cxx,
        "cxxvalues-types",
        "cxxvalues.cpp",
        &["-O0", "-fdebug-types-section"],
    ),
    made(
        Tool::Cxx,
        "cxxvalues-types-dwarf4",
        "cxxvalues.cpp",
        &["-O0", "-gdwarf-4", "-fdebug-types-section"],
    ),
    made(Tool::Rust, "walker", "walker.rs", &["-O"]),
    made(Tool::Cxx, "shapes", "shapes.cpp", &[]),
    made(Tool::Cxx, "tour-cpp", "tour.cpp", &["-O0"]),
    made(Tool::Cxx, "throws", "throws.cpp", &["-O0"]),
    made(Tool::Cxx, "laden", "laden.cpp", &["-O0"]),
    made(Tool::Rust, "panics", "panics.rs", &["-O"]),
    made(Tool::Cxx, "damaged-cpp", "damaged.cpp", &["-O0"]),
    made(Tool::Cxx, "evaluated", "evaluated.cpp", &["-O0"]),
    made(Tool::Rust, "damaged-rust", "damaged.rs", &["-C", "opt-level=0"]),
    made(Tool::Cxx, "edges", "edges.cpp", &["-O0"]),
    made(Tool::Rust, "edges-rust", "edges.rs", &["-C", "opt-level=0"]),
    c("edges-c", "edges.c", &["-O0"]),
    c("corners", "corners.c", &["-O1"]),
    made(Tool::Cxx, "alike", "alike.cpp", &["-O0"]),
    made(Tool::Rust, "alike-rust", "alike.rs", &["-C", "opt-level=0"]),
    of_units(made(Tool::Cxx, "scoped", "scoped.cpp", &["-O0"]), &["scoped_far.cpp"]),
    made(Tool::Rust, "scoped-rust", "scoped.rs", &["-C", "opt-level=0"]),
    of_units(c("scoped-c", "scoped.c", &["-O0", "-Wl,-rpath,$ORIGIN"]), SCOPED_UNITS),
    c("scoped_library.so", "scoped_library.c", &["-O0", "-shared", "-fPIC"]),
    made(Tool::Rust, "tour-rust", "tour.rs", &["-C", "opt-level=0"]),
    cvalues(Tool::C, "cvalues_o0", &["-O0"]),
    cvalues(Tool::C, "cvalues_o2", &["-O2"]),
    cvalues(Tool::Clang, "cvalues-clang_o0", &["-O0"]),
    cvalues(Tool::Clang, "cvalues-clang_o2", &["-O2"]),
    // Optimised over all units at once: functions are described apart from their code.
    cvalues(Tool::C, "cvalues-lto", &["-O2", "-flto"]),
    naming(Tool::Cxx, "naming", &["-O0"]),
    naming(Tool::Cxx, "naming_o2", &["-O2"]),
    // Nothing but a symbol table.
    naming(Tool::Cxx, "naming-symbols", &["-O0", "-g0"]),
    naming(Tool::ClangCxx, "naming-clang", &["-O0", "-gsimple-template-names"]),
    units("units", &["-O0"]),
    units("units_o2", &["-O2"]),
    units("units-dwarf4", &["-O0", "-gdwarf-4"]),
    units("units-zlib", &["-O0", "-gz=zlib"]),
    units("units-lto", &["-O1", "-flto"]),
    // Code and headers share pages.
    units("units-noseparate", &["-O0", "-Wl,-z,noseparate-code"]),
    units("units-no-build-id", &["-O0", "-Wl,--build-id=none"]),
    c("late", "late.c", &["-O0"]),
    c("late_library.so", "late_library.c", &["-O0", "-shared", "-fPIC"]),
    c("blocked", "blocked.c", &["-O0"]),
    c("calls", "calls.c", &["-O0"]),
    c("counter", "counter.c", &["-O0"]),
    c("deep", "deep.c", &["-O0"]),
    c("execer", "execer.c", &["-O0"]),
    c("family", "family.c", &["-O0"]),
    c("faults", "faults.c", &["-O0"]),
    c("forker", "forker.c", &["-O0"]),
    c("hello", "hello.c", &["-O0"]),
    c("many", "many.c", &["-O0"]),
    c("hostile", "hostile.c", &["-O0"]),
    c("loader", "loader.c", &["-O0"]),
    c("plugin.so", "plugin.c", &["-O0", "-shared", "-fPIC"]),
    c("passed", "passed.c", &["-O2"]),
    c("search", "search.c", &["-O2"]),
    c("selfcheck", "selfcheck.c", &["-O0"]),
    c("spin", "spin.c", &["-O0"]),
    c("threads", "threads.c", &["-O0"]),
    c("watched", "watched.c", &["-O0"]),
    c("counter-static-pie", "counter.c", &["-O0", "-static-pie", "-fPIE"]),
    c(
        "counter-static",
        "counter.c",
        &["-O0", "-static", "-no-pie", "-fno-pie"],
    ),
    c("counter-no-pie", "counter.c", &["-O0", "-no-pie", "-fno-pie"]),
    // Its data lies in the file's first page too, which is mapped twice.
    c("deep-one-page", "deep.c", &["-O1", "-Wl,-z,noseparate-code"]),
    c("counter-no-fp", "counter.c", NO_FRAME_POINTER),
    c("deep-no-fp", "deep.c", NO_FRAME_POINTER),
    c("threads-no-fp", "threads.c", NO_FRAME_POINTER),
    // The full program behind `counter-debuglink`; without a build-id nothing but the link can find its symbols.
    c("counter-no-build-id", "counter.c", &["-O0", "-Wl,--build-id=none"]),
];

/// How a stripped program says where its symbols are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SymbolsBy {
    /// `symbols/.build-id/xx/yyyy.debug`.
    BuildId,
    /// `symbols/NAME.debug`, named with its checksum in `.gnu_debuglink`.
    DebugLink,
}

/// A program without symbols, and where its symbols went.
pub(super) struct Stripped {
    /// The output's name in the folder.
    pub(super) name: &'static str,
    /// The output it is made from.
    pub(super) from: &'static str,
    /// Where its symbols are.
    pub(super) symbols: SymbolsBy,
}

pub(super) const STRIPPED: &[Stripped] = &[
    Stripped {
        name: "counter-stripped",
        from: "counter",
        symbols: SymbolsBy::BuildId,
    },
    Stripped {
        name: "counter-debuglink",
        from: "counter-no-build-id",
        symbols: SymbolsBy::DebugLink,
    },
    Stripped {
        name: "units-debuglink",
        from: "units-no-build-id",
        symbols: SymbolsBy::DebugLink,
    },
    Stripped {
        name: "shapes-stripped",
        from: "shapes",
        symbols: SymbolsBy::BuildId,
    },
    Stripped {
        name: "walker-stripped",
        from: "walker",
        symbols: SymbolsBy::BuildId,
    },
    Stripped {
        name: "deep-stripped",
        from: "deep-no-fp",
        symbols: SymbolsBy::BuildId,
    },
];
