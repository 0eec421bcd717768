//! DbgEng's string wildcards.

/// A compiled wildcard pattern: `*` any run, `?` one character, `[a-z]` one of a list, `#` zero or more of the
/// preceding character or list, `+` one or more, `\` takes the next literally. Case-insensitive (ASCII).
#[derive(Debug, Clone)]
pub struct Pattern {
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    set: Set,
    /// Zero or more of the set, where false means exactly one.
    repeats: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Set {
    Any,
    /// In lower case.
    One(char),
    /// Inclusive ranges, in lower case.
    List(Vec<(char, char)>),
}

impl Set {
    fn has(&self, lower: char) -> bool {
        match self {
            Set::Any => true,
            Set::One(one) => *one == lower,
            Set::List(ranges) => ranges.iter().any(|(first, last)| (*first..=*last).contains(&lower)),
        }
    }
}

impl Pattern {
    /// Compiles a pattern. Every text is a pattern: an unfinished or empty list, a trailing `\` and a `#` or `+` with
    /// nothing before it stand for themselves.
    pub fn new(text: &str) -> Pattern {
        let mut tokens: Vec<Token> = Vec::new();
        let mut rest = text.chars();
        // Whether the last token is something that `#` and `+` can repeat.
        let mut repeatable = false;
        while let Some(next) = rest.next() {
            let (set, repeats) = match next {
                '*' => (Set::Any, true),
                '?' => (Set::Any, false),
                '#' | '+' if repeatable => {
                    repeatable = false;
                    if let Some(last) = tokens.last_mut() {
                        let set = last.set.clone();
                        match next {
                            '#' => last.repeats = true,
                            _ => tokens.push(Token { set, repeats: true }),
                        }
                    }
                    continue;
                }
                '[' => match list(rest.as_str()) {
                    Some((ranges, after)) => {
                        rest = after.chars();
                        (Set::List(ranges), false)
                    }
                    None => (Set::One('['), false),
                },
                '\\' => (Set::One(lower(rest.next().unwrap_or('\\'))), false),
                other => (Set::One(lower(other)), false),
            };
            repeatable = !repeats;
            tokens.push(Token { set, repeats });
        }
        Pattern { tokens }
    }

    /// As [`Pattern::new`], for symbols: one leading `_` also stands for none or several.
    pub fn for_symbols(text: &str) -> Pattern {
        let mut pattern = Pattern::new(text);
        if let Some(first) = pattern.tokens.first_mut()
            && first.set == Set::One('_')
        {
            first.repeats = true;
        }
        pattern
    }

    /// Whether the whole of `name` matches. Time is at most the product of both lengths.
    pub fn matches(&self, name: &str) -> bool {
        let mut states = vec![false; self.tokens.len() + 1];
        let mut next = states.clone();
        states[0] = true;
        self.pass_over_repeats(&mut states);
        for character in name.chars().map(lower) {
            next.fill(false);
            let mut any = false;
            for (at, token) in self.tokens.iter().enumerate() {
                if states[at] && token.set.has(character) {
                    next[if token.repeats { at } else { at + 1 }] = true;
                    any = true;
                }
            }
            if !any {
                return false;
            }
            self.pass_over_repeats(&mut next);
            std::mem::swap(&mut states, &mut next);
        }
        states[self.tokens.len()]
    }

    /// Whether a text has any wildcard, so that it should be matched rather than looked up.
    pub fn is_wild(text: &str) -> bool {
        text.contains(['*', '?', '[', '#', '+', '\\'])
    }

    /// A repeat may stand for nothing: whoever is before it is behind it too.
    fn pass_over_repeats(&self, states: &mut [bool]) {
        for (at, token) in self.tokens.iter().enumerate() {
            if token.repeats && states[at] {
                states[at + 1] = true;
            }
        }
    }

    /// The runs of identifier characters that every match contains, in lower case.
    pub(crate) fn literals(&self) -> Vec<String> {
        let mut runs = vec![String::new()];
        for token in &self.tokens {
            match (&token.set, runs.last_mut()) {
                (Set::One(one), Some(run)) if !token.repeats && (one.is_ascii_alphanumeric() || *one == '_') => {
                    run.push(*one);
                }
                _ => runs.push(String::new()),
            }
        }
        runs.retain(|run| !run.is_empty());
        runs
    }
}

fn lower(character: char) -> char {
    character.to_ascii_lowercase()
}

/// The ranges of a list whose `[` is behind us, and the text after its `]`.
fn list(text: &str) -> Option<(Vec<(char, char)>, &str)> {
    let end = text.find(']').filter(|end| *end > 0)?;
    let (inside, after) = (&text[..end], &text[end + 1..]);
    let mut ranges = Vec::new();
    let mut rest = inside.chars();
    while let Some(first) = rest.next() {
        let mut ahead = rest.clone();
        let last = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(last)) => {
                rest = ahead;
                last
            }
            _ => first,
        };
        ranges.push((lower(first), lower(last)));
    }
    Some((ranges, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        let compiled = Pattern::new(pattern);
        for name in yes {
            assert!(compiled.matches(name), "{pattern} should match {name}");
        }
        for name in no {
            assert!(!compiled.matches(name), "{pattern} should not match {name}");
        }
    }

    #[test]
    fn each_wildcard_means_what_the_documentation_says() {
        check("mal*", &["malloc", "MAL"], &["amalloc", "ma"]);
        check("m?n", &["man", "MXN"], &["mn", "main"]);
        check("f[a-cX]o", &["fao", "fCo", "fxo"], &["fdo", "fo"]);
        check("fo#bar", &["fbar", "fobar", "foooobar"], &["fxbar"]);
        check("fo+bar", &["fobar", "foobar"], &["fbar"]);
        check("[0-9]+x", &["1x", "0123x"], &["x", "ax"]);
        check(r"a\*b", &["a*b"], &["axb", "ab"]);
        check("*foo*bar*", &["foobar", "xfooybarz"], &["barfoo"]);
        check("", &[""], &["a"]);
    }

    #[test]
    fn unfinished_wildcards_stand_for_themselves() {
        check("operator[]", &["operator[]"], &["operator"]);
        check("a[b", &["a[b"], &["ab"]);
        check("#a", &["#a"], &["a"]);
        check("a\\", &["a\\"], &["a"]);
        check("a*+", &["ab+"], &["a"]);
    }

    #[test]
    fn a_leading_underscore_of_a_symbol_stands_for_any_number() {
        let pattern = Pattern::for_symbols("_init");
        for name in ["init", "_init", "___init"] {
            assert!(pattern.matches(name), "{name}");
        }
        assert!(!pattern.matches("xinit"));
        assert!(!Pattern::new("_init").matches("init"));
    }

    #[test]
    fn a_hostile_pattern_takes_time_by_the_product_only() {
        let pattern = Pattern::new(&"a#*".repeat(500));
        assert!(!Pattern::new(&format!("{}b", "a#*".repeat(500))).matches(&"a".repeat(2000)));
        assert!(pattern.matches(&"a".repeat(2000)));
    }

    #[test]
    fn literals_are_what_every_match_contains() {
        assert_eq!(Pattern::new("*Foo::ba?*z+q").literals(), ["foo", "ba", "z", "q"]);
        assert_eq!(Pattern::new("fo#o").literals(), ["f", "o"]);
    }
}
