//! Passwords and keys from where they are to be had: the string itself, the environment, a descriptor, the user.
//!
//! What a program was started with can be seen by others: its command line by everybody, its environment by who starts what
//! it starts. [`hide`] takes secrets out of the command line, and variables that held one are not passed on
//! ([`variables`]).

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use farsight_types::secrets_in_words;
use zeroize::Zeroizing;

use crate::connection_string::{Credential, Secret, SecretSource};
use crate::error::ConnectError;
use crate::sys;

/// Longest secret that is read from elsewhere, in bytes.
const LONGEST: usize = 1024;

/// What has been found until now: a descriptor can be read once only.
#[derive(Default)]
struct Found {
    descriptors: BTreeMap<u16, Result<Secret, String>>,
    variables: BTreeSet<String>,
}

fn found() -> &'static Mutex<Found> {
    static FOUND: OnceLock<Mutex<Found>> = OnceLock::new();
    FOUND.get_or_init(Mutex::default)
}

/// The secret itself, from wherever it is but from the user.
pub(crate) fn resolve(credential: &Credential) -> Result<Credential, ConnectError> {
    let (is_key, secret) = match credential {
        Credential::Password(secret) => (false, secret),
        Credential::Key(secret) => (true, secret),
    };
    let unknown = |why: String| ConnectError::Secret { why };
    let text = match secret.source() {
        SecretSource::Given => return Ok(credential.clone()),
        SecretSource::Prompt => {
            return Err(unknown(
                "there is nobody to ask for the secret that '*' stands for; give it by env:NAME or fd:N, or start the \
                 program at a terminal"
                    .into(),
            ));
        }
        SecretSource::Environment(name) => {
            let mut found = found().lock().unwrap_or_else(PoisonError::into_inner);
            found.variables.insert(name.to_owned());
            std::env::var(name)
                .map(Zeroizing::new)
                .map_err(|_| unknown(format!("the environment has no variable '{name}' that is text")))?
        }
        SecretSource::Descriptor(number) => Zeroizing::new(read_descriptor(number)?.expose().to_owned()),
    };
    of_text(is_key, text.trim_end_matches(['\r', '\n'])).map_err(unknown)
}

/// Takes what a string names as the place of its secret, before anything else is started: programs that are started later
/// find neither the descriptor nor the variable. What cannot be had is told of where it is used.
pub fn collect(credential: &Option<Credential>) {
    if let Some(credential) = credential {
        let _ = resolve(credential);
    }
}

/// A credential of text that came from elsewhere: it is the secret, whatever it looks like.
fn of_text(is_key: bool, text: &str) -> Result<Credential, String> {
    match is_key {
        _ if text.len() > LONGEST => Err(too_long()),
        true => Secret::parse_written_key(text).map(Credential::Key),
        false if text.is_empty() => Err("the password is empty".into()),
        false => Ok(Credential::Password(Secret::new(text))),
    }
}

fn too_long() -> String {
    format!("a password or key that is read has at most {LONGEST} bytes; give a shorter one")
}

/// What a descriptor gives; asked again, it is what it was.
fn read_descriptor(number: &str) -> Result<Secret, ConnectError> {
    let unknown = |why: String| ConnectError::Secret { why };
    let descriptor: u16 = number
        .parse()
        .map_err(|_| unknown(format!("'{number}' is no descriptor")))?;
    let mut found = found().lock().unwrap_or_else(PoisonError::into_inner);
    let read = found.descriptors.entry(descriptor).or_insert_with(|| {
        let file = sys::take_inherited(descriptor.into()).map(File::from);
        match file.and_then(read_line) {
            Ok(line) if line.len() > LONGEST => Err(too_long()),
            Ok(line) => match std::str::from_utf8(&line) {
                Ok(line) => Ok(Secret::new(line)),
                Err(_) => Err(format!("what descriptor {descriptor} gives is no text")),
            },
            Err(error) => Err(format!("descriptor {descriptor} cannot be read: {error}")),
        }
    });
    read.clone().map_err(unknown)
}

/// The first line, and not a byte more: commands may come behind it. One that is too long is a byte too long.
fn read_line(mut file: File) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    let mut byte = Zeroizing::new([0]);
    loop {
        match file.read(&mut *byte) {
            Ok(0) => return Ok(line),
            Ok(_) if byte[0] == b'\n' => return Ok(line),
            Ok(_) if line.len() > LONGEST => {}
            Ok(_) => line.push(byte[0]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                sys::poll_readable(&[file.as_fd()], None)?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Variables that held secrets: what is started from here is to be started without them.
pub fn variables() -> Vec<String> {
    let found = found().lock().unwrap_or_else(PoisonError::into_inner);
    found.variables.iter().cloned().collect()
}

/// Has a program start without the variables that held secrets.
pub fn withhold(command: &mut Command) {
    for variable in variables() {
        command.env_remove(variable);
    }
}

/// Asks the user at the terminal for a secret that a string leaves open (`*`); `what` is the string as it is
/// shown. Whether there was anything to ask.
pub fn ask(credential: &mut Option<Credential>, what: &str) -> Result<bool, ConnectError> {
    let (is_key, word) = match credential {
        Some(Credential::Password(secret)) if secret.source() == SecretSource::Prompt => (false, "password"),
        Some(Credential::Key(secret)) if secret.source() == SecretSource::Prompt => (true, "key"),
        _ => return Ok(false),
    };
    let unknown = |why: String| ConnectError::Secret { why };
    let fault = |error: io::Error| {
        unknown(format!(
            "the terminal cannot be asked for a {word}: {error}; give it by env:NAME or fd:N"
        ))
    };
    let mut terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOCTTY)
        .open("/dev/tty")
        .map_err(fault)?;
    write!(terminal, "{word} of {what}: ").map_err(fault)?;
    let typed = {
        let _quiet = sys::without_echo(terminal.as_fd()).map_err(fault)?;
        type_secret(&mut &terminal)
    };
    writeln!(terminal).map_err(fault)?;
    *credential = Some(of_typed(is_key, &typed.map_err(fault)?).map_err(unknown)?);
    Ok(true)
}

/// A credential that was typed. It goes on as part of a connection string, where some words are not what they look like.
fn of_typed(is_key: bool, text: &str) -> Result<Credential, String> {
    let credential = of_text(is_key, text)?;
    let (Credential::Password(secret) | Credential::Key(secret)) = &credential;
    match secret.source() {
        SecretSource::Given => Ok(credential),
        _ => Err(
            "a password that is typed cannot be '*' or begin with env: or fd:, which say where one is; give it by \
                  env:NAME or fd:N"
                .into(),
        ),
    }
}

/// Reads what is typed until ENTER; CTRL+C and CTRL+D end it without an answer.
fn type_secret(terminal: &mut impl Read) -> io::Result<Zeroizing<String>> {
    let mut typed = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    let mut byte = [0];
    loop {
        match terminal.read(&mut byte) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        match byte[0] {
            b'\r' | b'\n' => break,
            3 | 4 => return Err(io::Error::new(io::ErrorKind::Interrupted, "it was not typed")),
            8 | 127 => {
                // A character may be several bytes.
                while typed.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            // CTRL+U takes all back.
            21 => typed.clear(),
            // One byte too many is refused as too long.
            _ if typed.len() > LONGEST => {}
            byte => typed.push(byte),
        }
    }
    let text = std::str::from_utf8(&typed).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// The arguments of this program, whose secrets nobody sees any more in the list of processes; to be called once, first
/// thing in `main`. That they could be seen until then is why a secret is better given by `env:`, `fd:` or `*`.
pub fn hide() -> Vec<OsString> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    // A kernel that does not let a program write its own memory through /proc leaves them seen.
    let _ = overwrite();
    arguments.into_iter().skip(1).collect()
}

/// Overwrites the secrets in the command line that the kernel shows. The copy of the arguments is made before.
fn overwrite() -> io::Result<()> {
    let shown = std::fs::read("/proc/self/cmdline")?;
    let places = secrets_in_words(&shown);
    if places.is_empty() {
        return Ok(());
    }
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // Behind the name, which may hold anything, fields count from 3.
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace());
    let start = fields.and_then(|mut fields| fields.nth(ARG_START - 3)?.parse::<u64>().ok());
    let start = start.ok_or(io::ErrorKind::InvalidData)?;
    let memory = OpenOptions::new().write(true).open("/proc/self/mem")?;
    for place in places {
        memory.write_all_at(&vec![b'*'; place.len()], start + place.start as u64)?;
    }
    Ok(())
}

/// The field of `/proc/PID/stat` that says where the command line is.
const ARG_START: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;

    /// What is read is the secret itself, whole, or is refused.
    #[test]
    fn what_is_read_is_taken_whole_or_not_at_all() {
        let most = "x".repeat(LONGEST);
        for text in ["env:HOME", "*", "fd:3", &most] {
            assert_eq!(of_text(false, text).unwrap(), Credential::Password(Secret::new(text)));
        }
        let longer = format!("{most}x");
        for (is_key, text, words) in [
            (false, "", "empty"),
            (false, &*longer, "at most 1024 bytes"),
            (true, "new", "a key is the 29 letters"),
            (true, "env:HOME", "a key is the 29 letters"),
            (true, "correcthorsebatterystaplecorr", "no server has drawn this key"),
        ] {
            assert!(of_text(is_key, text).unwrap_err().contains(words), "{text}");
        }
        assert!(of_typed(false, "sword env:fish").is_ok());
        for text in ["env:HOME", "*", "fd:3"] {
            assert!(of_typed(false, text).unwrap_err().contains("typed"), "{text}");
        }
        let typed = type_secret(&mut format!("{longer}yz\n").as_bytes()).unwrap();
        assert!(of_typed(false, &typed).unwrap_err().contains("at most 1024 bytes"));
        let (read, mut write) = io::pipe().unwrap();
        write.write_all(format!("{longer}yz\n").as_bytes()).unwrap();
        let error = read_descriptor(&sys::inheritable(read.into()).to_string()).unwrap_err();
        assert!(error.to_string().contains("at most 1024 bytes"), "{error}");
    }

    #[test]
    fn what_is_typed_can_be_mended_and_given_up() {
        let typed = |keys: &[u8]| type_secret(&mut &*keys).map(|text| text.to_string()).ok();
        assert_eq!(typed(b"Swordfish\nmore").as_deref(), Some("Swordfish"));
        assert_eq!(typed("ab\u{e9}\x7fc\r".as_bytes()).as_deref(), Some("abc"));
        assert_eq!(typed(b"wrong\x15right\n").as_deref(), Some("right"));
        for given_up in [&b"abc\x03"[..], b"\x04", b"abc", b"\xff\n"] {
            assert_eq!(typed(given_up), None);
        }
    }

    #[test]
    fn a_secret_comes_from_the_environment_or_a_descriptor() {
        let home = std::env::var("PATH").unwrap();
        let by = |text: &str| resolve(&Credential::Password(Secret::new(text)));
        assert_eq!(by("env:PATH").unwrap(), Credential::Password(Secret::new(&home)));
        assert!(variables().contains(&"PATH".to_owned()));
        let (own, _write) = io::pipe().unwrap();
        let (read, mut write) = io::pipe().unwrap();
        write.write_all(b"Swordfish\nmore\n").unwrap();
        drop(write);
        let descriptor = sys::inheritable(read.into());
        let given = format!("fd:{descriptor}");
        // It can be asked for again, though the descriptor gives it once.
        for _ in 0..2 {
            assert_eq!(by(&given).unwrap(), Credential::Password(Secret::new("Swordfish")));
        }
        // Nobody else finds it.
        assert!(std::fs::read_link(format!("/proc/self/fd/{descriptor}")).is_err());
        // One of this program's own is not taken from it.
        let error = by(&format!("fd:{}", own.as_raw_fd())).unwrap_err().to_string();
        assert!(error.contains("was not given to this program"), "{error}");
        for (text, words) in [
            ("env:FARSIGHT_NO_SUCH", "no variable 'FARSIGHT_NO_SUCH'"),
            ("fd:999", "descriptor 999 cannot be read"),
            ("*", "nobody to ask"),
        ] {
            let error = by(text).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
