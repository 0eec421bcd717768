//! Roles with an engine or a console.
