//! edges-rust
//! Shows: Rust values at the edges of what formatters know: calls `stop_here(N)` with N = 1, 2, ... where large tables, counts
//! of owners, bytes, and many variables in blocks within each other are in scope.
//! Prints: `ready PID`, and exits with 0.

#![allow(unused_variables, clippy::all)]

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;

#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn stop_here(number: i32) {
    black_box(number);
}

#[inline(never)]
fn of_tables() {
    let mut hashed: HashMap<i32, i32, BuildHasherDefault<DefaultHasher>> = HashMap::default();
    for index in 0..1000 {
        hashed.insert(index, index * 2);
    }
    for index in 0..500 {
        hashed.remove(&(index * 2));
    }
    let tree: BTreeMap<i32, i32> = (0..2000).map(|index| (index * 7, index)).collect();
    let bytes: Vec<u8> = (0..200).collect();
    let mut zeros = [0u8; 300];
    zeros[299] = 1;
    stop_here(1);
    black_box((&hashed, &tree, &bytes, &zeros));
}

#[inline(never)]
fn of_counts() {
    let owner = Rc::new(5);
    let second = Rc::clone(&owner);
    let weak = Rc::downgrade(&owner);
    let shared = Arc::new(6);
    let weak_shared = Arc::downgrade(&shared);
    let gone = Arc::downgrade(&Arc::new(7));
    let dropped = Rc::downgrade(&Rc::new(8));
    let nothing: std::rc::Weak<i32> = std::rc::Weak::new();
    let no_atomic: std::sync::Weak<i32> = std::sync::Weak::new();
    stop_here(2);
    black_box((&owner, &second, &weak, &shared, &weak_shared, &gone, &dropped, &nothing, &no_atomic));
}

#[inline(always)]
fn inlined(number: i32) -> i32 {
    let tripled = number * 3;
    black_box(&tripled);
    stop_here(3);
    tripled
}

#[inline(never)]
fn of_blocks(first: i32) {
    let v0 = black_box(first + 0);
    let v1 = black_box(first + 1);
    let v2 = black_box(first + 2);
    let v3 = black_box(first + 3);
    let v4 = black_box(first + 4);
    let v5 = black_box(first + 5);
    let v6 = black_box(first + 6);
    let v7 = black_box(first + 7);
    let v8 = black_box(first + 8);
    let v9 = black_box(first + 9);
    let v10 = black_box(first + 10);
    let v11 = black_box(first + 11);
    let v12 = black_box(first + 12);
    let v13 = black_box(first + 13);
    let v14 = black_box(first + 14);
    let v15 = black_box(first + 15);
    let v16 = black_box(first + 16);
    let v17 = black_box(first + 17);
    let v18 = black_box(first + 18);
    let v19 = black_box(first + 19);
    let v20 = black_box(first + 20);
    let v21 = black_box(first + 21);
    let v22 = black_box(first + 22);
    let v23 = black_box(first + 23);
    let v24 = black_box(first + 24);
    let v25 = black_box(first + 25);
    let v26 = black_box(first + 26);
    let v27 = black_box(first + 27);
    let v28 = black_box(first + 28);
    let v29 = black_box(first + 29);
    let v30 = black_box(first + 30);
    let v31 = black_box(first + 31);
    let v32 = black_box(first + 32);
    let v33 = black_box(first + 33);
    let v34 = black_box(first + 34);
    let v35 = black_box(first + 35);
    let v36 = black_box(first + 36);
    let v37 = black_box(first + 37);
    let v38 = black_box(first + 38);
    let v39 = black_box(first + 39);
    let v40 = black_box(first + 40);
    let v41 = black_box(first + 41);
    let v42 = black_box(first + 42);
    let v43 = black_box(first + 43);
    let v44 = black_box(first + 44);
    let v45 = black_box(first + 45);
    let v46 = black_box(first + 46);
    let v47 = black_box(first + 47);
    let v48 = black_box(first + 48);
    let v49 = black_box(first + 49);
    let v50 = black_box(first + 50);
    let v51 = black_box(first + 51);
    let v52 = black_box(first + 52);
    let v53 = black_box(first + 53);
    let v54 = black_box(first + 54);
    let v55 = black_box(first + 55);
    let v56 = black_box(first + 56);
    let v57 = black_box(first + 57);
    let v58 = black_box(first + 58);
    let v59 = black_box(first + 59);
    let v60 = black_box(first + 60);
    let v61 = black_box(first + 61);
    let v62 = black_box(first + 62);
    let v63 = black_box(first + 63);
    let v64 = black_box(first + 64);
    let v65 = black_box(first + 65);
    let v66 = black_box(first + 66);
    let v67 = black_box(first + 67);
    let v68 = black_box(first + 68);
    let v69 = black_box(first + 69);
    let v70 = black_box(first + 70);
    let v71 = black_box(first + 71);
    let v72 = black_box(first + 72);
    let v73 = black_box(first + 73);
    let v74 = black_box(first + 74);
    let v75 = black_box(first + 75);
    let v76 = black_box(first + 76);
    let v77 = black_box(first + 77);
    let v78 = black_box(first + 78);
    let v79 = black_box(first + 79);
    let v80 = black_box(first + 80);
    let v81 = black_box(first + 81);
    let v82 = black_box(first + 82);
    let v83 = black_box(first + 83);
    let v84 = black_box(first + 84);
    let v85 = black_box(first + 85);
    let v86 = black_box(first + 86);
    let v87 = black_box(first + 87);
    let v88 = black_box(first + 88);
    let v89 = black_box(first + 89);
    let last = inlined(v0 + v89);
    stop_here(4);
    black_box(last);
    black_box((&v0, &v1, &v2, &v3, &v4, &v5, &v6, &v7, &v8, &v9));
    black_box((&v10, &v11, &v12, &v13, &v14, &v15, &v16, &v17, &v18, &v19));
    black_box((&v20, &v21, &v22, &v23, &v24, &v25, &v26, &v27, &v28, &v29));
    black_box((&v30, &v31, &v32, &v33, &v34, &v35, &v36, &v37, &v38, &v39));
    black_box((&v40, &v41, &v42, &v43, &v44, &v45, &v46, &v47, &v48, &v49));
    black_box((&v50, &v51, &v52, &v53, &v54, &v55, &v56, &v57, &v58, &v59));
    black_box((&v60, &v61, &v62, &v63, &v64, &v65, &v66, &v67, &v68, &v69));
    black_box((&v70, &v71, &v72, &v73, &v74, &v75, &v76, &v77, &v78, &v79));
    black_box((&v80, &v81, &v82, &v83, &v84, &v85, &v86, &v87, &v88, &v89));
}

fn main() {
    println!("ready {}", std::process::id());
    of_tables();
    of_counts();
    of_blocks(black_box(1));
}
