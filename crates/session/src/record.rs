//! Results of commands as data. One module of `render` makes the text of each.
//!
//! Strings that came from a target are kept as they came; only the renderer makes them fit for a terminal. Every record
//! can be encoded, since a viewer may sit on another machine; fields are only ever added. Read [`Record`] first.

mod code;
mod event;
mod filter;
mod machine_servers;
mod memory;
mod place;
mod sharing;
mod source;
mod system;
mod text;
mod trace;
mod types;
mod value;

use minicbor::{Decode, Encode};

pub use code::{
    ElementKind, Evaluation, FrameKind, FrameTrust, InstructionLine, Listing, Location, RegisterBits, RegisterDump,
    RegisterLayout, RegisterValue, Stack, StackColumns, StackFrame,
};
pub use event::{Ending, EventKind, EventReport, LastEvent, SignalChance, StopReport};
pub use filter::{BreakStatus, EventLog, ExceptionReport, FilterRow, Filters, LoggedEvent};
pub use machine_servers::{MachineServer, MachineServers, ServerKind, ServerKinds};
pub use memory::{
    Difference, Differences, DumpFormat, MemoryDump, MemoryPart, PointedSymbol, Pointee, PointerRow, Pointers,
    SearchHits,
};
pub use place::{
    ModuleColumn, ModuleRow, Modules, Nearest, Place, SymbolClass, SymbolColumns, SymbolName, SymbolRow, SymbolState,
    Symbols,
};
pub use sharing::{ClientRow, Clients, ServerRow, Servers};
pub use source::{SourceLines, SourceOfPlace, SourcePosition};
pub use system::{
    BreakpointKind, BreakpointRow, Breakpoints, Help, HelpRow, MachineReport, Mark, Origin, ProcessList, ProcessRow,
    Processes, RunningProcess, SystemRow, Systems, ThreadDetails, ThreadRow, Threads,
};
pub use text::{PrintedPart, PrintedText};
pub use trace::{Trace, TraceRow, TraceSum, TraceSummary};
pub use types::{FieldRow, LayoutOptions, TypeLayout, TypeList, TypeRow};
pub use value::{Bits, Content, LocalColumns, Locals, NodeKind, ShownValue, Text, ValueNode};

/// A command's result.
#[expect(clippy::large_enum_variant, reason = "notifications carry it in a box already")]
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Record {
    /// Lines that have no structure of their own.
    #[n(0)]
    Lines(#[n(0)] Vec<String>),
    /// `? expr`.
    #[n(1)]
    Evaluation(#[n(0)] Evaluation),
    /// `r`.
    #[n(2)]
    Registers(#[n(0)] RegisterDump),
    /// `d*`.
    #[n(3)]
    Memory(#[n(0)] MemoryDump),
    /// `s`.
    #[n(4)]
    SearchHits(#[n(0)] SearchHits),
    /// `u`.
    #[n(5)]
    Listing(#[n(0)] Listing),
    /// `k`.
    #[n(6)]
    Stack(#[n(0)] Stack),
    /// `lm`.
    #[n(7)]
    Modules(#[n(0)] Modules),
    /// `x`.
    #[n(8)]
    Symbols(#[n(0)] Symbols),
    /// `ln`.
    #[n(9)]
    Nearest(#[n(0)] Nearest),
    /// `~`.
    #[n(10)]
    Threads(#[n(0)] Threads),
    /// `|`.
    #[n(11)]
    Processes(#[n(0)] Processes),
    /// `||`.
    #[n(12)]
    Systems(#[n(0)] Systems),
    /// `bl`.
    #[n(13)]
    Breakpoints(#[n(0)] Breakpoints),
    /// `.tlist`.
    #[n(14)]
    ProcessList(#[n(0)] ProcessList),
    /// Something happened and the target runs on, such as a module that was loaded.
    #[n(15)]
    Event(#[n(0)] EventReport),
    /// The session came to rest.
    #[n(16)]
    Stop(#[n(0)] StopReport),
    /// `.lastevent`.
    #[n(17)]
    LastEvent(#[n(0)] LastEvent),
    /// `.help`.
    #[n(18)]
    Help(#[n(0)] Help),
    /// `vertarget`.
    #[n(19)]
    Machine(#[n(0)] MachineReport),
    /// `c`.
    #[n(60)]
    Differences(#[n(0)] Differences),
    /// `dda`, `dpp` and their kin.
    #[n(61)]
    Pointers(#[n(0)] Pointers),
    /// `sx`.
    #[n(40)]
    Filters(#[n(0)] Filters),
    /// `.eventlog`.
    #[n(41)]
    EventLog(#[n(0)] EventLog),
    /// `.exr`.
    #[n(42)]
    Exception(#[n(0)] ExceptionReport),
    /// `wt`.
    #[n(70)]
    Trace(#[n(0)] Trace),
    /// `.printf`.
    #[n(80)]
    Printed(#[n(0)] PrintedText),
    /// `dv`.
    #[n(90)]
    Locals(#[n(0)] Locals),
    /// `??`, `dx`.
    #[n(91)]
    Value(#[n(0)] ShownValue),
    /// `ls`, `lsa`, `lsf`.
    #[n(95)]
    Source(#[n(0)] SourceLines),
    /// `dt`.
    #[n(100)]
    Layout(#[n(0)] TypeLayout),
    /// `dt` with a pattern.
    #[n(101)]
    Types(#[n(0)] TypeList),
    /// `.servers`.
    #[n(110)]
    Servers(#[n(0)] Servers),
    /// `.clients`.
    #[n(111)]
    Clients(#[n(0)] Clients),
    /// `farsight -QR`.
    #[n(120)]
    MachineServers(#[n(0)] MachineServers),
}

impl Record {
    /// How many bytes its encoding takes, which says how much there is to show.
    pub fn weight(&self) -> usize {
        let mut counter = Counter(0);
        // Counting cannot fail; a derive of ours never raises an error of its own.
        let _ = minicbor::encode(self, &mut counter);
        counter.0
    }

    /// One line of text.
    pub fn line(text: impl Into<String>) -> Record {
        Record::Lines(vec![text.into()])
    }
}

/// Counts what is written into it.
struct Counter(usize);

impl minicbor::encode::Write for Counter {
    type Error = std::convert::Infallible;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        self.0 += bytes.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use farsight_types::{Address, AddressRange, OsPid, OsTid};

    use super::*;

    #[test]
    fn records_survive_the_wire() {
        let place = Place::named(Address(0x1000), SymbolName::new("prog", "main", 4));
        let part = MemoryPart {
            address: Address(0x1000),
            bytes: vec![1, 2, 3],
        };
        let range = AddressRange::new(Address(0x1000), 16);
        let breakpoint = BreakpointRow {
            kind: BreakpointKind::Hardware { access: 'w', size: 4 },
            address: Some(Address(7)),
            ..BreakpointRow::default()
        };
        let event = EventReport {
            pid: OsPid(1),
            tid: OsTid(2),
            kind: EventKind::Exiting {
                ending: Ending::Signal {
                    number: 9,
                    name: String::from("SIGKILL"),
                },
            },
        };
        let location = Some(Location {
            place: place.clone(),
            instruction: Some(InstructionLine {
                place: place.clone(),
                bytes: vec![0xc3],
                text: String::from("ret"),
                source: Some(SourceOfPlace::default()),
            }),
            source: Some(SourceOfPlace::default()),
            inlined_in: Some(SymbolName::in_module("m", 1)),
        });
        let stack = Stack {
            frames: vec![StackFrame {
                arguments: vec![Some(1), None],
                trust: FrameTrust::Scanned,
                site: place,
                kind: FrameKind::Inlined,
                source: Some(SourcePosition::default()),
                parameters: Some(vec![ValueNode::default()]),
                ..StackFrame::default()
            }],
            ..Stack::default()
        };
        let servers = MachineServers {
            machine: String::from("BOX17"),
            rows: vec![MachineServer {
                kind: ServerKind::ProcessServer,
                transport: String::from("tcp:Port=5005"),
                hidden: true,
                pid: OsPid(1),
                since: 2,
                uid: Some(1000),
                product: String::from("farsight"),
            }],
        };
        for record in [
            Record::line("text"),
            Record::Memory(MemoryDump::new(DumpFormat::Symbols, range, vec![part])),
            Record::Stack(stack),
            Record::Breakpoints(Breakpoints { rows: vec![breakpoint] }),
            Record::MachineServers(servers),
            Record::Stop(StopReport {
                event,
                registers: None,
                location,
            }),
        ] {
            let bytes = minicbor::to_vec(&record).unwrap();
            assert_eq!(minicbor::decode::<Record>(&bytes).unwrap(), record);
        }
    }
}
