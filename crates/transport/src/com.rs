//! Serial lines: many connections over one port, by channels.
// Nothing uses it until ports are opened.
#![allow(dead_code)]

mod frame;
mod link;
