//! The repeater program.
#![allow(clippy::print_stdout, clippy::print_stderr)] // It is a program: its one line and its errors are for people.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use farsight_serve::PRODUCT;
use farsight_serve::repeater::Repeater;
use farsight_serve::repeater::options::{Hops, Invocation, USAGE, explain, parse};
use farsight_transport::secrets;
use farsight_transport::sys::EndSignals;

/// How long what the two sides said last may take where a transport is no socket.
const LAST_WORDS: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    if let Some(code) = farsight_transport::run_if_line_process() {
        return code;
    }
    let arguments = secrets::hide().into_iter();
    let arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
    match parse(arguments) {
        Ok(Invocation::Help) => print!("{USAGE}"),
        Ok(Invocation::Version) => println!("dbengprx ({PRODUCT})"),
        Ok(Invocation::Repeat(hops)) => {
            if let Err(why) = repeat(*hops) {
                eprintln!("dbengprx: {why}");
                return ExitCode::from(1);
            }
        }
        Err(message) => {
            eprintln!("dbengprx: {message}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn repeat(hops: Hops) -> Result<(), String> {
    let signals = EndSignals::take().map_err(|error| error.to_string())?;
    let repeater = Repeater::bind(hops).map_err(|error| explain(&error))?;
    if repeater.leads_to_itself() {
        return Err("-c leads to this repeater itself; it takes the server's transport".into());
    }
    let mut output = std::io::stdout();
    // A closed standard output is no reason not to serve.
    let _ = writeln!(output, "{}", repeater.greeting());
    let _ = output.flush();
    let mut tell = |words: &str| {
        let _ = writeln!(std::io::stderr(), "dbengprx: {words}");
    };
    let ended = repeater.run(&signals, &mut tell);
    farsight_transport::settle(LAST_WORDS);
    ended.map_err(|error| error.to_string())
}
