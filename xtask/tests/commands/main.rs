//! `docs/commands.md` is written from the command table, and compared with the reference's command language.
//! `FARSIGHT_BLESS=1` (or `cargo xtask docs`) writes it anew.

#![allow(clippy::unwrap_used)] // A broken expectation is the test failing.

mod reference;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use farsight_engine::{CommandNeeds, command_rows};

use reference::{MISSING, PARTS, SECTIONS};

/// Text as a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn code(name: &str) -> String {
    format!("`{}`", cell(name))
}

/// Every name of every row.
fn names() -> BTreeSet<&'static str> {
    command_rows().flat_map(|row| row.names).copied().collect()
}

/// Every name that the reference marks, with its section.
fn marked() -> impl Iterator<Item = (&'static str, &'static str)> {
    SECTIONS.iter().flat_map(|section| {
        let names = section.rows.iter().flat_map(|(_, names)| names.split_whitespace());
        names.map(|name| (section.number, name))
    })
}

/// Why a command is not here.
fn reason(name: &str) -> Option<&'static str> {
    let found = MISSING
        .iter()
        .find(|(_, names)| names.split_whitespace().any(|missing| missing == name));
    found.map(|(reason, _)| *reason)
}

/// The command that a word is part of.
fn whole(name: &str) -> Option<&'static str> {
    PARTS.iter().find(|(part, _)| *part == name).map(|(_, whole)| *whole)
}

#[test]
fn every_command_that_the_reference_marks_is_here_or_has_a_reason() {
    let here = names();
    let mut wrong = Vec::new();
    for (section, name) in marked() {
        let known = here.contains(name) || whole(name).is_some_and(|whole| here.contains(whole));
        match (known, reason(name)) {
            (false, None) => wrong.push(format!("'{name}' of {section} is no row and has no reason in MISSING")),
            (true, Some(_)) => wrong.push(format!("'{name}' of {section} is a row: take it out of MISSING")),
            _ => {}
        }
    }
    let all: Vec<&str> = marked().map(|(_, name)| name).collect();
    for name in MISSING.iter().flat_map(|(_, names)| names.split_whitespace()) {
        if !all.contains(&name) {
            wrong.push(format!("'{name}' in MISSING is in no section"));
        }
    }
    for (at, name) in all.iter().enumerate() {
        if all[..at].contains(name) {
            wrong.push(format!("'{name}' is in two sections"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_page_of_commands_is_what_the_table_says() {
    let mut page = String::from(
        "# Commands\n\nWritten from the command table by `cargo xtask docs`. A command that needs rest is refused while \
         the target runs. The role is the lowest that a client of a debugging server needs (`.server tcp:port=5005,role=observer`); \
         the debugger's own console is an owner. Some commands do more with some arguments, which then take more: an \
         observer's `r` shows registers and sets none, an operator's `as` reads no file. The last section sets the commands \
         beside DbgEng's.\n",
    );
    let mut area = "";
    for row in command_rows() {
        if row.area != area {
            area = row.area;
            write!(
                page,
                "\n## {area}\n\n| command | form | what it does | needs | role |\n|---|---|---|---|---|\n"
            )
            .unwrap();
        }
        let names: Vec<String> = row.names.iter().map(|name| code(name)).collect();
        let needs = match row.needs {
            CommandNeeds::Nothing => "",
            CommandNeeds::Target => "a target",
            CommandNeeds::Rest => "rest",
        };
        let (names, usage, summary) = (names.join(" "), cell(row.usage), cell(row.summary));
        writeln!(page, "| {names} | `{usage}` | {summary} | {needs} | {} |", row.role).unwrap();
    }
    page.push_str(&beside_the_reference());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/commands.md");
    if std::env::var_os("FARSIGHT_BLESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/commands.md is stale; cargo xtask docs writes it anew"
    );
}

/// The reference's commands, each with whether it is here.
fn beside_the_reference() -> String {
    let here = names();
    let mut page = String::from(
        "\n## Beside DbgEng\n\nThe commands of the reference's section 5 that are essential (E) to a console debugger, or that \
         anyone who comes from DbgEng expects (X).\n\n| section | mark | here | missing |\n|---|---|---|---|\n",
    );
    for section in SECTIONS {
        for (mark, names) in section.rows {
            let (there, gone): (Vec<&str>, Vec<&str>) = names.split_whitespace().partition(|name| {
                let whole = whole(name).unwrap_or(name);
                here.contains(whole)
            });
            let there: Vec<String> = there.iter().map(|name| code(name)).collect();
            // Neighbours that are missing for the same reason share it.
            let mut why: Vec<(&str, Vec<String>)> = Vec::new();
            for name in gone {
                let reason = reason(name).unwrap_or("no reason given");
                match why.iter_mut().find(|(known, _)| *known == reason) {
                    Some((_, names)) => names.push(code(name)),
                    None => why.push((reason, vec![code(name)])),
                }
            }
            let why: Vec<String> = why
                .iter()
                .map(|(reason, names)| format!("{}: {reason}", names.join(" ")))
                .collect();
            let (number, title) = (section.number, section.title);
            let (there, why) = (there.join(" "), why.join("; "));
            writeln!(page, "| {number} {title} | {mark} | {there} | {why} |").unwrap();
        }
    }
    page
}
