//! `s` in all its forms.

use crate::support::{Session, World, attach};

fn session() -> Session {
    Session::start(World::with_files(), attach()).0
}

#[test]
fn every_type_finds_its_pattern() {
    let mut session = session();
    session.run("eq 403100 1122334455667788; eza 403140 \"needle\"; ezu 403160 \"wide\"");
    for (line, expected) in [
        ("s 403000 L1000 88 77 66", "00000000`00403100  88 77 66"),
        ("s -b 403000 L1000 'needle'", "00000000`00403140  6e 65"),
        ("s -w 403000 L800 7788", "00000000`00403100  7788 5566"),
        ("s -d 403000 L400 11223344", "00000000`00403104  11223344"),
        (
            "s -q 403000 L200 1122334455667788",
            "00000000`00403100  11223344`55667788",
        ),
        ("s -a 403000 L1000 \"eedl\"", "00000000`00403141  65 65 64"),
        ("s -u 403000 L800 \"wid\"", "00000000`00403160  0077 0069"),
        ("s -v 403000 L200 403100", "00000000`00403100  11223344`55667788"),
        ("s -[1w]d 400000 L?1000 11223344", "00000000`00403104\n"),
        ("s -sa 403100 L50", "00000000`00403140  \"needle\""),
        ("s -su 403100 L50", "00000000`00403160  \"wide\""),
        ("s -[l5]sa 403100 Lff", "00000000`00403140  \"needle\""),
    ] {
        let (shown, requests, _) = session.cost(line);
        assert!(shown.contains(expected), "{line}: {shown}");
        assert!(requests <= 2, "{line}: {requests}");
    }
    assert_eq!(
        session.run("s -w 403001 L7ff 7788"),
        "",
        "words are aligned to the range"
    );
    assert_eq!(session.run("s -[l7]sa 403100 L50"), "");
}

#[test]
fn saved_hits_are_looked_at_again_in_one_request() {
    let mut session = session();
    session.run("f 403100 L20 aa bb; s -[s]b 403100 L20 aa");
    session.run("eb 403104 cc aa; eb 403101 aa");
    let (shown, requests, _) = session.cost("s -[r1]b 403100 L100 aa");
    assert_eq!(shown.lines().count(), 15, "{shown}");
    assert!(!shown.contains("403104") && !shown.contains("403101"), "{shown}");
    assert_eq!(requests, 0, "what was shown is known");
    session.run("s -[sn4]b 403100 L20 aa");
    assert_eq!(session.run("s -[r1]b 403100 L100 aa").lines().count(), 4);
}

#[test]
fn many_hits_are_all_shown() {
    let mut session = session();
    session.run("f 403100 Lf00 5");
    let shown = session.run("s -[1]b 403100 Lf00 5; s -[1]b 7ffffeff0000 L10000 0");
    assert!(shown.lines().count() > 0xf00 + 4096, "{}", shown.lines().count());
}

#[test]
fn bad_searches_point_at_the_fault() {
    let mut session = session();
    for line in [
        "s",
        "s 403000 L10",
        "s -x 403000 L10 1",
        "s -[z]b 403000 L10 1",
        "s -[1b 403000 L10 1",
        "s -[n0]b 403000 L10 1",
        "s -[l]sa 403000 L10",
        "s -sa 403000 L10 1",
        "s 403000 L10 100",
        "s 0 L10000001 1",
        "s -q 403000 L1 nonesuch",
    ] {
        let shown = session.fail(line);
        assert!(shown.contains('^'), "{line}: {shown}");
    }
    let wide = format!("s -u 403000 L10 '{}'", "x".repeat(2100));
    assert!(session.fail(&wide).contains("at most 4096 bytes"));
}
