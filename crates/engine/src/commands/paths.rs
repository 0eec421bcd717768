//! `.sympath .symfix .exepath .srcpath`: where files are looked for at the engine's machine.

use std::path::PathBuf;

use farsight_symbols::DEFAULT_DEBUG_ROOT;

use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::session::Session;
use crate::symbols::search::{SymbolPaths, debuginfod_cache, join_paths, split_paths};

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &[".sympath"],
        usage: ".sympath[+] [Directory[;Directory ...]]",
        summary: "Shows or sets where symbol files are looked for, at this machine, before /usr/lib/debug; takes the rest of the line.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: |session, invocation| set(session, invocation, "Symbol search path is", |paths| &mut paths.symbols),
    },
    Row {
        names: &[".symfix"],
        usage: ".symfix[+] [Directory]",
        summary: "Sets the symbol path to where this machine keeps debug files, /usr/lib/debug and debuginfod's cache, behind Directory; nothing is fetched from servers.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: fix,
    },
    Row {
        names: &[".exepath"],
        usage: ".exepath[+] [Directory[;Directory ...]]",
        summary: "Shows or sets where copies of the target's images are looked for, at this machine; takes the rest of the line.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: |session, invocation| set(session, invocation, "Image search path is", |paths| &mut paths.images),
    },
    Row {
        names: &[".srcpath", ".lsrcpath"],
        usage: ".srcpath[+]|.lsrcpath[+] [Directory[;Directory ...]]",
        summary: "Shows or sets where source files are looked for, by the longest end of their paths that a directory has, where the user sits; takes the rest of the line.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: |session, invocation| set(session, invocation, "Source search path is", |paths| &mut paths.sources),
    },
    Row {
        names: &[".srcfix", ".lsrcfix"],
        usage: ".srcfix[+]|.lsrcfix[+] [Directory[;Directory ...]]",
        summary: "Sets the source path to these directories, or to none: source files are then where the debug information says; source servers are not asked.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: fix_sources,
    },
];

fn fix_sources(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let text = invocation.text.trim();
    let paths = &mut session.symbols.paths.sources;
    let text = match text.strip_prefix('+') {
        Some(text) => text.trim(),
        None => {
            paths.clear();
            text
        }
    };
    paths.extend(split_paths(text.trim_matches('"')));
    let shown = match paths.is_empty() {
        true => "<empty>: the paths of the debug information are used as they are".to_owned(),
        false => join_paths(paths),
    };
    session.output.line(format!("Source search path is: {shown}"));
    Ok(Flow::Done)
}

fn set(
    session: &mut Session,
    invocation: &Invocation<'_>,
    title: &str,
    which: fn(&mut SymbolPaths) -> &mut Vec<PathBuf>,
) -> Result<Flow, CommandError> {
    let text = invocation.text.trim();
    let (append, text) = match text.strip_prefix('+') {
        Some(text) => (true, text.trim()),
        None => (false, text),
    };
    let changes = !text.is_empty();
    let paths = which(&mut session.symbols.paths);
    if changes {
        let text = text.trim_matches('"');
        if text.contains("srv*") || text.contains("cache*") {
            return Err(CommandError::Refused(
                "symbol servers (srv*, cache*) are not in this build; name directories, or use what debuginfod-find has fetched into its cache, where it is looked for".into(),
            ));
        }
        if !append {
            paths.clear();
        }
        paths.extend(split_paths(text));
    }
    let shown = match paths.is_empty() {
        true => "<empty>".to_owned(),
        false => join_paths(paths),
    };
    session.output.line(format!("{title}: {shown}"));
    if changes && !invocation.name.ends_with("srcpath") {
        look_again(session)?;
    }
    Ok(Flow::Done)
}

/// The default places, made visible: they are tried in any case, behind the symbol path.
fn fix(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let text = invocation.text.trim();
    let (append, text) = match text.strip_prefix('+') {
        Some(text) => (true, text.trim()),
        None => (false, text),
    };
    let mut fixed = split_paths(text.trim_matches('"'));
    fixed.push(PathBuf::from(DEFAULT_DEBUG_ROOT));
    fixed.extend(debuginfod_cache(&*session.outside));
    let paths = &mut session.symbols.paths.symbols;
    if !append {
        paths.clear();
    }
    fixed.retain(|path| !paths.contains(path));
    paths.extend(fixed);
    let shown = join_paths(paths);
    session.output.line(format!("Symbol search path is: {shown}"));
    look_again(session)?;
    Ok(Flow::Done)
}

fn look_again(session: &mut Session) -> Result<(), CommandError> {
    if session.current.is_some() {
        session.forget_symbols(|_| true)?;
        session.bind_breakpoints(&[]);
    } else {
        session.symbols.forget();
    }
    Ok(())
}
