//! The few instructions that the toy program is made of.

use std::collections::{BTreeMap, HashMap};

pub(super) struct Assembler {
    base: u64,
    code: Vec<u8>,
    labels: HashMap<&'static str, u64>,
    /// Place of a displacement, its width in bytes, and where it leads.
    open: Vec<(usize, usize, &'static str)>,
    functions: Vec<(&'static str, u64)>,
}

impl Assembler {
    pub(super) fn new(base: u64) -> Assembler {
        Assembler {
            base,
            code: Vec::new(),
            labels: HashMap::new(),
            open: Vec::new(),
            functions: Vec::new(),
        }
    }

    fn here(&self) -> u64 {
        self.base + self.code.len() as u64
    }

    pub(super) fn function(&mut self, name: &'static str) {
        while !self.code.len().is_multiple_of(16) {
            self.code.push(0xcc);
        }
        self.functions.push((name, self.here()));
        self.label(name);
    }

    pub(super) fn label(&mut self, name: &'static str) {
        self.labels.insert(name, self.here());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.code.extend_from_slice(bytes);
    }

    /// `push rbp; mov rbp, rsp`
    pub(super) fn enter(&mut self) {
        self.bytes(&[0x55, 0x48, 0x89, 0xe5]);
    }

    /// `pop rbp; ret`
    pub(super) fn leave(&mut self) {
        self.bytes(&[0x5d, 0xc3]);
    }

    pub(super) fn call(&mut self, label: &'static str) {
        self.bytes(&[0xe8, 0, 0, 0, 0]);
        self.open.push((self.code.len() - 4, 4, label));
    }

    pub(super) fn jump_short(&mut self, opcode: u8, label: &'static str) {
        self.bytes(&[opcode, 0]);
        self.open.push((self.code.len() - 1, 1, label));
    }

    /// `mov eax, number; syscall`
    pub(super) fn system_call(&mut self, number: u64) {
        self.bytes(&[0xb8, number as u8, 0, 0, 0, 0x0f, 0x05]);
    }

    /// `inc` (modrm 0x05) or `dec` (0x0d) of the 8 bytes at an address.
    pub(super) fn on_number(&mut self, modrm: u8, address: u64) {
        self.bytes(&[0x48, 0xff, modrm]);
        let next = self.here() + 4;
        let displacement = address.wrapping_sub(next) as u32;
        self.bytes(&displacement.to_le_bytes());
    }

    /// The code, and the start and length of each function.
    pub(super) fn finish(mut self) -> (Vec<u8>, BTreeMap<&'static str, (u64, u64)>) {
        for (at, width, label) in &self.open {
            let next = self.base + (at + width) as u64;
            let displacement = self.labels[label].wrapping_sub(next);
            self.code[*at..at + width].copy_from_slice(&displacement.to_le_bytes()[..*width]);
        }
        let ends = self.functions.iter().skip(1).map(|(_, start)| *start);
        let ends: Vec<u64> = ends.chain([self.here()]).collect();
        let functions = self.functions.iter().zip(ends).map(|((name, start), end)| {
            let code = &self.code[(start - self.base) as usize..(end - self.base) as usize];
            let padding = code.iter().rev().take_while(|byte| **byte == 0xcc).count() as u64;
            (*name, (*start, end - start - padding))
        });
        (self.code.clone(), functions.collect())
    }
}
