//! Which rows of the command table the transcripts of a folder cover.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Transcript, files_of};

/// What is to be covered and by which files.
#[derive(Debug)]
pub struct Coverage<'a> {
    /// Where the transcripts are.
    pub folder: &'a Path,
    /// The usual name of every row.
    pub rows: Vec<&'static str>,
    /// Rows that no transcript covers yet. The list can only shrink: a row of it that is covered is an error.
    pub not_yet: &'a [&'a str],
    /// The usual names of the rows that a line's commands lead to.
    pub rows_of_line: fn(&str) -> Vec<&'static str>,
}

impl Coverage<'_> {
    /// # Panics
    /// When a row is neither covered nor in the list, or in the list and covered or no row. A command that only fails
    /// is not covered.
    pub fn check(&self) {
        let mut covered = BTreeSet::new();
        for path in files_of(self.folder) {
            let text = std::fs::read_to_string(&path).unwrap();
            let transcript = Transcript::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            for step in transcript.steps.iter().filter(|step| !step.fails) {
                covered.extend((self.rows_of_line)(&step.text));
            }
        }
        let mut wrong = Vec::new();
        for row in &self.rows {
            match (covered.contains(row), self.not_yet.contains(row)) {
                (false, false) => wrong.push(format!("'{row}' is in no transcript of {}", self.folder.display())),
                (true, true) => wrong.push(format!("'{row}' is covered: take it out of NOT_YET")),
                _ => {}
            }
        }
        let unknown = self.not_yet.iter().filter(|name| !self.rows.contains(name));
        wrong.extend(unknown.map(|name| format!("'{name}' in NOT_YET is no row's usual name")));
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
