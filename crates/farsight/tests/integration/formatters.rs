//! Containers of real programs by formatters, damaged ones among them, and what their reads cost.

use farsight_testkit::{DbgSrv, Proxy, ProxyPlan};

use crate::support::{assert_in_order, at_stop, shown};

#[test]
fn cpp_sequences_show_their_elements() {
    shown(
        "cxxvalues_o0",
        16,
        &[
            ("dx numbers", &["{ size=5 }", "[0]", "1", "[4]", "5"]),
            (
                "dx bits",
                &["{ size=70 }", "[0]", "true", "[1]", "false", "[69]", "true"],
            ),
            (
                "dx words",
                &["{ size=3 }", "\"alpha\"", "\"a word that does not fit in place\""],
            ),
            ("dx -r2 rows", &["{ size=3 }", "{ size=1 }", "{ size=2 }", "{ size=0 }"]),
            ("dx list", &["{ size=3 }", "10", "20", "30"]),
            (
                "dx deque",
                &["{ size=301 }", "[0]", "-2", "[1]", "-1", "[2]", "1", "201 more"],
            ),
            ("dx array", &["0.5", "1.5", "2.5"]),
            // Damaged: no length that could be, a list in a circle, memory that is not there.
            ("?? numbers._M_impl._M_finish = (int *)8", &[]),
            ("dx numbers", &["shown as its fields: it is damaged", "_M_impl"]),
            ("?? words._M_impl._M_start = (std::string *)0", &[]),
            ("dx words", &["shown as its fields"]),
            (
                "?? list._M_impl._M_node._M_next->_M_next = list._M_impl._M_node._M_next",
                &[],
            ),
            (
                "dx list",
                &["shown as its fields: its list goes in a circle", "_M_impl"],
            ),
            (
                "?? list._M_impl._M_node._M_next = (std::__detail::_List_node_base *)16",
                &[],
            ),
            (
                "dx list",
                &["shown as its fields: memory access error at 00000000`00000010"],
            ),
        ],
    );
}

#[test]
fn cpp_maps_show_their_keys() {
    shown(
        "cxxvalues_o0",
        17,
        &[
            (
                "dx ages",
                &["{ size=3 }", "[\"ann\"]", "30", "[\"bob\"]", "41", "[\"cyd\"]", "52"],
            ),
            ("dx set", &["{ size=5 }", "1", "2", "3", "4", "5"]),
            ("dx many", &["['a']", "1.0", "['a']", "2.0", "['b']", "3.0"]),
            ("dx names", &["{ size=3 }", "[3]", "\"three\"", "[1]", "\"one\""]),
            ("?? set._M_t._M_impl._M_node_count = 50", &[]),
            (
                "dx set",
                &["shown as its fields: its tree has 5 elements and says that it has 50"],
            ),
        ],
    );
}

#[test]
fn rust_collections_show_their_elements() {
    shown(
        "rustvalues_o0",
        11,
        &[
            ("dx words", &["{ size=2 }", "\"a\"", "\"bc\""]),
            ("dx ring", &["{ size=7 }", "2", "100", "102"]),
            ("dx tree", &["{ size=3 }", "[1]", "\"one\"", "[3]", "\"three\""]),
            ("dx big", &["{ size=40 }", "[0]", "[39]"]),
            ("dx map", &["{ size=2 }", "[\"", "\"]"]),
            ("dx set", &["{ size=3 }"]),
            ("?? vector.len = 1000", &[]),
            ("dx vector", &["shown as its fields: it is damaged", "len"]),
        ],
    );
}

#[test]
fn what_implements_a_trait_is_shown_as_what_it_is() {
    shown(
        "rustvalues_o0",
        12,
        &[
            (
                "dx speaker",
                &["rustvalues::Dog [Type: &dyn rustvalues::Speak]", "name", "\"rex\""],
            ),
            ("dx boxed", &["rustvalues::Cat (9)", "Box<dyn"]),
            (
                "dx -r2 speakers",
                &["{ size=1 }", "rustvalues::Cat (2)", "Rc<dyn", "0 ", "0x2"],
            ),
            // Its fields are those of what it is.
            ("?? speaker.name", &["\"rex\""]),
            ("?? boxed.0", &["0x9"]),
            ("?? (*speaker).name", &["\"rex\""]),
            ("?? speakers[0].0", &["0x2"]),
            ("?? boxed.nothing", &["has no field 'nothing'"]),
        ],
    );
    shown(
        "rustvalues_o0",
        3,
        &[
            ("dx tuple", &["(1, -2, 'c', (2.5, true))"]),
            ("dx meters", &["(12.75)"]),
        ],
    );
    shown(
        "rustvalues_o0",
        8,
        &[
            ("dx guard", &["{ size=2 }", "[1]", "2"]),
            ("dx list", &["Cons(1, Cons(2, 0x0000"]),
        ],
    );
}

#[test]
fn members_that_are_elsewhere_and_classes_of_objects_are_found() {
    shown(
        "cxxvalues_o0",
        11,
        &[(
            "dx animal",
            &[
                "cxxvalues_o0!{vtable(zoo::Dog)}+0x10",
                "count            : 1 [Type: int]",
                "most             : 100",
            ],
        )],
    );
    shown(
        "cxxvalues_o0",
        17,
        &[("dx found", &["(\"bob\", 41)", "first", "second"])],
    );
    shown("cxxvalues_o0", 14, &[("dx erased", &["_M_invoke"])]);
}

#[test]
fn a_vector_of_strings_costs_a_round_trip_for_each_level() {
    let server = DbgSrv::start();
    let proxy = Proxy::start(server.address(), ProxyPlan::default());
    let mut console = at_stop(&proxy.connection(), "cxxvalues_o0", 16);
    console.run("dx deque");
    // Another thread of the same stop: nothing is known any more but what comes now.
    console.run("p");
    console.run(".frame 1");
    proxy.take_counts();
    let text = console.run("dx words");
    assert_in_order(&text, &["\"alpha\"", "\"a word that does not fit in place\""]);
    let counts = proxy.take_counts();
    assert!(counts.requests <= 3, "{counts:?}");
    console.quit("q");
}
