//! Where symbols come from, on programs with every form of debug information, and why files are refused.

use std::ffi::OsString;
use std::path::Path;

use farsight_testkit::{Console, DbgSrv, Scratch, programs};

use crate::support::{assert_in_order, premote};

/// A program of its own at its entry, with these options.
fn launched(program: &Path, options: &[&str]) -> Console {
    let options = options.iter().map(OsString::from);
    let mut console = Console::start(options.chain([program.into()]));
    console.run(".echo launched");
    console
}

fn folder() -> String {
    let units = programs::debuggee("units");
    units.parent().unwrap().display().to_string()
}

#[test]
fn every_form_of_debug_information_is_found_and_explained() {
    let symbols = format!("{}/symbols", folder());
    for (name, has, explained) in [
        ("units", "(dwarf symbols)", "No debug file was looked for"),
        ("units-dwarf4", "(dwarf symbols)", "No debug file was looked for"),
        ("units-zlib", "(dwarf symbols)", "No debug file was looked for"),
        ("units-zstd", "(dwarf symbols)", "No debug file was looked for"),
        ("units-lto", "(dwarf symbols)", "No debug file was looked for"),
        ("units-noseparate", "(dwarf symbols)", "No debug file was looked for"),
        ("units-split", "(dwarf symbols)", "No debug file was looked for"),
        ("units-packed", "(dwarf symbols)", "No debug file was looked for"),
        ("units-dwz", "(dwarf symbols)", "units-shared.dwz - taken"),
        ("units-dwz5", "(dwarf symbols)", "units-shared5.dwz - taken"),
        ("units-debuglink", "(dwarf symbols)", "units-debuglink.debug - taken"),
        ("units-minidebug", "(elf symbols)", ".gnu_debugdata - taken"),
    ] {
        let program = Path::new(&folder()).join(name);
        if !program.is_file() {
            let may_be_missing = std::env::var_os("FARSIGHT_WITHOUT_PEERS").is_some();
            assert!(
                may_be_missing,
                "no {name}; FARSIGHT_WITHOUT_PEERS=1 leaves out what needs it"
            );
            eprintln!("skipped: {name} takes a program to make that is not installed");
            continue;
        }
        let mut console = launched(&program, &["-y", &symbols]);
        let module = name.replace('-', "_");
        let text = console.run(&format!("bp {module}!carry; g; !chksym {module}; lm m {module}"));
        assert_in_order(&text, &["Breakpoint 0 hit", explained, has]);
        assert!(!text.contains("Trouble"), "{name}: {text}");
        console.run(".kill");
    }
}

#[test]
fn a_file_whose_first_page_is_mapped_twice_is_one_module() {
    let mut console = launched(&programs::debuggee("deep-one-page"), &[]);
    let text = console.run("bp deep_one_page!main; g; lm; ln deep_one_page!leaves");
    let modules = text.lines().filter(|line| line.contains("   deep_one_page ("));
    assert_eq!(modules.count(), 1, "{text}");
    assert!(!text.contains("deep_one_page_"), "{text}");
    assert_in_order(&text, &["Breakpoint 0 hit", "deep_one_page!leaves"]);
    console.run(".kill");
}

#[test]
fn a_debug_file_of_another_build_is_refused_loudly_and_taken_only_on_demand() {
    let scratch = Scratch::new();
    let at = |name: &str| scratch.path().join(name);
    let program = at("counter-stripped");
    std::fs::copy(programs::debuggee("counter-stripped"), &program).unwrap();
    std::fs::copy(programs::debuggee("units"), at("counter-stripped.debug")).unwrap();
    std::fs::create_dir(at("symbols")).unwrap();
    std::fs::write(at("symbols/counter-stripped"), "no image at all").unwrap();
    let mut console = launched(&program, &["-y", &scratch.path().display().to_string()]);
    let text = console.run(".reload /f counter_stripped; !chksym counter_stripped; lme");
    assert_in_order(
        &text,
        &[
            "*** WARNING: ",
            "counter-stripped.debug is refused for ",
            "wrong build-id ",
            "Tried for the debug file:",
            ".debug - not there",
            "counter-stripped.debug - wrong build-id ",
            "symbols/counter-stripped - no ELF: ",
            "Symbols: only what ",
            "Trouble: ",
            "counter_stripped",
        ],
    );
    let text = console
        .run("!sym noisy; .reload /i counter_stripped; !sym quiet; lm m counter_stripped; x counter_stripped!carry");
    assert_in_order(
        &text,
        &[
            "SYM: ",
            " - wrong build-id ",
            "taken although it does not fit: wrong build-id ",
            "(dwarf symbols)",
            "counter-stripped.debug",
            "counter_stripped!carry",
        ],
    );
    let text = console
        .run(".reload /f counter_stripped; lm m counter_stripped; .symopt+ 40; .reload /f; lm m counter_stripped");
    assert_in_order(&text, &["(export symbols)", "taken although", "(dwarf symbols)"]);
    let text = console.run(&format!("ld counter_stripped /f {}", at("none").display()));
    assert_in_order(&text, &["*** WARNING: ", "none - not there"]);
}

#[test]
fn a_checksum_decides_where_there_is_no_build_id() {
    let scratch = Scratch::new();
    let program = scratch.path().join("units-debuglink");
    std::fs::copy(programs::debuggee("units-debuglink"), &program).unwrap();
    let mut bytes = std::fs::read(format!("{}/symbols/units-debuglink.debug", folder())).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(scratch.path().join("units-debuglink.debug"), &bytes).unwrap();
    let mut console = launched(&program, &[]);
    let text = console.run("!chksym units_debuglink");
    assert_in_order(
        &text,
        &[
            "WARNING: ",
            "wrong CRC ",
            "units-debuglink.debug - wrong CRC ",
            ", wanted ",
        ],
    );
    bytes[last] ^= 1;
    std::fs::write(scratch.path().join("units-debuglink.debug"), &bytes).unwrap();
    let text = console.run(".reload /f units_debuglink; lm m units_debuglink");
    assert_in_order(&text, &["(dwarf symbols)", "units-debuglink.debug"]);
}

#[test]
fn debug_information_that_only_the_target_has_is_fetched_on_demand() {
    let scratch = Scratch::new();
    let program = scratch.path().join("units");
    std::fs::copy(programs::debuggee("units"), &program).unwrap();
    let server = DbgSrv::start();
    let arguments = premote(server.connection(), [program.to_str().unwrap()]);
    let mut console = Console::start(arguments);
    console.run(".echo launched");
    // From now on nothing but the debuggee's own mapping has it.
    std::fs::remove_file(&program).unwrap();
    let text = console.run("!chksym units");
    assert_in_order(
        &text,
        &[
            "units - not there",
            "ld units /t",
            "Symbols: the symbol table of the target",
        ],
    );
    let text = console.run("ld units /t; !chksym units; lm m units; bp carry; g");
    assert_in_order(
        &text,
        &[
            "(DWARF) of the target",
            "(dwarf symbols)",
            "Breakpoint 0 hit",
            "units!carry",
        ],
    );
    let text = console.run(".reload; x units!carry; lm m units");
    assert_in_order(&text, &["units!carry", "(dwarf symbols)"]);
}
