//! What a debugging client's console does by itself, without the server.

/// A line that is not for the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum GuestCommand {
    /// CTRL+B, `.remote_exit [Commands]`: run these at the server, then go; the session stays.
    Leave { commands: Option<String> },
    /// `.lsrcpath[+] [Folders]`
    SourcePath { add: bool, folders: Vec<String> },
    /// One that DbgEng has here and this build has not.
    NotHere(&'static str),
}

/// The key that leaves, with ENTER behind it: CTRL+B.
pub(super) const LEAVE_KEY: u8 = 2;

/// Whether a line is the key that leaves.
pub(super) fn is_leave_key(line: &str) -> bool {
    line.trim().as_bytes() == [LEAVE_KEY]
}

/// Reads a line as a guest's own command.
pub(super) fn command(line: &str) -> Option<GuestCommand> {
    let line = line.trim();
    if is_leave_key(line) {
        return Some(GuestCommand::Leave { commands: None });
    }
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let folders = || {
        rest.split(';')
            .map(str::trim)
            .filter(|folder| !folder.is_empty())
            .map(str::to_owned)
    };
    Some(match name {
        ".remote_exit" => GuestCommand::Leave {
            commands: (!rest.is_empty()).then(|| rest.to_owned()),
        },
        ".lsrcpath" => GuestCommand::SourcePath {
            add: false,
            folders: folders().collect(),
        },
        ".lsrcpath+" => GuestCommand::SourcePath {
            add: true,
            folders: folders().collect(),
        },
        ".lsrcfix" => {
            GuestCommand::NotHere("there is no source server to look at: .lsrcpath names folders of this machine")
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_guest() {
        let path = |add, folders: &[&str]| {
            let folders = folders.iter().map(|folder| (*folder).to_owned()).collect();
            Some(GuestCommand::SourcePath { add, folders })
        };
        let leave = |commands: Option<&str>| {
            let commands = commands.map(str::to_owned);
            Some(GuestCommand::Leave { commands })
        };
        for (line, expected) in [
            ("\u{2}", leave(None)),
            (" .remote_exit ", leave(None)),
            (".remote_exit .echo bye; g", leave(Some(".echo bye; g"))),
            (".lsrcpath", path(false, &[])),
            (".lsrcpath /a b; /c;", path(false, &["/a b", "/c"])),
            (".lsrcpath+ /d", path(true, &["/d"])),
            (".lsrcpathx /d", None),
            ("k", None),
            ("", None),
        ] {
            assert_eq!(command(line), expected, "{line:?}");
        }
        assert!(matches!(command(".lsrcfix"), Some(GuestCommand::NotHere(_))));
    }
}
