//! The report: a table for people, JSON for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::clients::Sharing;
use crate::debugger::Kind;
use crate::sealed::{self, Cost};
use crate::server::Link;
use crate::symbols::{self, Line};
use crate::work::{Measurement, Work};

/// One work over one link.
pub(crate) struct Row {
    name: &'static str,
    amount: Option<(f64, &'static str)>,
    link: Link,
    results: BTreeMap<Kind, Measurement>,
}

/// What a waiting server costs.
pub(crate) struct Footprint {
    pub(crate) kind: Kind,
    pub(crate) file: u64,
    pub(crate) libraries: u64,
    pub(crate) resident: u64,
    pub(crate) listens: Duration,
}

/// Everything that was measured.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) rows: Vec<Row>,
    pub(crate) servers: Vec<Footprint>,
    pub(crate) symbols: Vec<Line>,
    pub(crate) sharing: Option<Sharing>,
    pub(crate) sealed: Vec<Cost>,
}

impl Row {
    pub(crate) fn new(work: &Work, link: Link) -> Row {
        Row {
            name: work.name,
            amount: work.amount,
            link,
            results: BTreeMap::new(),
        }
    }

    pub(crate) fn put(&mut self, kind: Kind, measurement: Measurement) {
        self.results.insert(kind, measurement);
    }

    /// Its line of the table.
    pub(crate) fn line(&self) -> String {
        let cell = |kind| shown(self.results.get(&kind), self.amount);
        let ratio = self.ratio().map_or("-".into(), |ratio| format!("{ratio:.1}"));
        format!(
            "| {} | {} | {} | {} | {} | {ratio} |\n",
            self.name,
            self.link.name(),
            cell(Kind::Farsight),
            cell(Kind::Gdb),
            cell(Kind::Lldb)
        )
    }

    /// How many times longer the better peer takes.
    fn ratio(&self) -> Option<f64> {
        let ours = self.results.get(&Kind::Farsight)?.seconds;
        let peers = [Kind::Gdb, Kind::Lldb].iter().filter_map(|kind| self.results.get(kind));
        let best = peers.map(|peer| peer.seconds).fold(f64::INFINITY, f64::min);
        (best.is_finite() && ours > 0.0).then(|| best / ours)
    }
}

fn shown(measurement: Option<&Measurement>, amount: Option<(f64, &str)>) -> String {
    let Some(measurement) = measurement else {
        return "-".into();
    };
    let sign = match measurement.reckoned {
        true => "~",
        false => "",
    };
    let time = match measurement.seconds {
        seconds if seconds < 0.1 => format!("{:.2} ms", seconds * 1e3),
        seconds => format!("{seconds:.2} s"),
    };
    let rate = match amount {
        Some((amount, unit)) => format!(", {:.0} {unit}/s", amount / measurement.seconds.max(1e-9)),
        None => String::new(),
    };
    format!("{sign}{time} ({} turns{rate})", measurement.turns)
}

impl Report {
    /// A Markdown table.
    pub(crate) fn table(&self) -> String {
        let mut out = String::from(
            "| work | link | farsight | gdb | lldb | better peer / farsight |\n|---|---|---|---|---|---|\n",
        );
        for row in &self.rows {
            out.push_str(&row.line());
        }
        if !self.servers.is_empty() {
            out.push_str("\n| server | file | libraries | resident, idle | listens after |\n|---|---|---|---|---|\n");
        }
        for server in &self.servers {
            let _ = writeln!(
                out,
                "| {} | {:.2} MB | {:.1} MB | {:.1} MB | {:.1} ms |",
                server.kind.name(),
                server.file as f64 / 1e6,
                server.libraries as f64 / 1e6,
                server.resident as f64 / 1e6,
                server.listens.as_secs_f64() * 1e3
            );
        }
        out.push_str(&symbols::table(&self.symbols));
        if let Some(sharing) = &self.sharing {
            out.push_str(&sharing.table());
        }
        out.push_str(&sealed::table(&self.sealed));
        out.push_str("\nA turn is a burst of the client that a burst of the server answers. `~`: reckoned from the turns over loopback, because it would take too long.\n");
        out
    }

    /// Every measurement.
    pub(crate) fn json(&self) -> String {
        let rows: Vec<serde_json::Value> = self
            .rows
            .iter()
            .map(|row| {
                let results: serde_json::Map<String, serde_json::Value> = row
                    .results
                    .iter()
                    .map(|(kind, result)| {
                        let value = serde_json::json!({
                            "seconds": result.seconds, "turns": result.turns, "bytes_up": result.bytes_up,
                            "bytes_down": result.bytes_down, "reckoned": result.reckoned,
                        });
                        (kind.name().to_owned(), value)
                    })
                    .collect();
                serde_json::json!({
                    "work": row.name, "link": row.link.name(), "results": results, "ratio": row.ratio(),
                })
            })
            .collect();
        let servers: Vec<serde_json::Value> = self
            .servers
            .iter()
            .map(|server| {
                serde_json::json!({
                    "server": server.kind.name(), "file_bytes": server.file, "library_bytes": server.libraries,
                    "resident_bytes": server.resident, "listens_seconds": server.listens.as_secs_f64(),
                })
            })
            .collect();
        let symbols: Vec<serde_json::Value> = self.symbols.iter().map(Line::json).collect();
        let report = serde_json::json!({ "rows": rows, "servers": servers, "symbols": symbols, "sharing": self.sharing.as_ref().map(Sharing::json), "sealed": sealed::json(&self.sealed) });
        format!("{report:#}\n")
    }
}
