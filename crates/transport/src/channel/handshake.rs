//! The two messages that begin a channel, as machines without a socket. See [`super`] for what they hold.
//!
//! | message | bytes |
//! |---|---|
//! | both | [`PREAMBLE`], length of the rest (2, little-endian), then: |
//! | opening, with a key | 1, key id (8), Noise (48) |
//! | opening, with a password | 2, SPAKE2 (33), Noise (48) |
//! | answer | 0, with a password SPAKE2 (33), Noise (48) |
//! | refusal | its number, then what belongs to it |

use std::io::Write;

use farsight_types::AccessRole;
use snow::{Builder, HandshakeState};
use spake2::{Ed25519Group, Identity, Password, Spake2};
use zeroize::Zeroizing;

use super::key::{Key, KeyId};
use super::locks::Locks;
use super::{Keys, PREAMBLE};
use crate::connection_string::Secret;
use crate::stream::Stream;

/// The Noise handshake: the secret goes in last, when both halves of SPAKE2 are there. The hash is one that servers have
/// anyway.
const NOISE: &str = "Noise_NNpsk2_25519_ChaChaPoly_SHA256";

/// Longest message behind its length.
const LONGEST: usize = 256;

/// Bytes before a message.
const HEAD: usize = PREAMBLE.len() + 2;

/// The first Noise message: an ephemeral key and a tag.
const NOISE_OPENING: usize = 48;

/// A message of SPAKE2.
const SPAKE: usize = 33;

/// How a client proves itself.
#[derive(Clone, Debug)]
pub(crate) enum Proof {
    /// `password=`
    Password(Secret),
    /// `key=`
    Key(Key),
}

impl Proof {
    fn number(&self) -> u8 {
        match self {
            Proof::Key(_) => 1,
            Proof::Password(_) => 2,
        }
    }
}

/// Why there will be no channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// What answers is no secure channel of ours.
    #[error("the other side does not speak the farsight protocol")]
    NotOurs,
    /// A message that makes no sense.
    #[error("its answer cannot be read; the two releases are too far apart, or something changes the bytes between")]
    Malformed,
    /// The server asks for nothing.
    #[error(
        "the server asks for no password or key, so nothing proves that it is yours: leave it out, or start the server with it"
    )]
    NotLocked,
    /// The server asks for a password.
    #[error("the server asks for a password, not a key: use password=")]
    WantsPassword,
    /// The server asks for a key.
    #[error("the server asks for the key that it printed, not a password: use key=")]
    WantsKey,
    /// There were too many wrong ones.
    #[error("the server has heard too many wrong passwords or keys of late: wait a minute and try again")]
    TooMany,
    /// The secret is wrong: the server's or this one.
    #[error("the password or key is not the server's: check it (or it is another server that answers there)")]
    Wrong,
    /// The system has no random numbers.
    #[error("this machine has no random numbers to make keys of")]
    NoRandomness,
}

impl ChannelError {
    /// As it is told to a client, where it is.
    fn number(self) -> Option<u8> {
        match self {
            ChannelError::NotLocked => Some(1),
            ChannelError::WantsPassword => Some(2),
            ChannelError::WantsKey => Some(3),
            ChannelError::TooMany => Some(4),
            ChannelError::Malformed => Some(5),
            ChannelError::NotOurs | ChannelError::Wrong | ChannelError::NoRandomness => None,
        }
    }

    fn from_number(number: u8) -> ChannelError {
        let told = [
            ChannelError::NotLocked,
            ChannelError::WantsPassword,
            ChannelError::WantsKey,
            ChannelError::TooMany,
        ];
        let known = told.into_iter().find(|error| error.number() == Some(number));
        known.unwrap_or(ChannelError::Malformed)
    }

    /// What a client is told, to be written as it is.
    pub fn message(self) -> Vec<u8> {
        message(&[self.number().unwrap_or(u8::MAX)])
    }
}

fn message(body: &[u8]) -> Vec<u8> {
    let mut message = PREAMBLE.to_vec();
    message.extend_from_slice(&(body.len() as u16).to_le_bytes());
    message.extend_from_slice(body);
    message
}

/// A message, and what is behind it.
type Cut<'r> = (&'r [u8], &'r [u8]);

/// Cuts a message off; none while bytes are missing.
fn cut(received: &[u8]) -> Result<Option<Cut<'_>>, ChannelError> {
    let known = received.len().min(PREAMBLE.len());
    if received[..known] != PREAMBLE[..known] {
        return Err(ChannelError::NotOurs);
    }
    let Some((head, rest)) = received.split_first_chunk::<HEAD>() else {
        return Ok(None);
    };
    let length = usize::from(u16::from_le_bytes([head[HEAD - 2], head[HEAD - 1]]));
    if length > LONGEST {
        return Err(ChannelError::Malformed);
    }
    Ok(rest.split_at_checked(length))
}

/// Both sides begin alike; what decides how the handshake goes is part of it, so that nobody can change it on the way.
fn noise(is_client: bool, prologue: &[u8], secret: Option<&[u8; 32]>) -> Result<HandshakeState, ChannelError> {
    let begin = || -> Result<HandshakeState, snow::Error> {
        let builder = Builder::new(NOISE.parse()?).prologue(prologue)?;
        let builder = match secret {
            Some(secret) => builder.psk(2, secret)?,
            None => builder,
        };
        match is_client {
            true => builder.build_initiator(),
            false => builder.build_responder(),
        }
    };
    begin().map_err(|_| ChannelError::NoRandomness)
}

fn identities() -> (Identity, Identity) {
    (Identity::new(b"farsight client"), Identity::new(b"farsight server"))
}

/// The client's side.
pub(crate) struct Initiator {
    noise: HandshakeState,
    proof: ClientProof,
    received: Vec<u8>,
}

enum ClientProof {
    Password(Option<Spake2<Ed25519Group>>),
    Key(Zeroizing<[u8; 32]>),
}

/// A finished handshake.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) keys: Keys,
    /// What came behind the last message.
    pub(crate) rest: Vec<u8>,
}

impl Initiator {
    /// Begins; the bytes are to be sent.
    pub(crate) fn begin(proof: &Proof) -> Result<(Initiator, Vec<u8>), ChannelError> {
        let mut body = vec![proof.number()];
        let kept = match proof {
            Proof::Key(key) => {
                body.extend_from_slice(&key.id());
                ClientProof::Key(key.shared_secret())
            }
            Proof::Password(password) => {
                let (client, server) = identities();
                let (spake, sent) =
                    Spake2::<Ed25519Group>::start_a(&Password::new(password.expose().as_bytes()), &client, &server);
                body.extend_from_slice(&sent);
                ClientProof::Password(Some(spake))
            }
        };
        let mut noise = noise(true, &prologue(&body), None)?;
        let mut sent = [0; LONGEST];
        let length = noise
            .write_message(&[], &mut sent)
            .map_err(|_| ChannelError::NoRandomness)?;
        body.extend_from_slice(&sent[..length]);
        let initiator = Initiator {
            noise,
            proof: kept,
            received: Vec::new(),
        };
        Ok((initiator, message(&body)))
    }

    /// Takes what the server sent; none while its answer is not whole.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<Option<Finished>, ChannelError> {
        self.received.extend_from_slice(bytes);
        let received = std::mem::take(&mut self.received);
        let Some((answer, rest)) = cut(&received)? else {
            self.received = received;
            return Ok(None);
        };
        let answer = match answer.split_first() {
            Some((0, answer)) => answer,
            Some((refusal, _)) => return Err(ChannelError::from_number(*refusal)),
            None => return Err(ChannelError::Malformed),
        };
        let (secret, answer) = match &mut self.proof {
            ClientProof::Key(secret) => (secret.clone(), answer),
            ClientProof::Password(spake) => {
                let (theirs, answer) = answer.split_at_checked(SPAKE).ok_or(ChannelError::Malformed)?;
                let spake = spake.take().ok_or(ChannelError::Malformed)?;
                (agreed(spake, theirs)?, answer)
            }
        };
        let set = self.noise.set_psk(2, &*secret);
        let read = set.and_then(|()| self.noise.read_message(answer, &mut [0; LONGEST]));
        read.map_err(|_| ChannelError::Wrong)?;
        let (to_server, to_client) = self.noise.dangerously_get_raw_split();
        Ok(Some(Finished {
            keys: Keys {
                send: Zeroizing::new(to_server),
                receive: Zeroizing::new(to_client),
            },
            rest: rest.to_vec(),
        }))
    }

    /// What came while no answer was whole.
    pub(crate) fn received(&self) -> &[u8] {
        &self.received
    }
}

/// The server's side: a client's opening, whole and not yet answered.
pub struct Responder {
    /// How it wants to prove itself, and with what.
    begins: Vec<u8>,
    noise: Vec<u8>,
    /// What came behind it.
    rest: Vec<u8>,
}

/// An answered opening. Whether the client has the secret shows at its first record.
#[derive(Debug)]
pub(crate) struct Answered {
    /// To be sent.
    pub(crate) answer: Vec<u8>,
    pub(crate) finished: Finished,
    /// What its key opens beside what the listener does.
    pub(crate) role: Option<AccessRole>,
}

impl Responder {
    /// Reads a client's opening; none while bytes are missing.
    pub fn read(received: &[u8]) -> Result<Option<Responder>, ChannelError> {
        let Some((opening, rest)) = cut(received)? else {
            return Ok(None);
        };
        let proof = match opening.first() {
            Some(1) => 1 + KeyId::default().len(),
            Some(2) => 1 + SPAKE,
            _ => return Err(ChannelError::Malformed),
        };
        if opening.len() != proof + NOISE_OPENING {
            return Err(ChannelError::Malformed);
        }
        let (begins, noise) = opening.split_at(proof);
        Ok(Some(Responder {
            begins: begins.to_vec(),
            noise: noise.to_vec(),
            rest: rest.to_vec(),
        }))
    }

    /// Whether the answer shows if a guess is right. A key cannot be guessed, so that tries of it need no limit.
    pub fn guesses(&self, locks: &Locks) -> bool {
        self.begins.first() == Some(&2) && locks.wants_password()
    }

    /// Answers it on its stream, which is sealed from then on; and what the client's key opens beside what the listener does.
    pub fn answer_on(self, stream: Stream, locks: &Locks) -> Result<(Stream, Option<AccessRole>), ChannelError> {
        let answered = self.answer(locks)?;
        // A socket that takes no few bytes at once is no client's.
        (&stream)
            .write_all(&answered.answer)
            .map_err(|_| ChannelError::NotOurs)?;
        Ok((stream.sealed(answered.finished), answered.role))
    }

    /// Answers it. Who names a key that there is not is answered like everybody, with one that nobody has.
    pub(super) fn answer(self, locks: &Locks) -> Result<Answered, ChannelError> {
        if locks.is_empty() {
            return Err(ChannelError::NotLocked);
        }
        let mut body = vec![0];
        let (number, proof) = self.begins.split_first().ok_or(ChannelError::Malformed)?;
        let (secret, role) = match (*number, locks.password()) {
            (1, _) if !locks.has_keys() => return Err(ChannelError::WantsPassword),
            (1, _) => {
                let id = KeyId::try_from(proof).map_err(|_| ChannelError::Malformed)?;
                let nobodys = Key::draw().map_err(|_| ChannelError::NoRandomness)?;
                let (key, role) = locks.key(id).unwrap_or((&nobodys, None));
                (key.shared_secret(), role)
            }
            (_, None) => return Err(ChannelError::WantsKey),
            (_, Some(password)) => {
                let (client, server) = identities();
                let (spake, sent) =
                    Spake2::<Ed25519Group>::start_b(&Password::new(password.expose().as_bytes()), &client, &server);
                body.extend_from_slice(&sent);
                (agreed(spake, proof)?, None)
            }
        };
        let mut noise = noise(false, &prologue(&self.begins), Some(&secret))?;
        let read = noise.read_message(&self.noise, &mut [0; LONGEST]);
        read.map_err(|_| ChannelError::Malformed)?;
        let mut sent = [0; LONGEST];
        let length = noise
            .write_message(&[], &mut sent)
            .map_err(|_| ChannelError::NoRandomness)?;
        body.extend_from_slice(&sent[..length]);
        let (to_server, to_client) = noise.dangerously_get_raw_split();
        Ok(Answered {
            answer: message(&body),
            finished: Finished {
                keys: Keys {
                    send: Zeroizing::new(to_client),
                    receive: Zeroizing::new(to_server),
                },
                rest: self.rest,
            },
            role,
        })
    }
}

fn prologue(begins: &[u8]) -> Vec<u8> {
    [&PREAMBLE[..], begins].concat()
}

/// What both have in common if they know the same password, and otherwise nothing.
fn agreed(spake: Spake2<Ed25519Group>, theirs: &[u8]) -> Result<Zeroizing<[u8; 32]>, ChannelError> {
    let agreed = Zeroizing::new(spake.finish(theirs).map_err(|_| ChannelError::Malformed)?);
    let mut secret = Zeroizing::new([0; 32]);
    match agreed.len() == secret.len() {
        true => secret.copy_from_slice(&agreed),
        false => return Err(ChannelError::Malformed),
    }
    Ok(secret)
}

#[cfg(test)]
mod tests;
