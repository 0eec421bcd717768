//! The log of this program, for those who look for a fault in it.

use std::fs::File;
use std::sync::Arc;

use tracing_subscriber::EnvFilter;

/// Names the file; without it nothing is logged.
const FILE: &str = "FARSIGHT_LOG_FILE";
/// Says of what, in `tracing`'s directives.
const FILTER: &str = "FARSIGHT_LOG";

/// Starts the log where the environment asks for one; answers what the user should know if it cannot.
pub(crate) fn start() -> Result<(), String> {
    let Some(path) = std::env::var_os(FILE).filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let filter = match std::env::var(FILTER) {
        Ok(text) => EnvFilter::try_new(text).map_err(|error| format!("{FILTER} cannot be understood: {error}"))?,
        Err(_) => EnvFilter::new("info"),
    };
    let file = File::options()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(|error| format!("{FILE}: cannot write to {}: {error}", path.display()))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_thread_names(true)
        .with_writer(Arc::new(file))
        .try_init()
        .map_err(|error| error.to_string())
}
