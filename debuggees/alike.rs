//! alike-rust
//! Shows: Rust values that are easily taken for others: calls `stop_here(N)` with N = 1, 2 where texts with quotes in them, and
//! optional values within others are in scope.
//! Prints: `ready PID`, and exits with 0.

#![allow(unused_variables, clippy::all)]

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::hint::black_box;

#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn stop_here(number: i32) {
    black_box(number);
}

struct Named {
    text: String,
    number: i32,
}

#[inline(never)]
fn of_texts() {
    let text = String::from("h\u{e9}\"llo\n");
    let slashed = String::from("a\\n");
    let to_text = &text;
    let to_slashed = &slashed;
    let named = Named {
        text: String::from("x\", number: 9"),
        number: 2,
    };
    let tuple = ("1\"2", 3);
    let some = Some(String::from("4\"5"));
    let mut map: HashMap<String, i32, BuildHasherDefault<DefaultHasher>> = HashMap::default();
    map.insert(String::from("q\"q"), 3);
    map.insert(String::from("a\\n"), 1);
    map.insert(String::from("a\n"), 2);
    stop_here(1);
    black_box((
        &text,
        &slashed,
        &to_text,
        &to_slashed,
        &named.number,
        &named.text,
        &tuple,
        &some,
        &map,
    ));
}

#[inline(never)]
fn of_optionals() {
    let empty: Option<Option<i32>> = None;
    let holds_empty: Option<Option<i32>> = Some(None);
    let holds_three: Option<Option<i32>> = Some(Some(3));
    let of_boxes: Option<Option<Box<i32>>> = Some(None);
    let no_box: Option<Option<Box<i32>>> = None;
    let of_texts: Option<Option<String>> = Some(None);
    let several = vec![empty, holds_empty, holds_three];
    let units: Option<()> = Some(());
    let no_unit: Option<()> = None;
    stop_here(2);
    black_box((
        &empty,
        &holds_empty,
        &holds_three,
        &of_boxes,
        &no_box,
        &of_texts,
        &several,
        &units,
        &no_unit,
    ));
}

fn main() {
    println!("ready {}", std::process::id());
    of_texts();
    of_optionals();
}
