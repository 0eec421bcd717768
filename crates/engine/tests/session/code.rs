//! Whole functions, and search in disassembly.

use crate::support::{Session, World, attach};

fn session() -> Session {
    Session::start(World::with_files(), attach()).0
}

#[test]
fn a_function_is_shown_whole_wherever_it_is_pointed_to() {
    let mut session = session();
    let (whole, requests, _) = session.cost("uf work");
    assert!(
        whole.starts_with("toy!work:") && whole.trim_end().ends_with("ret"),
        "{whole}"
    );
    assert!(requests <= 1, "{requests}");
    assert_eq!(session.run("uf work+4"), whole);
    let shown = session.run("uf /c /i main");
    assert!(
        shown.contains("instructions scanned") && shown.contains("call to toy!work"),
        "{shown}"
    );
    assert!(session.run("uf /D /m /o work").starts_with("toy!leaf ("));
    assert!(session.run("uf /O work").contains(" - 00000000`004010"));
    session.run("eb 403800 90 74 01 90 c3 90; eb 403806 cc");
    assert!(session.run("uf 403800").contains("00000000`00403804 c3"));
    assert!(session.fail("uf 10").contains("Memory access error"));
    assert!(session.fail("uf /x main").contains('^'));
    assert!(session.fail("a 401000").contains("not in this build"));
}

#[test]
fn disassembly_is_searched_from_hit_to_hit() {
    let mut session = session();
    let (shown, requests, _) = session.cost("# call*leaf work");
    assert!(shown.contains("toy!leaf"), "{shown}");
    assert!(requests <= 3, "{requests}");
    let shown = session.run("# ret work; #");
    assert_eq!(shown.matches("ret").count(), 2, "{shown}");
    assert!(session.run("# nonesuch work L4").contains("was not found"));
    assert!(session.fail("# nonesuch 403ff0").contains("Memory access error"));
    for line in ["# ret work L0", "# ret work L100000", "# ret work 10"] {
        assert!(session.fail(line).contains('^'), "{line}");
    }
}

#[test]
fn disassembly_goes_without_bytes() {
    let mut session = session();
    assert!(session.run(".asm no_code_bytes verbose").contains("no_code_bytes"));
    let shown = session.run("u work L2; u L1");
    assert!(shown.contains("00000000`00401040 push"), "{shown}");
    assert!(shown.contains("00401044 call"), "the listing goes on: {shown}");
    assert!(session.run(".asm- no_code_bytes, verbose").contains("<none>"));
    assert!(session.run("u work L1").contains(" 55 "));
    assert!(session.fail(".asm nonesuch").contains('^'));
}
