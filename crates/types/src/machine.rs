//! What kind of machine a target is. Asked of the target, never of the host.

use std::fmt;

use minicbor::{Decode, Encode};

/// The instruction set of a debuggee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Architecture {
    /// x86-64, DbgEng's `amd64`.
    #[n(0)]
    Amd64,
    /// 64-bit ARM.
    #[n(1)]
    Arm64,
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Architecture::Amd64 => "x64",
            Architecture::Arm64 => "ARM64",
        })
    }
}

/// The operating system a target runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum OperatingSystem {
    /// Linux.
    #[n(0)]
    Linux,
    /// Windows.
    #[n(1)]
    Windows,
}

impl fmt::Display for OperatingSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OperatingSystem::Linux => "Linux",
            OperatingSystem::Windows => "Windows",
        })
    }
}
