//! Bytes through a carried connection, its ends, and what happens to those who change them on the way.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::thread;

use super::making::{Scratch, usual};
use super::{ClientSide, LONG, ServerSide, tcp_pair, tls};
use crate::connection_string::Host;
use crate::stream::Stream;

/// The plain ends of a connection whose encrypted ones are joined by what `between` does with them.
fn joined(between: impl FnOnce(Stream, Stream) + Send + 'static) -> (Stream, Stream) {
    let own = usual();
    let store = Scratch::with("own", &own);
    let server = ServerSide::load_from(&store.store, &tls("own", "")).unwrap();
    let client = ClientSide::load_from(&store.store, &tls("own", ""), &Host::localhost()).unwrap();
    let ((near, near_between), (far_between, far)) = (tcp_pair(), tcp_pair());
    thread::spawn(move || between(near_between, far_between));
    let server = thread::spawn(move || server.wrap(far, LONG).unwrap());
    let client = client.wrap(near, LONG).unwrap();
    (client, server.join().unwrap())
}

/// Passes bytes on, `pass` deciding on each piece of the way to the server: its answer is passed on, `None` is the end.
fn relay(near: Stream, far: Stream, mut pass: impl FnMut(&mut [u8]) -> Option<usize> + Send + 'static) {
    let (mut from, mut to) = (far.try_clone().unwrap(), near.try_clone().unwrap());
    let back = thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = (&near).read(&mut piece) {
        match pass(&mut piece[..length]) {
            Some(length) if (&far).write_all(&piece[..length]).is_ok() => {}
            _ => break,
        }
    }
    let _ = far.shutdown(Shutdown::Write);
    back.join().unwrap();
}

fn honest(near: Stream, far: Stream) {
    relay(near, far, |piece| Some(piece.len()));
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251) as u8).collect()
}

#[test]
fn megabytes_pass_both_ways_at_once_and_half_closed_ends_are_passed_on() {
    let (client, server) = joined(honest);
    let exchange = |stream: Stream, length: usize| {
        thread::spawn(move || {
            let mut reader = stream.try_clone().unwrap();
            let read = thread::spawn(move || {
                let mut read = Vec::new();
                reader.read_to_end(&mut read).unwrap();
                read
            });
            (&stream).write_all(&pattern(length)).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            read.join().unwrap()
        })
    };
    let (near, far) = (exchange(client, 5_000_000), exchange(server, 3_000_001));
    assert!(near.join().unwrap() == pattern(3_000_001));
    assert!(far.join().unwrap() == pattern(5_000_000));
}

#[test]
fn an_answer_comes_back_behind_a_half_closed_question() {
    let (mut client, mut server) = joined(honest);
    client.write_all(b"question").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut question = Vec::new();
    server.read_to_end(&mut question).unwrap();
    assert_eq!(question, b"question");
    server.write_all(b"answer").unwrap();
    drop(server);
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"answer");
}

#[test]
fn who_takes_nothing_makes_the_other_side_wait_and_nothing_is_piled_up() {
    let (mut client, mut server) = joined(honest);
    client.set_nonblocking(true).unwrap();
    let piece = pattern(1 << 16);
    let mut sent = Vec::new();
    // Until nothing has been taken for a while, which is the only way to tell that nothing will be.
    client.set_nonblocking(false).unwrap();
    client
        .set_write_timeout(Some(std::time::Duration::from_millis(500)))
        .unwrap();
    loop {
        match client.write(&piece) {
            Ok(length) => sent.extend_from_slice(&piece[..length]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
            Err(error) => panic!("{error}"),
        }
        // What the kernel keeps for six sockets, and a piece or two of ours.
        assert!(sent.len() < 64 << 20, "it takes everything");
    }
    client.shutdown(Shutdown::Write).unwrap();
    let mut read = Vec::new();
    server.read_to_end(&mut read).unwrap();
    assert!(read == sent);
}

/// Whether both directions are at their end: nothing can be written any more.
fn is_cut(stream: &mut Stream) -> bool {
    stream.set_read_timeout(Some(LONG)).unwrap();
    let mut rest = Vec::new();
    let ended = stream.read_to_end(&mut rest).is_ok() || rest.is_empty();
    ended && stream.write(b"x").is_err()
}

#[test]
fn a_truncated_connection_is_cut_and_not_taken_for_an_end() {
    // The second piece behind the handshake never comes, and the end is not announced.
    let (mut client, mut server) = joined(|near, far| {
        let mut marked = 0;
        relay(near, far, move |piece| {
            marked += usize::from(piece.len() == 5 + 5 + 17);
            (marked < 2).then_some(piece.len())
        });
    });
    client.write_all(b"first").unwrap();
    let mut word = [0; 5];
    server.read_exact(&mut word).unwrap();
    assert_eq!(&word, b"first");
    client.write_all(b"other").unwrap();
    assert!(is_cut(&mut server));
}

#[test]
fn what_was_changed_on_the_way_is_never_delivered() {
    let (mut client, mut server) = joined(|near, far| {
        let mut marked = 0;
        relay(near, far, move |piece| {
            marked += usize::from(piece.len() == 5 + 5 + 17);
            if marked == 2 {
                piece[8] ^= 1;
            }
            Some(piece.len())
        });
    });
    client.write_all(b"first").unwrap();
    let mut word = [0; 5];
    server.read_exact(&mut word).unwrap();
    client.write_all(b"other").unwrap();
    server.set_read_timeout(Some(LONG)).unwrap();
    let mut rest = Vec::new();
    let _ = server.read_to_end(&mut rest);
    assert!(rest.is_empty(), "{rest:?}");
    assert!(is_cut(&mut server) && is_cut(&mut client));
}

#[test]
fn nothing_that_is_written_can_be_seen_between() {
    let (seen, record) = std::sync::mpsc::channel();
    let (mut client, mut server) = joined(move |near, far| {
        relay(near, far, move |piece| {
            seen.send(piece.to_vec()).unwrap();
            Some(piece.len())
        });
    });
    let plain = b"attack at dawn, from the east";
    client.write_all(plain).unwrap();
    let mut word = [0; 29];
    server.read_exact(&mut word).unwrap();
    drop((client, server));
    let seen: Vec<u8> = record.iter().flatten().collect();
    assert!(seen.len() > 250);
    assert!(!plain.windows(8).any(|run| seen.windows(8).any(|other| other == run)));
}

#[test]
fn carriers_end_with_their_streams() {
    for first_client in [true, false] {
        let (client, mut server) = joined(honest);
        let (first, mut last) = match first_client {
            true => (client, server),
            false => {
                let second = std::mem::replace(&mut server, client);
                (second, server)
            }
        };
        (&first).write_all(b"last words").unwrap();
        drop(first);
        let mut words = Vec::new();
        last.read_to_end(&mut words).unwrap();
        assert_eq!(words, b"last words");
    }
    // Those of other tests in this process have an end to come to as well.
    crate::settle(LONG);
    assert!(crate::carriers::live() == 0 || std::env::var_os("NEXTEST").is_none());
}
