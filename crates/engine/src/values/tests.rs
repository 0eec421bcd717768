//! Formatters as text: the built-in ones are sound, and what users write is taken or refused with its line.

use farsight_session::record::Text;

use super::Formatters;
use super::brief::quoted;

#[test]
fn the_built_in_formatters_have_no_faults() {
    let formatters = Formatters::default();
    for name in [
        "&str",
        "alloc::vec::Vec<*>",
        "std::path::PathBuf",
        "std::variant<*>",
        "std::vector<bool, *>",
    ] {
        assert!(formatters.patterns().any(|pattern| pattern == name), "{name}");
    }
}

#[test]
fn texts_of_users_are_taken_or_refused_with_their_line() {
    let deep = format!("type a\n  is {}b{}", "(".repeat(100), ")".repeat(100));
    let stars = format!("type a\n  is {}b", "*".repeat(100_000));
    for (text, expected) in [
        ("", Ok(0)),
        ("# nothing\n\n", Ok(0)),
        ("type point\n  summary ($(x), $(y))\n  child x ; x", Ok(1)),
        (
            "type a, b<c, d>\n  when x == 0\n    summary none\n  otherwise\n    is *x",
            Ok(1),
        ),
        ("summary x", Err("line 1: expected 'type NAME'")),
        ("type a\n  summery x", Err("line 2: 'summery' is no directive")),
        ("type a\n  is x +", Err("line 2: expected a name or a number before ''")),
        ("type a\n  is (x", Err("line 2: expected ')' before ''")),
        ("type a\n  is 0xzz", Err("line 2: '0xzz' is no number")),
        ("type a\n  is x y", Err("line 2: 'y' is not understood")),
        ("type a\n  summary $(x", Err("line 2: expected ')'")),
        (
            "type a\n  array x ; y",
            Err("line 2: expected a name or a number before ''"),
        ),
        ("type a\n  let x", Err("line 2: expected 'let NAME = EXPR'")),
        ("type a\n  is f(x)", Err("line 2: there is no function 'f'")),
        (deep.as_str(), Err("line 2: an expression that is too deep")),
        (stars.as_str(), Err("line 2: an expression that is too deep")),
    ] {
        let taken = Formatters::default().load(text);
        assert_eq!(taken, expected.map_err(String::from), "{text:.40}");
    }
}

#[test]
fn texts_in_the_line_of_others_are_told_apart() {
    for (text, cut, expected) in [
        ("a\n", false, "\"a\n\""),
        (r"a\n", false, r#""a\\n""#),
        (r#"x", n=9, q=""#, false, r#""x\", n=9, q=\"""#),
        (r"\", true, r#""\\...""#),
        ("", false, r#""""#),
    ] {
        let text = text.to_owned();
        assert_eq!(quoted(&Text { text, cut }), expected);
    }
}
