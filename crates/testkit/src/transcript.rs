//! Transcripts: text files of commands and what they show, run against a session and compared.
//!
//! ```text
//! ## A comment; it may stand anywhere.
//! @attach                      a setting of the session, before the first command (each runner says which it knows)
//! > bl; k                      a command that must be carried out; what it shows follows, line by line
//! 0:000> r rip                 the same, and the prompt before it must be this one
//! !> bp /x                     a command that must fail
//! >& g                         a command that sets the target going; not waited for
//! ^C                           breaks in, and waits for the end of the command that was set going
//! rax=<hex> rbx=<...>          what varies: <hex>, <pid>, <tid>, <dec>, <...> (any characters), `<lines>` (any lines)
//! ```
//!
//! Ends of lines and blank lines at the end of an output are not compared. `FARSIGHT_BLESS=1` writes what does not match
//! anew and leaves what matches; `FARSIGHT_TRANSCRIPT=NAME` runs one. A file is a test of its own, and [`Coverage`] fails
//! while a command's row is in no file. Read [`Player`] first, then [`run_all`].

mod coverage;
mod file;
mod harness;
mod pattern;

pub use coverage::Coverage;
pub use file::{Action, Settings, Step, Transcript};
pub use harness::{Trial, run_trials};
pub use pattern::matches_lines;

use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What came of a command.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// What it showed.
    pub text: String,
    /// Whether it failed; none where the player cannot know.
    pub failed: Option<bool>,
}

/// A session that a transcript is played to.
pub trait Player {
    /// The prompt that a user sees now, such as `0:000> `; none where there is none.
    fn prompt(&mut self) -> Option<String>;

    /// Runs a line until everything it asked for was done.
    fn run(&mut self, line: &str) -> Heard;

    /// Starts a line and waits until the target runs.
    fn start(&mut self, line: &str) -> Heard;

    /// Breaks in and waits for the end of the line that was started.
    fn interrupt(&mut self) -> Heard;

    /// Ends the session.
    fn end(self: Box<Self>);

    /// What stands for `{name}` in this session's commands and expectations.
    fn variables(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// What varies from session to session replaced by patterns, for expectations that are written anew.
    fn generalize(&self, text: &str) -> String {
        text.to_owned()
    }
}

/// Starts a session as a transcript's settings say; also what it showed until its first prompt.
pub type Begin = dyn Fn(&Settings) -> (Box<dyn Player>, String) + Send + Sync;

/// The transcripts of a folder, by name.
pub fn files_of(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    files
}

/// One test for each transcript of a folder.
pub fn trials(folder: &Path, begin: Arc<Begin>) -> Vec<Trial> {
    let only = std::env::var("FARSIGHT_TRANSCRIPT").ok();
    files_of(folder)
        .into_iter()
        .filter_map(|path| {
            let name = path.file_stem()?.to_string_lossy().into_owned();
            let begin = Arc::clone(&begin);
            let wanted = only.as_ref().is_none_or(|only| *only == name);
            wanted.then(|| Trial::new(name, move || play(&path, &*begin)))
        })
        .collect()
}

/// Plays one file.
///
/// # Panics
/// When something is not as it says, with everything that is not.
pub fn play(path: &Path, begin: &Begin) {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut transcript = Transcript::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let wrong = differences(path, &mut transcript, begin);
    if !wrong.is_empty() && std::env::var_os("FARSIGHT_BLESS").is_some() {
        std::fs::write(path, transcript.to_string()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        return;
    }
    assert!(wrong.is_empty(), "{wrong}FARSIGHT_BLESS=1 would write it anew");
}

/// Plays a transcript that is part of another text, which is never written anew.
///
/// # Panics
/// When something is not as it says; places are lines of the transcript, not of `path`.
pub fn play_text(path: &Path, text: &str, begin: &Begin) {
    let mut transcript = Transcript::parse(text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let wrong = differences(path, &mut transcript, begin);
    assert!(wrong.is_empty(), "{wrong}");
}

/// Everything that is not as a transcript says, which then says what was.
fn differences(path: &Path, transcript: &mut Transcript, begin: &Begin) -> String {
    let (mut player, shown) = begin(&transcript.settings);
    let variables = player.variables();
    let mut wrong = Vec::new();
    let complaint = |line: usize, what: &str| format!("{}:{line}: {what}\n", path.display());

    if !transcript.opening.is_empty() && !matches_lines(&fill_in(&transcript.opening, &variables), &shown) {
        wrong.push(complaint(1, &difference(&transcript.opening, &shown)));
        transcript.opening = lines_of(&player.generalize(&generalize(&shown, &variables)));
    }
    for step in &mut transcript.steps {
        if !step.prompt.is_empty() {
            let prompt = player.prompt().unwrap_or_default();
            if prompt.trim_end() != step.prompt {
                wrong.push(complaint(step.line, &format!("the prompt is {prompt:?}")));
                step.prompt = prompt.trim_end().to_owned();
            }
        }
        let line = substitute(&step.text, &variables);
        let heard = match step.action {
            Action::Run => player.run(&line),
            Action::Start => player.start(&line),
            Action::Interrupt => player.interrupt(),
        };
        if let Some(failed) = heard.failed
            && failed != step.fails
        {
            let how = if failed { "failed" } else { "did not fail" };
            let shown = &heard.text;
            wrong.push(complaint(
                step.line,
                &format!("'{}' {how}; it showed:\n{shown}", step.text),
            ));
            step.fails = failed;
        }
        if !matches_lines(&fill_in(&step.expected, &variables), &heard.text) {
            let what = format!(
                "'{}' showed otherwise:\n{}",
                step.text,
                difference(&step.expected, &heard.text)
            );
            wrong.push(complaint(step.line, &what));
            step.expected = lines_of(&player.generalize(&generalize(&heard.text, &variables)));
        }
    }
    player.end();
    wrong.concat()
}

/// The lines of a text without blank ones at its end and without spaces at their ends.
fn lines_of(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(|line| line.trim_end().to_owned()).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

fn difference(expected: &[String], shown: &str) -> String {
    let mut text = String::new();
    for (mark, lines) in [("-", expected.to_vec()), ("+", lines_of(shown))] {
        for line in lines {
            text.push_str(&format!("  {mark} {line}\n"));
        }
    }
    text
}

fn substitute(text: &str, variables: &[(String, String)]) -> String {
    variables.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), value)
    })
}

fn fill_in(lines: &[String], variables: &[(String, String)]) -> Vec<String> {
    lines.iter().map(|line| substitute(line, variables)).collect()
}

/// Names in place of this session's values, so that what is written anew holds in the next session as well.
fn generalize(text: &str, variables: &[(String, String)]) -> String {
    let worth = |value: &str| value.len() > 3;
    let chosen = variables.iter().filter(|(_, value)| worth(value));
    chosen.fold(text.to_owned(), |text, (name, value)| {
        text.replace(value.as_str(), &format!("{{{name}}}"))
    })
}

#[cfg(test)]
mod tests;
