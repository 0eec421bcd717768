//! Roles with an engine or a console.
//!
//! A role is a short composition ([`debugger`]); everything it is made of is here or below: the engine's links, files
//! and variables ([`Machine`]), the command line ([`options`]) and the console ([`console`]).

mod certificate;
pub mod console;
pub mod debugger;
mod doctor;
mod files;
mod image;
mod link;
mod log;
pub mod options;
mod outside;
pub mod remote;
mod server;
mod servers;
mod sources;
mod sys;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

pub use farsight_transport::secrets::hide as arguments;
pub use outside::Machine;

use farsight_engine::Destination;
use farsight_render::View;
use farsight_session::Record;
use farsight_transport::{ClientRole, ClientTransport, ConnectError, ServerRole, ServerTransport, secrets};
use farsight_types::without_secrets;

use options::{Invocation, SessionOptions, USAGE};

/// How long what was said last may take to leave this process, where a transport is more than a socket.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The exit code of a command line that cannot be meant.
const BAD_USAGE: u8 = 2;
/// The exit code where there is no session to take part in, or another machine's servers are asked for.
const NO_SESSION: u8 = 3;
/// The exit code when the program itself fails.
const FAILED: u8 = 4;

/// The whole `farsight` program, given the arguments behind its own name. To be called first thing in `main`, because
/// the session process of a debugger's own is this program too, run again.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    if let Some(code) = farsight_serve::run_if_session_process() {
        return code;
    }
    if let Err(why) = log::start() {
        return fail(BAD_USAGE, &why);
    }
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let words = std::iter::once("farsight".into()).chain(
        arguments
            .iter()
            .map(|word| without_secrets(&word.to_string_lossy()).into_owned()),
    );
    let words: Vec<String> = words.collect();
    let mut options = match options::parse(arguments) {
        Ok(Invocation::Help) => return show(&options::help()),
        Ok(Invocation::Version) => return show(&options::version()),
        Ok(Invocation::ListServers(machine)) => return list_servers(machine.as_deref()),
        Ok(Invocation::MakeCertificate(name)) => return make_certificate(&name),
        Ok(Invocation::Doctor(subject)) => return examine(subject.as_ref()),
        Ok(Invocation::Debug(options)) => options,
        Ok(Invocation::Remote(mut options)) => {
            let shown = options.server.to_string();
            secrets::collect(&options.server.credential);
            return match secrets::ask(&mut options.server.credential, &shown) {
                Ok(_) => take_part(*options),
                Err(error) => fail(NO_SESSION, &error.to_string()),
            };
        }
        Err(error) => return fail(BAD_USAGE, &format!("{error}\n{USAGE} (-? tells more)")),
    };
    if let Err(error) = ask_secrets(&mut options) {
        return fail(NO_SESSION, &error.to_string());
    }
    options.engine.command_line = words;
    if let Err(error) = options::complete(&mut options, std::env::var_os(options::HISTORY_VARIABLE)) {
        return fail(BAD_USAGE, &error.to_string());
    }
    let code = match debugger::run(*options) {
        Ok(code) => ExitCode::from(code),
        Err(error) => fail(FAILED, &format!("cannot start: {error}")),
    };
    farsight_transport::settle(LAST_WORDS);
    code
}

/// Asks for the secrets that connection strings leave open, while there is a terminal for nothing else, and takes those that
/// are elsewhere before any program is started that would inherit them.
fn ask_secrets(options: &mut SessionOptions) -> Result<(), ConnectError> {
    if let Destination::ProcessServer(text) = &mut options.engine.destination
        && let Ok(mut transport) = ClientTransport::parse(text, ClientRole::SmartClient)
    {
        let shown = transport.to_string();
        secrets::collect(&transport.credential);
        if secrets::ask(&mut transport.credential, &shown)? {
            *text = transport.reveal().to_string();
        }
    }
    for text in &mut options.engine.servers {
        // What cannot be read is said where it is started.
        let Ok(mut transport) = ServerTransport::parse(text, ServerRole::DebuggingServer) else {
            continue;
        };
        let shown = transport.to_string();
        secrets::collect(&transport.options.credential);
        if secrets::ask(&mut transport.options.credential, &shown)? {
            *text = transport.reveal().to_string();
        }
    }
    Ok(())
}

fn take_part(options: remote::RemoteOptions) -> ExitCode {
    let code = match remote::run(options) {
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(failure)) => fail(NO_SESSION, &format!("cannot connect: {failure}")),
        Err(error) => fail(FAILED, &format!("cannot start: {error}")),
    };
    farsight_transport::settle(LAST_WORDS);
    code
}

/// `-QR`.
fn list_servers(machine: Option<&str>) -> ExitCode {
    match servers::of_machine(machine) {
        Ok(found) => show(&farsight_render::render(
            &Record::MachineServers(found),
            &View::default(),
        )),
        Err(error) => fail(NO_SESSION, &error.to_string()),
    }
}

/// `-makecert`.
fn make_certificate(name: &str) -> ExitCode {
    match certificate::make(name) {
        Ok(made) => show(&made.to_string()),
        Err(why) => fail(FAILED, &format!("-makecert: {why}")),
    }
}

/// `doctor`.
fn examine(subject: Option<&doctor::Subject>) -> ExitCode {
    let (table, is_well) = doctor::examine(subject);
    match show(&table) == ExitCode::SUCCESS && is_well {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn show(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn fail(code: u8, why: &str) -> ExitCode {
    // Where nobody reads this either, the code remains.
    let _ = writeln!(std::io::stderr(), "farsight: {why}");
    ExitCode::from(code)
}
