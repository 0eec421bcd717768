//! The roles debugger and smart client: a console and an engine in one program. They differ in nothing but the
//! destination in the engine's options.

use std::sync::Arc;

use farsight_engine::{Engine, EngineMessage, Target};
use farsight_session::{Client, ClientId, Deliver, Introduction};

use crate::Machine;
use crate::console::{self, ConsoleOptions, FirstTarget};
use crate::link::connect::identity;
use crate::options::SessionOptions;

/// Runs a session; answers the exit code.
pub fn run(options: SessionOptions) -> std::io::Result<u8> {
    let console = ConsoleOptions {
        commands: options.commands,
        silent: options.silent,
        first_target: match options.engine.acquisition.target {
            Target::None => FirstTarget::None,
            Target::Process(_) | Target::Name(_) => FirstTarget::Process,
            Target::Program { .. } => FirstTarget::Program,
        },
        ..ConsoleOptions::default()
    };
    let Engine { inbox, thread } = Engine::start(Box::new(Machine::default()), options.engine)?;
    let to_engine = inbox.clone();
    let deliver: Deliver = Arc::new(move |client, request| {
        // An engine that has ended shows that in its notifications.
        let _ = to_engine.send(EngineMessage::Client(client, request));
    });
    let (client, engines_end) = Client::new(ClientId(0), Introduction::console(identity()), deliver);
    let _ = inbox.send(EngineMessage::Join(engines_end));
    drop(inbox);
    let end = console::run(client, console)?;
    if end.engine_ended && thread.join().is_err() {
        // It has told of its panic on standard error.
        return Ok(end.code.max(4));
    }
    Ok(end.code)
}
