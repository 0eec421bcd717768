//! The useful pieces of images that only the target's machine has.
//!
//! A server tells where each section lies, so no header needs to be read: sections that are mapped come from memory,
//! all modules in one request, the others from their files, one request a file; all are sent before one is waited for.

use std::sync::Arc;

use farsight_symbols::{Image, ImageKind, ImageLayout, ImageParts, Section, SharedBytes};
use farsight_target::{
    FileRange, FilesProxy, LookProxy, MOST_BYTES, ReadFileRequest, ReadReply, ReadRequest, TargetError,
};
use farsight_types::{Address, AddressRange, OsPid, Rva};
use farsight_wire::Pending;

use crate::mailbox::Link;

/// `SHF_COMPRESSED`.
const COMPRESSED: u64 = 0x800;

/// An image to fetch pieces of.
pub(crate) struct Wanted<'a> {
    pub(crate) image: &'a farsight_target::Image,
    /// Symbol tables too; a debug file at the engine's machine makes them superfluous.
    pub(crate) symbols: bool,
}

/// A section on its way: of which image, which section.
struct Piece {
    image: usize,
    section: usize,
    length: u64,
}

/// A sent request and the pieces that its answer holds, in order.
struct Batch {
    pieces: Vec<Piece>,
    reply: Pending<ReadReply, TargetError>,
}

/// Fetches what is useful of each image, in one round trip. An image of which nothing came is still an image, without
/// sections' bytes.
pub(crate) fn fetch(link: &Link, process: OsPid, wanted: &[Wanted<'_>]) -> Result<Vec<Arc<dyn Image>>, TargetError> {
    let mut sections: Vec<Vec<(usize, SharedBytes)>> = wanted.iter().map(|_| Vec::new()).collect();
    let mut batches = from_memory(link, process, wanted)?;
    batches.extend(from_files(link, process, wanted)?);
    for batch in batches {
        let reply = match batch.reply.wait(link) {
            Ok(reply) => reply,
            Err(error @ (TargetError::Lost | TargetError::Cancelled)) => return Err(error),
            // One file that cannot be read leaves its module with less; the others are not harmed.
            Err(error) => {
                tracing::warn!(%error, "pieces of an image could not be fetched");
                continue;
            }
        };
        for (piece, bytes) in batch.pieces.iter().zip(reply.parts()) {
            if bytes.len() as u64 == piece.length
                && let Some(sections) = sections.get_mut(piece.image)
            {
                sections.push((piece.section, SharedBytes::from(bytes.to_vec())));
            }
        }
    }
    let images = wanted.iter().zip(sections);
    Ok(images
        .map(|(wanted, sections)| Arc::new(ImageParts::new(layout(wanted.image), sections)) as Arc<dyn Image>)
        .collect())
}

fn from_memory(link: &Link, process: OsPid, wanted: &[Wanted<'_>]) -> Result<Vec<Batch>, TargetError> {
    let mut batches = Vec::new();
    let mut pieces = Vec::new();
    let mut ranges = Vec::new();
    let mut total = 0;
    for (image, section, piece) in useful(wanted).filter(|(_, section, _)| section.loaded) {
        if total + section.size > MOST_BYTES {
            batches.push(send_read(link, process, &mut ranges, &mut pieces)?);
            total = 0;
        }
        total += section.size;
        ranges.push(AddressRange::new(
            Address(section.address.wrapping_add(image.bias)),
            section.size,
        ));
        pieces.push(piece);
    }
    if !ranges.is_empty() {
        batches.push(send_read(link, process, &mut ranges, &mut pieces)?);
    }
    Ok(batches)
}

fn send_read(
    link: &Link,
    process: OsPid,
    ranges: &mut Vec<AddressRange>,
    pieces: &mut Vec<Piece>,
) -> Result<Batch, TargetError> {
    let request = ReadRequest {
        process,
        ranges: std::mem::take(ranges),
    };
    Ok(Batch {
        pieces: std::mem::take(pieces),
        reply: LookProxy(link).begin_read(request)?,
    })
}

fn from_files(link: &Link, process: OsPid, wanted: &[Wanted<'_>]) -> Result<Vec<Batch>, TargetError> {
    let mut batches: Vec<Batch> = Vec::new();
    for (index, one) in wanted.iter().enumerate() {
        let mut ranges = Vec::new();
        let mut pieces = Vec::new();
        let mut total = 0;
        for (_, section, piece) in useful(wanted).filter(|(_, section, piece)| piece.image == index && !section.loaded)
        {
            if total + section.size > MOST_BYTES {
                continue;
            }
            total += section.size;
            ranges.push(FileRange {
                offset: section.offset,
                length: section.size,
            });
            pieces.push(piece);
        }
        if ranges.is_empty() || one.image.file_size.is_none() {
            continue;
        }
        let request = ReadFileRequest {
            process,
            path: one.image.path.clone(),
            ranges,
        };
        let reply = FilesProxy(link).begin_read_file(request)?;
        batches.push(Batch { pieces, reply });
    }
    Ok(batches)
}

/// The sections worth fetching, with their image and the piece they become.
fn useful<'a>(
    wanted: &'a [Wanted<'a>],
) -> impl Iterator<Item = (&'a farsight_target::Image, &'a farsight_target::Section, Piece)> {
    wanted.iter().enumerate().flat_map(|(index, one)| {
        let sections = one.image.sections.iter().enumerate();
        sections.filter_map(move |(number, section)| {
            let useful = section.size > 0
                && section.size <= MOST_BYTES
                && section.flags & COMPRESSED == 0
                && is_useful(&section.name, one.symbols);
            let piece = Piece {
                image: index,
                // The layout has a null section in front.
                section: number + 1,
                length: section.size,
            };
            useful.then_some((one.image, section, piece))
        })
    })
}

fn is_useful(name: &str, symbols: bool) -> bool {
    match name {
        ".eh_frame" | ".eh_frame_hdr" | ".debug_frame" => true,
        ".symtab" | ".strtab" => symbols,
        ".dynsym" | ".dynstr" | ".rela.plt" | ".rela.dyn" | ".plt" => true,
        _ => name.starts_with(".plt."),
    }
}

/// The layout that the server's description amounts to.
fn layout(image: &farsight_target::Image) -> ImageLayout {
    let index_of = |name: &str| {
        let found = image.sections.iter().position(|section| section.name == name);
        found.and_then(|index| u32::try_from(index + 1).ok()).unwrap_or(0)
    };
    let null = Section {
        name: String::new(),
        address: Rva(0),
        size: 0,
        kind: 0,
        flags: 0,
        file_offset: 0,
        link: 0,
        info: 0,
    };
    let sections = image.sections.iter().map(|section| Section {
        name: section.name.clone(),
        address: Rva(section.address),
        size: section.size,
        kind: section.kind,
        flags: section.flags,
        file_offset: section.offset.0,
        link: match section.name.as_str() {
            ".symtab" => index_of(".strtab"),
            ".dynsym" => index_of(".dynstr"),
            ".rela.plt" | ".rela.dyn" | ".rela.iplt" => index_of(".dynsym"),
            _ => 0,
        },
        info: 0,
    });
    ImageLayout {
        kind: match image.bias {
            0 => ImageKind::Executable,
            _ if image.is_program => ImageKind::PositionIndependentExecutable,
            _ => ImageKind::SharedObject,
        },
        entry: image.entry.map(|entry| Rva(entry.0.wrapping_sub(image.bias))),
        link_base: Rva(image.base.0.wrapping_sub(image.bias)),
        size: image.size,
        segments: Vec::new(),
        sections: std::iter::once(null).chain(sections).collect(),
        build_id: image.build_id.clone(),
        debug_link: None,
        debug_alt_link: None,
        soname: None,
    }
}
