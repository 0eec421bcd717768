//! A transcript's text: what its lines mean, and writing it back.

use std::fmt::{self, Display, Formatter};

/// Settings of a session, in their order: a name and what follows it, such as `attach` and ``.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(pub Vec<(String, String)>);

impl Settings {
    /// What follows a setting; none where it is not there.
    pub fn get<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// What follows each setting of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Settings `file PATH` followed by lines that begin with `|`: the paths and the contents.
    pub fn files(&self) -> Vec<(String, String)> {
        let mut files: Vec<(String, String)> = Vec::new();
        for (name, value) in &self.0 {
            match name.as_str() {
                "file" => files.push((value.clone(), String::new())),
                "|" => {
                    if let Some((_, content)) = files.last_mut() {
                        content.push_str(value);
                        content.push('\n');
                    }
                }
                _ => {}
            }
        }
        files
    }

    /// # Panics
    /// When a setting is not one of these: a misspelt one would change nothing.
    #[track_caller]
    pub fn expect_only(&self, known: &[&str]) {
        for (name, _) in &self.0 {
            assert!(
                name == "|" || known.contains(&name.as_str()),
                "there is no setting '@{name}': {known:?}"
            );
        }
    }
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Runs a line to its end.
    Run,
    /// Starts a line that sets the target going.
    Start,
    /// Breaks in.
    Interrupt,
}

/// A command and what it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where it stands in the file, counted from 1.
    pub line: usize,
    /// Comment lines and blank lines before it.
    pub before: Vec<String>,
    /// The prompt up to the `>`; empty where any will do.
    pub prompt: String,
    /// Whether it must fail.
    pub fails: bool,
    /// What is done.
    pub action: Action,
    /// The line that is typed.
    pub text: String,
    /// What it shows.
    pub expected: Vec<String>,
}

/// A whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    head: Vec<String>,
    /// How the session begins.
    pub settings: Settings,
    /// What is shown until the first prompt; not compared when empty.
    pub opening: Vec<String>,
    /// The commands.
    pub steps: Vec<Step>,
    behind: Vec<String>,
}

/// A line that is a command: how it begins, and what is typed.
fn command(line: &str) -> Option<(bool, &str, Action, &str)> {
    if line == "^C" {
        return Some((false, "", Action::Interrupt, ""));
    }
    let (fails, rest) = match line.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let (prompt, rest) = rest.split_once('>')?;
    let plain = |letter: char| letter.is_ascii_digit() || matches!(letter, ':' | '|' | '-');
    let is_prompt = prompt.chars().all(plain) && (prompt.is_empty() || prompt.contains(':'));
    let (action, rest) = match rest.strip_prefix('&') {
        Some(rest) => (Action::Start, rest),
        None => (Action::Run, rest),
    };
    let text = match rest {
        "" => "",
        rest => rest.strip_prefix(' ')?,
    };
    is_prompt.then_some((
        fails,
        if prompt.is_empty() {
            ""
        } else {
            &line[usize::from(fails)..=usize::from(fails) + prompt.len()]
        },
        action,
        text,
    ))
}

impl Transcript {
    /// Reads a file's text.
    pub fn parse(text: &str) -> Result<Transcript, String> {
        let mut transcript = Transcript::default();
        // Comments and blank lines wait here until it is clear that they stand before a command.
        let mut waiting: Vec<String> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim_end();
            let number = index + 1;
            if line.is_empty() || line.starts_with("##") {
                waiting.push(line.to_owned());
            } else if let Some((fails, prompt, action, text)) = command(line) {
                transcript.steps.push(Step {
                    line: number,
                    before: std::mem::take(&mut waiting),
                    prompt: prompt.to_owned(),
                    fails,
                    action,
                    text: text.to_owned(),
                    expected: Vec::new(),
                });
            } else if let Some(step) = transcript.steps.last_mut() {
                let comment = waiting.iter().find(|line| !line.is_empty());
                if let Some(comment) = comment {
                    return Err(format!("line {number}: output behind the comment '{comment}'"));
                }
                step.expected.append(&mut waiting);
                // A backslash keeps a line that looks like a command from being one.
                step.expected.push(line.strip_prefix('\\').unwrap_or(line).to_owned());
            } else if let Some(setting) = line.strip_prefix(['@', '|']) {
                let (name, value) = match line.starts_with('|') {
                    true => ("|", setting),
                    false => setting.split_once(' ').unwrap_or((setting, "")),
                };
                transcript.settings.0.push((name.to_owned(), value.to_owned()));
                transcript.head.append(&mut waiting);
                transcript.head.push(line.to_owned());
            } else {
                let target = if transcript.opening.is_empty() {
                    &mut transcript.head
                } else {
                    &mut transcript.opening
                };
                target.append(&mut waiting);
                transcript.opening.push(line.to_owned());
            }
        }
        transcript.behind = waiting;
        match transcript.steps.is_empty() {
            true => Err("it has no command".into()),
            false => Ok(transcript),
        }
    }
}

impl Display for Transcript {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for line in self.head.iter().chain(&self.opening) {
            writeln!(f, "{line}")?;
        }
        for step in &self.steps {
            for line in &step.before {
                writeln!(f, "{line}")?;
            }
            let fails = if step.fails { "!" } else { "" };
            let prompt = if step.prompt.is_empty() { ">" } else { &step.prompt };
            let head = match step.action {
                Action::Interrupt => "^C".to_owned(),
                Action::Run => format!("{fails}{prompt} {}", step.text),
                Action::Start => format!("{fails}{prompt}& {}", step.text),
            };
            writeln!(f, "{}", head.trim_end())?;
            for line in &step.expected {
                let special = command(line).is_some() || line.starts_with("##") || line.starts_with('\\');
                writeln!(f, "{}{line}", if special { "\\" } else { "" })?;
            }
        }
        for line in &self.behind {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}
