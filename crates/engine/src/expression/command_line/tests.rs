//! Lines cut into commands.

use super::*;

/// Each command as `prefixes name|arguments`.
fn commands(line: &str) -> Vec<String> {
    let show = |sign: &str, selector: &Option<Selector>| selector.as_ref().map(|it| format!("{sign}{it:?} "));
    let describe = |command: Command| {
        assert!(
            line[command.arguments_at..].starts_with(&command.arguments),
            "{line}: {command:?}"
        );
        assert!(command.span.end >= command.arguments_at);
        let prefixes = &command.prefixes;
        let prefixes = [
            show("||", &prefixes.system),
            show("|", &prefixes.process),
            show("~", &prefixes.thread),
        ];
        let prefixes: String = prefixes.into_iter().flatten().collect();
        format!("{prefixes}{}|{}", command.name, command.arguments)
    };
    split(line).unwrap().into_iter().map(describe).collect()
}

#[test]
fn lists_are_cut_outside_of_strings_and_blocks() {
    assert_eq!(commands("g; k; ? @$ip"), ["g|", "k|", "?|@$ip"]);
    assert_eq!(commands(" ;; g ;"), ["g|"]);
    assert_eq!(commands(""), [""; 0]);
    assert_eq!(
        commands(r#"bp main "k; .echo \"a;b\"; g"; bl"#),
        [r#"bp|main "k; .echo \"a;b\"; g""#, "bl|"]
    );
    assert_eq!(
        commands(".if (@rax == 1) { k; r } .else { g; }; bl"),
        [".if|(@rax == 1) { k; r } .else { g; }", "bl|"]
    );
    assert_eq!(commands(".echo { open; k"), [".echo|{ open", "k|"]);
    assert_eq!(commands(".echo don't; k"), [".echo|don't", "k|"]);
    assert_eq!(commands(".echo 'a;b'; k"), [".echo|'a;b'", "k|"]);
    assert_eq!(commands("bp main \"k; g"), ["bp|main \"k; g"]);
}

#[test]
fn comments_are_left_out() {
    assert_eq!(commands("* all; of; this"), [""; 0]);
    assert_eq!(commands("k; * rest; g"), ["k|"]);
    assert_eq!(commands("$$ to here; k"), ["k|"]);
    assert_eq!(commands("k; $$ the end"), ["k|"]);
    assert_eq!(commands("$$>a<file 1; k"), ["$$>a<|file 1", "k|"]);
    assert_eq!(commands("? 2*3"), ["?|2*3"]);
}

#[test]
fn names_are_cut_from_what_follows() {
    assert_eq!(commands("bpmain"), ["bp|main"]);
    assert_eq!(commands("r$t0=1; r@rax=2"), ["r|$t0=1", "r|@rax=2"]);
    assert_eq!(commands("kvn5"), ["kvn|5"]);
    assert_eq!(commands("lmvm libc*"), ["lm|vm libc*"]);
    assert_eq!(commands(".sympath+ /a;k"), [".sympath|+ /a;k"]);
    assert_eq!(commands("quit now; k"), ["quit|now", "k|"]);
    assert_eq!(commands("s -d 0 L10 1"), ["s|-d 0 L10 1"]);
    assert_eq!(commands("\u{e9}t\u{e9} 1"), ["\u{e9}t\u{e9}|1"]);
}

#[test]
fn commands_that_take_the_line_take_it() {
    assert_eq!(commands("~1 e k; r; .echo x"), ["~Number(1) ~e|k; r; .echo x"]);
    assert_eq!(commands("as x a;b"), ["as|x a;b"]);
    assert_eq!(commands("k; .sympath /a;/b"), ["k|", ".sympath|/a;/b"]);
    assert_eq!(commands(".exepath+ /a;/b"), [".exepath|+ /a;/b"]);
    assert_eq!(commands("aS x a;b"), ["aS|x a", "b|"]);
    assert_eq!(commands("t; z(@rax)"), ["t|", "z|(@rax)"]);
    assert_eq!(commands("j 1 'a' ; 'b'"), ["j|1 'a' ; 'b'"]);
}

#[test]
fn prefixes_name_threads_processes_and_systems() {
    assert_eq!(commands("~"), ["~|"]);
    assert_eq!(commands("~;k"), ["~|", "k|"]);
    assert_eq!(commands("~*"), ["~All ~|"]);
    assert_eq!(commands("~1s"), ["~Number(1) ~s|"]);
    assert_eq!(commands("~1ek"), ["~Number(1) ek|"]);
    assert_eq!(commands("~1 s ; k"), ["~Number(1) ~s|", "k|"]);
    assert_eq!(commands("~*k"), ["~All k|"]);
    assert_eq!(commands("~* kn 5"), ["~All kn|5"]);
    assert_eq!(commands("~.f; ~#u"), ["~Current ~f|", "~Event ~u|"]);
    assert_eq!(commands("~1u main"), ["~Number(1) u|main"]);
    assert_eq!(commands("~1r rax"), ["~Number(1) r|rax"]);
    assert_eq!(commands("~~[4711]s"), ["~OsId(\"4711\") ~s|"]);
    assert_eq!(commands("~[@$t0]s"), ["~Expression(\"@$t0\") ~s|"]);
    assert_eq!(commands("~. bp main"), ["~Current bp|main"]);
    assert_eq!(commands("|"), ["||"]);
    assert_eq!(commands("|1s"), ["|Number(1) |s|"]);
    assert_eq!(commands("|1~2 k"), ["|Number(1) ~Number(2) k|"]);
    assert_eq!(commands("||1s; ||"), ["||Number(1) ||s|", "|||"]);
    assert_eq!(commands("||0|1~2s"), ["||Number(0) |Number(1) ~Number(2) ~s|"]);
}

#[test]
fn bad_prefixes_are_told_with_their_place() {
    let error = |line: &str| {
        split(line)
            .map_err(|error| (error.position, error.to_string()))
            .unwrap_err()
    };
    assert_eq!(error("~k"), (1, String::from("Syntax error at 'k': ~ needs a thread")));
    assert_eq!(
        error("g; |~[1"),
        (4, String::from("Syntax error at '~[1': the ] is missing"))
    );
    assert_eq!(error("~99999999999s").0, 1);
    assert_eq!(error(&"k;".repeat(MOST_LINE)).0, MOST_LINE);
}

#[test]
fn no_line_makes_it_panic() {
    const PIECES: [&str; 36] = [
        "g",
        "bp main",
        "k",
        ";",
        "{",
        "}",
        "\"",
        "'",
        "\\",
        "*",
        "$$",
        "$$<",
        "~",
        "|",
        "||",
        "~1",
        "~~[",
        "[",
        "]",
        "~*",
        "e ",
        "s",
        ".",
        ".echo ",
        "!x",
        "?",
        "??",
        " ",
        "\t",
        "\u{e9}",
        "\u{1f600}",
        "#",
        "=",
        "1",
        "r$t0",
        "@",
    ];
    let mut seed = 0xfa25_u64;
    let mut next = |most: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % most
    };
    for _ in 0..60_000 {
        let line: String = (0..next(12)).map(|_| PIECES[next(PIECES.len())]).collect();
        match split(&line) {
            Ok(found) => {
                let mut end = 0;
                for command in found {
                    assert!(
                        command.span.start >= end && command.span.end > command.span.start,
                        "{line}: {command:?}"
                    );
                    end = command.span.end;
                    assert!(
                        line[command.arguments_at..end].trim() == command.arguments,
                        "{line}: {command:?}"
                    );
                    assert!(!command.name.is_empty(), "{line}: {command:?}");
                }
            }
            Err(error) => assert!(line.is_char_boundary(error.position), "{line}: {error:?}"),
        }
    }
}
