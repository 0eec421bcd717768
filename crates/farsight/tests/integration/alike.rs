//! Values that are easily taken for others: what differs in the debuggee differs in what is shown, whoever wrote it.

use crate::support::shown;

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
