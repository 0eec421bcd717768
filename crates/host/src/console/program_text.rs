//! What a program that is being debugged writes to its terminal, reduced to what cannot harm ours.
//!
//! Printable text, line ends, tabs and colours pass. Everything else that a terminal obeys (cursor movement, titles,
//! questions that the terminal would answer as if typed) does not.

/// Longest escape sequence that is looked at; a longer one is no colour.
const SEQUENCE: usize = 32;

/// A filter that bytes go through in the pieces in which they come.
#[derive(Debug, Default)]
pub(crate) struct ProgramText {
    state: State,
    /// Bytes of a character that is not whole yet.
    partial: Vec<u8>,
    /// A carriage return that may begin a line end.
    returned: bool,
    viewer: Viewer,
    /// Whether the text left the terminal in another colour.
    coloured: bool,
    /// Characters of the program's on the line that stands open: so many it may take back.
    column: usize,
}

/// Who gets the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Viewer {
    /// No terminal: neither colours nor characters that are taken back.
    #[default]
    File,
    /// A terminal whose user wants no colours.
    PlainTerminal,
    /// A terminal.
    ColourTerminal,
}

#[derive(Debug, Default, PartialEq)]
enum State {
    #[default]
    Text,
    /// Behind ESC.
    Escape,
    /// Behind ESC [: the parameters.
    Control(String),
    /// In a control sequence that will not pass.
    SkippedControl,
    /// In a string (title, device control) that ends with BEL or ESC \.
    String,
    /// Behind an ESC in such a string.
    StringEscape,
}

impl ProgramText {
    /// A filter for a viewer.
    pub(crate) fn new(viewer: Viewer) -> ProgramText {
        ProgramText {
            viewer,
            ..ProgramText::default()
        }
    }

    /// The part of these bytes, and of what was held back before, that may be shown now.
    pub(crate) fn pass(&mut self, bytes: &[u8]) -> String {
        let mut text = std::mem::take(&mut self.partial);
        text.extend_from_slice(bytes);
        let mut out = String::with_capacity(text.len());
        let mut rest = text.as_slice();
        while !rest.is_empty() {
            match std::str::from_utf8(rest) {
                Ok(whole) => {
                    whole.chars().for_each(|character| self.step(character, &mut out));
                    break;
                }
                Err(error) => {
                    let (valid, behind) = rest.split_at(error.valid_up_to());
                    // Checked by the call above.
                    let valid = std::str::from_utf8(valid).unwrap_or_default();
                    valid.chars().for_each(|character| self.step(character, &mut out));
                    let Some(length) = error.error_len() else {
                        self.partial = behind.to_vec();
                        break;
                    };
                    self.step(char::REPLACEMENT_CHARACTER, &mut out);
                    rest = &behind[length..];
                }
            }
        }
        out
    }

    /// What must be shown so that other text is not in the program's colours. That text ends the program's line.
    pub(crate) fn settle(&mut self) -> &'static str {
        self.column = 0;
        match std::mem::take(&mut self.coloured) {
            true => "\x1b[0m",
            false => "",
        }
    }

    fn step(&mut self, character: char, out: &mut String) {
        match std::mem::take(&mut self.state) {
            State::Text => self.text(character, out),
            State::Escape => match character {
                '[' => self.state = State::Control(String::new()),
                ']' | 'P' | 'X' | '^' | '_' => self.state = State::String,
                '\x1b' => self.state = State::Escape,
                // Intermediate characters: the sequence goes on, as in ESC ( B.
                ' '..='/' => self.state = State::Escape,
                _ => {}
            },
            State::Control(mut parameters) => match character {
                'm' => self.colour(&parameters, out),
                '0'..='9' | ';' | ':' if parameters.len() < SEQUENCE => {
                    parameters.push(character);
                    self.state = State::Control(parameters);
                }
                '@'..='~' => {}
                '\x1b' => self.state = State::Escape,
                '\n' => self.text(character, out),
                _ => self.state = State::SkippedControl,
            },
            State::SkippedControl => match character {
                '@'..='~' => {}
                '\x1b' => self.state = State::Escape,
                '\n' => self.text(character, out),
                _ => self.state = State::SkippedControl,
            },
            State::String => match character {
                '\x07' | '\u{9c}' => {}
                '\x1b' => self.state = State::StringEscape,
                // A string that is never ended must not swallow the rest of the output.
                '\n' => self.text(character, out),
                _ => self.state = State::String,
            },
            State::StringEscape => match character {
                '\\' => {}
                _ => {
                    self.state = State::Escape;
                    self.step(character, out);
                }
            },
        }
    }

    fn text(&mut self, character: char, out: &mut String) {
        let returned = std::mem::take(&mut self.returned);
        match character {
            '\n' => {
                self.column = 0;
                return out.push('\n');
            }
            '\r' => {
                self.returned = true;
                return;
            }
            _ => {}
        }
        if returned {
            // The program goes back to write over its line; here it goes on in a new one, so that nothing is covered.
            out.push('\n');
            self.column = 0;
        }
        match character {
            '\t' => out.push('\t'),
            // How a terminal's echo shows that a typed character was taken back.
            '\x08' if self.viewer != Viewer::File && self.column > 0 => {
                self.column -= 1;
                out.push('\x08');
            }
            '\x1b' => self.state = State::Escape,
            '\u{9b}' => self.state = State::Control(String::new()),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => self.state = State::String,
            control if control.is_control() => {}
            plain => {
                self.column += 1;
                out.push(plain);
            }
        }
    }

    fn colour(&mut self, parameters: &str, out: &mut String) {
        if self.viewer == Viewer::ColourTerminal {
            out.push_str("\x1b[");
            out.push_str(parameters);
            out.push('m');
            self.coloured = !matches!(parameters, "" | "0" | "00");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(text: &str) -> String {
        ProgramText::new(Viewer::ColourTerminal).pass(text.as_bytes())
    }

    #[test]
    fn text_tabs_line_ends_and_colours_pass() {
        assert_eq!(pass("a\tb\r\nc\nd\u{e9}"), "a\tb\nc\nd\u{e9}");
        assert_eq!(pass("\x1b[1;31mred\x1b[0m"), "\x1b[1;31mred\x1b[0m");
        assert_eq!(pass("10%\r20%\r\n"), "10%\n20%\n");
    }

    #[test]
    fn nothing_else_passes() {
        for (given, shown) in [
            ("\x1b[2J\x1b[Hx", "x"),
            ("\x1b]0;title\x07x", "x"),
            ("\x1b]52;c;Zm9v\x1b\\x", "x"),
            ("\x1bP$q\x1b\\x", "x"),
            ("\x1b[?1049hx", "x"),
            ("\x1b[6nx", "x"),
            ("\x1b[>4mx", "x"),
            ("\x1b(Bx", "x"),
            ("\x1bcx", "x"),
            ("\u{9b}2Jx\u{9d}0;t\u{9c}y", "xy"),
            ("ab\x07\x00\x7fc\x0b\x0c", "abc"),
            ("\x1b]never ended\nx", "\nx"),
            ("\x1b\x1b[3Ax", "x"),
        ] {
            assert_eq!(pass(given), shown, "{given:?}");
        }
        let long = format!("\x1b[{}mx", "1;".repeat(100));
        assert_eq!(pass(&long), "x");
    }

    #[test]
    fn a_program_takes_back_its_own_characters_only() {
        assert_eq!(pass("ab\x08 \x08c"), "ab\x08 \x08c");
        assert_eq!(pass("a\n\x08b\x08\x08\x08c"), "a\nb\x08c");
        let mut filter = ProgramText::new(Viewer::ColourTerminal);
        filter.pass(b"name");
        filter.settle();
        assert_eq!(filter.pass(b"\x08\x08"), "");
        assert_eq!(ProgramText::new(Viewer::File).pass(b"ab\x08c"), "abc");
    }

    #[test]
    fn pieces_make_no_difference() {
        let text = "caf\u{e9} \x1b[32m\u{4e2d}\x1b]0;t\x1b\\\r\nz";
        let mut filter = ProgramText::new(Viewer::ColourTerminal);
        let pieces: String = text.as_bytes().iter().map(|byte| filter.pass(&[*byte])).collect();
        assert_eq!(pieces, pass(text));
        assert_eq!(pass(text), "caf\u{e9} \x1b[32m\u{4e2d}\nz");
    }

    #[test]
    fn bytes_that_are_no_text_are_marked() {
        assert_eq!(
            ProgramText::new(Viewer::ColourTerminal).pass(b"a\xffb\xc3("),
            "a\u{fffd}b\u{fffd}("
        );
    }

    #[test]
    fn colours_end_with_the_programs_text() {
        let mut filter = ProgramText::new(Viewer::ColourTerminal);
        filter.pass(b"\x1b[31mred");
        assert_eq!(filter.settle(), "\x1b[0m");
        assert_eq!(filter.settle(), "");
        let mut plain = ProgramText::new(Viewer::File);
        assert_eq!(plain.pass(b"\x1b[31mred"), "red");
        assert_eq!(plain.settle(), "");
    }
}
