//! The servers of this machine, for `-QR` and for the engine.

use farsight_session::record::{MachineServer, MachineServers, ServerKind};
use farsight_transport::registry::{self, RegisteredServer, RegistryError};
use farsight_transport::sys::effective_uid;
use farsight_transport::{Host, ServerRole};

/// Why the servers of a machine cannot be listed: which machine, why not, and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListingError {
    /// Ask there.
    #[error(
        "only the servers of this machine can be listed, and '{machine}' is another one; ask there: \
         ssh {machine} farsight -QR"
    )]
    OtherMachine {
        /// The machine that was named.
        machine: Host,
    },
    /// Correct the name.
    #[error("'{0}' cannot be the name of a machine")]
    NoName(String),
    /// Mend the directory.
    #[error("the servers of this machine cannot be listed: {0}")]
    Registry(#[from] RegistryError),
}

/// The servers of a machine, which must be this one; the name is given back as it was given, without `\\\\`.
pub(crate) fn of_machine(given: Option<&str>) -> Result<MachineServers, ListingError> {
    let machine = match given {
        None => Host::this_machine(),
        Some(name) => {
            let machine = Host::new(name).ok_or_else(|| ListingError::NoName(name.to_owned()))?;
            if !registry::is_this_machine(&machine) {
                return Err(ListingError::OtherMachine { machine });
            }
            machine
        }
    };
    let servers = registry::servers()?;
    Ok(MachineServers {
        machine: given.map_or_else(|| machine.to_string(), |name| name.trim_start_matches('\\').to_owned()),
        rows: servers.into_iter().filter_map(row).collect(),
    })
}

fn row(server: RegisteredServer) -> Option<MachineServer> {
    let kind = match server.role {
        ServerRole::DebuggingServer => ServerKind::DebuggingServer,
        ServerRole::ProcessServer => ServerKind::ProcessServer,
        ServerRole::KernelConnectionServer => ServerKind::KernelConnectionServer,
        // They pass on what others serve, and are never listed.
        ServerRole::Repeater => return None,
    };
    Some(MachineServer {
        kind,
        transport: server.transport,
        hidden: server.hidden,
        pid: server.process,
        since: server.since,
        uid: (server.uid != effective_uid()).then_some(server.uid),
        product: server.product,
    })
}
