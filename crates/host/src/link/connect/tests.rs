//! The first exchange with servers, strangers and silence.

use std::thread;

use farsight_wire::Header;
use farsight_wire::handshake::{Refusal, ServerKind, SessionTicket, read_hello};

use super::*;

/// Both halves of the first exchange.
fn open(stream: Stream, time: Duration) -> Result<Connected, Trouble> {
    let write_error = say_hello(&stream, Role::SmartClient).err();
    hear_answer(stream, Role::SmartClient, time, write_error)
}

const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(20);

/// Opens a session with a server that first reads our whole first frame and then does as scripted.
fn against(time: Duration, script: impl FnOnce(Stream, Hello) + Send + 'static) -> Result<Connected, Trouble> {
    let (near, far) = Stream::pair().unwrap();
    let server = thread::spawn(move || {
        let mut decoder = Decoder::new();
        let frame = loop {
            if let Some(frame) = decoder.next_frame().unwrap() {
                break frame;
            }
            let mut chunk = [0; 512];
            let length = (&far).read(&mut chunk).unwrap();
            assert_ne!(length, 0);
            decoder.feed(&chunk[..length]);
        };
        script(far, read_hello(&frame).unwrap());
    });
    let outcome = open(near, time);
    server.join().unwrap();
    outcome
}

fn says(bytes: impl AsRef<[u8]> + Send + 'static) -> String {
    let outcome = against(LONG, move |far, _| (&far).write_all(bytes.as_ref()).unwrap());
    outcome.unwrap_err().to_string()
}

fn says_frame(frame: &Frame) -> String {
    let mut bytes = PREAMBLE.to_vec();
    bytes.extend_from_slice(&frame.encode());
    says(bytes)
}

fn welcome(server: ServerKind) -> Welcome {
    Welcome {
        version: 1,
        server,
        product: "dbgsrv 0.1.0".into(),
        machine: "box17".into(),
        capabilities: vec!["linux-processes".into()],
        ticket: Some(SessionTicket {
            session: 42,
            secret: vec![7; 16],
        }),
    }
}

#[test]
fn strangers_are_told_apart() {
    let web = says("HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n");
    assert!(web.contains("web server (\"HTTP/1.1 400 Bad Request\")"), "{web}");
    assert!(says("SSH-2.0-OpenSSH_9.2\r\n").contains("ssh server"));
    assert!(says(b"\x15\x03\x01\x00\x02\x02\x28").contains("TLS"));
    assert!(says("$OK#9a").contains("GDB stub"));
    let noise = says(b"\x1b[2J\x07hello");
    assert!(noise.contains(r#""\x1b[2J\x07hello""#), "{noise}");
}

#[test]
fn silence_ends_at_the_deadline() {
    let (near, _far) = Stream::pair().unwrap();
    let trouble = open(near, SHORT).unwrap_err();
    assert!(matches!(trouble, Trouble::Silent { .. }), "{trouble}");
}

#[test]
fn half_a_preamble_is_silence_too() {
    let (near, far) = Stream::pair().unwrap();
    (&far).write_all(&PREAMBLE[..5]).unwrap();
    let trouble = open(near, SHORT).unwrap_err();
    assert!(matches!(trouble, Trouble::Silent { .. }), "{trouble}");
}

#[test]
fn an_early_close_is_named() {
    let trouble = against(LONG, |far, _| drop(far)).unwrap_err();
    assert!(matches!(trouble, Trouble::Closed), "{trouble}");
    let (near, far) = Stream::pair().unwrap();
    drop(far);
    let trouble = open(near, LONG).unwrap_err();
    assert!(matches!(trouble, Trouble::Closed), "{trouble}");
}

#[test]
fn a_refusal_is_passed_on() {
    let refusal = Refusal::WrongKind {
        server: ServerKind::DebuggingServer,
    };
    let text = says_frame(&opening_frame(FrameKind::Refused, &refusal));
    assert!(text.contains("debugging server (connect with -remote)"), "{text}");
    let refusal = Refusal::Busy { sessions: 3 };
    assert!(says_frame(&opening_frame(FrameKind::Refused, &refusal)).contains("limit of 3 sessions"));
}

#[test]
fn a_welcome_of_another_kind_of_server_is_refused_here() {
    let frame = opening_frame(FrameKind::Welcome, &welcome(ServerKind::KernelConnectionServer));
    assert!(says_frame(&frame).contains("kernel connection server"));
}

#[test]
fn a_huge_first_frame_is_refused_before_it_is_read() {
    let mut bytes = PREAMBLE.to_vec();
    bytes.extend_from_slice(&u32::MAX.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.push(FrameKind::Welcome as u8);
    bytes.extend_from_slice(&[0; 39]);
    assert!(says(bytes).contains("4294967295 bytes exceeds the limit"));
}

#[test]
fn a_request_is_no_answer() {
    let text = says_frame(&Frame::new(Header::new(FrameKind::Request), Vec::new()));
    assert!(text.contains("unexpected frame kind"), "{text}");
}

#[test]
fn a_welcome_opens_the_session_and_keeps_what_came_behind_it() {
    let connected = against(LONG, |far, hello| {
        assert_eq!(hello.role, Role::SmartClient);
        assert!(hello.product.starts_with("farsight "));
        let mut bytes = PREAMBLE.to_vec();
        bytes.extend_from_slice(&opening_frame(FrameKind::Welcome, &welcome(ServerKind::ProcessServer)).encode());
        bytes.extend_from_slice(&Frame::new(Header::new(FrameKind::Ping), Vec::new()).encode());
        // In pieces, as a network may have it.
        for piece in bytes.chunks(7) {
            (&far).write_all(piece).unwrap();
        }
    });
    let mut connected = connected.unwrap();
    assert_eq!(connected.welcome.machine, "box17");
    let mut chunk = [0; 512];
    let behind = loop {
        if let Some(frame) = connected.decoder.next_frame().unwrap() {
            break frame;
        }
        let length = (&connected.stream).read(&mut chunk).unwrap();
        assert_ne!(length, 0);
        connected.decoder.feed(&chunk[..length]);
    };
    assert_eq!(behind.header.kind, FrameKind::Ping);
}

#[test]
fn a_user_without_an_environment_has_the_systems_name() {
    let known = "root:x:0:0:root:/root:/bin/sh\nbroken\nann:x:1000:1000::/home/ann:/bin/sh\n";
    for (uid, name) in [(0, Some("root")), (1000, Some("ann")), (1, None)] {
        assert_eq!(user_in(known, uid).as_deref(), name);
    }
    assert_ne!(user_of_the_system(), "");
}
