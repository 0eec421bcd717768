//! `cargo xtask demo`: the main job, shown live on this one machine. Read [`STEPS`] first.
//!
//! On a terminal it waits for ENTER before each step and ends at a live prompt; elsewhere it runs by itself. Either
//! way every step is checked, and the first thing that did not happen ends it with an exit code that is not 0.

mod client;

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

pub(crate) use client::Client;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::debuggees;
use crate::live::{Debuggee, PATIENCE, Server};
use crate::programs::{self, Build};
use crate::run::{Done, Failure, Naming as _, failure};
use crate::workspace::Workspace;

/// One thing shown: what to say before, what to type, and what must then be seen.
struct Step {
    say: &'static str,
    command: &'static str,
    expect: &'static [&'static str],
}

const STEPS: &[Step] = &[
    Step {
        say: "You are attached: every thread of the program is stopped now. Here are its threads. The server sent them\n\
              with the answer to the attach; nothing more had to be asked.",
        command: "~",
        expect: &["Id:"],
    },
    Step {
        say: "Set a breakpoint at a function and let the program run until it gets there. The name is looked up on YOUR side,\n\
              in symbols that the target's side does not have; what travels is an address. The trap is planted by the server.",
        command: "bp count_step; g",
        expect: &["count_step"],
    },
    Step {
        say: "Who called it? The stop that the server sent already carried registers and the top of the stack, so your side\n\
              walks the stack with its own unwind tables.",
        command: "k",
        expect: &["count_step", "worker"],
    },
    Step {
        say: "The processor's registers at the stop.",
        command: "r",
        expect: &["rip=", "rsp="],
    },
    Step {
        say: "Look into memory: a text in read-only memory, and the program's counter. These are read on the target's side.",
        command: "da greeting; dq counter L1",
        expect: &["greetings from read-only memory"],
    },
    Step {
        say: "Memory can be changed as well: three bytes of a buffer, then the buffer again.",
        command: "eb buffer 46 41 52; da buffer",
        expect: &["FARs buffer may be written"],
    },
    Step {
        say: "Step three times, with the breakpoint disabled so that no other thread comes in between. All three steps happen\n\
              on the target's side: one request goes out and one stop comes back.",
        command: "bd 0; p 3; be 0",
        expect: &["count_step+"],
    },
    Step {
        say: "Continue to the next hit of the breakpoint.",
        command: "g",
        expect: &["count_step"],
    },
    Step {
        say: "The breakpoint, and then none.",
        command: "bl; bc *; bl",
        expect: &["count_step"],
    },
    Step {
        say: "Who writes to the counter? A hardware breakpoint stops behind the instruction that wrote, in whichever thread.",
        command: "ba w8 counter; g; k 3; bc *",
        expect: &["Breakpoint 0 hit", "count_step+"],
    },
];

/// Shown with a program of a second server, which was started before.
const FAMILY_STEPS: &[Step] = &[
    Step {
        say: "Two machines in one session; the prompt says which is the current one.",
        command: "||",
        expect: &["   0 Live user mode", ".  1 Live user mode"],
    },
    Step {
        say: "All of them run. The new program forks, and its child runs another program: the session follows it, and stops.",
        command: "g; |",
        expect: &["The process runs", "create", "child"],
    },
    Step {
        say: "Every stack on every machine.",
        command: "||* k 2",
        expect: &["0 Live user mode", "1 Live user mode", "Child-SP"],
    },
    Step {
        say: "Enough of that family, and back to the first machine.",
        command: ".kill; .kill; ||0s; |",
        expect: &["Killed process", "counter"],
    },
];

/// Shown with a program in C++ that the server starts.
const SOURCE_STEPS: &[Step] = &[
    Step {
        say: "Run to a line of the source. Which code that is, your side reads from the program's debug information; the text\n\
              of the source is on your side as well.",
        command: "bp `tour.cpp:39`; g; ls 0n35,7",
        expect: &["Breakpoint 0 hit", ">   39:", "sold_[order.item] += order.count;"],
    },
    Step {
        say: "The variables there. One round trip fetches all that they lack.",
        command: "dv",
        expect: &["this = ", "price = 35.1", "item=\"lamp\""],
    },
    Step {
        say: "What containers hold, as elements rather than as what the library keeps them in.",
        command: "dx orders_; dx sold_",
        expect: &["{item=\"lamp\", count=2, price=19.5}", "[\"lamp\"]"],
    },
    Step {
        say: "A list, of which each element owns the next.",
        command: "dx -r3 route_; ?? route_->next->city",
        expect: &["\"Oslo\"", "\"Lyon\"", "\"Rome\""],
    },
    Step {
        say: "Change a variable, and an order to come; then let the function finish. The program prints what it makes of it:\n\
              without this it would say 35.10 and 134.10.",
        command: "?? price = 1.0; ?? orders_[1].count = 2; bc *; gu",
        expect: &["double 1.0", "lamp: 1.00", "a very long bookshelf: 268.20"],
    },
    Step {
        say: "The line where it came back to, and a type.",
        command: "k 2; dt Order",
        expect: &["main", "+0x028 price"],
    },
];

/// `cargo xtask demo`.
pub(crate) fn command(workspace: &Workspace, arguments: &[String]) -> Done {
    if let Some(argument) = arguments.first() {
        return failure(format!("demo takes no argument, so not `{argument}`"));
    }
    let live = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    // Dying of a signal would leave processes behind; and Ctrl-C at the live prompt is for the debugger.
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&interrupted))
            .map_err(|error| Failure(format!("cannot take signal {signal}: {error}")))?;
    }

    println!("Building: the debugger (farsight), the process server (dbgsrv) and programs to debug.");
    println!("The first time this takes a few minutes.");
    let built = Built {
        folder: debuggees::build(workspace)?,
        dbgsrv: programs::server(workspace)?,
        farsight: programs::console(workspace, Build::Shipped)?,
    };
    Demo {
        live,
        built,
        interrupted,
    }
    .run()
}

struct Built {
    folder: PathBuf,
    dbgsrv: PathBuf,
    farsight: PathBuf,
}

struct Demo {
    live: bool,
    built: Built,
    /// Set by a signal that asks us to end.
    interrupted: Arc<AtomicBool>,
}

impl Demo {
    fn run(&self) -> Done {
        heading("TARGET SIDE: the machine under test");
        println!("A small static program, the process server, waits for debuggers. It needs nothing else installed,");
        println!("knows no symbols, and listens on this machine's loopback address only, on a free port.");
        self.wait()?;
        typed("dbgsrv -t tcp:port=0");
        let server = Server::start(&self.built.dbgsrv)?;
        server.announcement.iter().for_each(|line| println!("{line}"));

        println!("\nAlso there: the program to debug. Four threads count. Its symbols have been stripped.");
        self.wait()?;
        typed("counter-stripped 4 &");
        let debuggee = Debuggee::start(&self.built.folder.join("counter-stripped"), &["4"], 5)?;
        let (before, now) = debuggee.advances("counter")?;
        println!("process {} counts: {before}, {now}, ...", debuggee.pid());

        heading("YOUR SIDE: the machine where you sit");
        println!("A smart client: the whole debugger runs here, with the symbols; only the target is far away.");
        self.wait()?;
        let symbols = self.built.folder.join("symbols");
        let mut client = self.open_client(&server, &debuggee, &symbols)?;
        for step in STEPS {
            println!("\n{}", step.say);
            self.wait()?;
            self.show(&mut client, step)?;
        }
        self.show_family(&mut client)?;
        println!("\nOne look at the program from outside, without any debugger: did the change arrive?");
        let buffer: [u8; 4] = debuggee.memory("buffer")?;
        if &buffer != b"FARs" {
            return failure(format!(
                "the program's buffer begins with {:?}",
                String::from_utf8_lossy(&buffer)
            ));
        }
        println!("yes: its buffer begins with FARs");

        println!("\nQuit and detach. The server takes its traps out before it lets go.");
        self.wait()?;
        asked("qd");
        client.leave()?;
        check_let_go(&debuggee)?;

        self.show_source(&server)?;

        if self.live {
            self.hand_over(&server, &debuggee, &symbols)?;
            check_let_go(&debuggee)?;
        }
        println!("\nThe demonstration is complete: everything that was announced did happen.");
        Ok(())
    }

    /// A second server in the same session, and a family of processes there.
    fn show_family(&self, client: &mut Client) -> Done {
        println!(
            "\nA second machine joins the session. It is played by another server here; it starts a program for you, and -o\n\
             says that the program's children are debugged as well."
        );
        self.wait()?;
        let second = Server::start(&self.built.dbgsrv)?;
        let program = self.built.folder.join("family");
        let command = format!(".create -o -premote {} {} exec", second.transport, program.display());
        asked(&command);
        let lines = client.execute_whole_line(&command)?;
        if !lines.iter().any(|line| line.contains("Created process")) {
            return failure(format!("`{command}` started nothing"));
        }
        for step in FAMILY_STEPS {
            println!("\n{}", step.say);
            self.wait()?;
            self.show(client, step)?;
        }
        Ok(())
    }

    /// Source lines and values.
    fn show_source(&self, server: &Server) -> Done {
        heading("SOURCE AND VALUES");
        println!("Another program, in C++, which the server starts for you.");
        self.wait()?;
        let program = self.built.folder.join("tour-cpp");
        typed(&format!("farsight -premote {} {}", server.transport, program.display()));
        let show = |line: &str| println!("  {line}");
        let mut client = Client::launch(&self.built.farsight, &server.transport, &program, show)?;
        for step in SOURCE_STEPS {
            println!("\n{}", step.say);
            self.wait()?;
            self.show(&mut client, step)?;
        }
        asked("qd");
        client.leave()
    }

    fn open_client(&self, server: &Server, debuggee: &Debuggee, symbols: &Path) -> Done<Client> {
        typed(&format!(
            "farsight -y {} -premote {} -p {}",
            symbols.display(),
            server.transport,
            debuggee.pid()
        ));
        let show = |line: &str| println!("  {line}");
        Client::start(
            &self.built.farsight,
            &server.transport,
            debuggee.pid(),
            Some(symbols),
            show,
        )
    }

    fn show(&self, client: &mut Client, step: &Step) -> Done {
        asked(step.command);
        let lines = client.execute(step.command)?;
        let missing: Vec<&str> = step
            .expect
            .iter()
            .copied()
            .filter(|text| !lines.iter().any(|line| line.contains(text)))
            .collect();
        match missing.as_slice() {
            [] => Ok(()),
            missing => failure(format!("after `{}` nothing said {missing:?}", step.command)),
        }
    }

    /// Ends at a prompt that is the user's.
    fn hand_over(&self, server: &Server, debuggee: &Debuggee, symbols: &Path) -> Done {
        heading("YOUR TURN");
        println!("The same again, with a prompt of your own. Try: bp count_step; g   k   r   ~   .help   qd to leave");
        self.wait()?;
        let mut command = Command::new(&self.built.farsight);
        command
            .arg("-y")
            .arg(symbols)
            .args(["-premote", &server.transport, "-p", &debuggee.pid().to_string()]);
        let status = command.status();
        // What was pressed there was not for us.
        self.interrupted.store(false, Ordering::SeqCst);
        status
            .map(|_| ())
            .map_err(|error| Failure(format!("cannot run farsight: {error}")))
    }

    /// Waits for ENTER where a person is there to press it.
    fn wait(&self) -> Done {
        let (sender, receiver) = mpsc::channel();
        if self.live {
            print!("  [ENTER] ");
            std::io::stdout()
                .flush()
                .naming("write to", Path::new("standard output"))?;
            // A thread of its own, because reading a line goes on after a signal.
            std::thread::spawn(move || sender.send(std::io::stdin().read_line(&mut String::new())));
        } else if sender.send(Ok(1)).is_err() {
            return failure("a channel without an end");
        }
        while !self.interrupted.load(Ordering::SeqCst) {
            match receiver.recv_timeout(Duration::from_millis(100)) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Ok(length)) if length > 0 => return Ok(()),
                Ok(_) | Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        failure("ended by you")
    }
}

/// Shows that the program goes on as if nothing had been.
fn check_let_go(debuggee: &Debuggee) -> Done {
    let deadline = Instant::now() + PATIENCE;
    // The debugger may end a moment before the server has let go.
    while debuggee.is_clean().is_err() && Instant::now() < deadline {
        std::thread::yield_now();
    }
    debuggee.is_clean()?;
    let (before, now) = debuggee.advances("counter")?;
    println!("process {} goes on: {before}, {now}, ...", debuggee.pid());
    println!("it has no tracer, no signal is left in its queues, and its code equals its file");
    Ok(())
}

fn heading(text: &str) {
    println!("\n---- {text} {}", "-".repeat(70_usize.saturating_sub(text.len())));
}

/// A line for a shell.
fn typed(text: &str) {
    println!("  $ {text}");
}

/// A line for the debugger.
fn asked(text: &str) {
    println!("  > {text}");
}
