//! Runs farsight, gdb with gdbserver, and lldb with lldb-server on the same debuggees in one run, over loopback and over
//! a link with delay, and writes a table of ratios and a JSON file. `cargo xtask bench` builds what it needs and starts it.
//!
//! Read [`work::WORKS`] first: what is measured. [`debugger`] drives each debugger through its console by the commands
//! that its users type; [`server`] starts each one's server; [`symbols`] asks about files
//! without a process; [`clients`] measures shared sessions; [`sealed`] what passwords and keys cost; [`serial`] stops over serial lines; [`table`] makes the report.
//!
//! This program talks to the person who runs it, and a measurement that cannot be made ends it.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::expect_used, clippy::unwrap_used)]

mod clients;
mod debugger;
mod sealed;
mod serial;
mod server;
mod symbols;
mod table;
mod work;

use std::path::PathBuf;
use std::process::ExitCode;

use debugger::Kind;
use server::Link;
use table::{Report, Row};

const USAGE: &str = "usage: bench [--json FILE] [--only TEXT] [--runs N] [--near]

  --json FILE  write every measurement there
  --only TEXT  only works whose names hold TEXT
  --runs N     repeat each measurement and take the median (default 3; far links are measured once)
  --near       no far link";

/// What was asked for.
struct Options {
    json: Option<PathBuf>,
    only: String,
    runs: usize,
    far: bool,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        json: None,
        only: String::new(),
        runs: 3,
        far: true,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--json" => options.json = Some(value()?.into()),
            "--only" => options.only = value()?,
            "--runs" => options.runs = value()?.parse().map_err(|_| "--runs needs a number")?,
            "--near" => options.far = false,
            _ => return Err(format!("no option {word}")),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("bench: {problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let mut report = Report::default();
    for work in work::WORKS.iter().filter(|work| work.name.contains(&options.only)) {
        let (mut near, mut far) = (Row::new(work, Link::Near), Row::new(work, Link::Far));
        for kind in Kind::ALL {
            let measured = work::near(work, kind, options.runs);
            near.put(kind, measured);
            if options.far {
                far.put(kind, work::far(work, kind, measured));
            }
        }
        eprint!("{}", near.line());
        report.rows.push(near);
        if options.far {
            eprint!("{}", far.line());
            report.rows.push(far);
        }
    }
    if "server".contains(&options.only) || options.only.is_empty() {
        report.servers = Kind::ALL.iter().map(|kind| server::footprint(*kind)).collect();
    }
    for question in symbols::QUESTIONS.iter().filter(|one| one.name.contains(&options.only)) {
        match question.ask(options.runs) {
            Some(line) => {
                eprint!("{}", line.row());
                report.symbols.push(line);
            }
            None => eprintln!("{}: left out, its file is not here", question.name),
        }
    }
    if "clients".contains(&options.only) || options.only.is_empty() {
        report.sharing = Some(clients::measure(options.runs));
    }
    if "sealed".contains(&options.only) || options.only.is_empty() {
        report.sealed = sealed::measure(options.runs);
    }
    println!("{}", report.table());
    if "serial".contains(&options.only) || options.only.is_empty() {
        println!("{}", serial::table(&serial::measure(options.runs)));
    }
    if let Some(path) = options.json
        && let Err(error) = std::fs::write(&path, report.json())
    {
        eprintln!("bench: cannot write {}: {error}", path.display());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
