//! Differences in which farsight is right, each with what proves it. Read [`ACCEPTED`] first.

use super::walks::{By, Difference, Kind};

/// A place that only one of both came to, by what is given of it; an empty text stands for any.
pub(super) struct Accepted {
    /// The beginning of the program's name.
    pub(super) program: &'static str,
    /// By which steps, where that matters.
    pub(super) kind: Option<Kind>,
    pub(super) by: By,
    pub(super) function: &'static str,
    /// `FILE:LINE`.
    pub(super) line: &'static str,
    /// The row of `.debug_line`, or the entry of `.debug_info`, that proves it.
    pub(super) proof: &'static str,
}

impl Accepted {
    pub(super) fn covers(&self, program: &str, difference: &Difference) -> bool {
        let is = |wanted: &str, found: &str| wanted.is_empty() || wanted == found;
        program.starts_with(self.program)
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
        function: "outer_helper",
        line: "cvalues.c:340",
        proof: ".debug_line: `cvalues.c 340 0x152d`: the row begins no statement",
    },
    Accepted {
        program: "cvalues_o2",
        kind: Some(Kind::Into),
        by: By::Gdb,
        function: "from_header",
        line: "cvalues.h:13",
        proof: ".debug_line: `cvalues.h 13 0x1d86`: the row begins no statement",
    },
    Accepted {
        program: "cxxvalues_o2",
        kind: Some(Kind::Into),
        by: By::Gdb,
        function: "_Deque_iterator",
        line: "stl_deque.h:169",
        proof: ".debug_line: `stl_deque.h 169 0x5298`: the row begins no statement",
    },
    Accepted {
        program: "cxxvalues_o2",
        kind: Some(Kind::Into),
        by: By::Gdb,
        function: "deallocate",
        line: "new_allocator.h:158",
        proof: ".debug_line: `new_allocator.h 158 0x5b54`: the row begins no statement",
    },
    Accepted {
        program: "cxxvalues_o2",
        kind: Some(Kind::Into),
        by: By::Gdb,
        function: "operator_call",
        line: "cxxvalues.cpp:218",
        proof: ".debug_line: `cxxvalues.cpp 218 0x3d27`: the row begins no statement",
    },
    Accepted {
        program: "cxxvalues_o2",
        kind: Some(Kind::Into),
        by: By::Gdb,
        function: "operator_call",
        line: "cxxvalues.cpp:221",
        proof: ".debug_line: `cxxvalues.cpp 221 0x3d34` and `0x3d46`: the rows begin no statement",
    },
    Accepted {
        program: "cxxvalues_o2",
        kind: Some(Kind::Into),
        by: By::Gdb,
        function: "size",
        line: "stl_vector.h:988",
        proof: ".debug_line: `stl_vector.h 988 0x52d6` and `0x52e5`: the rows begin no statement",
    },
    Accepted {
        program: "cxxvalues_o2",
        kind: Some(Kind::Into),
        by: By::Gdb,
        function: "~basic_string",
        line: "basic_string.h:795",
        proof: ".debug_line: `basic_string.h 795 0x4434`: the row begins no statement",
    },
    // Of several rows at one address gdb takes one for each level of inlined code; the thread was at that address before.
    Accepted {
        program: "cxxvalues_o2",
        kind: Some(Kind::Into),
        by: By::Gdb,
        function: "~basic_string",
        line: "basic_string.h:794",
        proof: ".debug_line: `basic_string.h 794 0x4452 view 4` and `795 0x4452 view 5`: no code is in line 794",
    },
    // gdb ends at the first instruction of an optimised function, farsight at the first statement behind its own line.
    Accepted {
        program: "cxxvalues_o2",
        kind: Some(Kind::Into),
        by: By::Gdb,
        function: "total",
        line: "cxxvalues.cpp:143",
        proof: ".debug_line: `cxxvalues.cpp 146 0x389e`: the first statement behind `143 0x3890`, the line of the function",
    },
    Accepted {
        program: "cxxvalues_o2",
        kind: Some(Kind::Into),
        by: By::Gdb,
        function: "_M_manager",
        line: "std_function.h:267",
        proof: ".debug_line: `std_function.h 180 0x2d59`: the first statement behind `267 0x2d50`, the line of the function",
    },
    Accepted {
        program: "cxxvalues_o2",
        kind: Some(Kind::Into),
        by: By::Gdb,
        function: "~_Deque_base",
        line: "stl_deque.h:617",
        proof: ".debug_line: `stl_deque.h 699 0x5b3d`: the first statement behind `617 0x5b20`, the line of the function",
    },
    // gdb skips it as a prologue, which this function has not.
    Accepted {
        program: "rustvalues_o2",
        kind: Some(Kind::Into),
        by: By::Farsight,
        function: "black_box",
        line: "hint.rs:491",
        proof: ".debug_line: `hint.rs 491 0x1baa0`: a statement of inlined code is the first of `stop_here`",
    },
    // gdb goes past the caller when an invocation of the same function returns to the same line.
    Accepted {
        program: "cvalues_o2",
        kind: None,
        by: By::Farsight,
        function: "sum_of_list",
        line: "cvalues.c:271",
        proof: ".debug_line: `cvalues.c 271 0x19d5`: a statement begins where the call returns to",
    },
    Accepted {
        program: "cvalues_o2",
        kind: None,
        by: By::Farsight,
        function: "walk",
        line: "cvalues.c:302",
        proof: ".debug_line: `cvalues.c 302 0x1a2f`: a statement begins behind the call",
    },
    // The rounds of an unrolled loop: `p` has not left its line, as between them there is inlined code only.
    Accepted {
        program: "cxxvalues_o2",
        kind: Some(Kind::Over),
        by: By::Gdb,
        function: "of_lambdas",
        line: "cxxvalues.cpp:218",
        proof: ".debug_line: `cxxvalues.cpp 218 0x3d30 view 1`, between rows of inlined code: the line of the lambda, not of the function",
    },
    Accepted {
        program: "rustvalues_o2",
        kind: Some(Kind::Over),
        by: By::Gdb,
        function: "of_enums",
        line: "rustvalues.rs:170",
        proof: ".debug_line: `rustvalues.rs 170 0x1ad36, 0x1ad44, 0x1ad50, 0x1ad5e`: between them are only rows of `non_null.rs 1720`",
    },
    // Of one line in two instances of inlined code gdb makes two.
    Accepted {
        program: "rustvalues_o2",
        kind: Some(Kind::Into),
        by: By::Gdb,
        function: "drop_in_place",
        line: "mod.rs:805",
        proof: ".debug_line: `ptr/mod.rs 805 0x1ae3e`: the line that the step began in",
    },
    // gdb goes on inside of inlined code that it has shown the call of.
    Accepted {
        program: "rustvalues_o2",
        kind: Some(Kind::Over),
        by: By::Gdb,
        function: "try_allocate_in",
        line: "mod.rs:468",
        proof: ".debug_line: `raw_vec/mod.rs 468 0x18973`: code that is inlined into `of_closures`",
    },
];
