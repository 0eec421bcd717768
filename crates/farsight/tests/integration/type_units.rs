//! Types in units of their own, in the image, in files of split units and in packages: everything is shown as without.

use farsight_testkit::{Console, programs};

/// What is asked at the stops of the program, by the number that `stop_here` is called with.
const ASKED: [(u32, &[&str]); 5] = [
    (
        2,
        &["dv /t", "dt this", "dx -r2 *this", "?? this->diet_", "?? sizeof(*this)"],
    ),
    (3, &["dv", "dx -r2 *this", "?? this->bottom + this->left"]),
    (4, &["dv /t", "dx -r1 *this"]),
    (
        16,
        &["dx numbers", "dx words", "dx -r2 rows", "dx list", "dx deque", "dv"],
    ),
    (17, &["dx ages", "dx set", "dx names", "dv /t"]),
];
const AT_THE_END: [&str; 12] = [
    "dt zoo::Dog",
    "dt -r1 zoo::Bottom",
    "dt zoo::Cage",
    "dt zoo::Cage::Door",
    "dt zoo::Diet",
    "dt PROGRAM!zoo*",
    "?? sizeof(zoo::Dog)",
    "?? sizeof(zoo::Named)",
    "?? zoo::Animal::count",
    "?? (zoo::Size)10",
    "?? zoo::Diet::Meat",
    "?? ((zoo::Base *)0) == 0",
];

/// What a program's console shows of all that, without its name, and without places on the stack.
fn shown(program: &str) -> Vec<(String, String)> {
    let path = programs::debuggee(program);
    let mut console = Console::start([path]);
    let module = program.replace('-', "_");
    let mut found = Vec::new();
    let mut ask = |console: &mut Console, stop: u32, line: &str| {
        let text = console
            .run(&line.replace("PROGRAM", &module))
            .replace(&module, "PROGRAM");
        // Names of programs make stacks longer and shorter.
        let text: String = text
            .split_inclusive('\n')
            .filter(|line| !line.contains("0:000>"))
            .collect();
        let words = text.split_inclusive([' ', '\n', '(']);
        let steady: String = words.filter(|word| !word.contains("00007ff")).collect();
        found.push((format!("{stop}: {line}"), steady));
    };
    console.run("bp stop_here");
    // In the order that the program takes.
    let mut left = Vec::from(ASKED);
    while !left.is_empty() {
        let text = console.run("g; r rdi");
        assert!(text.contains("Breakpoint 0 hit"), "{program}: {text}");
        let is_here = |(number, _): &(u32, &[&str])| text.contains(&format!("rdi={number:016x}"));
        if let Some(at) = left.iter().position(is_here) {
            let (number, lines) = left.remove(at);
            console.run(".frame 1");
            lines.iter().for_each(|line| ask(&mut console, number, line));
        }
    }
    AT_THE_END.iter().for_each(|line| ask(&mut console, 0, line));
    assert_eq!(console.quit("q").code, Some(0), "{found:#?}");
    found
}

#[test]
fn slow_types_in_units_of_their_own_are_shown_as_others() {
    for (plain, others) in [
        (
            "cxxvalues_o0",
            &[
                "cxxvalues-types",
                "cxxvalues-types-dwarf4",
                "cxxvalues-types-split",
                "cxxvalues-types-packed4",
            ][..],
        ),
        ("cxxvalues-clang_o0", &["cxxvalues-clang-types-packed"]),
    ] {
        let wanted = shown(plain);
        assert!(wanted.iter().all(|(_, text)| !text.trim().is_empty()), "{wanted:#?}");
        for other in others {
            let has_it = programs::debuggee(plain).with_file_name(other).is_file();
            if !has_it && std::env::var_os("FARSIGHT_WITHOUT_PEERS").is_some() {
                eprintln!("skipped: {other} takes a program to make that is not installed");
                continue;
            }
            for ((line, wanted), (_, text)) in wanted.iter().zip(shown(other)) {
                assert_eq!(text, *wanted, "{other}, {line}");
            }
        }
    }
}
