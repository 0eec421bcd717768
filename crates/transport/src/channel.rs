//! The secure channel that `password=` and `key=` make of any stream: encrypted, and each end knows that the other has
//! the same secret.
//!
//! One message there and one back, then sealed records:
//!
//! 1. The client sends [`PREAMBLE`], and an opening: how it wants to prove itself (a key's id, or the first message of
//!    SPAKE2 for a password) and the first message of a Noise handshake (`Noise_NNpsk2_25519_ChaChaPoly_SHA256`).
//! 2. The server answers with [`PREAMBLE`], the other half of SPAKE2 and the second Noise message, which only who has the secret
//!    can make and read. The client learns here whether the secret is right; the server, at the client's first record.
//!
//! The secret never travels, of a key only a name that is derived of it; who listens, and who stands between, cannot try secrets offline. Nothing of what stands
//! above (versions, roles, products) is seen before. Read [`handshake::Initiator`] and [`handshake::Responder`] first.

pub(crate) mod attempts;
pub(crate) mod client;
pub(crate) mod handshake;
pub(crate) mod key;
pub(crate) mod locks;

use std::sync::{Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

pub use attempts::{Attempts, Place};
pub use client::prove;
use farsight_seal::{Opening, Sealing};
pub use handshake::{ChannelError, Responder};
pub use locks::Locks;

/// What each side of a secure channel sends first. It begins as ours does, and differs in the second byte.
pub const PREAMBLE: [u8; 8] = *b"\xfaSEALS\x01\n";

/// What a finished handshake leaves: a key for each direction.
#[derive(Clone)]
pub(crate) struct Keys {
    pub(crate) send: Zeroizing<[u8; 32]>,
    pub(crate) receive: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(*)")
    }
}

/// Both directions of a channel; each is used by one thread at a time.
#[derive(Debug)]
pub(crate) struct Channel {
    keys: Keys,
    sealing: Mutex<Sealing>,
    opening: Mutex<Opening>,
}

/// Bytes of [`Channel::state`] before those that were received and not read.
const STATE_HEAD: usize = 32 + 32 + 8 + 8 + 4;

impl Channel {
    /// A channel whose handshake is over; `received` came behind its last message.
    pub(crate) fn new(keys: Keys, received: &[u8]) -> Channel {
        Channel {
            sealing: Mutex::new(Sealing::new(&keys.send, 0)),
            opening: Mutex::new(Opening::new(&keys.receive, 0, received, &[])),
            keys,
        }
    }

    /// The sending direction. A panic elsewhere cannot leave it half-changed: records are whole or not there.
    pub(crate) fn sealing(&self) -> MutexGuard<'_, Sealing> {
        self.sealing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The receiving direction.
    pub(crate) fn opening(&self) -> MutexGuard<'_, Opening> {
        self.opening.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that another process of ours needs to go on with it; this one must not use it any more.
    pub(crate) fn state(&self) -> Zeroizing<Vec<u8>> {
        let (sealing, opening) = (self.sealing(), self.opening());
        let (plain, sealed) = opening.unread();
        let mut state = Zeroizing::new(Vec::with_capacity(STATE_HEAD + plain.len() + sealed.len()));
        state.extend_from_slice(&*self.keys.send);
        state.extend_from_slice(&*self.keys.receive);
        state.extend_from_slice(&sealing.next().to_le_bytes());
        state.extend_from_slice(&opening.next().to_le_bytes());
        state.extend_from_slice(&(plain.len() as u32).to_le_bytes());
        state.extend_from_slice(plain);
        state.extend_from_slice(sealed);
        state
    }

    /// The other half of [`Channel::state`]; none where the bytes are not such a state.
    pub(crate) fn from_state(state: &[u8]) -> Option<Channel> {
        let (send, rest) = state.split_first_chunk::<32>()?;
        let (receive, rest) = rest.split_first_chunk::<32>()?;
        let (next_sent, rest) = rest.split_first_chunk::<8>()?;
        let (next_received, rest) = rest.split_first_chunk::<8>()?;
        let (plain, rest) = rest.split_first_chunk::<4>()?;
        let (plain, sealed) = rest.split_at_checked(u32::from_le_bytes(*plain) as usize)?;
        let keys = Keys {
            send: Zeroizing::new(*send),
            receive: Zeroizing::new(*receive),
        };
        Some(Channel {
            sealing: Mutex::new(Sealing::new(&keys.send, u64::from_le_bytes(*next_sent))),
            opening: Mutex::new(Opening::new(
                &keys.receive,
                u64::from_le_bytes(*next_received),
                sealed,
                plain,
            )),
            keys,
        })
    }
}
