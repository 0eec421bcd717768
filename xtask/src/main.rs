//! Project chores, run as `cargo xtask COMMAND`; each does its own set-up. Read `COMMANDS` first.
//!
//! This program talks to the person who runs it, so it prints; it never becomes part of what is shipped.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod bench;
mod bench_files;
mod debuggees;
mod demo;
mod docs;
mod fuzz;
mod live;
mod programs;
mod run;
mod setup;
mod ship;
mod suite;
mod workspace;

use std::process::ExitCode;

use run::Done;
use workspace::Workspace;

/// A chore: its name, its arguments, what it does, and the function.
struct Command {
    name: &'static str,
    arguments: &'static str,
    help: &'static str,
    function: fn(&Workspace, &[String]) -> Done,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "demo",
        arguments: "",
        help: "build everything and show the main job on this machine, step by step",
        function: demo::command,
    },
    Command {
        name: "test",
        arguments: "[--fast | --all] [FILTER]",
        help: "set up, build and run every test and check (--fast skips slow ones, --all adds the soak)",
        function: suite::test,
    },
    Command {
        name: "debuggees",
        arguments: "",
        help: "build the programs that the tests debug",
        function: debuggees::command,
    },
    Command {
        name: "programs",
        arguments: "",
        help: "build debuggees, dbgsrv and farsight for tests, and print the environment that tests expect",
        function: programs::command,
    },
    Command {
        name: "soak",
        arguments: "[--seed N] [FILTER]",
        help: "run the long tests that `test` leaves out",
        function: suite::soak,
    },
    Command {
        name: "fuzz",
        arguments: "[TARGET [SECONDS]]",
        help: "fuzz one parser; without a target, list them",
        function: fuzz::command,
    },
    Command {
        name: "dist",
        arguments: "",
        help: "build what is shipped into TARGET/dist",
        function: ship::dist,
    },
    Command {
        name: "bench",
        arguments: "[--json FILE] [--only TEXT] [--near]",
        help: "run the same work with farsight, gdb and lldb, and print the ratios",
        function: bench::command,
    },
    Command {
        name: "docs",
        arguments: "",
        help: "write docs/commands.md from the command table",
        function: docs::command,
    },
    Command {
        name: "figures",
        arguments: "",
        help: "measure dbgsrv: size, time to listen, memory when idle",
        function: ship::figures,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        usage();
        return ExitCode::from(2);
    };
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprintln!("xtask: no command `{name}`\n");
        usage();
        return ExitCode::from(2);
    };
    match Workspace::find().and_then(|workspace| (command.function)(&workspace, rest)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask {name}: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn usage() {
    eprintln!("usage: cargo xtask COMMAND\n");
    for command in COMMANDS {
        let left = format!("{} {}", command.name, command.arguments);
        eprintln!("  {left:34}{}", command.help);
    }
}
