//! What commands that look at targets remember from one to the next.

use farsight_types::{Address, Registers};

use crate::model::Place;

/// Registers and parts of them that `r` shows without names, by DbgEng's bits.
pub(crate) const DEFAULT_MASK: u32 = 0xa;
/// Frames of a backtrace without a count (`.kframes`).
pub(crate) const DEFAULT_FRAMES: usize = 256;

/// See the module.
#[derive(Clone)]
pub(crate) struct LookMemos {
    /// The last `e*`.
    pub(crate) enter: &'static str,
    /// What `s -[s]` saved.
    pub(crate) saved_hits: Vec<Address>,
    /// `rm`.
    pub(crate) register_mask: u32,
    /// The last pattern of `#`, and where to go on.
    pub(crate) code_search: Option<(String, Address)>,
    /// The last value that a `d*` showed (`$p`).
    pub(crate) last_shown: Option<u64>,
    /// `.kframes`.
    pub(crate) frames: usize,
    /// `.frame`.
    pub(crate) frame: Option<ChosenFrame>,
    /// `.asm no_code_bytes`.
    pub(crate) no_code_bytes: bool,
    /// Other options of `.asm`, which change nothing here.
    pub(crate) asm: Vec<&'static str>,
    /// `.holdmem`.
    pub(crate) held: Vec<(Address, Vec<u8>)>,
}

impl Default for LookMemos {
    fn default() -> LookMemos {
        LookMemos {
            enter: "eb",
            saved_hits: Vec::new(),
            register_mask: DEFAULT_MASK,
            code_search: None,
            last_shown: None,
            frames: DEFAULT_FRAMES,
            frame: None,
            no_code_bytes: false,
            asm: Vec::new(),
            held: Vec::new(),
        }
    }
}

/// The frame that commands are about, until the target runs or another thread is chosen.
#[derive(Clone)]
pub(crate) struct ChosenFrame {
    pub(crate) place: Place,
    /// Which rest it was chosen at.
    pub(crate) stop_number: u64,
    /// Its number, 0 for the innermost.
    pub(crate) number: usize,
    /// The address that names its function.
    pub(crate) lookup: Address,
    /// The thread's registers as they are in that frame, where they stand for the thread's own (`/c`).
    pub(crate) context: Option<Registers>,
}
