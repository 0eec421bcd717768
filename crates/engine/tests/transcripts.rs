//! Every command on the fake target: the files in `transcripts`, played by an engine whose target is made of memory.
//!
//! Settings, beside what [`farsight_testkit::transcript`] says: `@attach` (process 4711, the default), `@launch`,
//! `@none` (no target), `@guest ROLE` (another client is there), `@without-files` (the engine's machine has none of the target's files), and `@file PATH` with
//! lines `|...` for a file of the engine's machine. What a launched program writes is shown as lines `program| ...`.
//! The clock stands still and addresses are always the same, so that nothing varies but where a break-in comes.

#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub, dead_code)]

#[path = "session/support.rs"]
mod support;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use farsight_engine::{Acquisition, command_rows, rows_of_line};
use farsight_session::{CommandOutcome, Notification, Request, SessionState};
use farsight_testkit::fake::toy::Toy;
use farsight_testkit::transcript::{Coverage, Heard, Player, Settings, Trial, run_trials, trials};
use farsight_types::AccessRole;

use support::{Guest, Session, World, attach, launch};

/// Rows without a transcript. Take a command out with the transcript that shows it; put none in.
const NOT_YET: &[&str] = &[];

/// An engine on the fake target.
struct FakeSession {
    session: Option<Session>,
    /// Another client, which only is there.
    guest: Option<Guest>,
    going: Option<farsight_session::Ticket>,
}

impl FakeSession {
    fn begin(settings: &Settings) -> (Box<dyn Player>, String) {
        settings.expect_only(&["attach", "launch", "none", "without-files", "file", "guest"]);
        let mut world = match settings.get("without-files") {
            Some(_) => World::without_files(),
            None => World::with_files(),
        };
        if settings.get("without-files").is_none() {
            let programs = [Toy::forker(), Toy::loader(), Toy::faults(), Toy::lined()].into_iter();
            let programs = programs.map(|program| (program.image.path.into(), program.file));
            world.files.extend(programs);
        }
        let files = settings.files().into_iter();
        world
            .files
            .extend(files.map(|(path, content)| (path.into(), content.into_bytes())));
        let mut options = match settings.get("launch") {
            Some(_) => launch(),
            None => attach(),
        };
        let (session, shown) = if settings.get("none").is_some() {
            options.acquisition = Acquisition::default();
            let mut session = Session::begin(world, options);
            let shown = session.until("the connection", |notification| {
                matches!(notification, Notification::State(SessionState::NoDebuggee))
            });
            (session, shown)
        } else {
            Session::start(world, options)
        };
        let guest = settings.get("guest").map(|role| {
            let role = AccessRole::named(role).expect("a role");
            session.join(7, "ann@desk", role)
        });
        let mut player = FakeSession {
            session: Some(session),
            guest,
            going: None,
        };
        let shown = shown + &player.program_output();
        (Box::new(player), shown)
    }

    fn session(&mut self) -> &mut Session {
        self.session.as_mut().expect("a session that has not ended")
    }

    /// What the program wrote since the last call, as lines of the transcript.
    fn program_output(&mut self) -> String {
        let bytes = std::mem::take(&mut self.session().program_output);
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(|line| format!("program| {line}\n")).collect()
    }

    fn heard(&mut self, (shown, outcome): (String, CommandOutcome)) -> Heard {
        Heard {
            text: shown + &self.program_output(),
            failed: Some(outcome == CommandOutcome::Failed),
        }
    }
}

impl Player for FakeSession {
    fn prompt(&mut self) -> Option<String> {
        self.session().prompt.clone()
    }

    fn run(&mut self, line: &str) -> Heard {
        let result = self.session().run_or_end(line);
        self.heard(result)
    }

    fn start(&mut self, line: &str) -> Heard {
        let session = self.session();
        let ticket = session.send(line);
        let shown = session.until("running", |notification| {
            matches!(notification, Notification::State(SessionState::Running))
        });
        self.going = Some(ticket);
        self.heard((shown, CommandOutcome::Done))
    }

    fn interrupt(&mut self) -> Heard {
        let going = self.going.take().expect("a line that was started by '>&'");
        let session = self.session();
        session.interrupt();
        let result = session.finish("the break-in", going);
        self.heard(result)
    }

    fn end(mut self: Box<Self>) {
        let session = self.session.take().expect("a session that has not ended");
        session.request(Request::EndOfInput);
        session.end();
    }
}

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut all = trials(&folder, Arc::new(FakeSession::begin));
    all.push(Trial::new("every_row_has_a_transcript", move || {
        let coverage = Coverage {
            folder: &folder,
            rows: command_rows().filter_map(|row| row.names.first().copied()).collect(),
            not_yet: NOT_YET,
            rows_of_line,
        };
        coverage.check();
    }));
    run_trials(all)
}
