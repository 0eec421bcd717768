//! Builds `debuggees/` into `TARGET/debuggees/`, only what changed. Read [`RECIPES`] first.
//!
//! Each output is made under another name and moved into place, so a process that runs the old one goes on;
//! a file lock keeps two builds apart; `manifest.txt` says what was made from what.

mod recipes;
mod variants;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::run::{Done, Failure, Naming as _, failure, in_path, run_quietly};
use crate::workspace::Workspace;
use recipes::{RECIPES, Recipe, STRIPPED, Stripped, SymbolsBy};
use variants::{VARIANTS, Variant};

/// How many compilers run at once.
const WORKERS: usize = 2;

const HEADERS: &[&str] = &["common.h", "cvalues.h", "late.h", "naming.h", "scoped.h", "units.h"];

/// `cargo xtask debuggees`.
pub(crate) fn command(workspace: &Workspace, _arguments: &[String]) -> Done {
    let folder = build(workspace)?;
    println!("{}", folder.display());
    Ok(())
}

/// Builds what changed and answers the folder that holds the programs.
pub(crate) fn build(workspace: &Workspace) -> Done<PathBuf> {
    let missing: Vec<&str> = ["gcc", "g++", "objcopy", "readelf"]
        .into_iter()
        .filter(|program| in_path(program).is_none())
        .collect();
    if !missing.is_empty() {
        return failure(format!(
            "the debuggees need {}; on Debian or Ubuntu: apt-get install gcc g++ binutils (or `cargo xtask test`, which does it)",
            missing.join(", ")
        ));
    }
    let folder = workspace.folder("debuggees")?;
    let lock_path = folder.join(".lock");
    let lock = File::create(&lock_path).naming("make", &lock_path)?;
    lock.lock().naming("lock", &lock_path)?;

    let builder = Builder {
        sources: workspace.root.join("debuggees"),
        folder,
        compilers: compiler_versions()?,
        known: Manifest::read(&workspace.target.join("debuggees/manifest.txt")),
        made: Mutex::new(Manifest::default()),
    };
    let outcome = builder
        .in_parallel(RECIPES, Builder::compile)
        .and_then(|()| builder.in_parallel(STRIPPED, Builder::strip))
        .and_then(|()| builder.in_parallel(VARIANTS, Builder::vary));
    let made = builder
        .made
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    // After a failure too, so that what did compile is not compiled again.
    made.write(&builder.folder.join("manifest.txt"))?;
    outcome.map(|()| builder.folder)
}

struct Builder {
    sources: PathBuf,
    folder: PathBuf,
    compilers: String,
    known: Manifest,
    made: Mutex<Manifest>,
}

impl Builder {
    /// Runs `work` on every item with a few workers; the first failure is answered, after all have ended.
    fn in_parallel<T: Sync>(&self, items: &[T], work: fn(&Self, &T) -> Done) -> Done {
        let next = AtomicUsize::new(0);
        let worker = || {
            while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                work(self, item)?;
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(worker)).collect();
            let ends = workers.into_iter().map(|worker| worker.join());
            ends.map(|end| end.unwrap_or_else(|_| failure("a worker panicked")))
                .fold(Ok(()), Done::and)
        })
    }

    fn compile(&self, recipe: &Recipe) -> Done {
        let compiler = recipe.tool.program();
        if recipe.tool.is_optional() && in_path(&compiler.to_string_lossy()).is_none() {
            return Ok(());
        }
        let fresh = self.folder.join(format!("{}.fresh", recipe.name));
        let units = std::iter::once(&recipe.source).chain(recipe.more);
        let units: Vec<PathBuf> = units.map(|unit| self.sources.join(unit)).collect();
        let mut command = Command::new(compiler);
        command
            .args(recipe.tool.flags())
            .args(recipe.flags)
            .args(&units)
            .arg("-o")
            .arg(&fresh);
        command.current_dir(&self.folder);
        let stamp = self.stamp(&crate::run::shown(&command), units.into_iter().chain(self.headers()))?;
        let output = self.folder.join(recipe.name);
        if !self.is_current(recipe.name, &stamp, &output) {
            println!("  debuggee {}", recipe.name);
            run_quietly(&mut command)?;
            fs::rename(&fresh, &output).naming("put in place", &output)?;
        }
        self.note(recipe.name, stamp);
        Ok(())
    }

    /// A stripped copy, with its symbols in `symbols/` where only a debugger that is told of it looks.
    fn strip(&self, stripped: &Stripped) -> Done {
        let full = self.folder.join(stripped.from);
        let output = self.folder.join(stripped.name);
        let symbols = self.symbols_path(stripped, &full)?;
        let fresh = self.folder.join(format!("{}.fresh", stripped.name));
        let mut separate = Command::new("objcopy");
        separate.arg("--only-keep-debug").arg(&full).arg(&symbols);
        let mut strip = Command::new("objcopy");
        strip.arg("--strip-all");
        if stripped.symbols == SymbolsBy::DebugLink {
            strip.arg(format!("--add-gnu-debuglink={}", symbols.display()));
        }
        strip.arg(&full).arg(&fresh);
        let stamp = self.stamp(&crate::run::shown(&strip), [full])?;
        if !self.is_current(stripped.name, &stamp, &output) || !symbols.exists() {
            println!("  debuggee {}", stripped.name);
            run_quietly(&mut separate)?;
            run_quietly(&mut strip)?;
            fs::rename(&fresh, &output).naming("put in place", &output)?;
        }
        self.note(stripped.name, stamp);
        Ok(())
    }

    fn symbols_path(&self, stripped: &Stripped, full: &Path) -> Done<PathBuf> {
        let symbols = self.folder.join("symbols");
        let path = match stripped.symbols {
            SymbolsBy::DebugLink => symbols.join(format!("{}.debug", stripped.name)),
            SymbolsBy::BuildId => {
                let notes = run_quietly(Command::new("readelf").arg("-n").arg(full))?;
                let id = notes.lines().find_map(|line| line.trim().strip_prefix("Build ID: "));
                let Some((first, rest)) = id.and_then(|id| id.split_at_checked(2)) else {
                    return failure(format!("{} has no build-id", full.display()));
                };
                symbols.join(".build-id").join(first).join(format!("{rest}.debug"))
            }
        };
        let parent = path.parent().unwrap_or(&symbols);
        fs::create_dir_all(parent).naming("make the folder", parent)?;
        Ok(path)
    }

    /// Runs the commands of a variant, in the folder.
    fn vary(&self, variant: &Variant) -> Done {
        if let Some(missing) = variant.needs.iter().find(|program| in_path(program).is_none()) {
            println!("  no debuggee {}: there is no {missing}", variant.name);
            return Ok(());
        }
        let from = variant.from.iter().map(|name| self.folder.join(name));
        let sources = variant.sources.iter().map(|name| self.sources.join(name));
        let stamp = self.stamp(&variant.steps.join("\n"), from.chain(sources).chain(self.headers()))?;
        let output = self.folder.join(variant.name);
        if !self.is_current(variant.name, &stamp, &output) {
            println!("  debuggee {}", variant.name);
            let fresh = format!("{}.fresh", variant.name);
            let sources = self.sources.to_string_lossy();
            for step in variant.steps {
                let words = step.split_whitespace();
                let mut words = words.map(|word| word.replace("{out}", &fresh).replace("{sources}", &sources));
                let mut command = Command::new(words.next().unwrap_or_default());
                run_quietly(command.args(words).current_dir(&self.folder))?;
            }
            fs::rename(self.folder.join(fresh), &output).naming("put in place", &output)?;
        }
        self.note(variant.name, stamp);
        Ok(())
    }

    /// The headers, which any unit may include.
    fn headers(&self) -> Vec<PathBuf> {
        HEADERS.iter().map(|name| self.sources.join(name)).collect()
    }

    /// What an output was made from: commands, compilers and the bytes of its inputs.
    fn stamp(&self, commands: &str, inputs: impl IntoIterator<Item = PathBuf>) -> Done<String> {
        let mut hasher = DefaultHasher::new();
        commands.hash(&mut hasher);
        self.compilers.hash(&mut hasher);
        for input in inputs {
            fs::read(&input).naming("read", &input)?.hash(&mut hasher);
        }
        Ok(format!("{:016x}", hasher.finish()))
    }

    fn is_current(&self, name: &str, stamp: &str, output: &Path) -> bool {
        output.exists() && self.known.0.get(name).is_some_and(|known| known == stamp)
    }

    fn note(&self, name: &str, stamp: String) {
        let mut made = self.made.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        made.0.insert(name.to_owned(), stamp);
    }
}

/// Output names and their stamps: a line `NAME STAMP` each.
#[derive(Default)]
struct Manifest(BTreeMap<String, String>);

impl Manifest {
    /// A manifest that is missing or damaged only means that everything is built again.
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_default();
        let pairs = text.lines().filter_map(|line| line.split_once(' '));
        Self(pairs.map(|(name, stamp)| (name.to_owned(), stamp.to_owned())).collect())
    }

    fn write(&self, path: &Path) -> Done {
        let mut text = String::new();
        for (name, stamp) in &self.0 {
            writeln!(text, "{name} {stamp}").map_err(|error| Failure(error.to_string()))?;
        }
        fs::write(path, text).naming("write", path)
    }
}

fn compiler_versions() -> Done<String> {
    let mut versions = String::new();
    for program in ["gcc", "g++", "rustc", "objcopy"] {
        versions += &run_quietly(Command::new(program).arg("--version"))?;
    }
    Ok(versions)
}
