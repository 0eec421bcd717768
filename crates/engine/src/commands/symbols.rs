//! `x ln ld .reload .symopt !sym`: symbols of modules.

use std::collections::BTreeSet;
use std::sync::Arc;

use farsight_session::Record;
use farsight_session::record::{Nearest, Place, SymbolClass, SymbolColumns, SymbolName, SymbolRow, Symbols};
use farsight_symbols::{Binding, DebugInfo, NameKind, Pattern, SymbolKind};
use farsight_types::Address;

use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::take_word;
use crate::session::{Manner, Session};

/// Names of one kind that a module has at most for all to be looked at while a key is pressed.
const MOST_COMPLETED: usize = 20_000;

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &["x"],
        usage: "x [/0|/1|/2|/v|/t] [/f] [/d] [/s Size] [/q] [/a|/A|/n|/N|/z|/Z] [Module!]Pattern",
        summary: "Lists symbols that match a pattern with * ? # + and [lists]: /f functions, /d data, sorted by address, name or size.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: examine,
    },
    Row {
        names: &["ln"],
        usage: "ln Address",
        summary: "Shows the symbols nearest to an address.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: nearest,
    },
    Row {
        names: &[".reload"],
        usage: ".reload [/f] [/i] [/l] [/n] [/s] [/u] [/v] [Module[=Address]]",
        summary: "Forgets symbols, so that they are looked for again when needed; /f looks at once, /i takes debug files of another build where none fits, /v shows what came of it.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: reload,
    },
    Row {
        names: &["ld"],
        usage: "ld Module [/f File | /t]",
        summary: "Loads a module's symbols now; * loads all. /f takes the debug information of one file, even if it is of another build; /t fetches it from the target where none is here, up to 256 MB.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: load,
    },
    Row {
        names: &[".symopt"],
        usage: ".symopt[+|-] [Flags]",
        summary: "Shows, sets or clears symbol options by DbgEng's bits; 80000000 is !sym noisy, the others are kept.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: options,
    },
    Row {
        names: &["!sym"],
        usage: "!sym [noisy|quiet]",
        summary: "Says every place that is tried as symbols are loaded, or does not.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: noise,
    },
];

/// Names of modules, and of symbols that are loaded, that begin with `word`. Asks nobody and loads nothing.
pub(super) fn complete(session: &Session, word: &str) -> Vec<String> {
    let Ok(process) = session.process() else {
        return Vec::new();
    };
    let (only, prefix) = match word.split_once('!') {
        Some((module, prefix)) => (Some(module), prefix),
        None => (None, word),
    };
    let mut found = Vec::new();
    for module in &process.modules {
        if only.is_none() && module.name.starts_with(word) {
            found.push(format!("{}!", module.name));
        }
        if only.is_some_and(|only| !module.name.eq_ignore_ascii_case(only)) {
            continue;
        }
        let Some(symbols) = module.loaded() else {
            continue;
        };
        let names = symbols.table().iter().map(|symbol| symbol.name());
        let names = names.chain(indexed_names(symbols.debug(), prefix));
        let names = names.filter(|name| name.starts_with(prefix) && !name.contains(' '));
        found.extend(names.map(|name| match only {
            Some(_) => format!("{}!{name}", module.name),
            None => name,
        }));
    }
    found
}

/// Names that only debug information has, from an index that is there already. Where it has more than can be read while
/// a key is pressed, none are offered.
fn indexed_names(debug: Option<&Arc<DebugInfo>>, prefix: &str) -> Vec<String> {
    let Some((debug, index)) = debug.and_then(|debug| Some((debug, debug.ready_index()?))) else {
        return Vec::new();
    };
    let reader = debug.reader();
    let kinds = [NameKind::Function, NameKind::Variable, NameKind::Type];
    let known = kinds.into_iter().filter(|kind| index.count(*kind).0 <= MOST_COMPLETED);
    known.flat_map(|kind| index.beginning(&reader, kind, prefix)).collect()
}

/// What of the symbols `x` lists, and in which order.
#[derive(Default)]
struct Wanted {
    columns: SymbolColumns,
    functions: bool,
    data: bool,
    size: Option<u64>,
    quoted: bool,
    order: Option<char>,
}

fn take_options<'t>(session: &mut Session, invocation: &Invocation<'t>) -> Result<(Wanted, &'t str), CommandError> {
    let mut wanted = Wanted::default();
    let mut rest = invocation.text;
    while rest.starts_with('/') {
        let (option, mut behind) = take_word(rest);
        match option {
            "/0" => wanted.columns = SymbolColumns::Addresses,
            "/1" => wanted.columns = SymbolColumns::Names,
            "/2" => wanted.columns = SymbolColumns::Both,
            "/v" | "/t" => wanted.columns = SymbolColumns::Verbose,
            "/f" => wanted.functions = true,
            "/d" => wanted.data = true,
            "/s" => {
                let (word, more) = take_word(behind);
                if word.is_empty() {
                    return Err(invocation.missing("a size"));
                }
                wanted.size = Some(session.evaluate(word, invocation.position_of(behind))?);
                behind = more;
            }
            "/q" => wanted.quoted = true,
            // Names have no space before their brackets, and links need a viewer that has them.
            "/p" | "/D" => {}
            "/a" | "/A" | "/n" | "/N" | "/z" | "/Z" => wanted.order = option.chars().nth(1),
            _ => {
                return Err(CommandError::syntax(
                    invocation.position_of(rest),
                    format!("'{option}' is not an option of x; /0 /1 /2 /v /t /f /d /s /q /p /a /A /n /N /z /Z are"),
                ));
            }
        }
        rest = behind;
    }
    Ok((wanted, rest))
}

/// Rows of `x` in one record, at most.
const MOST_ROWS: usize = 5000;

/// Names in one record, in bytes, about.
const PART_BYTES: usize = 1 << 20;

/// What a row takes beside its names, at most.
const ROW_BYTES: usize = 32;

fn examine(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (wanted, rest) = take_options(session, invocation)?;
    let text = rest.trim();
    if text == "*" {
        return super::locals::show_all(session);
    }
    if text.is_empty() {
        return Err(invocation.missing("a pattern, such as libc!mem*"));
    }
    let (module, name) = match text.split_once('!') {
        Some((module, name)) => (Pattern::new(module), name),
        None => (Pattern::new("*"), text),
    };
    let name = Pattern::for_symbols(if name.is_empty() { "*" } else { name });
    let process = session.process()?;
    let chosen: Vec<usize> = (0..process.modules.len())
        .filter(|index| {
            process
                .modules
                .get(*index)
                .is_some_and(|known| module.matches(&known.name))
        })
        .collect();
    if chosen.is_empty() {
        let at = invocation.position_of(rest);
        return Err(CommandError::syntax(
            at,
            format!("Couldn't resolve error at '{text}': no such module; lm lists them"),
        ));
    }
    session.load_symbols(&chosen)?;
    let mut rows = Vec::new();
    for index in chosen {
        session.check_interrupt()?;
        let kinds: &[NameKind] = match (wanted.functions, wanted.data) {
            _ if wanted.size.is_some() => &[],
            (true, false) => &[NameKind::Function],
            (false, true) => &[NameKind::Variable],
            _ => &[NameKind::Function, NameKind::Variable],
        };
        let in_debug = session.names_matching(index, &name, kinds)?;
        let process = session.process()?;
        let Some(module) = process.modules.get(index) else {
            continue;
        };
        let Some(symbols) = module.loaded() else {
            continue;
        };
        let in_table = symbols.table().matching(&name);
        let known: BTreeSet<Address> = in_table.iter().map(|symbol| module.address(symbol.rva())).collect();
        let found = in_table.into_iter().filter(|symbol| {
            let kind = is_function(symbol.kind()) || !wanted.functions;
            let data = symbol.kind() == SymbolKind::Data || !wanted.data;
            kind && data
                && wanted
                    .size
                    .is_none_or(|size| symbol.is_sized() && symbol.size() == size)
        });
        rows.extend(found.map(|symbol| SymbolRow {
            address: module.address(symbol.rva()),
            module: module.name.clone(),
            name: symbol.full_name(),
            size: symbol.is_sized().then(|| symbol.size()),
            class: class(symbol.kind()),
            public: symbol.binding() != Binding::Local,
        }));
        for named in in_debug {
            // A function without code of its own is shown where its first copy is.
            let has_symbol = named.places.iter().any(|place| known.contains(place));
            let copy = named.own.is_empty() && !has_symbol;
            let places = match copy {
                true => named.places.into_iter().take(1).collect(),
                false => named.own,
            };
            let new = places.into_iter().filter(|place| !known.contains(place));
            rows.extend(new.map(|address| SymbolRow {
                address,
                module: module.name.clone(),
                name: named.name.clone(),
                size: None,
                class: match named.kind {
                    NameKind::Function => SymbolClass::Function,
                    _ => SymbolClass::Data,
                },
                public: false,
            }));
        }
    }
    if rows.is_empty() {
        session.output.warning(format!("No symbol matches '{text}'"));
        return Ok(Flow::Done);
    }
    sort(&mut rows, wanted.order);
    for rows in in_parts(rows) {
        session.check_interrupt()?;
        session.output.record(Record::Symbols(Symbols {
            rows,
            columns: wanted.columns,
            quoted: wanted.quoted.then_some(true),
        }));
    }
    Ok(Flow::Done)
}

/// Cuts rows into records of which each fits well into a frame, however long names are. Columns do not depend on other
/// rows, so that it shows nowhere.
fn in_parts(rows: Vec<SymbolRow>) -> Vec<Vec<SymbolRow>> {
    let (mut parts, mut part, mut bytes) = (Vec::new(), Vec::new(), 0);
    for row in rows {
        bytes += ROW_BYTES + row.name.len() + row.module.len();
        part.push(row);
        if bytes >= PART_BYTES || part.len() >= MOST_ROWS {
            parts.push(std::mem::take(&mut part));
            bytes = 0;
        }
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

/// Sorts by address, name or size; capitals turn the order around.
fn sort(rows: &mut [SymbolRow], order: Option<char>) {
    match order.map(|letter| letter.to_ascii_lowercase()) {
        Some('a') => rows.sort_by_key(|row| row.address),
        Some('n') => rows.sort_by(|left, right| (&left.name, left.address).cmp(&(&right.name, right.address))),
        Some('z') => rows.sort_by_key(|row| (row.size, row.address)),
        _ => return,
    }
    if order.is_some_and(|letter| letter.is_ascii_uppercase()) {
        rows.reverse();
    }
}

fn is_function(kind: SymbolKind) -> bool {
    matches!(kind, SymbolKind::Function | SymbolKind::Ifunc)
}

fn class(kind: SymbolKind) -> SymbolClass {
    match kind {
        SymbolKind::Function | SymbolKind::Ifunc => SymbolClass::Function,
        SymbolKind::Data => SymbolClass::Data,
        SymbolKind::Plt => SymbolClass::Stub,
        SymbolKind::Label => SymbolClass::Label,
    }
}

fn nearest(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let address = match invocation.text.is_empty() {
        true => session.registers()?.pc(),
        false => Address(session.evaluate(invocation.text, invocation.at)?),
    };
    session.place_of(address)?;
    let process = session.process()?;
    let mut record = Nearest {
        address,
        before: None,
        after: None,
        exact: Vec::new(),
        source: session.source_of(address),
    };
    if let Some(module) = process.module_at(address)
        && let Some(symbols) = module.loaded()
    {
        let table = symbols.table();
        let rva = module.rva(address);
        let (before, after) = table.neighbours(rva);
        let place = |symbol: farsight_symbols::SymbolRef<'_>, distance: u64| {
            let name = SymbolName::new(&module.name, symbol.name(), distance);
            Place::named(module.address(symbol.rva()), name)
        };
        record.before = before.map(|symbol| place(symbol, rva.0.wrapping_sub(symbol.rva().0)));
        record.after = after.map(|symbol| place(symbol, 0));
        if let Some((symbol, 0)) = table.at(rva) {
            record.exact.push(SymbolName::new(&module.name, symbol.full_name(), 0));
        }
    }
    session.output.record(Record::Nearest(record));
    Ok(Flow::Done)
}

fn reload(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (mut now, mut verbose, mut unloads) = (false, false, false);
    let mut manner = Manner::default();
    let mut rest = invocation.text;
    while rest.starts_with('/') {
        let (option, behind) = take_word(rest);
        match option {
            "/f" => now = true,
            "/i" => (now, manner.ignores_mismatch) = (true, true),
            "/v" => verbose = true,
            "/l" => {
                let modules = super::find("lm")?;
                return (modules.run)(
                    session,
                    &Invocation {
                        text: "",
                        ..*invocation
                    },
                );
            }
            "/u" => unloads = true,
            "/d" | "/n" | "/o" | "/s" | "/unl" | "/user" | "/w" => {}
            _ => return Err(invocation.unexpected(rest)),
        }
        rest = behind;
    }
    let (name, place) = match rest.split_once('=') {
        Some((name, place)) => (name, Some(place)),
        None => (rest, None),
    };
    let name = name.trim().trim_end_matches('!').to_owned();
    if let Some(place) = place {
        check_place(session, invocation, &name, place)?;
    }
    let pattern = Pattern::new(if name.is_empty() { "*" } else { &name });
    let count = session.forget_symbols(|module| pattern.matches(module))?;
    if count == 0 {
        return Err(CommandError::syntax(
            invocation.position_of(rest),
            format!("no module is called '{name}'; lm lists them"),
        ));
    }
    if unloads {
        return Ok(Flow::Done);
    }
    if now {
        load_matching(session, &pattern, &manner)?;
    }
    session.bind_breakpoints(&[]);
    if verbose {
        let modules = super::find("lm")?;
        let text = format!("m {}", if name.is_empty() { "*" } else { &name });
        return (modules.run)(
            session,
            &Invocation {
                text: &text,
                ..*invocation
            },
        );
    }
    Ok(Flow::Done)
}

/// Modules are where the target says: `Module=Address` may repeat that, and nothing else.
fn check_place(
    session: &mut Session,
    invocation: &Invocation<'_>,
    name: &str,
    place: &str,
) -> Result<(), CommandError> {
    let at = invocation.position_of(place);
    let address = place.split(',').next().unwrap_or_default();
    let address = Address(session.evaluate(address, at)?);
    let modules = &session.process()?.modules;
    let known = modules.iter().find(|module| module.name.eq_ignore_ascii_case(name));
    match known.map(|module| module.image.base) {
        Some(base) if base == address => Ok(()),
        Some(base) => Err(CommandError::syntax(
            at,
            format!("modules are where the target says, and {name} is at {base}"),
        )),
        None => Err(CommandError::syntax(
            at,
            format!("no module is called '{name}'; modules are where the target says, and lm lists them"),
        )),
    }
}

/// Bits of `.symopt` (specification 9.6).
const OPTIONS: [(u32, &str); 21] = [
    (0x1, "CASE_INSENSITIVE"),
    (0x2, "UNDNAME"),
    (0x4, "DEFERRED_LOADS"),
    (0x8, "NO_CPP"),
    (0x10, "LOAD_LINES"),
    (0x20, "OMAP_FIND_NEAREST"),
    (0x40, "LOAD_ANYTHING"),
    (0x80, "IGNORE_CVREC"),
    (0x100, "NO_UNQUALIFIED_LOADS"),
    (0x200, "FAIL_CRITICAL_ERRORS"),
    (0x400, "EXACT_SYMBOLS"),
    (0x800, "ALLOW_ABSOLUTE_SYMBOLS"),
    (0x1000, "IGNORE_NT_SYMPATH"),
    (0x2000, "INCLUDE_32BIT_MODULES"),
    (0x4000, "PUBLICS_ONLY"),
    (0x8000, "NO_PUBLICS"),
    (0x1_0000, "AUTO_PUBLICS"),
    (0x2_0000, "NO_IMAGE_SEARCH"),
    (0x4_0000, "SECURE"),
    (0x8_0000, "NO_PROMPTS"),
    (NOISY, "DEBUG"),
];

/// Says where symbols are found.
const NOISY: u32 = 0x8000_0000;

fn options(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let text = invocation.text.trim();
    let (sign, bits) = match text.strip_prefix(['+', '-']) {
        Some(bits) => (text.chars().next(), bits.trim()),
        None => (None, text),
    };
    if !bits.is_empty() {
        let at = invocation.position_of(bits);
        let value = u32::try_from(session.evaluate(bits, at)?)
            .map_err(|_| CommandError::syntax(at, "symbol options have 32 bits"))?;
        let now = &mut session.symbols.options;
        *now = match sign {
            Some('+') => *now | value,
            Some(_) => *now & !value,
            None => value,
        };
    } else if sign.is_some() {
        return Err(invocation.missing("a number"));
    }
    let now = session.symbols.options;
    let mut lines = vec![format!("Symbol options are 0x{now:x}:")];
    let set = OPTIONS.iter().filter(|(bit, _)| now & bit != 0);
    lines.extend(set.map(|(bit, name)| format!("  0x{bit:08x} - SYMOPT_{name}")));
    session.output.record(Record::Lines(lines));
    Ok(Flow::Done)
}

fn noise(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    match invocation.text.trim() {
        "" => {}
        "noisy" => session.symbols.options |= NOISY,
        "quiet" => session.symbols.options &= !NOISY,
        _ => return Err(invocation.unexpected(invocation.text)),
    }
    let mode = if session.symbols.is_noisy() { "noisy" } else { "quiet" };
    session.output.line(format!("{mode} mode - symbol prompts off"));
    Ok(Flow::Done)
}

fn load(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let text = invocation.text.trim();
    if text.is_empty() {
        return Err(invocation.missing("a module's name"));
    }
    let (module, behind) = take_word(text);
    let mut manner = Manner::default();
    if let Some(file) = behind.strip_prefix("/f") {
        let file = file.trim().trim_matches('"');
        if file.is_empty() {
            return Err(invocation.missing("a file"));
        }
        manner.only = Some(file.into());
        manner.ignores_mismatch = true;
    } else if behind == "/t" {
        manner.fetches = true;
    } else if !behind.is_empty() {
        return Err(invocation.unexpected(behind));
    }
    let pattern = Pattern::new(module);
    if manner.only.is_some() || manner.fetches {
        session.forget_symbols(|name| pattern.matches(name))?;
    }
    if load_matching(session, &pattern, &manner)? == 0 {
        return Err(CommandError::syntax(
            invocation.at,
            format!("no module is called '{module}'; lm lists them"),
        ));
    }
    Ok(Flow::Done)
}

fn load_matching(session: &mut Session, pattern: &Pattern, manner: &Manner) -> Result<usize, CommandError> {
    let process = session.process()?;
    let chosen: Vec<usize> = process
        .modules
        .iter()
        .enumerate()
        .filter(|(_, module)| pattern.matches(&module.name))
        .map(|(index, _)| index)
        .collect();
    session.load_symbols_by(&chosen, manner)?;
    Ok(chosen.len())
}

#[cfg(test)]
mod tests;
