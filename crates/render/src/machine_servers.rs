//! The servers of a machine: `farsight -QR` (specification, DI-03).

use farsight_session::record::{MachineServers, ServerKind};

use crate::{visible, write_line};

/// `Servers on \\BOX17:` and a line for each.
pub(crate) fn servers(out: &mut String, servers: &MachineServers) {
    write_line!(out, "Servers on \\\\{}:", visible(&servers.machine));
    for server in &servers.rows {
        let kind = match server.kind {
            ServerKind::DebuggingServer => "Debugger Server",
            ServerKind::ProcessServer => "Remote Process Server",
            ServerKind::KernelConnectionServer => "Remote Kernel Debugger Server",
        };
        let owner = server.uid.map(|uid| format!(" (uid {uid})")).unwrap_or_default();
        write_line!(out, "{kind} - {}{owner}", visible(&server.transport));
    }
    if servers.rows.is_empty() {
        write_line!(out, "No servers are running.");
    }
}
