//! Line tables set beside what readelf decodes of them: what gcc, clang and rustc write.

use std::process::Command;
use std::sync::Arc;

use farsight_symbols::{DebugInfo, Image as _, ImageFile};
use farsight_types::Rva;

use crate::support;

const PROGRAMS: &[&str] = &[
    "units",
    "units_o2",
    "units-dwarf4",
    "cvalues_o2",
    "cvalues-clang_o0",
    "cvalues-clang_o2",
    "panics",
];

#[test]
fn rows_are_those_that_readelf_decodes() {
    let Some(folder) = std::env::var_os("FARSIGHT_DEBUGGEES") else {
        let may_be_missing = std::env::var_os("FARSIGHT_WITHOUT_PEERS").is_some();
        assert!(
            may_be_missing,
            "FARSIGHT_DEBUGGEES names no folder; `cargo xtask programs` fills one and says so"
        );
        eprintln!("skipped: FARSIGHT_DEBUGGEES names no folder");
        return;
    };
    for name in PROGRAMS {
        let path = std::path::Path::new(&folder).join(name);
        let Some(output) = support::run(Command::new("readelf").arg("--debug-dump=decodedline").arg(&path)) else {
            return;
        };
        let image = ImageFile::parse(Arc::new(std::fs::read(&path).unwrap())).unwrap();
        let mut sections = image.layout().sections.iter();
        let text = sections.find(|section| section.name == ".text").unwrap();
        let info = DebugInfo::new(&image, None).unwrap();
        let reader = info.reader();
        let mut compared = 0;
        for row in String::from_utf8_lossy(&output.stdout).lines() {
            let words: Vec<&str> = row.split_whitespace().collect();
            let [file, line, address, ..] = words.as_slice() else {
                continue;
            };
            let (Ok(line), Some(address)) = (line.parse::<u32>(), address.strip_prefix("0x")) else {
                continue;
            };
            let rva = Rva(u64::from_str_radix(address, 16).unwrap());
            // What the linker removed lies at the beginning of the image.
            if rva < text.address {
                continue;
            }
            let rows = reader.rows_in(rva..Rva(rva.0 + 1));
            let is_it = |row: &farsight_symbols::LineRow| {
                row.range.start == rva && row.line == line && row.file.path.ends_with(file.trim_end_matches(':'))
            };
            assert!(rows.iter().any(is_it), "{name}: {row}: {rows:?}");
            compared += 1;
        }
        assert!(compared > 20, "{name}: only {compared} rows");
    }
}
