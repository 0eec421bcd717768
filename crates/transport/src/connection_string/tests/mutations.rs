//! Thousands of damaged strings at every parser: none may panic, and what is accepted must survive being printed.

use super::*;

/// A small generator with a fixed seed, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

const FRAGMENTS: &[&str] = &[
    ",",
    "=",
    ":",
    "@{",
    "}",
    "{",
    "\"",
    "'",
    "\\\\",
    "%",
    "%x",
    "%999999999999x",
    " ",
    "\t",
    "\0",
    "é",
    "𝄞",
    "*",
    "::",
    "[",
    "]",
    "0",
    "65536",
    "99999999999999999999",
    "port=",
    "server=",
    "clicon=a",
    "password=",
    "password=@{",
    "key=",
    "hidden",
    "pipe",
    "modem",
    "ipport=1",
    "kdsrv:",
    "trans=@{com:}",
    "server=@{<Local>}",
    "ipversion=6",
    "insecure",
    "tcp:",
    "com:",
    "-",
    ".",
    "\u{200b}",
];

fn mutate(random: &mut Random, seeds: &[&str]) -> String {
    let mut text: Vec<char> = random.pick(seeds).chars().collect();
    for _ in 0..random.below(5) {
        let at = random.below(text.len() + 1);
        match random.below(6) {
            0 => drop(text.splice(at..at, random.pick(FRAGMENTS).chars())),
            1 if at < text.len() => drop(text.remove(at)),
            2 => text.truncate(at),
            3 => {
                let other: Vec<char> = random.pick(seeds).chars().collect();
                let from = random.below(other.len() + 1);
                text.splice(at.., other[from..].iter().copied());
            }
            4 if at < text.len() => text[at] = char::from_u32(random.next() as u32 % 0x250).unwrap_or('x'),
            _ => {
                let end = at + random.below(text.len() - at + 1);
                let copy = text[at..end].to_vec();
                text.splice(at..at, copy);
            }
        }
    }
    text.into_iter().collect()
}

fn check_error(text: &str, error: &ConnectionStringError) {
    assert!(error.at() <= text.len(), "{text:?}");
    let message = format!("{error}\n{}", error.caret());
    assert!(message.lines().count() <= 5, "{text:?}: {message}");
    assert!(
        !message.contains(|character: char| character.is_control() && character != '\n'),
        "{text:?}: {message:?}"
    );
}

#[test]
fn damaged_strings_never_panic_and_accepted_ones_survive_printing() {
    let seeds: Vec<&str> = [SERVERS, CLIENTS, KERNELS]
        .concat()
        .iter()
        .flat_map(|(text, form)| [*text, *form])
        .collect();
    let mut random = Random(0x5eed_f00d_cafe_0001);
    let mut accepted = 0_u32;
    for _ in 0..20_000 {
        let text = mutate(&mut random, &seeds);
        for role in [ServerRole::DebuggingServer, ServerRole::Repeater] {
            match ServerTransport::parse(&text, role) {
                Err(error) => check_error(&text, &error),
                Ok(parsed) => {
                    accepted += 1;
                    let _ = parsed.require_supported();
                    let _ = parsed.client_transport(&Host::localhost());
                    if parsed.options.credential.is_none() {
                        assert_eq!(
                            ServerTransport::parse(&parsed.to_string(), role).as_ref(),
                            Ok(&parsed),
                            "{text:?}"
                        );
                    }
                }
            }
        }
        for role in [ClientRole::SmartClient, ClientRole::Repeater] {
            match ClientTransport::parse(&text, role) {
                Err(error) => check_error(&text, &error),
                Ok(parsed) => {
                    accepted += 1;
                    let _ = parsed.require_supported();
                    if parsed.credential.is_none() {
                        assert_eq!(
                            ClientTransport::parse(&parsed.to_string(), role).as_ref(),
                            Ok(&parsed),
                            "{text:?}"
                        );
                    }
                }
            }
        }
        match KernelConnection::parse(&text) {
            Err(error) => check_error(&text, &error),
            Ok(parsed) => {
                accepted += 1;
                let shown = parsed.to_string();
                if !shown.contains("=*") {
                    assert_eq!(KernelConnection::parse(&shown).as_ref(), Ok(&parsed), "{text:?}");
                }
            }
        }
    }
    // A generator that only makes rubbish would prove nothing.
    assert!(accepted > 5_000, "{accepted} accepted");
}
