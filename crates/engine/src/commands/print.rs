//! `.printf`: text from values and from strings of the target.

use std::fmt::Write as _;

use farsight_session::Record;
use farsight_session::record::{PrintedPart, PrintedText};
use farsight_types::Address;

use super::text::{self, Kind};
use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::take_string;
use crate::session::Session;

/// Most characters that a field is wide.
const MOST_WIDTH: usize = 4096;

pub(super) const ROWS: &[Row] = &[Row {
    names: &[".printf"],
    usage: ".printf [/D] \"Format\" [, Argument ...]",
    summary: "Shows values by a format: %d %i %u %x %X %o %c %p %N %I64x %ma %mu %msa %msu %y %ly %%.",
    needs: Needs::Nothing,
    writes: false,
    prefix: Prefix::Selects,
    run: print,
}];

fn print(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let mut rest = invocation.text;
    while rest.starts_with('/') {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (option, behind) = rest.split_at(end);
        // They choose links and streams of other programs' consoles; what is shown is the same.
        if ![
            "/D", "/od", "/oD", "/oe", "/on", "/op", "/oP", "/or", "/os", "/ov", "/ow",
        ]
        .contains(&option)
        {
            return Err(invocation.unexpected(option));
        }
        rest = behind.trim_start();
    }
    let format_at = invocation.position_of(rest);
    let Some((format, rest)) = take_string(rest) else {
        return Err(CommandError::syntax(
            format_at,
            "Syntax error: .printf needs a format in quotes",
        ));
    };
    let mut arguments = Arguments {
        invocation,
        rest: rest.strip_prefix(',').unwrap_or(rest).trim_start(),
    };
    let mut parts = Parts::default();
    let mut format = format.as_str();
    while let Some((before, behind)) = format.split_once('%') {
        parts.own(before);
        let (field, behind) = Field::read(behind).map_err(|what| CommandError::syntax(format_at, what))?;
        field.print(session, &mut arguments, &mut parts)?;
        format = behind;
    }
    parts.own(format);
    invocation.expect_end(arguments.rest)?;
    session
        .output
        .record(Record::Printed(PrintedText { parts: parts.parts }));
    Ok(Flow::Done)
}

/// Says what is wrong with a format's fields, without any values.
pub fn check_format(format: &str) -> Result<(), String> {
    let mut format = format;
    while let Some((_, behind)) = format.split_once('%') {
        format = Field::read(behind)?.1;
    }
    Ok(())
}

/// What was made so far.
#[derive(Default)]
struct Parts {
    parts: Vec<PrintedPart>,
}

impl Parts {
    fn push(&mut self, text: &str, of_target: bool) {
        match self.parts.last_mut() {
            Some(last) if last.of_target == of_target => last.text.push_str(text),
            _ => self.parts.push(PrintedPart {
                text: text.to_owned(),
                of_target,
            }),
        }
    }

    fn own(&mut self, text: &str) {
        if !text.is_empty() {
            self.push(text, false);
        }
    }
}

struct Arguments<'a, 'i> {
    invocation: &'a Invocation<'i>,
    rest: &'a str,
}

impl Arguments<'_, '_> {
    fn next(&mut self, session: &mut Session) -> Result<u64, CommandError> {
        if self.rest.is_empty() {
            return Err(self.invocation.missing("an argument that the format wants"));
        }
        let (value, rest) = session.evaluate_prefix(self.rest, self.invocation.position_of(self.rest))?;
        self.rest = rest;
        Ok(value)
    }
}

/// A conversion with its flags.
#[derive(Debug, Default)]
struct Field {
    left: bool,
    zeros: bool,
    sign: Option<char>,
    prefix: bool,
    width: usize,
    precision: Option<usize>,
    /// Bits of the number.
    bits: u32,
    /// `%I`: 64 bits, shown as 32 where they suffice.
    conversion: Conversion,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Conversion {
    #[default]
    Percent,
    Signed,
    Unsigned,
    Hexadecimal,
    HexadecimalCapital,
    Octal,
    Character,
    Pointer,
    Text(Kind),
    Symbol,
}

impl Field {
    /// The conversion that a format goes on with behind its `%`, and the rest.
    fn read(text: &str) -> Result<(Field, &str), String> {
        let mut field = Field {
            bits: 32,
            ..Field::default()
        };
        let flags = text.trim_start_matches(['-', '+', ' ', '0', '#']);
        for flag in text[..text.len() - flags.len()].chars() {
            match flag {
                '-' => field.left = true,
                '0' => field.zeros = true,
                '#' => field.prefix = true,
                '+' => field.sign = Some('+'),
                _ => field.sign = field.sign.or(Some(' ')),
            }
        }
        let (width, mut rest) = number(flags)?;
        field.width = width.unwrap_or(0);
        if let Some(behind) = rest.strip_prefix('.') {
            let (precision, behind) = number(behind)?;
            field.precision = Some(precision.unwrap_or(0));
            rest = behind;
        }
        const TEXTS: [(&str, Conversion); 6] = [
            (
                "msa",
                Conversion::Text(Kind {
                    wide: false,
                    counted: true,
                }),
            ),
            (
                "msu",
                Conversion::Text(Kind {
                    wide: true,
                    counted: true,
                }),
            ),
            (
                "ma",
                Conversion::Text(Kind {
                    wide: false,
                    counted: false,
                }),
            ),
            (
                "mu",
                Conversion::Text(Kind {
                    wide: true,
                    counted: false,
                }),
            ),
            ("ly", Conversion::Symbol),
            ("y", Conversion::Symbol),
        ];
        for (name, conversion) in TEXTS {
            if let Some(behind) = rest.strip_prefix(name) {
                field.conversion = conversion;
                return Ok((field, behind));
            }
        }
        const SIZES: [(&str, u32); 8] = [
            ("I64", 64),
            ("I32", 32),
            ("I", 64),
            ("ll", 64),
            ("l", 32),
            ("hh", 8),
            ("h", 16),
            ("w", 32),
        ];
        if let Some((behind, bits)) = SIZES
            .iter()
            .find_map(|(name, bits)| Some((rest.strip_prefix(name)?, *bits)))
        {
            field.bits = bits;
            rest = behind;
        }
        let mut characters = rest.chars();
        field.conversion = match characters.next() {
            Some('%') => Conversion::Percent,
            Some('d' | 'i') => Conversion::Signed,
            Some('u') => Conversion::Unsigned,
            Some('x') => Conversion::Hexadecimal,
            Some('X') => Conversion::HexadecimalCapital,
            Some('o') => Conversion::Octal,
            Some('c' | 'C') => Conversion::Character,
            Some('p' | 'N') => Conversion::Pointer,
            Some('s' | 'S') => {
                return Err("Syntax error: %s takes no string of the target; %ma and %mu do, by its address".into());
            }
            Some(other) => return Err(format!("Syntax error: the format does not know %{other}")),
            None => return Err("Syntax error: the format ends within a conversion".into()),
        };
        Ok((field, characters.as_str()))
    }

    fn print(
        &self,
        session: &mut Session,
        arguments: &mut Arguments<'_, '_>,
        parts: &mut Parts,
    ) -> Result<(), CommandError> {
        if self.conversion == Conversion::Percent {
            parts.own("%");
            return Ok(());
        }
        let value = arguments.next(session)?;
        match self.conversion {
            Conversion::Text(kind) => {
                let text = text::read(session, Address(value), kind)?;
                let text = match self.precision {
                    Some(most) => text.chars().take(most).collect(),
                    None => text,
                };
                let (before, behind) = self.padding(text.chars().count());
                parts.own(&before);
                parts.push(&text, true);
                parts.own(&behind);
            }
            Conversion::Symbol => {
                let text = symbol(session, Address(value))?;
                let (before, behind) = self.padding(text.chars().count());
                parts.own(&before);
                parts.push(&text, true);
                parts.own(&behind);
            }
            // What it shows may be a control character.
            Conversion::Character => {
                let character = u32::try_from(value & 0x1f_ffff)
                    .ok()
                    .and_then(char::from_u32)
                    .unwrap_or('?');
                let (before, behind) = self.padding(1);
                parts.own(&before);
                parts.push(&character.to_string(), true);
                parts.own(&behind);
            }
            _ => parts.own(&self.number(value)),
        }
        Ok(())
    }

    /// Spaces before and behind something of a length.
    fn padding(&self, length: usize) -> (String, String) {
        let spaces = " ".repeat(self.width.saturating_sub(length));
        match self.left {
            true => (String::new(), spaces),
            false => (spaces, String::new()),
        }
    }

    fn number(&self, value: u64) -> String {
        let mask = u64::MAX >> (64 - self.bits.clamp(1, 64));
        let cut = value & mask;
        let mut sign = String::new();
        let mut digits = String::new();
        let negative = self.conversion == Conversion::Signed && cut > mask >> 1;
        // Writing to a string cannot fail.
        let _ = match self.conversion {
            Conversion::Signed if negative => write!(digits, "{}", (mask - cut).wrapping_add(1)),
            Conversion::Hexadecimal => write!(digits, "{cut:x}"),
            Conversion::HexadecimalCapital => write!(digits, "{cut:X}"),
            Conversion::Octal => write!(digits, "{cut:o}"),
            Conversion::Pointer => write!(digits, "{value:016x}"),
            _ => write!(digits, "{cut}"),
        };
        if negative {
            sign.push('-');
        } else if self.conversion == Conversion::Signed {
            sign.extend(self.sign);
        } else if self.prefix && cut != 0 {
            sign.push_str(match self.conversion {
                Conversion::Hexadecimal => "0x",
                Conversion::HexadecimalCapital => "0X",
                Conversion::Octal => "0",
                _ => "",
            });
        }
        let wanted = match (self.precision, self.zeros && !self.left) {
            (Some(precision), _) => precision,
            (None, true) => self.width.saturating_sub(sign.len()),
            (None, false) => 0,
        };
        let text = format!("{sign}{}{digits}", "0".repeat(wanted.saturating_sub(digits.len())));
        let (before, behind) = self.padding(text.len());
        format!("{before}{text}{behind}")
    }
}

/// The number that a text begins with.
fn number(text: &str) -> Result<(Option<usize>, &str), String> {
    let behind = text.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let digits = &text[..text.len() - behind.len()];
    if digits.is_empty() {
        return Ok((None, behind));
    }
    match digits.parse() {
        Ok(number) if number <= MOST_WIDTH => Ok((Some(number), behind)),
        _ => Err(format!("Syntax error: a field is at most {MOST_WIDTH} characters wide")),
    }
}

/// `module!name+0x4 (address)`.
fn symbol(session: &mut Session, address: Address) -> Result<String, CommandError> {
    let place = session.place_of(address)?;
    Ok(match place.symbol {
        Some(name) => format!("{name} ({address})"),
        None => address.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(format: &str, value: u64) -> String {
        let (field, rest) = Field::read(format.strip_prefix('%').unwrap()).unwrap();
        assert_eq!(rest, "");
        field.number(value)
    }

    #[test]
    fn numbers_follow_the_rules_of_printf() {
        for (format, value, expected) in [
            ("%d", 0xffff_ffff, "-1"),
            ("%i", 5, "5"),
            ("%I64d", u64::MAX, "-1"),
            ("%I64d", 1 << 63, "-9223372036854775808"),
            ("%hd", 0xffff, "-1"),
            ("%u", 0x1_0000_0005, "5"),
            ("%I64u", u64::MAX, "18446744073709551615"),
            ("%x", 0x1_0000_00ab, "ab"),
            ("%I64x", 0x1_0000_00ab, "1000000ab"),
            ("%llX", 0xab, "AB"),
            ("%#x", 0xab, "0xab"),
            ("%#x", 0, "0"),
            ("%o", 8, "10"),
            ("%p", 0x1234, "0000000000001234"),
            ("%08x", 0xab, "000000ab"),
            ("%-8x", 0xab, "ab      "),
            ("%8.4x", 0xab, "    00ab"),
            ("%+05d", 7, "+0007"),
            ("% d", 7, " 7"),
        ] {
            assert_eq!(number(format, value), expected, "{format}");
        }
    }

    #[test]
    fn formats_that_are_none_are_refused() {
        for format in ["s", "q", "", "99999d", "-", "5000x"] {
            assert!(Field::read(format).is_err(), "{format}");
        }
    }
}
