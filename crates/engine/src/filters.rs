//! Event filters: what a signal, a module, a thread or a process that comes or goes does to the targets (`sx*`).
//!
//! Everything is decided beforehand: the filters become the signal policy and the event orders of the next resume, so
//! that an event that nobody wants to see costs no round trip. What only the engine can decide (wildcards, commands)
//! makes a stop, after which the targets go on. Read [`Filters`] first.

mod codes;
mod history;

use std::collections::BTreeMap;

use farsight_symbols::Pattern;
use farsight_target::{Chance, EventStops, ModuleOrder, SignalPolicy, SignalSet};

pub(crate) use codes::{Code, EVENTS, EventCode, parse};
pub(crate) use history::{ExceptionRecord, History};

use crate::execution::{KNOWN_SIGNALS, Usual, usual};
use crate::rights::Rights;

/// What an event does to the targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BreakStatus {
    /// Stops at the first chance (`sxe`).
    First,
    /// Tells the first chance and stops at the second (`sxd`); for an event without chances, tells it.
    Second,
    /// Told (`sxn`).
    Notify,
    /// Not even told (`sxi`).
    Ignore,
}

/// One row of `sx`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) status: BreakStatus,
    /// Whether the exception counts as handled: its signal is not delivered.
    pub(crate) handled: bool,
    /// Which modules, processes or lines of output it is about; empty is all.
    pub(crate) argument: String,
    /// Runs at the event, or at the first chance.
    pub(crate) first: String,
    /// Runs at the second chance.
    pub(crate) second: String,
    /// What the commands may do.
    pub(crate) rights: Rights,
    /// The user has set it, which also asks for the event of processes that nobody asked for (copies made by fork).
    pub(crate) explicit: bool,
}

impl Filter {
    fn new(status: BreakStatus, handled: bool) -> Filter {
        Filter {
            status,
            handled,
            argument: String::new(),
            first: String::new(),
            second: String::new(),
            rights: Rights::ALL,
            explicit: false,
        }
    }

    /// The commands of a chance.
    pub(crate) fn commands(&self, chance: Chance) -> &str {
        match chance {
            Chance::First => &self.first,
            Chance::Second => &self.second,
        }
    }

    /// Whether the targets stay at rest.
    pub(crate) fn breaks(&self, chance: Chance) -> bool {
        match chance {
            Chance::First => self.status == BreakStatus::First,
            Chance::Second => matches!(self.status, BreakStatus::First | BreakStatus::Second),
        }
    }

    pub(crate) fn is_told(&self) -> bool {
        self.status != BreakStatus::Ignore
    }

    /// Whether the engine has to hear of the event.
    pub(crate) fn stops(&self, chance: Chance) -> bool {
        self.breaks(chance) || !self.commands(chance).is_empty()
    }

    /// Whether one of these names is what the argument asks for.
    pub(crate) fn is_about(&self, names: &[&str]) -> bool {
        let pattern = Pattern::new(&self.argument);
        self.argument.is_empty() || names.iter().any(|name| pattern.matches(name))
    }

    /// Whether the server can tell the wanted files by their names: `libm.so.6`, but neither `libm*` nor the module `libm`.
    fn is_file_name(&self) -> bool {
        self.argument.contains('.') && !self.argument.contains(['*', '?', '[', '#', '+', '\\'])
    }

    /// The order for files of a kind of event: all, or these names.
    fn files(&self) -> (bool, Vec<String>) {
        match (self.stops(Chance::First), self.is_file_name()) {
            (false, _) => (false, Vec::new()),
            (true, true) => (false, vec![self.argument.clone()]),
            (true, false) => (true, Vec::new()),
        }
    }
}

/// All filters of a session.
#[derive(Clone, Debug)]
pub(crate) struct Filters {
    events: BTreeMap<EventCode, Filter>,
    /// A break instruction of the program's own.
    own_trap: Filter,
    /// Signals with a row of their own.
    signals: BTreeMap<i32, Filter>,
    /// The other signals.
    others: Filter,
}

impl Default for Filters {
    fn default() -> Filters {
        let signals = KNOWN_SIGNALS.filter_map(|number| {
            let status = match usual(number) {
                Usual::Break => BreakStatus::First,
                Usual::Ignore => BreakStatus::Ignore,
                Usual::Tell => return None,
            };
            Some((number, Filter::new(status, false)))
        });
        let events = EVENTS.iter().map(|row| (row.code, Filter::new(row.usual, false)));
        Filters {
            events: events.collect(),
            own_trap: Filter::new(BreakStatus::First, true),
            signals: signals.collect(),
            others: Filter::new(BreakStatus::Notify, false),
        }
    }
}

impl Filters {
    /// The defaults, with what `-g` and `-G` say of a process's first and last stop.
    pub(crate) fn new(initial_break: bool, final_break: bool) -> Filters {
        let mut filters = Filters::default();
        for (code, wanted) in [
            (EventCode::InitialBreak, initial_break),
            (EventCode::ProcessEnded, final_break),
        ] {
            if !wanted {
                filters.get_mut(Code::Event(code)).status = BreakStatus::Ignore;
            }
        }
        filters
    }

    pub(crate) fn get(&self, code: Code) -> &Filter {
        match code {
            // Every event has a row from the start.
            Code::Event(code) => self.events.get(&code).unwrap_or(&self.others),
            Code::OwnTrap => &self.own_trap,
            Code::Signal(number) => self.signals.get(&number).unwrap_or(&self.others),
            Code::Others => &self.others,
        }
    }

    /// A filter to be changed; a signal gets a row of its own.
    pub(crate) fn get_mut(&mut self, code: Code) -> &mut Filter {
        let others = &mut self.others;
        match code {
            Code::Event(code) => self.events.entry(code).or_insert_with(|| others.clone()),
            Code::OwnTrap => &mut self.own_trap,
            Code::Signal(number) => self.signals.entry(number).or_insert_with(|| others.clone()),
            Code::Others => others,
        }
    }

    pub(crate) fn event(&self, code: EventCode) -> &Filter {
        self.get(Code::Event(code))
    }

    pub(crate) fn signal(&self, number: i32) -> &Filter {
        self.get(Code::Signal(number))
    }

    /// Everything that `sx` lists, in its order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (Code, &Filter)> {
        let events = EVENTS.iter().map(|row| Code::Event(row.code));
        let signals = self.signals.keys().map(|number| Code::Signal(*number));
        let codes = events.chain([Code::OwnTrap]).chain(signals).chain([Code::Others]);
        codes.map(|code| (code, self.get(code)))
    }

    /// Which signals stop the target, which are told, and which never reach the program.
    pub(crate) fn policy(&self) -> SignalPolicy {
        let of = |wanted: &dyn Fn(&Filter) -> bool| {
            let numbers: Vec<i32> = (1..=64).filter(|number| wanted(self.signal(*number))).collect();
            SignalSet::of(&numbers)
        };
        let dropped = of(&|filter| filter.handled && !filter.stops(Chance::First));
        SignalPolicy {
            stop: of(&|filter| filter.stops(Chance::First)),
            report: of(&|filter| filter.is_told() && !filter.stops(Chance::First)),
            stop_second: of(&|filter| filter.stops(Chance::Second)),
            drop: (dropped != SignalSet::default()).then_some(dropped),
        }
    }

    /// What images that come make; `deferred` says that a breakpoint waits for one.
    pub(crate) fn modules(&self, deferred: bool) -> ModuleOrder {
        let (stop, stop_names) = self.event(EventCode::Load).files();
        ModuleOrder {
            stop: stop || deferred,
            stop_names,
        }
    }

    /// Further events that stop; none where none of them does.
    pub(crate) fn stops(&self) -> Option<EventStops> {
        let wants = |code| self.event(code).stops(Chance::First);
        let (unload, unload_names) = self.event(EventCode::Unload).files();
        let stops = EventStops {
            process_started: wants(EventCode::ProcessStarted),
            process_ended: self.event(EventCode::ProcessEnded).explicit && wants(EventCode::ProcessEnded),
            thread_started: wants(EventCode::ThreadStarted),
            thread_ended: wants(EventCode::ThreadEnded),
            unload,
            unload_names,
        };
        (stops != EventStops::default()).then_some(stops)
    }

    /// Whether a process's end is a stop.
    pub(crate) fn stops_at_exit(&self) -> bool {
        self.event(EventCode::ProcessEnded).stops(Chance::First)
    }

    /// Whether threads that come and go are told.
    pub(crate) fn notes_threads(&self) -> bool {
        [EventCode::ThreadStarted, EventCode::ThreadEnded]
            .into_iter()
            .any(|code| self.event(code).is_told())
    }
}

#[cfg(test)]
mod tests;
