//! The threat model names a test for each rule; each test that it names is there.

use std::collections::BTreeSet;

use super::none;
use super::project::{Source, read, sources};

/// What stands in the page as [`name`].
fn named(page: &str) -> Vec<&str> {
    let behind = page.split("[`").skip(1);
    behind
        .filter_map(|text| text.split_once("`]"))
        .map(|(name, _)| name)
        .collect()
}

fn tests_of(sources: &[Source]) -> BTreeSet<&str> {
    let lines = sources.iter().flat_map(|source| source.text.lines());
    let names = lines.filter_map(|line| line.trim_start().strip_prefix("pub ").or(Some(line.trim_start())));
    names
        .filter_map(|line| line.strip_prefix("fn ")?.split_once('('))
        .map(|(name, _)| name)
        .collect()
}

fn missing(page: &str, sources: &[Source]) -> Vec<String> {
    let tests = tests_of(sources);
    let missing = named(page).into_iter().filter(|name| !tests.contains(name));
    missing
        .map(|name| format!("SECURITY.md: there is no test {name}"))
        .collect()
}

#[test]
fn every_test_of_the_threat_model_is_there() {
    let page = read("SECURITY.md");
    assert!(named(&page).len() > 40, "the page names hardly any test");
    none("SECURITY.md names the tests of its rules", missing(&page, &sources()));
}

#[test]
fn a_test_that_is_not_there_is_missed() {
    let here = [Source::invented(
        "crates/a/tests/b.rs",
        "#[test]\nfn holds() {}\n    pub fn too(x: u8) {}\n",
    )];
    assert!(missing("it holds [`holds`] [`too`]", &here).is_empty());
    assert_eq!(missing("it holds [`falls`]", &here).len(), 1);
}
