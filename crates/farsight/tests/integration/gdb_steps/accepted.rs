//! Differences in which farsight is right, each with what proves it. Read [`ACCEPTED`] first.

use super::proof::Proof;
use super::walks::{By, Difference, Kind};

/// A place that only one of both came to, by what is given of it; an empty text stands for any.
pub(super) struct Accepted {
    /// The program that has it; there is one at least, where compilers and gdb are known.
    pub(super) program: &'static str,
    /// By which steps, where that matters.
    pub(super) kind: Option<Kind>,
    pub(super) by: By,
    pub(super) function: &'static str,
    /// `FILE:LINE`.
    pub(super) line: &'static str,
    /// What is held against the line table each time, whose row is then named.
    pub(super) proof: Proof,
}

impl Accepted {
    pub(super) fn covers(&self, program: &str, difference: &Difference) -> bool {
        let is = |wanted: &str, found: &str| wanted.is_empty() || wanted == found;
        program == self.program
            && self.kind.is_none_or(|kind| kind == difference.kind)
            && self.by == difference.by
            && is(self.function, &difference.function)
            && is(self.line, &difference.line)
    }
}

pub(super) const ACCEPTED: &[Accepted] = &[
    // gdb ends a step at the first instruction of inlined code even where no statement begins.
    Accepted {
        program: "cvalues_o2",
        kind: Some(Kind::Into),
        by: By::Gdb,
        function: "from_header",
        line: "cvalues.h:13",
        proof: Proof::NoStatement,
    },
    Accepted {
        program: "cxxvalues_o2",
        kind: Some(Kind::Into),
        by: By::Gdb,
        function: "_Deque_iterator",
        line: "stl_deque.h:169",
        proof: Proof::NoStatement,
    },
    Accepted {
        program: "cxxvalues_o2",
        kind: Some(Kind::Into),
        by: By::Gdb,
        function: "deallocate",
        line: "new_allocator.h:158",
        proof: Proof::NoStatement,
    },
    Accepted {
        program: "cxxvalues_o2",
        kind: Some(Kind::Into),
        by: By::Gdb,
        function: "operator_call",
        line: "cxxvalues.cpp:218",
        proof: Proof::NoStatement,
    },
    Accepted {
        program: "cxxvalues_o2",
        kind: Some(Kind::Into),
        by: By::Gdb,
        function: "operator_call",
        line: "cxxvalues.cpp:221",
        proof: Proof::NoStatement,
    },
    Accepted {
        program: "cxxvalues_o2",
        kind: Some(Kind::Into),
        by: By::Gdb,
        function: "size",
        line: "stl_vector.h:988",
        proof: Proof::NoStatement,
    },
    Accepted {
        program: "cxxvalues_o2",
        kind: Some(Kind::Into),
        by: By::Gdb,
        function: "~basic_string",
        line: "basic_string.h:795",
        proof: Proof::NoStatement,
    },
    // Of several rows at one address gdb takes one for each level of inlined code; the thread was at that address before.
    Accepted {
        program: "cxxvalues_o2",
        kind: Some(Kind::Into),
        by: By::Gdb,
        function: "~basic_string",
        line: "basic_string.h:794",
        proof: Proof::NoCode,
    },
    // gdb ends at the first instruction of an optimised function, farsight at the first statement behind its own line.
    Accepted {
        program: "cxxvalues_o2",
        kind: Some(Kind::Into),
        by: By::Gdb,
        function: "total",
        line: "cxxvalues.cpp:143",
        proof: Proof::FirstOfFunction,
    },
    Accepted {
        program: "cxxvalues_o2",
        kind: Some(Kind::Into),
        by: By::Gdb,
        function: "_M_manager",
        line: "std_function.h:267",
        proof: Proof::FirstOfFunction,
    },
    Accepted {
        program: "cxxvalues_o2",
        kind: Some(Kind::Into),
        by: By::Gdb,
        function: "~_Deque_base",
        line: "stl_deque.h:617",
        proof: Proof::FirstOfFunction,
    },
    // gdb skips it as a prologue, which this function has not.
    Accepted {
        program: "rustvalues_o2",
        kind: Some(Kind::Into),
        by: By::Farsight,
        function: "black_box",
        line: "hint.rs:491",
        proof: Proof::Statement,
    },
    // gdb goes past the caller when an invocation of the same function returns to the same line.
    Accepted {
        program: "cvalues_o2",
        kind: None,
        by: By::Farsight,
        function: "sum_of_list",
        line: "cvalues.c:271",
        proof: Proof::Statement,
    },
    Accepted {
        program: "cvalues_o2",
        kind: None,
        by: By::Farsight,
        function: "walk",
        line: "cvalues.c:302",
        proof: Proof::Statement,
    },
    // gdb ends at the line of an inlined call where the caller's code begins.
    Accepted {
        program: "cxxvalues_o2",
        kind: Some(Kind::Over),
        by: By::Gdb,
        function: "of_lambdas",
        line: "cxxvalues.cpp:218",
        proof: Proof::NoCode,
    },
    // The rounds of an unrolled loop: `p` has not left its line, as between them there is inlined code only.
    Accepted {
        program: "rustvalues_o2",
        kind: Some(Kind::Over),
        by: By::Gdb,
        function: "of_enums",
        line: "rustvalues.rs:170",
        proof: Proof::SameLine,
    },
    // Of one line in two instances of inlined code gdb makes two.
    Accepted {
        program: "rustvalues_o2",
        kind: Some(Kind::Into),
        by: By::Gdb,
        function: "drop_in_place",
        line: "mod.rs:805",
        proof: Proof::TwoInstances,
    },
    // gdb goes on inside of inlined code that it has shown the call of.
    Accepted {
        program: "rustvalues_o2",
        kind: Some(Kind::Over),
        by: By::Gdb,
        function: "try_allocate_in",
        line: "mod.rs:468",
        proof: Proof::Inlined,
    },
];
