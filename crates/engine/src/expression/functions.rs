//! The evaluator's functions, such as `$scmp`.
