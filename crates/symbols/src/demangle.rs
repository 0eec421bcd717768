//! C++ and Rust names as their authors wrote them.

/// The readable form of a raw symbol name, parameters included and a Rust hash left out; none where the name is not
/// mangled or its readable form would be absurdly long.
pub fn demangle(raw: &str) -> Option<String> {
    let _ = raw;
    None
}

/// As [`demangle`], without C++ parameters and return types: `foo::bar` for `foo::bar(int)`.
pub fn demangle_short(raw: &str) -> Option<String> {
    let _ = raw;
    None
}
