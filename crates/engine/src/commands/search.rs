//! `s`: search in memory, carried out at the server.

use farsight_session::Record;
use farsight_session::record::{DumpFormat, MemoryPart, SearchHits};
use farsight_target::{LookProxy, SearchRequest};
use farsight_types::{Address, AddressRange};

use super::{Invocation, Needs, Prefix, Row};
use crate::error::CommandError;
use crate::execution::Flow;
use crate::expression::{take_string, take_word};
use crate::session::Session;

pub(super) const ROWS: &[Row] = &[Row {
    names: &["s"],
    usage: "s [-[flags]b|w|d|q|a|u] Range Pattern",
    summary: "Searches memory for bytes, words or text; flags: 1 addresses alone, w writable memory only.",
    needs: Needs::Target,
    writes: false,
    prefix: Prefix::Selects,
    run: search,
}];

/// Hits shown by one command.
const MOST_HITS: u32 = 1024;
/// Bytes shown of each hit.
const SHOWN_BYTES: u64 = 16;

/// What is searched for.
struct Kind {
    format: DumpFormat,
    size: usize,
    text: bool,
    addresses_only: bool,
    writable_only: bool,
}

fn search(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let (kind, text) = take_kind(invocation)?;
    let (range, rest) = session.range_prefix(text, invocation.position_of(text))?;
    let at = invocation.position_of(text);
    let next = session.memos.search.unwrap_or_default();
    let range = range
        .to_bytes(kind.size as u64, 1, next)
        .map_err(|error| CommandError::Expression(error.shifted(at)))?;
    let pattern = take_pattern(session, invocation, &kind, rest)?;
    let (link, process) = session.link_and_process()?;
    let request = SearchRequest {
        process: process.os,
        range,
        granularity: u32::try_from(kind.size).unwrap_or(1),
        most: MOST_HITS,
        writable_only: kind.writable_only,
        pattern: pattern.clone(),
    };
    let reply = farsight_target::Look::search(&mut LookProxy(&link), request)?;
    session.memos.search = reply.next;
    let shown = usize::try_from(SHOWN_BYTES).unwrap_or(0);
    let hits = match (kind.addresses_only, pattern.get(..shown)) {
        (true, _) => reply.found.iter().map(|address| part(*address, Vec::new())).collect(),
        // What was found is what was looked for; only what lies behind a shorter pattern must be read.
        (false, Some(known)) => reply
            .found
            .iter()
            .map(|address| part(*address, known.to_vec()))
            .collect(),
        (false, None) => {
            let ranges: Vec<AddressRange> = reply
                .found
                .iter()
                .map(|address| AddressRange::new(*address, SHOWN_BYTES))
                .collect();
            session.fetch_memory(&ranges)?;
            let mut hits = Vec::new();
            for address in &reply.found {
                let bytes = super::memory::peek(session, *address, SHOWN_BYTES)?;
                hits.push(part(*address, bytes));
            }
            hits
        }
    };
    session.output.record(Record::SearchHits(SearchHits {
        format: kind.format,
        hits,
        addresses_only: kind.addresses_only,
        more: reply.next.is_some(),
    }));
    Ok(Flow::Done)
}

fn part(address: Address, bytes: Vec<u8>) -> MemoryPart {
    MemoryPart { address, bytes }
}

fn take_kind<'t>(invocation: &Invocation<'t>) -> Result<(Kind, &'t str), CommandError> {
    let mut kind = Kind {
        format: DumpFormat::Bytes,
        size: 1,
        text: false,
        addresses_only: false,
        writable_only: false,
    };
    let Some(options) = invocation.text.strip_prefix('-') else {
        return Ok((kind, invocation.text));
    };
    let (word, rest) = take_word(options);
    let (flags, letter) = match word.strip_prefix('[').and_then(|inside| inside.split_once(']')) {
        Some((flags, letter)) => (flags, letter),
        None => ("", word),
    };
    for flag in flags.chars() {
        match flag {
            '1' => kind.addresses_only = true,
            'w' => kind.writable_only = true,
            _ => {
                return Err(CommandError::syntax(
                    invocation.position_of(flags),
                    format!("the flag {flag} is not in this build; 1 and w are"),
                ));
            }
        }
    }
    (kind.format, kind.size, kind.text) = match letter {
        "b" => (DumpFormat::Bytes, 1, false),
        "w" => (DumpFormat::Words, 2, false),
        "d" => (DumpFormat::DoubleWords, 4, false),
        "q" => (DumpFormat::QuadWords, 8, false),
        "a" => (DumpFormat::Bytes, 1, true),
        "u" => (DumpFormat::Unicode, 2, true),
        _ => {
            return Err(CommandError::syntax(
                invocation.position_of(word),
                "a type is one of b, w, d, q, a and u",
            ));
        }
    };
    Ok((kind, rest))
}

fn take_pattern(
    session: &mut Session,
    invocation: &Invocation<'_>,
    kind: &Kind,
    text: &str,
) -> Result<Vec<u8>, CommandError> {
    if text.is_empty() {
        return Err(invocation.missing("a pattern"));
    }
    let mut pattern = Vec::new();
    if kind.text {
        let wanted = take_string(text).map_or_else(|| text.to_owned(), |(text, _)| text);
        match kind.size {
            1 => pattern.extend(wanted.bytes()),
            _ => pattern.extend(wanted.encode_utf16().flat_map(u16::to_le_bytes)),
        }
    } else {
        let mut rest = text;
        while !rest.is_empty() {
            if rest.starts_with(['"', '\''])
                && let Some((text, behind)) = take_string(rest)
            {
                for byte in text.bytes() {
                    pattern.push(byte);
                    pattern.resize(pattern.len() + kind.size - 1, 0);
                }
                rest = behind;
                continue;
            }
            let (value, behind) = session.evaluate_prefix(rest, invocation.position_of(rest))?;
            pattern.extend_from_slice(value.to_le_bytes().get(..kind.size).unwrap_or_default());
            rest = behind;
        }
    }
    match pattern.len() {
        0 => Err(invocation.missing("a pattern")),
        1..=4096 => Ok(pattern),
        _ => Err(CommandError::syntax(
            invocation.position_of(text),
            "a pattern has at most 4096 bytes",
        )),
    }
}
