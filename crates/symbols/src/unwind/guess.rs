//! What is done where no table says how to find the caller: from what is most likely right to what is least.
//!
//! Everything here is marked in [`Trust`] but the signal trampoline, which is recognised by its exact instructions.

use farsight_types::registers::amd64;
use farsight_types::{Address, AddressRange};

use super::rules::{CALLEE_SAVED, Stuck, read_u64};
use super::{EndReason, FrameRegisters, ReadOutcome, Trust, UnwindContext};

/// How far up the stack a return address is looked for, in bytes.
const SCAN: usize = 1024;
/// A frame further away than this is none: `rbp` holds something else.
const MAX_FRAME: u64 = 64 << 20;
const PAGE: u64 = 4096;

pub(super) struct Guess {
    pub(super) cfa: Option<Address>,
    pub(super) is_signal_frame: bool,
    pub(super) caller: Option<(FrameRegisters, Trust)>,
    /// Why there is no caller, where there is none.
    pub(super) end: EndReason,
}

impl Guess {
    fn found(cfa: Address, caller: FrameRegisters, trust: Trust) -> Guess {
        Guess {
            cfa: Some(cfa),
            is_signal_frame: false,
            caller: Some((caller, trust)),
            end: EndReason::NoCaller,
        }
    }

    fn none(end: EndReason) -> Guess {
        Guess {
            cfa: None,
            is_signal_frame: false,
            caller: None,
            end,
        }
    }
}

/// The caller of a frame that no table describes; the range is memory that is missing.
pub(super) fn caller(
    frame: &FrameRegisters,
    pc: Address,
    is_interrupted: bool,
    context: &mut dyn UnwindContext,
) -> Result<Guess, AddressRange> {
    let Some(sp) = frame.sp() else {
        return Ok(Guess::none(EndReason::NoCaller));
    };
    let mut guesser = Guesser { frame, sp, context };
    if !guesser.context.is_code(pc) {
        // A call through a bad pointer has done nothing yet but push its return address. A return address that is not
        // code belongs to a damaged stack.
        return match is_interrupted {
            true => guesser.after_a_bad_call(),
            false => Ok(Guess::none(EndReason::NoCaller)),
        };
    }
    if let Some(guess) = guesser.signal_trampoline(pc)? {
        return Ok(guess);
    }
    if is_interrupted && let Some(guess) = guesser.edge_of_function(pc)? {
        return Ok(guess);
    }
    if let Some(guess) = guesser.frame_pointer()? {
        return Ok(guess);
    }
    guesser.scan()
}

struct Guesser<'a> {
    frame: &'a FrameRegisters,
    sp: Address,
    context: &'a mut dyn UnwindContext,
}

impl Guesser<'_> {
    fn after_a_bad_call(&mut self) -> Result<Guess, AddressRange> {
        match self.pushed_nothing(self.sp)? {
            Some(guess) => Ok(guess),
            None => self.scan(),
        }
    }

    /// The caller where the return address lies at `slot` and every register but the stack pointer is the caller's.
    fn pushed_nothing(&mut self, slot: Address) -> Result<Option<Guess>, AddressRange> {
        let Some(target) = self.return_address(slot)? else {
            return Ok(None);
        };
        let cfa = slot.wrapping_add(8);
        let mut caller = self.kept();
        caller.set(amd64::RIP, Some(target.0));
        caller.set(amd64::RSP, Some(cfa.0));
        Ok(Some(Guess::found(cfa, caller, Trust::Guessed)))
    }

    /// As [`Guesser::pushed_nothing`], with the caller's `rbp` saved below the return address.
    fn pushed_rbp(&mut self, saved: Address) -> Result<Option<Guess>, AddressRange> {
        let Some(rbp) = self.word(saved)? else {
            return Ok(None);
        };
        let mut guess = self.pushed_nothing(saved.wrapping_add(8))?;
        if let Some((caller, _)) = guess.as_mut().and_then(|guess| guess.caller.as_mut()) {
            caller.set(amd64::RBP, Some(rbp));
        }
        Ok(guess)
    }

    /// The first and the last instructions of a function say where its return address is.
    fn edge_of_function(&mut self, pc: Address) -> Result<Option<Guess>, AddressRange> {
        let code = self.bytes::<9>(pc)?;
        let before = match pc.checked_sub(1) {
            Some(before) => self.bytes::<1>(before)?,
            None => Vec::new(),
        };
        const ENDBR64: &[u8] = &[0xf3, 0x0f, 0x1e, 0xfa];
        const PUSH_RBP: u8 = 0x55;
        let sets_rbp = |code: &[u8]| code.starts_with(&[0x48, 0x89, 0xe5]) || code.starts_with(&[0x48, 0x8b, 0xec]);
        let returns = |code: &[u8]| {
            let code = code
                .strip_prefix(&[0xf2])
                .or(code.strip_prefix(&[0xf3]))
                .unwrap_or(code);
            matches!(code.first(), Some(0xc3 | 0xc2))
        };
        if self.context.function_start(pc) == Some(pc) {
            return self.pushed_nothing(self.sp);
        }
        match code.as_slice() {
            code if code.starts_with(ENDBR64) => self.pushed_nothing(self.sp),
            [PUSH_RBP, rest @ ..] if sets_rbp(rest) => self.pushed_nothing(self.sp),
            code if before == [PUSH_RBP] && sets_rbp(code) => self.pushed_rbp(self.sp),
            code if returns(code) => self.pushed_nothing(self.sp),
            // pop %rbp; ret
            [0x5d, rest @ ..] if returns(rest) => self.pushed_rbp(self.sp),
            // leave; ret
            [0xc9, rest @ ..] if returns(rest) => match self.frame.bp() {
                Some(rbp) => self.pushed_rbp(rbp),
                None => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// A function that keeps a frame pointer has its caller's at `[rbp]` and its return address behind it.
    fn frame_pointer(&mut self) -> Result<Option<Guess>, AddressRange> {
        let Some(rbp) = self.frame.bp().filter(|rbp| rbp.0 != 0 && rbp.0 % 8 == 0) else {
            return Ok(None);
        };
        if rbp.distance_from(self.sp).is_none_or(|distance| distance > MAX_FRAME) {
            return Ok(None);
        }
        let Some(saved) = self.word(rbp)? else {
            return Ok(None);
        };
        let slot = rbp.wrapping_add(8);
        let cfa = rbp.wrapping_add(16);
        // The chain of a thread begins with zeros.
        if saved == 0 && self.word(slot)? == Some(0) {
            return Ok(Some(Guess {
                cfa: Some(cfa),
                ..Guess::none(EndReason::Outermost)
            }));
        }
        let Some(target) = self.return_address(slot)? else {
            return Ok(None);
        };
        let mut caller = FrameRegisters::default();
        caller.set(amd64::RIP, Some(target.0));
        caller.set(amd64::RSP, Some(cfa.0));
        caller.set(amd64::RBP, Some(saved));
        Ok(Some(Guess::found(cfa, caller, Trust::FramePointer)))
    }

    /// The lowest word of the stack that may be a return address.
    fn scan(&mut self) -> Result<Guess, AddressRange> {
        let Some(start) = self.sp.0.checked_next_multiple_of(8).map(Address) else {
            return Ok(Guess::none(EndReason::NoCaller));
        };
        let stack = self.bytes::<SCAN>(start)?;
        if stack.is_empty() {
            return Ok(Guess::none(EndReason::Unreadable { at: start }));
        }
        for at in (0..stack.len() as u64).step_by(8) {
            let slot = start.wrapping_add(at);
            if let Some(target) = self.return_address(slot)? {
                let cfa = slot.wrapping_add(8);
                let mut caller = FrameRegisters::default();
                caller.set(amd64::RIP, Some(target.0));
                caller.set(amd64::RSP, Some(cfa.0));
                // A frame pointer into a frame further up has most likely not been touched.
                let rbp = self.frame.bp().filter(|rbp| *rbp >= cfa);
                caller.set(amd64::RBP, rbp.map(|rbp| rbp.0));
                return Ok(Guess::found(cfa, caller, Trust::Scanned));
            }
        }
        Ok(Guess::none(EndReason::NoCaller))
    }

    /// `mov $15, %eax; syscall` (or the longer form) returns from a signal; the kernel's frame is then at `rsp`.
    fn signal_trampoline(&mut self, pc: Address) -> Result<Option<Guess>, AddressRange> {
        const LONG: &[u8] = &[0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05];
        const SHORT: &[u8] = &[0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05];
        let here = self.bytes::<9>(pc)?;
        let mut is_trampoline = here.starts_with(LONG) || here.starts_with(SHORT);
        // Or it stands at the system call itself.
        if !is_trampoline && here.starts_with(&[0x0f, 0x05]) {
            for (form, behind) in [(LONG, 7), (SHORT, 5)] {
                if let Some(start) = pc.checked_sub(behind) {
                    is_trampoline |= self.bytes::<9>(start)?.starts_with(form);
                }
            }
        }
        if !is_trampoline {
            return Ok(None);
        }
        /// `ucontext_t`: `uc_mcontext.gregs` at 40, in this order (`asm/sigcontext.h`).
        const SAVED: [usize; 17] = [
            8,
            9,
            10,
            11,
            12,
            13,
            14,
            15,
            amd64::RDI,
            amd64::RSI,
            amd64::RBP,
            amd64::RBX,
            amd64::RDX,
            amd64::RAX,
            amd64::RCX,
            amd64::RSP,
            amd64::RIP,
        ];
        const REGISTERS: u64 = 40;
        let saved = self.bytes::<{ SAVED.len() * 8 }>(self.sp.wrapping_add(REGISTERS))?;
        let mut caller = FrameRegisters::default();
        for (place, value) in SAVED.iter().zip(saved.chunks_exact(8)) {
            caller.set(*place, value.try_into().ok().map(u64::from_le_bytes));
        }
        let Some(cfa) = caller.sp().filter(|_| caller.pc().is_some()) else {
            return Ok(None);
        };
        Ok(Some(Guess {
            is_signal_frame: true,
            ..Guess::found(cfa, caller, Trust::SignalFrame)
        }))
    }

    /// The word at `slot`, where it may be a return address: code, behind a call instruction.
    fn return_address(&mut self, slot: Address) -> Result<Option<Address>, AddressRange> {
        let Some(target) = self.word(slot)?.map(Address) else {
            return Ok(None);
        };
        if target.0 == 0 || !self.context.is_code(target) {
            return Ok(None);
        }
        let Some(start) = target.checked_sub(LONGEST_CALL as u64) else {
            return Ok(None);
        };
        let before = self.bytes_ending::<LONGEST_CALL>(start)?;
        Ok(is_behind_call(&before).then_some(target))
    }

    /// The registers that a function must keep, at its edges still those of its caller.
    fn kept(&self) -> FrameRegisters {
        let mut caller = FrameRegisters::default();
        for place in CALLEE_SAVED {
            caller.set(place, self.frame.get(place));
        }
        caller
    }

    fn word(&mut self, address: Address) -> Result<Option<u64>, AddressRange> {
        match read_u64(self.context, address) {
            Ok(word) => Ok(Some(word)),
            Err(Stuck::NeedMemory(range)) => Err(range),
            Err(Stuck::Unreadable(_) | Stuck::Unknown) => Ok(None),
        }
    }

    /// `N` bytes, or those up to the end of the page where the next is not there, or none.
    fn bytes<const N: usize>(&mut self, address: Address) -> Result<Vec<u8>, AddressRange> {
        let to_page_end = (PAGE - address.0 % PAGE) as usize;
        for length in [N, N.min(to_page_end)] {
            let mut bytes = vec![0; length];
            match self.context.read(address, &mut bytes) {
                ReadOutcome::Read => return Ok(bytes),
                ReadOutcome::NotYet => return Err(AddressRange::new(address, length as u64)),
                ReadOutcome::Unreadable => {}
            }
        }
        Ok(Vec::new())
    }

    /// The last of `N` bytes from `address`: all, or those of the page that the last is in.
    fn bytes_ending<const N: usize>(&mut self, address: Address) -> Result<Vec<u8>, AddressRange> {
        let bytes = self.bytes::<N>(address)?;
        if bytes.len() == N {
            return Ok(bytes);
        }
        let end = address.wrapping_add(N as u64);
        let inside = (end.0 % PAGE).min(N as u64) as usize;
        if inside == 0 {
            return Ok(Vec::new());
        }
        let mut bytes = vec![0; inside];
        let start = Address(end.0.wrapping_sub(inside as u64));
        match self.context.read(start, &mut bytes) {
            ReadOutcome::Read => Ok(bytes),
            ReadOutcome::NotYet => Err(AddressRange::new(start, inside as u64)),
            ReadOutcome::Unreadable => Ok(Vec::new()),
        }
    }
}

/// `call *disp32(base, index)` with a REX prefix.
const LONGEST_CALL: usize = 8;

/// Whether code ends with a call instruction: `e8` and a distance, or `ff /2` with any operand.
fn is_behind_call(code: &[u8]) -> bool {
    let last = |length: usize| code.len().checked_sub(length).and_then(|at| code.get(at..));
    if last(5).is_some_and(|call| call[0] == 0xe8) {
        return true;
    }
    (2..=7).any(|length| last(length).is_some_and(|call| call[0] == 0xff && indirect_call_length(call) == Some(length)))
}

/// The length of `ff /2` from its operand's form (Intel SDM volume 2, table 2-2), without prefixes.
fn indirect_call_length(call: &[u8]) -> Option<usize> {
    let form = *call.get(1)?;
    if form >> 3 & 7 != 2 {
        return None;
    }
    let (mode, base) = (form >> 6, form & 7);
    let has_index = mode != 3 && base == 4;
    let operand = match mode {
        0 if base == 5 => 4,
        0 if has_index && call.get(2)? & 7 == 5 => 4,
        1 => 1,
        2 => 4,
        _ => 0,
    };
    Some(2 + usize::from(has_index) + operand)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_every_form_are_seen() {
        let calls: &[&[u8]] = &[
            &[0xe8, 1, 2, 3, 4],
            &[0xff, 0xd0],
            &[0x41, 0xff, 0xd4],
            &[0xff, 0x10],
            &[0xff, 0x50, 0x18],
            &[0xff, 0x54, 0x24, 0x08],
            &[0xff, 0x14, 0xc3],
            &[0xff, 0x15, 1, 2, 3, 4],
            &[0xff, 0x90, 1, 2, 3, 4],
            &[0x41, 0xff, 0x94, 0x24, 1, 2, 3, 4],
            &[0xff, 0x14, 0xc5, 1, 2, 3, 4],
        ];
        for call in calls {
            let mut code = vec![0x90; 8 - call.len()];
            code.extend_from_slice(call);
            assert!(is_behind_call(&code), "{code:02x?}");
        }
        for other in [&[0x90; 8], &[0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xe0]] {
            assert!(!is_behind_call(other), "{other:02x?}");
        }
        assert!(!is_behind_call(&[]));
    }
}
