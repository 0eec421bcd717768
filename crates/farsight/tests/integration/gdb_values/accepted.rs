//! Differences in which farsight is right, each with what proves it. Read [`ACCEPTED`] first.

use super::compare::Difference;

/// A difference, by what is given of it; an empty text stands for any.
pub(super) struct Accepted {
    /// The beginning of the program's name.
    pub(super) program: &'static str,
    /// The function of the frame.
    pub(super) function: &'static str,
    /// `(frame)`, `(line)`, or the variable's name.
    pub(super) item: &'static str,
    /// A part of what gdb says.
    pub(super) gdb: &'static str,
    /// A part of what farsight says.
    pub(super) farsight: &'static str,
    /// The entry of `.debug_info`, or the row of `.debug_line`, that proves it.
    pub(super) proof: &'static str,
}

impl Accepted {
    pub(super) fn covers(&self, program: &str, difference: &Difference) -> bool {
        let is = |wanted: &str, found: &str| wanted.is_empty() || wanted == found;
        program.starts_with(self.program)
            && is(self.function, &difference.function)
            && is(self.item, &difference.item)
            && difference.gdb.contains(self.gdb)
            && difference.farsight.contains(self.farsight)
    }
}

pub(super) const ACCEPTED: &[Accepted] = &[
    // gdb gives code without a line the line of the row before it.
    Accepted {
        program: "rustvalues_o2",
        function: "len",
        item: "(line)",
        gdb: "mod.rs:1634",
        farsight: "-",
        proof: ".debug_line: `vec_deque/mod.rs 0 0x19adc`: the row that covers the place has line 0",
    },
    // gdb lists variables of a block that does not hold the place.
    Accepted {
        program: "",
        function: "",
        item: "",
        gdb: "<gone>",
        farsight: "(nothing)",
        proof: "DW_TAG_lexical_block of the variable, such as that of `shadow` in `outer_helper`: low_pc 14e5, high_pc 1501",
    },
    // The same of a variable without size.
    Accepted {
        program: "rustvalues_o2",
        function: "borrow",
        item: "err",
        gdb: "{}",
        farsight: "(nothing)",
        proof: "DW_TAG_lexical_block of `err`: none of its ranges holds the place",
    },
    // gdb shows a variable without size even where nothing tells that it is there.
    Accepted {
        program: "rustvalues_o2",
        function: "of_scalars",
        item: "unit",
        gdb: "{}",
        farsight: "<gone>",
        proof: "DW_TAG_variable `unit`: it has no DW_AT_location",
    },
    // gdb reads the register for what it was at the call.
    Accepted {
        program: "cvalues_o2",
        function: "from_header",
        item: "number",
        gdb: "i-",
        farsight: "i6",
        proof: "DW_TAG_formal_parameter `number`, [1d9d, 1d9e): DW_OP_entry_value(DW_OP_reg4 (rsi)), the place is 1d9d: `sum & 7` is 6",
    },
    // gdb's number of an implicit pointer is 0.
    Accepted {
        program: "cxxvalues_o2",
        function: "operator_call",
        item: "__closure",
        gdb: "p0",
        farsight: "p?",
        proof: "DW_TAG_formal_parameter `__closure`, [3d2b, 3d30): DW_OP_implicit_pointer: a0 80 e3 05 00 00",
    },
    // gdb shows all variants of an enumeration that is in pieces.
    Accepted {
        program: "rustvalues_o2",
        function: "of_enums",
        item: "maybe",
        gdb: "{None={},Some={0=i2}}",
        farsight: "{Some={0=i2}}",
        proof: "DW_TAG_formal_parameter `maybe`: lit1 stack_value piece 4, lit2 stack_value piece 4: the discriminant is 1, `Some`",
    },
    // gdb fills what no piece has with zeros.
    Accepted {
        program: "rustvalues_o2",
        function: "of_traits",
        item: "speaker",
        gdb: "vtable=p0",
        farsight: "vtable=<gone>",
        proof: "DW_TAG_formal_parameter `speaker`: DW_OP_reg14 piece 8, and no piece for the other 8 bytes",
    },
];
