//! Entries by the hash of their name, as numbers.

use super::super::{DieId, UnitId};

/// One entry as a walk finds it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raw {
    /// Of the plain name, in two halves so that an entry takes 20 bytes.
    hash: (u32, u32),
    pub(super) unit: u32,
    pub(super) offset: u32,
    pub(super) scope: ScopeAndRole,
}

impl Raw {
    pub(super) fn new(hash: u64, unit: UnitId, offset: u32, scope: ScopeAndRole) -> Raw {
        let hash = ((hash >> 32) as u32, hash as u32);
        Raw {
            hash,
            unit: unit.0,
            offset,
            scope,
        }
    }

    pub(super) fn is_named(self, hash: u64) -> bool {
        self.hash() == hash
    }

    /// By name, then by place: as the fields are, in one number, which is faster to compare.
    pub(super) fn order(self) -> u128 {
        u128::from(self.hash()) << 64 | u128::from(self.unit) << 32 | u128::from(self.offset)
    }

    fn hash(self) -> u64 {
        u64::from(self.hash.0) << 32 | u64::from(self.hash.1)
    }
}

/// What an entry is to its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// It has code or storage of its own, or is a type with its members.
    Definition,
    /// A function that is found where it was inlined, and in the instances that refer to it.
    Abstract,
}

/// The scope that an entry is in, and its role.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct ScopeAndRole(u32);

impl ScopeAndRole {
    const ABSTRACT: u32 = 1 << 31;
    /// Most scopes that are told apart; entries of further ones are in none.
    pub(super) const MOST_SCOPES: u32 = Self::ABSTRACT - 1;

    pub(super) fn new(scope: u32, role: Role) -> ScopeAndRole {
        let scope = if scope < Self::MOST_SCOPES { scope } else { 0 };
        match role {
            Role::Definition => ScopeAndRole(scope),
            Role::Abstract => ScopeAndRole(scope | Self::ABSTRACT),
        }
    }

    pub(super) fn scope(self) -> u32 {
        self.0 & !Self::ABSTRACT
    }

    pub(super) fn role(self) -> Role {
        match self.0 & Self::ABSTRACT {
            0 => Role::Definition,
            _ => Role::Abstract,
        }
    }
}

/// One entry of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    unit: u32,
    offset: u32,
    pub(super) scope: ScopeAndRole,
}

impl Item {
    pub(super) fn id(self) -> DieId {
        DieId {
            unit: UnitId(self.unit),
            offset: u64::from(self.offset),
        }
    }
}

/// All entries of one kind, those of one plain name together.
#[derive(Default, Debug)]
pub(super) struct Table {
    /// Invariant: ascending.
    hashes: Vec<u64>,
    /// Where the entries of each hash begin.
    starts: Vec<u32>,
    items: Vec<Item>,
}

impl Table {
    /// Merges what the workers found, each list sorted; `rescope` gives each worker's scopes their common numbers.
    pub(super) fn merge(lists: Vec<Vec<Raw>>, rescope: &[Vec<u32>]) -> Table {
        let total = lists.iter().map(Vec::len).sum();
        let mut table = Table {
            items: Vec::with_capacity(total),
            ..Table::default()
        };
        let mut fronts = vec![0usize; lists.len()];
        for _ in 0..total {
            let heads = lists.iter().zip(&fronts).enumerate();
            let heads = heads.filter_map(|(worker, (list, at))| Some((list.get(*at)?.order(), worker)));
            let Some((_, worker)) = heads.min() else {
                break;
            };
            let (Some(front), Some(list)) = (fronts.get_mut(worker), lists.get(worker)) else {
                break;
            };
            let Some(raw) = list.get(*front).copied() else {
                break;
            };
            *front += 1;
            let Ok(at) = u32::try_from(table.items.len()) else {
                break;
            };
            if table.hashes.last() != Some(&raw.hash()) {
                table.hashes.push(raw.hash());
                table.starts.push(at);
            }
            let scopes = rescope.get(worker);
            let scope = scopes.and_then(|scopes| scopes.get(raw.scope.scope() as usize));
            table.items.push(Item {
                unit: raw.unit,
                offset: raw.offset,
                scope: ScopeAndRole::new(scope.copied().unwrap_or(0), raw.scope.role()),
            });
        }
        table.hashes.shrink_to_fit();
        table.starts.shrink_to_fit();
        table
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// How many different plain names.
    pub(super) fn name_count(&self) -> usize {
        self.hashes.len()
    }

    pub(super) fn of_hash(&self, hash: u64) -> &[Item] {
        match self.hashes.binary_search(&hash) {
            Ok(at) => self.group(at),
            Err(_) => &[],
        }
    }

    /// The entries of one plain name.
    pub(super) fn group(&self, at: usize) -> &[Item] {
        let start = self.starts.get(at).map_or(self.items.len(), |start| *start as usize);
        let end = self.starts.get(at + 1).map_or(self.items.len(), |end| *end as usize);
        self.items.get(start..end).unwrap_or_default()
    }
}
