//! rustvalues
//!
//! Shows: Rust's values and frames, for debuggers to be compared over: calls `stop_here(N)` with N = 1, 2, ... where structs,
//! tuples, enums with and without niches, smart pointers, strings, collections, slices, trait objects, closures, generics
//! and inlined functions are in scope. Everything that it computes is the same in each run.
//! Prints: `ready PID`, then `sum=N`, and exits with 0.

use std::cell::{Cell, RefCell};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::BuildHasherDefault;
use std::hint::black_box;
use std::io::Write as _;
use std::num::NonZeroU32;
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex};

static LAST_STOP: AtomicI32 = AtomicI32::new(0);
static TABLE: [u16; 4] = [10, 20, 30, 40];
static GREETING: &str = "hello";

/// Keeps the function, its calls and its name in an optimised program.
#[used]
static MARKER: extern "C" fn(i32) = stop_here;

#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn stop_here(number: i32) {
    LAST_STOP.store(black_box(number), Ordering::SeqCst);
}

/// Maps that keep the same order in each run.
type SteadyMap<K, V> = HashMap<K, V, BuildHasherDefault<DefaultHasher>>;
type SteadySet<K> = HashSet<K, BuildHasherDefault<DefaultHasher>>;

#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    x: i32,
    y: i32,
}

#[derive(Clone, Copy)]
struct Meters(f64);

struct Unit;

#[derive(Clone, Copy)]
#[repr(u8)]
enum Level {
    Low = 1,
    Middle = 5,
    High = 200,
}

#[derive(Clone)]
enum Shape {
    Nothing,
    Dot(Point),
    Circle { center: Point, radius: f32 },
    Path(Vec<Point>),
    Labelled(String, Box<Shape>),
}

#[repr(C)]
union Raw {
    number: u32,
    bytes: [u8; 4],
}

#[expect(dead_code, reason = "a debugger reads what the program does not")]
struct Scalars {
    a: u8,
    b: i8,
    c: u16,
    d: i16,
    e: u32,
    f: i32,
    g: u64,
    h: i64,
    i: u128,
    j: i128,
    k: usize,
    l: isize,
    m: f32,
    n: f64,
    o: bool,
    p: char,
    q: (),
}

trait Speak {
    fn speak(&self, times: usize) -> usize;
}

struct Dog {
    name: String,
}

struct Cat(u8);

impl Speak for Dog {
    #[inline(never)]
    fn speak(&self, times: usize) -> usize {
        let total = self.name.len() * times;
        black_box(&total);
        stop_here(1);
        total
    }
}

impl Speak for Cat {
    #[inline(never)]
    fn speak(&self, times: usize) -> usize {
        stop_here(2);
        usize::from(self.0) * times
    }
}

#[inline(never)]
fn of_scalars(flag: bool, letter: char, wide: u128, ratio: f32) -> usize {
    let scalars = Scalars {
        a: 255,
        b: -128,
        c: 65535,
        d: -32768,
        e: 4_000_000_000,
        f: -2_000_000_000,
        g: u64::MAX,
        h: i64::MIN,
        i: wide,
        j: -(1 << 100),
        k: 77,
        l: -77,
        m: ratio,
        n: -0.0,
        o: flag,
        p: letter,
        q: (),
    };
    let tuple = (1_u8, -2_i64, 'c', (2.5_f32, true));
    let point = Point { x: -4, y: 9 };
    let meters = Meters(12.75);
    let unit = Unit;
    let level = [Level::Low, Level::Middle, Level::High];
    let raw = Raw { number: 0x0102_0304 };
    let array = [[1_i16, 2, 3], [4, 5, 6]];
    black_box((&scalars, &tuple, &point, &meters, &unit, &level, &raw, &array));
    stop_here(3);
    // SAFETY: every field of the union is plain bytes.
    let byte = unsafe { raw.bytes[0] };
    scalars.k + usize::from(byte) + array[1][2] as usize + meters.0 as usize + level[2] as usize + scalars.a as usize
}

#[inline(never)]
fn of_enums(shapes: &[Shape], maybe: Option<u32>) -> usize {
    let none: Option<Box<Point>> = None;
    let some: Option<Box<Point>> = Some(Box::new(Point { x: 1, y: 2 }));
    let niche: Option<NonZeroU32> = NonZeroU32::new(7);
    let text: Option<&str> = Some("some text");
    let string: Option<String> = None;
    let nested: Option<Option<bool>> = Some(None);
    let ordering = std::cmp::Ordering::Less;
    let fine: Result<u8, String> = Ok(3);
    let bad: Result<u8, String> = Err(String::from("bad"));
    black_box((&none, &some, &niche, &text, &string, &nested, &ordering, &fine, &bad));
    stop_here(4);
    let mut sum = maybe.unwrap_or(1) as usize;
    for shape in shapes {
        sum += weight(shape);
    }
    sum
}

#[inline(never)]
fn weight(shape: &Shape) -> usize {
    match shape {
        Shape::Nothing => 0,
        Shape::Dot(at) => at.x as usize,
        Shape::Circle { center, radius } => {
            let area = radius * radius;
            black_box(&area);
            stop_here(5);
            center.y as usize + area as usize
        }
        Shape::Path(points) => points.len(),
        Shape::Labelled(label, inner) => {
            let below = weight(inner);
            black_box(below);
            stop_here(6);
            label.len() + below
        }
    }
}

struct Node {
    value: i32,
    children: RefCell<Vec<Rc<Node>>>,
    parent: RefCell<Weak<Node>>,
}

enum List {
    Cons(i32, Box<List>),
    Nil,
}

impl List {
    #[inline(never)]
    fn sum(&self) -> i32 {
        match self {
            List::Cons(value, rest) => {
                let below = rest.sum();
                black_box(below);
                value + below
            }
            List::Nil => {
                stop_here(7);
                0
            }
        }
    }
}

#[inline(never)]
fn of_pointers() -> i32 {
    let boxed = Box::new(Point { x: 5, y: 6 });
    let boxed_slice: Box<[u8]> = vec![1, 2, 3].into_boxed_slice();
    let boxed_text: Box<str> = "boxed".into();
    let shared = Rc::new(String::from("shared"));
    let again = Rc::clone(&shared);
    let atomic = Arc::new(Mutex::new(31));
    let text: Arc<str> = "arc text".into();
    let cell = Cell::new(8_u16);
    let borrowed = RefCell::new(vec![1, 2]);
    let leaf = Rc::new(Node { value: 3, children: RefCell::default(), parent: RefCell::default() });
    let branch =
        Rc::new(Node { value: 4, children: RefCell::new(vec![Rc::clone(&leaf)]), parent: RefCell::default() });
    *leaf.parent.borrow_mut() = Rc::downgrade(&branch);
    let list = List::Cons(1, Box::new(List::Cons(2, Box::new(List::Nil))));
    let raw: *const Point = &*boxed;
    let function: fn(i32) -> i32 = double;
    cell.set(9);
    let guard = borrowed.borrow_mut();
    black_box((&boxed_slice, &boxed_text, &again, &atomic, &text, &cell, &guard, &branch, &list, &raw, &function));
    stop_here(8);
    drop(guard);
    let children = branch.children.borrow().len() as i32;
    let locked = *atomic.lock().unwrap();
    boxed.x + children + locked + list.sum() + function(leaf.value) + branch.value + shared.len() as i32
}

#[inline(never)]
fn double(number: i32) -> i32 {
    stop_here(9);
    number * 2
}

#[inline(never)]
fn of_strings(owned: String, borrowed: &str, bytes: &[u8], mutable: &mut String) -> usize {
    let empty = String::new();
    let accents = String::from("äöü € 😀 \"quoted\"\n");
    let part = &accents[..4];
    let letters: Vec<char> = borrowed.chars().collect();
    let path = std::path::PathBuf::from("/some/where");
    mutable.push_str(" and more");
    black_box((&empty, &accents, &part, &letters, &path));
    stop_here(10);
    owned.len() + part.len() + letters.len() + bytes.len() + mutable.len()
}

#[inline(never)]
fn of_collections(slice: &[Point], window: &mut [u32]) -> usize {
    let vector = vec![1_u64, 2, 3];
    let nothing: Vec<Point> = Vec::new();
    let words = vec![String::from("a"), String::from("bc")];
    let mut ring: VecDeque<i32> = (0..6).collect();
    ring.pop_front();
    ring.pop_front();
    ring.push_back(100);
    ring.push_back(101);
    ring.push_back(102);
    let tree: BTreeMap<u32, &str> = [(3, "three"), (1, "one"), (2, "two")].into();
    let big: BTreeMap<u32, u32> = (0..40).map(|key| (key, key * key)).collect();
    let sorted: BTreeSet<char> = "hello".chars().collect();
    let mut map: SteadyMap<String, i32> = SteadyMap::default();
    map.insert("one".into(), 1);
    map.insert("two".into(), 2);
    let set: SteadySet<u8> = [9, 8, 7].into_iter().collect();
    let nested = vec![vec![1_i8], vec![], vec![2, 3]];
    window[0] += 1;
    black_box((&vector, &nothing, &words, &ring, &tree, &big, &sorted, &map, &set, &nested));
    stop_here(11);
    vector.len() + ring.len() + tree.len() + big.len() + map.len() + set.len() + slice.len() + nested.len()
}

#[inline(never)]
fn of_traits(speaker: &dyn Speak, boxed: Box<dyn Speak>, times: usize) -> usize {
    let speakers: Vec<Rc<dyn Speak>> = vec![Rc::new(Cat(2))];
    black_box(&speakers);
    let sum = speaker.speak(times) + boxed.speak(times + 1);
    black_box(sum);
    stop_here(12);
    sum + speakers[0].speak(1)
}

#[inline(never)]
fn of_closures(start: i32) -> i32 {
    let mut seen = 0;
    let offset = 5_i64;
    let mut add = |number: i32| {
        seen += number;
        stop_here(13);
        seen + offset as i32
    };
    let first = add(start);
    let second = add(first);
    let owned = String::from("moved");
    let moved: Box<dyn Fn(usize) -> usize> = Box::new(move |extra| {
        stop_here(14);
        owned.len() + extra
    });
    let sum = (1..4).map(|number| number * start).filter(|number| number % 2 == 0).sum::<i32>();
    black_box(sum);
    first + second + seen + moved(2) as i32 + sum
}

#[inline(never)]
fn largest<T: PartialOrd + Copy>(items: &[T]) -> T {
    let mut best = items[0];
    for &item in items {
        if item > best {
            best = item;
        }
    }
    black_box(&best);
    stop_here(15);
    best
}

struct Stack<T, const N: usize> {
    items: [T; N],
    used: usize,
}

impl<T: Copy + Default, const N: usize> Stack<T, N> {
    fn new() -> Self {
        Stack { items: [T::default(); N], used: 0 }
    }

    #[inline(never)]
    fn push(&mut self, item: T) {
        self.items[self.used] = item;
        self.used += 1;
        stop_here(16);
    }
}

#[inline(always)]
fn inlined_inner(number: u32, table: &[u16]) -> u32 {
    let picked = u32::from(table[number as usize]);
    black_box(&picked);
    stop_here(17);
    picked + number
}

#[inline(always)]
fn inlined_outer(number: u32) -> u32 {
    let grown = number + 1;
    black_box(&grown);
    inlined_inner(grown, &TABLE) + grown
}

#[inline(never)]
fn of_inlined(number: u32) -> u32 {
    let first = inlined_outer(number);
    black_box(&first);
    first + inlined_outer(number + 1)
}

#[inline(never)]
fn of_shadows(value: i32) -> i32 {
    let value = value * 2;
    black_box(&value);
    {
        let value = format!("{value}!");
        black_box(&value);
        stop_here(18);
    }
    let (left, right) = (value / 2, value % 3);
    let Point { x, y } = black_box(Point { x: left, y: right });
    stop_here(19);
    x + y
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
    set_up();
    println!("ready {}", std::process::id());
    std::io::stdout().flush().expect("standard output");

    let origin = Point { x: 3, y: 4 };
    let shapes = [
        Shape::Nothing,
        Shape::Dot(origin),
        Shape::Circle { center: origin, radius: 1.5 },
        Shape::Path(vec![origin, Point { x: 7, y: 8 }]),
        Shape::Labelled("label".into(), Box::new(Shape::Dot(Point { x: 1, y: 1 }))),
    ];
    let mut text = String::from("mutable");
    let mut window = [1_u32, 2, 3];
    let dog = Dog { name: "rex".into() };
    let mut stack = Stack::<u16, 4>::new();
    stack.push(6);

    let mut sum = of_scalars(true, 'ß', 1 << 90, 0.1);
    sum += of_enums(&shapes, Some(2));
    sum += of_pointers() as usize;
    sum += of_strings("owned".into(), GREETING, b"bytes", &mut text);
    sum += of_collections(&[origin, origin], &mut window[1..]);
    sum += of_traits(&dog, Box::new(Cat(9)), 2);
    sum += of_closures(3) as usize;
    sum += largest(&[1.5, 9.25, 3.0]) as usize + largest(&['a', 'z', 'b']) as usize;
    sum += of_inlined(1) as usize;
    sum += of_shadows(10) as usize + stack.used;
    println!("sum={sum}");
    assert_ne!(LAST_STOP.load(Ordering::SeqCst), 0, "no stop was made");
}
