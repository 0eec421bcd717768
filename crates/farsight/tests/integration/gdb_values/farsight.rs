//! farsight's side: the same run over a process server, told by the records of `k` and `dv`.

use std::path::Path;

use farsight_session::Record;
use farsight_session::record::{Content, FrameKind, NodeKind, StackFrame, ValueNode};
use farsight_testkit::DbgSrv;

use super::engine::Host;
use super::stops::{Choice, Frame, Kind, Stop, Variable, plain};
use super::written::{data, written};

/// The most frames of a stop that are compared.
const MOST_FRAMES: usize = 40;

/// As `MOST_DEPTH` of `values.py`.
const LEVELS: usize = 14;

/// Where the kernel puts what is not the program itself, without randomised addresses.
const FIRST_OF_LIBRARIES: u64 = 0x7000_0000_0000;

/// The chosen stops of a program, and the environment that it ran in.
pub(super) fn stops(program: &Path, choice: Choice) -> (Vec<Stop>, Vec<(String, String)>) {
    let server = DbgSrv::start();
    let mut host = Host::launch(server.connection(), &program.display().to_string());
    let environment = environment(&mut host);
    host.run("bp stop_here");
    let (mut stops, mut count) = (Vec::new(), 0);
    host.run("g");
    while host.is_accessible {
        if choice.takes(count) {
            stops.push(stop(&mut host, count.to_string()));
            host.run("g poi(@rsp)");
            for step in 0..choice.steps {
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
    let mut frames: Vec<Frame> = stack.frames.iter().take(MOST_FRAMES).map(frame).collect();
    for (number, frame) in frames.iter_mut().enumerate() {
        if frame.pc < FIRST_OF_LIBRARIES {
            host.run(&format!(".frame 0n{number}"));
            frame.variables = variables(host, number == 1 && !label.contains('+'));
        }
    }
    Stop { label, pc, sp, frames }
}

/// Those of the chosen frame, each with all that is in it.
fn variables(host: &mut Host, is_whole: bool) -> Vec<Variable> {
    let (locals, said, _) = host.try_run("dv");
    let Some(Record::Locals(locals)) = locals.first() else {
        assert!(said.contains("no debug information tells"), "dv: {said}");
        return Vec::new();
    };
    let mut variables: Vec<Variable> = Vec::new();
    let parameters = || locals.rows.iter().filter(|row| row.kind == NodeKind::Parameter);
    let count = |name: &str| parameters().filter(|row| row.name == name).count();
    let packs: Vec<String> = parameters()
        .map(|row| row.name.clone())
        .filter(|name| count(name) > 1)
        .collect();
    // Inner blocks come last, and a name means the innermost of its variables.
    for row in locals.rows.iter().rev() {
        match variables.iter().position(|known| known.name == row.name) {
            // Clang gives the parameters of a pack one name, which means the first of them.
            Some(known) if row.kind == NodeKind::Parameter && packs.contains(&row.name) => {
                drop(variables.remove(known))
            }
            Some(_) => continue,
            None => {}
        }
        let is_more = row.formatted || matches!(row.content, Content::Composite | Content::Summary(_));
        let whole = is_more.then(|| whole(host, &row.name)).flatten();
        let value = whole.unwrap_or_else(|| written(row));
        variables.push(Variable {
            name: row.name.clone(),
            value,
            data: (is_whole && (row.formatted || is_reference(row)))
                .then(|| held(host, &row.name))
                .flatten(),
        });
    }
    variables
}

/// Everything that is in it, up to pointers.
fn whole(host: &mut Host, name: &str) -> Option<String> {
    let (shown, said, _) = host.try_run(&format!("dx -b -n -r{LEVELS} {name}"));
    match shown.first() {
        Some(Record::Value(shown)) => Some(written(&shown.value)),
        _ => Some(format!("!{said}")),
    }
}

/// What it holds as its formatter has it.
fn held(host: &mut Host, name: &str) -> Option<String> {
    let (shown, _, _) = host.try_run(&format!("dx -r{LEVELS} {name}"));
    match shown.first() {
        Some(Record::Value(shown)) if is_reference(&shown.value) => {
            let mut inner = shown.value.children.iter();
            inner.find(|child| child.kind == NodeKind::Target).map(data)
        }
        Some(Record::Value(shown)) => Some(data(&shown.value)),
        _ => None,
    }
}

/// Whether it is one of C++'s references, which lead to what gdb's printers tell.
fn is_reference(node: &ValueNode) -> bool {
    node.type_name.ends_with('&')
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
pub(crate) fn environment(host: &mut Host) -> Vec<(String, String)> {
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
