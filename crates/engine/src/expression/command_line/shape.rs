//! What control-flow commands are made of: conditions in brackets and blocks in braces (specification 5.18).
//!
//! Line ends of scripts become `;`, so between two parts any number of `;` and spaces may stand.

use std::ops::Range;

use super::{LineError, length_of_string, opens_string};

/// The parts of a control-flow command, as places in the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `.if (C) {..} .elsif (C) {..} .else {..}`: conditions with their blocks; the last may have none.
    If(Vec<(Option<Range<usize>>, Range<usize>)>),
    /// `.while (C) {..}`, and `.do {..} (C)`.
    Loop {
        /// What is tested.
        condition: Range<usize>,
        /// What is repeated.
        body: Range<usize>,
    },
    /// `.for (init ; C ; step; step) {..}`
    For {
        /// Runs once.
        init: Range<usize>,
        /// What is tested; empty is true.
        condition: Range<usize>,
        /// Runs behind each turn.
        step: Range<usize>,
        /// What is repeated.
        body: Range<usize>,
    },
    /// `.foreach [options] (Var source) {..}`
    ForEach {
        /// What stands before the bracket.
        options: Range<usize>,
        /// The variable's name.
        variable: Range<usize>,
        /// `{commands}`, `"text"` or `"file"`, with its signs.
        source: Range<usize>,
        /// What is repeated.
        body: Range<usize>,
    },
    /// `.block {..}`, `.catch {..}`
    Block(Range<usize>),
}

impl Shape {
    /// The commands in it.
    pub fn blocks(self) -> Vec<Range<usize>> {
        match self {
            Shape::If(branches) => branches.into_iter().map(|(_, block)| block).collect(),
            Shape::Loop { body, .. } | Shape::ForEach { body, .. } | Shape::Block(body) => vec![body],
            Shape::For { init, step, body, .. } => vec![init, step, body],
        }
    }
}

/// Commands that are made of brackets and blocks.
const CONTROL: [&str; 7] = [".if", ".while", ".do", ".for", ".foreach", ".block", ".catch"];

/// Whether a command is made of brackets and blocks.
pub(super) fn is_control(name: &str) -> bool {
    CONTROL.contains(&name)
}

/// The parts of the control-flow command `name` whose arguments begin at `from` of a text, and where it ends.
pub fn shape(name: &str, text: &str, from: usize) -> Result<(Shape, usize), LineError> {
    let mut reader = Reader { text, at: from };
    let shape = match name {
        ".if" => reader.branches()?,
        ".while" => {
            let condition = reader.brackets("the condition of .while")?;
            let body = reader.block(name)?;
            Shape::Loop { condition, body }
        }
        ".do" => {
            let body = reader.block(name)?;
            let condition = reader.brackets("the condition of .do")?;
            Shape::Loop { condition, body }
        }
        ".for" => reader.counted()?,
        ".foreach" => reader.for_each()?,
        ".block" | ".catch" => Shape::Block(reader.block(name)?),
        _ => return Err(reader.wrong(format!("'{name}' has no blocks"))),
    };
    Ok((shape, reader.at))
}

/// Where the block ends whose `{` stands at `from`: the place of its `}`.
pub fn end_of_block(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut at = from;
    // Quotes within a comment open nothing.
    let mut comment = false;
    let mut at_command = true;
    // Nothing closes a double quote from here on: looking again at each would take the square of the text's length.
    let mut unclosed = false;
    while let Some(byte) = bytes.get(at) {
        let begins = at_command;
        at_command = matches!(byte, b';' | b'{' | b'}' | b'\n') || (begins && byte.is_ascii_whitespace());
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                comment = false;
                if depth == 0 {
                    return Some(at);
                }
            }
            b';' | b'\n' => comment = false,
            b'$' if begins && is_comment(&text[at..]) => comment = true,
            b'"' if comment || unclosed => {}
            // A quote that nothing closes is a letter: what follows must still be found.
            b'"' => match length_of_string(&bytes[at..]) {
                Some(length) => at += length - 1,
                None => unclosed = true,
            },
            b'\'' if !comment && opens_string(bytes, at) => {
                at += length_of_string(&bytes[at..]).unwrap_or(1) - 1;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Whether a command is a comment to the next `;`.
pub(super) fn is_comment(text: &str) -> bool {
    text.starts_with("$$") && !text.starts_with("$$<") && !text.starts_with("$$>")
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self) {
        let rest = self.rest();
        let behind = rest.trim_start_matches(|letter: char| letter.is_whitespace() || letter == ';');
        self.at += rest.len() - behind.len();
    }

    fn wrong(&self, what: String) -> LineError {
        LineError {
            position: self.at,
            what,
        }
    }

    /// What is between `{` and its `}`.
    fn block(&mut self, of: &str) -> Result<Range<usize>, LineError> {
        self.skip();
        if !self.rest().starts_with('{') {
            return Err(self.wrong(format!("Syntax error: {of} needs a block, {{ ... }}")));
        }
        let end = end_of_block(self.text, self.at);
        let end = end.ok_or_else(|| self.wrong("Syntax error: nothing closes this block; } is missing".into()))?;
        let inside = self.at + 1..end;
        self.at = end + 1;
        Ok(inside)
    }

    /// What is between `(` and its `)`.
    fn brackets(&mut self, of: &str) -> Result<Range<usize>, LineError> {
        self.skip();
        if !self.rest().starts_with('(') {
            return Err(self.wrong(format!("Syntax error: {of} must stand in brackets, ( ... )")));
        }
        let bytes = self.text.as_bytes();
        let mut depth = 0_usize;
        let mut at = self.at;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'(' => depth += 1,
                b')' => depth -= 1,
                b'{' => match end_of_block(self.text, at) {
                    Some(end) => at = end,
                    None => {
                        self.at = at;
                        return Err(self.wrong("Syntax error: nothing closes this block; } is missing".into()));
                    }
                },
                b'"' => match length_of_string(&bytes[at..]) {
                    Some(length) => at += length - 1,
                    None => {
                        self.at = at;
                        return Err(self.wrong("Syntax error: nothing closes this string; \" is missing".into()));
                    }
                },
                _ => {}
            }
            if depth == 0 {
                let inside = self.at + 1..at;
                self.at = at + 1;
                return Ok(inside);
            }
            at += 1;
        }
        Err(self.wrong("Syntax error: nothing closes this bracket; ) is missing".into()))
    }

    /// Passes over a word such as `.else`, if it comes next.
    fn word(&mut self, word: &str) -> bool {
        let before = self.at;
        self.skip();
        let rest = self.rest();
        let found = rest
            .get(..word.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(word))
            && !rest[word.len()..].starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_');
        match found {
            true => self.at += word.len(),
            false => self.at = before,
        }
        found
    }

    fn branches(&mut self) -> Result<Shape, LineError> {
        let mut branches = Vec::new();
        let condition = self.brackets("the condition of .if")?;
        branches.push((Some(condition), self.block(".if")?));
        while self.word(".elsif") {
            let condition = self.brackets("the condition of .elsif")?;
            branches.push((Some(condition), self.block(".elsif")?));
        }
        if self.word(".else") {
            branches.push((None, self.block(".else")?));
        }
        Ok(Shape::If(branches))
    }

    fn counted(&mut self) -> Result<Shape, LineError> {
        let start = self.at;
        let inside = self.brackets("what .for counts")?;
        let mut cuts = Vec::new();
        let bytes = self.text.as_bytes();
        let mut at = inside.start;
        while at < inside.end && cuts.len() < 2 {
            match bytes.get(at) {
                Some(b';') => cuts.push(at),
                Some(b'{') => at = end_of_block(self.text, at).unwrap_or(at),
                Some(b'"') => at += length_of_string(&bytes[at..]).unwrap_or(1) - 1,
                _ => {}
            }
            at += 1;
        }
        let [first, second] = cuts[..] else {
            self.at = start;
            self.skip();
            return Err(self.wrong("Syntax error: .for needs (begin ; condition ; step)".into()));
        };
        Ok(Shape::For {
            init: inside.start..first,
            condition: first + 1..second,
            step: second + 1..inside.end,
            body: self.block(".for")?,
        })
    }

    fn for_each(&mut self) -> Result<Shape, LineError> {
        let options = self.at;
        let rest = self.rest();
        self.at += rest.find(['(', '{', '"']).unwrap_or(rest.len());
        let options = options..self.at;
        let inside = self.brackets("what .foreach goes over")?;
        let body = self.block(".foreach")?;
        let text = &self.text[inside.clone()];
        let name = text.trim_start();
        let name_at = inside.start + text.len() - name.len();
        let length = name
            .find(|letter: char| letter.is_whitespace() || matches!(letter, '{' | '"'))
            .unwrap_or(name.len());
        let source = name[length..].trim();
        let source_at = name_at + length + name[length..].len() - name[length..].trim_start().len();
        if length == 0 || source.is_empty() {
            self.at = name_at;
            return Err(self.wrong(
                "Syntax error: .foreach needs (Variable {Commands}), /s (Variable \"Text\") or /f (Variable \"File\")"
                    .into(),
            ));
        }
        Ok(Shape::ForEach {
            options,
            variable: name_at..name_at + length,
            source: source_at..source_at + source.len(),
            body,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts of a command as texts.
    fn parts(name: &str, text: &str) -> Vec<String> {
        let (found, end) = shape(name, text, 0).unwrap();
        let mut ranges = Vec::new();
        match found {
            Shape::If(branches) => {
                for (condition, block) in branches {
                    ranges.extend(condition);
                    ranges.push(block);
                }
            }
            Shape::Loop { condition, body } => ranges.extend([condition, body]),
            Shape::For {
                init,
                condition,
                step,
                body,
            } => ranges.extend([init, condition, step, body]),
            Shape::ForEach {
                options,
                variable,
                source,
                body,
            } => ranges.extend([options, variable, source, body]),
            Shape::Block(body) => ranges.push(body),
        }
        ranges.push(end..text.len());
        ranges.into_iter().map(|range| text[range].to_owned()).collect()
    }

    #[test]
    fn commands_are_cut_into_their_parts() {
        assert_eq!(
            parts(".if", " (1) { k } .ELSIF (a(2)) {r};;.else ;{ g; } ; bl"),
            ["1", " k ", "a(2)", "r", " g; ", " ; bl"]
        );
        assert_eq!(parts(".if", "(1){k}.elsewhere"), ["1", "k", ".elsewhere"]);
        assert_eq!(
            parts(".while", "($scmp(\")\", \"x\")) {a {b} c}"),
            ["$scmp(\")\", \"x\")", "a {b} c", ""]
        );
        assert_eq!(parts(".do", "{ t } (@rax)"), ["@rax", " t ", ""]);
        assert_eq!(
            parts(".for", "(r $t0 = 0; @$t0 < 3; r $t0 = 1; k) {x}"),
            ["r $t0 = 0", " @$t0 < 3", " r $t0 = 1; k", "x", ""]
        );
        assert_eq!(
            parts(".foreach", " /pS 1 (x { .echo ) }) {x}"),
            [" /pS 1 ", "x", "{ .echo ) }", "x", ""]
        );
        assert_eq!(parts(".foreach", "/s(x\"a b\"){x}"), ["/s", "x", "\"a b\"", "x", ""]);
    }

    #[test]
    fn braces_in_strings_and_quotes_in_comments_are_letters() {
        assert_eq!(parts(".block", "{ .echo \"}\" } k"), [" .echo \"}\" ", " k"]);
        assert_eq!(parts(".block", "{ $$ say \"; k } r"), [" $$ say \"; k ", " r"]);
        assert_eq!(parts(".block", "{ .echo don't }"), [" .echo don't ", ""]);
        assert_eq!(parts(".block", "{ .echo \" }"), [" .echo \" ", ""]);
    }

    #[test]
    fn what_is_missing_is_told_with_its_place() {
        let error = |name: &str, text: &str| {
            let error = shape(name, text, 0).unwrap_err();
            (error.position, error.what)
        };
        let has = |(at, what): (usize, String), wanted: usize, word: &str| {
            assert!(at == wanted && what.contains(word), "{at} {what}");
        };
        has(error(".if", " k"), 1, "condition of .if");
        has(error(".if", "(1) k"), 4, ".if needs a block");
        has(error(".while", "(1"), 0, ") is missing");
        has(error(".block", "{ { }"), 0, "} is missing");
        has(error(".for", "(a;b) {}"), 0, "begin ; condition ; step");
        has(error(".foreach", "( ) {}"), 2, "Variable");
    }
}
