//! Many smart clients at once, half of which die.

use farsight_testkit::{Console, DbgSrv, Deadline, Debuggee, proc, programs, wait_until};

use crate::support::{assert_runs_clean, premote};

const CLIENTS: usize = 32;

struct One {
    console: Console,
    /// None where the client launched its debuggee itself.
    counter: Option<Debuggee>,
    pid: u32,
}

impl One {
    /// Even ones attach, odd ones launch; all have a breakpoint with a pass count and a running debuggee.
    fn start(index: usize, server: &DbgSrv) -> One {
        let (mut console, counter) = if index.is_multiple_of(2) {
            let counter = Debuggee::start("counter", &["2", "5000"]);
            let pid = counter.pid().to_string();
            (
                Console::start(premote(server.connection(), ["-p", &pid])),
                Some(counter),
            )
        } else {
            let path = programs::debuggee("counter");
            let path = path.to_str().unwrap();
            (Console::start(premote(server.connection(), [path, "2", "5000"])), None)
        };
        console.run("bp count_step 100000");
        let text = console.run("~");
        let id = text.split("Id: ").nth(1).and_then(|rest| rest.split('.').next());
        let pid = id
            .and_then(|id| id.parse().ok())
            .unwrap_or_else(|| panic!("no process id in {text}"));
        console.send("g");
        One { console, counter, pid }
    }
}

#[test]
fn heavy_sixteen_of_thirty_two_clients_killed_and_the_others_do_not_notice() {
    let server = DbgSrv::start();
    let mut clients: Vec<One> = (0..CLIENTS).map(|index| One::start(index, &server)).collect();
    assert_eq!(server.sessions().len(), CLIENTS);
    for client in &clients {
        wait_until("it runs", Deadline::usual(), || {
            !matches!(proc::state(client.pid), Some('t'))
        });
    }
    // A fixed shuffle: which ones die does not depend on how they are numbered, and a failure repeats.
    let mut seed = 0x5eed_u64;
    for index in (1..clients.len()).rev() {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        clients.swap(index, (seed >> 33) as usize % (index + 1));
    }
    let living = clients.split_off(CLIENTS / 2);
    for client in &mut clients {
        client.console.kill();
    }
    for client in &mut clients {
        match &mut client.counter {
            Some(counter) => assert_runs_clean(counter, "counter"),
            None => wait_until("a launched one is gone", Deadline::usual(), || !proc::alive(client.pid)),
        }
    }
    wait_until("their sessions are over", Deadline::usual(), || {
        server.sessions().len() == CLIENTS / 2
    });
    for mut client in living {
        assert!(proc::alive(client.pid));
        client.console.interrupt();
        let text = client.console.run("k");
        assert!(text.contains("Child-SP"), "{text}");
        let ended = client.console.quit("qd");
        assert_eq!(ended.code, Some(0), "{}", ended.text);
        match &mut client.counter {
            Some(counter) => assert_runs_clean(counter, "counter"),
            None => {
                // Its terminal is gone, which may well have ended it; what it must not be is stopped or traced.
                let free = || !proc::alive(client.pid) || proc::traces_of_a_debugger(client.pid).is_ok();
                wait_until("it is free", Deadline::usual(), free);
            }
        }
        if client.counter.is_none() && proc::alive(client.pid) {
            proc::signal(client.pid, "KILL");
        }
    }
    wait_until("all sessions are over", Deadline::usual(), || {
        server.sessions().is_empty()
    });
}
