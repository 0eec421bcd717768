//! Standard input and output as a transport: over pipes, and as one socket.

use std::io::{PipeReader, PipeWriter, pipe};

use super::*;

/// A connection over pipes: its listener, its stream, and what the other program holds.
fn over_pipes() -> (Brought, Stream, PipeWriter, PipeReader) {
    let (input, says) = pipe().unwrap();
    let (hears, output) = pipe().unwrap();
    let brought = bring(input.into(), output.into()).unwrap();
    let (stream, peer) = brought.arrivals.take().unwrap().unwrap();
    assert!(matches!(peer, Peer::Carried(_)) && brought.is_single);
    assert!(brought.arrivals.take().unwrap().is_none());
    (brought, stream, says, hears)
}

#[test]
fn pipes_are_carried_both_ways_and_so_are_their_ends() {
    let (_brought, mut stream, mut says, mut hears) = over_pipes();
    // More than pipes, sockets and buffers hold together.
    let much: Vec<u8> = (0..3_000_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    let (sent, expected) = (much.clone(), much.clone());
    let writer = thread::spawn(move || says.write_all(&sent).unwrap());
    let mut echo = stream.try_clone().unwrap();
    let echoer = thread::spawn(move || {
        let mut all = Vec::new();
        echo.read_to_end(&mut all).unwrap();
        echo.write_all(&all).unwrap();
        echo.shutdown(Shutdown::Write).unwrap();
    });
    let mut heard = Vec::new();
    hears.read_to_end(&mut heard).unwrap();
    assert!(heard == expected);
    writer.join().unwrap();
    echoer.join().unwrap();
    // Both directions have ended, and with them the thread's end of the stream.
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn a_reader_that_is_gone_ends_the_stream() {
    let (_brought, mut stream, _says, hears) = over_pipes();
    drop(hears);
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    assert!(stream.write_all(b"x").is_err());
}

#[test]
fn what_was_written_before_the_listener_went_is_heard_and_nothing_behind_it() {
    let (brought, mut stream, _says, mut hears) = over_pipes();
    // More than the pipe holds: the rest is in the socket and in the thread's buffer.
    let words = vec![7; 150_000];
    stream.write_all(&words).unwrap();
    let reader = thread::spawn(move || {
        let mut heard = Vec::new();
        hears.read_to_end(&mut heard).unwrap();
        heard
    });
    drop(brought);
    assert!(reader.join().unwrap() == words);
    assert!(stream.write_all(b"late").is_err());
}

#[test]
fn one_socket_is_the_stream_itself() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let output = ours.try_clone().unwrap();
    let brought = bring(ours.into(), output.into()).unwrap();
    let (mut stream, _) = brought.arrivals.take().unwrap().unwrap();
    theirs.write_all(b"hello").unwrap();
    let mut read = [0; 5];
    stream.read_exact(&mut read).unwrap();
    assert_eq!(&read, b"hello");
    drop((stream, brought));
    assert_eq!(theirs.read(&mut read).unwrap(), 0);
}

#[test]
fn two_sockets_are_not_one() {
    let (first, _one) = UnixStream::pair().unwrap();
    let (second, _other) = UnixStream::pair().unwrap();
    assert!(!is_one_socket(&first.into(), &second.into()).unwrap());
    let (reader, writer) = pipe().unwrap();
    assert!(!is_one_socket(&reader.into(), &writer.into()).unwrap());
}
