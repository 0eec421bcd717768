//! Debug information from strangers: units, line programs, types, names and location expressions.
//!
//! An input is a list of sections: a byte that names one of [`SECTIONS`], two for its length (little-endian), its bytes.

#[path = "search.rs"]
mod search;
#[path = "split.rs"]
mod split;

use farsight_symbols::{
    DebugInfo, DebugReader, DieId, FilePattern, FrameRegisters, Image, ImageKind, ImageLayout, MemberPlace, NameKind,
    Pattern, Place, ReadOutcome, RegisterOutcome, Section, SharedBytes, TypeId, TypeKind, TypeRef, UnitId,
    ValueContext, ValueError, ValueFrame, Watch, element_count, locate, locate_member,
};
use farsight_types::{Address, Rva};
pub use search::debug_file_search;
pub use split::debug_split;

/// In an order that the corpus depends on; new ones go to the end.
const SECTIONS: &[&str] = &[
    ".debug_info",
    ".debug_abbrev",
    ".debug_str",
    ".debug_line",
    ".debug_line_str",
    ".debug_loclists",
    ".debug_rnglists",
    ".debug_addr",
    ".debug_str_offsets",
    ".debug_loc",
    ".debug_ranges",
    ".debug_types",
    ".debug_aranges",
];

/// How many entries of an input are asked about, and how many places in code.
const MOST_ENTRIES: usize = 120;
const MOST_PLACES: u64 = 64;

pub(super) struct Sections {
    layout: ImageLayout,
    bytes: Vec<SharedBytes>,
}

impl Image for Sections {
    fn layout(&self) -> &ImageLayout {
        &self.layout
    }

    fn section_bytes(&self, index: usize) -> Option<SharedBytes> {
        self.bytes.get(index).cloned()
    }

    fn bytes_at(&self, _rva: Rva, _length: usize) -> SharedBytes {
        SharedBytes::default()
    }
}

fn sections(mut input: &[u8]) -> Sections {
    let mut found = Vec::new();
    while let [which, low, high, rest @ ..] = input {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (bytes, behind) = rest.split_at(length);
        found.push((SECTIONS[usize::from(*which) % SECTIONS.len()], bytes.to_vec()));
        input = behind;
    }
    of_sections(found)
}

/// An image of these sections.
pub(super) fn of_sections(list: Vec<(&'static str, Vec<u8>)>) -> Sections {
    let mut found = Sections {
        layout: ImageLayout {
            kind: ImageKind::SharedObject,
            entry: None,
            link_base: Rva(0),
            size: 0x1_0000,
            segments: Vec::new(),
            sections: Vec::new(),
            build_id: None,
            debug_link: None,
            debug_alt_link: None,
            soname: None,
        },
        bytes: Vec::new(),
    };
    for (name, bytes) in list {
        found.layout.sections.push(Section {
            name: name.to_owned(),
            address: Rva(0),
            size: bytes.len() as u64,
            kind: 1,
            flags: 0,
            file_offset: 0,
            link: 0,
            info: 0,
        });
        found.bytes.push(SharedBytes::from(bytes));
    }
    found
}

/// Calls `look` with what the input says, when it says anything.
fn with(input: &[u8], look: impl Fn(&DebugInfo, &DebugReader<'_>)) {
    if let Some(info) = DebugInfo::new(&sections(input), None) {
        look(&info, &info.reader());
    }
}

/// Entries with names, functions and their variables, then whatever may be taken for one in the first units: most of
/// these places are inside of an entry.
fn entries(info: &DebugInfo, reader: &DebugReader<'_>) -> Vec<DieId> {
    let mut found = Vec::new();
    let watch = Watch::default();
    if let Ok(index) = info.index(&watch) {
        for kind in [NameKind::Type, NameKind::Variable] {
            let _ = index.matching(reader, kind, &Pattern::for_symbols("*"), &watch, |_, named| {
                found.push(named.id);
                found.len() < MOST_ENTRIES / 3
            });
        }
    }
    for unit in (0..info.unit_count().min(4)).map(UnitId) {
        for function in reader.functions_of(unit).unwrap_or_default().into_iter().take(8) {
            found.push(function);
            let place = reader.code_start(function).unwrap_or_default();
            let variables = reader.variables(function, place).unwrap_or_default();
            found.extend(variables.list.into_iter().take(8).map(|variable| variable.id));
        }
        // Nothing is before the header's end, and a step that is no multiple of an entry's length meets them all.
        let anywhere = (11..).step_by(7).take(MOST_ENTRIES / 8);
        found.extend(anywhere.map(|offset| DieId { unit, offset }));
    }
    found
}

/// Line programs: rows by place and places by row.
pub fn debug_lines(input: &[u8]) {
    with(input, |info, reader| {
        for place in (0..MOST_PLACES).map(|step| Rva(step * 16)) {
            let _ = (info.unit_at(place), reader.line_at(place));
            let _ = reader.past_prologue(place..Rva(place.0 + 16));
        }
        let rows = reader.rows_in(Rva(0)..Rva(u64::MAX));
        // A row that is told of is where it says.
        for row in rows.iter().take(64).filter(|row| row.range.start < row.range.end) {
            let again = reader.row_at(row.range.start);
            assert!(again.is_none_or(|again| again.range.contains(&row.range.start)));
        }
        let files = reader.source_files(&|| true).unwrap_or_default();
        for file in files.iter().take(8) {
            if let Some(pattern) = FilePattern::new(&file.path) {
                let _ = reader.places_of(&pattern, 3, &|| true);
            }
        }
    });
}

/// Types: names, sizes, members, variants, enumerators.
pub fn debug_types(input: &[u8]) {
    with(input, look_at_types);
}

fn look_at_types(info: &DebugInfo, reader: &DebugReader<'_>) {
    let mut wanted = entries(info, reader);
    let mut at = 0;
    while let Some(&id) = wanted.get(at).filter(|_| at < MOST_ENTRIES) {
        at += 1;
        let type_ref = TypeRef::from(TypeId(id));
        let _ = (reader.name(id), reader.qualified_name(id), reader.language(id));
        let _ = (
            reader.size_of(&type_ref),
            reader.is_signed(&type_ref),
            reader.type_of_entry(id),
        );
        // What is without a name is found by those that have it.
        if let Ok(kind) = reader.kind_of(&type_ref) {
            wanted.extend(leads_to(kind).and_then(|target| target.id()).map(|target| target.0));
        }
        wanted.extend(reader.type_of_entry(id).id().map(|target| target.0));
        let name = reader.type_name(&type_ref);
        assert!(name.len() < 1 << 20, "a name of {} bytes", name.len());
        let _ = (reader.declaration(&type_ref, "x"), reader.definition(TypeId(id)));
        let _ = (
            reader.stripped(&type_ref),
            reader.enumerators(TypeId(id)),
            reader.generics(id),
        );
        if let Ok(members) = reader.members(TypeId(id)) {
            let list = members.list.iter().take(4);
            wanted.extend(list.filter_map(|member| member.type_ref.id()).map(|target| target.0));
            let _ = members.variants.map(|part| part.variant(0).is_some());
        }
    }
}

/// The type that another one is made of.
fn leads_to(kind: TypeKind) -> Option<TypeRef> {
    match kind {
        TypeKind::Pointer(target)
        | TypeKind::Reference(target)
        | TypeKind::RvalueReference(target)
        | TypeKind::MemberPointer { target, .. }
        | TypeKind::Typedef(target)
        | TypeKind::Qualified(_, target)
        | TypeKind::Array { element: target, .. }
        | TypeKind::Function { result: target, .. } => Some(target),
        _ => None,
    }
}

/// Names of functions, variables and types, each found again by its name.
pub fn debug_names(input: &[u8]) {
    with(input, look_at_names);
    with(input, look_at_names_without_index);
}

/// The same questions where no index answers them.
fn look_at_names_without_index(info: &DebugInfo, reader: &DebugReader<'_>) {
    let watch = Watch::default();
    let mut names = vec![String::from("s")];
    for unit in (0..info.unit_count().min(4)).map(UnitId) {
        for function in reader.functions_of(unit).unwrap_or_default().into_iter().take(8) {
            names.extend(reader.name(function));
            for of in reader.types_inside(function, reader.code_start(function).unwrap_or_default()) {
                names.extend(
                    reader
                        .enumerators(of.1)
                        .unwrap_or_default()
                        .into_iter()
                        .map(|one| one.name),
                );
            }
        }
    }
    for name in names.iter().take(8) {
        if let Ok(Some(part)) = info.index_for_type(name, &watch) {
            let _ = part.types(reader, name);
        }
        let _ = (
            info.enumerators_named(name, &watch),
            info.enumerators_in(UnitId(0), name),
        );
    }
}

fn look_at_names(info: &DebugInfo, reader: &DebugReader<'_>) {
    let watch = Watch::default();
    let Ok(index) = info.index(&watch) else { return };
    for kind in [NameKind::Function, NameKind::Variable, NameKind::Type] {
        let _ = index.count(kind);
        let mut names = Vec::new();
        let _ = index.matching(reader, kind, &Pattern::for_symbols("*"), &watch, |name, named| {
            names.push((name.to_owned(), named));
            names.len() < 100
        });
        for (name, named) in names {
            let found = index.find(reader, kind, &name);
            let types: Vec<TypeId> = found.into_iter().map(|named| TypeId(named.id)).collect();
            let _ = reader.are_same(&types);
            for one in reader
                .enumerators(TypeId(named.id))
                .unwrap_or_default()
                .into_iter()
                .take(1)
            {
                let _ = info.enumerators_named(&one.name, &watch);
            }
        }
    }
}

/// Functions, inlined calls, variables and call sites by place in code.
pub fn debug_scopes(input: &[u8]) {
    with(input, look_at_scopes);
}

fn look_at_scopes(info: &DebugInfo, reader: &DebugReader<'_>) {
    for place in (0..MOST_PLACES).map(|step| Rva(step * 8)) {
        let _ = reader.call_returning_to(place);
        let Some(scopes) = reader.scopes_at(place) else {
            continue;
        };
        assert!(scopes.inlined.iter().all(|scope| scope.is_inlined));
        for scope in scopes.iter() {
            let _ = reader.variables(scope.id, place);
        }
        let _ = (reader.call_sites(scopes.function.id), scopes.innermost());
    }
    for unit in (0..info.unit_count().min(4)).map(UnitId) {
        for function in reader.functions_of(unit).unwrap_or_default().into_iter().take(16) {
            let _ = reader.scope_of(function);
        }
    }
    for id in entries(info, reader).into_iter().take(MOST_ENTRIES) {
        let _ = (reader.scope_of(id), reader.linkage_name(id));
    }
}

/// A debuggee whose memory and registers are made up from addresses and numbers.
struct MadeUp;

impl ValueContext for MadeUp {
    fn read(&mut self, address: Address, into: &mut [u8]) -> ReadOutcome {
        if address.0 >= 1 << 47 {
            return ReadOutcome::Unreadable;
        }
        for (index, byte) in into.iter_mut().enumerate() {
            *byte = (address.0 as u8).wrapping_add(index as u8);
        }
        ReadOutcome::Read
    }

    fn vector(&mut self, dwarf: u16) -> RegisterOutcome {
        match dwarf % 3 {
            0 => RegisterOutcome::Known([dwarf as u8; 16]),
            1 => RegisterOutcome::NotYet,
            _ => RegisterOutcome::Lost,
        }
    }

    fn thread_local(&mut self, bias: u64, offset: u64) -> Result<Address, ValueError> {
        Ok(Address(bias.wrapping_add(offset)))
    }
}

/// Location expressions and lists, in two frames with registers that are known in part.
pub fn debug_locations(input: &[u8]) {
    const BIAS: u64 = 0x10_0000;
    with(input, |info, reader| {
        let mut registers = FrameRegisters::default();
        for index in 0..12 {
            registers.set(index, Some(BIAS + index as u64 * 8));
        }
        let wanted = entries(info, reader);
        let functions = (0..info.unit_count().min(4)).map(UnitId);
        let function = functions
            .filter_map(|unit| reader.functions_of(unit).ok()?.first().copied())
            .next();
        let frame = |place| ValueFrame {
            reader: Some(reader),
            bias: BIAS,
            place: Rva(place),
            pc: Rva(place + 1),
            registers,
            cfa: Some(Address(0x7fff_0000)),
            function,
        };
        let frames = [frame(4), frame(20)];
        for id in wanted.into_iter().take(MOST_ENTRIES) {
            for level in 0..frames.len() {
                if let Ok(place) = locate(reader, BIAS, id, &frames, level, &mut MadeUp) {
                    look_at(&place);
                }
            }
            let _ = element_count(reader, BIAS, id, &frames, 0, &mut MadeUp);
            let _ = locate_member(reader, BIAS, id, Address(BIAS), &mut MadeUp);
            let kind = reader.kind_of(&TypeRef::from(TypeId(id)));
            let _ = kind.is_ok_and(|kind| matches!(kind, TypeKind::Array { .. }));
            if let Ok(members) = reader.members(TypeId(id)) {
                let at = |place: &MemberPlace| matches!(place, MemberPlace::At(_));
                let _ = members.list.iter().filter(|member| at(&member.place)).count();
            }
        }
    });
}

fn look_at(place: &Place) {
    let _ = (place.address(), place.register(), place.led_to(), place.described());
    for size in [0, 1, 8, 100] {
        if let Ok(bytes) = place.read(size, &mut MadeUp) {
            assert_eq!(bytes.len() as u64, size);
        }
    }
    let _ = place.at(u64::MAX).read(8, &mut MadeUp);
}
