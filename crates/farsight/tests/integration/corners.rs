//! What compilers say seldom, and nobody may be shown wrong.

use crate::support::shown;

#[test]
fn numbers_in_the_other_byte_order_are_what_the_program_takes_them_for() {
    shown(
        "corners",
        1,
        &[
            (
                "?? header",
                &[
                    "length",
                    "0x1234",
                    "offset",
                    "0n-5",
                    "weight",
                    "1.5",
                    "place",
                    "0n1099511627776",
                ],
            ),
            ("dx header.parts", &["7", "8"]),
            // Nothing is computed with them, and nothing is written in the wrong order.
            ("?? header.offset + 1", &["byte order"]),
            ("?? header.offset = 77", &["byte order"]),
            ("?? (long)header.offset", &["byte order"]),
            ("?? sizeof(header.offset)", &["4"]),
            ("?? header.offset", &["0n-5"]),
            ("dx header.kind", &["byte order"]),
        ],
    );
}

#[test]
fn parameters_are_known_through_all_callers() {
    shown(
        "corners",
        1,
        &[
            (".frame 1; dv", &["left = 0n0"]),
            (".frame 3; dv", &["left = 0n2"]),
            (".frame d; dv", &["left = 0n12"]),
        ],
    );
}

#[test]
fn a_register_that_calls_may_change_is_no_variable_of_an_outer_frame() {
    shown(
        "corners",
        2,
        &[
            (".frame 1; dv", &["high = 0n3"]),
            (".frame 2; dv", &["whole = ", "not saved by the called function"]),
        ],
    );
}
