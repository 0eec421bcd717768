//! Expressions, their values and their errors.

use std::collections::HashMap;

use farsight_types::Address;

use super::*;
use crate::expression::{ExprErrorKind, ScopeError};

/// A small debuggee: memory where each quadword holds its own address plus one.
#[derive(Default)]
struct Fake {
    /// Symbols that are asked for but not here yet.
    not_yet: bool,
    symbols: HashMap<&'static str, u64>,
}

impl Fake {
    fn new() -> Fake {
        let symbols = [
            ("main", 0x40_1000),
            ("prog!main", 0x40_1000),
            ("a::b", 0x40_2000),
            ("std::vector<int>::push_back", 0x40_3000),
            ("Foo::operator==", 0x40_4000),
            ("fun(int) const", 0x40_a000),
            ("main.cold", 0x40_5000),
            ("puts@plt", 0x40_6000),
            ("<T as X>::y", 0x40_7000),
            ("rbx", 0x40_8000),
            ("add", 0x40_9000),
        ];
        Fake {
            not_yet: false,
            symbols: symbols.into(),
        }
    }
}

impl Scope for Fake {
    fn symbol(&mut self, name: &str) -> Result<Option<u64>, ScopeError> {
        match name {
            "later" if self.not_yet => Err(ScopeError::NotYet),
            "twice" => Err(ScopeError::Ambiguous {
                candidates: vec![String::from("x!twice"), String::from("y!twice")],
            }),
            _ => Ok(self.symbols.get(name).copied()),
        }
    }

    fn register(&mut self, name: &str) -> Result<Option<u64>, ScopeError> {
        Ok(match name {
            "rax" => Some(0xffff_ffff_8000_1234),
            "rbx" => Some(2),
            "rip" => Some(0x40_1004),
            "rsp" => Some(0x7ffc_0000),
            "efl" => Some(0x246),
            _ => None,
        })
    }

    fn pseudo(&mut self, name: &str) -> Result<Option<u64>, ScopeError> {
        Ok(match name {
            "ip" => Some(0x40_1004),
            "t0" => Some(7),
            "ra" => return Err(ScopeError::NotYet),
            _ => None,
        })
    }

    fn read(&mut self, address: Address, size: u8) -> Result<u64, ScopeError> {
        match address.0 {
            0..0x1000 => Err(ScopeError::Unreadable { at: address }),
            at => Ok(at.wrapping_add(1) & (u64::MAX >> (64 - 8 * u32::from(size)))),
        }
    }

    fn module_entry(&mut self, base: Address) -> Result<Option<u64>, ScopeError> {
        Ok((base.0 == 0x40_0000).then_some(0x40_0100))
    }
}

fn value(text: &str) -> Result<u64, String> {
    Evaluator::default()
        .evaluate(text, &mut Fake::new())
        .map_err(|error| error.to_string())
}

fn all_are(cases: &[(&str, u64)]) {
    for (text, expected) in cases {
        assert_eq!(value(text), Ok(*expected), "{text}");
    }
}

#[test]
fn numbers_names_and_registers_resolve_in_the_documented_order() {
    all_are(&[
        ("409", 0x409),
        ("0n1033", 0x409),
        ("7fff`00000001", 0x7fff_0000_0001),
        ("main", 0x40_1000),
        ("prog!main+0x10", 0x40_1010),
        ("a::b", 0x40_2000),
        ("main.cold", 0x40_5000),
        ("puts@plt", 0x40_6000),
        // A hexadecimal number comes before a symbol, a symbol before a register; signs force.
        ("add", 0xadd),
        ("!add", 0x40_9000),
        ("rbx", 0x40_8000),
        ("@rbx", 2),
        ("rip", 0x40_1004),
        ("RIP", 0x40_1004),
        ("@eax", 0x8000_1234),
        ("@ah", 0x12),
        ("@al", 0x34),
        ("@zf", 1),
        ("@cf", 0),
        (".", 0x40_1004),
        (". + 2", 0x40_1006),
        ("$ip", 0x40_1004),
        ("@$ip", 0x40_1004),
        ("@$T0", 7),
        ("$t0*2", 14),
        ("@!\"<T as X>::y\"+1", 0x40_7001),
        ("std::vector<int>::push_back+1", 0x40_3001),
        ("Foo::operator==", 0x40_4000),
        ("fun(int) const + 1", 0x40_a001),
        // What is no name in its longer form is compared.
        ("main<0n5", 0),
    ]);
    let decimal = Evaluator::new(Radix::Decimal);
    assert_eq!(decimal.evaluate("10+0x10", &mut Fake::new()), Ok(26));
    assert_eq!(decimal.evaluate("!add", &mut Fake::new()), Ok(0x40_9000));
    assert_eq!(decimal.evaluate("add", &mut Fake::new()), Ok(0x40_9000));
}

#[test]
fn operators_bind_as_documented() {
    all_are(&[
        ("1+2*3", 7),
        ("(1+2)*3", 9),
        ("10 - 4 - 2", 10),
        ("1 << 4 + 1", 0x20),
        ("8000000000000000 >>> 3f", u64::MAX),
        ("8000000000000000 >> 3f", 1),
        ("1 << 40", 0),
        ("-1 >>> 100", u64::MAX),
        ("1 + 1 == 2 and 3", 1),
        ("1 or 2 xor 2", 1),
        ("6 and 3 or 8", 0xa),
        ("f xor 3 & 1", 0xe),
        ("7 mod 3 + 1", 2),
        ("7 % 4", 3),
        ("5 > 4 = 1", 1),
        ("1 != 1", 0),
        ("0-1", u64::MAX),
        ("--2", 2),
        ("-1/2", 0x7fff_ffff_ffff_ffff),
        ("ffffffffffffffff*2", u64::MAX - 1),
        ("not 0 + not 5", 1),
        ("hi 12345678", 0x1234),
        ("low 12345678", 0x5678),
    ]);
}

#[test]
fn memory_is_read_by_size() {
    all_are(&[
        ("poi 2000", 0x2001),
        ("poi(2000+8)", 0x2009),
        ("by 20ff", 0),
        ("wo 2fffe", 0xffff),
        ("dwo(1`00002000)", 0x2001),
        ("qwo 2000+1", 0x2002),
        ("poi poi 2000", 0x2002),
        ("POI(@rsp)", 0x7ffc_0001),
    ]);
    assert_eq!(
        value("poi 10"),
        Err(String::from("Memory access error at 00000000`00000010 at 'poi 10'"))
    );
}

#[test]
fn functions_take_strings_and_expressions() {
    all_are(&[
        ("$scmp(\"a\", \"a\")", 0),
        ("$scmp(\"a\",\"b\")", u64::MAX),
        ("$sicmp(\"ABC\",\"abc\")", 0),
        ("$spat(\"libc.so.6\",\"LIBC*\")", 1),
        ("$spat(\"x\",\"y?\") + 1", 1),
        ("$iment(400000)", 0x40_0100),
        ("$vvalid(2000, 10)", 1),
        ("$vvalid(0, 10)", 0),
        ("$vvalid(ffffffffffffffff, 2)", 0),
        ("@@masm(1+2)*2", 6),
    ]);
}

#[test]
fn errors_name_the_place() {
    for (text, expected, position) in [
        ("", "Numeric expression missing from ''", 0),
        ("1 +", "Numeric expression missing from ''", 3),
        ("xyz+1", "Couldn't resolve error at 'xyz+1'", 0),
        ("1 + xyz", "Couldn't resolve error at 'xyz'", 4),
        ("1 1", "Syntax error at '1'", 2),
        ("(1", "Syntax error at ''", 2),
        (")", "Syntax error at ')'", 0),
        ("1/0", "Divide by zero error at '/0'", 1),
        ("5 mod 0", "Divide by zero error at 'mod 0'", 2),
        (
            "10000000000000000",
            "Numeric expression overflow error at '10000000000000000'",
            0,
        ),
        ("@nope", "Couldn't resolve error at '@nope'", 0),
        (
            "@$peb",
            "$peb does not exist on this kind of target; !peb shows what a process was started with at '@$peb'",
            0,
        ),
        ("$previp", "$previp has no value now at '$previp'", 0),
        ("$nope", "Couldn't resolve error at '$nope'", 0),
        (
            "twice",
            "Ambiguous symbol error at 'twice'; there are x!twice, y!twice",
            0,
        ),
        (
            "@@c++(1)",
            "The C++ evaluator is not supported in this build, at '1'",
            6,
        ),
        ("`a.c:1`", "there are no source lines here (a.c:1) at '`a.c:1`'", 0),
        ("$scmp(1,2)", "Syntax error at '1,2)'", 6),
        ("@!\"open", "Syntax error at '@!\"open'", 0),
    ] {
        let error = Evaluator::default().evaluate(text, &mut Fake::new()).unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), error.position),
            (expected, position),
            "{text}"
        );
    }
    let error = Evaluator::default()
        .evaluate("1 + \u{e9}x", &mut Fake::new())
        .unwrap_err();
    assert_eq!(
        error.with_caret("1 + \u{e9}x"),
        "1 + \u{e9}x\n    ^ Couldn't resolve error at '\u{e9}x'"
    );
}

#[test]
fn what_is_not_here_yet_can_be_told_from_what_is_nowhere() {
    let mut scope = Fake {
        not_yet: true,
        ..Fake::new()
    };
    let evaluator = Evaluator::default();
    assert!(
        evaluator
            .evaluate("1+later", &mut scope)
            .is_err_and(|error| error.is_not_yet())
    );
    assert!(
        evaluator
            .evaluate("$ra", &mut scope)
            .is_err_and(|error| error.is_not_yet())
    );
    assert!(
        evaluator
            .evaluate("nope", &mut scope)
            .is_err_and(|error| !error.is_not_yet())
    );
}

#[test]
fn an_expression_ends_where_arguments_go_on() {
    for (text, expected, rest) in [
        ("main 5 \"k\"", 0x40_1000, "5 \"k\""),
        ("main+4 L8", 0x40_1004, "L8"),
        ("1,2", 1, "2"),
        ("1 , 2", 1, "2"),
        ("main \"k\"", 0x40_1000, "\"k\""),
        ("1;k", 1, ";k"),
        ("main(int) 5", 0x40_1000, "(int) 5"),
        ("2)x", 2, ")x"),
        ("1 ornot", 1, "ornot"),
    ] {
        let found = Evaluator::default().evaluate_prefix(text, &mut Fake::new());
        assert_eq!(found, Ok((expected, rest)), "{text}");
    }
}

#[test]
fn nesting_is_bounded() {
    let deep = |open: &str, count: usize| Evaluator::default().evaluate(&open.repeat(count), &mut Fake::new());
    for open in ["(", "-", "poi ", "not(", "@@masm(", "1+(", "$vvalid("] {
        let error = deep(open, 100_000).unwrap_err();
        assert!(matches!(error.kind, ExprErrorKind::TooDeep { .. }), "{open}: {error:?}");
    }
    assert_eq!(value(&format!("{}5{}", "(".repeat(40), ")".repeat(40))), Ok(5));
    // Length alone is no depth.
    assert_eq!(value(&format!("0{}", "+1".repeat(10_000))), Ok(10_000));
}

#[test]
fn no_text_makes_it_panic() {
    const PIECES: [&str; 40] = [
        "main",
        "prog!main",
        "@",
        "@@",
        "@@c++(",
        "$",
        "$!x",
        "$t0",
        "!",
        "\"",
        "`",
        "(",
        ")",
        "+",
        "-",
        "*",
        "/",
        "0n",
        "0x",
        "ffffffffffffffff",
        "poi",
        "not ",
        "hi ",
        " ",
        ",",
        "L",
        "L?",
        "L-",
        "::",
        "~",
        "<",
        ">",
        ">>>",
        "operator",
        "{",
        "}",
        "\u{e9}",
        "\u{1f600}",
        ".",
        ";",
    ];
    let mut seed = 0x5eed_u64;
    let mut next = |most: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % most
    };
    let evaluator = Evaluator::default();
    for _ in 0..60_000 {
        let mut text: String = (0..next(9)).map(|_| PIECES[next(PIECES.len())]).collect();
        if next(4) == 0 && !text.is_empty() {
            let characters: Vec<char> = text.chars().collect();
            let cut = next(characters.len());
            text = characters[cut..].iter().chain(&characters[..cut]).collect();
        }
        if let Err(error) = evaluator.evaluate(&text, &mut Fake::new()) {
            assert!(text.is_char_boundary(error.position), "{text}: {error:?}");
            assert!(!error.with_caret(&text).is_empty());
        }
        if let Ok((_, rest)) = evaluator.evaluate_prefix(&text, &mut Fake::new()) {
            assert!(text.ends_with(rest));
        }
        match evaluator.range_prefix(&text, &mut Fake::new()) {
            Ok((range, rest)) => {
                assert!(text.ends_with(rest));
                if let Ok(bytes) = range.to_bytes(8, 16, Address(u64::MAX - 3)) {
                    assert!(bytes.length > 0);
                }
            }
            Err(error) => assert!(text.is_char_boundary(error.position), "{text}: {error:?}"),
        }
        let _ = crate::expression::take_string(&text);
    }
}

#[test]
fn without_types_a_flag_says_what_success_is() {
    all_are(&[
        ("$fnsucc(main, 5, 0)", 1),
        ("$fnsucc(main, 0, 0)", 0),
        ("$fnsucc(main, 0, 1)", 1),
        ("$fnsucc(main, 5, 1)", 0),
    ]);
    assert!(value("$fnsucc(main, 5)").is_err());
}
