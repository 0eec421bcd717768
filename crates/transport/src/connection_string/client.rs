//! The connecting side's strings (specification 3.3).

use std::fmt;
use std::ops::Range;

use zeroize::Zeroizing;

use super::ClientRole;
use super::error::ConnectionStringError;
use super::keys::{Key, Side, User};
use super::lexer::lex;
use super::params::Params;
use super::server::{parse_com, parse_credential, parse_only_ipv6, parse_tls};
use super::show::Show;
use super::values::{BindAddress, ComPort, Credential, Host, PipeName, Ports, Secret, Tls, parse_dialled_port};
use crate::error::ConnectError;

/// How to reach a server: what `-remote`, `-premote` and `dbengprx -c` are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientTransport {
    /// Whom it calls, or for reversed connections by whom it is called.
    pub endpoint: ClientEndpoint,
    /// What the server will want to know.
    pub credential: Option<Credential>,
}

/// Whom a client calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientEndpoint {
    /// `tcp:server=...,port=...`; without `server` this machine, as for the others that have one.
    Tcp {
        /// The server's machine.
        server: Host,
        /// Its port.
        port: u16,
        /// `ipversion=6`: IPv6 only.
        only_ipv6: bool,
    },
    /// `tcp:clicon=...,port=...`: the client listens for its server.
    TcpReverse {
        /// The server's machine.
        server: Host,
        /// The ports to try to listen on, in order.
        ports: Ports,
        /// The addresses to bind; none where the server's machine decides.
        bind: Option<BindAddress>,
        /// `ipversion=6`: IPv6 only.
        only_ipv6: bool,
        /// Accept a server that nothing proves.
        insecure: bool,
    },
    /// `npipe:server=...,pipe=...`
    Pipe {
        /// The server's machine.
        server: Host,
        /// The pipe's name.
        name: PipeName,
    },
    /// `com:port=...`
    Com {
        /// The serial port.
        port: ComPort,
        /// Bits per second.
        baud: u32,
        /// The logical channel, 0 to 254.
        channel: u8,
    },
    /// `ssl:...,server=...,port=...`
    Ssl {
        /// Certificate and pin.
        tls: Tls,
        /// The server's machine.
        server: Host,
        /// Its port.
        port: u16,
    },
    /// `ssl:...,clicon=...,port=...`: the client listens for its server.
    SslReverse {
        /// Certificate and pin.
        tls: Tls,
        /// The server's machine.
        server: Host,
        /// The ports to try to listen on, in order.
        ports: Ports,
        /// The addresses to bind; none where the server's machine decides.
        bind: Option<BindAddress>,
        /// Accept a server that nothing proves.
        insecure: bool,
    },
    /// `spipe:...,server=...,pipe=...`
    SecurePipe {
        /// Certificate and pin.
        tls: Tls,
        /// The server's machine.
        server: Host,
        /// The pipe's name.
        name: PipeName,
    },
    /// `stdio:`: the repeater's own standard input and output.
    Stdio,
    /// `ssh:server=[user@]HOST`: a process server is started over there, through ssh; with `pipe=NAME` whichever has that
    /// pipe there is called.
    Ssh {
        /// Who logs in.
        user: Option<String>,
        /// The machine.
        server: Host,
        /// The port of its ssh server.
        port: Option<u16>,
        /// The pipe of a server that runs over there already.
        pipe: Option<PipeName>,
    },
    /// `gdb:server=...,port=...`: a stub that speaks the GDB remote protocol.
    Gdb {
        /// The stub's machine.
        server: Host,
        /// Its port.
        port: u16,
        /// Whether thread starts and exits are asked for as they happen.
        thread_events: bool,
    },
}

impl ClientTransport {
    /// Parses the string for a role; never asks the machine anything.
    pub fn parse(text: &str, role: ClientRole) -> Result<ClientTransport, ConnectionStringError> {
        ClientTransport::parse_within(text, 0..text.len(), role)
    }

    /// Parses a part of a longer string; errors then point into the longer one.
    pub(super) fn parse_within(
        whole: &str,
        range: Range<usize>,
        role: ClientRole,
    ) -> Result<ClientTransport, ConnectionStringError> {
        let sessions_run_already = role == ClientRole::DebuggingClient;
        let (user, role) = match role {
            ClientRole::DebuggingClient => (User::Other, "a debugging client"),
            ClientRole::SmartClient => (User::SmartClient, "a smart client"),
            ClientRole::Repeater => (User::Repeater, "a repeater"),
            ClientRole::KernelClient => (User::Other, "a client of a kernel connection server"),
        };
        let params = Params::check(lex(whole, range)?, Side::Client, user, role)?;
        Ok(ClientTransport {
            endpoint: parse_endpoint(&params, sessions_run_already)?,
            credential: parse_credential(&params, Secret::parse_clients_key)?,
        })
    }

    /// With its password or key in clear: for the user alone who owns it, never for a log, a list or others.
    pub fn reveal(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{self:#}"))
    }

    /// What it says of TLS.
    pub(crate) fn tls_mut(&mut self) -> Option<&mut Tls> {
        match &mut self.endpoint {
            ClientEndpoint::Ssl { tls, .. }
            | ClientEndpoint::SslReverse { tls, .. }
            | ClientEndpoint::SecurePipe { tls, .. } => Some(tls),
            _ => None,
        }
    }

    /// Refuses, in plain words, what this build does not have yet; [`dial`](crate::dial) calls it.
    pub fn require_supported(&self) -> Result<(), ConnectError> {
        let missing = match &self.endpoint {
            ClientEndpoint::Tcp { .. } | ClientEndpoint::TcpReverse { .. } => None,
            ClientEndpoint::Pipe { .. } | ClientEndpoint::Ssh { .. } => None,
            ClientEndpoint::Com { .. }
            | ClientEndpoint::Ssl { .. }
            | ClientEndpoint::SslReverse { .. }
            | ClientEndpoint::SecurePipe { .. } => None,
            ClientEndpoint::Stdio => Some("standard input and output as a transport (stdio:)"),
            ClientEndpoint::Gdb { .. } => Some("GDB stubs as process servers (gdb:)"),
        };
        missing.map_or(Ok(()), |what| {
            Err(ConnectError::NotInThisBuild {
                what,
                text: self.to_string(),
            })
        })
    }
}

/// `names_server` where nobody can be started for this connection: the server that runs already must be named.
fn parse_endpoint(params: &Params<'_>, names_server: bool) -> Result<ClientEndpoint, ConnectionStringError> {
    let reverse = params.chosen_by() == Some(Key::CliCon);
    let server = || {
        let named = params.optional(Key::Server, Host::parse)?;
        Ok(named.unwrap_or_else(Host::localhost))
    };
    let port = || params.required(Key::Port, parse_dialled_port);
    let pipe = || params.required(Key::Pipe, PipeName::parse);
    Ok(match (params.protocol(), reverse) {
        ("tcp", true) => ClientEndpoint::TcpReverse {
            server: params.required(Key::CliCon, Host::parse)?,
            ports: params.required(Key::Port, Ports::parse)?,
            bind: params.optional(Key::Server, BindAddress::parse)?,
            only_ipv6: parse_only_ipv6(params)?,
            insecure: params.has(Key::Insecure),
        },
        ("tcp", false) => ClientEndpoint::Tcp {
            server: server()?,
            port: port()?,
            only_ipv6: parse_only_ipv6(params)?,
        },
        ("npipe", _) => ClientEndpoint::Pipe {
            server: server()?,
            name: pipe()?,
        },
        ("com", _) => {
            let (port, baud, channel) = parse_com(params)?;
            ClientEndpoint::Com { port, baud, channel }
        }
        ("ssl", true) => ClientEndpoint::SslReverse {
            tls: parse_tls(params)?,
            server: params.required(Key::CliCon, Host::parse)?,
            ports: params.required(Key::Port, Ports::parse)?,
            bind: params.optional(Key::Server, BindAddress::parse)?,
            insecure: params.has(Key::Insecure),
        },
        ("ssl", false) => ClientEndpoint::Ssl {
            tls: parse_tls(params)?,
            server: server()?,
            port: port()?,
        },
        ("spipe", _) => ClientEndpoint::SecurePipe {
            tls: parse_tls(params)?,
            server: server()?,
            name: pipe()?,
        },
        ("ssh", _) => {
            let (user, server) = params.required(Key::Server, parse_login)?;
            if !params.has(Key::Pipe) {
                for key in [Key::Password, Key::Secret] {
                    params.optional(key, not_for_its_own_server)?;
                }
            }
            ClientEndpoint::Ssh {
                user,
                server,
                port: params.optional(Key::Port, parse_dialled_port)?,
                pipe: match names_server {
                    true => Some(pipe()?),
                    false => params.optional(Key::Pipe, PipeName::parse)?,
                },
            }
        }
        ("gdb", _) => {
            let thread_events = params.optional(Key::ThreadEvents, parse_truth)?.unwrap_or(false);
            ClientEndpoint::Gdb {
                server: params.required(Key::Server, Host::parse)?,
                port: port()?,
                thread_events,
            }
        }
        _ => ClientEndpoint::Stdio,
    })
}

/// `[user@]HOST`. A user's name that begins with a dash would reach ssh as an option.
fn parse_login(text: &str) -> Result<(Option<String>, Host), String> {
    let Some((user, host)) = text.split_once('@') else {
        return Ok((None, parse_ssh_host(text)?));
    };
    let plain = |character: char| character.is_alphanumeric() || "._-\\".contains(character);
    if user.is_empty() || user.starts_with('-') || !user.chars().all(plain) {
        return Err("the user before the @ is not a user's name".to_owned());
    }
    Ok((Some(user.to_owned()), parse_ssh_host(host)?))
}

fn not_for_its_own_server(_: &str) -> Result<(), String> {
    Err(
        "a server that ssh starts asks for nothing more; with pipe=NAME this is for the server that has the pipe"
            .to_owned(),
    )
}

fn parse_ssh_host(text: &str) -> Result<Host, String> {
    match text.starts_with('-') {
        true => Err("a machine's name does not begin with a dash".to_owned()),
        false => Host::parse(text),
    }
}

fn parse_truth(text: &str) -> Result<bool, String> {
    if text.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if text.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err("true or false is needed".to_owned())
    }
}

impl fmt::Display for ClientTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut show = match &self.endpoint {
            ClientEndpoint::Tcp {
                server,
                port,
                only_ipv6,
            } => {
                let mut show = Show::start(f, "tcp")?;
                show.pair(Key::Port, port)?;
                show.pair(Key::Server, server)?;
                show.ip_version(*only_ipv6)?;
                show
            }
            ClientEndpoint::TcpReverse {
                server,
                ports,
                bind,
                only_ipv6,
                insecure,
            } => {
                let mut show = Show::start(f, "tcp")?;
                show.pair(Key::Port, ports)?;
                show.pair(Key::CliCon, server)?;
                show.chosen_bind(*bind)?;
                show.ip_version(*only_ipv6)?;
                show.flag(Key::Insecure, *insecure)?;
                show
            }
            ClientEndpoint::Pipe { server, name } => {
                let mut show = Show::start(f, "npipe")?;
                show.pair(Key::Pipe, name)?;
                show.pair(Key::Server, server)?;
                show
            }
            ClientEndpoint::Com { port, baud, channel } => {
                let mut show = Show::start(f, "com")?;
                show.pair(Key::Port, port)?;
                show.pair(Key::Baud, baud)?;
                show.pair(Key::Channel, channel)?;
                show
            }
            ClientEndpoint::Ssl { tls, server, port } => {
                let mut show = Show::start(f, "ssl")?;
                show.tls(tls)?;
                show.pair(Key::Port, port)?;
                show.pair(Key::Server, server)?;
                show
            }
            ClientEndpoint::SslReverse {
                tls,
                server,
                ports,
                bind,
                insecure,
            } => {
                let mut show = Show::start(f, "ssl")?;
                show.tls(tls)?;
                show.pair(Key::Port, ports)?;
                show.pair(Key::CliCon, server)?;
                show.chosen_bind(*bind)?;
                show.flag(Key::Insecure, *insecure)?;
                show
            }
            ClientEndpoint::SecurePipe { tls, server, name } => {
                let mut show = Show::start(f, "spipe")?;
                show.tls(tls)?;
                show.pair(Key::Pipe, name)?;
                show.pair(Key::Server, server)?;
                show
            }
            ClientEndpoint::Stdio => Show::start(f, "stdio")?,
            ClientEndpoint::Ssh {
                user,
                server,
                port,
                pipe,
            } => {
                let mut show = Show::start(f, "ssh")?;
                match user {
                    Some(user) => show.pair(Key::Server, format_args!("{user}@{server}"))?,
                    None => show.pair(Key::Server, server)?,
                }
                show.optional(Key::Port, port.as_ref())?;
                show.optional(Key::Pipe, pipe.as_ref())?;
                show
            }
            ClientEndpoint::Gdb {
                server,
                port,
                thread_events,
            } => {
                let mut show = Show::start(f, "gdb")?;
                show.pair(Key::Port, port)?;
                show.pair(Key::Server, server)?;
                show.optional(Key::ThreadEvents, thread_events.then_some("true"))?;
                show
            }
        };
        show.credential(self.credential.as_ref())
    }
}
