//! How names are cut, compared and hashed: components, template and generic arguments, what readers do not type.

/// Most components of a name; only hostile ones nest deeper.
pub(super) const MAX_DEPTH: usize = 64;

/// A name without its template or generic arguments: `vector` of `vector<int>`. What is an operator keeps its signs.
pub(crate) fn plain(name: &str) -> &str {
    // What is cut off begins with a sign of ASCII, so that what is left is text.
    name.get(..plain_bytes(name.as_bytes()).len()).unwrap_or(name)
}

/// As [`plain`], of a name that need not be text.
pub(super) fn plain_bytes(name: &[u8]) -> &[u8] {
    if !name.ends_with(b">") {
        return name;
    }
    if name.starts_with(b"operator") {
        return operator_plain(name);
    }
    let mut depth = 0usize;
    for (at, byte) in name.iter().enumerate().rev() {
        match byte {
            // `->` closes nothing: it is the sign of a function's result.
            b'>' if at.checked_sub(1).and_then(|before| name.get(before)) != Some(&b'-') => depth += 1,
            b'<' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return match name.get(..at) {
                        Some(front) if !front.is_empty() => trimmed(front),
                        _ => name,
                    };
                }
            }
            _ => {}
        }
    }
    name
}

/// Without the `::` and the spaces that stand before arguments.
fn trimmed(mut front: &[u8]) -> &[u8] {
    while let Some(shorter) = front.strip_suffix(b"::") {
        front = shorter;
    }
    front.trim_ascii_end()
}

/// `operator<` of `operator< <int>`: the arguments of an operator stand behind a space.
fn operator_plain(name: &[u8]) -> &[u8] {
    let at = name.windows(2).position(|pair| pair == b" <");
    at.and_then(|at| name.get(..at)).unwrap_or(name)
}

/// Whether readers leave a scope out: blocks of Rust's `impl` have numbers that no source shows.
pub(super) fn is_hidden(name: &[u8]) -> bool {
    name.is_empty() || name.starts_with(b"{impl#")
}

/// Splits `a::b<c::d>::e` at the `::` outside of brackets, at most [`MAX_DEPTH`] times.
pub(super) fn components(name: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut depth = 0usize;
    let mut start = 0;
    let bytes = name.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let rest = name.get(start..at).unwrap_or_default().trim_start();
        match byte {
            // `operator<` opens nothing.
            b'<' | b'>' | b'(' | b')' if rest.starts_with("operator") && depth == 0 => {}
            b'<' | b'(' | b'{' | b'[' => depth += 1,
            b'>' if at > 0 && bytes.get(at - 1) == Some(&b'-') => {}
            b'>' | b')' | b'}' | b']' => depth = depth.saturating_sub(1),
            b':' if depth == 0 && bytes.get(at + 1) == Some(&b':') && found.len() < MAX_DEPTH => {
                found.extend(name.get(start..at));
                at += 2;
                start = at;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found.extend(name.get(start..));
    found
}

/// Whether two spellings are the same but for spaces, as compilers and users set them differently.
pub(super) fn same_but_for_spaces(one: &str, other: &str) -> bool {
    let dense = |text: &'_ str| -> Vec<u8> { text.bytes().filter(|byte| *byte != b' ').collect() };
    one == other || dense(one) == dense(other)
}

/// Spreads a name over 64 bits. Names are taken as equal where these are: 200,000 different ones share a value with a
/// probability of one in a billion.
pub(super) fn hash(text: &[u8]) -> u64 {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |state: u64, word: u64| (state.rotate_left(23) ^ word).wrapping_mul(SPREAD);
    let mut words = text.chunks_exact(8);
    let mut state = text.len() as u64;
    for word in &mut words {
        state = mix(state, u64::from_le_bytes(word.try_into().unwrap_or_default()));
    }
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(words.remainder()) {
        *to = *from;
    }
    state = mix(state, u64::from_le_bytes(last));
    state ^= state >> 32;
    state = state.wrapping_mul(0xd6e8_feb8_6659_fd93);
    state ^ (state >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_cut_and_operators_are_not() {
        for (name, without) in [
            ("vector<int, std::allocator<int> >", "vector"),
            ("push<u8, alloc::alloc::Global>", "push"),
            ("plain", "plain"),
            ("operator<", "operator<"),
            ("operator>>", "operator>>"),
            ("operator->", "operator->"),
            ("operator< <int>", "operator<"),
            ("map<fn(u8) -> u8>", "map"),
            ("<lambda()>", "<lambda()>"),
            ("&mut Vec<u8>", "&mut Vec"),
            ("a>", "a>"),
        ] {
            assert_eq!(plain(name), without, "{name}");
        }
    }

    #[test]
    fn names_are_split_outside_of_brackets() {
        for (name, parts) in [
            ("f", vec!["f"]),
            ("a::b<c::d>::e", vec!["a", "b<c::d>", "e"]),
            ("(anonymous namespace)::x", vec!["(anonymous namespace)", "x"]),
            ("S::operator<", vec!["S", "operator<"]),
            ("S::operator()", vec!["S", "operator()"]),
            ("m::{closure#0}", vec!["m", "{closure#0}"]),
            ("::top", vec!["", "top"]),
        ] {
            assert_eq!(components(name), parts, "{name}");
        }
        assert!(components(&"a::".repeat(10_000)).len() <= MAX_DEPTH + 1);
    }
}
