//! Passwords and keys between programs of their own: who knows them gets in, nobody else learns or changes anything, and
//! they are shown to nobody.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use farsight_session::wire::request_frame;
use farsight_session::{Notification, Request, Ticket};
use farsight_testkit::{
    Console, DbgSrv, Deadline, Debuggee, DebuggingServer, Proxy, ProxyPlan, RawClient, Scratch, proc, programs,
    raw_client, wait_until,
};

use crate::support::{assert_in_order, assert_runs_clean, premote};

mod origins;

const PASSWORD: &str = "Swordfish of any length";

/// How long it is watched that nothing happens.
const WATCHED: Duration = Duration::from_millis(300);

/// Nobody waited for a try: a new one takes two seconds, and a busy machine a few.
const AT_ONCE: Duration = Duration::from_secs(8);

/// A connection string with another credential.
fn with(connection: &str, credential: &str) -> String {
    let parts = connection.split(',').filter(|part| {
        let key = part.split('=').next().unwrap_or_default().to_lowercase();
        !matches!(key.as_str(), "key" | "password")
    });
    let mut string = parts.collect::<Vec<_>>().join(",");
    if !credential.is_empty() {
        string.push(',');
        string.push_str(credential);
    }
    string
}

/// A debugging session over a process server: attaches, stops at a breakpoint, reads, lets go.
#[track_caller]
fn debugs(connection: &str, counter: &mut Debuggee) {
    let mut console = Console::start(premote(connection, ["-p", &counter.pid().to_string()]));
    let text = console.run("bp counter!count_step; g; k 2; db @rsp L100");
    assert_in_order(&text, &["Breakpoint 0 hit", "counter!count_step", "counter!"]);
    assert_eq!(console.quit("qd").code, Some(0));
    assert_runs_clean(counter, "counter");
}

#[test]
fn who_has_the_secret_debugs_over_every_transport_that_can_have_one() {
    let mut counter = Debuggee::start("counter", &["2", "5000"]);
    let pipe = |word: &str| format!("npipe:pipe=farsight-test-{word}-{}", std::process::id());
    for (transport, credential) in [
        ("tcp:port=0,key=new".to_owned(), None),
        (
            format!("tcp:port=0,password=@{{{PASSWORD}}}"),
            Some(format!("password=@{{{PASSWORD}}}")),
        ),
        (format!("{},key=new", pipe("key")), None),
        (format!("{},password=x", pipe("word")), Some("password=x".into())),
    ] {
        let server = DbgSrv::start_with(&["-t", &transport]);
        let connection = match &credential {
            // The printed line is all that a client needs.
            None => server.connection().to_owned(),
            Some(credential) => with(server.connection(), credential),
        };
        debugs(&connection, &mut counter);
        let sharing = DebuggingServer::start_at(&transport.replace("-test-", "-test2-"), ["-noio"; 0]);
        let connection = match &credential {
            None => sharing.connection().to_owned(),
            Some(credential) => with(sharing.connection(), credential),
        };
        let mut client = DebuggingServer::client_of(&connection, "ann");
        assert!(client.run("? 0n4711").contains("1267"));
        assert_eq!(client.finish().code, Some(0));
    }
}

/// Who has none, another or one of the other kind: a plain sentence, and no process is begun for it.
#[test]
fn who_has_not_the_secret_is_told_so_and_has_no_effect() {
    let counter = Debuggee::start("counter", &["1"]);
    let by_key = DbgSrv::start_with(&["-t", "tcp:port=0,key=new"]);
    let by_password = DbgSrv::start_with(&["-t", "tcp:port=0,password=Swordfish"]);
    let open = DbgSrv::start();
    let other = DbgSrv::start_with(&["-t", "tcp:port=0,key=new"]);
    let stranger = format!("key={}", other.value("key").unwrap());
    for (server, credential, words) in [
        (
            &by_key,
            "",
            "the server asks for its key: paste the line that it printed",
        ),
        (&by_key, &*stranger, "the password or key is not the server's"),
        (
            &by_key,
            "password=Swordfish",
            "the server asks for the key that it printed, not a password",
        ),
        (&by_password, "", "the server asks for a password: add password=..."),
        (
            &by_password,
            "password=swordfish",
            "the password or key is not the server's",
        ),
        (&by_password, &stranger, "the server asks for a password, not a key"),
        // Nothing proves that such a server is the one that is meant.
        (&open, "password=Swordfish", "the server asks for no password or key"),
        (&open, "password=env:FARSIGHT_NO_SUCH", "no variable 'FARSIGHT_NO_SUCH'"),
        (&open, "password=fd:99", "descriptor 99 cannot be read"),
    ] {
        let connection = with(server.connection(), credential);
        let ended = Console::start(premote(&connection, ["-p", &counter.pid().to_string()])).finish();
        assert!(ended.text.contains(words), "{credential}: {}", ended.text);
        assert_ne!(ended.code, Some(0));
        assert!(
            !ended.text.contains("ordfish") && !ended.text.contains(&stranger[4..]),
            "{}",
            ended.text
        );
        wait_until("no session", Deadline::usual(), || server.sessions().is_empty());
    }
    assert_eq!(proc::tracer(counter.pid().0), 0);
}

/// What a key opens is decided by the key: one server has one for each role.
#[test]
fn roles_belong_to_keys() {
    let counter = Debuggee::start("counter", &["1"]);
    let mut server = Console::start(["-server", "tcp:port=0,key=new", "-p", &counter.pid().to_string()]);
    let lines = server.run(".echo there");
    let string_of = |role: &str| {
        let (_, behind) = lines
            .split_once(&format!("0 ({role}): farsight -remote "))
            .expect(&lines);
        behind.lines().next().unwrap().trim().to_owned()
    };
    for (role, refused, allowed) in [
        ("observer", "eb @rsp 0", "db @rsp L1"),
        ("operator", "qq", "eb @rsp 0"),
        ("owner", "", ".kick 99"),
    ] {
        let mut client = DebuggingServer::client_of(&string_of(role), role);
        let shown = client.run(".clients");
        assert!(shown.contains(&format!("{role}, since")), "{shown}");
        if !refused.is_empty() {
            assert!(client.run(refused).contains(&format!("this connection is an {role}'s")));
        }
        assert!(!client.run(allowed).contains("this connection is"), "{role}");
        // Lists and latecomers are not told keys.
        let shown = client.run(".servers");
        assert!(
            shown.contains("Key=*") && !shown.contains(&string_of("owner")[30..]),
            "{shown}"
        );
        let ended = client.finish();
        let key = string_of("owner").rsplit_once("Key=").unwrap().1.to_owned();
        assert!(!ended.text.contains(&key), "{}", ended.text);
    }
    // A listener of operators has no key of owners.
    let shown = server.run(".server tcp:port=0,role=operator,key=new");
    assert!(
        shown.contains("1 (operator)") && shown.contains("1 (observer)") && !shown.contains("1 (owner)"),
        "{shown}"
    );
    server.quit("qd");
}

/// Every run of eight bytes of something that must not be read on the way.
fn assert_hidden(recorded: &[u8], plain: &[u8], what: &str) {
    for window in plain.windows(8) {
        let found = recorded.windows(8).any(|bytes| bytes == window);
        assert!(
            !found,
            "{what}: {:?} was sent in clear",
            String::from_utf8_lossy(window)
        );
    }
}

#[test]
fn nothing_of_a_session_with_a_password_can_be_read_on_the_way() {
    let mut counter = Debuggee::start("counter", &["1", "5000"]);
    let (greeting, pid) = (counter.address("greeting"), counter.pid().to_string());
    let text = proc::read_memory(counter.pid().0, greeting, 24);
    // The same session in clear shows that the search finds what there is.
    for (transport, credential, is_sealed) in [
        ("tcp:port=0", "", false),
        ("tcp:port=0,password=Swordfish", "password=Swordfish", true),
    ] {
        let server = DbgSrv::start_with(&["-t", transport]);
        let proxy = Proxy::start(server.address(), ProxyPlan::default());
        proxy.record();
        let connection = with(&proxy.connection(), credential);
        let mut console = Console::start(premote(&connection, ["-p", &pid]));
        console.run(&format!("db {greeting} L18; lm; k"));
        assert_eq!(console.quit("qd").code, Some(0));
        let recorded = proxy.record();
        let all = [recorded.up, recorded.down].concat();
        assert!(all.len() > 10_000);
        let secrets = [
            ("memory", text.clone()),
            (
                "the program's path",
                programs::debuggee("counter")
                    .to_string_lossy()
                    .into_owned()
                    .into_bytes(),
            ),
            ("the product", b"farsight 0.1.0".to_vec()),
            ("the password", b"Swordfish".to_vec()),
        ];
        match is_sealed {
            true => secrets
                .iter()
                .for_each(|(what, plain)| assert_hidden(&all, plain, what)),
            false => {
                for (what, plain) in &secrets[..3] {
                    assert!(all.windows(8).any(|bytes| bytes == &plain[..8]), "{what}");
                }
            }
        }
        assert_runs_clean(&mut counter, "counter");
    }
    let server = DebuggingServer::start_at("tcp:port=0,key=new", ["-noio"; 0]);
    let proxy = Proxy::start(server.address(), ProxyPlan::default());
    proxy.record();
    let (_, key) = server.connection().rsplit_once("Key=").unwrap();
    let mut ann = RawClient::join(&with(&proxy.connection(), &format!("key={key}")), "ann-of-accounts");
    ann.run(".echo the quick brown fox");
    let recorded = proxy.record();
    let all = [recorded.up, recorded.down].concat();
    for plain in [
        &b"the quick brown fox"[..],
        b"ann-of-accounts",
        b".echo the",
        key.as_bytes(),
        b"farsight",
    ] {
        assert_hidden(&all, plain, "a shared session");
    }
}

/// What was recorded opens nothing when it is sent again.
#[test]
fn a_recorded_session_cannot_be_played_again() {
    let mut counter = Debuggee::start("counter", &["1", "5000"]);
    let server = DbgSrv::start_with(&["-t", "tcp:port=0,password=Swordfish"]);
    let proxy = Proxy::start(server.address(), ProxyPlan::default());
    proxy.record();
    let connection = with(&proxy.connection(), "password=Swordfish");
    let pid = counter.pid().to_string();
    let ended = Console::start(premote(&connection, ["-p", &pid])).quit("q");
    assert!(ended.text.contains("Detached"), "{}", ended.text);
    let recorded = proxy.record();
    wait_until("the session is over", Deadline::usual(), || {
        server.sessions().is_empty()
    });
    let mut again = TcpStream::connect(server.address()).unwrap();
    again.set_read_timeout(Some(Deadline::usual().left())).unwrap();
    again.write_all(&recorded.up).unwrap();
    // It is answered as anybody is, and hung up on at the first record.
    let mut answer = Vec::new();
    let _ = again.read_to_end(&mut answer);
    assert!(answer.len() < 200 && server.sessions().is_empty());
    assert_ne!(answer, recorded.down[..answer.len()]);
    assert_runs_clean(&mut counter, "counter");
}

/// Who tries many passwords waits; who is elsewhere or knows it does not.
#[test]
fn tries_are_limited_in_rate() {
    let server = DbgSrv::start_with(&["-t", "tcp:port=0,password=Swordfish"]);
    let wrong = with(server.connection(), "password=guess");
    for _ in 0..8 {
        assert!(raw_client::try_dial(&wrong).is_err());
    }
    let mut ninth = TcpStream::connect(server.address()).unwrap();
    ninth.write_all(&opening_with_password()).unwrap();
    ninth.set_read_timeout(Some(WATCHED)).unwrap();
    let begin = Instant::now();
    assert!(ninth.read(&mut [0; 1]).is_err(), "it was answered at once");
    ninth.set_read_timeout(Some(Deadline::usual().left())).unwrap();
    assert!(ninth.read(&mut [0; 1]).is_ok());
    assert!(begin.elapsed() > WATCHED);
    // Those who were left behind while they wait for a try keep nobody waiting who is there.
    let server = DebuggingServer::start_at("tcp:port=0,password=Swordfish", ["-noio"; 0]);
    for _ in 0..24 {
        knock(server.address());
    }
    RawClient::connect(&with(server.connection(), "password=Swordfish"), "ann");
    // Those who know the password come as fast as they like, from a place that has tries.
    let server = DebuggingServer::start_at("tcp:port=0,password=Swordfish", ["-noio"; 0]);
    let right = with(server.connection(), "password=Swordfish");
    let begin = Instant::now();
    thread::scope(|scope| {
        for _ in 0..48 {
            scope.spawn(|| RawClient::connect(&right, "ann"));
        }
    });
    assert!(begin.elapsed() < AT_ONCE, "{:?}", begin.elapsed());
}

/// Begins to prove a password that it does not have, and goes away at once.
fn knock(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(&opening_with_password()).unwrap();
}

/// The first message of somebody who has none.
fn opening_with_password() -> Vec<u8> {
    let mut opening = [&b"\xfaSEALS\x01\n\x52\x00\x02"[..], &[0; 0x51]].concat();
    opening[11] = b'A';
    opening
}

/// A key cannot be guessed: whoever has it waits for nobody who tries, not even from the same address.
#[test]
fn nobody_keeps_out_who_has_the_key() {
    let server = DebuggingServer::start_at("tcp:port=0,key=new", ["-noio"; 0]);
    let other = DebuggingServer::start_at("tcp:port=0,key=new", ["-noio"; 0]);
    let (_, key) = other.connection().rsplit_once("Key=").unwrap();
    let wrong = with(server.connection(), &format!("key={key}"));
    let address = server.address();
    let is_over = AtomicBool::new(false);
    let tries = AtomicUsize::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            let deadline = Deadline::usual();
            while !is_over.load(Ordering::Relaxed) && !deadline.passed() {
                knock(address);
                assert!(raw_client::try_dial(&wrong).is_err());
                tries.fetch_add(1, Ordering::Relaxed);
            }
        });
        wait_until("many tries", Deadline::usual(), || tries.load(Ordering::Relaxed) > 20);
        let begin = Instant::now();
        for _ in 0..8 {
            RawClient::connect(server.connection(), "ann");
        }
        let took = begin.elapsed();
        is_over.store(true, Ordering::Relaxed);
        assert!(took < AT_ONCE, "{took:?}");
    });
}

/// What came right behind the first frame is answered, though the socket has nothing more to say.
#[test]
fn requests_in_the_same_record_as_the_hello_are_answered() {
    let server = DebuggingServer::start_at("tcp:port=0,key=new", ["-noio"; 0]);
    let mut client = RawClient::over(raw_client::dial(server.connection()));
    let (history, announce) = (0, true);
    let mut bytes = raw_client::opening("ann");
    bytes.extend(request_frame(1, 0, &Request::ConnectSession { history, announce }).encode());
    for number in 2..10 {
        let ticket = Ticket(number);
        let line = format!(".echo {}; ? 0n4711", "x".repeat(1000));
        bytes.extend(request_frame(number, 0, &Request::Execute { ticket, line }).encode());
    }
    client.send_bytes(&bytes).unwrap();
    let mut client = client.welcomed();
    for number in 2..10 {
        let is_done = |told: &Notification| matches!(told, Notification::Done { ticket, .. } if ticket.0 == number);
        client.expect("that a line is done", is_done);
    }
}

/// No other program and no other user sees them: not in the list of processes, not in the environment of what is started.
#[test]
fn secrets_are_not_shown_in_lists_of_processes_nor_passed_on() {
    let server = DbgSrv::start_with(&["-t", "tcp:port=0,password=Swordfish"]);
    let shown = |pid: u32, file: &str| std::fs::read(format!("/proc/{pid}/{file}")).unwrap();
    let has = |bytes: &[u8], word: &str| bytes.windows(word.len()).any(|window| window == word.as_bytes());
    let line = shown(server.pid(), "cmdline");
    assert!(
        has(&line, "password=***") && !has(&line, "Swordfish"),
        "{}",
        String::from_utf8_lossy(&line)
    );
    for value in [
        "password =Swordfish",
        "password= Swordfish",
        "PassWord = Swordfish",
        "\tpassword=Swordfish",
        "password=my Swordfish",
        "password=a;Swordfish",
        "password=a\"Swordfish",
        "password=a}Swordfish",
        "password=@{a@{b}Swordfish}",
        "hidden,password=Swordfish,ipversion=6",
    ] {
        for quote in ["", "'"] {
            let server = DbgSrv::start_with(&["-t", &format!("{quote}tcp:port=0,{value}{quote}")]);
            let line = String::from_utf8_lossy(&shown(server.pid(), "cmdline")).into_owned();
            assert!(
                line.contains("tcp:port=0,") && line.contains("***"),
                "{value}: {line:?}"
            );
            assert!(!line.contains("fish"), "{value}: {line:?}");
        }
    }
    let mut command = Command::new(programs::dbgsrv());
    command.args(["-t", "tcp:port=0,password=env:FARSIGHT_TEST_WORD"]);
    let server = DbgSrv::spawn({
        command.env("FARSIGHT_TEST_WORD", "Swordfish");
        command
    });
    let mut command = Command::new(programs::farsight());
    let connection = with(server.connection(), "password=env:FARSIGHT_TEST_WORD");
    command.args(premote(&connection, [programs::debuggee("counter").to_str().unwrap()]));
    let mut console = Console::spawn({
        command.env("FARSIGHT_TEST_WORD", "Swordfish");
        command
    });
    let text = console.run("|");
    let pid = text
        .split("id: ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .expect(&text);
    let pid: u32 = pid.parse().expect("a process id");
    assert!(!has(&shown(pid, "environ"), "Swordfish"));
    for session in server.sessions() {
        assert!(!has(&shown(session, "environ"), "Swordfish"));
    }
    console.quit("q");
}

/// A password comes from a descriptor as well, and is nowhere then.
#[test]
fn a_password_comes_from_a_descriptor() {
    let server = DbgSrv::start_with(&["-t", "tcp:port=0,password=Swordfish"]);
    let connection = with(server.connection(), "password=fd:0");
    let mut child = Command::new(programs::farsight())
        .args(["-premote", &connection, "-c", ".echo in; q"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"Swordfish\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("\nin") || text.starts_with("in"), "{text}");
    assert!(!text.contains("Swordfish"));
}

#[test]
fn others_logs_and_latecomers_see_a_star() {
    let scratch = Scratch::new();
    let log = scratch.path().join("session.log");
    let counter = Debuggee::start("counter", &["1"]);
    let mut server = DebuggingServer::start(["-noio"; 0]);
    let other = DbgSrv::start_with(&["-t", "tcp:port=0,password=Swordfish"]);
    let connection = with(other.connection(), "password=Swordfish");
    let mut ann = server.client("ann");
    let mut bob = server.client("bob");
    bob.run(".echo here");
    ann.run(&format!(".logopen {}", log.display()));
    ann.run(&format!(".tlist -premote {connection}"));
    ann.run(".server npipe:pipe=farsight-secret-%x,password=Swordfish");
    let pid = counter.pid();
    ann.run(&format!(".attach -premote {connection} {pid}"));
    let listed = ann.run("||; .servers; .clients");
    let started = ann.run(".server tcp:port=0,role=observer,insecure");
    let (_, string) = started.rsplit_once("farsight -remote ").expect(&started);
    let listed_to_observers = string.lines().next().unwrap().trim().to_owned();
    assert!(
        listed.contains("Password=*") && !listed.contains("Swordfish"),
        "{listed}"
    );
    for line in [
        "as srv .server tcp:port=0,password=Swordfish",
        "al",
        "bp @rip \".server tcp:port=0,password = Swordfish\"",
        "bl",
        ".bpcmds",
        "sxe -c \".server tcp:port=0,password=my Swordfish\" ld",
        "sx",
        ".attach -premot tcp:server=h,port=1,password=Swordfish 12",
        ".endsrv tcp:port=1,password=Swordfish",
        "? tcp:port=1,password=my Swordfish",
        ".server\ttcp:port=0,insecured,password=my Swordfish",
        ".server tcp:port=0,pasword=Swordfish",
        ".server tcp:port=0, pwd = Swordfish",
        ".tlist -premote tcp:server=localhost,port=1,password=my Swordfish",
        "~0 e .server tcp:port=0,nothing,password=a Swordfish",
    ] {
        let shown = ann.run(line);
        assert!(!shown.replace(line, "").contains("fish"), "{line}: {shown}");
    }
    let mut late = DebuggingServer::client_of(&listed_to_observers, "late");
    late.run(".echo late");
    // What is kept is shown to an observer, too, and only its secrets are not.
    let kept = late.run("al; bl; sx");
    assert_in_order(&kept, &["srv", "password=*", "password = *", "password=*"]);
    ann.run(".logclose; bc *; .detach");
    for (who, text) in [
        ("bob", bob.finish().text),
        ("late", late.finish().text),
        ("ann", ann.finish().text),
        ("the server", server.console().run(".echo host")),
        ("the log", std::fs::read_to_string(&log).unwrap()),
    ] {
        assert!(text.contains("password=*"), "{who}: {text}");
        assert!(!text.contains("Swordfish"), "{who}: {text}");
    }
    server.into_console().quit("q");
}

/// The local addresses at which a process listens, as the kernel tells.
fn bound(pid: u32) -> Vec<String> {
    let sockets: Vec<String> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .flatten()
        .filter_map(|entry| std::fs::read_link(entry.path()).ok())
        .filter_map(|link| {
            Some(
                link.to_str()?
                    .strip_prefix("socket:[")?
                    .trim_end_matches(']')
                    .to_owned(),
            )
        })
        .collect();
    ["tcp", "tcp6"]
        .into_iter()
        .flat_map(|family| {
            let table = std::fs::read_to_string(format!("/proc/{pid}/net/{family}")).unwrap_or_default();
            table.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
        })
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let is_ours =
                fields.get(3) == Some(&"0A") && sockets.iter().any(|inode| fields.get(9) == Some(&inode.as_str()));
            is_ours.then(|| fields[1].split(':').next().unwrap_or_default().to_owned())
        })
        .collect()
}

/// Off the loopback interface nobody listens without a secret, unless that is asked for by name.
#[test]
fn nobody_listens_beyond_this_machine_without_a_secret() {
    const LOOPBACK: [&str; 2] = ["0100007F", "00000000000000000000000001000000"];
    for transport in ["tcp:port=0", "tcp:port=0,key=new", "tcp:port=0,password=x"] {
        let server = DbgSrv::start_with(&["-t", transport]);
        let bound = bound(server.pid());
        assert!(
            !bound.is_empty() && bound.iter().all(|address| LOOPBACK.contains(&&**address)),
            "{bound:?}"
        );
    }
    let refused = Command::new(programs::dbgsrv())
        .args(["-t", "tcp:port=0,server=*"])
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && words.contains("key=new"), "{words}");
    for transport in ["tcp:port=0,server=*,key=new", "tcp:port=0,server=*,insecure"] {
        let server = DbgSrv::start_with(&["-t", transport]);
        assert!(
            bound(server.pid())
                .iter()
                .any(|address| address.bytes().all(|digit| digit == b'0')),
            "{transport}"
        );
    }
}

/// A secret costs one more round trip at the beginning, and none later.
#[test]
fn a_secret_costs_one_round_trip_at_the_beginning() {
    let counter = Debuggee::start("counter", &["1"]);
    let pid = counter.pid().to_string();
    let mut turns = Vec::new();
    for (transport, credential) in [("tcp:port=0", ""), ("tcp:port=0,password=x", "password=x")] {
        let server = DbgSrv::start_with(&["-t", transport]);
        let proxy = Proxy::start(server.address(), ProxyPlan::far_away());
        let mut console = Console::start(premote(&with(&proxy.connection(), credential), ["-p", &pid]));
        console.run("k");
        let attach = proxy.take_counts().turns;
        console.run("db @rsp; r; ~*k");
        turns.push((attach, proxy.take_counts().turns));
        console.quit("qd");
    }
    assert_eq!((turns[0].0 + 1, turns[0].1), turns[1]);
}
