//! Our own static process server, which may be copied to a machine that has none.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::error::SshFault;

/// Names the file, for those who keep it elsewhere than beside this program.
const VARIABLE: &str = "FARSIGHT_DBGSRV";

/// Largest file that is taken for a server.
const LARGEST: u64 = 64 << 20;

/// A process server as a file of this machine.
#[derive(Debug)]
pub(super) struct OwnServer {
    bytes: Vec<u8>,
    hash: String,
    machine: &'static str,
}

impl OwnServer {
    /// The one that the environment names, or the one beside this program; none where there is none.
    pub(super) fn find() -> Result<Option<OwnServer>, SshFault> {
        let named = std::env::var_os(VARIABLE)
            .filter(|path| !path.is_empty())
            .map(PathBuf::from);
        let beside = || {
            let program = std::env::current_exe().ok()?;
            Some(program.parent()?.join("dbgsrv")).filter(|path| path.is_file())
        };
        match named.clone().or_else(beside) {
            None => Ok(None),
            Some(path) => match OwnServer::read(&path) {
                Ok(own) => Ok(Some(own)),
                // What was named is meant; what only happens to stand there may be anything.
                Err(why) if named.is_some() => Err(SshFault::OwnServer { path, why }),
                Err(_) => Ok(None),
            },
        }
    }

    fn read(path: &PathBuf) -> Result<OwnServer, String> {
        let told = |error: std::io::Error| error.to_string();
        if fs::metadata(path).map_err(told)?.len() > LARGEST {
            return Err("it is too large for a process server".to_owned());
        }
        OwnServer::of(fs::read(path).map_err(told)?)
    }

    /// A script for this machine that stands for a server.
    #[cfg(test)]
    pub(super) fn of_script(text: &str) -> OwnServer {
        OwnServer::with(text.into(), "Linux x86_64")
    }

    /// A program that other machines can run has no interpreter and is for a processor that we know.
    pub(super) fn of(bytes: Vec<u8>) -> Result<OwnServer, String> {
        let machine = elf_machine(&bytes).ok_or("it is not a Linux program for a processor that this release knows")?;
        Ok(OwnServer::with(bytes, machine))
    }

    fn with(bytes: Vec<u8>, machine: &'static str) -> OwnServer {
        let hash = Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        OwnServer { bytes, hash, machine }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256, in hexadecimal.
    pub(super) fn hash(&self) -> &str {
        &self.hash
    }

    /// What `uname -sm` says where it runs.
    pub(super) fn machine(&self) -> &'static str {
        self.machine
    }

    /// Where it is kept over there, in the user's home: releases and builds do not get into each other's way.
    pub(super) fn place(&self) -> String {
        let short = self.hash.get(..12).unwrap_or_default();
        format!("{}/dbgsrv-{}-{short}", super::script::FOLDER, env!("CARGO_PKG_VERSION"))
    }
}

impl fmt::Display for OwnServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dbgsrv ({} bytes)", self.bytes.len())
    }
}

/// | offset | in the header of an ELF file |
/// |---|---|
/// | 0 | `\x7fELF`, 2 for 64 bits, 1 for little-endian |
/// | 18 | the processor |
fn elf_machine(bytes: &[u8]) -> Option<&'static str> {
    let header = bytes.get(..20)?;
    if !header.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    match u16::from_le_bytes([header[18], header[19]]) {
        62 => Some("Linux x86_64"),
        183 => Some("Linux aarch64"),
        _ => None,
    }
}
