//! One script, several views: each file in `views` is played by a debugging server and its clients, every one a process
//! of its own, and what each of them showed is compared with what the file says.
//!
//! ```text
//! ## A comment.
//! @debuggee counter 2          starts a program of `debuggees/`; the server attaches to it
//! @servers tcp:port=0 npipe    where the server listens: the first is that of its command line (`tcp:port=0` where none
//!                              is said), the others are started at its console; `npipe` stands for a pipe of its own
//! @remote                      the debuggee is at a `dbgsrv`, which the server is a smart client of
//! @option -noio                handed to the server's farsight; with `-noio` it must listen at a pipe
//! + ann                        a client of that name joins
//! + bob 1 -bonc                another, through the server with that number and with those options
//! ann> k                       typed by ann; waited for until it is done and everybody has seen it
//! ann>& g                      the same for a line that sets the target going, which is not waited for
//! ann>. q                      the same for a line that ends the session
//! ^C bob                       breaks in, at bob's console; the next line must be somebody's `NAME> ...`
//! - ann                        ann's input ends
//! kill ann                     ann is killed
//! ending ann                   the next line ends ann's connection
//! end                          the server's input ends; everybody's view ends with the session
//! === host                     what the server's own console showed
//! === ann                      what ann saw
//! ```
//!
//! `FARSIGHT_BLESS=1` writes views anew. What differs from run to run is masked: `<time>`, `<port>`, `<hex>`, ...

#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitCode};

use farsight_session::Request;
use farsight_testkit::transcript::{Trial, files_of, run_trials};
use farsight_testkit::{Console, DbgSrv, Deadline, Debuggee, DebuggingServer, RawClient, proc, programs, wait_until};

/// A file: what is done, and what each shows.
struct Script {
    head: String,
    steps: Vec<String>,
    views: BTreeMap<String, String>,
}

impl Script {
    fn parse(text: &str) -> Script {
        let (head, views) = text.split_once("=== ").unwrap_or((text, ""));
        let steps = head.lines().filter(|line| !line.is_empty() && !line.starts_with("##"));
        let views = views.split("=== ").filter_map(|view| view.split_once('\n'));
        Script {
            steps: steps.map(str::to_owned).collect(),
            views: views.map(|(name, view)| (name.to_owned(), view.to_owned())).collect(),
            head: head.to_owned(),
        }
    }

    fn settings<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let settings = self
            .steps
            .iter()
            .filter_map(move |step| step.strip_prefix('@')?.strip_prefix(name));
        settings.map(str::trim)
    }
}

/// The server and its clients.
struct Stage {
    connections: Vec<String>,
    /// Who is there; the server's own console is [`HOST`].
    present: BTreeMap<String, Console>,
    /// Those whose connection is about to end.
    ending: BTreeMap<String, Console>,
    /// What those saw who are not there any more.
    views: BTreeMap<String, String>,
    marks: u32,
    /// What is typed into marks: the server's console, or where that is silent the first client.
    marker: String,
    /// What differs from run to run, and what stands for it.
    masks: Vec<(String, &'static str)>,
    // They end in this order: first who debugs.
    _process_server: Option<DbgSrv>,
    debuggee: Option<Debuggee>,
}

const HOST: &str = "host";

impl Stage {
    fn set(script: &Script) -> Stage {
        let debuggee = script.settings("debuggee").next().map(|program| {
            let mut words = program.split_whitespace();
            Debuggee::start(words.next().unwrap(), &words.collect::<Vec<_>>())
        });
        let process_server = script.settings("remote").next().map(|_| DbgSrv::start());
        let mut arguments: Vec<String> = Vec::new();
        if let Some(server) = &process_server {
            arguments.extend(["-premote".into(), server.connection().into()]);
        }
        let mut masks = vec![
            (
                programs::debuggee("counter").parent().unwrap().display().to_string(),
                "<debuggees>",
            ),
            (machine(), "<machine>"),
        ];
        if let Some(debuggee) = &debuggee {
            let pid = debuggee.pid().0;
            arguments.extend(["-p".into(), pid.to_string()]);
            masks.extend([(pid.to_string(), "<pid>"), (format!("{pid:x}"), "<pid>")]);
        }
        let options: Vec<&str> = script.settings("option").flat_map(str::split_whitespace).collect();
        arguments.extend(options.iter().map(|option| (*option).to_owned()));
        let servers = script.settings("servers").next().unwrap_or("tcp:port=0");
        let mut servers = servers.split_whitespace();
        let silent = options.contains(&"-noio");
        let first = match (servers.next().unwrap(), silent) {
            (_, true) => DebuggingServer::start_silent(&arguments),
            ("npipe", _) => DebuggingServer::start_on_pipe(&arguments),
            (transport, _) => DebuggingServer::start_at(transport, &arguments),
        };
        let mut stage = Stage {
            connections: vec![first.connection().to_owned()],
            present: BTreeMap::new(),
            ending: BTreeMap::new(),
            views: BTreeMap::new(),
            marks: 0,
            marker: String::new(),
            masks,
            _process_server: process_server,
            debuggee,
        };
        if silent {
            // The first client shall find the session at rest.
            let mut unseen = RawClient::connect(first.connection(), "unseen");
            let (history, announce) = (0, false);
            unseen.send(&Request::ConnectSession { history, announce });
            unseen.run(".lines -d");
            unseen.run(".echo mark-0");
        }
        let mut server = first.into_console();
        if !silent {
            HOST.clone_into(&mut stage.marker);
            // Where sources are differs from one checkout to the next.
            server.run(".lines -d");
        }
        for transport in servers {
            let transport = match transport {
                "npipe" => format!("npipe:pipe=farsight-test-view-{}", server.pid()),
                transport => transport.to_owned(),
            };
            server.send(&format!(".server {transport}"));
            let number = stage.connections.len();
            server.expect(&format!("\n{number}: farsight "));
            stage.connections.push(DebuggingServer::told(&mut server));
        }
        stage.present.insert(HOST.to_owned(), server);
        stage
    }

    #[track_caller]
    fn console(&mut self, name: &str) -> &mut Console {
        self.present
            .get_mut(name)
            .unwrap_or_else(|| panic!("{name} is not there"))
    }

    fn play(&mut self, step: &str) {
        if step == "end" {
            return self.end();
        }
        let words: Vec<&str> = step.split_whitespace().collect();
        match *words.as_slice() {
            ["+", name, ref options @ ..] => self.join(name, options),
            ["-", name] => {
                let gone = self.present.remove(name).expect("somebody who is there");
                let ended = gone.finish();
                assert_eq!(ended.code, Some(0), "{name}: {}", ended.text);
                self.views.insert(name.to_owned(), ended.text);
                self.all_are_told(name, " disconnected at ");
                self.mark();
            }
            ["kill", name] => {
                let mut gone = self.present.remove(name).expect("somebody who is there");
                gone.kill();
                self.views.insert(name.to_owned(), gone.ended(Deadline::usual()).text);
                self.all_are_told(name, " lost at ");
                self.mark();
            }
            ["ending", name] => {
                let ending = self.present.remove(name).expect("somebody who is there");
                self.ending.insert(name.to_owned(), ending);
            }
            ["^C", name] => {
                self.console(name).interrupt();
                self.finish(name, "the line that was set going");
            }
            _ => {
                let (name, line) = step.split_once('>').unwrap_or_else(|| panic!("no step: {step}"));
                match (line.chars().next(), line.trim_start_matches(['&', '.']).trim()) {
                    (Some('&'), line) => self.set_going(name, line),
                    (Some('.'), line) => self.console(name).send(line),
                    (_, line) => self.typed(name, line),
                }
            }
        }
    }

    fn join(&mut self, name: &str, options: &[&str]) {
        let (number, options) = match options {
            [number, rest @ ..] if number.parse::<usize>().is_ok() => (number.parse().unwrap(), rest),
            rest => (0, rest),
        };
        let mut command = Command::new(programs::farsight());
        command
            .args(["-remote", &self.connections[number]])
            .args(options)
            .env("USER", name);
        let client = Console::spawn(command);
        if self.marker.is_empty() {
            name.clone_into(&mut self.marker);
        }
        self.all_are_told(name, " connected at ");
        self.present.insert(name.to_owned(), client);
        self.mark();
    }

    fn typed(&mut self, name: &str, line: &str) {
        self.console(name).send(line);
        self.finish(name, line);
    }

    /// Waits until somebody's line is done and everybody has seen it.
    fn finish(&mut self, name: &str, line: &str) {
        self.marks += 1;
        let mark = format!("mark-{}", self.marks);
        let console = self.console(name);
        console.send(&format!(".echo {mark}"));
        let shown = format!("\n{mark}\n");
        let done = console
            .output()
            .find(Deadline::usual(), |rest| rest.contains(&shown).then_some((0, 0)));
        assert!(
            done.is_some(),
            "'{line}' is not done; {name} saw:\n{}",
            console.output().text()
        );
        match name == self.marker {
            true => self.all_see(&shown),
            false => self.mark(),
        }
    }

    fn set_going(&mut self, name: &str, line: &str) {
        self.console(name).send(line);
        let pid = self.debuggee.as_ref().expect("a debuggee").pid().0;
        wait_until("the debuggee runs", Deadline::usual(), || {
            !matches!(proc::state(pid), Some('t' | 'T'))
        });
    }

    /// Waits until everybody has seen all that was shown until now.
    fn mark(&mut self) {
        if self.present.is_empty() {
            return;
        }
        self.marks += 1;
        let mark = format!("mark-{}", self.marks);
        let marker = self.marker.clone();
        self.console(&marker).send(&format!(".echo {mark}"));
        self.all_see(&format!("\n{mark}\n"));
    }

    fn all_see(&mut self, text: &str) {
        self.all_show(text, |shown| shown.contains(text));
    }

    /// Waits until everybody was told what became of somebody.
    fn all_are_told(&mut self, name: &str, what: &str) {
        let name = format!("{name}@");
        let is_it = |line: &str| line.starts_with(&name) && line.contains(what);
        self.all_show(what, |shown| shown.lines().any(is_it));
    }

    fn all_show(&mut self, what: &str, shows: impl Fn(&str) -> bool) {
        let silent_host = |name: &str, marker: &str| name == HOST && marker != HOST;
        for (name, console) in self
            .present
            .iter_mut()
            .filter(|(name, _)| !silent_host(name, &self.marker))
        {
            // The place stays: what is waited for next may have been written before this.
            let output = console.output();
            let found = output.find(Deadline::usual(), |rest| shows(rest).then_some((0, 0)));
            assert!(found.is_some(), "{name} does not see {what:?}, but:\n{}", output.text());
        }
    }

    fn end(&mut self) {
        let host = self.present.remove(HOST).expect("the server");
        let ended = host.finish();
        self.views.insert(HOST.to_owned(), ended.text);
        let others = std::mem::take(&mut self.present).into_iter();
        for (name, mut console) in others.chain(std::mem::take(&mut self.ending)) {
            self.views.insert(name, console.ended(Deadline::usual()).text);
        }
    }

    /// What one saw, without marks and masked.
    fn view(&self, text: &str) -> String {
        let mut view = String::new();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            // Where in the library a thread sleeps depends on what had interrupted it last.
            if line.contains("clock_nanosleep") {
                lines.next_if(|line| line.starts_with("0000"));
                if !view.ends_with("<asleep>\n") {
                    view.push_str("<asleep>\n");
                }
                continue;
            }
            // A break-in that comes at once finds a thread where it stood before.
            if line.ends_with(": Break-in") {
                view.push_str(masked(line, &self.masks).trim_end());
                view.push_str("\n<asleep>\n");
                lines.next_if(|line| line.ends_with(')'));
                lines.next_if(|line| line.contains('!') && line.ends_with(':'));
                lines.next_if(|line| line.starts_with("0000"));
                continue;
            }
            let is_of_the_test =
                line.contains(".echo mark-") || line.starts_with("mark-") || line.ends_with(".lines -d");
            if !is_of_the_test {
                view.push_str(masked(line, &self.masks).trim_end());
                view.push('\n');
            }
        }
        view.trim_end().to_owned() + "\n"
    }
}

fn machine() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    name.trim().to_owned()
}

/// A line with names in place of what differs from run to run.
fn masked(line: &str, masks: &[(String, &'static str)]) -> String {
    let mut line = line.to_owned();
    while let Some(end) = line.find(" UTC") {
        line.replace_range(end - "2026-11-23 02:27:39.123".len()..end + " UTC".len(), "<time>");
    }
    for (before, name) in [
        ("npipe process ", "<process>"),
        ("127.0.0.1:", "<port>"),
        ("[::1]:", "<port>"),
        ("Port=", "<port>"),
        ("farsight-test-", "<pipe>"),
    ] {
        let behind = |letter: char| {
            letter.is_ascii_digit() || (name == "<pipe>" && (letter.is_ascii_lowercase() || letter == '-'))
        };
        line = replace_behind(&line, before, behind, name);
    }
    let mut text = String::new();
    let mut rest = line.as_str();
    let is_part = |letter: char| letter.is_ascii_hexdigit() || letter == '`';
    while !rest.is_empty() {
        let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        let (number, behind) = rest.split_at(end);
        // What is small is a value that the script is about.
        let value = u64::from_str_radix(&number.replace('`', ""), 16);
        let varies = number.len() >= 9 && matches!(value, Ok(0x1_0000_0000..));
        text.push_str(if varies { "<hex>" } else { number });
        let next = behind.find(is_part).unwrap_or(behind.len());
        text.push_str(&behind[..next]);
        rest = &behind[next..];
    }
    // Behind the addresses, for a process id may be a part of one.
    masks.iter().fold(text, |text, (value, name)| text.replace(value, name))
}

fn replace_behind(line: &str, before: &str, takes: impl Fn(char) -> bool, name: &str) -> String {
    let mut parts = line.split(before);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(before);
        text.push_str(name);
        text.push_str(part.trim_start_matches(&takes));
    }
    text
}

fn play(path: &Path) {
    let text = std::fs::read_to_string(path).unwrap();
    let script = Script::parse(&text);
    let mut stage = Stage::set(&script);
    for step in script.steps.iter().filter(|step| !step.starts_with('@')) {
        stage.play(step);
    }
    assert!(stage.present.is_empty(), "a script ends with `end`");
    let views: BTreeMap<String, String> = stage
        .views
        .iter()
        .map(|(name, text)| (name.clone(), stage.view(text)))
        .collect();
    if views == script.views {
        return;
    }
    if std::env::var_os("FARSIGHT_BLESS").is_some() {
        let sections = views.iter().map(|(name, view)| format!("=== {name}\n{view}"));
        std::fs::write(path, script.head + &sections.collect::<String>()).unwrap();
        return;
    }
    let mut wrong = String::new();
    for (name, view) in &views {
        let expected = script.views.get(name).map_or("", String::as_str);
        if view != expected {
            wrong.push_str(&format!("--- {name} should have seen:\n{expected}+++ and saw:\n{view}"));
        }
    }
    panic!("{}:\n{wrong}FARSIGHT_BLESS=1 would write it anew", path.display());
}

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/views");
    let trials = files_of(&folder).into_iter().map(|path| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        Trial::new(name, move || play(&path))
    });
    run_trials(trials.collect())
}
