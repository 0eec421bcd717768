//! Images, symbols and unwinding on real files and real processes; each test says what it skips where a tool is missing.

mod damage;
mod gdb;
mod images;
mod snapshot;
mod support;
