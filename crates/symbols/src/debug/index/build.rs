//! All units of a module, by as many workers as there are processors.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use super::super::{DebugInfo, UnitId};
use super::NameIndex;
use super::scopes::Scopes;
use super::table::{Raw, Table};
use super::walk::{Far, Found};

/// More workers than this wait for memory, not for processors.
const MOST_WORKERS: usize = 8;

/// How far work on a module's units is, and the wish that it end. Shared with whoever waits.
#[derive(Debug, Default)]
pub struct Watch {
    done: AtomicU32,
    total: AtomicU32,
    cancelled: AtomicBool,
}

impl Watch {
    /// The work ends soon, without a result.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether the work is to end.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Units that are done, of how many.
    pub fn progress(&self) -> (u32, u32) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }

    pub(super) fn begin(&self, total: u32) {
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }

    pub(super) fn step(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whoever asked does not want to know any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the work was interrupted")]
pub struct Cancelled;

/// Gives the numbers below `count` to workers until all are done or the work is cancelled; the answer is what each
/// worker made of its share.
pub(super) fn share<T: Send>(
    count: u32,
    watch: &Watch,
    workers: Vec<T>,
    work: impl Fn(&mut T, &mut dyn Iterator<Item = u32>) + Sync,
) -> Result<Vec<T>, Cancelled> {
    let next = AtomicU32::new(0);
    let run = |mut state: T| {
        let mut numbers = std::iter::from_fn(|| {
            if watch.is_cancelled() {
                return None;
            }
            let number = next.fetch_add(1, Ordering::Relaxed);
            (number < count).then_some(number)
        });
        work(&mut state, &mut numbers);
        state
    };
    let results: Vec<T> = match <[T; 1]>::try_from(workers) {
        Ok([alone]) => vec![run(alone)],
        Err(workers) => thread::scope(|scope| {
            let run = &run;
            let handles: Vec<_> = workers
                .into_iter()
                .map(|state| scope.spawn(move || run(state)))
                .collect();
            // A worker that panicked has no answer; what the others found is as good as ever.
            handles.into_iter().filter_map(|handle| handle.join().ok()).collect()
        }),
    };
    match watch.is_cancelled() {
        true => Err(Cancelled),
        false => Ok(results),
    }
}

/// How many workers are worth their start for so many units.
pub(super) fn worker_count(units: u32) -> usize {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    processors.min(MOST_WORKERS).min((units as usize).div_ceil(8)).max(1)
}

/// A unit, as far as its entries are wanted.
#[derive(Clone, Copy)]
pub(super) struct UnitPart {
    pub(super) id: UnitId,
    /// Bytes from the unit's start, behind which no entry has to begin that is wanted for its name.
    pub(super) until: usize,
}

impl UnitPart {
    pub(super) fn whole(id: UnitId) -> UnitPart {
        UnitPart { id, until: usize::MAX }
    }
}

pub(super) fn build(info: &DebugInfo, watch: &Watch) -> Result<NameIndex, Cancelled> {
    let units: Vec<UnitPart> = (0..info.unit_count()).map(UnitId).map(UnitPart::whole).collect();
    let mut found = walk(info, &units, watch)?;
    let packed: Vec<(UnitId, u64)> = info.reader().types_packed().collect();
    if !packed.is_empty() {
        let count = u32::try_from(packed.len()).unwrap_or(u32::MAX);
        found = share(count, watch, found, |found, numbers| {
            let reader = info.reader();
            found.type_units(
                &reader,
                numbers.filter_map(|number| packed.get(number as usize).copied()),
            );
            found.sort();
        })?;
    }
    let far: Vec<Far> = found
        .iter_mut()
        .flat_map(|found| std::mem::take(&mut found.far))
        .collect();
    if !far.is_empty() {
        found = name_far(info, watch, far, found)?;
    }
    Ok(merge(found))
}

/// An index of some units only; none where others have a part in what is in them.
pub(super) fn build_part(info: &DebugInfo, units: &[UnitPart], watch: &Watch) -> Result<Option<NameIndex>, Cancelled> {
    let found = walk(info, units, watch)?;
    let is_whole = found
        .iter()
        .all(|found| !found.has_parts && !found.far.iter().any(Far::is_type));
    Ok(is_whole.then(|| merge(found)))
}

/// Takes in the names of units, each worker's sorted.
fn walk(info: &DebugInfo, units: &[UnitPart], watch: &Watch) -> Result<Vec<Found>, Cancelled> {
    let count = u32::try_from(units.len()).unwrap_or(u32::MAX);
    watch.begin(count);
    let workers = (0..worker_count(count)).map(|_| Found::default()).collect();
    share(count, watch, workers, |found, numbers| {
        let reader = info.reader();
        for part in numbers.filter_map(|number| units.get(number as usize)) {
            match reader.parse(part.id) {
                Ok(unit) => {
                    found.unit_until(&reader, &unit, part.until);
                    found.type_units(&reader, reader.types_beside(&unit));
                }
                Err(_) => found.damaged += 1,
            }
            watch.step();
        }
        found.sort();
    })
}

/// Names the entries whose names are in other units, a unit at a time.
fn name_far(info: &DebugInfo, watch: &Watch, mut far: Vec<Far>, found: Vec<Found>) -> Result<Vec<Found>, Cancelled> {
    far.sort_unstable_by_key(|far| far.target);
    let groups: Vec<&[Far]> = far.chunk_by(|one, next| one.target.unit == next.target.unit).collect();
    let count = u32::try_from(groups.len()).unwrap_or(u32::MAX);
    share(count, watch, found, |found, numbers| {
        let reader = info.reader();
        for number in numbers {
            let Some(group) = groups.get(number as usize) else {
                continue;
            };
            let Some(first) = group.first() else {
                continue;
            };
            if let Ok(unit) = reader.parse(first.target.unit) {
                found.far_unit(&reader, &unit, group);
            }
        }
        found.sort();
    })
}

fn merge(found: Vec<Found>) -> NameIndex {
    let mut scopes = Scopes::default();
    let mut rescope = Vec::with_capacity(found.len());
    let mut far_units = Vec::new();
    let mut damaged = 0u32;
    let mut lists: [Vec<Vec<Raw>>; 3] = Default::default();
    for one in found {
        rescope.push(scopes.take_in(one.scopes));
        damaged = damaged.saturating_add(one.damaged);
        far_units.extend(one.far_units);
        for (list, found) in lists.iter_mut().zip([one.functions, one.variables, one.types]) {
            list.push(found);
        }
    }
    let [functions, variables, types] = lists.map(|lists| Table::merge(lists, &rescope));
    NameIndex {
        functions,
        variables,
        types,
        scopes: scopes.finished(),
        far_units,
        damaged,
    }
}
