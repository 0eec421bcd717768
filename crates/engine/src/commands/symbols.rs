//! `lm x ln .reload`: modules and their symbols.

use farsight_session::Record;
use farsight_session::record::{
    ModuleRow, Modules, Nearest, Place, SymbolClass, SymbolColumns, SymbolName, SymbolRow, SymbolState, Symbols,
};
use farsight_symbols::{Binding, Pattern, SymbolKind};
use farsight_types::Address;

use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::take_word;
use crate::model::Module;
use crate::session::Session;

pub(super) const ROWS: &[Row] = &[
    Row {
        names: &["lm"],
        usage: "lm[v|1m|f] [a Address] [m Pattern]",
        summary: "Lists modules and where their symbols come from.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: modules,
    },
    Row {
        names: &["x"],
        usage: "x [/0|/1|/v] [/f] [Module!]Pattern",
        summary: "Lists symbols that match a pattern with * and ?.",
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
        usage: ".reload [/f] [Module]",
        summary: "Forgets symbols, so that they are looked for again when needed; /f looks at once.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: reload,
    },
    Row {
        names: &["ld"],
        usage: "ld Module",
        summary: "Loads a module's symbols now; * loads all.",
        needs: Needs::Target,
        writes: false,
        prefix: Prefix::Selects,
        run: load,
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
        let names = names.filter(|name| name.starts_with(prefix) && !name.contains(' '));
        found.extend(names.map(|name| match only {
            Some(_) => format!("{}!{name}", module.name),
            None => name,
        }));
    }
    found
}

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

fn modules(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let mut shown = Modules::default();
    let mut pattern = None;
    let mut at_address = None;
    let mut rest = invocation.text;
    // Options stand right behind the name or before the first word with a meaning of its own.
    while !rest.is_empty() {
        let (word, behind) = take_word(rest);
        match word {
            "m" | "M" => {
                let (text, behind) = take_word(behind);
                if text.is_empty() {
                    return Err(invocation.missing("a pattern"));
                }
                pattern = Some(Pattern::new(text));
                rest = behind;
            }
            "a" => {
                let (address, behind) = session.evaluate_prefix(behind, invocation.position_of(behind))?;
                at_address = Some(Address(address));
                rest = behind;
            }
            "vm" => {
                shown.verbose = true;
                let (text, behind) = take_word(behind);
                pattern = (!text.is_empty()).then(|| Pattern::new(text));
                rest = behind;
            }
            _ if word.chars().all(|letter| "v1mlofeukcnpit".contains(letter)) => {
                shown.verbose |= word.contains('v') || word.contains('f');
                shown.names_only |= word.contains("1m");
                rest = behind;
            }
            _ => return Err(invocation.unexpected(rest)),
        }
    }
    let process = session.process()?;
    shown.rows = process
        .modules
        .iter()
        .filter(|module| pattern.as_ref().is_none_or(|pattern| pattern.matches(&module.name)))
        .filter(|module| at_address.is_none_or(|address| module.range().contains(address)))
        .map(module_row)
        .collect();
    session.output.record(Record::Modules(shown));
    Ok(Flow::Done)
}

fn examine(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let mut columns = SymbolColumns::Both;
    let mut functions_only = false;
    let mut rest = invocation.text;
    while rest.starts_with('/') {
        let (option, behind) = take_word(rest);
        match option {
            "/0" => columns = SymbolColumns::Addresses,
            "/1" => columns = SymbolColumns::Names,
            "/2" => columns = SymbolColumns::Both,
            "/v" | "/t" => columns = SymbolColumns::Verbose,
            "/f" => functions_only = true,
            _ => {
                return Err(CommandError::syntax(
                    invocation.position_of(rest),
                    format!("'{option}' is not an option of this build; /0 /1 /2 /v /f are"),
                ));
            }
        }
        rest = behind;
    }
    let text = rest.trim();
    if text.is_empty() {
        return Err(invocation.missing("a pattern, such as libc!mem*"));
    }
    let (module, name) = match text.split_once('!') {
        Some((module, name)) => (Pattern::new(module), name),
        None => (Pattern::new("*"), text),
    };
    let name = Pattern::new(if name.is_empty() { "*" } else { name });
    let process = session.process()?;
    let chosen: Vec<usize> = (0..process.modules.len())
        .filter(|index| {
            process
                .modules
                .get(*index)
                .is_some_and(|known| module.matches(&known.name))
        })
        .collect();
    session.load_symbols(&chosen)?;
    let mut rows = Vec::new();
    for index in chosen {
        session.check_interrupt()?;
        let process = session.process()?;
        let Some(module) = process.modules.get(index) else {
            continue;
        };
        let Some(symbols) = module.loaded() else {
            continue;
        };
        let found = symbols.table().matching(&name).into_iter();
        let found = found.filter(|symbol| !functions_only || is_function(symbol.kind()));
        rows.extend(found.map(|symbol| SymbolRow {
            address: module.address(symbol.rva()),
            module: module.name.clone(),
            name: symbol.full_name(),
            size: symbol.is_sized().then(|| symbol.size()),
            class: class(symbol.kind()),
            public: symbol.binding() != Binding::Local,
        }));
    }
    session.output.record(Record::Symbols(Symbols { rows, columns }));
    Ok(Flow::Done)
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
    let mut now = false;
    let mut rest = invocation.text;
    while rest.starts_with('/') {
        let (option, behind) = take_word(rest);
        match option {
            "/f" => now = true,
            "/i" => {
                return Err(CommandError::Refused(
                    "symbols of another build would lie; /i is not in this build".into(),
                ));
            }
            "/n" | "/s" | "/u" | "/user" | "/v" | "/d" => {}
            _ => return Err(invocation.unexpected(rest)),
        }
        rest = behind;
    }
    let name = rest.trim().trim_end_matches('!').to_owned();
    let pattern = Pattern::new(if name.is_empty() { "*" } else { &name });
    let count = session.forget_symbols(|module| pattern.matches(module))?;
    if count == 0 {
        return Err(CommandError::syntax(
            invocation.position_of(rest),
            format!("no module is called '{name}'; lm lists them"),
        ));
    }
    if now {
        load_matching(session, &pattern)?;
    }
    session.bind_breakpoints(&[]);
    Ok(Flow::Done)
}

fn load(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let text = invocation.text.trim();
    if text.is_empty() {
        return Err(invocation.missing("a module's name"));
    }
    if load_matching(session, &Pattern::new(text))? == 0 {
        return Err(CommandError::syntax(
            invocation.at,
            format!("no module is called '{text}'; lm lists them"),
        ));
    }
    Ok(Flow::Done)
}

fn load_matching(session: &mut Session, pattern: &Pattern) -> Result<usize, CommandError> {
    let process = session.process()?;
    let chosen: Vec<usize> = process
        .modules
        .iter()
        .enumerate()
        .filter(|(_, module)| pattern.matches(&module.name))
        .map(|(index, _)| index)
        .collect();
    session.load_symbols(&chosen)?;
    Ok(chosen.len())
}
