//! `lm !lmi !dh !chksym`: modules.

use farsight_session::Record;
use farsight_session::record::{ModuleColumn, ModuleRow, Modules, SymbolState};
use farsight_symbols::Pattern;
use farsight_types::Address;

use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::take_word;
use crate::model::Module;
use crate::session::Session;
use crate::symbols::search::Role;

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &["lm"],
        usage: "lm[v][l|o|e][u|k][1m|sm][i|f|n|p|t|c] [a Address] [m Pattern | M Pattern]",
        summary: "Lists modules and where their symbols come from: l with symbols, e with trouble, sm by name, f paths, c build-ids.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: modules,
    },
    Row {
        names: &["!lmi"],
        usage: "!lmi Module",
        summary: "Shows all that is known of a module; it is named, or an address in it is given.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: module_information,
    },
    Row {
        names: &["!chksym", "!itoldyouso"],
        usage: "!chksym Module",
        summary: "Explains where a module's symbols come from: every place that was tried for its image and debug files, and why it was refused.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: explain,
    },
    Row {
        names: &["!dh"],
        usage: "!dh Module",
        summary: "Shows the sections of a module's image.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: headers,
    },
];

/// How the symbols of a module stand.
fn state(module: &Module) -> SymbolState {
    match module.loaded() {
        None => SymbolState::Deferred,
        Some(symbols) => symbols.state(),
    }
}

fn module_row(module: &Module) -> ModuleRow {
    ModuleRow {
        start: module.image.base,
        end: module.range().end(),
        name: module.name.clone(),
        symbols: state(module),
        path: module.image.path.clone(),
        build_id: module.image.build_id.clone(),
    }
}

/// What of the modules is listed.
#[derive(Default)]
struct Wanted {
    shown: Modules,
    by_name: bool,
    with_symbols: bool,
    with_trouble: bool,
    kernel: bool,
    pattern: Option<(Pattern, bool)>,
    address: Option<Address>,
}

fn modules(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let mut wanted = Wanted::default();
    let mut rest = invocation.text;
    while !rest.is_empty() {
        rest = take_option(session, invocation, &mut wanted, rest)?;
    }
    let chosen = |module: &&Module| {
        let matches = wanted
            .pattern
            .as_ref()
            .is_none_or(|(pattern, by_path)| pattern.matches(if *by_path { &module.image.path } else { &module.name }));
        let state = state(module);
        let warned = module
            .loaded()
            .is_some_and(|symbols| !symbols.files.warnings.is_empty());
        let missing = matches!(state, SymbolState::Missing { .. });
        let here = wanted.address.is_none_or(|address| module.range().contains(address));
        let has_symbols = !missing && state != SymbolState::Deferred;
        matches
            && here
            && (has_symbols || !wanted.with_symbols)
            && (missing || warned || !wanted.with_trouble)
            && !wanted.kernel
    };
    let process = session.process()?;
    wanted.shown.rows = process.modules.iter().filter(chosen).map(module_row).collect();
    if wanted.by_name {
        wanted.shown.rows.sort_by(|left, right| left.name.cmp(&right.name));
    }
    session.output.record(Record::Modules(wanted.shown));
    Ok(Flow::Done)
}

/// Takes the options that a text begins with; they may stand together.
fn take_option<'t>(
    session: &mut Session,
    invocation: &Invocation<'_>,
    wanted: &mut Wanted,
    text: &'t str,
) -> Result<&'t str, CommandError> {
    let letter = text.chars().next().unwrap_or(' ');
    let behind = text.get(letter.len_utf8()..).unwrap_or_default();
    match letter {
        'm' | 'M' => {
            let (pattern, behind) = take_word(behind);
            if pattern.is_empty() {
                return Err(invocation.missing("a pattern"));
            }
            wanted.pattern = Some((Pattern::new(pattern), letter == 'M'));
            return Ok(behind);
        }
        'a' => {
            let at = invocation.position_of(behind);
            let (address, behind) = session.evaluate_prefix(behind, at)?;
            wanted.address = Some(Address(address));
            return Ok(behind);
        }
        '1' if behind.starts_with('m') => {
            wanted.shown.names_only = true;
            return Ok(behind.get(1..).unwrap_or_default().trim_start());
        }
        's' if behind.starts_with('m') => {
            wanted.by_name = true;
            return Ok(behind.get(1..).unwrap_or_default().trim_start());
        }
        'v' => wanted.shown.verbose = true,
        'l' => wanted.with_symbols = true,
        'e' => wanted.with_trouble = true,
        'k' => wanted.kernel = true,
        'i' | 'n' => wanted.shown.column = Some(ModuleColumn::Name),
        'f' | 'p' => wanted.shown.column = Some(ModuleColumn::Path),
        'c' | 't' => wanted.shown.column = Some(ModuleColumn::BuildId),
        'o' | 'u' | 'D' => {}
        _ => return Err(invocation.unexpected(text)),
    }
    Ok(behind.trim_start())
}

/// The module that is named, or that holds the address that is given.
fn one_module(session: &mut Session, invocation: &Invocation<'_>) -> Result<usize, CommandError> {
    let text = invocation.text.trim();
    if text.is_empty() {
        return Err(invocation.missing("a module"));
    }
    let modules = &session.process()?.modules;
    let named = modules.iter().position(|module| module.name.eq_ignore_ascii_case(text));
    if let Some(index) = named {
        return Ok(index);
    }
    let address = Address(session.evaluate(text, invocation.at)?);
    session
        .process()?
        .module_index_at(address)
        .ok_or_else(|| CommandError::syntax(invocation.at, format!("no module holds {address}; lm lists them")))
}

fn module_information(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let index = one_module(session, invocation)?;
    session.load_symbols(&[index])?;
    let Some(module) = session.process()?.modules.get(index) else {
        return Ok(Flow::Done);
    };
    let image = &module.image;
    let mut lines = vec![format!("Loaded Module Info: [{}]", module.name)];
    let mut field = |name: &str, value: String| lines.push(format!("{name:>16}: {value}"));
    field("Module", module.name.clone());
    field("Base Address", image.base.to_string());
    field("End Address", module.range().end().to_string());
    field("Image Name", image.path.clone());
    field("Machine Type", "62 (X64)".to_owned());
    field("Size", format!("{:x}", image.size));
    field("Load Bias", format!("{:x}", image.bias));
    if let Some(entry) = image.entry {
        field("Entry Point", entry.to_string());
    }
    if let Some(build_id) = &image.build_id {
        field("Build Id", build_id.to_string());
    }
    if let Some(link) = &image.debug_link {
        field("Debug Link", link.clone());
    }
    field("Sections", image.sections.len().to_string());
    let (kind, file) = match state(module) {
        SymbolState::Deferred => ("deferred".to_owned(), None),
        SymbolState::Dwarf { file } => ("DWARF symbols".to_owned(), file),
        SymbolState::Full { file } => ("ELF symbols".to_owned(), file),
        SymbolState::Exports { file } => ("exports only".to_owned(), file),
        SymbolState::Missing { why } => (format!("none: {why}"), None),
    };
    field("Symbol Type", kind);
    field("Load Report", file.unwrap_or_else(|| "from the target".to_owned()));
    if let Some(symbols) = module.loaded() {
        let files = &symbols.files;
        for (name, found) in [
            ("Image File", &files.image),
            ("Debug File", &files.debug),
            ("Shared Debug", &files.shared),
        ] {
            if let Some((path, _)) = found {
                field(name, path.display().to_string());
            }
        }
        if files.embedded.is_some() {
            field("Embedded", "symbols of .gnu_debugdata".to_owned());
        }
        for trouble in symbols.troubles() {
            field("Trouble", trouble);
        }
    }
    session.output.record(Record::Lines(lines));
    Ok(Flow::Done)
}

/// `!chksym`: what was tried, in order, and what came of it.
fn explain(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let index = one_module(session, invocation)?;
    session.load_symbols(&[index])?;
    let Some(module) = session.process()?.modules.get(index) else {
        return Ok(Flow::Done);
    };
    let Some(symbols) = module.loaded() else {
        return Ok(Flow::Done);
    };
    if let Some(debug) = symbols.debug() {
        let go_on = || session.check_interrupt().is_ok();
        let checked = debug.reader().check(&go_on);
        checked.map_err(|_| CommandError::Interrupted)?;
    }
    let build_id = module.image.build_id.as_ref();
    let build_id = build_id.map_or("none".to_owned(), ToString::to_string);
    let mut lines = vec![format!("{}: {}, build-id {build_id}", module.name, module.image.path)];
    if let (Some(name), Some(crc)) = (&module.image.debug_link, module.image.debug_link_crc) {
        lines.push(format!("Its debug link says {name}, CRC {crc:08x}"));
    }
    let mut role = None;
    let split = symbols.split();
    for attempt in symbols.files.trail.iter().chain(&split.tried) {
        if role != Some(attempt.role) {
            lines.push(format!("Tried for the {}:", attempt.role));
            role = Some(attempt.role);
        }
        lines.push(format!("    {attempt}"));
    }
    let looked = symbols
        .files
        .trail
        .iter()
        .any(|attempt| attempt.role == Role::DebugFile);
    if symbols.files.image.is_some() && !looked {
        lines.push("No debug file was looked for: the image has its own .debug_info".to_owned());
    }
    if symbols.files.image.is_none() {
        lines.push("No image of this build is here; what is needed of it comes from the target".to_owned());
        if symbols.debug().is_none() {
            lines.push(format!(
                "ld {} /t fetches its debug information from there",
                module.name
            ));
        }
    }
    let from = |file: Option<String>| file.unwrap_or_else(|| "the target".to_owned());
    lines.push(match symbols.state() {
        SymbolState::Deferred => "Symbols: deferred".to_owned(),
        SymbolState::Dwarf { file } => format!("Symbols: debug information (DWARF) of {}", from(file)),
        SymbolState::Full { file } => format!("Symbols: the symbol table of {}", from(file)),
        SymbolState::Exports { file } => format!("Symbols: only what {} exports", from(file)),
        SymbolState::Missing { why } => format!("Symbols: none: {why}"),
    });
    lines.extend(
        symbols
            .troubles()
            .into_iter()
            .map(|trouble| format!("Trouble: {trouble}")),
    );
    session.output.record(Record::Lines(lines));
    Ok(Flow::Done)
}

fn headers(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    const WRITABLE: u64 = 1;
    const EXECUTABLE: u64 = 4;
    let index = one_module(session, invocation)?;
    let Some(module) = session.process()?.modules.get(index) else {
        return Ok(Flow::Done);
    };
    let mut lines = vec![
        format!("File Type: ELF64, {}", module.image.path),
        "SECTION             address              size     offset  flags".to_owned(),
    ];
    for section in &module.image.sections {
        let address = match section.loaded {
            true => module.address(farsight_types::Rva(section.address)).to_string(),
            false => "(not mapped)".to_owned(),
        };
        let flag = |bit: u64, letter: char| if section.flags & bit != 0 { letter } else { '-' };
        lines.push(format!(
            "{:<18} {address:>17} {:>10x} {:>10x}  {}{}{}",
            section.name,
            section.size,
            section.offset.0,
            if section.loaded { 'r' } else { '-' },
            flag(WRITABLE, 'w'),
            flag(EXECUTABLE, 'x'),
        ));
    }
    lines.push(format!(
        "{} sections that symbols and frames need",
        module.image.sections.len()
    ));
    session.output.record(Record::Lines(lines));
    Ok(Flow::Done)
}
