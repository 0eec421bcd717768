//! The process server program.
#![allow(clippy::print_stdout, clippy::print_stderr)] // It is a program: its one line and its errors are for people.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use farsight_serve::listener::{EndOfServing, ProcessServer};
use farsight_serve::options::{Invocation, Service, USAGE, parse};
use farsight_serve::{PRODUCT, run_if_session_process};
use farsight_transport::{PipeName, ServerEndpoint, relay_standard_streams, secrets};

/// How long sessions have to say their last words when the server ends.
const LAST_WORDS: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    if let Some(code) = run_if_session_process() {
        return code;
    }
    let arguments = secrets::hide().into_iter();
    let arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
    match parse(arguments) {
        Ok(Invocation::Help) => print!("{USAGE}"),
        Ok(Invocation::Version) => println!("dbgsrv ({PRODUCT})"),
        Ok(Invocation::Relay(pipe)) => return relay(&pipe),
        Ok(Invocation::Serve(service)) => {
            let Service {
                transport,
                limits,
                idle,
            } = *service;
            let mut server = match ProcessServer::bind(&transport) {
                Ok(server) => server,
                Err(error) => {
                    eprintln!("dbgsrv: {error}");
                    return ExitCode::from(1);
                }
            };
            server.limit(limits);
            if let Some(time) = idle {
                server.end_when_idle(time);
            }
            if let Err(error) = server.list() {
                eprintln!("dbgsrv: warning: farsight -QR will not show this server: {error}");
            }
            if transport.endpoint != ServerEndpoint::Stdio {
                println!("Process server started.  Client can connect with any of these command lines");
                println!("0: farsight -premote {}", *server.invitation());
                // A closed standard output is no reason not to serve.
                let _ = std::io::stdout().flush();
            }
            let ended = server.run();
            // What sessions say last passes through this process where the transport is no socket.
            farsight_transport::settle(LAST_WORDS);
            match ended {
                // What started a server on its own standard streams knows, and listens to no words of its.
                Ok(EndOfServing::Single) if transport.endpoint != ServerEndpoint::Stdio => {
                    let end = "The only connection that this server makes has ended; start it again for another one.";
                    let _ = writeln!(std::io::stdout(), "{end}");
                }
                Ok(EndOfServing::Asked | EndOfServing::Single | EndOfServing::Idle) => {}
                Err(error) => {
                    eprintln!("dbgsrv: {error}");
                    return ExitCode::from(1);
                }
            }
        }
        Err(message) => {
            eprintln!("dbgsrv: {message}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// The other side waits for one line, whichever it is: what answers behind it is the server.
fn relay(pipe: &PipeName) -> ExitCode {
    let begin = || {
        println!("farsight-ssh run");
        std::io::stdout().flush()
    };
    match relay_standard_streams(pipe, begin) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("farsight-ssh nopipe {error}");
            ExitCode::from(1)
        }
    }
}
