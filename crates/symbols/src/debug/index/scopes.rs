//! Namespaces and types that hold names, each kept once however many units open it.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

use super::super::{DieId, UnitId};
use super::names;
use super::table::ScopeAndRole;

/// One namespace or type that holds others.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub(super) parent: u32,
    /// Of its plain name.
    pub(super) hash: u64,
    /// Of its name with template or generic arguments.
    full: u64,
    /// One of the entries that open it, for its name.
    pub(super) id: DieId,
    /// Left out of names: `{impl#N}`, what has no name, inline namespaces.
    pub(super) is_hidden: bool,
}

/// What a scope is called, as far as it tells it from others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Called {
    plain: u64,
    full: u64,
    is_hidden: bool,
}

impl Called {
    pub(super) fn new(name: &[u8]) -> Called {
        Called {
            plain: names::hash(names::plain_bytes(name)),
            full: names::hash(name),
            is_hidden: names::is_hidden(name),
        }
    }
}

/// All scopes; number 0 is the outermost.
#[derive(Debug)]
pub(super) struct Scopes {
    list: Vec<Scope>,
    known: HashMap<(u32, u64, bool), u32, Spread>,
}

/// Hashes keys that are mostly a hash already: two multiplications, seeded so that no file can bring all to one place.
#[derive(Clone, Debug)]
struct Spread {
    seeds: [u64; 2],
}

impl Default for Spread {
    fn default() -> Spread {
        let seed = |number: u64| RandomState::new().hash_one(number) | 1;
        Spread {
            seeds: [seed(0), seed(1)],
        }
    }
}

impl BuildHasher for Spread {
    type Hasher = Spreading;

    fn build_hasher(&self) -> Spreading {
        let [state, factor] = self.seeds;
        Spreading { state, factor }
    }
}

struct Spreading {
    state: u64,
    factor: u64,
}

impl Hasher for Spreading {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        let product = u128::from(self.state ^ number) * u128::from(self.factor);
        self.state = (product >> 64) as u64 ^ product as u64;
    }

    fn finish(&self) -> u64 {
        self.state
    }
}

impl Default for Scopes {
    fn default() -> Scopes {
        let outermost = Scope {
            parent: 0,
            hash: 0,
            full: 0,
            id: DieId {
                unit: UnitId(0),
                offset: 0,
            },
            is_hidden: true,
        };
        Scopes {
            list: vec![outermost],
            known: HashMap::default(),
        }
    }
}

impl Scopes {
    /// The number of a scope inside another.
    pub(super) fn enter(&mut self, parent: u32, called: Called, id: DieId, is_inline: bool) -> u32 {
        let scope = Scope {
            parent,
            hash: called.plain,
            full: called.full,
            id,
            is_hidden: is_inline || called.is_hidden,
        };
        self.add(scope)
    }

    fn add(&mut self, scope: Scope) -> u32 {
        let next = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        if next >= ScopeAndRole::MOST_SCOPES {
            return 0;
        }
        let key = (scope.parent, scope.full, scope.is_hidden);
        let number = *self.known.entry(key).or_insert(next);
        if number == next {
            self.list.push(scope);
        }
        number
    }

    /// Takes another worker's scopes in; the answer gives the number here of each.
    pub(super) fn take_in(&mut self, others: Scopes) -> Vec<u32> {
        let mut numbers: Vec<u32> = Vec::with_capacity(others.list.len());
        for scope in others.list {
            // A parent was entered before its children. The outermost is everybody's.
            let number = match numbers.get(scope.parent as usize) {
                None => 0,
                Some(parent) => self.add(Scope {
                    parent: *parent,
                    ..scope
                }),
            };
            numbers.push(number);
        }
        numbers
    }

    /// No more are entered.
    pub(super) fn finished(mut self) -> Vec<Scope> {
        self.hide_inline();
        self.list
    }

    /// Not each unit that opens an inline namespace says that it is one; type units of gcc do not.
    fn hide_inline(&mut self) {
        // Parents come before what they hold, so that theirs is known.
        let mut first: Vec<u32> = Vec::with_capacity(self.list.len());
        let mut known: HashMap<(u32, u64), u32, Spread> = HashMap::default();
        let mut hidden = vec![false; self.list.len()];
        for scope in &self.list {
            let number = first.len() as u32;
            let parent = first.get(scope.parent as usize).copied().unwrap_or(0);
            let same = match number {
                0 => 0,
                _ => *known.entry((parent, scope.full)).or_insert(number),
            };
            first.push(same);
            if let Some(hidden) = hidden.get_mut(same as usize) {
                *hidden |= scope.is_hidden;
            }
        }
        for (scope, same) in self.list.iter_mut().zip(first) {
            scope.is_hidden |= hidden.get(same as usize).copied().unwrap_or(false);
        }
    }
}
