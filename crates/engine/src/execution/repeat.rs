//! What an empty line stands for: the line before it, once more.

use farsight_session::ClientId;
use farsight_types::AccessRole;

use crate::session::Session;

/// Longest line that is kept to be repeated, in bytes; a longer one is taken for a script's.
const LONGEST: usize = 64 << 10;

/// Commands that go on from where they ended when they are given without arguments.
const GOES_ON: [&str; 3] = ["u", "uu", "#"];

/// As [`GOES_ON`], the names that begin so and are none of [`OTHER_D`].
const DUMPS: char = 'd';

/// Commands that begin like those that dump memory, and start anew each time.
const OTHER_D: [&str; 2] = ["dl", "dlb"];

impl Session {
    /// The line that is meant: itself, or for an empty one the last.
    pub(super) fn line_or_last(&mut self, client: ClientId, line: String) -> String {
        let rights = self.rights_of(client);
        let last = match self.output.clients.get_mut(client) {
            // What one may not do is not put into the mouth of another who may, by an empty line.
            Some(known) if rights.role < AccessRole::Owner => &mut known.last_line,
            _ => &mut self.execution.last_line,
        };
        if line.trim().is_empty() {
            return last.as_deref().map_or(line, again);
        }
        *last = (line.len() <= LONGEST).then(|| line.clone());
        line
    }
}

/// The line once more; a command that shows memory or code shows what comes next.
fn again(last: &str) -> String {
    let name = last.split_whitespace().next().unwrap_or_default();
    let is_dump = name.starts_with(DUMPS) && name.chars().all(char::is_alphabetic) && !OTHER_D.contains(&name);
    let goes_on = is_dump || GOES_ON.contains(&name);
    match goes_on && !last.contains([';', '"']) {
        true => name.to_owned(),
        false => last.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_go_on_and_everything_else_is_said_again() {
        for (last, meant) in [
            ("p", "p"),
            ("g; k 2", "g; k 2"),
            ("db 1000 L20", "db"),
            (" u main", "u"),
            ("# \"call*\" main", "# \"call*\" main"),
            ("# call main", "#"),
            ("dl head 5", "dl head 5"),
            ("db 1000; k", "db 1000; k"),
            ("ub main", "ub main"),
            ("", ""),
        ] {
            assert_eq!(again(last), meant, "{last}");
        }
    }
}
