//! Certificates and stores for the tests.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd,
};

use crate::connection_string::Thumbprint;
use crate::tls::certificates::Certificates;

/// A store that is removed at the end.
pub(super) struct Scratch {
    pub(super) folder: PathBuf,
    pub(super) store: Certificates,
}

impl Scratch {
    pub(super) fn new() -> Scratch {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("farsight-tls-{}-{number}", std::process::id()));
        fs::create_dir_all(folder.join("ca")).unwrap();
        for folder in [&folder, &folder.join("ca")] {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
        }
        let store = Certificates::at(&folder);
        Scratch { folder, store }
    }

    /// A store that has this pair.
    pub(super) fn with(name: &str, pair: &Pair) -> Scratch {
        let scratch = Scratch::new();
        scratch.add(name, pair);
        scratch
    }

    pub(super) fn add(&self, name: &str, pair: &Pair) {
        self.store.add(name, &pair.certificate, &pair.key).unwrap();
    }

    pub(super) fn put(&self, name: &str, text: &str, mode: u32) {
        let path = self.folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A certificate and its key, as PEM.
pub(super) struct Pair {
    pub(super) certificate: String,
    pub(super) key: String,
    pub(super) thumbprint: String,
    pub(super) der: Vec<u8>,
}

/// The parameters of a certificate for a machine, which the caller changes.
pub(super) fn pair(host: &str, change: impl FnOnce(&mut CertificateParams)) -> Pair {
    let mut params = CertificateParams::new([host.to_owned()]).unwrap();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let made = params.self_signed(&key).unwrap();
    Pair::of(&made, &key, made.pem())
}

impl Pair {
    fn of(made: &rcgen::Certificate, key: &KeyPair, certificate: String) -> Pair {
        Pair {
            certificate,
            key: key.serialize_pem(),
            thumbprint: Thumbprint::of(made.der()).to_string(),
            der: made.der().to_vec(),
        }
    }
}

pub(super) fn usual() -> Pair {
    pair("localhost", |_| ())
}

pub(super) fn expired(params: &mut CertificateParams) {
    params.not_after = date_time_ymd(2020, 2, 29);
}

pub(super) fn not_yet(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(3000, 1, 1);
}

pub(super) fn for_clients_only(params: &mut CertificateParams) {
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
}

/// As OpenSSL makes them: an authority that signed itself.
pub(super) fn self_made(params: &mut CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
}

/// An authority, and what it signs.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new() -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(super) fn sign(&self, host: &str, change: impl FnOnce(&mut CertificateParams)) -> Pair {
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let made = params.signed_by(&key, &self.0).unwrap();
        Pair::of(&made, &key, made.pem())
    }
}

impl Scratch {
    pub(super) fn thumbprint_of(&self, name: &str) -> String {
        let text = fs::read(self.folder.join(format!("{name}.pem"))).unwrap();
        let chain = crate::tls::certificates::read_certificates(&text).unwrap();
        Thumbprint::of(&chain[0]).to_string()
    }
}
