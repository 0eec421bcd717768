//! Types of programs that the test compiles: names, sizes, members, and bit-fields in both of DWARF's ways.

use farsight_symbols::{
    DebugInfo, DebugReader, DieId, MemberKind, MemberPlace, NameKind, Named, Pattern, RecordKind, TypeId, TypeKind,
    TypeRef, UnitId, Watch,
};

use crate::support::{Scratch, image};

const C: &str = r#"
struct node { struct node *next; const char *const *names; int (*handlers[4])(char, ...); };
struct bits { unsigned a : 3; int b : 7; unsigned long long c : 40; unsigned char d : 1; };
union either { int number; float real; };
enum color { RED = -1, GREEN, BLUE = 70000 };
typedef struct { int grid[2][3]; volatile int *restrict where; void (*none)(void); } unnamed;
struct node a_node; struct bits some_bits; union either one; enum color hue; unnamed nobody;
long double extended; unsigned char byte; const int fixed = 3; char text[10]; void *nothing;
int main(void) { return 0; }
"#;

const CPP: &str = r#"
namespace outer { namespace { struct Hidden { int x; }; }
template <typename T, int N> struct Box { T items[N]; virtual ~Box() {} };
struct Base { long one; static int count; }; struct Left : virtual Base { int two; }; enum class Small : unsigned char { A = 200 };
struct Both : Left, Box<char, 3> { Small small; }; }
outer::Both both; outer::Hidden hidden; int outer::Base::*member; int &reference = hidden.x; decltype(nullptr) null;
int outer::Base::count = 2; int main() { return 0; }
"#;

const SCOPED: &str = r#"
namespace shop { struct Inner { int x, y; }; enum class Size : char { Small, Large };
template <typename T, int N> struct Pair { T first, second; T sum() const { return first + second; } };
struct Order { int count; Inner inner; Size size; struct Part { char text[5]; struct Deep { char one; }; Deep deep; } part; struct Late; Late *late;
  static int total; virtual ~Order() {} virtual int add(Inner) { return total; } };
struct Order::Late { long after; Order::Part part; }; int Order::total = 4; }
namespace shop { inline namespace v2 { struct alignas(32) Newer { using Part = short; Part what; }; } }
struct Order { char other; };
shop::Newer newer; shop::Order order; shop::Pair<int, 3> pair; shop::Pair<double, 4> both; shop::Order::Part::Deep deep; shop::Order::Late late; Order plain;
int main() { return pair.sum() + int(both.sum()); }
"#;

/// Works with the debug information of a program.
fn with(compiler: &str, source: &str, dwarf: &str, work: impl FnOnce(&DebugReader<'_>)) {
    let scratch = Scratch::new();
    let Some(program) = scratch.compile(
        compiler,
        source,
        &[&["-g", "-O0"], &*dwarf.split(' ').collect::<Vec<_>>()].concat(),
    ) else {
        return;
    };
    let image = image(&program).unwrap();
    let info = DebugInfo::new(image.as_ref(), None).unwrap();
    work(&info.reader());
}

/// The type of a variable of the program.
fn variable(reader: &DebugReader<'_>, name: &str) -> TypeRef {
    let index = reader.info().index(&Watch::default()).unwrap();
    let found = index.variables(reader, name);
    reader.type_of_entry(found.first().unwrap_or_else(|| panic!("no {name}")).id)
}

fn names(reader: &DebugReader<'_>, variables: &[(&str, &str, Option<u64>)]) {
    for (name, type_name, size) in variables {
        let found = reader.type_of(&variable(reader, name)).unwrap();
        assert_eq!((found.name.as_str(), found.size), (*type_name, *size), "{name}");
    }
}

#[test]
fn types_of_c_have_the_names_that_c_writes() {
    with("gcc", C, "-gdwarf-5", |reader| {
        names(
            reader,
            &[
                ("a_node", "struct node", Some(48)),
                ("one", "union either", Some(4)),
                ("hue", "enum color", Some(4)),
                ("nobody", "unnamed", Some(40)),
                ("extended", "long double", Some(16)),
                ("fixed", "const int", Some(4)),
                ("text", "char [10]", Some(10)),
                ("nothing", "void *", Some(8)),
            ],
        );
        let node = variable(reader, "a_node").id().unwrap();
        let members = reader.members(node).unwrap();
        let shown: Vec<String> = members
            .list
            .iter()
            .map(|member| reader.declaration(&member.type_ref, member.name.as_deref().unwrap_or("")))
            .collect();
        assert_eq!(
            shown,
            [
                "struct node *next",
                "const char * const *names",
                "int (*handlers [4])(char, ...)"
            ]
        );
        let color = variable(reader, "hue").id().unwrap();
        let values: Vec<i128> = reader.enumerators(color).unwrap().iter().map(|one| one.value).collect();
        assert_eq!(values, [-1, 0, 70000]);
        let unnamed = reader.stripped(&variable(reader, "nobody")).unwrap();
        assert_eq!(unnamed.name, "struct {...}");
        let members = reader.members(unnamed.id.id().unwrap()).unwrap();
        assert_eq!(reader.type_name(&members.list[0].type_ref), "int [2][3]");
        assert_eq!(reader.type_name(&members.list[1].type_ref), "volatile int * restrict");
        assert_eq!(reader.type_name(&members.list[2].type_ref), "void (*)(void)");
    });
}

#[test]
fn bit_fields_are_the_same_in_dwarf_4_and_5() {
    for dwarf in ["-gdwarf-4", "-gdwarf-5"] {
        with("gcc", C, dwarf, |reader| {
            let bits = variable(reader, "some_bits").id().unwrap();
            let places: Vec<(u64, u64, u64)> = reader
                .members(bits)
                .unwrap()
                .list
                .iter()
                .map(|member| match (member.place, member.bits) {
                    (MemberPlace::At(at), Some(bits)) => (at, bits.offset, bits.size),
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(places, [(0, 0, 3), (0, 3, 7), (0, 10, 40), (6, 2, 1)], "{dwarf}");
        });
    }
}

#[test]
fn types_of_cpp_have_bases_statics_and_parameters() {
    with("g++", CPP, "-gdwarf-5", |reader| {
        names(
            reader,
            &[
                ("both", "outer::Both", Some(40)),
                ("hidden", "outer::(anonymous namespace)::Hidden", Some(4)),
                ("member", "int outer::Base::*", Some(8)),
                ("reference", "int &", Some(8)),
            ],
        );
        let both = variable(reader, "both").id().unwrap();
        let members = reader.members(both).unwrap();
        let kinds: Vec<MemberKind> = members.list.iter().map(|member| member.kind).collect();
        assert_eq!(kinds, [MemberKind::Base, MemberKind::Base, MemberKind::Field]);
        let left = members.list[0].type_ref.id().unwrap();
        let virtual_base = &reader.members(left).unwrap().list[0];
        assert_eq!(
            (virtual_base.kind, virtual_base.place),
            (MemberKind::VirtualBase, MemberPlace::Computed)
        );
        let boxed = members.list[1].type_ref.id().unwrap();
        assert_eq!(reader.type_name(&boxed.into()), "outer::Box<char, 3>");
        let generics = reader.generics(boxed.0).unwrap();
        assert_eq!(generics[0].name.as_deref(), Some("T"));
        assert_eq!(generics[1].value, Some(3));
        let inside = reader.members(boxed).unwrap();
        let base = reader.members(virtual_base.type_ref.id().unwrap()).unwrap();
        assert_eq!(base.list[1].kind, MemberKind::Static);
        assert!(inside.list.iter().any(|member| member.artificial));
        let small = members.list[2].type_ref.id().unwrap();
        assert_eq!(reader.enumerators(small).unwrap()[0].value, 200);
        assert!(matches!(
            reader.kind_of(&small.into()).unwrap(),
            TypeKind::Enum { scoped: true, .. }
        ));
    });
}

#[test]
fn types_of_type_units_are_as_those_of_others() {
    let with_units = |flags: &str| flags.contains("-fdebug-types-section");
    for (compiler, flags) in [
        ("g++", "-gdwarf-5"),
        ("g++", "-gdwarf-4 -fdebug-types-section"),
        ("g++", "-gdwarf-5 -fdebug-types-section"),
        ("clang++", "-gdwarf-4 -fdebug-types-section"),
        ("clang++", "-gdwarf-5 -fdebug-types-section"),
    ] {
        with(compiler, SCOPED, flags, |reader| {
            let index = reader.info().index(&Watch::default()).unwrap();
            for (name, size) in [
                ("shop::Order", 40),
                ("::Order", 1),
                ("shop::Inner", 8),
                ("shop::Size", 1),
                ("shop::Pair<double, 4>", 16),
                ("shop::Pair<int, 3>", 8),
                ("shop::Order::Part", 6),
                ("Order::Part::Deep", 1),
                ("shop::Order::Late", 16),
                ("::shop::Newer", 32),
                ("shop::v2::Newer", 32),
            ] {
                let found = index.types(reader, name);
                let [found] = &*found else {
                    panic!("{compiler} {flags}: {name}: {found:?}");
                };
                let id = TypeId(found.id);
                let full = reader.qualified_name(found.id);
                assert_eq!(reader.size_of(&id.into()), Some(size), "{compiler} {flags}: {name}");
                let last = name.rsplit("::").next().unwrap_or_default();
                assert!(full.is_some_and(|full| full.ends_with(last)), "{name}");
            }
            let order = variable(reader, "order");
            let found = reader.type_of(&order).unwrap();
            assert_eq!(
                (&*found.name, found.size),
                ("shop::Order", Some(40)),
                "{compiler} {flags}"
            );
            assert!(
                matches!(found.kind, TypeKind::Record { declaration: false, .. }),
                "{compiler} {flags}"
            );
            let members = reader.members(order.id().unwrap()).unwrap().list;
            let sized = members.iter().filter(|member| member.kind == MemberKind::Field);
            let sizes: Vec<_> = sized.map(|member| reader.size_of(&member.type_ref)).collect();
            assert_eq!(sizes, [8, 4, 8, 1, 6, 8].map(Some), "{compiler} {flags}");
            let newer = variable(reader, "newer");
            assert_eq!(reader.alignment_of(&newer), Some(32), "{compiler} {flags}");
            assert!(
                reader.inner_type(newer.id().unwrap(), "Part").is_some(),
                "{compiler} {flags}"
            );
            let pair = variable(reader, "both").id().unwrap();
            assert_eq!(reader.generics(pair.0).unwrap()[1].value, Some(4), "{compiler} {flags}");
            let units = (0..reader.info().unit_count()).map(UnitId);
            let apart = units.filter(|unit| *unit != variable_unit(reader)).count();
            assert_eq!(apart > 4, with_units(flags), "{compiler} {flags} made {apart} units");
        });
    }
}

/// The unit that the program's variables are in.
fn variable_unit(reader: &DebugReader<'_>) -> UnitId {
    let index = reader.info().index(&Watch::default()).unwrap();
    index.variables(reader, "order")[0].id.unit
}

#[test]
fn what_is_no_type_is_none() {
    with("gcc", C, "-gdwarf-5", |reader| {
        for offset in [0, 1, 11, 12, 13, 1 << 20, u64::MAX] {
            let id = TypeId(DieId {
                unit: UnitId(0),
                offset,
            });
            let _ = (reader.members(id), reader.enumerators(id), reader.type_name(&id.into()));
            assert!(
                !matches!(
                    reader.kind_of(&id.into()),
                    Ok(TypeKind::Record {
                        kind: RecordKind::Class,
                        ..
                    })
                ),
                "{offset}"
            );
        }
        assert_eq!(reader.type_name(&TypeRef::Void.pointer().array(3)), "void *[3]");
    });
}

/// Two units' worth of types of one name, one of which only ends a longer text once they are linked.
const SPELLED: &str = "
namespace space { struct Tail { int one; }; template<class T> struct Box { T value; }; }
struct Tail { char two; }; struct LongTail { Tail inside; };
typedef long Other;
space::Tail a; Tail b; LongTail c; space::Box<int> d; space::Box<Tail> e; Other f;
static long within() { struct Local { long here; }; static Local local; return local.here; }
int main() { return within() + b.two + c.inside.two; }
";

#[test]
fn types_of_one_name_are_found_without_an_index_of_all() {
    let bulk: String = (0..200)
        .map(|at| format!("struct Bulk{at} {{ int a[{at} + 1]; struct Bulk{at} *next; }} bulk{at};\n"))
        .collect();
    for (dwarf, tells) in [
        ("-gdwarf-5", true),
        ("-gdwarf-4 -gstrict-dwarf", true),
        ("-gdwarf-5 -fdebug-types-section", false),
        ("-gdwarf-5 -gsplit-dwarf", false),
        ("-gdwarf-4 -gsplit-dwarf", false),
    ] {
        let scratch = Scratch::new();
        let other = scratch.path("bulk.cc");
        std::fs::write(&other, &bulk).unwrap();
        let mut flags: Vec<&str> = dwarf.split(' ').collect();
        flags.push(other.to_str().unwrap());
        let Some(program) = scratch.compile("g++", SPELLED, &flags) else {
            return;
        };
        let image = image(&program).unwrap();
        for name in [
            "Tail",
            "space::Tail",
            "::Tail",
            "LongTail",
            "Box",
            "space::Box<int>",
            "Other",
            "within::Local",
            "None",
        ] {
            let info = DebugInfo::new(image.as_ref(), None).unwrap();
            let reader = info.reader();
            let part = info.index_for_type(name, &Watch::default()).unwrap();
            assert_eq!(part.is_some(), tells, "{dwarf}: {name}");
            let Some(part) = part else { continue };
            let index = info.index(&Watch::default()).unwrap();
            let (found, all) = (part.types(&reader, name), index.types(&reader, name));
            assert_eq!(found, all, "{dwarf}: {name}");
            assert_eq!(found.is_empty(), name == "None", "{dwarf}: {name}");
            assert!(
                part.count(NameKind::Type).0 < 40,
                "the other unit was walked for {name}"
            );
        }
    }
}

#[test]
fn what_is_found_without_an_index_is_what_the_index_has() {
    let scratch = Scratch::new();
    let source = "#include <map>\n#include <string>\nstd::map<std::string, int> map; int main() { return map[\"a\"]; }";
    let other =
        "#include <deque>\n#include <functional>\nstd::deque<std::function<int()>> all; int f() { return all[0](); }";
    let path = scratch.path("other.cc");
    std::fs::write(&path, other).unwrap();
    let third = scratch.path("third.cc");
    std::fs::write(
        &third,
        "#include <iostream>\n#include <set>\nstd::set<long> set; void g() { std::cout << set.size(); }",
    )
    .unwrap();
    let Some(program) = scratch.compile("g++", source, &["-g", path.to_str().unwrap(), third.to_str().unwrap()]) else {
        return;
    };
    let image = image(&program).unwrap();
    let whole = DebugInfo::new(image.as_ref(), None).unwrap();
    let (reader, index) = (whole.reader(), whole.index(&Watch::default()).unwrap());
    let mut all = Vec::new();
    let note = |name: &str, _: Named| {
        all.push(name.to_owned());
        true
    };
    index
        .matching(&reader, NameKind::Type, &Pattern::new("*"), &Watch::default(), note)
        .unwrap();
    let mut told = 0;
    for name in all.iter().step_by((all.len() / 100).max(1)) {
        let info = DebugInfo::new(image.as_ref(), None).unwrap();
        if let Some(part) = info.index_for_type(name, &Watch::default()).unwrap() {
            assert_eq!(part.types(&info.reader(), name), index.types(&reader, name), "{name}");
            told += 1;
        }
    }
    assert!(told > 10, "{told} of {}", all.len());
}

#[test]
fn many_names_are_worth_an_index_and_a_search_for_one_can_be_ended() {
    let scratch = Scratch::new();
    let Some(program) = scratch.compile("g++", SPELLED, &["-g"]) else {
        return;
    };
    let image = image(&program).unwrap();
    let info = DebugInfo::new(image.as_ref(), None).unwrap();
    let ended = Watch::default();
    ended.cancel();
    assert!(info.index_for_type("Tail", &ended).is_err());
    // Of one unit half would be walked; what is nowhere needs none.
    let told = ["Nothing", "Tail", "Nowhere", "Nobody"]
        .map(|name| info.index_for_type(name, &Watch::default()).unwrap().is_some());
    assert_eq!(told, [true, false, true, false], "the fifth question is one too many");
}
