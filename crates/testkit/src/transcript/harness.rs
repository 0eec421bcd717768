//! A test program whose tests are made at run time, one for each transcript: as much of the usual test program's
//! command line as the test runners use.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// One test.
pub struct Trial {
    name: String,
    run: Box<dyn Fn() + Send + Sync>,
    ignored: bool,
}

impl std::fmt::Debug for Trial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trial")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Trial {
    /// A test that fails by panicking.
    pub fn new(name: impl Into<String>, run: impl Fn() + Send + Sync + 'static) -> Trial {
        Trial {
            name: name.into(),
            run: Box::new(run),
            ignored: false,
        }
    }

    /// The same as a test that only the soak runs.
    pub fn ignored(self) -> Trial {
        Trial { ignored: true, ..self }
    }
}

/// Lists the tests, or runs those whose names contain the words of the command line (or are them, with `--exact`).
#[allow(clippy::print_stdout)] // A test program's answers to its runner.
pub fn run_trials(trials: Vec<Trial>) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let words: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    // `--format terse` and the like bring a word that is no filter.
    let words: Vec<&&String> = words
        .iter()
        .filter(|word| !matches!(word.as_str(), "terse" | "pretty" | "json"))
        .collect();
    let chosen = |trial: &&Trial| has("--include-ignored") || trial.ignored == has("--ignored");
    if has("--list") {
        for trial in trials.iter().filter(chosen) {
            println!("{}: test", trial.name);
        }
        return ExitCode::SUCCESS;
    }
    let wanted = |trial: &&Trial| {
        let fits = |word: &str| match has("--exact") {
            true => trial.name == word,
            false => trial.name.contains(word),
        };
        chosen(trial) && (words.is_empty() || words.iter().any(|word| fits(word)))
    };
    let mut failed = Vec::new();
    for trial in trials.iter().filter(wanted) {
        if catch_unwind(AssertUnwindSafe(|| (trial.run)())).is_err() {
            failed.push(trial.name.as_str());
        }
    }
    match failed.is_empty() {
        true => ExitCode::SUCCESS,
        false => {
            println!("failed: {}", failed.join(", "));
            ExitCode::FAILURE
        }
    }
}
