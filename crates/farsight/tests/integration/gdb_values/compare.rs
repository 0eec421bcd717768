//! Item by item: a frame is one, its line is one, each argument and each local is one. Read [`Agreement`] first.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use super::stops::{Frame, Kind, Stop, Variable};
use crate::aligned::aligned;

/// How many items gdb and farsight had, how many were equal, and the others.
#[derive(Debug, Default)]
pub(super) struct Agreement {
    pub(super) equal: usize,
    /// Of the items, those that are what a container or smart pointer holds.
    pub(super) held: usize,
    pub(super) different: Vec<Difference>,
}

/// An item that is not the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Difference {
    /// The function of the frame.
    pub(super) function: String,
    /// `(frame)`, `(line)`, or the variable's name.
    pub(super) item: String,
    pub(super) gdb: String,
    pub(super) farsight: String,
    /// The label of the (first) stop.
    pub(super) stop: String,
    /// The address that names the frame's place: of a caller, that of the call's last byte.
    pub(super) place: u64,
    /// As [`Difference::place`], of the function that was called from there; none in the innermost.
    pub(super) called: Option<u64>,
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference {
            function,
            item,
            gdb,
            farsight,
            stop,
            place: _,
            called: _,
        } = self;
        write!(
            out,
            "{function} {item} (stop {stop}):\n    gdb      {gdb}\n    farsight {farsight}"
        )
    }
}

const NOTHING: &str = "(nothing)";

impl Agreement {
    /// Compares the stops of a whole run.
    ///
    /// # Panics
    /// When the debuggee did not stop at the same places, or on another stack.
    pub(super) fn of(gdb: &[Stop], farsight: &[Stop]) -> Agreement {
        let moments = |stops: &[Stop]| -> Vec<_> {
            let moments = stops.iter().map(|stop| (stop.label.clone(), stop.pc, stop.sp));
            moments.collect()
        };
        let (theirs, ours) = (moments(gdb), moments(farsight));
        let first = theirs.iter().zip(&ours).find(|(theirs, ours)| theirs != ours);
        assert_eq!(
            first, None,
            "the runs went apart: (stop, pc, sp) of gdb and of farsight"
        );
        assert_eq!(theirs.len(), ours.len(), "stops of gdb and of farsight");
        let mut agreement = Agreement::default();
        for (theirs, ours) in gdb.iter().zip(farsight) {
            agreement.frames(&theirs.label, &theirs.frames, &ours.frames);
        }
        agreement
    }

    fn frames(&mut self, stop: &str, theirs: &[Frame], ours: &[Frame]) {
        for pair in aligned(theirs, ours, is_one) {
            let at = |frames: &[Frame], frame: &Frame| At {
                stop: stop.to_owned(),
                function: frame.name.clone(),
                place: place(frames, frame),
                called: called(frames, frame),
            };
            match pair {
                (Some(one), Some(other)) => {
                    let at = at(theirs, one);
                    let both = |frame: &Frame| format!("{:?} {}", frame.kind, frame.name);
                    self.item(&at, "(frame)", Some(&both(one)), Some(&both(other)));
                    self.item(&at, "(line)", Some(&one.place), Some(&other.place));
                    self.variables(&at, one, other);
                }
                (Some(one), None) => self.item(&at(theirs, one), "(frame)", Some(&format!("{:?}", one.kind)), None),
                (None, Some(one)) => self.item(&at(ours, one), "(frame)", None, Some(&format!("{:?}", one.kind))),
                (None, None) => {}
            }
        }
    }

    fn variables(&mut self, at: &At, theirs: &Frame, ours: &Frame) {
        let (theirs_named, ours_named) = (by_name(theirs), by_name(ours));
        let mut names: Vec<_> = theirs_named.keys().chain(ours_named.keys()).collect();
        names.sort_unstable();
        names.dedup();
        for key in names {
            let (gdb, farsight) = (theirs_named.get(key).copied(), ours_named.get(key).copied());
            if let Some(theirs) = gdb.and_then(|gdb| gdb.data.as_deref()) {
                self.held += 1;
                let ours = farsight.and_then(|farsight| farsight.data.as_deref());
                self.item(at, &format!("{key} (data)"), Some(theirs), ours);
            }
            let value = |one: Option<&'_ Variable>| one.map(|one| one.value.clone());
            self.item(at, key, value(gdb).as_deref(), value(farsight).as_deref());
        }
    }

    fn item(&mut self, at: &At, item: &str, gdb: Option<&str>, farsight: Option<&str>) {
        if gdb == farsight {
            self.equal += 1;
            return;
        }
        self.different.push(Difference {
            stop: at.stop.clone(),
            function: at.function.clone(),
            place: at.place,
            called: at.called,
            item: item.to_owned(),
            gdb: gdb.unwrap_or(NOTHING).to_owned(),
            farsight: farsight.unwrap_or(NOTHING).to_owned(),
        });
    }

    /// The kinds of differences, with how often each is; values of pointers and numbers apart they are one.
    pub(super) fn grouped(&self) -> Vec<(&Difference, usize)> {
        let mut groups: BTreeMap<_, (&Difference, usize)> = BTreeMap::new();
        for one in &self.different {
            let shape = |text: &str| text.replace(|letter: char| letter.is_ascii_hexdigit(), "");
            let key = (&one.function, &one.item, shape(&one.gdb), shape(&one.farsight));
            groups.entry(key).or_insert((one, 0)).1 += 1;
        }
        groups.into_values().collect()
    }
}

/// A frame of a stop.
struct At {
    stop: String,
    function: String,
    place: u64,
    called: Option<u64>,
}

/// Frames are one at one pc and with one name.
fn is_one(one: &Frame, other: &Frame) -> usize {
    usize::from(one.pc == other.pc && one.name == other.name)
}

/// The address that names a frame's place; only the innermost function and what is inlined into it are not at calls.
fn place(frames: &[Frame], frame: &Frame) -> u64 {
    let innermost = frames.iter().take_while(|one| one.kind != Kind::Real).count();
    let is_innermost = frames.iter().take(innermost + 1).any(|one| std::ptr::eq(one, frame));
    frame.pc.wrapping_sub(u64::from(!is_innermost))
}

fn by_name(frame: &Frame) -> HashMap<&str, &Variable> {
    let variables = frame.variables.iter();
    variables.map(|one| (one.name.as_str(), one)).collect()
}

/// The place of the function that was called from a frame: of the next one within that is on the stack.
fn called(frames: &[Frame], frame: &Frame) -> Option<u64> {
    let at = frames.iter().position(|one| std::ptr::eq(one, frame))?;
    let mut within = frames.get(..at)?.iter().rev();
    within.find(|one| one.kind == Kind::Real).map(|one| place(frames, one))
}
