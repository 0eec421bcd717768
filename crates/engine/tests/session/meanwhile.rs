//! While the command of one user runs: who is asked, whose answer counts, who comes and goes, and what ends it.

use farsight_session::{CommandOutcome, Notification, OutputMask, QuestionId, Request, SessionState};
use farsight_types::AccessRole;

use crate::support::{Guest, Session, World, attach};

const ENDLESS: &str = ".for (r $t0=0; 1; r $t0=@$t0+1) { }";

fn start() -> Session {
    Session::start(World::with_files(), attach()).0
}

fn text_of(told: &Notification) -> String {
    match told {
        Notification::Output { content, .. } => format!("{content:?}"),
        _ => String::new(),
    }
}

fn sees(guest: &mut Guest, text: &str) -> String {
    guest.until(text, |told| text_of(told).contains(text))
}

/// Sends a line of one client, and waits until another sees it.
fn begins(author: &mut Guest, line: &str, witness: &mut Guest) {
    author.send(line);
    witness.until("the line", |told| matches!(told, Notification::Echo { .. }));
}

/// A console that shows nothing can answer nothing (`-noio`).
fn hide(guest: &Guest) {
    let mask = OutputMask::ERROR;
    guest.client.send(Request::SetOutput { mask, width: 80 });
}

/// An answer names its question, and counts for no other.
#[test]
fn an_answer_is_taken_for_its_own_question_only() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    let mut bob = session.join(7, "bob@desk", AccessRole::Operator);
    let asked = |guest: &mut Guest, own: bool| {
        let mut found = None;
        guest.until("the question", |told| match told {
            Notification::InputWanted { question, is_own, .. } => {
                assert_eq!(*is_own, Some(own));
                found = *question;
                true
            }
            _ => false,
        });
        found.expect("a number")
    };
    let answer = |guest: &Guest, text: &str, question| {
        let text = text.into();
        guest.client.send(Request::AnswerInput { text, question });
    };
    session.run("eb main 70 71 72");
    let ticket = session.send("eb main");
    let (first, of_bob) = (asked(&mut session, true), asked(&mut bob, false));
    assert_eq!(first, of_bob);
    answer(&session, "11", Some(first));
    answer(&bob, "22", Some(first));
    let second = asked(&mut session, true);
    assert_ne!(first, second);
    bob.until("the refusal", |told| match told {
        Notification::Output { content, .. } => format!("{content:?}").contains("too late: tester has answered"),
        _ => false,
    });
    // One of an older release, and one whose question is still to come.
    answer(&bob, "33", None);
    let third = asked(&mut session, true);
    answer(&bob, "44", Some(QuestionId(third.0 + 1)));
    answer(&session, "", Some(third));
    assert_eq!(session.finish("eb", ticket).1, CommandOutcome::Done);
    answer(&bob, "55", Some(second));
    assert!(
        bob.run(".echo there")
            .contains("too late: something else is asked for by now")
    );
    assert!(session.run("db main L3").contains("11 33 72"));
}

/// Invariant: no question outlives its asker, nor the last who could answer it.
#[test]
fn a_question_ends_with_whoever_asks_and_with_the_last_who_could_answer() {
    for leaves in [false, true] {
        let session = start();
        hide(&session);
        let mut ann = session.join(7, "ann@desk", AccessRole::Operator);
        let mut eve = session.join(8, "eve@desk", AccessRole::Observer);
        ann.send("eb main");
        sees(&mut eve, "*** A command asks: ");
        match leaves {
            true => ann.client.send(Request::Leave),
            false => session.lose(7),
        }
        sees(&mut eve, if leaves { "disconnected at" } else { "lost at" });
        assert!(eve.run(".clients").contains("eve@desk"));
        // The asker shows no prompts, and whoever does goes.
        let mut bob = session.join(9, "bob@desk", AccessRole::Operator);
        let mut cat = session.join(10, "cat@desk", AccessRole::Operator);
        hide(&cat);
        cat.send("eb main");
        bob.until("the question", |told| matches!(told, Notification::InputWanted { .. }));
        session.lose(9);
        sees(&mut eve, "interrupted");
        assert!(eve.run(".clients").contains("cat@desk"));
    }
}

#[test]
fn a_command_ends_with_its_author() {
    let nested = [".foreach (a {x *!*}) {"; 8].concat() + "? 1" + &"}".repeat(8);
    for (role, line) in [(AccessRole::Operator, ENDLESS), (AccessRole::Observer, &nested[..])] {
        for leaves in [false, true] {
            let session = start();
            let mut ann = session.join(7, "ann@desk", role);
            let mut bob = session.join(8, "bob@desk", AccessRole::Operator);
            begins(&mut ann, line, &mut bob);
            match leaves {
                true => ann.client.send(Request::Leave),
                false => session.lose(7),
            }
            // What it had sent behind that is nobody's either.
            let shown = sees(&mut bob, if leaves { "disconnected at" } else { "lost at" });
            assert!(shown.contains("interrupted: ann@desk is gone\n"), "{shown}");
            assert!(bob.run(".clients").contains("bob@desk"));
        }
    }
}

#[test]
fn lines_that_somebody_left_unheard_are_not_run() {
    let session = start();
    let mut ann = session.join(7, "ann@desk", AccessRole::Operator);
    let mut bob = session.join(8, "bob@desk", AccessRole::Operator);
    begins(&mut bob, ENDLESS, &mut ann);
    ann.send(ENDLESS);
    ann.send(".echo unheard");
    session.lose(7);
    sees(&mut bob, "lost at");
    bob.interrupt();
    sees(&mut bob, "interrupted");
    let shown = bob.run(".clients");
    assert!(!shown.contains("unheard") && !shown.contains("ann@desk"), "{shown}");
}

#[test]
fn who_comes_while_a_command_runs_sees_whose_it_is_and_may_end_it() {
    let session = start();
    let mut ann = session.join(7, "ann@desk", AccessRole::Operator);
    let mut cat = session.join(8, "cat@desk", AccessRole::Operator);
    begins(&mut ann, ENDLESS, &mut cat);
    let mut bob = session.visit(9, "bob@desk", AccessRole::Operator);
    bob.client.send(Request::ConnectSession {
        history: u32::MAX,
        announce: true,
    });
    let shown = sees(&mut bob, "*** ann@desk runs ");
    assert!(shown.contains(&format!("runs '{ENDLESS}' since ")), "{shown}");
    assert!(shown.contains("; CTRL+C ends it\n"), "{shown}");
    sees(&mut cat, "bob@desk (tcp 127.0.0.1:9) connected at");
    assert_eq!(bob.prompt, None, "it would wait behind the command");
    session.lose(8);
    sees(&mut bob, "cat@desk (tcp 127.0.0.1:8) lost at");
    bob.interrupt();
    sees(&mut ann, "interrupted by bob@desk");
    bob.until("the prompt", |told| {
        matches!(told, Notification::State(SessionState::Accessible { .. }))
    });
    assert!(bob.run(".echo there").contains("there"));
}

/// The line waits behind the command, and need not wait for its end.
#[test]
fn showing_somebody_out_ends_their_command_whether_it_runs_or_asks() {
    for line in [ENDLESS, "eb main"] {
        let mut session = start();
        let mut ann = session.join(7, "ann@desk", AccessRole::Operator);
        let mut bob = session.join(8, "bob@desk", AccessRole::Operator);
        begins(&mut ann, line, &mut bob);
        // What is behind it waits before the line that ends it.
        ann.send(ENDLESS);
        // Who may not is refused in turn, and ends nothing.
        let refused = bob.send(".kick 7");
        let shown = session.run(".kick 7");
        assert!(
            shown.contains("ann@desk (tcp 127.0.0.1:7) cut off by tester"),
            "{shown}"
        );
        assert_eq!(bob.finish(".kick 7", refused).1, CommandOutcome::Failed);
    }
}

/// Who leaves in good order leaves behind what set targets going (`.remote_exit g; ...`); who is lost does not.
#[test]
fn what_somebody_set_going_is_carried_out_where_they_leave_and_not_where_they_are_lost() {
    for leaves in [true, false] {
        let mut session = start();
        let mut ann = session.join(7, "ann@desk", AccessRole::Operator);
        ann.send("g; .echo behind it");
        session.until("the targets run", |told| {
            matches!(told, Notification::State(SessionState::Running))
        });
        match leaves {
            true => ann.client.send(Request::Leave),
            false => session.lose(7),
        }
        sees(&mut session, if leaves { "disconnected at" } else { "lost at" });
        session.interrupt();
        let shown = session.until("a prompt", |told| {
            matches!(told, Notification::State(SessionState::Accessible { .. }))
        });
        let shown = shown + &session.run(".echo mine");
        assert_eq!(shown.contains("behind it"), leaves, "{shown}");
    }
}
