//! damaged-rust
//!
//! Shows: the standard library's containers and pointers in the states that unsound programs leave them in. Calls
//! `stop_here(N, all)` for each, where N is 0 sound, 1 all bytes 0xcd, 2 all 0, 3 all 0xff, 4 dropped, 5 and more words that a
//! program has about it, in an order that is the same in each run.
//! Prints: `ready PID`, then `done`, and exits with 0; nothing damaged is ever used or dropped.

use std::cell::{Cell, RefCell};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::hash::BuildHasherDefault;
use std::hint::black_box;
use std::io::Write as _;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex};

static LAST_STOP: AtomicI32 = AtomicI32::new(0);

#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn stop_here(number: i32, all: *const All) {
    black_box(all);
    LAST_STOP.store(black_box(number), Ordering::SeqCst);
}

#[derive(Clone, Copy)]
struct Point {
    x: i32,
    y: i32,
}

trait Speak {
    fn speak(&self) -> i32;
}

impl Speak for Point {
    fn speak(&self) -> i32 {
        self.x + self.y
    }
}

#[expect(dead_code, reason = "a debugger reads what the program does not")]
enum Shape {
    Dot(Point),
    Path(Vec<Point>),
    Named { name: String, next: Option<Box<Shape>> },
}

#[expect(dead_code, reason = "a debugger reads what the program does not")]
struct All {
    vector: Vec<i32>,
    points: Vec<Point>,
    words: Vec<String>,
    text: String,
    slice: &'static [u16],
    borrowed: &'static str,
    boxed: Box<Point>,
    boxed_slice: Box<[u8]>,
    ring: VecDeque<i32>,
    map: HashMap<String, i32, BuildHasherDefault<DefaultHasher>>,
    tree: BTreeMap<i32, String>,
    set: BTreeSet<u64>,
    shared: Rc<Point>,
    weak: Weak<Point>,
    atomic: Arc<Mutex<i32>>,
    text_shared: Arc<str>,
    cell: Cell<u8>,
    guarded: RefCell<Vec<i32>>,
    maybe: Option<Box<Point>>,
    level: Option<bool>,
    fine: Result<String, Box<Point>>,
    shape: Shape,
    speaker: Box<dyn Speak>,
    letter: char,
}

impl All {
    fn new() -> All {
        let shared = Rc::new(Point { x: 1, y: 2 });
        All {
            vector: vec![1, 2, 3],
            points: vec![Point { x: 1, y: 2 }, Point { x: 3, y: 4 }],
            words: vec!["one".into(), "two".into()],
            text: "text".into(),
            slice: &[1, 2, 3],
            borrowed: "borrowed",
            boxed: Box::new(Point { x: 5, y: 6 }),
            boxed_slice: vec![1, 2, 3].into(),
            ring: (0..5).collect(),
            map: [("one".into(), 1), ("two".into(), 2)].into_iter().collect(),
            tree: (0..30).map(|key| (key, key.to_string())).collect(),
            set: (0..5).collect(),
            weak: Rc::downgrade(&shared),
            shared,
            atomic: Arc::new(Mutex::new(7)),
            text_shared: "shared".into(),
            cell: Cell::new(8),
            guarded: RefCell::new(vec![9]),
            maybe: Some(Box::new(Point { x: 7, y: 8 })),
            level: Some(true),
            fine: Ok("fine".into()),
            shape: Shape::Named {
                name: "named".into(),
                next: Some(Box::new(Shape::Path(vec![Point { x: 9, y: 9 }]))),
            },
            speaker: Box::new(Point { x: 10, y: 11 }),
            letter: 'a',
        }
    }

    /// Uses what only a debugger would read.
    fn sum(&self) -> i32 {
        let of_shape = match &self.shape {
            Shape::Dot(point) => point.x,
            Shape::Path(points) => points.len() as i32,
            Shape::Named { name, next } => name.len() as i32 + i32::from(next.is_some()),
        };
        self.speaker.speak() + of_shape + self.points[0].y
    }
}

const WORDS: usize = size_of::<All>() / 8;

/// The lifetime limit and the permission to be traced, as every debuggee has them.
fn set_up() {
    unsafe extern "C" {
        fn alarm(seconds: u32) -> u32;
        fn prctl(option: i32, ...) -> i32;
        fn mallopt(parameter: i32, value: i32) -> i32;
    }
    const PR_SET_PTRACER: i32 = 0x5961_6d61;
    const M_PERTURB: i32 = -6;
    let seconds = std::env::var("FARSIGHT_DEBUGGEE_SECONDS").ok();
    let seconds = seconds.and_then(|text| text.parse().ok()).unwrap_or(600);
    // SAFETY: all take plain numbers and touch no memory of ours.
    unsafe {
        alarm(seconds);
        prctl(PR_SET_PTRACER, u64::MAX, 0_u64, 0_u64, 0_u64);
        // What is freed does not look like what it was.
        mallopt(M_PERTURB, 0x5a);
    }
}

fn main() {
    set_up();
    println!("ready {}", std::process::id());
    std::io::stdout().flush().expect("standard output");

    let mut room = Box::new(MaybeUninit::<All>::zeroed());
    let all: *mut All = room.as_mut_ptr();
    // SAFETY: the room is as large as the value, which is used only where it is sound.
    unsafe {
        all.write(All::new());
        black_box((*all).sum());
        stop_here(0, all);
        for (number, byte) in [(1, 0xcd), (2, 0), (3, 0xff)] {
            all.cast::<u8>().write_bytes(byte, size_of::<All>());
            stop_here(number, all);
        }
        all.write(All::new());
        all.drop_in_place();
        stop_here(4, all);
    }

    let mut some = ManuallyDrop::new(vec![0_u64; 1 << 17]);
    let about = [
        0,
        1,
        3,
        64,
        0xffff,
        u64::MAX,
        u64::MAX - 7,
        1 << 40,
        1 << 63,
        0x7fff_ffff_ffff,
        some.as_ptr() as u64,
        some.as_ptr() as u64 + 8,
        // SAFETY: only addresses are taken.
        unsafe { some.as_ptr().add(some.len()) } as u64 - 6,
        all as u64,
        all as u64 + 8,
        &raw const LAST_STOP as u64,
        main as fn() as u64,
    ];
    let mut random = 88_172_645_463_325_252_u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        about[(random % about.len() as u64) as usize]
    };
    for number in 5..17 {
        for index in 0..WORDS {
            // SAFETY: the room has so many words.
            unsafe { all.cast::<u64>().add(index).write(next()) };
        }
        some.fill_with(&mut next);
        black_box(&some);
        stop_here(number, all);
    }
    println!("done");
    std::process::exit(0);
}
