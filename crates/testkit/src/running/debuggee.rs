//! A program to be debugged, started by the test itself.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};

use farsight_types::{Address, OsPid};

use super::Owned;
use crate::{Deadline, Output, programs};

/// A running debuggee. It has written its `ready` line; it is killed at the end of the test.
#[derive(Debug)]
pub struct Debuggee {
    child: Owned,
    path: PathBuf,
    input: Option<ChildStdin>,
    output: Output,
    addresses: HashMap<String, Address>,
}

impl Debuggee {
    /// Starts one of `debuggees/` and waits until it is ready.
    pub fn start(name: &str, arguments: &[&str]) -> Debuggee {
        Debuggee::start_program(&programs::debuggee(name), arguments)
    }

    /// Starts a program that writes `ready PID` as its first line.
    pub fn start_program(path: &Path, arguments: &[&str]) -> Debuggee {
        let mut debuggee = Debuggee::start_silent(path, arguments);
        let line = debuggee.output.line(Deadline::usual()).unwrap_or_default();
        assert_eq!(
            line,
            format!("ready {}", debuggee.pid().0),
            "{} did not get ready",
            path.display()
        );
        debuggee
    }

    /// Starts a program that says nothing about being ready.
    pub fn start_silent(path: &Path, arguments: &[&str]) -> Debuggee {
        let mut child = Command::new(path)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let streams = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Debuggee {
            input: child.stdin.take(),
            output: Output::of_both(&path.display().to_string(), streams.0, streams.1),
            child: Owned(child),
            path: path.to_owned(),
            addresses: HashMap::new(),
        }
    }

    /// Its process id.
    pub fn pid(&self) -> OsPid {
        OsPid(self.child.pid())
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// An address that it told in a line `address NAME 0xADDRESS`.
    ///
    /// # Panics
    /// When it tells none of that name.
    #[track_caller]
    pub fn address(&mut self, name: &str) -> Address {
        while !self.addresses.contains_key(name) {
            let line = self
                .output
                .line(Deadline::usual())
                .unwrap_or_else(|| panic!("no line `address {name}`"));
            let mut words = line.split(' ');
            if words.next() == Some("address") {
                let (name, number) = (words.next().unwrap(), words.next().unwrap());
                self.addresses.insert(name.into(), parse_address(number));
            }
        }
        self.addresses[name]
    }

    /// A number that it keeps at an address which it told.
    #[track_caller]
    pub fn number(&mut self, name: &str) -> u64 {
        let address = self.address(name);
        crate::proc::read_u64(self.pid().0, address)
    }

    /// Its output.
    pub fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    /// Writes a line to its standard input.
    pub fn send(&mut self, line: &str) {
        let input = self.input.as_mut().expect("an open standard input");
        writeln!(input, "{line}").expect("a debuggee that reads");
    }

    /// Closes its standard input.
    pub fn end_input(&mut self) {
        self.input = None;
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end within the deadline.
    #[track_caller]
    pub fn wait(&mut self, deadline: Deadline) -> ExitStatus {
        let status = self.child.wait(deadline);
        status.unwrap_or_else(|| panic!("{} did not end; it wrote:\n{}", self.path.display(), self.output.text()))
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill();
    }
}

/// Reads `0x1234`.
pub fn parse_address(text: &str) -> Address {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    Address(u64::from_str_radix(digits, 16).unwrap_or_else(|_| panic!("'{text}' is no address")))
}
