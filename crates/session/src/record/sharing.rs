//! Servers and clients of a session that is shared.

use farsight_types::{AccessRole, ServerId};
use minicbor::{Decode, Encode};

/// One row of `.servers`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ServerRow {
    /// The engine's number of it.
    #[n(0)]
    pub id: ServerId,
    /// Its connection string; none where it was told to end.
    #[n(1)]
    pub listing: Option<String>,
    /// What those who come through it may do.
    #[n(2)]
    pub role: AccessRole,
    /// True where it is shown to owners alone.
    #[n(3)]
    pub hidden: Option<bool>,
}

/// `.servers`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Servers {
    /// One each, by number.
    #[n(0)]
    pub rows: Vec<ServerRow>,
}

/// One row of `.clients`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ClientRow {
    /// The engine's number of it.
    #[n(0)]
    pub id: u32,
    /// User and machine.
    #[n(1)]
    pub identity: String,
    /// How it came; empty for the engine's own console.
    #[n(2)]
    pub address: String,
    /// What it may do.
    #[n(3)]
    pub role: AccessRole,
    /// When it became part of the session, in microseconds of Unix time; when it came, where it has not joined.
    #[n(4)]
    pub since: u64,
    /// When it last asked for anything, in microseconds of Unix time.
    #[n(5)]
    pub last_active: u64,
    /// The line of it that has set the targets going, and since when, in microseconds of Unix time.
    #[n(6)]
    pub runs: Option<(String, u64)>,
    /// True where it is connected and has not joined the session: it sees and does nothing, but it is there.
    #[n(7)]
    pub not_joined: Option<bool>,
}

/// `.clients`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Clients {
    /// One each, in the order of coming.
    #[n(0)]
    pub rows: Vec<ClientRow>,
}
