//! Stacks as people think of them: calls that were inlined, and functions that gave their place away, are frames too.
//!
//! Read [`Stacked`] first. All of it comes from debug information that is at hand: expanding a walk asks the target for
//! nothing, and only the units that the stack goes through are read.

use std::cell::OnceCell;

use farsight_session::record::{FrameKind, Place, SourcePosition, SymbolName};
use farsight_symbols::{DebugReader, Frame, FrameRegisters, Scope, SourcePlace, Trust};
use farsight_types::Address;

use super::walk::Walked;
use crate::model::{Module, Process};
use crate::symbols::{describe, only_place};

/// One frame as it is numbered and shown.
#[derive(Clone, Debug)]
pub(crate) struct Stacked {
    /// Index of the frame of the walk that it is part of: its registers are that one's. Of a tail call it is the caller,
    /// as whose registers were restored before the jump.
    pub(crate) physical: usize,
    /// Index of the frame of [`value_frames`] that its variables are in; an inlined call's are in its function's.
    pub(crate) level: usize,
    pub(crate) kind: FrameKind,
    /// Where it goes on.
    pub(crate) pc: Address,
    /// The address that names its function and line.
    pub(crate) lookup: Address,
    /// Its function or inlined call, where the debug information knows it.
    pub(crate) scope: Option<Scope>,
    /// The line that it executes, where it is known.
    pub(crate) source: Option<SourcePosition>,
}

/// Readers of the debug information of a process's modules, made when they are first needed.
pub(crate) struct Readers<'p> {
    process: &'p Process,
    /// Of each module.
    readers: Vec<OnceCell<Option<DebugReader<'p>>>>,
}

impl<'p> Readers<'p> {
    pub(crate) fn new(process: &'p Process) -> Readers<'p> {
        Readers {
            process,
            readers: process.modules.iter().map(|_| OnceCell::new()).collect(),
        }
    }

    pub(crate) fn process(&self) -> &'p Process {
        self.process
    }

    /// The module that holds an address, and what is known of it.
    pub(crate) fn at(&self, address: Address) -> Option<(&'p Module, &DebugReader<'p>)> {
        let index = self.process.module_index_at(address)?;
        let module = self.process.modules.get(index)?;
        let debug = || Some(module.loaded()?.debug()?.reader());
        let reader = self.readers.get(index)?.get_or_init(debug).as_ref()?;
        Some((module, reader))
    }

    /// The frames of a walk, at most so many.
    pub(crate) fn expand(&self, walked: &Walked, most: usize) -> Vec<Stacked> {
        let mut frames = Vec::new();
        let mut within: Option<&Frame> = None;
        for (physical, frame) in walked.frames.iter().enumerate() {
            if frames.len() >= most {
                break;
            }
            if let Some(within) = within {
                self.add_tail_calls(physical, within, frame, &mut frames);
            }
            self.add(
                physical,
                frame.pc,
                frame.lookup_address(),
                FrameKind::Called,
                &mut frames,
            );
            within = Some(frame);
        }
        frames.truncate(most);
        let mut level = 0;
        for frame in &mut frames {
            frame.level = level;
            level += usize::from(frame.kind != FrameKind::Inlined);
        }
        frames
    }

    /// A function's frame behind those of the calls that were inlined there.
    fn add(&self, physical: usize, pc: Address, lookup: Address, kind: FrameKind, frames: &mut Vec<Stacked>) {
        let plain = |scope, source| Stacked {
            physical,
            level: 0,
            kind,
            pc,
            lookup,
            scope,
            source,
        };
        let Some((module, reader)) = self.at(lookup) else {
            frames.push(plain(None, None));
            return;
        };
        let rva = module.rva(lookup);
        let row = reader.line_at(rva);
        let mut source = row.map(|row| SourcePosition {
            path: row.file.path.clone(),
            line: row.line,
            column: (row.column != 0).then_some(row.column),
        });
        let Some(scopes) = reader.scopes_at(rva) else {
            frames.push(plain(None, source));
            return;
        };
        for scope in scopes.inlined {
            let called = scope.called;
            frames.push(Stacked {
                kind: FrameKind::Inlined,
                ..plain(Some(scope), source)
            });
            // The caller stands where it calls, whatever line the code at hand was made of.
            source = called.and_then(|called| position(reader, called));
        }
        frames.push(plain(Some(scopes.function), source));
    }

    /// Frames of functions between two frames that are not on the stack any more.
    fn add_tail_calls(&self, physical: usize, within: &Frame, frame: &Frame, frames: &mut Vec<Stacked>) {
        let is_call = frame.lookup_address() != frame.pc;
        let Some((module, reader)) = self
            .at(frame.lookup_address())
            .filter(|_| is_call && !within.is_signal_frame)
        else {
            return;
        };
        // A function of another module was called through that module's table of addresses: nobody knows from where.
        if !module.range().contains(within.lookup_address()) || !frame.trust.is_exact() {
            return;
        }
        let scopes = frames.last().and_then(|frame| frame.scope.as_ref());
        let Some(callee) = scopes.filter(|scope| !scope.is_inlined) else {
            return;
        };
        let named = |name: &str| only_place(module, name);
        for tail in reader.tail_calls(module.rva(frame.pc), callee.id, &named) {
            let pc = module.address(tail.pc);
            self.add(physical, pc, Address(pc.0.wrapping_sub(1)), FrameKind::TailCall, frames);
        }
    }

    /// Where a frame executes, named by the call and not by what follows it: a call at the end of a function returns into
    /// the next one.
    pub(crate) fn site(&self, frame: &Stacked) -> Place {
        let mut place = describe(self.process, frame.lookup);
        if let Some(symbol) = &mut place.symbol {
            symbol.displacement = symbol
                .displacement
                .wrapping_add(frame.pc.0.wrapping_sub(frame.lookup.0));
        }
        place.address = frame.pc;
        if let Some(better) = frame.scope.as_ref().and_then(|scope| self.better_name(frame, scope)) {
            place.symbol = Some(better);
        }
        place
    }

    /// The function and the inlined calls at an address, innermost first.
    pub(crate) fn expand_address(&self, address: Address) -> Vec<Stacked> {
        let mut frames = Vec::new();
        self.add(0, address, address, FrameKind::Called, &mut frames);
        frames
    }

    /// A place by the innermost function that was inlined there, and by the one that it was inlined into.
    pub(crate) fn innermost_place(&self, place: Place) -> (Place, Option<SymbolName>) {
        let frames = self.expand_address(place.address);
        match frames.first() {
            Some(innermost) if innermost.kind == FrameKind::Inlined => {
                let outer = frames.last().and_then(|outer| self.site(outer).symbol);
                (self.site(innermost), outer)
            }
            _ => (place, None),
        }
    }

    /// The debug information's name of a frame, where the symbol table has none for it, or one of something else.
    fn better_name(&self, frame: &Stacked, scope: &Scope) -> Option<SymbolName> {
        let module = self.process.module_at(frame.lookup)?;
        let rva = module.rva(frame.lookup);
        let part = scope.ranges.iter().find(|range| range.contains(&rva))?;
        let entry = scope.entry.filter(|entry| part.contains(entry));
        let start = match scope.is_inlined {
            // The parts of an inlined call have no order.
            true => entry.filter(|entry| *entry <= rva).unwrap_or(part.start),
            false => {
                let symbols = module.loaded()?.table();
                let (symbol, _) = symbols.at(rva).unzip();
                let begins = symbol.map(|symbol| symbol.rva());
                // Parts of a function that lie apart have a symbol of their own (`f.cold`).
                if begins == Some(entry.unwrap_or(part.start)) {
                    return None;
                }
                entry.unwrap_or(part.start)
            }
        };
        let distance = module.rva(frame.pc).0.wrapping_sub(start.0);
        Some(SymbolName::new(&module.name, scope.name.as_deref()?, distance))
    }
}

/// The frames that values are looked at in, from the innermost on: those of a walk, and between them those that are not on
/// the stack any more. Of the latter nothing is left but what their callers and callees tell of them.
pub(crate) fn value_frames(walked: &Walked, stacked: &[Stacked]) -> Vec<Frame> {
    let functions = stacked.iter().filter(|frame| frame.kind != FrameKind::Inlined);
    let frame = |stacked: &Stacked| match stacked.kind {
        FrameKind::TailCall => Some(Frame {
            pc: stacked.pc,
            cfa: None,
            registers: FrameRegisters::default(),
            trust: Trust::Cfi,
            is_signal_frame: false,
        }),
        _ => walked.frames.get(stacked.physical).cloned(),
    };
    functions.filter_map(frame).collect()
}

/// A place in a source file, with its path.
pub(crate) fn position(reader: &DebugReader<'_>, place: SourcePlace) -> Option<SourcePosition> {
    Some(SourcePosition {
        path: reader.file(place.file)?.path,
        line: u32::try_from(place.line).ok()?,
        column: place.column.and_then(|column| u32::try_from(column).ok()),
    })
}
