//! `r` in all its forms.

use crate::support::{Session, World, attach};

fn session() -> Session {
    Session::start(World::with_files(), attach()).0
}

#[test]
fn vector_and_floating_point_registers_are_set_and_shown_by_type() {
    let mut session = session();
    for (set, show, expected) in [
        (
            "r xmm1 = 1122334455667788 99",
            "r xmm1",
            "xmm1=1122334455667788 0000000000000099",
        ),
        ("r xmm1 = 5", "r xmm1", "xmm1=0000000000000000 0000000000000005"),
        ("r xmm2:f = 1.5 -2 0 0.25", "r xmm2:f", "xmm2=1.5 -2 0 0.25"),
        ("r xmm2:2d = 3 4.5", "r xmm2:1d", "xmm2=4.5"),
        ("r xmm3:ub = 1 2 3", "r xmm3:4ub", "xmm3=00 01 02 03"),
        ("r xmm3:iw = -1", "r xmm3:2iw", "xmm3=0 -1"),
        (
            "r ymm4 = 4 3 2 1",
            "r ymm4:uq",
            "ymm4=0000000000000004 0000000000000003 0000000000000002 0000000000000001",
        ),
        ("r st2 = -1.5", "r st2", "st2=-1.5 (1:3fff:c000000000000000)"),
        ("r mm3 = 123", "r mm3", "mm3=0000000000000123"),
        (
            "r mxcsr = 1f81, fpcw = 27f",
            "r mxcsr, fpcw",
            "mxcsr=00001f81 fpcw=027f",
        ),
        (
            "r dr0 = 403000, dr7 = 1",
            "r dr0, dr7",
            "dr0=0000000000403000 dr7=0000000000000001",
        ),
        ("r rax:f = 1.5", "r rax:f", "rax=0 1.5"),
        ("r rax = ff80", "r al:ib, ax:uw", "al=-128 ax=ff80"),
        ("r zf = 1, cf = 0", "r zf, cf", "zf=1 cf=0"),
        ("r ah = 12", "r eax", "eax=00001280"),
        ("r $t3 = 5, rbx = @$t3 + 1", "r rbx", "rbx=0000000000000006"),
    ] {
        let (_, requests, trips) = session.cost(set);
        assert!(trips <= 3 && requests <= 4, "{set}: {requests} {trips}");
        let shown = session.run(show);
        assert!(shown.contains(expected), "{set}; {show}: {shown}");
    }
}

#[test]
fn many_settings_are_one_request() {
    let mut session = session();
    let (_, requests, _) = session.cost("r rax=1, rbx=@rax+1, ecx=3, zf=1, r8w=5");
    assert_eq!(requests, 1);
    assert!(
        session
            .run("r rbx, rcx, r8w")
            .contains("rbx=0000000000000002 rcx=0000000000000003 r8w=0005")
    );
    session.fail("r rax=77, nonesuch=1");
    assert!(
        session.run("r rax").contains("rax=0000000000000077"),
        "what went before is set"
    );
}

#[test]
fn masks_choose_what_is_shown() {
    let mut session = session();
    for (line, expected) in [
        ("rF", "fpcw=037f"),
        ("rX", "mxcsr=00001f80"),
        ("rY", "ymm15="),
        ("rYI", "ymm0=0000000000000000 0000000000000000"),
        ("rZ", "no zmm registers"),
        ("rK", "no k registers"),
        ("rM 20", "dr7="),
        ("rM 8", "cs=0033 ss=002b"),
        ("rM 10", "mm7="),
        ("rM 2", "rip="),
        ("rm", "Register output mask is a:"),
        ("rm ?", "4000 - AVX-512 mask registers"),
        ("rm 6; rm", "Floating-point state"),
        ("r", "fpcw="),
        ("rX xmm0", "xmm0="),
        ("r.", "rip="),
        (".effmach", "AMD64"),
        (".effmach amd64", "AMD64"),
    ] {
        if line == "r." {
            session.run("rm a; g leaf; p");
            assert!(session.run("r.").contains("rbp="));
            continue;
        }
        let shown = session.run(line);
        assert!(shown.contains(expected), "{line}: {shown}");
    }
    assert!(!session.run("rM 2").contains("cs=00"));
}

#[test]
fn bad_registers_and_values_point_at_their_place() {
    let mut session = session();
    for line in [
        "r nonesuch",
        "r xmm16",
        "r zmm0",
        "r xmm0:x",
        "r xmm0:0d",
        "r xmm0:f = main",
        "r xmm0:ub = 100",
        "r st0 = x",
        "r fpcw = 12345",
        "r bl = 100",
        "r =5",
        "rM",
        "rM 80",
        "rm 10000",
        ".effmach arm",
        "r ymm99 = 1",
        "r st8",
    ] {
        let shown = session.fail(line);
        assert!(shown.contains('^'), "{line}: {shown}");
    }
}
