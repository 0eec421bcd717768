//! What a server's file says: a line that names the format, then a record with integer keys.
//!
//! | key | | |
//! |---|---|---|
//! | 0 | kind: 0 debugging, 1 process, 2 kernel connection server | required |
//! | 1 | the transport as listings show it | required |
//! | 2 | hidden | |
//! | 3 | process id | |
//! | 4 | since when, in microseconds of Unix time | |
//! | 5 | name and release of the program | |
//!
//! Fields are only ever added, as optional ones, so that programs of different releases can list each other.

use minicbor::{Decode, Encode};

use crate::connection_string::ServerRole;

/// Longest file in bytes; a longer one is none of ours.
pub const LONGEST_ENTRY: usize = 4096;
/// Longest transport and longest product in bytes. What is longer is cut before it is written.
const LONGEST_TEXT: usize = 1024;
/// What a file begins with. Another format would have another line.
const HEAD: &[u8] = b"farsight server 1\n";

/// What a server tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub role: ServerRole,
    /// How it is reached, as listings show it.
    pub transport: String,
    /// Shown to nobody but its user.
    pub hidden: bool,
    /// Its process id.
    pub process: u32,
    /// Since when, in microseconds of Unix time.
    pub since: u64,
    /// Name and release.
    pub product: String,
}

/// The record as it is written.
#[derive(Encode, Decode)]
#[cbor(map)]
struct Written<'b> {
    #[n(0)]
    kind: u8,
    #[b(1)]
    transport: &'b str,
    #[n(2)]
    hidden: Option<bool>,
    #[n(3)]
    process: Option<u32>,
    #[n(4)]
    since: Option<u64>,
    #[b(5)]
    product: Option<&'b str>,
}

const KINDS: [(ServerRole, u8); 3] = [
    (ServerRole::DebuggingServer, 0),
    (ServerRole::ProcessServer, 1),
    (ServerRole::KernelConnectionServer, 2),
];

impl Entry {
    /// The bytes of the file.
    pub fn encode(&self) -> Vec<u8> {
        let kind = KINDS.iter().find(|(role, _)| *role == self.role);
        let written = Written {
            // A repeater is never written; a number that nobody knows is never listed.
            kind: kind.map_or(u8::MAX, |(_, kind)| *kind),
            transport: within(&self.transport),
            hidden: Some(self.hidden),
            process: Some(self.process),
            since: Some(self.since),
            product: Some(within(&self.product)),
        };
        let mut bytes = HEAD.to_vec();
        // Writing to a vector cannot fail.
        let _ = minicbor::encode(written, &mut bytes);
        bytes
    }
}

/// Reads a server's file; none where it is not whole, not ours, or of a kind that this release does not know.
pub fn read_entry(bytes: &[u8]) -> Option<Entry> {
    if bytes.len() > LONGEST_ENTRY {
        return None;
    }
    let written: Written<'_> = minicbor::decode(bytes.strip_prefix(HEAD)?).ok()?;
    let (role, _) = KINDS.iter().find(|(_, kind)| *kind == written.kind)?;
    let product = written.product.unwrap_or("");
    let plain = |text: &str| text.len() <= LONGEST_TEXT && !text.chars().any(char::is_control);
    if written.transport.is_empty() || !plain(written.transport) || !plain(product) {
        return None;
    }
    Some(Entry {
        role: *role,
        transport: written.transport.to_owned(),
        hidden: written.hidden.unwrap_or(false),
        process: written.process.unwrap_or(0),
        since: written.since.unwrap_or(0),
        product: product.to_owned(),
    })
}

/// As much of a text as may be written.
fn within(text: &str) -> &str {
    let mut end = text.len().min(LONGEST_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or("")
}
