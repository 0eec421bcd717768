//! Values that are easily taken for others: what differs in the debuggee differs in what is shown, whoever wrote it.

use farsight_testkit::DbgSrv;

use crate::support::{at_stop, shown};

#[test]
fn texts_in_the_line_of_others_end_where_they_end() {
    shown(
        "alike",
        1,
        &[
            ("dv slashed", &[r#"Named {text="a\\n", number=1}"#]),
            ("dv ended", &[r#"Named {text="a\n", number=1}"#]),
            ("dv forged", &[r#"Named {text="x\", number=9, more=\"", number=2}"#]),
            (
                "dx map",
                &[
                    r#"["a\n"]          : 2 "#,
                    r#"["a\\n"]         : 1 "#,
                    r#"["q"]            : 4 "#,
                    r#"["q\"q"]         : 3 "#,
                    r#"["q\\\"q"]       : 5 "#,
                ],
            ),
            (r#"?? map["a\n"]"#, &["int 0n2"]),
            (r#"?? map["a\\n"]"#, &["int 0n1"]),
            (r#"?? map["q\"q"]"#, &["int 0n3"]),
            (r#"?? map["q\\\"q"]"#, &["int 0n5"]),
            ("dx pair", &[r#"("1\"2", "3\\4")"#]),
        ],
    );
    shown(
        "alike-rust",
        1,
        &[
            ("?? text", &[r#""hé\"llo\n""#]),
            ("?? to_text", &[r#" "hé\"llo\n""#]),
            ("?? to_slashed", &[r#" "a\\n""#]),
            ("dv named", &[r#"{text="x\", number: 9", number=2}"#]),
            ("dv tuple", &[r#"("1\"2", 3)"#]),
            ("dv some", &[r#"Some("4\"5")"#]),
            (r#"?? map["q\"q"]"#, &["0n3"]),
            (r#"?? map["a\\n"]"#, &["0n1"]),
            (r#"?? map["a\n"]"#, &["0n2"]),
        ],
    );
}

#[test]
fn fields_of_virtual_bases_are_where_the_object_has_them() {
    let server = DbgSrv::start();
    let mut console = at_stop(server.connection(), "alike", 2);
    for (line, field, how_many) in [
        ("dt Both", "\n   shared           : Int8B (virtual base)\n", 1),
        ("dt Left", "\n   shared           : Int8B (virtual base)\n", 1),
        ("dt -r1 Both", " shared ", 1),
        ("dt Both", "\n   +0x018 right            : Int8B\n", 1),
        ("dt both", "\n   +0x030 shared           : 0n1\n", 1),
        ("dt both", " shared ", 1),
        ("dt both shared", "\n   +0x030 shared           : 0n1\n", 1),
        ("dt left", "\n   +0x018 shared           : 0n1\n", 1),
        // The same, by C++.
        ("?? (char *)&both.shared - (char *)&both", " 0n48\n", 1),
        ("?? (char *)&left.shared - (char *)&left", " 0n24\n", 1),
        ("dt shared", "\n   +0x008 shared           : 0n1\n", 1),
    ] {
        let text = console.run(line);
        assert_eq!(text.matches(field).count(), how_many, "{line}: {field} in {text}");
    }
    assert_eq!(console.quit("q").code, Some(0));
}

#[test]
fn what_is_optional_or_one_of_several_says_what_it_is() {
    shown(
        "alike",
        3,
        &[
            ("dx empty", &["empty           : nullopt ["]),
            (
                "dx holds_empty",
                &["holds_empty     : (nullopt) [", "value            : nullopt ["],
            ),
            ("dx holds_three", &["holds_three     : (3) [", "value            : 3 ["]),
            ("?? *holds_empty", &["std::optional<int> nullopt"]),
            ("?? **holds_three", &["int 0n3"]),
            (
                "dx several",
                &[
                    "[0]              : (nullopt) ",
                    "[1]              : nullopt ",
                    "[2]              : (3) ",
                ],
            ),
            ("dx plain", &["plain           : 5 ["]),
            ("dx holds_null", &["holds_null      : empty ["]),
            (
                "dx first",
                &["first           : 5 [index=0] ", "value            : 5 [Type: int]"],
            ),
            (
                "dx second",
                &[
                    "second          : 5 [index=1] ",
                    "value            : 5 [Type: long int]",
                ],
            ),
            ("dx twice", &["twice           : 7 [index=1] "]),
            ("dx nothing", &["nothing         : std::monostate [index=0] "]),
            ("dx inner", &["inner           : \"z\" [index=1] "]),
        ],
    );
    shown(
        "alike-rust",
        2,
        &[
            ("?? empty", &["None"]),
            ("?? holds_empty", &["Some(None)"]),
            ("?? holds_three", &["Some(Some(3))"]),
            ("?? of_boxes", &["Some(None)"]),
            ("?? of_texts", &["Some(None)"]),
            ("?? units", &["Some(())"]),
        ],
    );
}

#[test]
fn asking_for_a_size_changes_nothing_and_choices_have_one_type() {
    shown(
        "alike",
        4,
        &[
            ("?? sizeof(steps++)", &["0x4"]),
            ("?? sizeof(sum = 3)", &["0x8"]),
            ("?? sizeof(*next++)", &["0x4"]),
            ("?? sizeof(names[1].number += 9)", &["0x4"]),
            ("?? steps", &["int 0n7"]),
            ("?? sum", &["long int 0n40"]),
            ("?? *next", &["int 0n1"]),
            ("?? names[1].number", &["int 0n0"]),
            ("?? (count ? 5 : 6.5) / 2", &["double 2.5"]),
            ("?? (count ? -1 : 0u) > 0", &["bool true"]),
            ("?? count ? steps : sum++", &["long int 0n7"]),
            ("?? sum", &["long int 0n40"]),
            ("?? nowhere ? *nowhere : 1.5", &["double 1.5"]),
            ("?? steps++", &["int 0n7"]),
            ("?? steps", &["int 0n8"]),
        ],
    );
}

#[test]
fn names_of_types_keep_the_arguments_that_say_something() {
    shown(
        "alike",
        5,
        &[
            (
                "?? tuple",
                &["std::tuple<int, std::string, std::allocator<std::string>> (1, \"t\", "],
            ),
            ("?? pair", &["std::pair<std::string, std::hash<std::string>> (\"p\", "]),
            (
                "?? map",
                &["std::map<std::string, std::vector<std::string>> { size=1 }"],
            ),
            (
                "?? allocators",
                &["std::vector<std::allocator<std::string>> { size=1 }"],
            ),
        ],
    );
}

#[test]
fn small_numbers_are_no_texts() {
    shown(
        "alike",
        6,
        &[
            ("dv small", &["small = int8_t [6] {1, -2, 3, -4, 0, 5}"]),
            (
                "dx small",
                &[
                    " : {1, -2, 3, -4, 0, 5} ",
                    "[0]",
                    ": 0n1 '",
                    "[1]",
                    ": 0n-2 '",
                    "[4]",
                    ": 0n0 '",
                    "[5]",
                    ": 0n5 '",
                ],
            ),
            ("?? small", &["int8_t [6] {1, -2, 3, -4, 0, 5}", "[3]", "0n-4 ''"]),
            ("?? readable", &["int8_t [4] \"abc\""]),
            ("dx -n readable", &["[0]", "'a'", "[3]"]),
            ("?? plain", &["char [6] {78 01 ff 02 00 09}", "[0]", "'x'", "[5]"]),
            ("?? text", &["char [8] \"text\""]),
            ("?? reused", &["char [8] \"new\""]),
            ("dx reused,d", &["[4]", ": 111"]),
        ],
    );
}
