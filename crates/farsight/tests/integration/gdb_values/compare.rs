//! Item by item: a frame is one, its line is one, each argument and each local is one. Read [`Agreement`] first.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use super::stops::{Frame, Kind, Stop, Variable};

/// How many items gdb and farsight had, how many were equal, and the others.
#[derive(Debug, Default)]
pub(super) struct Agreement {
    pub(super) equal: usize,
    /// Values of gdb that are guesses, see [`is_guess`].
    pub(super) guesses: usize,
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
        for pair in aligned(theirs, ours) {
            let at = |frames: &[Frame], frame: &Frame| At {
                stop: stop.to_owned(),
                function: frame.name.clone(),
                place: place(frames, frame),
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
            if let (Some(gdb), Some(farsight)) = (gdb, farsight)
                && is_guess(gdb, farsight)
            {
                self.guesses += 1;
                continue;
            }
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

    /// How many items of a hundred are the same.
    pub(super) fn percent(&self) -> f64 {
        let all = self.equal + self.different.len();
        100.0 * self.equal as f64 / all.max(1) as f64
    }
}

/// A frame of a stop.
struct At {
    stop: String,
    function: String,
    place: u64,
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

/// Registers whose values a function may leave changed (System V ABI for AMD64, 3.2.1).
const OF_THE_CALLED: [&str; 9] = ["rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11"];

/// Whether gdb took a register that the function called from there may have overwritten for unchanged: by gdb's own
/// account of the location there the variable is in it, and no rule of the called function's frame entry restores it.
fn is_guess(gdb: &Variable, farsight: &Variable) -> bool {
    let lost = farsight.lost.as_deref();
    let is_of_the_called = |name: &str| OF_THE_CALLED.contains(&name) || name.starts_with("xmm");
    lost.is_some_and(|lost| is_of_the_called(lost) && gdb.registers.iter().any(|register| register == lost))
}

/// The frames of both, side by side: the longest sequence of pairs with one pc and one name.
fn aligned<'a>(theirs: &'a [Frame], ours: &'a [Frame]) -> Vec<(Option<&'a Frame>, Option<&'a Frame>)> {
    let fits = |one: &Frame, other: &Frame| one.pc == other.pc && one.name == other.name;
    // best[i][j]: how many pairs the frames from i and from j on can make.
    let mut best = vec![vec![0_usize; ours.len() + 1]; theirs.len() + 1];
    for i in (0..theirs.len()).rev() {
        for j in (0..ours.len()).rev() {
            best[i][j] = if fits(&theirs[i], &ours[j]) {
                best[i + 1][j + 1] + 1
            } else {
                best[i + 1][j].max(best[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < theirs.len() || j < ours.len() {
        match (theirs.get(i), ours.get(j)) {
            (Some(one), Some(other)) if fits(one, other) => {
                pairs.push((Some(one), Some(other)));
                (i, j) = (i + 1, j + 1);
            }
            (Some(one), other) if other.is_none() || best[i + 1][j] >= best[i][j + 1] => {
                pairs.push((Some(one), None));
                i += 1;
            }
            (_, other) => {
                pairs.push((None, other));
                j += 1;
            }
        }
    }
    pairs
}
