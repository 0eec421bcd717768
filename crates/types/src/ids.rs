//! Numbers that name systems, processes and threads.

use std::fmt;

use minicbor::{Decode, Encode};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
        #[cbor(transparent)]
        pub struct $name(#[n(0)] pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

number! {
    /// The engine's number of a system, dense from 0 in the order of acquisition.
    SystemId
}
number! {
    /// The engine's number of a process, dense from 0 within its system.
    ProcessId
}
number! {
    /// The engine's number of a thread, dense from 0 within its process, in the order of creation.
    ThreadId
}
number! {
    /// The engine's number of a debugging server of its own, dense from 0 in the order of starting.
    ServerId
}
number! {
    /// The operating system's process id, in the process server's own namespace.
    OsPid
}
number! {
    /// The operating system's thread id, in the process server's own namespace.
    OsTid
}

/// Counts the states of something that a peer keeps in step: each change is one more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Generation(#[n(0)] pub u64);

impl Generation {
    /// The generation after this one.
    pub fn next(self) -> Generation {
        Generation(self.0 + 1)
    }
}
