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
    let launch = |program: &str, arguments: &[&str]| Target::Program {
        path: program.into(),
        arguments: arguments.iter().map(|argument| argument.to_string()).collect(),
    };
    for (line, expected) in [
        ("", Target::None),
        ("-p 4711", Target::Process(OsPid(4711))),
        ("-p 0x1F", Target::Process(OsPid(31))),
        ("-p 0n17", Target::Process(OsPid(17))),
        ("-pn python3", Target::Name("python3".into())),
        ("-g ./counter -g -p 3", launch("./counter", &["-g", "-p", "3"])),
        ("/bin/ls /tmp", launch("/bin/ls", &["/tmp"])),
        ("-- -odd -g", launch("-odd", &["-g"])),
    ] {
        assert_eq!(session(line).engine.acquisition.target, expected, "{line}");
    }
}

#[test]
fn ways_to_attach() {
    let follow = ChildPolicy::Follow;
    for (line, mode, no_break, children) in [
        ("-p 3", AttachMode::Invasive, false, ChildPolicy::Leave),
        ("-pb -p 3", AttachMode::Invasive, true, ChildPolicy::Leave),
        ("-gpv -pn x", AttachMode::Noninvasive, false, ChildPolicy::Leave),
        ("-pvr -p 3", AttachMode::NoninvasiveNoSuspend, false, ChildPolicy::Leave),
        ("-o -pe -p 3", AttachMode::Existing, false, follow),
        ("-opr -pb -p 3", AttachMode::ResumeStopped, true, follow),
        ("-o ./x -pv", AttachMode::Invasive, false, follow),
    ] {
        let found = session(line).engine.acquisition;
        let found = (found.mode, found.initial_break == InitialBreak::Never, found.children);
        assert_eq!(found, (mode, no_break, children), "{line}");
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
fn events_are_read_and_checked() {
    let found = session("-xe ld:libm* -xi usr1 -x ./p -xe bogus").engine.filters;
    assert_eq!(
        found,
        [
            (EventStatus::Break, String::from("ld:libm*")),
            (EventStatus::Ignore, String::from("usr1")),
            (EventStatus::SecondChance, String::from("av")),
        ]
    );
    assert!(refusal("-xe bogus").contains("'bogus' names no event"));
    assert!(refusal("-xn").contains("needs an event"));
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
        session("./program -?").engine.acquisition.target,
        Target::Program {
            path: "./program".into(),
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
        ("-pv -pe -p 3", "-pv and -pe exclude each other"),
        ("-pvr -pb -p 3", "-pb and -pvr exclude each other"),
        ("-pe ./x", "-pe says how to attach and needs -p or -pn"),
        ("-pb ./x", "-pb says how to attach and needs -p or -pn"),
    ] {
        assert_eq!(refusal(line), expected, "{line}");
    }
}

#[test]
fn absent_options_are_refused_by_name() {
    for (line, name) in [
        ("-zp core", "-zp"),
        ("-k com", "-k"),
        ("-logou f", "-logou"),
        ("-gGd", "-d (in '-gGd')"),
    ] {
        assert_eq!(refusal(line), format!("this build does not have {name} yet"), "{line}");
    }
}

#[test]
fn connection_strings_are_checked_at_once() {
    let text = refusal("-premote tcp:serve=box,port=5005");
    assert!(text.starts_with("-premote: ") && text.contains("serve"), "{text}");
    let text = refusal("-premote gdb:server=box,port=1");
    assert!(text.contains("does not have"), "{text}");
    assert_eq!(
        refusal("-premote"),
        "-premote needs a connection string such as tcp:server=HOST,port=5005 behind it"
    );
}

#[test]
fn the_environment_says_how_much_history_is_kept_where_the_command_line_does_not() {
    for (arguments, variable, kept) in [
        (&["-clines", "7"][..], Some("9"), Ok(Some(7))),
        (&[], Some("9"), Ok(Some(9))),
        (&[], Some(""), Ok(None)),
        (&[], None, Ok(None)),
        (
            &[],
            Some("many"),
            Err("_NT_DEBUG_HISTORY_SIZE needs a number of commands, not 'many'"),
        ),
    ] {
        let Ok(Invocation::Debug(mut options)) = parse(arguments.iter().map(OsString::from)) else {
            panic!("{arguments:?}");
        };
        let completed = complete(&mut options, variable.map(OsString::from));
        let found = completed.map(|()| options.engine.history_commands);
        assert_eq!(found.map_err(|error| error.to_string()), kept.map_err(str::to_owned));
    }
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
        "-premote", "-p ", "-pn", "-pb", "-pr", "-pe", "-pv", "-pvr", "-o ", "-g ", "-G ", "-pd", "-c ", "-y ", "-i ",
        "-v ", "-version", "-?", "-xe", "-xd", "-xn", "-xi", "-x ",
    ] {
        assert!(help.contains(option), "{option}");
    }
    assert!(
        help.lines().all(|line| line.chars().count() <= 125),
        "lines fit a terminal"
    );
}

#[test]
fn nobody_waits_where_nothing_can_come() {
    for (line, cure) in [
        ("-noio", "give it commands (-c, -cf) or a server (-server)"),
        ("-noio -remote tcp:server=localhost,port=1", "give it commands (-c)"),
        (
            "-clines 3 -remote tcp:server=localhost,port=1",
            "there it is -clines of the server's command line",
        ),
    ] {
        assert!(refusal(line).ends_with(cure), "{line}: {}", refusal(line));
    }
    for line in ["-noio -server tcp:port=1", "-noio -cf begin.txt", "-noio /bin/true"] {
        assert!(session(line).silent, "{line}");
    }
}

#[test]
fn how_a_session_begins() {
    let silent = session("-noio -pt 30 -bonc -g -pb -p 3 -c .lastevent");
    assert!(silent.silent && silent.engine.initial_break);
    assert_eq!(silent.engine.break_in_seconds, Some(30));
    assert_eq!(silent.engine.acquisition.initial_break, InitialBreak::Usual);
    assert!(!session("-g -p 3").engine.initial_break);
    let logged = session("-cfr begin.txt -loga session.log -ns -p 3").engine;
    assert_eq!(logged.script, Some(("begin.txt".into(), true)));
    assert_eq!(logged.log, Some(("session.log".into(), true)));
    assert!(logged.noisy_symbols && logged.eager_symbols);
    assert_eq!(session("-ee c++ -p 3").engine.language, Language::Cpp);
    for (line, expected) in [
        ("-pt 0", "-pt needs a number of seconds, not '0'"),
        ("-pt", "-pt needs a number of seconds behind it"),
        ("-pt 1 -pt 2", "-pt is given twice"),
        ("-logo a -loga b", "-logo and -loga exclude each other"),
        ("-cf", "-cf needs a file behind it"),
        ("-ee pascal", "-ee needs masm or c++, not 'pascal'"),
        ("-ee masm -ee c++", "-ee is given twice"),
    ] {
        assert_eq!(refusal(line), expected);
    }
}

#[test]
fn listing_servers_stands_alone() {
    for (line, machine) in [
        ("-QR", None),
        (r"-QR \\BOX17", Some(r"\\BOX17")),
        ("-QR box17.example", Some("box17.example")),
        ("-QR ::1", Some("::1")),
    ] {
        assert_eq!(
            read(line),
            Ok(Invocation::ListServers(machine.map(str::to_owned))),
            "{line}"
        );
    }
    for (line, words) in [
        ("-g -QR", "'-g' stands there"),
        ("-premote tcp:server=h,port=1 -QR", "'-premote' stands there"),
        ("-QR -g", "'-g' stands there"),
        ("-QR box17 -g", "'-g' stands there"),
        ("-QR box17 box18", "'box18' stands there"),
        (r"-QR \\", "the name of a machine"),
        ("-QR a/b", "the name of a machine"),
    ] {
        assert!(refusal(line).contains(words), "{line}: {}", refusal(line));
    }
    // What is behind a program belongs to it.
    assert!(matches!(read("prog -QR"), Ok(Invocation::Debug(_))));
}

#[test]
fn a_certificate_is_made_by_itself() {
    assert_eq!(read("-makecert box17"), Ok(Invocation::MakeCertificate("box17".into())));
    for (line, words) in [
        ("-makecert", "-makecert needs a name"),
        ("-makecert -g", "-makecert needs a name"),
        ("-g -makecert x", "'-g' stands there"),
        ("-makecert x y", "'y' stands there"),
        ("-makecert x -p 1", "'-p' stands there"),
    ] {
        assert!(refusal(line).contains(words), "{line}: {}", refusal(line));
    }
}

#[test]
fn a_debugging_client_begins_no_session() {
    for (line, words) in [
        ("-p 4711", "-p is about beginning a session"),
        ("-pn x", "-pn is about beginning a session"),
        ("-z x", "-z is about beginning a session"),
        ("prog arg", "a program is about beginning a session"),
        ("-premote tcp:server=h,port=2", "-premote is about beginning a session"),
        ("-pv", "-pv is about beginning a session"),
        ("-o", "-o is about beginning a session"),
        ("-xe ct", "-xi is about beginning a session"),
        ("-server tcp:port=2", "a debugging client cannot be a debugging server"),
        (
            "-y /a",
            "-y is a setting of the session, which begins where the server is; there it is .sympath",
        ),
        ("-logo /a", "there it is .logopen"),
        ("-cf /a", "there it is $<"),
    ] {
        let text = refusal(&format!("-remote tcp:server=h,port=1 {line}"));
        assert!(text.contains(words), "{line}: {text}");
    }
}

#[test]
fn the_doctor_looks_at_one_thing() {
    let doctor = |line: &str| parse(line.split_whitespace().map(OsString::from));
    assert_eq!(doctor("doctor"), Ok(Invocation::Doctor(None)));
    let process = Subject::Process(OsPid(0x10));
    assert_eq!(doctor("doctor 0x10"), Ok(Invocation::Doctor(Some(process))));
    let server = Subject::Server("tcp:port=1".into());
    assert_eq!(doctor("doctor tcp:port=1"), Ok(Invocation::Doctor(Some(server))));
    for wrong in ["doctor x", "doctor 0", "doctor 1 2", "doctor 1 -p"] {
        assert!(doctor(wrong).is_err(), "{wrong}");
    }
    // A program may be called so.
    for program in ["-- doctor", "-g doctor 1 2"] {
        assert!(matches!(doctor(program), Ok(Invocation::Debug(_))), "{program}");
    }
}
