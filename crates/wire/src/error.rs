//! What can be wrong with bytes that a peer sent. Every variant is the peer's fault, or the fault of something that
//! is no peer of ours.

/// Why a stream cannot be continued, or why it never was one of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The stream does not open with our preamble: a port scan, a browser, another protocol.
    #[error("the other side does not speak the farsight protocol")]
    NotOurs,
    /// A frame claims more bytes than the phase of the connection allows.
    #[error("a frame of {claimed} bytes exceeds the limit of {limit}")]
    TooLong {
        /// What the header said.
        claimed: u64,
        /// What is allowed now.
        limit: u64,
    },
    /// A frame of a kind that does not belong here.
    #[error("unexpected frame kind {kind} during {phase}")]
    Unexpected {
        /// The kind's number.
        kind: u8,
        /// What was going on.
        phase: &'static str,
    },
    /// A body that cannot be decoded.
    #[error("malformed {what}: {why}")]
    Malformed {
        /// The message.
        what: &'static str,
        /// The decoder's words.
        why: String,
    },
    /// No version that both sides speak.
    #[error("versions do not meet: ours {ours}, theirs {theirs}")]
    NoCommonVersion {
        /// Our range.
        ours: String,
        /// The peer's range.
        theirs: String,
    },
}
