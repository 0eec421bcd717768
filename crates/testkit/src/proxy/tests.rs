//! The proxy between a client and a server that both only know frames.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use farsight_wire::frame::PREAMBLE;
use farsight_wire::{Decoder, Frame, FrameKind, Header, Limits};

use super::*;

/// Answers each request with a reply of the same number, at once.
fn echo_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(&PREAMBLE).unwrap();
        let mut frames = Frames::new(stream.try_clone().unwrap());
        while let Some(frame) = frames.next() {
            let mut header = Header::new(FrameKind::Reply);
            header.number = frame.header.number;
            if stream.write_all(&Frame::new(header, frame.body).encode()).is_err() {
                return;
            }
        }
    });
    address
}

struct Frames {
    stream: TcpStream,
    decoder: Decoder,
}

impl Frames {
    fn new(stream: TcpStream) -> Frames {
        let mut decoder = Decoder::new();
        decoder.set_limits(Limits::SESSION);
        Frames { stream, decoder }
    }

    fn next(&mut self) -> Option<Frame> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(frame) = self.decoder.next_frame().unwrap() {
                return Some(frame);
            }
            match self.stream.read(&mut buffer) {
                Ok(0) | Err(_) => return None,
                Ok(length) => self.decoder.feed(&buffer[..length]),
            }
        }
    }
}

fn request(number: u64) -> Vec<u8> {
    let mut header = Header::new(FrameKind::Request);
    header.number = number;
    Frame::new(header, vec![7; 100]).encode()
}

fn connect(plan: ProxyPlan) -> (Proxy, TcpStream, Frames) {
    let proxy = Proxy::start(echo_server(), plan);
    let mut stream = TcpStream::connect(proxy.address()).unwrap();
    stream.write_all(&PREAMBLE).unwrap();
    let frames = Frames::new(stream.try_clone().unwrap());
    (proxy, stream, frames)
}

#[test]
fn pipelined_requests_are_one_round_trip_and_dependent_ones_are_many() {
    let (proxy, mut stream, mut frames) = connect(ProxyPlan::far_away());
    for number in 1..=10 {
        stream.write_all(&request(number)).unwrap();
    }
    for number in 1..=10 {
        assert_eq!(frames.next().unwrap().header.number, number);
    }
    let counts = proxy.take_counts();
    assert_eq!(
        (counts.connections, counts.alternations, counts.requests, counts.replies),
        (1, 1, 10, 10)
    );
    for number in 11..=13 {
        stream.write_all(&request(number)).unwrap();
        frames.next().unwrap();
    }
    let counts = proxy.take_counts();
    assert_eq!((counts.round_trips(), counts.requests), (3, 3));
    assert_eq!(counts.bytes_up, 3 * 148);
}

#[test]
fn the_delay_is_added_to_each_round_trip_and_not_to_each_frame() {
    let (_proxy, mut stream, mut frames) = connect(ProxyPlan::far_away());
    let start = Instant::now();
    for number in 1..=100 {
        stream.write_all(&request(number)).unwrap();
    }
    for _ in 1..=100 {
        frames.next().unwrap();
    }
    let took = start.elapsed();
    assert!(
        took >= Duration::from_millis(100),
        "connecting and asking cost two round trips, took {took:?}"
    );
    assert!(
        took < Duration::from_secs(4),
        "the line must not serialise, took {took:?}"
    );
}

#[test]
fn a_cut_comes_right_behind_its_frame() {
    for single_bytes in [false, true] {
        let (_proxy, mut stream, mut frames) = connect(ProxyPlan {
            cut: Some((Direction::Down, 3)),
            single_bytes,
            ..ProxyPlan::default()
        });
        let wanted: Vec<u8> = (1..=5).flat_map(request).collect();
        stream.write_all(&wanted).unwrap();
        let numbers: Vec<u64> = std::iter::from_fn(|| frames.next())
            .map(|frame| frame.header.number)
            .collect();
        assert_eq!(numbers, [1, 2, 3]);
        assert!(frames.decoder.unconsumed().is_empty());
    }
}
