//! Every command on real processes: the files in `transcripts`, played by `farsight` over a `dbgsrv` on a debuggee.
//!
//! Settings, beside what [`farsight_testkit::transcript`] says: `@debuggee NAME ARGUMENTS` starts one of the programs in
//! `debuggees/` (the first is attached to; `{pid}`, `{pid2}`, `{pid3}`), `@launch NAME ARGUMENTS` has farsight start it
//! instead, `@local` goes without a server, `@servers N` starts that many (`{server}`, `{server2}`; their machines are all
//! this one), `@option -X` is handed to farsight, `@file NAME` with lines `|...` is a file in `{scratch}`, `@typed` lets
//! the first debuggee go on from its first read, `@lines` leaves source lines switched on. `{debuggees}` is the folder of the debuggees. What is written anew has
//! `<hex>` for addresses and `<pid>.<tid>` for numbers; look through it for what else varies.
//!
//! Each file is played a second time by a debugging client: there the server's console is silent about it, the client types,
//! and what the client sees is held against the same file. A run plays a sample ([`SAMPLE`]), the soak all of them; and one
//! file for each other way to a server (pipes, secrets, TLS, serial lines, repeaters), the soak all files over each.
//!
//! The tours of the README and of `docs/values.md` are played as well, see [`tours`].

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, unreachable_pub)]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use farsight_engine::{command_rows, rows_of_line};
use farsight_testkit::transcript::{
    Coverage, Heard, Player, Settings, Trial, files_of, play, play_text, run_trials, trials,
};
use farsight_testkit::{
    Console, DbgSrv, Deadline, Debuggee, DebuggingServer, Scratch, Way, proc, programs, wait_until,
};
use farsight_types::without_secrets;

/// Rows without a transcript. Take a command out with the transcript that shows it; put none in. What takes a second client
/// is played by `integration/roles.rs`.
const NOT_YET: &[&str] = &[".kick"];

/// Files that cannot be played by a debugging client, and why.
const NOT_BY_CLIENTS: &[(&str, &str)] = &[
    ("bare", "`q` is refused to a client while others are there"),
    ("expressions", "`vercommand` shows the options of the server"),
    ("leaving", "`qd` is refused to a client"),
    ("quit", "as bare"),
    ("running", "`qd` is refused to a client"),
    ("sharing", "a client's own server is not its first"),
    ("source", "`.lsrcpath` is of the client's own machine"),
    ("typos", "as bare"),
];

/// How many files each run plays by a debugging client.
const SAMPLE: usize = 6;

/// Files that say how a server is reached, and so are of one way only.
const OF_ONE_WAY: &[&str] = &["expressions", "processes"];

/// Who types.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Typist {
    /// The user of the debugger itself.
    Console,
    /// A user of a debugging client.
    Client,
}

/// A console on real processes. The fields end in this order: first who debugs.
struct RealSession {
    console: Console,
    /// The debugger, where the console is that of a debugging client.
    server: Option<Console>,
    prompt: Option<String>,
    /// The line that set the target going.
    going: Option<String>,
    servers: Vec<DbgSrv>,
    debuggees: Vec<Debuggee>,
    scratch: Scratch,
}

impl RealSession {
    fn begin(settings: &Settings, typist: Typist, way: Way) -> (Box<dyn Player>, String) {
        settings.expect_only(&[
            "debuggee", "launch", "local", "servers", "option", "file", "typed", "lines",
        ]);
        let scratch = Scratch::new();
        for (name, content) in settings.files() {
            std::fs::write(scratch.path().join(name), content).unwrap();
        }
        let mut debuggees: Vec<Debuggee> = settings
            .all("debuggee")
            .map(|program| {
                let mut words = program.split_whitespace();
                let name = words.next().expect("@debuggee NAME");
                Debuggee::start(name, &words.collect::<Vec<_>>())
            })
            .collect();
        let count = match settings.get("local") {
            Some(_) => 0,
            None => settings
                .get("servers")
                .map_or(1, |count| count.parse().expect("@servers N")),
        };
        let servers: Vec<DbgSrv> = (0..count).map(|_| DbgSrv::start_by(way)).collect();
        let mut arguments: Vec<OsString> = Vec::new();
        if let Some(server) = servers.first() {
            arguments.extend(["-premote".into(), server.connection().into()]);
        }
        for option in settings.all("option") {
            arguments.extend(option.split_whitespace().map(OsString::from));
        }
        if let Some(program) = settings.get("launch") {
            let mut words = program.split_whitespace();
            arguments.push(programs::debuggee(words.next().expect("@launch NAME")).into());
            arguments.extend(words.map(OsString::from));
        } else if let Some(first) = debuggees.first() {
            arguments.extend(["-p".into(), first.pid().to_string().into()]);
        }
        let (console, server) = match typist {
            Typist::Console => (Console::start(arguments), None),
            Typist::Client => {
                let server = DebuggingServer::start_by(way, arguments);
                (server.client("client"), Some(server.into_console()))
            }
        };
        let mut session = RealSession {
            console,
            server,
            prompt: None,
            going: None,
            servers,
            debuggees: Vec::new(),
            scratch,
        };
        // A comment does nothing; what is shown before it is the beginning.
        let mut shown = session.typed("*");
        if session.server.is_some() {
            // The history begins with how clients come there.
            let (_, behind) = shown.split_once("-remote ").expect("the history");
            shown = behind.split_once('\n').map_or("", |(_, behind)| behind).to_owned();
        }
        // Where sources are differs from one checkout to the next, and most transcripts are about other things.
        if settings.get("lines").is_none() {
            session.typed(".lines -d");
        }
        if settings.get("typed").is_some() {
            debuggees.first_mut().expect("a debuggee").send("");
        }
        session.debuggees = debuggees;
        (Box::new(session), shown)
    }

    /// Runs a line; what it showed, without the prompts and the typed lines, which the console shows as well.
    fn typed(&mut self, line: &str) -> String {
        let text = self.console.run_or_end(line).replace('\r', "");
        self.shown(&text, line)
    }

    fn shown(&mut self, text: &str, line: &str) -> String {
        let (before, tail) = match text.rfind("> .echo ") {
            Some(at) => text.split_at(text[..at].rfind('\n').map_or(0, |end| end + 1)),
            None => (text, ""),
        };
        self.prompt = tail.split_once(".echo ").map(|(prompt, _)| prompt.to_owned());
        // Typed lines show once, behind what was still shown before them.
        let mut lines: Vec<&str> = before.lines().collect();
        for typed in [line, self.going.take().unwrap_or_default().as_str()] {
            let echo = format!("> {}", without_secrets(typed));
            if let Some(at) = lines.iter().position(|line| !typed.is_empty() && line.ends_with(&echo)) {
                lines.remove(at);
            }
        }
        lines.join("\n").trim_start_matches('\n').to_owned()
    }

    fn heard(text: String) -> Heard {
        Heard { text, failed: None }
    }
}

impl Player for RealSession {
    fn prompt(&mut self) -> Option<String> {
        self.prompt.clone()
    }

    fn run(&mut self, line: &str) -> Heard {
        RealSession::heard(self.typed(line))
    }

    fn start(&mut self, line: &str) -> Heard {
        self.console.send(line);
        self.going = Some(line.to_owned());
        let pid = self.debuggees.first().expect("a debuggee that was attached to").pid().0;
        wait_until("the debuggee runs", Deadline::usual(), || {
            !matches!(proc::state(pid), Some('t' | 'T'))
        });
        Heard::default()
    }

    fn interrupt(&mut self) -> Heard {
        self.console.interrupt();
        RealSession::heard(self.typed("*"))
    }

    fn end(self: Box<Self>) {
        let ended = self.console.finish();
        assert!(!ended.text.contains("panicked"), "{}", ended.text);
        if let Some(server) = self.server {
            let ended = server.finish();
            assert!(!ended.text.contains("panicked"), "{}", ended.text);
        }
    }

    fn variables(&self) -> Vec<(String, String)> {
        let numbered = |name: &str, index: usize| match index {
            0 => name.to_owned(),
            index => format!("{name}{}", index + 1),
        };
        let pids = self.debuggees.iter().enumerate();
        let pids = pids.map(|(index, debuggee)| (numbered("pid", index), debuggee.pid().to_string()));
        let servers = self.servers.iter().enumerate();
        let servers = servers.map(|(index, server)| (numbered("server", index), server.connection().to_owned()));
        let debuggees = programs::debuggee("counter");
        let folders = [
            ("scratch", self.scratch.path()),
            ("debuggees", debuggees.parent().unwrap()),
        ];
        let folders = folders.map(|(name, path)| (name.to_owned(), path.display().to_string()));
        servers.chain(folders).chain(pids).collect()
    }

    fn generalize(&self, text: &str) -> String {
        text.lines().map(|line| generalize(line) + "\n").collect()
    }
}

/// `<hex>` for addresses and large numbers, `<pid>.<tid>` for a process and a thread.
fn generalize(line: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let is_part = |letter: char| letter.is_ascii_hexdigit() || letter == '`';
    let mut rest = line;
    while !rest.is_empty() {
        let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        let (number, behind) = rest.split_at(end);
        let follows = words
            .last()
            .is_none_or(|word| !word.ends_with(|letter: char| letter.is_alphanumeric()));
        // What is small is a value that the transcript is about.
        let value = u64::from_str_radix(&number.replace('`', ""), 16);
        words.push(match value {
            Ok(0x1_0000_0000..) if follows && number.len() >= 12 => "<hex>".into(),
            _ => number.to_owned(),
        });
        let next = behind.find(is_part).unwrap_or(behind.len());
        words.push(behind[..next].to_owned());
        rest = &behind[next..];
    }
    let line = words.concat();
    let Some((before, behind)) = line.split_once('(') else {
        return line;
    };
    let Some((inside, behind)) = behind.split_once(')') else {
        return line;
    };
    let numbers = |text: &str| !text.is_empty() && text.chars().all(|letter| letter.is_ascii_hexdigit());
    match inside.split_once('.') {
        Some((pid, tid)) if numbers(pid) && numbers(tid) => format!("{before}(<pid>.<tid>){behind}"),
        _ => line,
    }
}

/// The tours of a page as transcripts, each with the name of its program.
///
/// They are the blocks marked `tour`. A line `you$ farsight ... PROGRAM` begins one, later blocks go on with it; `...` is
/// left out, and addresses, offsets in code, process numbers and folders may be any. A block marked `fmt NAME` before a
/// tour is a file of that name.
fn tours(page: &str) -> Vec<(String, String)> {
    let mut tours: Vec<(String, String)> = Vec::new();
    let mut kind = "";
    let mut files = String::new();
    let mut names: Vec<&str> = Vec::new();
    for line in page.lines() {
        if let Some(opened) = line.strip_prefix("```") {
            kind = opened;
            if let Some(name) = kind.strip_prefix("fmt ") {
                files.push_str(&format!("@file {name}\n"));
                names.push(name);
            }
        } else if kind.starts_with("fmt ") {
            files.push_str(&format!("|{line}\n"));
        } else if kind == "tour"
            && let Some(command) = line.strip_prefix("you$ ")
        {
            let words: Vec<&str> = command.split_whitespace().collect();
            let ["farsight", "-premote", _, program] = words.as_slice() else {
                panic!("a tour begins with `farsight -premote SERVER PROGRAM`, and not with `{command}`");
            };
            let files = std::mem::take(&mut files);
            // The tests build it elsewhere.
            let program = &program.rsplit('/').next().unwrap();
            tours.push(((*program).to_owned(), format!("@lines\n@launch {program}\n{files}")));
        } else if kind == "tour" {
            let (_, transcript) = tours.last_mut().expect("a tour begins with a line `you$ farsight ...`");
            let in_scratch = |line: String, name: &&str| line.replace(name, &format!("{{scratch}}/{name}"));
            transcript.push_str(&names.iter().fold(toured(line), in_scratch));
            transcript.push('\n');
        }
    }
    tours
}

/// A line of a tour as one of a transcript.
fn toured(line: &str) -> String {
    match line {
        "..." => return "<lines>".into(),
        _ if line.starts_with("0:000> ") => return line.to_owned(),
        _ if line.starts_with("ready ") => return "ready <dec>".into(),
        _ => {}
    }
    let mut line = line.replace("...", "<...>");
    if let Some((before, path)) = line.split_once(" [/") {
        let file = path.rsplit('/').next().unwrap();
        line = format!("{before} [<...>/{file}");
    }
    if let Some((before, behind)) = line.split_once("+0x")
        && !before.trim().is_empty()
    {
        let rest = behind.trim_start_matches(|letter: char| letter.is_ascii_hexdigit());
        line = format!("{before}+0x<hex>{rest}");
    }
    // Values are shorter than addresses.
    let mut parts = line.split("0x");
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|letter: char| letter.is_ascii_hexdigit() || letter == '`');
        match part.len() - rest.len() {
            9.. => {
                assert!(part.contains('`'), "addresses are shown with a `: {line}");
                text.push_str(&format!("0x<hex>{rest}"));
            }
            _ => text.push_str(&format!("0x{part}")),
        }
    }
    match text.strip_prefix('>') {
        Some(rest) => format!("\\>{rest}"),
        None => generalize(&text),
    }
}

fn by_console(settings: &Settings) -> (Box<dyn Player>, String) {
    RealSession::begin(settings, Typist::Console, Way::Tcp)
}

fn by_client(settings: &Settings) -> (Box<dyn Player>, String) {
    RealSession::begin(settings, Typist::Client, Way::Tcp)
}

/// The same files by a debugging client: a sample as one test, and each as one of the soak's.
fn trials_by_clients(folder: &Path) -> Vec<Trial> {
    let files = files_of(folder).into_iter().filter(|path| {
        let name = path.file_stem().unwrap().to_string_lossy();
        !NOT_BY_CLIENTS.iter().any(|(other, _)| *other == name)
    });
    let files: Vec<PathBuf> = files.collect();
    let all = files.clone().into_iter().map(|path| {
        let name = format!("client_{}", path.file_stem().unwrap().to_string_lossy());
        Trial::new(name, move || play(&path, &by_client)).ignored()
    });
    let sample = Trial::new("slow_a_sample_by_a_client", move || {
        let mut dice = Dice::new();
        let mut left = files.clone();
        for _ in 0..SAMPLE {
            let path = left.swap_remove(dice.below(left.len()));
            println!("{}", path.display());
            play(&path, &by_client);
        }
    });
    all.chain([sample]).collect()
}

/// The same files over every other way to a server, by a smart client and by a debugging client: one of each as a test, and all
/// as the soak's.
fn trials_by_ways(folder: &Path) -> Vec<Trial> {
    let names = |path: &PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    let files = files_of(folder).into_iter();
    let files: Vec<PathBuf> = files.filter(|path| !OF_ONE_WAY.contains(&&*names(path))).collect();
    let by_clients = files.iter().filter(|path| {
        let name = names(path);
        !NOT_BY_CLIENTS.iter().any(|(other, _)| *other == name)
    });
    let by_clients: Vec<PathBuf> = by_clients.cloned().collect();
    let mut trials = Vec::new();
    for way in Way::ALL.into_iter().filter(|way| *way != Way::Tcp) {
        for (typist, word, files) in [
            (Typist::Console, "by", &files),
            (Typist::Client, "client_by", &by_clients),
        ] {
            let begin = move |settings: &Settings| RealSession::begin(settings, typist, way);
            for path in files.clone() {
                let name = format!("{word}_{}_{}", way.name(), names(&path));
                trials.push(Trial::new(name, move || play(&path, &begin)).ignored());
            }
            let files = files.clone();
            trials.push(Trial::new(format!("one_{word}_{}", way.name()), move || {
                let path = &files[Dice::new().below(files.len())];
                println!("{}", path.display());
                play(path, &begin);
            }));
        }
    }
    trials
}

/// Draws what is played, so that it can be drawn again.
struct Dice(u64);

impl Dice {
    fn new() -> Dice {
        let named = std::env::var("FARSIGHT_SEED");
        let seed = named
            .ok()
            .and_then(|seed| seed.parse::<u64>().ok())
            .unwrap_or_else(fresh_seed);
        println!("the same files again with FARSIGHT_SEED={seed}");
        Dice(seed)
    }

    fn below(&mut self, count: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % count
    }
}

fn fresh_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |time| time.as_secs() ^ u64::from(time.subsec_nanos()) << 20)
}

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut all = trials(&folder, Arc::new(by_console));
    all.extend(trials_by_clients(&folder));
    all.extend(trials_by_ways(&folder));
    all.push(Trial::new("every_row_has_a_transcript", move || {
        let coverage = Coverage {
            folder: &folder,
            rows: command_rows().filter_map(|row| row.names.first().copied()).collect(),
            not_yet: NOT_YET,
            rows_of_line,
        };
        coverage.check();
    }));
    for (page, count) in [("README.md", 2), ("docs/values.md", 1)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(page);
        let tours = tours(&std::fs::read_to_string(&path).unwrap());
        assert_eq!(tours.len(), count, "the tours of {page}");
        for (program, transcript) in tours {
            let path = path.clone();
            all.push(Trial::new(format!("page_{page}_{program}"), move || {
                play_text(&path, &transcript, &by_console);
            }));
        }
    }
    run_trials(all)
}
