//! What ssh says when it fails, and what helps.

use crate::error::SshFault;

/// Most characters of ssh's words that are shown.
const MOST: usize = 600;
/// Most lines of them.
const MOST_LINES: usize = 4;

/// What ssh's words hold, and the cure; the first that fits.
const CURES: &[(&str, &str)] = &[
    (
        "IDENTIFICATION HAS CHANGED",
        "the machine's key is not the one that ssh knows: find out why before you remove the old one (ssh-keygen -R HOST)",
    ),
    (
        "Host key verification failed",
        "ssh does not know this machine's key: log in once by hand with ssh and compare the key that it shows",
    ),
    (
        "host key is known for",
        "ssh does not know this machine's key: log in once by hand with ssh and compare the key that it shows",
    ),
    (
        "Permission denied",
        "check the user and the key; 'ssh HOST true' must work without questions where farsight cannot let ssh ask any \
         (ssh-add loads a key that has a passphrase)",
    ),
    (
        "Too many authentication failures",
        "ssh offered more keys than the machine looks at: name one with IdentityFile and IdentitiesOnly in ~/.ssh/config",
    ),
    ("Could not resolve hostname", "check the machine's name"),
    (
        "Connection refused",
        "is sshd running there, and at this port? port=P names another",
    ),
    ("timed out", "is the machine up, and does a firewall drop ssh's port?"),
    ("No route to host", "check the network between here and there"),
    ("Network is unreachable", "check the network between here and there"),
    (
        "Bad owner or permissions",
        "ssh refuses its own settings: mend what it names",
    ),
    (
        "command not found",
        "the account's shell over there is none that runs sh; use an account with a POSIX shell",
    ),
    (
        "account is not available",
        "the account may not run commands; use another one",
    ),
    (
        "This service allows sftp connections only",
        "the account may not run commands; use another one",
    ),
];

/// What ssh's last words mean.
pub(super) fn judge(said: &str) -> SshFault {
    let lines: Vec<String> = said
        .lines()
        .map(|line| harmless(line.trim()))
        .filter(|line| !line.is_empty())
        .collect();
    if lines.is_empty() {
        return SshFault::Closed;
    }
    // A changed key is told in a box of asterisks; the line that says it counts, wherever it stands.
    let cure = CURES
        .iter()
        .find(|(words, _)| said.contains(words))
        .map(|(_, cure)| *cure);
    let first = lines.len().saturating_sub(MOST_LINES);
    let words: String = lines
        .get(first..)
        .unwrap_or_default()
        .join("; ")
        .chars()
        .take(MOST)
        .collect();
    SshFault::Said {
        words,
        cure: cure.unwrap_or("try 'ssh HOST true' by hand"),
    }
}

/// Without what a terminal would take for an order; the other machine chooses these words.
pub(super) fn harmless(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control() && !is_invisible(*character))
        .collect()
}

/// Turns the direction of writing, or is not seen at all.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
