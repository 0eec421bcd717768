//! The listening side's strings (specification 3.2).

use std::fmt;
use std::net::IpAddr;

use farsight_types::AccessRole;
use zeroize::Zeroizing;

use super::client::{ClientEndpoint, ClientTransport};
use super::error::ConnectionStringError;
use super::keys::{Key, Side, User};
use super::lexer::lex;
use super::params::Params;
use super::show::Show;
use super::values::{
    BindAddress, Certificate, CertificateStore, ComPort, Credential, Host, Parsed, PipeTemplate, Ports, Secret,
    Thumbprint, Tls, number, parse_access_role, parse_certificate_name, parse_dialled_port, parse_tls_protocol,
};
use super::{ServerRole, values::PipeName};
use crate::error::ConnectError;

/// How a server is reached: what `-server`, `.server`, `dbgsrv -t`, `kdsrv -t` and `dbengprx -s` are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerTransport {
    /// Where it listens, or for reversed connections whom it calls.
    pub endpoint: ServerEndpoint,
    /// What holds for everybody who comes through it.
    pub options: ServerOptions,
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerEndpoint {
    /// `tcp:port=...`
    Tcp {
        /// The ports to try, in order.
        ports: Ports,
        /// The addresses to bind.
        bind: BindAddress,
        /// `ipversion=6`: IPv6 only.
        only_ipv6: bool,
    },
    /// `tcp:port=...,clicon=...`: the server calls the client.
    TcpReverse {
        /// The port on which the client listens.
        port: u16,
        /// The client's machine.
        client: Host,
        /// `ipversion=6`: IPv6 only.
        only_ipv6: bool,
    },
    /// `npipe:pipe=...`
    Pipe {
        /// The pipe's name, perhaps with codes for process and thread id.
        name: PipeTemplate,
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
    /// `ssl:...`
    Ssl {
        /// Certificate and pin.
        tls: Tls,
        /// The ports to try, in order.
        ports: Ports,
        /// The addresses to bind.
        bind: BindAddress,
    },
    /// `ssl:...,clicon=...`: the server calls the client.
    SslReverse {
        /// Certificate and pin.
        tls: Tls,
        /// The port on which the client listens.
        port: u16,
        /// The client's machine.
        client: Host,
    },
    /// `spipe:...`
    SecurePipe {
        /// Certificate and pin.
        tls: Tls,
        /// The pipe's name, perhaps with codes for process and thread id.
        name: PipeTemplate,
    },
    /// `stdio:`: the server's own standard input and output, one client.
    Stdio,
}

/// What holds for everybody who comes through a server's transport.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerOptions {
    /// Not shown in listings of servers.
    pub hidden: bool,
    /// What clients must know.
    pub credential: Option<Credential>,
    /// What clients may do.
    pub role: Option<AccessRole>,
    /// Accept unknown clients from other machines.
    pub insecure: bool,
    /// `IcfEnable`: open the firewall for it.
    pub open_firewall: bool,
}

impl ServerTransport {
    /// Parses the string for a role; never asks the machine anything.
    pub fn parse(text: &str, role: ServerRole) -> Result<ServerTransport, ConnectionStringError> {
        let (user, role) = match role {
            ServerRole::DebuggingServer => (User::Other, "a debugging server"),
            ServerRole::ProcessServer => (User::Other, "a process server"),
            ServerRole::KernelConnectionServer => (User::Other, "a kernel connection server"),
            ServerRole::Repeater => (User::Repeater, "a repeater"),
        };
        let params = Params::check(lex(text, 0..text.len())?, Side::Server, user, role)?;
        let endpoint = parse_endpoint(&params)?;
        let options = ServerOptions {
            hidden: params.has(Key::Hidden),
            credential: parse_credential(&params, Secret::parse_key)?,
            role: params.optional(Key::Role, parse_access_role)?,
            insecure: params.has(Key::Insecure),
            open_firewall: params.has(Key::IcfEnable),
        };
        Ok(ServerTransport { endpoint, options })
    }

    /// With its password or key in clear: for the user alone who owns it, never for a log, a list or others.
    pub fn reveal(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{self:#}"))
    }

    /// Refuses, in plain words, what this build does not have yet; [`Listener::bind`](crate::Listener::bind) calls it.
    pub fn require_supported(&self) -> Result<(), ConnectError> {
        let missing = match &self.endpoint {
            ServerEndpoint::Tcp { .. } | ServerEndpoint::TcpReverse { .. } => None,
            ServerEndpoint::Pipe { .. } | ServerEndpoint::Stdio => None,
            // Whether this build has TLS is said where it is begun.
            ServerEndpoint::Com { .. }
            | ServerEndpoint::Ssl { .. }
            | ServerEndpoint::SslReverse { .. }
            | ServerEndpoint::SecurePipe { .. } => None,
        };
        let tcp = matches!(self.endpoint, ServerEndpoint::Tcp { .. });
        // A pipe passes no firewall, so there the flag asks for nothing.
        let missing =
            missing.or((tcp && self.options.open_firewall).then_some("opening of firewall ports (IcfEnable)"));
        missing.map_or(Ok(()), |what| {
            Err(ConnectError::NotInThisBuild {
                what,
                text: self.to_string(),
            })
        })
    }

    /// The string for a client of a server that is bound (one port, no codes left), as `N: -remote ...` lists print it.
    ///
    /// `machine` is what other machines call this one; a server that only this machine reaches says `localhost`.
    /// `None` for `stdio:`, which has no address, and for port 0, which no client can call.
    pub fn client_transport(&self, machine: &Host) -> Option<ClientTransport> {
        let reachable_as = |bind: BindAddress| match bind {
            BindAddress::Loopback => Host::localhost(),
            BindAddress::Address(address) if !address.is_unspecified() => {
                Host::new(&address.to_string()).unwrap_or_else(Host::localhost)
            }
            BindAddress::All | BindAddress::Address(_) => machine.clone(),
        };
        let endpoint = match &self.endpoint {
            ServerEndpoint::Tcp { ports, bind, only_ipv6 } => ClientEndpoint::Tcp {
                server: reachable_as(*bind),
                port: ports.first(),
                only_ipv6: *only_ipv6,
            },
            ServerEndpoint::TcpReverse { port, only_ipv6, .. } => ClientEndpoint::TcpReverse {
                server: machine.clone(),
                ports: Ports::single(*port),
                bind: None,
                only_ipv6: *only_ipv6,
                insecure: self.options.insecure,
            },
            ServerEndpoint::Pipe { name } => ClientEndpoint::Pipe {
                server: Host::localhost(),
                name: name.expand(0, 0),
            },
            ServerEndpoint::Com { port, baud, channel } => ClientEndpoint::Com {
                port: port.clone(),
                baud: *baud,
                channel: *channel,
            },
            ServerEndpoint::Ssl { tls, ports, bind } => ClientEndpoint::Ssl {
                tls: tls.clone(),
                server: reachable_as(*bind),
                port: ports.first(),
            },
            ServerEndpoint::SslReverse { tls, port, .. } => ClientEndpoint::SslReverse {
                tls: tls.clone(),
                server: machine.clone(),
                ports: Ports::single(*port),
                bind: None,
                insecure: self.options.insecure,
            },
            ServerEndpoint::SecurePipe { tls, name } => ClientEndpoint::SecurePipe {
                tls: tls.clone(),
                server: Host::localhost(),
                name: name.expand(0, 0),
            },
            ServerEndpoint::Stdio => return None,
        };
        if let ClientEndpoint::Tcp { port: 0, .. } | ClientEndpoint::Ssl { port: 0, .. } = endpoint {
            return None;
        }
        Some(ClientTransport {
            endpoint,
            credential: self.options.credential.clone(),
        })
    }

    /// What clients that it calls (`clicon=`) name this machine; none for a server that listens.
    pub fn calls_as(&self) -> Option<Host> {
        let (ServerEndpoint::TcpReverse { client, .. } | ServerEndpoint::SslReverse { client, .. }) = &self.endpoint
        else {
            return None;
        };
        Some(match client.is_loopback() {
            true => Host::localhost(),
            false => Host::this_machine(),
        })
    }

    /// What of it a client on the same machine gives to come here: not whom it listens to, who sees it and what its clients
    /// may do.
    pub fn for_clients_here(&self) -> ServerTransport {
        let mut short = self.clone();
        short.options = ServerOptions {
            credential: self.options.credential.clone(),
            ..ServerOptions::default()
        };
        if let ServerEndpoint::Tcp { bind, .. } | ServerEndpoint::Ssl { bind, .. } = &mut short.endpoint
            && !matches!(bind, BindAddress::Address(address) if !address.is_unspecified())
        {
            *bind = BindAddress::Loopback;
        }
        short
    }

    /// What it says of TLS.
    pub(crate) fn tls_mut(&mut self) -> Option<&mut Tls> {
        match &mut self.endpoint {
            ServerEndpoint::Ssl { tls, .. }
            | ServerEndpoint::SslReverse { tls, .. }
            | ServerEndpoint::SecurePipe { tls, .. } => Some(tls),
            _ => None,
        }
    }

    /// The same without the certificate that its clients must show, which is of no use to anybody else.
    pub(crate) fn without_pin(mut self) -> ServerTransport {
        if let Some(tls) = self.tls_mut() {
            tls.pin = None;
        }
        self
    }

    /// The same transport with the port that was found free.
    pub(crate) fn with_port(&self, port: u16) -> ServerTransport {
        let mut bound = self.clone();
        if let ServerEndpoint::Tcp { ports, .. } | ServerEndpoint::Ssl { ports, .. } = &mut bound.endpoint {
            *ports = Ports::single(port);
        }
        bound
    }

    /// The same bound transport with the end of the range that its port was taken from.
    pub(crate) fn with_range(&self, asked: Ports) -> ServerTransport {
        let mut listed = self.clone();
        if let ServerEndpoint::Tcp { ports, .. } | ServerEndpoint::Ssl { ports, .. } = &mut listed.endpoint {
            *ports = asked.from(ports.first());
        }
        listed
    }

    /// The same transport with the pipe's final name.
    pub(crate) fn with_pipe(&self, pipe: &PipeName) -> ServerTransport {
        let mut bound = self.clone();
        if let ServerEndpoint::Pipe { name } | ServerEndpoint::SecurePipe { name, .. } = &mut bound.endpoint {
            *name = PipeTemplate::exactly(pipe);
        }
        bound
    }
}

fn parse_endpoint(params: &Params<'_>) -> Result<ServerEndpoint, ConnectionStringError> {
    let reverse = params.chosen_by() == Some(Key::CliCon);
    Ok(match (params.protocol(), reverse) {
        ("tcp", true) => ServerEndpoint::TcpReverse {
            port: params.required(Key::Port, parse_dialled_port)?,
            client: params.required(Key::CliCon, Host::parse)?,
            only_ipv6: parse_only_ipv6(params)?,
        },
        ("tcp", false) => {
            let bind = parse_bind(params)?;
            let only_ipv6 = parse_only_ipv6(params)?;
            if only_ipv6 && matches!(bind, BindAddress::Address(IpAddr::V4(_))) {
                return Err(params.bad_value(Key::Server, "an IPv4 address does not go together with ipversion=6"));
            }
            ServerEndpoint::Tcp {
                ports: params.required(Key::Port, Ports::parse)?,
                bind,
                only_ipv6,
            }
        }
        ("npipe", _) => ServerEndpoint::Pipe {
            name: params.required(Key::Pipe, PipeTemplate::parse)?,
        },
        ("com", _) => {
            let (port, baud, channel) = parse_com(params)?;
            ServerEndpoint::Com { port, baud, channel }
        }
        ("ssl", true) => ServerEndpoint::SslReverse {
            tls: parse_tls(params)?,
            port: params.required(Key::Port, parse_dialled_port)?,
            client: params.required(Key::CliCon, Host::parse)?,
        },
        ("ssl", false) => ServerEndpoint::Ssl {
            tls: parse_tls(params)?,
            ports: params.required(Key::Port, Ports::parse)?,
            bind: parse_bind(params)?,
        },
        ("spipe", _) => ServerEndpoint::SecurePipe {
            tls: parse_tls(params)?,
            name: params.required(Key::Pipe, PipeTemplate::parse)?,
        },
        _ => ServerEndpoint::Stdio,
    })
}

fn parse_bind(params: &Params<'_>) -> Result<BindAddress, ConnectionStringError> {
    Ok(params.optional(Key::Server, BindAddress::parse)?.unwrap_or_default())
}

pub(super) fn parse_only_ipv6(params: &Params<'_>) -> Result<bool, ConnectionStringError> {
    let check = |text: &str| match text {
        "6" => Ok(()),
        _ => Err("only ipversion=6 can be asked for; without it both versions are used".to_owned()),
    };
    Ok(params.optional(Key::IpVersion, check)?.is_some())
}

pub(super) fn parse_com(params: &Params<'_>) -> Result<(ComPort, u32, u8), ConnectionStringError> {
    let channel = |text: &str| match number::<u8>(text, "a channel from 0 to 254")? {
        255 => Err("'255' is not a channel from 0 to 254".to_owned()),
        channel => Ok(channel),
    };
    let port = params.required(Key::Port, ComPort::parse)?;
    let baud = params.required(Key::Baud, parse_baud)?;
    Ok((port, baud, params.required(Key::Channel, channel)?))
}

pub(super) fn parse_baud(text: &str) -> Result<u32, String> {
    match number::<u32>(text, "a baud rate such as 115200")? {
        0 => Err("'0' is not a baud rate such as 115200".to_owned()),
        baud => Ok(baud),
    }
}

pub(super) fn parse_tls(params: &Params<'_>) -> Result<Tls, ConnectionStringError> {
    params.optional(Key::Proto, parse_tls_protocol)?;
    let user = params.optional(Key::CertUser, parse_certificate_name)?;
    let machine = params.optional(Key::MachUser, parse_certificate_name)?;
    let certificate = match (user, machine) {
        (Some(name), _) => Some(Certificate {
            store: CertificateStore::User,
            name,
        }),
        (None, Some(name)) => Some(Certificate {
            store: CertificateStore::Machine,
            name,
        }),
        (None, None) => None,
    };
    Ok(Tls {
        certificate,
        pin: params.optional(Key::Pin, Thumbprint::parse)?,
    })
}

pub(super) fn parse_credential(
    params: &Params<'_>,
    parse_key: fn(&str) -> Parsed<Secret>,
) -> Result<Option<Credential>, ConnectionStringError> {
    params.exclusive(Key::Secret, Key::Password)?;
    let password = params.optional(Key::Password, Secret::parse_password)?;
    let key = params.optional(Key::Secret, parse_key)?;
    Ok(password.map(Credential::Password).or(key.map(Credential::Key)))
}

impl fmt::Display for ServerTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut show = match &self.endpoint {
            ServerEndpoint::Tcp { ports, bind, only_ipv6 } => {
                let mut show = Show::start(f, "tcp")?;
                show.pair(Key::Port, ports)?;
                show.bind(*bind)?;
                show.ip_version(*only_ipv6)?;
                show
            }
            ServerEndpoint::TcpReverse {
                port,
                client,
                only_ipv6,
            } => {
                let mut show = Show::start(f, "tcp")?;
                show.pair(Key::Port, port)?;
                show.pair(Key::CliCon, client)?;
                show.ip_version(*only_ipv6)?;
                show
            }
            ServerEndpoint::Pipe { name } => {
                let mut show = Show::start(f, "npipe")?;
                show.pair(Key::Pipe, name)?;
                show
            }
            ServerEndpoint::Com { port, baud, channel } => {
                let mut show = Show::start(f, "com")?;
                show.pair(Key::Port, port)?;
                show.pair(Key::Baud, baud)?;
                show.pair(Key::Channel, channel)?;
                show
            }
            ServerEndpoint::Ssl { tls, ports, bind } => {
                let mut show = Show::start(f, "ssl")?;
                show.tls(tls)?;
                show.pair(Key::Port, ports)?;
                show.bind(*bind)?;
                show
            }
            ServerEndpoint::SslReverse { tls, port, client } => {
                let mut show = Show::start(f, "ssl")?;
                show.tls(tls)?;
                show.pair(Key::Port, port)?;
                show.pair(Key::CliCon, client)?;
                show
            }
            ServerEndpoint::SecurePipe { tls, name } => {
                let mut show = Show::start(f, "spipe")?;
                show.tls(tls)?;
                show.pair(Key::Pipe, name)?;
                show
            }
            ServerEndpoint::Stdio => Show::start(f, "stdio")?,
        };
        let ServerOptions {
            hidden,
            credential,
            role,
            insecure,
            open_firewall,
        } = &self.options;
        show.flag(Key::Hidden, *hidden)?;
        show.credential(credential.as_ref())?;
        show.optional(Key::Role, role.as_ref())?;
        show.flag(Key::IcfEnable, *open_firewall)?;
        show.flag(Key::Insecure, *insecure)
    }
}
