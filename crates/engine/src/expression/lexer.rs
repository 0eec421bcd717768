//! Tokens of expressions, with their places.
