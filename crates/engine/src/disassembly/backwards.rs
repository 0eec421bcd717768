//! The search for instructions that end at a place.
//!
//! Instructions of varying length cannot be read backwards. But code read from a wrong start soon falls into step with
//! the right one, so of all starts before the place the boundaries that most of them come through are the right ones.

use farsight_types::Address;

use super::Disassembler;

/// See [`super::instructions_before`].
pub(super) fn instructions_before(
    disassembler: &dyn Disassembler,
    bytes: &[u8],
    count: usize,
    starts_at_instruction: bool,
) -> Vec<usize> {
    let end = bytes.len();
    // The length of the instruction at each offset; 0 where there is none that ends in time.
    let lengths: Vec<usize> = (0..end)
        .map(|at| {
            let measured = disassembler.measure(Address(at as u64), &bytes[at..]);
            measured
                .filter(|instruction| instruction.valid)
                .map_or(0, |instruction| instruction.length)
        })
        .collect();
    let mut starts = if starts_at_instruction {
        chain_from_start(&lengths)
    } else {
        None
    };
    let found = starts.get_or_insert_with(|| most_travelled(&lengths));
    found.split_off(found.len().saturating_sub(count))
}

/// The instructions from the very start, if they come to the end without a gap.
fn chain_from_start(lengths: &[usize]) -> Option<Vec<usize>> {
    let mut starts = Vec::new();
    let mut at = 0;
    while at < lengths.len() {
        if lengths[at] == 0 {
            return None;
        }
        starts.push(at);
        at += lengths[at];
    }
    (at == lengths.len()).then_some(starts)
}

/// From the end back, always to the boundary that most starts come through.
fn most_travelled(lengths: &[usize]) -> Vec<usize> {
    let end = lengths.len();
    // Whether reading from an offset comes to the end exactly.
    let mut arrives = vec![false; end + 1];
    arrives[end] = true;
    for at in (0..end).rev() {
        arrives[at] = lengths[at] > 0 && arrives.get(at + lengths[at]).copied().unwrap_or(false);
    }
    // How many starts come through an offset on their way to the end.
    let mut travellers = vec![0_u32; end + 1];
    for at in 0..end {
        if arrives[at] {
            travellers[at] += 1;
            travellers[at + lengths[at]] += travellers[at];
        }
    }
    let mut starts = Vec::new();
    let mut at = end;
    while let Some(before) = (0..at)
        .rev()
        .filter(|before| arrives[*before] && before + lengths[*before] == at)
        .max_by_key(|before| travellers[*before])
    {
        starts.push(before);
        at = before;
    }
    starts.reverse();
    starts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disassembly::Amd64;

    /// A function with its own boundaries.
    const CODE: [(&str, &[u8]); 9] = [
        ("endbr64", &[0xf3, 0x0f, 0x1e, 0xfa]),
        ("push rbp", &[0x55]),
        ("mov rbp,rsp", &[0x48, 0x89, 0xe5]),
        ("sub rsp,20h", &[0x48, 0x83, 0xec, 0x20]),
        ("mov [rbp-14h],edi", &[0x89, 0x7d, 0xec]),
        ("lea rax,[rip+0eb8h]", &[0x48, 0x8d, 0x05, 0xb8, 0x0e, 0x00, 0x00]),
        ("mov rdi,rax", &[0x48, 0x89, 0xc7]),
        ("call", &[0xe8, 0xd0, 0xfe, 0xff, 0xff]),
        ("mov dword ptr [rbp-4],0", &[0xc7, 0x45, 0xfc, 0x00, 0x00, 0x00, 0x00]),
    ];

    fn code() -> (Vec<u8>, Vec<usize>) {
        let mut bytes = Vec::new();
        let mut starts = Vec::new();
        for (_, instruction) in CODE {
            starts.push(bytes.len());
            bytes.extend_from_slice(instruction);
        }
        (bytes, starts)
    }

    #[test]
    fn the_right_boundaries_are_found_from_any_start() {
        let (bytes, starts) = code();
        for cut in 0..12 {
            let found = instructions_before(&Amd64, &bytes[cut..], 4, false);
            let expected: Vec<usize> = starts[starts.len() - 4..].iter().map(|start| start - cut).collect();
            assert_eq!(found, expected, "cut by {cut}");
        }
    }

    #[test]
    fn a_known_start_gives_every_instruction() {
        let (bytes, starts) = code();
        assert_eq!(instructions_before(&Amd64, &bytes, 100, true), starts);
        assert_eq!(instructions_before(&Amd64, &bytes, 0, true), []);
        assert_eq!(instructions_before(&Amd64, &[], 5, false), []);
    }
}
