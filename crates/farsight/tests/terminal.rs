//! The whole program at a terminal, with a program of its own on this machine.
//!
//! The terminal is made by `script` (util-linux, part of every distribution).

// Helpers of tests are tests, and a panic is how a test fails.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(60);

/// A user at a terminal that runs `farsight`.
struct User {
    script: Child,
    keys: Option<ChildStdin>,
    shown: Receiver<Vec<u8>>,
    /// What has been shown and not been waited for.
    screen: String,
}

impl User {
    fn starts(arguments: &str) -> User {
        let home = std::env::temp_dir().join(format!("farsight-terminal-{}", std::process::id()));
        let mut script = Command::new("script")
            .args(["-q", "-e", "-f", "-c"])
            .arg(format!("exec {} {arguments}", env!("CARGO_BIN_EXE_farsight")))
            .arg("/dev/null")
            .env("TERM", "xterm")
            .env("XDG_STATE_HOME", home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`script` of util-linux");
        let mut output = script.stdout.take().unwrap();
        let (sender, shown) = channel();
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(length) = output.read(&mut chunk) {
                if length == 0 || sender.send(chunk[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        User {
            keys: script.stdin.take(),
            script,
            shown,
            screen: String::new(),
        }
    }

    fn types(&mut self, keys: &str) {
        let stdin = self.keys.as_mut().unwrap();
        stdin.write_all(keys.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    /// Waits until something is shown; answers everything up to it.
    fn sees(&mut self, expected: &str) -> String {
        let deadline = Instant::now() + LONG;
        loop {
            if let Some(at) = self.screen.find(expected) {
                let rest = self.screen.split_off(at + expected.len());
                return std::mem::replace(&mut self.screen, rest);
            }
            match self
                .shown
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(bytes) => self.screen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(error) => panic!("no {expected:?} ({error}), but:\n{}", self.screen),
            }
        }
    }

    /// Waits for the program's end; answers its exit code.
    fn leaves(mut self) -> i32 {
        while let Ok(bytes) = self.shown.recv_timeout(LONG) {
            self.screen.push_str(&String::from_utf8_lossy(&bytes));
        }
        drop(self.keys.take());
        let code = self.script.wait().unwrap().code().unwrap();
        assert!(self.screen.contains("Killed process"), "{}", self.screen);
        code
    }
}

impl Drop for User {
    fn drop(&mut self) {
        // A test that fails leaves nothing running: the terminal hangs up.
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}

const PROMPT: &str = "0:000> ";
/// What the line editor says when it hands the terminal back.
const LINE_TAKEN: &str = "\x1b[?2004l";

#[test]
fn the_keyboard_is_the_programs_while_it_runs_and_ctrl_c_is_not() {
    let mut user = User::starts("/bin/cat");
    user.sees(PROMPT);
    user.types("g\r");
    user.sees(LINE_TAKEN);
    user.types("hello\r");
    user.sees("hello");
    user.sees("hello");
    user.types("\x03");
    user.sees("Break-in");
    user.sees(PROMPT);
    user.types("q\r");
    assert_eq!(user.leaves(), 0);
}

#[test]
fn ctrl_c_clears_a_line_and_ctrl_d_is_q() {
    let mut user = User::starts("/bin/cat");
    user.sees(PROMPT);
    user.types("nonsense\x03");
    user.sees(LINE_TAKEN);
    user.sees(PROMPT);
    user.types("? 40+2\r");
    let shown = user.sees("Evaluate expression: 66");
    assert!(!shown.contains("Syntax error"), "{shown}");
    user.sees(PROMPT);
    user.types("\x04");
    assert_eq!(user.leaves(), 0);
}

#[test]
fn lines_that_are_pasted_are_all_run() {
    let mut user = User::starts("/bin/cat");
    user.sees(PROMPT);
    user.types("? 1+1\r? 2+2\r? 3+3\r");
    for value in ["= 00000000`00000002", "= 00000000`00000004", "= 00000000`00000006"] {
        user.sees(value);
    }
    user.types("q\r");
    assert_eq!(user.leaves(), 0);
}
