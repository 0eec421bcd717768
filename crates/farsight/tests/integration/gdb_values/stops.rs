//! What a debugger sees at a stop, in a form that both are written in. Read [`Stop`] first.

/// Which stops are looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    /// Of so many calls of `stop_here`, one is.
    pub(super) one_in: u64,
    /// Tells which.
    pub(super) seed: u64,
    /// Instructions stepped behind each, at each of which is looked too.
    pub(super) steps: usize,
}

impl Choice {
    /// The first stop that is looked at.
    pub(super) fn first(self) -> u64 {
        self.seed % self.one_in
    }

    pub(super) fn takes(self, stop: usize) -> bool {
        stop as u64 % self.one_in == self.first()
    }
}

/// A debuggee at rest.
#[derive(Debug, Default)]
pub(super) struct Stop {
    /// The stop's number, and how many instructions were stepped since: `7`, `7+2`.
    pub(super) label: String,
    pub(super) pc: u64,
    pub(super) sp: u64,
    /// The innermost first.
    pub(super) frames: Vec<Frame>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Real,
    Inline,
    Tail,
}

#[derive(Debug, Default)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    pub(super) pc: u64,
    /// `FILE:LINE` without folders, or `-`.
    pub(super) place: String,
    /// The function's name without what [`plain`] takes away.
    pub(super) name: String,
    /// Arguments and locals, the innermost block's first.
    pub(super) variables: Vec<Variable>,
}

#[derive(Debug, Default)]
pub(super) struct Variable {
    pub(super) name: String,
    /// As the head of `values.py` tells.
    pub(super) value: String,
    /// What it holds as its type's formatter or printer has it, where that was asked for and can be told.
    pub(super) data: Option<String>,
}

/// A function's own name as both debuggers can tell it: without scopes, which gdb numbers where they have no name
/// (`{impl#2}`) and symbol tables write out, without parameters and arguments of templates and generics, and without the
/// numbers of closures.
pub(crate) fn plain(name: &str) -> String {
    // The C library's symbol has the first name, its debug information the second.
    let name = name.replace("__libc_start_main_impl", "__libc_start_main");
    let name = name.split(" [clone").next().unwrap_or_default();
    let name = name.replace("operator()", "operator_call").replace(" const", "");
    let (mut plain, mut depth) = (String::new(), 0);
    let mut rest = name.as_str();
    while let Some(letter) = rest.chars().next() {
        let operators = ["operator<<", "operator<", "operator->", "operator>>", "operator>"];
        if let Some(word) = operators.iter().find(|word| depth == 0 && rest.starts_with(**word)) {
            plain += word;
            rest = &rest[word.len()..];
            continue;
        }
        rest = &rest[letter.len_utf8()..];
        match letter {
            '<' | '(' => depth += 1,
            '>' | ')' => depth -= 1,
            '{' | '}' | ' ' => {}
            letter if depth == 0 => plain.push(letter),
            _ => {}
        }
    }
    let own = plain.trim_end_matches(':').rsplit("::").next().unwrap_or_default();
    own.split('#').next().unwrap_or_default().to_owned()
}
