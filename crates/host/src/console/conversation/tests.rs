//! What happens goes in, what is to be done comes out as words.

use farsight_session::CommandOutcome::{Done, Failed};

use super::*;

/// Takes a happening and writes the actions as short words.
fn words(conversation: &mut Conversation, happening: Happening) -> Vec<String> {
    let word = |action| match action {
        Action::Ask { prompt } => format!("ask {prompt}"),
        Action::ShowLine { prompt, line } => format!("line {prompt}{line}"),
        Action::Show(Content::Text(text)) => format!("show {}", text.trim()),
        Action::Send(Request::Execute { ticket, line }) => format!("execute {} {line}", ticket.0),
        Action::Send(request) => format!("send {request:?}"),
        Action::Exit { code, .. } => format!("exit {code}"),
        other => format!("{other:?}"),
    };
    conversation.take(happening).into_iter().map(word).collect()
}

fn told(conversation: &mut Conversation, notification: Notification) -> Vec<String> {
    words(conversation, Happening::Told(notification.into()))
}

fn at_rest(conversation: &mut Conversation) -> Vec<String> {
    let prompt = "0:000> ".into();
    told(conversation, Notification::State(SessionState::Accessible { prompt }))
}

fn running(conversation: &mut Conversation) -> Vec<String> {
    told(conversation, Notification::State(SessionState::Running))
}

fn no_target(conversation: &mut Conversation) -> Vec<String> {
    told(conversation, Notification::State(SessionState::NoDebuggee))
}

fn done(conversation: &mut Conversation, ticket: u64, outcome: CommandOutcome) -> Vec<String> {
    let ticket = Ticket(ticket);
    let actions = conversation.take(Happening::Told(Notification::Done { ticket, outcome }.into()));
    let [Action::Send(Request::Complete { ticket, .. })] = actions[..] else {
        panic!("{actions:?}")
    };
    let (start, candidates) = (0, Vec::new());
    told(
        conversation,
        Notification::Completions {
            ticket,
            start,
            candidates,
        },
    )
}

fn line(conversation: &mut Conversation, line: &str) -> Vec<String> {
    words(conversation, Happening::Line(line.into()))
}

fn ended(conversation: &mut Conversation, clean: bool) -> Vec<String> {
    told(conversation, Notification::Ended { clean })
}

/// A command asks, this console's own or not.
fn asked(conversation: &mut Conversation, question: u64, is_own: bool, prompt: &str) -> Vec<String> {
    let asked = Notification::InputWanted {
        prompt: prompt.into(),
        question: Some(QuestionId(question)),
        is_own: Some(is_own),
    };
    told(conversation, asked)
}

fn answer(text: &str, question: u64) -> String {
    let question = Some(QuestionId(question));
    let text = text.into();
    format!("send {:?}", Request::AnswerInput { text, question })
}

fn transcript(commands: Option<&str>) -> Conversation {
    Conversation::new(
        Manner::Transcript,
        ConsoleOptions {
            commands: commands.map(str::to_owned),
            first_target: FirstTarget::Process,
            ..ConsoleOptions::default()
        },
    )
}

fn terminal_with(first_target: FirstTarget) -> Conversation {
    let commands = None;
    Conversation::new(
        Manner::Terminal,
        ConsoleOptions {
            commands,
            first_target,
            ..ConsoleOptions::default()
        },
    )
}

fn terminal() -> Conversation {
    terminal_with(FirstTarget::Process)
}

#[test]
fn lines_run_one_after_another_and_the_end_of_them_is_the_end() {
    let mut it = transcript(Some("bp main; g"));
    assert_eq!(at_rest(&mut it), ["line 0:000> bp main; g", "execute 1 bp main; g"]);
    assert!(running(&mut it).is_empty());
    assert!(at_rest(&mut it).is_empty(), "the line is not done yet");
    assert_eq!(done(&mut it, 1, Done), ["ask 0:000> "]);
    assert_eq!(line(&mut it, "k"), ["execute 2 k"]);
    assert_eq!(done(&mut it, 2, Done), ["ask 0:000> "]);
    assert_eq!(words(&mut it, Happening::EndOfLines), ["send EndOfInput"]);
    assert_eq!(ended(&mut it, true), ["exit 0"]);
}

#[test]
fn a_failed_line_of_a_script_shows_in_the_exit_code() {
    let mut it = transcript(None);
    at_rest(&mut it);
    line(&mut it, "bp nowhere");
    done(&mut it, 1, Failed);
    line(&mut it, "k");
    done(&mut it, 2, Done);
    words(&mut it, Happening::EndOfLines);
    assert_eq!(ended(&mut it, true), ["exit 1"]);
}

#[test]
fn a_failed_line_typed_at_a_terminal_does_not() {
    let mut it = terminal();
    at_rest(&mut it);
    line(&mut it, "bp nowhere");
    done(&mut it, 1, Failed);
    assert_eq!(ended(&mut it, true), ["exit 0"]);
}

#[test]
fn blank_lines_repeat_at_a_terminal_only() {
    let mut it = terminal();
    at_rest(&mut it);
    assert_eq!(line(&mut it, ""), ["execute 1 "]);
    let mut it = transcript(None);
    at_rest(&mut it);
    assert_eq!(line(&mut it, "  "), ["ask 0:000> "]);
}

#[test]
fn nothing_is_asked_before_the_first_target() {
    let mut it = transcript(Some("k"));
    assert!(no_target(&mut it).is_empty());
    assert!(running(&mut it).is_empty());
    assert!(!at_rest(&mut it).is_empty());
}

#[test]
fn a_target_that_ends_without_a_stop_leaves_a_prompt() {
    let mut it = transcript(None);
    running(&mut it);
    assert_eq!(no_target(&mut it), ["ask > "]);
}

#[test]
fn a_session_may_start_without_a_target() {
    let mut it = terminal_with(FirstTarget::None);
    let actions = no_target(&mut it);
    assert!(actions[0].starts_with("show No target yet"), "{actions:?}");
    assert_eq!(actions[1..], ["ask > "]);
}

#[test]
fn no_first_target_is_3_and_a_later_failure_4() {
    let mut it = transcript(None);
    running(&mut it);
    assert_eq!(ended(&mut it, false), ["exit 3"]);
    let mut it = transcript(None);
    at_rest(&mut it);
    assert_eq!(ended(&mut it, false), ["exit 4"]);
    let mut it = transcript(None);
    let last = words(&mut it, Happening::EngineGone);
    assert_eq!(last.last().unwrap(), "exit 4");
}

#[test]
fn the_engines_end_is_final() {
    let mut it = transcript(None);
    at_rest(&mut it);
    ended(&mut it, true);
    assert!(line(&mut it, "k").iter().all(|word| !word.starts_with("ask")));
    let after = words(&mut it, Happening::EngineGone);
    assert!(after.iter().all(|word| !word.starts_with("exit")), "{after:?}");
}

#[test]
fn an_interrupt_goes_to_the_engine_until_patience_ends() {
    let mut it = terminal();
    running(&mut it);
    let interrupt = |it: &mut Conversation| words(it, Happening::Signalled(Signal::Interrupt));
    assert_eq!(interrupt(&mut it), ["send Interrupt"]);
    assert_eq!(interrupt(&mut it), ["send Interrupt"]);
    at_rest(&mut it);
    running(&mut it);
    assert_eq!(interrupt(&mut it), ["send Interrupt"], "an answer restores patience");
    interrupt(&mut it);
    let last = interrupt(&mut it);
    assert!(last.contains(&"send EndOfInput".to_owned()), "{last:?}");
    assert_eq!(ended(&mut it, true), ["exit 130"]);
}

#[test]
fn sigterm_lets_go_within_a_time() {
    let mut it = terminal();
    running(&mut it);
    let words_of = words(&mut it, Happening::Signalled(Signal::Leave(15)));
    assert_eq!(words_of[0], "send EndOfInput");
    assert!(words_of[1].starts_with("LimitTime"));
    assert!(at_rest(&mut it).is_empty(), "no line is asked for any more");
    let last = words(&mut it, Happening::TimeOver);
    assert_eq!(last.last().unwrap(), "exit 143");
}

#[test]
fn wanted_input_goes_before_the_next_line() {
    let mut it = terminal();
    at_rest(&mut it);
    line(&mut it, ".input");
    assert_eq!(asked(&mut it, 7, true, "Input> "), ["ask Input> "]);
    assert_eq!(line(&mut it, "42"), [answer("42", 7)]);
    assert_eq!(done(&mut it, 1, Done), ["ask 0:000> "]);
}

#[test]
fn a_line_taken_back_is_asked_for_again() {
    let mut it = terminal();
    at_rest(&mut it);
    assert_eq!(
        words(&mut it, Happening::LineCleared { was_empty: false }),
        ["ask 0:000> "]
    );
}

#[test]
fn a_line_taken_back_ends_the_command_that_wanted_it() {
    let mut it = terminal();
    at_rest(&mut it);
    line(&mut it, "eb 1000");
    asked(&mut it, 7, true, "Input> ");
    assert_eq!(
        words(&mut it, Happening::LineCleared { was_empty: false }),
        ["send Interrupt"]
    );
    assert_eq!(done(&mut it, 1, Failed), ["ask 0:000> "]);
}

#[test]
fn while_a_program_runs_the_keyboard_is_its_own() {
    let mut it = terminal_with(FirstTarget::Program);
    assert_eq!(running(&mut it), ["BeginTyping"]);
    assert_eq!(at_rest(&mut it), ["EndTyping", "ask 0:000> "]);
    assert_eq!(line(&mut it, "g"), ["execute 1 g"]);
    assert_eq!(running(&mut it), ["BeginTyping"]);
    assert_eq!(
        words(&mut it, Happening::Typed(b"x".to_vec())),
        ["send ProgramInput { bytes: [120], end: false }"]
    );
    assert_eq!(no_target(&mut it), ["EndTyping"]);
    assert_eq!(done(&mut it, 1, Done), ["ask > "]);
}

#[test]
fn what_is_typed_ahead_of_an_attached_process_stays_for_the_prompt() {
    let mut it = terminal();
    assert!(running(&mut it).is_empty());
}

#[test]
fn a_prompt_changes_under_a_line() {
    let mut conversation = terminal();
    at_rest(&mut conversation);
    assert_eq!(at_rest(&mut conversation), [""; 0]);
    let prompt = "||1:0:000> ".into();
    let state = Notification::State(SessionState::Accessible { prompt });
    assert_eq!(
        told(&mut conversation, state),
        [r#"ChangePrompt { prompt: "||1:0:000> " }"#]
    );
    // Others have set it going.
    assert_eq!(running(&mut conversation), [r#"ChangePrompt { prompt: "*BUSY* " }"#]);
    assert_eq!(running(&mut conversation), [""; 0]);
    assert_eq!(line(&mut conversation, "k"), ["execute 1 k"]);
}

#[test]
fn no_prompt_is_put_up_behind_the_line_that_ends_the_session() {
    let mut it = terminal();
    at_rest(&mut it);
    line(&mut it, "q");
    let (ticket, outcome) = (Ticket(1), Done);
    let after = told(&mut it, Notification::Done { ticket, outcome });
    assert!(after.iter().all(|word| !word.starts_with("ask")), "{after:?}");
    assert_eq!(ended(&mut it, true), ["exit 0"]);
}

#[test]
fn without_input_and_output_only_the_given_lines_run() {
    let options = ConsoleOptions {
        commands: Some("k; eb 10".into()),
        silent: true,
        ..ConsoleOptions::default()
    };
    let mut silent = Conversation::new(Manner::Silent, options);
    let first = at_rest(&mut silent);
    assert_eq!(first.last().map(String::as_str), Some("execute 1 k; eb 10"));
    // Nobody can answer a command that asks.
    assert_eq!(asked(&mut silent, 7, true, "00000010 00 "), ["send Interrupt"]);
    assert_eq!(done(&mut silent, 1, Failed), [""; 0]);
    assert_eq!(ended(&mut silent, true), ["exit 1"]);
}

fn guest(manner: Manner) -> Conversation {
    Conversation::new(
        manner,
        ConsoleOptions {
            is_guest: true,
            ..ConsoleOptions::default()
        },
    )
}

#[test]
fn a_guest_leaves_and_ends_nothing() {
    for leave in ["\u{2}", ".remote_exit"] {
        let mut it = guest(Manner::Terminal);
        assert_eq!(at_rest(&mut it), ["ask 0:000> "]);
        let actions = line(&mut it, leave);
        assert_eq!(actions.first().map(String::as_str), Some("send Leave"), "{leave:?}");
        assert_eq!(ended(&mut it, true), ["exit 0"]);
    }
    let mut it = guest(Manner::Transcript);
    at_rest(&mut it);
    assert_eq!(words(&mut it, Happening::EndOfLines), ["send Leave"]);
    assert_eq!(ended(&mut it, true), ["exit 0"]);
}

#[test]
fn a_guest_leaves_behind_its_last_commands() {
    let mut it = guest(Manner::Transcript);
    at_rest(&mut it);
    assert_eq!(line(&mut it, ".remote_exit .echo bye; g"), ["execute 1 .echo bye; g"]);
    let ticket = Ticket(1);
    let outcome = Done;
    let actions = told(&mut it, Notification::Done { ticket, outcome });
    assert_eq!(actions.first().map(String::as_str), Some("send Leave"), "{actions:?}");
}

#[test]
fn a_guest_can_type_while_others_have_set_the_target_going() {
    let mut it = guest(Manner::Terminal);
    assert_eq!(running(&mut it), ["ask *BUSY* "]);
    // The program's terminal is for whoever set it going.
    let bytes = b"out".to_vec();
    let actions = told(&mut it, Notification::ProgramOutput { bytes });
    assert!(
        !actions.iter().any(|action| action.contains("BeginTyping")),
        "{actions:?}"
    );
    assert_eq!(line(&mut it, ".clients"), ["execute 1 .clients"]);
    assert_eq!(done(&mut it, 1, Done), ["ask *BUSY* "]);
    // CTRL+C at that prompt is for what runs.
    assert_eq!(
        words(&mut it, Happening::LineCleared { was_empty: false }),
        ["send Interrupt", "ask *BUSY* "]
    );
    assert_eq!(at_rest(&mut it), [r#"ChangePrompt { prompt: "0:000> " }"#]);
    assert_eq!(line(&mut it, "g"), ["execute 2 g"]);
    let actions = running(&mut it);
    assert!(
        actions.iter().any(|action| action.contains("BeginTyping")),
        "{actions:?}"
    );
}

#[test]
fn a_guest_leaves_while_what_it_set_going_runs() {
    for leave in [
        Happening::Line("\u{2}".into()),
        Happening::Line(".remote_exit".into()),
        Happening::EndOfLines,
    ] {
        let mut it = guest(Manner::Terminal);
        at_rest(&mut it);
        assert_eq!(line(&mut it, "g"), ["execute 1 g"]);
        assert_eq!(running(&mut it), ["ask *BUSY* "]);
        // What is typed ahead waits for the stop, as ever.
        assert_eq!(line(&mut it, "k"), ["ask *BUSY* "]);
        assert_eq!(words(&mut it, leave)[0], "send Leave");
        assert_eq!(ended(&mut it, true), ["exit 0"]);
    }
    let mut it = guest(Manner::Terminal);
    at_rest(&mut it);
    told(&mut it, Notification::ProgramTerminal { is_here: true });
    line(&mut it, "g");
    assert_eq!(running(&mut it), ["BeginTyping"]);
    let mut typed = |keys: &[u8]| words(&mut it, Happening::Typed(keys.to_vec()));
    assert_eq!(typed(b"a\x02"), ["send ProgramInput { bytes: [97], end: false }"]);
    // In the middle of something it is the program's key.
    assert_eq!(typed(b"b"), ["send ProgramInput { bytes: [2, 98], end: false }"]);
    let last = typed(b"\x02\r");
    assert_eq!(
        (last[0].as_str(), last.last().unwrap().as_str()),
        ("send Leave", "EndTyping")
    );
}

#[test]
fn what_a_guest_types_ahead_of_its_own_stop_runs_behind_it_in_order() {
    let mut it = guest(Manner::Terminal);
    at_rest(&mut it);
    line(&mut it, "g; k");
    running(&mut it);
    line(&mut it, "r");
    line(&mut it, "lm");
    assert!(
        !at_rest(&mut it).iter().any(|word| word.starts_with("execute")),
        "its line has more to do"
    );
    let (ticket, outcome) = (Ticket(1), Done);
    assert_eq!(told(&mut it, Notification::Done { ticket, outcome }), ["execute 2 r"]);
    assert_eq!(done(&mut it, 2, Done), ["execute 3 lm"]);
    assert_eq!(done(&mut it, 3, Done), [""; 0], "the prompt is up");
    // CTRL+C takes back what waits, too.
    line(&mut it, "g");
    running(&mut it);
    line(&mut it, "r");
    assert_eq!(
        words(&mut it, Happening::LineCleared { was_empty: true })[..2],
        ["show *** Not run: r\n".trim_end(), "send Interrupt"]
    );
    at_rest(&mut it);
    let (ticket, outcome) = (Ticket(4), Done);
    assert_eq!(told(&mut it, Notification::Done { ticket, outcome }), [""; 0]);
}

#[test]
fn a_guests_last_commands_may_set_targets_going() {
    for manner in [Manner::Terminal, Manner::Transcript] {
        let mut it = guest(manner);
        at_rest(&mut it);
        assert_eq!(line(&mut it, ".remote_exit g"), ["execute 1 g"]);
        assert_eq!(running(&mut it)[0], "send Leave");
    }
}

#[test]
fn ctrl_c_at_an_empty_prompt_is_for_what_others_run() {
    for mut it in [guest(Manner::Terminal), terminal()] {
        at_rest(&mut it);
        let cleared = |it: &mut Conversation, was_empty| words(it, Happening::LineCleared { was_empty });
        assert_eq!(cleared(&mut it, true), ["send Interrupt", "ask 0:000> "]);
        assert_eq!(cleared(&mut it, false), ["ask 0:000> "]);
    }
}

#[test]
fn a_guest_is_told_how_a_guest_leaves() {
    let mut it = guest(Manner::Terminal);
    let first = no_target(&mut it);
    assert!(
        first[0].contains("CTRL+B") && !first[0].contains("q leaves"),
        "{first:?}"
    );
    words(&mut it, Happening::EndOfLines);
    words(&mut it, Happening::Signalled(Signal::Leave(15)));
    let last = words(&mut it, Happening::TimeOver);
    assert!(last[0].contains("the server does not answer"), "{last:?}");
    let mut it = guest(Manner::Terminal);
    at_rest(&mut it);
    line(&mut it, "k");
    let mut interrupt = || words(&mut it, Happening::Signalled(Signal::Interrupt));
    interrupt();
    interrupt();
    let last = interrupt();
    assert!(last.iter().any(|word| word.contains("leaving the session")), "{last:?}");
}

#[test]
fn commands_of_others_are_shown_with_their_author_and_harmless() {
    let mut it = guest(Manner::Terminal);
    at_rest(&mut it);
    let (author, line, prompt) = ("ann@desk".into(), "k\u{1b}[2J".into(), "0:000> ".into());
    let actions = told(&mut it, Notification::Echo { author, line, prompt });
    assert_eq!(actions, ["show [ann@desk] 0:000> k\\e[2J"]);
}

#[test]
fn a_silent_console_says_why_there_is_no_session() {
    let mut it = Conversation::new(Manner::Silent, ConsoleOptions::default());
    let (mask, content) = (OutputMask::ERROR, Content::Text("in use\n".into()));
    let actions = told(&mut it, Notification::Output { mask, content });
    assert_eq!(actions, ["Complain(Text(\"in use\\n\"))"]);
    assert_eq!(ended(&mut it, false), ["exit 3"]);
}

#[test]
fn a_line_that_was_begun_before_a_question_is_no_answer() {
    let mut it = guest(Manner::Terminal);
    at_rest(&mut it);
    let prompt = "00007fff  12 ";
    let wanted = |it: &mut Conversation| asked(it, 7, false, prompt);
    assert_eq!(wanted(&mut it), ["show *** A command asks: 00007fff  12"]);
    let actions = line(&mut it, "10");
    assert!(
        actions.iter().all(|action| !action.contains("AnswerInput")),
        "{actions:?}"
    );
    assert_eq!(actions.last().unwrap(), &format!("ask {prompt}"));
    assert!(line(&mut it, "cc")[0].contains("AnswerInput"));

    let mut it = guest(Manner::Transcript);
    at_rest(&mut it);
    assert_eq!(wanted(&mut it), ["show *** A command asks: 00007fff  12"]);
    assert_eq!(line(&mut it, "k"), ["execute 1 k"]);
}

#[test]
fn a_guest_that_nobody_sits_at_leaves_when_its_lines_are_done() {
    for (commands, first) in [
        (".echo hello", "execute 1 .echo hello"),
        (".remote_exit g", "execute 1 g"),
        (".remote_exit", "send Leave"),
        (".lsrcpath /tmp", "SetSourcePath"),
    ] {
        let options = ConsoleOptions {
            commands: Some(commands.into()),
            silent: true,
            is_guest: true,
            ..ConsoleOptions::default()
        };
        let mut it = Conversation::new(Manner::Silent, options);
        let mut all = at_rest(&mut it);
        assert!(all[1].starts_with(first), "{all:?}");
        if first.starts_with("execute") {
            assert!(!all.contains(&"send Leave".to_owned()));
            let (ticket, outcome) = (Ticket(1), Failed);
            all = told(&mut it, Notification::Done { ticket, outcome });
            if commands == ".echo hello" {
                let (ticket, start, candidates) = (Ticket(PROBES | 1), 0, Vec::new());
                all = told(
                    &mut it,
                    Notification::Completions {
                        ticket,
                        start,
                        candidates,
                    },
                );
            }
        }
        assert!(all.contains(&"send Leave".to_owned()), "{commands}: {all:?}");
        assert_eq!(
            ended(&mut it, true),
            [format!("exit {}", u8::from(first.starts_with("execute")))]
        );
    }
}

#[test]
fn the_key_that_leaves_is_explained_where_it_means_nothing() {
    let mut it = terminal();
    at_rest(&mut it);
    let said = line(&mut it, "\u{2}");
    assert!(said[0].contains("q ends it") && said[1] == "ask 0:000> ", "{said:?}");
    assert_eq!(line(&mut it, ".remote_exit"), ["execute 1 .remote_exit"]);
}

/// Whose question it is decides, and not whether a line of its own is under way: that may wait behind the question.
#[test]
fn a_script_answers_its_own_questions_only() {
    for is_guest in [true, false] {
        let options = ConsoleOptions {
            commands: Some(".clients".into()),
            is_guest,
            ..ConsoleOptions::default()
        };
        let mut it = Conversation::new(Manner::Transcript, options);
        assert_eq!(at_rest(&mut it).last().unwrap(), "execute 1 .clients");
        assert_eq!(
            asked(&mut it, 3, false, "70 Input> "),
            ["show *** A command asks: 70 Input>"]
        );
        told(&mut it, Notification::InputTaken);
        assert_eq!(done(&mut it, 1, Done), ["ask 0:000> "]);
        assert_eq!(line(&mut it, "eb @rsp"), ["execute 2 eb @rsp"]);
        assert_eq!(asked(&mut it, 4, true, "70 Input> "), ["ask 70 Input> "]);
        assert_eq!(line(&mut it, "11"), [answer("11", 4)]);
    }
}

/// Nobody who has nobody at its keys ends what somebody else's command asks for.
#[test]
fn a_silent_guest_leaves_the_questions_of_others_alone() {
    let mut it = guest(Manner::Silent);
    at_rest(&mut it);
    let actions = asked(&mut it, 3, false, "70 Input> ");
    assert_eq!(actions, ["show *** A command asks: 70 Input>"]);
}

#[test]
fn a_line_that_was_begun_for_an_older_question_answers_no_other_and_is_no_command() {
    let late = "show *** That line came too late and was not sent: it was answered, or is asked for no more";
    let mut it = guest(Manner::Terminal);
    at_rest(&mut it);
    line(&mut it, "k");
    assert_eq!(asked(&mut it, 3, false, "e248 70 Input> "), ["ask e248 70 Input> "]);
    // Another has answered, and the command asks for the next.
    assert!(told(&mut it, Notification::InputTaken).is_empty());
    assert_eq!(
        asked(&mut it, 4, false, "e249 7f Input> "),
        ["show *** A command asks: e249 7f Input>"]
    );
    assert_eq!(line(&mut it, ""), [late, "ask e249 7f Input> "]);
    assert_eq!(line(&mut it, "22"), [answer("22", 4)]);
    // The command ends while somebody types for it: an empty line would repeat what was run last.
    assert_eq!(asked(&mut it, 5, false, "e24a 00 Input> "), ["ask e24a 00 Input> "]);
    told(&mut it, Notification::InputTaken);
    assert!(done(&mut it, 1, Done).is_empty());
    assert_eq!(line(&mut it, ""), [late, "ask 0:000> "]);
    assert_eq!(line(&mut it, ""), ["execute 2 "]);
}
