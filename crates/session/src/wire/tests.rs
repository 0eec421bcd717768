//! Requests and notifications there and back, and the bytes that they keep.

use farsight_types::{AccessRole, ServerId};

use super::*;
use crate::record::{Evaluation, ServerKinds};
use crate::{CommandOutcome, Content, OutputMask, QuestionId, Record, SessionState, Ticket};

/// One of each kind, so that a kind without a row in the tables above shows.
fn requests() -> Vec<Request> {
    vec![
        Request::Execute {
            ticket: Ticket(1),
            line: "k".into(),
        },
        Request::Interrupt,
        Request::AnswerInput {
            text: "yes".into(),
            question: None,
        },
        Request::ProgramInput {
            bytes: vec![3, 10],
            end: true,
        },
        Request::SetOutput {
            mask: OutputMask::DEFAULT,
            width: 80,
        },
        Request::Complete {
            ticket: Ticket(2),
            line: "bp ma".into(),
        },
        Request::Leave,
        Request::EndOfInput,
        Request::ConnectSession {
            history: 4000,
            announce: true,
        },
        Request::ListServers {
            ticket: Ticket(3),
            machine: r"\\BOX17".into(),
            kinds: ServerKinds::ALL,
        },
        Request::AnswerInput {
            text: "no".into(),
            question: Some(QuestionId(4)),
        },
    ]
}

fn notifications() -> Vec<Notification> {
    let mask = OutputMask::NORMAL;
    vec![
        Notification::Output {
            mask,
            content: Content::Text("a\n".into()),
        },
        Notification::Output {
            mask,
            content: Content::Record(Box::new(Record::Evaluation(Evaluation { value: 7, symbol: None }))),
        },
        Notification::ProgramOutput { bytes: vec![0xff] },
        Notification::Echo {
            author: "ann@desk".into(),
            line: "g".into(),
            prompt: "0:000> ".into(),
        },
        Notification::State(SessionState::NoDebuggee),
        Notification::State(SessionState::Accessible {
            prompt: "0:000> ".into(),
        }),
        Notification::State(SessionState::Running),
        Notification::InputWanted {
            prompt: "> ".into(),
            question: None,
            is_own: None,
        },
        Notification::InputTaken,
        Notification::Done {
            ticket: Ticket(1),
            outcome: CommandOutcome::Failed,
        },
        Notification::Completions {
            ticket: Ticket(2),
            start: 3,
            candidates: vec!["main".into()],
        },
        Notification::Ended { clean: true },
        Notification::ProgramTerminal { is_here: true },
        Notification::InputWanted {
            prompt: "> ".into(),
            question: Some(QuestionId(4)),
            is_own: Some(true),
        },
    ]
}

#[test]
fn every_request_survives_the_wire() {
    for (number, request) in (1..).zip(requests()) {
        let frame = request_frame(number, 7, &request);
        assert_eq!((frame.header.number, frame.header.last_event), (number, 7));
        assert_eq!(read_request(&frame), Ok(Some(request)));
    }
}

#[test]
fn every_notification_survives_the_wire() {
    for notification in notifications() {
        let frame = notification_frame(9, &notification);
        assert_eq!(read_notification(&frame), Ok(Some(notification)));
    }
}

#[test]
fn what_a_newer_release_says_is_passed_over() {
    let mut frame = request_frame(1, 0, &Request::Leave);
    frame.header.operation = Operation::new(SERVICE, 200).0;
    frame.body = vec![0xff];
    assert_eq!(read_request(&frame), Ok(None));
    frame.header.kind = FrameKind::Event;
    assert_eq!(read_notification(&frame), Ok(None));
}

#[test]
fn output_of_a_newer_release_is_shown_as_such() {
    // A notification's number and fields; an output's are its mask and its content, whose numbers nest alike.
    let output = |content: &[u8]| [&[0x82, 0, 0x82, 1][..], content].concat();
    let record = |record: &[u8]| output(&[&[0x82, 1, 0x81][..], record].concat());
    let read = |body: Vec<u8>| {
        let mut frame = notification_frame(9, &Notification::InputTaken);
        frame.header.operation = Operation::new(SERVICE, 0).0;
        frame.body = body;
        read_notification(&frame)
    };
    let shown = |text: &str| {
        let content = Content::Text(text.into());
        Ok(Some(Notification::Output {
            mask: OutputMask::NORMAL,
            content,
        }))
    };
    assert_eq!(read(output(b"\x82\0\x81\x62a\n")), shown("a\n"));
    let new_record = b"\x82\x19\x03\xe7\x82\x01\x82\xf5\x61a";
    let newer = shown(NEWER_OUTPUT);
    assert_eq!(read(record(new_record)), newer, "a record");
    assert_eq!(read(output(b"\x82\x18\x63\x80")), newer, "a content that is no record");
    let malformed: [(&str, Vec<u8>); 6] = [
        ("cut short", record(&new_record[..8])),
        ("more behind it", [&record(new_record)[..], &[0]].concat()),
        ("a known record of other fields", record(b"\x82\0\x81\x01")),
        ("a mask that is none", b"\x82\0\x82\x61a\x82\x18\x63\x80".to_vec()),
        ("an unknown state", b"\x82\x03\x81\x82\x18\x63\x80".to_vec()),
        ("an unknown notification", b"\x82\x18\x63\x80".to_vec()),
    ];
    for (what, body) in malformed {
        let read = read(body);
        assert!(matches!(read, Err(WireError::Malformed { .. })), "{what}: {read:?}");
    }
}

#[test]
fn what_is_no_request_is_an_error() {
    let mut frame = notification_frame(1, &Notification::InputTaken);
    assert!(read_request(&frame).is_err());
    frame = request_frame(1, 0, &Request::Leave);
    frame.body = vec![0xff, 0];
    assert!(read_request(&frame).is_err());
}

#[test]
fn golden_bytes() {
    let hex = |frame: &Frame| -> String { frame.body.iter().map(|byte| format!("{byte:02x}")).collect() };
    let lines: Vec<String> = requests()
        .iter()
        .map(|request| hex(&request_frame(0, 0, request)))
        .collect();
    let told = notifications();
    let lines = lines
        .into_iter()
        .chain(told.iter().map(|told| hex(&notification_frame(0, told))));
    let golden: Vec<&str> = include_str!("golden.txt").lines().collect();
    assert_eq!(lines.collect::<Vec<_>>(), golden);
}

#[test]
fn roles_and_servers_keep_their_numbers() {
    assert_eq!(minicbor::to_vec(AccessRole::Owner).unwrap(), [2]);
    assert_eq!(minicbor::to_vec(ServerId(5)).unwrap(), [5]);
}
