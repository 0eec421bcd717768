//! What an expression may ask of the place that it is evaluated in.

use farsight_types::Address;

use super::error::near;
use super::{ExprError, ExprErrorKind};

/// Why a scope has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// Not fetched yet. The scope has noted what it lacks; the caller fetches it and evaluates again.
    #[error("not here yet")]
    NotYet,
    /// The target has no such memory.
    #[error("Memory access error at {at}")]
    Unreadable {
        /// First byte that could not be read.
        at: Address,
    },
    /// Several things have that name.
    #[error("Ambiguous symbol error")]
    Ambiguous {
        /// Some of them, as the user may write them.
        candidates: Vec<String>,
    },
    /// No module that is here has such a source line.
    #[error("{why}")]
    NoSuchLine {
        /// Why not, in words.
        why: String,
    },
    /// There is such a thing, but not now or not here.
    #[error("{why}")]
    Unavailable {
        /// Why, in words.
        why: String,
    },
}

impl ScopeError {
    /// What an ambiguous name may mean, as it is said behind the rest.
    pub(crate) fn meanings(&self) -> String {
        match self {
            ScopeError::Ambiguous { candidates } if !candidates.is_empty() => {
                format!("; there are {}", candidates.join(", "))
            }
            _ => String::new(),
        }
    }

    /// This as the error of a whole text.
    pub(crate) fn of(self, text: &str) -> ExprError {
        let near = near(text, 0);
        ExprError::new(0, ExprErrorKind::Scope { error: self, near })
    }
}

/// Where names get their values. Names come without `@`, as the user wrote them; the scope decides about case.
///
/// `Ok(None)` means that there is no such thing, and the evaluator goes on looking elsewhere.
pub trait Scope {
    /// The address of a symbol: `mod!sym`, or `sym` in any module.
    fn symbol(&mut self, name: &str) -> Result<Option<u64>, ScopeError>;

    /// The address of a local symbol (`$!sym`).
    fn local_symbol(&mut self, name: &str) -> Result<Option<u64>, ScopeError> {
        let _ = name;
        Ok(None)
    }

    /// The address of a source line, as it stands between back-ticks: `mod!file:line`, `file:line`, `:line`, `file`.
    fn source_line(&mut self, text: &str) -> Result<Option<u64>, ScopeError> {
        let why = format!("there are no source lines here ({text})");
        Err(ScopeError::Unavailable { why })
    }

    /// A register of the current thread and frame, in lower case. The evaluator itself cuts `eax`, `ah` or `zf` out of
    /// the whole register (see [`super::register_part`]), so only names of the register tables are asked for.
    fn register(&mut self, name: &str) -> Result<Option<u64>, ScopeError>;

    /// A pseudo-register (specification 5.5), in lower case and without its `$`: `ip`, `ra`, `t0`, `bp3`.
    fn pseudo(&mut self, name: &str) -> Result<Option<u64>, ScopeError>;

    /// The little-endian number of 1, 2, 4 or 8 bytes at an address.
    fn read(&mut self, address: Address, size: u8) -> Result<u64, ScopeError>;

    /// The entry point of the module that begins at an address (`$iment`).
    fn module_entry(&mut self, base: Address) -> Result<Option<u64>, ScopeError>;

    /// Whether all bytes of a range can be read (`$vvalid`).
    fn is_valid(&mut self, start: Address, length: u64) -> Result<bool, ScopeError> {
        let last = length.checked_sub(1).and_then(|distance| start.checked_add(distance));
        for address in [Some(start), last].into_iter().flatten() {
            match self.read(address, 1) {
                Ok(_) => {}
                Err(ScopeError::NotYet) => return Err(ScopeError::NotYet),
                Err(_) => return Ok(false),
            }
        }
        Ok(last.is_some())
    }

    /// The value of a whole text in C++ (`@@c++(...)`).
    fn cpp(&mut self, text: &str) -> Result<u64, ExprError> {
        Err(not_there(text))
    }

    /// The value of the C++ expression that a text begins with, and its length.
    fn cpp_prefix(&mut self, text: &str) -> Result<(u64, usize), ExprError> {
        Err(not_there(text))
    }

    /// The bytes that a pointer has in the current debuggee: 4 or 8.
    fn pointer_size(&self) -> u8 {
        8
    }
}

fn not_there(text: &str) -> ExprError {
    let what = "The C++ evaluator";
    let near = near(text, 0);
    ExprError::new(0, ExprErrorKind::NotInThisBuild { what, near })
}
