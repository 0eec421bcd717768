//! Words and numbers that every farsight crate shares.
//!
//! Plain data: no input or output, no clocks, no threads. Every number that crosses a boundary has a type of its own,
//! so that a thread number is never taken for a process id and a file offset never for an address. Read
//! [`Address`] first, then [`registers`].

mod access;
mod address;
mod build_id;
mod ids;
mod machine;
mod moment;
pub mod registers;
mod secrets;

pub use access::AccessRole;
pub use address::{Address, AddressRange, FileOffset, Rva};
pub use build_id::BuildId;
pub use ids::{Generation, OsPid, OsTid, ProcessId, ServerId, SystemId, ThreadId};
pub use machine::{Architecture, OperatingSystem};
pub use moment::Moment;
pub use registers::{RegisterName, Registers};
pub use secrets::{secrets_in, secrets_in_words, without_secrets};
