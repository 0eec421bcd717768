//! Keys that servers print: 128 random bits as 26 letters and digits, and what is derived of them.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use farsight_types::AccessRole;

/// How a key is written: letters and digits that nobody takes for others.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Bytes of a key.
const BYTES: usize = 16;

/// Characters of a written key.
pub(crate) const WRITTEN: usize = 26;

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
        let mut bytes = Zeroizing::new([0; BYTES]);
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
        // The two bits that are left over say nothing, so that one key has one text.
        (bits == 0).then_some(Key(bytes))
    }

    /// As people see it, on the one line that they paste.
    pub(crate) fn write(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(WRITTEN));
        let mut bits: u32 = 0;
        let mut held = 0;
        for byte in self.0.iter() {
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

    /// The key of a lesser role: who has this one can make it, and not the other way round.
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
            &format!("{}b", "a".repeat(25)),
        ];
        for text in wrong {
            assert_eq!(Key::read(text), None, "{text}");
        }
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
