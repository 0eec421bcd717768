//! Backtraces, frames, and the stacks of all threads.

use crate::support::{Session, World, attach};

fn session() -> Session {
    Session::start(World::with_files(), attach()).0
}

#[test]
fn a_stack_is_walked_from_where_the_user_says() {
    let mut session = session();
    session.run("g leaf");
    let whole = session.run("kc");
    for line in [
        "kc = @rsp",
        "kc = @rsp @rip",
        "kc = @rbp @rsp @rip",
        "kc = @rsp 100",
        "kc = @rsp @rip 100",
        "kc = @rbp @rsp @rip 100",
    ] {
        assert_eq!(session.run(line), whole, "{line}");
    }
    assert_eq!(session.run("kc 1").lines().count(), 2);
    assert_eq!(session.run(".kframes 1; kc").lines().count(), 3);
    for line in [
        "k 0",
        "k 10000",
        "k =",
        "k = 1 2 3 4 5",
        "kd 0",
        "kd 200000",
        ".kframes 0",
        "k = nonesuch",
    ] {
        let shown = session.fail(line);
        assert!(shown.contains('^'), "{line}: {shown}");
    }
}

#[test]
fn a_frame_lends_its_registers_until_the_target_runs() {
    let mut session = session();
    session.run("g leaf");
    let shown = session.run(".frame 1; ? @$frame");
    assert!(
        shown.starts_with("01 ") && shown.contains("toy!work") && shown.contains("`00000001"),
        "{shown}"
    );
    let (own, rip) = (session.run("? @rsp"), session.run("r rip"));
    let shown = session.run(".frame /r 1");
    assert!(
        shown.contains("rip=0000000000401049") && session.run("r rip") == rip,
        "{shown}"
    );
    session.run(".frame /c 1");
    assert!(session.run("r rip").contains("401049"));
    assert_ne!(session.run("? @rsp"), own);
    assert!(session.fail("r rax = 1").contains("those of frame 1"));
    assert!(session.run(".f+").contains("toy!"));
    assert!(session.run("? @$frame").contains("`00000002"));
    session.run(".f-; .f-");
    assert!(session.fail(".f-").contains("ends here"));
    assert!(session.fail(".frame 77").contains("no frame 0x77"));
    session.run(".frame /c 1; p");
    assert!(session.run("? @$frame").contains("`00000000"), "the target ran");
    assert!(!session.run("r rip").contains("401049"));
    for line in [".frame /x", ".frame 10000", ".f"] {
        assert!(session.fail(line).contains('^'), "{line}");
    }
}

#[test]
fn all_stacks_cost_two_round_trips() {
    let mut session = session();
    let (shown, _, trips) = session.cost("!uniqstack -n");
    assert!(shown.contains("Total threads: 3"), "{shown}");
    assert!(trips <= 2, "{trips}");
    let (shown, requests, _) = session.cost("!findstack toy!worker");
    assert_eq!(shown.matches("frame(s) match").count(), 2, "{shown}");
    assert_eq!(requests, 0);
    assert!(session.run("!findstack main 2").contains("toy!main"));
    assert!(session.run("!findstack nonesuch").contains("No matching"));
    for line in ["!findstack", "!findstack main 7", "!uniqstack -x"] {
        assert!(session.fail(line).contains('^'), "{line}");
    }
}
