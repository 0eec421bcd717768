//! Why a serial line could not be had or does not work, each with its cure.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why there is no connection over a serial port.
#[derive(Debug, thiserror::Error)]
pub enum SerialError {
    /// Correct the port's name, or plug the adapter in.
    #[error(
        "there is no serial port {} here: {source}; 'ls /dev/ttyS* /dev/ttyUSB* /dev/ttyACM*' shows those there are, COM1 \
         is /dev/ttyS0", .port.display()
    )]
    NoSuchPort {
        /// Its device.
        port: PathBuf,
        /// The operating system's word.
        source: io::Error,
    },

    /// Name a serial port.
    #[error("{} is not a serial port: name one such as com1 or /dev/ttyUSB0", .port.display())]
    NotAPort {
        /// What was named.
        port: PathBuf,
    },

    /// Join the group that may use it.
    #[error(
        "this user may not use {} ({source}): join the group that owns it ({group}; usermod -a -G {group} USER, then log in \
         again), or run as root", .port.display()
    )]
    NotAllowed {
        /// Its device.
        port: PathBuf,
        /// The group that may.
        group: String,
        /// The operating system's word.
        source: io::Error,
    },

    /// End what uses it.
    #[error("{} is in use by {by}: end that, or use another port", .port.display())]
    InUse {
        /// Its device.
        port: PathBuf,
        /// Which processes, as far as this user may see.
        by: String,
    },

    /// Check the hardware.
    #[error("{} cannot be used: {source}; is there hardware behind that port?", .port.display())]
    Port {
        /// Its device.
        port: PathBuf,
        /// The operating system's word.
        source: io::Error,
    },

    /// Choose a rate that the hardware has.
    #[error("{} cannot run at {baud} baud: choose another rate, at both ends", .port.display())]
    Baud {
        /// Its device.
        port: PathBuf,
        /// The rate.
        baud: u32,
    },

    /// Use the rate that it has.
    #[error(
        "{} is open at {open} baud for other connections and cannot run at {asked} too: use baud={open}, at both ends",
        .port.display()
    )]
    OtherBaud {
        /// Its device.
        port: PathBuf,
        /// The rate that it has.
        open: u32,
        /// The rate that was asked for.
        asked: u32,
    },

    /// Choose another channel.
    #[error(
        "channel {channel} of {} is served by process {process} of this machine: choose another channel, or end that \
         server", .port.display()
    )]
    ChannelTaken {
        /// Its device.
        port: PathBuf,
        /// The channel.
        channel: u8,
        /// Who serves it.
        process: u32,
    },

    /// Start the server there, or correct the channel.
    #[error(
        "the other end of {} answers, but nobody serves channel {channel} there: is the server running, and with \
         channel={channel}?", .port.display()
    )]
    NobodyServes {
        /// Its device.
        port: PathBuf,
        /// The channel.
        channel: u8,
    },

    /// Start the other end, check cable and port.
    #[error(
        "nothing came over {} at {baud} baud: is a farsight server running at the other end, is this the right port, and is \
         the cable plugged in and crossed (a null-modem cable)?", .port.display()
    )]
    Nothing {
        /// Its device.
        port: PathBuf,
        /// The rate.
        baud: u32,
    },

    /// Use a port without a console.
    #[error(
        "what comes over {} is text and not farsight's: another program, such as a login console, uses the other end; stop it \
         (systemctl stop serial-getty@...) or use another port", .port.display()
    )]
    Text {
        /// Its device.
        port: PathBuf,
    },

    /// Use the same rate at both ends.
    #[error(
        "what comes over {} is not farsight's, or is damaged beyond reading: does the other end run at {baud} baud too, and \
         is the other program a farsight server?", .port.display()
    )]
    Noise {
        /// Its device.
        port: PathBuf,
        /// The rate.
        baud: u32,
    },

    /// Unplug what sends everything back.
    #[error(
        "{} gives back what is sent over it: a loopback plug, or a terminal or modem that echoes, is at the other end",
        .port.display()
    )]
    Echo {
        /// Its device.
        port: PathBuf,
    },

    /// Use releases that fit.
    #[error(
        "the other end of {} speaks version {version} of the line's protocol and this one {}: use the same release at both \
         ends", .port.display(), super::frame::VERSION
    )]
    OtherRelease {
        /// Its device.
        port: PathBuf,
        /// What it speaks.
        version: u8,
    },

    /// Close connections.
    #[error("{} carries as many connections as it can: end some", .port.display())]
    Full {
        /// Its device.
        port: PathBuf,
    },

    /// Try again.
    #[error("the other end of {} did not take the connection within {} s: is its server stopped?", .port.display(), .after.as_secs())]
    TimedOut {
        /// Its device.
        port: PathBuf,
        /// How long was waited.
        after: Duration,
    },

    /// See what the operating system says about processes and sockets.
    #[error("no process could be started that keeps {} open: {source}", .port.display())]
    Process {
        /// Its device.
        port: PathBuf,
        /// The operating system's word.
        source: io::Error,
    },

    /// Use the same release for all programs of this machine.
    #[error("{} is kept open by another release of farsight: end its programs, or use the same release", .port.display())]
    OtherReleaseHere {
        /// Its device.
        port: PathBuf,
    },
}
