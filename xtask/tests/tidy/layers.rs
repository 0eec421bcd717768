//! Who may depend on whom: the layers, as one table over `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::none;
use crate::project::{read, root};

/// A crate, the farsight crates it may use, and the outside crates it may use. Development uses are free.
struct Layer {
    name: &'static str,
    ours: &'static [&'static str],
    outside: &'static [&'static str],
}

const LAYERS: &[Layer] = &[
    Layer {
        name: "types",
        ours: &[],
        outside: &["memchr", "minicbor", "thiserror"],
    },
    Layer {
        name: "wire",
        ours: &["types"],
        outside: &["minicbor", "thiserror"],
    },
    Layer {
        name: "seal",
        ours: &[],
        outside: &["chacha20poly1305", "thiserror"],
    },
    Layer {
        name: "transport",
        ours: &["types", "seal"],
        outside: &[
            "getrandom",
            "libc",
            "minicbor",
            "ring",
            "rustls",
            "serial2",
            "sha2",
            "snow",
            "spake2",
            "thiserror",
            "zeroize",
        ],
    },
    Layer {
        name: "session",
        ours: &["types", "wire"],
        outside: &["minicbor", "thiserror"],
    },
    Layer {
        name: "target",
        ours: &["types", "wire"],
        outside: &["minicbor", "thiserror"],
    },
    Layer {
        name: "linux",
        ours: &["types", "wire", "target"],
        outside: &["libc", "memchr", "sha2", "thiserror"],
    },
    Layer {
        name: "symbols",
        ours: &["types"],
        outside: &[
            "object",
            "gimli",
            "memchr",
            "rustc-demangle",
            "cpp_demangle",
            "crc32fast",
            "memchr",
            "thiserror",
        ],
    },
    Layer {
        name: "engine",
        ours: &["types", "wire", "session", "target", "symbols"],
        outside: &["iced-x86", "sha2", "thiserror", "tracing"],
    },
    Layer {
        name: "render",
        ours: &["types", "session"],
        outside: &[],
    },
    Layer {
        name: "serve",
        ours: &["types", "wire", "transport", "target", "linux"],
        outside: &["lexopt", "libc", "thiserror", "zeroize"],
    },
    Layer {
        name: "host",
        ours: &[
            "types",
            "wire",
            "transport",
            "session",
            "target",
            "engine",
            "render",
            "serve",
            "symbols",
        ],
        outside: &[
            "lexopt",
            "libc",
            "memmap2",
            "rcgen",
            "rustyline",
            "signal-hook",
            "thiserror",
            "tracing",
            "tracing-subscriber",
        ],
    },
    Layer {
        name: "farsight",
        ours: &["host"],
        outside: &[],
    },
];

/// What must not be reached, even through others.
const NEVER_REACHED: &[(&str, &[&str])] = &[
    ("serve", &["engine", "symbols", "render", "session", "host"]),
    ("engine", &["transport", "linux", "serve", "host", "render"]),
    ("linux", &["transport", "session", "engine", "symbols", "render"]),
    ("render", &["engine", "target", "transport"]),
];

type Uses = BTreeMap<String, BTreeSet<String>>;

#[test]
fn crates_use_only_the_layers_below_them() {
    none("a crate uses what its layer does not allow", forbidden_uses(&uses()));
}

#[test]
fn what_is_copied_to_the_target_reaches_no_engine_and_the_engine_no_transport() {
    none("a crate reaches what it must not", forbidden_reach(&uses()));
}

#[test]
fn every_crate_has_a_layer() {
    let known: BTreeSet<&str> = LAYERS.iter().map(|layer| layer.name).chain(["testkit"]).collect();
    let unknown = crate::project::crates()
        .into_iter()
        .filter(|name| !known.contains(name.as_str()));
    none("a crate has no row in LAYERS", unknown.collect());
}

#[test]
fn only_tests_use_the_testkit() {
    // The benchmarks are never shipped.
    let users = uses()
        .into_iter()
        .filter(|(name, used)| used.contains("testkit") && name != "bench");
    none("a crate ships the testkit", users.map(|(name, _)| name).collect());
}

#[test]
fn every_dependency_has_a_reason() {
    none(
        "a dependency stands without its reason",
        unreasoned(&read("Cargo.toml")),
    );
    for name in crate::project::crates() {
        none(
            "a crate takes a dependency past the list in Cargo.toml",
            past_the_list(&read(&format!("crates/{name}/Cargo.toml"))),
        );
    }
    none(
        "xtask takes a dependency past the list in Cargo.toml",
        past_the_list(&read("xtask/Cargo.toml")),
    );
}

#[test]
fn the_layer_rules_can_fail() {
    let mut uses = Uses::new();
    uses.insert("serve".into(), ["linux".to_owned(), "tokio".to_owned()].into());
    uses.insert("linux".into(), ["target".to_owned(), "symbols".to_owned()].into());
    assert_eq!(forbidden_uses(&uses).len(), 2);
    assert_eq!(forbidden_reach(&uses).len(), 2);
    assert_eq!(
        unreasoned("[workspace.dependencies]\n# why\na = \"1\"\nb = \"2\"\n[lints]\nc = \"1\"").len(),
        1
    );
    assert_eq!(past_the_list("[dependencies]\na.workspace = true\nb = \"1\"").len(), 1);
}

fn forbidden_uses(uses: &Uses) -> Vec<String> {
    let mut complaints = Vec::new();
    for layer in LAYERS {
        let allowed: BTreeSet<&str> = layer.ours.iter().chain(layer.outside).copied().collect();
        let used = uses
            .get(layer.name)
            .into_iter()
            .flatten()
            .filter(|used| !allowed.contains(used.as_str()));
        complaints.extend(used.map(|used| format!("{} -> {used}", layer.name)));
    }
    complaints
}

fn forbidden_reach(uses: &Uses) -> Vec<String> {
    let mut complaints = Vec::new();
    for (from, never) in NEVER_REACHED {
        let mut reached = BTreeSet::new();
        let mut next = vec![(*from).to_owned()];
        while let Some(name) = next.pop() {
            let used = uses.get(&name).into_iter().flatten();
            next.extend(used.filter(|used| reached.insert((*used).clone())).cloned());
        }
        complaints.extend(
            never
                .iter()
                .filter(|name| reached.contains(**name))
                .map(|name| format!("{from} ~> {name}")),
        );
    }
    complaints
}

/// What each crate of the workspace depends on, development uses apart; our own without their prefix.
fn uses() -> Uses {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root());
    let output = cargo.output().expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let packages = answer["packages"].as_array().expect("packages");
    assert!(
        packages.len() > 10,
        "cargo metadata lists only {} packages",
        packages.len()
    );
    packages
        .iter()
        .map(|package| (name_of(package), dependencies(package)))
        .collect()
}

fn dependencies(package: &Value) -> BTreeSet<String> {
    let all = package["dependencies"].as_array().expect("dependencies").iter();
    all.filter(|dependency| dependency["kind"] != "dev")
        .map(name_of)
        .collect()
}

fn name_of(value: &Value) -> String {
    let name = value["name"].as_str().expect("a name");
    name.strip_prefix("farsight-").unwrap_or(name).to_owned()
}

/// Outside crates in the workspace's list without a comment line right above.
fn unreasoned(manifest: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut inside = false;
    let mut above = "";
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line == "[workspace.dependencies]";
        } else if inside && line.contains('=') && !line.starts_with(['#', ' ']) {
            let ours = line.contains("path = ");
            if !ours && !above.starts_with('#') {
                complaints.push(line.to_owned());
            }
        }
        above = line;
    }
    complaints
}

/// Dependencies of a crate that are not taken from the workspace's list.
fn past_the_list(manifest: &str) -> Vec<String> {
    let mut inside = false;
    let mut complaints = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]");
        } else if inside && line.contains('=') && !line.starts_with('#') && !line.contains("workspace = true") {
            complaints.push(line.to_owned());
        }
    }
    complaints
}
