//! What filters make of words, and what they make of the next resume.

use super::*;

fn named(text: &str) -> Code {
    parse(text).unwrap_or_else(|error| panic!("{text}: {}", error.0)).code
}

#[test]
fn events_go_by_many_words() {
    for (text, code) in [
        ("segv", Code::Signal(11)),
        ("SIGSEGV", Code::Signal(11)),
        ("av", Code::Signal(11)),
        ("11", Code::Signal(11)),
        ("0xb", Code::Signal(11)),
        ("dz", Code::Signal(8)),
        ("ii", Code::Signal(4)),
        ("dm", Code::Signal(7)),
        ("asrt", Code::Signal(6)),
        ("cce", Code::Signal(2)),
        ("sse", Code::Signal(5)),
        ("rtmin", Code::Signal(34)),
        ("sigrtmin+3", Code::Signal(37)),
        ("rtmax-1", Code::Signal(63)),
        ("64", Code::Signal(64)),
        ("bpe", Code::OwnTrap),
        ("*", Code::Others),
        ("LD", Code::Event(EventCode::Load)),
    ] {
        assert_eq!(named(text), code, "{text}");
    }
    let load = parse("ld:libm*").unwrap();
    assert_eq!(load.argument.as_deref(), Some("libm*"));
    assert!(parse("cc").unwrap().handling && parse("bpec").unwrap().handling);
    for wrong in [
        "",
        "frob",
        "0",
        "65",
        "99999999999999",
        "rtmin+31",
        "rtmax-99",
        "segv:x",
        "ct:x",
        "kill",
        "eh",
        "sig",
    ] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn every_name_that_is_shown_can_be_typed() {
    let mut filters = Filters::default();
    for number in (1..=64).filter(|number| ![9, 19].contains(number)) {
        filters.get_mut(Code::Signal(number));
    }
    for (code, _) in filters.rows() {
        assert_eq!(named(&code.name()), code);
    }
}

#[test]
fn faults_stop_and_timers_pass_unseen() {
    let policy = Filters::default().policy();
    for fault in [4, 5, 6, 7, 8, 11] {
        assert!(policy.stop.has(fault) && policy.stop_second.has(fault) && !policy.report.has(fault));
    }
    for quiet in [14, 17, 18, 23, 28] {
        assert!(!policy.stop.has(quiet) && !policy.report.has(quiet), "{quiet}");
    }
    assert!(policy.report.has(2) && policy.report.has(40) && !policy.stop_second.has(2));
    assert_eq!(policy.drop, None);
}

#[test]
fn a_filter_becomes_the_server_s_order() {
    let mut filters = Filters::default();
    filters.get_mut(Code::Signal(11)).status = BreakStatus::Second;
    filters.get_mut(Code::Signal(10)).handled = true;
    filters.get_mut(Code::Signal(12)).first = ".echo".into();
    let policy = filters.policy();
    assert!(!policy.stop.has(11) && policy.report.has(11) && policy.stop_second.has(11));
    assert!(policy.drop.is_some_and(|drop| drop.has(10) && !drop.has(12)));
    assert!(policy.stop.has(12), "its commands run here");

    assert_eq!((filters.stops(), filters.notes_threads()), (None, false));
    filters.get_mut(Code::Event(EventCode::ThreadStarted)).status = BreakStatus::First;
    filters.get_mut(Code::Event(EventCode::ThreadEnded)).status = BreakStatus::Notify;
    let stops = filters.stops().unwrap();
    assert!(stops.thread_started && !stops.thread_ended && filters.notes_threads());
    assert!(!stops.process_ended, "copies made by fork end unseen unless asked for");

    for (argument, stop, names) in [
        ("", true, vec![]),
        ("libm*", true, vec![]),
        ("libm", true, vec![]),
        ("libm.so.6", false, vec!["libm.so.6"]),
    ] {
        let load = filters.get_mut(Code::Event(EventCode::Load));
        (load.status, load.argument) = (BreakStatus::First, argument.into());
        let order = filters.modules(false);
        assert_eq!(
            (order.stop, order.stop_names),
            (stop, names.into_iter().map(String::from).collect())
        );
    }
}

#[test]
fn others_are_those_without_a_row() {
    let mut filters = Filters::new(false, false);
    assert!(!filters.stops_at_exit());
    assert_eq!(filters.event(EventCode::InitialBreak).status, BreakStatus::Ignore);
    filters.get_mut(Code::Signal(10)).status = BreakStatus::Ignore;
    filters.get_mut(Code::Others).status = BreakStatus::First;
    let policy = filters.policy();
    assert!(policy.stop.has(12) && policy.stop.has(50));
    assert!(!policy.stop.has(10) && !policy.stop.has(17));
}
