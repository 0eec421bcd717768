//! How much a client may have under way.

use farsight_session::Ticket;
use farsight_session::wire::request_frame;
use farsight_wire::frame::{Limits, PREAMBLE};

use super::*;

/// Brings all that the connection lets through; how many.
fn bring(client: &mut Connection) -> usize {
    std::iter::from_fn(|| client.next_request().ok().flatten()).count()
}

#[test]
fn a_client_is_held_back_for_requests_and_for_bytes_until_they_are_taken_up() {
    for (length, at_once) in [(1, MOST_UNDER_WAY), (100 << 10, 11), (900 << 10, 2)] {
        let (near, _far) = Stream::pair().unwrap();
        let taken: Arc<AtomicU64> = Arc::default();
        let mut client = Connection::new(ClientId(1), ServerId(0), near, Decoder::new(), Arc::clone(&taken));
        client.decoder.set_limits(Limits::SESSION);
        client.decoder.feed(&PREAMBLE);
        let line = "n".repeat(length);
        for number in 0..at_once as u64 + 3 {
            let ticket = Ticket(number);
            let line = line.clone();
            let frame = request_frame(number, 0, &Request::Execute { ticket, line });
            client.decoder.feed(&frame.encode());
        }
        assert_eq!(bring(&mut client), at_once, "requests of {length} bytes");
        assert!(client.is_held_back());
        assert_eq!(bring(&mut client), 0, "requests of {length} bytes");
        taken.store(2, Ordering::Release);
        assert_eq!(bring(&mut client), 2, "requests of {length} bytes");
        taken.store(at_once as u64 + 2, Ordering::Release);
        assert_eq!(bring(&mut client), 1, "requests of {length} bytes");
        assert!(!client.is_held_back());
    }
}
