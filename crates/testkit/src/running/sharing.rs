//! A debugger that is a debugging server, as a process of its own.

use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::process::Command;

use farsight_transport::{ClientRole, ClientTransport};

use super::way::{Between, Way};
use super::{Console, scratch};
use crate::{Deadline, RawClient, programs, wait_until};

/// A running `farsight -server`; its console is driven through pipes.
#[derive(Debug)]
pub struct DebuggingServer {
    console: Console,
    connection: String,
    /// What stands between it and its clients.
    between: Option<Between>,
}

impl DebuggingServer {
    /// Starts one on a free port of the loopback interface, with these arguments behind, and waits until it listens.
    pub fn start<A: AsRef<OsStr>>(rest: impl IntoIterator<Item = A>) -> DebuggingServer {
        DebuggingServer::start_at("tcp:port=0", rest)
    }

    /// Starts one that is reached in some way.
    pub fn start_by<A: AsRef<OsStr>>(way: Way, rest: impl IntoIterator<Item = A>) -> DebuggingServer {
        let (mut server, connection, between) = way.serve(|transport| {
            let server = DebuggingServer::start_at(transport, rest);
            let printed = server.connection.clone();
            (server, printed)
        });
        server.connection = connection;
        server.between = Some(between);
        server
    }

    /// Starts one on a pipe whose name no other test uses.
    pub fn start_on_pipe<A: AsRef<OsStr>>(rest: impl IntoIterator<Item = A>) -> DebuggingServer {
        let pipe = format!("npipe:pipe={}", scratch::unique("farsight-test"));
        DebuggingServer::start_at(&pipe, rest)
    }

    /// Starts one that writes nothing (`-noio`, which must be among the arguments), on a pipe of its own, and waits until
    /// clients can connect.
    pub fn start_silent<A: AsRef<OsStr>>(rest: impl IntoIterator<Item = A>) -> DebuggingServer {
        let pipe = scratch::unique("farsight-test");
        let console = Console::spawn(DebuggingServer::command(&format!("npipe:pipe={pipe}"), rest));
        let connection = format!("npipe:server=localhost,pipe={pipe}");
        let transport = ClientTransport::parse(&connection, ClientRole::DebuggingClient).expect("a connection string");
        wait_until("it listens", Deadline::usual(), || {
            farsight_transport::dial(&transport, Deadline::usual().left()).is_ok()
        });
        DebuggingServer {
            console,
            connection,
            between: None,
        }
    }

    /// Starts one that listens there.
    pub fn start_at<A: AsRef<OsStr>>(transport: &str, rest: impl IntoIterator<Item = A>) -> DebuggingServer {
        let mut console = Console::spawn(DebuggingServer::command(transport, rest));
        let connection = DebuggingServer::told(&mut console);
        DebuggingServer {
            console,
            connection,
            between: None,
        }
    }

    fn command<A: AsRef<OsStr>>(transport: &str, rest: impl IntoIterator<Item = A>) -> Command {
        let rest = rest.into_iter().map(|argument| argument.as_ref().to_owned());
        let first = ["-server", transport].map(OsString::from);
        let mut command = Command::new(programs::farsight());
        command.args(first.into_iter().chain(rest)).env("USER", "host");
        command
    }

    /// The next command line that a server tells its users: what is behind its `-remote`.
    pub fn told(console: &mut Console) -> String {
        console.expect("-remote ");
        let line = console.output().line(Deadline::usual()).expect("the rest of the line");
        line.trim().to_owned()
    }

    /// What to put behind `-remote`.
    pub fn connection(&self) -> &str {
        &self.connection
    }

    /// Where it listens, for a server on tcp.
    pub fn address(&self) -> SocketAddr {
        super::dbgsrv::address(&self.connection)
    }

    /// The server's own console.
    pub fn console(&mut self) -> &mut Console {
        &mut self.console
    }

    /// Gives the console away, and with it what stands between it and clients.
    pub fn into_console(self) -> Console {
        let mut console = self.console;
        console.between = self.between;
        console
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.console.pid()
    }

    /// Starts a debugging client of that name: `farsight -remote`.
    pub fn client(&self, name: &str) -> Console {
        DebuggingServer::client_of(&self.connection, name)
    }

    /// Starts a debugging client of that name at any server.
    pub fn client_of(connection: &str, name: &str) -> Console {
        DebuggingServer::client_with(connection, name, &[])
    }

    /// Starts a debugging client of that name at any server, with options.
    pub fn client_with(connection: &str, name: &str, options: &[&str]) -> Console {
        let mut command = Command::new(programs::farsight());
        command.args(["-remote", connection]).args(options).env("USER", name);
        Console::spawn(command)
    }

    /// Joins the session with a client that has no console.
    #[track_caller]
    pub fn join(&self, name: &str) -> RawClient {
        RawClient::join(&self.connection, name)
    }
}
