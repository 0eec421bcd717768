//! Finds the programs that the tests start.
//!
//! `cargo xtask test` names the folders in `FARSIGHT_TEST_BIN` and `FARSIGHT_DEBUGGEES`; without them they are looked
//! for around the running test, which works for whatever happens to be built.

use std::env;
use std::path::{Path, PathBuf};

/// The console program.
pub fn farsight() -> PathBuf {
    program("farsight")
}

/// The process server.
pub fn dbgsrv() -> PathBuf {
    program("dbgsrv")
}

/// The process server of the build with TLS.
pub fn dbgsrv_tls() -> PathBuf {
    program("dbgsrv-tls")
}

/// The repeater.
pub fn dbengprx() -> PathBuf {
    program("dbengprx")
}

/// One of the programs in `debuggees/`, or a variant of one, such as `stripped/counter`.
pub fn debuggee(name: &str) -> PathBuf {
    let named = env::var_os("FARSIGHT_DEBUGGEES").map(PathBuf::from);
    let around = folders_above().map(|folder| folder.join("debuggees"));
    found(name, named.into_iter().chain(around))
}

/// Set where programs to compare with, such as gdb, may be missing.
const WITHOUT_PEERS: &str = "FARSIGHT_WITHOUT_PEERS";

/// Whether a program to compare with is installed.
///
/// # Panics
/// Where it is not and need not be missing: a comparison that nobody makes must not look like one that came out well.
#[expect(clippy::print_stderr, reason = "what is left out must be seen")]
pub fn has_peer(name: &str) -> bool {
    if in_path(name).is_some() {
        return true;
    }
    assert!(
        env::var_os(WITHOUT_PEERS).is_some(),
        "there is no {name} to compare with: install it, as `cargo xtask test` does, or set {WITHOUT_PEERS}=1 to leave this out"
    );
    eprintln!("skipped: there is no {name}, and {WITHOUT_PEERS} is set");
    false
}

/// Where the shell would find a program.
pub fn in_path(name: &str) -> Option<PathBuf> {
    let paths = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&paths)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

fn program(name: &str) -> PathBuf {
    let named = env::var_os("FARSIGHT_TEST_BIN").map(PathBuf::from);
    found(name, named.into_iter().chain(folders_above()))
}

/// `TARGET/PROFILE/deps`, `TARGET/PROFILE`, `TARGET` and so on: a test runs in the first.
fn folders_above() -> impl Iterator<Item = PathBuf> {
    let test = env::current_exe().expect("the path of the running test");
    test.ancestors()
        .skip(1)
        .map(Path::to_path_buf)
        .collect::<Vec<_>>()
        .into_iter()
}

fn found(name: &str, folders: impl Iterator<Item = PathBuf>) -> PathBuf {
    folders
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("the program '{name}' is not built; run cargo xtask test"))
}
