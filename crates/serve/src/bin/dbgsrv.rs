//! The process server program.
#![allow(clippy::print_stdout, clippy::print_stderr)] // It is a program: its one line and its errors are for people.

use std::io::Write;
use std::process::ExitCode;

use farsight_serve::listener::ProcessServer;
use farsight_serve::options::{Invocation, USAGE, parse};
use farsight_serve::{PRODUCT, run_if_session_process};
use farsight_transport::secrets;

fn main() -> ExitCode {
    if let Some(code) = run_if_session_process() {
        return code;
    }
    let arguments = secrets::hide().into_iter();
    let arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
    match parse(arguments) {
        Ok(Invocation::Help) => print!("{USAGE}"),
        Ok(Invocation::Version) => println!("dbgsrv ({PRODUCT})"),
        Ok(Invocation::Serve(transport)) => {
            let mut server = match ProcessServer::bind(&transport) {
                Ok(server) => server,
                Err(error) => {
                    eprintln!("dbgsrv: {error}");
                    return ExitCode::from(1);
                }
            };
            if let Err(error) = server.list() {
                eprintln!("dbgsrv: warning: farsight -QR will not show this server: {error}");
            }
            println!("Process server started.  Client can connect with any of these command lines");
            println!("0: farsight -premote {}", *server.invitation());
            // A closed standard output is no reason not to serve.
            let _ = std::io::stdout().flush();
            if let Err(error) = server.run() {
                eprintln!("dbgsrv: {error}");
                return ExitCode::from(1);
            }
        }
        Err(message) => {
            eprintln!("dbgsrv: {message}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
