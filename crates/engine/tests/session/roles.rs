//! What clients of each role may do, and what is refused to them.

use farsight_session::{CommandOutcome, Notification, Request, SessionState};
use farsight_types::AccessRole;

use crate::support::{Guest, Session, World, attach};

fn shared(role: AccessRole) -> (Session, Guest) {
    let (session, _) = Session::start(World::with_files(), attach());
    let guest = session.join(7, "ann@desk", role);
    (session, guest)
}

/// What the session is, as everybody sees it.
fn state_of(session: &mut Session) -> String {
    let looks = [
        "r",
        "~",
        "|",
        "||",
        "bl",
        "sx",
        "al",
        ".sympath",
        ".exepath",
        ".srcpath",
        "n",
        ".expr",
        ".pcmd",
        ".logfile",
        ".servers",
        "r $t0,$t1",
        "db main L40",
        ".symopt",
        ".prompt_allow",
        ".createdir",
        ".nvlist",
        "rm",
        ".kframes",
        ".allow_exec_cmds",
        ".quit_lock",
        ".asm",
        "k",
    ];
    // What others were shown meanwhile is no part of it.
    session.run(".echo");
    looks.iter().map(|line| session.run(line)).collect()
}

#[test]
fn an_observer_looks_and_nothing_else() {
    let (mut session, mut ann) = shared(AccessRole::Observer);
    for line in [
        "k",
        "r",
        "db main",
        "u main",
        "lm",
        "x *!main",
        "? 1+1",
        "~*k",
        "bl",
        "sx",
        ".clients",
        ".if (1) { k }",
    ] {
        ann.run(line);
    }
    for (line, what) in [
        ("eb main 90", "'eb' changes the target"),
        ("g", "'g' changes the target"),
        ("bp main", "'bp' changes"),
        ("~0s", "'~s' changes what others see or work with"),
        (".for (r $t0=0; 1; r $t0=1) { k }", "'.for' may go on without end"),
        ("k; z (1)", "'z' may go on without end"),
        (".block { .if (1) { eb main 90 } }", "'eb' changes the target"),
        (".foreach (a {.echo b}) { eb main 90 }", "'eb' changes the target"),
        ("j 1 'eb main 90'", "'eb' changes the target"),
        ("~*e eb main 90", "'eb' changes the target"),
        ("!for_each_module eb main 90", "'eb' changes the target"),
        ("!for_each_frame eb main 90", "'eb' changes the target"),
        ("as x eb main 90", "'as' changes what others"),
        (".detach", "'.detach' changes the target"),
    ] {
        let (shown, _) = ann.try_run(line);
        let cure = "this connection is an observer's; connect through a server with role=operator";
        assert!(shown.contains(what) && shown.contains(cure), "{line}: {shown}");
    }
    for line in [
        "qq",
        ".shell ls",
        ".writemem /tmp/x main L4",
        "$<f",
        "$$<f",
        "$$>a<f",
        ".logopen /tmp/x",
        ".readmem /f main L1",
        ".server tcp:port=1",
        ".endsrv 0",
        ".kick 0",
        ".quit_lock",
        ".noshell",
        ".nvload f",
        ".send_file a b",
        ".recv_file a b",
        ".allow_exec_cmds 0",
    ] {
        let shown = ann.fail(line);
        assert!(
            shown.contains("an observer's; connect through a server with role=owner"),
            "{line}: {shown}"
        );
    }
    session.run("k");
}

/// Invariant of the allow-list: whatever its commands are told to do, nobody else notices.
#[test]
fn what_an_observer_may_run_changes_nothing_for_others() {
    let (mut session, mut ann) = shared(AccessRole::Observer);
    for line in ["n 16", "bp main", "r $t0=11", "as theirs k", ".logopen /tmp/theirs"] {
        session.run(line);
    }
    let before = state_of(&mut session);
    for line in [
        "r rax=5",
        "r rip=0",
        "r $t0=5, rsp=1",
        "r $.u0=eb main 0",
        "r? $t1 = 5",
        "? @$t0=5",
        "?? @rax=5",
        "?? *(char*)@rip=0",
        "dx *(char*)@rip=0",
        "? @@c++(*(char*)@rip=0)",
        "rm 1",
        "n 8",
        ".expr /s c++",
        ".kframes 3",
        ".asm no_code_bytes",
        ".frame 1",
        ".frame /c 1",
        ".f+",
        ".ecxr",
        "db main L4; d",
        "u main; u",
        "s main L10 c3",
        "# ret main",
        ".effmach amd64",
        ".foreach /f (a \"toy\") { .echo a }",
        ".foreach (a {.echo q}) { a }",
        ".catch { g }",
        ".block { ad * }",
        "theirs",
        "~0 k",
        "~0 r rax=5",
        "|0 k",
        "||0 k",
        "~0e r rax=5",
        "~*e .frame 1",
        ".outmask /a",
        ".outmask /d",
        "ls 1",
        "lsa main",
        ".printf \"%mu\", main",
        ".bpcmds",
        ".if (@@c++(@rax=1)) { k }",
        "j (1) 'k'; 'k'",
        "dv",
        "dt -r2 x",
        "!gle",
        "!peb",
        "!runaway",
        "!chksym toy",
        "!for_each_frame .frame /c 1",
        ".logfile",
        "",
    ] {
        ann.try_run(line);
    }
    assert_eq!(state_of(&mut session), before);
    // What is this observer's own stays its own.
    ann.run(".expr /s masm; n 8; r $t0=5");
    let shown = ann.run("? 10; r $t0");
    assert!(shown.contains("= 8") || shown.contains("00000008"), "{shown}");
    assert!(shown.contains("$t0=0000000000000005"), "{shown}");
    assert!(session.run("r $t0").contains("$t0=0000000000000011"));
}

#[test]
fn an_empty_line_repeats_nothing_of_another_role() {
    let (mut session, mut ann) = shared(AccessRole::Observer);
    session.run(".echo mine");
    ann.fail("eb main 90");
    assert!(session.run("").contains("mine"));
    ann.run(".echo yours");
    assert!(ann.run("").contains("yours"));
}

#[test]
fn an_observer_is_offered_no_files() {
    let (mut session, ann) = shared(AccessRole::Observer);
    let complete = |ann: &Guest| {
        ann.client.send(Request::Complete {
            ticket: farsight_session::Ticket(99),
            line: ".logopen /".into(),
        });
    };
    complete(&ann);
    let mut ann = ann;
    ann.until("no candidates", |notification| match notification {
        Notification::Completions { candidates, .. } => {
            assert!(candidates.is_empty(), "{candidates:?}");
            true
        }
        _ => false,
    });
    assert!(!session.complete(".logopen /").1.is_empty());
}

#[test]
fn an_operator_debugs_and_does_not_own() {
    let (mut session, mut bob) = shared(AccessRole::Operator);
    for line in [
        "eb main 90",
        "bp main",
        "r $t0=1",
        "~0s",
        "as x k",
        "x",
        ".for (r $t1=0; @$t1<2; r $t1=@$t1+1) { k }",
    ] {
        bob.run(line);
    }
    for line in [
        "qq",
        ".kick 0",
        ".server tcp:port=1",
        ".logopen /tmp/x",
        "as /f y toy",
        "as /e y HOME",
        ".shell ls",
        "$<f",
    ] {
        let shown = bob.fail(line);
        assert!(
            shown.contains("an operator's; connect through a server with role=owner"),
            "{line}: {shown}"
        );
    }
    assert!(session.run("al").contains('x'));
}

#[test]
fn what_is_forbidden_to_clients_is_forbidden_to_their_owners_too() {
    let (mut session, mut eve) = shared(AccessRole::Owner);
    for (line, says) in [
        ("q", "qq ends it for everybody"),
        ("qd", "qq ends it all"),
        ("lse", "open an editor at the debugging server"),
        (".lsrcpath /x", "source files where you sit"),
        (".block { .lsrcfix }", "source files where you sit"),
        (".remote_exit", "your own debugging client"),
    ] {
        let shown = eve.fail(line);
        assert!(shown.contains(says), "{line}: {shown}");
    }
    session.run(".clients");
    let _ = eve.client.execute("qq");
    eve.until("the end", |notification| {
        matches!(notification, Notification::Ended { .. })
    });
    let (shown, _) = session.end();
    assert!(
        shown.contains("ann@desk (tcp 127.0.0.1:7) ended the session"),
        "{shown}"
    );
}

#[test]
fn a_client_is_shown_out() {
    let (session, mut ann) = shared(AccessRole::Operator);
    let mut bob = session.join(8, "bob@desk", AccessRole::Owner);
    for (line, says) in [
        (".kick 99", "there is no client 99"),
        (".kick 0", "the debugger's own console"),
        (".kick 8", "your own number"),
        (".kick x", "number"),
    ] {
        let shown = bob.fail(line);
        assert!(shown.contains(says), "{line}: {shown}");
    }
    let shown = bob.run(".kick 7");
    assert!(
        shown.contains("ann@desk (tcp 127.0.0.1:7) cut off by bob@desk (tcp 127.0.0.1:8) at"),
        "{shown}"
    );
    let shown = ann.until("the end", |notification| {
        matches!(notification, Notification::Ended { .. })
    });
    assert!(
        shown.contains("bob@desk (tcp 127.0.0.1:8) has cut you off from this session"),
        "{shown}"
    );
    // What it still sends is nobody's.
    ann.client.execute("eb main 0");
    let shown = bob.run(".clients");
    assert!(shown.contains("bob@desk") && !shown.contains("ann@desk"), "{shown}");
}

#[test]
fn locks_bind_everybody() {
    let (mut session, mut eve) = shared(AccessRole::Owner);
    session.run(".noshell; .allow_exec_cmds 0; .quit_lock /s \"x\"");
    for (line, says) in [
        (".shell ls", "disabled"),
        ("g", ".allow_exec_cmds 1"),
        ("qq", "is locked"),
    ] {
        for shown in [eve.fail(line), session.fail(line)] {
            assert!(shown.contains(says), "{line}: {shown}");
        }
    }
}

#[test]
fn an_observer_neither_breaks_in_nor_answers_nor_types() {
    let (mut session, mut ann) = shared(AccessRole::Observer);
    let refused = |ann: &mut Guest, request: Request, says: &str| {
        ann.client.send(request);
        let shown = ann.run(".echo there");
        assert!(shown.contains(says), "{shown}");
    };
    refused(&mut ann, Request::Interrupt, "an observer cannot break in");
    let bytes = b"x".to_vec();
    refused(
        &mut ann,
        Request::ProgramInput { bytes, end: false },
        "an observer cannot type into the program",
    );
    let ticket = session.send("eb main");
    session.until("the question", |notification| {
        matches!(notification, Notification::InputWanted { .. })
    });
    ann.client.send(Request::AnswerInput {
        text: "90".into(),
        question: None,
    });
    ann.client.send(Request::Interrupt);
    ann.until("the refusal", |notification| match notification {
        Notification::Output { content, .. } => format!("{content:?}").contains("cannot end the command of another"),
        _ => false,
    });
    session.request(Request::AnswerInput {
        text: String::new(),
        question: None,
    });
    assert_eq!(session.finish("eb", ticket).1, CommandOutcome::Done);
}

/// Invariant: what somebody leaves behind, to be run at an event or in another's line, does no more than its author may.
#[test]
fn commands_that_are_left_behind_keep_their_authors_rights() {
    let (mut session, mut bob) = shared(AccessRole::Operator);
    let refused = "these commands, or an alias in them, come from an operator; it takes an owner";
    // An alias that an owner falls into, however deep.
    for line in ["as inner .logopen /tmp/x", "as outer .block { inner }"] {
        bob.try_run(line);
    }
    for line in [
        "inner",
        "outer",
        ".if (1) { inner }",
        ".foreach (a {.echo b}) { inner }",
        "j 1 'inner'",
    ] {
        let shown = session.fail(line);
        assert!(shown.contains(refused), "{line}: {shown}");
    }
    // The same line of the owner's own is the owner's, and the session's rights are what they were.
    session.run("ad *");
    for line in [
        ".logopen /tmp/mine",
        ".logclose",
        "as inner .logopen /tmp/mine",
        "inner",
        ".logclose",
        "ad *",
    ] {
        session.run(line);
    }
    // Breakpoints, steps and stops, whoever sets the target going.
    for line in ["bp work+4 \".logopen /tmp/x\"", ".pcmd -s \".writemem /tmp/x main L4\""] {
        bob.run(line);
    }
    for line in ["g", "p"] {
        let shown = session.try_run(line).0;
        assert!(
            shown.contains("'.writemem' writes files") && shown.contains(refused),
            "{line}: {shown}"
        );
    }
    bob.run(".pcmd -c");
    let shown = session.try_run("g").0;
    assert!(
        shown.contains("'.logopen' writes files") && shown.contains(refused),
        "{shown}"
    );
    // What an owner puts in its place is the owner's.
    session.run("bs 0 \".logopen /tmp/mine; .logclose\"");
    let shown = session.run("g");
    assert!(shown.contains("Opened log file '/tmp/mine'"), "{shown}");
    bob.run("bc *");
    let shown = bob.try_run("p \".logopen /tmp/x\"").0;
    assert!(
        shown.contains("'.logopen' writes files") && shown.contains(refused),
        "{shown}"
    );
}

#[test]
fn the_log_names_whose_commands_they_were() {
    let world = World::with_files();
    let written = std::sync::Arc::clone(&world.written);
    let (mut session, _) = Session::start(world, attach());
    let mut ann = session.join(7, "ann@desk", AccessRole::Observer);
    session.run(".logopen /tmp/log");
    ann.fail("eb main 90");
    session.run(".echo mine; .logclose");
    let log = String::from_utf8(written.lock().unwrap()[std::path::Path::new("/tmp/log")].clone()).unwrap();
    let stamp = "2026-11-18 11:06:40.000 UTC";
    for line in [
        &format!("<ann@desk (tcp 127.0.0.1:7), observer, {stamp}> 0:000> eb main 90\n'eb' changes the target")[..],
        "\n0:000> .echo mine; .logclose\nmine\n",
    ] {
        assert!(log.contains(line), "{line} is not in {log}");
    }
}

#[test]
fn who_has_not_joined_does_nothing_to_those_who_have() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    let mut stranger = session.visit(7, "ann@desk", AccessRole::Owner);
    let (shown, outcome) = stranger.try_run("r $t0 = 5; .echo unseen");
    assert_eq!(outcome, CommandOutcome::Failed, "{shown}");
    assert_eq!(shown, "join the session first (ConnectSession)\n");
    stranger.client.send(Request::Interrupt);
    stranger.until("the refusal", |told| matches!(told, Notification::Output { .. }));
    // What it may ask for is shown to it alone, now and later.
    let (shown, outcome) = stranger.list_servers("", 3);
    assert_eq!(outcome, CommandOutcome::Done);
    assert!(shown.contains("Debugger Server - npipe:Pipe=MainPipe\n"), "{shown}");
    let shown = session.run("? @$t0");
    assert!(
        shown.ends_with("Evaluate expression: 0 = 00000000`00000000\n") && !shown.contains("MainPipe"),
        "{shown}"
    );
    stranger.client.send(Request::ConnectSession {
        history: 1 << 20,
        announce: true,
    });
    let shown = stranger.run(".echo seen");
    assert!(shown.contains("seen") && !shown.contains("MainPipe"), "{shown}");
    // Nor do those who are in the session show it to each other.
    stranger.list_servers("", 3);
    assert!(!session.run(".echo").contains("MainPipe"));
}

#[test]
fn hidden_servers_are_shown_to_owners_alone() {
    let (mut session, mut ann) = shared(AccessRole::Observer);
    let mut operator = session.join(8, "bob@desk", AccessRole::Operator);
    let mut owner = session.join(9, "cem@desk", AccessRole::Owner);
    let open = "0 - Debugger Server - tcp:port=1\n";
    let hidden = "1 - Debugger Server - tcp:port=77  (owners, hidden)\n";
    let last = "2 - Debugger Server - tcp:port=3\n";
    session.run(".server tcp:port=1");
    for line in [".server tcp:port=77,hidden", ".server tcp:port=3"] {
        let shown = session.run(line);
        assert!(
            shown.contains("\n1: farsight -remote tcp:server=fakebox,port=77,hidden\n"),
            "{shown}"
        );
    }
    assert_eq!(session.run(".servers"), [open, hidden, last].concat());
    // Whoever asks for the list with less rights shows it to nobody.
    assert!(ann.run(".servers").ends_with(&[open, last].concat()));
    assert!(session.run(".echo").contains(open));
    session.run(".echo the end");
    let shown = owner.until("the end", |told| format!("{told:?}").contains("the end"));
    assert!(shown.contains(&[open, hidden, last].concat()), "{shown}");
    assert_eq!(shown.matches(hidden).count(), 1, "{shown}");
    for guest in [&mut ann, &mut operator] {
        let shown = guest.until("the end", |told| format!("{told:?}").contains("the end"));
        assert!(!shown.contains("77") && !shown.contains("hidden"), "{shown}");
    }
    // And whoever comes late.
    let mut late = session.visit(10, "dan@desk", AccessRole::Observer);
    late.client.send(Request::ConnectSession {
        history: 1 << 20,
        announce: false,
    });
    let shown = late.run(".servers");
    assert!(shown.contains("farsight -remote tcp:server=fakebox,port=3"), "{shown}");
    assert!(!shown.contains("77") && !shown.contains("hidden"), "{shown}");
}

#[test]
fn who_has_not_joined_is_listed_and_can_be_cut_off() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    let mut stranger = session.visit(7, "ann@desk", AccessRole::Owner);
    let stamp = "2026-11-18 11:06:40.000 UTC";
    let listed =
        format!("  7 - ann@desk (tcp 127.0.0.1:7), owner, not joined, here since {stamp}, last active {stamp}\n");
    let shown = session.run(".clients");
    assert!(shown.ends_with(&listed), "{shown}");
    let shown = session.run(".kick 7");
    assert_eq!(
        shown,
        format!("ann@desk (tcp 127.0.0.1:7) cut off by tester at {stamp}\n")
    );
    stranger.until("its end", |told| matches!(told, Notification::Ended { .. }));
    assert!(!session.run(".clients").contains("ann@desk"));
}

#[test]
fn what_a_client_set_going_ends_with_it_when_it_is_cut_off() {
    let (mut session, mut ann) = shared(AccessRole::Operator);
    ann.client.execute("g; .echo behind it");
    session.until("the targets run", |told| {
        matches!(told, Notification::State(SessionState::Running))
    });
    let shown = session.run(".kick 7");
    assert!(shown.contains("ann@desk (tcp 127.0.0.1:7) cut off by"), "{shown}");
    ann.until("its end", |told| matches!(told, Notification::Ended { .. }));
    session.interrupt();
    let shown = session.until("a prompt", |told| {
        matches!(told, Notification::State(SessionState::Accessible { .. }))
    });
    assert!(!(shown + &session.run(".echo mine")).contains("behind it"));
}
