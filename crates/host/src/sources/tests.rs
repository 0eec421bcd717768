//! Where source files are found, and what is said of them.

use super::*;

/// A folder that goes with its test.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn folder() -> (Scratch, PathBuf) {
    use std::sync::atomic::{AtomicU32, Ordering};
    static LAST: AtomicU32 = AtomicU32::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("farsight-sources-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    (Scratch(path.clone()), path)
}

fn write(folder: &Path, name: &str, text: &[u8]) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn wanted(path: &str, search: &[&Path]) -> SourceLines {
    SourceLines {
        path: path.into(),
        first: 2,
        count: 2,
        search: search.iter().map(|folder| folder.display().to_string()).collect(),
        ..SourceLines::default()
    }
}

#[test]
fn the_longest_end_of_the_path_wins_and_is_told_once() {
    let (_scratch, folder) = folder();
    write(&folder, "main.c", b"1\nshort\n");
    write(&folder, "src/main.c", b"1\nlong\n3\n4\n");
    let files = SourceFiles::default();
    let wanted = wanted("/build/project/src/main.c", &[&folder]);
    let first = files.read(&wanted);
    assert_eq!(first.lines, ["long", "3"]);
    let is = format!("source: /build/project/src/main.c is {}/src/main.c", folder.display());
    assert_eq!((first.notes, first.trouble), (vec![is], None));
    assert!(files.read(&wanted).notes.is_empty(), "once");
}

#[test]
fn the_checksum_of_the_build_decides_and_a_lesser_file_is_told_loudly() {
    let (_scratch, folder) = folder();
    write(&folder, "src/main.c", b"1\nother\n");
    write(&folder, "main.c", b"1\nsame\n");
    let files = SourceFiles::default();
    let mut wanted = wanted("/build/src/main.c", &[&folder]);
    wanted.md5 = Some(md5::sum(b"1\nsame\n"));
    assert_eq!(files.read(&wanted).lines, ["same"]);
    wanted.md5 = Some([1; 16]);
    let found = files.read(&wanted);
    assert_eq!(found.lines, ["other"]);
    assert!(found.notes.iter().any(|note| note.contains("WARNING")), "{found:?}");
}

#[test]
fn what_is_no_source_file_is_refused_by_name() {
    let (_scratch, folder) = folder();
    write(&folder, "image.c", b"\x7fELF\0\0");
    write(&folder, "short.c", b"1\n");
    std::fs::create_dir_all(folder.join("folder.c")).unwrap();
    let files = SourceFiles::default();
    for (path, expected) in [
        ("/b/image.c", "is no text"),
        ("/b/short.c", "ends with line 1"),
        ("/b/folder.c", "there is no source file"),
        ("/b/none.c", "looked in"),
        ("/b/x/../../../../../../etc/passwd.c", "there is no source file"),
        ("", "there is no source file"),
    ] {
        let found = files.read(&wanted(path, &[&folder]));
        assert!(found.lines.is_empty(), "{path}");
        assert!(found.trouble.unwrap().contains(expected), "{path}");
    }
}
