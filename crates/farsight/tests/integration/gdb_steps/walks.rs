//! Steps behind one stop, in the form that both debuggers' are written in, and what of two sequences is the same. Read
//! [`Walk`] first.

use std::collections::BTreeMap;
use std::fmt;

use crate::aligned::{Pair, aligned};

/// The steps behind one stop.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// By what, where it began, and the number of the stop.
    pub(super) key: (Kind, u64, u32),
    pub(super) places: Vec<Place>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Into calls: `t`, gdb's `step`.
    #[default]
    Into,
    /// Over them: `p`, gdb's `next`.
    Over,
}

impl Kind {
    pub(super) fn other(self) -> Kind {
        match self {
            Kind::Into => Kind::Over,
            Kind::Over => Kind::Into,
        }
    }
}

/// Where a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// By gdb's account of the line table.
    pub(super) rank: Rank,
    pub(super) pc: u64,
    /// Without scopes and parameters.
    pub(super) function: String,
    /// `FILE:LINE` without folders, or `-`.
    pub(super) line: String,
}

/// What a place is that gdb stops at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// A line begins there.
    Line,
    /// A row begins there, and the thread was in its line or returned into its middle: farsight finishes that line.
    Middle,
    /// Inlined code begins there, and gdb shows the line that calls it, which has no code there: farsight's `p` steps over
    /// inlined code, and ends where a row has another line.
    Call,
}

impl Place {
    fn is_same(&self, other: &Place) -> bool {
        (&self.function, &self.line) == (&other.function, &other.line)
    }

    /// Whether a walk ends there.
    pub(super) fn is_end(&self) -> bool {
        self.function == "main" || self.line == "-"
    }
}

/// How many steps ended at the same lines, and the others.
#[derive(Debug, Default)]
pub(super) struct Agreement {
    pub(super) equal: usize,
    /// Places of gdb's that are no beginning of a line, and that farsight has none at: how many of [`Rank::Middle`] and of
    /// [`Rank::Call`].
    pub(super) middles: usize,
    pub(super) calls: usize,
    pub(super) different: Vec<Difference>,
}

/// A place that only one of both came to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Difference {
    pub(super) kind: Kind,
    pub(super) function: String,
    pub(super) line: String,
    pub(super) by: By,
    pub(super) pc: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum By {
    Gdb,
    Farsight,
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference {
            kind,
            function,
            line,
            by,
            pc,
        } = self;
        write!(out, "{kind:?}: only {by:?} is at {line} in {function}, {pc:x}")
    }
}

impl Agreement {
    /// Compares the walks of a whole run.
    ///
    /// # Panics
    /// When one of both made more than a third of its walks from where the other made none.
    pub(super) fn add(&mut self, gdb: &[Walk], farsight: &[Walk]) {
        let mut ours: Vec<&Walk> = farsight.iter().collect();
        let mut unmatched = 0;
        for theirs in gdb {
            match ours.iter().position(|ours| ours.key == theirs.key) {
                Some(index) => self.walk(theirs.key.0, &theirs.places, &ours.remove(index).places),
                None => unmatched += 1,
            }
        }
        let both = format!("{unmatched} walks of gdb and {} of farsight", ours.len());
        assert!(
            3 * unmatched.max(ours.len()) <= gdb.len(),
            "{both} have no counterpart, of {}",
            gdb.len()
        );
    }

    fn walk(&mut self, kind: Kind, theirs: &[Place], ours: &[Place]) {
        let pairs = aligned(theirs, ours, worth);
        // A side that made further steps on its way did not come as far with as many.
        let paired = pairs.iter().rposition(|pair| matches!(pair, (Some(_), Some(_))));
        let (before, behind) = pairs.split_at(paired.map_or(0, |last| last + 1));
        let alone =
            |pairs: &[Pair<'_, Place>]| pairs.iter().filter(|pair| pair.0.is_none() || pair.1.is_none()).count();
        let uncounted = theirs.iter().filter(|place| place.rank != Rank::Line).count();
        let is_tail = alone(behind) <= alone(before) + uncounted + 1;
        for pair in if is_tail { before } else { &pairs } {
            let (by, place) = match pair {
                (Some(_), Some(_)) => {
                    self.equal += 1;
                    continue;
                }
                (Some(theirs), None) if theirs.rank == Rank::Middle => {
                    self.middles += 1;
                    continue;
                }
                (Some(theirs), None) if theirs.rank == Rank::Call => {
                    self.calls += 1;
                    continue;
                }
                (Some(theirs), None) => (By::Gdb, theirs),
                (None, Some(ours)) => (By::Farsight, ours),
                (None, None) => continue,
            };
            self.different.push(Difference {
                kind,
                function: place.function.clone(),
                line: place.line.clone(),
                by,
                pc: place.pc,
            });
        }
    }

    /// The kinds of differences, with how often each is.
    pub(super) fn grouped(&self) -> BTreeMap<&Difference, usize> {
        let mut groups = BTreeMap::new();
        for one in &self.different {
            *groups.entry(one).or_insert(0) += 1;
        }
        groups
    }
}

/// What a pair of places counts; one at a single pc is the better.
fn worth(one: &Place, other: &Place) -> usize {
    match one.is_same(other) {
        true if one.pc == other.pc => 1001,
        true => 1000,
        false => 0,
    }
}
