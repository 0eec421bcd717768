//! Values without a session: what fuzzers and tests give the formatters to work on.

use farsight_symbols::{DebugInfo, TypeId, Watch};
use farsight_types::{Address, AddressRange, OsPid, ProcessId};

use super::{Formatters, Ground, Interrupts, Key, Known, Limits, Needs, Source, Value};
use crate::model::{Origin, Process};

/// How often something may lack before a value is left alone.
const MOST_ROUNDS: usize = 64;
/// How many nodes of one value are made.
const MOST_NODES: u32 = 400;

/// Shows values by the built-in formatters, and those of a text where it has no fault: as a tree, in a few words, and by
/// what is picked from them. `memory` fills in what is at an address and says how many bytes there are. The result is
/// how many values some formatter took.
///
/// Works as a session does: what lacks is asked for all at once, and the work done again, until nothing lacks.
pub fn try_formatters(
    info: &DebugInfo,
    text: &str,
    values: &[(TypeId, Address)],
    memory: &mut dyn FnMut(Address, &mut [u8]) -> usize,
) -> usize {
    let mut formats = Formatters::default();
    let _refused = formats.load(text);
    let known = [Known::new(0, 0, info.reader())];
    let mut process = Process::new(ProcessId(0), OsPid(1), String::new(), Origin::Observed);
    let mut indexed = Vec::new();
    let mut taken = 0;
    for (id, address) in values {
        for _ in 0..MOST_ROUNDS {
            let mut ground = Ground {
                modules: &known,
                frames: &[],
                level: 0,
                source: Source {
                    process: &process,
                    registers: None,
                    needs: Needs::default(),
                    indexed: &indexed,
                    interrupts: Interrupts::default(),
                },
                formats: formats.clone(),
            };
            let formatted = look_at(&mut ground, &Value::memory(0, (*id).into(), *address));
            let needs = ground.source.needs;
            if needs.is_empty() {
                taken += usize::from(formatted);
                break;
            }
            if !needs.indexes.is_empty() {
                let _never_cancelled = info.index(&Watch::default());
                indexed.extend(needs.indexes);
            }
            for range in needs.memory {
                supply(&mut process, range, memory);
            }
        }
    }
    taken
}

fn look_at(ground: &mut Ground<'_, '_, '_>, value: &Value) -> bool {
    let limits = Limits {
        depth: 3,
        nodes: MOST_NODES,
        pointers: true,
        words: true,
        ..Limits::default()
    };
    let node = ground.show("", value, limits);
    for key in [Key::Number(1), Key::Text(String::from("one")), Key::Target] {
        let _picked = ground.pick(value, &key);
    }
    node.formatted
}

fn supply(process: &mut Process, range: AddressRange, memory: &mut dyn FnMut(Address, &mut [u8]) -> usize) {
    /// More than any formatter reads at once.
    const MOST_BYTES: u64 = 1 << 25;
    assert!(range.length <= MOST_BYTES, "{} bytes are read at once", range.length);
    let mut bytes = vec![0; range.length as usize];
    let got = memory(range.start, &mut bytes).min(bytes.len());
    bytes.truncate(got);
    process.memory.fill_read(range, &bytes);
}
