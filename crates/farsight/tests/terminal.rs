//! The whole program at a terminal, with a program of its own on this machine.
//!
//! The terminal is made by `script` (util-linux, part of every distribution).

// Helpers of tests are tests, and a panic is how a test fails.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
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
    fn leaves(self) -> i32 {
        let (screen, code) = self.ends();
        assert!(screen.contains("Killed process"), "{screen}");
        code
    }

    /// Waits for the program's end; answers what it showed last and its exit code.
    fn ends(mut self) -> (String, i32) {
        while let Ok(bytes) = self.shown.recv_timeout(LONG) {
            self.screen.push_str(&String::from_utf8_lossy(&bytes));
        }
        drop(self.keys.take());
        let code = self.script.wait().unwrap().code().unwrap();
        (std::mem::take(&mut self.screen), code)
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

/// A debugging server at one terminal, and what is behind `-remote` at others.
fn server(target: &str) -> (User, String) {
    static SERVERS: AtomicU32 = AtomicU32::new(0);
    let number = SERVERS.fetch_add(1, Ordering::Relaxed);
    let pipe = format!("farsight-terminal-{}-{number}", std::process::id());
    let mut server = User::starts(&format!("-server npipe:pipe={pipe} {target}"));
    server.sees(PROMPT);
    (server, format!("-remote npipe:server=localhost,pipe={pipe}"))
}

/// A process to attach to.
struct Running(Child);

impl Running {
    fn start() -> Running {
        let mut cat = Command::new("/bin/cat");
        Running(cat.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const BUSY: &str = "*BUSY* ";

#[test]
fn a_client_leaves_while_what_it_set_going_runs_and_prompts_follow() {
    let target = Running::start();
    let (mut server, remote) = server(&format!("-p {}", target.0.id()));
    for leave in ["\x02\r", "\x04", ".remote_exit\r"] {
        let mut client = User::starts(&remote);
        client.sees(PROMPT);
        client.types("g\r");
        client.sees(BUSY);
        client.types(leave);
        let (screen, code) = client.ends();
        assert_eq!(code, 0, "{screen}");
        // The prompt that the server's user has before him follows without a key, and CTRL+C at it breaks in.
        server.sees(BUSY);
        server.types("\x03");
        server.sees("Break-in");
        server.sees(PROMPT);
    }
    // With a line half typed, too; it stays.
    let mut client = User::starts(&remote);
    client.sees(PROMPT);
    server.types("g\r");
    client.sees(BUSY);
    client.types(".echo half");
    client.sees(".echo half");
    server.types("\x03");
    client.sees("Break-in");
    client.sees("0:000> .echo half");
    client.types(" done\r");
    client.sees("\nhalf done");
    client.types(".remote_exit g\r");
    assert_eq!(client.ends().1, 0);
    server.sees(BUSY);
    server.types("\x03");
    server.sees("Break-in");
    server.types("q\r");
    let (screen, code) = server.ends();
    assert!(code == 0 && screen.contains("Detached from process"), "{screen}");
}

#[test]
fn a_client_types_into_a_program_that_wrote_nothing_and_leaves_from_there() {
    let (mut server, remote) = server("/bin/cat");
    let mut client = User::starts(&remote);
    client.sees(PROMPT);
    client.types("g\r");
    client.sees(LINE_TAKEN);
    server.sees(BUSY);
    client.types("hello\r");
    client.sees("hello");
    client.sees("hello");
    client.types("\x02\r");
    let (screen, code) = client.ends();
    assert!(code == 0 && !screen.contains("Killed"), "{screen}");
    server.types("\x03");
    server.sees("Break-in");
    server.sees(PROMPT);
    server.types("q\r");
    assert_eq!(server.leaves(), 0);
}

#[test]
fn ctrl_c_at_an_empty_prompt_ends_what_a_client_runs() {
    let (mut server, remote) = server("/bin/cat");
    let mut client = User::starts(&remote);
    client.sees(PROMPT);
    client.types(".while (1) { r $t0 = 1 }\r");
    server.sees(".while (1)");
    server.types("\x03");
    client.sees("nterrupted");
    // Its end is announced to whoever is there.
    server.sees(PROMPT);
    server.types("\x04");
    let (screen, code) = client.ends();
    assert!(
        screen.contains("(the server's console) ended the session at"),
        "{screen}"
    );
    assert_eq!(code, 0);
    assert_eq!(server.leaves(), 0);
}
