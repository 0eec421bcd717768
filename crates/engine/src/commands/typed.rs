//! `??`, `dx`: values of C++ and Rust expressions.

mod specifiers;

use farsight_session::Record;
use farsight_session::record::{Content, ShownValue, ValueNode};

use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::cpp::{self, Operand};
use crate::expression::{ExprErrorKind, take_word};
use crate::session::{Session, TypedScope};
use crate::values::Limits;
use specifiers::Specifiers;

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &["??"],
        usage: "?? Expression",
        summary: "Evaluates a C++ or Rust expression and shows the value with its type; assignments change variables, \
                  fields and memory.",
        needs: Needs::Nothing,
        writes: true,
        prefix: Prefix::Selects,
        run: evaluate,
    },
    Row {
        names: &["dx"],
        usage: "dx [-r[Levels]] [-b] [-c Number] [-n|-v] Expression[,Format]",
        summary: "Shows a value as a tree, containers by their elements. -r sets how deep, -b stops at pointers, -c skips \
                  elements, -n and -v show the fields as they are. Formats are x d o b en c s s8 sb su sub ! n nd, a number of elements or \
                  [Expression].",
        needs: Needs::Target,
        writes: true,
        prefix: Prefix::Selects,
        run: tree,
    },
];

/// Levels of a tree that are shown at most.
const MOST_LEVELS: u32 = 32;
/// Elements of one container that are shown without `-c`.
const ELEMENTS: u64 = 100;
/// Elements that `-c` goes past at most.
const MOST_SKIPPED: u64 = 10_000;

/// Says why a name may be unknown, where the program's debug information is not all there.
pub(super) fn with_reason(session: &mut Session, done: Result<Flow, CommandError>) -> Result<Flow, CommandError> {
    if let Err(CommandError::Expression(error)) = &done
        && matches!(error.kind, ExprErrorKind::Unresolved { .. })
        && let Some(why) = session.why_names_are_missing()
    {
        session.output.warning(why);
    }
    done
}

fn evaluate(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let done = evaluated(session, invocation);
    with_reason(session, done)
}

fn evaluated(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let text = invocation.text.trim();
    if text.is_empty() {
        return Err(invocation.missing("an expression"));
    }
    let (value, number, elsewhere) = session.with_typed(text, invocation.position_of(text), |scope, operand| {
        let limits = Limits {
            depth: 1,
            words: true,
            ..Limits::default()
        };
        let shown = result(scope, "", &operand, limits).map_err(|error| error.of(text))?;
        let number = cpp::as_number(text, &operand, scope).ok();
        Ok((shown, number, std::mem::take(&mut scope.elsewhere)))
    })?;
    say_what_was_meant(session, &elsewhere);
    if let Some(number) = number {
        session.memos.last_value = number;
    }
    session.output.record(Record::Value(ShownValue { value, tree: false }));
    Ok(Flow::Done)
}

/// Full names of what the frame's function would not find by the names that were written.
pub(super) fn say_what_was_meant(session: &mut Session, elsewhere: &[(String, String)]) {
    for (name, full) in elsewhere {
        session.output.line(format!("{name} is {full}"));
    }
}

/// A value with what is in it; a pointer with what is in what it leads to.
pub(super) fn result(
    scope: &mut TypedScope<'_>,
    name: &str,
    operand: &Operand,
    limits: Limits,
) -> Result<ValueNode, crate::expression::ScopeError> {
    let followed = scope.with_shown(operand, |ground, value| {
        let mut node = ground.show(name, value, limits);
        let leads = matches!(&node.content, Content::Pointer { address, text: None, .. } if address.0 != 0);
        if !leads || !node.children.is_empty() || limits.depth == 0 || limits.pointers || !limits.references {
            return node;
        }
        let Ok(target) = ground.target(value) else {
            return node;
        };
        if !ground.is_record(&target) {
            return node;
        }
        let mut inside = ground.show(&format!("*{name}"), &target, limits);
        node.words = None;
        match &inside.content {
            Content::Composite if !inside.formatted => {
                node.children = std::mem::take(&mut inside.children);
                node.more = inside.more;
            }
            _ => node.children = vec![inside],
        }
        node
    })?;
    match followed {
        Some(node) => Ok(node),
        None => scope.show(name, operand, limits),
    }
}

fn tree(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let done = shown_as_tree(session, invocation);
    with_reason(session, done)
}

fn shown_as_tree(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (options, text) = options(session, invocation)?;
    let at = invocation.position_of(text);
    if text.is_empty() {
        return Err(invocation.missing("an expression"));
    }
    let (value, elsewhere) = session.in_typed_scope(at, |scope| {
        let (node, end) = cpp::parse_prefix(text, scope)?;
        let name = text.get(..end).unwrap_or(text).trim();
        let specifiers = Specifiers::parse(text, end, scope)?;
        let operand = cpp::evaluate(text, &node, scope)?;
        let operand = specifiers.of_elements(text, operand, scope)?;
        let limits = Limits {
            raw: options.raw || specifiers.raw,
            by_elements: specifiers.wants_numbers(),
            ..options
        };
        let mut value = result(scope, name, &operand, limits).map_err(|error| error.of(text))?;
        specifiers.apply(&mut value, scope);
        Ok((value, std::mem::take(&mut scope.elsewhere)))
    })?;
    say_what_was_meant(session, &elsewhere);
    session.output.record(Record::Value(ShownValue { value, tree: true }));
    Ok(Flow::Done)
}

fn options<'t>(session: &mut Session, invocation: &Invocation<'t>) -> Result<(Limits, &'t str), CommandError> {
    let mut options = Limits {
        depth: 1,
        elements: ELEMENTS,
        pointers: true,
        through: true,
        words: true,
        ..Limits::default()
    };
    let mut rest = invocation.text.trim();
    loop {
        let (word, behind) = take_word(rest);
        match word {
            "-n" | "-v" => options.raw = true,
            "-b" => (options.pointers, options.references) = (false, false),
            "-c" => {
                // One word: what follows it may begin with what is an operator between numbers.
                let (number, behind) = take_word(behind);
                // Elements are counted as they are shown, and as -r counts levels: in decimal.
                let skip = match number.parse::<u64>() {
                    Ok(skip) => skip,
                    Err(_) => session.evaluate(number, invocation.position_of(number))?,
                };
                if skip > MOST_SKIPPED {
                    return Err(CommandError::Refused(format!(
                        "dx goes past {MOST_SKIPPED} elements at most; name an element, as in x[{skip}]"
                    )));
                }
                options.skip = skip;
                options.elements = ELEMENTS.saturating_add(skip);
                rest = behind;
                continue;
            }
            "-g" | "-gc" | "-h" => {
                return Err(CommandError::NotInThisBuild {
                    name: format!("dx {word}"),
                });
            }
            word if word.starts_with("-r") => match word.get(2..).map(str::parse::<u32>) {
                Some(Ok(levels)) => options.depth = levels.min(MOST_LEVELS),
                _ if word == "-r" => options.depth = 2,
                _ => return Ok((options, rest)),
            },
            _ => return Ok((options, rest)),
        }
        rest = behind;
    }
}

/// `r? $t0 = Expression`, and `r? Register = Expression`.
pub(super) fn set_variable(
    session: &mut Session,
    invocation: &Invocation<'_>,
    text: &str,
) -> Result<Flow, CommandError> {
    let Some((name, value)) = text.split_once('=') else {
        return Err(invocation.missing("'=' and an expression"));
    };
    let (name, value) = (name.trim().trim_start_matches('@').to_ascii_lowercase(), value.trim());
    let at = invocation.position_of(value);
    let variable = name.strip_prefix("$t").and_then(|number| number.parse::<usize>().ok());
    let Some(number) = variable.filter(|number| *number < session.memos.user_variables.len()) else {
        let value = session.with_typed(value, at, |scope, operand| cpp::as_number(value, &operand, scope))?;
        return super::registers::set_to(session, invocation, &name, value);
    };
    let (operand, value) = session.with_typed(value, at, |scope, operand| {
        let operand = cpp::kept(value, operand, scope)?;
        let number = cpp::as_number(value, &operand, scope).ok().or(operand.address());
        Ok((operand, number.unwrap_or(0)))
    })?;
    if let Some(slot) = session.memos.user_variables.get_mut(number) {
        *slot = value;
    }
    session.memos.typed_variables.insert(number, operand);
    Ok(Flow::Done)
}
