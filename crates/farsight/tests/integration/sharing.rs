//! A session of several users: who sees what, who answers, what it costs.

use std::time::Duration;

use farsight_session::{CommandOutcome, Content, Notification, QuestionId, Request};
use farsight_testkit::raw_client::words;
use farsight_testkit::{
    Console, DbgSrv, Deadline, Debuggee, DebuggingServer, Proxy, ProxyPlan, RawClient, proc, programs,
};

use crate::support::assert_runs_clean;

const NOTHING: [&str; 0] = [];

/// How long it is watched that nothing happens.
const WATCHED: Duration = Duration::from_millis(500);

fn attached_server(debuggee: &Debuggee) -> DebuggingServer {
    DebuggingServer::start(["-p", &debuggee.pid().to_string()])
}

/// Waits until a line is wanted; what was told until then, and the question.
fn asked(client: &mut RawClient) -> (String, Option<QuestionId>, bool) {
    let mut shown = String::new();
    loop {
        let told = client.next(Deadline::usual());
        match told.unwrap_or_else(|| panic!("no line is wanted; told was:\n{shown}")) {
            Notification::InputWanted { question, is_own, .. } => return (shown, question, is_own == Some(true)),
            told => shown.push_str(&words(&told)),
        }
    }
}

#[test]
fn the_first_answer_counts_a_late_one_is_told_so_and_all_see_it() {
    let mut counter = Debuggee::start("counter", &["2"]);
    let address = counter.address("counter");
    let mut server = attached_server(&counter);
    let mut clients: Vec<RawClient> = ["ann", "bob"].map(|name| server.join(name)).into();
    clients[0].run(".echo there");
    let asking = clients[0].execute(&format!("eq {address}"));
    let mut question = None;
    for (client, own) in clients.iter_mut().zip([true, false]) {
        let (_, wanted, is_own) = asked(client);
        assert_eq!(is_own, own);
        assert!(wanted.is_some() && (question.is_none() || question == wanted));
        question = wanted;
    }
    // One who comes while it is wanted may give it, too.
    let mut late = server.join("cat");
    assert_eq!((asked(&mut late).1, question.is_some()), (question, true));
    // Both answer what they were asked. The first answer is a value, and the command asks for the next.
    for (client, text) in clients.iter_mut().rev().zip(["0n4711", "0n77"]) {
        let text = text.to_owned();
        client.send(&Request::AnswerInput { text, question });
        client.expect("that it is wanted no more", |told| *told == Notification::InputTaken);
    }
    clients[0].expect_text("that line came too late: bob has answered");
    late.expect_text("[bob");
    let (_, next, _) = asked(&mut late);
    assert_ne!(next, question);
    // A client of an older release names no question: its line is for the one that is open.
    late.send(&Request::AnswerInput {
        text: String::new(),
        question: None,
    });
    clients[0].expect(
        "the end",
        |told| matches!(told, Notification::Done { ticket, .. } if *ticket == asking),
    );
    let written = format!(".if (poi({address}) == 0n4711 & poi({address}+8) != 0n77) {{ .echo once }}");
    let (shown, _) = late.run(&written);
    assert!(shown.contains("\nonce") && !shown.contains("too late"), "{shown}");
    assert!(server.console().run(".echo end").contains("bob"));
    assert_eq!(server.into_console().quit("qd").code, Some(0));
    assert_runs_clean(&mut counter, "counter");
}

/// A script that comes while somebody's command asks says its lines, which read like values, behind it.
#[test]
fn what_a_newcomer_says_first_is_no_answer_to_somebody_elses_question() {
    let mut counter = Debuggee::start("counter", &["2"]);
    let address = counter.address("counter");
    let server = attached_server(&counter);
    let mut ann = server.join("ann");
    ann.run(&format!("eb {address} 70 71 72"));
    ann.execute(&format!("eb {address}"));
    let (_, question, _) = asked(&mut ann);
    let mut newcomers: Vec<Console> = [
        &[][..],
        &["-c", ".echo first"][..],
        &["-noio", "-c", ".echo silent"][..],
    ]
    .map(|options| DebuggingServer::client_with(server.connection(), "script", options))
    .into();
    for newcomer in &mut newcomers {
        newcomer.send("bc 0");
        newcomer.send(".echo second");
        ann.expect_text("script@");
    }
    for newcomer in &mut newcomers[..2] {
        newcomer.expect("*** A command asks:");
    }
    // Nothing was taken for an answer, and nothing ended the command.
    let text = String::new();
    ann.send(&Request::AnswerInput { text, question });
    ann.expect_text("silent");
    for newcomer in &mut newcomers[..2] {
        newcomer.expect("\nsecond");
    }
    let unchanged = format!(".if (by({address}) == 70 & by({address}+1) == 71) {{ .echo unchanged }}");
    let (shown, _) = ann.run(&unchanged);
    assert!(shown.contains("unchanged"), "{shown}");
    assert_eq!(server.into_console().quit("qd").code, Some(0));
    proc::assert_clean(counter.pid().0, Deadline::usual());
}

/// Whoever may answer is there or not: a question does not outlive the command's author.
#[test]
fn who_asked_vanishes_and_the_question_with_it() {
    let mut counter = Debuggee::start("counter", &["2"]);
    let address = counter.address("counter");
    let pid = counter.pid().to_string();
    for arguments in [&["-p", &pid][..], &["-noio", "-p", &pid][..]] {
        let server = match arguments.len() {
            2 => DebuggingServer::start(arguments),
            _ => DebuggingServer::start_silent(arguments),
        };
        let mut ann = server.join("ann");
        let (shown, _) = ann.run(".server tcp:port=0,role=observer");
        let (_, observers) = shown.rsplit_once("-remote ").expect(&shown);
        let mut eve = RawClient::join(observers.split_whitespace().next().unwrap(), "eve");
        eve.run(".echo there");
        ann.execute(&format!("eq {address}"));
        eve.expect_text("*** A command asks: ");
        drop(ann);
        let told = eve.expect_text("lost at");
        assert!(told.contains("ann ("), "{told}");
        eve.expect_text("interrupted");
        assert_eq!(eve.run("dq @rsp L1").1, CommandOutcome::Done);
        let mut bob = server.join("bob");
        let (shown, outcome) = bob.run("dq @rsp L1");
        assert_eq!(outcome, CommandOutcome::Done, "{shown}");
        bob.execute("qq");
        bob.expect("the end", |told| matches!(told, Notification::Ended { .. }));
        assert_eq!(server.into_console().ended(Deadline::usual()).code, Some(0));
    }
    proc::assert_clean(counter.pid().0, Deadline::usual());
}

#[test]
fn two_who_type_at_once_are_served_in_one_order_that_all_see() {
    const LINES: usize = 40;
    let mut server = DebuggingServer::start(NOTHING);
    let mut clients: Vec<RawClient> = ["ann", "bob", "cat"].map(|name| server.join(name)).into();
    for client in &mut clients {
        client.run(".echo there");
    }
    for number in 0..LINES {
        for (client, name) in clients.iter_mut().zip(["ann", "bob"]) {
            client.execute(&format!(".echo said-{name}-{number}"));
        }
    }
    // The last to arrive, for requests of one client keep their order.
    let [ann, bob, _] = clients.as_mut_slice() else {
        unreachable!()
    };
    let last = [(ann, "ann"), (bob, "bob")].map(|(client, name)| {
        let mark = format!("said-{name}-{}\n", LINES - 1);
        client.expect("its last line", |told| shows(told, &mark))
    });
    drop(last);
    server.console().run(".echo said-all");
    let views: Vec<Vec<String>> = clients
        .iter_mut()
        .map(|client| said(&client.expect("all", |told| shows(told, "said-all\n"))))
        .collect();
    // Ann and bob have read a part of theirs above; the third has read nothing.
    let whole = views.last().unwrap();
    assert_eq!(whole.len(), 2 * LINES + 1, "{whole:?}");
    for view in &views {
        assert!(whole.ends_with(view), "{view:?} is no end of {whole:?}");
    }
    for name in ["ann", "bob"] {
        let own: Vec<&String> = whole.iter().filter(|line| line.contains(name)).collect();
        let wanted: Vec<String> = (0..LINES).map(|number| format!("said-{name}-{number}")).collect();
        assert!(own.into_iter().eq(&wanted), "{whole:?}");
    }
    assert!(said(&server.console().output().text()).ends_with(whole));
}

/// Whether this is told, and not typed.
fn shows(told: &Notification, text: &str) -> bool {
    matches!(told, Notification::Output { content: Content::Text(shown), .. } if shown.split_inclusive('\n').any(|line| line == text))
}

/// The lines that were said, without those that were typed.
fn said(shown: &str) -> Vec<String> {
    shown
        .lines()
        .filter(|line| line.starts_with("said-"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_late_one_sees_the_history_up_to_its_limit() {
    let mut server = DebuggingServer::start(NOTHING);
    for number in 0..20 {
        server
            .console()
            .run(&format!(".echo line-{number}-{}", "x".repeat(100)));
    }
    for (limit, first) in [(0, 20), (400, 19), (u32::MAX, 0)] {
        let mut late = RawClient::connect(server.connection(), "late");
        late.send(&Request::ConnectSession {
            history: limit,
            announce: false,
        });
        let (shown, _) = late.run(".echo there");
        for number in 0..20 {
            let has = shown.contains(&format!("\nline-{number}-"));
            assert_eq!(has, number >= first, "line {number} with {limit} characters:\n{shown}");
        }
        late.send(&Request::Leave);
        late.expect("its end", |told| *told == Notification::Ended { clean: true });
    }
    let shown = server.console().run(".clients");
    assert!(!shown.contains("late@"), "{shown}");
}

#[test]
fn one_round_trip_for_a_command_one_more_to_join_and_none_while_idle() {
    let counter = Debuggee::start("counter", &["2"]);
    let mut server = attached_server(&counter);
    let proxy = Proxy::start(server.address(), ProxyPlan::far_away());
    let connection = proxy.connection();
    let mut client = RawClient::connect(&connection, "far");
    let opened = proxy.take_counts();
    assert_eq!(opened.round_trips(), 2, "to connect and to be welcomed: {opened:?}");
    client.send(&Request::ConnectSession {
        history: 10_000,
        announce: true,
    });
    client.run("k");
    let joined = proxy.take_counts();
    assert_eq!(joined.round_trips(), 1, "history and the first command: {joined:?}");
    for line in ["k", "r", "lm", ".echo there"] {
        client.run(line);
        let cost = proxy.take_counts();
        assert_eq!(cost.round_trips(), 1, "{line}: {cost:?}");
    }
    // A whole program: connecting, the welcome, joining, the line, the question whether the session goes on, leaving.
    let mut console = DebuggingServer::client_of(&connection, "console");
    console.send("k");
    let ended = console.finish();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    let whole = proxy.take_counts();
    assert!(whole.round_trips() <= 6, "{whole:?}");
    // What the two said of each other comes first.
    while client.next(Deadline::within(WATCHED)).is_some() {}
    proxy.take_counts();
    let sleeps = proc::sleeps(server.pid(), "clients");
    assert!(client.next(Deadline::within(WATCHED)).is_none());
    let idle = proxy.take_counts();
    assert_eq!((idle.bytes_up, idle.bytes_down), (0, 0), "{idle:?}");
    assert_eq!(
        proc::sleeps(server.pid(), "clients"),
        sleeps,
        "the thread that serves clients woke up"
    );
    server.console().run(".echo end");
}

#[test]
fn a_smart_client_of_several_systems_is_shared() {
    let servers: Vec<DbgSrv> = (0..2).map(|_| DbgSrv::start()).collect();
    let mut counters: Vec<Debuggee> = (0..3).map(|_| Debuggee::start("counter", &["2"])).collect();
    let pids: Vec<String> = counters.iter().map(|counter| counter.pid().to_string()).collect();
    let mut server = attached_server(&counters[0]);
    let mut client = server.client("ann");
    for (process_server, pid) in servers.iter().zip(&pids[1..]) {
        client.run(&format!(".attach -premote {} {pid}", process_server.connection()));
    }
    let systems = client.run("||*");
    assert_eq!(systems.matches("tcp:").count(), 2, "{systems}");
    client.run("bp count_step");
    let stopped = client.run("g");
    assert!(stopped.contains("count_step"), "{stopped}");
    let seen = server.console().run("||*");
    // What the client did comes before it.
    let own = seen.rsplit_once("> ||*").map_or(seen.as_str(), |(_, own)| own);
    assert_eq!(own.matches("tcp:").count(), 2, "{seen}");
    client.finish();
    let ended = server.into_console().quit("qd");
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    for counter in &mut counters {
        assert_runs_clean(counter, "counter");
    }
}

#[test]
fn a_client_that_shows_nothing_does_its_work_and_leaves() {
    let mut server = DebuggingServer::start(NOTHING);
    server.console().run("nosuch");
    let connection = server.connection().to_owned();
    let run = |commands: &str| {
        let mut client = Console::start(["-remote", &connection, "-noio", "-c", commands]);
        // Its input stays open.
        client.ended(Deadline::usual())
    };
    let ended = run(".echo silent words");
    assert_eq!(
        (ended.code, ended.text.as_str()),
        (Some(0), ""),
        "errors of others are not its own"
    );
    server.console().expect("silent words");
    assert_eq!(run("nosuch").code, Some(1));
    assert_eq!(run(".remote_exit .echo last words").code, Some(0));
    server.console().expect("last words");
    server.console().run(".echo end");
}

#[test]
fn a_client_of_the_wrong_kind_is_told_what_is_there() {
    let process_server = DbgSrv::start();
    let debugging_server = DebuggingServer::start(NOTHING);
    let connections = [
        (
            "-remote",
            process_server.connection(),
            "process server (connect with -premote)",
        ),
        (
            "-premote",
            debugging_server.connection(),
            "debugging server (connect with -remote)",
        ),
    ];
    for (option, connection, words) in connections {
        let ended = Console::start([option, connection]).ended(Deadline::usual());
        assert_ne!(ended.code, Some(0));
        assert!(ended.text.contains(words), "{}", ended.text);
    }
}

#[test]
fn the_environment_says_how_many_commands_late_ones_are_shown() {
    for (variable, shown) in [("1", ["two"].as_slice()), ("", &["one", "two"])] {
        let pipe = format!("npipe:pipe=kept-{variable}-{}", std::process::id());
        let mut command = std::process::Command::new(programs::farsight());
        command.env("_NT_DEBUG_HISTORY_SIZE", variable).args(["-server", &pipe]);
        let mut host = Console::spawn(command);
        host.run(".echo one");
        host.run(".echo two");
        let mut late = Console::start(["-remote", &pipe]);
        late.run(".echo here");
        let text = late.quit(".remote_exit").text;
        let before = text.split("connected at").next().unwrap();
        let seen: Vec<&str> = ["one", "two"]
            .into_iter()
            .filter(|word| before.lines().any(|line| line == *word))
            .collect();
        assert_eq!(seen, shown, "{text}");
        host.quit("q");
    }
}

/// A command that goes on for ever hides nothing: who comes sees whose it is and ends it, or the owner shows its author out.
#[test]
fn who_comes_while_a_command_runs_sees_whose_it_is_and_ends_it() {
    const ENDLESS: &str = ".for (r $t9 = 0; 1; r $t9 = @$t9 + 1) { }";
    let mut server = DebuggingServer::start(NOTHING);
    let mut ann = server.join("ann");
    ann.run(".echo there");
    let endless = ann.execute(ENDLESS);
    server.console().expect(&format!("[ann] > {ENDLESS}"));
    // A program that reads lines, as a script does: what it has to say waits.
    let mut bob = server.client("bob");
    bob.expect(&format!("*** ann runs '{ENDLESS}' since "));
    bob.expect("; CTRL+C ends it");
    drop(server.join("cat"));
    bob.expect("cat (tcp");
    bob.expect("lost at");
    bob.interrupt();
    bob.expect("interrupted by bob@");
    ann.expect(
        "its end",
        |told| matches!(told, Notification::Done { ticket, .. } if *ticket == endless),
    );
    bob.run(".echo mine");
    let clients = server.console().run(".clients");
    let number = clients.lines().find(|line| line.contains("ann (tcp"));
    let number = number.and_then(|line| line.split_whitespace().next()).expect(&clients);
    ann.execute(ENDLESS);
    bob.expect(&format!("[ann] > {ENDLESS}"));
    let shown = server.console().run(&format!(".kick {number}"));
    assert!(
        shown.contains("ann (tcp") && shown.contains("cut off by host@"),
        "{shown}"
    );
    ann.expect("its end", |told| matches!(told, Notification::Ended { .. }));
    assert_eq!(bob.finish().code, Some(0));
    assert_eq!(server.into_console().quit("q").code, Some(0));
}
