//! The identity of an image: the build-id note that the linker wrote.

use std::fmt;

use minicbor::{Decode, Encode};

/// The bytes of an ELF `NT_GNU_BUILD_ID` note, usually 20.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct BuildId(#[cbor(n(0), with = "minicbor::bytes")] pub Vec<u8>);

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
