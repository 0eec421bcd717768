//! Differences in which farsight is right, each with what proves it. Read [`ACCEPTED`] first.

use super::compare::Difference;
use super::proof::Proof;

/// A difference, by what is given of it; an empty text stands for any.
pub(super) struct Accepted {
    /// The programs that have it. In each there is one at least, where compilers and gdb are those of [`KNOWN`].
    pub(super) programs: &'static [&'static str],
    /// The function of the frame.
    pub(super) function: &'static str,
    /// `(frame)`, `(line)`, or the variable's name.
    pub(super) item: &'static str,
    /// A part of what gdb says.
    pub(super) gdb: &'static str,
    /// A part of what farsight says.
    pub(super) farsight: &'static str,
    /// What is held against the debug information each time, whose entry or row is then named.
    pub(super) proof: Proof,
}

impl Accepted {
    pub(super) fn covers(&self, program: &str, difference: &Difference) -> bool {
        let is = |wanted: &str, found: &str| wanted.is_empty() || wanted == found;
        self.programs.contains(&program)
            && is(self.function, &difference.function)
            && is(self.item, &difference.item)
            && difference.gdb.contains(self.gdb)
            && difference.farsight.contains(self.farsight)
    }
}

/// The beginnings of what compilers and gdb call themselves that have all of [`ACCEPTED`]. Others need not, but what they
/// have beyond it is a failure all the same.
pub(super) const KNOWN: &[&str] = &[
    "GNU C17 12.2.0",
    "GNU C++17 12.2.0",
    "Debian clang version 14.0.6",
    "clang LLVM (rustc version 1.95.0",
    "GNU gdb (Debian 13.1-3) 13.1",
];

pub(super) const ACCEPTED: &[Accepted] = &[
    // gdb reads a parameter's place on the stack before the function has put it there.
    Accepted {
        programs: &[
            "cvalues_o0",
            "cvalues-clang_o0",
            "cxxvalues_o0",
            "cxxvalues-clang_o0",
            "rustvalues_o0",
        ],
        function: "",
        item: "",
        gdb: "",
        farsight: "<gone>",
        proof: Proof::NotStored,
    },
    // gdb gives code without a line the line of the row before it.
    Accepted {
        programs: &[
            "rustvalues_o2",
            "cvalues-clang_o2",
            "cxxvalues-clang_o0",
            "cxxvalues-clang_o2",
        ],
        function: "",
        item: "(line)",
        gdb: ":",
        farsight: "-",
        proof: Proof::NoLine,
    },
    // gdb lists variables of a block that does not hold the place.
    Accepted {
        programs: &["cvalues_o2", "rustvalues_o2"],
        function: "",
        item: "",
        gdb: "<gone>",
        farsight: "(nothing)",
        proof: Proof::OtherBlock,
    },
    // The same of a variable without size.
    Accepted {
        programs: &["rustvalues_o2"],
        function: "borrow",
        item: "err",
        gdb: "{}",
        farsight: "(nothing)",
        proof: Proof::OtherBlock,
    },
    // gdb shows a variable without size even where nothing tells that it is there.
    Accepted {
        programs: &["rustvalues_o2"],
        function: "of_scalars",
        item: "unit",
        gdb: "{}",
        farsight: "<gone>",
        proof: Proof::NoLocation,
    },
    // gdb reads the register for what it was at the call: `sum & 7` is 6.
    Accepted {
        programs: &["cvalues_o2"],
        function: "from_header",
        item: "number",
        gdb: "i-",
        farsight: "i6",
        proof: Proof::Location("entry_value(reg4) stack_value"),
    },
    // gdb's number of an implicit pointer is 0.
    Accepted {
        programs: &["cxxvalues_o2"],
        function: "operator_call",
        item: "__closure",
        gdb: "p0",
        farsight: "p?",
        proof: Proof::Location("implicit_pointer+0"),
    },
    // gdb shows all variants of an enumeration that is in pieces: the discriminant is 1, `Some`.
    Accepted {
        programs: &["rustvalues_o2"],
        function: "of_enums",
        item: "maybe",
        gdb: "{None={},Some={0=i2}}",
        farsight: "{Some={0=i2}}",
        proof: Proof::Location("1 stack_value piece(4) 2 stack_value piece(4)"),
    },
    // gdb fills what no piece has with zeros: 8 bytes of 16 have none.
    Accepted {
        programs: &["rustvalues_o2"],
        function: "of_traits",
        item: "speaker",
        gdb: "vtable=p0",
        farsight: "vtable=<gone>",
        proof: Proof::Location("reg14 piece(8)"),
    },
    // The same.
    Accepted {
        programs: &["cxxvalues-clang_o2"],
        function: "of_strings",
        item: "view",
        gdb: "_M_str=p0",
        farsight: "_M_str=<gone>",
        proof: Proof::Location("breg7* piece(8)"),
    },
    // The same: 16 bytes of 32 have no piece.
    Accepted {
        programs: &["cxxvalues-clang_o2"],
        function: "of_lambdas",
        item: "erased",
        gdb: "_M_manager=p0},_M_invoker=p0",
        farsight: "_M_invoker=<gone>",
        proof: Proof::Location("piece(8) 5 stack_value piece(8)"),
    },
    // gdb takes a register that the called function may have overwritten for unchanged.
    Accepted {
        programs: &["cvalues-clang_o2", "cxxvalues-clang_o2", "rustvalues_o2"],
        function: "",
        item: "",
        gdb: "",
        farsight: "<gone>",
        proof: Proof::CallClobbered,
    },
];
