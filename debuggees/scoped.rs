//! scoped-rust
//! Shows: types, variants and statics of one name in several modules; calls `stop_here(N)` with N = 1, 2, ...
//! Prints: `sum=N`, and exits with 0.

#![allow(dead_code)]

use std::hint::black_box;

#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn stop_here(number: i32) {
    black_box(number);
}

mod one {
    pub struct Config {
        pub small: u8,
        pub large: u32,
    }
    pub enum State {
        On = 1,
        Off = 2,
    }
    #[inline(never)]
    pub fn look(config: &Config, state: State) -> u32 {
        super::stop_here(1);
        config.large + state as u32
    }
}

mod two {
    pub struct Config {
        pub name: String,
    }
    pub enum State {
        Off = 10,
        On = 11,
    }
    #[inline(never)]
    pub fn look(config: &Config, state: State) -> u32 {
        super::stop_here(2);
        config.name.len() as u32 + state as u32
    }
}

fn main() {
    let config = two::Config { name: "named".to_string() };
    let other = one::Config { small: 1, large: 2 };
    let mut sum = one::look(&other, black_box(one::State::On)) + two::look(&config, black_box(two::State::On));
    stop_here(3);
    sum += black_box(&other).small as u32;
    black_box(&config);
    println!("sum={sum}");
}
