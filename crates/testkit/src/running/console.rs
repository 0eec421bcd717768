//! The console program, driven through pipes as a script or an editor would.

use std::ffi::OsStr;
use std::io::Write;
use std::process::{ChildStdin, Command, Stdio};

use super::Owned;
use super::way::Between;
use crate::{Deadline, Output, proc, programs};

/// A running `farsight`.
#[derive(Debug)]
pub struct Console {
    child: Owned,
    input: Option<ChildStdin>,
    output: Output,
    marks: u32,
    /// What stands between it and its clients, where it is a server.
    pub(super) between: Option<Between>,
}

/// How a console ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Everything it wrote.
    pub text: String,
}

impl Console {
    /// Starts `farsight` with these arguments.
    pub fn start<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Console {
        let mut command = Command::new(programs::farsight());
        command.args(arguments);
        Console::spawn(command)
    }

    /// Starts a prepared command, for tests that change the environment or the directory.
    pub fn spawn(mut command: Command) -> Console {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("farsight");
        let (first, second) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Console {
            input: child.stdin.take(),
            output: Output::of_both("farsight", first, second),
            child: Owned(child),
            marks: 0,
            between: None,
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Types a line.
    ///
    /// # Panics
    /// When the console has ended.
    #[track_caller]
    pub fn send(&mut self, line: &str) {
        let written = self.input.as_mut().map(|input| writeln!(input, "{line}"));
        let fine = matches!(written, Some(Ok(())));
        assert!(fine, "farsight no longer reads; it wrote:\n{}", self.output.text());
    }

    /// Waits for a text, as [`Output::expect`].
    #[track_caller]
    pub fn expect(&mut self, wanted: &str) -> String {
        self.output.expect(wanted, Deadline::usual())
    }

    /// Types a line, waits until everything it asked for was done, and returns what was written meanwhile.
    ///
    /// # Panics
    /// When it is not done within the deadline.
    #[track_caller]
    pub fn run(&mut self, line: &str) -> String {
        self.run_until(line, Deadline::usual())
    }

    /// As [`Console::run`] with a deadline of one's own.
    #[track_caller]
    pub fn run_until(&mut self, line: &str, deadline: Deadline) -> String {
        let found = self.marked(line, deadline);
        found.unwrap_or_else(|| panic!("'{line}' was not done; farsight wrote:\n{}", self.output.text()))
    }

    /// As [`Console::run`], for a line that may end the program.
    ///
    /// # Panics
    /// When it neither is done nor ends within the deadline.
    #[track_caller]
    pub fn run_or_end(&mut self, line: &str) -> String {
        let found = self.marked(line, Deadline::usual());
        let found = found.or_else(|| self.output.rest(Deadline::usual()));
        found.unwrap_or_else(|| panic!("'{line}' was not done; farsight wrote:\n{}", self.output.text()))
    }

    fn marked(&mut self, line: &str, deadline: Deadline) -> Option<String> {
        self.marks += 1;
        let mark = format!("mark-{}-{}", self.pid(), self.marks);
        self.send(line);
        // Commands run in order of arrival, so the echo comes when the line before it is done. It counts only where it
        // is written as output: the console may show typed lines as well. A console that has ended reads no more.
        let _ = self.input.as_mut().map(|input| writeln!(input, ".echo {mark}"));
        self.output.find(deadline, |rest| {
            let mut from = 0;
            while let Some(at) = rest[from..].find(&mark).map(|at| at + from) {
                let end = at + mark.len();
                if !rest[..at].ends_with(".echo ") && rest[end..].starts_with(['\r', '\n']) {
                    return Some((at, end));
                }
                from = end;
            }
            None
        })
    }

    /// Its output.
    pub fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    /// Asks it to break in, as Ctrl-C does.
    pub fn interrupt(&self) {
        proc::signal(self.pid(), "INT");
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill();
    }

    /// Ends its input and waits for its end.
    ///
    /// # Panics
    /// When it does not end within the deadline.
    #[track_caller]
    pub fn finish(mut self) -> Ended {
        self.input = None;
        self.ended(Deadline::usual())
    }

    /// Types a last line such as `qd` and waits for the end.
    #[track_caller]
    pub fn quit(mut self, line: &str) -> Ended {
        self.send(line);
        self.ended(Deadline::usual())
    }

    /// Waits for its end without ending its input.
    #[track_caller]
    pub fn ended(&mut self, deadline: Deadline) -> Ended {
        let status = self.child.wait(deadline);
        let status = status.unwrap_or_else(|| panic!("farsight did not end; it wrote:\n{}", self.output.text()));
        Ended {
            code: status.code(),
            text: self.output.to_end(Deadline::usual()),
        }
    }
}
