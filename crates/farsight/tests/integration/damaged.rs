//! Containers that are not constructed, moved from, destroyed or overwritten: each is shown for what it is, and costs no more
//! than a sound one.

use std::time::{Duration, Instant};

use farsight_testkit::{Console, DbgSrv, Proxy, ProxyPlan, proc, programs};

use crate::support::{assert_in_order, premote};

/// What one look at all values of a state may take. Most of it is rounds: nothing may be followed without end.
const TIME: Duration = Duration::from_secs(20);
const REQUESTS: u64 = 400;
/// What the debugger may have grown by in the end.
const GROWTH_KIB: u64 = 64 << 10;

/// A program on its way from state to state.
struct States {
    _server: DbgSrv,
    proxy: Proxy,
    console: Console,
}

impl States {
    fn of(program: &str) -> States {
        let server = DbgSrv::start();
        let proxy = Proxy::start(server.address(), ProxyPlan::default());
        let path = programs::debuggee(program);
        let mut console = Console::start(premote(&proxy.connection(), [path.to_str().unwrap()]));
        console.run("bp stop_here");
        States {
            _server: server,
            proxy,
            console,
        }
    }

    fn next(&mut self, number: u32) {
        let text = self.console.run("g; r rdi; .frame 1");
        assert!(text.contains(&format!("rdi={number:016x}")), "{text}");
    }

    /// What a command shows, within bounds.
    fn look(&mut self, line: &str) -> String {
        self.proxy.take_counts();
        let start = Instant::now();
        let text = self.console.run(line);
        let time = start.elapsed();
        let requests = self.proxy.take_counts().requests;
        assert!(time < TIME, "'{line}' took {time:?}");
        assert!(requests < REQUESTS, "'{line}' took {requests} requests");
        assert!(text.contains("[Type: "), "'{line}' shows {text}");
        text
    }

    /// Shows all values in all ways at states that nobody has described.
    fn survive(mut self, states: std::ops::Range<u32>) {
        self.look("dx -r4 all");
        let before = proc::resident_kib(self.console.pid()).unwrap();
        for number in states {
            self.next(number);
            for line in ["dx all", "dx -r3 all", "dx -r2 -c 50 all", "dx -r9 -n all"] {
                self.look(line);
            }
        }
        let after = proc::resident_kib(self.console.pid()).unwrap();
        assert!(after < before + GROWTH_KIB, "{before} KiB became {after}");
        assert_eq!(self.console.quit("q").code, Some(0));
    }
}

/// The line of a member of the tree.
#[track_caller]
fn line_of<'t>(text: &'t str, member: &str) -> &'t str {
    let mut lines = text.lines();
    let found = lines.find(|line| line.split_whitespace().next() == Some(member));
    found.unwrap_or_else(|| panic!("no {member} in:\n{text}"))
}

#[test]
fn heavy_cpp_containers_that_nobody_constructed_are_shown_as_their_fields() {
    let mut states = States::of("damaged-cpp");
    states.next(0);
    let sound = states.look("dx all");
    assert!(!sound.contains("shown as its fields"), "{sound}");
    for (number, fine) in [
        // A pointer is shown wherever it leads; these are only pointers, or hold anything.
        (1, &["single", "unique", "function"] as &[_]),
        // These are of zeros where they hold nothing, as a view or a pointer may; a text is not, nor are lists and trees.
        (
            2,
            &[
                "vector", "points", "words", "bits", "view", "single", "unique", "shared", "weak", "lent", "optional",
                "variant", "function",
            ],
        ),
        (3, &["single", "unique", "function", "variant"]),
    ] {
        while !states.console.run("r rdi").contains(&format!("rdi={number:016x}")) {
            states.console.run("g; .frame 1");
        }
        let text = states.look("dx all");
        for line in text.lines().filter(|line| line.starts_with("    ")) {
            let member = line.split_whitespace().next().unwrap();
            let is_damaged = line.contains("shown as its fields: ");
            assert_eq!(is_damaged, !fine.contains(&member), "state {number}: {line}");
        }
        let inside = states.look("dx -r2 all");
        assert_in_order(&inside, &["text", "shown as its fields", "_M_dataplus"]);
    }
    // What was moved from is empty, and sound.
    states.next(4);
    let text = states.look("dx all");
    assert!(!text.contains("shown as its fields"), "{text}");
    for member in ["vector", "list", "map", "table", "deque"] {
        assert!(line_of(&text, member).contains("{ size=0 }"), "{text}");
    }
    assert_eq!(states.console.quit("q").code, Some(0));
}

#[test]
fn heavy_cpp_containers_with_one_wrong_word_say_what_is_wrong() {
    let mut states = States::of("damaged-cpp");
    for number in 0..=6 {
        states.next(number);
    }
    for (member, why) in [
        ("vector", "memory access error at"),
        ("points", "% sizeof(_Tp) == 0"),
        ("words", "it is damaged"),
        ("bits", "memory access error at"),
        ("text", "it is damaged, or not there yet: not _M_string_length <="),
        ("heap", "memory access error at"),
        ("wide", "memory access error at 00000000`00000003"),
        ("view", "memory access error at"),
        ("list", "its list goes in a circle"),
        ("single", "its list goes in a circle"),
        ("deque", "not count >= 0"),
        ("map", "its tree goes in a circle"),
        ("set", "its tree goes in a circle"),
        ("table", "its list has 2 elements and says that it has 50"),
        ("shared", "memory access error at 00000000`00000010"),
        ("optional", "_M_engaged <= 1"),
        ("variant", "it has no field '_M_rest'"),
    ] {
        let text = states.look(&format!("dx all.{member}"));
        let first = text.lines().find(|line| line.contains("[Type: ")).unwrap_or_default();
        assert!(
            first.contains("shown as its fields: ") && first.contains(why),
            "{member}: {text}"
        );
        // The fields are there to be looked at.
        assert!(text.lines().count() > 2, "{member}: {text}");
    }
    let text = states.look("dx all.unique");
    assert_in_order(&text, &["00000000`00001001", "memory access error at"]);
    let text = states.look("dx all.lent");
    assert_in_order(&text, &["0x", "2"]);
    assert_eq!(states.console.quit("q").code, Some(0));
}

#[test]
fn heavy_rust_values_that_nobody_made_are_shown_as_their_fields() {
    let mut states = States::of("damaged-rust");
    states.next(0);
    let sound = states.look("dx all");
    assert!(!sound.contains("shown as its fields"), "{sound}");
    // Cells, pointers and enums hold anything.
    let any = [
        "boxed", "cell", "guarded", "maybe", "level", "fine", "shape", "letter", "weak",
    ];
    for number in [1, 2, 3] {
        states.next(number);
        let text = states.look("dx all");
        for line in text.lines().filter(|line| line.starts_with("    ")) {
            let member = line.split_whitespace().next().unwrap();
            let is_damaged = line.contains("shown as its fields: ");
            // Only a tree of nothing is of zeros: what has room for elements is never at no address.
            let is_empty = number == 2 && ["tree", "set"].contains(&member);
            if !any.contains(&member) {
                assert_eq!(is_damaged, !is_empty, "state {number}: {line}");
            }
        }
    }
    assert_eq!(states.console.quit("q").code, Some(0));
}

#[test]
fn heavy_words_of_all_kinds_in_cpp_values_cost_no_more() {
    let mut states = States::of("damaged-cpp");
    for number in 0..=5 {
        states.next(number);
    }
    states.survive(6..19);
}

#[test]
fn heavy_words_of_all_kinds_in_rust_values_cost_no_more() {
    let mut states = States::of("damaged-rust");
    for number in 0..=3 {
        states.next(number);
    }
    states.survive(4..17);
}
