//! Whole consoles over a scripted engine.

use std::sync::Arc;

use farsight_session::{ClientId, CommandOutcome, Content, Introduction, SessionState};

use super::*;

/// What the console wrote, for a test to look at when it is over.
struct Sink(Sender<u8>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        bytes.iter().for_each(|byte| self.0.send(*byte).unwrap());
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A pipe whose reader has gone.
struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn state(text: &str) -> Notification {
    Notification::State(match text {
        "running" => SessionState::Running,
        "none" => SessionState::NoDebuggee,
        prompt => SessionState::Accessible { prompt: prompt.into() },
    })
}

fn text(text: &str) -> Notification {
    Notification::Output {
        mask: OutputMask::NORMAL,
        content: Content::Text(text.into()),
    }
}

/// An engine that attaches, knows `k` and `g`, and refuses everything else.
fn answer(request: Request) -> Vec<Notification> {
    let Request::Execute { ticket, line } = request else {
        return match request {
            Request::Complete { ticket, .. } => vec![Notification::Completions {
                ticket,
                start: 0,
                candidates: Vec::new(),
            }],
            Request::EndOfInput => vec![text("detached\n"), Notification::Ended { clean: true }],
            _ => Vec::new(),
        };
    };
    let done = |outcome| Notification::Done { ticket, outcome };
    match line.as_str() {
        "k" => vec![text("main\n"), done(CommandOutcome::Done)],
        "g" => vec![
            state("running"),
            Notification::ProgramOutput {
                bytes: b"Name?\x1b[2J ".to_vec(),
            },
            text("Breakpoint 0 hit\n"),
            state("0:001> "),
            done(CommandOutcome::Done),
        ],
        _ => vec![text("Syntax error\n"), done(CommandOutcome::Failed)],
    }
}

/// Runs a whole console over scripted ends; answers its exit code.
fn converse(out: Box<dyn Write + Send>, commands: Option<&str>, input: &'static str) -> u8 {
    let (requests, asked) = channel::<Request>();
    let (client, engines_end) = Client::new(
        ClientId(0),
        Introduction::console("tester"),
        Arc::new(move |_, request| {
            let _ = requests.send(request);
        }),
    );
    let engine = thread::spawn(move || {
        let to = Arc::from([ClientId(0)]);
        let tell = |notification| engines_end.notifications.tell(&to, Arc::new(notification)).is_ok();
        tell(state("running"));
        tell(text("attached\n"));
        tell(state("0:000> "));
        while let Ok(request) = asked.recv_timeout(Duration::from_secs(20)) {
            for notification in answer(request) {
                let last = matches!(notification, Notification::Ended { .. });
                tell(notification);
                if last {
                    return;
                }
            }
        }
        panic!("the console neither asked nor ended");
    });
    let (inbox, happenings) = channel();
    let source = Box::new(Plain(input.as_bytes()));
    let options = ConsoleOptions {
        commands: commands.map(str::to_owned),
        first_target: FirstTarget::Process,
        ..ConsoleOptions::default()
    };
    let end = Console {
        manner: Manner::Transcript,
        conversation: Conversation::new(Manner::Transcript, options),
        screen: Screen::new(out, None),
        send: Box::new(client.sender()),
        source: SourceThread::start(source, inbox.clone()).unwrap(),
        completions: None,
        asked: String::new(),
        deadline: None,
        width: 0,
        screen_lost: false,
        terminal: None,
    }
    .run(client, inbox, &happenings)
    .unwrap();
    engine.join().unwrap();
    assert!(end.engine_ended);
    end.code
}

fn transcript(commands: Option<&str>, input: &'static str) -> (String, u8) {
    let (sender, written) = channel();
    let code = converse(Box::new(Sink(sender)), commands, input);
    (String::from_utf8(written.iter().collect()).unwrap(), code)
}

#[test]
fn a_transcript_reads_like_a_session() {
    let (shown, code) = transcript(Some("k"), "g\n\nk\n");
    let expected = expect_test::expect![[r#"
        attached
        0:000> k
        main
        0:000> g
        Name? 
        Breakpoint 0 hit
        0:001> 
        0:001> k
        main
        detached
    "#]];
    expected.assert_eq(&shown);
    assert_eq!(code, 0);
}

#[test]
fn what_fails_is_shown_and_counted() {
    let (shown, code) = transcript(None, "frob\nk\n");
    assert!(shown.contains("0:000> frob\nSyntax error\n0:000> k\nmain\n"), "{shown}");
    assert_eq!(code, 1);
}

#[test]
fn a_reader_that_goes_ends_the_session_in_good_order() {
    assert_eq!(converse(Box::new(Broken), Some("g"), "g\ng\ng\n"), 1);
}
