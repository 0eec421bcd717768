//! Memory, shown and changed.

use farsight_session::{Notification, Request};

use crate::support::{Session, World, attach};

fn session() -> Session {
    Session::start(World::with_files(), attach()).0
}

#[test]
fn every_form_shows_the_same_bytes() {
    let mut session = session();
    session.run("eq 403100 1122334455667788; eq 403108 3ff8000000000000; ef 403110 1.5 -2; eD 403118 0.25");
    for (line, expected) in [
        ("db 403100 L8", "88 77 66 55 44 33 22 11"),
        ("dw 403100 L2", "7788 5566"),
        ("dd 403100 L2", "55667788 11223344"),
        ("dq 403100 L1", "11223344`55667788"),
        ("dp 403100 L1", "11223344`55667788"),
        ("dD 403108 L1", "1.5"),
        ("df 403110 L2", "-2"),
        ("dD 403118 L1", "0.25"),
        ("dyb 403100 L1", "10001000 "),
        ("dyd 403100 L1", "01010101011001100111011110001000  55667788"),
        ("dc/c2 403100 L2", "55667788 11223344"),
    ] {
        let shown = session.run(line);
        assert!(shown.contains(expected), "{line}: {shown}");
    }
}

#[test]
fn a_dump_goes_on_where_it_ended_in_the_form_it_had() {
    let mut session = session();
    let first = session.run("dw 403000 L4");
    assert!(first.starts_with("00000000`00403000"), "{first}");
    let next = session.run("d");
    assert!(next.starts_with("00000000`00403008"), "{next}");
    assert_eq!(next.lines().count(), 8, "{next}");
    let shown = session.run("d/c1 403000 L2");
    assert_eq!(shown.lines().count(), 2, "{shown}");
}

#[test]
fn bad_ranges_are_errors_that_point() {
    let mut session = session();
    for line in [
        "db 403000 L0",
        "db 403010 403000",
        "db 403000 L10000001",
        "db/c0 403000",
        "dq 0 L?3000000000000000",
        "dl",
        "dl 403000 0",
        "f 403000 L4",
        "f 403000 L4 100",
        "f L4 1",
        "m 403000 L8",
        "m 403000 L8 ffffffffffffffff",
        "c 403000 L8 fffffffffffffffc",
        "eb 403000 'abc",
        "ef 403000 main",
        "ea 403000",
    ] {
        let shown = session.fail(line);
        assert!(shown.contains('^'), "{line}: {shown}");
    }
    let shown = session.run("db fffffffffffffff8 L20");
    assert!(shown.contains("??"), "{shown}");
    assert_eq!(shown.lines().count(), 1, "a range ends with the address space: {shown}");
}

#[test]
fn pointers_are_followed_in_two_round_trips() {
    let mut session = session();
    session.run("eza 403200 \"seen\"; ezu 403240 \"wide\"; ep 403100 403200 403240 401000 1");
    let (shown, _, trips) = session.cost("dpa 403100 L1");
    assert!(shown.contains("\"seen\""), "{shown}");
    assert!(trips <= 2, "{trips}");
    assert!(session.run("dqu 403108 L1").contains("\"wide\""));
    let shown = session.run("dpp 403110 L2");
    assert!(shown.contains("????????`????????"), "{shown}");
    session.run("ed 403180 403200 403240; ed 403188 401000");
    assert!(session.run("dda 403180 L1").contains("\"seen\""));
    assert!(session.run("ddu 403184 L1").contains("\"wide\""));
    assert!(session.run("dds 403188 L1").contains("toy!"));
    session.run("ew 403300 4 5; eq 403308 403200; ew 403310 8 a; eq 403318 403240");
    assert!(session.run("ds 403300").contains("\"seen\""));
    assert!(session.run("dS 403310").contains("\"wide\""));
}

#[test]
fn lists_end_where_they_come_round() {
    let mut session = session();
    session.run("eq 403400 403420 403440; eq 403420 403440 403400; eq 403440 403400 403420");
    let shown = session.run("dl 403400");
    assert_eq!(shown.lines().count(), 3, "{shown}");
    let shown = session.run("dlb 403400 2 1");
    assert!(
        shown.contains("00403440`") || shown.contains("00000000`00403440"),
        "{shown}"
    );
    assert!(shown.contains("There are more"), "{shown}");
    session.run("eq 403440 403420");
    assert!(session.run("dl 403400").contains("leads back to 00000000`00403420"));
    session.run("eq 403440 8");
    assert!(
        session
            .fail("dl 403400")
            .contains("Memory access error at 00000000`00000008")
    );
}

#[test]
fn blocks_are_filled_moved_and_compared() {
    let mut session = session();
    let (shown, requests, _) = session.cost("f 403100 L10 61 62 63");
    assert!(shown.contains("Filled 0x10 bytes"), "{shown}");
    assert_eq!(requests, 1);
    assert!(session.run("da 403100 L10").contains("\"abcabcabcabcabca\""));
    session.run("eb 403100 0 1 2 3 4 5 6 7 8 9; m 403100 L8 403102");
    assert!(session.run("db 403100 La").contains("00 01 00 01 02 03 04 05-06 07"));
    session.run("eb 403100 0 1 2 3 4 5 6 7 8 9; m 403102 L8 403100");
    assert!(session.run("db 403100 La").contains("02 03 04 05 06 07 08 09-08 09"));
    session.run("m 403100 La 403200");
    assert_eq!(session.run("c 403100 La 403200"), "");
    session.run("eb 403205 ff");
    let (shown, requests, trips) = session.cost("c 403100 La 403200");
    assert_eq!(shown, "00000000`00403105  07 - 00000000`00403205  ff\n");
    // Whether the first answer comes before the second request is out is chance.
    assert!(requests == 2 && trips <= 2, "{requests} {trips}");
    assert!(
        session
            .fail("c 403000 L2000 402000")
            .contains("Memory access error at 00000000`00404000")
    );
    assert!(
        session
            .fail("m 403ff0 L20 403000")
            .contains("Memory access error at 00000000`00404000")
    );
    assert!(session.fail("f 403ff0 L20 1").contains("cannot be written"));
}

#[test]
fn values_that_are_missing_are_asked_for_one_by_one() {
    let mut session = session();
    session.run("eb 403100 11 22 33 44");
    let ticket = session.send("eb 403100");
    let answers = ["aa bb", " ", "zz zz", "dd", ""];
    let mut prompts = Vec::new();
    let mut shown = String::new();
    for answer in answers {
        shown += &session.until("a wish for a line", |notification| match notification {
            Notification::InputWanted { prompt, .. } => {
                prompts.push(prompt.clone());
                true
            }
            _ => false,
        });
        session.request(Request::AnswerInput {
            text: answer.into(),
            question: None,
        });
    }
    session.finish("eb", ticket);
    assert_eq!(
        prompts,
        [
            "00000000`00403100 11 Input> ",
            "00000000`00403102 33 Input> ",
            "00000000`00403103 44 Input> ",
            "00000000`00403103 44 Input> ",
            "00000000`00403104 00 Input> ",
        ]
    );
    assert!(shown.contains('^'), "{shown}");
    assert!(session.run("db 403100 L4").contains("aa bb 33 dd"));
}

#[test]
fn an_interrupt_ends_the_wait_for_a_line() {
    let mut session = session();
    let ticket = session.send("ed 403100");
    session.until("a wish for a line", |notification| {
        matches!(notification, Notification::InputWanted { .. })
    });
    // What has nothing to do with the line is answered meanwhile.
    assert_eq!(session.complete("1+"), (2, Vec::new()));
    session.interrupt();
    let (shown, outcome) = session.finish("ed", ticket);
    assert_eq!(outcome, farsight_session::CommandOutcome::Failed, "{shown}");
    assert!(session.run("? 1+1").contains("2"));
}
