//! `.server .servers .endsrv .kick .clients`: the debugging servers of this session and those who came through them.

use farsight_session::record::{ClientRow, Clients, ServerRow, Servers};
use farsight_session::{ClientId, Record};
use farsight_types::{AccessRole, ServerId};

use super::{Invocation, Row, row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::take_word;
use crate::output::Audience;
use crate::servers::{KnownServer, for_everybody};
use crate::session::Session;

pub(super) const ROWS: &[Row] = &[
    row(
        &[".server"],
        ".server Connection",
        "Makes this debugger a debugging server: others connect with -remote and share the session.",
        start,
    ),
    row(
        &[".servers"],
        ".servers",
        "Lists the debugging servers of this debugger.",
        list,
    ),
    row(
        &[".endsrv"],
        ".endsrv [/d] ID",
        "Takes no more clients through a server; those it has stay, or with /d are cut off.",
        end,
    ),
    row(
        &[".kick"],
        ".kick ID",
        "Cuts off a client, which is told by whom; the others are told too.",
        kick,
    ),
    row(
        &[".clients"],
        ".clients",
        "Lists who is in the session, and who has connected and not joined: id, identity, role, address, since when, last active.",
        clients,
    ),
];

fn start(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let transport = invocation.text.trim();
    if transport.is_empty() {
        return Err(invocation.missing("a connection string such as tcp:port=5005"));
    }
    session.start_server(transport)?;
    session.tell_servers();
    Ok(Flow::Done)
}

fn list(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    invocation.expect_end(invocation.text)?;
    // What one runs all see, so each sees only what he may, and owners nothing hidden unless one of them asks.
    let sees_hidden = session.rights.role == AccessRole::Owner;
    let is_shown = |server: &&KnownServer| sees_hidden || server.audience() == Audience::All;
    let shown: Vec<&KnownServer> = session.servers.iter().filter(is_shown).collect();
    for servers in shown.chunk_by(|one, next| one.audience() == next.audience()) {
        let Some(audience) = servers.first().map(|server| server.audience()) else {
            continue;
        };
        let rows = servers.iter().map(|server| ServerRow {
            id: server.id,
            listing: (!server.has_ended()).then(|| server.listing.clone()),
            role: server.role,
            hidden: (audience == Audience::Owners).then_some(true),
        });
        let rows = rows.collect();
        session.output.record_for(audience, Record::Servers(Servers { rows }));
    }
    Ok(Flow::Done)
}

fn end(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (first, rest) = take_word(invocation.text);
    let (cut, number, rest) = match first {
        "/d" => {
            let (number, rest) = take_word(rest);
            (true, number, rest)
        }
        number => (false, number, rest),
    };
    invocation.expect_end(rest)?;
    let id = number
        .parse()
        .map_err(|_| invocation.missing("the server's number (decimal, as .servers lists it)"))?;
    let what = match session.end_debugging_server(ServerId(id), cut)? {
        true => "It takes no more clients.",
        false => "It is busy and takes no more clients in a moment.",
    };
    session.output.line(format!("Server told to exit.  {what}"));
    Ok(Flow::Done)
}

fn kick(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (number, rest) = take_word(invocation.text);
    invocation.expect_end(rest)?;
    let id = number
        .parse()
        .map_err(|_| invocation.missing("the client's number (decimal, as .clients lists it)"))?;
    session.kick(ClientId(id))?;
    Ok(Flow::Done)
}

fn clients(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    invocation.expect_end(invocation.text)?;
    let running = session.running_line();
    let rows = session.output.clients.iter().map(|client| ClientRow {
        id: client.id.0,
        identity: client.who.identity.clone(),
        address: client.who.address.clone(),
        role: client.who.role,
        since: client.since.unwrap_or(client.came),
        last_active: client.last_active,
        runs: running
            .filter(|doing| doing.client == client.id)
            .map(|doing| (for_everybody(doing.line), doing.since)),
        not_joined: (!client.is_in_session()).then_some(true),
    });
    let rows = rows.collect();
    let left_behind = running.filter(|doing| session.output.clients.get(doing.client).is_none());
    let left_behind = left_behind.map(|doing| session.doing_in_words(doing));
    session.output.record(Record::Clients(Clients { rows }));
    if let Some(text) = left_behind {
        session.output.line(text);
    }
    Ok(Flow::Done)
}
