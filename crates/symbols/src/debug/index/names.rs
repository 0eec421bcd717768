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
            // `operator<` opens nothing; its arguments stand behind a space.
            b'<' | b'>' | b'(' | b')' if rest.starts_with("operator") && depth == 0 && !rest.ends_with(' ') => {}
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

/// The last part of a function's name, without what it is generic over and its parameters: `f` of `ns::Class<int>::f<char>`.
pub fn own_part(name: &str) -> &str {
    let last = components(name).pop().map(plain).unwrap_or(name);
    match last.find('(') {
        Some(at) if at > 0 && !last.starts_with("operator") => last.get(..at).map(plain).unwrap_or(last),
        _ => last,
    }
}

/// Whether two spellings are of the same name, as compilers and users set spaces differently, and write the types of C
/// in more or fewer words: `Box<short,4>` is `Box<short int, 4u>`.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one == other || dense(one) == dense(other)
}

/// Words that the types of C are made of, in the order that they are compared in.
const WORDS: [&str; 7] = ["signed", "unsigned", "short", "long", "char", "double", "int"];

/// A name without spaces, with the types of C in as few words as they can be written in, and numbers without the letters
/// that say of what type they are.
fn dense(name: &str) -> Vec<u8> {
    let mut found = Vec::with_capacity(name.len());
    let mut type_words = Vec::new();
    let is_of_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || !byte.is_ascii();
    for piece in name
        .as_bytes()
        .chunk_by(|one, next| is_of_word(one) && is_of_word(next))
    {
        let word = WORDS.iter().position(|word| word.as_bytes() == piece);
        if let Some(word) = word {
            type_words.push(word);
            continue;
        }
        if piece == b" " {
            continue;
        }
        end_type(&mut type_words, &mut found);
        match piece.first() {
            Some(digit) if digit.is_ascii_digit() => {
                let end = piece
                    .iter()
                    .rposition(|byte| !matches!(byte, b'u' | b'U' | b'l' | b'L'));
                found.extend_from_slice(piece.get(..=end.unwrap_or(0)).unwrap_or(piece));
            }
            _ => found.extend_from_slice(piece),
        }
    }
    end_type(&mut type_words, &mut found);
    found
}

/// Writes the words of a type behind a name, in one order and without those that others imply.
fn end_type(words: &mut Vec<usize>, name: &mut Vec<u8>) {
    let is = |word: &usize, wanted: &str| WORDS.get(*word) == Some(&wanted);
    words.sort_unstable();
    if !words.iter().any(|word| is(word, "char")) {
        let count = words.len();
        words.retain(|word| !is(word, "signed"));
        // What `int` says is said by any other word as well.
        if words.iter().any(|word| !is(word, "int")) {
            words.retain(|word| !is(word, "int"));
        }
        if words.is_empty() && count > 0 {
            words.push(WORDS.len() - 1);
        }
    }
    for word in words.drain(..) {
        name.extend_from_slice(WORDS.get(word).unwrap_or(&"").as_bytes());
        name.push(b' ');
    }
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
    fn spellings_of_one_name_are_the_same() {
        for (one, other, same) in [
            ("map<int,long>", "map<int, long int>", true),
            ("Box<short,4>", "Box<short int, 4u>", true),
            ("Box<unsigned>", "Box<unsigned int>", true),
            ("Box<unsigned long long>", "Box<long long unsigned int>", true),
            ("Box<signed>", "Box<int>", true),
            ("Box<unsigned const*>", "Box<unsigned int const *>", true),
            ("Box<char>", "Box<signed char>", false),
            ("Box<long>", "Box<long long>", false),
            ("Box<long double>", "Box<double>", false),
            ("Box<int>", "Box<unsigned int>", false),
            ("Box<4>", "Box<5>", false),
            ("int_of<a>", "unsigned_of<a>", false),
            ("Vec<(u8, char)>", "Vec<(u8,char)>", true),
        ] {
            assert_eq!(is_same(one, other), same, "{one} and {other}");
        }
    }

    #[test]
    fn the_last_part_is_a_functions_own_name() {
        for (name, own) in [
            ("f", "f"),
            ("ns::Class<int>::f<char>", "f"),
            ("a::f<int>(b::c)", "f"),
            ("S::operator<", "operator<"),
            ("S::operator>", "operator>"),
            ("S::operator->", "operator->"),
            ("S::operator()", "operator()"),
            ("operator<< <a::b>", "operator<<"),
            ("m::{closure#0}", "{closure#0}"),
            ("(anonymous namespace)::f", "f"),
            ("<a::B as c::D>::speak", "speak"),
        ] {
            assert_eq!(own_part(name), own, "{name}");
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
            ("S::operator< <a::b>", vec!["S", "operator< <a::b>"]),
            ("m::{closure#0}", vec!["m", "{closure#0}"]),
            ("::top", vec!["", "top"]),
        ] {
            assert_eq!(components(name), parts, "{name}");
        }
        assert!(components(&"a::".repeat(10_000)).len() <= MAX_DEPTH + 1);
    }
}
