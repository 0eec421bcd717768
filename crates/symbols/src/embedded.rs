//! `.gnu_debugdata`: a small symbol table, packed with xz, that distributions leave in stripped images.
//!
//! The container is read here, what is packed in it by [`lzma2`], which makes no byte more than it is allowed.
//!
//! | xz stream | bytes |
//! |---|---|
//! | header | magic `fd 37 7a 58 5a 00`, flags (second: kind of check), CRC-32 |
//! | block | header (size / 4 - 1, flags, sizes, filters, padding, CRC-32), packed bytes, padding to 4, check |
//! | index | begins with 00, where a block would begin with its header's size |

mod lzma2;

use std::sync::Arc;

use crate::image::elf::{u32_at, u64_at};
use crate::image::{Image, ImageError, ImageFile};

/// Real ones are below 10 MB.
const MOST_UNPACKED: usize = 128 << 20;

/// Why an image's embedded symbols cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EmbeddedError {
    /// The bytes are not packed as xz has it.
    #[error("the embedded symbols (.gnu_debugdata) are damaged: {what}")]
    Damaged {
        /// The part that is wrong.
        what: &'static str,
    },
    /// Packed in a way that this build does not unpack.
    #[error("the embedded symbols (.gnu_debugdata) are packed in a way that is not supported: {what}")]
    Unsupported {
        /// Such as "filter".
        what: &'static str,
    },
    /// They claim to be larger than any real ones.
    #[error("the embedded symbols (.gnu_debugdata) claim to be of more than {MOST_UNPACKED} bytes")]
    TooLarge,
    /// What was packed is no image.
    #[error("the embedded symbols (.gnu_debugdata) are no image: {0}")]
    Image(#[from] ImageError),
    /// What was packed is of another build.
    #[error("the embedded symbols (.gnu_debugdata) have another build-id than the image")]
    OtherBuild,
}

/// The image with symbols that is packed into this one; none where there is none.
pub fn embedded_symbols(image: &dyn Image) -> Option<Result<ImageFile, EmbeddedError>> {
    let packed = image.section_named(".gnu_debugdata")?;
    let unpacked = unpack(&packed).and_then(|bytes| {
        let file = ImageFile::parse(Arc::new(bytes))?;
        let (inner, outer) = (&file.layout().build_id, &image.layout().build_id);
        match inner.is_some() && outer.is_some() && inner != outer {
            true => Err(EmbeddedError::OtherBuild),
            false => Ok(file),
        }
    });
    Some(unpacked)
}

fn damaged<T>(what: &'static str) -> Result<T, EmbeddedError> {
    Err(EmbeddedError::Damaged { what })
}

/// Unpacks an xz stream.
fn unpack(packed: &[u8]) -> Result<Vec<u8>, EmbeddedError> {
    const MAGIC: &[u8] = b"\xfd7zXZ\0\0";
    if !packed.starts_with(MAGIC) {
        return damaged("no xz stream");
    }
    let check = packed.get(7).copied().unwrap_or(0);
    let check_size = match check {
        0 => 0,
        1 => 4,
        4 => 8,
        10 => 32,
        _ => return Err(EmbeddedError::Unsupported { what: "kind of check" }),
    };
    let mut out = Vec::new();
    let mut rest = packed.get(12..).unwrap_or_default();
    while let Some(&first) = rest.first()
        && first != 0
    {
        let header_size = (usize::from(first) + 1) * 4;
        let header = rest.get(..header_size).unwrap_or_default();
        let Some(body) = header.len().checked_sub(4) else {
            return damaged("a block ends early");
        };
        if u32_at(header, body) != Some(crc32fast::hash(header.get(..body).unwrap_or_default())) {
            return damaged("checksum of a block's header");
        }
        check_filters(header)?;
        let block = rest.get(header_size..).unwrap_or_default();
        let start = out.len();
        let length = match lzma2::unpack(block, &mut out, MOST_UNPACKED) {
            Ok(length) => length,
            Err(lzma2::Wrong::TooMuch) => return Err(EmbeddedError::TooLarge),
            Err(lzma2::Wrong::Damaged) => return damaged("packed bytes"),
        };
        let behind = block.get(length.next_multiple_of(4)..).unwrap_or_default();
        let new = out.get(start..).unwrap_or_default();
        let right = match check {
            1 => u32_at(behind, 0) == Some(crc32fast::hash(new)),
            4 => u64_at(behind, 0) == Some(crc64(new)),
            _ => behind.len() >= check_size,
        };
        if !right {
            return damaged("checksum");
        }
        rest = behind.get(check_size..).unwrap_or_default();
    }
    Ok(out)
}

/// A block's header: size 0, flags 1, then the optional sizes and each filter as id, size of properties, properties.
fn check_filters(header: &[u8]) -> Result<(), EmbeddedError> {
    const LZMA2: u8 = 0x21;
    let flags = header.get(1).copied().unwrap_or(0);
    let mut rest = header.get(2..).unwrap_or_default();
    for flag in [0x40, 0x80] {
        if flags & flag != 0 {
            let length = rest.iter().take(9).position(|byte| byte & 0x80 == 0);
            let Some(behind) = length.and_then(|length| rest.get(length + 1..)) else {
                return damaged("a block's sizes");
            };
            rest = behind;
        }
    }
    match flags & 3 == 0 && rest.starts_with(&[LZMA2, 1]) {
        true => Ok(()),
        false => Err(EmbeddedError::Unsupported { what: "filter" }),
    }
}

/// CRC-64 as xz has it (ECMA-182, reflected).
fn crc64(bytes: &[u8]) -> u64 {
    const POLYNOMIAL: u64 = 0xc96c_5795_d787_0f42;
    let table: [u64; 256] = std::array::from_fn(|index| {
        (0..8).fold(index as u64, |value, _| {
            (value >> 1) ^ if value & 1 == 1 { POLYNOMIAL } else { 0 }
        })
    });
    let step = |sum: u64, byte: &u8| {
        let index = usize::from((sum as u8) ^ byte);
        table.get(index).copied().unwrap_or(0) ^ (sum >> 8)
    };
    !bytes.iter().fold(u64::MAX, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf 'symbols symbols symbols symbols' | xz --check=KIND`.
    fn packed(check: &str, text: &[u8]) -> Option<Vec<u8>> {
        use std::io::Write;
        use std::process::{Command, Stdio};
        let mut xz = Command::new("xz");
        let xz = xz.args(["-c", check]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = xz.spawn().ok()?;
        child.stdin.take().unwrap().write_all(text).unwrap();
        Some(child.wait_with_output().unwrap().stdout)
    }

    #[test]
    fn what_xz_packs_is_unpacked_and_its_damage_is_found() {
        // Compressible and not, over several chunks.
        let text: Vec<u8> = (0..300_000_u32)
            .map(|at| {
                if at < 200_000 {
                    (at / 999) as u8
                } else {
                    (at.wrapping_mul(2_654_435_761) >> 13) as u8
                }
            })
            .collect();
        for check in ["--check=none", "--check=crc32", "--check=crc64", "--check=sha256"] {
            let Some(whole) = packed(check, &text) else {
                return;
            };
            assert!(unpack(&whole).unwrap() == text, "{check}");
            for at in (0..whole.len()).step_by(997).chain(0..64) {
                let mut hurt = whole.clone();
                hurt[at] ^= 0x55;
                if let Ok(bytes) = unpack(&hurt) {
                    assert!(bytes.len() <= MOST_UNPACKED, "byte {at} of {check}");
                }
                let _ = unpack(&whole[..at]);
            }
        }
        assert_eq!(
            crc64(b"123456789"),
            0x995d_c9bb_df19_39fa,
            "the check value of CRC-64/XZ"
        );
    }

    #[test]
    fn a_claim_of_more_than_the_limit_is_refused_before_it_is_unpacked() {
        let plain = [1, 0xff, 0xff].into_iter().chain(std::iter::repeat_n(7, 1 << 16));
        let block: Vec<u8> = plain.chain([0]).collect();
        let mut out = Vec::new();
        assert_eq!(lzma2::unpack(&block, &mut out, 1 << 16), Ok(block.len()));
        assert_eq!(lzma2::unpack(&block, &mut out, 1 << 16), Err(lzma2::Wrong::TooMuch));
        // Chunks that pack two megabytes of one byte each.
        if let Some(zeros) = packed("--check=none", &vec![0; 8 << 20]) {
            let block = 12 + (usize::from(zeros[12]) + 1) * 4;
            let mut out = Vec::new();
            assert_eq!(
                lzma2::unpack(&zeros[block..], &mut out, 3 << 20),
                Err(lzma2::Wrong::TooMuch)
            );
            assert!(out.len() <= 3 << 20, "{} of {}", out.len(), zeros.len());
        }
        let text = EmbeddedError::TooLarge.to_string();
        assert!(text.contains("134217728"), "{text}");
    }
}
