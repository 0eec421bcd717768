//! DWARF: what a module's debug information says of source lines, functions, variables and types.
//!
//! [`DebugInfo`] owns the sections of one module, wherever they lie, and the list of units; it is shared between
//! threads. [`DebugReader`] answers questions over it: it keeps the units that a question touches parsed, so one
//! reader serves one command or one worker. Nothing is read before it is asked for: the list of units costs one look
//! at each header, the rest is on demand.
//!
//! Everything here is written by strangers: damage gives a [`DebugError`] or less knowledge for the thing that is
//! damaged, and all else goes on; references are followed with a bound.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;

use farsight_types::Rva;

use crate::image::Image;

mod damage;
mod index;
mod lines;
mod location;
mod outline;
mod reader;
mod scopes;
mod sections;
mod split;
mod types;
mod units;

pub use damage::Damage;
pub(crate) use index::plain;
pub use index::{Cancelled, NameIndex, NameKind, Named, NamedEnumerator, Role, Watch, own_part};
pub use lines::{FilePattern, LinePlace, LinePlaces, LineRow, SourceFile};
pub use location::{
    Bits, Place, RegisterOutcome, Stored, ValueContext, ValueError, ValueFrame, ValueFrames, element_count, locate,
    locate_member, register_name,
};
pub use reader::DebugReader;
pub(crate) use reader::{Attribute, Entry, Slice, Unit};
pub use scopes::{
    CallParameter, CallSite, CallSites, CallTarget, FileId, Scope, Scopes, SourcePlace, TailCall, Variable,
    VariableKind, Variables,
};
use sections::DebugFile;
pub use split::{SplitFiles, SplitUnit};
pub use types::{
    BitRange, Definition, Encoding, Enumerator, Generic, Language, Member, MemberKind, MemberPlace, Members, Qualifier,
    RecordKind, Type, TypeId, TypeKind, TypeRef, Variant, VariantPart,
};
use units::Units;

/// Why debug information does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DebugError {
    /// The bytes contradict themselves.
    #[error("damaged debug information: {0}")]
    Damaged(#[from] gimli::Error),
    /// A reference leads nowhere, or in circles.
    #[error("damaged debug information: a reference leads nowhere")]
    Reference,
    /// What is asked for is in a file that is not here (a `.dwo` or a supplementary file).
    #[error("the debug information is in a file that is not here")]
    Elsewhere,
    /// A section is there, and cannot be used.
    #[error("{0} is damaged, or compressed in a way or to a size that this build does not unpack")]
    Section(&'static str),
}

/// One compilation unit (or type unit) of a module, in the order of its files; a skeleton and its split unit are one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UnitId(pub u32);

/// One debugging information entry of a module: a function, a type, a variable. Stays the same as long as its
/// [`DebugInfo`] lives.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DieId {
    /// The unit that it is in.
    pub unit: UnitId,
    /// Bytes from the unit's start.
    pub offset: u64,
}

/// The debug information of one module. Shared between threads; ask through [`DebugInfo::reader`].
pub struct DebugInfo {
    /// The file with the units, then its supplementary file where it has one.
    files: Vec<DebugFile>,
    units: Units,
    places: OnceLock<units::Places>,
    index: OnceLock<NameIndex>,
    /// How many names were looked for without the index.
    names_looked_for: AtomicU32,
    lines: lines::LineCache,
    outlines: OnceLock<outline::Outlines>,
    languages: OnceLock<types::Languages>,
    comparisons: types::Comparisons,
    split: split::Split,
    damage: damage::Noted,
}

impl DebugInfo {
    /// Takes the sections of an image or of its separate debug file; none where it has no `.debug_info`.
    ///
    /// `supplementary` is the file that `.gnu_debugaltlink` names, where it has been found.
    pub fn new(image: &dyn Image, supplementary: Option<&dyn Image>) -> Option<DebugInfo> {
        let main = DebugFile::new(image)?;
        let files: Vec<DebugFile> = std::iter::once(main)
            .chain(supplementary.and_then(DebugFile::new))
            .collect();
        let units = Units::list(&files);
        let damage = damage::Noted::new(units.len());
        let lines = lines::LineCache::new(units.len(), files.iter().map(DebugFile::line_bytes).sum());
        Some(DebugInfo {
            files,
            units,
            places: OnceLock::new(),
            index: OnceLock::new(),
            names_looked_for: AtomicU32::new(0),
            lines,
            outlines: OnceLock::new(),
            languages: OnceLock::new(),
            comparisons: types::Comparisons::default(),
            split: split::Split::default(),
            damage,
        })
    }

    /// With what finds the files of split units.
    pub fn with_split_files(mut self, files: Box<dyn SplitFiles>) -> DebugInfo {
        self.split = split::Split::new(files, self.units.len());
        self
    }

    /// How many units there are; [`UnitId`]s count from 0.
    pub fn unit_count(&self) -> u32 {
        u32::try_from(self.units.len()).unwrap_or(u32::MAX)
    }

    /// Why the list of units ends before its section does, or which section cannot be used.
    pub fn trouble(&self) -> Option<DebugError> {
        let sections = self.files.iter().find_map(|file| file.trouble);
        sections.or(self.units.trouble)
    }

    /// What is known to be damaged, as far as it was looked at; [`DebugReader::check`] looks at all of it.
    pub fn damage(&self) -> Damage {
        self.damage.counted()
    }

    /// Answers questions, on the asking thread.
    pub fn reader(&self) -> DebugReader<'_> {
        DebugReader::new(self)
    }

    /// The code that the debug information describes, with gaps of less than `gap` bytes counted in.
    pub fn code(&self, gap: u64) -> Vec<std::ops::Range<Rva>> {
        self.places
            .get_or_init(|| units::Places::new(&self.reader()))
            .merged(gap)
    }

    /// The unit whose code holds a place. The first call looks at every unit's root, which takes milliseconds for
    /// thousands of units.
    pub fn unit_at(&self, rva: Rva) -> Option<UnitId> {
        self.places.get_or_init(|| units::Places::new(&self.reader())).at(rva)
    }
}

impl fmt::Debug for DebugInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DebugInfo of {} units", self.units.len())
    }
}

#[cfg(test)]
mod tests;
