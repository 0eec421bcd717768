//! Long names of types in one line: without the arguments that everybody leaves out.

use std::borrow::Cow;

/// Names up to here are shown as they are.
const LONG: usize = 100;
/// Arguments in arguments; deeper ones are left as they are.
const MOST_DEPTH: u32 = 16;
/// What a library takes for the last arguments of its own types where nothing else is said, by the names of the types and
/// how many arguments stand before those. What ends in `<` is of the first argument. Elsewhere the same names are arguments
/// as others are.
const DEFAULTS: [(&[&str], usize, &[&str]); 13] = [
    (
        &["std::vector", "std::deque", "std::list", "std::forward_list"],
        1,
        &[ALLOCATOR],
    ),
    (&["std::basic_string"], 1, &["std::char_traits<", ALLOCATOR]),
    (&["std::basic_string_view"], 1, &["std::char_traits<"]),
    (&["std::unique_ptr"], 1, &["std::default_delete<"]),
    (&["std::set", "std::multiset"], 1, &["std::less<", ALLOCATOR]),
    (&["std::map", "std::multimap"], 2, &["std::less<", ALLOCATOR]),
    (
        &["std::unordered_set", "std::unordered_multiset"],
        1,
        &["std::hash<", "std::equal_to<", ALLOCATOR],
    ),
    (
        &["std::unordered_map", "std::unordered_multimap"],
        2,
        &["std::hash<", "std::equal_to<", ALLOCATOR],
    ),
    (
        &[
            "alloc::vec::Vec",
            "alloc::boxed::Box",
            "alloc::rc::Rc",
            "alloc::rc::Weak",
            "alloc::sync::Arc",
            "alloc::sync::Weak",
            "alloc::raw_vec::RawVec",
            "alloc::collections::vec_deque::VecDeque",
            "alloc::collections::linked_list::LinkedList",
            "alloc::collections::binary_heap::BinaryHeap",
            "alloc::collections::btree::set::BTreeSet",
        ],
        1,
        &[GLOBAL],
    ),
    (&["alloc::collections::btree::map::BTreeMap"], 2, &[GLOBAL]),
    (&["std::collections::hash::map::HashMap"], 2, &[RANDOM, GLOBAL]),
    (&["std::collections::hash::set::HashSet"], 1, &[RANDOM, GLOBAL]),
    (&["hashbrown::map::HashMap"], 2, &[RANDOM, GLOBAL]),
];
const ALLOCATOR: &str = "std::allocator<*";
const GLOBAL: &str = "alloc::alloc::Global";
const RANDOM: &str = "std::hash::random::RandomState";
/// Parts of names that say only which version of a library it is.
const VERSIONS: [&str; 2] = ["__cxx11::", "__1::"];
/// Names that have shorter ones, once their last arguments are gone.
const SHORTER: [(&str, &str); 8] = [
    ("std::__cxx11::basic_string<char>", "std::string"),
    ("std::__cxx11::basic_string<wchar_t>", "std::wstring"),
    ("std::__cxx11::basic_string<char16_t>", "std::u16string"),
    ("std::__cxx11::basic_string<char32_t>", "std::u32string"),
    ("std::basic_string_view<char>", "std::string_view"),
    ("std::basic_string_view<wchar_t>", "std::wstring_view"),
    ("std::__cxx11::list", "std::list"),
    ("alloc::string::String", "String"),
];

/// A type's name, shorter where it is long.
pub(crate) fn short(name: &str) -> Cow<'_, str> {
    match name.len() > LONG {
        true => Cow::Owned(shortened(name, MOST_DEPTH)),
        false => Cow::Borrowed(name),
    }
}

fn shortened(name: &str, depth: u32) -> String {
    let Some((head, inside, behind)) = arguments(name).filter(|_| depth > 0) else {
        return renamed(name.to_owned());
    };
    let mut list = split(inside);
    // The last ones only: what stands before others is said for their sake.
    let (needed, defaults) = defaults(head);
    while let (Some(first), Some(last)) = (list.first(), list.last())
        && let Some(place) = list.len().checked_sub(needed).and_then(|more| more.checked_sub(1))
        && let Some(default) = defaults.get(place)
        && is_default(last, default, first)
    {
        list.pop();
    }
    let list: Vec<String> = list.iter().map(|one| shortened(one, depth - 1)).collect();
    let whole = renamed(format!("{head}<{}>", list.join(", ")));
    match behind.is_empty() {
        true => whole,
        false => whole + &shortened(behind, depth - 1),
    }
}

/// How many arguments a type needs, and what its library takes for the others.
fn defaults(head: &str) -> (usize, &'static [&'static str]) {
    // What the type is a part of stands before its name.
    let name = head.rsplit(|letter| " &*([".contains(letter)).next().unwrap_or(head);
    let name = VERSIONS
        .iter()
        .fold(name.to_owned(), |name, version| name.replace(version, ""));
    let found = DEFAULTS.iter().find(|(names, ..)| names.contains(&name.as_str()));
    found.map_or((usize::MAX, &[]), |(_, needed, defaults)| (*needed, defaults))
}

fn is_default(argument: &str, default: &str, first: &str) -> bool {
    let argument = VERSIONS
        .iter()
        .fold(argument.to_owned(), |name, version| name.replace(version, ""));
    let first = VERSIONS
        .iter()
        .fold(first.to_owned(), |name, version| name.replace(version, ""));
    match default.strip_suffix('*') {
        Some(start) => argument.starts_with(start),
        None if default.ends_with('<') => {
            let of = argument.strip_prefix(default).and_then(|of| of.strip_suffix('>'));
            of.is_some_and(|of| of.trim_end() == first)
        }
        None => argument == default,
    }
}

fn renamed(name: String) -> String {
    let plain = name.strip_prefix("const ");
    let found = SHORTER
        .iter()
        .find(|(long, _)| plain.unwrap_or(&name).starts_with(long));
    match (found, plain) {
        (Some((long, short)), None) => name.replacen(long, short, 1),
        (Some((long, short)), Some(plain)) => format!("const {}", plain.replacen(long, short, 1)),
        (None, _) => name,
    }
}

/// What stands before, in, and behind the first angle brackets.
fn arguments(name: &str) -> Option<(&str, &str, &str)> {
    let (head, rest) = name.split_once('<')?;
    let mut depth = 1_u32;
    for (at, letter) in rest.char_indices() {
        match letter {
            '<' => depth += 1,
            // Not the arrow of a function of Rust's.
            '>' if !rest.get(..at)?.ends_with('-') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((head, rest.get(..at)?, rest.get(at + 1..)?));
        }
    }
    None
}

/// Arguments between commas that are in no brackets.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_i32, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '<' | '(' | '[' => depth += 1,
            '>' if text.get(..at).is_some_and(|before| before.ends_with('-')) => {}
            '>' | ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text.get(start..at).unwrap_or_default().trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default().trim());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_lose_what_everybody_leaves_out() {
        const TEXT: &str = "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >";
        let vector = format!("std::vector<{TEXT}, std::allocator<{TEXT} > >");
        let map = format!(
            "std::map<{TEXT}, {vector}, std::less<{TEXT} >, std::allocator<std::pair<const {TEXT}, {vector} > > >"
        );
        let own = format!("std::map<int, {vector}, Backwards, std::allocator<int> > *");
        for (name, expected) in [
            (
                "std::vector<int, std::allocator<int> >",
                "std::vector<int, std::allocator<int> >",
            ),
            (&vector, "std::vector<std::string>"),
            (&map, "std::map<std::string, std::vector<std::string>>"),
            (&own, "std::map<int, std::vector<std::string>, Backwards> *"),
            (
                &format!("std::tuple<int, {TEXT}, std::allocator<{TEXT} > >"),
                "std::tuple<int, std::string, std::allocator<std::string>>",
            ),
            (
                &format!("std::pair<{TEXT}, std::hash<{TEXT} > >"),
                "std::pair<std::string, std::hash<std::string>>",
            ),
            (
                &format!("std::map<{TEXT}, std::hash<int>, std::less<void>, std::allocator<int> >"),
                "std::map<std::string, std::hash<int>, std::less<void>>",
            ),
            (
                &format!(
                    "std::set<std::allocator<{TEXT} >, std::less<std::allocator<{TEXT} > >, std::allocator<int> >"
                ),
                "std::set<std::allocator<std::string>>",
            ),
            (
                &format!("std::vector<std::allocator<{TEXT} >, std::allocator<std::allocator<{TEXT} > > >"),
                "std::vector<std::allocator<std::string>>",
            ),
            (
                &format!("std::unique_ptr<{vector}, std::default_delete<{vector} > >"),
                "std::unique_ptr<std::vector<std::string>>",
            ),
            (
                "&mut std::collections::hash::map::HashMap<alloc::string::String, alloc::vec::Vec<u8, \
                 alloc::alloc::Global>, std::hash::random::RandomState, alloc::alloc::Global>",
                "&mut std::collections::hash::map::HashMap<String, alloc::vec::Vec<u8>>",
            ),
            (
                "(alloc::boxed::Box<i32, alloc::alloc::Global>, mine::Holder<mine::long::names::Of, alloc::alloc::Global>)",
                "(alloc::boxed::Box<i32>, mine::Holder<mine::long::names::Of, alloc::alloc::Global>)",
            ),
            (&format!("{vector}::size_type"), "std::vector<std::string>::size_type"),
            (&"x<".repeat(200), &"x<".repeat(200)),
        ] {
            assert_eq!(short(name), expected);
        }
    }
}
