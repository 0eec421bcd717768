//! The debugging servers of this session: `-server`, `.server`, `.servers`, `.endsrv`.

use farsight_session::Record;
use farsight_session::record::ServerKinds;
use farsight_types::{AccessRole, ServerId, without_secrets};

use crate::error::CommandError;
use crate::output::Audience;
use crate::session::Session;
use crate::{DebuggingServer, Invitation};

/// One server; its number stays when it has ended.
pub(crate) struct KnownServer {
    pub(crate) id: ServerId,
    /// Its connection string, for listings.
    pub(crate) listing: String,
    /// What clients give behind `-remote`.
    pub(crate) invitations: Vec<Invitation>,
    pub(crate) role: AccessRole,
    /// Shown to owners alone.
    is_hidden: bool,
    /// None when it was told to end.
    server: Option<Box<dyn DebuggingServer>>,
}

impl KnownServer {
    pub(crate) fn has_ended(&self) -> bool {
        self.server.is_none()
    }

    /// Who sees it.
    pub(crate) fn audience(&self) -> Audience {
        match self.is_hidden {
            true => Audience::Owners,
            false => Audience::All,
        }
    }
}

/// A command line as those see it who shall not see hidden servers, where it starts one.
pub(crate) fn without_hidden_servers(line: &str) -> Option<String> {
    const COMMAND: &str = ".server";
    let mut shown = String::new();
    // Of the same length; once, for a line may be long and have any number of them.
    let lower = line.to_ascii_lowercase();
    let mut rest = line;
    let mut hides = false;
    while let Some(at) = lower
        .get(line.len() - rest.len()..)
        .and_then(|lower| lower.find(COMMAND))
    {
        let (before, found) = rest.split_at(at + COMMAND.len());
        shown.push_str(before);
        let (connection, behind) = found.split_at(found.find([';', '"', '}', '\n']).unwrap_or(found.len()));
        let starts_one = connection.starts_with([' ', '\t']) && connection.to_ascii_lowercase().contains("hidden");
        hides |= starts_one;
        shown.push_str(if starts_one { " ***" } else { connection });
        rest = behind;
    }
    shown.push_str(rest);
    hides.then_some(shown)
}

/// A command line as everybody may see it.
pub(crate) fn for_everybody(line: &str) -> String {
    let line = without_secrets(line);
    without_hidden_servers(&line).unwrap_or_else(|| line.into_owned())
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
            invitations: server.invitations(),
            role: server.role(),
            is_hidden: server.is_hidden(),
            server: Some(server),
        });
        Ok(id)
    }

    /// Tells a server to end: it takes no more clients, and those it has stay unless they are to be cut off. Whether it is
    /// closed already.
    pub(crate) fn end_debugging_server(&mut self, id: ServerId, cut_clients: bool) -> Result<bool, CommandError> {
        self.demand(AccessRole::Owner, "no server can be ended")?;
        let Some(known) = self.servers.iter_mut().find(|known| known.id == id) else {
            return Err(CommandError::Refused(format!(
                "there is no server {id}; .servers lists them"
            )));
        };
        let Some(mut server) = known.server.take() else {
            if cut_clients {
                self.show_out_those_of(id);
                return Ok(true);
            }
            return Err(CommandError::Refused(format!(
                "server {id} takes no clients any more; .endsrv /d {id} cuts off those it has"
            )));
        };
        Ok(server.stop(cut_clients))
    }

    /// A server has ended by itself: the only connection that it makes is no more.
    pub(crate) fn server_is_over(&mut self, id: ServerId) {
        let Some(known) = self.servers.iter_mut().find(|known| known.id == id) else {
            return;
        };
        if known.server.take().is_some() {
            let audience = known.audience();
            let line = format!(
                "Server {id} has ended: the only connection that it makes is closed; .server {} makes another one.",
                known.listing
            );
            self.output.line_for(audience, line);
        }
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

    /// Says how clients come here, one line for each server that listens.
    pub(crate) fn tell_servers(&mut self) {
        // A hidden one that has just begun is no news for others.
        let audience = self.servers.last().map_or(Audience::All, KnownServer::audience);
        let heading = "Server started.  Client can connect with any of these command lines";
        self.output.line_for(audience, heading);
        for known in self.servers.iter().filter(|known| !known.has_ended()) {
            let audience = audience.narrowed(known.audience());
            for invitation in &known.invitations {
                let role = invitation.role.map(|role| format!(" ({role})")).unwrap_or_default();
                let line = format!("{}{role}: farsight -remote {}", known.id, invitation.string);
                match invitation.has_secret {
                    true => self.output.line_with_secret(audience, &line),
                    false => self.output.line_for(audience, line),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_starts_a_hidden_server_hides_its_connection() {
        for (line, shown) in [
            (".server tcp:port=1,hidden", Some(".server ***")),
            (
                "k; .SERVER\ttcp:port=1, Hidden;.echo hidden; .server npipe:pipe=a",
                Some("k; .SERVER ***;.echo hidden; .server npipe:pipe=a"),
            ),
            (".if (1) { .server tcp:hidden,port=1 }", Some(".if (1) { .server ***}")),
            (".server tcp:port=1; .echo hidden", None),
            (".servers; .echo hidden", None),
            (".server", None),
            ("é.server\u{212a} hidden", None),
        ] {
            assert_eq!(without_hidden_servers(line).as_deref(), shown, "{line}");
        }
    }
}
