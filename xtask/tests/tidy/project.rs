//! The project's files, as the rules see them.

use std::fs;
use std::path::{Path, PathBuf};

/// A Rust source file.
pub(crate) struct Source {
    /// From the root, with `/`.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

impl Source {
    /// The lines that are not tests: a file ends with its tests, or is all tests.
    pub(crate) fn shipped_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.numbered_lines().take(self.first_test_line())
    }

    /// The lines that are tests.
    pub(crate) fn test_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.numbered_lines().skip(self.first_test_line())
    }

    fn numbered_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// How many lines come before the tests. `#[cfg(test)] mod tests;` names a file and ends nothing.
    fn first_test_line(&self) -> usize {
        if self.is_test_file() {
            return 0;
        }
        let lines: Vec<&str> = self.text.lines().collect();
        let is_start = |pair: &[&str]| pair[0].trim() == "#[cfg(test)]" && !pair[1].trim_end().ends_with(';');
        lines.windows(2).position(is_start).unwrap_or(lines.len())
    }

    /// Whether the whole file belongs to tests.
    pub(crate) fn is_test_file(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs") || self.path.starts_with("crates/testkit/")
    }

    /// A complaint about one of its lines.
    pub(crate) fn at(&self, line: usize, problem: &str) -> String {
        format!("{}:{line}: {problem}", self.path)
    }

    pub(crate) fn invented(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }
}

/// The folder of the root `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the root")
        .to_path_buf()
}

/// The text of a file in the root.
pub(crate) fn read(name: &str) -> String {
    let path = root().join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The crates' folder names.
pub(crate) fn crates() -> Vec<String> {
    let entries = fs::read_dir(root().join("crates")).expect("the folder crates");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry of crates"))
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Every Rust source of the crates, the chores and the fuzz targets.
pub(crate) fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for folder in ["crates", "xtask", "fuzz"] {
        collect(&root().join(folder), &mut found);
    }
    assert!(found.len() > 20, "the rules look at hardly any file: {}", found.len());
    found
}

fn collect(folder: &Path, found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.map(|entry| entry.expect("a folder's entry")) {
        let path = entry.path();
        if path.is_dir() {
            if entry.file_name() != "target" {
                collect(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path
                .strip_prefix(root())
                .expect("a path below the root")
                .to_string_lossy()
                .into_owned();
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
            found.push(Source { path: name, text });
        }
    }
}
