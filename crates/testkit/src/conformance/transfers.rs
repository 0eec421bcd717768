//! Checks of files that are sent and fetched.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use farsight_target::*;
use sha2::{Digest, Sha256};

use super::Connect;
use crate::{Deadline, Scratch, Session, wait_until};

fn seal(bytes: &[u8]) -> FileSeal {
    FileSeal {
        size: bytes.len() as u64,
        checksum: Sha256::digest(bytes).to_vec(),
        replace: false,
        mode: 0o754,
    }
}

fn send(session: &Session, path: &str, offset: usize, bytes: &[u8], end: Option<FileSeal>) -> Result<(), TargetError> {
    let part = FilePart {
        path: path.into(),
        offset: offset as u64,
        end,
        bytes: bytes.to_vec(),
    };
    session.files().write_file(part).map(|_| ())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// A file that is sent in parts appears whole, with its permissions, and is never replaced unless that is asked for.
pub fn sends_and_fetches_files(connect: Connect<'_>) {
    let session = connect();
    let scratch = Scratch::new();
    let file = scratch.path().join("sent");
    let path = file.display().to_string();
    let bytes: Vec<u8> = (0..300_000u32).map(|index| (index % 251) as u8).collect();
    let (head, tail) = bytes.split_at(100_000);
    send(&session, &path, 0, head, None).expect("a part");
    assert!(!file.exists());
    send(&session, &path, head.len(), tail, Some(seal(&bytes))).expect("the last part");
    assert_eq!(fs::read(&file).expect("the file"), bytes);
    assert_eq!(
        fs::metadata(&file).expect("the file").permissions().mode() & 0o7777,
        0o754
    );
    assert_eq!(names(scratch.path()), ["sent"]);

    let again = send(&session, &path, 0, b"other", Some(seal(b"other")));
    assert!(again.is_err_and(|error| error.to_string().contains("already")));
    assert_eq!(fs::read(&file).expect("the file"), bytes);
    let replacing = FileSeal {
        replace: true,
        ..seal(b"")
    };
    send(&session, &path, 0, b"", Some(replacing)).expect("an empty file");
    assert_eq!(fs::read(&file).expect("the file"), b"");
    fs::write(&file, &bytes).expect("a file");

    let fetch = |path: &str, offset, length, seal| {
        session.files().fetch_file(FileFetch {
            path: path.into(),
            offset,
            length,
            seal,
        })
    };
    let piece = fetch(&path, 0, 250_000, true).expect("a piece");
    assert_eq!(piece.bytes, bytes[..250_000]);
    assert_eq!(piece.seal, Some(seal(&bytes)));
    let piece = fetch(&path, 250_000, 1 << 40, false).expect("a piece");
    assert_eq!((piece.bytes.as_slice(), piece.seal), (&bytes[250_000..], None));
    assert_eq!(fetch(&path, u64::MAX / 2, 10, false).expect("nothing").bytes, []);
    let folder = scratch.path().display().to_string();
    for wrong in ["sent", "/no/such/file", &folder, "/dev/null"] {
        let refused = fetch(wrong, 0, 10, true);
        assert!(
            refused.as_ref().is_err_and(|error| error.to_string().contains(wrong)),
            "{refused:?}"
        );
    }
}

/// Whatever goes wrong on the way leaves nothing behind.
pub fn leaves_no_broken_files(connect: Connect<'_>) {
    let session = connect();
    let scratch = Scratch::new();
    let path = scratch.path().join("broken").display().to_string();
    let folder = scratch.path().display().to_string();
    let wrong_sum = FileSeal {
        checksum: vec![0; 32],
        ..seal(b"abc")
    };
    let wrong_size = FileSeal {
        size: 4,
        ..seal(b"abc")
    };
    for (path, offset, end) in [
        (path.as_str(), 0, Some(wrong_sum)),
        (&path, 0, Some(wrong_size)),
        (&path, 7, None),
        (&folder, 0, None),
        (&format!("{folder}/"), 0, None),
        (&format!("{folder}/missing/file"), 0, None),
        ("relative", 0, None),
        ("", 0, None),
        ("/zero\0byte", 0, None),
    ] {
        let refused = send(&session, path, offset, b"abc", end);
        assert!(refused.is_err(), "{path} at {offset}");
        assert_eq!(names(scratch.path()), [""; 0], "{path}");
    }
    send(&session, &path, 0, b"abc", None).expect("a part");
    assert!(send(&session, &path, 5, b"gap", None).is_err());
    assert!(send(&session, &path, 3, b"late", None).is_err(), "the transfer is over");
    assert_eq!(names(scratch.path()), [""; 0]);
    send(&session, &path, 0, b"abc", None).expect("a part");
    assert_eq!(names(scratch.path()).len(), 1);
    session.port.close();
    wait_until("the session's rest is removed", Deadline::usual(), || {
        names(scratch.path()).is_empty()
    });
}
