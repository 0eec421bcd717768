//! Source positions and source lines.

use farsight_session::record::SourcePosition;

use crate::visible;

/// `[path @ line]`, as DbgEng shows it behind symbols.
pub(crate) fn position(source: &SourcePosition) -> String {
    format!("[{} @ {}]", visible(&source.path), source.line)
}
