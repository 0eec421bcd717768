//! What stands behind `dt`.

use farsight_session::record::LayoutOptions;
use farsight_symbols::Pattern;

use super::Named;
use super::layout::LayoutLimits;
use crate::commands::Invocation;
use crate::error::CommandError;
use crate::expression::take_word;
use crate::session::Session;
use crate::values::Value;

/// Levels of `-r`.
const MOST_LEVELS: u32 = 32;
/// Elements of an array that `-a` shows.
const MOST_ELEMENTS: u64 = 1000;
/// Fields that one command names.
const MOST_FIELDS: usize = 64;

/// See the module.
#[derive(Default)]
pub(super) struct Arguments<'t> {
    /// All behind the options.
    pub(super) whole: &'t str,
    pub(super) name: String,
    /// What follows the name.
    pub(super) rest: &'t str,
    /// `-l`.
    pub(super) list: Option<&'t str>,
    pub(super) options: LayoutOptions,
    pub(super) only_types: bool,
    pub(super) verbose: bool,
    /// `-d`: the fields of all types that match.
    pub(super) dumps: bool,
    /// `-s`.
    pub(super) size: Option<u64>,
    levels: u32,
    blocks: bool,
    elements: Option<u64>,
    prefixes: bool,
}

/// `a.b..`: the names, and how many levels of fields behind them.
#[derive(Clone)]
pub(super) struct FieldPath {
    pub(super) names: Vec<FieldName>,
    pub(super) levels: u32,
}

/// One name of a path.
#[derive(Clone)]
pub(super) enum FieldName {
    Exact(String),
    Prefix(String),
    Pattern(String),
}

impl FieldName {
    fn new(name: &str, prefixes: bool) -> FieldName {
        match name {
            name if name.contains(['*', '?']) => FieldName::Pattern(name.to_owned()),
            name if prefixes => FieldName::Prefix(name.to_owned()),
            name => FieldName::Exact(name.to_owned()),
        }
    }

    pub(super) fn matches(&self, field: &str) -> bool {
        // Fields of tuples are `__0` in debug information and `0` for people.
        let bare = field.strip_prefix("__").unwrap_or(field);
        match self {
            FieldName::Exact(name) => name == field || name == bare,
            FieldName::Prefix(name) => field.starts_with(name.as_str()),
            FieldName::Pattern(pattern) => Pattern::new(pattern).matches(field),
        }
    }
}

impl<'t> Arguments<'t> {
    pub(super) fn parse(session: &mut Session, invocation: &Invocation<'t>) -> Result<Arguments<'t>, CommandError> {
        let mut arguments = Arguments::default();
        let mut rest = invocation.text.trim();
        while let (word, behind) = take_word(rest)
            && word.starts_with('-')
        {
            rest = arguments.option(session, invocation, word, behind)?;
        }
        arguments.whole = rest;
        if let Some((before, list)) = rest.rsplit_once(" -l ") {
            arguments.list = Some(list.trim());
            rest = before.trim_end();
        }
        let plain = ["struct ", "union ", "class ", "enum "]
            .into_iter()
            .find_map(|word| rest.strip_prefix(word));
        rest = plain.unwrap_or(rest).trim_start();
        let end = end_of_name(rest);
        let (name, behind) = rest.split_at(end);
        arguments.rest = behind.trim_start();
        arguments.name = match (name, &session.memos.type_name) {
            (".", Some(last)) => last.clone(),
            (name, _) => name.to_owned(),
        };
        if name.is_empty() {
            return Err(invocation.missing("a type or a variable"));
        }
        Ok(arguments)
    }

    fn option(
        &mut self,
        session: &mut Session,
        invocation: &Invocation<'_>,
        word: &str,
        behind: &'t str,
    ) -> Result<&'t str, CommandError> {
        let at = invocation.position_of(behind);
        let wrong = |what: &str| Err(CommandError::Refused(format!("dt {word}: {what}")));
        let number = |prefix: &str| word.strip_prefix(prefix).and_then(|number| number.parse::<u64>().ok());
        match word {
            "-b" => self.blocks = true,
            "-c" => self.options.compact = true,
            "-d" => self.dumps = true,
            "-i" => self.options.no_indent = true,
            "-o" => self.options.no_offsets = true,
            "-t" => self.only_types = true,
            "-v" => self.verbose = true,
            "-y" => self.prefixes = true,
            // Names stand for themselves, and types are listed by patterns anyway.
            "-n" | "-e" => {}
            "-s" => {
                let (size, behind) = session.evaluate_prefix(behind, at)?;
                self.size = Some(size);
                return Ok(behind);
            }
            "-p" => return wrong("there are no physical addresses in user mode"),
            "-h" => return wrong(".help dt explains it"),
            "-r" => self.levels = MOST_LEVELS,
            "-a" => self.elements = Some(MOST_ELEMENTS),
            _ if number("-r").is_some() => {
                let levels = number("-r").unwrap_or(0).min(MOST_LEVELS.into());
                self.levels = levels as u32;
            }
            _ if number("-a").is_some() => self.elements = Some(number("-a").unwrap_or(0).min(MOST_ELEMENTS)),
            _ => {
                return Err(CommandError::syntax(
                    invocation.position_of(behind).saturating_sub(word.len() + 1),
                    format!("dt has no option '{word}'"),
                ));
            }
        }
        Ok(behind)
    }

    /// The pattern of types, where the name is one.
    pub(super) fn pattern(&self) -> Option<&str> {
        let is_wild = self.name.contains('?') || self.name.contains('*') && !self.name.ends_with(" *");
        (is_wild && self.rest.is_empty() && !self.name.contains("* ")).then_some(self.name.as_str())
    }

    pub(super) fn limits(&self) -> LayoutLimits {
        LayoutLimits {
            levels: if self.blocks { MOST_LEVELS } else { self.levels },
            pointers: !self.blocks,
            elements: match self.elements {
                None if self.blocks => Some(MOST_ELEMENTS),
                elements => elements,
            },
            verbose: self.verbose,
        }
    }

    /// The fields that are named behind the type; `rest` becomes what follows them.
    pub(super) fn fields(
        &self,
        session: &mut Session,
        named: &Named,
        rest: &mut &str,
    ) -> Result<Vec<FieldPath>, CommandError> {
        let mut paths = Vec::new();
        let mut prefixes = self.prefixes;
        loop {
            let (word, behind) = take_word(rest);
            if word == "-y" || word == "-n" {
                prefixes = word == "-y";
                *rest = behind;
                continue;
            }
            if word.is_empty() || paths.len() >= MOST_FIELDS {
                return Ok(paths);
            }
            let path = FieldPath::parse(word, prefixes);
            if !is_field(session, named, &path)? {
                return Ok(paths);
            }
            paths.push(path);
            *rest = behind;
        }
    }
}

impl FieldPath {
    fn parse(word: &str, prefixes: bool) -> FieldPath {
        let bare = word.trim_end_matches('.');
        let names = bare.split('.').map(|name| FieldName::new(name, prefixes));
        FieldPath {
            names: names.collect(),
            levels: u32::try_from(word.len() - bare.len())
                .unwrap_or(MOST_LEVELS)
                .min(MOST_LEVELS),
        }
    }
}

/// Whether a type has a field that a path may begin with. What is none is an address.
fn is_field(session: &mut Session, named: &Named, path: &FieldPath) -> Result<bool, CommandError> {
    let Some(first) = path.names.first().cloned() else {
        return Ok(false);
    };
    let process = session.process()?;
    let module = process
        .modules
        .iter()
        .position(|module| module.image.base == named.module);
    let Some(module) = module else {
        return Ok(false);
    };
    let scope = session.global_scope();
    let value = Value::memory(module, named.of.clone(), farsight_types::Address(0));
    session.with_values(&scope, &[module], |ground| {
        let mut value = value.clone();
        if let Ok(found) = ground.stripped(module, &value.type_ref)
            && let Some(target) = found.target()
        {
            value.type_ref = target.clone();
        }
        super::layout::has_field(ground, &value, &first)
    })
}

/// Where a type's name ends: at a space outside of brackets, with the stars behind it.
fn end_of_name(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut end = text.len();
    for (at, letter) in text.char_indices() {
        match letter {
            '<' | '(' | '[' | '{' => depth += 1,
            '>' | ')' | ']' | '}' => depth = depth.saturating_sub(1),
            ' ' | '\t' | ',' if depth == 0 => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    // `unsigned int`, `Node *`.
    let words = ["unsigned", "signed", "long", "short"];
    let (first, behind) = text.split_at(end);
    if words.contains(&first) {
        let next = behind.trim_start();
        let word = next.split([' ', '\t', '*']).next().unwrap_or_default();
        if ["int", "char", "long", "short", "double"].contains(&word) || words.contains(&word) {
            let skipped = end + (behind.len() - next.len());
            return skipped + end_of_name(next);
        }
    }
    let stars = behind.trim_start().len() - behind.trim_start().trim_start_matches('*').len();
    match stars {
        0 => end,
        stars => end + (behind.len() - behind.trim_start().len()) + stars,
    }
}
