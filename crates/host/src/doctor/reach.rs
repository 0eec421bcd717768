//! Whether a server can be reached, what answers there, and whether the two releases understand each other.

use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Instant;

use farsight_engine::ConnectFailure;
use farsight_transport::{ClientRole, ClientTransport, Wait};
use farsight_wire::handshake::{Role, VERSIONS};

use super::Finding;
use crate::link::connect::{Connected, call};

/// Whom it waits for, and what it does on the way, is told at once; CTRL+C ends the wait for a server that shall call.
fn connect(transport: &ClientTransport) -> Result<Connected, ConnectFailure> {
    let (end, _never) = UnixStream::pair().map_err(|error| ConnectFailure(error.to_string()))?;
    let wait = Wait {
        tell: &|text| {
            // Where nobody reads it, the table remains.
            let _ = writeln!(std::io::stderr(), "{text}");
        },
        end: end.as_fd(),
    };
    call(transport, Role::SmartClient, &wait)?.finish()
}

/// Connects as a smart client and leaves again, which has no effect on any target.
pub(super) fn check(text: &str) -> Vec<Finding> {
    let what = "server";
    let transport = match ClientTransport::parse(text, ClientRole::SmartClient) {
        Ok(transport) => transport,
        Err(error) => {
            let shown = format!("{error}\n{}", error.caret());
            let said = shown.lines().next().unwrap_or_default().to_owned();
            return vec![Finding::fail("connection string", said, "farsight -? shows the forms")];
        }
    };
    let start = Instant::now();
    let answered = connect(&transport);
    let time = start.elapsed().as_millis();
    match answered {
        Err(failure) => vec![Finding::told(what, failure.to_string())],
        Ok(connected) => {
            let welcome = connected.welcome;
            let ours = farsight_serve::PRODUCT;
            let said = format!("{} on {} answered after {time} ms", welcome.product, welcome.machine);
            let version = format!(
                "version {} of the protocol is spoken; this program speaks {} to {}",
                welcome.version, VERSIONS.lowest, VERSIONS.highest
            );
            let mut found = vec![Finding::ok(what, said)];
            found.push(match welcome.product == ours {
                true => Finding::ok("versions", version),
                false => Finding::warn(
                    "versions",
                    version,
                    format!("it is not {ours}: let both be of one release"),
                ),
            });
            let limits: Vec<String> = welcome
                .capabilities
                .iter()
                .filter_map(|name| name.strip_prefix("limited"))
                .map(str::to_owned)
                .collect();
            if !limits.is_empty() {
                found.push(Finding::warn(
                    "limits",
                    format!("it was started with {}", limits.join(" ")),
                    "what that forbids it does for nobody; dbgsrv -? tells what",
                ));
            }
            found
        }
    }
}
