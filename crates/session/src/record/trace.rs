//! `wt` as data.

use farsight_types::Address;
use minicbor::{Decode, Encode};

/// Control left a function, by a call, a return or a jump.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct TraceRow {
    /// Instructions of this invocation so far.
    #[n(0)]
    pub own: u64,
    /// Instructions of the calls that it has made so far.
    #[n(1)]
    pub below: u64,
    /// Calls below the start.
    #[n(2)]
    pub depth: u32,
    /// The function.
    #[n(3)]
    pub name: String,
    /// Where it was called, where that is wanted.
    #[n(4)]
    pub site: Option<Address>,
    /// What it returned, where it did and that is wanted.
    #[n(5)]
    pub result: Option<u64>,
}

/// All invocations of a function, or system calls made in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct TraceSum {
    /// The function.
    #[n(0)]
    pub name: String,
    /// How often.
    #[n(1)]
    pub invocations: u64,
    /// Instructions of the shortest invocation.
    #[n(2)]
    pub least: u64,
    /// Of the longest.
    #[n(3)]
    pub most: u64,
    /// Of all together.
    #[n(4)]
    pub total: u64,
}

/// The tables at the end of a trace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct TraceSummary {
    /// Instructions that were executed one by one.
    #[n(0)]
    pub instructions: u64,
    /// Functions by their names.
    #[n(1)]
    pub functions: Vec<TraceSum>,
    /// How many system calls were made, by number.
    #[n(2)]
    pub system_calls: Vec<(u64, u64)>,
}

/// `wt`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Trace {
    /// What was traced.
    #[n(0)]
    pub name: String,
    /// Where it returns to.
    #[n(1)]
    pub return_address: Option<Address>,
    /// Call by call; empty where that is not wanted.
    #[n(2)]
    pub rows: Vec<TraceRow>,
    /// None where it is not wanted.
    #[n(3)]
    pub summary: Option<TraceSummary>,
}
