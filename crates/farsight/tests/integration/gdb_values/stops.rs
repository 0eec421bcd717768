//! What a debugger sees at a stop, in a form that both are written in. Read [`Stop`] first.

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

#[derive(Debug)]
pub(super) struct Variable {
    pub(super) name: String,
    /// As the head of `values.py` tells.
    pub(super) value: String,
}

/// A function's name as both debuggers can tell it: without parameters, arguments of templates and generics, and without
/// how a compiler numbers closures and what has no name.
pub(super) fn plain(name: &str) -> String {
    let name = name
        .replace("(anonymous namespace)", "_")
        .replace("operator()", "operator_call");
    let mut plain = String::new();
    let mut depth = 0;
    let mut rest = name.as_str();
    while let Some(letter) = rest.chars().next() {
        let operator = ["operator<<", "operator<", "operator->", "operator>>", "operator>"];
        if let Some(word) = operator.iter().find(|word| depth == 0 && rest.starts_with(**word)) {
            plain += word;
            rest = &rest[word.len()..];
            continue;
        }
        rest = &rest[letter.len_utf8()..];
        match letter {
            '<' | '(' => depth += 1,
            '>' if plain.ends_with('-') && depth == 0 => plain.push(letter),
            '>' | ')' => depth -= 1,
            '{' | '}' | ' ' => {}
            letter if depth == 0 => plain.push(letter),
            _ => {}
        }
    }
    let plain = plain.strip_suffix("const").unwrap_or(&plain);
    plain.replace("::::", "::")
}
