//! Names that only debug information has: functions without code of their own, instances of templates and generics,
//! against gdb, over images that do not run and over one that does.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use farsight_testkit::programs;

fn text_of(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What our console shows for commands about a debuggee's image.
fn shown(debuggee: &str, commands: &str) -> String {
    let image = programs::debuggee(debuggee);
    let mut command = Command::new(programs::farsight());
    text_of(command.arg("-z").arg(image).args(["-c", &format!("{commands};q")]))
}

fn gdb(debuggee: &str, command: &[&str]) -> String {
    let mut gdb = Command::new("gdb");
    gdb.args(["-nx", "-batch", "-iex", "set debuginfod enabled off"]);
    for one in command {
        gdb.args(["-ex", one]);
    }
    text_of(gdb.arg(programs::debuggee(debuggee)))
}

/// The addresses of the one breakpoint that `bl` shows.
fn places(shown: &str) -> BTreeSet<u64> {
    let words = shown.lines().filter_map(|line| {
        let line = line.strip_prefix(" 0 e ").or_else(|| line.strip_prefix("     "))?;
        line.split_whitespace().next()
    });
    let numbers = words.filter(|word| word.contains('`'));
    let parsed = numbers.map(|word| u64::from_str_radix(&word.replace('`', ""), 16).unwrap());
    parsed.collect()
}

/// The same of gdb's `info breakpoints`.
fn places_of_gdb(shown: &str) -> BTreeSet<u64> {
    let lines = shown
        .lines()
        .filter(|line| line.starts_with(|first: char| first.is_ascii_digit()));
    let words = lines.filter_map(|line| line.split_whitespace().find_map(|word| word.strip_prefix("0x")));
    words.map(|word| u64::from_str_radix(word, 16).unwrap()).collect()
}

#[test]
fn every_function_that_gdb_knows_is_found() {
    for debuggee in [
        "cvalues_o0",
        "cvalues_o2",
        "units",
        "units-dwz",
        "units-noseparate",
        "units-dwarf4",
        "threads",
        "hello",
    ] {
        let listed = gdb(debuggee, &["info functions -n"]);
        let names = listed
            .lines()
            .filter(|line| line.ends_with(");") && line.contains(":\t"));
        let wanted: BTreeSet<&str> = names
            .filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*', '\t']).next())
            .collect();
        assert!(!wanted.is_empty(), "{debuggee}: {listed}");
        let program = debuggee.replace('-', "_");
        let found = shown(debuggee, &format!("x /1 {program}!*; x /1 {debuggee}!*"));
        let found = found.lines().filter_map(|line| Some(line.split_once('!')?.1.trim()));
        // Where the compiler made a copy of its own (`f.constprop.0`), the symbol's name is shown.
        let found: BTreeSet<&str> = found.filter_map(|name| name.split('.').next()).collect();
        let missing: Vec<&&str> = wanted.difference(&found).collect();
        assert!(missing.is_empty(), "{debuggee}: {missing:?}");
    }
}

#[test]
fn a_breakpoint_by_name_is_wherever_the_function_was_inlined() {
    // Optimised as a whole, the units that describe functions do not say which will be inlined.
    for (debuggee, name) in [
        ("cvalues_o2", "inner_helper"),
        ("cvalues_o2", "outer_helper"),
        ("cvalues-lto", "inner_helper"),
        ("cvalues-lto", "outer_helper"),
    ] {
        let ours = places(&shown(debuggee, &format!("bp {name};bl")));
        let theirs = places_of_gdb(&gdb(debuggee, &[&format!("break {name}"), "info breakpoints"]));
        assert!(
            theirs.len() > 1 && ours == theirs,
            "{debuggee} {name}: {ours:x?}, gdb {theirs:x?}"
        );
    }
}

#[test]
fn operators_are_functions_by_their_names() {
    for name in ["operator<", "operator>", "operator->*"] {
        for written in [
            name.to_owned(),
            format!("Ordered::{name}"),
            format!("scoped!Ordered::{name}"),
        ] {
            let shown = shown("scoped", &format!("bp {written};bl"));
            let is_there = shown.contains(&format!("0:*** scoped!Ordered::{name} ["));
            assert!(places(&shown).len() == 1 && is_there, "{written}: {shown}");
        }
    }
}

#[test]
fn a_line_of_a_template_is_wherever_it_was_instantiated() {
    for (debuggee, line) in [
        ("cxxvalues_o0", "cxxvalues.cpp:385"),
        ("rustvalues_o0", "rustvalues.rs:338"),
        ("rustvalues_o2", "rustvalues.rs:338"),
    ] {
        let shown = shown(debuggee, &format!("bp `{line}`;bl"));
        let ours = places(&shown);
        let theirs = places_of_gdb(&gdb(debuggee, &[&format!("break {line}"), "info breakpoints"]));
        assert!(
            theirs.len() > 1 && ours == theirs,
            "{debuggee}: {shown}, gdb {theirs:x?}"
        );
    }
}

#[test]
fn names_stand_for_all_their_instances_and_need_no_scopes() {
    for (debuggee, name, count) in [
        ("cxxvalues_o2", "inlined_outer", 2),
        ("cxxvalues_o2", "inlined_outer<int>", 1),
        ("cxxvalues_o2", "Box::total", 1),
        ("cxxvalues_o2", "Box<short int, 4>::total", 1),
        ("cxxvalues_o2", "Box<long int, 4>::total", 0),
        ("cxxvalues_o2", "Other::total", 0),
        ("rustvalues_o2", "largest", 2),
        ("rustvalues_o2", "rustvalues::largest", 2),
        // In blocks that have no names in the source.
        ("rustvalues_o2", "rustvalues::speak", 2),
        ("rustvalues_o2", "elsewhere::speak", 0),
        // By the type that a trait is implemented for.
        ("rustvalues_o2", "Dog::speak", 1),
        ("rustvalues_o2", "rustvalues::Dog::speak", 1),
        ("rustvalues_o2", "::rustvalues::Dog::speak", 1),
        ("rustvalues_o2", "og::speak", 0),
        ("rustvalues_o2", "elsewhere::Dog::speak", 0),
    ] {
        let shown = shown(debuggee, &format!("bp {name};bl"));
        assert_eq!(places(&shown).len(), count, "{debuggee} {name}: {shown}");
    }
}

#[test]
fn readable_names_are_found_in_a_symbol_table_whatever_their_scopes_end_in() {
    for name in [
        "Vector3::length",
        "app::v1::handle",
        "app::(anonymous namespace)::hidden_one",
        "utf8::decode",
    ] {
        // More names than are looked for one by one, so that the last is found by its hash.
        let others = "bp nowhere1;bp nowhere2;bp nowhere3;bp nowhere4";
        let shown = shown("naming-symbols", &format!("bp {name};{others};bp {name};bl"));
        let theirs = places_of_gdb(&gdb(
            "naming-symbols",
            &[&format!("break *'{name}'"), "info breakpoints"],
        ));
        let ours = places(&shown);
        assert!(ours.len() == 1 && ours == theirs, "{name}: {shown} {theirs:x?}");
        assert!(shown.contains("breakpoint 0 redefined"), "{name}: {shown}");
    }
}

/// What our console shows for commands in the program at work.
fn shown_at_work(debuggee: &str, commands: &str) -> String {
    let mut command = Command::new(programs::farsight());
    text_of(
        command
            .args(["-c", &format!("{commands};qd")])
            .arg(programs::debuggee(debuggee)),
    )
}

#[test]
fn a_breakpoint_is_in_the_frame_of_its_function_whatever_begins_there_as_well() {
    for (function, number, shown_as, local) in [
        (
            "inner_start",
            "00",
            "inner_start [inlined in naming_o2!both]:",
            "number",
        ),
        (
            "outer_start",
            "01",
            "outer_start [inlined in naming_o2!both]:",
            "inside",
        ),
        ("both", "02", "both:", "sum"),
    ] {
        let shown = shown_at_work("naming_o2", &format!("l+t;l+s;bp {function};g;dv;.frame"));
        let after = shown.split_once("Breakpoint 0 hit").map_or("", |(_, after)| after);
        for part in [
            format!("naming_o2!{shown_as}"),
            format!(" {local} = "),
            format!("\n{number} "),
        ] {
            assert!(after.contains(&part), "{function}, {part}: {shown}");
        }
    }
    // Its commands are about that frame too, and after a step the innermost one is the current one again.
    let shown = shown_at_work("naming_o2", "bp outer_start \"dv\";g;t;.frame");
    let after = shown
        .split_once("Breakpoint 0 hit")
        .map_or(shown.as_str(), |(before, _)| before);
    assert!(after.contains(" inside = "), "{shown}");
    assert!(shown.contains("\n00 "), "{shown}");
}

#[test]
fn names_that_are_shown_can_be_typed() {
    let shown = shown(
        "rustvalues_o2",
        "u <rustvalues::Dog as rustvalues::Speak>::speak L1;u rustvalues_o2!<rustvalues::Dog as rustvalues::Speak>::speak L1;\
         ? <rustvalues::Nobody as rustvalues::Speak>::speak",
    );
    let twice = shown.matches("!<rustvalues::Dog as rustvalues::Speak>::speak:").count();
    assert!(twice == 2 && shown.contains("Couldn't resolve"), "{shown}");
}

#[test]
fn breakpoints_of_a_pattern_have_readable_names() {
    let shown = shown("naming", "bm Vector3*");
    assert!(shown.contains("@!\"naming!Vector3::length\""), "{shown}");
}

#[test]
fn types_of_a_module_that_is_not_there_are_not_said_to_be_missing() {
    for (asked, said) in [
        ("dt nosuch!*", "no module is called 'nosuch'; lm lists them"),
        ("dt naming!Nosuch*", "no type matches 'Nosuch*'"),
    ] {
        let shown = shown("naming", asked);
        assert!(shown.contains(said), "{asked}: {shown}");
    }
}

#[test]
fn types_of_one_name_are_not_taken_for_each_other() {
    for debuggee in ["naming", "naming-clang"] {
        if debuggee.ends_with("clang") && !programs::has_peer("clang++") {
            continue;
        }
        // The first unit declares both types: of one there are two definitions, of the other one, for `int`. It makes
        // no difference whether a name was looked up before.
        for (asked, said) in [
            (
                "?? *hidden;dx *hidden;?? *fractions;dt Box<int>;dt Box*",
                &[
                    "\nPrivate <incomplete type: it is defined differently in several units",
                    "\n*hidden         : <incomplete type: it is defined differently in several units",
                    "\nBox<double> <incomplete type>",
                    "+0x004 tag ",
                    "!Box<int>",
                ][..],
            ),
            ("dt Box<int>;?? *fractions", &["\nBox<double> <incomplete type>"]),
        ] {
            let shown = shown_at_work(debuggee, &format!("bp opaque;l+t;g;p;{asked}"));
            for said in said {
                assert!(shown.contains(said), "{debuggee}, {said}: {shown}");
            }
        }
    }
}

#[test]
fn template_arguments_that_a_compiler_left_out_of_names_are_in_them() {
    if !programs::has_peer("clang++") {
        return;
    }
    let asked = "?? marked;?? packed;?? holds;dt Marked*;dt Pack<int, Pack<> >";
    let shown = shown_at_work("naming-clang", &format!("bp opaque;g;{asked}"));
    for said in [
        "\nMarked<true, 'a', 3U, -4L, Shade::Dark>",
        "\nPack<int, Pack<> >",
        "\nHolds<Box>",
        "!Marked<true, 'a', 3U, -4L, Shade::Dark>",
        "+0x000 size             : Int4B",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
}

#[test]
fn what_is_inside_of_functions_is_named_by_them() {
    let address = |name: &str| {
        let said = gdb("cvalues_o2", &[&format!("print &{name}")]);
        let number = said.rsplit("0x").next().and_then(|rest| rest.split([' ', '\n']).next());
        u64::from_str_radix(number.unwrap(), 16).unwrap_or_else(|_| panic!("{said}"))
    };
    for name in ["calls", "remembered", "names"] {
        let shown = shown("cvalues_o2", &format!("? of_statics::{name}"));
        let evaluated = shown
            .rsplit(" = ")
            .next()
            .and_then(|rest| rest.split_whitespace().next());
        let evaluated = evaluated.unwrap_or_default();
        let ours = u64::from_str_radix(&evaluated.replace('`', ""), 16).unwrap_or_else(|_| panic!("{shown}"));
        assert_eq!(ours, address(&format!("of_statics::{name}")), "{name}: {shown}");
    }
    // A parameter has no place without a call, and a function of this name has no such variable.
    for name in ["of_statics::step", "main::calls"] {
        let shown = shown("cvalues_o2", &format!("? {name}"));
        assert!(shown.contains("Couldn't resolve"), "{name}: {shown}");
    }
}

#[test]
fn hits_at_several_places_count_together() {
    let mut command = Command::new(programs::farsight());
    let lines = "bp inner_helper 2;g;.echo stopped;bl;k 1;qd";
    let shown = text_of(command.args(["-c", lines]).arg(programs::debuggee("cvalues_o2")));
    let after = shown.split_once("stopped").map_or("", |(_, after)| after);
    // The first place was passed, the second one stopped.
    assert!(after.contains("0001 (0002)"), "{shown}");
    assert!(shown.contains("Breakpoint 0 hit"), "{shown}");
}
