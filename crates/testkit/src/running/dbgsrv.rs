//! The process server as a process of its own.

use std::net::{SocketAddr, ToSocketAddrs};
use std::process::{Command, ExitStatus, Stdio};

use super::Owned;
use super::way::{Between, Way};
use crate::{Deadline, Output, PortClient, Session, port_client, proc, programs};

/// A running `dbgsrv`. It and its session processes are killed at the end of the test.
#[derive(Debug)]
pub struct DbgSrv {
    child: Owned,
    output: Output,
    connection: String,
    /// What stands between it and its clients.
    between: Option<Between>,
}

impl DbgSrv {
    /// Starts a server on a free port of the loopback interface and waits until it listens.
    pub fn start() -> DbgSrv {
        DbgSrv::start_with(&["-t", "tcp:port=0"])
    }

    /// Starts a server that is reached in some way.
    pub fn start_by(way: Way) -> DbgSrv {
        let program = match way.is_tls() {
            true => programs::dbgsrv_tls(),
            false => programs::dbgsrv(),
        };
        let (mut server, connection, between) = way.serve(|transport| {
            let mut command = Command::new(program);
            command.args(["-t", transport]);
            let server = DbgSrv::spawn(command);
            let printed = server.connection.clone();
            (server, printed)
        });
        server.connection = connection;
        server.between = Some(between);
        server
    }

    /// Starts a server on a pipe whose name no other test uses.
    pub fn start_on_pipe() -> DbgSrv {
        let name = super::scratch::unique("farsight-test");
        DbgSrv::start_with(&["-t", &format!("npipe:pipe={name}")])
    }

    /// Starts a server with these arguments and waits for the line that tells how to connect.
    pub fn start_with(arguments: &[&str]) -> DbgSrv {
        let mut command = Command::new(programs::dbgsrv());
        command.args(arguments);
        DbgSrv::spawn(command)
    }

    /// Starts a prepared command, for tests that change the environment or the user, and waits as the others do.
    pub fn spawn(mut command: Command) -> DbgSrv {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("dbgsrv");
        let (first, second) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let mut output = Output::of_both("dbgsrv", first, second);
        output.expect("-premote ", Deadline::usual());
        let connection = output
            .line(Deadline::usual())
            .expect("the rest of the line")
            .trim()
            .to_owned();
        DbgSrv {
            child: Owned(child),
            output,
            connection,
            between: None,
        }
    }

    /// What to put behind `-premote`.
    pub fn connection(&self) -> &str {
        &self.connection
    }

    /// Where it listens, for a server on tcp.
    pub fn address(&self) -> SocketAddr {
        address(&self.connection)
    }

    /// The value of a key in the connection string.
    pub fn value(&self, key: &str) -> Option<&str> {
        value(&self.connection, key)
    }

    /// The listener's process id.
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Process ids of the session processes.
    pub fn sessions(&self) -> Vec<u32> {
        proc::children(self.pid())
    }

    /// Opens a session.
    pub fn connect(&self) -> Session {
        Session::new(PortClient::open(port_client::dial(self.connection())))
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        proc::signal(self.pid(), "TERM");
    }

    /// Sends SIGKILL to the listener.
    pub fn kill(&mut self) {
        self.child.kill();
    }

    /// Waits for the listener's end.
    #[track_caller]
    pub fn wait(&mut self, deadline: Deadline) -> ExitStatus {
        let status = self.child.wait(deadline);
        status.unwrap_or_else(|| panic!("dbgsrv did not end; it wrote:\n{}", self.output.text()))
    }

    /// What it wrote.
    pub fn output(&mut self) -> &mut Output {
        &mut self.output
    }
}

/// Where a server on tcp listens.
#[track_caller]
pub(super) fn address(connection: &str) -> SocketAddr {
    let port = value(connection, "port").and_then(|text| text.parse::<u16>().ok());
    let port = port.unwrap_or_else(|| panic!("no port in {connection}"));
    let server = value(connection, "server").unwrap_or("localhost");
    let addresses = (server, port).to_socket_addrs();
    let mut addresses = addresses.unwrap_or_else(|error| panic!("{server}: {error}"));
    let address = addresses.find(SocketAddr::is_ipv4);
    address.unwrap_or_else(|| panic!("no IPv4 address in {connection}"))
}

/// The value of a key in a connection string.
fn value<'a>(connection: &'a str, key: &str) -> Option<&'a str> {
    let (_, parameters) = connection.split_once(':')?;
    parameters
        .split(',')
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.eq_ignore_ascii_case(key))
        .map(|(_, value)| value)
}
