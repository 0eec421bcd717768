//! A folder for one test.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder that is taken away, with everything in it, at the end of the test.
#[derive(Debug)]
pub struct Scratch(PathBuf);

/// A word that no other test on this machine uses, such as a file name or the name of a pipe.
pub(super) fn unique(word: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{word}-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Scratch {
    /// A new, empty folder.
    pub fn new() -> Scratch {
        let path = env::temp_dir().join(unique("farsight-test"));
        fs::create_dir_all(&path).expect("a temporary folder");
        Scratch(path)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Copies a program in under a name that no other process on this machine has, and returns its path.
    pub fn copy_of(&self, program: &Path) -> PathBuf {
        let stem = program.file_name().expect("a file name").to_string_lossy();
        let copy = self.0.join(unique(&stem));
        fs::copy(program, &copy).expect("a copy of a program");
        copy
    }
}

impl Default for Scratch {
    fn default() -> Scratch {
        Scratch::new()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
