//! Where variables are: location expressions and lists of DWARF 4 and 5, evaluated in a frame.
//!
//! Read [`locate`] first. Nothing waits here: what is not there yet is answered with [`ValueError::NotYet`] after the
//! [`ValueContext`] has noted it, so that the caller asks for everything that all variables lack at once and evaluates
//! again. Expressions are bounded in their operations and in how deep they lead through other frames.

use farsight_types::{Address, Rva};
use gimli::{DieReference, EvaluationResult, Expression, Value, ValueType};

use super::reader::Slice;
use super::{Attribute, DebugReader, DieId, Unit};
use crate::unwind::{FrameRegisters, ReadOutcome};

mod call_site;
mod place;

pub use place::{Bits, Place, Stored, register_name};

/// No sane expression runs longer.
const MAX_OPERATIONS: u32 = 8192;
/// Expressions that need expressions: frame bases, entry values of callers.
const MAX_DEPTH: u32 = 40;
/// Expressions that are run for one place: each may need any number of others.
const MOST_RUNS: u32 = 1024;
/// Most pieces of one variable.
const MOST_PIECES: usize = 4096;
/// The operations that count from the frame's base, and that are the caller's frame.
const FBREG: u8 = 0x91;
const CALL_FRAME_CFA: u8 = 0x9c;
/// Most entries of one location list.
const MOST_ENTRIES: usize = 1 << 16;

/// Why there is no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Something is not here yet; the context has noted what.
    #[error("not fetched yet")]
    NotYet,
    /// The compiler did not keep it, here at least.
    #[error("optimized out")]
    OptimizedOut,
    /// Parts of it were not kept.
    #[error("partially optimized out")]
    PartlyOptimizedOut,
    /// It is in a register that a called function was free to change.
    #[error("unavailable: @{0} was not saved by the called function")]
    LostRegister(&'static str),
    /// It is what a parameter was when the function was called, which the caller does not tell.
    #[error("unavailable: its value at the call is not known")]
    EntryValue,
    /// It needs the frame's address, which the stack walk did not find.
    #[error("unavailable: the frame's address is not known")]
    NoFrame,
    /// The function has not done yet what its variables' places are said for: a parameter is still where the caller put it.
    #[error("not stored yet: the function has only begun, step to its next line")]
    NotStored,
    /// A variable of a thread that has no place for it yet, or whose place cannot be found.
    #[error("unavailable: the thread has no such storage yet")]
    ThreadLocal,
    /// Memory that is not there.
    #[error("memory access error at {at}")]
    Unreadable {
        /// The first byte that could not be read.
        at: Address,
    },
    /// The pointer was optimised away, and only what it led to is known.
    #[error("synthetic pointer")]
    SyntheticPointer,
    /// The debug information says something that cannot be.
    #[error("damaged debug information: {0}")]
    Damaged(&'static str),
    /// It is said in a way that is not understood.
    #[error("not supported: {0}")]
    Unsupported(&'static str),
}

/// What is answered to the question for a register that is not a general one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterOutcome {
    /// Its bytes, of which the lowest come first.
    Known([u8; 16]),
    /// Not fetched yet; noted.
    NotYet,
    /// Nobody knows.
    Lost,
}

/// What expressions ask of a debuggee. Answers come from what is already here; nothing waits.
pub trait ValueContext {
    /// Fills `into` from memory, or notes that this is wanted.
    fn read(&mut self, address: Address, into: &mut [u8]) -> ReadOutcome;

    /// A vector or floating-point register of the thread, by DWARF's number: as it is in the innermost frame.
    fn vector(&mut self, dwarf: u16) -> RegisterOutcome;

    /// Where an offset of the thread-local storage of the module with this bias lies for the thread.
    fn thread_local(&mut self, bias: u64, offset: u64) -> Result<Address, ValueError>;

    /// Where the only function of a name in the symbol table of the module with this bias begins, if that is known here.
    fn function_named(&self, _bias: u64, _name: &str) -> Option<Rva> {
        None
    }
}

/// A frame that variables are looked at in.
#[derive(Clone, Copy)]
pub struct ValueFrame<'r, 'a> {
    /// What the frame's module has of debug information.
    pub reader: Option<&'r DebugReader<'a>>,
    /// What is added to a place of the module's file to get its address.
    pub bias: u64,
    /// The address that names the frame's place ([`Frame::lookup_address`](crate::Frame::lookup_address)).
    pub place: Rva,
    /// Where the frame goes on.
    pub pc: Rva,
    /// Its registers.
    pub registers: FrameRegisters,
    /// Its canonical frame address.
    pub cfa: Option<Address>,
    /// The function that it is in; inlined ones are in the function that they were inlined into.
    pub function: Option<DieId>,
}

/// Frames of one thread, from the innermost on; inlined ones are not among them.
pub type ValueFrames<'f, 'r, 'a> = &'f [ValueFrame<'r, 'a>];

/// Where a variable, parameter or static member is, in the frame of this number. Without frames, only what is in no
/// frame has a place.
///
/// `reader` is of the module that `id` is of, `bias` that module's.
pub fn locate<'r, 'a>(
    reader: &'r DebugReader<'a>,
    bias: u64,
    id: DieId,
    frames: ValueFrames<'_, 'r, 'a>,
    level: usize,
    context: &mut dyn ValueContext,
) -> Result<Place, ValueError> {
    let scope = Scope { reader, bias, level };
    Machine::new(frames, context).variable(scope, id)
}

/// Where a member lies whose place an expression computes from its object's address: a virtual base class.
pub fn locate_member(
    reader: &DebugReader<'_>,
    bias: u64,
    id: DieId,
    object: Address,
    context: &mut dyn ValueContext,
) -> Result<Address, ValueError> {
    const NO_PLACE: ValueError = ValueError::Damaged("a member without a place");
    let scope = Scope { reader, bias, level: 0 };
    let (unit, value) = reader
        .inherited(id, gimli::DW_AT_data_member_location)
        .ok_or(NO_PLACE)?;
    let expression = value.exprloc_value().ok_or(NO_PLACE)?;
    let value = Machine::new(&[], context).value(scope, &unit, expression, Some(object.0))?;
    number(value).map(Address)
}

/// How many elements an array has whose debug information computes it, from the entry of its bounds.
pub fn element_count<'r, 'a>(
    reader: &'r DebugReader<'a>,
    bias: u64,
    id: DieId,
    frames: ValueFrames<'_, 'r, 'a>,
    level: usize,
    context: &mut dyn ValueContext,
) -> Result<u64, ValueError> {
    let mut machine = Machine::new(frames, context);
    let scope = Scope { reader, bias, level };
    if let Some(count) = machine.attribute(scope, id, gimli::DW_AT_count)? {
        return Ok(count);
    }
    let lower = machine.attribute(scope, id, gimli::DW_AT_lower_bound)?.unwrap_or(0);
    let upper = machine.attribute(scope, id, gimli::DW_AT_upper_bound)?;
    let upper = upper.ok_or(ValueError::Damaged("an array without bounds"))?;
    Ok(upper.wrapping_add(1).wrapping_sub(lower))
}

/// Where an expression is evaluated.
#[derive(Clone, Copy)]
struct Scope<'r, 'a> {
    reader: &'r DebugReader<'a>,
    bias: u64,
    level: usize,
}

struct Machine<'m, 'r, 'a> {
    frames: ValueFrames<'m, 'r, 'a>,
    context: &'m mut dyn ValueContext,
    depth: u32,
    runs: u32,
    /// Whether what is evaluated names only registers that the call in progress leaves alone.
    holds_over_calls: bool,
}

impl<'m, 'r, 'a> Machine<'m, 'r, 'a> {
    fn new(frames: ValueFrames<'m, 'r, 'a>, context: &'m mut dyn ValueContext) -> Machine<'m, 'r, 'a> {
        Machine {
            frames,
            context,
            depth: 0,
            runs: 0,
            holds_over_calls: false,
        }
    }

    fn frame(&self, scope: Scope<'r, 'a>) -> Result<ValueFrame<'r, 'a>, ValueError> {
        self.frames.get(scope.level).copied().ok_or(ValueError::NoFrame)
    }

    /// A variable's place: by its location, or its constant.
    fn variable(&mut self, scope: Scope<'r, 'a>, id: DieId) -> Result<Place, ValueError> {
        if let Some((unit, value)) = scope.reader.inherited(id, gimli::DW_AT_location) {
            if let Some(expression) = value.exprloc_value()
                && self.comes_too_early(scope, &expression)
            {
                return Err(ValueError::NotStored);
            }
            // Where a variable is in several registers GCC does not follow it: their contents are not ended by calls.
            let is_followed = value.exprloc_value().is_none_or(|place| !is_in_pieces(place, &unit));
            let holds = scope.level > 0 && is_followed && ends_locations_at_calls(&unit);
            let outer = std::mem::replace(&mut self.holds_over_calls, holds);
            let place = self.location(scope, &unit, value);
            self.holds_over_calls = outer;
            return place;
        }
        match scope.reader.inherited(id, gimli::DW_AT_const_value) {
            Some((unit, value)) => constant_bytes(&unit, value),
            None => Err(ValueError::OptimizedOut),
        }
    }

    /// Whether a variable's one place, which counts from the frame's base, does not hold yet: in the prologue of the frame's
    /// function, where the base is a register that the function sets, and what lies in the function's own frame is what others
    /// left there.
    fn comes_too_early(&self, scope: Scope<'r, 'a>, expression: &Expression<Slice<'a>>) -> bool {
        let [FBREG, offset, ..] = expression.0.slice() else {
            return false;
        };
        let Ok(frame) = self.frame(scope) else {
            return false;
        };
        let (true, Some(reader), Some(function)) = (frame.place == frame.pc, frame.reader, frame.function) else {
            return false;
        };
        let base = reader.inherited(function, gimli::DW_AT_frame_base);
        let base = base.and_then(|(_, value)| value.exprloc_value());
        let counts_from_caller = base.is_some_and(|base| base.0.slice() == [CALL_FRAME_CFA]);
        // What is above the caller's frame was put there by it. The sign of a number is bit 6 of its last byte.
        let mut bytes = expression.0.slice().iter().skip(1);
        let last = bytes.find(|byte| **byte & 0x80 == 0).unwrap_or(offset);
        let is_own = last & 0x40 != 0;
        if counts_from_caller && !is_own {
            return false;
        }
        let code = reader.scopes_at(frame.pc).map(|scopes| scopes.function.ranges);
        let code = code.into_iter().flatten().find(|code| code.contains(&frame.pc));
        code.is_some_and(|code| frame.pc < reader.past_prologue(code))
    }

    /// A place from an attribute that is an expression or a list of them.
    fn location(&mut self, scope: Scope<'r, 'a>, unit: &Unit<'a>, value: Attribute<'a>) -> Result<Place, ValueError> {
        let expression = self.expression(scope, unit, value)?;
        let pieces = self.run(scope, unit, expression, None)?;
        self.place(scope, unit, &pieces)
    }

    /// The expression that holds at the frame's place.
    fn expression(
        &self,
        scope: Scope<'r, 'a>,
        unit: &Unit<'a>,
        value: Attribute<'a>,
    ) -> Result<Expression<Slice<'a>>, ValueError> {
        if let Some(expression) = value.exprloc_value() {
            return Ok(expression);
        }
        let list = unit.of().attr_locations(value).map_err(damaged)?;
        let mut list = list.ok_or(ValueError::Damaged("a location of an unknown form"))?;
        let place = self.frame(scope).map_err(|_| ValueError::OptimizedOut)?.place.0;
        let mut otherwise = None;
        for _ in 0..MOST_ENTRIES {
            // Part by part: a list may hold any number of parts that are no entry.
            let Some(part) = list.next_raw().map_err(damaged)? else {
                break;
            };
            let Some(entry) = list.convert_raw(part).map_err(damaged)? else {
                continue;
            };
            if entry.range.begin == 0 && entry.range.end == u64::MAX {
                otherwise = Some(entry.data);
            } else if (entry.range.begin..entry.range.end).contains(&place) {
                return Ok(entry.data);
            }
        }
        otherwise.ok_or(ValueError::OptimizedOut)
    }

    /// A number that an attribute says, refers to or computes; none where it is not there.
    fn attribute(&mut self, scope: Scope<'r, 'a>, id: DieId, name: gimli::DwAt) -> Result<Option<u64>, ValueError> {
        let Some((unit, value)) = scope.reader.inherited(id, name) else {
            return Ok(None);
        };
        if let Some(value) = super::types::constant(&value) {
            return Ok(Some(value as u64));
        }
        if let Some(variable) = scope.reader.follow(&unit, value) {
            let place = self.variable(scope, variable)?;
            let type_ref = scope.reader.type_of_entry(variable);
            let size = scope.reader.size_of(&type_ref).unwrap_or(8).min(8);
            let mut bytes = place.read(size, self.context)?;
            let sign = bytes.last().is_some_and(|last| last & 0x80 != 0) && scope.reader.is_signed(&type_ref);
            bytes.resize(8, if sign { 0xff } else { 0 });
            return Ok(Some(little_endian(&bytes)));
        }
        let expression = self.expression(scope, &unit, value)?;
        let value = self.value(scope, &unit, expression, None)?;
        number(value).map(Some)
    }

    /// Runs an expression that computes a value rather than a place.
    fn value(
        &mut self,
        scope: Scope<'r, 'a>,
        unit: &Unit<'a>,
        expression: Expression<Slice<'a>>,
        object: Option<u64>,
    ) -> Result<Value, ValueError> {
        let pieces = self.run(scope, unit, expression, object)?;
        match pieces.as_slice() {
            [piece] => match piece.location {
                gimli::Location::Address { address } => Ok(Value::Generic(address)),
                gimli::Location::Value { value } => Ok(value),
                gimli::Location::Register { register } => self.register(scope, register.0, ValueType::Generic),
                gimli::Location::Empty => Err(ValueError::OptimizedOut),
                _ => Err(ValueError::Unsupported("an expression without a number")),
            },
            _ => Err(ValueError::Unsupported("an expression without a number")),
        }
    }

    fn run(
        &mut self,
        scope: Scope<'r, 'a>,
        unit: &Unit<'a>,
        expression: Expression<Slice<'a>>,
        object: Option<u64>,
    ) -> Result<Vec<gimli::Piece<Slice<'a>>>, ValueError> {
        self.runs += 1;
        if self.depth >= MAX_DEPTH || self.runs > MOST_RUNS {
            return Err(ValueError::Damaged("expressions that need each other"));
        }
        self.depth += 1;
        let result = self.run_here(scope, unit, expression, object);
        self.depth -= 1;
        result
    }

    fn run_here(
        &mut self,
        scope: Scope<'r, 'a>,
        unit: &Unit<'a>,
        expression: Expression<Slice<'a>>,
        object: Option<u64>,
    ) -> Result<Vec<gimli::Piece<Slice<'a>>>, ValueError> {
        if expression.0.is_empty() {
            return Err(ValueError::OptimizedOut);
        }
        let mut run = expression.evaluation(unit.unit.encoding());
        run.set_max_iterations(MAX_OPERATIONS);
        if let Some(object) = object {
            run.set_initial_value(object);
            run.set_object_address(object);
        }
        let mut result = run.evaluate();
        loop {
            result = match result.map_err(damaged)? {
                EvaluationResult::Complete => break,
                EvaluationResult::RequiresMemory { space: Some(_), .. } => {
                    return Err(ValueError::Unsupported("address spaces"));
                }
                EvaluationResult::RequiresMemory {
                    address,
                    size,
                    base_type,
                    space: None,
                } => {
                    let value_type = value_type(unit, base_type)?;
                    let mut bytes = [0; 16];
                    let wanted = bytes.get_mut(..usize::from(size).min(16)).unwrap_or_default();
                    read(self.context, Address(address), wanted)?;
                    run.resume_with_memory(parse(value_type, &bytes)?)
                }
                EvaluationResult::RequiresRegister { register, base_type } => {
                    run.resume_with_register(self.register(scope, register.0, value_type(unit, base_type)?)?)
                }
                EvaluationResult::RequiresFrameBase => run.resume_with_frame_base(self.frame_base(scope)?),
                EvaluationResult::RequiresTls(offset) => {
                    let address = self.context.thread_local(scope.bias, offset)?;
                    run.resume_with_tls(address.0)
                }
                EvaluationResult::RequiresCallFrameCfa => {
                    let cfa = self.frame(scope)?.cfa.ok_or(ValueError::NoFrame)?;
                    run.resume_with_call_frame_cfa(cfa.0)
                }
                EvaluationResult::RequiresAtLocation(reference) => {
                    let called = self.called(scope, unit, reference)?;
                    run.resume_with_at_location(called)
                }
                EvaluationResult::RequiresEntryValue(expression) => {
                    run.resume_with_entry_value(self.entry_value(scope, unit, expression)?)
                }
                EvaluationResult::RequiresParameterRef(offset) => {
                    let parameter = DieId {
                        unit: unit.id,
                        offset: offset.0 as u64,
                    };
                    run.resume_with_parameter_ref(number(self.parameter_value(scope, parameter)?)?)
                }
                EvaluationResult::RequiresRelocatedAddress(address) => {
                    run.resume_with_relocated_address(address.wrapping_add(scope.bias))
                }
                EvaluationResult::RequiresIndexedAddress { index, relocate } => {
                    let address = unit.of().address(index).map_err(damaged)?;
                    let bias = if relocate { scope.bias } else { 0 };
                    run.resume_with_indexed_address(address.wrapping_add(bias))
                }
                EvaluationResult::RequiresBaseType(offset) => run.resume_with_base_type(value_type(unit, offset)?),
                EvaluationResult::RequiresWasmLocal { .. }
                | EvaluationResult::RequiresWasmGlobal { .. }
                | EvaluationResult::RequiresWasmStack { .. } => {
                    return Err(ValueError::Unsupported("WebAssembly"));
                }
            };
        }
        let pieces = run.result();
        match pieces.len() <= MOST_PIECES {
            true => Ok(pieces),
            false => Err(ValueError::Damaged("too many pieces")),
        }
    }

    /// What `DW_AT_frame_base` of the frame's function comes to.
    fn frame_base(&mut self, scope: Scope<'r, 'a>) -> Result<u64, ValueError> {
        let frame = self.frame(scope)?;
        let (Some(reader), Some(function)) = (frame.reader, frame.function) else {
            return Err(ValueError::NoFrame);
        };
        let (unit, value) = reader
            .inherited(function, gimli::DW_AT_frame_base)
            .ok_or(ValueError::NoFrame)?;
        let scope = Scope {
            reader,
            bias: frame.bias,
            level: scope.level,
        };
        let expression = self.expression(scope, &unit, value)?;
        let value = self.value(scope, &unit, expression, None)?;
        number(value)
    }

    /// A register in the scope's frame.
    fn register(&mut self, scope: Scope<'r, 'a>, dwarf: u16, value_type: ValueType) -> Result<Value, ValueError> {
        let bytes = self.register_bytes(scope, dwarf)?;
        parse(value_type, &bytes)
    }

    fn register_bytes(&mut self, scope: Scope<'r, 'a>, dwarf: u16) -> Result<[u8; 16], ValueError> {
        let lost = ValueError::LostRegister(register_name(dwarf));
        if let Some(place) = farsight_types::registers::amd64::DWARF.get(usize::from(dwarf)) {
            let own = self.frame(scope)?.registers.get(*place);
            let value = own.or_else(|| {
                let mut left_alone = self.left_alone(scope.level);
                left_alone.find_map(|frame| frame.registers.get(*place))
            });
            return Ok(u128::from(value.ok_or(lost)?).to_le_bytes());
        }
        // No vector register is saved by what a function calls; it is still there only if all left it alone.
        if scope.level > 0 && self.left_alone(scope.level).count() < scope.level {
            return Err(lost);
        }
        match self.context.vector(dwarf) {
            RegisterOutcome::Known(bytes) => Ok(bytes),
            RegisterOutcome::NotYet => Err(ValueError::NotYet),
            RegisterOutcome::Lost => Err(lost),
        }
    }

    /// The frames within one, from it inwards, that have left alone what its expression names: those of the calls in
    /// progress, up to where a signal came in between.
    fn left_alone(&self, level: usize) -> impl Iterator<Item = &'m ValueFrame<'r, 'a>> + use<'m, 'r, 'a> {
        let outermost = if self.holds_over_calls { level } else { 0 };
        let frames: &'m [ValueFrame<'r, 'a>] = self.frames;
        (1..=outermost).rev().map_while(move |level| {
            let calls = frames.get(level).is_some_and(|frame| frame.place != frame.pc);
            frames.get(level - 1).filter(|_| calls)
        })
    }

    /// The location expression of an entry that another one calls.
    fn called(&self, scope: Scope<'r, 'a>, unit: &Unit<'a>, reference: DieReference) -> Result<Slice<'a>, ValueError> {
        let reference = match reference {
            DieReference::UnitRef(offset) => Attribute::UnitRef(offset),
            DieReference::DebugInfoRef(offset) => Attribute::DebugInfoRef(offset),
        };
        let id = scope.reader.follow(unit, reference);
        let id = id.ok_or(ValueError::Damaged("a reference leads nowhere"))?;
        let Some((unit, value)) = scope.reader.inherited(id, gimli::DW_AT_location) else {
            return Ok(Slice::default());
        };
        Ok(self.expression(scope, &unit, value)?.0)
    }

    fn place(
        &mut self,
        scope: Scope<'r, 'a>,
        unit: &Unit<'a>,
        pieces: &[gimli::Piece<Slice<'a>>],
    ) -> Result<Place, ValueError> {
        if let [piece] = pieces
            && let (gimli::Location::Address { address }, None) = (&piece.location, piece.size_in_bits)
        {
            return Ok(Place::Memory(Address(*address)));
        }
        let mut parts = Vec::with_capacity(pieces.len());
        for piece in pieces {
            parts.push(Bits {
                stored: self.stored(scope, unit, &piece.location)?,
                first: piece.bit_offset.unwrap_or(0),
                count: piece.size_in_bits,
            });
        }
        Ok(Place::parts(parts))
    }

    fn stored(
        &mut self,
        scope: Scope<'r, 'a>,
        unit: &Unit<'a>,
        location: &gimli::Location<Slice<'a>>,
    ) -> Result<Stored, ValueError> {
        Ok(match location {
            gimli::Location::Empty => Stored::Lost(ValueError::OptimizedOut),
            gimli::Location::Register { register } => match self.register_bytes(scope, register.0) {
                Ok(bytes) => Stored::Register {
                    dwarf: register.0,
                    level: scope.level,
                    bytes,
                },
                Err(ValueError::NotYet) => return Err(ValueError::NotYet),
                Err(error) => Stored::Lost(error),
            },
            gimli::Location::Address { address } => Stored::Memory(Address(*address)),
            gimli::Location::Value { value } => Stored::Bytes(value_bytes(*value)),
            gimli::Location::Bytes { value } => Stored::Bytes(value.to_vec()),
            gimli::Location::ImplicitPointer { value, byte_offset } => Stored::Pointer {
                to: scope.reader.follow(unit, Attribute::DebugInfoRef(*value)),
                offset: *byte_offset,
            },
        })
    }
}

/// Whether the unit's compiler ends the location of a variable before the end of a call that changes the register that it
/// is in, so that a location that holds there says that the called function, which it knows, leaves the register alone; and
/// whether so does what it says of the arguments of calls. GCC does so where it optimises (`-fipa-ra`); others let locations end behind the call.
fn ends_locations_at_calls(unit: &Unit<'_>) -> bool {
    let producer = unit.root_text(gimli::DW_AT_producer).unwrap_or_default();
    let mut options = producer.split(' ').filter(|word| word.starts_with("-O"));
    producer.starts_with("GNU ")
        && !producer.contains("-fno-var-tracking")
        && options.next_back().is_some_and(|level| level != "-O0")
}

fn is_in_pieces(expression: Expression<Slice<'_>>, unit: &Unit<'_>) -> bool {
    let mut operations = expression.operations(unit.unit.encoding());
    for _ in 0..MAX_OPERATIONS {
        match operations.next() {
            Ok(Some(gimli::Operation::Piece { .. })) => return true,
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return false,
        }
    }
    true
}

fn damaged(error: gimli::Error) -> ValueError {
    match error {
        gimli::Error::InvalidPiece => ValueError::Damaged("pieces that do not fit"),
        gimli::Error::TooManyIterations => ValueError::Damaged("an expression without end"),
        gimli::Error::NotEnoughStackItems => ValueError::Damaged("an expression that takes more than it has"),
        gimli::Error::DivisionByZero => ValueError::Damaged("an expression divides by zero"),
        gimli::Error::TypeMismatch | gimli::Error::IntegralTypeRequired | gimli::Error::UnsupportedTypeOperation => {
            ValueError::Damaged("an expression of types that do not fit")
        }
        _ => ValueError::Damaged("an expression that is none"),
    }
}

fn value_type(unit: &Unit<'_>, offset: gimli::UnitOffset) -> Result<ValueType, ValueError> {
    if offset.0 == 0 {
        return Ok(ValueType::Generic);
    }
    let entry = unit.unit.entry(offset).map_err(damaged)?;
    let found = ValueType::from_entry(&entry).map_err(damaged)?;
    found.ok_or(ValueError::Unsupported("expressions with numbers of this type"))
}

fn parse(value_type: ValueType, bytes: &[u8; 16]) -> Result<Value, ValueError> {
    match value_type {
        ValueType::Generic => Ok(Value::Generic(little_endian(bytes))),
        other => Value::parse(other, Slice::new(bytes, gimli::LittleEndian)).map_err(damaged),
    }
}

/// The number at the start of some bytes.
fn little_endian(bytes: &[u8]) -> u64 {
    let low = bytes.iter().take(8).rev();
    low.fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn number(value: Value) -> Result<u64, ValueError> {
    value.to_u64(u64::MAX).map_err(damaged)
}

fn value_bytes(value: Value) -> Vec<u8> {
    match value {
        Value::Generic(value) | Value::U64(value) => value.to_le_bytes().to_vec(),
        Value::I8(value) => value.to_le_bytes().to_vec(),
        Value::U8(value) => value.to_le_bytes().to_vec(),
        Value::I16(value) => value.to_le_bytes().to_vec(),
        Value::U16(value) => value.to_le_bytes().to_vec(),
        Value::I32(value) => value.to_le_bytes().to_vec(),
        Value::U32(value) => value.to_le_bytes().to_vec(),
        Value::I64(value) => value.to_le_bytes().to_vec(),
        Value::F32(value) => value.to_le_bytes().to_vec(),
        Value::F64(value) => value.to_le_bytes().to_vec(),
    }
}

/// The bytes of `DW_AT_const_value`.
fn constant_bytes<'a>(unit: &Unit<'a>, value: Attribute<'a>) -> Result<Place, ValueError> {
    let bytes = match value {
        Attribute::Block(bytes) => bytes.to_vec(),
        // A constant stands for a number as wide as its variable, whatever the width of its form.
        ref number if super::types::constant(number).is_some() => super::types::constant(number)
            .unwrap_or_default()
            .to_le_bytes()
            .to_vec(),
        text => match unit.of().attr_string(text) {
            Ok(text) => text.slice().iter().copied().chain([0]).collect(),
            Err(_) => return Err(ValueError::Damaged("a constant of an unknown form")),
        },
    };
    let whole = Bits {
        stored: Stored::Bytes(bytes),
        first: 0,
        count: None,
    };
    Ok(Place::parts(vec![whole]))
}

/// Reads memory, all of it.
fn read(context: &mut dyn ValueContext, address: Address, into: &mut [u8]) -> Result<(), ValueError> {
    match context.read(address, into) {
        ReadOutcome::Read => Ok(()),
        ReadOutcome::NotYet => Err(ValueError::NotYet),
        ReadOutcome::Unreadable => Err(ValueError::Unreadable { at: address }),
    }
}

#[cfg(test)]
mod tests;
