//! farsight's side: the same run over a process server, told by the records of `k` and `dv`.

use std::path::Path;

use farsight_session::Record;
use farsight_session::record::{FrameKind, Stack, StackFrame};
use farsight_testkit::DbgSrv;

use super::engine::Host;
use super::stops::{Frame, Kind, Stop, plain};

/// The most frames of a stop that are compared.
const MOST_FRAMES: usize = 40;

/// All stops of a program, and the environment that it ran in.
pub(super) fn stops(program: &Path, steps: usize) -> (Vec<Stop>, Vec<(String, String)>) {
    let server = DbgSrv::start();
    let mut host = Host::launch(server.connection(), &program.display().to_string());
    let environment = environment(&mut host);
    host.run("bp stop_here");
    let (mut stops, mut count) = (Vec::new(), 0);
    host.run("g");
    while host.is_accessible {
        stops.push(stop(&mut host, count.to_string()));
        if steps > 0 {
            host.run("g poi(@rsp)");
            for step in 0..steps {
                stops.push(stop(&mut host, format!("{count}+{step}")));
                host.run("t");
            }
        }
        count += 1;
        host.run("g");
    }
    (stops, environment)
}

fn stop(host: &mut Host, label: String) -> Stop {
    let register = |host: &mut Host, name: &str| match host.run(&format!("r {name}")).first() {
        Some(Record::Registers(registers)) => registers.value(name).expect("a register of a word"),
        other => panic!("r: {other:?}"),
    };
    let (pc, sp) = (register(host, "rip"), register(host, "rsp"));
    let stack = host.run(&format!("k 0n{MOST_FRAMES}"));
    let Some(Record::Stack(stack)) = stack.first() else {
        panic!("k: {stack:?}");
    };
    Stop {
        label,
        pc,
        sp,
        frames: frames(stack),
    }
}

fn frames(stack: &Stack) -> Vec<Frame> {
    let rows = stack.frames.iter().take(MOST_FRAMES);
    rows.map(frame).collect()
}

fn frame(row: &StackFrame) -> Frame {
    let name = row.site.symbol.as_ref().and_then(|symbol| symbol.name.as_deref());
    let place = row.source.as_ref().map(|source| {
        let file = source.path.rsplit('/').next().unwrap_or_default();
        format!("{file}:{}", source.line)
    });
    Frame {
        kind: match row.kind {
            FrameKind::Called => Kind::Real,
            FrameKind::Inlined => Kind::Inline,
            FrameKind::TailCall => Kind::Tail,
        },
        pc: row.site.address.0,
        name: plain(name.unwrap_or("?")),
        place: place.unwrap_or_else(|| "-".to_owned()),
        variables: Vec::new(),
    }
}

/// What the debuggee was started with.
fn environment(host: &mut Host) -> Vec<(String, String)> {
    let processes = host.run("|");
    let Some(Record::Processes(processes)) = processes.first() else {
        panic!("|: {processes:?}");
    };
    let path = format!("/proc/{}/environ", processes.rows[0].pid.0);
    let bytes = std::fs::read(path).expect("the debuggee's environment");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
