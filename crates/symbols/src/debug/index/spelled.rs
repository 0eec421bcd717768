//! The types of one name without an index of all names: the texts are searched for the name, the entries for the places
//! of those texts, and only units in which some are become part of an index.

use std::ops::Range;
use std::sync::atomic::Ordering;

use gimli::Section as _;
use memchr::memmem;

use super::super::DebugInfo;
use super::super::units::UnitStart;
use super::build::UnitPart;
use super::{Cancelled, NameIndex, Watch, build, names};

/// So many names of a module are looked for so; the index of all pays after that.
const MOST_NAMES: u32 = 4;
/// Most texts of one plain name, as instances of one template have: the entries are searched for each.
const MOST_TEXTS: usize = 8;
/// Places in the texts that are looked at, so that a short name ends in words and not in hours.
const MOST_PLACES: usize = 1 << 16;
/// How many bytes are searched before it is asked whether anybody still waits.
const STRETCH: usize = 1 << 24;
/// Places in the entries that may be the name; of more nobody wants to look at each.
const MOST_HITS: usize = 1 << 18;
/// `DW_AT_name` within the entry itself, as abbreviations have it.
const NAME_INSIDE: [u8; 2] = [0x03, 0x08];
/// `DW_AT_GNU_dwo_name` as abbreviations have it, before DWARF 5: the unit's types are in another file.
const OLD_SPLIT: [u8; 2] = [0xb0, 0x42];

impl DebugInfo {
    /// An index of the units that alone can have types of this name, as [`NameIndex::types`] takes it. None where the sections do not
    /// tell which these are, where they are half of the module, and once several names were asked for: then
    /// [`DebugInfo::index`] is as quick. It knows the types of this name and may miss any other.
    pub fn index_for_type(&self, name: &str, watch: &Watch) -> Result<Option<NameIndex>, Cancelled> {
        let components = names::components(name.trim());
        let plain = components.last().map(|last| names::plain(last)).unwrap_or_default();
        if self.ready_index().is_some() || self.names_looked_for.fetch_add(1, Ordering::Relaxed) >= MOST_NAMES {
            return Ok(None);
        }
        let most = self
            .files
            .first()
            .map_or(0, |file| file.borrow().debug_info.reader().slice().len())
            / 2;
        match self.units_that_spell(plain.as_bytes(), most, watch)? {
            Some(units) => build::build_part(self, &units, watch),
            None => Ok(None),
        }
    }

    /// The units that have a name in any place, in their order, each as far as it has it; `most` bytes of them.
    pub(super) fn units_that_spell(
        &self,
        plain: &[u8],
        most: usize,
        watch: &Watch,
    ) -> Result<Option<Vec<UnitPart>>, Cancelled> {
        let [file] = self.files.as_slice() else {
            return Ok(None);
        };
        let dwarf = file.borrow();
        let shapes = dwarf.debug_abbrev.reader().slice();
        let is_by_number = !dwarf.debug_str_offsets.reader().slice().is_empty();
        let is_split = memmem::find(shapes, &OLD_SPLIT).is_some();
        if plain.is_empty() || is_by_number || is_split || self.units.has_types_elsewhere() {
            return Ok(None);
        }
        let Some(texts) = texts(dwarf.debug_str.reader().slice(), plain, watch)? else {
            return Ok(None);
        };
        let entries = dwarf.debug_info.reader().slice();
        // An entry has its name within itself, or the place of it in four bytes; of eight the first four differ.
        let inside = memmem::find(shapes, &NAME_INSIDE).map(|_| plain.to_vec());
        let places = texts.iter().map(|text| (*text as u32).to_le_bytes().to_vec());
        let mut units: Vec<UnitPart> = Vec::new();
        let (mut bytes, mut hits) = (0usize, 0usize);
        for pattern in inside.into_iter().chain(places) {
            let finder = memmem::Finder::new(&pattern);
            let mut at = 0;
            // The part that the last one was in, with where its unit lies.
            let mut known: Option<(UnitPart, Range<usize>)> = None;
            while let Some(found) = find_from(&finder, entries, at, watch)? {
                at = found.saturating_add(1);
                hits += 1;
                if let Some((part, lies)) = known.as_mut().filter(|(_, lies)| lies.contains(&found)) {
                    part.until = found - lies.start;
                } else {
                    units.extend(known.take().map(|(part, _)| part));
                    let id = self.units.holding(0, UnitStart::Info(found));
                    known = id.and_then(|id| {
                        let entry = self.units.get(id)?;
                        let UnitStart::Info(start) = entry.start else {
                            return None;
                        };
                        bytes = bytes.saturating_add(entry.end.saturating_sub(start));
                        let until = found.saturating_sub(start);
                        Some((UnitPart { id, until }, start..entry.end))
                    });
                }
                if bytes > most || hits > MOST_HITS {
                    return Ok(None);
                }
            }
            units.extend(known.map(|(part, _)| part));
        }
        units.sort_unstable_by_key(|part| (part.id, std::cmp::Reverse(part.until)));
        units.dedup_by_key(|part| part.id);
        Ok(Some(units))
    }
}

/// Where the texts lie whose plain name this is; none where there are too many. Linkers let a short text be the end of a
/// longer one, but only where it is nowhere by itself.
fn texts(section: &[u8], plain: &[u8], watch: &Watch) -> Result<Option<Vec<usize>>, Cancelled> {
    let finder = memmem::Finder::new(plain);
    let (mut own, mut ends) = (Vec::new(), Vec::new());
    let mut at = 0;
    for _ in 0..MOST_PLACES {
        let Some(found) = find_from(&finder, section, at, watch)? else {
            ends.retain(|end: &usize| !own.iter().any(|own| text_at(section, *own) == text_at(section, *end)));
            own.append(&mut ends);
            return Ok((own.len() <= MOST_TEXTS).then_some(own));
        };
        at = found.saturating_add(1);
        if names::plain_bytes(text_at(section, found)) != plain {
            continue;
        }
        let is_own = found
            .checked_sub(1)
            .is_none_or(|before| section.get(before) == Some(&0));
        match is_own {
            true => own.push(found),
            // One of each is enough, and there may be any number.
            false if ends.len() <= MOST_ENDS => ends.push(found),
            false => return Ok(None),
        }
        if own.len() > MOST_TEXTS {
            return Ok(None);
        }
    }
    Ok(None)
}

/// Most ends of longer texts that are kept until it is known which are by themselves.
const MOST_ENDS: usize = 1024;

fn text_at(section: &[u8], at: usize) -> &[u8] {
    let rest = section.get(at..).unwrap_or_default();
    let end = memchr::memchr(0, rest).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}

fn find_from(
    finder: &memmem::Finder<'_>,
    section: &[u8],
    from: usize,
    watch: &Watch,
) -> Result<Option<usize>, Cancelled> {
    let mut from = from;
    while from < section.len() {
        if watch.is_cancelled() {
            return Err(Cancelled);
        }
        // What begins in a stretch may end behind it.
        let end = from.saturating_add(STRETCH).saturating_add(finder.needle().len());
        let stretch = section.get(from..end.min(section.len())).unwrap_or_default();
        if let Some(found) = finder.find(stretch) {
            return Ok(Some(from + found));
        }
        from = from.saturating_add(STRETCH);
    }
    Ok(None)
}
