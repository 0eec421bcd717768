//! The debugging servers of this session: `-server`, `.server`, `.servers`, `.endsrv`.

use farsight_session::Record;
use farsight_session::record::ServerKinds;
use farsight_types::{AccessRole, ServerId};

use crate::DebuggingServer;
use crate::error::CommandError;
use crate::session::Session;

/// One server; its number stays when it has ended.
pub(crate) struct KnownServer {
    pub(crate) id: ServerId,
    /// Its connection string, for listings.
    pub(crate) listing: String,
    /// What a client gives behind `-remote`.
    pub(crate) client_string: String,
    pub(crate) role: AccessRole,
    /// None when it was told to end.
    server: Option<Box<dyn DebuggingServer>>,
}

impl KnownServer {
    pub(crate) fn has_ended(&self) -> bool {
        self.server.is_none()
    }
}

impl Session {
    /// Starts a server; its number.
    pub(crate) fn start_server(&mut self, transport: &str) -> Result<ServerId, CommandError> {
        let id = ServerId(u32::try_from(self.servers.len()).unwrap_or(u32::MAX));
        let started = self.outside.start_server(transport, id, self.inbox.clone());
        let server = started.map_err(|failure| CommandError::Refused(failure.to_string()))?;
        if let Some(trouble) = server.trouble() {
            self.output.warning(format!("*** WARNING: {trouble}"));
        }
        self.servers.push(KnownServer {
            id,
            listing: server.listing(),
            client_string: server.client_string(),
            role: server.role(),
            server: Some(server),
        });
        Ok(id)
    }

    /// Tells a server to end: it takes no more clients, and those it has stay unless they are to be cut off. Whether it is
    /// closed already.
    pub(crate) fn end_debugging_server(&mut self, id: ServerId, cut_clients: bool) -> Result<bool, CommandError> {
        self.demand(AccessRole::Owner, "no server can be ended")?;
        let known = self
            .servers
            .iter_mut()
            .find(|known| known.id == id && !known.has_ended());
        let Some(mut server) = known.and_then(|known| known.server.take()) else {
            return Err(CommandError::Refused(format!(
                "there is no server {id} that listens; .servers lists them"
            )));
        };
        Ok(server.stop(cut_clients))
    }

    /// The servers of the engine's machine, its own among them (DbgEng's `OutputServers`). Whoever asks may be anybody, so
    /// hidden servers are left out: `-QR` shows them to their user.
    pub(crate) fn servers_for_a_client(&mut self, machine: &str, kinds: ServerKinds) -> Result<Record, CommandError> {
        if !kinds.is_valid() {
            let what = format!(
                "{:#x} is no kind of server: 1 is debugging servers, 2 process servers, 3 both",
                kinds.0
            );
            return Err(CommandError::Refused(what));
        }
        let found = self.outside.servers_of_machine(machine);
        let mut servers = found.map_err(|failure| CommandError::Refused(failure.to_string()))?;
        servers.rows.retain(|server| kinds.holds(server.kind) && !server.hidden);
        Ok(Record::MachineServers(servers))
    }

    /// What a client gives to come here, one line for each server that listens.
    pub(crate) fn client_lines(&self) -> Vec<String> {
        let listening = self.servers.iter().filter(|known| !known.has_ended());
        listening
            .map(|known| format!("{}: farsight -remote {}", known.id, known.client_string))
            .collect()
    }

    /// Starts the servers of the command line and tells how to come to them.
    pub(crate) fn start_first_servers(&mut self) -> Result<(), CommandError> {
        let wanted = std::mem::take(&mut self.options.servers);
        for transport in &wanted {
            self.start_server(transport)?;
        }
        if !wanted.is_empty() {
            self.tell_servers();
        }
        Ok(())
    }

    /// Says how clients come here.
    pub(crate) fn tell_servers(&mut self) {
        self.output
            .line("Server started.  Client can connect with any of these command lines");
        for line in self.client_lines() {
            self.output.line(line);
        }
    }
}
