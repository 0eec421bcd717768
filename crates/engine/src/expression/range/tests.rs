//! Ranges as commands take them.

use super::*;
use crate::expression::ScopeError;

struct Fake;

impl Scope for Fake {
    fn symbol(&mut self, name: &str) -> Result<Option<u64>, ScopeError> {
        Ok(match name {
            "main" => Some(0x1000),
            "list" | "Load" => Some(0x2000),
            _ => None,
        })
    }

    fn register(&mut self, name: &str) -> Result<Option<u64>, ScopeError> {
        Ok((name == "rsp").then_some(0x8000))
    }

    fn pseudo(&mut self, _name: &str) -> Result<Option<u64>, ScopeError> {
        Ok(None)
    }

    fn read(&mut self, address: Address, _size: u8) -> Result<u64, ScopeError> {
        Err(ScopeError::Unreadable { at: address })
    }

    fn module_entry(&mut self, _base: Address) -> Result<Option<u64>, ScopeError> {
        Ok(None)
    }
}

fn read(text: &str) -> Result<(Option<u64>, Extent, bool, String), String> {
    let (range, rest) = Evaluator::default()
        .range_prefix(text, &mut Fake)
        .map_err(|error| error.to_string())?;
    Ok((
        range.start.map(|start| start.0),
        range.extent,
        range.unlimited,
        rest.to_owned(),
    ))
}

#[test]
fn every_form_of_the_specification_is_read() {
    for (text, start, extent, unlimited, rest) in [
        ("", None, Extent::Default, false, ""),
        ("main", Some(0x1000), Extent::Default, false, ""),
        ("  main  ", Some(0x1000), Extent::Default, false, ""),
        ("%main", Some(0x1000), Extent::Default, false, ""),
        ("main L20", Some(0x1000), Extent::Count(0x20), false, ""),
        ("main l20", Some(0x1000), Extent::Count(0x20), false, ""),
        ("main L 0n20", Some(0x1000), Extent::Count(20), false, ""),
        ("main LFF", Some(0x1000), Extent::Count(0xff), false, ""),
        ("main L(2*3)", Some(0x1000), Extent::Count(6), false, ""),
        ("@rsp L-4", Some(0x8000), Extent::Back(4), false, ""),
        ("main L?10000000", Some(0x1000), Extent::Count(0x1000_0000), true, ""),
        ("L8", None, Extent::Count(8), false, ""),
        ("main main+f", Some(0x1000), Extent::Until(Address(0x100f)), false, ""),
        ("main,100f", Some(0x1000), Extent::Until(Address(0x100f)), false, ""),
        // Names that begin with an l are names.
        ("list", Some(0x2000), Extent::Default, false, ""),
        ("main list", Some(0x1000), Extent::Until(Address(0x2000)), false, ""),
        ("Load L4", Some(0x2000), Extent::Count(4), false, ""),
        ("0 L100 41 42", Some(0), Extent::Count(0x100), false, "41 42"),
        (
            "0 100 \"text\"",
            Some(0),
            Extent::Until(Address(0x100)),
            false,
            "\"text\"",
        ),
        ("main \"text\"", Some(0x1000), Extent::Default, false, "\"text\""),
    ] {
        assert_eq!(read(text), Ok((start, extent, unlimited, rest.to_owned())), "{text}");
    }
}

#[test]
fn errors_are_placed_in_the_whole_text() {
    let error = Evaluator::default().range("main + nope", &mut Fake).unwrap_err();
    assert_eq!(
        (error.position, error.to_string()),
        (7, String::from("Couldn't resolve error at 'nope'"))
    );
    let error = Evaluator::default().range("main Lnope", &mut Fake).unwrap_err();
    assert_eq!(error.position, 5);
    let error = Evaluator::default().range("main L4 5", &mut Fake).unwrap_err();
    assert_eq!(
        (error.position, error.to_string()),
        (8, String::from("Syntax error at '5'"))
    );
    let error = Evaluator::default().range("main L?-nope", &mut Fake).unwrap_err();
    assert_eq!(error.position, 8);
}

#[test]
fn ranges_become_bytes() {
    let bytes = |text: &str, size| {
        let range = Evaluator::default().range(text, &mut Fake).unwrap();
        let bytes = range.to_bytes(size, 16, Address(0x500));
        bytes
            .map(|range| (range.start.0, range.length))
            .map_err(|error| error.to_string())
    };
    assert_eq!(bytes("", 4), Ok((0x500, 64)));
    assert_eq!(bytes("L2", 4), Ok((0x500, 8)));
    assert_eq!(bytes("main 100f", 4), Ok((0x1000, 16)));
    assert_eq!(bytes("main 1010", 4), Ok((0x1000, 20)));
    assert_eq!(bytes("main L-2", 8), Ok((0xff0, 16)));
    assert_eq!(bytes("8 L-2", 8), Ok((0, 8)));
    assert_eq!(bytes("ffffffffffffffff L10", 1), Ok((u64::MAX, 1)));
    assert_eq!(bytes("0 L?ffffffffffffffff", 1), Ok((0, u64::MAX)));
    assert_eq!(
        bytes("main 0", 1),
        Err(String::from("Range error at '0': it ends before it begins"))
    );
    assert_eq!(
        bytes("main L0", 1),
        Err(String::from("Range error at 'L0': it is empty"))
    );
    let large = Err(String::from(
        "Range error at 'L10000001': it is larger than 256 MB; L? instead of L lifts this limit",
    ));
    assert_eq!(bytes("main L10000001", 1), large);
    assert_eq!(bytes("main L?10000001", 1), Ok((0x1000, 0x1000_0001)));
    assert_eq!(
        bytes("main L?ffffffffffffffff", 8),
        Err(String::from(
            "Range error at 'L?ffffffffffffffff': it is larger than the address space"
        ))
    );
}
