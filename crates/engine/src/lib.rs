//! The host engine: systems, breakpoints, event filters, expressions and commands.
