//! Both ends of a secure channel, given whatever somebody sends who knows the secret or does not.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use farsight_transport::channel::{Locks, PREAMBLE, Responder, prove};
use farsight_transport::{ClientRole, ClientTransport, Listener, ServerRole, ServerTransport, Stream};

/// What is read of one input at the most; more is only more of the same.
const MOST: usize = 64 << 10;

/// A server's end, and what it opens of the bytes behind an opening; or a client's.
pub fn secure_channel(input: &[u8]) {
    let Some((first, input)) = input.split_first() else {
        return;
    };
    let input = &input[..input.len().min(MOST)];
    match first % 4 {
        0 => server(input, "key=aaaaaaaaaaaaaaaaaaaaaaaaacxko"),
        1 => server(input, "password=Swordfish"),
        2 => client(input, "key=aaaaaaaaaaaaaaaaaaaaaaaaacxko"),
        _ => client(input, "password=Swordfish"),
    }
}

fn locks(secret: &str) -> Locks {
    // A pipe that is bound and gone again.
    let name = format!(
        "npipe:pipe=fuzzed-{}-{:?},{secret}",
        std::process::id(),
        std::thread::current().id()
    );
    let name = name.replace(['(', ')'], "-");
    let transport = ServerTransport::parse(&name, ServerRole::DebuggingServer).expect("a transport");
    Listener::bind(&transport).expect("a pipe").locks(true)
}

fn server(input: &[u8], secret: &str) {
    thread_local! {
        static LOCKS: std::cell::RefCell<Vec<(String, Locks)>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    let locks = LOCKS.with_borrow_mut(|known| {
        if let Some((_, locks)) = known.iter().find(|(of, _)| of == secret) {
            return locks.clone();
        }
        let locks = locks(secret);
        known.push((secret.to_owned(), locks.clone()));
        locks
    });
    let whole = [&PREAMBLE[..], input].concat();
    for bytes in [input, &whole] {
        let Ok(Some(responder)) = Responder::read(bytes) else {
            continue;
        };
        let (near, far) = Stream::pair().expect("a pair");
        if let Ok((sealed, _)) = responder.answer_on(near, &locks) {
            feed(&far, input);
            read(&sealed);
        }
    }
}

fn client(input: &[u8], secret: &str) {
    let text = format!("npipe:pipe=x,{secret}");
    let transport = ClientTransport::parse(&text, ClientRole::DebuggingClient).expect("a transport");
    let credential = transport.credential.expect("a credential");
    for bytes in [input.to_vec(), [&PREAMBLE[..], input].concat()] {
        let (near, far) = Stream::pair().expect("a pair");
        feed(&far, &bytes);
        if let Ok(sealed) = prove(near, &credential, Duration::from_secs(5)) {
            read(&sealed);
        }
    }
}

/// Sends it all and hangs up.
fn feed(mut far: &Stream, bytes: &[u8]) {
    far.write_all(bytes).expect("room");
    far.shutdown(Shutdown::Write).expect("a socket");
}

fn read(mut sealed: &Stream) {
    let mut opened = Vec::new();
    // Nobody else knows the keys, so that nothing ever opens.
    assert!(sealed.read_to_end(&mut opened).is_err() || opened.is_empty());
}
