//! Rules about words: one name for each thing, and a map that names every crate.

use crate::none;
use crate::project::{Source, crates, read, sources};

/// A word that has another name here, the name, and where it may stand all the same.
const OTHER_WORDS: &[(&str, &str, &str)] = &[
    ("inferior", "target or debuggee", ""),
    ("dso", "module or image", ""),
    ("tracee", "debuggee", "crates/linux/src/sys"),
    ("frontend", "client", ""),
    ("daemon", "server", ""),
];

#[test]
fn things_have_one_name() {
    none(
        "a word that has another name here",
        sources().iter().flat_map(other_words).collect(),
    );
}

#[test]
fn the_map_names_every_crate() {
    let map = read("ARCHITECTURE.md");
    let missing = crates()
        .into_iter()
        .filter(|name| !map.contains(&format!("crates/{name}")));
    none("ARCHITECTURE.md does not name a crate", missing.collect());
}

#[test]
fn the_word_rules_can_fail() {
    let source = Source::invented("crates/engine/src/a.rs", "fn stop_inferior(theDso: u8) {} // tracee\n");
    assert_eq!(other_words(&source).len(), 2);
    let source = Source::invented("crates/linux/src/sys/a.rs", "fn stop_tracee() {}\n");
    assert_eq!(other_words(&source).len(), 0);
}

fn other_words(source: &Source) -> Vec<String> {
    if !source.path.starts_with("crates/") || !source.path.contains("/src/") {
        return Vec::new();
    }
    // One complaint for each word: a file that has one has many.
    let mut complaints = Vec::new();
    for (other, ours, allowed) in OTHER_WORDS {
        if !allowed.is_empty() && source.path.starts_with(allowed) {
            continue;
        }
        let has_it = |line: &str| {
            let code = line.split_once("//").map_or(line, |(code, _)| code);
            words(code).iter().any(|word| word == other)
        };
        let lines = source.text.lines().enumerate().filter(|(_, line)| has_it(line));
        let numbers: Vec<usize> = lines.map(|(index, _)| index + 1).collect();
        if let Some(first) = numbers.first() {
            complaints.push(source.at(*first, &format!("`{other}` is {ours} here ({} lines)", numbers.len())));
        }
    }
    complaints
}

/// The words that names are made of, in lower case: `stop_inferior` and `StopInferior` both have two.
fn words(code: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before_was_lower = false;
    for character in code.chars() {
        if !character.is_alphanumeric() || (character.is_uppercase() && before_was_lower) {
            words.push(String::new());
        }
        if character.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(character.to_lowercase());
        }
        before_was_lower = character.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}
