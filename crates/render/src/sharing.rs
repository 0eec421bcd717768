//! Servers and clients: `.servers`, `.clients`.

use farsight_session::record::{Clients, Servers};
use farsight_types::{AccessRole, Moment};

use crate::{visible, write_line};

/// `.servers`.
pub(crate) fn servers(out: &mut String, servers: &Servers) {
    for row in &servers.rows {
        match &row.listing {
            Some(listing) => {
                // The usual has DbgEng's line, which ends with the connection string; what is not of it stands apart.
                let unusual = match (row.role, row.hidden == Some(true)) {
                    (AccessRole::Owner, false) => "",
                    (AccessRole::Owner, true) => "  (owners, hidden)",
                    (AccessRole::Operator, false) => "  (operators)",
                    (AccessRole::Operator, true) => "  (operators, hidden)",
                    (AccessRole::Observer, false) => "  (observers)",
                    (AccessRole::Observer, true) => "  (observers, hidden)",
                };
                write_line!(out, "{} - Debugger Server - {}{unusual}", row.id, visible(listing));
            }
            None => write_line!(out, "{} - <Disabled, exit pending>", row.id),
        }
    }
}

/// `.clients`.
pub(crate) fn clients(out: &mut String, clients: &Clients) {
    for row in &clients.rows {
        let address = match row.address.as_str() {
            "" => "the server's console",
            address => address,
        };
        write_line!(
            out,
            "{:>3} - {} ({}), {}, {}since {}, last active {}",
            row.id,
            visible(&row.identity),
            visible(address),
            row.role,
            match row.not_joined {
                Some(true) => "not joined, here ",
                _ => "",
            },
            Moment::from_unix(row.since),
            Moment::from_unix(row.last_active)
        );
        if let Some((line, since)) = &row.runs {
            write_line!(
                out,
                "      runs '{}' since {}",
                visible(line),
                Moment::from_unix(*since)
            );
        }
    }
}
