//! panics
//!
//! Shows: calls that do not return: a Rust panic that its caller, or the caller's caller, catches.
//! Prints: `ready PID`, then `caught N`, and exits with 0. The panics say nothing.

use std::hint::black_box;
use std::io::Write as _;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicU32, Ordering};

static CAUGHT: AtomicU32 = AtomicU32::new(0);

/// Counts when it is left, however that happens.
struct Guard;

impl Drop for Guard {
    #[inline(never)]
    fn drop(&mut self) {
        CAUGHT.fetch_add(1, Ordering::SeqCst);
    }
}

#[inline(never)]
#[unsafe(no_mangle)]
extern "Rust" fn panicker(depth: u32) -> u32 {
    if black_box(depth) == 0 {
        panic!("at the bottom");
    }
    panicker(depth - 1) + 1
}

#[inline(never)]
#[unsafe(no_mangle)]
extern "Rust" fn catches_here() {
    if catch_unwind(|| panicker(2)).is_err() {
        CAUGHT.fetch_add(10, Ordering::SeqCst);
    }
}

#[inline(never)]
#[unsafe(no_mangle)]
extern "Rust" fn passes_on() -> u32 {
    let guard = Guard;
    let found = panicker(1);
    drop(guard);
    found
}

#[inline(never)]
#[unsafe(no_mangle)]
extern "Rust" fn catches_far() {
    if catch_unwind(passes_on).is_err() {
        CAUGHT.fetch_add(100, Ordering::SeqCst);
    }
}

fn main() -> std::io::Result<()> {
    std::panic::set_hook(Box::new(|_| {}));
    let mut out = std::io::stdout();
    writeln!(out, "ready {}", std::process::id())?;
    out.flush()?;
    catches_here();
    catches_far();
    writeln!(out, "caught {}", CAUGHT.load(Ordering::SeqCst))
}
