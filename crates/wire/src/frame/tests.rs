//! Frames in pieces, too long, and of strangers.

use super::*;

fn sample() -> Frame {
    Frame {
        header: Header {
            kind: FrameKind::Reply,
            status: 1,
            operation: 0x0302,
            session: 7,
            number: 0x0102_0304_0506_0708,
            last_event: 9,
            last_reply: 10,
        },
        body: vec![0xa0],
        bulk: b"memory".to_vec(),
    }
}

fn session_decoder() -> Decoder {
    let mut decoder = Decoder::new();
    decoder.set_limits(Limits::SESSION);
    decoder.feed(&PREAMBLE);
    decoder
}

#[test]
fn golden_bytes_of_a_frame() {
    let hex: String = sample().encode().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex,
        "01000000060000000501020300000000\
         07000000000000000807060504030201\
         09000000000000000a00000000000000\
         a06d656d6f7279"
    );
}

#[test]
fn a_frame_survives_every_split() {
    let bytes = sample().encode();
    for cut in 0..=bytes.len() {
        let mut decoder = session_decoder();
        decoder.feed(&bytes[..cut]);
        if cut < bytes.len() {
            assert_eq!(decoder.next_frame(), Ok(None), "cut at {cut}");
        }
        decoder.feed(&bytes[cut..]);
        assert_eq!(decoder.next_frame(), Ok(Some(sample())), "cut at {cut}");
        assert_eq!(decoder.next_frame(), Ok(None));
    }
}

#[test]
fn strangers_are_told_apart_at_the_first_byte() {
    for stranger in [&b"GET / HTTP/1.1\r\n"[..], b"\x16\x03\x01", b"SSH-2.0", b"\0", b"\xff"] {
        let mut decoder = Decoder::new();
        decoder.feed(&stranger[..1]);
        assert_eq!(decoder.next_frame(), Err(WireError::NotOurs));
    }
}

#[test]
fn lengths_are_refused_before_anything_is_allocated() {
    let mut decoder = session_decoder();
    let mut head = sample().encode_head();
    head[..4].copy_from_slice(&u32::MAX.to_le_bytes());
    decoder.feed(&head);
    assert!(matches!(decoder.next_frame(), Err(WireError::TooLong { .. })));
}

#[test]
fn the_first_frame_is_small() {
    let mut decoder = Decoder::new();
    decoder.feed(&PREAMBLE);
    decoder.feed(&Frame::new(Header::new(FrameKind::Hello), vec![0; 4097]).encode());
    assert!(matches!(decoder.next_frame(), Err(WireError::TooLong { .. })));
}

#[test]
fn several_frames_in_one_piece_come_out_in_order() {
    let mut decoder = session_decoder();
    let mut second = sample();
    second.header.number = 2;
    decoder.feed(&[sample().encode(), second.encode()].concat());
    assert_eq!(decoder.next_frame(), Ok(Some(sample())));
    assert_eq!(decoder.next_frame(), Ok(Some(second)));
}
