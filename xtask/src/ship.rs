//! What is shipped (`dist`), and what it weighs (`figures`).

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::debuggees;
use crate::live::{Debuggee, Server, status_field};
use crate::programs::{self, Build};
use crate::run::{Done, Naming as _, failure, replace, run_quietly};
use crate::workspace::Workspace;

/// More than this and the process server is no longer a small thing to copy.
const MOST_BYTES: u64 = 2_000_000;

/// How often the start is measured.
const STARTS: usize = 20;

/// `cargo xtask dist`.
pub(crate) fn dist(workspace: &Workspace, _arguments: &[String]) -> Done {
    let folder = workspace.folder("dist")?;
    let (server, with_tls) = (folder.join("dbgsrv"), folder.join("dbgsrv-tls"));
    replace(&programs::server_with_tls(workspace)?, &with_tls)?;
    let (small, repeater) = (programs::server(workspace)?, folder.join("dbengprx"));
    replace(&small, &server)?;
    replace(&programs::repeater_beside(&small), &repeater)?;
    replace(&programs::console(workspace, Build::Shipped)?, &folder.join("farsight"))?;
    for name in ["dbgsrv", "dbgsrv-tls", "dbengprx", "farsight"] {
        let path = folder.join(name);
        println!("{:>10} bytes  {}", size(&path)?, path.display());
    }
    for (name, program) in [("dbgsrv-tls", &with_tls), ("dbengprx", &repeater)] {
        stands_alone(program)?;
        println!("{name} is static and needs no library");
    }
    is_small(&server)
}

/// Fails unless a server runs on a machine that has nothing but a kernel.
fn stands_alone(server: &Path) -> Done {
    let dynamic = run_quietly(Command::new("readelf").args(["-d", "-l", "-W"]).arg(server))?;
    if dynamic.contains("(NEEDED)") || dynamic.contains("INTERP") {
        return failure(format!("{} needs shared libraries", server.display()));
    }
    Ok(())
}

/// Fails unless the server stands alone and is small enough to be copied anywhere.
fn is_small(server: &Path) -> Done {
    stands_alone(server)?;
    let bytes = size(server)?;
    if bytes > MOST_BYTES {
        return failure(format!(
            "{} has {bytes} bytes, more than {MOST_BYTES}",
            server.display()
        ));
    }
    println!("dbgsrv is static and needs no library");
    Ok(())
}

/// `cargo xtask figures`.
pub(crate) fn figures(workspace: &Workspace, _arguments: &[String]) -> Done {
    let with_tls = programs::server_with_tls(workspace)?;
    let program = programs::server(workspace)?;
    println!("dbgsrv, stripped          {:>9} bytes", size(&program)?);
    println!("dbgsrv-tls, stripped      {:>9} bytes", size(&with_tls)?);
    is_small(&program)?;

    let mut times = Vec::new();
    for _ in 0..STARTS {
        times.push(Server::start(&program)?.took);
    }
    times.sort();
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    println!(
        "start until listening     {:>9.2} ms   median of {STARTS}; fastest {:.2}, slowest {:.2}",
        milliseconds(times[STARTS / 2]),
        milliseconds(times[0]),
        milliseconds(times[STARTS - 1])
    );

    let server = Server::start(&program)?;
    let pid = server.process.0.id();
    println!(
        "resident, idle            {:>12}   (of it anonymous {})",
        status_field(pid, "VmRSS")?,
        status_field(pid, "RssAnon")?
    );

    let debuggee = Debuggee::start(&debuggees::build(workspace)?.join("counter"), &["4"], 5)?;
    let resident = session_memory(workspace, &server, &debuggee)?;
    println!("resident, session process {resident:>12}   (attached to 4 threads)");
    Ok(())
}

/// The memory of the session process while it holds a debuggee.
fn session_memory(workspace: &Workspace, server: &Server, debuggee: &Debuggee) -> Done<String> {
    let console = programs::console(workspace, Build::Shipped)?;
    let mut client = crate::demo::Client::start(&console, &server.transport, debuggee.pid(), None, |_| ())?;
    client.execute("~")?;
    let tracer = status_field(debuggee.pid(), "TracerPid")?;
    let Ok(tracer) = tracer.parse() else {
        return failure(format!("`{tracer}` is no process"));
    };
    let resident = status_field(tracer, "VmRSS")?;
    client.leave()?;
    Ok(resident)
}

fn size(path: &Path) -> Done<u64> {
    Ok(std::fs::metadata(path).naming("look at", path)?.len())
}
