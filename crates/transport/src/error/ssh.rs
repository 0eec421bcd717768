//! Why a server could not be reached through ssh.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// What went wrong between here and a running server over there, each with its cure.
#[derive(Debug, thiserror::Error)]
pub enum SshFault {
    /// Install ssh.
    #[error("there is no ssh on this machine: install it (openssh-client), or use tcp: with a password")]
    NoSsh,
    /// The operating system refused.
    #[error("ssh could not be started: {0}")]
    Os(#[source] io::Error),
    /// Do what ssh asks for.
    #[error("{words}; {cure}")]
    Said {
        /// The last that ssh said, without what a terminal would obey.
        words: String,
        /// What helps.
        cure: &'static str,
    },
    /// Try by hand.
    #[error("it ended without a word; try 'ssh HOST true' by hand")]
    Closed,
    /// Try by hand.
    #[error(
        "no answer within {} s; try 'ssh HOST true' by hand: where it asks something, load the key into ssh-agent first",
        after.as_secs()
    )]
    Silent {
        /// How long was waited.
        after: Duration,
    },
    /// Mend the account's start-up files.
    #[error(
        "what came back is no answer of ours: does a start-up file of the shell over there write to standard output?"
    )]
    Noise,
    /// Install a server over there, or here one that can be copied.
    #[error(
        "no dbgsrv is in the PATH over there, and none is here to be copied: put dbgsrv beside farsight, or name one with \
         FARSIGHT_DBGSRV"
    )]
    NoServer,
    /// Install a server for that machine.
    #[error(
        "no dbgsrv is in the PATH over there, and ours cannot be copied: that machine is '{machine}' and it is for '{ours}'; \
         install a dbgsrv there, or name one for it with FARSIGHT_DBGSRV"
    )]
    OtherMachine {
        /// What `uname -sm` says there.
        machine: String,
        /// What it says where ours runs.
        ours: &'static str,
    },
    /// Look at the file, and remove it.
    #[error(
        "the file {path} over there is not the dbgsrv that belongs there and is not replaced: look at it and remove it"
    )]
    Altered {
        /// The file.
        path: String,
    },
    /// Mend the directory.
    #[error("others may write in {path} over there, so nothing in it is run: chmod go-w {path}, and let it be yours")]
    Unsafe {
        /// The directory.
        path: String,
    },
    /// Make room, or install a server.
    #[error("dbgsrv could not be copied: {why}; mend that, or install dbgsrv there")]
    NotCopied {
        /// The other machine's word.
        why: String,
    },
    /// Start the server over there, or correct the pipe's name.
    #[error("over there: {why}")]
    NoPipe {
        /// The other machine's word.
        why: String,
    },
    /// Name another file.
    #[error("{} (FARSIGHT_DBGSRV) cannot be copied: {why}", .path.display())]
    OwnServer {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}
