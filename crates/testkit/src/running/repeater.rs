//! The repeater as a process of its own.

use std::net::SocketAddr;
use std::process::{Command, ExitStatus, Stdio};

use super::Owned;
use crate::{Deadline, Output, proc, programs};

/// A running `dbengprx`, killed at the end of the test.
#[derive(Debug)]
pub struct Repeater {
    child: Owned,
    output: Output,
    greeting: String,
}

impl Repeater {
    /// Starts one between a server and its clients (`-c`, `-s`) and waits until it listens.
    pub fn start(server: &str, clients: &str) -> Repeater {
        Repeater::start_with(&["-c", server, "-s", clients])
    }

    /// As [`Repeater::start`], for one that goes on when all connections have ended.
    pub fn start_persistent(server: &str, clients: &str) -> Repeater {
        Repeater::start_with(&["-p", "-c", server, "-s", clients])
    }

    /// Starts one with these arguments and waits for its line.
    pub fn start_with(arguments: &[&str]) -> Repeater {
        let mut command = Command::new(programs::dbengprx());
        command.args(arguments);
        Repeater::spawn(command)
    }

    /// Starts a prepared command, for tests that change the environment, and waits as the others do.
    pub fn spawn(mut command: Command) -> Repeater {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("dbengprx");
        let (first, second) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let mut output = Output::of_both("dbengprx", first, second);
        output.expect("Repeater started.", Deadline::usual());
        let greeting = output.line(Deadline::usual()).expect("the rest of the line");
        Repeater {
            child: Owned(child),
            output,
            greeting,
        }
    }

    /// A pipe whose name no other test uses, for clients.
    pub fn new_pipe() -> String {
        format!("npipe:pipe={}", super::scratch::unique("farsight-test"))
    }

    /// What it says of itself.
    pub fn greeting(&self) -> &str {
        self.greeting.trim()
    }

    /// What to put behind `-remote` or `-premote`.
    pub fn connection(&self) -> &str {
        let string = self.greeting.rsplit_once("-premote: ").expect("what clients paste").1;
        string.trim()
    }

    /// Where clients reach it, for one that listens on tcp.
    pub fn address(&self) -> SocketAddr {
        super::dbgsrv::address(self.connection())
    }

    /// The port that its server calls, for one that waits for that.
    pub fn called_port(&self) -> &str {
        let (_, rest) = self.greeting.split_once("calls port ").expect("a port that is called");
        rest.split_once('.').expect("the end of a number").0
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Whether it runs.
    pub fn runs(&mut self) -> bool {
        self.child.0.try_wait().expect("waiting for a child").is_none()
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        proc::signal(self.pid(), "TERM");
    }

    /// Sends SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill();
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(&mut self, deadline: Deadline) -> ExitStatus {
        let status = self.child.wait(deadline);
        status.unwrap_or_else(|| panic!("dbengprx did not end; it wrote:\n{}", self.output.text()))
    }

    /// What it wrote behind its line.
    pub fn output(&mut self) -> &mut Output {
        &mut self.output
    }
}
