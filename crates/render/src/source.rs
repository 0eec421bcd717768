//! Source positions and source lines.
//!
//! Source files are read where the viewer sits, by whoever implements [`Sources`]; everything else about them is here.

use farsight_session::record::{SourceLines, SourceOfPlace, SourcePosition};

use crate::{Paint, View, visible, visible_with_tabs, write_line};

/// Most characters of a source line that are shown.
const MOST_CHARACTERS: usize = 500;

/// What a source file has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceText {
    /// The lines that are there, from the first that was asked for on, without their ends.
    pub lines: Vec<String>,
    /// What the user should know of the file, once: where it was found, that it is another than was compiled.
    pub notes: Vec<String>,
    /// Why there are no lines.
    pub trouble: Option<String>,
}

/// Finds and reads source files.
pub trait Sources {
    /// Reads lines of a file.
    fn read(&self, wanted: &SourceLines) -> SourceText;
}

/// For those who have no source files.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSources;

impl Sources for NoSources {
    fn read(&self, _: &SourceLines) -> SourceText {
        SourceText {
            trouble: Some(String::from("source files are not read here")),
            ..SourceText::default()
        }
    }
}

/// `[path @ line]`, as DbgEng shows it behind symbols.
pub(crate) fn position(source: &SourcePosition) -> String {
    format!("[{} @ {}]", visible(&source.path), source.line)
}

/// `ls`, `lsa`, `lsf`. Tells whether there was a line.
pub(crate) fn lines(out: &mut String, wanted: &SourceLines, view: &View, sources: &dyn Sources) -> bool {
    let found = sources.read(wanted);
    for note in &found.notes {
        write_line!(out, "{}", view.paint(Paint::Warning, &visible(note)));
    }
    if let Some(trouble) = found.trouble.as_ref().filter(|_| !wanted.quiet) {
        write_line!(out, "{}", view.paint(Paint::Warning, &visible(trouble)));
    }
    for (number, text) in (wanted.first..).zip(&found.lines) {
        let is_current = wanted.current == Some(number);
        let mark = if is_current { '>' } else { ' ' };
        let cut = text.char_indices().nth(MOST_CHARACTERS);
        let shown = match cut {
            Some((end, _)) => visible_with_tabs(text.get(..end).unwrap_or_default()) + " ...",
            None => visible_with_tabs(text),
        };
        let row = format!("{mark}{number:>5}: {shown}");
        match is_current {
            true => write_line!(out, "{}", view.paint(Paint::Current, row.trim_end())),
            false => write_line!(out, "{}", row.trim_end()),
        }
    }
    !found.lines.is_empty()
}

/// The source of the place where a thread stands. Tells whether it is all that is to be shown.
pub(crate) fn of_place(out: &mut String, source: &SourceOfPlace, view: &View, sources: &dyn Sources) -> bool {
    let mut text = String::new();
    let wanted = source.lines.as_ref();
    let shown = wanted.is_some_and(|wanted| lines(&mut text, wanted, view, sources));
    // Where there is no text, the position stands for it.
    if source.shows_position || source.alone && !shown {
        let path = visible(&source.position.path);
        let line = source.position.line;
        match source.displacement {
            0 => write_line!(out, "{path}({line})"),
            distance => write_line!(out, "{path}({line})+{distance:#x}"),
        }
    }
    out.push_str(&text);
    shown && source.alone
}
