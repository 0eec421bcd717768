//! The evaluator over a scope that knows a few variables of a made-up program.

use std::collections::HashMap;
use std::rc::Rc;

use farsight_symbols::{DieId, TypeId, TypeRef, UnitId};
use farsight_types::Address;

use super::*;
use crate::expression::ScopeError;

/// Types by number, variables by name, bytes by address.
struct Fake {
    types: Vec<(&'static str, Shape)>,
    variables: HashMap<&'static str, Operand>,
    memory: Vec<u8>,
    registers: Vec<u8>,
}

const BASE: u64 = 0x1000;

fn known(number: u64) -> CppType {
    CppType::Known(KnownType {
        module: Address(0),
        of: TypeRef::Entry(TypeId(DieId {
            unit: UnitId(0),
            offset: number,
        })),
    })
}

fn number_of(of: &KnownType) -> usize {
    of.of.id().unwrap().0.offset as usize
}

fn c(name: &'static str) -> CppType {
    basic_named(name).unwrap()
}

fn field(name: &str, of: CppType, offset: u64) -> Field {
    Field {
        name: (!name.is_empty()).then(|| name.to_owned()),
        of,
        place: FieldPlace::At(offset),
        bits: None,
        is_base: false,
        variant: None,
    }
}

fn record(size: u64, fields: Vec<Field>) -> Shape {
    Shape::Record(Rc::new(Fields { size, fields }))
}

impl Fake {
    fn new() -> Fake {
        let bits = |name, at, count| Field {
            bits: Some(Bits { at, count }),
            ..field(name, c("unsigned int"), 8)
        };
        let base = |of, offset| Field {
            is_base: true,
            ..field("Base", of, offset)
        };
        let variant = |name, of, number| Field {
            variant: Some(number),
            ..field(name, of, 0)
        };
        let types = vec![
            // 0
            (
                "Node",
                record(
                    16,
                    vec![
                        field("value", c("int"), 0),
                        field("small", c("short"), 4),
                        bits("low", 0, 3),
                        bits("high", 3, 5),
                        field("", known(1), 12),
                    ],
                ),
            ),
            // 1: anonymous inside of Node
            ("<anonymous>", record(4, vec![field("inner", c("int"), 0)])),
            // 2
            ("number_t", Shape::Alias(c("unsigned int"))),
            // 3
            ("Base", record(4, vec![field("shared", c("int"), 0)])),
            // 4
            (
                "ns::Derived<int, 4>",
                record(12, vec![field("own", c("long"), 0), base(known(3), 8)]),
            ),
            // 5
            ("Color", Shape::Enum { size: 4, signed: true }),
            // 6
            (
                "(i32, u8)",
                record(8, vec![field("__0", c("i32"), 0), field("__1", c("u8"), 4)]),
            ),
            // 7
            (
                "core::option::Option<i32>",
                record(8, vec![variant("None", known(8), 0), variant("Some", known(6), 1)]),
            ),
            // 8
            ("core::option::Option<i32>::None", record(8, vec![])),
            // 9: a vector of the fake's own: pointer and length
            ("alloc::vec::Vec<i32>", record(16, vec![])),
            // 10
            ("loop", Shape::Alias(known(10))),
            // 11
            ("&mut main::Tally", Shape::Pointer(known(12))),
            // 12
            (
                "main::Tally",
                record(8, vec![field("count", c("u8"), 0), field("total", c("u64"), 0)]),
            ),
            // 13
            ("Node &", Shape::Reference(known(0))),
        ];
        let mut memory = vec![0_u8; 0x100];
        let mut put = |at: u64, bytes: &[u8]| {
            let at = (at - BASE) as usize;
            memory[at..at + bytes.len()].copy_from_slice(bytes);
        };
        put(0x1000, &7_i32.to_le_bytes());
        put(0x1004, &(-3_i16).to_le_bytes());
        put(0x1008, &[0b1010_1101]);
        put(0x100c, &99_i32.to_le_bytes());
        for index in 0..4_i32 {
            put(0x1010 + 4 * index as u64, &(10 * index).to_le_bytes());
        }
        put(0x1020, &0x1000_u64.to_le_bytes());
        put(0x1028, &2.5_f64.to_le_bytes());
        put(0x1030, &1_i32.to_le_bytes());
        put(0x1038, &(-5_i32).to_le_bytes());
        put(0x103c, &[200]);
        put(0x1040, &0x1038_u64.to_le_bytes());
        put(0x1048, &8_u64.to_le_bytes());
        put(0x1050, &77_i32.to_le_bytes());
        let memory_of = Operand::memory;
        let variables = HashMap::from([
            ("node", memory_of(known(0), 0x1000)),
            ("list", memory_of(CppType::Array(c("int").into(), 4), 0x1010)),
            ("pointer", memory_of(known(0).pointer(), 0x1020)),
            ("to_node", memory_of(known(13), 0x1020)),
            ("real", memory_of(c("double"), 0x1028)),
            ("color", memory_of(known(5), 0x1030)),
            ("RED", Operand::integer(known(5), 0)),
            ("tuple", memory_of(known(6), 0x1038)),
            ("maybe", memory_of(known(7), 0x1038)),
            ("derived", memory_of(known(4), 0x1048)),
            ("self", memory_of(known(11), 0x1040)),
            ("numbers", memory_of(known(9), 0x1010)),
            ("looping", memory_of(known(10), 0x1010)),
            ("byte", memory_of(c("u8"), 0x103c)),
            ("main", memory_of(CppType::Function, 0x4000)),
            ("errno", memory_of(CppType::Unknown, 0x1000)),
            ("ns::global", memory_of(c("int"), 0x1010)),
            ("prog!global", memory_of(c("int"), 0x1014)),
            ("table<char>::size", memory_of(c("int"), 0x1018)),
            ("gone", memory_of(c("int"), 0xdead_0000)),
            (
                "here",
                Operand {
                    of: c("int"),
                    held: Held::Place(Place {
                        space: Space::Variable(0),
                        at: 0,
                        bits: None,
                    }),
                },
            ),
        ]);
        Fake {
            types,
            variables,
            memory,
            registers: vec![5, 0, 0, 0],
        }
    }

    fn show(&mut self, text: &str) -> String {
        match self.evaluate(text) {
            Ok(shown) => shown,
            Err(error) => error.to_string(),
        }
    }

    fn evaluate(&mut self, text: &str) -> Result<String, ExprError> {
        let node = parse(text, self)?;
        let operand = evaluate(text, &node, self)?;
        let of = type_name(self, &operand.of);
        let mut walk = evaluate::Walk::new(text, self);
        let shape = walk.shape(&operand.of, 0)?;
        if let (Shape::Record(_) | Shape::Array(..) | Shape::Function, Some(address)) = (shape, operand.address()) {
            return Ok(format!("{of} at {address:#x}"));
        }
        let loaded = walk.load(&operand, 0)?;
        Ok(match loaded.value {
            evaluate::Scalar::Integer(value) if matches!(loaded.shape, Shape::Pointer(_)) => format!("{of} {value:#x}"),
            evaluate::Scalar::Integer(value) => match value.cast_signed() < 0 {
                true => format!("{of} {}", value.cast_signed()),
                false => format!("{of} {value}"),
            },
            evaluate::Scalar::Float(value) => format!("{of} {value}"),
            evaluate::Scalar::Wide(wide) => format!("{of} about {}", wide.rounded),
        })
    }
}

impl Names for Fake {
    fn kind_of(&mut self, name: &str) -> Result<NameKind, ScopeError> {
        Ok(if self.variables.contains_key(name) {
            NameKind::Value
        } else if self.types.iter().any(|(known, _)| *known == name) || basic_named(name).is_some() {
            NameKind::Type
        } else {
            NameKind::Nothing
        })
    }
}

impl CppScope for Fake {
    fn variable(&mut self, name: &str) -> Result<Option<Operand>, ScopeError> {
        Ok(self.variables.get(name).cloned())
    }

    fn type_named(&mut self, name: &str) -> Result<Option<CppType>, ScopeError> {
        let found = self.types.iter().position(|(known, _)| *known == name);
        Ok(found.map(|number| known(number as u64)))
    }

    fn shape(&mut self, of: &KnownType) -> Result<Rc<Shape>, ScopeError> {
        Ok(Rc::new(self.types[number_of(of)].1.clone()))
    }

    fn type_name(&mut self, of: &KnownType) -> String {
        self.types[number_of(of)].0.to_owned()
    }

    fn read(&mut self, space: Space, at: u64, size: u64) -> Result<Vec<u8>, ScopeError> {
        let (bytes, start) = match space {
            Space::Memory => (&self.memory, at.wrapping_sub(BASE)),
            Space::Variable(_) => (&self.registers, at),
        };
        let end = start.saturating_add(size) as usize;
        let found = bytes.get(start as usize..end).map(<[u8]>::to_vec);
        found.ok_or(ScopeError::Unreadable { at: Address(at) })
    }

    fn write(&mut self, space: Space, at: u64, new: &[u8]) -> Result<(), ScopeError> {
        let (bytes, start) = match space {
            Space::Memory => (&mut self.memory, at.wrapping_sub(BASE) as usize),
            Space::Variable(_) => (&mut self.registers, at as usize),
        };
        let place = bytes.get_mut(start..start + new.len());
        place
            .ok_or(ScopeError::Unreadable { at: Address(at) })?
            .copy_from_slice(new);
        Ok(())
    }

    fn register(&mut self, name: &str) -> Result<Option<Operand>, ScopeError> {
        Ok((name == "rax").then(|| Operand::integer(c("unsigned long"), 0x1010)))
    }

    fn pseudo(&mut self, name: &str) -> Result<Option<Operand>, ScopeError> {
        Ok((name == "t0").then(|| Operand::integer(known(0).pointer(), 0x1000)))
    }

    fn masm(&mut self, text: &str) -> Result<u64, ScopeError> {
        u64::from_str_radix(text, 16).map_err(|_| ScopeError::Unavailable { why: text.into() })
    }

    fn variant(&mut self, _: &Operand) -> Result<Option<u32>, ScopeError> {
        Ok(Some(1))
    }

    fn element(&mut self, of: &Operand, index: &Index) -> Result<Option<Operand>, ScopeError> {
        let index = match index {
            Index::Number(number) => *number as u64,
            Index::Text(text) => text.len() as u64,
        };
        Ok((of.of == known(9)).then(|| Operand::memory(c("i32"), 0x1010 + 4 * index)))
    }
}

#[test]
fn expressions_have_values_and_types() {
    for (text, expected) in [
        ("1 + 2 * 3", "int 7"),
        ("(1 + 2) * 3", "int 9"),
        ("0x10 + 010 + 10", "int 34"),
        ("1u - 2", "unsigned int 4294967295"),
        ("1 - 2", "int -1"),
        ("-1 > 0u", "bool 1"),
        ("2147483647 + 1", "int -2147483648"),
        ("0xffffffff", "unsigned int 4294967295"),
        ("4294967296", "long 4294967296"),
        ("10000000000ull", "unsigned long long 10000000000"),
        ("7 / 2, -7 / 2", "int -3"),
        ("-7 % 3", "int -1"),
        ("1 << 31", "int -2147483648"),
        ("1u << 33", "unsigned int 0"),
        ("-8 >> 1", "int -4"),
        ("1.5 + 1", "double 2.5"),
        ("1.5f * 2", "float 3"),
        ("7 / 2.0", "double 3.5"),
        ("'a'", "char 97"),
        ("'a' + 1", "int 98"),
        ("'\\n'", "char 10"),
        ("'\\x41'", "char 65"),
        ("!5, !0", "bool 1"),
        ("~0", "int -1"),
        ("1 ? 2 : 1 / 0", "int 2"),
        ("(1 ? 5 : 6.5) / 2", "double 2.5"),
        ("(0 ? 6.5 : 5) / 2", "double 2.5"),
        ("(1 ? -1 : 0u) > 0", "bool 1"),
        ("1 ? 'a' : 'b'", "char 97"),
        ("1 ? 'a' : 1", "int 97"),
        ("1 ? 0 : pointer", "Node * 0x0"),
        ("1 ? 2 : nobody", "int 2"),
        ("1 ? node : 0", "Node at 0x1000"),
        ("0 && 1 / 0", "bool 0"),
        ("1 || 1 / 0", "bool 1"),
        ("1 < 2 == true", "bool 1"),
        ("5 & 3 | 8 ^ 1", "int 9"),
        ("sizeof(int)", "unsigned long 4"),
        ("sizeof node", "unsigned long 16"),
        ("sizeof(node) + 1", "unsigned long 17"),
        ("sizeof(struct Node *)", "unsigned long 8"),
        ("sizeof(int[3][2])", "unsigned long 24"),
        ("sizeof(unsigned long long int)", "unsigned long 8"),
        ("sizeof([u16; 5])", "unsigned long 10"),
        ("node.value", "int 7"),
        ("pointer->value", "int 7"),
        ("pointer.value", "int 7"),
        ("to_node.value", "int 7"),
        ("(*pointer).small", "short -3"),
        ("node.inner", "int 99"),
        ("node.low", "unsigned int 5"),
        ("node.high", "unsigned int 21"),
        ("&node", "Node * 0x1000"),
        ("&node.small", "short * 0x1004"),
        ("*&node.small", "short -3"),
        ("&list[2]", "int * 0x1018"),
        ("list[2]", "int 20"),
        ("2[list]", "int 20"),
        ("*(list + 3)", "int 30"),
        ("*list", "int 0"),
        ("list", "int[4] at 0x1010"),
        ("list + 1", "int * 0x1014"),
        ("pointer + 1", "Node * 0x1010"),
        ("&list[3] - &list[1]", "long 2"),
        ("pointer == &node", "bool 1"),
        ("pointer & 0xff0", "unsigned long 0"),
        ("real * 2", "double 5"),
        ("(int)real", "int 2"),
        ("(char)300", "char 44"),
        ("(bool)7", "bool 1"),
        ("(number_t)-1", "number_t 4294967295"),
        ("(number_t) - 1", "number_t 4294967295"),
        ("(real) - 1", "double 1.5"),
        ("*(short*)&node.small", "short -3"),
        ("((Node*)0x1000)->value", "int 7"),
        ("static_cast<double>(3) / 2", "double 1.5"),
        ("reinterpret_cast<Node*>(0x1000)->inner", "int 99"),
        ("(unsigned char)-1", "unsigned char 255"),
        ("color", "Color 1"),
        ("color == RED", "bool 0"),
        ("color + 1", "int 2"),
        ("(Color)2", "Color 2"),
        ("tuple.0", "i32 -5"),
        ("tuple.1 + 100", "u8 44"),
        ("tuple.0 as u8", "u8 251"),
        ("-1 as i64 as u32", "u32 4294967295"),
        ("*(0x1038 as *const i32)", "i32 -5"),
        ("maybe.Some.0", "i32 -5"),
        ("maybe.0", "i32 -5"),
        ("self.count", "u8 251"),
        ("numbers[3]", "i32 30"),
        ("byte + 1u8", "u8 201"),
        ("1_000i64", "i64 1000"),
        ("derived.own", "long 8"),
        ("derived.shared", "int 77"),
        ("derived.Base::shared", "int 77"),
        ("(Base*)&derived", "Base * 0x1050"),
        ("(ns::Derived<int, 4>*)(Base*)&derived", "ns::Derived<int, 4> * 0x1048"),
        ("(Base*)0", "Base * 0x0"),
        ("nullptr == 0", "bool 1"),
        ("sizeof(ns::Derived<int, 4>)", "unsigned long 12"),
        ("main", "<function> at 0x4000"),
        ("main + 1", "<function> * 0x4001"),
        ("(int)errno", "int 7"),
        ("&errno", "void * 0x1000"),
        ("ns::global", "int 0"),
        ("prog!global", "int 10"),
        ("prog!global!=3", "bool 1"),
        ("table<char>::size + 1", "int 21"),
        ("list[1]<list[2]", "bool 1"),
        ("@rax + 1", "unsigned long 4113"),
        ("@$t0->value", "int 7"),
        ("@@masm(10) + 1", "unsigned long 17"),
        ("@@c++(3)", "int 3"),
        ("#FIELD_OFFSET(Node, inner)", "unsigned long 12"),
        ("#CONTAINING_RECORD(&node.small, Node, small)", "Node * 0x1000"),
        ("#RTL_FIELD_SIZE(Node, small)", "unsigned long 2"),
        ("#RTL_SIZEOF_THROUGH_FIELD(Node, small)", "unsigned long 6"),
        ("#RTL_CONTAINS_FIELD(pointer, 6, small)", "bool 1"),
        ("#RTL_CONTAINS_FIELD(pointer, 5, small)", "bool 0"),
        ("#RTL_NUMBER_OF(list)", "unsigned long 4"),
        ("here", "int 5"),
        ("*\"abc\"", "char 97"),
        ("\"abc\"[2]", "char 99"),
        ("sizeof(\"abc\")", "unsigned long 4"),
    ] {
        assert_eq!(Fake::new().show(text), expected, "{text}");
    }
}

#[test]
fn assignments_change_places_and_show_what_is_there_then() {
    for (text, expected) in [
        ("node.value = 5", "int 5"),
        ("node.value = 5.9", "int 5"),
        ("node.small = 70000", "short 4464"),
        ("node.low = 9, node.low", "unsigned int 1"),
        ("node.low = 0, node.high", "unsigned int 21"),
        ("node.high += 1", "unsigned int 22"),
        ("pointer->value *= 3", "int 21"),
        ("++list[1]", "int 11"),
        ("list[1]++, list[1]", "int 11"),
        ("list[1]--", "int 10"),
        ("pointer++, pointer", "Node * 0x1010"),
        ("real = 1, real", "double 1"),
        ("real /= 2", "double 1.25"),
        ("color = RED", "Color 0"),
        ("here = 6, here", "int 6"),
        ("list[0] = list[1] = 8, list[0]", "int 8"),
        ("*pointer = node, pointer->value", "int 7"),
        ("1 ? list[1] : list[2], list[1] = 4", "int 4"),
    ] {
        assert_eq!(Fake::new().show(text), expected, "{text}");
    }
}

#[test]
fn nothing_changes_where_only_a_type_is_asked_for() {
    for (text, expected) in [
        ("sizeof(list[1]++), list[1]", "int 10"),
        ("sizeof(++node.small), node.small", "short -3"),
        ("sizeof(node.value = 5), node.value", "int 7"),
        ("sizeof(real *= 2), real", "double 2.5"),
        ("sizeof(*pointer++)", "unsigned long 16"),
        ("sizeof(*pointer++), pointer", "Node * 0x1000"),
        ("sizeof(*pointer = node, 1)", "unsigned long 4"),
        ("#RTL_NUMBER_OF((list[1]++, list)), list[1]", "int 10"),
        ("1 ? list[1] : list[2]++, list[2]", "int 20"),
        ("list[sizeof(list[1]++) ? 1 : 0] = 6, list[1]", "int 6"),
    ] {
        assert_eq!(Fake::new().show(text), expected, "{text}");
    }
}

#[test]
fn errors_say_what_and_where() {
    for (text, position, expected) in [
        ("1 +", 3, "Numeric expression missing from ''"),
        ("1 / 0", 2, "Divide by zero error at '/ 0'"),
        ("nobody", 0, "Couldn't resolve error at 'nobody'"),
        ("(Nobody*)1", 1, "Couldn't resolve error at 'Nobody*)1'"),
        ("node.nothing", 4, "Node has no field 'nothing', at '.nothing'"),
        ("node->value", 4, "This is no pointer, or an empty one, at '->value'"),
        (
            "main(1)",
            4,
            "The evaluator reads and writes, it does not call functions, at '(1)'",
        ),
        (
            "new int",
            0,
            "The evaluator has no new, delete and throw: it runs no code, at 'new int'",
        ),
        (
            "@rax = 1",
            0,
            "Registers are set with r, typed ones with r?, at '@rax = 1'",
        ),
        ("1 = 2", 2, "A computed value cannot be assigned to, at '= 2'"),
        ("&node.low", 0, "A bit-field has no address, at '&node.low'"),
        ("&here", 0, "This is in a register and has no address, at '&here'"),
        (
            "node + 1",
            0,
            "A structure is no number; name one of its fields, at 'node + 1'",
        ),
        ("gone", 0, "Memory access error at 00000000`dead0000"),
        ("looping", 0, "The type leads in circles, at 'looping'"),
        (
            "*(void*)1",
            0,
            "A void pointer does not say what it points to; cast it first, at '*(void*)1'",
        ),
        ("1.5 & 1", 4, "Floating point has no bits to compute with, at '& 1'"),
        (
            "#MACRO(1)",
            0,
            "There is no such macro; #CONTAINING_RECORD and #FIELD_OFFSET are, at '#MACRO(1)'",
        ),
        ("'abc", 0, "Syntax error at ''abc'"),
        ("1 2", 2, "Syntax error at '2'"),
        ("0b1", 1, "Syntax error"),
        (
            "340282366920938463463374607431768211456",
            0,
            "Numeric expression overflow",
        ),
        (
            "errno + 1",
            0,
            "Nothing is known of this one's type; cast it, as in (int)x, or take its address",
        ),
    ] {
        let error = Fake::new().evaluate(text).expect_err(text);
        assert!(error.to_string().starts_with(expected), "{text}: {error}");
        if !expected.starts_with("Syntax error") || text == "1 2" {
            assert_eq!(error.position, position, "{text}: {error}");
        }
    }
}

#[test]
fn what_is_nested_without_end_is_refused() {
    for text in [
        "(".repeat(5000),
        "-".repeat(5000) + "1",
        "1+".repeat(5000) + "1",
        "*(int*)".repeat(5000) + "1",
        "node".to_owned() + &".value".repeat(5000),
        "a<".repeat(5000),
        "sizeof ".repeat(5000) + "1",
        "(".repeat(40) + "1" + &")".repeat(40) + &"?1:1".repeat(4000),
        "1".to_owned() + &" as u8".repeat(5000),
        "1 ".repeat(50_000),
    ] {
        Fake::new().evaluate(&text).expect_err("too much");
    }
    // What is within the bounds is within the stack.
    assert_eq!(Fake::new().show(&("1+".repeat(150) + "1")), "int 151");
    assert_eq!(Fake::new().show(&("(".repeat(50) + "1" + &")".repeat(50))), "int 1");
}

#[test]
fn a_prefix_ends_where_no_operator_follows() {
    for (text, rest) in [
        ("pointer + 1 L8", " L8"),
        ("(real) L8", " L8"),
        ("1, 2", ", 2"),
        ("list[1])", ")"),
    ] {
        let (_, end) = parse_prefix(text, &mut Fake::new()).unwrap();
        assert_eq!(&text[end..], rest, "{text}");
    }
}
