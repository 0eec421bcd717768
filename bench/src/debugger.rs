//! A debugger's console, driven through pipes.

use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};

use farsight_testkit::{Deadline, Output, programs};

/// Which debugger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Ours, with `dbgsrv`.
    Farsight,
    /// gdb with gdbserver.
    Gdb,
    /// lldb with lldb-server.
    Lldb,
}

impl Kind {
    pub(crate) const ALL: [Kind; 3] = [Kind::Farsight, Kind::Gdb, Kind::Lldb];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Farsight => "farsight",
            Kind::Gdb => "gdb",
            Kind::Lldb => "lldb",
        }
    }
}

/// Nothing that is measured takes longer, or it is not worth waiting for.
const PATIENCE: u64 = 900;

/// A running debugger. It is killed when it goes out of scope.
pub(crate) struct Debugger {
    kind: Kind,
    child: Child,
    input: ChildStdin,
    output: Output,
    marks: u32,
}

impl Debugger {
    /// Starts a debugger and waits until it takes commands. Our own takes arguments; the others have none.
    pub(crate) fn start(kind: Kind, arguments: &[&str]) -> Debugger {
        let mut command = match kind {
            Kind::Farsight => Command::new(programs::farsight()),
            Kind::Gdb => Command::new("gdb"),
            Kind::Lldb => Command::new("lldb"),
        };
        match kind {
            Kind::Farsight => command.args(arguments),
            Kind::Gdb => command.args(["-nx", "-q"]),
            Kind::Lldb => command.args(["--no-lldbinit", "--no-use-colors"]),
        };
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; cargo xtask bench installs it", kind.name()));
        let (first, second) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let mut debugger = Debugger {
            kind,
            input: child.stdin.take().unwrap(),
            child,
            output: Output::of_both(kind.name(), first, second),
            marks: 0,
        };
        match kind {
            Kind::Farsight => {}
            Kind::Gdb => {
                for setting in [
                    "set confirm off",
                    "set pagination off",
                    "set width 0",
                    "set debuginfod enabled off",
                    // The files are at the host, as they are for the others.
                    "set sysroot /",
                ] {
                    debugger.send(setting);
                }
                debugger.settle();
            }
            Kind::Lldb => {
                debugger.send("settings set auto-confirm true");
                debugger.settle();
            }
        }
        debugger
    }

    pub(crate) fn send(&mut self, line: &str) {
        let sent = writeln!(self.input, "{line}");
        assert!(
            sent.is_ok(),
            "{} has ended; it wrote:\n{}",
            self.kind.name(),
            self.output.text()
        );
    }

    /// Waits until everything that was sent is done, and returns what was written meanwhile.
    pub(crate) fn settle(&mut self) -> String {
        self.marks += 1;
        let mark = format!("mark-{}", self.marks);
        let shown = match self.kind {
            Kind::Farsight => {
                self.send(&format!(".echo {mark}"));
                format!("\n{mark}")
            }
            Kind::Gdb => {
                self.send(&format!("echo \\n@{mark}\\n"));
                format!("\n@{mark}\n")
            }
            Kind::Lldb => {
                self.send(&format!("settings set target.arg0 {mark}"));
                self.send("settings show target.arg0");
                format!("target.arg0 (string) = \"{mark}\"")
            }
        };
        self.wait_for(&shown)
    }

    /// Waits for a text.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        self.output.expect(text, Deadline::seconds(PATIENCE))
    }

    /// Sends a line and waits until it is done.
    pub(crate) fn run(&mut self, line: &str) -> String {
        self.send(line);
        self.settle()
    }

    /// Sends a line that sets the target going and waits for the stop. lldb alone goes on reading commands meanwhile.
    pub(crate) fn run_to_stop(&mut self, line: &str) -> String {
        self.send(line);
        match self.kind {
            Kind::Lldb => {
                let before = self.wait_for("stop reason =");
                let frame = self.wait_for("frame #0");
                format!("{before}{frame}{}", self.settle())
            }
            Kind::Farsight | Kind::Gdb => self.settle(),
        }
    }
}

impl Drop for Debugger {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
