//! `s`: search in memory. Patterns are looked for at the server; strings, which are no pattern, in memory that streams
//! by.

mod strings;

use farsight_session::Record;
use farsight_session::record::{DumpFormat, MemoryPart, SearchHits};
use farsight_target::{LookProxy, SearchRequest};
use farsight_types::{Address, AddressRange};

use super::values::{Kind, take_values};
use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::{take_string, take_word};
use crate::session::Session;

pub(super) const ROWS: &[Row] = &[Row {
    names: &["s"],
    usage: "s [-[flags]b|w|d|q|a|u] Range Pattern | s -[flags]v Range Object | s -[flags]sa|su Range",
    summary: "Searches memory for bytes, words, text, objects of a class (v) or any strings (sa, su); flags: s saves \
              the hits, r looks only at saved ones, nN saves at most N, lN strings from N characters, w writable \
              memory only, 1 addresses alone.",
    needs: Needs::Target,
    writes: false,
    prefix: Prefix::Selects,
    run: search,
}];

/// Hits asked for in one request.
const HITS_AT_ONCE: u32 = 4096;
/// Bytes shown of each hit.
const SHOWN_BYTES: u64 = 16;
/// Hits saved where nothing else is said, and most that can be.
const SAVED_HITS: usize = 1024;
const MOST_SAVED: u64 = 1 << 20;
/// Characters of the shortest string that is found where nothing else is said.
const SHORTEST: usize = 3;
/// Most bytes of a pattern; the service's own limit.
const MOST_PATTERN: usize = 4096;

/// What is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Words,
    Text,
    Object,
    Strings,
}

struct Sought {
    what: What,
    format: DumpFormat,
    size: usize,
}

/// The flags between the brackets.
#[derive(Debug)]
struct Flags {
    save: bool,
    saved_only: bool,
    most_saved: usize,
    shortest: usize,
    writable_only: bool,
    addresses_only: bool,
}

fn search(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (kind, flags, text) = take_kind(session, invocation)?;
    let at = invocation.position_of(text);
    let (range, rest) = session.range_prefix(text, at)?;
    let next = session.memos.search;
    if range.start.is_none() && next.is_none() {
        return Err(CommandError::syntax(at, "a range is missing"));
    }
    let range = range
        .to_bytes(kind.size as u64, 1, next.unwrap_or_default())
        .map_err(|error| CommandError::Expression(error.shifted(at)))?;
    session.memos.search = Some(range.end());
    let mut hits = Hits {
        saved: flags.save.then(Vec::new),
        flags,
        format: kind.format,
    };
    let result = match kind.what {
        What::Strings => {
            invocation.expect_end(rest)?;
            let wide = kind.size == 2;
            strings::search(session, range, wide, hits.flags.shortest, &mut hits)
        }
        what => {
            let pattern = take_pattern(session, invocation, what, kind.size, rest)?;
            match hits.flags.saved_only {
                true => among_saved(session, range, &pattern, &mut hits),
                false => at_server(session, range, kind.size, pattern, &mut hits),
            }
        }
    };
    // What was found until an interrupt is saved all the same.
    if let Some(saved) = hits.saved {
        session.memos.looks.saved_hits = saved;
    }
    result.map(|()| Flow::Done)
}

/// Where hits go.
struct Hits {
    flags: Flags,
    format: DumpFormat,
    saved: Option<Vec<Address>>,
}

impl Hits {
    fn show(&mut self, session: &mut Session, hits: Vec<MemoryPart>) {
        if let Some(saved) = &mut self.saved {
            let room = self.flags.most_saved.saturating_sub(saved.len());
            saved.extend(hits.iter().take(room).map(|hit| hit.address));
        }
        if !hits.is_empty() {
            session.output.record(Record::SearchHits(SearchHits {
                format: self.format,
                hits,
                addresses_only: self.flags.addresses_only,
                more: false,
            }));
        }
    }
}

/// Asks the server for all hits, so many at a time.
fn at_server(
    session: &mut Session,
    range: AddressRange,
    size: usize,
    pattern: Vec<u8>,
    hits: &mut Hits,
) -> Result<(), CommandError> {
    let mut left = range;
    loop {
        session.check_interrupt()?;
        let (link, process) = session.link_and_process()?;
        let request = SearchRequest {
            process: process.os,
            range: left,
            granularity: u32::try_from(size).unwrap_or(1),
            most: HITS_AT_ONCE,
            writable_only: hits.flags.writable_only,
            pattern: pattern.clone(),
        };
        let reply = farsight_target::Look::search(&mut LookProxy(&link), request)?;
        let parts = with_bytes(session, &reply.found, &pattern, hits.flags.addresses_only)?;
        hits.show(session, parts);
        // A server that says to go on where it began would be asked for ever.
        let Some(next) = reply.next.filter(|next| *next > left.start && *next < left.end()) else {
            return Ok(());
        };
        let done = next.0 - left.start.0;
        left = AddressRange::new(next, left.length.saturating_sub(done));
    }
}

/// Each hit with the bytes that are shown of it.
fn with_bytes(
    session: &mut Session,
    found: &[Address],
    pattern: &[u8],
    addresses_only: bool,
) -> Result<Vec<MemoryPart>, CommandError> {
    let shown = usize::try_from(SHOWN_BYTES).unwrap_or(0);
    // What was found is what was looked for; only what lies behind a shorter pattern must be read.
    let known = match addresses_only {
        true => Some(&[][..]),
        false => pattern.get(..shown),
    };
    if known.is_none() {
        let ranges: Vec<AddressRange> = found
            .iter()
            .map(|address| AddressRange::new(*address, SHOWN_BYTES))
            .collect();
        session.fetch_memory(&ranges)?;
    }
    let mut parts = Vec::with_capacity(found.len());
    for address in found {
        let bytes = match known {
            Some(known) => known.to_vec(),
            None => super::memory::peek(session, *address, SHOWN_BYTES)?,
        };
        parts.push(MemoryPart {
            address: *address,
            bytes,
        });
    }
    Ok(parts)
}

/// Looks at saved hits again, in one request.
fn among_saved(
    session: &mut Session,
    range: AddressRange,
    pattern: &[u8],
    hits: &mut Hits,
) -> Result<(), CommandError> {
    let saved = std::mem::take(&mut session.memos.looks.saved_hits);
    let inside: Vec<Address> = saved.iter().copied().filter(|hit| range.contains(*hit)).collect();
    session.memos.looks.saved_hits = saved;
    let length = (pattern.len() as u64).max(SHOWN_BYTES);
    let ranges: Vec<AddressRange> = inside.iter().map(|hit| AddressRange::new(*hit, length)).collect();
    session.fetch_memory(&ranges)?;
    let mut parts = Vec::new();
    for address in inside {
        session.check_interrupt()?;
        let mut bytes = super::memory::peek(session, address, length)?;
        if bytes.starts_with(pattern) {
            bytes.truncate(usize::try_from(SHOWN_BYTES).unwrap_or(0));
            parts.push(MemoryPart { address, bytes });
        }
    }
    hits.show(session, parts);
    Ok(())
}

fn take_kind<'t>(session: &mut Session, invocation: &Invocation<'t>) -> Result<(Sought, Flags, &'t str), CommandError> {
    let mut flags = Flags {
        save: false,
        saved_only: false,
        most_saved: SAVED_HITS,
        shortest: SHORTEST,
        writable_only: false,
        addresses_only: false,
    };
    let kind = |what, format, size| Sought { what, format, size };
    let Some(options) = invocation.text.strip_prefix('-') else {
        return Ok((kind(What::Words, DumpFormat::Bytes, 1), flags, invocation.text));
    };
    let mut options = options;
    if let Some(inside) = options.strip_prefix('[') {
        let end = inside
            .find(']')
            .ok_or_else(|| CommandError::syntax(invocation.position_of(options), "the ] is missing"))?;
        let (inside, behind) = inside.split_at(end);
        take_flags(session, invocation, inside, &mut flags)?;
        options = behind.get(1..).unwrap_or_default();
    }
    let (word, rest) = take_word(options);
    let kind = match word {
        "b" => kind(What::Words, DumpFormat::Bytes, 1),
        "w" => kind(What::Words, DumpFormat::Words, 2),
        "d" => kind(What::Words, DumpFormat::DoubleWords, 4),
        "q" => kind(What::Words, DumpFormat::QuadWords, 8),
        "a" => kind(What::Text, DumpFormat::Bytes, 1),
        "u" => kind(What::Text, DumpFormat::Words, 2),
        "v" => kind(What::Object, DumpFormat::QuadWords, 8),
        "sa" => kind(What::Strings, DumpFormat::Ascii, 1),
        "su" => kind(What::Strings, DumpFormat::Unicode, 2),
        _ => {
            return Err(CommandError::syntax(
                invocation.position_of(options),
                "a type is one of b, w, d, q, a, u, v, sa and su; flags stand in brackets before it",
            ));
        }
    };
    Ok((kind, flags, rest))
}

fn take_flags(
    session: &mut Session,
    invocation: &Invocation<'_>,
    text: &str,
    flags: &mut Flags,
) -> Result<(), CommandError> {
    let mut rest = text;
    while let Some(flag) = rest.chars().next() {
        let at = invocation.position_of(rest);
        rest = rest.get(flag.len_utf8()..).unwrap_or_default();
        match flag {
            '1' => flags.addresses_only = true,
            'w' => flags.writable_only = true,
            's' => flags.save = true,
            'r' => flags.saved_only = true,
            'n' | 'l' => {
                // `[n10s]`: the digits alone are the number.
                let digits = rest.len() - rest.trim_start_matches(|digit: char| digit.is_ascii_hexdigit()).len();
                let (number, behind) = rest.split_at(digits);
                let number = session.evaluate(number, at + 1)?;
                let wrong = |most| CommandError::syntax(at, format!("this number is from 1 to {most:#x}"));
                match flag {
                    'n' if (1..=MOST_SAVED).contains(&number) => {
                        flags.most_saved = usize::try_from(number).unwrap_or(SAVED_HITS);
                    }
                    'n' => return Err(wrong(MOST_SAVED)),
                    _ if (1..=strings::LONGEST as u64).contains(&number) => {
                        flags.shortest = usize::try_from(number).unwrap_or(SHORTEST);
                    }
                    _ => return Err(wrong(strings::LONGEST as u64)),
                }
                rest = behind;
            }
            ' ' | ',' => {}
            _ => {
                return Err(CommandError::syntax(
                    at,
                    format!("'{flag}' is no flag of a search; s, r, n, l, w and 1 are"),
                ));
            }
        }
    }
    Ok(())
}

fn take_pattern(
    session: &mut Session,
    invocation: &Invocation<'_>,
    what: What,
    size: usize,
    text: &str,
) -> Result<Vec<u8>, CommandError> {
    if text.is_empty() {
        return Err(invocation.missing("a pattern"));
    }
    let at = invocation.position_of(text);
    let pattern = match what {
        What::Text => {
            let wanted = take_string(text).map_or_else(|| text.to_owned(), |(text, _)| text);
            match size {
                1 => wanted.into_bytes(),
                _ => wanted.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            }
        }
        What::Object => {
            // Objects of a class begin with the address of its table of virtual functions.
            let (object, rest) = session.evaluate_prefix(text, at)?;
            invocation.expect_end(rest)?;
            session.read_number(Address(object), 8)?.to_le_bytes().to_vec()
        }
        _ => take_values(session, text, at, Kind::Word(size), MOST_PATTERN)?,
    };
    match pattern.len() {
        0 => Err(invocation.missing("a pattern")),
        1..=MOST_PATTERN => Ok(pattern),
        _ => Err(CommandError::syntax(
            at,
            format!("a pattern has at most {MOST_PATTERN} bytes"),
        )),
    }
}
