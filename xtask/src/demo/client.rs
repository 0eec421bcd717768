//! A smart client that a chore drives through its standard input.

use std::io::Write as _;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::time::Instant;

use crate::live::{Ended, Lines, PATIENCE, output_of, spawn};
use crate::run::{Done, Failure, failure};

/// A running `farsight` that debugs a process through a server.
pub(crate) struct Client {
    process: Ended,
    input: Option<ChildStdin>,
    lines: Lines,
    marks: u32,
}

impl Client {
    /// Starts one; each line that it prints goes to `show` too, without prompts and without the marks that we make it
    /// print.
    pub(crate) fn start(
        program: &Path,
        transport: &str,
        pid: u32,
        symbols: Option<&Path>,
        show: impl Fn(&str) + Send + 'static,
    ) -> Done<Self> {
        let mut command = Command::new(program);
        if let Some(symbols) = symbols {
            command.arg("-y").arg(symbols);
        }
        command.args(["-premote", transport, "-p", &pid.to_string()]);
        Self::spawned(command, show)
    }

    /// As [`Self::start`], with a program that the server starts.
    pub(crate) fn launch(
        program: &Path,
        transport: &str,
        debuggee: &Path,
        show: impl Fn(&str) + Send + 'static,
    ) -> Done<Self> {
        let mut command = Command::new(program);
        command.args(["-premote", transport]).arg(debuggee);
        Self::spawned(command, show)
    }

    fn spawned(mut command: Command, show: impl Fn(&str) + Send + 'static) -> Done<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = spawn(&mut command)?;
        let show = move |line: &str| {
            let line = without_prompt(line);
            // What is typed may be printed again behind the prompt.
            if !line.contains(MARK) && !line.is_empty() && line != QUIT {
                show(line);
            }
        };
        let lines = Lines::of(output_of(&mut process)?, show);
        let input = process.0.stdin.take();
        let mut client = Self {
            process,
            input,
            lines,
            marks: 0,
        };
        client.mark("")?;
        Ok(client)
    }

    /// Runs a command line to its end and answers what was printed.
    pub(crate) fn execute(&mut self, line: &str) -> Done<Vec<String>> {
        self.mark(line)
    }

    /// As [`Self::execute`], for a command that takes the rest of its line, so that nothing can stand behind it.
    pub(crate) fn execute_whole_line(&mut self, line: &str) -> Done<Vec<String>> {
        self.type_line(line)?;
        self.mark("")
    }

    /// The end of a line's output is known by a mark that is printed behind it, in the same command string, so that
    /// it waits for a `g` before it.
    fn mark(&mut self, line: &str) -> Done<Vec<String>> {
        self.marks += 1;
        let mark = format!("{MARK}{}", self.marks);
        let separator = if line.is_empty() { "" } else { "; " };
        self.type_line(&format!("{line}{separator}.echo {mark}"))?;
        self.lines.until(&format!("the end of `{line}`"), |seen| {
            without_prompt(seen).trim() == mark
        })
    }

    fn type_line(&mut self, line: &str) -> Done {
        let Some(input) = &mut self.input else {
            return failure("the debugger's input is closed");
        };
        let written = writeln!(input, "{line}").and_then(|()| input.flush());
        written.map_err(|error| Failure(format!("the debugger does not read `{line}`: {error}")))
    }

    /// Quits, detaching, and waits for the end; it must be an end without complaint.
    pub(crate) fn leave(mut self) -> Done {
        self.type_line(QUIT)?;
        self.input = None;
        let deadline = Instant::now() + PATIENCE;
        while self.lines.next_before(deadline).is_some() {}
        loop {
            match self.process.0.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return failure(format!("the debugger ended with {status}")),
                Ok(None) if Instant::now() < deadline => std::thread::yield_now(),
                Ok(None) => return failure("the debugger does not end after qd"),
                Err(error) => return failure(format!("cannot wait for the debugger: {error}")),
            }
        }
    }
}

/// Ends a debugger and lets go of everything.
const QUIT: &str = "qd";

/// What no program prints by chance.
const MARK: &str = "demo-step-ends-";

/// The line without the prompts before it: a prompt has no line end of its own when input is not typed.
fn without_prompt(line: &str) -> &str {
    let mut rest = line.trim_end();
    while let Some((prompt, behind)) = rest.split_once('>') {
        let is_prompt = prompt.contains(':') && prompt.chars().all(|c| c.is_ascii_alphanumeric() || ":*|.".contains(c));
        if !is_prompt {
            break;
        }
        rest = behind.strip_prefix(' ').unwrap_or(behind);
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::without_prompt;

    #[test]
    fn only_prompts_are_taken_away() {
        assert_eq!(without_prompt("0:000> demo-step-ends-1"), "demo-step-ends-1");
        assert_eq!(without_prompt("||1:0:003> 0:001> x"), "x");
        assert_eq!(without_prompt("0:000> g; .echo x"), "g; .echo x");
        assert_eq!(without_prompt("a value > 3"), "a value > 3");
        assert_eq!(without_prompt("0:000>   indented"), "  indented");
        assert_eq!(without_prompt("0:000>"), "");
    }
}
