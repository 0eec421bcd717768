//! One element of a container, where an expression asks for it: by its number or its key.

use farsight_session::record::Text;
use farsight_symbols::TypeKind;

use super::{Entry, Failure};
use crate::values::Value;
use crate::values::brief::quoted;
use crate::values::tree::{Key, MOST_PICKED, Picked, Tree};

impl Tree<'_, '_, '_, '_> {
    /// The key of what is looked for in the container at hand, if anything is.
    pub(super) fn wanted(&self) -> Option<Key> {
        let pick = self.pick.as_ref().filter(|_| self.within == 1)?;
        Some(pick.key.clone())
    }

    pub(super) fn found(&mut self, found: Option<Value>, count: Option<u64>) {
        if let Some(pick) = &mut self.pick {
            pick.found = found;
            pick.count = count;
        }
    }

    /// Takes what is wanted of a value that stands for another: that one, or an element of it. One that leads there is a
    /// pointer to what it stands for.
    pub(super) fn pick_inside(&mut self, value: &Value, leads: bool, key: &Key) -> Result<(), Failure> {
        let stripped = self.ground.stripped(value.module, &value.type_ref)?;
        let leads = leads && stripped.target().is_some();
        let target = match leads {
            true => self.ground.target(value)?,
            false => value.clone(),
        };
        let index = match key {
            Key::Target => {
                self.found(Some(target), None);
                return Ok(());
            }
            Key::Number(index) => u64::try_from(*index).unwrap_or(u64::MAX),
            Key::Text(_) => return Ok(()),
        };
        if leads && !self.ground.is_record(&target) {
            // An array by its first element.
            let size = self.ground.size_of(&target).unwrap_or(0);
            let place = target.place.clone()?.at(index.wrapping_mul(size));
            self.found(Some(target.other(target.type_ref.clone(), Ok(place))), None);
        } else if let Ok(elements) = self.ground.elements(&target) {
            let place = target.place.clone()?.at(index.wrapping_mul(elements.stride));
            let one = target.other(elements.element, Ok(place));
            let is_there = elements.count.is_none_or(|count| index < count);
            self.found(is_there.then_some(one), elements.count);
        }
        Ok(())
    }

    /// How many entries of a container are gone through: those that are shown, or those that are looked through for one.
    pub(super) fn most(&self, count: u64, has_keys: bool) -> u64 {
        let most = match self.wanted() {
            None => self.limits.elements,
            // A key says nothing of where its entry is.
            Some(Key::Number(number)) if !has_keys => {
                u64::try_from(number).unwrap_or(0).saturating_add(1).min(MOST_PICKED)
            }
            // A container leads nowhere.
            Some(Key::Target) => 1,
            Some(_) => MOST_PICKED,
        };
        count.min(most)
    }

    /// Takes one of a container's entries: by its key where they have keys, else by its number. `count` is how many it
    /// has, where that is known.
    pub(super) fn pick_entry(&mut self, entries: Vec<Entry>, count: Option<u64>, key: &Key) -> Result<(), Failure> {
        let got = entries.len() as u64;
        let is_whole = count.is_none_or(|count| count <= got);
        let has_keys = entries.first().is_some_and(|entry| entry.key.is_some());
        if let (false, Key::Number(number)) = (has_keys, key) {
            let index = usize::try_from(*number).unwrap_or(usize::MAX);
            let found = entries.into_iter().nth(index);
            let is_beyond = count.is_none_or(|count| i128::from(count) <= *number) || *number < 0;
            let is_none = found.is_none();
            self.found(found.map(|entry| entry.value), is_beyond.then(|| count.unwrap_or(got)));
            self.looked(is_none.then_some(Picked::NotAmong(got)));
            return Ok(());
        }
        let mut waits = None;
        let mut strange = 0;
        for entry in entries {
            let Some(own) = &entry.key else {
                continue;
            };
            match self.is_key(own, key) {
                Ok(Some(true)) => {
                    self.found(Some(entry.value), None);
                    return Ok(());
                }
                Ok(Some(false)) => {}
                Ok(None) => strange += 1,
                // The keys behind this one are asked for together with it.
                Err(failure) if failure.waits() => waits = Some(failure),
                Err(_) => strange += 1,
            }
        }
        if let Some(waits) = waits {
            return Err(waits);
        }
        self.looked(Some(match is_whole {
            _ if got > 0 && strange == got => Picked::OtherKeys,
            true => Picked::Nothing,
            false => Picked::NotAmong(got),
        }));
        Ok(())
    }

    /// Whether an entry's key is the one that is wanted; none where it is neither a number nor a text.
    fn is_key(&mut self, own: &Value, key: &Key) -> Result<Option<bool>, Failure> {
        let of = self.ground.stripped(own.module, &own.type_ref)?;
        let is_number = matches!(
            of.kind,
            TypeKind::Base(_) | TypeKind::Enum { .. } | TypeKind::Pointer(_)
        );
        Ok(match key {
            Key::Number(number) if is_number => Some(self.ground.number(own)? == *number),
            Key::Text(text) => {
                let told = self.brief(own)?;
                let wanted = Text {
                    text: text.clone(),
                    cut: false,
                };
                told.starts_with('"').then(|| told == quoted(&wanted))
            }
            _ => None,
        })
    }

    fn looked(&mut self, looked: Option<Picked>) {
        if let Some(pick) = &mut self.pick {
            pick.looked = looked;
        }
    }
}
