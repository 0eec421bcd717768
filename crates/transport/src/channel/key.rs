//! Keys that servers print: 128 random bits and a checksum as 29 letters and digits, and what is derived of them.
//!
//! The checksum keeps no secret: it is there so that text that somebody thinks up is not taken for a key. Whoever records a
//! handshake could find such a key by trying many, and nobody tries 128 drawn bits.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use farsight_types::AccessRole;

/// How a key is written: letters and digits that nobody takes for others.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Bytes of a key.
const BYTES: usize = 16;

/// Bytes of a written key's checksum, behind those of the key.
const CHECKSUM: usize = 2;

/// Characters of a written key.
pub(crate) const WRITTEN: usize = ((BYTES + CHECKSUM) * 8).div_ceil(5);

/// A key that a server has drawn.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key(Zeroizing<[u8; BYTES]>);

/// Tells a server which of its keys is meant, and nobody else anything.
pub(crate) type KeyId = [u8; 8];

impl Key {
    /// A new one, from the operating system's source.
    pub(crate) fn draw() -> Result<Key, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; BYTES]);
        getrandom::fill(&mut *bytes)?;
        Ok(Key(bytes))
    }

    /// Reads a written key, in capitals or not.
    pub(crate) fn read(text: &str) -> Option<Key> {
        if text.len() != WRITTEN {
            return None;
        }
        let mut bits: u32 = 0;
        let mut held = 0;
        let mut bytes = Zeroizing::new([0; BYTES + CHECKSUM]);
        let mut at = 0;
        for letter in text.bytes() {
            let value = ALPHABET
                .iter()
                .position(|known| *known == letter.to_ascii_lowercase())?;
            bits = bits << 5 | value as u32;
            held += 5;
            if held >= 8 {
                held -= 8;
                *bytes.get_mut(at)? = (bits >> held) as u8;
                at += 1;
            }
            bits &= (1 << held) - 1;
        }
        let (drawn, checksum) = bytes.split_first_chunk::<BYTES>()?;
        let key = Key(Zeroizing::new(*drawn));
        // The bit that is left over says nothing, so that one key has one text.
        (bits == 0 && *checksum == key.checksum()).then_some(key)
    }

    fn checksum(&self) -> [u8; CHECKSUM] {
        let digest = self.derive("farsight key checksum");
        [digest[0], digest[1]]
    }

    /// As people see it, on the one line that they paste.
    pub(crate) fn write(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(WRITTEN));
        let mut bits: u32 = 0;
        let mut held = 0;
        for byte in self.0.iter().chain(&self.checksum()) {
            bits = bits << 8 | u32::from(*byte);
            held += 8;
            while held >= 5 {
                held -= 5;
                text.push(char::from(ALPHABET[(bits >> held) as usize & 31]));
            }
            bits &= (1 << held) - 1;
        }
        text.push(char::from(ALPHABET[(bits << (5 - held)) as usize & 31]));
        text
    }

    /// The key of the role that is next below: who has this one can make it, and not the other way round.
    pub(crate) fn for_role(&self, role: AccessRole) -> Key {
        let digest = self.derive(&format!("farsight role {role}"));
        let mut bytes = Zeroizing::new([0; BYTES]);
        bytes.copy_from_slice(&digest[..BYTES]);
        Key(bytes)
    }

    /// Names the key.
    pub(crate) fn id(&self) -> KeyId {
        let digest = self.derive("farsight key id");
        let mut id = KeyId::default();
        id.copy_from_slice(&digest[..8]);
        id
    }

    /// What goes into the handshake.
    pub(crate) fn shared_secret(&self) -> Zeroizing<[u8; 32]> {
        self.derive("farsight key secret")
    }

    fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let mut hash = Sha256::new();
        hash.update((purpose.len() as u64).to_le_bytes());
        hash.update(purpose);
        hash.update(*self.0);
        Zeroizing::new(hash.finalize().into())
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(*)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_key_is_read_again() {
        for _ in 0..100 {
            let key = Key::draw().unwrap();
            let text = key.write();
            assert_eq!(text.len(), WRITTEN);
            assert_eq!(Key::read(&text), Some(key.clone()));
            assert_eq!(Key::read(&text.to_uppercase()), Some(key));
        }
    }

    #[test]
    fn what_is_no_key_is_not_read() {
        let key = Key::draw().unwrap().write();
        let wrong = [
            "",
            "password",
            &key[1..],
            &format!("{}a", *key),
            &format!("{}1", &key[1..]),
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "correcthorsebatterystaplecorr",
        ];
        for text in wrong {
            assert_eq!(Key::read(text), None, "{text}");
        }
    }

    /// Mistyping one letter is noticed, and so is nearly all that somebody thinks up.
    #[test]
    fn only_drawn_keys_are_read() {
        let key = Key::draw().unwrap().write();
        let letter = |at: usize| char::from(ALPHABET[at % 32]);
        let mistyped = (0..WRITTEN).flat_map(|at| (0..32).map(move |by| (at, letter(by))));
        let mistyped = mistyped
            .map(|(at, by)| format!("{}{by}{}", &key[..at], &key[at + 1..]))
            .filter(|text| *text != *key);
        let thought_up = (0..2000).map(|seed| (0..WRITTEN).map(|at| letter(seed * 7 + at * (seed % 31))).collect());
        let taken = mistyped
            .chain(thought_up)
            .filter(|text: &String| Key::read(text).is_some());
        assert!(taken.count() <= 2);
    }

    #[test]
    fn what_is_derived_differs_by_purpose() {
        let key = Key::draw().unwrap();
        let observer = key.for_role(AccessRole::Observer);
        assert_ne!(observer, key.for_role(AccessRole::Operator));
        assert_ne!(observer.id(), key.id());
        assert_ne!(key.shared_secret()[..8], key.id());
        assert_eq!(format!("{key:?}"), "Key(*)");
    }
}
