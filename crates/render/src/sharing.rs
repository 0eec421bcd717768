//! Servers and clients: `.servers`, `.clients`.

use farsight_session::record::{Clients, Servers};
use farsight_types::Moment;

use crate::{visible, write_line};

/// `.servers`.
pub(crate) fn servers(out: &mut String, servers: &Servers) {
    for row in &servers.rows {
        match &row.listing {
            Some(listing) => write_line!(
                out,
                "{} - Debugger Server - {} ({}s)",
                row.id,
                visible(listing),
                row.role
            ),
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
