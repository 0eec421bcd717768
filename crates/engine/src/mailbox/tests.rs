//! Waiting for one answer while everything else arrives.

use std::sync::mpsc::{Sender, channel};

use farsight_session::{ClientId, Ticket};
use farsight_types::AccessRole;

use super::*;

/// Frames that were sent, to be looked at.
struct Wire(Sender<Frame>);

impl LinkSender for Wire {
    fn send(&self, frame: Frame) -> Result<(), PortError> {
        self.0.send(frame).map_err(|_| PortError::Lost)
    }
}

struct Fixture {
    inbox: Sender<EngineMessage>,
    mailbox: Rc<Mailbox>,
    link: Link,
    sent: Receiver<Frame>,
}

const LINK: LinkId = LinkId(3);

fn fixture() -> Fixture {
    let (inbox, messages) = channel();
    let mailbox = Mailbox::new(messages);
    mailbox.clients.borrow_mut().insert(
        ClientId(0),
        Heard {
            role: AccessRole::Owner,
            is_console: true,
            joined: true,
            taken: Arc::default(),
        },
    );
    let link = Link::new(LINK, &mailbox);
    let (wire, sent) = channel();
    link.set_sender(Box::new(Wire(wire)));
    Fixture {
        inbox,
        mailbox,
        link,
        sent,
    }
}

impl Fixture {
    fn ask(&self) -> u64 {
        let call = Call {
            operation: Operation(7),
            body: Vec::new(),
            bulk: Vec::new(),
        };
        self.link.send(call).unwrap()
    }

    fn news(&self, news: LinkNews) {
        self.inbox.send(EngineMessage::Link(LINK, news)).unwrap();
    }

    fn answer(&self, number: u64, body: u8) {
        let reply = Reply {
            status: CallStatus::Done,
            body: vec![body],
            bulk: Vec::new(),
        };
        self.news(LinkNews::Reply { number, reply });
    }

    fn request(&self, request: Request) {
        self.inbox.send(EngineMessage::Client(ClientId(0), request)).unwrap();
    }
}

fn execute(number: u64) -> Request {
    Request::Execute {
        ticket: Ticket(number),
        line: "k".into(),
    }
}

#[test]
fn answers_are_matched_in_any_order_and_other_messages_wait_their_turn() {
    let fixture = fixture();
    let (first, second) = (fixture.ask(), fixture.ask());
    fixture.answer(second, 2);
    fixture.request(execute(1));
    fixture.answer(first, 1);
    fixture.request(execute(2));
    assert_eq!(fixture.link.wait(first).unwrap().body, [1]);
    assert_eq!(fixture.link.wait(second).unwrap().body, [2]);
    for wanted in [execute(1), execute(2)] {
        match fixture.mailbox.next() {
            Some(EngineMessage::Client(_, request)) => assert_eq!(request, wanted),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_client_that_goes_ends_a_wait_and_is_heard_then() {
    for going in [Request::EndOfInput, Request::Leave] {
        let fixture = fixture();
        let number = fixture.ask();
        fixture.request(going.clone());
        assert_eq!(fixture.link.wait(number).unwrap_err(), PortError::Cancelled);
        match fixture.mailbox.next() {
            Some(EngineMessage::Client(_, request)) => assert_eq!(request, going),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_interrupt_ends_a_wait_and_the_late_answer_is_nobodys() {
    let fixture = fixture();
    let number = fixture.ask();
    fixture.request(Request::Interrupt);
    assert_eq!(fixture.link.wait(number).unwrap_err(), PortError::Cancelled);
    assert!(fixture.mailbox.is_interrupted());
    fixture.mailbox.clear_interrupt();
    fixture.answer(number, 9);
    fixture.request(Request::Leave);
    assert!(matches!(
        fixture.mailbox.next(),
        Some(EngineMessage::Client(_, Request::Leave))
    ));
    let next = fixture.ask();
    fixture.answer(next, 4);
    assert_eq!(fixture.link.wait(next).unwrap().body, [4]);
}

#[test]
fn a_lost_link_ends_waits_but_not_answers_that_came_before() {
    let fixture = fixture();
    let (first, second) = (fixture.ask(), fixture.ask());
    fixture.answer(first, 1);
    fixture.news(LinkNews::Lost { why: "cut".into() });
    assert_eq!(fixture.link.wait(second).unwrap_err(), PortError::Lost);
    assert_eq!(fixture.link.wait(first).unwrap().body, [1]);
    let call = Call {
        operation: Operation(7),
        body: Vec::new(),
        bulk: Vec::new(),
    };
    assert_eq!(fixture.link.send(call).unwrap_err(), PortError::Lost);
    assert!(matches!(
        fixture.mailbox.next(),
        Some(EngineMessage::Link(LINK, LinkNews::Lost { .. }))
    ));
}

#[test]
fn a_watched_answer_wakes_the_loop_and_can_be_read_before_its_turn() {
    let fixture = fixture();
    let number = fixture.ask();
    fixture.link.watch(number);
    fixture.request(execute(1));
    fixture.answer(number, 5);
    let other = fixture.ask();
    fixture.answer(other, 6);
    assert_eq!(fixture.link.wait(other).unwrap().body, [6]);
    assert_eq!(fixture.link.wait(number).unwrap().body, [5]);
    assert!(matches!(fixture.mailbox.next(), Some(EngineMessage::Client(..))));
    match fixture.mailbox.next() {
        Some(EngineMessage::Link(LINK, LinkNews::Reply { number: woken, .. })) => assert_eq!(woken, number),
        other => panic!("{other:?}"),
    }
}

#[test]
fn headers_tell_what_has_arrived() {
    let fixture = fixture();
    let number = fixture.ask();
    fixture.answer(number, 0);
    fixture.link.wait(number).unwrap();
    fixture.news(LinkNews::Event(farsight_target::Event::End(
        farsight_target::SessionEnd { why: "test".into() },
    )));
    fixture.mailbox.next().unwrap();
    fixture.ask();
    fixture.link.urgent(Operation(8)).unwrap();
    let headers: Vec<Header> = fixture.sent.try_iter().map(|frame| frame.header).collect();
    let numbers: Vec<(u64, u64, u64)> = headers
        .iter()
        .map(|header| (header.number, header.last_event, header.last_reply))
        .collect();
    assert_eq!(numbers, [(1, 0, 0), (2, 1, 1), (0, 1, 1)]);
    assert_eq!(headers[2].kind, FrameKind::Urgent);
}

#[test]
fn a_patient_wait_outlasts_an_interrupt_and_keeps_it() {
    let fixture = fixture();
    let number = fixture.ask();
    fixture.request(Request::Interrupt);
    fixture.answer(number, 3);
    let reply = fixture.mailbox.patiently(|| fixture.link.wait(number));
    assert_eq!(reply.unwrap().body, [3]);
    assert!(fixture.mailbox.take_interrupt());
    assert!(!fixture.mailbox.take_interrupt());
}

/// Invariant: for somebody who only looks, nothing goes out that changes a target, whatever command asks for it.
#[test]
fn no_change_is_sent_for_whoever_only_looks() {
    let fixture = fixture();
    let (read, write) = (Operation::new(4, 4), Operation::new(4, 5));
    assert!(!changes_state(read) && changes_state(write));
    let ask = |operation| {
        let (body, bulk) = (Vec::new(), Vec::new());
        fixture.link.send(Call { operation, body, bulk })
    };
    fixture.mailbox.set_only_look(true);
    assert!(ask(read).is_ok());
    assert_eq!(ask(write).unwrap_err(), PortError::Forbidden);
    assert_eq!(fixture.link.urgent(write).unwrap_err(), PortError::Forbidden);
    fixture.mailbox.set_only_look(false);
    assert!(ask(write).is_ok());
    let sent: Vec<u16> = fixture.sent.try_iter().map(|frame| frame.header.operation).collect();
    assert_eq!(sent, [read.0, write.0]);
}

#[test]
fn one_end_behind_another_still_ends_what_runs() {
    let fixture = fixture();
    let gone = EngineMessage::Gone(ClientId(7), crate::ClientLoss::Vanished);
    fixture.inbox.send(gone).unwrap();
    fixture.request(execute(1));
    fixture.request(Request::EndOfInput);
    assert!(fixture.mailbox.is_interrupted());
    assert!(matches!(fixture.mailbox.next(), Some(EngineMessage::Gone(..))));
    assert!(fixture.mailbox.is_interrupted(), "the end of the input waits still");
}

#[test]
fn an_observer_ends_its_own_command_and_breaks_into_nothing() {
    let fixture = fixture();
    let observer = ClientId(1);
    let taken: Arc<AtomicU64> = Arc::default();
    let heard = Heard {
        role: AccessRole::Observer,
        is_console: false,
        joined: true,
        taken: Arc::clone(&taken),
    };
    fixture.mailbox.clients.borrow_mut().insert(observer, heard);
    let interrupt = || {
        fixture
            .inbox
            .send(EngineMessage::Client(observer, Request::Interrupt))
            .unwrap()
    };
    interrupt();
    assert!(!fixture.mailbox.is_interrupted(), "the command is another's");
    fixture.mailbox.set_author(Some(observer));
    interrupt();
    assert!(fixture.mailbox.is_interrupted());
    assert!(
        !fixture.mailbox.take_interrupt(),
        "nothing is carried over to the targets"
    );
    assert_eq!(taken.load(Ordering::Acquire), 1, "the first waits to be refused");
    let refused = fixture.mailbox.next();
    assert!(matches!(refused, Some(EngineMessage::Client(_, Request::Interrupt))));
    assert_eq!(taken.load(Ordering::Acquire), 2);
}

#[test]
fn who_has_not_joined_ends_nothing() {
    let fixture = fixture();
    let stranger = ClientId(1);
    let heard = Heard {
        is_console: false,
        role: AccessRole::Owner,
        joined: false,
        taken: Arc::default(),
    };
    fixture.mailbox.clients.borrow_mut().insert(stranger, heard);
    let send = |request| fixture.inbox.send(EngineMessage::Client(stranger, request)).unwrap();
    send(Request::Interrupt);
    assert!(!fixture.mailbox.is_interrupted());
    let (history, announce) = (0, true);
    send(Request::ConnectSession { history, announce });
    send(Request::Interrupt);
    assert!(fixture.mailbox.is_interrupted());
}

#[test]
fn work_on_values_hears_of_an_interrupt_within_few_steps() {
    let fixture = fixture();
    let mut interrupts = crate::values::Interrupts::new(&fixture.mailbox);
    assert!((0..1000).all(|_| !interrupts.ask()));
    fixture.request(Request::Interrupt);
    assert!((0..100).any(|_| interrupts.ask()));
    assert!(interrupts.came());
}
