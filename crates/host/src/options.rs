//! The command line of `farsight`, in DbgEng's manner: text becomes types here.
//!
//! Options begin with a dash, are case-sensitive, and end at the program: everything behind it belongs to it. `/` is not
//! accepted in place of the dash, because it begins paths. Read [`Invocation`] first.

mod absent;
mod help;

use std::ffi::OsString;

use farsight_engine::expression::Language;
use farsight_engine::{
    Acquisition, AttachMode, ChildPolicy, Destination, EngineOptions, EventStatus, InitialBreak, Target, check_event,
};
use farsight_transport::{ClientRole, ClientTransport, Host};
use farsight_types::OsPid;

use crate::doctor::Subject;
use crate::image::IMAGE_PROCESS;
use crate::remote::RemoteOptions;

pub use crate::doctor::Subject as DoctorSubject;
pub use help::{USAGE, help, version};

/// What the program was called for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invocation {
    /// `-?`
    Help,
    /// `-version`
    Version,
    /// `-QR`: the servers of a machine, this one where none is named.
    ListServers(Option<String>),
    /// `-makecert`: a new certificate of this name.
    MakeCertificate(String),
    /// `doctor`: what keeps debugging from working, here, for a process or towards a server.
    Doctor(Option<Subject>),
    /// A session.
    Debug(Box<SessionOptions>),
    /// The session of a debugging server (`-remote`).
    Remote(Box<RemoteOptions>),
}

/// A session as the command line describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionOptions {
    /// What the engine is told. Its `command` stays empty: the console runs `-c` itself, so that it knows the outcome.
    pub engine: EngineOptions,
    /// Run before any other line (`-c`).
    pub commands: Option<String>,
    /// No input and no output (`-noio`): what is to be done is in `commands`, what came of it in the log.
    pub silent: bool,
}

/// A command line that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// No such option in any release.
    #[error("unknown option '{0}'")]
    Unknown(String),
    /// One that DbgEng has and this build has not.
    #[error("this build does not have {0} yet")]
    NotYet(String),
    /// An option stands last and needs something behind it.
    #[error("{option} needs {what} behind it")]
    NoValue {
        /// The option.
        option: &'static str,
        /// What it needs.
        what: &'static str,
    },
    /// What stands behind an option is not what it needs.
    #[error("{option} needs {what}, not '{given}'")]
    BadValue {
        /// The option.
        option: &'static str,
        /// What it needs.
        what: &'static str,
        /// What was given.
        given: String,
    },
    /// An event that there is not.
    #[error("{option}: {why}")]
    NoEvent {
        /// The option.
        option: &'static str,
        /// Why it is none.
        why: String,
    },
    /// The connection string's own error.
    #[error("-premote: {0}")]
    Transport(String),
    /// As [`OptionError::Transport`].
    #[error("-remote: {0}")]
    Remote(String),
    /// An option twice.
    #[error("{0} is given twice")]
    Twice(&'static str),
    /// Two first targets.
    #[error("{0} and {1} contradict each other: a session starts with one target")]
    Contradiction(&'static str, &'static str),
    /// `-QR` and something else.
    #[error("-QR takes nothing but the name of a machine beside it, and '{0}' stands there")]
    NotAlone(String),
    /// `-makecert` and something else.
    #[error("-makecert takes the name of a new certificate and nothing else beside it, and '{0}' stands there")]
    OnlyName(String),
    /// `doctor` and too much.
    #[error(
        "doctor looks at one process or at one server, and '{0}' stands behind it; a program of that name is -- doctor"
    )]
    DoctorsOneThing(String),
    /// Two ways that exclude each other.
    #[error("{0} and {1} exclude each other")]
    Clash(&'static str, &'static str),
    /// A debugging client as a server.
    #[error(
        "-server: a debugging client cannot be a debugging server; .server starts another one where the session is"
    )]
    ClientServes,
    /// A debugging client with a session of its own.
    #[error(
        "{0} is about beginning a session, and -remote takes part in one that is there; leave one of them out, or use .attach or .create in that session"
    )]
    BeginsSession(&'static str),
    /// What belongs to the session is set there.
    #[error("{0} is a setting of the session, which begins where the server is; there it is {1}")]
    SetAtServer(&'static str, &'static str),
    /// Only a debugging client has it.
    #[error("{0} is for debugging clients and needs -remote; {1} is the one for this machine's session")]
    OnlyRemote(&'static str, &'static str),
    /// A way to attach, and nothing to attach to.
    #[error("{0} says how to attach and needs -p or -pn")]
    NoProcess(&'static str),
    /// Nobody could ever type anything.
    #[error("-noio neither reads nor shows anything, and there is nothing to do: give it {0}")]
    NothingToDo(&'static str),
    /// Arguments of Linux programs need not be text; ours are.
    #[error("'{0}' is not UTF-8")]
    NotText(String),
}

const CONNECTION: &str = "a connection string such as tcp:server=HOST,port=5005";
const LISTENER: &str = "a connection string to listen at, such as tcp:port=5005";
const PID: &str = "a process id (decimal, or hexadecimal with 0x)";
const NAME: &str = "the name of an executable";
const COMMANDS: &str = "commands, separated by ';' and in quotation marks";
const EVENT: &str = "an event, such as segv, ct or ld:libm*";
const COMMANDS_KEPT: &str = "a number of commands";
const SECONDS: &str = "a number of seconds";
const FILE: &str = "a file";
const LANGUAGE: &str = "masm or c++";
const IMAGE: &str = "an image file";
const NEW_CERTIFICATE: &str = "a name for the new certificate, such as that of this machine";
const MACHINE: &str = r"the name of a machine, such as \\BOX17";
const SUBJECT: &str = "a process id or a connection string";
const PATH: &str = "directories separated by ';'";

/// How much of what was shown before a debugging client is shown, in characters.
const HISTORY: u32 = 10_000;

/// Says what `-clines` says, for debuggers that are started without it.
pub const HISTORY_VARIABLE: &str = "_NT_DEBUG_HISTORY_SIZE";

/// Takes from the environment what the command line leaves open; `variable` is that of [`HISTORY_VARIABLE`].
pub fn complete(options: &mut SessionOptions, variable: Option<OsString>) -> Result<(), OptionError> {
    let Some(given) = variable.filter(|given| !given.is_empty()) else {
        return Ok(());
    };
    let kept = &mut options.engine.history_commands;
    if kept.is_none() {
        let bad = || OptionError::BadValue {
            option: HISTORY_VARIABLE,
            what: COMMANDS_KEPT,
            given: given.to_string_lossy().into_owned(),
        };
        let number = given.to_str().and_then(|given| given.parse().ok());
        *kept = Some(number.ok_or_else(bad)?);
    }
    Ok(())
}

/// Reads the arguments behind the program's own name.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Invocation, OptionError> {
    let mut words = arguments.into_iter().map(|word| {
        word.into_string()
            .map_err(|word| OptionError::NotText(word.to_string_lossy().into_owned()))
    });
    let mut draft = Draft::default();
    let mut first = None;
    while let Some(word) = words.next() {
        let word = word?;
        if word == "-makecert" {
            let name = words.next().transpose()?;
            let name = name.filter(|name| !name.starts_with('-'));
            let behind = words.next().transpose()?;
            let (option, what) = ("-makecert", NEW_CERTIFICATE);
            return match (first.or(behind), name) {
                (Some(other), _) => Err(OptionError::OnlyName(other)),
                (None, Some(name)) => Ok(Invocation::MakeCertificate(name)),
                (None, None) => Err(OptionError::NoValue { option, what }),
            };
        }
        if word == "doctor" && first.is_none() {
            return parse_subject(words);
        }
        if word == "-QR" {
            return match first {
                Some(before) => Err(OptionError::NotAlone(before)),
                None => parse_listing(words),
            };
        }
        first.get_or_insert_with(|| word.clone());
        let mut value = |option, what| match words.next() {
            None => Err(OptionError::NoValue { option, what }),
            Some(value) => value,
        };
        match word.as_str() {
            "-?" | "-h" | "-help" | "--help" => return Ok(Invocation::Help),
            "-version" | "--version" => return Ok(Invocation::Version),
            "-premote" => draft.set_premote(value("-premote", CONNECTION)?)?,
            "-server" => draft.servers.push(value("-server", LISTENER)?),
            "-remote" => draft.set_remote(value("-remote", CONNECTION)?)?,
            "-p" => {
                let process = parse_pid(&value("-p", PID)?)?;
                draft.acquire("-p", Target::Process(process))?;
            }
            "-z" => {
                set("-z", &mut draft.image, value("-z", IMAGE)?)?;
                draft.acquire("-z", Target::Process(IMAGE_PROCESS))?;
            }
            "-pn" => {
                let name = value("-pn", NAME)?;
                draft.acquire("-pn", Target::Name(name))?;
            }
            "-xe" => draft.filter("-xe", EventStatus::Break, value("-xe", EVENT)?)?,
            "-xd" => draft.filter("-xd", EventStatus::SecondChance, value("-xd", EVENT)?)?,
            "-xn" => draft.filter("-xn", EventStatus::Output, value("-xn", EVENT)?)?,
            "-xi" => draft.filter("-xi", EventStatus::Ignore, value("-xi", EVENT)?)?,
            "-x" => draft.filter("-x", EventStatus::SecondChance, "av".into())?,
            "-lsrcpath" => set("-lsrcpath", &mut draft.local_source_path, value("-lsrcpath", PATH)?)?,
            "-clines" => draft.set_history(&value("-clines", COMMANDS_KEPT)?)?,
            "-pt" => draft.set_break_in_time(&value("-pt", SECONDS)?)?,
            "-noio" => draft.silent = true,
            "-bonc" => draft.break_in = true,
            "-cf" => draft.set_script("-cf", value("-cf", FILE)?)?,
            "-cfr" => draft.set_script("-cfr", value("-cfr", FILE)?)?,
            "-logo" => draft.set_log("-logo", value("-logo", FILE)?)?,
            "-loga" => draft.set_log("-loga", value("-loga", FILE)?)?,
            "-c" => set("-c", &mut draft.commands, value("-c", COMMANDS)?)?,
            "-ee" => draft.set_language(value("-ee", LANGUAGE)?)?,
            "-y" => set("-y", &mut draft.symbol_path, value("-y", PATH)?)?,
            "-i" => set("-i", &mut draft.image_path, value("-i", PATH)?)?,
            "-srcpath" => set("-srcpath", &mut draft.source_path, value("-srcpath", PATH)?)?,
            // They are on to begin with.
            "-lines" => {}
            "--" => {
                let program = value("--", "a program")?;
                draft.launch(program, words.by_ref().collect::<Result<_, _>>()?)?;
            }
            option if option.starts_with('-') => draft.set_flags(option)?,
            _ => draft.launch(word, words.by_ref().collect::<Result<_, _>>()?)?,
        }
    }
    match draft.remote.take() {
        Some(server) => Ok(Invocation::Remote(Box::new(draft.finish_remote(server)?))),
        None => Ok(Invocation::Debug(Box::new(draft.finish()?))),
    }
}

/// What stands behind `doctor`.
fn parse_subject(mut words: impl Iterator<Item = Result<String, OptionError>>) -> Result<Invocation, OptionError> {
    let subject = words.next().transpose()?;
    if let Some(other) = words.next().transpose()? {
        return Err(OptionError::DoctorsOneThing(other));
    }
    Ok(Invocation::Doctor(
        subject
            .map(|text| match text.contains(':') {
                true => Ok(Subject::Server(text)),
                false => parse_pid(&text)
                    .map(Subject::Process)
                    .map_err(|_| OptionError::BadValue {
                        option: "doctor",
                        what: SUBJECT,
                        given: text,
                    }),
            })
            .transpose()?,
    ))
}

/// What stands behind `-QR`.
fn parse_listing(mut words: impl Iterator<Item = Result<String, OptionError>>) -> Result<Invocation, OptionError> {
    let machine = words.next().transpose()?;
    let behind = words.next().transpose()?;
    let option = machine.clone().filter(|word| word.starts_with('-'));
    match (option.or(behind), machine) {
        (Some(other), _) => Err(OptionError::NotAlone(other)),
        (None, Some(given)) if Host::new(&given).is_none() => Err(OptionError::BadValue {
            option: "-QR",
            what: MACHINE,
            given,
        }),
        (None, machine) => Ok(Invocation::ListServers(machine)),
    }
}

fn set(option: &'static str, place: &mut Option<String>, value: String) -> Result<(), OptionError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(OptionError::Twice(option)),
    }
}

/// Sets what two options say in two ways.
fn set_either(
    place: &mut Option<(&'static str, String)>,
    option: &'static str,
    value: String,
) -> Result<(), OptionError> {
    match place.replace((option, value)) {
        None => Ok(()),
        Some((before, _)) if before == option => Err(OptionError::Twice(option)),
        Some((before, _)) => Err(OptionError::Clash(before, option)),
    }
}

fn parse_pid(text: &str) -> Result<OsPid, OptionError> {
    let number = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.strip_prefix("0n").unwrap_or(text).parse().ok(),
    };
    // 0 names a process nowhere, and a sign is no digit.
    number
        .filter(|number| *number > 0 && !text.contains('+'))
        .map(OsPid)
        .ok_or_else(|| OptionError::BadValue {
            option: "-p",
            what: PID,
            given: text.into(),
        })
}

/// Options as they have been seen so far.
#[derive(Default)]
struct Draft {
    premote: Option<String>,
    servers: Vec<String>,
    remote: Option<ClientTransport>,
    image: Option<String>,
    target: Option<(&'static str, Target)>,
    mode: Option<(&'static str, AttachMode)>,
    commands: Option<String>,
    symbol_path: Option<String>,
    image_path: Option<String>,
    source_path: Option<String>,
    local_source_path: Option<String>,
    history_commands: Option<u32>,
    no_initial_break: bool,
    no_final_break: bool,
    no_break_at_attach: bool,
    children: bool,
    detach: bool,
    filters: Vec<(EventStatus, String)>,
    script: Option<(&'static str, String)>,
    log: Option<(&'static str, String)>,
    language: Option<Language>,
    noisy_symbols: bool,
    eager_symbols: bool,
    break_in_seconds: Option<u32>,
    silent: bool,
    break_in: bool,
    verbose: bool,
}

/// The way to attach that a word begins with, and what is behind it.
fn attach_mode(word: &str) -> Option<(&str, &'static str, AttachMode)> {
    const MODES: [(&str, AttachMode); 4] = [
        ("-pvr", AttachMode::NoninvasiveNoSuspend),
        ("-pv", AttachMode::Noninvasive),
        ("-pe", AttachMode::Existing),
        ("-pr", AttachMode::ResumeStopped),
    ];
    MODES
        .into_iter()
        .find_map(|(option, mode)| Some((word.strip_prefix(option.trim_start_matches('-'))?, option, mode)))
}

impl Draft {
    fn set_premote(&mut self, text: String) -> Result<(), OptionError> {
        let fail = |error: &dyn std::fmt::Display| OptionError::Transport(error.to_string());
        ClientTransport::parse(&text, ClientRole::SmartClient)
            .map_err(|error| fail(&error))?
            .require_supported()
            .map_err(|error| fail(&error))?;
        set("-premote", &mut self.premote, text)
    }

    fn set_remote(&mut self, text: String) -> Result<(), OptionError> {
        let fail = |error: &dyn std::fmt::Display| OptionError::Remote(error.to_string());
        let transport = ClientTransport::parse(&text, ClientRole::DebuggingClient).map_err(|error| fail(&error))?;
        transport.require_supported().map_err(|error| fail(&error))?;
        match self.remote.replace(transport) {
            None => Ok(()),
            Some(_) => Err(OptionError::Twice("-remote")),
        }
    }

    /// A debugging client begins no session and cannot be a server.
    fn finish_remote(self, server: ClientTransport) -> Result<RemoteOptions, OptionError> {
        if !self.servers.is_empty() {
            return Err(OptionError::ClientServes);
        }
        let target = self.target.as_ref().map(|(option, _)| *option);
        let begins = [
            (self.premote.is_some(), "-premote"),
            (self.no_break_at_attach, "-pb"),
            (self.children, "-o"),
            (self.no_initial_break, "-g"),
            (self.no_final_break, "-G"),
            (self.detach, "-pd"),
            (self.break_in_seconds.is_some(), "-pt"),
            (!self.filters.is_empty(), "-x, -xe, -xd, -xn or -xi"),
        ];
        let begins = begins.into_iter().find(|(given, _)| *given).map(|(_, option)| option);
        let mode = self.mode.as_ref().map(|(option, _)| *option);
        if let Some(option) = target.or(mode).or(begins) {
            return Err(OptionError::BeginsSession(option));
        }
        let sets = [
            (self.symbol_path.is_some(), "-y", ".sympath"),
            (self.image_path.is_some(), "-i", ".exepath"),
            (
                self.source_path.is_some(),
                "-srcpath",
                ".srcpath, or -lsrcpath for your own",
            ),
            (self.language.is_some(), "-ee", ".expr"),
            (self.noisy_symbols, "-n", "!sym noisy"),
            (self.eager_symbols, "-s", ".reload /f"),
            (
                self.history_commands.is_some(),
                "-clines",
                "-clines of the server's command line",
            ),
        ];
        let script = self.script.as_ref().map(|(option, _)| (*option, "$<"));
        let log = self.log.as_ref().map(|(option, _)| (*option, ".logopen"));
        let sets = sets.into_iter().find(|(given, ..)| *given);
        if let Some((option, instead)) = script.or(log).or(sets.map(|(_, option, instead)| (option, instead))) {
            return Err(OptionError::SetAtServer(option, instead));
        }
        if self.silent && self.commands.is_none() {
            return Err(OptionError::NothingToDo("commands (-c)"));
        }
        Ok(RemoteOptions {
            server,
            commands: self.commands,
            silent: self.silent,
            // Nobody sees it, and what failed for others is not to look like this one's own.
            history: if self.silent { 0 } else { HISTORY },
            break_in: self.break_in,
            source_path: self
                .local_source_path
                .iter()
                .flat_map(|path| path.split(';'))
                .map(str::to_owned)
                .collect(),
        })
    }

    fn filter(&mut self, option: &'static str, status: EventStatus, event: String) -> Result<(), OptionError> {
        if let Err(why) = check_event(&event) {
            return Err(OptionError::NoEvent { option, why });
        }
        self.filters.push((status, event));
        Ok(())
    }

    fn set_break_in_time(&mut self, text: &str) -> Result<(), OptionError> {
        let bad = || OptionError::BadValue {
            option: "-pt",
            what: SECONDS,
            given: text.into(),
        };
        let seconds = text.parse().ok().filter(|seconds| *seconds > 0).ok_or_else(bad)?;
        match self.break_in_seconds.replace(seconds) {
            None => Ok(()),
            Some(_) => Err(OptionError::Twice("-pt")),
        }
    }

    fn set_history(&mut self, text: &str) -> Result<(), OptionError> {
        let bad = || OptionError::BadValue {
            option: "-clines",
            what: COMMANDS_KEPT,
            given: text.into(),
        };
        match self.history_commands.replace(text.parse().map_err(|_| bad())?) {
            None => Ok(()),
            Some(_) => Err(OptionError::Twice("-clines")),
        }
    }

    fn set_language(&mut self, name: String) -> Result<(), OptionError> {
        let language = match name.to_ascii_lowercase().as_str() {
            "masm" => Language::Masm,
            "c++" => Language::Cpp,
            _ => {
                return Err(OptionError::BadValue {
                    option: "-ee",
                    what: LANGUAGE,
                    given: name,
                });
            }
        };
        match self.language.replace(language) {
            None => Ok(()),
            Some(_) => Err(OptionError::Twice("-ee")),
        }
    }

    fn set_script(&mut self, option: &'static str, file: String) -> Result<(), OptionError> {
        set_either(&mut self.script, option, file)
    }

    fn set_log(&mut self, option: &'static str, file: String) -> Result<(), OptionError> {
        set_either(&mut self.log, option, file)
    }

    fn acquire(&mut self, option: &'static str, target: Target) -> Result<(), OptionError> {
        match self.target.replace((option, target)) {
            None => Ok(()),
            Some((before, _)) if before == option => Err(OptionError::Twice(option)),
            Some((before, _)) => Err(OptionError::Contradiction(before, option)),
        }
    }

    fn launch(&mut self, program: String, arguments: Vec<String>) -> Result<(), OptionError> {
        let path = program;
        self.acquire("a program", Target::Program { path, arguments })
    }

    /// An option without a value, or several in one word (`-gG`).
    fn set_flags(&mut self, word: &str) -> Result<(), OptionError> {
        let mut rest = word.trim_start_matches('-');
        if rest.is_empty() || word.starts_with("--") {
            return Err(OptionError::Unknown(word.into()));
        }
        if absent::is_absent(rest) {
            return Err(OptionError::NotYet(word.into()));
        }
        while !rest.is_empty() {
            if let Some((behind, option, mode)) = attach_mode(rest) {
                match self.mode.replace((option, mode)) {
                    Some((before, _)) if before != option => return Err(OptionError::Clash(before, option)),
                    _ => rest = behind,
                }
                continue;
            }
            let flags: [(&str, &mut bool); 8] = [
                ("pd", &mut self.detach),
                ("pb", &mut self.no_break_at_attach),
                ("o", &mut self.children),
                ("g", &mut self.no_initial_break),
                ("G", &mut self.no_final_break),
                ("v", &mut self.verbose),
                ("n", &mut self.noisy_symbols),
                ("s", &mut self.eager_symbols),
            ];
            let found = flags
                .into_iter()
                .find_map(|(name, flag)| rest.strip_prefix(name).map(|behind| (behind, flag)));
            match found {
                Some((behind, flag)) => {
                    *flag = true;
                    rest = behind;
                }
                None if absent::starts_with_absent_flag(rest) => {
                    return Err(OptionError::NotYet(format!("-{} (in '{word}')", &rest[..1])));
                }
                None => return Err(OptionError::Unknown(word.into())),
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<SessionOptions, OptionError> {
        if self.local_source_path.is_some() {
            return Err(OptionError::OnlyRemote("-lsrcpath", "-srcpath"));
        }
        let has_work = self.commands.is_some() || self.script.is_some() || !self.servers.is_empty();
        if self.silent && self.target.is_none() && !has_work {
            return Err(OptionError::NothingToDo("commands (-c, -cf) or a server (-server)"));
        }
        let destination = match (self.premote, self.image) {
            (Some(_), Some(_)) => return Err(OptionError::Contradiction("-premote", "-z")),
            (None, Some(path)) => Destination::Image(path),
            (Some(server), None) => Destination::ProcessServer(server),
            (None, None) => Destination::Local,
        };
        let mut engine = EngineOptions::new(destination);
        let attaches = matches!(self.target, Some((_, Target::Process(_) | Target::Name(_))));
        match self.mode {
            Some((option, _)) if !attaches => return Err(OptionError::NoProcess(option)),
            // What is only looked at, or rests already, is not broken into in the first place.
            Some((option @ ("-pv" | "-pvr" | "-pe"), _)) if self.no_break_at_attach => {
                return Err(OptionError::Clash("-pb", option));
            }
            None if self.no_break_at_attach && !attaches => return Err(OptionError::NoProcess("-pb")),
            _ => {}
        }
        engine.acquisition = Acquisition {
            mode: self.mode.map_or(AttachMode::Invasive, |(_, mode)| mode),
            initial_break: match self.no_break_at_attach && !self.break_in {
                true => InitialBreak::Never,
                false => InitialBreak::Usual,
            },
            children: match self.children {
                true => ChildPolicy::Follow,
                false => ChildPolicy::Leave,
            },
            ..Acquisition::of(self.target.map_or(Target::None, |(_, target)| target))
        };
        engine.initial_break = !self.no_initial_break || self.break_in;
        engine.final_break = !self.no_final_break;
        engine.filters = self.filters;
        engine.detach_on_exit = self.detach;
        engine.script = self.script.map(|(option, file)| (file, option == "-cfr"));
        engine.log = self.log.map(|(option, file)| (file, option == "-loga"));
        engine.language = self.language.unwrap_or_default();
        engine.noisy_symbols = self.noisy_symbols;
        engine.eager_symbols = self.eager_symbols;
        engine.break_in_seconds = self.break_in_seconds;
        engine.symbol_path = self.symbol_path;
        engine.image_path = self.image_path;
        engine.source_path = self.source_path;
        engine.verbose = self.verbose;
        engine.servers = self.servers;
        engine.history_commands = self.history_commands;
        Ok(SessionOptions {
            engine,
            commands: self.commands,
            silent: self.silent,
        })
    }
}

#[cfg(test)]
mod tests;
