//! What a step plan met on its way, as the server's marks say it: the steps themselves, or the calls of a trace.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use farsight_session::Record;
use farsight_session::record::{EventKind, EventReport, StopReport, Trace, TraceRow, TraceSum, TraceSummary};
use farsight_target::{StepMark, StepMarkKind, StepPlan};
use farsight_types::{Address, OsPid, OsTid};

use super::ResumeIntent;
use crate::commands::function_at;
use crate::error::CommandError;
use crate::session::Session;

/// Steps that are shown at most, the last ones.
pub(super) const MOST_STEPS: u32 = 256;
/// Calls and returns of a trace at most.
const MOST_CALLS: u32 = 1 << 15;

/// How a step is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum StepShow {
    /// Where it ends.
    #[default]
    Last,
    /// Each place that it comes by.
    Each,
    /// As a trace.
    Watch(WatchOrder),
}

impl StepShow {
    /// How many marks the server is to keep.
    pub(super) fn marks(&self) -> Option<u32> {
        match self {
            StepShow::Last => None,
            StepShow::Each => Some(MOST_STEPS),
            StepShow::Watch(_) => Some(MOST_CALLS),
        }
    }
}

/// What a trace is of, and what of it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct WatchOrder {
    pub(crate) name: String,
    pub(crate) return_address: Option<Address>,
    /// It began at a call; the function called is the outermost.
    pub(crate) from_call: bool,
    /// Calls at this depth are not shown; 0 is no limit.
    pub(crate) depth: u32,
    pub(crate) hides_ignored: bool,
    pub(crate) hides_calls: bool,
    pub(crate) hides_summary: bool,
    pub(crate) hides_warnings: bool,
    pub(crate) shows_sites: bool,
    pub(crate) shows_results: bool,
}

impl Session {
    /// Shows what the run that has just ended noted.
    pub(super) fn show_marks(&mut self, pid: OsPid, tid: OsTid, before: &ResumeIntent, marks: &[StepMark]) {
        let result = match &before.shows {
            _ if marks.is_empty() => Ok(()),
            StepShow::Last => Ok(()),
            StepShow::Each => {
                // A mark of a source line counts the instructions that led there.
                let by_lines = matches!(before.step, Some(StepPlan::Lines { .. }));
                self.show_steps(pid, tid, marks, by_lines)
            }
            StepShow::Watch(order) => self.show_trace(order, marks),
        };
        if let Err(error) = result {
            self.output.error(error.to_string());
        }
    }

    fn show_steps(&mut self, pid: OsPid, tid: OsTid, marks: &[StepMark], by_lines: bool) -> Result<(), CommandError> {
        let earlier = marks.first().map_or(0, |mark| mark.instructions.saturating_sub(1));
        if by_lines && marks.len() >= MOST_STEPS as usize {
            self.output.line("(earlier lines are not shown)");
        } else if earlier > 0 && !by_lines {
            self.output.line(format!("({earlier} earlier steps are not shown)"));
        }
        self.load_for(marks.iter().map(|mark| mark.pc))?;
        // The last place is where the thread stands, which the stop shows.
        let here = self.registers()?.pc();
        let shown = match marks.split_last() {
            Some((last, before)) if last.pc == here => before,
            _ => marks,
        };
        for mark in shown {
            let event = EventReport {
                pid,
                tid,
                kind: EventKind::Step,
            };
            let location = Some(self.location_at(mark.pc)?);
            self.output.record(Record::Stop(StopReport {
                event,
                registers: None,
                location,
            }));
        }
        Ok(())
    }

    fn show_trace(&mut self, order: &WatchOrder, marks: &[StepMark]) -> Result<(), CommandError> {
        self.load_for(marks.iter().map(|mark| mark.pc))?;
        let mut names = BTreeMap::new();
        for mark in marks {
            if let Entry::Vacant(unnamed) = names.entry(mark.pc) {
                unnamed.insert(function_at(self, mark.pc)?);
            }
        }
        let mut tracing = Tracing::new(order);
        for mark in marks {
            tracing.take(mark, names.get(&mark.pc).map(String::as_str).unwrap_or_default());
        }
        let trace = tracing.finish();
        self.output.record(Record::Trace(trace));
        if marks.len() >= MOST_CALLS as usize && !order.hides_warnings {
            self.output.warning(format!(
                "*** WARNING: more than {MOST_CALLS} calls, returns and jumps; what came behind them ran untraced"
            ));
        }
        Ok(())
    }
}

/// An invocation that has not ended.
#[derive(Default)]
struct Invocation {
    name: String,
    site: Option<Address>,
    own: u64,
    below: u64,
    /// Instructions of functions that jumped here, which this one returns for.
    passed_on: u64,
    /// Nothing of it was executed one by one.
    whole: bool,
}

/// A trace on its way from marks to rows.
struct Tracing<'a> {
    order: &'a WatchOrder,
    stack: Vec<Invocation>,
    rows: Vec<TraceRow>,
    sums: BTreeMap<String, TraceSum>,
    system_calls: BTreeMap<u64, u64>,
    instructions: u64,
}

impl<'a> Tracing<'a> {
    fn new(order: &'a WatchOrder) -> Tracing<'a> {
        let mut stack = Vec::new();
        if !order.from_call {
            stack.push(Invocation {
                name: order.name.clone(),
                ..Invocation::default()
            });
        }
        Tracing {
            order,
            stack,
            rows: Vec::new(),
            sums: BTreeMap::new(),
            system_calls: BTreeMap::new(),
            instructions: 0,
        }
    }

    /// Takes a mark over; `name` is that of the function at its place.
    fn take(&mut self, mark: &StepMark, name: &str) {
        self.instructions += mark.instructions;
        if let Some(top) = self.stack.last_mut() {
            top.own += mark.instructions;
            top.whole &= mark.instructions == 0;
        }
        match mark.kind {
            StepMarkKind::Call => {
                self.row(None);
                self.stack.push(Invocation {
                    name: name.to_owned(),
                    site: mark.value.map(Address),
                    whole: true,
                    ..Invocation::default()
                });
            }
            StepMarkKind::Return => {
                self.row(mark.value);
                self.leave();
            }
            StepMarkKind::Step => {
                let Some(top) = self.stack.last().filter(|top| top.name != name) else {
                    return;
                };
                let (site, passed_on) = (top.site, top.passed_on + top.own + top.below);
                self.row(None);
                self.sum();
                self.stack.pop();
                self.stack.push(Invocation {
                    name: name.to_owned(),
                    site,
                    passed_on,
                    ..Invocation::default()
                });
            }
            StepMarkKind::SystemCall => *self.system_calls.entry(mark.value.unwrap_or(0)).or_default() += 1,
        }
    }

    /// The innermost invocation as it is now.
    fn row(&mut self, result: Option<u64>) {
        let depth = self.stack.len().saturating_sub(1) as u32;
        let too_deep = self.order.depth > 0 && depth >= self.order.depth;
        let Some(top) = self.stack.last() else { return };
        let hidden = self.order.hides_calls || too_deep || top.whole && self.order.hides_ignored;
        if !hidden {
            self.rows.push(TraceRow {
                own: top.own,
                below: top.below,
                depth,
                name: top.name.clone(),
                site: top.site.filter(|_| self.order.shows_sites),
                result: result.filter(|_| self.order.shows_results),
            });
        }
    }

    fn leave(&mut self) {
        self.sum();
        if let Some(left) = self.stack.pop()
            && let Some(caller) = self.stack.last_mut()
        {
            caller.below += left.own + left.below + left.passed_on;
        }
    }

    fn sum(&mut self) {
        let Some(top) = self.stack.last().filter(|top| !top.whole) else {
            return;
        };
        let sum = self.sums.entry(top.name.clone()).or_insert_with(|| TraceSum {
            name: top.name.clone(),
            least: u64::MAX,
            ..TraceSum::default()
        });
        sum.invocations += 1;
        sum.least = sum.least.min(top.own);
        sum.most = sum.most.max(top.own);
        sum.total += top.own;
    }

    fn finish(mut self) -> Trace {
        // What has not returned is shown as far as it came.
        while !self.stack.is_empty() {
            self.row(None);
            self.leave();
        }
        let summary = TraceSummary {
            instructions: self.instructions,
            functions: self.sums.into_values().collect(),
            system_calls: self.system_calls.into_iter().collect(),
        };
        Trace {
            name: self.order.name.clone(),
            return_address: self.order.return_address,
            rows: self.rows,
            summary: (!self.order.hides_summary).then_some(summary),
        }
    }
}
