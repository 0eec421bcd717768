//! What a user of a session may do.

use std::fmt;

use minicbor::{Decode, Encode};

/// What those who come through a listener may do. Each may do what the one before may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum AccessRole {
    /// Sees everything, changes nothing.
    #[n(0)]
    Observer,
    /// Debugs.
    #[n(1)]
    Operator,
    /// Debugs, ends the session, its servers and other users' connections.
    #[n(2)]
    Owner,
}

impl AccessRole {
    const NAMES: [(AccessRole, &'static str); 3] = [
        (AccessRole::Observer, "observer"),
        (AccessRole::Operator, "operator"),
        (AccessRole::Owner, "owner"),
    ];

    /// The role of this name, in whatever case.
    pub fn named(name: &str) -> Option<AccessRole> {
        let found = Self::NAMES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
        found.map(|(role, _)| *role)
    }
}

impl fmt::Display for AccessRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = Self::NAMES.iter().find(|(role, _)| role == self);
        f.write_str(found.map_or("", |(_, name)| name))
    }
}
