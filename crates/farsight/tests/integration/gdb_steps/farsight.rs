//! farsight's side: the same steps over a process server.

use std::path::Path;

use farsight_session::Record;
use farsight_testkit::DbgSrv;

use super::walks::{Kind, Place, Rank, Walk};
use crate::gdb_values::engine::Host;
use crate::gdb_values::farsight::environment;
use crate::gdb_values::stops::plain;

/// All walks of a program, and the environment that it ran in.
pub(super) fn walks(program: &Path, steps: usize, even: Kind) -> (Vec<Walk>, Vec<(String, String)>) {
    let server = DbgSrv::start();
    let mut host = Host::launch(server.connection(), &program.display().to_string());
    let environment = environment(&mut host);
    host.run("bp stop_here; l+t");
    let mut walks = Vec::new();
    host.run("g");
    while host.is_accessible {
        let number = register(&mut host, "edi") as u32;
        let kind = if number.is_multiple_of(2) { even } else { even.other() };
        host.run("g poi(@rsp)");
        let key = (kind, register(&mut host, "rip"), number);
        host.run("bd *");
        let mut places = Vec::new();
        for _ in 0..steps {
            host.run(if kind == Kind::Into { "t" } else { "p" });
            if !host.is_accessible {
                break;
            }
            places.push(place(&mut host));
            if places.last().is_some_and(Place::is_end) {
                break;
            }
        }
        walks.push(Walk { key, places });
        if host.is_accessible {
            host.run("be *; g");
        }
    }
    (walks, environment)
}

fn register(host: &mut Host, name: &str) -> u64 {
    match host.run(&format!("r {name}")).first() {
        Some(Record::Registers(registers)) => registers.value(name).expect("a register of a word"),
        other => panic!("r: {other:?}"),
    }
}

fn place(host: &mut Host) -> Place {
    let stack = host.run("k 1");
    let Some(Record::Stack(stack)) = stack.first() else {
        panic!("k: {stack:?}");
    };
    let frame = stack.frames.first().expect("a frame");
    let name = frame.site.symbol.as_ref().and_then(|symbol| symbol.name.as_deref());
    let line = frame.source.as_ref().map(|source| {
        let file = source.path.rsplit('/').next().unwrap_or_default();
        format!("{file}:{}", source.line)
    });
    Place {
        rank: Rank::Line,
        pc: frame.site.address.0,
        function: plain(name.unwrap_or("?")),
        line: line.unwrap_or_else(|| "-".to_owned()),
    }
}
