//! One element of a container, where an expression asks for it: by its number or its key.

use farsight_symbols::ValueError;

use super::{Entry, Failure};
use crate::values::Value;
use crate::values::tree::{Key, Tree};

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

    /// Takes one of a container's entries: by its key where they have keys, else by its number.
    pub(super) fn pick_entry(&mut self, entries: Vec<Entry>, key: &Key) -> Result<(), Failure> {
        let count = entries.len() as u64;
        let mut numbered = false;
        for (index, entry) in entries.into_iter().enumerate() {
            let is_wanted = match (&entry.key, key) {
                (None, Key::Number(number)) => {
                    numbered = true;
                    i128::try_from(index).is_ok_and(|index| index == *number)
                }
                (Some(own), Key::Number(number)) => match self.ground.number(own) {
                    Err(ValueError::NotYet) => return Err(Failure::Value(ValueError::NotYet)),
                    own => own.is_ok_and(|own| own == *number),
                },
                (Some(own), Key::Text(text)) => self.brief(own)? == format!("\"{text}\""),
                _ => false,
            };
            if is_wanted {
                self.found(Some(entry.value), None);
                return Ok(());
            }
        }
        self.found(None, numbered.then_some(count));
        if let Some(pick) = &mut self.pick {
            pick.asked = true;
        }
        Ok(())
    }
}
