//! What is taken from a store, and each thing that keeps it from being taken.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::making::{Scratch, expired, for_clients_only, not_yet, pair, usual};
use super::{ServerSide, tls};
use crate::connection_string::{CertificateStore, Thumbprint};
use crate::tls::certificates::{Certificates, Facts, read_certificates};

fn load(scratch: &Scratch, name: &str) -> Result<String, String> {
    match ServerSide::load_from(&scratch.store, &tls(name, "")) {
        Ok(side) => Ok(side.thumbprint().to_string()),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn a_certificate_is_found_by_name_thumbprint_and_path() {
    let (one, other) = (usual(), usual());
    let scratch = Scratch::with("one", &one);
    scratch.add("other", &other);
    let sha1: Vec<String> = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &other.der)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    // A damaged file is in nobody's way.
    scratch.put("aaa.pem", "nothing", 0o644);
    let path = scratch.folder.join("other.pem");
    let together = scratch.folder.join("both.pem");
    scratch.put("both.pem", &format!("{}{}", other.key, other.certificate), 0o600);
    for name in [
        "other",
        "other.pem",
        &other.thumbprint,
        &other.thumbprint.to_uppercase(),
        &sha1.join(" "),
        &sha1.join(":"),
        path.to_str().unwrap(),
        together.to_str().unwrap(),
    ] {
        assert_eq!(load(&scratch, name).as_ref(), Ok(&other.thumbprint), "{name}");
    }
    assert_eq!(load(&scratch, "one"), Ok(one.thumbprint));
}

#[test]
fn each_thing_that_is_wrong_with_a_certificate_is_said_with_its_cure() {
    let scratch = Scratch::new();
    let good = usual();
    let add = |name: &str, certificate: &str, key: &str| {
        scratch.put(&format!("{name}.pem"), certificate, 0o644);
        scratch.put(&format!("{name}.key"), key, 0o600);
    };
    let (old, new) = (pair("localhost", expired), pair("localhost", not_yet));
    let clients = pair("localhost", for_clients_only);
    scratch.add("old", &old);
    scratch.add("new", &new);
    scratch.add("clients", &clients);
    add("mixed", &good.certificate, &old.key);
    add("empty", "", &good.key);
    add("der", "\u{30}\u{2}\u{1}", &good.key);
    add("cut", &good.certificate[..good.certificate.len() - 40], &good.key);
    add("letters", &good.certificate.replacen("MI", "!!", 1), &good.key);
    let hollow = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    add("hollow", hollow, &good.key);
    add("many", &good.certificate.repeat(17), &good.key);
    add("nokey", &good.certificate, &good.certificate);
    add("junk", &good.certificate, &good.key.replacen("MIG", "MIH", 1));
    let locked = good.key.replace("PRIVATE", "ENCRYPTED PRIVATE");
    add("locked", &good.certificate, &locked);
    add("long", &"x".repeat(300_000), &good.key);
    scratch.put("lonely.pem", &good.certificate, 0o644);
    for (name, certificate_mode, key_mode) in [("read", 0o644, 0o640), ("write", 0o664, 0o600), ("wide", 0o644, 0o602)]
    {
        scratch.put(&format!("{name}.pem"), &good.certificate, certificate_mode);
        scratch.put(&format!("{name}.key"), &good.key, key_mode);
    }
    scratch.put("open.pem", &format!("{}{}", good.key, good.certificate), 0o644);
    fs::create_dir(scratch.folder.join("folder.pem")).unwrap();
    let cases = [
        (
            "absent",
            &[
                "no certificate 'absent'",
                "absent.pem and absent.key",
                "farsight -makecert",
                "there are: ",
            ][..],
        ),
        ("../x", &["../x cannot be read", "No such file"]),
        (".hidden", &["no certificate '.hidden'"]),
        ("folder", &["no certificate 'folder'"]),
        (&"ab".repeat(32), &["no certificate in", "thumbprint abab"]),
        ("old", &["old.pem expired on 2020-02-29 00:00 UTC", "make another"]),
        ("new", &["new.pem is valid from 3000-01-01 00:00 UTC", "clock"]),
        ("clients", &["clients.pem is not for servers"]),
        ("mixed", &["mixed.key does not belong to", "mixed.pem"]),
        ("empty", &["empty.pem holds no certificate in PEM form"]),
        (
            "der",
            &["der.pem holds no certificate in PEM form", "openssl x509 -inform der"],
        ),
        ("cut", &["cut.pem is damaged", "no END line"]),
        ("letters", &["letters.pem is damaged", "base64"]),
        ("hollow", &["hollow.pem is damaged", "number 1 is none"]),
        ("many", &["many.pem holds more than 16"]),
        ("nokey", &["nokey.key is damaged", "no private key"]),
        ("junk", &["junk.key cannot be used"]),
        ("locked", &["locked.key", "passphrase", "openssl pkey"]),
        ("long", &["long.pem is not a file of at most"]),
        ("lonely", &["lonely.key is missing", "cannot prove"]),
        ("read", &["read.key can be read by others (mode 640): chmod 600"]),
        ("write", &["write.pem can be written by others (mode 664): chmod go-w"]),
        ("wide", &["wide.key can be written by others (mode 602)"]),
        ("open.pem", &["open.pem can be read by others (mode 644)"]),
    ];
    for (name, words) in cases {
        let error = load(&scratch, name).expect_err(name);
        for word in words {
            assert!(error.contains(word), "{name}: no {word:?} in: {error}");
        }
        assert!(!error.contains("PRIVATE KEY-----\nM"), "{error}");
    }
}

#[test]
fn a_store_that_others_write_is_refused() {
    let pair = usual();
    let scratch = Scratch::with("one", &pair);
    let set = |mode| fs::set_permissions(&scratch.folder, fs::Permissions::from_mode(mode)).unwrap();
    for mode in [0o777, 0o770, 0o702] {
        set(mode);
        let error = load(&scratch, "one").unwrap_err();
        assert!(error.contains("can be written by others"), "{error}");
        assert_eq!(load(&scratch, &pair.thumbprint).unwrap_err(), error);
    }
    set(0o755);
    assert_eq!(load(&scratch, "one"), Ok(pair.thumbprint));
}

#[test]
fn a_pair_is_added_once_and_only_under_a_name() {
    let (one, other) = (usual(), usual());
    let scratch = Scratch::new();
    let store = Certificates::at(scratch.folder.join("new/store"));
    let added = store.add("box-17.lab", &one.certificate, &one.key).unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(added.key.as_path()), 0o600);
    assert_eq!(mode(store.folder()), 0o700);
    let again = store.add("box-17.lab", &other.certificate, &other.key).unwrap_err();
    assert!(again.to_string().contains("is not overwritten"), "{again}");
    // Neither half alone is replaced, and no half is left behind.
    fs::remove_file(&added.key).unwrap();
    let again = store.add("box-17.lab", &other.certificate, &other.key).unwrap_err();
    assert!(again.to_string().contains("is not overwritten"), "{again}");
    assert!(!added.key.exists());
    assert_eq!(fs::read_to_string(&added.certificate).unwrap(), one.certificate);
    // A link is not followed to somewhere else.
    symlink(scratch.folder.join("elsewhere"), store.folder().join("link.key")).unwrap();
    assert!(store.add("link", &one.certificate, &one.key).is_err());
    assert!(!scratch.folder.join("elsewhere").exists());
    let long = "x".repeat(65);
    for name in [
        "",
        "a/b",
        "..",
        ".x",
        "a b",
        "x.pem",
        &one.thumbprint,
        &long,
        "ä",
        "a\n",
    ] {
        let error = store.add(name, &one.certificate, &one.key).unwrap_err();
        assert!(
            error.to_string().contains("cannot name a certificate"),
            "{name}: {error}"
        );
    }
}

#[test]
fn the_two_stores_are_where_the_documentation_says() {
    let machine = Certificates::of(CertificateStore::Machine).unwrap();
    assert_eq!(machine.folder().to_str(), Some("/etc/farsight/certs"));
    if let Ok(user) = Certificates::of(CertificateStore::User) {
        assert!(user.folder().ends_with("farsight/certs"));
    }
}

#[test]
fn what_a_certificate_says_of_itself_is_read_however_it_is_cut_or_changed() {
    let made = pair("localhost", |params| {
        params.not_before = rcgen::date_time_ymd(1999, 12, 31);
        params.not_after = rcgen::date_time_ymd(2100, 1, 1);
    });
    let facts = Facts::read(&made.der).unwrap();
    assert_eq!((facts.not_before, facts.not_after), (946_598_400, 4_102_444_800));
    assert!(facts.for_servers);
    assert!(!Facts::read(&pair("x", for_clients_only).der).unwrap().for_servers);
    for end in 0..made.der.len() {
        assert_eq!(Facts::read(&made.der[..end]), None, "{end}");
    }
    for at in 0..made.der.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut der = made.der.clone();
            der[at] ^= change;
            let _ = Facts::read(&der);
            let _ = Thumbprint::of(&der);
        }
    }
    assert_eq!(read_certificates(made.certificate.as_bytes()).unwrap().len(), 1);
}
