//! One store: finding what a connection string names, checking who could have put it there, and adding a new pair.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{CertificateFault, Exposure, PemFault, read_certificates, read_key};
use crate::connection_string::{CertificateStore, Thumbprint};
use crate::sys;

/// The machine's store.
const MACHINE: &str = "/etc/farsight/certs";

/// Below a user's configuration.
const USER: &str = "farsight/certs";

/// The folder of authorities in a store.
const AUTHORITIES: &str = "ca";

/// What certificates end in, and what keys do.
const PEM: &str = "pem";
const KEY: &str = "key";

/// The longest file that is read.
const LONGEST: u64 = 256 << 10;

/// Files of a folder that are looked at.
const MOST_FILES: usize = 1024;

/// The longest name that a new certificate gets.
const LONGEST_NAME: usize = 64;

/// A store of certificates.
#[derive(Clone, Debug)]
pub struct Certificates {
    folder: PathBuf,
}

/// What a connection string calls a certificate.
#[derive(Clone, Debug)]
pub(in crate::tls) enum Wanted {
    Thumbprint(Thumbprint),
    Path(PathBuf),
    Name(String),
}

/// A certificate with those behind it, and its key where there is one.
#[derive(Debug)]
pub(in crate::tls) struct Found {
    /// Its file.
    pub(in crate::tls) path: PathBuf,
    pub(in crate::tls) chain: Vec<CertificateDer<'static>>,
    /// Where its key is or should be.
    pub(in crate::tls) key_path: PathBuf,
    pub(in crate::tls) key: Option<PrivateKeyDer<'static>>,
}

/// The files of a pair that was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl Wanted {
    pub(in crate::tls) fn read(text: &str) -> Wanted {
        match Thumbprint::parse(text) {
            Ok(thumbprint) => Wanted::Thumbprint(thumbprint),
            Err(_) if text.contains('/') => Wanted::Path(PathBuf::from(text)),
            Err(_) => Wanted::Name(text.strip_suffix(".pem").unwrap_or(text).to_owned()),
        }
    }
}

impl Certificates {
    /// This user's or this machine's store, whether or not it is there yet.
    pub fn of(store: CertificateStore) -> Result<Certificates, CertificateFault> {
        let set = |name| std::env::var_os(name).filter(|value: &OsString| !value.is_empty());
        let folder = match store {
            CertificateStore::Machine => PathBuf::from(MACHINE),
            CertificateStore::User => {
                let configuration = set("XDG_CONFIG_HOME")
                    .map(PathBuf::from)
                    .filter(|path| path.is_absolute());
                let home = || set("HOME").map(|home| PathBuf::from(home).join(".config"));
                configuration.or_else(home).ok_or(CertificateFault::NoHome)?.join(USER)
            }
        };
        Ok(Certificates { folder })
    }

    /// A store in any folder.
    pub fn at(folder: impl Into<PathBuf>) -> Certificates {
        Certificates { folder: folder.into() }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub(in crate::tls) fn find(&self, wanted: &Wanted) -> Result<Found, CertificateFault> {
        match wanted {
            Wanted::Path(path) => found_at(path),
            Wanted::Name(name) => {
                let path = self.folder.join(format!("{name}.{PEM}"));
                let missing = name.starts_with('.') || !path.is_file();
                self.check_folder(&self.folder)?;
                match missing {
                    true => Err(CertificateFault::NotThere {
                        name: name.clone(),
                        folder: self.folder.clone(),
                        known: self.names(),
                    }),
                    false => found_at(&path),
                }
            }
            Wanted::Thumbprint(thumbprint) => {
                self.check_folder(&self.folder)?;
                // A damaged file must not hide the one that is looked for.
                let is_it = |path: &PathBuf| {
                    let chain = read_file(path, Kind::Certificate).map(|text| read_certificates(&text));
                    matches!(chain, Ok(Ok(chain)) if chain.first().is_some_and(|first| thumbprint.is_of(first)))
                };
                match files(&self.folder).iter().find(|path| is_it(path)) {
                    Some(path) => found_at(path),
                    None => Err(CertificateFault::NoThumbprint {
                        thumbprint: thumbprint.clone(),
                        folder: self.folder.clone(),
                    }),
                }
            }
        }
    }

    /// The certificates of `ca/`; none where there is no such folder.
    pub(in crate::tls) fn authorities(&self) -> Result<Vec<CertificateDer<'static>>, CertificateFault> {
        let folder = self.folder.join(AUTHORITIES);
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        self.check_folder(&self.folder)?;
        self.check_folder(&folder)?;
        let mut authorities = Vec::new();
        for path in files(&folder) {
            let text = read_file(&path, Kind::Certificate)?;
            authorities.extend(read_certificates(&text).map_err(|fault| CertificateFault::Pem { path, fault })?);
        }
        Ok(authorities)
    }

    /// Where its authorities are.
    pub(in crate::tls) fn authorities_folder(&self) -> PathBuf {
        self.folder.join(AUTHORITIES)
    }

    /// Adds a pair under a new name, of which nothing may be there yet, and makes the store where there is none.
    pub fn add(&self, name: &str, certificate: &str, key: &str) -> Result<Added, CertificateFault> {
        let allowed = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
        let is_name = (1..=LONGEST_NAME).contains(&name.len()) && !name.starts_with('.') && name.chars().all(allowed);
        // What would be read as a thumbprint could never be asked for by its name.
        if !is_name || !matches!(Wanted::read(name), Wanted::Name(read) if read == name) {
            return Err(CertificateFault::BadName(name.to_owned()));
        }
        let unwritable = |path: &Path, source| CertificateFault::Unwritable {
            path: path.to_owned(),
            source,
        };
        let mut folders = DirBuilder::new();
        let made = folders.recursive(true).mode(0o700).create(&self.folder);
        made.map_err(|source| unwritable(&self.folder, source))?;
        self.check_folder(&self.folder)?;
        let added = Added {
            certificate: self.folder.join(format!("{name}.{PEM}")),
            key: self.folder.join(format!("{name}.{KEY}")),
        };
        write_new(&added.key, key, 0o600)?;
        if let Err(fault) = write_new(&added.certificate, certificate, 0o644) {
            // A key alone would be in the way of the next attempt.
            let _ = fs::remove_file(&added.key);
            return Err(fault);
        }
        Ok(added)
    }

    /// The names of its certificates.
    fn names(&self) -> Vec<String> {
        let stem = |path: &PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
        files(&self.folder).iter().take(8).filter_map(stem).collect()
    }

    /// Nobody else may put files into it. One that is not there holds nothing.
    fn check_folder(&self, folder: &Path) -> Result<(), CertificateFault> {
        match fs::metadata(folder) {
            Ok(metadata) => check(folder, &metadata, Kind::Certificate),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(CertificateFault::Unreadable {
                path: folder.to_owned(),
                source,
            }),
        }
    }
}

/// What a file holds, which says how well it must be guarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Certificate,
    Key,
}

/// A certificate by its file; its key is in the same file, or in one beside it that ends in `key`.
fn found_at(path: &Path) -> Result<Found, CertificateFault> {
    let fault_of = |path: &Path| {
        let path = path.to_owned();
        move |fault| CertificateFault::Pem { path, fault }
    };
    let (file, text) = open(path, Kind::Certificate)?;
    let chain = read_certificates(&text).map_err(fault_of(path))?;
    if let Some(key) = read_key(&text).map_err(fault_of(path))? {
        let metadata = metadata(&file, path)?;
        check(path, &metadata, Kind::Key)?;
        return Ok(Found {
            path: path.to_owned(),
            chain,
            key_path: path.to_owned(),
            key: Some(key),
        });
    }
    let key_path = path.with_extension(KEY);
    let key = match read_file(&key_path, Kind::Key) {
        Ok(text) => {
            let key = read_key(&text).map_err(fault_of(&key_path))?;
            let none = PemFault::Broken("it holds no private key (-----BEGIN PRIVATE KEY-----)");
            Some(key.ok_or(none).map_err(fault_of(&key_path))?)
        }
        Err(CertificateFault::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => None,
        Err(fault) => return Err(fault),
    };
    Ok(Found {
        path: path.to_owned(),
        chain,
        key_path,
        key,
    })
}

/// The certificate files of a folder, in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == PEM || ending == "crt"))
        .take(MOST_FILES)
        .collect();
    found.sort();
    found
}

fn read_file(path: &Path, kind: Kind) -> Result<Vec<u8>, CertificateFault> {
    open(path, kind).map(|(_, text)| text)
}

/// Opens, checks what was opened and not what the path may name by then, and reads.
fn open(path: &Path, kind: Kind) -> Result<(File, Vec<u8>), CertificateFault> {
    let unreadable = |source| CertificateFault::Unreadable {
        path: path.to_owned(),
        source,
    };
    // Opening a pipe would wait for its writer.
    let mut options = OpenOptions::new();
    let opened = options.read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let file = opened.map_err(unreadable)?;
    let metadata = metadata(&file, path)?;
    if !metadata.is_file() || metadata.len() > LONGEST {
        return Err(CertificateFault::Pem {
            path: path.to_owned(),
            fault: PemFault::NotAFile { most: LONGEST },
        });
    }
    check(path, &metadata, kind)?;
    let mut text = Vec::new();
    (&file).take(LONGEST).read_to_end(&mut text).map_err(unreadable)?;
    Ok((file, text))
}

fn metadata(file: &File, path: &Path) -> Result<Metadata, CertificateFault> {
    file.metadata().map_err(|source| CertificateFault::Unreadable {
        path: path.to_owned(),
        source,
    })
}

/// Refuses what others can write, keys that others can read, and what is somebody else's.
fn check(path: &Path, metadata: &Metadata, kind: Kind) -> Result<(), CertificateFault> {
    let (owner, expected, mode) = (metadata.uid(), sys::effective_uid(), metadata.mode() & 0o777);
    let exposure = if owner != expected && owner != 0 {
        Exposure::Owner { owner, expected }
    } else if mode & 0o022 != 0 {
        Exposure::Writable { mode }
    } else if kind == Kind::Key && mode & 0o077 != 0 {
        Exposure::Readable { mode }
    } else {
        return Ok(());
    };
    Err(CertificateFault::Exposed {
        path: path.to_owned(),
        exposure,
    })
}

fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), CertificateFault> {
    let unwritable = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => CertificateFault::Exists { path: path.to_owned() },
        _ => CertificateFault::Unwritable {
            path: path.to_owned(),
            source,
        },
    };
    let mut options = OpenOptions::new();
    let made = options.write(true).create_new(true).mode(mode).open(path);
    let mut file = made.map_err(unwritable)?;
    file.write_all(text.as_bytes()).map_err(|source| {
        let _ = fs::remove_file(path);
        unwritable(source)
    })
}
