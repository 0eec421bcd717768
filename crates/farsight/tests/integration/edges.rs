//! Values at the edges of what formatters and formats know: nothing that is there is denied, and nothing is shown that is not.

use crate::support::shown;

#[test]
fn entries_are_found_by_their_keys_wherever_they_are() {
    shown(
        "edges",
        1,
        &[
            ("?? signs[5]", &["int 0n15"]),
            ("?? signs[-1000]", &["int 0n-3000"]),
            ("?? signs[1000]", &["There is no element with the key 1000"]),
            ("?? hashed[5]", &["int 0n15"]),
            ("?? hashed[999]", &["int 0n2997"]),
            ("?? hashed[1000]", &["There is no element with the key 1000"]),
            ("?? sparse[14997]", &["int 0n4999"]),
            ("?? sparse[1]", &["There is no element with the key 1"]),
            (
                "?? named[\"a name that is longer than fits in place 99\"]",
                &["int 0n99"],
            ),
            ("?? named[\"a name\"]", &["There is no element with the key \"a name\""]),
            // The bytes of a pair are no number.
            ("?? pairs[1]", &["Its keys are of another kind"]),
            ("?? list[499]", &["int 0n998"]),
            ("?? list[500]", &["There is no element 500, there are 500"]),
        ],
    );
    shown(
        "edges-rust",
        1,
        &[
            ("?? hashed[1]", &["2"]),
            ("?? hashed[999]", &["1998"]),
            ("?? hashed[2]", &["There is no element with the key 2"]),
            ("?? tree[13993]", &["1999"]),
        ],
    );
}

#[test]
fn elements_that_are_aligned_to_more_than_pointers_are_where_they_are() {
    shown(
        "edges",
        2,
        &[
            ("dx hashed", &["{ size=1 }", "[1]", "1.5"]),
            ("dx values", &["{ size=1 }", "5.25"]),
            ("dx single", &["1.5", "2.5"]),
            (
                "dx -r2 list",
                &["{ size=2 }", "number           : 1 ", "number           : 2 "],
            ),
            ("dx -r2 map", &["[1]", "number           : 7 "]),
            ("dx -r2 set", &["number           : 3 "]),
            ("dx -r2 packed", &["'p'", "3.5"]),
            ("?? in_list->number", &["int 0n1"]),
            ("?? in_map->second.number", &["int 0n7"]),
            ("?? in_hashed->second", &["1.5"]),
            ("?? *in_single", &["1.5"]),
        ],
    );
}

#[test]
fn iterators_lead_to_what_they_stand_at() {
    shown(
        "edges",
        3,
        &[
            ("?? *in_vector", &["int 0n4"]),
            ("?? in_vector[2]", &["int 0n6"]),
            ("?? in_map->second", &["int 0n2"]),
            ("?? (*in_map).first", &["\"b\""]),
            ("?? *in_list", &["\"second\""]),
            ("dx in_list", &["\"second\""]),
            ("dx end_of_map", &[": end "]),
            ("dx end_of_empty", &[": end "]),
        ],
    );
}

#[test]
fn weak_pointers_count_what_their_owners_count() {
    shown(
        "edges-rust",
        2,
        &[
            ("dx owner", &["5 [strong=2, weak=1]"]),
            ("dx weak", &["(weak) [strong=2, weak=1]"]),
            ("dx shared", &["6 [strong=1, weak=1]"]),
            ("dx weak_shared", &["(weak) [strong=1, weak=1]"]),
            ("dx gone", &["(dropped) [strong=0, weak=1]"]),
            ("dx dropped", &["(dropped) [strong=0, weak=1]"]),
            ("dx nothing", &["(dangling)"]),
            ("dx no_atomic", &["(dangling)"]),
        ],
    );
}

#[test]
fn variables_in_blocks_are_shown_however_deep_the_blocks() {
    // In Rust each `let` is a block in the one before it.
    shown(
        "edges-rust",
        4,
        &[
            ("dv v*", &["v0 = 0n1", "v64 = 0n65", "v89 = 0n90"]),
            ("?? v89", &["i32 0n90"]),
            ("dv last", &["last = 0n273"]),
        ],
    );
    shown("edges-rust", 3, &[("dv", &["number = 0n91", "tripled = 0n273"])]);
}

#[test]
fn what_others_left_on_the_stack_is_no_value_of_a_local() {
    const EARLY: &str = "<not stored yet: the function has only begun, step to its next line>";
    shown(
        "edges",
        4,
        &[
            ("bp edges!Counted::total; g", &["edges!Counted::total"]),
            ("dv sum", &["sum = ", EARLY]),
            ("dv twice", &["twice = ", EARLY]),
            ("dv count", &["count = ", EARLY]),
            ("?? sum", &["only begun"]),
            ("bp stop_here; g; .frame 1", &["total"]),
            ("dv", &["count = 0n3", "sum = 7.0", "twice = 0n2"]),
        ],
    );
}

#[test]
fn elements_behind_others_are_counted_in_decimal() {
    shown("edges", 4, &[("dx -c 3990 extremes", &["[3990]", "[3999]"])]);
    shown(
        "edges",
        1,
        &[
            ("dx -c 490 list", &["[490]", "980", "[499]", "998"]),
            ("dx -c 1990 signs", &["[990]", "2970", "[999]"]),
        ],
    );
}

#[test]
fn bytes_and_numbers_are_shown_as_what_they_are() {
    shown(
        "edges",
        4,
        &[
            (
                "dv bytes",
                &["bytes = ", "{00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f ...}"],
            ),
            ("dv words", &["\"words\""]),
            ("?? high", &["unsigned char [4] {80 ff 61 00}"]),
            ("?? raw", &["?? raw\nchar [8] \"abc\"\n"]),
            ("dx words,x", &["[0]", ": 0x77", "[7]", ": 0x0"]),
            ("dx -n words", &["[0]", "'w'"]),
            ("dx raw,d", &["[0]", ": 97"]),
            ("dx small,x", &[": 0xfed4 "]),
            ("dx narrow,x", &[": 0xfe "]),
            ("?? all", &["All (0n18446744073709551615)"]),
            ("?? odd", &["0n18364758544493064720"]),
            ("dx odd,d", &[": 18364758544493064720"]),
            ("?? tenth", &["long double 0.1\n"]),
            ("?? near_one", &["long double 1.0000000000000000001\n"]),
            ("dx extremes", &["[0]", "4e-4951", "[99]"]),
            ("dt Wide 0", &["number", "<memory access error at 00000000`00000000>"]),
        ],
    );
    shown(
        "edges",
        6,
        &[
            ("dv bottom", &["{shared=10, left=11, right=12, bottom=13}"]),
            ("dx bottoms", &["[0]", "{shared=10, left=11, right=12, bottom=13}"]),
        ],
    );
    shown(
        "edges-c",
        1,
        &[
            ("?? wide", &["\"wide\""]),
            ("?? to_wide", &["\"wide\""]),
            ("?? sixteen", &["\"sixteen\""]),
            ("?? to_sixteen", &["\"sixteen\""]),
            ("?? thirty_two", &["\"thirty-two\""]),
        ],
    );
}

#[test]
fn containers_whose_types_are_left_out_in_part_are_shown_as_well() {
    // Clang has no more than the names of what a library has the code of.
    const PROGRAM: &str = "cxxvalues-clang_o0";
    shown(
        PROGRAM,
        17,
        &[
            ("dx ages", &["{ size=3 }", "[\"ann\"]", "30", "[\"cyd\"]", "52"]),
            ("dx names", &["{ size=3 }", "\"one\""]),
            ("?? found->second", &["int 0n41"]),
            ("?? ages[\"cyd\"]", &["int 0n52"]),
        ],
    );
    shown(PROGRAM, 16, &[("dx list", &["{ size=3 }", "10", "20", "30"])]);
}
