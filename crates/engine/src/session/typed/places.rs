//! Places of variables: memory, or pieces of registers.

use farsight_symbols::{DebugReader, DieId, Place as Stored, ReadOutcome, ValueContext, ValueError, ValueRegister, locate};
use farsight_types::{Address, AddressRange};

use super::TypedScope;
use crate::expression::ScopeError;
use crate::expression::cpp::{CppType, Held, Operand, Place, Space};
use crate::memory::Cached;
use crate::session::Session;

