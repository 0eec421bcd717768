//! Names from strangers that say where debug files lie: of build-ids, debug links, alternative links and images.

use std::path::{Component, Path, PathBuf};

use farsight_symbols::{DebugAltLink, DebugLink, debug_file_candidates, image_candidates, shared_file_candidates};
use farsight_types::BuildId;

/// An input is lines: a build-id's bytes, the name of a debug link, an image's path, the path of an alternative link.
pub fn debug_file_search(input: &[u8]) {
    let mut lines = input.split(|byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let build_id = BuildId(line().to_vec());
    let mut text = || String::from_utf8_lossy(line()).into_owned();
    let link = DebugLink { name: text(), crc: 1 };
    let image = PathBuf::from(text());
    let alternative = DebugAltLink {
        path: text(),
        build_id: build_id.clone(),
    };
    let roots = [PathBuf::from("/roots/one"), PathBuf::from("/roots/two")];
    let caches = [PathBuf::from("/cache")];
    let copies = [PathBuf::from("/copies")];

    let found = debug_file_candidates(Some(&build_id), Some(&link), &image, &roots, &caches);
    assert!(found.len() <= 32);
    let directory = image.parent().unwrap_or(Path::new(""));
    for candidate in &found {
        let beside = candidate
            .path
            .parent()
            .is_some_and(|parent| parent == directory || parent == directory.join(".debug"));
        let kept = roots.iter().chain(&caches).any(|root| is_below(&candidate.path, root));
        assert!(beside || kept, "{candidate:?} of {link:?} and {image:?}");
    }
    let found = image_candidates(Some(&build_id), &image, &copies, &roots, &caches);
    assert!(found.len() <= 32);
    for candidate in &found {
        let mut folders = copies.iter().chain(&roots).chain(&caches);
        assert!(folders.any(|folder| is_below(&candidate.path, folder)), "{candidate:?}");
    }
    // A path that `dwz` wrote may lead anywhere; what lies there is judged by its build-id.
    assert!(shared_file_candidates(&alternative, &image, &roots).len() <= 32);
}

/// Whether a path cannot lead out of a folder.
fn is_below(path: &Path, folder: &Path) -> bool {
    let rest = path.strip_prefix(folder);
    rest.is_ok_and(|rest| rest.components().all(|part| matches!(part, Component::Normal(_))))
}
