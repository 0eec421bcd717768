//! The command line of `dbengprx`.

use std::net::{IpAddr, SocketAddr};

use farsight_transport::{
    ClientEndpoint, ClientRole, ClientTransport, ConnectError, Listener, ServerEndpoint, ServerRole, ServerTransport,
};

/// What `-?` prints.
pub const USAGE: &str = "\
dbengprx: the farsight repeater. It stands between a server and its clients where they cannot reach each other, and
passes their bytes on, untouched; passwords and keys are between server and client, and so is what they encrypt.

usage: dbengprx [-p] -c CLIENT-TRANSPORT -s SERVER-TRANSPORT
       dbengprx -version | -?

  -c TRANSPORT   how it reaches the server, as behind -remote or -premote:
                   tcp:server=HOST,port=PORT     npipe:pipe=NAME     com:port=...,baud=...,channel=...
                   ssh:server=[USER@]HOST        start one there for each client
                   tcp:clicon=HOST,port=PORT     wait for the server there to call (its clicon= names this machine)
  -s TRANSPORT   how clients reach it, as behind -server or dbgsrv -t:
                   tcp:port=PORT[,server=ADDRESS][,insecure]     npipe:pipe=NAME     com:port=...,baud=...,channel=...
                   tcp:clicon=HOST,port=PORT     call the client there, which waits for it
  -p             go on when all connections have ended

The two may be of different kinds, but not the same serial port. A repeater is never listed. It prints the line that
clients paste, then works silently; it may be started before its server. Clients that come before the server listens
are sent away: their connection closes. Those that come before a server that calls are kept waiting.

Without -p it ends when the last connection of a session has. Clients that the server refuses, and connections that
never were one of its clients, do not end it. A server that calls, or a client that is called, comes once: with -p others
may come after it, without -p start the repeater again.

It checks nobody and lets through whom its server lets in. So 'insecure' is what it takes to listen beyond this machine,
or to take or make reversed calls beyond it: use it where the server behind asks for a password= or key=.
";

/// What to do.
#[derive(Debug)]
pub enum Invocation {
    /// Repeat.
    Repeat(Box<Hops>),
    /// Print the usage.
    Help,
    /// Print the release.
    Version,
}

/// The two sides of a repeater. Neither holds a secret: those are between server and client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hops {
    /// How it reaches the server (`-c`).
    pub server: ClientTransport,
    /// How clients reach it (`-s`).
    pub clients: ServerTransport,
    /// It goes on when all connections have ended (`-p`).
    pub persists: bool,
}

/// Reads the arguments behind the program's name. The error is a text for the user.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Invocation, String> {
    let mut arguments = arguments.into_iter();
    let (mut server, mut clients, mut persists) = (None, None, false);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "-?" | "-h" | "-help" | "--help" => return Ok(Invocation::Help),
            "-version" | "--version" => return Ok(Invocation::Version),
            "-p" => persists = true,
            "-c" => {
                let text = arguments
                    .next()
                    .ok_or("-c wants the server's transport, such as tcp:server=box17,port=5005")?;
                let mut parsed = ClientTransport::parse(&text, ClientRole::Repeater)
                    .map_err(|error| format!("{error}\n{}", error.caret()))?;
                // It is accepted, as DbgEng does, and none of the repeater's business.
                parsed.credential = None;
                if server.replace(parsed).is_some() {
                    return Err("-c was given twice; a repeater has one server".into());
                }
            }
            "-s" => {
                let text = arguments
                    .next()
                    .ok_or("-s wants the transport for clients, such as tcp:port=5006")?;
                let mut parsed = ServerTransport::parse(&text, ServerRole::Repeater)
                    .map_err(|error| format!("{error}\n{}", error.caret()))?;
                parsed.options.credential = None;
                if clients.replace(parsed).is_some() {
                    return Err("-s was given twice; start a second repeater for a second transport".into());
                }
            }
            other => return Err(format!("unknown option '{other}'; dbengprx -? shows the options")),
        }
    }
    let server = server.ok_or("no server; for example: dbengprx -c tcp:server=box17,port=5005 -s tcp:port=5006")?;
    let clients = clients.ok_or("no transport for clients: give one with -s, such as -s tcp:port=5006")?;
    if let (ClientEndpoint::Com { port: to, .. }, ServerEndpoint::Com { port: from, .. }) =
        (&server.endpoint, &clients.endpoint)
        && to.is_same_as(from)
    {
        return Err(format!(
            "-c and -s are both the serial port {to}; the two sides of a repeater take two ports"
        ));
    }
    Ok(Invocation::Repeat(Box::new(Hops {
        server,
        clients,
        persists,
    })))
}

/// Why a repeater could not be bound, in words for its user.
pub fn explain(error: &ConnectError) -> String {
    match error {
        ConnectError::Unprotected { text }
        | ConnectError::UnprotectedCall { text }
        | ConnectError::Unproven { text } => format!(
            "'{text}' reaches beyond this machine, and a repeater cannot check who comes: see to it that the server behind it \
             asks for a password= or key=, and then add 'insecure' here"
        ),
        error => error.to_string(),
    }
}

/// Whether the server that would be called is this listener.
pub(super) fn leads_back(server: &ClientTransport, listener: &Listener) -> bool {
    match (&server.endpoint, &listener.transport().endpoint) {
        (ClientEndpoint::Tcp { server, port, .. }, ServerEndpoint::Tcp { ports, .. }) => {
            let named = server.as_str().parse::<IpAddr>();
            let is_named = |bound: SocketAddr| match named {
                Ok(named) => bound.ip() == named || (bound.ip().is_unspecified() && named.is_loopback()),
                Err(_) => server.is_loopback(),
            };
            *port == ports.first() && listener.local_addresses().into_iter().any(is_named)
        }
        (ClientEndpoint::Pipe { name, .. }, ServerEndpoint::Pipe { name: bound }) => bound.expand(0, 0) == *name,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(line: &str) -> Result<Invocation, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn both_hops_are_wanted_once_and_hold_no_secret() {
        for (line, expected) in [
            ("", "no server"),
            ("-c tcp:server=a,port=1", "no transport for clients"),
            ("-s tcp:port=1", "no server"),
            ("-c", "-c wants"),
            ("-s", "-s wants"),
            ("-c tcp:server=a,port=1 -c tcp:server=b,port=1", "twice"),
            ("-s tcp:port=1 -s tcp:port=2", "twice"),
            ("-x", "'-x'"),
            ("-c ssl:server=a,port=1,pin=1 -s tcp:port=1", "a repeater"),
            ("-c tcp:server=a,port=1 -s tcp:port=1,role=observer", "repeater"),
            (
                "-c com:port=2,baud=9600,channel=1 -s com:port=/dev/ttyS1,baud=9600,channel=2",
                "serial port",
            ),
            (
                "-c com:port=2,baud=9600,channel=1 -s com:port=COM2,baud=115200,channel=2",
                "serial port",
            ),
        ] {
            let why = parse_words(line).unwrap_err();
            assert!(why.contains(expected), "{line}: {why}");
        }
        let given = parse_words("-p -c tcp:server=a,port=1,password=x -s npipe:pipe=b,password=x,hidden").unwrap();
        let Invocation::Repeat(hops) = given else {
            panic!("{given:?}")
        };
        assert!(hops.persists && hops.server.credential.is_none() && hops.clients.options.credential.is_none());
        assert!(matches!(parse_words("-?"), Ok(Invocation::Help)));
    }

    #[test]
    fn a_repeater_that_would_call_itself_is_known() {
        let listener =
            |text: &str| Listener::bind(&ServerTransport::parse(text, ServerRole::Repeater).unwrap()).unwrap();
        let tcp = listener("tcp:port=0");
        let port = tcp.local_addresses()[0].port();
        let leads = |text: &str| leads_back(&ClientTransport::parse(text, ClientRole::Repeater).unwrap(), &tcp);
        assert!(leads(&format!("tcp:server=localhost,port={port}")));
        assert!(leads(&format!("tcp:server=127.0.0.1,port={port}")));
        assert!(!leads(&format!("tcp:server=127.0.0.2,port={port}")));
        assert!(!leads(&format!("tcp:server=box17,port={port}")));
        assert!(!leads(&format!("tcp:server=localhost,port={}", port ^ 1)));
    }
}
