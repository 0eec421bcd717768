//! `.logopen .logappend .logclose .logfile`: the log of what is typed and shown.

use farsight_types::Moment;

use super::{Invocation, Row, row};
use crate::OutputMode;
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::take_word;
use crate::session::Session;

const DEFAULT: &str = "dbgeng.log";

pub(super) const ROWS: &[Row] = &[
    row(
        &[".logopen"],
        ".logopen [/t] [/u] [/d] [File]",
        "Writes what is typed and shown to a file, made anew; /t adds process id and time to its name, /d names it after the target.",
        |session, invocation| open(session, invocation, OutputMode::Replace),
    ),
    row(
        &[".logappend"],
        ".logappend [/t] [/u] [/d] [File]",
        "As .logopen, behind what the file holds already.",
        |session, invocation| open(session, invocation, OutputMode::Append),
    ),
    row(
        &[".logclose"],
        ".logclose",
        "Closes the log file.",
        |session, invocation| {
            invocation.expect_end(invocation.text)?;
            match session.close_log() {
                true => Ok(Flow::Done),
                false => Err(CommandError::Refused("no log file is open; .logopen opens one".into())),
            }
        },
    ),
    row(
        &[".logfile"],
        ".logfile",
        "Says which log file is open.",
        |session, invocation| {
            invocation.expect_end(invocation.text)?;
            let text = match &session.output.log {
                Some(log) => format!("Log '{}' open", log.name),
                None => "No log file open".to_owned(),
            };
            session.output.line(text);
            Ok(Flow::Done)
        },
    ),
];

fn open(session: &mut Session, invocation: &Invocation<'_>, mode: OutputMode) -> Result<Flow, CommandError> {
    let mut rest = invocation.text;
    let (mut timed, mut named) = (false, false);
    while rest.starts_with('/') {
        let (option, behind) = take_word(rest);
        match option {
            "/t" => timed = true,
            "/d" => named = true,
            // The log is Unicode always.
            "/u" => {}
            // A path, not an option.
            _ if option.len() > 2 => break,
            _ => return Err(invocation.unexpected(option)),
        }
        rest = behind;
    }
    let typed = rest.trim();
    let typed = typed
        .strip_prefix('"')
        .and_then(|name| name.strip_suffix('"'))
        .unwrap_or(typed);
    let mut name = match (typed, named) {
        ("", false) => DEFAULT.to_owned(),
        ("", true) => {
            let process = session.process().map(|process| process.name().to_owned());
            format!(
                "{}.log",
                process.unwrap_or_else(|_| "dbgeng".to_owned()).replace('/', "_")
            )
        }
        (_, true) => {
            return Err(CommandError::syntax(
                invocation.position_of(rest),
                "/d chooses the name by itself",
            ));
        }
        (name, false) => name.to_owned(),
    };
    if timed {
        let pid = session.process().map_or(0, |process| process.os.0);
        let moment = Moment::from_unix(session.outside.now()).for_file_name();
        let folder = name.rfind('/').map_or(0, |slash| slash + 1);
        let end = name.rfind('.').filter(|dot| *dot > folder).unwrap_or(name.len());
        name.insert_str(end, &format!("_{pid:04X}_{moment}"));
    }
    session.open_log(&name, mode)?;
    Ok(Flow::Done)
}
