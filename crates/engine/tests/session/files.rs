//! Memory to and from files, files to and from the target, and memory that is made.

use crate::support::{Files, Session, World, attach};

fn session(files: &[(&str, &[u8])]) -> (Session, Files) {
    let mut world = World::with_files();
    for (path, bytes) in files {
        world.files.insert((*path).into(), bytes.to_vec());
    }
    let written = world.written.clone();
    (Session::start(world, attach()).0, written)
}

fn file(written: &Files, path: &str) -> Vec<u8> {
    written
        .lock()
        .unwrap()
        .get(std::path::Path::new(path))
        .cloned()
        .unwrap()
}

#[test]
fn memory_goes_to_a_file_and_comes_back() {
    let (mut session, written) = session(&[("/in", b"0123456789")]);
    session.run("eza 403100 \"to the file\"");
    let (shown, requests, _) = session.cost(".writemem \"/out file\" 403100 Lc");
    assert!(shown.contains("Writing 0xc bytes"), "{shown}");
    assert_eq!(requests, 1);
    assert_eq!(file(&written, "/out file"), b"to the file\0");
    session.run("db 403200 L10; .readmem /in 403200 L4; .readmem /in 403210");
    let shown = session.run("da 403200 L4; da 403210 La");
    assert!(
        shown.contains("\"0123\"") && shown.contains("\"0123456789\""),
        "{shown}"
    );
    for (line, expected) in [
        (".writemem /out 0 L10", "Memory access error at 00000000`00000000"),
        (".readmem /in 403200 L20", "fewer than"),
        (".readmem /none 403200 L20", "/none"),
        (".readmem /in 404000 L4", "cannot be written"),
        (".writemem /out", "a range is missing"),
        (".writemem", "path is missing"),
        (".readmem /in 403ffc L8", "cannot be written"),
    ] {
        let shown = session.fail(line);
        assert!(shown.contains(expected), "{line}: {shown}");
    }
    let shown = session.fail(".writemem /short 403ff0 L20");
    assert!(
        shown.contains("only the first 0x10 bytes") && shown.contains("00404000"),
        "{shown}"
    );
    assert!(
        written.lock().unwrap().get(std::path::Path::new("/out")).is_none(),
        "nothing was there to write"
    );
}

#[test]
fn files_are_sent_and_received_with_their_checksums() {
    let long: Vec<u8> = (0..5 << 20).map(|at: u32| (at / 7) as u8).collect();
    let (mut session, written) = session(&[("/long", &long), ("/empty", b"")]);
    let (shown, requests, _) = session.cost(".send_file /long /tmp/");
    assert!(
        shown.contains("Sent /long to /tmp/long on fakebox: 5242880 bytes"),
        "{shown}"
    );
    assert_eq!(requests, 5, "all of them are under way at once");
    let shown = session.fail(".send_file /empty /tmp/long");
    assert!(shown.contains("there is one already"), "{shown}");
    session.run(".recv_file /tmp/long /back");
    assert_eq!(file(&written, "/back"), long);
    session.run(".send_file -f /empty /tmp/long; .recv_file -f /tmp/long /back");
    assert_eq!(file(&written, "/back"), b"");
    let shown = session.run(".send_file -s /symbols");
    assert!(shown.contains("/symbols/toy"), "{shown}");
    for (line, expected) in [
        (".recv_file /tmp/long /back", "it is there"),
        (".recv_file /tmp/none /new", "there is no such file"),
        (".send_file /none /tmp/x", "/none"),
        (".send_file /long", "path is missing"),
        (".send_file -x /long /tmp", "Extra character"),
    ] {
        let shown = session.fail(line);
        assert!(shown.contains(expected), "{line}: {shown}");
    }
    assert!(written.lock().unwrap().get(std::path::Path::new("/new")).is_none());
}

#[test]
fn memory_is_made_and_given_back() {
    let (mut session, _) = session(&[]);
    session.fail("eb 10000000 1");
    let (shown, requests, _) = session.cost(".dvalloc 1800");
    assert!(
        shown.contains("Allocated 2000 bytes starting at 00000000`10000000"),
        "{shown}"
    );
    assert_eq!(requests, 1);
    session.run("eq 10000ff8 1 2; .dvalloc /r /b 20000000 1000; eb 20000000 1");
    assert!(
        session
            .run("dq 10000ff8 L2")
            .contains("00000000`00000001 00000000`00000002")
    );
    session.run(".dvfree 10000000 2000");
    assert!(session.run("db 10000000 L1").contains("??"));
    for line in [
        ".dvalloc",
        ".dvalloc 0",
        ".dvalloc /x 1",
        ".dvfree",
        ".dvfree 10000000",
        ".dvalloc /b",
    ] {
        assert!(session.fail(line).contains('^'), "{line}");
    }
    for line in [".dvalloc /b 403000 1000", ".dvfree 10000000 2000"] {
        session.fail(line);
    }
}

#[test]
fn held_memory_is_compared_with_what_became_of_it() {
    let (mut session, _) = session(&[]);
    session.run(".holdmem -a 403100 L10");
    assert!(session.run(".holdmem -c 403104 L4").contains("as it was"));
    session.run("eb 403105 77");
    let shown = session.run(".holdmem -c 403100 L10; .holdmem -o");
    assert!(shown.contains("00403105  00 - 00000000`00403105  77"), "{shown}");
    assert!(shown.contains("00000000`00403100 - 00000000`0040310f"), "{shown}");
    session.run(".holdmem -d 403108 L1");
    assert!(session.fail(".holdmem -c 403100 L10").contains("no copy"));
    assert!(session.fail(".holdmem -a 403000 L?10000000").contains('^'));
    assert!(session.fail(".holdmem").contains('^'));
}
