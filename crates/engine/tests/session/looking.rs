//! Looking at targets and changing them.

use farsight_testkit::fake::toy;

use crate::support::{Session, World, attach};

#[test]
fn a_host_without_files_fetches_what_a_backtrace_needs_in_one_batch() {
    let (mut session, shown) = Session::start(World::without_files(), attach());
    assert!(shown.contains("toy!"), "{shown}");
    let (_, trips) = session.traffic.counts();
    assert!(trips <= 2, "{trips} round trips, {shown}");
    let (stack, requests, _) = session.cost("k");
    assert!(stack.contains("toy!work") && stack.contains("toy!main"), "{stack}");
    assert_eq!(requests, 0, "{stack}");
    assert!(session.run("lm").contains("toy"));
}

#[test]
fn a_file_of_another_build_is_refused_loudly() {
    let mut world = World::without_files();
    let mut file = toy::Toy::build().file;
    let at = file.windows(16).position(|bytes| bytes == b"toy-program-v1..").unwrap();
    file[at] ^= 1;
    world.files.insert("/sym/toy".into(), file.clone());
    world.files.insert(toy::PATH.into(), file);
    let mut options = attach();
    options.symbol_path = Some("/sym".into());
    let (_, shown) = Session::start(world, options);
    assert!(shown.contains("/sym/toy is refused for /opt/toy/toy"), "{shown}");
    assert!(shown.contains("toy!"), "symbols come from the target: {shown}");
}

#[test]
fn all_threads_are_shown_in_two_round_trips() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    let (shown, _, trips) = session.cost("~* k");
    assert!(trips <= 2, "{trips}: {shown}");
    assert_eq!(shown.matches("toy!worker").count(), 2, "{shown}");
    let shown = session.run("~1s; k 1");
    assert!(shown.contains("toy!"), "{shown}");
    assert_eq!(session.prompt.as_deref(), Some("0:001> "));
    let shown = session.fail("~7s");
    assert!(shown.contains("no thread 7"), "{shown}");
}

#[test]
fn memory_is_shown_written_and_searched() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    let (shown, requests, _) = session.cost("da greeting; db greeting L5");
    assert!(shown.contains("hello"), "{shown}");
    assert_eq!(requests, 1, "the second look is in the cache");
    session.run("eb greeting 48 45; ew greeting+2 4c4c");
    let shown = session.run("da greeting L5");
    assert!(shown.contains("HELLo"), "{shown}");
    let shown = session.run("s -a 403000 L1000 \"Lo\"");
    assert!(shown.contains("4c 6f"), "{shown}");
    let shown = session.run("dq 0");
    assert!(shown.contains("????????`????????"), "{shown}");
    let shown = session.fail("eb 0 1");
    assert!(shown.contains("cannot be written"), "{shown}");
    let shown = session.fail("ed greeting 123456789");
    assert!(shown.contains("Overflow"), "{shown}");
}

#[test]
fn registers_are_shown_and_set() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    let shown = session.run("r");
    assert!(shown.contains("rip="), "{shown}");
    let shown = session.run("r rbx = 1122334455667788; r bl = 99; r rbx; ? @ebx");
    assert!(shown.contains("1122334455667799"), "{shown}");
    assert!(shown.contains("55667799"), "{shown}");
    assert!(session.fail("r nonesuch").contains("Bad register"));
    for (line, rax, rbx) in [
        ("r rax=11 rbx=22", "`00000011", "`00000022"),
        ("r rax=33, rbx=44", "`00000033", "`00000044"),
        ("r rax = 55 , rbx = 66", "`00000055", "`00000066"),
        ("r rbx=77,rax=@rbx+1", "`00000078", "`00000077"),
        ("r al=9 bl=a", "`00000009", "`0000000a"),
    ] {
        session.run(line);
        let (shown_rax, shown_rbx) = (session.run("? @rax"), session.run("? @rbx"));
        assert!(shown_rax.contains(rax), "{line}: {shown_rax}");
        assert!(shown_rbx.contains(rbx), "{line}: {shown_rbx}");
    }
    assert!(session.fail("r bl = 100").contains("does not fit"));
}

#[test]
fn symbols_are_listed_named_and_disassembled() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    let shown = session.run("x toy!w*");
    assert!(shown.contains("toy!work") && shown.contains("toy!worker"), "{shown}");
    let shown = session.run("ln work+1");
    assert!(shown.contains("toy!work"), "{shown}");
    let shown = session.run("u main L4; u");
    assert!(shown.contains("toy!main:") && shown.contains("push"), "{shown}");
    let shown = session.run("ub work+4 L2");
    assert!(shown.contains("push    rbp"), "{shown}");
    let shown = session.run("? toy; ? work; ? toy!work");
    assert_eq!(shown.matches("Evaluate expression").count(), 3, "{shown}");
    let shown = session.fail("? nonesuch");
    assert!(shown.contains("Couldn't resolve error at 'nonesuch'"), "{shown}");
    let shown = session.run("dps @rsp L8");
    assert!(shown.contains("toy!"), "{shown}");
}

#[test]
fn the_session_is_described() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    let shown = session.run("|; ~; .tlist toy; vertarget; version; .lastevent; .help bp; lmv; .exepath");
    let shown = shown + &session.run(".sympath");
    for text in ["4711", "fakebox", "bp[ID]", "/opt/toy/toy", "Symbol search path"] {
        assert!(shown.contains(text), "{text} is missing in {shown}");
    }
}

#[test]
fn completion_offers_commands_then_names() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    assert_eq!(session.complete("g; .sympa"), (3, vec![".sympath".to_owned()]));
    assert_eq!(
        session.complete("bp toy!wo"),
        (3, vec!["toy!work".into(), "toy!worker".into()])
    );
    assert_eq!(session.complete("? poi(cou"), (6, vec!["counter".into()]));
    assert_eq!(session.complete("bp .sy"), (3, Vec::new()));
    assert_eq!(session.complete(".if (1) { .sympa"), (10, vec![".sympath".to_owned()]));
    assert_eq!(session.complete("$$>a</opt/to"), (5, vec!["/opt/toy/toy".to_owned()]));
    assert_eq!(
        session.complete(".logopen /t \"/opt"),
        (13, vec!["/opt/toy/toy".to_owned()])
    );
    assert_eq!(session.complete(""), (0, Vec::new()));
}

#[test]
fn a_hole_in_memory_costs_one_more_round_trip_and_no_more() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    let (shown, requests, _) = session.cost("db 3f0000 L?20000");
    assert!(
        shown.contains("7f 45 4c 46"),
        "the program's header is behind the hole: {shown}"
    );
    assert_eq!(requests, 2);
}

#[test]
fn a_wide_hole_costs_a_look_at_the_mappings_and_the_next_one_nothing() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    let (shown, requests, _) = session.cost("dps 10000000 L?20000");
    assert!(shown.contains("????????"), "nothing is there");
    assert_eq!(requests, 2);
    let (_, requests, _) = session.cost("dps 20000000 L?20000");
    assert_eq!(requests, 0);
    let (shown, requests, _) = session.cost("db 300000 L?101000");
    assert!(shown.contains("7f 45 4c 46"), "the program is behind the hole");
    assert!(requests <= 1, "{requests}");
}

#[test]
fn a_symbol_path_given_later_resolves_what_waited() {
    let toy = toy::Toy::build();
    let mut world = World::without_files();
    world.files.insert("/sym/toy".into(), toy.file);
    let (mut session, _) = Session::start(world, attach());
    let shown = session.run("bp toy!later; bl; .sympath /none;/sym");
    assert!(shown.contains("/none;/sym"), "{shown}");
    let shown = session.run(".reload /f; lm; bl");
    assert!(shown.contains("/sym/toy"), "{shown}");
    assert!(session.fail(".reload nonesuch").contains("no module is called"));
}

#[test]
fn an_empty_line_runs_the_last_again_and_listings_go_on() {
    let (mut session, _) = Session::start(World::with_files(), attach());
    assert_eq!(session.run(""), "");
    assert_eq!(session.run(".echo once"), "once\n");
    assert_eq!(session.run("  "), "once\n");
    let first = session.run("db @rsp L10");
    let second = session.run("");
    assert_ne!(first.get(..17), second.get(..17), "{first}{second}");
    session.fail("nonsense");
    session.fail("");
}

#[test]
fn fetching_debug_information_costs_two_round_trips_and_once_a_session() {
    let (mut session, _) = Session::start(World::without_files(), attach());
    let (_, requests, round_trips) = session.cost("ld toy /t");
    assert!(requests <= 3 && round_trips <= 2, "{requests} in {round_trips}");
    let shown = session.run("lm; x toy!work; !chksym toy");
    assert!(shown.contains("toy!work") && shown.contains("of the target"), "{shown}");
    let (_, requests, _) = session.cost(".reload /f");
    assert_eq!(requests, 0, "what was fetched is kept");
}
