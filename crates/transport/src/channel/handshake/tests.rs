//! Both sides of a handshake: right, wrong, cut, changed and hostile.

use farsight_types::AccessRole;

use super::*;
use crate::channel::Channel;
use crate::connection_string::{ServerRole, ServerTransport};
use farsight_seal::NotSealedByPeer;

fn locks(options: &str) -> Locks {
    let text = format!("npipe:pipe=x{options}");
    let transport = ServerTransport::parse(&text, ServerRole::DebuggingServer).unwrap();
    Locks::of(&transport.options, true)
}

fn password(text: &str) -> Proof {
    Proof::Password(Secret::new(text))
}

fn meet(proof: &Proof, locks: &Locks) -> Result<(Channel, Channel, Option<AccessRole>), ChannelError> {
    let (mut client, opening) = Initiator::begin(proof)?;
    let answered = Responder::read(&opening)?.unwrap().answer(locks)?;
    let finished = client.take(&answered.answer)?.unwrap();
    Ok((
        Channel::new(finished.keys, &finished.rest),
        Channel::new(answered.finished.keys, &answered.finished.rest),
        answered.role,
    ))
}

/// Says something from one end to the other.
fn say(from: &Channel, to: &Channel, text: &[u8]) -> Result<Vec<u8>, NotSealedByPeer> {
    let mut sealing = from.sealing();
    sealing.seal(&[std::io::IoSlice::new(text)]);
    let sealed = sealing.unwritten().to_vec();
    sealing.wrote(sealed.len());
    let mut opening = to.opening();
    opening.room(sealed.len())[..sealed.len()].copy_from_slice(&sealed);
    opening.received(sealed.len());
    let mut heard = vec![0; text.len()];
    let length = opening.take(&mut heard)?;
    heard.truncate(length);
    Ok(heard)
}

#[test]
fn who_knows_the_secret_talks_both_ways() {
    let key = Key::draw().unwrap();
    let by_key = locks(&format!(",key={}", *key.write()));
    for (proof, locks, role) in [
        (password("Swordfish"), locks(",password=Swordfish"), None),
        (Proof::Key(key.clone()), by_key.clone(), None),
        (
            Proof::Key(key.for_role(AccessRole::Operator).for_role(AccessRole::Observer)),
            by_key.clone(),
            Some(AccessRole::Observer),
        ),
    ] {
        let (client, server, opens) = meet(&proof, &locks).unwrap();
        assert_eq!(opens, role);
        assert_eq!(say(&client, &server, b"question").unwrap(), b"question");
        assert_eq!(say(&server, &client, b"answer").unwrap(), b"answer");
        let moved = Channel::from_state(&server.state()).unwrap();
        assert_eq!(say(&client, &moved, b"go on").unwrap(), b"go on");
        assert_eq!(say(&moved, &client, b"I do").unwrap(), b"I do");
    }
}

#[test]
fn who_does_not_is_told_so_by_the_arithmetic() {
    let key = Key::draw().unwrap();
    let of_operators = locks(&format!(",role=operator,key={}", *key.write()));
    for (proof, locks, error) in [
        (password("swordfish"), locks(",password=Swordfish"), ChannelError::Wrong),
        (password("x"), of_operators.clone(), ChannelError::WantsKey),
        (
            Proof::Key(key.clone()),
            locks(",password=x"),
            ChannelError::WantsPassword,
        ),
        (Proof::Key(key.clone()), Locks::default(), ChannelError::NotLocked),
        (
            Proof::Key(Key::draw().unwrap()),
            of_operators.clone(),
            ChannelError::Wrong,
        ),
        // The key of a role that the listener itself has, and so does not give as a lesser one.
        (
            Proof::Key(key.for_role(AccessRole::Operator)),
            of_operators,
            ChannelError::Wrong,
        ),
    ] {
        assert_eq!(meet(&proof, &locks).unwrap_err(), error);
    }
}

/// A client that goes on with a wrong secret, as an attacker would: what it seals, the server does not open.
#[test]
fn a_client_that_pretends_is_noticed_at_its_first_record() {
    let (_, opening) = Initiator::begin(&password("guess")).unwrap();
    let answered = Responder::read(&opening)
        .unwrap()
        .unwrap()
        .answer(&locks(",password=right"))
        .unwrap();
    let server = Channel::new(answered.finished.keys, &[]);
    let keys = Keys {
        send: Zeroizing::new([1; 32]),
        receive: Zeroizing::new([2; 32]),
    };
    assert_eq!(say(&Channel::new(keys, &[]), &server, b"hello"), Err(NotSealedByPeer));
}

#[test]
fn nothing_of_a_handshake_can_be_changed_on_the_way() {
    let key = Key::draw().unwrap();
    // SPAKE2 takes its time in builds for tests.
    for (proof, locks, step) in [
        (Proof::Key(key.clone()), locks(&format!(",key={}", *key.write())), 1),
        (password("right"), locks(",password=right"), 13),
    ] {
        let (mut client, opening) = Initiator::begin(&proof).unwrap();
        for bit in (0..opening.len() * 8).step_by(step) {
            let mut changed = opening.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            if let Ok(Some(responder)) = Responder::read(&changed)
                && let Ok(answered) = responder.answer(&locks)
            {
                let (mut client, _) = Initiator::begin(&proof).unwrap();
                assert!(client.take(&answered.answer).is_err(), "bit {bit}");
            }
        }
        let answered = Responder::read(&opening).unwrap().unwrap().answer(&locks).unwrap();
        for bit in (0..answered.answer.len() * 8).step_by(step) {
            let (mut client, opening) = Initiator::begin(&proof).unwrap();
            let responder = Responder::read(&opening).unwrap().unwrap();
            let mut changed = responder.answer(&locks).unwrap().answer;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!matches!(client.take(&changed), Ok(Some(_))), "bit {bit}");
        }
        // An answer that was recorded answers nobody else.
        assert!(client.take(&answered.answer).unwrap().is_some());
        let (mut again, _) = Initiator::begin(&proof).unwrap();
        assert_eq!(again.take(&answered.answer).unwrap_err(), ChannelError::Wrong);
    }
}

#[test]
fn messages_come_in_any_pieces_with_more_behind_them() {
    let locks = locks(",password=right");
    let (mut client, mut opening) = Initiator::begin(&password("right")).unwrap();
    for length in 0..opening.len() {
        assert!(Responder::read(&opening[..length]).unwrap().is_none());
    }
    opening.extend_from_slice(b"more");
    let answered = Responder::read(&opening).unwrap().unwrap().answer(&locks).unwrap();
    assert_eq!(answered.finished.rest, b"more");
    let (last, before) = answered.answer.split_last().unwrap();
    for byte in before {
        assert!(client.take(&[*byte]).unwrap().is_none());
    }
    assert_eq!(client.take(&[*last, b'm']).unwrap().unwrap().rest, b"m");
}

#[test]
fn refusals_reach_the_client_in_words() {
    for error in [
        ChannelError::NotLocked,
        ChannelError::WantsKey,
        ChannelError::WantsPassword,
        ChannelError::TooMany,
        ChannelError::Malformed,
    ] {
        let (mut client, _) = Initiator::begin(&password("x")).unwrap();
        assert_eq!(client.take(&error.message()).unwrap_err(), error);
    }
    let (mut client, _) = Initiator::begin(&password("x")).unwrap();
    assert_eq!(client.take(b"HTTP/1.1 400").unwrap_err(), ChannelError::NotOurs);
}
