//! Names that several things have, or none has that is everywhere: what the chosen frame's function means is shown, and
//! where nothing tells, it is said so.

use crate::support::shown;

#[test]
fn enumerators_are_those_of_the_frames_scopes() {
    for (stop, cases) in [
        (
            1,
            &[
                ("?? Open", &["Door::State Open (0n0)"][..]),
                ("?? state == Open", &["false"]),
            ][..],
        ),
        (
            2,
            &[
                ("?? Open", &["Valve::State Open (0n8)"]),
                ("?? state == Open", &["true"]),
                ("?? Door::Open", &["Door::State Open (0n0)"]),
                ("?? Shut", &["(0n7)"]),
            ],
        ),
        (
            3,
            &[
                ("?? first", &["one::Kind first (0n10)"]),
                ("?? two::first", &["(0n20)"]),
            ],
        ),
        (4, &[("?? first", &["two::Kind first (0n20)"]), ("?? Dark", &["(0n5)"])]),
        (
            8,
            &[
                (
                    "?? Open",
                    &[
                        "Ambiguous symbol error",
                        "scoped!Door::Open (0n0), scoped!Valve::Open (0n8)",
                    ],
                ),
                (
                    "?? first",
                    &[
                        "Ambiguous symbol error",
                        "scoped!one::first (0n10), scoped!two::first (0n20)",
                    ],
                ),
                ("?? ::two::first", &["two::Kind first (0n20)"]),
                ("?? Loose", &["(0n3)"]),
                ("?? Lone", &["Shade Lone (0n6)"]),
                ("?? Red", &["Couldn't resolve"]),
            ],
        ),
    ] {
        shown("scoped", stop, cases);
    }
    shown("scoped-rust", 1, &[("?? On", &["one::State On (0n1)"])]);
    shown("scoped-rust", 2, &[("?? On", &["two::State On (0n11)"])]);
    shown(
        "scoped-rust",
        3,
        &[("?? On", &["Ambiguous symbol error", "State::On", "State::On"])],
    );
}

#[test]
fn enumerators_need_no_name_of_their_type() {
    shown(
        "scoped-c",
        1,
        &[
            ("?? K1", &["(0n5)"]),
            ("?? T1", &["(0n7)"]),
            ("?? W1", &["(0n9)"]),
            ("?? V1", &["(0n-3)"]),
            ("?? L1", &["(0n11)"]),
            // Of another unit.
            ("?? F2", &["enum Far F2 (0n51)"]),
            ("?? L2", &["Couldn't resolve"]),
        ],
    );
    shown("scoped-c", 2, &[("?? L1", &["(0n12)"]), ("?? L2", &["(0n13)"])]);
    shown(
        "scoped",
        7,
        &[
            ("?? Green", &["Color Green (0n31)"]),
            // G++ does not say which of a function's blocks a type is in.
            ("?? Red", &["Ambiguous symbol error", "(0n30)", "(0n40)"]),
        ],
    );
}

#[test]
fn types_are_those_of_the_frames_scopes() {
    shown("scoped", 3, &[("?? sizeof(Size)", &["0x4"])]);
    shown(
        "scoped",
        4,
        &[("?? sizeof(Size)", &["0x8"]), ("?? sizeof(one::Size)", &["0x4"])],
    );
    shown(
        "scoped",
        7,
        &[("?? sizeof(Size)", &["0x1"]), ("dt Size", &["+0x000 small "])],
    );
    let both = "scoped!one::Size (0x4 bytes, scoped.cpp:";
    shown(
        "scoped",
        8,
        &[
            (
                "?? sizeof(Size)",
                &[
                    "Ambiguous symbol error",
                    both,
                    "scoped!two::Size (0x8 bytes, scoped.cpp:",
                ],
            ),
            ("dt Size", &["Ambiguous symbol error", both]),
            ("dt two::Size", &["+0x000 wide "]),
        ],
    );
    // Another file has another one, which is farther.
    shown(
        "scoped",
        8,
        &[
            ("dt Lone", &["Lone is near::Lone", "+0x000 number "]),
            (
                "?? *(Lone*)&near::here",
                &["Lone is near::Lone", "+0x000 number ", "0n3"],
            ),
            ("?? sizeof(far::Lone)", &["0x3"]),
        ],
    );
    shown("scoped-rust", 1, &[("dt Config", &["small", "large"])]);
    shown(
        "scoped-rust",
        3,
        &[
            ("dt Config @@(&config)", &["Ambiguous symbol error", "Config (0x"]),
            ("?? (Config*)&config", &["Ambiguous symbol error", "Config (0x"]),
            ("?? ((two::Config*)&config)->name", &["\"named\""]),
        ],
    );
}

#[test]
fn a_type_that_units_define_differently_is_not_guessed_at() {
    let either = &[
        "Ambiguous symbol error",
        "scoped_c!Thing (0x4 bytes, scoped_one.c:",
        "scoped_c!Thing (0x18 bytes, scoped_two.c:",
    ][..];
    shown(
        "scoped-c",
        1,
        &[
            (
                "?? *thing",
                &["struct Thing <incomplete type: it is defined differently in several units"],
            ),
            ("dt Thing @@(thing)", either),
            ("?? *(struct Thing*)thing", either),
            ("?? sizeof(struct Thing)", either),
            // The one that differs is the last of many.
            (
                "?? *common",
                &["struct Common <incomplete type: it is defined differently in several units"],
            ),
            (
                "?? sizeof(struct Common)",
                &[
                    "Ambiguous symbol error",
                    "there are scoped_c!Common (0x4 bytes, scoped_many.c:2), scoped_c!Common (0x18 bytes, scoped_two.c:",
                ],
            ),
        ],
    );
}

#[test]
fn variables_that_are_as_near_are_not_guessed_at() {
    shown(
        "scoped",
        3,
        &[("?? twice", &["int 0n1"]), ("?? hidden", &["int 0n100"])],
    );
    shown(
        "scoped",
        4,
        &[("?? twice", &["int 0n2"]), ("?? hidden", &["int 0n200"])],
    );
    shown(
        "scoped",
        8,
        &[
            (
                "?? twice",
                &["Ambiguous symbol error", "scoped!one::twice", "scoped!two::twice"],
            ),
            (
                "?? hidden",
                &["Ambiguous symbol error", "scoped!one::hidden", "scoped!two::hidden"],
            ),
            ("?? two::twice", &["int 0n2"]),
        ],
    );
}

#[test]
fn a_declaration_in_a_block_means_what_is_defined_elsewhere() {
    shown(
        "scoped",
        5,
        &[
            ("?? global", &["int 0n2"]),
            ("dv", &["global = 0n2"]),
            ("? global", &["scoped!global"]),
            ("dd global L1", &["00000002"]),
        ],
    );
}

#[test]
fn types_and_variables_of_other_modules_are_shown_with_where_they_are_from() {
    shown(
        "scoped-c",
        1,
        &[
            ("?? late->id", &["int 0n7"]),
            ("?? *late", &["struct Late", "id ", "0n7", "\"late\""]),
            ("?? only_there", &["only_there is scoped_library!only_there", "int 0n5"]),
            (
                "?? nowhere->id",
                &["struct Nowhere has a field 'id' is not known: its type is only declared"],
            ),
        ],
    );
}
