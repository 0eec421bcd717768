//! Event filters and exceptions as data: `sx`, `.eventlog`, `.exr`.

use farsight_types::{Address, OsPid};
use minicbor::{Decode, Encode};

use super::{EventReport, Place, SignalChance};

/// What an event does to the targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum BreakStatus {
    /// Stops them, at the first chance where it has chances.
    #[n(0)]
    #[default]
    Break,
    /// Stops them at the second chance; told at the first.
    #[n(1)]
    SecondChance,
    /// Told.
    #[n(2)]
    Output,
    /// Not even told.
    #[n(3)]
    Ignore,
}

/// One filter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct FilterRow {
    /// The word that names the event behind `sxe`.
    #[n(0)]
    pub name: String,
    /// What it is.
    #[n(1)]
    pub meaning: String,
    /// What it does.
    #[n(2)]
    pub status: BreakStatus,
    /// Whether it counts as handled; none for what is no exception.
    #[n(3)]
    pub handled: Option<bool>,
    /// Which modules, processes or lines it is about; empty is all.
    #[n(4)]
    pub argument: String,
    /// What runs at the first chance.
    #[n(5)]
    pub first: String,
    /// What runs at the second.
    #[n(6)]
    pub second: String,
}

/// `sx`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Filters {
    /// Events first, then exceptions.
    #[n(0)]
    pub rows: Vec<FilterRow>,
}

/// One event of `.eventlog`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LoggedEvent {
    /// Counts the session's events from 1.
    #[n(0)]
    pub number: u64,
    /// The event.
    #[n(1)]
    pub event: EventReport,
}

/// `.eventlog`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct EventLog {
    /// Oldest first.
    #[n(0)]
    pub events: Vec<LoggedEvent>,
}

/// `.exr`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ExceptionReport {
    /// Where the thread stood, where that is known.
    #[n(0)]
    pub place: Option<Place>,
    /// The signal.
    #[n(1)]
    pub number: i32,
    /// Its name, such as `SIGSEGV`.
    #[n(2)]
    pub name: String,
    /// What it means.
    #[n(3)]
    pub meaning: String,
    /// `si_code`.
    #[n(4)]
    pub code: i32,
    /// What that means; empty where nobody knows.
    #[n(5)]
    pub code_meaning: String,
    /// The address that could not be accessed, where it has one.
    #[n(6)]
    pub address: Option<Address>,
    /// Who sent it, where somebody did.
    #[n(7)]
    pub sender: Option<OsPid>,
    /// First or second; none for a record that was read from memory.
    #[n(8)]
    pub chance: Option<SignalChance>,
}
