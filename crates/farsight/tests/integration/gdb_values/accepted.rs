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
];
