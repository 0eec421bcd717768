//! Kernel connections: `kdsrv:server=@{...},trans=@{...}` and the links inside (specification 3.6 and 6.1).

use std::fmt;
use std::net::IpAddr;
use std::ops::Range;

use super::ClientRole;
use super::client::ClientTransport;
use super::error::{ConnectionStringError, harmless};
use super::keys::{Key, Side, User};
use super::lexer::{Value, lex};
use super::params::Params;
use super::server::parse_baud;
use super::show::Show;
use super::values::{ComPort, Host, Parsed, Secret, bare_address, number, parse_dialled_port, parse_port};
use crate::error::ConnectError;

/// How the canonical form names a connection without a kernel connection server.
const LOCAL: &str = "<Local>";
const ROLE: &str = "a kernel link";

/// What `-k` is given: a link, and the machine whose kernel connection server holds its cable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelConnection {
    /// The kernel connection server; `None` when the cable is on this machine.
    pub server: Option<ClientTransport>,
    /// The link to the target.
    pub link: KernelLink,
}

/// A link to a kernel; what is left out comes from the environment of the machine that holds the cable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KernelLink {
    /// `net:port=...,key=...`: KDNET.
    Net {
        /// The UDP port on which the debugger listens.
        port: Option<u16>,
        /// Four numbers in base 36.
        key: Option<Secret>,
        /// Whom the debugger calls instead of waiting.
        target: Option<Host>,
    },
    /// `com:port=...,baud=...`
    Com {
        /// The serial port.
        port: Option<ComPort>,
        /// Bits per second.
        baud: Option<u32>,
        /// The time-out for a packet, in milliseconds.
        timeout: Option<u32>,
    },
    /// `com:pipe,port=\\HOST\pipe\NAME`: a virtual machine's serial port.
    ComPipe {
        /// The pipe, or the path of a socket.
        path: Option<String>,
        /// How many resets while synchronising; 0 is without limit.
        resets: Option<u32>,
        /// Open the pipe again when it breaks, and wait for it at the start.
        reconnect: bool,
    },
    /// `com:modem`
    ComModem,
    /// `com:ipport=...,port=...`: a serial port that a terminal server offers as a socket.
    ComIp {
        /// The TCP port.
        ip_port: u16,
        /// The terminal server.
        address: Option<IpAddr>,
    },
    /// `usb:targetname=...`
    Usb {
        /// The name that the target was given.
        target_name: Option<String>,
    },
    /// `usb2:targetname=...`
    Usb2 {
        /// The name that the target was given.
        target_name: Option<String>,
    },
    /// `1394:channel=...`
    Firewire {
        /// The channel.
        channel: Option<u8>,
    },
    /// `gdb:server=...,port=...`: a stub such as QEMU's.
    Gdb {
        /// The stub's machine.
        server: Host,
        /// Its port.
        port: u16,
    },
}

impl KernelConnection {
    /// Parses a bare link or a `kdsrv:` string; never asks the machine anything.
    pub fn parse(text: &str) -> Result<KernelConnection, ConnectionStringError> {
        let params = Params::check(lex(text, 0..text.len())?, Side::Kernel, User::Other, ROLE)?;
        if params.protocol() != "kdsrv" {
            return Ok(KernelConnection {
                server: None,
                link: parse_link(&params)?,
            });
        }
        let server = protected(&params, Key::Server)?;
        let trans = protected(&params, Key::Trans)?;
        let server = match server.text.trim().eq_ignore_ascii_case(LOCAL) {
            true => None,
            false => Some(ClientTransport::parse_within(
                text,
                server.range(),
                ClientRole::KernelClient,
            )?),
        };
        Ok(KernelConnection {
            server,
            link: KernelLink::parse_within(text, trans.range())?,
        })
    }

    /// Refuses, in plain words, what this build does not have yet.
    pub fn require_supported(&self) -> Result<(), ConnectError> {
        Err(ConnectError::NotInThisBuild {
            what: "kernel targets",
            text: self.to_string(),
        })
    }
}

impl KernelLink {
    /// Parses a link as it stands inside `trans=@{...}`.
    pub fn parse(text: &str) -> Result<KernelLink, ConnectionStringError> {
        KernelLink::parse_within(text, 0..text.len())
    }

    fn parse_within(whole: &str, range: Range<usize>) -> Result<KernelLink, ConnectionStringError> {
        let params = Params::check(lex(whole, range.clone())?, Side::Kernel, User::Other, ROLE)?;
        if params.protocol() == "kdsrv" {
            let why = "a link is needed here; kdsrv cannot stand inside kdsrv";
            return Err(ConnectionStringError::new(
                whole,
                range.start,
                super::Fault::BadValue {
                    key: Key::Trans.text(),
                    why: why.to_owned(),
                },
            ));
        }
        parse_link(&params)
    }
}

fn protected<'t>(params: &Params<'t>, key: Key) -> Result<Value<'t>, ConnectionStringError> {
    match params.value(key) {
        Some(value) if value.braced => Ok(value),
        _ => Err(params.bad_value(key, "it is wrapped in @{ and }, so that its commas stay inside")),
    }
}

fn parse_link(params: &Params<'_>) -> Result<KernelLink, ConnectionStringError> {
    Ok(match (params.protocol(), params.chosen_by()) {
        ("net", _) => KernelLink::Net {
            port: params.optional(Key::Port, parse_port)?,
            key: params.optional(Key::Secret, parse_net_key)?,
            target: params.optional(Key::Target, Host::parse)?,
        },
        ("com", Some(Key::Pipe)) => KernelLink::ComPipe {
            path: params.optional(Key::Port, parse_pipe_path)?,
            resets: params.optional(Key::Resets, |text| number(text, "a number of resets"))?,
            reconnect: params.has(Key::Reconnect),
        },
        ("com", Some(Key::Modem)) => KernelLink::ComModem,
        ("com", Some(_)) => KernelLink::ComIp {
            ip_port: params.required(Key::IpPort, parse_dialled_port)?,
            address: params.optional(Key::Port, parse_address)?,
        },
        ("com", None) => KernelLink::Com {
            port: params.optional(Key::Port, ComPort::parse_named)?,
            baud: params.optional(Key::Baud, parse_baud)?,
            timeout: params.optional(Key::Timeout, |text| number(text, "a time in milliseconds"))?,
        },
        ("usb", _) => KernelLink::Usb {
            target_name: params.optional(Key::TargetName, parse_target_name)?,
        },
        ("usb2", _) => KernelLink::Usb2 {
            target_name: params.optional(Key::TargetName, parse_target_name)?,
        },
        ("1394", _) => KernelLink::Firewire {
            channel: params.optional(Key::Channel, |text| number(text, "a channel"))?,
        },
        _ => KernelLink::Gdb {
            server: params.required(Key::Server, Host::parse)?,
            port: params.required(Key::Port, parse_dialled_port)?,
        },
    })
}

/// Four 64-bit numbers in base 36 with dots between them.
fn parse_net_key(text: &str) -> Parsed<Secret> {
    let parts: Vec<&str> = text.split('.').collect();
    let digits = |part: &&str| part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if parts.len() == 4
        && parts
            .iter()
            .all(|part| digits(part) && u64::from_str_radix(part, 36).is_ok())
    {
        return Secret::parse_text(text);
    }
    Err("a key is four groups of up to 13 letters and digits, with dots between them".to_owned())
}

fn parse_pipe_path(text: &str) -> Parsed<String> {
    let start = text.starts_with("\\\\") || text.starts_with('/');
    let wrong = |character: char| character.is_control() || matches!(character, '{' | '}' | ',');
    if start && !text.chars().any(wrong) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "'{}' is not \\\\HOST\\pipe\\NAME or the path of a socket",
        harmless(text)
    ))
}

fn parse_address(text: &str) -> Parsed<IpAddr> {
    bare_address(text)
        .parse()
        .map_err(|_| format!("'{}' is not an IP address", harmless(text)))
}

fn parse_target_name(text: &str) -> Parsed<String> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if !plain || text.is_empty() || text.len() > 24 {
        return Err("a target's name is up to 24 letters, digits, '-' and '_'".to_owned());
    }
    if text.to_ascii_lowercase().contains("debug") {
        return Err("a target's name does not contain 'debug'".to_owned());
    }
    Ok(text.to_owned())
}

impl fmt::Display for KernelConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut show = Show::start(f, "KdSrv")?;
        match &self.server {
            Some(server) => show.braced(Key::Server, server)?,
            None => show.braced(Key::Server, LOCAL)?,
        }
        show.braced(Key::Trans, &self.link)
    }
}

impl fmt::Display for KernelLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KernelLink::Net { port, key, target } => {
                let mut show = Show::start(f, "NET")?;
                show.optional(Key::Port, port.as_ref())?;
                show.optional(Key::Secret, key.as_ref())?;
                show.optional(Key::Target, target.as_ref())
            }
            KernelLink::Com { port, baud, timeout } => {
                let mut show = Show::start(f, "COM")?;
                show.optional(Key::Port, port.as_ref())?;
                show.optional(Key::Baud, baud.as_ref())?;
                show.optional(Key::Timeout, timeout.as_ref())
            }
            KernelLink::ComPipe {
                path,
                resets,
                reconnect,
            } => {
                let mut show = Show::start(f, "COM")?;
                show.flag(Key::Pipe, true)?;
                show.optional(Key::Port, path.as_ref())?;
                show.optional(Key::Resets, resets.as_ref())?;
                show.flag(Key::Reconnect, *reconnect)
            }
            KernelLink::ComModem => Show::start(f, "COM")?.flag(Key::Modem, true),
            KernelLink::ComIp { ip_port, address } => {
                let mut show = Show::start(f, "COM")?;
                show.pair(Key::IpPort, ip_port)?;
                show.optional(Key::Port, address.as_ref())
            }
            KernelLink::Usb { target_name } => Show::start(f, "USB")?.optional(Key::TargetName, target_name.as_ref()),
            KernelLink::Usb2 { target_name } => Show::start(f, "USB2")?.optional(Key::TargetName, target_name.as_ref()),
            KernelLink::Firewire { channel } => Show::start(f, "1394")?.optional(Key::Channel, channel.as_ref()),
            KernelLink::Gdb { server, port } => {
                let mut show = Show::start(f, "GDB")?;
                show.pair(Key::Port, port)?;
                show.pair(Key::Server, server)
            }
        }
    }
}
