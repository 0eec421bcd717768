//! Modules and symbols: `lm`, `x`, `ln`.

use farsight_session::record::{
    ModuleColumn, ModuleRow, Modules, Nearest, Place, SymbolClass, SymbolColumns, SymbolName, SymbolRow, SymbolState,
    Symbols,
};

use crate::{Paint, View, visible, write_line};

/// A symbol's name, fit for a terminal.
pub(crate) fn symbol(name: &SymbolName) -> String {
    visible(&name.to_string()).into_owned()
}

/// A place's name, or its address.
pub(crate) fn place(place: &Place) -> String {
    visible(&place.to_string()).into_owned()
}

/// `lm`.
pub(crate) fn modules(out: &mut String, modules: &Modules, view: &View) {
    if modules.names_only {
        for row in &modules.rows {
            write_line!(out, "{}", visible(&row.name));
        }
        return;
    }
    let heading = "start             end                 module name";
    write_line!(out, "{}", view.paint(Paint::Heading, heading));
    for row in &modules.rows {
        match modules.column {
            Some(column) => with_column(out, row, column),
            None => module(out, row, modules.verbose),
        }
    }
    if !modules.unloaded.is_empty() {
        write_line!(out);
        write_line!(out, "{}", view.paint(Paint::Heading, "Unloaded modules:"));
        for row in &modules.unloaded {
            write_line!(out, "{} {}   {}", row.start, row.end, visible(&row.path));
        }
    }
}

fn with_column(out: &mut String, row: &ModuleRow, column: ModuleColumn) {
    let file_name = row.path.rsplit('/').next().unwrap_or_default();
    let shown = match column {
        ModuleColumn::Name => file_name.to_owned(),
        ModuleColumn::Path => row.path.clone(),
        ModuleColumn::BuildId => row.build_id.as_ref().map(ToString::to_string).unwrap_or_default(),
    };
    let name = visible(&row.name);
    write_line!(out, "{} {}   {name:<10} {}", row.start, row.end, visible(&shown));
}

fn module(out: &mut String, row: &ModuleRow, verbose: bool) {
    let (state, file) = match &row.symbols {
        SymbolState::Deferred => ("(deferred)", None),
        SymbolState::Dwarf { file } => ("(dwarf symbols)", file.as_deref()),
        SymbolState::Full { file } => ("(elf symbols)", file.as_deref()),
        SymbolState::Exports { file } => ("(export symbols)", file.as_deref()),
        SymbolState::Missing { .. } => ("(no symbols)", None),
    };
    let name = visible(&row.name);
    let row_text = format!(
        "{} {}   {name:<10} {state:<22} {}",
        row.start,
        row.end,
        visible(file.unwrap_or(""))
    );
    write_line!(out, "{}", row_text.trim_end());
    if !verbose {
        return;
    }
    write_line!(out, "    Image path: {}", visible(&row.path));
    let file_name = row.path.rsplit('/').next().unwrap_or_default();
    write_line!(out, "    Image name: {}", visible(file_name));
    if let Some(build_id) = &row.build_id {
        write_line!(out, "    Build id:   {build_id}");
    }
    write_line!(
        out,
        "    Image size: {:08x}",
        row.end.distance_from(row.start).unwrap_or(0)
    );
    if let SymbolState::Missing { why } = &row.symbols {
        write_line!(out, "    Symbols:    {}", visible(why));
    }
}

/// `x`.
pub(crate) fn symbols(out: &mut String, symbols: &Symbols) {
    for row in &symbols.rows {
        let name = visible(&row.name);
        let module = visible(&row.module);
        let (module, name) = match symbols.quoted {
            Some(true) => (format!("@!\"{module}").into(), format!("{name}\"").into()),
            _ => (module, name),
        };
        match symbols.columns {
            SymbolColumns::Addresses => write_line!(out, "{}", row.address),
            SymbolColumns::Names => write_line!(out, "{module}!{name}"),
            SymbolColumns::Both => write_line!(out, "{}          {module}!{name}", row.address),
            SymbolColumns::Verbose => {
                let binding = if row.public { "pub" } else { "prv" };
                write_line!(
                    out,
                    "{binding} {:<5} {} {} {module}!{name}",
                    class(row),
                    row.address,
                    size(row)
                );
            }
        }
    }
}

fn class(row: &SymbolRow) -> &'static str {
    match row.class {
        SymbolClass::Function => "func",
        SymbolClass::Data => "data",
        SymbolClass::Stub => "stub",
        SymbolClass::Label => "label",
    }
}

fn size(row: &SymbolRow) -> String {
    row.size
        .map_or_else(|| String::from("   ?"), |size| format!("{size:4x}"))
}

/// `ln`.
pub(crate) fn nearest(out: &mut String, nearest: &Nearest) {
    if let Some(source) = &nearest.source {
        crate::source::of_place(out, source, &View::default(), &crate::NoSources);
    }
    let side = |side: &Place| format!("({})   {}", side.address, place(side));
    match (&nearest.before, &nearest.after) {
        (Some(before), Some(after)) => write_line!(out, "{}   |  {}", side(before), side(after)),
        (Some(before), None) => write_line!(out, "{}", side(before)),
        (None, Some(after)) => write_line!(out, "|  {}", side(after)),
        (None, None) => write_line!(out, "No symbols near {}", nearest.address),
    }
    if !nearest.exact.is_empty() {
        write_line!(out, "Exact matches:");
        for name in &nearest.exact {
            write_line!(out, "    {}", symbol(name));
        }
    }
}
