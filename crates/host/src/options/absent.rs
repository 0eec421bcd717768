//! Options of DbgEng's console debuggers that this build refuses by name (specification 4.1).

/// Whole words, without the dash.
const WORDS: &[&str] = &[
    "2", "cimp", "d", "ddefer", "e", "failinc", "hd", "iae", "iaec", "isd", "iu", "k", "kqm", "logau", "logou", "myob",
    "netsyms", "noinh", "noshell", "nosqm", "psn", "r", "robp", "sdce", "ses", "sflags", "sicv", "sins", "snc", "snul",
    "sup", "t", "vf", "w", "wake", "zp",
];

/// Those that may stand together with others in one word, as in `-odGg`.
const FLAGS: &[u8] = b"dx2";

/// Whether a word, without its dash, is such an option.
pub(super) fn is_absent(word: &str) -> bool {
    WORDS.contains(&word)
}

/// Whether a word that holds several options goes on with such an option.
pub(super) fn starts_with_absent_flag(rest: &str) -> bool {
    rest.bytes().next().is_some_and(|first| FLAGS.contains(&first))
}
