//! System calls that have no safe wrapper. The only room of this crate with unsafe code; every block says why it is
//! sound. Nothing here decides anything.
#![allow(unsafe_code)]

pub(crate) mod child;
pub(crate) mod clock;
pub(crate) mod files;
pub(crate) mod processors;
pub(crate) mod ptrace;
pub(crate) mod terminal;
pub(crate) mod wait;
