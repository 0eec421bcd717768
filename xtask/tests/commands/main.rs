//! `docs/commands.md` is written from the command table. `FARSIGHT_BLESS=1` (or `cargo xtask docs`) writes it anew.

#![allow(clippy::unwrap_used)] // A broken expectation is the test failing.

use std::fmt::Write as _;
use std::path::Path;

use farsight_engine::{CommandNeeds, command_rows};

/// Text as a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[test]
fn the_page_of_commands_is_what_the_table_says() {
    let mut page = String::from(
        "# Commands\n\nWritten from the command table by `cargo xtask docs`. A command that needs rest is refused while \
         the target runs.\n\n| command | form | what it does | needs |\n|---|---|---|---|\n",
    );
    for row in command_rows() {
        let names: Vec<String> = row.names.iter().map(|name| format!("`{}`", cell(name))).collect();
        let needs = match row.needs {
            CommandNeeds::Nothing => "",
            CommandNeeds::Target => "a target",
            CommandNeeds::Rest => "rest",
        };
        let (names, usage, summary) = (names.join(" "), cell(row.usage), cell(row.summary));
        writeln!(page, "| {names} | `{usage}` | {summary} | {needs} |").unwrap();
    }
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
