//! Roles without an engine: the process server and its session processes.
