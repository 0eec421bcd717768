//! Roles over sockets: a debugging server and its clients as programs of their own, each with its own idea of what it may do.

use farsight_testkit::{Console, Deadline, Debuggee, Scratch, programs};

use crate::support::{assert_in_order, assert_runs_clean};

/// A debugger with a debuggee at rest.
fn host(debuggee: &Debuggee) -> Console {
    let mut host = Console::start(["-p", &debuggee.pid().to_string()]);
    host.run(".echo attached");
    host
}

/// Opens a server of a role; a client that came through it.
fn guest(host: &mut Console, role: &str) -> Console {
    let shown = host.run(&format!(".server tcp:port=0,role={role}"));
    let (_, strings) = shown.rsplit_once("farsight -remote ").expect(&shown);
    let mut guest = Console::start(["-remote", strings.split_whitespace().next().unwrap()]);
    guest.run(".echo here");
    guest
}

#[test]
fn an_observer_is_refused_what_changes_anything() {
    let mut counter = Debuggee::start("counter", &["2", "5000"]);
    let scratch = Scratch::new();
    let file = |name: &str| scratch.path().join(name).display().to_string();
    std::fs::write(file("script"), ".echo from-a-script\n").unwrap();
    let mut host = host(&counter);
    let before = host.run("r; db @rip L10; ~; bl");
    let mut observer = guest(&mut host, "observer");
    let looks = observer.run("k");
    assert!(looks.contains("Child-SP"), "{looks}");
    let mut refused = |line: &str, role: &str| {
        let shown = observer.run(line);
        let why = format!("this connection is an observer's; connect through a server with role={role}");
        assert!(shown.contains(&why), "{line}: {shown}");
        assert!(!shown.contains("from-a-script"), "{line}: {shown}");
    };
    for line in [
        "eb @rip 90",
        "g",
        "p",
        "bp counter!main",
        "r rax=1",
        "~0s",
        ".detach",
        ".kill",
        ".attach 1",
        ".for (;1;) {}",
    ] {
        refused(line, "operator");
    }
    for line in [
        "qq".to_owned(),
        ".shell ls".into(),
        format!(".writemem {} @rip L4", file("memory")),
        format!("$$<{}", file("script")),
        format!("$$>a<{}", file("script")),
        format!(".foreach /f (a \"{}\") {{ .echo a }}", file("script")),
        format!(".logopen {}", file("log")),
        format!(".send_file {} /tmp/x", file("script")),
        ".server tcp:port=0".into(),
        ".kick 0".into(),
    ] {
        refused(&line, "owner");
    }
    let files: Vec<_> = std::fs::read_dir(scratch.path()).unwrap().collect();
    assert_eq!(files.len(), 1, "{files:?}");
    host.run(".echo now");
    assert_in_order(
        &host.run("r; db @rip L10; ~; bl"),
        &before.lines().take(12).collect::<Vec<_>>(),
    );
    let ended = host.quit("qd");
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert_runs_clean(&mut counter, "counter");
}

#[test]
fn operators_debug_and_owners_show_out_and_end() {
    let mut counter = Debuggee::start("counter", &["2", "5000"]);
    let mut host = host(&counter);
    let mut operator = guest(&mut host, "operator");
    let mut owner = guest(&mut host, "owner");
    let shown = operator.run("bp count_step; g");
    assert!(shown.contains("Breakpoint 0 hit"), "{shown}");
    operator.run("bc *");
    for line in ["qq", ".kick 0", "$<x"] {
        let shown = operator.run(line);
        assert!(shown.contains("this connection is an operator's"), "{line}: {shown}");
    }
    let clients = owner.run(".clients");
    let numbers = |role: &str| {
        let row = clients.lines().find(|line| line.contains(role)).expect(&clients);
        row.trim().split(' ').next().unwrap().to_owned()
    };
    let servers = owner.run(".servers");
    assert_in_order(&servers, &["  (operators)\n", "1 - Debugger Server - tcp:Port="]);
    owner.run(&format!(".kick {}", numbers(", operator,")));
    let shown = operator.ended(Deadline::usual());
    assert!(
        shown.text.contains("has cut you off from this session"),
        "{}",
        shown.text
    );
    for (line, says) in [
        ("q", "qq ends it for everybody"),
        ("qd", "is refused to debugging clients"),
    ] {
        let shown = owner.run(line);
        assert!(shown.contains(says), "{line}: {shown}");
    }
    owner.quit("qq");
    let ended = host.ended(Deadline::usual());
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert_in_order(&ended.text, &["cut off by", "ended the session at"]);
    assert_runs_clean(&mut counter, "counter");
}

#[test]
fn what_the_list_of_servers_says_goes_behind_remote_and_hidden_ones_are_for_owners() {
    let counter = Debuggee::start("counter", &["2", "5000"]);
    let mut host = host(&counter);
    let mut observer = guest(&mut host, "observer");
    host.run(&format!(".server npipe:pipe=roles-{},hidden", std::process::id()));
    host.run(".server tcp:port=0,role=operator,server=127.0.0.1");
    let listed = host.run(".servers");
    let rows: Vec<&str> = listed
        .lines()
        .filter(|line| line.contains(" - Debugger Server - "))
        .collect();
    assert_eq!(rows.len(), 3, "{listed}");
    for (row, role) in rows.iter().zip(["(observers)", "(owners, hidden)", "(operators)"]) {
        let (_, connection) = row.split_once(" - Debugger Server - ").unwrap();
        let (connection, apart) = connection.split_once("  ").unwrap();
        assert_eq!(apart, role, "{row}");
        let mut client = Console::start(["-remote", connection]);
        let shown = client.run(".clients");
        assert!(shown.contains(", owner, since"), "{row}: {shown}");
        let left = client.quit(".remote_exit");
        assert_eq!(left.code, Some(0), "{row}: {}", left.text);
    }
    observer.run(".servers");
    let seen = observer.quit(".remote_exit").text;
    assert!(
        seen.contains("0 - Debugger Server - ") && seen.contains("2 - Debugger Server - "),
        "{seen}"
    );
    assert!(
        !seen.contains("roles-") && !seen.to_ascii_lowercase().contains("hidden"),
        "{seen}"
    );
    host.quit("qd");
}

#[test]
fn the_programs_say_what_a_client_cannot_begin() {
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(programs::farsight())
            .args(arguments)
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    for (more, says) in [
        (&["-p", "1"][..], "-p is about beginning a session"),
        (
            &["-server", "tcp:port=0"],
            "a debugging client cannot be a debugging server",
        ),
    ] {
        let text = run(&[&["-remote", "tcp:server=127.0.0.1,port=1"], more].concat());
        assert!(text.contains(says), "{text}");
    }
}
