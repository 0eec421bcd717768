//! Every parser of bytes from outside, as a function from bytes that must neither panic, nor hang, nor take memory that
//! the input does not pay for. Where a parser has an opposite, the round trip must be stable too.
//!
//! Used by the fuzz targets of the same names and by the test that replays the corpus.

#[path = "parsers/certificates.rs"]
mod certificates;
#[path = "parsers/channel.rs"]
mod channel;
#[path = "parsers/debug.rs"]
mod debug;
#[path = "parsers/machine.rs"]
mod machine;
#[path = "parsers/ssh.rs"]
mod ssh;
#[path = "parsers/values.rs"]
mod values;

use std::rc::Rc;
use std::sync::Arc;

pub use certificates::certificates;
pub use channel::secure_channel;
pub use debug::{debug_file_search, debug_lines, debug_locations, debug_names, debug_scopes, debug_split, debug_types};
use farsight_engine::expression::cpp::{self, CppType};
use farsight_engine::expression::{self, Evaluator, Radix, Scope, ScopeError};
use farsight_render::View;
use farsight_session::wire::{notification_frame, read_notification, read_request, request_frame};
use farsight_session::{Content, Notification, Request};
use farsight_symbols::{
    DieId, FrameRegisters, Image, ImageFile, ImageLayout, ImageParts, LoadedUnwind, ModuleLookup, ModuleUnwind,
    PartsReader, PartsStep, Pattern, ReadOutcome, SharedBytes, Step, SymbolTable, TypeId, TypeRef, UnitId,
    UnwindContext, Unwinder,
};
use farsight_target as target;
use farsight_transport::registry::{LONGEST_ENTRY, read_entry};
use farsight_transport::{ClientRole, ClientTransport, KernelConnection, KernelLink, ServerRole, ServerTransport};
pub use farsight_transport::{serial_frames, serial_line};
use farsight_types::registers::amd64;
use farsight_types::{Address, Rva};
use farsight_wire::{Decoder, Frame, FrameKind, Header, Limits, Message, handshake};
pub use machine::{disassembly, step_plan, vector_area};
pub use ssh::ssh_words;
pub use values::{formatted, formatted_values};

/// A parser's name and the function that feeds it.
pub type Parser = (&'static str, fn(&[u8]));

/// All of them.
pub const PARSERS: &[Parser] = &[
    ("connection_string", connection_string),
    ("certificates", certificates),
    ("ssh_words", ssh_words),
    ("secure_channel", secure_channel),
    ("wire_frames", wire_frames),
    ("handshake", handshake),
    ("target_messages", target_messages),
    ("session_messages", session_messages),
    ("image", image),
    ("embedded_symbols", embedded_symbols),
    ("unwind", unwind),
    ("expression", expression),
    ("cpp_expression", cpp_expression),
    ("formatters", formatters),
    ("command_line", command_line),
    ("disassembly", disassembly),
    ("demangle", demangle),
    ("procfs", procfs),
    ("vector_area", vector_area),
    ("step_plan", step_plan),
    ("words_of_commands", words_of_commands),
    ("registered_server", registered_server),
    ("debug_lines", debug_lines),
    ("debug_types", debug_types),
    ("debug_names", debug_names),
    ("debug_locations", debug_locations),
    ("debug_scopes", debug_scopes),
    ("debug_file_search", debug_file_search),
    ("debug_split", debug_split),
    ("formatted_values", formatted_values),
    ("serial_frames", serial_frames),
    ("serial_line", serial_line),
];

/// Connection strings of every role. What is accepted, shown and read again must be the same.
pub fn connection_string(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    for role in [
        ServerRole::DebuggingServer,
        ServerRole::ProcessServer,
        ServerRole::KernelConnectionServer,
        ServerRole::Repeater,
    ] {
        match ServerTransport::parse(text, role) {
            Ok(read) => same_again(&read, |shown| ServerTransport::parse(shown, role).ok()),
            Err(error) => {
                assert!(error.at() <= text.len() && !error.to_string().is_empty() && !error.caret().is_empty())
            }
        }
    }
    for role in [
        ClientRole::DebuggingClient,
        ClientRole::SmartClient,
        ClientRole::Repeater,
        ClientRole::KernelClient,
    ] {
        match ClientTransport::parse(text, role) {
            Ok(read) => same_again(&read, |shown| ClientTransport::parse(shown, role).ok()),
            Err(error) => {
                assert!(error.at() <= text.len() && !error.to_string().is_empty() && !error.caret().is_empty())
            }
        }
    }
    // Kernel links are shown for people: a hidden key is none that could be read again.
    if let Ok(read) = KernelConnection::parse(text) {
        let _ = (read.to_string(), read.require_supported().is_ok());
    }
    if let Ok(read) = KernelLink::parse(text) {
        let _ = read.to_string();
    }
}

/// Secrets are shown as stars, so what is shown is compared, not what was read.
fn same_again<T: std::fmt::Display>(read: &T, parse: impl Fn(&str) -> Option<T>) {
    let shown = read.to_string();
    let again = parse(&shown).map(|again| again.to_string());
    assert_eq!(again.as_deref(), Some(shown.as_str()));
}

/// Frames from a stream that comes in pieces: the first byte says how large. Whole frames survive being sent again.
pub fn wire_frames(input: &[u8]) {
    let Some((size, stream)) = input.split_first() else {
        return;
    };
    let mut decoder = Decoder::new();
    let mut first = true;
    for piece in stream.chunks(usize::from(*size).max(1)) {
        decoder.feed(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => {
                    assert!(frame.body.len() <= Limits::SESSION.body as usize);
                    if !first {
                        frame_survives(&frame);
                    }
                    first = false;
                    decoder.set_limits(Limits::SESSION);
                }
                Ok(None) => break,
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    return;
                }
            }
        }
    }
}

fn frame_survives(frame: &Frame) {
    let mut decoder = Decoder::new();
    let hello = Frame::new(Header::new(FrameKind::Hello), Vec::new());
    decoder.feed(&farsight_wire::frame::PREAMBLE);
    decoder.feed(&hello.encode());
    assert!(matches!(decoder.next_frame(), Ok(Some(_))));
    decoder.set_limits(Limits::SESSION);
    decoder.feed(&frame.encode());
    let Ok(Some(again)) = decoder.next_frame() else {
        panic!("a frame that was read cannot be read again")
    };
    assert_eq!(again.encode(), frame.encode());
}

/// First frames of either side.
pub fn handshake(input: &[u8]) {
    for kind in [FrameKind::Hello, FrameKind::Welcome, FrameKind::Refused] {
        let frame = Frame::new(Header::new(kind), input.to_vec());
        if let Ok(hello) = handshake::read_hello(&frame) {
            let again = handshake::opening_frame(FrameKind::Hello, &hello);
            assert_eq!(handshake::read_hello(&again).ok().as_ref(), Some(&hello));
            let _ = handshake::judge(&hello, handshake::ServerKind::ProcessServer);
        }
        if let Ok(Err(refusal)) = handshake::read_welcome(&frame) {
            assert!(!refusal.to_string().is_empty());
        }
    }
}

/// Bodies of every message of the target services: the first byte says which, the rest is the body.
pub fn target_messages(input: &[u8]) {
    let Some((which, body)) = input.split_first() else {
        return;
    };
    MESSAGES[usize::from(*which) % MESSAGES.len()](body);
}

/// What is read is written in one way only, so that writing it twice gives the same bytes.
fn message<M: Message>(body: &[u8]) {
    let Ok(read) = M::from_body(body) else { return };
    let written = read.to_body();
    let Ok(again) = M::from_body(&written) else {
        panic!("a message that was read cannot be read again")
    };
    assert_eq!(again.to_body(), written);
}

/// In the order of the services; new ones go to the end, so that the corpus keeps its meaning.
const MESSAGES: &[fn(&[u8])] = &[
    message::<target::MachineDescription>,
    message::<target::ProcessQuery>,
    message::<target::ProcessList>,
    message::<target::NameQuery>,
    message::<target::ProcessRef>,
    message::<target::LaunchSpec>,
    message::<target::AttachSpec>,
    message::<target::Acquired>,
    message::<target::LossPolicy>,
    message::<target::DetachOrder>,
    message::<target::ResumePlan>,
    message::<target::Resumed>,
    message::<target::TrapUpdate>,
    message::<target::ThreadList>,
    message::<target::ImageList>,
    message::<target::RegionList>,
    message::<target::ReadRequest>,
    message::<target::ReadReply>,
    message::<target::WriteRequest>,
    message::<target::WriteReply>,
    message::<target::SearchRequest>,
    message::<target::SearchReply>,
    message::<target::RegistersRequest>,
    message::<target::RegistersReply>,
    message::<target::SetRegistersRequest>,
    message::<target::StacksRequest>,
    message::<target::StacksReply>,
    message::<target::ReadFileRequest>,
    message::<target::TerminalInput>,
    message::<target::TerminalSize>,
    message::<target::Note>,
    message::<target::OutputChunk>,
    message::<target::SessionEnd>,
    message::<target::Stop>,
    message::<target::TargetError>,
    message::<target::EndServerOrder>,
    message::<target::AbandonOrder>,
    message::<target::ProcessOptions>,
    message::<target::FillRequest>,
    message::<target::AllocateRequest>,
    message::<target::Allocation>,
    message::<target::SuspendOrder>,
    message::<target::SuspendCounts>,
    message::<target::ThreadsRequest>,
    message::<target::ThreadDetails>,
    message::<target::ProcessParameters>,
    message::<target::FilePart>,
    message::<target::FileFetch>,
    message::<target::FilePiece>,
];

/// Requests and notifications of debugging servers and clients, every record among them. The first byte chooses the
/// direction and, in its upper bits, what the header says it is. What is read is written alike ever after.
pub fn session_messages(input: &[u8]) {
    let Some((choice, body)) = input.split_first() else {
        return;
    };
    let mut frame = match choice & 1 {
        0 => request_frame(1, 0, &Request::Interrupt),
        _ => notification_frame(1, &Notification::InputTaken),
    };
    frame.header.operation = frame.header.operation & 0xff00 | u16::from(choice >> 1);
    frame.body = body.to_vec();
    if let Ok(Some(request)) = read_request(&frame) {
        let written = request_frame(2, 1, &request);
        let again = read_request(&written)
            .expect("a request that was written")
            .expect("a known one");
        assert_eq!(request_frame(2, 1, &again).encode(), written.encode());
    }
    if let Ok(Some(told)) = read_notification(&frame) {
        let written = notification_frame(2, &told);
        let again = read_notification(&written)
            .expect("a notification that was written")
            .expect("a known one");
        // Numbers that are not equal to themselves are compared as they are written.
        assert_eq!(notification_frame(2, &again).encode(), written.encode());
        if let Notification::Output {
            content: Content::Record(record),
            ..
        } = &told
        {
            let _ = farsight_render::render(record, &View::default());
        }
    }
}

/// ELF images, whole and in pieces: headers, symbols, names, links.
pub fn image(input: &[u8]) {
    if let Some(parts) = in_pieces(input) {
        look_into(&parts);
    }
    if let Ok(whole) = ImageFile::parse(Arc::new(input.to_vec())) {
        look_into(&whole);
    }
}

fn in_pieces(file: &[u8]) -> Option<ImageParts> {
    let mut reader = PartsReader::new(Some(file.len() as u64));
    for _ in 0..64 {
        match reader.step().ok()? {
            PartsStep::Done(parts) => return Some(*parts),
            PartsStep::Need(ranges) => {
                for range in ranges {
                    let start = usize::try_from(range.offset).unwrap_or(usize::MAX).min(file.len());
                    let end = usize::try_from(range.offset.saturating_add(range.length)).unwrap_or(usize::MAX);
                    reader.supply(range, file[start..end.clamp(start, file.len())].to_vec());
                }
            }
        }
    }
    panic!("the reader never ends asking")
}

fn look_into(image: &dyn Image) {
    let symbols = SymbolTable::build(&[image]);
    for symbol in symbols.iter().take(64) {
        let _ = (symbol.name(), symbol.full_name(), symbol.size());
        let _ = symbols.at(symbol.rva());
        let _ = symbols.by_name(symbol.raw_name());
    }
    let _ = symbols.matching(&Pattern::for_symbols("*a*"));
    let layout = image.layout();
    for section in layout.sections.iter().take(64) {
        let _ = (layout.section_at(section.address), layout.segment_at(section.address));
        let _ = image.bytes_at(section.address, 16);
    }
    let _ = image.bytes_at(Rva(u64::MAX), usize::MAX);
}

/// Symbols packed in an image (`.gnu_debugdata`): an xz stream, or what is packed in one, so that checksums are no wall.
pub fn embedded_symbols(input: &[u8]) {
    // The smallest image: a header of 64 bytes, 64-bit little-endian, of an object for x86-64.
    let mut header = vec![0; 64];
    header[..20].copy_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x01\0\x3e\0");
    header[20] = 1;
    header[52..64].copy_from_slice(&[64, 0, 56, 0, 0, 0, 64, 0, 0, 0, 0, 0]);
    let outer = ImageFile::parse(Arc::new(header)).expect("an image without anything");
    let mut packed = input.to_vec();
    if !input.starts_with(b"\xfd7zXZ\0") {
        // No check of what is packed; one block, of one filter (LZMA2).
        let block = [2, 0, 0x21, 1, 0x16, 0, 0, 0];
        packed = b"\xfd7zXZ\0\0\0\xff\x12\xd9\x41".to_vec();
        packed.extend(block);
        packed.extend(crc32(&block).to_le_bytes());
        packed.extend(input);
    }
    let packed = Packed {
        layout: outer.layout(),
        bytes: SharedBytes::from(packed),
    };
    if let Some(Ok(image)) = farsight_symbols::embedded_symbols(&packed) {
        look_into(&image);
    }
}

struct Packed<'a> {
    layout: &'a ImageLayout,
    bytes: SharedBytes,
}

impl Image for Packed<'_> {
    fn layout(&self) -> &ImageLayout {
        self.layout
    }

    fn section_bytes(&self, _: usize) -> Option<SharedBytes> {
        None
    }

    fn section_named(&self, name: &str) -> Option<SharedBytes> {
        (name == ".gnu_debugdata").then(|| self.bytes.clone())
    }

    fn bytes_at(&self, _: Rva, _: usize) -> SharedBytes {
        SharedBytes::from(Vec::new())
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32, _| sum >> 1 ^ (0xedb8_8320 & 0_u32.wrapping_sub(sum & 1));
    !bytes
        .iter()
        .fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), step))
}

/// A walk over a made-up stack with an image's unwind tables. The first two bytes are the length of the stack, the next one
/// chooses where the code is; then comes the stack, and the rest is the image.
pub fn unwind(input: &[u8]) {
    let [low, high, place, rest @ ..] = input else { return };
    let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
    let (stack, file) = rest.split_at(length);
    let Ok(image) = ImageFile::parse(Arc::new(file.to_vec())) else {
        return;
    };
    let unwind = Arc::new(ModuleUnwind::new(&[&image]));
    let code = image
        .layout()
        .sections
        .get(usize::from(*place) % image.layout().sections.len().max(1));
    let pc = IMAGE_BASE.saturating_add(code.map_or(0, |section| section.address.0) % IMAGE_SIZE);

    let mut registers = FrameRegisters::default();
    for index in 0..=amd64::RIP {
        registers.set(index, Some(STACK_BASE + index as u64 * 8));
    }
    registers.set(amd64::RIP, Some(pc));
    registers.set(amd64::RSP, Some(STACK_BASE));
    let mut context = MadeUp { stack, unwind };
    let mut walk = Unwinder::new(registers);
    for _ in 0..4096 {
        match walk.step(&mut context) {
            Step::Frame(frame) => {
                let _ = (frame.lookup_address(), frame.registers.sp());
            }
            Step::End(_) => return,
            Step::NeedMemory(_) | Step::NeedModule(_) => panic!("it was told all there is"),
        }
    }
}

const IMAGE_BASE: u64 = 0x40_0000;
const IMAGE_SIZE: u64 = 0x1000_0000;
const STACK_BASE: u64 = 0x7fff_0000_0000;

struct MadeUp<'a> {
    stack: &'a [u8],
    unwind: Arc<ModuleUnwind>,
}

impl UnwindContext for MadeUp<'_> {
    fn module_at(&mut self, address: Address) -> ModuleLookup {
        if !self.is_code(address) {
            return ModuleLookup::Nowhere;
        }
        ModuleLookup::Found(LoadedUnwind {
            base: Address(IMAGE_BASE),
            unwind: Arc::clone(&self.unwind),
        })
    }

    fn read(&mut self, address: Address, into: &mut [u8]) -> ReadOutcome {
        let start = address
            .0
            .checked_sub(STACK_BASE)
            .and_then(|offset| usize::try_from(offset).ok());
        let found = start.and_then(|start| self.stack.get(start..start.checked_add(into.len())?));
        match found {
            Some(bytes) => {
                into.copy_from_slice(bytes);
                ReadOutcome::Read
            }
            None => ReadOutcome::Unreadable,
        }
    }

    fn is_code(&mut self, address: Address) -> bool {
        (IMAGE_BASE..IMAGE_BASE + IMAGE_SIZE).contains(&address.0)
    }
}

/// Expressions and ranges, in every radix.
pub fn expression(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    for radix in [Radix::Octal, Radix::Decimal, Radix::Hexadecimal] {
        let evaluator = Evaluator::new(radix);
        if let Err(error) = evaluator.evaluate(text, &mut Anywhere) {
            let _ = (error.to_string(), error.with_caret(text));
        }
        if let Ok((_, rest)) = evaluator.evaluate_prefix(text, &mut Anywhere) {
            assert!(text.ends_with(rest));
        }
        if let Ok((range, rest)) = evaluator.range_prefix(text, &mut Anywhere) {
            assert!(text.ends_with(rest));
            let _ = range.to_bytes(4, 16, Address(u64::MAX - 3));
        }
    }
}

/// A scope where most names mean something.
struct Anywhere;

impl Scope for Anywhere {
    fn symbol(&mut self, name: &str) -> Result<Option<u64>, ScopeError> {
        Ok(name.len().checked_sub(3).map(|length| length as u64))
    }

    fn register(&mut self, name: &str) -> Result<Option<u64>, ScopeError> {
        Ok((name.starts_with('r')).then_some(u64::MAX))
    }

    fn pseudo(&mut self, name: &str) -> Result<Option<u64>, ScopeError> {
        Ok((name.len() < 4).then_some(1))
    }

    fn read(&mut self, address: Address, size: u8) -> Result<u64, ScopeError> {
        if address.0 & 0x100 == 0 {
            Ok(address.0 ^ u64::from(size))
        } else {
            Err(ScopeError::Unreadable { at: address })
        }
    }

    fn module_entry(&mut self, base: Address) -> Result<Option<u64>, ScopeError> {
        Ok(Some(base.0))
    }
}

/// C++ and Rust expressions: parsed, evaluated, shown with their types.
pub fn cpp_expression(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut scope = Typed { memory: [0xa5; 64] };
    match cpp::parse(text, &mut scope) {
        Ok(node) => match cpp::evaluate(text, &node, &mut scope) {
            Ok(operand) => {
                assert!(!cpp::type_name(&mut scope, &operand.of).is_empty());
                let _ = cpp::as_number(text, &operand, &mut scope);
                let _ = cpp::kept(text, operand, &mut scope);
            }
            Err(error) => assert!(!error.with_caret(text).is_empty()),
        },
        Err(error) => assert!(!error.with_caret(text).is_empty()),
    }
    if let Ok((_, end)) = cpp::parse_prefix(text, &mut scope) {
        assert!(text.get(end..).is_some());
    }
    let _ = cpp::parse_type(text, &mut scope);
}

/// Formatters that users write: refused with the line of the fault, or each found by its own pattern.
pub fn formatters(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Err(why) = farsight_engine::check_formatters(text) {
        assert!(why.starts_with("line ") || why.starts_with("there would be"), "{why}");
    }
}

/// A scope of few variables of all kinds, and of types that name each other.
struct Typed {
    memory: [u8; 64],
}

const TYPES: u64 = 8;

fn type_number(number: u64) -> CppType {
    let die = DieId {
        unit: UnitId(0),
        offset: number % TYPES,
    };
    cpp::known_type(Address(0), TypeRef::Entry(TypeId(die)))
}

impl cpp::Names for Typed {
    fn kind_of(&mut self, name: &str) -> Result<cpp::NameKind, ScopeError> {
        Ok(match name.as_bytes().first() {
            Some(b'T' | b't') => cpp::NameKind::Type,
            Some(b'a'..=b'n') => cpp::NameKind::Value,
            _ => cpp::NameKind::Nothing,
        })
    }
}

impl cpp::CppScope for Typed {
    fn variable(&mut self, name: &str) -> Result<Option<cpp::Operand>, ScopeError> {
        let Some(first @ b'a'..=b'n') = name.as_bytes().first().copied() else {
            return Ok(None);
        };
        Ok(Some(match first {
            b'l' => cpp::Operand::memory(CppType::Unknown, 0),
            b'm' => cpp::Operand::memory(CppType::Function, 0),
            first => cpp::Operand::memory(type_number(u64::from(first - b'a')), u64::from(first)),
        }))
    }

    fn type_named(&mut self, name: &str) -> Result<Option<CppType>, ScopeError> {
        let numbered = name.strip_prefix('T').and_then(|number| number.parse().ok());
        Ok(numbered.map(type_number))
    }

    fn shape(&mut self, of: &cpp::KnownType) -> Result<Rc<cpp::Shape>, ScopeError> {
        let number = of.of.id().map_or(0, |id| id.0.offset);
        let member = |number: usize| cpp::KnownMember {
            module: Address(0),
            id: DieId {
                unit: UnitId(0),
                offset: number as u64,
            },
        };
        let field = |name: &str, of: u64, offset| cpp::Field {
            name: (!name.is_empty()).then(|| name.to_owned()),
            of: type_number(of),
            place: match offset {
                24 => cpp::FieldPlace::Computed(member(name.len())),
                32 => cpp::FieldPlace::Static(member(name.len())),
                offset => cpp::FieldPlace::At(offset),
            },
            bits: (offset == 5).then_some(cpp::Bits { at: 3, count: 9 }),
            is_base: name == "Base",
            variant: (name == "V").then_some(0),
        };
        Ok(Rc::new(match number {
            0 => cpp::Shape::Number {
                encoding: cpp::Encoding::Signed,
                size: 4,
            },
            1 => cpp::Shape::Number {
                encoding: cpp::Encoding::Float,
                size: 16,
            },
            2 => cpp::Shape::Pointer(type_number(4)),
            3 => cpp::Shape::Reference(type_number(4)),
            // In itself, by a base, by an anonymous field and by a variant.
            4 => cpp::Shape::Record(Rc::new(cpp::Fields {
                size: u64::MAX,
                fields: vec![
                    field("x", 0, 0),
                    field("y", 0, 5),
                    field("p", 2, u64::MAX),
                    field("Base", 4, 8),
                    field("Base", 4, 24),
                    field("s", 0, 32),
                    field("", 4, 16),
                    field("V", 4, 0),
                ],
            })),
            5 => cpp::Shape::Alias(type_number(6)),
            6 => cpp::Shape::Alias(type_number(5)),
            _ => cpp::Shape::Array(type_number(0), Some(u64::MAX)),
        }))
    }

    fn type_name(&mut self, of: &cpp::KnownType) -> String {
        format!("T{}", of.of.id().map_or(0, |id| id.0.offset))
    }

    fn read(&mut self, _: cpp::Space, at: u64, size: u64) -> Result<Vec<u8>, ScopeError> {
        let bytes = usize::try_from(size).ok().and_then(|size| self.memory.get(..size));
        bytes
            .map(<[u8]>::to_vec)
            .ok_or(ScopeError::Unreadable { at: Address(at) })
    }

    fn write(&mut self, _: cpp::Space, at: u64, bytes: &[u8]) -> Result<(), ScopeError> {
        let place = self.memory.get_mut(..bytes.len());
        place
            .ok_or(ScopeError::Unreadable { at: Address(at) })?
            .copy_from_slice(bytes);
        Ok(())
    }

    fn register(&mut self, name: &str) -> Result<Option<cpp::Operand>, ScopeError> {
        self.variable(name)
    }

    fn pseudo(&mut self, name: &str) -> Result<Option<cpp::Operand>, ScopeError> {
        self.variable(name)
    }

    fn masm(&mut self, text: &str) -> Result<u64, ScopeError> {
        Ok(text.len() as u64)
    }

    fn variant(&mut self, _: &cpp::Operand) -> Result<Option<u32>, ScopeError> {
        Ok(Some(0))
    }

    fn computed_member(&mut self, _: &cpp::KnownMember, object: u64) -> Result<u64, ScopeError> {
        Ok(object ^ 0x10)
    }

    fn static_member(&mut self, _: &cpp::KnownMember) -> Result<cpp::Operand, ScopeError> {
        Ok(cpp::Operand::memory(type_number(0), 0))
    }

    fn whole_object(&mut self, part: u64) -> Result<Option<(CppType, u64)>, ScopeError> {
        Ok(Some((type_number(4), part.wrapping_sub(8))))
    }
}

/// Command lines: every command lies in the line where it says.
pub fn command_line(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match expression::command_line::split(text) {
        Ok(commands) => {
            for command in commands {
                assert!(text.get(command.span.clone()).is_some() && command.arguments_at <= text.len());
                let _ = expression::take_string(&command.arguments);
                let (word, rest) = expression::take_word(&command.arguments);
                assert!(word.len() + rest.len() <= command.arguments.len());
                // What a control-flow command is made of lies within it, and can be cut again.
                if let Ok((shape, end)) = expression::command_line::shape(&command.name, text, command.arguments_at) {
                    assert_eq!(end, command.span.end);
                    for block in shape.blocks() {
                        assert!(command.span.start <= block.start && block.end <= command.span.end);
                        let _ = expression::command_line::split_part(text, block);
                    }
                }
            }
        }
        Err(error) => assert!(error.position <= text.len()),
    }
    let _ = expression::unescape(text);
    // Blocks in blocks, as a script has them.
    if text.len() <= 4096 {
        assert!(farsight_engine::rows_of_line(text).len() <= text.len());
    }
}

/// Formats of `.printf` and words of events, as commands take them.
pub fn words_of_commands(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Err(error) = farsight_engine::check_event(text) {
        assert!(!error.is_empty());
    }
    if let Err(error) = farsight_engine::check_format(text) {
        assert!(!error.is_empty());
    }
}

/// The file of a running server. What is accepted can be written again, and says the same.
pub fn registered_server(input: &[u8]) {
    let Some(entry) = read_entry(input) else { return };
    assert!(input.len() <= LONGEST_ENTRY && !entry.transport.is_empty());
    assert!(
        !entry
            .transport
            .chars()
            .chain(entry.product.chars())
            .any(char::is_control)
    );
    let again = entry.encode();
    assert!(again.len() <= LONGEST_ENTRY);
    assert_eq!(read_entry(&again), Some(entry));
}

/// Mangled names and patterns.
pub fn demangle(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    for name in [farsight_symbols::demangle(text), farsight_symbols::demangle_short(text)]
        .into_iter()
        .flatten()
    {
        assert!(
            name.len() < 1 << 20,
            "a name of {} bytes from {}",
            name.len(),
            text.len()
        );
    }
    let (pattern, name) = text.split_once('\n').unwrap_or((text, text));
    let _ = Pattern::new(pattern).matches(name);
}

/// What the kernel says about processes, with names in it that any process chooses.
pub fn procfs(input: &[u8]) {
    let mappings = farsight_linux::procfs::parse_maps(input);
    assert!(mappings.len() <= input.len());
    for mapping in mappings {
        let _ = (mapping.range.end(), mapping.path.len());
    }
    let status = farsight_linux::procfs::parse_status(input);
    assert!(status.name.len() <= input.len() * 4);
    let _ = farsight_linux::procfs::parse_stat(input);
    let _ = farsight_linux::procfs::parse_place(&String::from_utf8_lossy(input));
    let vector = farsight_linux::procfs::AuxiliaryVector::parse(input);
    let _ = (
        vector.entry(),
        vector.dynamic_linker(),
        vector.program_headers(),
        vector.vdso(),
    );
    assert!(vector.into_pairs().len() * 16 <= input.len());
}
