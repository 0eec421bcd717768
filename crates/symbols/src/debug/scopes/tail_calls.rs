//! Functions that are not on the stack any more because they called another one last.
//!
//! The caller's call says whom it called; where that is not the function whose frame lies within, it must have led there
//! by calls that take their caller's place. If the debug information knows all such calls on the way and there is one way
//! only, it is what happened; of several ways, what they have in common at their ends is.

use std::collections::HashSet;

use farsight_types::Rva;

use super::{CallSite, CallTarget, DebugReader, DieId};

/// Longest chain that is looked for.
const MOST_FRAMES: usize = 16;
/// Most functions that are looked through for one.
const MOST_FUNCTIONS: usize = 256;
/// Most ways that are compared.
const MOST_WAYS: usize = 32;
/// Most calls that are followed in all; ways through the same functions multiply.
const MOST_STEPS: usize = 4096;

/// A function that called the next one last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TailCall {
    /// The function.
    pub function: DieId,
    /// Behind its last call.
    pub pc: Rva,
}

/// One search.
struct Search<'s, 'a> {
    reader: &'s DebugReader<'a>,
    named: &'s dyn Fn(&str) -> Option<Rva>,
    callee: DieId,
    /// The way that is being followed.
    way: Vec<TailCall>,
    /// The ways that lead to the callee.
    found: Vec<Vec<TailCall>>,
    looked_through: HashSet<DieId>,
    steps: usize,
}

/// What all ways have in common at their ends, innermost first.
fn certain(ways: &[Vec<TailCall>]) -> Vec<TailCall> {
    let Some((first, others)) = ways.split_first() else {
        return Vec::new();
    };
    let shortest = ways.iter().map(Vec::len).min().unwrap_or(0);
    let common = |at: &dyn Fn(&[TailCall], usize) -> Option<TailCall>| {
        let same = |index: &usize| others.iter().all(|other| at(other, *index) == at(first, *index));
        (0..shortest).take_while(same).count()
    };
    let innermost = common(&|way, index| way.iter().rev().nth(index).copied());
    let outermost = common(&|way, index| way.get(index).copied()).min(shortest - innermost);
    let inner = first.iter().rev().take(innermost);
    let outer = first.iter().take(outermost).rev();
    inner.chain(outer).copied().collect()
}

/// There may be ways that are not known.
struct Unknown;

impl<'a> DebugReader<'a> {
    /// The functions between a call that returns to `place` and the function `callee` whose frame lies within it,
    /// innermost first; none where the call is of that function itself, or where what happened is not certain. `named`
    /// finds a function by its name in the symbol table.
    pub fn tail_calls(&self, place: Rva, callee: DieId, named: &dyn Fn(&str) -> Option<Rva>) -> Vec<TailCall> {
        let Some(CallSite {
            target: CallTarget::Function(called),
            ..
        }) = self.call_returning_to(place)
        else {
            return Vec::new();
        };
        if self.is_same_function(called, callee) {
            return Vec::new();
        }
        let mut search = Search {
            reader: self,
            named,
            callee,
            way: Vec::new(),
            found: Vec::new(),
            looked_through: HashSet::new(),
            steps: 0,
        };
        let Some(first) = self.definition_by_name(called, named) else {
            return Vec::new();
        };
        if first == callee || search.follow(first).is_err() {
            return Vec::new();
        }
        certain(&search.found)
    }

    /// Whether a function may have given its place on the stack to itself, straight or by way of others: what its caller
    /// passed is then not surely what it was called with last. What cannot be followed to its end may come back.
    pub(crate) fn may_come_back(&self, function: DieId, named: &dyn Fn(&str) -> Option<Rva>) -> bool {
        if let Some(known) = self.come_back.borrow().get(&function) {
            return *known;
        }
        let comes_back = self.comes_back(function, named).unwrap_or(true);
        self.come_back.borrow_mut().insert(function, comes_back);
        comes_back
    }

    fn comes_back(&self, function: DieId, named: &dyn Fn(&str) -> Option<Rva>) -> Result<bool, Unknown> {
        let mut seen = HashSet::from([function]);
        let mut open = vec![function];
        let mut steps = 0;
        while let Some(next) = open.pop() {
            let calls = self.call_sites(next).map_err(|_| Unknown)?;
            if !calls.all_tail_calls {
                return Err(Unknown);
            }
            for site in calls.sites.into_iter().filter(|site| site.is_tail) {
                let CallTarget::Function(target) = site.target else {
                    return Err(Unknown);
                };
                steps += 1;
                if steps > MOST_STEPS || seen.len() > MOST_FUNCTIONS {
                    return Err(Unknown);
                }
                if self.is_same_function(target, function) {
                    return Ok(true);
                }
                let target = self.definition_by_name(target, named).ok_or(Unknown)?;
                if seen.insert(target) {
                    open.push(target);
                }
            }
        }
        Ok(false)
    }

    fn is_same_function(&self, called: DieId, callee: DieId) -> bool {
        called == callee
            || self.declaration_of(called) == self.declaration_of(callee)
            || self
                .symbol_name(called)
                .is_some_and(|name| Some(name) == self.symbol_name(callee))
    }

    fn symbol_name(&self, id: DieId) -> Option<String> {
        self.linkage_name(id).or_else(|| self.name(id))
    }

    /// The function with the code, of one that may only be declared here.
    fn definition_by_name(&self, id: DieId, named: &dyn Fn(&str) -> Option<Rva>) -> Option<DieId> {
        let (unit, entry) = self.entry(id).ok()?;
        if !super::ranges(&unit, &entry).is_empty() {
            return Some(id);
        }
        let declaration = self.declaration_of(id);
        let mut here = self.functions_of(id.unit).ok()?.into_iter();
        if let Some(found) = here.find(|function| self.declaration_of(*function) == declaration) {
            return Some(found);
        }
        let place = named(&self.symbol_name(id)?)?;
        let found = self.function_at(place)?;
        let (unit, entry) = self.entry(found).ok()?;
        // Names of places inside of functions are no functions.
        let mut ranges = super::ranges(&unit, &entry).into_iter();
        ranges.any(|range| range.start == place).then_some(found)
    }
}

impl Search<'_, '_> {
    /// Goes through the last calls of a function.
    fn follow(&mut self, function: DieId) -> Result<(), Unknown> {
        if self.way.iter().any(|one| one.function == function) {
            return Ok(());
        }
        self.looked_through.insert(function);
        if self.way.len() >= MOST_FRAMES || self.looked_through.len() > MOST_FUNCTIONS {
            return Err(Unknown);
        }
        let calls = self.reader.call_sites(function).map_err(|_| Unknown)?;
        if !calls.all_tail_calls {
            return Err(Unknown);
        }
        for site in calls.sites.into_iter().filter(|site| site.is_tail) {
            let CallTarget::Function(target) = site.target else {
                return Err(Unknown);
            };
            self.steps += 1;
            let pc = site.return_pc.filter(|_| self.steps <= MOST_STEPS).ok_or(Unknown)?;
            self.way.push(TailCall { function, pc });
            if self.reader.is_same_function(target, self.callee) {
                self.found.push(self.way.clone());
                if self.found.len() > MOST_WAYS {
                    return Err(Unknown);
                }
            } else {
                let target = self.reader.definition_by_name(target, self.named).ok_or(Unknown)?;
                self.follow(target)?;
            }
            self.way.pop();
        }
        Ok(())
    }
}
