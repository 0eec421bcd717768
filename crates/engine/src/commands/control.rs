//! `.if .while .do .for .foreach .block .catch .break .continue .leave j z`: which commands run, and how often.
//!
//! A row decides here what it can decide at once; what it is made of is carried out by the machine behind the line.

use std::ops::Range;
use std::path::Path;

use super::{Invocation, Prefix, Row};
use crate::error::CommandError;
use crate::execution::{Construct, EachPlan, Flow, Jump, tokens};
use crate::expression::command_line::{LineError, Shape, shape};
use crate::expression::take_string;
use crate::session::Session;

/// Most bytes of a file whose words are gone over.
const MOST_FILE: u64 = 16 << 20;

const fn row(
    names: &'static [&'static str],
    usage: &'static str,
    summary: &'static str,
    run: fn(&mut Session, &Invocation<'_>) -> Result<Flow, CommandError>,
) -> Row {
    Row {
        prefix: Prefix::Own,
        ..super::row(names, usage, summary, run)
    }
}

pub(super) const ROWS: &[Row] = &[
    row(
        &[".if"],
        ".if (Condition) { Commands } [.elsif (Condition) { Commands }] [.else { Commands }]",
        "Runs the block of the first condition that is not 0.",
        branch,
    ),
    row(
        &[".while"],
        ".while (Condition) { Commands }",
        "Runs a block as long as the condition is not 0.",
        |_, invocation| repeat(invocation, true),
    ),
    row(
        &[".do"],
        ".do { Commands } (Condition)",
        "Runs a block once, and again as long as the condition is not 0.",
        |_, invocation| repeat(invocation, false),
    ),
    row(
        &[".for"],
        ".for (Command ; Condition ; Command[; Command]) { Commands }",
        "Runs the first command once, then the block and the last commands as long as the condition is not 0.",
        counted,
    ),
    row(
        &[".foreach"],
        ".foreach [/pS Count] [/ps Count] (Variable { Commands } | /s (Variable \"Text\") | /f (Variable \"File\")) { Commands }",
        "Runs a block for each word that commands show, of a text or of a file, with the word in the variable's place.",
        for_each,
    ),
    row(
        &[".block"],
        ".block { Commands }",
        "Runs a block, in which aliases are replaced anew.",
        |_, invocation| Ok(enter(Construct::Part(block(invocation)?))),
    ),
    row(
        &[".catch"],
        ".catch { Commands }",
        "Runs a block; an error in it is shown and ends the block alone.",
        |_, invocation| Ok(enter(Construct::Catch(block(invocation)?))),
    ),
    row(
        &[".break"],
        ".break",
        "Leaves the loop that it stands in.",
        |_, invocation| jump(invocation, Jump::Break),
    ),
    row(
        &[".continue"],
        ".continue",
        "Goes on with the next turn of the loop that it stands in.",
        |_, invocation| jump(invocation, Jump::Continue),
    ),
    row(
        &[".leave"],
        ".leave",
        "Leaves the .catch block that it stands in.",
        |_, invocation| jump(invocation, Jump::Leave),
    ),
    row(
        &["j"],
        "j Expression ['Commands'] [; 'Commands']",
        "Runs the first commands if the expression is not 0, else the second; takes the rest of the line.",
        either,
    ),
    row(
        &["z"],
        "Commands ; z(Expression)",
        "Runs everything to its left again as long as the expression is not 0.",
        again,
    ),
];

fn enter(construct: Construct) -> Flow {
    Flow::Enter(Box::new(construct))
}

/// What is made of other commands is for no thread of its own: these may choose others.
pub(super) fn refuse_prefix(invocation: &Invocation<'_>) -> Result<(), CommandError> {
    match invocation.thread.is_some() || invocation.process.is_some() {
        false => Ok(()),
        true => Err(CommandError::Refused(format!(
            "'{}' takes no prefix; use ~Thread e {} ...",
            invocation.name, invocation.name
        ))),
    }
}

/// The parts of a command, as places in the line.
fn parts(invocation: &Invocation<'_>) -> Result<Shape, CommandError> {
    refuse_prefix(invocation)?;
    let found = shape(invocation.name, invocation.text, 0);
    let (shape, _) =
        found.map_err(|error: LineError| CommandError::syntax(invocation.at + error.position, error.what))?;
    Ok(shape)
}

/// A place in the arguments as one in the line.
fn placed(invocation: &Invocation<'_>, part: Range<usize>) -> Range<usize> {
    part.start + invocation.at..part.end + invocation.at
}

fn misfit(invocation: &Invocation<'_>) -> CommandError {
    CommandError::syntax(invocation.at, "Syntax error: its parts are not to be told apart")
}

fn block(invocation: &Invocation<'_>) -> Result<Range<usize>, CommandError> {
    match parts(invocation)? {
        Shape::Block(part) => Ok(placed(invocation, part)),
        _ => Err(misfit(invocation)),
    }
}

fn branch(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let Shape::If(branches) = parts(invocation)? else {
        return Err(misfit(invocation));
    };
    for (condition, block) in branches {
        let holds = match condition {
            None => true,
            Some(condition) => {
                let text = invocation.text.get(condition.clone()).unwrap_or_default();
                session.evaluate(text, invocation.at + condition.start)? != 0
            }
        };
        if holds {
            return Ok(enter(Construct::Part(placed(invocation, block))));
        }
    }
    Ok(Flow::Done)
}

fn repeat(invocation: &Invocation<'_>, tested: bool) -> Result<Flow, CommandError> {
    match parts(invocation)? {
        Shape::Loop { condition, body } => Ok(enter(Construct::Loop {
            condition: placed(invocation, condition),
            body: placed(invocation, body),
            tested,
        })),
        _ => Err(misfit(invocation)),
    }
}

fn counted(_: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    match parts(invocation)? {
        Shape::For {
            init,
            condition,
            step,
            body,
        } => Ok(enter(Construct::For {
            init: placed(invocation, init),
            condition: placed(invocation, condition),
            step: placed(invocation, step),
            body: placed(invocation, body),
        })),
        _ => Err(misfit(invocation)),
    }
}

/// Where `.foreach` has its words from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Commands,
    Text,
    File,
}

fn for_each(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let Shape::ForEach {
        options,
        variable,
        source,
        body,
    } = parts(invocation)?
    else {
        return Err(misfit(invocation));
    };
    let part = |range: &Range<usize>| invocation.text.get(range.clone()).unwrap_or_default();
    let mut kind = Source::Commands;
    let (mut skip_first, mut skip_each) = (0, 0);
    let mut words = part(&options).split_whitespace();
    while let Some(word) = words.next() {
        let skip = match word {
            "/s" => {
                kind = Source::Text;
                continue;
            }
            "/f" => {
                kind = Source::File;
                continue;
            }
            "/pS" => &mut skip_first,
            "/ps" => &mut skip_each,
            _ => return Err(invocation.unexpected(word)),
        };
        let count = words.next();
        let count =
            count.ok_or_else(|| CommandError::syntax(invocation.position_of(word), format!("{word} needs a count")))?;
        let value = session.evaluate(count, invocation.position_of(count))?;
        *skip = usize::try_from(value).unwrap_or(usize::MAX);
    }
    let mut each = EachPlan {
        variable: part(&variable).to_owned(),
        tokens: Vec::new(),
        skip_first,
        skip_each,
        body: placed(invocation, body),
    };
    let text = part(&source);
    if kind == Source::Commands {
        if !text.starts_with('{') {
            return Err(CommandError::syntax(
                invocation.position_of(text),
                "Syntax error: .foreach needs commands in braces here; /s goes over a text, /f over a file",
            ));
        }
        let inside = source.start + 1..source.end - 1;
        return Ok(enter(Construct::EachOf {
            commands: placed(invocation, inside),
            each,
        }));
    }
    let inside = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text);
    each.tokens = match kind {
        Source::File => {
            let bytes = session.outside.read_file(Path::new(inside), MOST_FILE);
            let bytes = bytes.map_err(|failure| CommandError::Refused(failure.to_string()))?;
            tokens(&String::from_utf8_lossy(&bytes))
        }
        _ => tokens(inside),
    };
    Ok(enter(Construct::Each(each)))
}

fn jump(invocation: &Invocation<'_>, jump: Jump) -> Result<Flow, CommandError> {
    refuse_prefix(invocation)?;
    invocation.expect_end(invocation.text)?;
    Ok(Flow::Jump(jump))
}

fn either(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    refuse_prefix(invocation)?;
    let (value, rest) = session.evaluate_prefix(invocation.text, invocation.at)?;
    let (first, rest) = commands_of(rest);
    let rest = rest.trim_start();
    let second = match rest.strip_prefix(';') {
        Some(rest) => {
            let (second, rest) = commands_of(rest.trim_start());
            invocation.expect_end(rest)?;
            second
        }
        None => {
            invocation.expect_end(rest)?;
            String::new()
        }
    };
    Ok(enter(Construct::Text(if value != 0 { first } else { second })))
}

/// Commands in quotes, or up to the next `;`.
fn commands_of(text: &str) -> (String, &str) {
    take_string(text).unwrap_or_else(|| {
        let end = text.find(';').unwrap_or(text.len());
        (text[..end].to_owned(), &text[end..])
    })
}

fn again(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    refuse_prefix(invocation)?;
    session.check_interrupt()?;
    match session.evaluate(invocation.text, invocation.at)? {
        0 => Ok(Flow::Done),
        _ => Ok(Flow::Jump(Jump::Again)),
    }
}
