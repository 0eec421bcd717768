//! What the users of one session are told of each other and of the program.

use farsight_session::{Notification, Request, SessionState};
use farsight_types::AccessRole;

use crate::support::{Session, World, attach, launch};

fn runs(told: &Notification) -> bool {
    matches!(told, Notification::State(SessionState::Running))
}

fn ended(told: &Notification) -> bool {
    matches!(told, Notification::Ended { .. })
}

/// A joining client asks for everything that was shown.
fn join_late(session: &Session, id: u32) -> (crate::support::Guest, Vec<Notification>) {
    let mut late = session.visit(id, "late@desk", AccessRole::Owner);
    late.client.send(Request::ConnectSession {
        history: u32::MAX,
        announce: true,
    });
    let mut told = Vec::new();
    late.until("the state", |notification| {
        told.push(notification.clone());
        matches!(notification, Notification::State(_))
    });
    (late, told)
}

#[test]
fn guests_are_told_who_ended_the_session_at_its_console() {
    let (session, _) = Session::start(World::with_files(), attach());
    let mut ann = session.join(7, "ann@desk", AccessRole::Observer);
    session.request(Request::EndOfInput);
    let shown = ann.until("the end", ended);
    let who = shown.find("tester (the server's console) ended the session at 20");
    let what = shown.find("Detached from process");
    assert!(who.is_some() && who < what, "{shown}");
    let (own, clean) = session.end();
    assert!(clean && !own.contains("ended the session"), "{own}");
}

#[test]
fn what_somebody_left_running_keeps_its_authors_name() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    let mut ann = session.join(7, "ann@desk", AccessRole::Owner);
    ann.client.execute("g");
    session.until("the targets run", runs);
    ann.client.send(Request::Leave);
    ann.until("its end", ended);
    let (mut late, _) = join_late(&session, 8);
    let shown = late.run(".clients");
    let named = "ann@desk (who has left) runs 'g' since 20";
    // When it came, and when it asked.
    assert_eq!(shown.matches(named).count(), 2, "{shown}");
    late.client.send(Request::Interrupt);
    late.until("a prompt", |told| {
        matches!(told, Notification::State(SessionState::Accessible { .. }))
    });
    assert!(!late.run(".clients").contains("runs"));
}

#[test]
fn what_somebody_runs_tells_nobody_of_hidden_servers() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    let mut ann = session.join(7, "ann@desk", AccessRole::Owner);
    ann.client.execute(".server tcp:port=77,hidden;g");
    session.until("the targets run", runs);
    let (mut late, _) = join_late(&session, 8);
    let shown = late.run(".clients");
    assert_eq!(shown.matches("runs '.server ***;g'").count(), 2, "{shown}");
    assert!(!shown.contains("77") && !shown.contains("hidden"), "{shown}");
}

#[test]
fn those_of_a_server_that_takes_no_more_can_be_cut_off_together() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    session.run(".server tcp:port=1");
    let mut guests = [(7, "ann@desk"), (8, "bob@desk")].map(|(id, name)| session.join(id, name, AccessRole::Owner));
    session.run(".endsrv 0");
    let shown = session.fail(".endsrv 0");
    assert!(shown.contains(".endsrv /d 0 cuts off those it has"), "{shown}");
    // Not who asks for it.
    guests[0].run(".endsrv /d 0");
    let shown = guests[1].until("its end", ended);
    assert!(shown.contains("ann@desk (tcp 127.0.0.1:7) has cut you off"), "{shown}");
    let shown = guests[0].run(".clients");
    assert!(shown.contains("0 - tester (the server's console)"), "{shown}");
    assert!(
        shown.contains("ann@desk") && !shown.contains("bob@desk (tcp 127.0.0.1:8), "),
        "{shown}"
    );
    assert!(session.fail(".endsrv /d 1").contains("there is no server 1"));
}

#[test]
fn who_comes_late_sees_what_the_program_wrote_and_whether_it_is_there() {
    let (mut session, _) = Session::start(World::with_files(), launch());
    let is_here = |told: &[Notification]| {
        let mut here = told.iter().rev().filter_map(|told| match told {
            Notification::ProgramTerminal { is_here } => Some(*is_here),
            _ => None,
        });
        here.next()
    };
    let (_, told) = join_late(&session, 7);
    assert_eq!(is_here(&told), Some(true), "it has written nothing yet");
    session.run("g");
    let written = session.program_output.clone();
    assert!(!written.is_empty());
    let (_, told) = join_late(&session, 8);
    let mut output = Vec::new();
    for notification in &told {
        if let Notification::ProgramOutput { bytes } = notification {
            output.extend_from_slice(bytes);
        }
    }
    assert_eq!(output, written);
    session.run(".kill");
    let (_, told) = join_late(&session, 9);
    assert_eq!(is_here(&told), Some(false));
}

#[test]
fn others_are_shown_the_prompt_that_everybody_has_and_no_endless_line() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    let mut ann = session.join(7, "ann@desk", AccessRole::Observer);
    session.run(".detach");
    session.send(&format!(".echo {}", "y".repeat(5000)));
    let mut echo = None;
    ann.until("the echo", |told| match told {
        Notification::Echo { line, prompt, .. } if line.starts_with(".echo") => {
            echo = Some((line.clone(), prompt.clone()));
            true
        }
        _ => false,
    });
    let (line, prompt) = echo.unwrap();
    assert_eq!(prompt, "> ");
    assert!(line.len() < 2100 && line.ends_with("yyy... (5006 bytes)"), "{line}");
}

#[test]
fn what_a_client_does_by_itself_is_not_said_to_be_missing() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    let mut ann = session.join(7, "ann@desk", AccessRole::Owner);
    for line in [".help .remote_exit", ".remote_exit"] {
        for shown in [session.fail(line), ann.fail(line)] {
            assert!(shown.contains("your own debugging client"), "{line}: {shown}");
        }
    }
    assert!(session.run(".help q").contains("A debugging client types qq"));
    let shown = ann.fail("q");
    assert!(
        shown.contains("refused to debugging clients") && !shown.contains("others"),
        "{shown}"
    );
}
