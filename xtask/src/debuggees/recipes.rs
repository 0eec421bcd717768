//! What is built from `debuggees/`, and how: plain tables.

/// What compiles a source.
pub(super) enum Tool {
    C,
    Cxx,
    Rust,
}

impl Tool {
    /// The flags that all sources of the language share.
    pub(super) fn flags(&self) -> &'static [&'static str] {
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
            Tool::Rust => &["--edition", "2024", "-O", "-g", "-C", "link-arg=-Wl,--build-id"],
        }
    }
}

/// One output of a compiler.
pub(super) struct Recipe {
    /// The output's name in the folder.
    pub(super) name: &'static str,
    /// The file in `debuggees/`.
    pub(super) source: &'static str,
    /// The compiler.
    pub(super) tool: Tool,
    /// Flags beyond those of the language; later ones win.
    pub(super) flags: &'static [&'static str],
}

const fn c(name: &'static str, source: &'static str, flags: &'static [&'static str]) -> Recipe {
    Recipe {
        name,
        source,
        tool: Tool::C,
        flags,
    }
}

/// Optimised, without frame pointers: only unwind tables tell who called.
const NO_FRAME_POINTER: &[&str] = &["-O2", "-fomit-frame-pointer", "-fno-optimize-sibling-calls"];

/// The slowest to compile come first, so that the workers end together.
pub(super) const RECIPES: &[Recipe] = &[
    Recipe {
        name: "walker",
        source: "walker.rs",
        tool: Tool::Rust,
        flags: &[],
    },
    Recipe {
        name: "shapes",
        source: "shapes.cpp",
        tool: Tool::Cxx,
        flags: &[],
    },
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
