//! Source lines of addresses, over the modules whose symbols are here.

use farsight_session::record::SourcePosition;
use farsight_symbols::LineRow;
use farsight_types::Address;

use crate::model::Process;

/// The row of a line table that covers an address.
pub(crate) fn line_of(process: &Process, address: Address) -> Option<LineRow> {
    let module = process.module_at(address)?;
    let debug = module.loaded()?.debug()?;
    debug.reader().line_at(module.rva(address))
}

/// The source line of an address.
pub(crate) fn source_position(process: &Process, address: Address) -> Option<SourcePosition> {
    let row = line_of(process, address)?;
    Some(SourcePosition {
        path: row.file.path.clone(),
        line: row.line,
        column: (row.column != 0).then_some(row.column),
    })
}
