//! walker [ROUNDS=0] [THREADS=2]
//!
//! Shows: optimised Rust. A recursive tree walk, closures, trait objects, generics, threads.
//! Walks ROUNDS times in each thread and prints `sum=N`; ROUNDS 0 means for ever.
//! Prints: `ready PID`, then `address ROUNDS_DONE 0xADDRESS`.

use std::hint::black_box;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

static ROUNDS_DONE: AtomicU64 = AtomicU64::new(0);

/// A binary tree whose nodes differ in how they value themselves.
struct Node {
    value: Box<dyn Valued + Send + Sync>,
    left: Option<Box<Node>>,
    right: Option<Box<Node>>,
}

trait Valued {
    fn value(&self, depth: u32) -> u64;
}

struct Constant(u64);
struct Scaled {
    by: u64,
}

impl Valued for Constant {
    #[inline(never)]
    fn value(&self, _depth: u32) -> u64 {
        black_box(self.0)
    }
}

impl Valued for Scaled {
    #[inline(never)]
    fn value(&self, depth: u32) -> u64 {
        black_box(self.by * u64::from(depth))
    }
}

impl Node {
    fn grow(depth: u32, seed: &mut u64) -> Option<Box<Node>> {
        if depth == 0 {
            return None;
        }
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let value: Box<dyn Valued + Send + Sync> =
            if *seed >> 63 == 0 { Box::new(Constant(depth.into())) } else { Box::new(Scaled { by: 3 }) };
        Some(Box::new(Node { value, left: Node::grow(depth - 1, seed), right: Node::grow(depth - 1, seed) }))
    }
}

/// Visits every node, deepest first, calling `visit` on each.
#[inline(never)]
fn walk<F: FnMut(&Node, u32)>(node: &Node, depth: u32, visit: &mut F) {
    if let Some(left) = &node.left {
        walk(left, depth + 1, visit);
    }
    if let Some(right) = &node.right {
        walk(right, depth + 1, visit);
    }
    visit(node, depth);
}

#[inline(never)]
fn apply(function: &dyn Fn(u64) -> u64, value: u64) -> u64 {
    black_box(function(black_box(value)))
}

#[inline(never)]
fn one_round(tree: &Node) -> u64 {
    let mut sum = 0_u64;
    walk(tree, 1, &mut |node: &Node, depth| {
        sum = sum.wrapping_add(apply(&|value| value + 1, node.value.value(depth)));
    });
    let mut values: Vec<u64> = (0..32).map(|i| i * 7919 % 101).collect();
    values.sort_by_key(|value| black_box(u64::MAX - *value));
    sum.wrapping_add(values[0])
}

fn run(rounds: u64, seed: u64) -> u64 {
    let mut seed = seed;
    let tree = Node::grow(7, &mut seed).expect("a tree of depth 7");
    let mut sum = 0_u64;
    let mut round = 0;
    while rounds == 0 || round < rounds {
        sum = sum.wrapping_add(one_round(&tree));
        ROUNDS_DONE.fetch_add(1, Ordering::SeqCst);
        round += 1;
    }
    sum
}

fn number(index: usize, otherwise: u64) -> u64 {
    std::env::args().nth(index).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// The lifetime limit and the permission to be traced, as every debuggee has them.
fn set_up() {
    unsafe extern "C" {
        fn alarm(seconds: u32) -> u32;
        fn prctl(option: i32, ...) -> i32;
    }
    const PR_SET_PTRACER: i32 = 0x5961_6d61;
    let seconds = std::env::var("FARSIGHT_DEBUGGEE_SECONDS").ok();
    let seconds = seconds.and_then(|text| text.parse().ok()).unwrap_or(600);
    // SAFETY: both take plain numbers and touch no memory of ours.
    unsafe {
        alarm(seconds);
        prctl(PR_SET_PTRACER, u64::MAX, 0_u64, 0_u64, 0_u64);
    }
}

fn main() {
    let (rounds, threads) = (number(1, 0), number(2, 2));
    set_up();
    print!("ready {}\naddress ROUNDS_DONE {:p}\n", std::process::id(), &raw const ROUNDS_DONE);
    std::io::stdout().flush().expect("standard output");
    let workers: Vec<_> = (0..threads).map(|i| thread::spawn(move || run(rounds, i + 1))).collect();
    let sum = workers.into_iter().fold(0_u64, |sum, worker| sum.wrapping_add(worker.join().expect("a worker's sum")));
    println!("sum={sum}");
}
