//! Command lines and what they are read as.

use super::*;

fn read(line: &str) -> Result<Invocation, OptionError> {
    parse(line.split_whitespace().map(OsString::from))
}

fn session(line: &str) -> SessionOptions {
    match read(line) {
        Ok(Invocation::Debug(options)) => *options,
        other => panic!("{line}: {other:?}"),
    }
}

fn refusal(line: &str) -> String {
    match read(line) {
        Err(error) => error.to_string(),
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn acquisitions() {
    let launch = |program: &str, arguments: &[&str]| Acquisition::Launch {
        program: program.into(),
        arguments: arguments.iter().map(|argument| argument.to_string()).collect(),
    };
    for (line, expected) in [
        ("", Acquisition::None),
        ("-p 4711", Acquisition::Attach(OsPid(4711))),
        ("-p 0x1F", Acquisition::Attach(OsPid(31))),
        ("-p 0n17", Acquisition::Attach(OsPid(17))),
        ("-pn python3", Acquisition::AttachName("python3".into())),
        ("-g ./counter -g -p 3", launch("./counter", &["-g", "-p", "3"])),
        ("/bin/ls /tmp", launch("/bin/ls", &["/tmp"])),
        ("-- -odd -g", launch("-odd", &["-g"])),
    ] {
        assert_eq!(session(line).engine.acquisition, expected, "{line}");
    }
}

#[test]
fn flags_alone_and_together() {
    for (line, initial, last, detach, verbose) in [
        ("", true, true, false, false),
        ("-g", false, true, false, false),
        ("-G", true, false, false, false),
        ("-gG", false, false, false, false),
        ("-pd -v", true, true, true, true),
        ("-vgpdG", false, false, true, true),
    ] {
        let engine = session(line).engine;
        let found = (
            engine.initial_break,
            engine.final_break,
            engine.detach_on_exit,
            engine.verbose,
        );
        assert_eq!(found, (initial, last, detach, verbose), "{line}");
    }
}

#[test]
fn values_reach_their_places() {
    let arguments = [
        "-premote",
        "tcp:server=box17,port=5005",
        "-y",
        "/a;/b c",
        "-i",
        "/i",
        "-c",
        "bp main; g",
        "-p",
        "3",
    ];
    let Ok(Invocation::Debug(options)) = parse(arguments.map(OsString::from)) else {
        panic!()
    };
    let engine = options.engine;
    assert_eq!(
        engine.destination,
        Destination::ProcessServer("tcp:server=box17,port=5005".into())
    );
    assert_eq!(engine.symbol_path.as_deref(), Some("/a;/b c"));
    assert_eq!(engine.image_path.as_deref(), Some("/i"));
    assert_eq!(options.commands.as_deref(), Some("bp main; g"));
    assert_eq!(engine.command, None);
}

#[test]
fn help_and_version_win_over_what_stands_behind_them() {
    for line in ["-?", "-p 3 -?", "--help", "-? -nonsense"] {
        assert_eq!(read(line), Ok(Invocation::Help), "{line}");
    }
    assert_eq!(read("-version"), Ok(Invocation::Version));
    assert_eq!(
        session("./program -?").engine.acquisition,
        Acquisition::Launch {
            program: "./program".into(),
            arguments: vec!["-?".into()]
        }
    );
}

#[test]
fn mistakes_are_named() {
    for (line, expected) in [
        ("-frob", "unknown option '-frob'"),
        ("--", "-- needs a program behind it"),
        ("-", "unknown option '-'"),
        ("--premote x", "unknown option '--premote'"),
        (
            "-p",
            "-p needs a process id (decimal, or hexadecimal with 0x) behind it",
        ),
        (
            "-p 12z",
            "-p needs a process id (decimal, or hexadecimal with 0x), not '12z'",
        ),
        (
            "-p 0",
            "-p needs a process id (decimal, or hexadecimal with 0x), not '0'",
        ),
        (
            "-p +5",
            "-p needs a process id (decimal, or hexadecimal with 0x), not '+5'",
        ),
        (
            "-p 3 -pn x",
            "-p and -pn contradict each other: a session starts with one target",
        ),
        (
            "-pn x ./y",
            "-pn and a program contradict each other: a session starts with one target",
        ),
        ("-p 3 -p 4", "-p is given twice"),
        ("-c a -c b", "-c is given twice"),
        ("-gq", "unknown option '-gq'"),
    ] {
        assert_eq!(refusal(line), expected, "{line}");
    }
}

#[test]
fn absent_options_are_refused_by_name() {
    for (line, name) in [
        ("-server tcp:port=1", "-server"),
        ("-remote x", "-remote"),
        ("-z core", "-z"),
        ("-k com", "-k"),
        ("-pv -p 3", "-pv"),
        ("-pvr -p 3", "-pvr"),
        ("-o ./x", "-o"),
        ("-logo f", "-logo"),
        ("-gGo", "-o (in '-gGo')"),
    ] {
        assert_eq!(refusal(line), format!("this build does not have {name} yet"), "{line}");
    }
}

#[test]
fn connection_strings_are_checked_at_once() {
    let text = refusal("-premote tcp:serve=box,port=5005");
    assert!(text.starts_with("-premote: ") && text.contains("serve"), "{text}");
    let text = refusal("-premote ssh:server=box");
    assert!(text.contains("does not have"), "{text}");
    assert_eq!(
        refusal("-premote"),
        "-premote needs a connection string such as tcp:server=HOST,port=5005 behind it"
    );
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    use std::os::unix::ffi::OsStringExt;
    let word = OsString::from_vec(vec![b'a', 0xff]);
    assert!(matches!(parse([word]), Err(OptionError::NotText(_))));
}

#[test]
fn the_help_tells_of_every_option() {
    let help = help();
    for option in [
        "-premote", "-p ", "-pn", "-g ", "-G ", "-pd", "-c ", "-y ", "-i ", "-v ", "-version", "-?",
    ] {
        assert!(help.contains(option), "{option}");
    }
    assert!(
        help.lines().all(|line| line.chars().count() <= 125),
        "lines fit a terminal"
    );
}
