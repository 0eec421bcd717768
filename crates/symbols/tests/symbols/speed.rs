//! How long things take. Bounds are wide in debug builds; `cargo test --release -- --nocapture speed` prints the figures.

use std::path::Path;
use std::time::{Duration, Instant};

use farsight_symbols::{ModuleUnwind, SymbolTable};
use farsight_types::Rva;

use crate::snapshot::Snapshot;
use crate::support::{Scratch, image};

fn fastest(times: u32, mut work: impl FnMut()) -> Duration {
    let once = |_| {
        let begun = Instant::now();
        work();
        begun.elapsed()
    };
    (0..times).map(once).min().unwrap_or_default()
}

#[test]
fn thirty_frames_take_less_than_a_millisecond() {
    let source = r#"
        __attribute__((noinline)) int deep(int n, int *sum) {
            int mine[8]; mine[n & 7] = n;
            int below = n ? deep(n - 1, mine) : 0;
            __asm__ volatile("" :: "r"(mine) : "memory");
            return below + *sum + mine[3];
        }
        int main(int argc, char **argv) { return deep(26, &argc); }
    "#;
    let scratch = Scratch::new();
    let Some(program) = scratch.compile("gcc", source, &["-O2", "-g"]) else {
        return;
    };
    let commands = "break deep if n == 0;run";
    let program = program.to_str().unwrap();
    let Some(mut snapshot) = Snapshot::take(&[program], commands) else {
        return;
    };
    let mut frames = 0;
    let first = fastest(1, || frames = snapshot.walk().0.len());
    let again = fastest(20, || frames = snapshot.walk().0.len());
    assert!(frames >= 30, "{frames} frames");
    eprintln!("{frames} frames: {first:?} at first, then {again:?}");
    let bound = if cfg!(debug_assertions) { 20 } else { 1 };
    assert!(again < Duration::from_millis(bound), "{again:?}");
}

#[test]
fn a_large_image_is_indexed_soon() {
    let Ok(own) = std::env::current_exe() else {
        return;
    };
    for path in [Path::new("/usr/bin/python3"), Path::new("/usr/bin/gdb"), &own] {
        let Some(image) = image(path) else { continue };
        let mut table = SymbolTable::default();
        let built = fastest(3, || table = SymbolTable::build(&[&*image]));
        let named = fastest(1, || assert!(table.by_name("no::such::name").is_empty()));
        let again = fastest(5, || assert!(table.by_name("no::such::name").is_empty()));
        let at = fastest(5, || {
            for place in 0..1000 {
                let _ = table.at(Rva(0x1000 + place * 0x123));
            }
        });
        let unwind = fastest(3, || assert!(!ModuleUnwind::new(&[&*image]).is_empty()));
        eprintln!(
            "{}: {} symbols: built {built:?}, first name {named:?}, then {again:?}, 1000 places {at:?}, unwind {unwind:?}",
            path.display(),
            table.len(),
        );
        assert!(built + named < Duration::from_secs(20));
    }
}
