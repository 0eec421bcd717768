//! `l+ l- .lines ls lsa lsc lsf lsp`: source lines. What is in a file is read where the viewer sits.

use farsight_session::Record;
use farsight_session::record::SourceLines;
use farsight_symbols::{FilePattern, LineRow, SourceFile};
use farsight_types::Address;

use super::{Invocation, Needs, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::take_word;
use crate::session::{Session, SourceSettings, StepFilter};

/// A row of a command that asks no target.
const fn row(
    names: &'static [&'static str],
    usage: &'static str,
    summary: &'static str,
    needs: Needs,
    run: fn(&mut Session, &Invocation<'_>) -> Result<Flow, CommandError>,
) -> Row {
    Row {
        needs,
        ..super::row(names, usage, summary, run)
    }
}

pub(super) const ROWS: &[Row] = &[
    row(
        &["l+", "l+l", "l+o", "l+s", "l+t", "l+*"],
        "l+{t|l|s|o|*}",
        "Switches on: t steps by source line, l shows file and line of places, s the text of the line, o nothing but that; without a letter it shows what is on.",
        Needs::Nothing,
        |session, invocation| switch(session, invocation, true),
    ),
    row(
        &["l-", "l-l", "l-o", "l-s", "l-t", "l-*"],
        "l-{t|l|s|o|*}",
        "Switches off what l+ switches on.",
        Needs::Nothing,
        |session, invocation| switch(session, invocation, false),
    ),
    row(
        &[".lines"],
        ".lines [-e|-d|-t]",
        "Switches source lines on (-e), off (-d) or over; they are on to begin with.",
        Needs::Nothing,
        lines,
    ),
    row(
        &["ls"],
        "ls [.] [First] [,Count]",
        "Shows lines of the current source file, going on behind the last; ls . from the current line on.",
        Needs::Nothing,
        list,
    ),
    row(
        &["lsa"],
        "lsa Address [,First [,Count]]",
        "Shows the source lines around an address, or First lines from its line, and makes its file the current one.",
        Needs::Target,
        list_at,
    ),
    row(
        &["lsc"],
        "lsc",
        "Shows which source file and line ls goes on with.",
        Needs::Nothing,
        current,
    ),
    row(
        &["lsf"],
        "lsf[-] File",
        "Makes a source file the current one, by the end of its path as the debug information has it; lsf- forgets it.",
        Needs::Nothing,
        load,
    ),
    row(
        &["lsp"],
        "lsp [-a] [Before Behind]",
        "Sets how many lines stops show before and behind the current one; with -a, lsa as well.",
        Needs::Nothing,
        around,
    ),
    row(
        &[".step_filter"],
        ".step_filter [\"Pattern[;Pattern ...]\"] [/c]",
        "Functions (module!function, with wildcards) that t by source line steps over; /c clears the list, which begins with the C and C++ run-time libraries. Without arguments shows it.",
        Needs::Nothing,
        step_filter,
    ),
];

/// Lines of a listing without a count.
const DEFAULT_COUNT: u32 = 10;
/// Most lines of a listing.
const MOST_COUNT: u32 = 100_000;

fn switch(session: &mut Session, invocation: &Invocation<'_>, on: bool) -> Result<Flow, CommandError> {
    let joined = invocation.name.get(2..).unwrap_or_default();
    let text = invocation.text.trim();
    let option = if joined.is_empty() { text } else { joined };
    if !joined.is_empty() {
        invocation.expect_end(text)?;
    }
    let settings = &mut session.sources;
    match option {
        "t" => settings.steps_lines = on,
        "l" => settings.shows_position = on,
        "s" => settings.shows_text = on,
        "o" => settings.shows_text_alone = on,
        "*" => {
            settings.steps_lines = on;
            settings.shows_position = on;
            settings.shows_text = on;
            settings.shows_text_alone = on;
        }
        "" => {}
        other => {
            return Err(CommandError::syntax(
                invocation.at,
                format!("'{other}' is no source option: t, l, s, o and * are"),
            ));
        }
    }
    let lines = options(&session.sources);
    session.output.record(Record::Lines(lines));
    Ok(Flow::Done)
}

fn options(settings: &SourceSettings) -> Vec<String> {
    let all = [
        (settings.steps_lines, 1, "1/t - Step/trace by source line"),
        (settings.shows_position, 2, "2/l - List source line for LN and prompt"),
        (settings.shows_text, 4, "4/s - List source code at prompt"),
        (settings.shows_text_alone, 8, "8/o - Only show source code at prompt"),
    ];
    let bits: u32 = all.iter().filter(|(on, ..)| *on).map(|(_, bit, _)| bit).sum();
    let on = all.iter().filter(|(on, ..)| *on);
    let mut lines = vec![match bits {
        0 => String::from("Source options are 0: None"),
        bits => format!("Source options are {bits:x}:"),
    }];
    lines.extend(on.map(|(_, _, text)| format!("    {text}")));
    lines
}

fn lines(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let settings = &mut session.sources;
    settings.has_lines = match invocation.text.trim() {
        "-e" => true,
        "-d" => false,
        "-t" | "" => !settings.has_lines,
        other => return Err(invocation.unexpected(other)),
    };
    let text = match session.sources.has_lines {
        true => "Line number information will be loaded",
        false => "Line number information will not be loaded",
    };
    session.output.line(text);
    Ok(Flow::Done)
}

/// A line's number or a count of lines: decimal, as lines are shown.
fn number(invocation: &Invocation<'_>, word: &str) -> Result<u32, CommandError> {
    let parsed = match word.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => word.strip_prefix("0n").unwrap_or(word).parse(),
    };
    parsed.map_err(|_| CommandError::syntax(invocation.position_of(word), format!("'{word}' is no number of lines")))
}

fn count(invocation: &Invocation<'_>, word: &str) -> Result<u32, CommandError> {
    match number(invocation, word)? {
        count @ 1..=MOST_COUNT => Ok(count),
        _ => Err(CommandError::syntax(
            invocation.position_of(word),
            format!("a count of lines is from 1 to {MOST_COUNT}"),
        )),
    }
}

/// The file and the line of the current place.
fn here(session: &mut Session) -> Result<(SourceFile, u32), CommandError> {
    let pc = session.registers()?.pc();
    at_address(session, pc)
}

fn at_address(session: &mut Session, address: Address) -> Result<(SourceFile, u32), CommandError> {
    let row = session.line_at(address)?;
    let row = row.ok_or_else(|| CommandError::Refused(format!("no source line is known of {address}")))?;
    Ok((SourceFile::clone(&row.file), row.line))
}

fn show(session: &mut Session, file: SourceFile, first: u32, count: u32, current: Option<u32>) {
    let wanted = SourceLines {
        current,
        ..session.source_lines(&file, first, count)
    };
    session.sources.file = Some((file, first.saturating_add(count)));
    session.output.record(Record::Source(wanted));
}

fn list(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let text = invocation.text.trim();
    let (from_here, text) = match text.strip_prefix('.') {
        Some(text) => (true, text.trim()),
        None => (false, text),
    };
    let (first, number_of) = match text.split_once(',') {
        Some((first, count)) => (first.trim(), count.trim()),
        None => {
            let (first, rest) = take_word(text);
            (first, rest)
        }
    };
    let wanted = match number_of {
        "" => DEFAULT_COUNT,
        word => count(invocation, word)?,
    };
    session.sources.file_is_named &= !from_here;
    let marked = here(session).ok();
    let (file, next) = match session.sources.file.clone().filter(|_| !from_here) {
        Some(known) => known,
        None => match &marked {
            Some(marked) => marked.clone(),
            None => here(session)?,
        },
    };
    let first = match first {
        "" => next,
        word => number(invocation, word)?,
    };
    let current = marked.filter(|(of, _)| *of == file).map(|(_, line)| line);
    show(session, file, first.max(1), wanted, current);
    Ok(Flow::Done)
}

fn list_at(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let text = invocation.text.trim();
    if text.is_empty() {
        return Err(invocation.missing("an address"));
    }
    let (address, rest) = session.evaluate_prefix(invocation.text, invocation.at)?;
    let (first, rest) = take_word(rest);
    let (number_of, rest) = take_word(rest);
    invocation.expect_end(rest)?;
    let (file, line) = at_address(session, Address(address))?;
    let (before, behind) = match session.sources.around_everywhere {
        true => session.sources.around,
        false => (DEFAULT_COUNT / 2, DEFAULT_COUNT - DEFAULT_COUNT / 2 - 1),
    };
    let (first, wanted) = match (first, number_of) {
        ("", _) => {
            let first = line.saturating_sub(before).max(1);
            (first, (line - first).saturating_add(behind).saturating_add(1))
        }
        // Like the range of other commands: so many lines from the address's on.
        (one, "") => (line, count(invocation, one)?),
        (first, number_of) => (number(invocation, first)?.max(1), count(invocation, number_of)?),
    };
    show(session, file, first, wanted, Some(line));
    Ok(Flow::Done)
}

fn step_filter(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let text = invocation.text.trim();
    match text {
        "/c" => session.sources.step_filter = StepFilter::parse(""),
        "" => {}
        _ => {
            let patterns = text.strip_prefix('"').map_or(Some(text), |text| text.strip_suffix('"'));
            let patterns = patterns.ok_or_else(|| invocation.unexpected(text))?;
            session.sources.step_filter = StepFilter::parse(patterns);
        }
    }
    let filter = &session.sources.step_filter;
    let lines = match filter.is_empty() {
        true => vec![String::from(
            "Step filter is empty: t by source line enters every function that has lines",
        )],
        false => {
            let texts = filter.texts().map(|text| format!("    {text}"));
            std::iter::once(String::from("Stepped over by t:"))
                .chain(texts)
                .collect()
        }
    };
    session.output.record(Record::Lines(lines));
    Ok(Flow::Done)
}

fn current_line(session: &mut Session) -> Option<LineRow> {
    let pc = session.registers().ok()?.pc();
    session.line_at(pc).ok()?
}

fn current(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    invocation.expect_end(invocation.text)?;
    let text = match &session.sources.file {
        Some((file, line)) => format!("Current: {}({line})", file.path),
        // Nothing was named or shown yet: where the current thread is.
        None => match current_line(session) {
            Some(row) => format!("Current: {}({})", row.file.path, row.line),
            None => String::from("No current source file"),
        },
    };
    session.output.record(Record::line(text));
    Ok(Flow::Done)
}

fn load(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let text = invocation.text.trim();
    if let Some(rest) = text.strip_prefix('-') {
        let rest = rest.trim();
        let pattern = FilePattern::new(rest);
        let is_meant = |path: &str| pattern.as_ref().is_none_or(|pattern| pattern.matches(path));
        session.sources.file = session.sources.file.take().filter(|(file, _)| !is_meant(&file.path));
        session.sources.file_is_named &= session.sources.file.is_some();
        return Ok(Flow::Done);
    }
    let text = text.trim_matches('"');
    if text.is_empty() {
        return Err(invocation.missing("a source file"));
    }
    // What no debug information names may still be a file of the viewer's machine.
    let named = match session.current {
        Some(_) => session.source_file(text)?,
        None => None,
    };
    let file = named.unwrap_or_else(|| SourceFile {
        path: text.to_owned(),
        md5: None,
    });
    session
        .output
        .record(Record::line(format!("Current: {}(1)", file.path)));
    session.sources.file = Some((file, 1));
    session.sources.file_is_named = true;
    Ok(Flow::Done)
}

fn around(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let text = invocation.text.trim();
    let (everywhere, text) = match text.strip_prefix("-a") {
        Some(text) => (true, text.trim()),
        None => (false, text),
    };
    if !text.is_empty() {
        let (before, rest) = take_word(text);
        let (behind, rest) = take_word(rest);
        invocation.expect_end(rest)?;
        if behind.is_empty() {
            return Err(invocation.missing("the number of lines behind"));
        }
        let around = (number(invocation, before)?, number(invocation, behind)?);
        if around.0.max(around.1) > MOST_COUNT {
            return Err(CommandError::syntax(
                invocation.at,
                format!("at most {MOST_COUNT} lines"),
            ));
        }
        session.sources.around = around;
        session.sources.around_everywhere = everywhere;
    }
    let (before, behind) = session.sources.around;
    let both = match session.sources.around_everywhere {
        true => "At the prompt and for lsa",
        false => "At the prompt",
    };
    let text = format!("{both}, {before} lines before and {behind} behind the current one are shown");
    session.output.line(text);
    Ok(Flow::Done)
}
