//! `.help` and `?`.

use farsight_session::record::{Help, HelpRow};

use crate::{Paint, View, visible, write_line};

/// Characters of the first column of a table.
const FIRST: usize = 28;

/// One command in full, several as a table.
pub(crate) fn help(out: &mut String, help: &Help, view: &View) {
    match help.rows.as_slice() {
        [only] => full(out, only, view),
        rows => rows.iter().for_each(|row| table_row(out, row, view)),
    }
}

fn full(out: &mut String, row: &HelpRow, view: &View) {
    write_line!(out, "{}", view.paint(Paint::Label, &visible(&row.usage)));
    for text in wrapped(&visible(&row.summary), usize::from(view.width).saturating_sub(4)) {
        write_line!(out, "    {text}");
    }
    if let [_, others @ ..] = row.names.as_slice()
        && !others.is_empty()
    {
        write_line!(out, "    Also: {}", visible(&others.join(", ")));
    }
    for text in &row.details {
        write_line!(out, "    {}", visible(text));
    }
}

fn table_row(out: &mut String, row: &HelpRow, view: &View) {
    let usage = visible(&row.usage);
    let summary = wrapped(
        &visible(&row.summary),
        usize::from(view.width).saturating_sub(FIRST + 1),
    );
    let mut summary = summary.iter();
    if usage.chars().count() > FIRST {
        write_line!(out, "{usage}");
    } else {
        write_line!(out, "{usage:<FIRST$} {}", summary.next().map_or("", String::as_str));
    }
    for text in summary {
        write_line!(out, "{:FIRST$} {text}", "");
    }
}

/// Text in lines of at most `width` characters, words longer than that apart.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(last) if last.chars().count() + 1 + word.chars().count() <= width => {
                last.push(' ');
                last.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
