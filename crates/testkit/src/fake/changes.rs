//! What the fake machine lets itself be changed by: memory filled, made and given back, registers, files.

use farsight_target::*;
use farsight_types::{Address, AddressRange};
use farsight_wire::Nothing;
use sha2::{Digest, Sha256};

use super::FakeTarget;
use super::processor::{Memory, Region};

type Result<T> = std::result::Result<T, TargetError>;

const PAGE: u64 = 4096;
/// Where memory is made that may be anywhere.
const ANYWHERE: u64 = 0x1000_0000;

/// Fills as much as there is.
pub(super) fn fill(memory: &mut Memory, request: &FillRequest) -> Result<WriteReply> {
    if request.pattern.is_empty() || request.pattern.len() > 65536 {
        let why = "a pattern has 1 to 65536 bytes".into();
        return Err(TargetError::Invalid { why });
    }
    let there = memory.read(request.range).len();
    let bytes: Vec<u8> = request.pattern.iter().copied().cycle().take(there).collect();
    let length = memory.write(request.range.start, &bytes);
    match length {
        0 => Err(TargetError::Unwritable {
            at: request.range.start,
        }),
        length => Ok(WriteReply { length }),
    }
}

/// Makes memory where there is none yet.
pub(super) fn allocate(memory: &mut Memory, request: AllocateRequest) -> Result<Allocation> {
    let invalid = |why: &str| TargetError::Invalid { why: why.into() };
    let size = request
        .size
        .checked_next_multiple_of(PAGE)
        .filter(|size| (PAGE..=1 << 30).contains(size));
    let size = size.ok_or_else(|| invalid("this much memory cannot be made"))?;
    let start = request.at.unwrap_or(Address(ANYWHERE));
    let range = AddressRange::new(start, size);
    if !start.0.is_multiple_of(PAGE)
        || memory
            .0
            .iter()
            .any(|region| region.range().intersection(range).is_some())
    {
        return Err(invalid("there is memory already, or it is no page"));
    }
    memory.0.push(Region {
        start: start.0,
        bytes: vec![0; size as usize],
        write: true,
        execute: true,
        path: String::new(),
    });
    memory.0.sort_by_key(|region| region.start);
    Ok(Allocation {
        process: request.process,
        range,
    })
}

/// Gives memory back that was made whole.
pub(super) fn free(memory: &mut Memory, order: Allocation) -> Result<Nothing> {
    let before = memory.0.len();
    memory.0.retain(|region| region.range() != order.range);
    match memory.0.len() < before {
        true => Ok(Nothing {}),
        false => Err(TargetError::Invalid {
            why: "nothing was made there".into(),
        }),
    }
}

fn file_error(machine: &str, path: &str, why: &str) -> TargetError {
    TargetError::File {
        path: path.into(),
        machine: machine.into(),
        why: why.into(),
    }
}

/// Takes a part of a file.
pub(super) fn write_file(target: &mut FakeTarget, part: FilePart) -> Result<Nothing> {
    let path = part.path;
    let partial = target.partial_files.entry(path.clone()).or_default();
    if part.offset == 0 {
        partial.clear();
    }
    if partial.len() as u64 != part.offset {
        return Err(file_error(&target.machine, &path, "parts come in order"));
    }
    partial.extend(part.bytes);
    let Some(seal) = part.end else {
        return Ok(Nothing {});
    };
    let bytes = target.partial_files.remove(&path).unwrap_or_default();
    if seal.size != bytes.len() as u64 || seal.checksum != Sha256::digest(&bytes).as_slice() {
        return Err(file_error(&target.machine, &path, "the checksum is wrong"));
    }
    if target.files.contains_key(&path) && !seal.replace {
        return Err(file_error(&target.machine, &path, "there is one already"));
    }
    target.files.insert(path, bytes);
    Ok(Nothing {})
}

/// Gives a piece of a file.
pub(super) fn fetch_file(target: &FakeTarget, fetch: &FileFetch) -> Result<FilePiece> {
    let bytes = target.files.get(&fetch.path);
    let bytes = bytes.ok_or_else(|| file_error(&target.machine, &fetch.path, "there is no such file"))?;
    let rest = bytes.get(fetch.offset as usize..).unwrap_or_default();
    Ok(FilePiece {
        seal: fetch.seal.then(|| FileSeal {
            size: bytes.len() as u64,
            checksum: Sha256::digest(bytes).to_vec(),
            replace: false,
            mode: 0o644,
        }),
        bytes: rest[..rest.len().min(fetch.length as usize)].to_vec(),
    })
}
