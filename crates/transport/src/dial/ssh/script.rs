//! What runs over there: one line for a POSIX shell that answers and becomes the server, and what it answers.
//!
//! It is made of fixed words, a digest and numbers. The only text from outside is the name of a pipe, which holds neither
//! quotation marks nor blanks and goes as a quoted argument of its own.

use super::copy::OwnServer;
use crate::connection_string::PipeName;

/// Where copies of the server are kept, below the home directory.
pub(super) const FOLDER: &str = ".cache/farsight";

/// What its answers begin with.
const SIGN: &[u8] = b"farsight-ssh ";

/// What is to happen over there.
pub(super) struct Script<'t> {
    /// What may be copied.
    pub(super) own: Option<&'t OwnServer>,
    /// The pipe of a server that runs over there; a server is started for this connection where there is none.
    pub(super) pipe: Option<&'t PipeName>,
}

/// What it says, as one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// From here on it is the server.
    Run,
    /// There is no server, and a copy of ours may come.
    Need,
    /// There is no server, and none was offered.
    None,
    /// There is no server, and ours is not for that machine.
    Other(String),
    /// The file of that name holds something else.
    Altered(String),
    /// Others may write in that directory.
    Unsafe(String),
    /// The copy did not come about.
    Failed(String),
    /// No server has the pipe.
    NoPipe(String),
}

impl Script<'_> {
    /// As ssh is given it. The user's own shell over there may be any; within its quotation marks a POSIX shell begins.
    pub(super) fn command(&self) -> String {
        let pipe = self.pipe.map(|name| format!(" '{name}'")).unwrap_or_default();
        format!("exec sh -c '{}' farsight{pipe}", self.text())
    }

    /// The script itself. Its first argument is the pipe.
    pub(super) fn text(&self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let become_server = match self.pipe {
            // The relay answers by itself, for only it knows whether somebody is there.
            Some(_) => "become() { exec \"$1\" -relay \"npipe:pipe=$p\"; };",
            None => "become() { say run; exec \"$1\" -t stdio:; };",
        };
        let common = format!(
            "umask 077; p=$1; say() {{ printf \"farsight-ssh %s\\n\" \"$*\"; }}; {become_server} \
             w=$(dbgsrv -version 2>/dev/null </dev/null); \
             case $w in \"dbgsrv (farsight {version})\"*|\"dbgsrv (farsight {version},\"*) become dbgsrv;; esac; \
             older() {{ case $w in \"dbgsrv (farsight \"*) become dbgsrv;; esac; }};"
        );
        match self.own {
            // The handshake will tell whether another release will do.
            None => format!("{common} older; say none"),
            Some(own) => common + &copying(own),
        }
    }
}

/// Uses the copy that is there, or asks for one.
///
/// The copy is written to a new file, checked, and given its name by a link, which never replaces what has the name.
fn copying(own: &OwnServer) -> String {
    let (hash, size, place) = (own.hash(), own.bytes().len(), own.place());
    let machine = own.machine();
    let folder = FOLDER;
    format!(
        " m=$(uname -sm); if [ \"$m\" != \"{machine}\" ]; then older; say other \"$m\"; exit 0; fi; \
         d=$HOME/{folder}; f=$HOME/{place}; \
         sum() {{ {{ sha256sum || shasum -a 256 || openssl dgst -sha256 -r; }} <\"$1\" 2>/dev/null; }}; \
         good() {{ [ -f \"$1\" ] && [ ! -L \"$1\" ] && [ -O \"$1\" ] && \
         case $(sum \"$1\") in *{hash}*) true;; *) false;; esac; }}; \
         mkdir -p \"$d\" || {{ say failed \"$d cannot be made\"; exit 0; }}; \
         [ -O \"$d\" ] && case $(ls -ld \"$d\") in d????-??-*) true;; *) false;; esac || {{ say unsafe \"$d\"; exit 0; }}; \
         if [ -e \"$f\" ] || [ -L \"$f\" ]; then good \"$f\" && [ -x \"$f\" ] || {{ say altered \"$f\"; exit 0; }}; else \
         t=$(mktemp \"$d/part.XXXXXX\") || {{ say failed \"no file can be made in $d\"; exit 0; }}; \
         trap \"rm -f \\\"$t\\\"\" 0; trap \"exit 1\" 1 13 15; \
         say need; head -c {size} >\"$t\"; \
         good \"$t\" || {{ say failed \"what arrived is not what was sent, or no sha256sum is there to tell\"; exit 0; }}; \
         chmod 700 \"$t\"; o=$(\"$t\" -version 2>&1 </dev/null | head -n 1); \
         case $o in \"dbgsrv (farsight \"*) ;; *) say failed \"it does not run there: $o\"; exit 0;; esac; \
         ln \"$t\" \"$f\" 2>/dev/null || mv -n \"$t\" \"$f\"; rm -f \"$t\"; \
         good \"$f\" || {{ say altered \"$f\"; exit 0; }}; fi; \
         become \"$f\""
    )
}

/// Finds the answer in what came, once its line is whole. What stands before it is not ours: somebody's shell greets.
pub(super) fn answer(heard: &[u8]) -> Option<Answer> {
    heard.split_inclusive(|byte| *byte == b'\n').find_map(|line| {
        let line = line.strip_suffix(b"\n")?;
        let at = line.windows(SIGN.len()).position(|window| window == SIGN)?;
        let text = String::from_utf8_lossy(line.get(at + SIGN.len()..)?);
        let text = super::words::harmless(&text);
        let (word, rest) = text.split_once(' ').unwrap_or((text.as_str(), ""));
        let rest = rest.to_owned();
        Some(match word {
            "run" => Answer::Run,
            "need" => Answer::Need,
            "none" => Answer::None,
            "other" => Answer::Other(rest),
            "altered" => Answer::Altered(rest),
            "unsafe" => Answer::Unsafe(rest),
            "nopipe" => Answer::NoPipe(rest),
            _ => Answer::Failed(rest),
        })
    })
}
