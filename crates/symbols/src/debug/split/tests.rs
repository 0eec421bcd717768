//! One small program in every form of debug information: what is read must be the same, and damage must stay small.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};

use super::*;
use crate::debug::{DebugInfo, DebugReader, TypeId, Watch};
use crate::image::ImageFile;

const FIRST: &str = "
struct parcel { int weight; const struct parcel *next; enum { SMALL, LARGE } size; };
extern int weigh(const struct parcel *parcel, int factor);
struct parcel first = { 1, 0, LARGE };
int main(int count, char **texts) { int sum = weigh(&first, count); return sum; }
";
const SECOND: &str = "
struct parcel { int weight; const struct parcel *next; enum { SMALL, LARGE } size; };
typedef unsigned long amount;
static amount total;
int weigh(const struct parcel *parcel, int factor)
{ for (int round = 0; round < factor; round++) { amount part = parcel->weight; total += part; } return (int)total; }
";

/// A directory that goes away with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("farsight-split-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("first.c"), FIRST).unwrap();
        std::fs::write(path.join("second.c"), SECOND).unwrap();
        Scratch(path)
    }

    /// Runs commands of a shell; false where a program is not installed and need not be.
    fn run(&self, steps: &str) -> bool {
        let done = Command::new("sh")
            .args(["-ec", steps])
            .current_dir(&self.0)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&done.stderr);
        if text.contains(": not found") {
            let may_be_missing = std::env::var_os("FARSIGHT_WITHOUT_PEERS").is_some();
            assert!(
                may_be_missing,
                "{text}; FARSIGHT_WITHOUT_PEERS=1 leaves out what needs it"
            );
            eprintln!("skipped: {text}");
            return false;
        }
        assert!(done.status.success(), "{steps}: {text}");
        true
    }

    fn image(&self, name: &str) -> Option<Arc<ImageFile>> {
        image(&self.0.join(name))
    }

    fn info(&self, name: &str) -> DebugInfo {
        let image = self.image(name).unwrap();
        let shared = image
            .layout()
            .debug_alt_link
            .as_ref()
            .map(|link| self.image(&link.path).unwrap());
        let shared = shared.as_ref().map(|shared| &**shared as &dyn Image);
        let (log, _) = channel();
        let files = Files {
            package: self.0.join(format!("{name}.dwp")),
            log,
        };
        DebugInfo::new(&*image, shared)
            .unwrap()
            .with_split_files(Box::new(files))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn image(path: &Path) -> Option<Arc<ImageFile>> {
    let bytes = std::fs::read(path).ok()?;
    Some(Arc::new(ImageFile::parse(Arc::new(bytes)).unwrap()))
}

struct Files {
    package: PathBuf,
    log: Sender<String>,
}

impl SplitFiles for Files {
    fn package(&self) -> Option<Arc<dyn Image>> {
        image(&self.package).map(|image| image as Arc<dyn Image>)
    }

    fn unit(&self, wanted: &SplitUnit, fits: &mut dyn FnMut(&dyn Image) -> bool) {
        let _ = self.log.send(wanted.name.clone());
        let path = Path::new(wanted.directory.as_deref().unwrap_or("")).join(&wanted.name);
        if let Some(image) = image(&path) {
            fits(&*image);
        }
    }
}

/// Every named entry of every unit, with its type's name or kind and whether it has code.
fn digest(reader: &DebugReader<'_>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let own: Vec<UnitId> = (0..reader.info().unit_count()).map(UnitId).collect();
    let beside = |id: &UnitId| -> Vec<_> { reader.types_beside(&reader.unit(*id).unwrap()).collect() };
    let types: Vec<(UnitId, u64)> = own.iter().flat_map(beside).collect();
    let types = types.into_iter().chain(reader.types_packed()).map(|(id, _)| id);
    for id in own.iter().copied().chain(types) {
        let unit = reader.unit(id).unwrap();
        let mut entries = unit.unit.entries();
        while let Some(entry) = entries.next_dfs().unwrap() {
            let kept = [
                gimli::DW_TAG_subprogram,
                gimli::DW_TAG_variable,
                gimli::DW_TAG_formal_parameter,
                gimli::DW_TAG_structure_type,
                gimli::DW_TAG_member,
                gimli::DW_TAG_enumerator,
                gimli::DW_TAG_typedef,
            ];
            if !kept.contains(&entry.tag()) {
                continue;
            }
            let kind = reader.referred(&unit, entry, gimli::DW_AT_type).map(|kind| {
                let (of, referred) = reader.entry(kind).unwrap();
                // In the unit there is only a declaration of what is in a type unit.
                let whole = reader.referred(&of, &referred, gimli::DW_AT_signature).unwrap_or(kind);
                let (of, referred) = reader.entry(whole).unwrap();
                of.name_of(&referred).unwrap_or_else(|| referred.tag().to_string())
            });
            let ranges = unit.ranges_of(entry).unwrap();
            let inside = ranges
                .first()
                .map(|range| reader.info().unit_at(range.start) == Some(id));
            let name = unit.name_of(entry);
            found.insert(format!("{} {name:?}: {kind:?} {inside:?}", entry.tag()));
        }
    }
    found
}

const PLAIN: &str = "gcc -g first.c second.c -o out";

/// Name, and what makes `out` of the two sources.
const FORMS: [(&str, &str); 20] = [
    ("DWARF 4", "gcc -gdwarf-4 first.c second.c -o out"),
    ("zlib", "gcc -g -gz=zlib first.c second.c -o out"),
    (
        "zlib as it was",
        "gcc -g first.c second.c -o out && objcopy --compress-debug-sections=zlib-gnu out",
    ),
    (
        "zstd",
        "gcc -g first.c second.c -o out && objcopy --compress-debug-sections=zstd out",
    ),
    ("type units", "gcc -g -fdebug-types-section first.c second.c -o out"),
    (
        "a file apart",
        "gcc -g first.c second.c -o full && objcopy --only-keep-debug full out",
    ),
    (
        "type units, DWARF 4",
        "gcc -gdwarf-4 -fdebug-types-section first.c second.c -o out",
    ),
    (
        "type units, split",
        "gcc -g -gsplit-dwarf -fdebug-types-section first.c second.c -o out",
    ),
    (
        "type units, split and compressed",
        "gcc -g -gsplit-dwarf -fdebug-types-section -gz=zlib first.c second.c -o out",
    ),
    (
        "type units, split, DWARF 4",
        "gcc -gdwarf-4 -gsplit-dwarf -fdebug-types-section first.c second.c -o out",
    ),
    (
        "type units, split by clang",
        "clang -gdwarf-5 -gsplit-dwarf -fdebug-types-section first.c second.c -o out",
    ),
    (
        "type units, packed",
        "clang -gdwarf-5 -gsplit-dwarf -fdebug-types-section first.c second.c -o out && llvm-dwp -e out -o out.dwp && rm *.dwo",
    ),
    (
        "type units, packed, DWARF 4",
        "gcc -gdwarf-4 -gsplit-dwarf -fdebug-types-section first.c second.c -o out && dwp -e out -o out.dwp && rm *.dwo",
    ),
    ("split", "gcc -g -gsplit-dwarf first.c second.c -o out"),
    ("split, DWARF 4", "gcc -gdwarf-4 -gsplit-dwarf first.c second.c -o out"),
    (
        "split and compressed",
        "gcc -g -gsplit-dwarf -gz=zlib first.c second.c -o out",
    ),
    (
        "packed",
        "gcc -g -gsplit-dwarf first.c second.c -o out && llvm-dwp -e out -o out.dwp && rm *.dwo",
    ),
    (
        "packed, DWARF 4",
        "gcc -gdwarf-4 -gsplit-dwarf first.c second.c -o out && dwp -e out -o out.dwp && rm *.dwo",
    ),
    (
        "shared by dwz, DWARF 5",
        "gcc -g first.c second.c -o out && gcc -g -O1 first.c second.c -o other && dwz -5 -r -m shared out other",
    ),
    (
        "shared by dwz",
        "gcc -g first.c second.c -o out && gcc -g -O1 first.c second.c -o other && dwz -r -m shared out other",
    ),
];

#[test]
fn every_form_of_debug_information_reads_alike() {
    let scratch = Scratch::new();
    assert!(scratch.run(PLAIN));
    let plain = digest(&scratch.info("out").reader());
    assert!(
        plain.contains("DW_TAG_variable Some(\"part\"): Some(\"amount\") None")
            && plain.contains("DW_TAG_subprogram Some(\"weigh\"): Some(\"int\") Some(true)"),
        "{plain:#?}"
    );
    let other = Scratch::new();
    let by_clang = match other.run(&PLAIN.replace("gcc", "clang")) {
        true => digest(&other.info("out").reader()),
        false => BTreeSet::new(),
    };
    for (name, steps) in FORMS {
        let scratch = Scratch::new();
        if !scratch.run(steps) {
            continue;
        }
        let plain = if steps.starts_with("clang") { &by_clang } else { &plain };
        let info = scratch.info("out");
        assert_eq!(info.trouble(), None, "{name}");
        let read = digest(&info.reader());
        let missing: Vec<_> = plain.difference(&read).collect();
        assert!(missing.is_empty(), "{name} lacks {missing:#?} of {read:#?}");
    }
}

/// Two units of C++ that have types in common.
const SHARED: &str = "
namespace shop { namespace { struct Hidden { int one; }; } struct Inner { int x, y; }; template <typename T> struct Pair { T first, second; };
struct Order { Inner inner; Pair<int> pair; Pair<double> other; struct Part { char text[5]; } part; }; }
";

#[test]
fn what_several_units_import_has_its_names_and_language() {
    let sources = format!(
        "cat > shared.h <<'E'\n{SHARED}\nE\n\
         printf '#include \"shared.h\"\\nshop::Order order; int part(); int main() {{ return part(); }}\\n' > a.cpp; \
         printf '#include \"shared.h\"\\nshop::Order more; shop::Pair<int> two; int part() {{ return 0; }}\\n' > b.cpp;"
    );
    for steps in [
        "g++ -g a.cpp b.cpp -o out && dwz out",
        "g++ -g a.cpp b.cpp -o out && g++ -g -O1 a.cpp b.cpp -o other && dwz -m shared out other",
        "g++ -g a.cpp b.cpp -o out && g++ -g -O1 a.cpp b.cpp -o other && dwz -5 -m shared out other",
        "g++ -g -flto a.cpp b.cpp -o out",
        "clang++ -g -flto=full -fuse-ld=bfd a.cpp b.cpp -o out || g++ -g -flto -O2 a.cpp b.cpp -o out",
    ] {
        let scratch = Scratch::new();
        if !scratch.run(&format!("{sources} {steps}")) {
            continue;
        }
        let info = scratch.info("out");
        let (reader, index) = (info.reader(), info.index(&Watch::default()).unwrap());
        for (name, size) in [
            ("shop::Order", 40),
            ("shop::Inner", 8),
            ("shop::Pair<int>", 8),
            ("shop::Pair<double>", 16),
            ("shop::Order::Part", 5),
        ] {
            let found = index.types(&reader, name);
            assert!(!found.is_empty(), "{steps}: no {name}");
            for found in found {
                let of = TypeId(found.id).into();
                let read = (reader.type_name(&of), reader.size_of(&of));
                assert_eq!(read, (name.to_owned(), Some(size)), "{steps}");
            }
        }
        let order = index.variables(&reader, "order");
        assert_eq!(
            reader.type_name(&reader.type_of_entry(order[0].id)),
            "shop::Order",
            "{steps}"
        );
    }
}

#[test]
fn a_relocatable_object_has_its_places_filled_in() {
    let scratch = Scratch::new();
    assert!(scratch.run("gcc -g -ffunction-sections -c second.c -o out"));
    let info = scratch.info("out");
    let read = digest(&info.reader());
    let has = |text: &str| read.iter().any(|entry| entry.contains(text));
    assert!(has("\"weigh\"") && has("Some(\"part\"): Some(\"amount\")"), "{read:#?}");
}

#[test]
fn a_file_with_a_split_unit_is_opened_when_an_entry_is_asked_for_and_once() {
    let scratch = Scratch::new();
    assert!(scratch.run("gcc -g -gsplit-dwarf first.c second.c -o out"));
    let (log, opened) = channel();
    let info = DebugInfo::new(&*scratch.image("out").unwrap(), None).unwrap();
    let info = info.with_split_files(Box::new(Files {
        package: PathBuf::from("/none"),
        log,
    }));
    let place = (0..info.unit_count())
        .find_map(|id| {
            info.reader()
                .unit_ranges(UnitId(id), &std::cell::Cell::new(1 << 20))
                .unwrap()
                .first()
                .map(|range| range.start)
        })
        .unwrap();
    let line = info.reader().line_at(place);
    assert!(line.is_some() && info.unit_at(place).is_some());
    assert_eq!(opened.try_iter().count(), 0, "places and lines are in the image");
    for _ in 0..2 {
        digest(&info.reader());
    }
    let mut names: Vec<String> = opened.try_iter().collect();
    names.sort_unstable();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn a_split_unit_that_is_missing_or_of_another_build_leaves_its_places_and_lines() {
    let scratch = Scratch::new();
    assert!(scratch.run("gcc -g -gsplit-dwarf first.c second.c -o out"));
    let wanted = scratch.0.read_dir().unwrap().flatten().map(|entry| entry.path());
    let files: Vec<PathBuf> = wanted
        .filter(|path| path.extension().is_some_and(|ending| ending == "dwo"))
        .collect();
    let [one, two] = &*files else {
        panic!("{files:?}");
    };
    // Each now lies under the other's name.
    let bytes = std::fs::read(one).unwrap();
    std::fs::copy(two, one).unwrap();
    std::fs::write(two, bytes).unwrap();
    let info = scratch.info("out");
    let read = digest(&info.reader());
    assert!(read.is_empty(), "{read:#?}");
    let reader = info.reader();
    for id in (0..info.unit_count()).map(UnitId) {
        for range in reader.unit_ranges(id, &std::cell::Cell::new(1 << 20)).unwrap() {
            assert!(reader.line_at(range.start).is_some());
        }
    }
}

#[test]
fn damage_anywhere_in_split_files_is_survived() {
    for (steps, file) in [
        (
            "gcc -g -gsplit-dwarf first.c second.c -o out && llvm-dwp -e out -o out.dwp && rm *.dwo",
            "out.dwp",
        ),
        (
            "clang -g -gsplit-dwarf -fdebug-types-section first.c second.c -o out && llvm-dwp -e out -o out.dwp",
            "out.dwp",
        ),
        (
            "gcc -gdwarf-4 -gsplit-dwarf -fdebug-types-section first.c second.c -o out",
            "out-first.dwo",
        ),
    ] {
        let scratch = Scratch::new();
        if !scratch.run(steps) {
            continue;
        }
        let out = scratch.image("out").unwrap();
        let whole = std::fs::read(scratch.0.join(file)).unwrap();
        for at in (0..whole.len()).step_by(5) {
            let mut hurt = whole.clone();
            hurt[at] ^= 0x81;
            let Ok(hurt) = ImageFile::parse(Arc::new(hurt)) else {
                continue;
            };
            let is_package = file.ends_with(".dwp");
            let info = DebugInfo::new(&*out, None).unwrap();
            let info = info.with_split_files(Box::new(Given(Arc::new(hurt), is_package)));
            read_all(&info);
        }
    }
}

#[test]
fn sections_of_one_name_that_share_bytes_are_refused() {
    let scratch = Scratch::new();
    assert!(scratch.run("gcc -gdwarf-5 -gsplit-dwarf -fdebug-types-section first.c second.c -o out"));
    let whole = std::fs::read(scratch.0.join("out-first.dwo")).unwrap();
    let out = scratch.image("out").unwrap();
    let names = |hurt: Vec<u8>| {
        let dwo = ImageFile::parse(Arc::new(hurt)).unwrap();
        let info = DebugInfo::new(&*out, None).unwrap();
        let info = info.with_split_files(Box::new(Given(Arc::new(dwo), false)));
        let index = info.index(&Watch::default()).unwrap();
        index.types(&info.reader(), "parcel").len()
    };
    assert_eq!(names(whole.clone()), 1);
    let dwo = ImageFile::parse(Arc::new(whole.clone())).unwrap();
    let sections = dwo.layout().sections.iter().enumerate();
    let same: Vec<_> = sections
        .filter(|(_, section)| section.name == ".debug_info.dwo")
        .collect();
    let [(_, first), (second, _), ..] = &*same else {
        panic!("{same:?}");
    };
    let mut hurt = whole;
    let table = u64::from_le_bytes(hurt[40..48].try_into().unwrap()) as usize;
    // sh_offset.
    let at = table + second * 64 + 24;
    hurt[at..at + 8].copy_from_slice(&first.file_offset.to_le_bytes());
    assert_eq!(names(hurt), 0);
}

/// Reads what there is, damaged or not.
fn read_all(info: &DebugInfo) {
    let reader = info.reader();
    let own = (0..info.unit_count()).map(UnitId);
    let beside = |id: UnitId| -> Vec<_> {
        let unit = reader.unit(id).ok();
        unit.iter().flat_map(|unit| reader.types_beside(unit)).collect()
    };
    let types: Vec<(UnitId, u64)> = own.clone().flat_map(beside).chain(reader.types_packed()).collect();
    for id in own.chain(types.into_iter().map(|(id, _)| id)) {
        let Ok(unit) = reader.unit(id) else {
            continue;
        };
        let mut entries = unit.unit.entries();
        while let Ok(Some(entry)) = entries.next_dfs() {
            let _ = reader
                .referred(&unit, entry, gimli::DW_AT_type)
                .map(|kind| (reader.qualified_name(kind), reader.size_of(&TypeId(kind).into())));
            let _ = (unit.name_of(entry), unit.ranges_of(entry));
        }
    }
    let index = info.index(&Watch::default()).unwrap();
    let _ = index.types(&reader, "parcel");
}

/// A package, or the file of whatever unit is asked for.
struct Given(Arc<dyn Image>, bool);

impl SplitFiles for Given {
    fn package(&self) -> Option<Arc<dyn Image>> {
        self.1.then(|| Arc::clone(&self.0))
    }

    fn unit(&self, _: &SplitUnit, fits: &mut dyn FnMut(&dyn Image) -> bool) {
        if !self.1 {
            fits(&*self.0);
        }
    }
}

#[test]
fn a_section_that_claims_to_be_huge_is_named_and_costs_nothing() {
    let scratch = Scratch::new();
    assert!(scratch.run("gcc -g -gz=zlib first.c second.c -o out"));
    let image = scratch.image("out").unwrap();
    let section = &image.layout().sections[image.layout().section_index(".debug_info").unwrap()];
    let mut bytes = std::fs::read(scratch.0.join("out")).unwrap();
    // ch_size of Elf64_Chdr.
    let at = section.file_offset as usize + 8;
    bytes[at..at + 8].copy_from_slice(&(1_u64 << 42).to_le_bytes());
    let hurt = ImageFile::parse(Arc::new(bytes)).unwrap();
    let info = DebugInfo::new(&hurt, None).unwrap();
    assert_eq!(info.unit_count(), 0);
    assert_eq!(info.trouble(), Some(DebugError::Section(".debug_info")));
}
