//! Long names of types in one line: without the arguments that everybody leaves out.

use std::borrow::Cow;

/// Names up to here are shown as they are.
const LONG: usize = 100;
/// Arguments in arguments; deeper ones are left as they are.
const MOST_DEPTH: u32 = 16;
/// What a library takes where nothing else is said.
const DEFAULTS: [&str; 8] = [
    "std::allocator<",
    "std::char_traits<",
    "std::less<",
    "std::hash<",
    "std::equal_to<",
    "std::default_delete<",
    "alloc::alloc::Global",
    "std::hash::random::RandomState",
];
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
    while list.len() > 1
        && list
            .last()
            .is_some_and(|last| DEFAULTS.iter().any(|default| last.starts_with(default)))
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
            (&format!("{vector}::size_type"), "std::vector<std::string>::size_type"),
            (&"x<".repeat(200), &"x<".repeat(200)),
        ] {
            assert_eq!(short(name), expected);
        }
    }
}
