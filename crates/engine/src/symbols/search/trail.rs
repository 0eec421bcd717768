//! What became of each place that was tried for a module's files: what `!sym noisy` and `!chksym` show.

use std::fmt;
use std::path::PathBuf;

use farsight_types::BuildId;

/// What was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The image itself.
    Image,
    /// Its separate debug file.
    DebugFile,
    /// The symbol table packed into the image (`.gnu_debugdata`).
    Embedded,
    /// What several debug files share (`.gnu_debugaltlink`, made by `dwz`).
    Shared,
    /// All split units of the module (`.dwp`).
    Package,
    /// One split unit (`.dwo`).
    SplitUnit,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Image => "image",
            Role::DebugFile => "debug file",
            Role::Embedded => "embedded symbols",
            Role::Shared => "shared debug file",
            Role::Package => "package of split units",
            Role::SplitUnit => "split unit",
        })
    }
}

/// What came of one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It fits and is used.
    Taken,
    /// It fits and is used for want of a better one: it has a symbol table and no `.debug_info`.
    TakenForNames,
    /// It does not fit, for this reason, and is used all the same because the user said so.
    TakenAnyway(Box<Outcome>),
    /// No such file, or none that may be read.
    Absent,
    /// Something that is no file, or may not be read.
    Unreadable,
    /// The file is no image, for this reason.
    NotElf(String),
    /// It is of another build.
    WrongBuildId {
        has: Option<BuildId>,
        wanted: Option<BuildId>,
    },
    /// Without build-ids the checksum of the debug link decides.
    WrongCrc { has: u32, wanted: u32 },
    /// It would take too long to compute its checksum.
    TooLarge(u64),
    /// The user did not wait for its checksum.
    Interrupted,
    /// Without any identity the length decides.
    WrongLength { has: u64, wanted: Option<u64> },
    /// Neither the file nor the image says which build it is of.
    NoIdentity,
    /// The right file without anything that is looked for.
    Stripped(&'static str),
    /// The right file, with bytes that cannot be used, for this reason.
    Damaged(String),
    /// It lacks the unit that is looked for.
    NoSuchUnit(u64),
}

impl Outcome {
    pub(crate) fn is_taken(&self) -> bool {
        matches!(self, Outcome::Taken | Outcome::TakenForNames | Outcome::TakenAnyway(_))
    }

    /// Whether the file is of another build.
    pub(crate) fn is_mismatch(&self) -> bool {
        matches!(
            self,
            Outcome::WrongBuildId { .. }
                | Outcome::WrongCrc { .. }
                | Outcome::TooLarge(_)
                | Outcome::Interrupted
                | Outcome::WrongLength { .. }
                | Outcome::NoIdentity
        )
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = |id: &Option<BuildId>| id.as_ref().map_or("none".to_owned(), ToString::to_string);
        match self {
            Outcome::Taken => f.write_str("taken"),
            Outcome::TakenForNames => f.write_str("taken for its symbol table: no .debug_info"),
            Outcome::TakenAnyway(why) => write!(f, "taken although it does not fit: {why}"),
            Outcome::Absent => f.write_str("not there"),
            Outcome::Unreadable => f.write_str("not a regular file, or not readable by this user"),
            Outcome::Interrupted => f.write_str("interrupted before its CRC was known"),
            Outcome::TooLarge(length) => write!(f, "{length:#x} bytes are too large to compare its CRC"),
            Outcome::NotElf(why) => write!(f, "no ELF: {why}"),
            Outcome::WrongBuildId { has, wanted } => write!(f, "wrong build-id {}, wanted {}", id(has), id(wanted)),
            Outcome::WrongCrc { has, wanted } => write!(f, "wrong CRC {has:08x}, wanted {wanted:08x}"),
            Outcome::WrongLength { has, wanted } => match wanted {
                Some(wanted) => write!(f, "no build-id, and wrong length {has:#x}, wanted {wanted:#x}"),
                None => f.write_str("no build-id, and nothing else to compare"),
            },
            Outcome::NoIdentity => f.write_str("no build-id and no CRC to compare"),
            Outcome::Stripped(what) => write!(f, "stripped: {what}"),
            Outcome::Damaged(why) => write!(f, "damaged: {why}"),
            Outcome::NoSuchUnit(id) => write!(f, "it has no unit {id:016x}"),
        }
    }
}

/// One place that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) role: Role,
    pub(crate) path: PathBuf,
    pub(crate) outcome: Outcome,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} - {}", self.path.display(), self.outcome)
    }
}
