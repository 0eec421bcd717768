//! Where things are: the project's root and its target directory. Never guesses either; cargo says.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Done, Failure, Naming as _, run_quietly};

/// This machine's own target.
pub(crate) const HOST_TARGET: &str = "x86_64-unknown-linux-gnu";

/// The project's places.
pub(crate) struct Workspace {
    /// The folder of the root `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Cargo's target directory, wherever the environment or a configuration put it.
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn find() -> Done<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
        let mut command = cargo();
        command
            .args(["metadata", "--format-version", "1", "--no-deps", "--manifest-path"])
            .arg(manifest);
        let answer: serde_json::Value = serde_json::from_str(&run_quietly(&mut command)?)
            .map_err(|error| Failure(format!("cannot read what `cargo metadata` says: {error}")))?;
        let path = |key: &str| match answer[key].as_str() {
            Some(text) => Ok(PathBuf::from(text)),
            None => Err(Failure(format!("`cargo metadata` does not say `{key}`"))),
        };
        Ok(Self {
            root: path("workspace_root")?,
            target: path("target_directory")?,
        })
    }

    /// A folder below the target directory, made if needed.
    pub(crate) fn folder(&self, name: &str) -> Done<PathBuf> {
        let folder = self.target.join(name);
        std::fs::create_dir_all(&folder).naming("make the folder", &folder)?;
        Ok(folder)
    }

    /// A cargo command that runs in the root.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = cargo();
        command.current_dir(&self.root);
        command
    }
}

/// The cargo that runs us, with none of what it told this package in the environment.
fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_")
            || name == "CARGO_MANIFEST_DIR"
            || name == "CARGO_MANIFEST_PATH"
        {
            command.env_remove(name);
        }
    }
    command
}
