//! Records in any pieces, and what changed or missing bytes do.

use std::io::IoSlice;

use super::*;

fn pair() -> (Sealing, Opening) {
    (Sealing::new(&[7; 32], 0), Opening::new(&[7; 32], 0, &[], &[]))
}

fn sealed(sealing: &mut Sealing, bytes: &[u8]) -> Vec<u8> {
    let mut at = 0;
    let mut out = Vec::new();
    while at < bytes.len() {
        at += sealing.seal(&[IoSlice::new(&bytes[at..])]);
        out.extend_from_slice(sealing.unwritten());
        let all = sealing.unwritten().len();
        sealing.wrote(all);
    }
    out
}

/// Feeds bytes in pieces of so many, and reads into buffers of so many.
fn opened(opening: &mut Opening, mut sealed: &[u8], piece: usize, buffer: usize) -> Result<Vec<u8>, NotSealedByPeer> {
    let mut out = Vec::new();
    let mut chunk = vec![0; buffer];
    loop {
        match opening.take(&mut chunk)? {
            0 if sealed.is_empty() => return Ok(out),
            0 => {
                let room = opening.room(piece);
                let part = piece.min(sealed.len()).min(room.len());
                room[..part].copy_from_slice(&sealed[..part]);
                opening.received(part);
                sealed = &sealed[part..];
            }
            length => out.extend_from_slice(&chunk[..length]),
        }
    }
}

#[test]
fn bytes_come_out_as_they_went_in_whatever_the_pieces() {
    let plain: Vec<u8> = (0..300_000_u32).map(|byte| byte as u8).collect();
    for (piece, buffer) in [(1, 7), (5, 100_000), (4096, 1), (70_000, 16_384), (1 << 20, 1 << 20)] {
        let (mut sealing, mut opening) = pair();
        let plain = &plain[..if piece == 1 || buffer == 1 { 3000 } else { plain.len() }];
        let sealed = sealed(&mut sealing, plain);
        assert!(sealed.len() <= plain.len() + (plain.len() / RECORD + 1) * (LENGTH + TAG));
        assert_eq!(
            opened(&mut opening, &sealed, piece, buffer).unwrap(),
            plain,
            "{piece} {buffer}"
        );
        assert!(!opening.has_something() && !opening.is_within_record());
    }
}

#[test]
fn slices_are_one_run_of_bytes() {
    let (mut sealing, mut opening) = pair();
    let parts = [&b"one "[..], b"", b"two ", b"three"].map(IoSlice::new);
    assert_eq!(sealing.seal(&parts), 13);
    let sealed = sealing.unwritten().to_vec();
    assert_eq!(sealed.len(), 13 + LENGTH + TAG);
    assert_eq!(opened(&mut opening, &sealed, 100, 100).unwrap(), b"one two three");
}

#[test]
fn what_was_changed_left_out_or_repeated_is_noticed() {
    let (mut sealing, _) = pair();
    let records: Vec<Vec<u8>> = [&b"first"[..], b"second", b"third"]
        .map(|text| sealed(&mut sealing, text))
        .into();
    for bit in 0..records[0].len() * 8 {
        let mut bytes = records[0].clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let opened = opened(&mut pair().1, &bytes, 100, 100);
        // A length that grew waits for more.
        assert!(opened == Err(NotSealedByPeer) || opened == Ok(Vec::new()), "{bit}");
    }
    for order in [&[0, 0][..], &[1], &[0, 2], &[2, 1, 0]] {
        let bytes: Vec<u8> = order.iter().flat_map(|index| records[*index].clone()).collect();
        assert_eq!(
            opened(&mut pair().1, &bytes, 100, 100),
            Err(NotSealedByPeer),
            "{order:?}"
        );
    }
    let (_, mut opening) = pair();
    opened(&mut opening, &records[1], 100, 100).unwrap_err();
    assert!(opening.has_something());
    assert_eq!(opened(&mut opening, &records[0], 100, 100), Err(NotSealedByPeer));
}

#[test]
fn another_key_opens_nothing() {
    let (mut sealing, _) = pair();
    let sealed = sealed(&mut sealing, b"hello");
    let mut other = Opening::new(&[8; 32], 0, &[], &[]);
    assert_eq!(opened(&mut other, &sealed, 100, 100), Err(NotSealedByPeer));
}
