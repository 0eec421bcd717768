//! Debug information in several files: split units (`.dwo`), packages of them (`.dwp`), and supplementary files.
//!
//! An input is a list of sections: a byte whose upper two bits name the file and whose lower ones the section, two for
//! its length (little-endian), its bytes. A second `.debug_info.dwo` begins a second file of a split unit.

use std::sync::Arc;

use farsight_symbols::{DebugInfo, Image, SplitFiles, SplitUnit};

use super::{SECTIONS, Sections, look_at_names, look_at_scopes, look_at_types, of_sections};

/// Sections of split units and packages, in an order that the corpus depends on; new ones go to the end.
const SPLIT_SECTIONS: &[&str] = &[
    ".debug_info.dwo",
    ".debug_abbrev.dwo",
    ".debug_str.dwo",
    ".debug_line.dwo",
    ".debug_str_offsets.dwo",
    ".debug_loclists.dwo",
    ".debug_rnglists.dwo",
    ".debug_loc.dwo",
    ".debug_types.dwo",
    ".debug_cu_index",
    ".debug_tu_index",
];

/// What the upper bits of a section's first byte name.
const SUPPLEMENTARY: u8 = 1;
const PACKAGE: u8 = 2;
const UNIT: u8 = 3;

struct Files {
    package: Option<Arc<Sections>>,
    units: Vec<Sections>,
}

impl SplitFiles for Files {
    fn package(&self) -> Option<Arc<dyn Image>> {
        let package = self.package.clone()?;
        Some(package)
    }

    /// All are tried, as files of the wrong build would be.
    fn unit(&self, _: &SplitUnit, fits: &mut dyn FnMut(&dyn Image) -> bool) {
        let _ = self.units.iter().any(|file| fits(file));
    }
}

/// Split units, packages and supplementary files, of the same build or not.
pub fn debug_split(mut input: &[u8]) {
    let (mut main, mut supplementary, mut package, mut units) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    while let [which, low, high, rest @ ..] = input {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (bytes, behind) = rest.split_at(length);
        input = behind;
        let name = |of: &[&'static str]| of[usize::from(which & 0x3f) % of.len()];
        match which >> 6 {
            PACKAGE => package.push((name(SPLIT_SECTIONS), bytes.to_vec())),
            UNIT => {
                let name = name(SPLIT_SECTIONS);
                if name == SPLIT_SECTIONS[0] || units.is_empty() {
                    units.push(Vec::new());
                }
                units.last_mut().expect("a file").push((name, bytes.to_vec()));
            }
            SUPPLEMENTARY => supplementary.push((name(SECTIONS), bytes.to_vec())),
            _ => main.push((name(SECTIONS), bytes.to_vec())),
        }
    }
    let supplementary = (!supplementary.is_empty()).then(|| of_sections(supplementary));
    let supplementary = supplementary.as_ref().map(|image| image as &dyn Image);
    let Some(info) = DebugInfo::new(&of_sections(main), supplementary) else {
        return;
    };
    let info = info.with_split_files(Box::new(Files {
        package: (!package.is_empty()).then(|| Arc::new(of_sections(package))),
        units: units.into_iter().map(of_sections).collect(),
    }));
    let reader = info.reader();
    look_at_names(&info, &reader);
    look_at_types(&info, &reader);
    look_at_scopes(&info, &reader);
}
