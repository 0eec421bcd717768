//! What the hub tells and when it waits, without clients.

use std::sync::mpsc::channel;

use farsight_session::wire::read_notification;
use farsight_session::{Gone, Ticket};

use super::*;

struct Nobody;

impl Sink for Nobody {
    fn tell(&self, _: &Arc<[ClientId]>, _: Arc<Notification>) -> Result<(), Gone> {
        Err(Gone)
    }

    fn waiting(&self) -> usize {
        0
    }
}

fn hub() -> (Sender<Order>, Arc<AtomicU64>, Hub) {
    let (orders, ordered) = channel();
    let (engine, _) = channel();
    let followed: Arc<AtomicU64> = Arc::default();
    let waker = Arc::new(Waker::new().unwrap());
    let counter = Arc::clone(&followed);
    let hub = Hub::new(ordered, counter, waker, Arc::new(Nobody), engine, Limits::default());
    (orders, followed, hub)
}

#[test]
fn what_no_client_would_read_is_told_as_an_error() {
    let mask = OutputMask::NORMAL;
    let text = |length: usize| Notification::Output {
        mask,
        content: Content::Text("n".repeat(length)),
    };
    let read = |told: &Notification| {
        let frame = frame_that_fits(7, told);
        assert_eq!(frame.header.number, 7);
        read_notification(&frame).unwrap().unwrap()
    };
    assert_eq!(read(&text(15 << 20)), text(15 << 20));
    let instead = "output of 17 MiB is too large to be sent; narrow the command\n";
    assert_eq!(
        read(&text(17 << 20)),
        Notification::Output {
            mask: OutputMask::ERROR,
            content: Content::Text(instead.into()),
        }
    );
    // Whoever waits for an answer gets one.
    let completions = |candidates| Notification::Completions {
        ticket: Ticket(3),
        start: 1,
        candidates,
    };
    assert_eq!(read(&completions(vec!["n".repeat(17 << 20)])), completions(Vec::new()));
}

#[test]
fn a_rest_that_is_over_is_no_deadline() {
    let (orders, _, mut hub) = hub();
    hub.rest_until = Some(Instant::now());
    hub.wait(true).unwrap();
    assert_eq!(hub.next_deadline(), None);
    hub.rest_until = Some(Instant::now() + Duration::from_secs(3600));
    hub.wait(true).unwrap();
    assert!(hub.next_deadline().is_some(), "a rest is forgotten before it is over");
    let server = ServerId(0);
    orders
        .send(Order::Close {
            server,
            cut_clients: true,
        })
        .unwrap();
    assert!(hub.follow_orders());
    assert_eq!(hub.next_deadline(), None);
}

#[test]
fn the_engine_sees_how_far_the_hub_is_behind() {
    let (orders, followed, mut hub) = hub();
    let handle = super::super::HubHandle {
        orders,
        given: Arc::default(),
        followed,
        waker: Arc::clone(&hub.waker),
    };
    let told = Arc::new(Notification::InputTaken);
    for _ in 0..5 {
        handle.tell(&Arc::from([ClientId(1)]), Arc::clone(&told)).unwrap();
    }
    assert_eq!(handle.waiting(), 5);
    hub.follow_orders();
    assert_eq!(handle.waiting(), 0);
    handle.tell(&Arc::from([ClientId(1)]), Arc::clone(&told)).unwrap();
    drop(hub);
    assert_eq!(handle.waiting(), 0, "nobody waits for a hub that has ended");
    assert_eq!(handle.tell(&Arc::from([ClientId(1)]), told), Err(Gone));
    assert_eq!(handle.waiting(), 0);
}
