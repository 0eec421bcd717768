//! Names of machines, pipes and serial ports.

use std::fmt;

use super::{Parsed, bare_address, harmless, number};

/// A machine's name or address, without the `\\` that may stand before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host(String);

impl Host {
    /// Takes a name or address that did not come from a connection string; `None` if it cannot be one.
    pub fn new(text: &str) -> Option<Host> {
        Host::parse(text).ok()
    }

    /// This machine.
    pub fn localhost() -> Host {
        Host("localhost".to_owned())
    }

    /// What this machine calls itself, for the strings that a server prints for its clients.
    pub fn this_machine() -> Host {
        crate::sys::host_name()
            .and_then(|name| Host::new(&name))
            .unwrap_or_else(Host::localhost)
    }

    /// The name or address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it can only be this machine, whatever the machine is called.
    pub fn is_loopback(&self) -> bool {
        let address = self.0.parse::<std::net::IpAddr>();
        self.0 == "."
            || self.0.eq_ignore_ascii_case("localhost")
            || address.is_ok_and(|address| address.to_canonical().is_loopback())
    }

    pub(in crate::connection_string) fn parse(text: &str) -> Parsed<Host> {
        let name = bare_address(text.trim_start_matches('\\'));
        if name.is_empty() {
            return Err("the name or address of a machine is needed".to_owned());
        }
        if let Some(wrong) = name.chars().find(|character| !host_character(*character)) {
            return Err(format!("{wrong:?} cannot be part of a machine's name or address"));
        }
        let address = name.split('%').next().unwrap_or(name);
        if address.contains(':') && address.parse::<std::net::Ipv6Addr>().is_err() {
            return Err(format!(
                "'{}' is no IPv6 address; a port is given apart: server=HOST,port=P",
                harmless(name)
            ));
        }
        Ok(Host(name.to_owned()))
    }
}

fn host_character(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '.' | '-' | '_' | ':' | '%')
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The exact name of a pipe, as clients give it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipeName(String);

impl PipeName {
    /// The name; never empty, without slashes, blanks, quotation marks and control characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(in crate::connection_string) fn parse(text: &str) -> Parsed<PipeName> {
        if text.is_empty() {
            return Err("the name of a pipe is needed".to_owned());
        }
        match text.chars().find(|character| !pipe_character(*character)) {
            Some(wrong) => Err(format!("{wrong:?} cannot be part of a pipe's name")),
            None => Ok(PipeName(text.to_owned())),
        }
    }
}

fn pipe_character(character: char) -> bool {
    let excluded = matches!(character, '/' | '\\' | '"' | '\'' | ',' | '{' | '}');
    !excluded && !character.is_whitespace() && !character.is_control()
}

impl fmt::Display for PipeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a pipe on the listening side: up to two printf integer codes, the first of which becomes the server's
/// process id and the second its thread id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipeTemplate(String);

/// A piece of a template.
enum Piece<'t> {
    Text(&'t str),
    Code {
        width: usize,
        zeroes: bool,
        conversion: char,
    },
}

impl PipeTemplate {
    /// The template as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The pipe's name for this process and thread id.
    pub fn expand(&self, process: u32, thread: u32) -> PipeName {
        let mut ids = [process, thread].into_iter();
        let mut name = String::new();
        for piece in pieces(&self.0).unwrap_or_default() {
            match piece {
                Piece::Text(text) => name.push_str(text),
                Piece::Code {
                    width,
                    zeroes,
                    conversion,
                } => {
                    let id = ids.next().unwrap_or(0);
                    let digits = match conversion {
                        'x' => format!("{id:x}"),
                        'X' => format!("{id:X}"),
                        _ => format!("{id}"),
                    };
                    // A pipe's name holds no blanks, so a width without zeroes fills with nothing.
                    let missing = width.saturating_sub(digits.len());
                    name.extend(std::iter::repeat_n('0', if zeroes { missing } else { 0 }));
                    name.push_str(&digits);
                }
            }
        }
        PipeName(name)
    }

    pub(in crate::connection_string) fn exactly(name: &PipeName) -> PipeTemplate {
        PipeTemplate(name.0.replace('%', "%%"))
    }

    pub(in crate::connection_string) fn parse(text: &str) -> Parsed<PipeTemplate> {
        PipeName::parse(text)?;
        let codes = pieces(text)?
            .iter()
            .filter(|piece| matches!(piece, Piece::Code { .. }))
            .count();
        if codes > 2 {
            return Err("at most two codes: the first is the process id, the second the thread id".to_owned());
        }
        Ok(PipeTemplate(text.to_owned()))
    }
}

fn pieces(text: &str) -> Parsed<Vec<Piece<'_>>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        pieces.push(Piece::Text(before));
        if let Some(tail) = after.strip_prefix('%') {
            pieces.push(Piece::Text("%"));
            rest = tail;
            continue;
        }
        let zeroes = after.starts_with('0');
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let (width, tail) = after.split_at(digits);
        let width = if width.is_empty() {
            0
        } else {
            number::<usize>(width, "a width")?
        };
        let conversion = tail
            .chars()
            .next()
            .filter(|character| matches!(character, 'x' | 'X' | 'd' | 'i' | 'u'));
        let Some(conversion) = conversion.filter(|_| width <= 16) else {
            return Err("after % only an integer code may stand: %x or %d (%% is the sign itself)".to_owned());
        };
        pieces.push(Piece::Code {
            width,
            zeroes,
            conversion,
        });
        rest = tail.get(1..).unwrap_or("");
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

impl fmt::Display for PipeTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A serial port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ComPort {
    /// `COMn`, the n-th serial port.
    Number(u8),
    /// A device by its path or name, such as `/dev/ttyUSB0`.
    Device(String),
}

impl ComPort {
    /// As in a transport: `com2`, `\\.\com2`, `2` or a device.
    pub(in crate::connection_string) fn parse(text: &str) -> Parsed<ComPort> {
        match number::<u8>(text, "") {
            Ok(number) => ComPort::numbered(number),
            Err(_) => ComPort::parse_named(text),
        }
    }

    /// As in a kernel link, where a bare number is not a port.
    pub(in crate::connection_string) fn parse_named(text: &str) -> Parsed<ComPort> {
        let bare = text.strip_prefix("\\\\.\\").unwrap_or(text);
        if bare.get(..3).is_some_and(|head| head.eq_ignore_ascii_case("com"))
            && let Ok(number) = number::<u8>(bare.get(3..).unwrap_or(""), "")
        {
            return ComPort::numbered(number);
        }
        let plain = |character: char| character.is_ascii_alphanumeric() || "/._-:".contains(character);
        let device = bare.starts_with("/dev/") || bare.starts_with("tty");
        if device && bare.chars().all(plain) {
            return Ok(ComPort::Device(bare.to_owned()));
        }
        Err(format!(
            "'{}' is not a serial port such as com2 or /dev/ttyUSB0",
            harmless(text)
        ))
    }

    fn numbered(number: u8) -> Parsed<ComPort> {
        match number {
            0 => Err("serial ports count from com1".to_owned()),
            number => Ok(ComPort::Number(number)),
        }
    }
}

impl fmt::Display for ComPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ComPort::Number(number) => write!(f, "COM{number}"),
            ComPort::Device(path) => f.write_str(path),
        }
    }
}
